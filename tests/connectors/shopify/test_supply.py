"""Inbound shipments, promo codes, marketing events and deletions: the world's facts arrive, and odd rows are named."""

import re
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from tests.connectors.fake_world import NOW, START, FakeWorld, brand, many_orders
from tests.connectors.shopify.bench import Bench

from shelftide_sdk.connector import Delete, map_rows
from shelftide_sdk.errors import AuthorizationError, ConfigurationError
from shelftide_sdk.money import Money
from shelftide_sdk.records import (
    BudgetMode,
    Campaign,
    InboundShipment,
    Order,
    Product,
    PromoCode,
    StockLevel,
    Variant,
)
from shelftide_sdk.testing.world import World
from shelftide_sdk.testing.world.model import Channel, Shipment, stable_id
from shelftide_shopify import emulator_supply
from shelftide_shopify.auth import SCOPES
from shelftide_shopify.connector import Shopify
from shelftide_shopify.emulator_supply import STANDING
from shelftide_shopify.shop import Shop
from shelftide_shopify.supply import is_campaign, map_activity, map_deletion, map_discount, map_transfer, settled_lines

LUMEN = brand()
SHOP = Shop(source_id="1", name="Lumen", domain="lumen-test.myshopify.com", zone="Europe/Rome", currency="EUR")


def shipment(number: int, ordered_at: datetime, quantity: int = 30) -> Shipment:
    return Shipment(
        key=f"s{number}",
        brand_key="lumen",
        sku_key=LUMEN.skus[number % len(LUMEN.skus)].key,
        place_key="lumen-milan" if number % 5 else "lumen-fba",
        quantity=quantity + number,
        ordered_at=ordered_at,
        expected_at=ordered_at + timedelta(days=10),
        received_at=ordered_at + timedelta(days=12),
    )


class SupplyWorld(FakeWorld):
    """The hand-made world with shipments, one a day."""

    def shipments(self, brand_key: str) -> Sequence[Shipment]:
        made = [shipment(n, START + timedelta(days=n)) for n in range(120)]
        return [s for s in made if s.ordered_at <= self.now]


def grown(seed: int = 7) -> tuple[World, Bench]:
    world = World(seed=seed, now=NOW, size="small")
    of = next(b for b in world.brands if b.accounts.get("shopify"))
    return world, Bench(world, shop=of.accounts["shopify"], since=world.start)  # type: ignore[arg-type]  # a world too


@pytest.mark.parametrize("seed", [7, 11])
async def test_what_is_on_its_way_is_what_the_shelf_calls_incoming(seed: int) -> None:
    _, bench = grown(seed)
    coming: Counter[tuple[str, str | None]] = Counter()
    for row in (await bench.read("inbound_shipments")).of(InboundShipment):
        assert row.received is not None
        coming[row.sku, row.location_id] += row.quantity - row.received
    levels = (await bench.read("stock")).of(StockLevel)
    assert +coming == +Counter({(level.sku, level.location_id): level.incoming for level in levels})
    assert sum(coming.values()) > 0


async def test_every_shipment_of_the_world_arrives_with_its_dates() -> None:
    world, bench = grown()
    of = next(b for b in world.brands if b.accounts.get("shopify"))
    rows = (await bench.read("inbound_shipments")).of(InboundShipment)
    places = {place.key for place in of.places if Channel.SHOPIFY in place.channels}
    true = [s for s in world.shipments(of.key) if s.place_key in places]
    assert sum(row.quantity for row in rows) == sum(s.quantity for s in true)
    expected = {row.expected_at for row in rows if row.expected_at is not None}
    assert expected <= {s.expected_at.replace(microsecond=0) for s in true}
    assert {row.status for row in rows} <= {"received", "in_transit", "ready_to_ship"}
    assert all((row.received_at is None) == (row.status != "received") for row in rows)
    assert {row.ordered_at for row in rows} == {s.ordered_at.replace(microsecond=0) for s in true}


async def test_a_transfer_becomes_shipments_and_its_own_row_goes() -> None:
    world = SupplyWorld([LUMEN])
    bench = Bench(world)
    first = await bench.read("inbound_shipments")
    waiting = {row.source_id: row for row in first.of(InboundShipment) if row.status == "ready_to_ship"}
    assert waiting
    assert all(row.expected_at is None and row.received == 0 for row in waiting.values())
    bench.pass_time(timedelta(days=3))
    second = await bench.read("inbound_shipments", first.cursor)
    left = second.state(first.state())
    numbers = [number for kind, number, _ in left if kind == "InboundShipment"]
    assert not waiting.keys() & set(numbers)
    assert sum(row.quantity for row in left.values()) == sum(  # type: ignore[attr-defined]  # all are shipments
        s.quantity for s in world.shipments("lumen") if s.place_key == "lumen-milan"
    )


