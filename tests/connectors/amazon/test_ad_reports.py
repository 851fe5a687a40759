"""Days of ads read by other reports: each published row schema figure by figure, and the sums of the small world."""

import json
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tests.connectors.amazon.test_conformance import brand_of
from tests.connectors.amazon.test_reports import figure, spoilt, told
from tests.connectors.published import FIXTURES, numbered, sample
from tests.connectors.test_scenarios import suite_of

from shelftide_amazon.ads import AmazonAds
from shelftide_amazon.emulator_ads import AdsNodes
from shelftide_amazon.mapping_ad_reports import AD_REPORTS, ATTRIBUTION
from shelftide_sdk.connector import days
from shelftide_sdk.errors import ConfigurationError
from shelftide_sdk.records import AdBreakdownDay, AdDay, AdLevel
from shelftide_sdk.testing.conformance import Bench
from shelftide_sdk.testing.conformance.bench import Reading
from shelftide_sdk.testing.conformance.foundation import small_world

AD_DAYS = next(stream for stream in AmazonAds.streams if stream.name == "ad_days")
# A published row schema -> the settings that its rows are read by.
READ_BY = (
    ("sponsored_products_productads", {"products": "sp"}),
    ("sponsored_products_campaigns", {"reports": "spCampaigns"}),
    ("sponsored_products_adgroups", {"reports": "spAdGroups"}),
    ("sponsored_products_keywords", {"reports": "spTargeting"}),
    ("sponsored_products_targets", {"reports": "spTargeting"}),
    ("sponsored_products_asins", {"reports": "spPurchasedProduct"}),
    ("sponsored_display_productads", {"products": "sd"}),
    ("sponsored_display_campaigns", {"reports": "sdCampaigns"}),
    ("sponsored_display_adgroups", {"reports": "sdAdGroup"}),
    ("sponsored_display_targets", {"reports": "sdTargeting"}),
    ("sponsored_display_asins", {"reports": "sdPurchasedProduct"}),
    ("sponsored_brands_v3", {"reports": "sbPurchasedProduct"}),
    ("attribution_report", {"reports": ATTRIBUTION}),
)
_SP_DAY = {"spend": "cost", "impressions": "impressions", "conversions": "purchases30d", "revenue": "sales30d"}
_SD_DAY = {"spend": "cost", "clicks": "clicks", "conversions": "purchases", "revenue": "sales"}
# What must arrive, by the settings above: the record's field and the row's column.
ARRIVES: Mapping[str, Mapping[str, str]] = {
    "sp": _SP_DAY,
    "spCampaigns": _SP_DAY,
    "spAdGroups": _SP_DAY,
    "spTargeting": {"spend": "cost", "clicks": "clicks", "conversions": "purchases14d", "entity_id": "adGroupId"},
    "spPurchasedProduct": {"conversions": "unitsSoldClicks1d", "entity_id": "adGroupId"},
    "sd": _SD_DAY,
    "sdCampaigns": _SD_DAY,
    "sdAdGroup": _SD_DAY,
    "sdTargeting": {"spend": "cost", "impressions": "impressions", "conversions": "purchases"},
    "sdPurchasedProduct": {"conversions": "conversionsBrandHalo", "entity_id": "adGroupId"},
    "sbPurchasedProduct": {"conversions": "orders14d"},
    ATTRIBUTION: {"clicks": "Click-throughs", "conversions": "attributedPurchases14d", "entity_id": "creativeId"},
}


def settings_of(name: str) -> dict[str, str] | None:
    """The settings by which rows of a schema are read; None for one that is no report."""
    stem = Path(name).stem
    return next((found for start, found in READ_BY if stem.startswith(start)), None)


