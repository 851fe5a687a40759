"""Connector and emulator end to end: what is in the world arrives, once, with its money and times."""

from datetime import UTC, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from tests.connectors.fake_world import NOW, FakeWorld, brand, many_orders, order, refund, visit
from tests.connectors.reading import key_of
from tests.connectors.shopify.bench import Bench

from shelftide_sdk.connector import HealthState
from shelftide_sdk.errors import AuthorizationError, ConfigurationError
from shelftide_sdk.money import Money
from shelftide_sdk.records import (
    ChannelKind,
    Location,
    Order,
    OrderLine,
    OrderStatus,
    Paid,
    Product,
    Refund,
    StockLevel,
    Touch,
    Variant,
)
from shelftide_sdk.testing.world.model import Channel, StockState, stable_id
from shelftide_shopify.auth import SCOPES
from shelftide_shopify.connector import Shopify

LUMEN = brand()


def world_of(*orders: Any) -> FakeWorld:
    return FakeWorld([LUMEN], orders)


async def test_an_order_arrives_with_lines_refund_and_touches() -> None:
    at = NOW - timedelta(days=3)
    one = order(
        1,
        at,
        LUMEN.skus[:2],
        refunds=(refund(1, at + timedelta(days=1), "o1-l0"),),
        visits=(
            visit("ad", at - timedelta(days=2), kind="ad", source="instagram", utm={"source": "ig", "medium": "cpc"}),
            visit("post", at - timedelta(hours=1)),
        ),
        shipped_at=at + timedelta(hours=20),
        presentment_currency="USD",
        presentment_rate=Decimal("1.10"),
        promo_code="SPRING",
        order_index=4,
    )
    reading = await Bench(world_of(one)).read("orders")
    (found,) = reading.of(Order)
    assert found.source_id == str(stable_id("Order", "o1"))
    assert found.placed_at == at
    assert found.zone == "Europe/Rome"
    assert found.status is OrderStatus.SHIPPED
    assert found.channel_kind is ChannelKind.OWN_SHOP
    assert found.total == Money(Decimal("83.0"), "EUR")
    assert found.current_total == Money(Decimal("64.0"), "EUR")
    assert found.refunded == Money(Decimal("19.0"), "EUR")
    assert found.presentment_total == Money(Decimal("91.3"), "USD")
    assert found.subtotal == Money(Decimal("78.0"), "EUR")
    assert found.customer is not None
    assert found.customer.email == "buyer1@example.com"
    assert found.customer_order_index == 4
    assert found.promo_codes == ("SPRING",)
    assert found.updated_at == at + timedelta(days=1)
    lines = sorted(reading.of(OrderLine), key=lambda line: line.sku)
    assert [line.current_quantity for line in lines] == [1, 2]
    assert {line.total for line in lines} == {Money(Decimal("39.0"), "EUR")}
    assert {line.discount for line in lines} == {Money(Decimal("1.0"), "EUR")}
    (given_back,) = reading.of(Refund)
    assert (given_back.amount, given_back.quantity) == (Money(Decimal("19.0"), "EUR"), 1)
    first, second = reading.of(Touch)
    assert (first.channel, first.paid, first.position) == ("instagram", Paid.PAID, 0)
    assert (second.channel, second.paid, second.position) == ("tiktok", Paid.ORGANIC, 1)
    assert second.utm_campaign == "spring"
    assert second.order_id == found.source_id


async def test_all_orders_arrive_once_and_test_orders_are_left_out() -> None:
    orders = many_orders(LUMEN, 120)
    reading = await Bench(world_of(*orders), bulk="never").read("orders")
    real = [o for o in orders if not o.test]
    assert sorted(o.source_id for o in reading.of(Order)) == sorted(str(stable_id("Order", o.key)) for o in real)
    assert len(reading.keyed()) == len(reading.records)
    assert sum(o.total.amount for o in reading.of(Order)) == sum(o.total for o in real)
    assert len(reading.of(OrderLine)) == sum(len(o.lines) for o in real)
    assert len(reading.of(Refund)) == sum(len(o.refunds) for o in real)
    assert reading.rejects == []


@pytest.mark.parametrize(
    ("bulk", "pages"), [("never", 1), ("never", 2), ("never", 8), ("always", 1), ("always", 2), ("always", 4)]
)
async def test_resumes_after_a_crash_mid_read(bulk: Any, pages: Any) -> None:
    bench = Bench(world_of(*many_orders(LUMEN, 600 if bulk == "always" else 90)), bulk=bulk)
    whole = await bench.read("orders")
    before = await bench.read("orders", crash_after=pages)
    after = await bench.read("orders", before.cursor)
    assert before.keyed() | after.keyed() == whole.keyed()
    assert not before.keyed().keys() & after.keyed().keys()


