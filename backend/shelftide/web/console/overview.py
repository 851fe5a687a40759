"""All brands of a person at a glance: what needs somebody, and each brand's state, figures and age."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

import msgspec

from shelftide.analytics.attention import Facts, Kind, Need, needs
from shelftide.analytics.cover import SkuCover, covers_of, window
from shelftide.analytics.freshness import Freshness, freshness
from shelftide.analytics.overview import Period, daily_total, period_ending, seen_before
from shelftide.store.repositories.agencies import Tenant, list_tenants
from shelftide.store.repositories.connections import (
    Connection,
    StreamState,
    count_quarantine,
    list_connections,
    list_streams,
)
from shelftide.store.repositories.rollup import Point, read_first_days, read_points, read_sku_sales, read_sku_stock
from shelftide.store.repositories.runs import latest_runs
from shelftide.store.unit_of_work import UnitOfWork
from shelftide.web.charts import Spark, spark
from shelftide.web.figures import DEFAULT_DAYS, by_tenant
from shelftide.web.i18n import Words

_METRICS = ("orders", "revenue", "views", "content_views")
_URGENT = frozenset({Kind.RECONNECT, Kind.STOCK, Kind.BROKEN, Kind.FAILED_RUN})


class Glance(msgspec.Struct, frozen=True, kw_only=True):
    """One brand in a list. A figure is its sum over the period, the period before, and its sparkline."""

    tenant: Tenant
    needs: list[Need]
    freshness: Freshness
    platforms: list[str]
    orders: tuple[Decimal | None, Decimal | None, Spark]
    views: tuple[Decimal | None, Decimal | None, Spark]
    revenue: tuple[Decimal | None, Decimal | None, Spark]
    currency: str

    @property
    def state(self) -> str:
        """`empty` without a connection, else `act`, `watch` or `fine`."""
        if not self.platforms:
            return "empty"
        if any(need.kind in _URGENT for need in self.needs):
            return "act"
        return "watch" if self.needs else "fine"


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """All that the home page and the list of brands show."""

    glances: list[Glance]
    needs: list[Need]
    freshness: Freshness

    @property
    def fine(self) -> int:
        """Brands that need nobody."""
        return sum(not glance.needs and bool(glance.platforms) for glance in self.glances)

    @property
    def names(self) -> dict[UUID, Tenant]:
        """Brands by id."""
        return {glance.tenant.tenant_id: glance.tenant for glance in self.glances}


async def read_overview(uow: UnitOfWork, *, now: datetime, words: Words) -> Overview:
    """Everything about the brands in scope."""
    tenants = await list_tenants(uow)
    connections, streams = await list_connections(uow), await list_streams(uow)
    found = needs(
        Facts(
            connections=connections,
            streams=streams,
            runs=await latest_runs(uow, job="sync.run"),
            rejects=await count_quarantine(uow),
            covers=await _covers(uow, tenants, now),
            now=now,
        )
    )
    periods = {tenant.tenant_id: period_ending(now, tenant.zone, DEFAULT_DAYS) for tenant in tenants}
    points = await _points(uow, list(periods.values()))
    first = await read_first_days(uow, metrics=_METRICS)
    return Overview(
        glances=[
            _glance(
                tenant,
                needs=[need for need in found if need.tenant_id == tenant.tenant_id],
                connections=[c for c in connections if c.tenant_id == tenant.tenant_id],
                streams=[s for s in streams if s.tenant_id == tenant.tenant_id],
                points=_comparable(tenant.tenant_id, points, periods, first),
                period=periods[tenant.tenant_id],
                words=words,
                now=now,
            )
            for tenant in tenants
        ],
        needs=found,
        freshness=freshness(streams, now),
    )


async def _covers(uow: UnitOfWork, tenants: Sequence[Tenant], now: datetime) -> dict[UUID, list[SkuCover]]:
    windows = {tenant.tenant_id: window(tenant.zone, now) for tenant in tenants}
    if not windows:
        return {}
    first, last = min(w[0] for w in windows.values()), max(w[1] for w in windows.values())
    sales = by_tenant(await read_sku_sales(uow, since=first, until=last))
    shelf = by_tenant(await read_sku_stock(uow))
    return {
        tenant_id: covers_of(sales.get(tenant_id, []), rows, since=windows[tenant_id][0], until=windows[tenant_id][1])
        for tenant_id, rows in shelf.items()
    }


async def _points(uow: UnitOfWork, periods: Sequence[Period]) -> dict[UUID, list[Point]]:
    if not periods:
        return {}
    return by_tenant(
        await read_points(
            uow.reads,
            uow.scope,
            metrics=_METRICS,
            since=min(period.before.since for period in periods),
            until=max(period.until for period in periods),
        )
    )


def _comparable(
    tenant_id: UUID,
    points: Mapping[UUID, list[Point]],
    periods: Mapping[UUID, Period],
    first: Mapping[tuple[UUID, str], date],
) -> list[Point]:
    """A brand's points, without those of a period before that was not seen whole."""
    period = periods[tenant_id]
    mine = {metric: day for (owner, metric), day in first.items() if owner == tenant_id}
    return [
        point for point in points.get(tenant_id, []) if period.has(point.day) or seen_before(point.metric, period, mine)
    ]


def _glance(
    tenant: Tenant,
    *,
    needs: list[Need],
    connections: Sequence[Connection],
    streams: Sequence[StreamState],
    points: list[Point],
    period: Period,
    words: Words,
    now: datetime,
) -> Glance:
    currency = _currency(points, tenant.currency)
    views = "views" if any(point.metric == "views" for point in points) else "content_views"
    return Glance(
        tenant=tenant,
        needs=needs,
        freshness=freshness(streams, now),
        platforms=list(dict.fromkeys(connection.platform for connection in connections)),
        orders=_figure(points, "orders", period, "", words.text("Orders a day")),
        views=_figure(points, views, period, "", words.text("Views a day")),
        revenue=_figure(points, "revenue", period, currency, words.text("Revenue a day")),
        currency=currency,
    )


def _currency(points: Sequence[Point], own: str) -> str:
    """The brand's own currency, or, when it sells nothing in it, the one it sells most orders' worth in by name."""
    found = {point.currency for point in points if point.metric == "revenue"}
    return own if own in found or not found else min(found)


def _figure(
    points: list[Point], metric: str, period: Period, currency: str, label: str
) -> tuple[Decimal | None, Decimal | None, Spark]:
    now = daily_total(points, metric, period, currency)
    before = daily_total(points, metric, period.before, currency)
    return (_sum(now), _sum(before), spark(now, label))


def _sum(values: Sequence[Decimal | None]) -> Decimal | None:
    known = [value for value in values if value is not None]
    return sum(known, start=Decimal()) if known else None
