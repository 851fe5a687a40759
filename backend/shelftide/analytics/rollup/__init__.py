"""The roll-up: daily figures in Postgres, recomputed only for the days that changed since the last time.

What changed is read from the facts themselves (versions opened or closed after the watermark), so that a crash between
a sync and its roll-up loses nothing: the next roll-up finds the same days again.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

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
    since = await rolled_to(uow, connection_id) or _EVER
    if not await warehouse.exists():
        return RollUpReport(days=0, rows=0)
    found = (await warehouse.query(moved(connection_id, since))).to_pylist()
    days = _days(found, touched)
    content_from = min(days["ContentSnapshot"]) if "ContentSnapshot" in days else None
    figures = [
        row
        for daily in daily_statements(connection_id, days)
        for row in daily.unpivoted((await warehouse.query(daily.statement)).to_pylist())
    ]
    skus = [row for s in sku_statements(connection_id, days) for row in (await warehouse.query(s)).to_pylist()]
    await replace_days(uow, connection_id, days, _merged(figures), skus, platform=platform, content_from=content_from)
    await replace_stock(uow, connection_id, (await warehouse.query(stock_statement(connection_id))).to_pylist())
    if found:
        await set_rolled_to(uow, connection_id, max(row["newest"] for row in found))
    return RollUpReport(days=len({day for some in days.values() for day in some}), rows=len(figures) + len(skus))


def _days(found: Iterable[Mapping[str, Any]], touched: Iterable[tuple[str, date]]) -> dict[str, list[date]]:
    """Days to recompute by record type: what the facts tell, and what the caller knows."""
    days: dict[str, set[date]] = {}
    for row in found:
        days.setdefault(row["record"], set()).add(row["local_day"])
    for name, day in touched:
        if record := record_of_table(name):
            days.setdefault(record, set()).add(day)
    return {record: sorted(some) for record, some in days.items()}


def record_of_table(name: str) -> str:
    """The record type whose table is called `name`; empty for a table without days."""
    return next((record for record in DAILY if TABLES[record].name == name), "")


def _merged(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Two sources of one metric (order lines and sales files) add up."""
    found: dict[tuple[str, date, str], dict[str, Any]] = {}
    for row in rows:
        key = (row["metric"], row["day"], row["currency"])
        if key in found:
            found[key] = {**row, "value": found[key]["value"] + row["value"], "rows": found[key]["rows"] + row["rows"]}
        else:
            found[key] = row
    return list(found.values())


def window(until: date, days: int) -> tuple[date, date]:
    """The `days` days that end with `until`, both ends included."""
    return until - timedelta(days=days - 1), until
