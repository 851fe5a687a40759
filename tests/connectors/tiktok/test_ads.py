"""TikTok Ads: figures equal the world's on every level and in every cut, deleted ads included."""

from collections import defaultdict
from decimal import Decimal
from typing import Any

import pytest
from tests.connectors.tiktok.bench import Bench, small_world

from shelftide_sdk.errors import AuthorizationError, ContractError, DataError
from shelftide_sdk.records import Ad, AdBreakdownDay, AdDay, AdGroup, AdLevel
from shelftide_sdk.testing.emulator import Request
from shelftide_sdk.testing.world import World
from shelftide_sdk.testing.world.model import AdFigures, Network
from shelftide_tiktok.ads import TikTokAds
from shelftide_tiktok.emulator_ads import TikTokAdsEmulator
from shelftide_tiktok.emulator_ads_facts import entity_id, is_deleted
from shelftide_tiktok.mapping_ads import Advertiser, map_ad_day, map_ad_group, map_campaign

OF = Advertiser(advertiser_id="1", currency="EUR", zone="Europe/Rome")


@pytest.fixture(scope="module")
def world() -> World:
    return small_world(11)


def ads(world: World, **settings: str) -> Bench:
    brand = next(brand for brand in world.brands if "tiktok-ads" in brand.accounts)
    found = {"advertiser_id": brand.accounts["tiktok-ads"], "currency": brand.currency, "zone": brand.zone}
    return Bench(TikTokAds, TikTokAdsEmulator(world, seed=world.seed), brand, settings=found | settings)


def shown(bench: Bench, world: World) -> list[AdFigures]:
    return list(world.ad_days(bench.brand.key, "tiktok-ads"))


async def test_every_level_adds_up_to_the_truth(world: World) -> None:
    bench = ads(world)
    truth = shown(bench, world)
    reading = await bench.read("ad_days")
    days = [row for row in reading.keyed().values() if isinstance(row, AdDay)]
    assert not reading.rejects
    for level in (AdLevel.CAMPAIGN, AdLevel.AD_GROUP, AdLevel.AD):
        mine = [row for row in days if row.level is level]
        assert sum(row.spend.amount for row in mine if row.spend) == sum(f.spend for f in truth)
        assert sum(row.impressions or 0 for row in mine) == sum(f.impressions for f in truth)
        assert sum(row.conversions or 0 for row in mine) == sum(f.conversions for f in truth)
        assert sum((row.revenue.amount for row in mine if row.revenue), Decimal(0)) == sum(f.revenue for f in truth)
    by_ad = {(row.entity_id, row.day): row for row in days if row.level is AdLevel.AD}
    for figures in truth:
        row = by_ad[entity_id(figures.ad_key), figures.day]
        assert (row.clicks, row.likes, row.follows) == (figures.clicks, figures.likes, figures.follows)


async def test_deleted_ads_are_read_with_what_they_spent(world: World) -> None:
    bench = ads(world)
    deleted = {entity_id(e.key) for e in world.ads(bench.brand.key, "tiktok-ads") if is_deleted(e)}
    found = {ad.source_id: ad for ad in (await bench.read("ads")).of(Ad)}
    assert deleted <= set(found), "the list leaves deleted ads out unless it is asked for all"
    assert {found[key].status for key in deleted} <= {"ad_status_delete"}
    assert {ad.content_id for ad in found.values()} <= {
        v.public_id for v in world.videos(bench.brand.key, Network.TIKTOK)
    }


async def test_each_cut_adds_up_to_its_day(world: World) -> None:
    bench = ads(world)
    spend: dict[str, Decimal] = defaultdict(Decimal)
    clicks: dict[str, int] = defaultdict(int)
    reading = await bench.read("ad_breakdown_days")
    for row in reading.keyed().values():
        assert isinstance(row, AdBreakdownDay)
        assert row.spend is not None
        spend[row.dimension] += row.spend.amount
        clicks[row.dimension] += row.clicks or 0
    truth = shown(bench, world)
    for dimension in ("gender", "age", "country", "os"):
        assert spend[dimension] == sum(f.spend for f in truth)
        assert clicks[dimension] == sum(f.clicks for f in truth)
    assert 0 < spend["hour"] < spend["gender"], "hours are read for two weeks only"


async def test_currency_and_zone_are_looked_up_when_the_settings_lack_them(world: World) -> None:
    bench = ads(world, currency="", zone="")
    rows = (await bench.read("ad_days")).of(AdDay)
    assert {row.zone for row in rows} == {bench.brand.zone}
    assert {row.spend.currency for row in rows if row.spend} == {bench.brand.currency}


