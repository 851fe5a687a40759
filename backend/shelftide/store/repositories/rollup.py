"""The roll-up's rows: written day by day, read by pages."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal, localcontext
from itertools import islice, repeat
from operator import lt
from types import MappingProxyType
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Date,
    Table,
    Text,
    Uuid,
    and_,
    any_,
    cast,
    column,
    delete,
    func,
    not_,
    or_,
    select,
    text,
    true,
    values,
)
from sqlalchemy.dialects.postgresql import insert

from shelftide.core.scope import Claim, Scope
from shelftide.store.models import metric_daily, rollups, sku_daily, sku_stock, stream_states
from shelftide.store.reads import Reads, Row
from shelftide.store.rows import to_struct
from shelftide.store.unit_of_work import UnitOfWork

_METRICS_OF = {
    "Order": ("orders", "cancelled_orders"),
    "OrderLine": ("units", "revenue"),
    "Refund": ("refunds",),
    "SalesDay": ("units", "revenue"),
    "ProfileDay": ("views", "likes", "comments", "shares", "profile_views", "new_followers", "followers", "reach"),
}
_CHUNK = 2_000
_AT_ONCE = 20_000
# A row a series: one for each day would cost more to send than to find. Days are put in order by `dailies`: Postgres
# took half of its time to sort by four texts.
POINTS = """
select tenant_id, metric, platform, currency, array_agg(day), array_agg(value) from metric_daily
where tenant_id = any(scope.tenants) and metric = any($1::text[]) and day between $2 and $3
group by tenant_id, metric, platform, currency
"""
_ROWS = {
    "metric_daily": text(
        "insert into metric_daily (tenant_id, connection_id, metric, day, platform, currency, value, rows)"
        " select :tenant_id, :connection_id, * from unnest(cast(:metric as text[]), cast(:day as date[]),"
        " cast(:platform as text[]), cast(:currency as text[]), cast(:value as numeric[]), cast(:rows as bigint[]))"
    ),
    "sku_daily": text(
        "insert into sku_daily (tenant_id, connection_id, platform, day, sku, currency, units, revenue, orders)"
        " select :tenant_id, :connection_id, :platform, * from unnest(cast(:day as date[]), cast(:sku as text[]),"
        " cast(:currency as text[]), cast(:units as bigint[]), cast(:revenue as numeric[]), cast(:orders as bigint[]))"
    ),
}


class Point(msgspec.Struct, frozen=True, gc=False):
    """One metric of one brand on one day."""

    tenant_id: UUID
    metric: str
    platform: str
    currency: str
    day: date
    value: Decimal


class Daily(msgspec.Struct, frozen=True):
    """A metric of one brand over the days that have it, in order."""

    tenant_id: UUID
    metric: str
    platform: str
    currency: str
    days: list[date]
    values: list[Decimal]


class SkuSales(msgspec.Struct, frozen=True, kw_only=True):
    """Units and revenue of one SKU on one day, over all channels of one currency."""

    tenant_id: UUID
    sku: str
    day: date
    currency: str
    units: int
    revenue: Decimal


class SkuStock(msgspec.Struct, frozen=True, kw_only=True):
    """What lies on the shelf, summed over a SKU's places in one connection."""

    tenant_id: UUID
    connection_id: UUID
    sku: str
    title: str | None
    available: int
    incoming: int | None
    observed_at: datetime


async def rolled_to(uow: UnitOfWork, connection_id: UUID, edition: int) -> datetime | None:
    """The watermark: facts observed up to here are in the roll-up; None where another edition made it.

    Locks it, so that two roll-ups do not cross.
    """
    statement = (
        select(rollups.c.rolled_to, rollups.c.edition)
        .where(rollups.c.tenant_id == uow.scope.tenant_id, rollups.c.connection_id == connection_id)
        .with_for_update()
    )
    row = (await uow.connection.execute(statement)).one_or_none()
    return row.rolled_to if row is not None and row.edition == edition else None


async def set_rolled_to(uow: UnitOfWork, connection_id: UUID, at: datetime, edition: int) -> None:
    """Move the watermark, and say which edition the days are of."""
    moved = {"rolled_to": at, "edition": edition, "computed_at": func.now()}
    await uow.connection.execute(
        insert(rollups)
        .values(tenant_id=uow.scope.tenant_id, connection_id=connection_id, **moved)
        .on_conflict_do_update(index_elements=["tenant_id", "connection_id"], set_=moved)
    )


