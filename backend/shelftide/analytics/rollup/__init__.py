"""The roll-up: daily figures in Postgres, recomputed only for the days that changed since the last time.

What changed is read from the facts themselves (versions opened or closed after the watermark), so that a crash between
a sync and its roll-up loses nothing: the next roll-up finds the same days again.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from shelftide.analytics.metrics.rolled import cell_statements, edition, names_of_record
from shelftide.analytics.rollup.statements import (
    DAILY,
    daily_statements,
    moved,
    sku_statements,
    stock_statement,
)
from shelftide.store.repositories.rollup import replace_days, replace_stock, rolled_to, set_rolled_to
from shelftide.store.unit_of_work import UnitOfWork
from shelftide.warehouse.tables import TABLES
from shelftide.warehouse.warehouse import Warehouse

_EVER = datetime(1970, 1, 1, tzinfo=UTC)


class RollUpReport(msgspec.Struct, frozen=True, kw_only=True):
    """How much was recomputed."""

    days: int
    rows: int


async def roll_up(
    warehouse: Warehouse,
    uow: UnitOfWork,
    connection_id: UUID,
    *,
    platform: str,
    touched: Iterable[tuple[str, date]] = (),
) -> RollUpReport:
    """Bring the roll-up of one connection up to its facts, in the caller's transaction. Commit afterwards.

    `touched` names (table, day) that the caller knows to have changed, beside what the facts themselves tell.
    """
    since = await rolled_to(uow, connection_id, edition()) or _EVER
    if not await warehouse.exists():
        return RollUpReport(days=0, rows=0)
    found = (await warehouse.query(moved(connection_id, since))).to_pylist()
    days = _days(found, touched)
    content_from = min(days["ContentSnapshot"]) if "ContentSnapshot" in days else None
    figures = [
        {**row, "platform": platform}
        for daily in daily_statements(connection_id, days)
        for row in daily.unpivoted((await warehouse.query(daily.statement)).to_pylist())
    ]
    sums = [
        row
        for some in cell_statements(connection_id, days)
        for row in some.unpivoted((await warehouse.query(some.statement)).to_pylist())
    ]
    sold = [row for s in sku_statements(connection_id, days) for row in (await warehouse.query(s)).to_pylist()]
    await replace_days(
        uow,
        connection_id,
        days,
        [*figures, *sums, *headlines(sums, platform)],
        skus_of(sold),
        platform=platform,
        content_from=content_from,
        cells={record: names_of_record(record) for record in days},
    )
    await replace_stock(uow, connection_id, (await warehouse.query(stock_statement(connection_id))).to_pylist())
    await set_rolled_to(uow, connection_id, max((row["newest"] for row in found), default=since), edition())
    return RollUpReport(
        days=len({day for some in days.values() for day in some}), rows=len(figures) + len(sums) + len(sold)
    )


def _days(found: Iterable[Mapping[str, Any]], touched: Iterable[tuple[str, date]]) -> dict[str, list[date]]:
    """Days to recompute by record type: what the facts tell, and what the caller knows."""
    days: dict[str, set[date]] = {}
    for row in found:
        days.setdefault(row["record"], set()).add(row["local_day"])
    for name, day in touched:
        if record := record_of_table(name):
            days.setdefault(record, set()).add(day)
    # Both sell: what a day sold is the sum of them, whichever changed.
    if sold := days.get("OrderLine", set()) | days.get("SalesDay", set()):
        days["OrderLine"] = days["SalesDay"] = sold
    return {record: sorted(some) for record, some in days.items()}


def record_of_table(name: str) -> str:
    """The record type whose table is called `name`; empty for a table without days."""
    return next((record for record in DAILY if TABLES[record].name == name), "")


# What pages show of the cells: metric, cell, its value or its rows, by currency. Two cells of one metric add up.
_HEADLINES = (
    ("orders", "orders.placed", "rows", False),
    ("cancelled_orders", "orders.cancelled", "value", False),
    ("units", "order_lines.quantity", "value", False),
    ("units", "sales_days.quantity", "value", False),
    ("revenue", "order_lines.total", "value", True),
    ("revenue", "sales_days.total", "value", True),
    ("refunds", "refunds.amount", "value", True),
)


def headlines(sums: Iterable[Mapping[str, Any]], platform: str) -> list[dict[str, Any]]:
    """The metrics of the pages out of the cells of some days. A count of nothing is not there."""
    by_cell: dict[str, list[Mapping[str, Any]]] = {}
    for row in sums:
        by_cell.setdefault(row["metric"], []).append(row)
    found: dict[tuple[str, date, str], dict[str, Any]] = {}
    for metric, cell, what, apart in _HEADLINES:
        for row in by_cell.get(cell, ()):
            if metric == "cancelled_orders" and not row["value"]:
                continue
            key = metric, row["day"], row["currency"] if apart else ""
            fresh = {"metric": metric, "day": key[1], "platform": platform, "currency": key[2], "value": 0, "rows": 0}
            mine = found.setdefault(key, fresh)
            mine["value"] += row[what]
            mine["rows"] += row["value"] if metric == "cancelled_orders" else row["rows"]
    return list(found.values())


def skus_of(sold: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What SKUs sold by day and currency: lines of orders and a file's sales add up."""
    found: dict[tuple[date, str, str], dict[str, Any]] = {}
    for row in sold:
        key = row["day"], row["sku"], row["currency"]
        mine = found.get(key)
        found[key] = {**row, **{n: mine[n] + row[n] for n in ("units", "revenue", "orders")}} if mine else dict(row)
    return list(found.values())


def window(until: date, days: int) -> tuple[date, date]:
    """The `days` days that end with `until`, both ends included."""
    return until - timedelta(days=days - 1), until
