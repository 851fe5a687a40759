"""A brand as console and portal both show it: figures, charts, cover, best sellers, and how fresh each is.

Everything is read from the roll-up in one transaction.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from shelftide.analytics.cover import SkuCover, covers_of, window
from shelftide.analytics.figures import Feed
from shelftide.analytics.freshness import Freshness, fresh_at, freshness
from shelftide.analytics.overview import (
    METRICS,
    Period,
    Seller,
    Tile,
    best_sellers,
    daily_total,
    period_ending,
    seen_before,
    series_of,
    tiles,
)
from shelftide.analytics.shelf import shelf_of
from shelftide.core.errors import InvalidInputError
from shelftide.ingest.registry import Registry
from shelftide.store.repositories.agencies import Tenant
from shelftide.store.repositories.connections import list_connections, list_streams
from shelftide.store.repositories.rollup import Point, read_first_days, read_points, read_sku_sales, read_sku_stock
from shelftide.store.unit_of_work import UnitOfWork
from shelftide.web.charts import Chart, daily_chart
from shelftide.web.i18n import Words

PERIODS = (7, 28, 90)
DEFAULT_DAYS = 28
_SELLERS = 8


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What a brand's page is made of."""

    tenant: Tenant
    period: Period
    tiles: list[tuple[Tile, datetime | None]]
    charts: list[Chart]
    covers: list[SkuCover]
    shelf: Feed
    sellers: list[Seller]
    titles: dict[str, str]
    freshness: Freshness
    connections: int


async def newest_of(uow: UnitOfWork, registry: Registry, records: Sequence[str]) -> dict[str, datetime | None]:
    """Until when all streams of each record were read."""
    streams, carried = await list_streams(uow), carriers(registry)
    names = {connection.connection_id: connection.connector for connection in await list_connections(uow)}
    return {record: fresh_at(record, streams, names, carried) for record in records}


def carriers(registry: Registry) -> dict[tuple[str, str], frozenset[str]]:
    """Which records each stream of each connector brings."""
    return {
        (name, stream.name): frozenset(record.__name__ for record in (stream.record, *stream.also))
        for name, connector in registry.connectors.items()
        for stream in connector.streams
    }


def chosen_days(text: str | None) -> int:
    """The period asked for. Raises InvalidInputError for one that is not offered."""
    if text is None:
        return DEFAULT_DAYS
    if text not in {str(days) for days in PERIODS}:
        raise InvalidInputError("Choose 7, 28 or 90 days.")
    return int(text)


async def read_figures(
    uow: UnitOfWork, tenant: Tenant, *, days: int, now: datetime, registry: Registry, words: Words
) -> Figures:
    """The brand in scope over its last `days` whole days."""
    period = period_ending(now, tenant.zone, days)
    points = await read_points(uow.reads, uow.scope, metrics=METRICS, since=period.before.since, until=period.until)
    first = {metric: day for (_, metric), day in (await read_first_days(uow, metrics=METRICS)).items()}
    since, until = window(tenant.zone, now)
    sales = await read_sku_sales(uow, since=min(since, period.since), until=until)
    shelf = await read_sku_stock(uow)
    connections = await list_connections(uow)
    streams = await list_streams(uow)
    names = {connection.connection_id: connection.connector for connection in connections}
    carried = carriers(registry)
    return Figures(
        tenant=tenant,
        period=period,
        tiles=[(tile, fresh_at(tile.source, streams, names, carried)) for tile in tiles(points, period, first)],
        charts=charts([p for p in points if period.has(p.day) or seen_before(p.metric, period, first)], period, words),
        covers=covers_of(sales, shelf, since=since, until=until),
        shelf=shelf_of(shelf, now),
        sellers=best_sellers([row for row in sales if period.has(row.day)], _SELLERS),
        titles={row.sku: row.title for row in sorted(shelf, key=lambda row: len(row.title or "")) if row.title},
        freshness=freshness(streams, now),
        connections=len(connections),
    )


def charts(points: list[Point], period: Period, words: Words) -> list[Chart]:
    """Views, orders, then revenue once per currency; a metric without data has no chart."""
    _ = words.text
    found = []
    views = "views" if any(point.metric == "views" for point in points) else "content_views"
    for metric, title, note, kind in (
        (views, _("Views"), _("Views a day, as the platforms report them."), "line"),
        ("orders", _("Orders"), _("Orders placed a day, by channel."), "bar"),
    ):
        series = series_of(points, metric, period)
        if series:
            before = daily_total(points, metric, period.before)
            found.append(
                daily_chart(
                    metric, title=title, note=note, series=series, before=before, period=period, words=words, kind=kind
                )
            )
    revenue = series_of(points, "revenue", period)
    currencies = dict.fromkeys(series.currency for series in revenue)
    return found + [
        daily_chart(
            f"revenue-{currency}",
            title=_("Revenue, {currency}", currency=currency),
            note=_("Order lines after discounts, without cancelled ones."),
            series=[series for series in revenue if series.currency == currency],
            before=daily_total(points, "revenue", period.before, currency),
            period=period,
            words=words,
            kind="bar",
            currency=currency,
        )
        for currency in currencies
    ]


def cover_scale(covers: list[SkuCover]) -> float:
    """The longest bar, in days: twice the lead time at least, so that a bar's half is where trouble starts."""
    known = [item.cover.days_of_cover for item in covers if item.cover.days_of_cover is not None]
    return max([28.0, *(min(days, 90.0) for days in known)])


def by_tenant(rows: list[Any]) -> dict[UUID, list[Any]]:
    """Rows of several brands, apart."""
    found: dict[UUID, list[Any]] = {}
    for row in rows:
        found.setdefault(row.tenant_id, []).append(row)
    return found
