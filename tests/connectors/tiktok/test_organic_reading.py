"""TikTok organic end to end: profile, days and videos of the world arrive, once, with their figures."""

import re
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from tests.connectors.tiktok.bench import organic, small_world

from shelftide_sdk.connector import HealthState
from shelftide_sdk.errors import ConfigurationError, ContractError
from shelftide_sdk.records import AudienceDay, Content, ContentKind, ContentSnapshot, Profile, ProfileDay
from shelftide_sdk.testing.world import World
from shelftide_sdk.testing.world.model import Brand, Network
from shelftide_tiktok.organic import TikTokOrganic, windows
from shelftide_tiktok.videos import load_walk


def own_videos(world: World, brand: Brand) -> list[Any]:
    return [v for v in world.videos(brand.key, Network.TIKTOK) if v.creator_key is None]


@pytest.mark.parametrize("seed", [7, 11])
async def test_views_of_every_day_equal_the_truth(seed: int) -> None:
    world = small_world(seed)
    for brand in world.brands:
        reading = await organic(world, brand).read("profile_days")
        days = {row.day: row for row in reading.of(ProfileDay)}
        last = (world.now - timedelta(hours=24)).date() - timedelta(days=1)
        true = {row.day: row for row in world.profile_days(brand.key, Network.TIKTOK) if row.day <= last}
        assert days.keys() == true.keys()
        assert max(days) == last
        for day, row in days.items():
            assert (row.views, row.reach, row.followers) == (true[day].views, true[day].reach, true[day].followers)
            assert (row.new_followers, row.lost_followers) == (true[day].new_followers, true[day].lost_followers)
            assert row.link_clicks == true[day].link_clicks
            assert row.zone == "UTC"


@pytest.mark.parametrize("seed", [7, 11])
async def test_videos_and_their_totals_equal_the_truth_and_creators_videos_are_not_shown(seed: int) -> None:
    world = small_world(seed)
    for brand in world.brands:
        reading = await organic(world, brand).read("videos")
        true = {v.public_id: v for v in own_videos(world, brand) if v.public_at <= world.now}
        snapshots = {row.content_id: row for row in reading.of(ContentSnapshot)}
        assert snapshots.keys() == true.keys()
        for key, row in snapshots.items():
            totals = true[key].totals(world.now)
            assert (row.views, row.likes, row.saves) == (totals.views, totals.likes, totals.saves)
            assert (row.comments, row.shares, row.reach) == (totals.comments, totals.shares, totals.reach)
            assert row.captured_at == world.now
        contents = {row.source_id: row for row in reading.of(Content)}
        for key, video in true.items():
            assert contents[key].published_at == video.posted_at.replace(microsecond=0)
            assert contents[key].kind is ContentKind.VIDEO
            assert contents[key].hashtags == video.hashtags
            assert contents[key].profile_id == brand.accounts["tiktok-organic"]
        assert reading.rejects == []


async def test_a_video_in_moderation_is_replaced_when_its_public_id_comes() -> None:
    world = small_world()
    brand = world.brands[0]
    video = next(v for v in reversed(own_videos(world, brand)))
    bench = organic(world, brand, ["moderation-delay"])
    world.advance(timedelta(days=1))
    waiting = [v for v in own_videos(world, brand) if v.posted_at > world.now - timedelta(hours=36)]
    while not waiting:
        world.advance(timedelta(hours=12))
        waiting = [v for v in own_videos(world, brand) if v.posted_at > world.now - timedelta(hours=36)]
    video = waiting[-1]
    first = await bench.read("videos")
    pending = next(row for row in first.of(Content) if row.source_id == video.pending_id)
    assert pending.pending_id == video.pending_id
    assert video.pending_id not in {row.content_id for row in first.of(ContentSnapshot)}
    world.advance(timedelta(hours=40))
    second = await bench.read("videos", first.cursor)
    public = next(row for row in second.of(Content) if row.source_id == video.public_id)
    assert public.pending_id == video.pending_id
    assert {"source_id": video.pending_id} in [delete.key for delete in second.deletes]
    snapshot = next(row for row in second.of(ContentSnapshot) if row.content_id == video.public_id)
    assert snapshot.views == video.totals(world.now).views
    third = await bench.read("videos", second.cursor)
    assert video.pending_id not in {delete.key["source_id"] for delete in third.deletes}
    assert video.pending_id not in load_walk(third.cursor).pending


