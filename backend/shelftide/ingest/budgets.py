"""Platforms' limits, kept over all processes: one row for each budget and key, locked while a call is counted."""

import asyncio
from datetime import timedelta

import msgspec

from shelftide.core.scope import Scope
from shelftide.store.database import Database
from shelftide.store.repositories.budgets import lock_budget, save_budget
from shelftide.store.repositories.connections import Connection
from shelftide.store.unit_of_work import UnitOfWork
from shelftide_sdk import Budget
from shelftide_sdk.limits import OverBudgetError, Spent, hold, spend

# A longer wait frees the worker: the run comes back when the platform takes calls again.
LONGEST_WAIT = timedelta(seconds=20)


class SharedLimiter:
    """`shelftide_sdk.limits.Limiter` over the control plane. The clock is the one of the database."""

    def __init__(self, database: Database, scope: Scope, *, longest: timedelta = LONGEST_WAIT) -> None:
        self._database = database
        self._scope = scope
        self._longest = longest.total_seconds()

    async def acquire(self, budget: Budget, key: str, cost: float, *, backfill: bool = False) -> None:
        """See `Limiter`."""
        while True:
            wait = await self._spend(budget, key, cost, backfill=backfill)
            if not wait:
                return
            if wait > self._longest:
                raise OverBudgetError(budget, wait)
            await asyncio.sleep(wait)

    async def _spend(self, budget: Budget, key: str, cost: float, *, backfill: bool) -> float:
        async with UnitOfWork(self._database, self._scope) as uow:
            state, now = await lock_budget(uow, _name(budget, key))
            spent, wait = spend(budget, msgspec.convert(state, Spent, strict=False), now, cost, backfill=backfill)
            if not wait:
                await save_budget(uow, _name(budget, key), msgspec.to_builtins(spent, str_keys=True))
            await uow.commit()
        return wait

    async def hold(self, budget: Budget, key: str, seconds: float) -> None:
        """See `Limiter`."""
        async with UnitOfWork(self._database, self._scope) as uow:
            state, now = await lock_budget(uow, _name(budget, key))
            held = hold(msgspec.convert(state, Spent, strict=False), now + seconds)
            await save_budget(uow, _name(budget, key), msgspec.to_builtins(held, str_keys=True))
            await uow.commit()


def _name(budget: Budget, key: str) -> str:
    return f"{budget.name}|{key}"


def limit_keys(connection: Connection) -> dict[str, str]:
    """The key of each scope that a budget may have. Rows lie within the agency, which has one app for a connector."""
    return {
        "connection": str(connection.connection_id),
        "app": connection.connector,
        "app+account": f"{connection.connector}|{connection.account_id}",
    }
