"""Breaks in what a connection delivers: days that are missing, and a zone or currency that is another since a day."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Select, String, cast, func, null, select

from shelftide.warehouse.tables import TABLES
from shelftide.warehouse.versions import known
from shelftide.warehouse.warehouse import Warehouse

# A record that had rows on each of so many days is expected every day.
STEADY_DAYS = 14
_LOOK_BACK = timedelta(days=45)
# Platforms tell a day's figures up to two days after it; until then a day is late, not missing.
LAG = timedelta(days=3)
# Records that come every day, and the money by which their account's currency shows.
DAILY = ("AdDay", "ProfileDay", "Order", "SalesDay", "RevenueDay")
_MONEY = {"AdDay": "spend", "Order": "total", "Payout": "amount"}


class Break(msgspec.Struct, frozen=True, kw_only=True):
    """A break in a record's rows. `flaw` is hole, zone_change or currency_change; `day` is the first that is different.

    `rows` counts the missing days, or the rows that have the new value; `before` and `after` are the values.
    """

    record: str
    flaw: str
    day: date
    rows: int
    before: str = ""
    after: str = ""


def holes(record: str, days: Mapping[date, int], until: date) -> list[Break]:
    """Runs of days without rows after `STEADY_DAYS` days that all had some, up to and including `until`."""
    found: list[Break] = []
    first, steady = min(days, default=until), 0
    missing: list[date] = []
    for number in range((until - first).days + 1):
        day = first + timedelta(days=number)
        if not days.get(day):
            if steady >= STEADY_DAYS or missing:
                missing.append(day)
            steady = 0
            continue
        if missing:
            found.append(Break(record=record, flaw="hole", day=missing[0], rows=len(missing)))
            missing = []
        steady += 1
    if missing:
        found.append(Break(record=record, flaw="hole", day=missing[0], rows=len(missing)))
    return found


class Spell(msgspec.Struct, frozen=True, kw_only=True):
    """A value (a zone, a currency) with its first and last day and its rows."""

    value: str
    first: date
    last: date
    rows: int


def changes(record: str, flaw: str, spells: Iterable[Spell]) -> list[Break]:
    """Where a value ends before another begins. Values that live side by side (marketplaces) are no change."""
    listed = sorted(spells, key=lambda spell: (spell.first, spell.last))
    return [
        Break(record=record, flaw=flaw, day=new.first, rows=new.rows, before=old.value, after=new.value)
        for old, new in pairwise(listed)
        if old.last <= new.first and old.last < new.last
    ]


async def find_breaks(warehouse: Warehouse, connection_id: UUID, records: Iterable[str], today: date) -> list[Break]:
    """Breaks of a connection in the records named, as far as they are looked at. `today` is the account's local day."""
    found: list[Break] = []
    for record in sorted(set(records) & {*DAILY, *_MONEY}):
        rows: list[dict[str, Any]] = (await warehouse.query(_statement(record, connection_id))).to_pylist()
        if record in DAILY:
            found += holes(record, _per_day(rows, today - _LOOK_BACK), today - LAG)
        for flaw, column in (("zone_change", "zone"), ("currency_change", "currency")):
            found += changes(record, flaw, _spells(rows, column))
    return found


def _statement(record: str, connection_id: UUID) -> Select[Any]:
    rows = known(TABLES[record])
    day, zone = rows.c.local_day, rows.c.zone
    currency = rows.c[f"{_MONEY[record]}_currency"] if record in _MONEY else null()
    return (
        select(
            day.label("day"),
            zone.label("zone"),
            cast(currency, String()).label("currency"),
            func.count().label("n"),
        )
        .where(rows.c.connection_id == connection_id)
        .group_by(day, zone, *([currency] if record in _MONEY else []))
    )


def _per_day(rows: Iterable[Mapping[str, Any]], since: date) -> dict[date, int]:
    days: dict[date, int] = {}
    for row in rows:
        if row["day"] >= since:
            days[row["day"]] = days.get(row["day"], 0) + row["n"]
    return days


def _spells(rows: Iterable[Mapping[str, Any]], column: str) -> list[Spell]:
    values: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        if row[column] is not None:
            values.setdefault(row[column], []).append(row)
    return [
        Spell(
            value=value,
            first=min(row["day"] for row in of_value),
            last=max(row["day"] for row in of_value),
            rows=sum(row["n"] for row in of_value),
        )
        for value, of_value in values.items()
    ]
