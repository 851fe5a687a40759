"""LISTEN: a run that was just queued wakes this worker at once instead of at the next sweep."""

import asyncio
from contextlib import suppress
from typing import Any

import asyncpg

from shelftide.core.log import get_logger
from shelftide.store.repositories.runs import CHANNEL

log = get_logger("jobs")


async def listen(dsn: str, wake: asyncio.Event, stop: asyncio.Event) -> None:
    """Set `wake` whenever a run is queued, until `stop`. Reconnects; the sweeper covers the gaps."""
    while not stop.is_set():
        try:
            connection = await asyncpg.connect(dsn)
        except (OSError, asyncpg.PostgresError) as error:
            log.warning("listen_failed", error=repr(error))
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), 1.0)
            continue
        lost = asyncio.Event()

        def woken(*_: Any) -> None:
            wake.set()

        connection.add_termination_listener(lambda _connection, lost=lost: lost.set())
        await connection.add_listener(CHANNEL, woken)
        waiters = [asyncio.ensure_future(stop.wait()), asyncio.ensure_future(lost.wait())]
        await asyncio.wait(waiters, return_when=asyncio.FIRST_COMPLETED)
        for waiter in waiters:
            waiter.cancel()
        with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            await connection.close(timeout=1)