async def test_one_token_lists_all_advertisers_of_a_client(world: World) -> None:
    bench = ads(world)
    emulator = bench.emulator
    assert isinstance(emulator, TikTokAdsEmulator)
    found = await TikTokAds().accounts(bench.context)
    assert [a.source_id for a in found] == [bench.brand.accounts["tiktok-ads"]]
    assert found[0].settings["zone"] == bench.brand.zone
    token = emulator.grants.issue(f"client:{bench.brand.client_key}").access
    asked = (("app_id", emulator.client_id), ("secret", emulator.client_secret))
    reply = await emulator.handle(
        Request(
            method="GET", host="business-api.tiktok.com", path="/open_api/v1.3/oauth2/advertiser/get/", query=asked,
            headers={"access-token": token}, body=b"",
        )
    )  # fmt: skip
    owned = {b.accounts["tiktok-ads"] for b in world.brands if b.client_key == bench.brand.client_key}
    assert all(account.encode() in reply.body for account in owned)


async def test_a_foreign_advertiser_is_refused(world: World) -> None:
    bench = ads(world, advertiser_id="7999999999999999999")
    with pytest.raises(AuthorizationError):
        await bench.read("ads")


def row(**metrics: Any) -> dict[str, Any]:
    return {"dimensions": {"campaign_id": "17", "stat_time_day": "2026-03-01 00:00:00"}, "metrics": metrics}


def test_a_dash_is_unknown_and_not_nothing() -> None:
    found = map_ad_day(row(spend="1.50", conversion="-", total_purchase_value=None, clicks="0"), OF, AdLevel.CAMPAIGN)
    assert (found.conversions, found.revenue, found.clicks, found.impressions) == (None, None, 0, None)
    assert found.spend is not None
    assert found.spend.amount == Decimal("1.50")


@pytest.mark.parametrize("budget", [20.0, float("nan")])
def test_a_budget_that_went_through_a_float_is_refused(budget: float) -> None:
    text = {"campaign_id": "1", "campaign_name": "x", "operation_status": "ENABLE", "budget_mode": "BUDGET_MODE_DAY"}
    with pytest.raises(Exception, match="float"):
        map_campaign({**text, "budget": budget}, OF)
    assert map_campaign({**text, "budget": Decimal("20.5")}, OF).budget is not None


async def test_the_platforms_own_count_stands_beside_what_came(world: World) -> None:
    for stream in ("campaigns", "ad_groups", "ads"):
        pages = (await ads(world).read(stream)).pages
        assert [page.total for page in pages] == [sum(len(page.records) for page in pages)] * len(pages)
        assert pages[0].total


async def test_a_page_that_comes_again_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = ads(world)
    emulator = bench.emulator
    assert isinstance(emulator, TikTokAdsEmulator)
    real = emulator._page

    def stuck(request: Request, rows: list[Any]) -> Any:
        found = real(request, rows)
        return {**found, "page_info": {**found["page_info"], "total_page": 9}, "list": found["list"] or rows}

    monkeypatch.setattr(emulator, "_page", stuck)
    with pytest.raises(ContractError, match="same page"):
        await bench.read("campaigns")


async def test_ad_groups_tell_their_pixel_and_windows(world: World) -> None:
    groups = (await ads(world).read("ad_groups")).of(AdGroup)
    assert len({group.pixel_id for group in groups}) == 1
    assert {(group.optimisation_event, group.click_window) for group in groups} == {("SHOPPING", "SEVEN_DAYS")}
    assert {group.view_window for group in groups} == {None}


def test_the_newer_windows_go_before_the_older_one_and_none_is_made_up() -> None:
    row: dict[str, Any] = {"adgroup_id": "1", "campaign_id": "2", "adgroup_name": "a", "operation_status": "ENABLE"}
    bare = map_ad_group(row, OF)
    assert (bare.pixel_id, bare.optimisation_event, bare.click_window, bare.view_window) == (None, None, None, None)
    words = {"click_attribution_window": "ONE_DAY", "view_attribution_window": "OFF", "conversion_window": "SEVEN_DAYS"}
    found = map_ad_group({**row, **words, "pixel_id": 7200000000000000123}, OF)
    assert (found.pixel_id, found.click_window, found.view_window) == ("7200000000000000123", "ONE_DAY", "OFF")
    with pytest.raises(DataError, match="conversion_window"):
        map_ad_group({**row, "conversion_window": 7}, OF)
    with pytest.raises(DataError):
        map_ad_group({**row, "pixel_id": 7.2e18}, OF)


async def test_days_of_the_account_add_up_to_the_truth(world: World) -> None:
    bench = ads(world, totals="yes")
    truth = shown(bench, world)
    days, cuts = await bench.read("ad_days"), await bench.read("ad_breakdown_days")
    assert days.rejects == cuts.rejects == []
    whole = [row for row in days.keyed().values() if isinstance(row, AdDay)]
    parts = [row for row in cuts.keyed().values() if isinstance(row, AdBreakdownDay) and row.dimension == "gender"]
    assert {(row.level, row.entity_id) for rows in (whole, parts) for row in rows} == {
        (AdLevel.ACCOUNT, bench.settings["advertiser_id"])
    }
    assert sum(row.spend.amount for row in whole if row.spend) == sum(f.spend for f in truth)
    assert sum(row.conversions or 0 for row in whole) == sum(f.conversions for f in truth)
    assert (
        sum(row.clicks or 0 for row in whole) == sum(row.clicks or 0 for row in parts) == sum(f.clicks for f in truth)
    )