async def test_a_crash_between_asking_and_replacing_loses_no_replacement() -> None:
    world = small_world()
    brand = world.brands[0]
    bench = organic(world, brand, ["moderation-delay"])
    first = await bench.read("videos")
    pending = set(load_walk(first.cursor).pending)
    assert pending
    world.advance(timedelta(days=3))
    lost = await bench.read("videos", first.cursor, crash_after=1)
    assert lost.pages
    again = await bench.read("videos", first.cursor)
    assert pending <= {delete.key["source_id"] for delete in again.deletes}


async def test_a_post_that_fails_moderation_is_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    world = small_world()
    bench = organic(world, None, ["moderation-delay"])
    first = await bench.read("videos")
    key = next(iter(load_walk(first.cursor).pending))
    monkeypatch.setattr(bench.emulator, "_publish_status", lambda request, brand: {"status": "FAILED", "reason": "x"})
    bench.emulator._compiled = None
    monkeypatch.setattr(bench.emulator, "_list_videos", lambda request, brand: {"videos": [], "has_more": False})
    second = await bench.read("videos", first.cursor)
    assert key in {delete.key["source_id"] for delete in second.deletes}
    assert load_walk(second.cursor).pending == {}


async def test_resumes_from_every_saved_cursor_of_the_videos(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shelftide_tiktok.videos.PAGE_SIZE", 3)
    world = small_world()
    whole = await organic(world).read("videos")
    assert len(whole.pages) > 3
    for pages in range(1, len(whole.pages)):
        before = await organic(world).read("videos", crash_after=pages)
        after = await organic(world).read("videos", before.cursor)
        assert before.keyed() | after.keyed() == whole.keyed()
        assert not before.keyed().keys() & after.keyed().keys()


async def test_an_old_unfinished_walk_starts_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shelftide_tiktok.videos.PAGE_SIZE", 3)
    world = small_world()
    before = await organic(world).read("videos", crash_after=2)
    world.advance(timedelta(days=1))
    after = await organic(world).read("videos", before.cursor)
    assert after.keyed().keys() == (await organic(world).read("videos")).keyed().keys()


async def test_videos_older_than_a_year_are_walked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shelftide_tiktok.videos.PAGE_SIZE", 3)
    monkeypatch.setattr("shelftide_tiktok.videos._COUNTED_FOR", timedelta(days=10))
    world = small_world()
    bench = organic(world)
    first = await bench.read("videos")
    second = await bench.read("videos", first.cursor)
    assert 0 < len(second.of(ContentSnapshot)) < len(first.of(ContentSnapshot))
    recent = {c.source_id for c in first.of(Content) if c.published_at > world.now - timedelta(days=10)}
    assert recent <= {c.source_id for c in second.of(Content)}


async def test_the_next_read_of_days_goes_back_three_days_for_the_lag() -> None:
    world = small_world()
    bench = organic(world)
    first = await bench.read("profile_days")
    world.advance(timedelta(days=2))
    second = await bench.read("profile_days", first.cursor)
    assert {row.day for row in second.of(ProfileDay)} == {
        max(r.day for r in first.of(ProfileDay)) + timedelta(days=n) for n in range(-3, 3)
    }


async def test_days_that_are_not_counted_yet_do_not_move_the_cursor(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = organic(small_world())
    monkeypatch.setattr(
        "shelftide_tiktok.emulator_organic.day_rows",
        lambda days, now, restated: {date(2026, 6, 30): {"date": "2026-06-30"}},
    )
    reading = await bench.read("profile_days")
    assert (reading.records, reading.cursor) == ([], None)


def test_windows_hold_sixty_days_at_most_and_meet_without_gap() -> None:
    found = windows(date(2026, 1, 1), date(2026, 6, 30))
    assert found[0] == (date(2026, 1, 1), date(2026, 3, 1))
    assert all((last - first).days <= 59 for first, last in found)
    assert all(later[0] - earlier[1] == timedelta(days=1) for earlier, later in pairwise(found))
    assert found[-1][1] == date(2026, 6, 30)
    assert windows(date(2026, 7, 1), date(2026, 6, 30)) == []


async def test_long_histories_are_read_in_windows() -> None:
    world = World(
        seed=7, now=datetime(2026, 7, 1, 12, tzinfo=UTC), start=datetime(2026, 2, 1, tzinfo=UTC), size="small"
    )
    bench = organic(world)
    reading = await bench.read("profile_days")
    assert bench.paths().count("/open_api/v1.3/business/get/") == 3
    assert len(reading.of(ProfileDay)) == len({row.day for row in reading.of(ProfileDay)}) > 140
    for pages in range(1, 3):
        before = await organic(world).read("profile_days", crash_after=pages)
        after = await organic(world).read("profile_days", before.cursor)
        assert before.keyed() | after.keyed() == reading.keyed()


async def test_the_profile_and_its_audience() -> None:
    world = small_world()
    brand = world.brands[0]
    bench = organic(world, brand)
    (profile,) = (await bench.read("profiles")).of(Profile)
    assert profile.source_id == brand.accounts["tiktok-organic"]
    assert profile.followers == world.profile_days(brand.key, Network.TIKTOK)[-1].followers
    assert profile.zone == "UTC"
    rows = (await bench.read("audience_days")).of(AudienceDay)
    ages = [row.share for row in rows if row.dimension == "age"]
    assert sum(ages) == pytest.approx(1, abs=0.001)
    hours = [row for row in rows if row.dimension == "hour"]
    assert {row.bucket for row in hours} == {str(hour) for hour in range(24)}
    assert len(hours) == len({(row.day, row.bucket) for row in hours}) == 24 * len({row.day for row in hours})
    assert world.now.date() - min(row.day for row in hours) == timedelta(days=14)
    assert {row.dimension for row in rows} == {"age", "gender", "country", "city", "hour"}


async def test_a_grant_opens_one_account_and_a_closed_one_is_named() -> None:
    bench = organic(small_world())
    (account,) = await TikTokOrganic().accounts(bench.context)
    assert account.source_id == bench.settings["account_id"]
    assert (await TikTokOrganic().check(bench.context)).state is HealthState.OK
    bench.emulator.closed.add(account.source_id)  # type: ignore[union-attr]  # this bench emulates the organic API
    health = await TikTokOrganic().check(bench.context)
    assert health.state is HealthState.RECONNECT
    assert re.search("analytics", health.step)
    bench.settings.clear()
    with pytest.raises(ConfigurationError):
        await TikTokOrganic().accounts(bench.context)


async def test_a_looping_cursor_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = organic(small_world())
    circle = {"videos": [], "cursor": 1_000, "has_more": True}
    monkeypatch.setattr(bench.emulator, "_list_videos", lambda request, brand: circle)
    with pytest.raises(ContractError, match="circle"):
        await bench.read("videos")


@pytest.mark.parametrize("cursor", [{"cursor": "x"}, {"captured_at": "soon"}, {"pending": 3}])
async def test_a_cursor_from_elsewhere_is_refused(cursor: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        await organic(small_world()).read("videos", cursor)
    with pytest.raises(ConfigurationError):
        await organic(small_world()).read("profile_days", {"date": "soon"})