async def test_long_lists_of_a_transfer_are_fetched_to_their_end(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = emulator_supply.shipment_rows

    def many(of: Shipment, sku: Any, now: datetime) -> list[dict[str, Any]]:
        return [emulator_supply._shipment_row(of, sku, now, part, 1) for part in range(len(plain(of, sku, now)) and 9)]

    monkeypatch.setattr(emulator_supply, "shipment_rows", many)
    world = SupplyWorld([LUMEN])
    rows = (await Bench(world).read("inbound_shipments")).of(InboundShipment)
    sent = Counter(row.ordered_at for row in rows if not row.source_id.startswith("transfer-"))
    assert set(sent.values()) == {9}
    milan = [s for s in world.shipments("lumen") if s.place_key == "lumen-milan"]
    assert sum(row.quantity for row in rows) == sum(s.quantity for s in milan)


def transfer(**changes: Any) -> dict[str, Any]:
    item = {"id": "gid://shopify/InventoryItem/7", "sku": "LAMP"}
    row = {
        "id": "gid://shopify/InventoryTransfer/1",
        "status": "IN_PROGRESS",
        "dateCreated": "2026-06-01T00:00:00Z",
        "destination": {"location": {"id": "gid://shopify/Location/5"}},
        "lineItems": {"nodes": [{"totalQuantity": 10, "inventoryItem": item}]},
        "shipments": {
            "nodes": [
                {
                    "id": "gid://shopify/InventoryShipment/2",
                    "status": "PARTIALLY_RECEIVED",
                    "dateReceived": "2026-06-05T00:00:00Z",
                    "tracking": {"arrivesAt": "2026-06-04T00:00:00+02:00"},
                    "lineItems": {"nodes": [{"quantity": 6, "unreceivedQuantity": 2, "inventoryItem": item}]},
                }
            ]
        },
    }
    return {**row, **changes}


def test_a_transfer_in_parts_counts_each_piece_once() -> None:
    sent, waiting = map_transfer(transfer())
    assert isinstance(sent, InboundShipment)
    assert isinstance(waiting, InboundShipment)
    assert (sent.source_id, sent.quantity, sent.received, sent.status) == ("2", 6, 4, "partially_received")
    assert sent.expected_at == datetime(2026, 6, 3, 22, tzinfo=UTC)
    assert (waiting.source_id, waiting.quantity, waiting.received) == ("transfer-1", 4, 0)
    assert {sent.location_id, waiting.location_id} == {"5"}
    assert settled_lines([transfer()]) == []


def test_a_shipment_without_tracking_or_place_is_unknown_and_not_now() -> None:
    row = transfer(destination=None)
    row["shipments"]["nodes"][0] |= {"tracking": None, "dateReceived": None, "status": "SOMETHING_NEW"}
    sent, _ = map_transfer(row)
    assert isinstance(sent, InboundShipment)
    assert (sent.expected_at, sent.received_at, sent.location_id) == (None, None, None)
    assert sent.status == "something_new"


def test_an_item_without_a_code_is_told_by_its_number_and_one_that_is_gone_is_named() -> None:
    row = transfer()
    for holder in (row, row["shipments"]["nodes"][0]):
        holder["lineItems"] = {"nodes": [{**holder["lineItems"]["nodes"][0], "inventoryItem": {"id": "9", "sku": ""}}]}
    assert {record.sku for record in map_transfer(row)} == {"item-9"}  # type: ignore[attr-defined]  # shipments all
    for item, reason in ((None, "no longer exists"), ({"id": "9", "sku": None}, "item 9 .* has no SKU")):
        row["lineItems"]["nodes"][0]["inventoryItem"] = item
        records, rejects = map_rows([row], map_transfer, InboundShipment)
        assert (records, settled_lines([row])) == ([], [])
        assert re.search(reason, rejects[0].reason)


@pytest.mark.parametrize("wrong", [None, "6", 6.0, True])
def test_a_quantity_that_is_no_whole_number_is_rejected(wrong: Any) -> None:
    row = transfer()
    row["shipments"]["nodes"][0]["lineItems"]["nodes"][0]["quantity"] = wrong
    records, rejects = map_rows([row], map_transfer, InboundShipment)
    assert (records, len(rejects)) == ([], 1)


@pytest.mark.parametrize("seed", [7, 11])
async def test_codes_are_used_as_often_as_in_the_world(seed: int) -> None:
    world, bench = grown(seed)
    of = next(b for b in world.brands if b.accounts.get("shopify"))
    used = Counter(o.promo_code for o in world.orders(of.key, Channel.SHOPIFY) if o.promo_code and not o.test)
    codes = (await bench.read("promo_codes")).of(PromoCode)
    assert used
    assert {row.code: row.usage_count for row in codes if row.usage_count} == used
    assert {row.code for row in codes} == used.keys() | {code for _, _, code in STANDING}
    assert {row.value_rate for row in codes if row.code in used} == {Decimal("0.1")}
    values = {row.code: (row.value, row.value_rate) for row in codes}
    assert values["WELCOME5"] == (Money(Decimal("5.0"), of.currency), None)
    assert values["FREESHIP"] == values["3FOR2"] == values["MEMBER"] == (None, None)


async def test_a_discount_of_very_many_codes_is_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emulator_supply, "code_counts", lambda s: Counter({f"CODE{n}": n for n in range(1, 260)}))
    bench = Bench(FakeWorld([LUMEN]))
    codes = (await bench.read("promo_codes")).of(PromoCode)
    assert sum(row.usage_count for row in codes) == sum(range(1, 260))
    assert len({row.source_id for row in codes}) == len(codes) == 259 + len(STANDING)


