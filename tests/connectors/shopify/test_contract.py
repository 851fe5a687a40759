"""Against Shopify's own schemas and recorded bodies, where that folder is present."""

import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from graphql import NoDeprecatedCustomRule, build_client_schema, parse, validate
from tests.connectors.published import validated
from tests.connectors.shopify.answers import Answers, lines_of
from tests.connectors.test_scenarios import suite_of

from shelftide_sdk.records import Location, Order, OrderLine, Product, Record, Refund, StockLevel, Variant
from shelftide_sdk.testing.conformance import Bench
from shelftide_sdk.webhooks import ForgedDeliveryError
from shelftide_shopify import door
from shelftide_shopify.connector import Shopify
from shelftide_shopify.deliveries import FORM_OF, describe
from shelftide_shopify.emulator_bulk import FILE_HOST, check
from shelftide_shopify.emulator_cost import MAX_QUERY_COST, CostCounter
from shelftide_shopify.queries import all_queries, bulk_orders, bulk_products
from shelftide_shopify.rest import READERS, UNREAD
from shelftide_shopify.shop import Shop

FIXTURES = Path(__file__).parents[4] / "shared" / "platforms" / "fixtures" / "shopify"
SCHEMAS, BODIES = FIXTURES / "admin-graphql", FIXTURES / "rest-shapes"

pytestmark = [
    pytest.mark.contract,
    pytest.mark.skipif(not FIXTURES.is_dir(), reason="the folder of official schemas and recorded bodies is not here"),
]

SHOP = Shop(source_id="690933842", name="Apple", domain="apple.myshopify.com", zone="America/New_York", currency="USD")
CARRIERS: dict[str, set[type[Record]]] = {
    "order.json": {Order, OrderLine},
    "refund.json": {Refund},
    "product.json": {Product, Variant},
    "variant.json": {Variant},
    "inventory_level.json": {StockLevel},
    "location.json": {Location},
    "locations.json": {Location},
}


@cache
def introspection(version: str) -> Any:
    path = SCHEMAS / f"admin_{version}.introspection.json.gz"
    return build_client_schema(json.loads(gzip.decompress(path.read_bytes()))["data"], assume_valid=True)


@pytest.mark.parametrize("version", ["2026-07", "2026-10"])
def test_every_query_is_valid(version: Any) -> None:
    schema = introspection(version)
    faults = {name: [e.message for e in validate(schema, parse(query))] for name, query in all_queries().items()}
    validated("shopify, queries", len(faults), 0, [(name, found) for name, found in faults.items() if found])
    for query in (bulk_orders("2026-01-01T00:00:00Z", True), bulk_products("2026-01-01T00:00:00Z", True)):
        assert check(schema, query)[1] == ""


@pytest.mark.parametrize("version", ["2026-07", "2026-10"])
async def test_every_reply_of_the_emulator_is_valid(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    answers, faults, requests, replies = Answers(introspection(version)), list[str](), 0, 0
    monkeypatch.setattr(door, "API_VERSION", version)
    for way in ("never", "always"):
        wiring = suite_of(Shopify, monkeypatch).wiring()
        wiring.settings = {**wiring.settings, "bulk": way}
        async with Bench(wiring) as bench:
            for stream in Shopify.streams:
                bulk, reading = "", await bench.read(stream)
                assert reading.error is None
                for exchange in reading.exchanges:
                    if exchange.path.endswith("graphql.json"):
                        asked, body = json.loads(exchange.asked), json.loads(exchange.body)
                        bulk = asked.get("variables", {}).get("query") or bulk
                        faults += answers.faults(asked["query"], body["data"])
                        requests, replies = requests + 1, replies + 1
                    elif exchange.host == FILE_HOST:
                        rows = lines_of(exchange.body)
                        faults += [fault for row in rows for fault in answers.line_faults(bulk, row)]
                        replies += len(rows)
    validated("shopify, replies", requests, replies, faults)


GOOD: dict[str, Any] = {
    "id": "gid://shopify/Order/1",
    "displayFinancialStatus": "PAID",
    "createdAt": "2026-03-01T10:00:00Z",
    "test": False,
    "totalPriceSet": {"shopMoney": {"amount": "1.50", "currencyCode": "USD"}},
    "lineItems": {"nodes": [{"id": "gid://shopify/LineItem/2", "quantity": 3}]},
}
ASKED = """{ orders(first: 1) { nodes { id displayFinancialStatus createdAt test
    totalPriceSet { shopMoney { amount currencyCode } } lineItems(first: 1) { nodes { id quantity } } } } }"""


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({}, []),
        ({"displayFinancialStatus": None}, []),
        ({"displayFinancialStatus": "GIVEN"}, ["is no OrderDisplayFinancialStatus"]),
        ({"createdAt": None}, ["createdAt is null"]),
        ({"createdAt": "yesterday"}, ["createdAt is no DateTime"]),
        ({"test": "no"}, ["test is no Boolean"]),
        ({"totalPriceSet": {"shopMoney": {"amount": 1.5, "currencyCode": "USD"}}}, ["amount is no Decimal"]),
        ({"totalPriceSet": {"shopMoney": {"amount": "1.5"}}}, ["currencyCode is missing"]),
        ({"lineItems": {"nodes": [{"id": "gid://shopify/LineItem/2", "quantity": "3"}]}}, ["quantity is no Int"]),
        ({"lineItems": {"nodes": {}}}, ["nodes is no list"]),
        ({"note": "x"}, ["note was not asked for"]),
    ],
)
def test_a_reply_that_breaks_the_schema_is_named(change: dict[str, Any], told: list[str]) -> None:
    answers, row = Answers(introspection("2026-07")), GOOD | change
    found = list(answers.faults(ASKED, {"orders": {"nodes": [row]}}))
    assert [want in fault for want, fault in zip(told, found, strict=True)] == [True] * len(told)
    line = {name: value for name, value in row.items() if name != "lineItems"}
    if "lineItems" not in change:
        assert len(list(answers.line_faults(ASKED, line))) == len(told)
    assert list(answers.line_faults(ASKED, {"id": "gid://shopify/LineItem/2", "quantity": 3, "__parentId": "x"})) == []
    assert list(answers.line_faults(ASKED, {"id": "gid://shopify/Refund/2"}))