async def is_rolled(uow: UnitOfWork, edition: int) -> bool:
    """Whether the roll-up of the brand in scope can stand for its facts: this edition made it for some connection, and
    for every one that a sync wrote rows of."""
    mine = select(rollups.c.connection_id).where(
        rollups.c.tenant_id.in_(uow.scope.tenant_ids), rollups.c.edition == edition
    )
    missing = select(stream_states.c.connection_id).where(
        stream_states.c.tenant_id.in_(uow.scope.tenant_ids),
        stream_states.c.rows_written > 0,
        stream_states.c.connection_id.not_in(mine),
    )
    statement = select(and_(mine.exists(), not_(missing.exists())))
    return bool((await uow.connection.execute(statement)).scalar_one())


async def replace_days(
    uow: UnitOfWork,
    connection_id: UUID,
    days: Mapping[str, Sequence[date]],
    figures: Sequence[Mapping[str, Any]],
    skus: Sequence[Mapping[str, Any]],
    *,
    platform: str,
    content_from: date | None = None,
    cells: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> None:
    """Put the recomputed days in place of the old ones. `cells` names further metrics of a record's days.

    Whoever reads meanwhile sees the old days until the caller commits.
    """
    mine = (metric_daily.c.tenant_id == uow.scope.tenant_id, metric_daily.c.connection_id == connection_id)
    stale = [
        and_(metric_daily.c.metric.in_([*_METRICS_OF.get(table, ()), *cells.get(table, ())]), _days(found))
        for table, found in days.items()
    ]
    if content_from is not None:
        stale.append(and_(metric_daily.c.metric.like("content\\_%"), metric_daily.c.day >= content_from))
    if stale:
        await uow.connection.execute(delete(metric_daily).where(*mine, or_(*stale)))
    sku_days = sorted({day for table in ("OrderLine", "SalesDay") for day in days.get(table, ())})
    if sku_days:
        await uow.connection.execute(
            delete(sku_daily).where(
                sku_daily.c.tenant_id == uow.scope.tenant_id,
                sku_daily.c.connection_id == connection_id,
                sku_daily.c.day == any_(cast(sku_days, ARRAY(Date))),
            )
        )
    fixed = {"tenant_id": uow.scope.tenant_id, "connection_id": connection_id}
    plain = [{"platform": platform, **row} for row in figures]
    await _insert(uow, metric_daily, fixed, plain, ("metric", "day", "platform", "currency", "value", "rows"))
    await _insert(
        uow, sku_daily, {**fixed, "platform": platform}, skus, ("day", "sku", "currency", "units", "revenue", "orders")
    )


def _days(found: Sequence[date]) -> ColumnElement[bool]:
    return metric_daily.c.day == any_(cast(list(found), ARRAY(Date)))


async def _insert(
    uow: UnitOfWork, table: Table, fixed: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], names: Sequence[str]
) -> None:
    """As arrays: a statement with a value for each row takes a second for ten thousand of them."""
    for start in range(0, len(rows), _AT_ONCE):
        part = rows[start : start + _AT_ONCE]
        columns = {name: [row[name] for row in part] for name in names}
        await uow.connection.execute(_ROWS[table.name], {**fixed, **columns})


async def replace_stock(uow: UnitOfWork, connection_id: UUID, rows: Sequence[Mapping[str, Any]]) -> None:
    """Put the shelf as it is now in place of the last one."""
    await uow.connection.execute(
        delete(sku_stock).where(
            sku_stock.c.tenant_id == uow.scope.tenant_id, sku_stock.c.connection_id == connection_id
        )
    )
    fixed = {"tenant_id": uow.scope.tenant_id, "connection_id": connection_id}
    unique = {(row["stock_item_id"], row["location_id"]): row for row in rows}
    items = list(unique.values())
    for start in range(0, len(items), _CHUNK):
        await uow.connection.execute(
            insert(sku_stock).values([{**fixed, **row} for row in items[start : start + _CHUNK]])
        )


