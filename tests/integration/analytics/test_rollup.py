"""The roll-up equals the facts after any sequence of edits, on both engines, and recomputes only what changed."""

from collections import defaultdict
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import pytest

from shelftide.analytics.rollup import roll_up
from shelftide.core.vault import Vault
from shelftide.jobs.lake_secrets import VaultLakeSecrets
from shelftide.store.database import Database
from shelftide.store.embedded import Dsns
from shelftide.store.repositories.rollup import read_points, read_sku_sales
from shelftide.store.unit_of_work import UnitOfWork
from shelftide.warehouse.factory import make_warehouses
from shelftide.warehouse.warehouse import Batch, Stamp, Warehouse
from shelftide_sdk import Delete, Money
from shelftide_sdk.records import (
    ChannelKind,
    ContentSnapshot,
    Order,
    OrderLine,
    OrderStatus,
    ProfileDay,
    Record,
    Refund,
)
from tests.conftest import House, MakeHouse, make_connection

START = datetime(2026, 3, 20, tzinfo=UTC)  # the clocks change inside
ZONE = "Europe/Rome"
DAYS = (date(2026, 1, 1), date(2026, 12, 31))


@pytest.fixture(params=["ducklake", "postgres"])
async def bench(
    request: pytest.FixtureRequest,
    installation: Dsns,
    database: Database,
    vault: Vault,
    make_house: MakeHouse,
    tmp_path: Path,
) -> AsyncIterator["Bench"]:
    house = await make_house(1)
    connection_id = await make_connection(database, house.on())
    warehouses = make_warehouses(
        request.param,
        app_dsn=installation.app,
        lakes_dsn=installation.lakes,
        folder=tmp_path,
        secrets=VaultLakeSecrets(database, vault),
    )
    yield Bench(database, house, warehouses.of(house.tenant_ids[0]), connection_id)
    await warehouses.close()


class Bench:
    """A brand whose facts are edited."""

    def __init__(self, database: Database, house: House, warehouse: Warehouse, connection_id: UUID) -> None:
        self.database = database
        self.house = house
        self.warehouse = warehouse
        self.connection_id = connection_id
        self.now = START + timedelta(days=30)

    async def write(self, records: list[Record], deletes: list[Delete] | None = None) -> None:
        self.now += timedelta(minutes=1)
        stamp = Stamp(
            tenant_id=self.house.tenant_ids[0],
            connection_id=self.connection_id,
            platform="test",
            fetched_at=self.now,
            observed_at=self.now,
            pseudonym=lambda _customer: None,
        )
        await self.warehouse.write(Batch(stamp=stamp, records=records, deletes=deletes or []))

    async def roll_up(self) -> int:
        async with UnitOfWork(self.database, self.house.on()) as uow:
            report = await roll_up(self.warehouse, uow, self.connection_id, platform="test")
            await uow.commit()
        return report.days

    async def figures(self) -> dict[tuple[str, date, str], Decimal]:
        names = ["orders", "cancelled_orders", "units", "revenue", "refunds", "views", "content_views"]
        async with UnitOfWork(self.database, self.house.on()) as uow:
            points = await read_points(uow.reads, uow.scope, metrics=names, since=DAYS[0], until=DAYS[1])
        return {(p.metric, p.day, p.currency): p.value.normalize() for p in points}


