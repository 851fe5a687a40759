"""Rows written while the database is killed: what was acknowledged must be there afterwards."""

import asyncio
from collections.abc import Sequence
from itertools import count

import asyncpg
from tests.durability.processes import LOST, Installation


async def _write(dsn: str, writer: int, acknowledged: list[int], stop: asyncio.Event) -> None:
    numbers = count(writer, 8)
    while not stop.is_set():
        try:
            connection = await asyncpg.connect(dsn, timeout=2)
            try:
                while not stop.is_set():
                    number = next(numbers)
                    await connection.execute("insert into acknowledged values ($1)", number)
                    acknowledged.append(number)
            finally:
                connection.terminate()
        except LOST:
            await asyncio.sleep(0.05)


async def _at_work(acknowledged: list[int], writers: Sequence[asyncio.Task[None]]) -> None:
    """Each kill meets writers at work."""
    before = len(acknowledged)
    for _ in range(1500):
        if len(acknowledged) >= before + 50:
            return
        for writer in writers:
            if writer.done():
                writer.result()  # says what ended it
        await asyncio.sleep(0.02)
    raise TimeoutError("the writers do not come back")


async def kill_under_writes(installation: Installation, *, kills: int, seconds: float = 0.4) -> int:
    """SIGKILL Postgres so many times under eight writers. Returns how many acknowledged rows are missing."""
    dsn = installation.server.superuser_dsn().replace("/shelftide?", "/postgres?")
    connection = await asyncpg.connect(dsn)
    await connection.execute("create table acknowledged (number bigint primary key)")
    await connection.close()
    acknowledged: list[int] = []
    stop = asyncio.Event()
    writers = [asyncio.create_task(_write(dsn, index, acknowledged, stop)) for index in range(8)]
    for _ in range(kills):
        await _at_work(acknowledged, writers)
        await asyncio.sleep(seconds)
        await installation.kill_postgres()
    stop.set()
    await asyncio.gather(*writers)
    connection = await asyncpg.connect(dsn)
    found = {row[0] for row in await connection.fetch("select number from acknowledged")}
    await connection.close()
    assert len(acknowledged) > 50 * kills
    return len(set(acknowledged) - found)
