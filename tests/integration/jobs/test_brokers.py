"""The same worker on each broker, and a graceful stop under load."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Iterator

import pytest
from tests.durability.brokers import RabbitMQ, Redis
from tests.durability.ledger import Ledger
from tests.durability.processes import Installation, short_folder


@pytest.fixture
async def installation() -> AsyncIterator[Installation]:
    with short_folder() as home:
        found = Installation(home)
        try:
            await found.start()
            yield found
        finally:
            found.stop()


@pytest.fixture
async def ledger(installation: Installation) -> AsyncIterator[Ledger]:
    assert installation.dsns is not None
    found = Ledger(installation, installation.dsns)
    await found.make_brands(10)
    yield found
    await found.close()


@pytest.fixture
def redis() -> Iterator[Redis]:
    if not Redis.installed():
        pytest.skip("redis-server is not installed (make system)")
    with short_folder() as home:
        found = Redis(home)
        try:
            yield found
        finally:
            found.stop()


@pytest.fixture
def rabbit() -> Iterator[RabbitMQ]:
    if not RabbitMQ.installed():
        pytest.skip("rabbitmq-server is not installed (make system)")
    with short_folder() as home:
        found = RabbitMQ(home)
        try:
            yield found
        finally:
            found.stop()


async def fifty_runs(installation: Installation, ledger: Ledger, broker_url: str) -> None:
    workers = [installation.worker(SHELFTIDE_BROKER_URL=broker_url) for _ in range(2)]
    for worker in workers:
        await worker.says("worker_started")
    await ledger.queue(50)
    await ledger.finished(60)
    assert (await ledger.count()).exact
    assert (await ledger.count()).runs == 50
    for worker in workers:
        worker.signal(signal.SIGTERM)
    assert [await worker.wait(30) for worker in workers] == [0, 0]


async def test_fifty_runs_without_a_broker(installation: Installation, ledger: Ledger) -> None:
    await fifty_runs(installation, ledger, "")


async def test_fifty_runs_over_redis(installation: Installation, ledger: Ledger, redis: Redis) -> None:
    await redis.start()
    await fifty_runs(installation, ledger, redis.url)


async def test_fifty_runs_over_rabbitmq(installation: Installation, ledger: Ledger, rabbit: RabbitMQ) -> None:
    await rabbit.start()
    await fifty_runs(installation, ledger, rabbit.url)


async def test_runs_survive_a_wiped_and_a_killed_redis(
    installation: Installation, ledger: Ledger, redis: Redis
) -> None:
    await redis.start()
    worker = installation.worker(SHELFTIDE_BROKER_URL=redis.url)
    await worker.says("worker_started")
    await ledger.queue(40, milliseconds=200)
    await asyncio.sleep(0.5)
    await redis.wipe()
    await asyncio.sleep(0.5)
    redis.kill()
    await ledger.queue(10)
    await asyncio.sleep(1)
    await redis.start()
    await ledger.finished(40)
    assert (await ledger.count()).exact


@pytest.mark.parametrize("kind", [Redis, RabbitMQ])
async def test_runs_go_on_while_the_broker_is_away(
    installation: Installation, ledger: Ledger, kind: type[Redis] | type[RabbitMQ]
) -> None:
    if not kind.installed():
        pytest.skip(f"{kind.program} is not installed (make system)")
    with short_folder() as home:
        broker = kind(home)
        try:
            await broker.start()
            worker = installation.worker(SHELFTIDE_BROKER_URL=broker.url)
            await worker.says("worker_started")
            await ledger.queue(8, milliseconds=200)
            await asyncio.sleep(0.1)
            broker.kill()
            await ledger.queue(20)
            # Nobody starts it again.
            await ledger.finished(30)
            assert (await ledger.count()).exact
            assert (await ledger.count()).runs == 28
        finally:
            broker.stop()


async def test_sigterm_under_load_loses_and_fails_nothing(installation: Installation, ledger: Ledger) -> None:
    leaving, staying = installation.worker(), installation.worker()
    for worker in (leaving, staying):
        await worker.says("worker_started")
    await ledger.queue(60, milliseconds=300)
    await asyncio.sleep(1.5)
    asked = time.monotonic()
    leaving.signal(signal.SIGTERM)
    assert await leaving.wait(30) == 0
    assert time.monotonic() - asked < 30
    await ledger.finished(60)
    count = await ledger.count()
    assert count.exact
    # Nothing was cut off: no run needed a second try.
    assert count.attempts == {1: 60}


async def test_sigterm_gives_back_what_is_too_long_to_wait_for(installation: Installation, ledger: Ledger) -> None:
    leaving = installation.worker()
    await leaving.says("worker_started")
    await ledger.queue(1, milliseconds=26_000)
    for _ in range(100):
        if await ledger.fetch("select 1 from runs where state = 'running'"):
            break
        await asyncio.sleep(0.05)
    asked = time.monotonic()
    leaving.signal(signal.SIGTERM)
    assert await leaving.wait(30) == 0
    assert time.monotonic() - asked < 30
    rows = await ledger.fetch("select state, attempts from runs")
    assert [tuple(row) for row in rows] == [("queued", 0)]