async def test_the_count_of_a_code_moves_without_its_discount() -> None:
    world = FakeWorld([LUMEN], many_orders(LUMEN, 40, timedelta(hours=1)))
    world.now = NOW - timedelta(hours=20)
    bench = Bench(world)
    first = await bench.read("promo_codes")
    bench.pass_time(timedelta(hours=20))
    second = await bench.read("promo_codes", first.cursor)
    (before,) = [row for row in first.of(PromoCode) if row.code == "SPRING"]
    (after,) = [row for row in second.of(PromoCode) if row.code == "SPRING"]
    assert after.usage_count > before.usage_count > 0
    assert after.updated_at == before.updated_at


def discount(**changes: Any) -> dict[str, Any]:
    found = {
        "__typename": "DiscountCodeBasic",
        "title": "Spring",
        "startsAt": "2026-03-01T00:00:00Z",
        "endsAt": None,
        "updatedAt": "2026-03-02T00:00:00Z",
        "customerGets": {"value": {"__typename": "DiscountPercentage", "percentage": 0.15}},
        "codes": {"nodes": [{"id": "gid://shopify/DiscountRedeemCode/4", "code": "SPRING", "asyncUsageCount": 3}]},
    }
    return {"id": "gid://shopify/DiscountNode/3", "discount": {**found, **changes}}


def test_an_automatic_discount_has_no_code_and_an_unknown_kind_is_named() -> None:
    assert map_discount({"id": "1", "discount": {"__typename": "DiscountAutomaticBasic"}}) == []
    _, rejects = map_rows([{"id": "1", "discount": {"__typename": "DiscountOfTomorrow"}}], map_discount, PromoCode)
    assert "DiscountOfTomorrow" in rejects[0].reason


@pytest.mark.parametrize("percentage", [15, -0.1, True, "much"])
def test_a_percentage_that_is_no_fraction_is_rejected(percentage: Any) -> None:
    value = {"value": {"__typename": "DiscountPercentage", "percentage": percentage}}
    records, rejects = map_rows([discount(customerGets=value)], map_discount, PromoCode)
    assert (records, len(rejects)) == ([], 1)


def test_a_count_that_is_null_is_unknown_and_a_code_without_text_is_rejected() -> None:
    row = discount()
    row["discount"]["codes"]["nodes"][0]["asyncUsageCount"] = None
    (code,) = map_discount(row)
    assert isinstance(code, PromoCode)
    assert (code.usage_count, code.value_rate) == (None, Decimal("0.15"))
    row["discount"]["codes"]["nodes"][0]["code"] = ""
    assert map_rows([row], map_discount, PromoCode)[0] == []


@pytest.mark.parametrize("seed", [7, 11])
async def test_campaigns_cost_what_their_ads_cost(seed: int) -> None:
    world, bench = grown(seed)
    of = next(b for b in world.brands if b.accounts.get("shopify"))
    rows = (await bench.read("marketing_events")).of(Campaign)
    networks = ("tiktok-ads", "meta-ads")
    true = sum((day.spend for network in networks for day in world.ad_days(of.key, network)), Decimal(0))
    assert sum(row.spend.amount for row in rows) == true > 0
    campaigns = {ad.key for network in networks for ad in world.ads(of.key, network) if ad.level == "campaign"}
    assert {row.utm_campaign for row in rows} == campaigns
    visited = {
        visit.utm["utm_campaign"]
        for order in world.orders(of.key, Channel.SHOPIFY)
        for visit in order.visits
        if visit.kind == "ad"
    }
    assert visited <= campaigns


