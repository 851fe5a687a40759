"""TikTok Shop end to end: what is in the world arrives, once, with its money and times."""

from collections import defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from tests.connectors.tiktok.bench import shop, small_world

import shelftide_tiktok.shop as shop_module
from shelftide_sdk.connector import HealthState
from shelftide_sdk.errors import ConfigurationError, ContractError
from shelftide_sdk.records import (
    ChannelKind,
    Location,
    Order,
    OrderLine,
    OrderStatus,
    Payout,
    Product,
    Refund,
    StockLevel,
    Touch,
    Variant,
)
from shelftide_sdk.testing.serve import Simulator, load_emulator
from shelftide_sdk.testing.world import World
from shelftide_sdk.testing.world.model import Brand, Channel
from shelftide_tiktok import register_connectors
from shelftide_tiktok.emulator_shop_facts import number, split
from shelftide_tiktok.shop import TikTokShop


def sellers(world: World) -> list[Brand]:
    return [brand for brand in world.brands if "tiktok-shop" in brand.accounts]


def local_day(at: datetime, zone: str) -> date:
    return at.astimezone(ZoneInfo(zone)).date()


@pytest.mark.parametrize("seed", [7, 11])
async def test_lines_units_and_revenue_equal_the_truth_to_the_cent_per_day_and_sku(seed: int) -> None:
    world = small_world(seed)
    for brand in sellers(world):
        bench = shop(world, brand)
        reading = await bench.read("orders")
        found: dict[Any, list[Any]] = defaultdict(lambda: [0, 0, Decimal(0), 0])
        for line in reading.of(OrderLine):
            row = found[local_day(line.placed_at, line.zone), line.sku, line.total.currency]
            row[0] += 1
            row[1] += line.quantity
            row[2] += line.total.amount
            row[3] += line.quantity if line.cancelled else 0
        wanted = {
            (row.day, row.sku_code, row.currency): [row.orders, row.units, row.revenue, row.cancelled_units]
            for row in world.truth().daily(brand.key)
            if row.channel == Channel.TIKTOK_SHOP and row.orders
        }
        assert wanted
        assert dict(found) == wanted
        assert reading.rejects == []


async def test_orders_add_up_and_the_platforms_discount_lowers_no_line() -> None:
    world = small_world()
    reading = await shop(world).read("orders")
    orders = {order.source_id: order for order in reading.of(Order)}
    aided = [order for order in orders.values() if order.platform_discount.amount]
    assert aided
    lines: dict[str, Decimal] = defaultdict(Decimal)
    for line in reading.of(OrderLine):
        lines[line.order_id] += line.total.amount
        assert line.unit_price.amount * line.quantity - line.discount.amount == line.total.amount
    for order in orders.values():
        assert order.subtotal.amount == lines[order.source_id]
        rest = order.shipping.amount + order.tax.amount - order.platform_discount.amount
        assert order.total.amount == order.subtotal.amount + rest
    assert {order.channel_kind for order in orders.values()} == {ChannelKind.IN_APP}


async def test_every_order_arrives_with_its_state_and_its_buyers_platform_id_only() -> None:
    world = small_world()
    brand = world.brands[0]
    reading = await shop(world, brand).read("orders")
    true = {number("order", o.key): o for o in world.orders(brand.key, Channel.TIKTOK_SHOP)}
    orders = {o.source_id: o for o in reading.of(Order)}
    assert orders.keys() == {key for key, o in true.items() if not o.test}
    for key, order in orders.items():
        truth = true[key]
        assert order.placed_at == truth.placed_at
        assert order.total.amount == truth.total
        assert order.updated_at == truth.updated_at(world.now)
        cancelled = truth.cancelled_at is not None and truth.cancelled_at <= world.now
        assert (order.status is OrderStatus.CANCELLED) == cancelled
        assert order.cancelled_at == (truth.cancelled_at if cancelled else None)
        assert order.customer is not None
        assert (order.customer.email, order.customer.phone) == (None, None)
        assert order.customer.platform_id == number("user", truth.person.key)
    assert {OrderStatus.CANCELLED, OrderStatus.COMPLETED, OrderStatus.OPEN} <= {o.status for o in orders.values()}


async def test_a_live_room_becomes_a_touch_and_stays_on_the_line() -> None:
    world = small_world()
    brand = world.brands[0]
    reading = await shop(world, brand).read("orders")
    lives = {
        number("order", o.key): number("live", o.live_key)
        for o in world.orders(brand.key, Channel.TIKTOK_SHOP)
        if o.live_key
    }
    assert lives
    assert {touch.order_id: touch.content_id for touch in reading.of(Touch)} == lives
    assert {line.order_id for line in reading.of(OrderLine) if line.live_id} == set(lives)


