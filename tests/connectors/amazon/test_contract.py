"""Amazon's own texts, where that folder is present: requests and replies are valid, recorded replies are read."""

import json
from typing import Any

import httpx2
import pytest
from tests.connectors.amazon.model import FIXTURES, answers, breaches, fixture, operations, request_breaches
from tests.connectors.amazon.test_conformance import SmallPages
from tests.connectors.published import validated

from shelftide_amazon.ads import AD_GROUPS, ADS, CAMPAIGNS
from shelftide_amazon.emulator_order_facts import COLUMNS
from shelftide_amazon.emulator_reports import health
from shelftide_amazon.mapping_ads import PRODUCTS, Profile, map_ad, map_ad_group, map_campaign
from shelftide_amazon.mapping_goods import map_listing, map_ranks
from shelftide_amazon.mapping_health import health_rows, map_health
from shelftide_amazon.mapping_money import map_payout
from shelftide_amazon.mapping_orders import ORDER_COLUMNS, impersonal, is_unpriced, map_order, map_order_v0
from shelftide_amazon.marketplaces import MARKETPLACES
from shelftide_amazon.replies import classify
from shelftide_amazon.seller import AmazonSeller
from shelftide_sdk.connector import Stream, days, map_rows
from shelftide_sdk.records import AccountHealth, Listing, Order, OrderLine
from shelftide_sdk.testing.conformance import Bench, ConnectorConformance
from shelftide_sdk.testing.conformance.foundation import NOW, small_world

US = MARKETPLACES["ATVPDKIKX0DER"]
PROFILE = Profile(profile_id="1", currency="USD", zone="America/Los_Angeles", country="US")
WITHOUT_A_MODEL = ("/fba/inbound/v0/",)
pytestmark = [
    pytest.mark.contract,
    pytest.mark.skipif(not FIXTURES.is_dir(), reason="the folder of published samples is not here"),
]


