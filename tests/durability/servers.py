"""The death of what the workers lean on: the database, and the broker."""

import asyncio
import time

from tests.durability.brokers import RabbitMQ, Redis
from tests.durability.figures import Kills
from tests.durability.kills import Death, deaths_of, series, tally_runs
from tests.durability.ledger import Ledger
from tests.durability.processes import RESUME_GRACE, Installation


async def postgres_series(installation: Installation, ledger: Ledger, *, kills: int) -> Kills:
    """Kill Postgres while runs are at work and wait."""

    async def kill(_: int) -> Death:
        await ledger.queue(20, milliseconds=400)
        died_at = time.time()
        await installation.kill_postgres()
        await ledger.finished(installation.lease + 60)
        return Death(died_at=died_at, resumed=await ledger.resumed_after(died_at))

    deaths = await deaths_of(kill, kills=kills)
    promised = installation.lease + RESUME_GRACE
    return series("Postgres", deaths, await tally_runs(ledger), promised=promised)


async def broker_series(
    installation: Installation, ledger: Ledger, broker: Redis | RabbitMQ, *, kills: int, what: str
) -> Kills:
    """Kill the broker while runs are at work and wait; every second time it comes back only when they are done."""

    async def kill(number: int) -> Death:
        await ledger.queue(20, milliseconds=400)
        await asyncio.sleep(0.1)
        died_at = time.time()
        broker.kill()
        await ledger.queue(5)
        if number % 2:
            await broker.start()
        await ledger.finished(installation.lease + 60)
        if not number % 2:
            await broker.start()
        return Death(died_at=died_at, resumed=await ledger.resumed_after(died_at))

    deaths = await deaths_of(kill, kills=kills)
    promised = installation.lease + RESUME_GRACE
    return series(what, deaths, await tally_runs(ledger), promised=promised)
