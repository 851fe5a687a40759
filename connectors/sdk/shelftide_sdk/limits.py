"""Keeping inside a platform's limits before it has to say so."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

from shelftide_sdk.client import Budget


class Limiter(Protocol):
    """Waits until a call fits its budget."""

    async def acquire(self, budget: Budget, key: str, cost: float) -> None:
        """Return when `cost` may be spent. `key` tells connections (or apps) apart."""
        ...


class MemoryLimiter:
    """Token buckets of one process: `calls` tokens at most, refilled at `calls / seconds` a second."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._levels: dict[tuple[str, str], tuple[float, float]] = {}

    async def acquire(self, budget: Budget, key: str, cost: float) -> None:
        """Take `cost` tokens, going into debt if need be, and wait until the debt is paid."""
        now = self._clock()
        rate = budget.calls / budget.seconds
        level, at = self._levels.get((budget.name, key), (budget.calls, now))
        level = min(budget.calls, level + (now - at) * rate) - cost
        self._levels[(budget.name, key)] = (level, now)
        if level < 0:
            await self._sleep(-level / rate)
