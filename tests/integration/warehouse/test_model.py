"""Random histories give on both engines exactly what a plain-Python model gives."""

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import msgspec
import pytest
from sqlalchemy import select

from shelftide.warehouse.ducklake_engine import DuckLakeWarehouses
from shelftide.warehouse.postgres_engine import PostgresWarehouses
from shelftide.warehouse.tables import table_of
from shelftide.warehouse.versions import history, known
from shelftide.warehouse.warehouse import Batch, Stamp, TableChange, Warehouse
from shelftide_sdk import Delete
from shelftide_sdk.money import Money
from shelftide_sdk.records import ChannelKind, Order, OrderStatus

T0 = datetime(2026, 3, 28, 20, tzinfo=UTC)
CONNECTIONS = (UUID(int=1), UUID(int=2))
NAMES = (None, "", "a", "上架🛍", "\\N", 'q"uo,te\n', "ß" * 300, "x" * 7, "x" * 8, "x" * 9)
AMOUNTS = ("0", "-0.000001", "99999999999999.999999", "-99999999999999.999999", "1.5", "1.50")
ZONES = ("Europe/Rome", "America/St_Johns", "Asia/Shanghai", "Pacific/Apia")
COLUMNS = (
    "connection_id", "source_id", "name", "total_amount", "total_currency", "tax_amount", "local_day", "placed_at",
    "promo_codes", "updated_at", "observed_at", "superseded_at",
)  # fmt: skip


class Version(msgspec.Struct):
    """A row of the model."""

    record: Order
    observed_at: datetime
    superseded_at: datetime | None = None


class Model:
    """What a warehouse should hold, by the definitions alone."""

    def __init__(self) -> None:
        self.versions: dict[tuple[UUID, str], list[Version]] = {}

    def write(self, connection: UUID, records: list[Order], gone: list[str], at: datetime) -> dict[str, int]:
        closed = {(connection, source_id) for source_id in gone}
        latest: dict[str, Order] = {}
        for record in records:
            rival = latest.get(record.source_id)
            if (connection, record.source_id) not in closed and (rival is None or _age(record) >= _age(rival)):
                latest[record.source_id] = record
        met = {"repeated": len(records) - len(latest)}
        for record in latest.values():
            verdict = self._upsert((connection, record.source_id), record, at)
            met[verdict] = met.get(verdict, 0) + 1
        deleted = sum(self._close((connection, source_id), at) for source_id in dict.fromkeys(gone))
        return {name: count for name, count in {**met, "deleted": deleted}.items() if count}

    def _upsert(self, key: tuple[UUID, str], record: Order, at: datetime) -> str:
        versions = self.versions.setdefault(key, [])
        current = next((version for version in versions if version.superseded_at is None), None)
        if current is None:
            start = max([at, *(v.superseded_at for v in versions if v.superseded_at)])
            versions.append(Version(record, start))
            return "inserted"
        if current.record == record:
            return "unchanged"
        if _age(record) < _age(current.record):
            return "stale"
        start = max(at, current.observed_at)
        self._close(key, at)
        versions.append(Version(record, start))
        return "updated"

    def _close(self, key: tuple[UUID, str], at: datetime) -> int:
        versions = self.versions.get(key, [])
        for version in versions:
            if version.superseded_at is None:
                if version.observed_at >= at:
                    versions.remove(version)
                else:
                    version.superseded_at = at
                return 1
        return 0

    def rows(self, as_of: datetime | None) -> list[tuple[Any, ...]]:
        return _sorted(
            _row(key[0], version)
            for key, versions in self.versions.items()
            for version in versions
            if _is_known(version, as_of)
        )

    def all_rows(self) -> list[tuple[Any, ...]]:
        return _sorted(_row(key[0], version) for key, versions in self.versions.items() for version in versions)


def _age(record: Order) -> datetime:
    return record.updated_at or datetime.min.replace(tzinfo=UTC)


def _is_known(version: Version, as_of: datetime | None) -> bool:
    if as_of is None:
        return version.superseded_at is None
    return version.observed_at <= as_of and (version.superseded_at is None or version.superseded_at > as_of)