@pytest.mark.parametrize("version", ["2026-07", "2026-10"])
def test_no_query_uses_what_is_deprecated(version: Any) -> None:
    schema = introspection(version)
    found = {
        name: [e.message for e in validate(schema, parse(query), [NoDeprecatedCustomRule])]
        for name, query in all_queries().items()
    }
    assert {name: messages for name, messages in found.items() if messages} == {}


def test_first_pages_cost_less_than_one_query_may() -> None:
    schema = introspection("2026-07")
    sizes = {"orders[True]": 8, "products[True]": 20, "stock": 50, "locations": 50, "order_lines": 50}
    sizes |= {"transfers": 20, "transfer_shipments": 50, "shipment_lines": 50, "discounts": 20, "discount_codes": 50}
    sizes |= {"activities": 50, "deletions": 100}
    for name, size in sizes.items():
        cost = CostCounter(schema, parse(all_queries()[name]), {"first": size}).requested()
        assert cost <= MAX_QUERY_COST, name
    by_id = CostCounter(schema, parse(all_queries()["orders_by_id[True]"]), {"ids": ["x"] * 8})
    assert by_id.requested() <= MAX_QUERY_COST


def bodies() -> dict[str, tuple[str, Any]]:
    found = {}
    for path in sorted(BODIES.glob("*.json")):
        content = json.loads(path.read_text())
        found[path.name] = next((k, v) for k, v in content.items() if not k.startswith("_"))
    return found


def test_at_most_one_body_in_twenty_is_unread_and_none_with_orders_stock_or_figures() -> None:
    all_bodies = bodies()
    unread = {name: UNREAD[kind] for name, (kind, _) in all_bodies.items() if kind not in READERS}
    assert len(unread) / len(all_bodies) <= 0.05
    assert all(unread.values())
    assert not unread.keys() & CARRIERS.keys()


@pytest.mark.parametrize("name", sorted(bodies()) if BODIES.is_dir() else [])
def test_a_recorded_body_is_read(name: Any) -> None:
    kind, body = bodies()[name]
    if kind in UNREAD:
        pytest.skip(UNREAD[kind])
    reading = READERS[kind](body, SHOP)
    kinds: set[type[Record]] = {type(record) for record in reading.records}
    assert CARRIERS.get(name, set()) <= kinds
    said = (
        reading.records,
        reading.stale_orders,
        reading.stale_items,
        reading.customer,
        reading.facts,
        reading.skipped,
    )
    assert any(said)


def test_the_recorded_order_in_figures() -> None:
    order, *lines = READERS["order"](bodies()["order.json"][1], SHOP).records
    assert isinstance(order, Order)
    assert (order.source_id, str(order.total.amount), order.total.currency) == ("450789469", "409.94", "USD")
    assert order.placed_at.isoformat() == "2008-01-10T16:00:00+00:00"
    assert order.promo_codes == ("TENOFF",)
    assert order.customer is not None
    assert order.customer.platform_id == "207119551"
    found = [line for line in lines if isinstance(line, OrderLine)]
    assert len(found) == len(bodies()["order.json"][1]["line_items"])


def test_the_recorded_refund_in_figures() -> None:
    (refund,) = READERS["refund"](bodies()["refund.json"][1], SHOP).records
    assert isinstance(refund, Refund)
    assert (str(refund.amount.amount), refund.quantity, refund.order_id) == ("209.00", 2, "450789469")


@pytest.mark.parametrize(
    ("name", "effect"),
    [
        ("order", "orders"),
        ("product", "products"),
        ("refund", "refunds/create"),
        ("inventory_level", "inventory_levels"),
        ("inventory_item", "inventory_items"),
        ("location", "locations"),
        ("customer", ""),
        ("variant", ""),
        ("discount_code", ""),
        ("price_rule", ""),
    ],
)
def test_a_recorded_body_has_the_form_of_its_own_topics_and_of_no_others(name: str, effect: str) -> None:
    recorded = json.loads((BODIES / f"{name}.json").read_text())
    body = json.dumps(recorded[name]).encode()
    fitting = set()
    for topic in FORM_OF:
        headers = {"x-shopify-topic": topic, "x-shopify-shop-domain": "a.myshopify.com", "x-shopify-webhook-id": "w"}
        try:
            fitting |= {delivery.effect for delivery in describe(headers, body)}
        except ForgedDeliveryError:
            continue
    assert fitting == ({effect} if effect else set())
