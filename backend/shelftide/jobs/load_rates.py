"""Job `fx.load`: the ECB's exchange rates into the table that all brands share."""

import asyncio
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import msgspec

from shelftide.analytics.rates import ECB, FIRST, ecb_rates
from shelftide.jobs.job import JobContext, Queue, job
from shelftide.store.database import Database
from shelftide.store.repositories.rates import last_rate_day, save_rates
from shelftide.store.unit_of_work import SystemUnitOfWork

# The ECB corrects a rate within days, if ever.
_AGAIN = timedelta(days=30)


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """What was loaded: rows, and the newest day that is known now."""

    rows: int
    last_day: date | None


async def load_ecb(database: Database, file: Path | None = None) -> Loaded:
    """Load what is new, and the last month again. Harmless to repeat. Raises InvalidInputError for a wrong file."""
    async with SystemUnitOfWork(database, reason="exchange rates are no tenant's") as uow:
        last = await last_rate_day(uow, ECB)
        since = FIRST if last is None else max(FIRST, last - _AGAIN)
        rows = await asyncio.to_thread(lambda: list(ecb_rates(file, since=since)))
        await save_rates(uow, rows)
        await uow.commit()
        return Loaded(rows=len(rows), last_day=await last_rate_day(uow, ECB))


@job("fx.load", queue=Queue.ANALYTICS, max_attempts=3, time_limit=timedelta(minutes=10))
async def load_rates(ctx: JobContext) -> dict[str, Any]:
    """Exchange rates of the installed series."""
    result: dict[str, Any] = msgspec.to_builtins(await load_ecb(ctx.services.database))
    async with ctx.unit_of_work() as uow:
        await ctx.guard(uow)
        await ctx.finish(uow, result)
        await uow.commit()
    return result