async def read_daily(
    reads: Reads, who: Scope | Claim, *, metrics: Sequence[str], since: date, until: date
) -> list[Daily]:
    """Daily figures of the brands that `who` may see, both ends included, by brand, metric, platform and currency.

    Raises as `Reads.of`.
    """
    return dailies(await reads.of(who, POINTS, list(metrics), since, until))


def dailies(rows: Sequence[Row]) -> list[Daily]:
    """The rows of `POINTS` in order, the connections of a platform taken together."""
    found = []
    for tenant_id, metric, platform, currency, days, values_ in sorted(rows, key=lambda row: tuple(row[:4])):
        found.append(Daily(tenant_id, metric, platform, currency, *_by_day(zip(days, values_, strict=True))))
    return found


def _by_day(pairs: Iterable[tuple[date, Decimal]]) -> tuple[list[date], list[Decimal]]:
    ordered = sorted(pairs)
    days, found = [day for day, _ in ordered], [value for _, value in ordered]
    if all(map(lt, days, islice(days, 1, None))):
        return days, found
    sums: dict[date, Decimal] = {}
    with localcontext(prec=40):
        for day, value in ordered:
            sums[day] = sums[day] + value if day in sums else value
    return list(sums), list(sums.values())


async def read_points(reads: Reads, scope: Scope, *, metrics: Sequence[str], since: date, until: date) -> list[Point]:
    """As `read_daily`, a point for each day."""
    points: list[Point] = []
    for run in await read_daily(reads, scope, metrics=metrics, since=since, until=until):
        keys = map(repeat, (run.tenant_id, run.metric, run.platform, run.currency))
        points += map(Point, *keys, run.days, run.values)
    return points


async def read_first_days(uow: UnitOfWork, *, metrics: Sequence[str]) -> dict[tuple[UUID, str], date]:
    """The first day of each metric of each brand in scope: what lies before was never read.

    A look into the key for each of them: the smallest of a group would read all of the brand's days.
    """
    c = metric_daily.c
    brands = values(column("tenant_id", Uuid()), name="brands").data([(each,) for each in uow.scope.tenant_ids])
    named = values(column("metric", Text()), name="named").data([(each,) for each in metrics])
    if not uow.scope.tenant_ids or not metrics:
        return {}
    first = (
        select(c.day)
        .where(c.tenant_id == brands.c.tenant_id, c.metric == named.c.metric)
        .order_by(c.day)
        .limit(1)
        .lateral("first")
    )
    statement = select(brands.c.tenant_id, named.c.metric, first.c.day).select_from(
        brands.join(named, true()).join(first, true())
    )
    return {(UUID(str(row[0])), str(row[1])): row[2] for row in (await uow.connection.execute(statement)).all()}


async def read_sku_sales(uow: UnitOfWork, *, since: date, until: date) -> list[SkuSales]:
    """Units per SKU and day of the brands in scope."""
    c = sku_daily.c
    statement = (
        select(
            c.tenant_id,
            c.sku,
            c.day,
            c.currency,
            cast(func.sum(c.units), BigInteger()).label("units"),
            func.sum(c.revenue).label("revenue"),
        )
        .where(c.tenant_id.in_(uow.scope.tenant_ids), c.day >= since, c.day <= until)
        .group_by(c.tenant_id, c.sku, c.day, c.currency)
        .order_by(c.tenant_id, c.sku, c.day)
    )
    return [to_struct(row, SkuSales) for row in (await uow.connection.execute(statement)).mappings()]


async def read_sku_stock(uow: UnitOfWork) -> list[SkuStock]:
    """The shelf of the brands in scope, one entry per SKU and connection."""
    c = sku_stock.c
    sku = func.coalesce(c.sku, c.stock_item_id)
    statement = (
        select(
            c.tenant_id,
            c.connection_id,
            sku.label("sku"),
            func.max(c.title).label("title"),
            cast(func.sum(c.available), BigInteger()).label("available"),
            cast(func.sum(c.incoming), BigInteger()).label("incoming"),
            func.max(c.observed_at).label("observed_at"),
        )
        .where(c.tenant_id.in_(uow.scope.tenant_ids))
        .group_by(c.tenant_id, c.connection_id, sku)
        .order_by(c.tenant_id, sku)
    )
    return [to_struct(row, SkuStock) for row in (await uow.connection.execute(statement)).mappings()]