def activity(**changes: Any) -> dict[str, Any]:
    row = {
        "id": "gid://shopify/MarketingActivity/8",
        "title": "Spring",
        "status": "ACTIVE",
        "tactic": "AD",
        "hierarchyLevel": None,
        "updatedAt": "2026-03-02T00:00:00Z",
        "budget": {"budgetType": "LIFETIME", "total": {"amount": "100.0", "currencyCode": "EUR"}},
        "adSpend": None,
        "utmParameters": None,
        "marketingEvent": None,
    }
    return {**row, **changes}


def test_an_activity_without_cost_tags_or_event_is_unknown_there() -> None:
    found = map_activity(activity(), SHOP)
    assert (found.spend, found.utm_campaign, found.starts_at) == (None, None, None)
    assert (found.budget_mode, found.budget) == (BudgetMode.TOTAL, Money(Decimal("100.0"), "EUR"))
    odd = activity(budget={"budgetType": "WEEKLY", "total": {"amount": "1", "currencyCode": "EUR"}})
    assert map_activity(odd, SHOP).budget_mode is None
    assert [is_campaign({"hierarchyLevel": level}) for level in ("CAMPAIGN", "AD_GROUP", "AD")] == [True, False, False]


async def test_deleted_products_and_orders_are_told_once() -> None:
    bench = Bench(FakeWorld([LUMEN], many_orders(LUMEN, 3)))
    first = await bench.read("deletions")
    assert (first.records, first.deletes) == ([], [])
    bench.pass_time(timedelta(hours=30))
    bench.emulator.deleted_products[bench.shop] = {"lumen1": bench.world.now - timedelta(hours=1)}
    bench.emulator.deleted_orders[bench.shop] = {"o1": bench.world.now - timedelta(hours=2)}
    second = await bench.read("deletions", first.cursor)
    assert second.deletes == [
        Delete(Product, {"source_id": str(stable_id("Product", "lumen1"))}),
        Delete(Order, {"source_id": str(stable_id("Order", "o1"))}),
    ] or second.deletes == [
        Delete(Order, {"source_id": str(stable_id("Order", "o1"))}),
        Delete(Product, {"source_id": str(stable_id("Product", "lumen1"))}),
    ]
    orders = await bench.read("orders")
    assert str(stable_id("Order", "o1")) not in {o.source_id for o in orders.of(Order)}
    bench.pass_time(timedelta(days=3))
    third = await bench.read("deletions", second.cursor)
    assert len(third.deletes) == 2  # the lookback is a day before the last read
    assert (await bench.read("deletions", third.cursor)).deletes == []


async def test_deletions_resume_in_the_middle() -> None:
    bench = Bench(FakeWorld([LUMEN]))
    gone = {f"p{n}": NOW - timedelta(minutes=n) for n in range(1, 700)}
    bench.emulator.deleted_products[bench.shop] = gone
    whole = await bench.read("deletions")
    assert len(whole.deletes) == len({d.key["source_id"] for d in whole.deletes}) == 699
    before = await bench.read("deletions", crash_after=2)
    assert before.cursor is not None
    assert "created_at" not in before.cursor
    after = await bench.read("deletions", before.cursor)
    assert {d.key["source_id"] for d in (*before.deletes, *after.deletes)} == {
        d.key["source_id"] for d in whole.deletes
    }
    assert after.cursor == whole.cursor
    with pytest.raises(ConfigurationError):
        await bench.read("deletions", {"created_at": "soon"})


def test_events_of_other_kinds_delete_nothing_and_broken_ones_are_rejected() -> None:
    event = {"action": "destroy", "createdAt": "2026-06-01T00:00:00Z", "subjectId": "gid://shopify/X/3"}
    assert map_deletion({**event, "subjectType": "PRODUCT_VARIANT"}) == Delete(Variant, {"source_id": "3"})
    assert map_deletion({**event, "subjectType": "COLLECTION"}) is None
    assert map_deletion({**event, "subjectType": "PRODUCT", "action": "create"}) is None


@pytest.mark.parametrize(
    ("scope", "stream"),
    [
        ("read_discounts", "promo_codes"),
        ("read_marketing_events", "marketing_events"),
        ("read_inventory_transfers", "inbound_shipments"),
        ("read_inventory_shipments", "inbound_shipments"),
    ],
)
async def test_a_missing_scope_loses_its_stream_and_no_other(scope: str, stream: str) -> None:
    bench = Bench(SupplyWorld([LUMEN]), scopes=[s for s in SCOPES if s != scope])
    health = await Shopify().check(bench.context)
    assert (health.missing_scopes, health.lost_streams) == ((scope,), (stream,))
    with pytest.raises(AuthorizationError) as caught:
        await bench.read(stream)
    assert caught.value.missing_scopes == (scope,)
    assert (await bench.read("locations")).records
