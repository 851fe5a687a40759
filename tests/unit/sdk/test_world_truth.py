"""The truth agrees with the orders, to the cent and to the piece."""

import csv
import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from shelftide_sdk.testing.world import World
from shelftide_sdk.testing.world.abroad import counted
from shelftide_sdk.testing.world.model import Channel, Network, Order
from shelftide_sdk.testing.world.parameters import AD_NETWORKS
from shelftide_sdk.testing.world.timeline import local_date
from shelftide_sdk.testing.world.truth import refund_shares

NOW = datetime(2026, 3, 18, 15, 20, tzinfo=UTC)


@pytest.fixture(scope="module")
def world() -> World:
    world = World(7, now=NOW, size="small")
    world.advance(timedelta(days=14, hours=11))  # the shelf of the story is empty on this day, before and after
    return world


def orders_of(world: World, key: str) -> list[Order]:
    return [order for channel in Channel for order in world.orders(key, channel)]


def test_daily_rows_sum_to_the_orders_without_tests(world: World) -> None:
    for brand in world.brands:
        real = [counted(order) for order in orders_of(world, brand.key) if not order.test]
        rows = world.truth().daily(brand.key)
        lines = [line for order in real for line in order.lines]
        refunds = [r.amount for order in real for r in order.refunds if r.at <= world.now]
        cancelled = [o for o in real if o.cancelled_at is not None and o.cancelled_at <= world.now]
        assert sum(row.units for row in rows) == sum(line.quantity for line in lines)
        assert sum((row.revenue for row in rows), Decimal(0)) == sum(
            (line.unit_price * line.quantity - line.discount for line in lines), Decimal(0)
        )
        assert sum((row.refunded for row in rows), Decimal(0)) == sum(refunds, Decimal(0))
        assert sum(row.cancelled_units for row in rows) == sum(ln.quantity for o in cancelled for ln in o.lines)


def test_test_orders_exist_and_are_left_out() -> None:
    world = World(7, now=NOW, start=NOW - timedelta(days=60), size="demo")
    tests = [order for order in orders_of(world, "luxi") if order.test]
    assert tests
    assert not {order.key for order in tests} & {row.order_key for row in world.truth().causes("luxi")}
    total = sum(row.orders for row in world.truth().totals("luxi"))
    assert total == len(orders_of(world, "luxi")) - len(tests)


def test_totals_agree_with_daily_rows(world: World) -> None:
    for brand in world.brands:
        daily: Counter[tuple[object, str]] = Counter()
        refunded: dict[tuple[object, str], Decimal] = {}
        for row in world.truth().daily(brand.key):
            daily[row.day, row.channel] += row.units
            slot = (row.day, row.channel)
            refunded[slot] = refunded.get(slot, Decimal(0)) + row.refunded
        for total in world.truth().totals(brand.key):
            assert total.units == daily[total.day, total.channel]
            assert total.refunded == refunded[total.day, total.channel]


def test_a_day_belongs_to_the_brands_zone(world: World) -> None:
    brand = world.brand("luxi")
    late = next(o for o in orders_of(world, "luxi") if not o.test and o.placed_at.hour < 3)
    local = local_date(late.placed_at, brand.zone)
    assert local == late.placed_at.date() - timedelta(days=1)
    rows = [r for r in world.truth().daily("luxi") if r.day == local and r.channel == late.channel]
    same_day = [o for o in world.orders("luxi", late.channel) if local_date(o.placed_at, brand.zone) == local]
    assert sum(row.units for row in rows) == sum(ln.quantity for o in same_day if not o.test for ln in o.lines)


def test_true_demand_is_what_was_sold_and_what_was_lost(world: World) -> None:
    """Ask the demand itself, which knows no shelf."""
    simulation = world.simulation("luxi")
    wanted = sum(
        pieces
        for day in range(world.timeline.day_of(world.now) + 1)
        for candidate in simulation.demand.of_day(day)
        if candidate.at <= world.now and not candidate.test
        for _, pieces in candidate.wanted
    )
    rows = world.truth().daily("luxi")
    assert sum(row.lost_units for row in rows) > 0
    assert sum(row.units + row.lost_units for row in rows) == wanted


def test_every_order_has_a_cause_and_known_keys(world: World) -> None:
    known = {video.key for network in Network for video in world.videos("luxi", network)}
    known |= {creator.key for creator in world.creators("luxi")}
    known |= {entity.key for name in AD_NETWORKS for entity in world.ads("luxi", name)}
    for row in world.truth().causes("luxi"):
        if row.cause in ("video", "creator", "ad"):
            assert row.cause_key in known
        elif row.cause == "live":
            assert str(row.cause_key).startswith("luxi-live-")
        else:
            assert row.cause in ("organic", "search", "direct", "newsletter")
            assert row.cause_key is None


def test_only_converting_videos_sell(world: World) -> None:
    rows = world.truth().videos("luxi")
    assert any(row.orders > 50 for row in rows)
    assert all(row.converts for row in rows if row.orders)
    caused = [row for row in world.truth().causes("luxi") if row.cause == "video"]
    assert sum(row.orders for row in rows) == len(caused)


def test_a_refund_is_shared_without_a_rest(world: World) -> None:
    shared = 0
    for brand in world.brands:
        for order in orders_of(world, brand.key):
            for refund in order.refunds:
                shares = refund_shares(order, refund)
                assert sum((amount for _, amount in shares), Decimal(0)) == refund.amount
                assert all(amount >= 0 for _, amount in shares)
                shared += len(shares) > 1
    assert shared > 0


def test_stock_rows_end_where_the_next_day_begins(world: World) -> None:
    rows = world.truth().stock("luxi")
    days = sorted({row.day for row in rows})
    assert len(days) >= 44
    assert len(rows) == len(days) * len(world.stock("luxi"))
    assert any(row.lost_units and row.available <= 0 for row in rows)


def test_exports_files_that_can_be_read_back(world: World, tmp_path: Path) -> None:
    paths = world.export(tmp_path / "truth")
    assert {path.name for path in paths} == {
        "ads.csv",
        "brands.json",
        "causes.csv",
        "daily.csv",
        "stock.csv",
        "totals.csv",
        "videos.csv",
    }
    with (tmp_path / "truth" / "daily.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    expected = [row for brand in world.brands for row in world.truth().daily(brand.key)]
    assert [Decimal(row["revenue"]) for row in rows] == [row.revenue for row in expected]
    assert [row["day"] for row in rows] == [row.day.isoformat() for row in expected]
    with (tmp_path / "truth" / "causes.csv").open(encoding="utf-8", newline="") as file:
        causes = list(csv.DictReader(file))
    assert all(row["placed_at"].endswith("Z") and row["cancelled"] in ("0", "1") for row in causes)
    brands = json.loads((tmp_path / "truth" / "brands.json").read_text(encoding="utf-8"))
    assert brands[0]["name"] == "Luxi 露晞"