def _row(connection: UUID, version: Version) -> tuple[Any, ...]:
    record = version.record
    return (
        str(connection), record.source_id, record.name, record.total.amount, record.total.currency,
        record.tax and record.tax.amount, record.placed_at.astimezone(ZoneInfo(record.zone)).date(), record.placed_at,
        msgspec.json.encode(record.promo_codes).decode(), record.updated_at, version.observed_at, version.superseded_at,
    )  # fmt: skip


def _sorted(rows: Any) -> list[tuple[Any, ...]]:
    return sorted(rows, key=lambda row: (row[0], row[1], row[10]))


async def _read(warehouse: Warehouse, rows: Any, as_of: datetime | None = None) -> list[tuple[Any, ...]]:
    answer = await warehouse.query(select(*(rows.c[name] for name in COLUMNS)), as_of)
    return _sorted(zip(*(column.to_pylist() for column in answer.columns), strict=True))


def _order(dice: random.Random) -> Order:
    return Order(
        source_id=f"o{dice.randrange(6)}",
        placed_at=T0 + timedelta(minutes=15 * dice.randrange(48)),
        zone=dice.choice(ZONES),
        status=OrderStatus.OPEN,
        channel_kind=ChannelKind.OWN_SHOP,
        total=Money(Decimal(dice.choice(AMOUNTS)), dice.choice(("EUR", "JPY"))),
        tax=dice.choice((None, Money(Decimal("0.1"), "EUR"))),
        name=dice.choice(NAMES),
        promo_codes=dice.choice(((), ("é",), ('"', ""))),
        updated_at=dice.choice((None, T0, T0 + timedelta(hours=1), T0 + timedelta(microseconds=1))),
    )


@pytest.mark.parametrize("seed", range(6))
async def test_random_histories_match_the_model(
    seed: int, lakes: DuckLakeWarehouses, postgres: PostgresWarehouses
) -> None:
    dice = random.Random(seed)
    tenant_id, model = uuid4(), Model()
    engines: list[Warehouse] = [lakes.of(tenant_id), postgres.of(tenant_id)]
    moments = [T0 + timedelta(hours=hour) for hour in range(8)]
    for step in range(14):
        connection = dice.choice(CONNECTIONS)
        at = moments[min(step // 2, 7)] if dice.random() < 0.7 else dice.choice(moments)
        records = [_order(dice) for _ in range(dice.randrange(7))]
        gone = [f"o{dice.randrange(6)}" for _ in range(dice.randrange(3))]
        stamp = Stamp(
            tenant_id=tenant_id, connection_id=connection, platform="p", fetched_at=at, observed_at=at,
            pseudonym=lambda _: None,
        )  # fmt: skip
        batch = Batch(stamp=stamp, records=records, deletes=[Delete(Order, {"source_id": name}) for name in gone])
        before = {row[1:10]: row for row in model.rows(None)}
        expected = model.write(connection, records, gone, at)
        changes = [await engine.write(batch) for engine in engines]
        assert changes[0] == changes[1]
        if records or gone:
            assert changes[0].tables == {"orders": TableChange(**expected)}
        after = {row[1:10]: row for row in model.rows(None)}
        moved = {key[5] for key in before.keys() ^ after.keys()}
        assert moved <= {day for _, day in changes[0].days}
    table = table_of(Order)
    for engine in engines:
        assert await _read(engine, history(table)) == model.all_rows()
        for as_of in (None, *moments, T0 + timedelta(minutes=90)):
            assert await _read(engine, known(table), as_of) == model.rows(as_of)
    assert await engines[0].fingerprint(table) == await engines[1].fingerprint(table)
    assert await engines[0].counts() == await engines[1].counts()


async def test_every_record_type_can_be_written_and_read_empty(lakes: DuckLakeWarehouses) -> None:
    tenant_id = uuid4()
    warehouse = lakes.of(tenant_id)
    assert set(await warehouse.counts()) == {table.name for table in table_of(Order).metadata.sorted_tables}
