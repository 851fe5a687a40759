"""Exchange rates that all brands share: read by anybody, written by the job that loads them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select, text

from shelftide.store.models import fx_rates as table
from shelftide.store.unit_of_work import SystemUnitOfWork, UnitOfWork

_AT_ONCE = 5_000
_COLUMNS = ("source", "base", "quote", "day", "rate")
# Arrays: a row a statement takes a second for ten thousand rates.
_SAVE = text(
    "insert into fx_rates (source, base, quote, day, rate) select * from unnest(cast(:source as text[]),"
    " cast(:base as text[]), cast(:quote as text[]), cast(:day as date[]), cast(:rate as numeric[]))"
    " on conflict (source, base, quote, day) do update set rate = excluded.rate, fetched_at = now()"
)


async def read_rates(
    uow: UnitOfWork, *, since: date, until: date, currencies: Iterable[str] = ()
) -> list[dict[str, Any]]:
    """Rates (source, base, quote, day, rate) of the days from `since` to `until`, both included.

    `currencies` keeps only pairs between them; without it all are read.
    """
    columns = (table.c.source, table.c.base, table.c.quote, table.c.day, table.c.rate)
    statement = select(*columns).where(table.c.day.between(since, until))
    if wanted := sorted(set(currencies)):
        statement = statement.where(table.c.base.in_(wanted), table.c.quote.in_(wanted))
    rows = (await uow.connection.execute(statement.order_by(*columns[:4]))).mappings()
    return [dict(row) for row in rows]


async def rates_loaded_at(uow: UnitOfWork | SystemUnitOfWork, source: str) -> datetime | None:
    """When rates of a source were last loaded."""
    found: datetime | None = (
        await uow.connection.execute(select(func.max(table.c.fetched_at)).where(table.c.source == source))
    ).scalar_one()
    return found


async def last_rate_day(uow: UnitOfWork | SystemUnitOfWork, source: str) -> date | None:
    """The newest day of a source."""
    found: date | None = (
        await uow.connection.execute(select(func.max(table.c.day)).where(table.c.source == source))
    ).scalar_one()
    return found


async def save_rates(uow: SystemUnitOfWork, rows: Sequence[Mapping[str, Any]]) -> None:
    """Upsert rates (source, base, quote, day, rate). A rate that was corrected replaces the old one. Commit after."""
    for start in range(0, len(rows), _AT_ONCE):
        part = rows[start : start + _AT_ONCE]
        await uow.connection.execute(_SAVE, {name: [row[name] for row in part] for name in _COLUMNS})