async def test_bulk_and_paging_bring_the_same_records() -> None:
    world = world_of(*many_orders(LUMEN, 700))
    paged, bulk = Bench(world, bulk="never"), Bench(world, bulk="always")
    assert (await bulk.read("orders")).keyed() == (await paged.read("orders")).keyed()
    assert (await bulk.read("products")).keyed() == (await paged.read("products")).keyed()
    assert any("bulkOperationRunQuery" in call[2]["query"] for call in bulk.client.requests)
    assert not any("bulkOperationRunQuery" in call[2]["query"] for call in paged.client.requests)


async def test_a_large_first_read_goes_by_bulk_operation_and_later_ones_by_pages() -> None:
    bench = Bench(world_of(*many_orders(LUMEN, 1_200, timedelta(minutes=30))))
    first = await bench.read("orders")
    assert len(bench.client.requests) < 40
    bench.client.requests.clear()
    again = await bench.read("orders", first.cursor)
    assert not any("bulkOperationRunQuery" in call[2]["query"] for call in bench.client.requests)
    recent = {key_of(o) for o in first.of(Order) if o.updated_at >= first.of(Order)[-1].updated_at - timedelta(days=1)}
    assert recent <= again.keyed().keys()
    assert len(again.of(Order)) < 200


async def test_the_next_read_brings_what_changed_since() -> None:
    at = NOW - timedelta(days=20)
    late = order(1, at, LUMEN.skus[:1], refunds=(refund(1, NOW + timedelta(hours=1), "o1-l0"),))
    bench = Bench(world_of(late, order(2, NOW - timedelta(days=1), LUMEN.skus[:1])))
    first = await bench.read("orders")
    bench.pass_time(timedelta(hours=2))
    second = await bench.read("orders", first.cursor)
    assert [r.order_id for r in second.of(Refund)] == [str(stable_id("Order", "o1"))]


async def test_a_journey_that_is_not_ready_is_read_again_until_it_is() -> None:
    at = NOW - timedelta(days=4)
    slow = order(1, at, LUMEN.skus[:1], visits=(visit("v", at - timedelta(hours=1)),))
    slow = msgspec.structs.replace(slow, journey_ready_at=NOW + timedelta(hours=5))
    bench = Bench(world_of(slow, order(2, NOW, LUMEN.skus[:1])))
    first = await bench.read("orders")
    assert [o.journey_ready for o in first.of(Order)] == [False, True]
    assert first.of(Touch) == []
    bench.pass_time(timedelta(hours=1))
    second = await bench.read("orders", first.cursor)
    assert second.of(Touch) == []
    bench.pass_time(timedelta(hours=5))
    third = await bench.read("orders", second.cursor)
    assert [t.order_id for t in third.of(Touch)] == [str(stable_id("Order", "o1"))]
    assert third.cursor is not None
    assert not third.cursor.get("waiting")


async def test_waiting_for_a_journey_ends_after_days() -> None:
    bench = Bench(
        world_of(order(1, NOW - timedelta(days=9), LUMEN.skus[:1], journey_ready_at=NOW + timedelta(days=99)))
    )
    first = await bench.read("orders")
    assert first.cursor
    assert len(first.cursor["waiting"]) == 1
    bench.pass_time(timedelta(days=8))
    second = await bench.read("orders", first.cursor)
    assert second.cursor
    assert not second.cursor.get("waiting")


async def test_long_lists_inside_a_row_are_fetched_to_their_end() -> None:
    at = NOW - timedelta(days=1)
    visits = tuple(visit(f"v{n}", at - timedelta(hours=n + 1)) for n in range(37))
    wide = brand(products=1, variants=143)
    long = order(1, at, wide.skus[:112], visits=visits)
    bench = Bench(FakeWorld([wide], [long]))
    reading = await bench.read("orders")
    assert len(reading.of(OrderLine)) == 112
    assert len(reading.of(Touch)) == 37
    assert [t.position for t in reading.of(Touch)] == list(range(37))
    assert len((await bench.read("products")).of(Variant)) == 143


async def test_refund_lines_beyond_the_first_page_count() -> None:
    at = NOW - timedelta(days=2)
    wide = brand(products=1, variants=30)
    base = order(1, at, wide.skus)
    given = refund(1, at + timedelta(hours=1), "o1-l0")
    given = msgspec.structs.replace(given, lines={line.key: 1 for line in base.lines})
    world = FakeWorld([wide], [order(1, at, wide.skus, refunds=(given,))])
    for bulk in ("never", "always"):
        (found,) = (await Bench(world, bulk=bulk).read("orders")).of(Refund)
        assert found.quantity == 30


