"""The roll-up's rows: written day by day, read by pages."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import BigInteger, and_, cast, delete, func, or_, select
from sqlalchemy.dialects.postgresql import insert

from shelftide.store.models import metric_daily, rollups, sku_daily, sku_stock
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


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """One metric of one brand on one day."""

    tenant_id: UUID
    metric: str
    day: date
    platform: str
    currency: str
    value: Decimal


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


async def rolled_to(uow: UnitOfWork, connection_id: UUID) -> datetime | None:
    """The watermark: facts observed up to here are in the roll-up. Locks it, so that two roll-ups do not cross."""
    statement = (
        select(rollups.c.rolled_to)
        .where(rollups.c.tenant_id == uow.scope.tenant_id, rollups.c.connection_id == connection_id)
        .with_for_update()
    )
    return (await uow.connection.execute(statement)).scalar_one_or_none()


async def set_rolled_to(uow: UnitOfWork, connection_id: UUID, at: datetime) -> None:
    """Move the watermark."""
    values = {"rolled_to": at, "computed_at": func.now()}
    await uow.connection.execute(
        insert(rollups)
        .values(tenant_id=uow.scope.tenant_id, connection_id=connection_id, **values)
        .on_conflict_do_update(index_elements=["tenant_id", "connection_id"], set_=values)
    )


async def replace_days(
    uow: UnitOfWork,
    connection_id: UUID,
    days: Mapping[str, Sequence[date]],
    figures: Sequence[Mapping[str, Any]],
    skus: Sequence[Mapping[str, Any]],
    *,
    platform: str,
    content_from: date | None = None,
) -> None:
    """Put the recomputed days in place of the old ones."""
    mine = (metric_daily.c.tenant_id == uow.scope.tenant_id, metric_daily.c.connection_id == connection_id)
    stale = [
        and_(metric_daily.c.metric.in_(_METRICS_OF[table]), metric_daily.c.day.in_(found))
        for table, found in days.items()
        if table in _METRICS_OF
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
                sku_daily.c.day.in_(sku_days),
            )
        )
    fixed = {"tenant_id": uow.scope.tenant_id, "connection_id": connection_id, "platform": platform}
    for table, rows in ((metric_daily, figures), (sku_daily, skus)):
        for start in range(0, len(rows), _CHUNK):
            chunk = [{**fixed, **row} for row in rows[start : start + _CHUNK]]
            await uow.connection.execute(insert(table).values(chunk))


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


async def read_points(uow: UnitOfWork, *, metrics: Sequence[str], since: date, until: date) -> list[Point]:
    """Daily points of the brands in scope, both ends included, by brand, metric, day."""
    c = metric_daily.c
    statement = (
        select(c.tenant_id, c.metric, c.day, c.platform, c.currency, func.sum(c.value).label("value"))
        .where(c.tenant_id.in_(uow.scope.tenant_ids), c.metric.in_(list(metrics)), c.day >= since, c.day <= until)
        .group_by(c.tenant_id, c.metric, c.day, c.platform, c.currency)
        .order_by(c.tenant_id, c.metric, c.day, c.platform, c.currency)
    )
    return [to_struct(row, Point) for row in (await uow.connection.execute(statement)).mappings()]


async def read_first_days(uow: UnitOfWork, *, metrics: Sequence[str]) -> dict[tuple[UUID, str], date]:
    """The first day of each metric of each brand in scope: what lies before was never read."""
    c = metric_daily.c
    statement = (
        select(c.tenant_id, c.metric, func.min(c.day))
        .where(c.tenant_id.in_(uow.scope.tenant_ids), c.metric.in_(list(metrics)))
        .group_by(c.tenant_id, c.metric)
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