@pytest.mark.parametrize("way", ["search", "report", "v0"])
async def test_requests_and_replies_are_valid_by_the_models(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = type(
        "Suite", (ConnectorConformance,), {"connector": AmazonSeller, "emulator": SmallPages, "since": days(14)}
    )
    suite: ConnectorConformance = made()
    suite.prepare({}, 7, monkeypatch)
    wiring = suite.wiring()
    wiring.settings = {**wiring.settings, "orders_by": way}
    known, checked, found = operations(), 0, list[str]()
    async with Bench(wiring) as bench:
        for stream in _streams_of(way):
            reading = await bench.read(stream)
            assert reading.error is None
            for exchange in reading.exchanges:
                if not exchange.host.startswith("sellingpartnerapi") or exchange.path.startswith(WITHOUT_A_MODEL):
                    continue
                operation, model = next(
                    (op, m)
                    for method, path, op, m in known
                    if method == exchange.method and path.fullmatch(exchange.path)
                )
                schema = operation["responses"][str(exchange.status)]["schema"]
                found += request_breaches(exchange.query, exchange.asked, operation, model)
                found += breaches(json.loads(exchange.body), schema, model)
                checked += 1
    validated(f"amazon-sp, orders by {way}", checked, checked, found)


def _streams_of(way: str) -> list[Stream]:
    """All that is read while orders are; of the other ways the orders alone."""
    found = [stream for stream in AmazonSeller.streams if not stream.name.endswith("_days")]
    return found if way == "search" else found[:1]


def test_the_performance_report_is_valid_by_its_schema() -> None:
    emulator = SmallPages(small_world(7))
    brand = next(iter(emulator.sellers().values()))
    schema = fixture("reports-schemas/accountHealthReport-2020-11-18.json")
    # The schema asks for every metric; the samples of the same file leave some out.
    found = [b for b in breaches(health(emulator, brand, US), schema, schema) if " lacks " not in b]
    assert [b for b in found if "ahrStatus" not in b] == []


def test_the_performance_sample_is_read() -> None:
    sample = fixture("reports-schemas/accountHealthReport-2020-11-18.json")["examples"][0]
    records, rejects = map_rows(health_rows(sample, US), lambda row: map_health(row, "A1", US, NOW), AccountHealth)
    levels = {record.rule: record.level for record in records if isinstance(record, AccountHealth)}
    assert rejects == []
    assert levels["account_status"] == "at_risk"
    assert len(levels) > 10


def test_flat_file_columns_are_amazons() -> None:
    known = set(fixture("sp-stream-schemas/GET_FLAT_FILE_ALL_ORDERS_DATA_BY_LAST_UPDATE_GENERAL.json")["properties"])
    assert set(ORDER_COLUMNS) <= set(COLUMNS) <= known


def test_report_columns_are_amazons() -> None:
    reports = fixture("ads-report-configurations.json")["reports"]
    for name in ("sp", "sd"):
        product = PRODUCTS[name]
        recorded = reports[f"{product.report[0]}:{product.report[1]}:DAILY"]
        assert recorded["adProduct"] == product.name
        assert set(product.asked) <= set(recorded["columns"])


# -- sandbox replies --------------------------------------------------------------------------------------------------


def test_the_sandbox_orders_are_read() -> None:
    bodies = answers("orders_2026-01-01", "/orders/2026-01-01/orders")
    rows = [impersonal(row) for body in bodies for row in body["orders"]]
    kept = [row for row in rows if not is_unpriced(row)]
    records, rejects = map_rows(kept, lambda row: map_order(row, US, US.zone), Order)
    assert rejects == []
    assert sum(isinstance(record, Order) for record in records) == len(kept) > 2
    assert sum(isinstance(record, OrderLine) for record in records) == sum(len(row["orderItems"]) for row in kept)
    assert "John Smith" not in repr(records) + repr(rows)


def test_the_sandbox_orders_of_old_are_read() -> None:
    (items,) = {json.dumps(body) for body in answers("ordersV0", "/orders/v0/orders/{orderId}/orderItems")[:1]}
    lines = json.loads(items)["payload"]["OrderItems"]
    row = answers("ordersV0", "/orders/v0/orders")[0]["payload"]["Orders"][0]
    order, line = map_order_v0(impersonal(row), lines[:1], US, US.zone)
    assert isinstance(order, Order)
    assert isinstance(line, OrderLine)
    assert str(order.total.amount) == "11.01"
    assert str(line.total.amount) == "10.00"


def test_the_sandbox_goods_and_settlements_are_read() -> None:
    listed = answers("listingsItems_2021-08-01", "/listings/2021-08-01/items/{sellerId}")[0]["items"]
    records, rejects = map_rows(listed, lambda row: map_listing(row, US), Listing)
    assert (len([r for r in records if isinstance(r, Listing)]), rejects) == (len(listed), [])
    item = answers("catalogItems_2022-04-01", "/catalog/2022-04-01/items")[0]["items"][0]
    assert [rank.rank for rank in map_ranks(item, US, NOW)]
    group = answers("financesV0", "/finances/v0/financialEventGroups")[0]["payload"]["FinancialEventGroupList"][0]
    text = json.loads(json.dumps(group), parse_float=str)
    (payout,) = map_payout(text, US.zone)
    assert str(payout.amount.amount) == "10.34"


# -- recorded replies of Ads ------------------------------------------------------------------------------------------

RECORDED = sorted(path.name for path in (FIXTURES / "ads-recorded").glob("*.json")) or ["none"]


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_replies_are_no_errors(name: str) -> None:
    reply = fixture(f"ads-recorded/{name}")["response"]
    assert classify(httpx2.Response(reply["status"], json=reply["body"])) is None


def rows_of(name: str) -> list[Any]:
    body = fixture(f"ads-recorded/{name}.json")["response"]["body"]
    for entity in (CAMPAIGNS, AD_GROUPS, ADS):
        for root in entity.root.values():
            if isinstance(body.get(root), list):
                return list(body[root])
    raise LookupError(name)


def test_recorded_lists_are_read() -> None:
    sp, sb = PRODUCTS["sp"], PRODUCTS["sb"]
    first = [map_campaign(row, sp, PROFILE) for row in rows_of("first-call-list-sp-campaigns-0")]
    assert [(c.source_id, str(c.budget.amount if c.budget else None)) for c in first] == [
        ("52978233888897", "15"),
        ("276748589410145", "100"),
        ("62077673972552", "100"),
    ]
    assert first[1].ends_at is not None
    assert first[1].ends_at.isoformat() == "2022-11-09T08:00:00+00:00"
    for name in ("first-call-list-sb-campaigns-0", "sponsored-brands-campaigns-list-campaigns-0"):
        assert all(map_campaign(row, sb, PROFILE).budget for row in rows_of(name))
    groups = [map_ad_group(row, PROFILE) for row in rows_of("sponsored-products-ad-groups-list-ad-groups-0")]
    assert [str(group.bid.amount if group.bid else None) for group in groups] == ["100"]
    assert len([map_ad_group(row, PROFILE) for row in rows_of("sponsored-brands-ad-groups-list-ad-groups-0")]) == 3
    (ad,) = [map_ad(row, PROFILE) for row in rows_of("sponsored-products-product-ads-list-product-ads-0")]
    assert (ad.name, ad.landing_page) == ("a140aafa-1a23", "https://www.amazon.com/dp/B0986YK83J")