async def test_products_come_with_unit_costs_and_deletions() -> None:
    bench = Bench(world_of())
    first = await bench.read("products")
    assert len(first.of(Product)) == 3
    assert {v.cost for v in first.of(Variant)} == {Money(Decimal("7.25"), "EUR")}
    assert {v.stock_item_id for v in first.of(Variant)} == {str(stable_id("InventoryItem", s.key)) for s in LUMEN.skus}
    bench.pass_time(timedelta(hours=3))
    bench.emulator.deleted_products[bench.shop] = {"lumen1": bench.world.now - timedelta(hours=1)}
    second = await bench.read("products", first.cursor)
    assert [(d.record, d.key) for d in second.deletes] == [
        (Product, {"source_id": str(stable_id("Product", "lumen1"))})
    ]


async def test_stock_shows_all_quantities_and_only_places_of_the_shop() -> None:
    world = world_of()
    world.levels["lumen"] = [
        StockState(sku_key="lumen0-0", place_key="lumen-milan", available=-3, committed=5, incoming=40, updated_at=NOW)
    ]
    reading = await Bench(world).read("stock")
    (level,) = reading.of(StockLevel)
    assert (level.available, level.committed, level.on_hand, level.incoming) == (-3, 5, 2, 40)
    assert level.damaged == 0
    assert level.sku == "SKU-LUMEN0-0"
    assert level.location_id == str(stable_id("Location", "lumen-milan"))


async def test_a_full_pass_of_stock_resumes_in_the_middle_and_begins_anew_when_done() -> None:
    bench = Bench(FakeWorld([brand(products=40, variants=4)]))
    whole = await bench.read("stock")
    before = await bench.read("stock", crash_after=2)
    after = await bench.read("stock", before.cursor)
    assert before.keyed() | after.keyed() == whole.keyed()
    assert len(before.records) + len(after.records) == len(whole.records) == 160
    assert len((await bench.read("stock", whole.cursor)).records) == 160


async def test_locations_arrive() -> None:
    (place,) = (await Bench(world_of()).read("locations")).of(Location)
    assert (place.name, place.country, place.active) == ("Milan", "IT", True)


async def test_times_are_aware_utc() -> None:
    reading = await Bench(world_of(*many_orders(LUMEN, 5))).read("orders")
    assert all(o.placed_at.tzinfo is UTC and o.updated_at.tzinfo is UTC for o in reading.of(Order))


async def test_point_of_sale_orders_have_no_journey() -> None:
    bench = Bench(world_of(order(1, NOW - timedelta(days=1), LUMEN.skus[:1], channel=Channel.STORE)))
    bench.emulator.channels = (Channel.SHOPIFY, Channel.STORE)
    (found,) = (await bench.read("orders")).of(Order)
    assert found.channel_kind is ChannelKind.STORE
    assert found.journey_ready is None


async def test_without_read_all_orders_the_check_names_what_is_lost() -> None:
    old, new = order(1, NOW - timedelta(days=70), LUMEN.skus[:1]), order(2, NOW - timedelta(days=5), LUMEN.skus[:1])
    bench = Bench(world_of(old, new), scopes=[scope for scope in SCOPES if scope != "read_all_orders"])
    assert len((await bench.read("orders")).of(Order)) == 1
    from_check = await bench_check(bench)
    assert from_check.state is HealthState.DEGRADED
    assert from_check.missing_scopes == ("read_all_orders",)
    assert "2026-05-02" in from_check.reason
    assert from_check.lost_streams == ()


async def bench_check(bench: Bench) -> Any:
    return await Shopify().check(bench.context)


async def test_missing_scopes_lose_streams_but_not_the_others() -> None:
    bench = Bench(world_of(*many_orders(LUMEN, 4)), scopes=("write_orders", "read_all_orders", "read_products"))
    health = await bench_check(bench)
    assert health.lost_streams == ("stock", "locations", "inbound_shipments", "promo_codes", "marketing_events")
    assert set(health.missing_scopes) == set(SCOPES) - {"read_orders", "read_all_orders", "read_products"}
    (o, *_) = (await bench.read("orders")).of(Order)
    assert o.customer is None
    assert {v.cost for v in (await bench.read("products")).of(Variant)} == {None}
    with pytest.raises(AuthorizationError) as caught:
        await bench.read("stock")
    assert caught.value.missing_scopes == ("read_inventory",)


async def test_all_scopes_make_a_healthy_check_and_one_account() -> None:
    bench = Bench(world_of())
    assert (await bench_check(bench)).state is HealthState.OK
    (account,) = await Shopify().accounts(bench.context)
    settings = {"shop": bench.shop, "plan": "Shop Component"}
    assert (account.zone, account.currency, account.settings) == ("Europe/Rome", "EUR", settings)


async def test_a_wrong_shop_address_is_a_matter_of_settings() -> None:
    bench = Bench(world_of(), shop="lumen-test.myshopify.com")
    bench.settings["shop"] = "evil.example/lumen-test.myshopify.com"
    with pytest.raises(ConfigurationError):
        await bench.read("orders")
