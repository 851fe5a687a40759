"""View curves, feeds and profiles."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from shelftide_sdk.testing.world import World
from shelftide_sdk.testing.world.curves import Curve
from shelftide_sdk.testing.world.demand import LAG_WEIGHTS
from shelftide_sdk.testing.world.model import Network
from shelftide_sdk.testing.world.parameters import CURVE_HORIZON_HOURS, CURVE_SHARES
from shelftide_sdk.testing.world.streams import Dice, dice
from shelftide_sdk.testing.world.timeline import local_midnight
from shelftide_sdk.testing.world.videos import Feed, SimulatedVideo, draw_curve

NOW = datetime(2026, 3, 18, 15, 20, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def world() -> World:
    return World(7, now=NOW, size="small")


def all_videos(world: World) -> list[SimulatedVideo]:
    return [v for brand in world.brands for network in Network for v in world.videos(brand.key, network)]


@pytest.mark.parametrize("kind", CURVE_SHARES)
def test_a_curve_rises_from_nothing_to_everything(kind: str) -> None:
    for number in range(20):
        curve = draw_curve(dice(5, "curve", kind, number), kind)
        at = [curve.fraction(hours / 4) for hours in range(4 * 24 * 30)]
        assert at[0] == 0
        assert curve.fraction(-3.0) == 0
        assert all(earlier <= later for earlier, later in pairwise(at))
        assert curve.fraction(CURVE_HORIZON_HOURS) == 1
        assert curve.fraction(10 * CURVE_HORIZON_HOURS) == 1


def test_a_burst_relaxes_by_its_power_law() -> None:
    # The rate falls as t ** -(1 + theta) and t ** -(1 - theta) with theta = 0.4; day 80 is four times as old as day 20.
    for kind, exponent in (("exogenous-subcritical", 1.4), ("exogenous-critical", 0.6)):
        curve = Curve(kind=kind, scale_hours=1.0)
        early = curve.fraction(480 + 61 * 2) - curve.fraction(480 - 61 * 2)
        late = curve.fraction(1920 + 61 * 2) - curve.fraction(1920 - 61 * 2)
        assert early / late == pytest.approx(4**exponent, rel=0.15)


def test_an_endogenous_burst_peaks_after_a_build_up() -> None:
    curve = Curve(kind="endogenous-critical", scale_hours=6.0, peak_hours=120.0)
    gains = [curve.fraction(24.0 * (day + 1)) - curve.fraction(24.0 * day) for day in range(12)]
    assert gains.index(max(gains)) in (4, 5)


def test_an_unknown_class_of_curve_is_refused() -> None:
    with pytest.raises(ValueError, match="sideways"):
        Curve(kind="sideways", scale_hours=1.0).fraction(5.0)


def test_totals_never_fall_at_any_instant(world: World) -> None:
    rolls = dice(400, "instants")
    videos = all_videos(world)
    for video in [*videos[::7], *(v for v in videos if v.key.startswith("luxi-"))][:40]:
        instants = sorted(video.posted_at + DAY * 40 * rolls.roll() for _ in range(10))
        totals = [video.totals(at) for at in instants]
        for earlier, later in pairwise(totals):
            for name in ("views", "reach", "likes", "comments", "shares", "saves", "watch_seconds", "link_clicks"):
                assert getattr(earlier, name) <= getattr(later, name)
        assert all(total.reach <= total.views for total in totals)


def test_a_video_counts_nothing_while_it_waits_for_moderation(world: World) -> None:
    waiting = [video for video in all_videos(world) if video.public_at > world.now]
    assert waiting
    assert all(video.totals(world.now).views == 0 for video in waiting)
    for video in all_videos(world):
        assert timedelta(minutes=2) <= video.public_at - video.posted_at <= DAY
        assert video.pending_id != video.public_id
        assert video.public_id.isdecimal()
        assert len(video.public_id) == 19


def test_a_quarter_of_viral_videos_sells() -> None:
    world = World(3, now=NOW, size="demo")
    feeds = [feed for key in ("nebbia", "corrente", "yumo", "harubi") for feeds in _feeds(world, key) for feed in feeds]
    videos = [v for feed in feeds for day in range(1500) for v in feed.of_day(3, world.timeline, day)]
    worth = [v.days_worth for v in videos if v.converts and not v.promoted]
    viral = [v for v in videos if v.lifetime_views > 18 * 2.5 * 0.35 * 60_000]
    assert len(viral) > 100
    assert 0.15 < sum(v.converts for v in viral) / len(viral) < 0.40
    assert sorted(worth)[len(worth) // 2] < 5


def _feeds(world: World, key: str) -> list[tuple[Feed, ...]]:
    return list(world.simulation(key)._feeds.values())


def test_purchases_follow_views_by_one_to_six_days() -> None:
    mean = sum(weight * lag for lag, weight in enumerate(LAG_WEIGHTS, start=1))
    assert sum(LAG_WEIGHTS) == pytest.approx(1)
    assert len(LAG_WEIGHTS) == 6
    assert mean == pytest.approx(2.3, abs=0.05)


def test_profile_views_are_the_sum_over_the_brands_own_videos(world: World) -> None:
    brand = world.brand("luxi")
    days = world.profile_days("luxi", Network.TIKTOK)
    own = [v for v in world.videos("luxi", Network.TIKTOK) if v.creator_key is None]
    for figures in (days[5], days[-1]):
        start, end = local_midnight(figures.day, brand.zone), local_midnight(figures.day + DAY, brand.zone)
        assert figures.views == sum(v.views(end) - v.views(start) for v in own)
    assert sum(figures.views for figures in days) > 1_000_000


def test_followers_add_up_and_a_viral_video_lifts_them(world: World) -> None:
    days = list(world.profile_days("luxi", Network.TIKTOK))
    for earlier, later in pairwise(days):
        assert later.followers == earlier.followers + later.new_followers - later.lost_followers
    decoy = next(v for v in world.videos("luxi", Network.TIKTOK) if v.key == "luxi-story-2")
    burst = next(f for f in days if f.day == decoy.public_at.date() + DAY)
    median = sorted(figures.new_followers for figures in days)[len(days) // 4]
    assert burst.new_followers > 5 * median


def test_rivals_keep_their_growth(world: World) -> None:
    for brand in world.brands:
        for competitor in world.competitors(brand.key):
            days = world.competitor_days(competitor.key)
            for earlier, later in pairwise(days):
                assert later.followers == earlier.followers + later.new_followers - later.lost_followers
                assert later.new_followers >= 0
            assert all(v.competitor_key == competitor.key for v in world.competitor_videos(competitor.key))
            assert all(v.converts is False for v in world.competitor_videos(competitor.key))


def test_captions_and_classes_vary(world: World) -> None:
    videos = all_videos(world)
    assert len({video.caption for video in videos}) > 20
    assert len(Counter(video.curve for video in videos)) == len(CURVE_SHARES)
    assert len({video.public_id for video in videos}) == len(videos)


def test_dice_run_out_loudly() -> None:
    rolls = Dice([0.5])
    rolls.roll()
    with pytest.raises(IndexError):
        rolls.roll()