async def test_affiliate_orders_name_creator_and_video() -> None:
    world = small_world()
    brand = world.brands[0]
    reading = await shop(world, brand).read("affiliate_orders")
    handles = {creator.key: creator.handle for creator in world.creators(brand.key)}
    wanted = {
        number("order", o.key): handles[o.creator_key]
        for o in world.orders(brand.key, Channel.TIKTOK_SHOP)
        if o.creator_key in handles
    }
    assert wanted
    assert {touch.order_id: touch.creator_id for touch in reading.of(Touch)} == wanted
    videos = [touch for touch in reading.of(Touch) if touch.platform_source == "affiliate_video"]
    assert videos
    assert all(touch.content_id.isdigit() for touch in videos)


async def test_refunds_equal_the_truth_per_local_day() -> None:
    world = small_world()
    for brand in sellers(world):
        reading = await shop(world, brand).read("refunds")
        found: dict[date, list[Any]] = defaultdict(lambda: [0, Decimal(0)])
        for refund in reading.of(Refund):
            row = found[local_day(refund.refunded_at, refund.zone)]
            row[0] += 1
            row[1] += refund.amount.amount
        wanted = {
            row.day: [row.refunds, row.refunded]
            for row in world.truth().totals(brand.key)
            if row.channel == Channel.TIKTOK_SHOP and row.refunds
        }
        assert wanted
        assert dict(found) == wanted


async def test_a_refund_counts_the_pieces_that_come_back() -> None:
    world = small_world()
    brand = world.brands[0]
    reading = await shop(world, brand).read("refunds")
    events = {
        number("return", refund.key): sum(refund.lines.values())
        for order in world.orders(brand.key, Channel.TIKTOK_SHOP)
        for refund in order.refunds
        if refund.at <= world.now
    }
    assert {refund.source_id: refund.quantity for refund in reading.of(Refund)} == events


async def test_products_stock_and_locations() -> None:
    world = small_world()
    for brand in sellers(world):
        bench = shop(world, brand)
        products = await bench.read("products")
        assert {p.title for p in products.of(Product)} == {p.title for p in brand.products}
        assert {v.sku: v.price for v in products.of(Variant)} == {sku.code: sku.price for sku in brand.skus}
        stock = await bench.read("stock")
        places = {place.key for place in brand.places if Channel.TIKTOK_SHOP in place.channels}
        wanted = {
            (number("sku", s.sku_key), number("warehouse", s.place_key)): (s.available, s.committed)
            for s in world.stock(brand.key)
            if s.place_key in places
        }
        levels = stock.of(StockLevel)
        assert {(s.stock_item_id, s.location_id): (s.available, s.committed) for s in levels} == wanted
        assert all(s.on_hand == s.available + s.committed for s in levels)
        locations = (await bench.read("locations")).of(Location)
        assert {place.source_id for place in locations} == {number("warehouse", key) for key in places}
        assert {s.stock_item_id for s in levels} == {v.stock_item_id for v in products.of(Variant)}


async def test_statements_add_up() -> None:
    payouts = (await shop(small_world()).read("statements")).of(Payout)
    assert payouts
    for payout in payouts:
        total = payout.revenue.amount + payout.fees.amount + payout.adjustments.amount
        assert payout.amount.amount == total


@pytest.mark.parametrize("stream", ["orders", "refunds", "statements", "affiliate_orders", "products"])
async def test_resumes_from_every_saved_cursor(stream: str, monkeypatch: pytest.MonkeyPatch) -> None:
    world = small_world()
    shorten_pages(monkeypatch)
    whole = await shop(world).read(stream)
    assert len(whole.pages) >= (2 if stream == "products" else 3)
    for pages in range(1, len(whole.pages)):
        before = await shop(world).read(stream, crash_after=pages)
        after = await shop(world).read(stream, before.cursor)
        assert before.keyed() | after.keyed() == whole.keyed()
    assert len(whole.records) == len(whole.keyed())


