"""Keeping inside a platform's limits before it has to say so.

A budget is kept as a sliding window: in no span of `budget.seconds` is more than `budget.calls` spent. What was spent
is remembered by tenths of the window, so a call may wait up to a tenth longer than an exact log would ask, never less.
A platform that states a leaky bucket (rate r, size b) is a window of b calls in b / r seconds.
"""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Protocol

import msgspec

from shelftide_sdk.client import Budget
from shelftide_sdk.errors import RateLimitedError

SLOTS = 10
# History takes at most this share of a budget, so that a long first read never starves today's figures.
BACKFILL_SHARE = 0.75


class Spent(msgspec.Struct, frozen=True):
    """What a budget has seen: calls by tenth of the window (all, of these backfill), and when it may be used again.

    Tenths are numbered from the epoch of the clock; `held_until` is in that clock's seconds. Of a leaky bucket it is
    `level`, what was in it at `level_at`.
    """

    tenths: dict[int, tuple[float, float]] = {}
    held_until: float = 0.0
    level: float = 0.0
    level_at: float = 0.0


def spend(budget: Budget, spent: Spent, now: float, cost: float, *, backfill: bool = False) -> tuple[Spent, float]:
    """Take `cost` at `now` [s]: the new state and 0.0, or the old state and the seconds to wait before asking again.

    A cost above the whole budget is let in when nothing else is in the window: it could never pass otherwise.
    """
    if spent.held_until > now:
        return spent, spent.held_until - now
    if budget.leaky:
        return _leak(budget, spent, now, cost, backfill=backfill)
    length = budget.seconds / SLOTS
    tenth = math.floor(now / length)
    live = {at: used for at, used in spent.tenths.items() if at >= tenth - SLOTS}
    for gone in [None, *sorted(live)]:
        rest = [used for at, used in live.items() if gone is None or at > gone]
        if _fits(budget, rest, cost, backfill=backfill):
            if gone is None:
                break
            return spent, max((gone + SLOTS + 1) * length - now, 1e-3)
    all_, of_these = live.get(tenth, (0.0, 0.0))
    live[tenth] = (all_ + cost, of_these + (cost if backfill else 0.0))
    return Spent(live, spent.held_until), 0.0


def _leak(budget: Budget, spent: Spent, now: float, cost: float, *, backfill: bool) -> tuple[Spent, float]:
    rate = budget.calls / budget.seconds
    level = max(spent.level - max(now - spent.level_at, 0.0) * rate, 0.0)
    room = budget.calls * (BACKFILL_SHARE if backfill else 1.0)
    if level and level + cost > room:
        return spent, max(min(level, level + cost - room) / rate, 1e-3)
    return msgspec.structs.replace(spent, level=level + cost, level_at=now), 0.0


def _fits(budget: Budget, used: list[tuple[float, float]], cost: float, *, backfill: bool) -> bool:
    whole = sum(all_ for all_, _ in used)
    history = sum(of_these for _, of_these in used)
    if whole and whole + cost > budget.calls:
        return False
    return not (backfill and history and history + cost > budget.calls * BACKFILL_SHARE)


def hold(spent: Spent, until: float) -> Spent:
    """Nothing more before `until` [s]: the platform has said so."""
    return msgspec.structs.replace(spent, held_until=max(spent.held_until, until))


class OverBudgetError(RateLimitedError):
    """Our own count says wait; the platform was not asked."""

    def __init__(self, budget: Budget, wait: float) -> None:
        super().__init__(f"The limit {budget.name!r} is used up.", retry_after=timedelta(seconds=wait))


class Limiter(Protocol):
    """Waits until a call fits its budget. `key` tells connections, accounts or apps apart."""

    async def acquire(self, budget: Budget, key: str, cost: float, *, backfill: bool = False) -> None:
        """Return when `cost` may be spent.

        Raises:
            OverBudgetError: the wait is longer than is sensible in place.
        """
        ...

    async def hold(self, budget: Budget, key: str, seconds: float) -> None:
        """Nobody who shares the budget calls for so long."""
        ...


class MemoryLimiter:
    """The budgets of one process. Waits as long as it takes."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._spent: dict[tuple[str, str], Spent] = {}

    async def acquire(self, budget: Budget, key: str, cost: float, *, backfill: bool = False) -> None:
        """See `Limiter`."""
        while True:
            before = self._spent.get((budget.name, key), Spent())
            after, wait = spend(budget, before, self._clock(), cost, backfill=backfill)
            self._spent[(budget.name, key)] = after
            if not wait:
                return
            await self._sleep(wait)

    async def hold(self, budget: Budget, key: str, seconds: float) -> None:
        """See `Limiter`."""
        before = self._spent.get((budget.name, key), Spent())
        self._spent[(budget.name, key)] = hold(before, self._clock() + seconds)
