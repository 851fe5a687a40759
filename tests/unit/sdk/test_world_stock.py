"""The shelf: pieces are neither made nor lost, an empty shelf sells nothing, and what is ordered changes the future."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import msgspec
import pytest

from shelftide_sdk.testing.world import World
from shelftide_sdk.testing.world.model import Channel, Order
from shelftide_sdk.testing.world.parameters import OVERSELL_LIMIT
from shelftide_sdk.testing.world.stock import MovementKind

NOW = datetime(2026, 3, 18, 15, 20, tzinfo=UTC)
WEEKS = timedelta(days=21)


def story_world() -> World:
    return World(7, now=NOW, start=NOW - timedelta(days=40), size="demo")


@pytest.fixture(scope="module")
def after() -> World:
    """Three weeks after the initial present: the story's shelf has been empty for days."""
    world = story_world()
    world.advance(WEEKS)
    return world


def orders_of(world: World, key: str) -> list[Order]:
    return [order for channel in Channel for order in world.orders(key, channel) if not order.test]


def left_the_house(order: Order, now: datetime) -> Counter[tuple[str, str]]:
    """Pieces shipped less pieces put back on the shelf."""
    gone: Counter[tuple[str, str]] = Counter()
    skus = {line.key: line.sku_key for line in order.lines}
    if order.shipped_at is not None and order.shipped_at <= now:
        for line in order.lines:
            gone[line.sku_key, order.place_key] += line.quantity
    for refund in order.refunds:
        for line_key, pieces in refund.lines.items() if refund.restocked and refund.at <= now else ():
            gone[skus[line_key], order.place_key] -= pieces
    return gone


@pytest.mark.parametrize("key", ["luxi", "nebbia"])
def test_pieces_are_conserved_against_orders_and_shipments(after: World, key: str) -> None:
    """On hand = opening + received + restocked - shipped, counted from orders and shipments, not from the ledger."""
    now = after.now
    expected: Counter[tuple[str, str]] = Counter()
    for movement in after.simulation(key).shelf.movements:
        if movement.kind is MovementKind.OPENING:
            expected[movement.sku_key, movement.place_key] += movement.quantity
    for shipment in after.shipments(key):
        if shipment.received_at <= now:
            expected[shipment.sku_key, shipment.place_key] += shipment.quantity
    for order in orders_of(after, key):
        expected.subtract(left_the_house(order, now))
    on_hand = {(s.sku_key, s.place_key): s.available + s.committed for s in after.stock(key)}
    assert on_hand == dict(expected)


def test_committed_pieces_are_those_of_open_orders(after: World) -> None:
    waiting: Counter[tuple[str, str]] = Counter()
    for order in orders_of(after, "luxi"):
        left = order.cancelled_at or order.shipped_at
        if left is not None and left > after.now:
            for line in order.lines:
                waiting[line.sku_key, order.place_key] += line.quantity
    assert {(s.sku_key, s.place_key): s.committed for s in after.stock("luxi") if s.committed} == dict(waiting)


def test_incoming_pieces_are_those_of_travelling_shipments() -> None:
    world = story_world()
    sku = world.brand("luxi").skus[0].key
    shipment = world.order_supply("luxi", sku, 500)
    state = next(s for s in world.stock("luxi") if (s.sku_key, s.place_key) == (sku, shipment.place_key))
    assert state.updated_at == world.now
    assert state.incoming == 500, "the story's shelf has nothing else on its way"
    world.advance(shipment.received_at - world.now - timedelta(seconds=1))
    for moment in ("before", "after"):
        coming: Counter[tuple[str, str]] = Counter()
        for known in world.shipments("luxi"):
            if known.received_at > world.now:
                coming[known.sku_key, known.place_key] += known.quantity
        assert (shipment in [s for s in world.shipments("luxi") if s.received_at > world.now]) == (moment == "before")
        assert {(s.sku_key, s.place_key): s.incoming for s in world.stock("luxi") if s.incoming} == dict(coming)
        world.advance(timedelta(seconds=1))


def test_an_order_is_placed_only_while_there_are_pieces(after: World) -> None:
    """Replays the ledger: before each sale pieces were available, but for a few oversold in the own shop."""
    channels = {order.key: order.channel for order in orders_of(after, "luxi")}
    available: Counter[tuple[str, str]] = Counter()
    oversold = 0
    for movement in after.simulation("luxi").shelf.movements:
        slot = (movement.sku_key, movement.place_key)
        if movement.kind is MovementKind.PLACED and movement.at <= after.now:
            if available[slot] < movement.quantity:
                oversold += 1
                assert channels[movement.source_key] is Channel.SHOPIFY
                assert available[slot] - movement.quantity >= -OVERSELL_LIMIT
            available[slot] -= movement.quantity
        elif movement.kind in (MovementKind.OPENING, MovementKind.RECEIVED, MovementKind.CANCELLED, "restocked"):
            available[slot] += movement.quantity
    assert oversold > 0


def test_movements_are_in_order_of_time(after: World) -> None:
    for key in ("luxi", "nebbia"):
        movements = after.simulation(key).shelf.movements
        assert all(earlier.at <= later.at for earlier, later in pairwise(movements))


def test_an_empty_shelf_loses_sales_and_records_them(after: World) -> None:
    sku = after.brand("luxi").skus[0].key
    lost = [loss for loss in after.truth().losses("luxi") if loss.sku_key == sku]
    assert sum(loss.units for loss in lost) > 30
    assert all(loss.at <= after.now for loss in lost)


def test_a_shipment_in_time_saves_the_sales_and_leaves_the_past_alone(after: World) -> None:
    world = story_world()
    sku = world.brand("luxi").skus[0].key
    before = {channel: list(world.orders("luxi", channel)) for channel in Channel}
    stock = list(world.stock("luxi"))
    shipment = world.order_supply("luxi", sku, 600)
    assert shipment.ordered_at == world.now
    assert shipment.expected_at - shipment.ordered_at == timedelta(days=9)
    assert shipment.received_at >= shipment.expected_at
    assert {c: list(world.orders("luxi", c)) for c in Channel} == before
    changed = [s for s, old in zip(world.stock("luxi"), stock, strict=True) if s != old]
    assert [(s.sku_key, s.incoming) for s in changed] == [(sku, 600)]
    world.advance(WEEKS)
    for channel, orders in before.items():
        assert list(world.orders("luxi", channel))[: len(orders)] == orders
    saved, unsaved = (
        sum(loss.units for loss in w.truth().losses("luxi") if loss.sku_key == sku) for w in (world, after)
    )
    assert saved < unsaved / 3
    sold, unsold = (sum(r.units for r in w.truth().daily("luxi") if r.sku_key == sku) for w in (world, after))
    assert sold - unsold == unsaved - saved


def test_other_brands_do_not_feel_a_shipment(after: World) -> None:
    world = story_world()
    world.order_supply("luxi", world.brand("luxi").skus[0].key, 600)
    world.advance(WEEKS)
    assert msgspec.json.encode(world.orders("nebbia", Channel.SHOPIFY)) == msgspec.json.encode(
        after.orders("nebbia", Channel.SHOPIFY)
    )


def test_refuses_a_shipment_of_nothing_or_of_something_unknown() -> None:
    world = World(7, now=NOW, size="small")
    with pytest.raises(ValueError, match="at least one"):
        world.order_supply("luxi", world.brand("luxi").skus[0].key, 0)
    with pytest.raises(KeyError):
        world.order_supply("luxi", "nothing", 5)
    with pytest.raises(KeyError):
        world.order_supply("nobody", "nothing", 5)
