"""Orders: exact sums, lives that make sense, journeys before them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from shelftide_sdk.testing.world import World
from shelftide_sdk.testing.world.cast import creator_code, quantum
from shelftide_sdk.testing.world.model import Channel, Network, Order
from shelftide_sdk.testing.world.orders import line_net

NOW = datetime(2026, 3, 18, 15, 20, tzinfo=UTC)
DEEP = ("luxi", "nebbia", "yumo", "harubi")


@pytest.fixture(scope="module")
def world() -> World:
    return World(7, now=NOW, start=NOW - timedelta(days=45), size="demo")


def of(world: World, key: str) -> list[Order]:
    return [order for channel in Channel for order in world.orders(key, channel)]


@pytest.mark.parametrize("key", DEEP)
def test_sums_are_exact_and_in_steps_of_the_currency(world: World, key: str) -> None:
    step = quantum(world.brand(key).currency)
    for order in of(world, key):
        lines = sum((line.unit_price * line.quantity - line.discount for line in order.lines), Decimal(0))
        assert order.total == lines - order.platform_discount + order.shipping + order.tax
        assert order.total > 0
        amounts = [order.total, order.shipping, order.tax, order.platform_discount]
        amounts += [refund.amount for refund in order.refunds] + [line.discount for line in order.lines]
        assert all(amount == amount.quantize(step) for amount in amounts)
        assert all(isinstance(amount, Decimal) and amount >= 0 for amount in amounts)


@pytest.mark.parametrize("key", DEEP)
def test_refunds_never_exceed_what_was_paid_or_bought(world: World, key: str) -> None:
    for order in of(world, key):
        assert sum((refund.amount for refund in order.refunds), Decimal(0)) <= order.total
        for line in order.lines:
            assert sum(refund.lines.get(line.key, 0) for refund in order.refunds) <= line.quantity
        assert all(order.delivered_at is not None and refund.at > order.delivered_at for refund in order.refunds)


def test_an_order_moves_forward_in_time(world: World) -> None:
    for order in of(world, "luxi") + of(world, "nebbia"):
        stations = [order.placed_at, order.shipped_at, order.delivered_at, order.completed_at]
        known = [at for at in stations if at is not None]
        assert all(earlier <= later for earlier, later in pairwise(known))
        assert (order.cancelled_at is None) == (order.shipped_at is not None)
        assert order.updated_at(world.now) <= world.now


def test_all_kinds_of_order_occur(world: World) -> None:
    luxi, nebbia = of(world, "luxi"), of(world, "nebbia")
    assert any(order.refunds and sum(r.amount for r in order.refunds) < order.total for order in luxi)
    assert any(order.refunds and order.refunds[0].amount == order.total for order in luxi)
    assert any(len(order.refunds) == 2 for key in DEEP for order in of(world, key))
    assert any(order.cancelled_at for order in luxi)
    assert any(len(order.lines) > 1 and max(line.quantity for line in order.lines) > 1 for order in luxi)
    assert any(order.live_key and order.channel is Channel.TIKTOK_SHOP for order in luxi)
    assert any(order.video_key and order.channel is Channel.TIKTOK_SHOP for order in luxi)
    assert any(order.platform_discount for order in luxi)
    assert any(order.presentment_currency not in (None, "USD") for order in luxi)
    assert any(order.order_index > 1 for order in luxi)
    assert any(order.test for key in DEEP for order in of(world, key))
    assert any(order.place_key == "nebbia-shop" and not order.visits for order in nebbia)


def test_numbers_count_up_and_keys_are_unique(world: World) -> None:
    for channel in Channel:
        orders = world.orders("luxi", channel)
        assert [order.number for order in orders] == list(range(1001, 1001 + len(orders)))
        assert all(earlier.placed_at <= later.placed_at for earlier, later in pairwise(orders))
    keys = [order.key for order in of(world, "luxi")]
    assert len(set(keys)) == len(keys)


def test_a_returning_buyer_is_counted_per_channel(world: World) -> None:
    seen: dict[str, int] = {}
    for order in world.orders("luxi", Channel.SHOPIFY):
        if order.test:
            assert order.order_index == 0
            continue
        seen[order.person.key] = seen.get(order.person.key, 0) + 1
        assert order.order_index == seen[order.person.key]
    assert len({order.person.email for order in of(world, "luxi")}) == len(
        {order.person.key for order in of(world, "luxi")}
    )


def test_visits_come_before_shop_orders_only(world: World) -> None:
    for order in of(world, "luxi"):
        online = order.channel is Channel.SHOPIFY and not order.test
        assert bool(order.visits) == online
        assert len(order.visits) <= 3
        assert (order.journey_ready_at is not None) == bool(order.visits)
        times = [visit.at for visit in order.visits]
        assert times == sorted(times)
        assert all(at < order.placed_at for at in times)
        if order.journey_ready_at is not None:
            assert timedelta(hours=1) <= order.journey_ready_at - order.placed_at <= timedelta(hours=36)


def test_a_journey_mostly_shows_the_touch_that_caused_the_order(world: World) -> None:
    caused = [order for order in world.orders("luxi", Channel.SHOPIFY) if order.cause == "ad"]
    shown = [order for order in caused if any(visit.kind == "ad" for visit in order.visits)]
    assert len(caused) > 50
    assert 0.65 < len(shown) / len(caused) < 0.95


def test_nobody_comes_from_a_post_or_an_ad_that_is_not_there_yet(world: World) -> None:
    public = {v.key: v.public_at for network in Network for v in world.videos("luxi", network)}
    created = {e.key: e.created_at for name in ("tiktok-ads", "meta-ads") for e in world.ads("luxi", name)}
    visits = [visit for order in world.orders("luxi", Channel.SHOPIFY) for visit in order.visits]
    assert sum(visit.video_key is not None for visit in visits) > 20
    for visit in visits:
        assert visit.video_key is None or visit.at > public[visit.video_key]
        assert visit.campaign_key is None or visit.at > created[visit.campaign_key]


def test_keys_do_not_tell_the_cause(world: World) -> None:
    for order in of(world, "luxi"):
        assert not any(word in order.key for word in ("ads", "video", "story", "tiktok", "organic", "live"))
        assert order.cause_key is None or order.cause_key not in order.key


def test_promo_codes_name_creators_and_lower_the_lines(world: World) -> None:
    codes = {creator_code(creator): creator.key for creator in world.creators("luxi")}
    coded = [order for order in of(world, "luxi") if order.promo_code in codes]
    assert coded
    for order in coded:
        assert order.creator_key == codes[str(order.promo_code)]
        assert all(line.discount > 0 and line_net(line) < line.unit_price * line.quantity for line in order.lines)
    assert any(order.cause not in ("creator", "video") for order in coded), "coupon sites leak codes"


def test_mails_lie_at_example_domains(world: World) -> None:
    for order in of(world, "luxi"):
        assert order.person.email.split("@")[1] in ("example.com", "example.net", "example.org")