async def read_rows(rows: list[Any], settings: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> Reading:
    """Today's rows over the emulated queue of reports."""
    monkeypatch.setattr(AdsNodes, "_content", lambda *_: rows)
    monkeypatch.setattr(AdsNodes, "_attributed_rows", lambda *_: rows)
    wiring = suite_of(AmazonAds, monkeypatch).wiring()
    wiring.settings = {**wiring.settings, **settings}
    wiring.since = days(0)
    async with Bench(wiring) as bench:
        return await bench.read(AD_DAYS)


async def check_row(name: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many figures of a schema's row arrive in records, one of them seen to fail when it is a word."""
    settings = settings_of(name)
    assert settings
    world = small_world(7)
    brand = brand_of(world, AmazonAds.info.name)
    words = {"date": world.now.astimezone(ZoneInfo(brand.zone)).date().isoformat()}
    words |= {"campaignbudgetcurrencycode": brand.currency}
    row: dict[str, Any] = numbered(sample(json.loads((FIXTURES / name).read_text())), words)
    reading = await read_rows([row], settings, monkeypatch)
    assert (reading.error, reading.rejects) == (None, [])
    arrives = ARRIVES[next(iter(settings.values()))]
    for field, column in arrives.items():
        found = told(list(reading.records), f"AdDay.{field}") | told(list(reading.records), f"AdBreakdownDay.{field}")
        assert str(figure(row, column)) in found, field
    broken = await read_rows([spoilt(row, next(iter(arrives.values())), "many")], settings, monkeypatch)
    assert broken.rejects
    return len(arrives)


@pytest.mark.parametrize("report", sorted(set(AD_REPORTS) - {"spPurchasedProduct"}))
async def test_another_level_or_cut_adds_up_to_the_days_of_ads(report: str, monkeypatch: pytest.MonkeyPatch) -> None:
    product = report[:2]
    found: list[dict[Any, Counter[str]]] = []
    for settings in ({"products": product}, {"reports": report}):
        wiring = suite_of(AmazonAds, monkeypatch).wiring()
        wiring.settings = {**wiring.settings, **settings}
        async with Bench(wiring) as bench:
            reading = await bench.read(AD_DAYS)
        assert (reading.error, reading.rejects) == (None, [])
        sums: dict[Any, Counter[str]] = {}
        for record in {_key(record): record for record in reading.records}.values():
            assert isinstance(record, AdDay | AdBreakdownDay)
            day = sums.setdefault((record.day, record.window), Counter())
            day.update(clicks=record.clicks or 0, conversions=int(record.conversions or 0))
        found.append(sums)
    if "Purchased" in report:
        found = [{key: Counter(conversions=each["conversions"]) for key, each in sums.items()} for sums in found]
    assert found[0] == found[1]


def _key(record: Any) -> Any:
    cut = (record.dimension, record.bucket) if isinstance(record, AdBreakdownDay) else ()
    return (record.level, record.entity_id, record.day, record.window, *cut)


async def test_a_day_outside_amazon_is_of_its_creative_or_of_one_product(monkeypatch: pytest.MonkeyPatch) -> None:
    world = small_world(7)
    today = world.now.astimezone(ZoneInfo(brand_of(world, AmazonAds.info.name).zone)).date()
    row = {"date": today.strftime("%Y%m%d"), "campaignId": "spring", "adGroupId": "N/A", "creativeId": "0"}
    bought = {"Click-throughs": "9", "attributedPurchases14d": "2", "attributedTotalPurchases14d": "3"}
    rows = [row | bought | {"totalAttributedSales14d": "7.50"}, row | bought | {"productAsin": "B01"}, {"date": "x"}]
    reading = await read_rows(rows, {"reports": ATTRIBUTION}, monkeypatch)
    total, product = reading.records
    assert isinstance(total, AdDay)
    assert isinstance(product, AdBreakdownDay)
    assert (total.level, total.entity_id, total.clicks, total.conversions) == (
        AdLevel.CAMPAIGN,
        "spring",
        9,
        Decimal(3),
    )
    assert total.revenue is not None
    assert (total.revenue.amount, total.spend) == (Decimal("7.50"), None)
    assert (product.dimension, product.bucket, product.conversions) == ("product", "B01", Decimal(2))
    assert len(reading.rejects) == 1


async def test_an_unknown_report_of_ads_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    reading = await read_rows([], {"reports": "spWishes"}, monkeypatch)
    assert isinstance(reading.error, ConfigurationError)