def shorten_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Searches of four rows a page, so that a small world has many pages."""
    for name in ("ORDER_SEARCH", "RETURN_SEARCH", "STATEMENTS", "AFFILIATE_SEARCH", "PRODUCT_SEARCH"):
        monkeypatch.setattr(shop_module, name, msgspec.structs.replace(getattr(shop_module, name), page_size=4))


async def test_the_next_read_brings_what_changed_and_little_else() -> None:
    world = small_world()
    bench = shop(world)
    first = await bench.read("orders")
    world.advance(timedelta(days=3))
    second = await bench.read("orders", first.cursor)
    fresh = await shop(world).read("orders")
    assert first.keyed() | second.keyed() == fresh.keyed()
    assert 0 < len(second.of(Order)) < len(fresh.of(Order))


async def test_a_page_token_that_tiktok_forgot_restarts_its_window(monkeypatch: pytest.MonkeyPatch) -> None:
    world = small_world()
    shorten_pages(monkeypatch)
    whole = await shop(world).read("orders")
    stopped = await shop(world).read("orders", crash_after=3)
    assert stopped.cursor is not None
    stopped.cursor["window"]["page_token"] = "Zm9yZ290dGVu"
    assert (await shop(world).read("orders", stopped.cursor)).keyed() == whole.keyed()


@pytest.mark.parametrize("cursor", [{"update_time": "soon"}, {"window": 3}, {"update_time": 5}])
async def test_a_cursor_from_elsewhere_is_refused(cursor: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        await shop(small_world()).read("orders", cursor)


async def test_a_grant_opens_its_shop_with_cipher_zone_and_currency() -> None:
    world = small_world()
    for brand in sellers(world):
        bench = shop(world, brand)
        bench.settings.clear()
        (account,) = await TikTokShop().accounts(bench.context)
        assert account.source_id == brand.accounts["tiktok-shop"]
        assert (account.zone, account.currency) == (brand.zone, brand.currency)
        assert account.settings["region"] == brand.market
        bench.settings.update(account.settings)
        assert (await bench.read("orders")).of(Order)
        assert (await TikTokShop().check(bench.context)).state is HealthState.OK


async def test_a_person_may_choose_another_reporting_zone() -> None:
    bench = shop(small_world(), zone="America/Los_Angeles")
    (account,) = await TikTokShop().accounts(bench.context)
    assert account.zone == "America/Los_Angeles"
    assert {order.zone for order in (await bench.read("orders")).of(Order)} == {"America/Los_Angeles"}


async def test_a_shop_that_left_the_grant_is_noticed_and_a_missing_cipher_too() -> None:
    bench = shop(small_world(), shop_id="1")
    assert (await TikTokShop().check(bench.context)).state is HealthState.RECONNECT
    bench.settings.pop("cipher")
    with pytest.raises(ConfigurationError):
        await bench.read("orders")


async def test_deliveries_are_fetched_fresh() -> None:
    world = small_world()
    brand = world.brands[0]
    bench = shop(world, brand)
    order = next(o for o in world.orders(brand.key, Channel.TIKTOK_SHOP) if any(r.at <= world.now for r in o.refunds))
    key = number("order", order.key)
    status = await bench.deliver(f'{{"type": 1, "shop_id": "1", "data": {{"order_id": "{key}"}}}}'.encode())
    assert [o.source_id for o in status.of(Order)] == [key]
    returned = await bench.deliver(f'{{"type": 12, "data": {{"order_id": "{key}", "return_id": "1"}}}}'.encode())
    assert {r.order_id for r in returned.of(Refund)} == {key}
    product = number("product", brand.products[0].key)
    changed = await bench.deliver(f'{{"type": 37, "data": {{"product_id": "{product}"}}}}'.encode())
    assert [p.source_id for p in changed.of(Product)] == [product]
    assert {v.barcode for v in changed.of(Variant)} == {sku.barcode for sku in brand.products[0].skus}


@pytest.mark.parametrize(
    ("body", "rejected"),
    [
        (b'{"type": 6, "data": {}}', 0),
        (b'{"type": 99, "data": {}}', 1),
        (b"not json", 1),
        (b'{"type": 1, "data": {}}', 1),
        (b'{"type": 37, "data": {"product_id": "../orders"}}', 1),
        (b"[]", 1),
    ],
)
async def test_deliveries_without_use_are_skipped_or_rejected(body: bytes, rejected: int) -> None:
    reading = await shop(small_world()).deliver(body)
    assert (len(reading.records), len(reading.rejects)) == (0, rejected)


def test_a_split_sums_exactly() -> None:
    step = Decimal("0.01")
    assert split(Decimal("0.10"), [Decimal(1)] * 3, step) == [Decimal("0.03"), Decimal("0.03"), Decimal("0.04")]
    assert split(Decimal(5), [Decimal(0), Decimal(0)], step) == [Decimal(0), Decimal(5)]


async def test_products_are_read_whole_once_and_by_change_afterwards() -> None:
    world = small_world()
    bench = shop(world)
    first = await bench.read("products")
    assert first.cursor is not None
    assert (await bench.read("products", first.cursor)).records == []


async def test_all_connectors_are_registered_with_emulators_that_load() -> None:
    found = register_connectors()
    assert {c.info.name: load_emulator(c.info.emulator).platform for c in found} == {
        c.info.name: c.info.platform for c in found
    }
    world = small_world()
    simulator = Simulator(world, [load_emulator(c.info.emulator) for c in found], now=lambda: world.now)
    hosts = simulator.state()["hosts"]
    # Two products share a host and are told apart by path.
    owners = {host: {c.info.platform for c in found if host in c.info.hosts} for c in found for host in c.info.hosts}
    assert all(hosts[host] in owners[host] for host in owners)
    secrets = {emulator.platform: emulator.client_secret for emulator in simulator.emulators}  # type: ignore[attr-defined]  # ours have one
    assert secrets == {
        "tiktok": "tiktok-demo-secret",
        "tiktok-ads": "tiktok-ads-demo-secret",
        "tiktok-shop": "tiktok-shop-demo-secret",
    }


async def test_warehouses_under_another_name_are_not_taken_for_none(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = shop(small_world())
    monkeypatch.setattr("shelftide_tiktok.shop.data_of", lambda reply, path: {"warehouses_moved": [{"id": "1"}]})
    with pytest.raises(ContractError, match="holds no warehouses"):
        await bench.read("locations")
