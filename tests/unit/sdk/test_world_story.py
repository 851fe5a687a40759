"""What the demo tells must hold for any seed and on any day."""

from datetime import UTC, datetime, timedelta
from math import log

import pytest

from shelftide_sdk.testing.world import World
from shelftide_sdk.testing.world.model import Channel, Network, StockState

WORLDS = [(7, datetime(2026, 11, 22, 9, 30, tzinfo=UTC)), (23, datetime(2026, 5, 4, 23, 50, tzinfo=UTC))]
DAY = timedelta(days=1)


@pytest.fixture(scope="module", params=WORLDS, ids=["seed 7", "seed 23"])
def world(request: pytest.FixtureRequest) -> World:
    seed, now = request.param
    return World(seed, now=now, size="demo")


def patch_state(world: World) -> StockState:
    sku = world.brand("luxi").skus[0]
    return next(s for s in world.stock("luxi") if s.sku_key == sku.key and s.place_key == "luxi-main")


def test_two_agencies_and_forty_brands(world: World) -> None:
    assert len(world.agencies) == 2
    assert all(agency.domain.endswith(".localhost") for agency in world.agencies)
    assert [brand.deep for brand in world.brands].count(True) == 5
    assert len(world.brands) == 40
    assert len({brand.key for brand in world.brands}) == 40
    assert len({brand.name for brand in world.brands}) == 40
    assert {brand.agency_key for brand in world.brands} == {agency.key for agency in world.agencies}
    assert {"USD", "EUR", "TWD", "JPY"} <= {brand.currency for brand in world.brands}


def test_accounts_look_like_the_platforms_own(world: World) -> None:
    for brand in world.brands:
        assert brand.accounts["shopify"] == f"{brand.key}.myshopify.com"
        assert Network.TIKTOK in brand.accounts
        if "tiktok-shop" in brand.accounts:
            assert len(brand.accounts["tiktok-shop"]) == 19
            assert brand.accounts["tiktok-shop"].isdecimal()
    codes = [sku.code for sku in world.brand("luxi").skus]
    assert len(set(codes)) == len(codes)


def test_luxi_is_a_chinese_client_with_a_nine_day_patch(world: World) -> None:
    luxi = world.brand("luxi")
    assert luxi.name == "Luxi 露晞"
    assert {"Luxi", "露晞"} <= set(luxi.aliases)
    assert luxi.market == "US"
    assert luxi.products[0].title == "Cica Patch"
    assert [sku.lead_days for sku in luxi.products[0].skus] == [9]


def test_a_creators_video_is_31_hours_old_and_at_two_million_views(world: World) -> None:
    hits = [v for v in world.videos("luxi", Network.TIKTOK) if world.now - v.posted_at == timedelta(hours=31)]
    assert len(hits) == 1
    assert hits[0].creator_key in {creator.key for creator in world.creators("luxi")}
    assert hits[0].totals(world.now).views == pytest.approx(2_100_000, rel=0.001)
    assert hits[0].converts
    assert hits[0].product_keys == (world.brand("luxi").products[0].key,)


def test_three_bigger_videos_sold_nothing(world: World) -> None:
    rows = [row for row in world.truth().videos("luxi") if row.views > 2_200_000]
    assert len(rows) == 3
    assert all(row.orders == 0 and not row.converts for row in rows)
    assert all(world.now - row.posted_at <= 21 * DAY for row in rows)


def test_the_shelf_looks_full_and_is_empty_in_about_ten_days(world: World) -> None:
    present = world.now
    sku = world.brand("luxi").skus[0]
    now = World(world.seed, now=present, size="demo")
    state = patch_state(now)
    sold = [
        row.units
        for row in now.truth().daily("luxi")
        if row.sku_key == sku.key and row.channel != Channel.AMAZON and row.day >= present.date() - 28 * DAY
    ]
    assert state.available / (sum(sold) / 28) > 18, "by past sales there is plenty"
    assert state.incoming == 0
    empty_after = None
    for day in range(1, 16):
        now.advance(DAY)
        if patch_state(now).available <= 10:
            empty_after = day
            break
    assert empty_after in (9, 10, 11, 12)


def test_ordering_today_is_in_time(world: World) -> None:
    now = World(world.seed, now=world.now, size="demo")
    shipment = now.order_supply("luxi", now.brand("luxi").skus[0].key, 900)
    assert shipment.expected_at == world.now + 9 * DAY
    now.advance(14 * DAY)
    lost = [loss for loss in now.truth().losses("luxi") if loss.at > world.now and loss.sku_key == shipment.sku_key]
    assert sum(loss.units for loss in lost if loss.place_key == shipment.place_key) <= 60


def test_brumea_overtakes_nebbia(world: World) -> None:
    rival = next(c for c in world.competitors("nebbia") if c.name == "Brumea")
    days = world.competitor_days(rival.key)
    assert days[-1].followers == pytest.approx(50_000, rel=0.01)
    assert log(days[-1].followers / days[-31].followers) == pytest.approx(log(1.10), abs=0.002)
    theirs = [v.totals(world.now) for v in world.competitor_videos(rival.key)]
    own = [v.totals(world.now) for v in world.videos("nebbia", Network.TIKTOK) if v.creator_key is None]
    rates = [
        sum(t.likes + t.comments + t.shares + t.saves for t in totals) / sum(t.views for t in totals)
        for totals in (theirs, own)
    ]
    assert rates[0] == pytest.approx(0.068, abs=0.004)
    assert rates[1] == pytest.approx(0.026, abs=0.002)


def test_something_waits_for_moderation_in_every_deep_brand(world: World) -> None:
    for brand in world.brands[:5]:
        waiting = [v for v in world.videos(brand.key, Network.TIKTOK) if v.public_at > world.now]
        assert waiting