class Shop:
    """What the facts should say, in plain Python."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.orders: dict[str, tuple[Order, list[OrderLine]]] = {}
        self.refunds: dict[str, Refund] = {}
        self.views: dict[date, ProfileDay] = {}

    def order(self, key: str) -> list[Record]:
        at = START + timedelta(minutes=self.random.randrange(14 * 1440))
        currency = self.random.choice(["EUR", "USD"])
        status = self.random.choice([OrderStatus.OPEN, OrderStatus.CANCELLED, OrderStatus.COMPLETED])
        lines = [
            OrderLine(
                order_id=key,
                source_id=str(n),
                placed_at=at,
                zone=ZONE,
                quantity=self.random.randint(1, 4),
                total=Money(Decimal(self.random.randrange(1, 10**6)) / 100, currency),
                sku=self.random.choice("ABC"),
                cancelled=status is OrderStatus.CANCELLED,
            )
            for n in range(3)
        ]
        total = Money(sum((line.total.amount for line in lines), Decimal(0)), currency)
        order = Order(
            source_id=key, placed_at=at, zone=ZONE, status=status, channel_kind=ChannelKind.OWN_SHOP, total=total
        )
        self.orders[key] = (order, lines)
        return [order, *lines]

    def refund(self, key: str) -> list[Record]:
        amount = Money(Decimal(self.random.randrange(1, 10**5)) / 100, "EUR")
        at = START + timedelta(minutes=self.random.randrange(20 * 1440))
        self.refunds[key] = Refund(source_id=key, order_id=key, refunded_at=at, zone=ZONE, amount=amount)
        return [self.refunds[key]]

    def day(self) -> list[Record]:
        day = (START + timedelta(days=self.random.randrange(14))).date()
        views = self.random.choice([None, self.random.randrange(1000)])
        self.views[day] = ProfileDay(profile_id="p", day=day, zone="UTC", views=views)
        return [self.views[day]]

    def forget(self, key: str) -> list[Delete]:
        _, lines = self.orders.pop(key)
        gone = [Delete(OrderLine, {"order_id": key, "source_id": line.source_id}) for line in lines]
        return [Delete(Order, {"source_id": key}), *gone]

    def expected(self) -> dict[tuple[str, date, str], Decimal]:
        found: dict[tuple[str, date, str], Decimal] = defaultdict(Decimal)
        for order, lines in self.orders.values():
            day = local(order.placed_at)
            found["orders", day, ""] += 1
            if order.status is OrderStatus.CANCELLED:
                found["cancelled_orders", day, ""] += 1
            for line in lines:
                if not line.cancelled:
                    found["units", day, ""] += line.quantity
                    found["revenue", day, line.total.currency] += line.total.amount
        for refund in self.refunds.values():
            found["refunds", local(refund.refunded_at), refund.amount.currency] += refund.amount.amount
        for day, figures in self.views.items():
            if figures.views is not None:
                found["views", day, ""] += figures.views
        return {key: value.normalize() for key, value in found.items()}


def local(at: datetime) -> date:
    """The day in Rome: CET until 29 March 2026, 01:00 UTC, CEST from then on."""
    return (at + timedelta(hours=2 if at >= datetime(2026, 3, 29, 1, tzinfo=UTC) else 1)).date()


@pytest.mark.parametrize("seed", [1, 2])
async def test_roll_up_equals_facts_after_random_edits(bench: Bench, seed: int) -> None:
    shop = Shop(seed)
    random = Random(seed)
    for step in range(24):
        records: list[Record] = []
        deletes: list[Delete] = []
        for _ in range(random.randint(1, 5)):
            kind = random.choice(["order", "order", "refund", "day", "forget"])
            key = str(random.randrange(30))
            if kind == "forget":
                if shop.orders:
                    chosen = random.choice(sorted(shop.orders))
                    if not any(isinstance(r, Order) and r.source_id == chosen for r in records):
                        deletes += shop.forget(chosen)
            elif kind == "order":
                if not any(d.key.get("source_id") == key for d in deletes):
                    records += shop.order(key)
            else:
                records += shop.refund(key) if kind == "refund" else shop.day()
        await bench.write(records, deletes)
        if step % 3 == 2:
            await bench.roll_up()
    await bench.roll_up()
    assert await bench.figures() == shop.expected()


async def test_only_touched_days_are_recomputed(bench: Bench) -> None:
    shop = Shop(3)
    await bench.write([record for n in range(60) for record in shop.order(str(n))])
    assert await bench.roll_up() > 10
    assert await bench.roll_up() == 0
    order, _ = shop.orders["5"]
    before = local(order.placed_at)
    await bench.write(shop.order("5"))
    after = local(shop.orders["5"][0].placed_at)
    assert await bench.roll_up() == len({before, after})


async def test_a_crash_between_facts_and_roll_up_loses_nothing(bench: Bench) -> None:
    shop = Shop(4)
    await bench.write(shop.order("1"))
    async with UnitOfWork(bench.database, bench.house.on()) as uow:
        await roll_up(bench.warehouse, uow, bench.connection_id, platform="test")  # and no commit
    await bench.roll_up()
    assert await bench.figures() == shop.expected()


async def test_content_gains_are_differences_of_totals(bench: Bench) -> None:
    def snapshot(content: str, day: int, hour: int, views: int) -> ContentSnapshot:
        at = START + timedelta(days=day, hours=hour)
        return ContentSnapshot(content_id=content, captured_at=at, zone="UTC", views=views)

    facts: list[Any] = [
        snapshot("a", 0, 9, 100),
        snapshot("a", 1, 9, 150),
        snapshot("a", 1, 20, 180),
        snapshot("a", 3, 9, 400),
        snapshot("b", 1, 9, 10),
        snapshot("b", 2, 9, 7),
    ]
    await bench.write(facts)
    await bench.roll_up()
    gained = {day: value for (metric, day, _), value in (await bench.figures()).items() if metric == "content_views"}
    start = START.date()
    assert gained == {
        start + timedelta(days=1): 80,
        start + timedelta(days=2): -3,
        start + timedelta(days=3): 220,
    }
    await bench.write([snapshot("a", 2, 9, 250)])  # a late snapshot changes its day and the one after it
    await bench.roll_up()
    gained = {day: value for (metric, day, _), value in (await bench.figures()).items() if metric == "content_views"}
    assert gained[start + timedelta(days=2)] == 67
    assert gained[start + timedelta(days=3)] == 150


async def test_each_connection_of_a_brand_counts_its_own_facts(bench: Bench) -> None:
    first, second = Shop(5), Shop(6)
    other = await make_connection(bench.database, bench.house.on(), account="other.example", platform="second")
    ours = bench.connection_id
    await bench.write([record for n in range(9) for record in first.order(str(n))])
    bench.connection_id = other
    await bench.write([record for n in range(9) for record in second.order(str(n))])
    async with UnitOfWork(bench.database, bench.house.on()) as uow:
        await roll_up(bench.warehouse, uow, ours, platform="test")
        await roll_up(bench.warehouse, uow, other, platform="second")
        await uow.commit()
    async with UnitOfWork(bench.database, bench.house.on()) as uow:
        points = await read_points(
            uow.reads, uow.scope, metrics=["orders", "units", "revenue"], since=DAYS[0], until=DAYS[1]
        )
    for platform, shop in (("test", first), ("second", second)):
        found = {(p.metric, p.day, p.currency): p.value.normalize() for p in points if p.platform == platform}
        wanted = {key: value for key, value in shop.expected().items() if key[0] != "cancelled_orders"}
        assert found == wanted


async def test_what_a_sku_sold_leaves_cancelled_lines_out_and_keeps_currencies_apart(bench: Bench) -> None:
    shop = Shop(8)
    await bench.write([record for n in range(20) for record in shop.order(str(n))])
    await bench.roll_up()
    wanted: dict[Any, list[Any]] = defaultdict(lambda: [0, Decimal(0)])
    for order, lines in shop.orders.values():
        for line in lines:
            if not line.cancelled:
                row = wanted[line.sku, local(order.placed_at), line.total.currency]
                row[0] += line.quantity
                row[1] += line.total.amount
    async with UnitOfWork(bench.database, bench.house.on()) as uow:
        sold = await read_sku_sales(uow, since=DAYS[0], until=DAYS[1])
    assert {(row.sku, row.day, row.currency): [row.units, row.revenue] for row in sold} == wanted
