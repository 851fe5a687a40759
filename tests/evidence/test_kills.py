"""SIGKILL at ten named points, of Postgres, of the brokers: 0 lost, 0 doubled, resumed within the lease and 5 s."""

from pathlib import Path

import msgspec
import pytest
from tests.durability.brokers import RabbitMQ, Redis
from tests.durability.figures import Figures
from tests.durability.kills import (
    SYNC_POINTS,
    WORKER_POINTS,
    Tally,
    check,
    kill_web_mid_request,
    series,
    sync_series,
    worker_series,
)
from tests.durability.ledger import Ledger
from tests.durability.processes import RESUME_GRACE, Installation, short_folder
from tests.durability.servers import broker_series, postgres_series
from tests.durability.shop import Simulation
from tests.durability.web import start_web
from tests.evidence.conftest import REPEATS

from shelftide.core.points import Point

pytestmark = [pytest.mark.evidence, pytest.mark.timeout(1800)]
DEFAULT_LEASE = 30.0


def test_every_named_point_is_proven() -> None:
    assert {*WORKER_POINTS, *SYNC_POINTS, Point.QUEUED_NOT_COMMITTED} == set(Point)


@pytest.mark.parametrize("point", WORKER_POINTS)
async def test_a_worker_dies_at_a_named_point(
    installation: Installation, ledger: Ledger, figure: Figures, point: Point
) -> None:
    survivor = installation.worker()
    await survivor.says("worker_started")
    found = await worker_series(installation, ledger, point, kills=REPEATS)
    figure.kills(found)
    check(found)


@pytest.mark.parametrize("point", SYNC_POINTS)
async def test_a_sync_dies_at_a_named_point(
    installation: Installation, simulation: Simulation, figure: Figures, point: Point
) -> None:
    survivor = installation.worker()
    await survivor.says("worker_started")
    found = await sync_series(installation, simulation, point, survivor=survivor, kills=REPEATS)
    figure.kills(found)
    check(found)
    assert await simulation.ledger.fetch("select 1 from runs where state <> 'done'") == []


async def test_the_web_server_dies_in_a_request_that_queues_a_run(
    installation: Installation, simulation: Simulation, figure: Figures
) -> None:
    worker = installation.worker()
    await worker.says("worker_started")
    _, url = await start_web(installation)
    ends = [await kill_web_mid_request(installation, simulation, url) for _ in range(REPEATS)]
    tally = Tally(
        compared=sum(found.compared for _, found in ends),
        lost=sum(found.lost for _, found in ends),
        doubled=sum(found.doubled for _, found in ends),
    )
    promised = installation.lease + RESUME_GRACE
    found = series(
        f"web server at {Point.QUEUED_NOT_COMMITTED}", [death for death, _ in ends], tally, promised=promised
    )
    figure.kills(found)
    check(found)


async def test_postgres_dies_under_load(installation: Installation, ledger: Ledger, figure: Figures) -> None:
    for _ in range(2):
        await installation.worker().says("worker_started")
    found = await postgres_series(installation, ledger, kills=REPEATS)
    figure.kills(found)
    check(found)


@pytest.mark.parametrize("kind", [Redis, RabbitMQ])
async def test_the_broker_dies_under_load(
    installation: Installation, ledger: Ledger, figure: Figures, kind: type[Redis] | type[RabbitMQ]
) -> None:
    if not kind.installed():
        pytest.skip(f"{kind.program} is not installed (make system)")
    with short_folder() as home:
        broker = kind(home)
        try:
            await broker.start()
            for _ in range(2):
                await installation.worker(SHELFTIDE_BROKER_URL=broker.url).says("worker_started")
            found = await broker_series(installation, ledger, broker, kills=REPEATS, what=f"broker {kind.__name__}")
        finally:
            broker.stop()
    figure.kills(found)
    check(found)


@pytest.mark.parametrize("installation", [DEFAULT_LEASE], indirect=True)
async def test_workers_and_servers_die_under_the_lease_of_production(
    installation: Installation, ledger: Ledger, figure: Figures, tmp_path: Path
) -> None:
    redis = Redis(tmp_path) if Redis.installed() else None
    try:
        if redis is not None:
            await redis.start()
        url = "" if redis is None else redis.url
        for _ in range(2):
            await installation.worker(SHELFTIDE_BROKER_URL=url).says("worker_started")
        found = [await worker_series(installation, ledger, point, kills=1) for point in WORKER_POINTS]
        found.append(await postgres_series(installation, ledger, kills=1))
        if redis is not None:
            found.append(await broker_series(installation, ledger, redis, kills=1, what="broker Redis"))
    finally:
        if redis is not None:
            redis.stop()
    for line in found:
        figure.kills(msgspec.structs.replace(line, what=f"lease 30 s: {line.what}"))
    for line in found:
        check(line)


@pytest.mark.parametrize("installation", [DEFAULT_LEASE], indirect=True)
async def test_syncs_die_under_the_lease_of_production(
    installation: Installation, simulation: Simulation, figure: Figures
) -> None:
    survivor = installation.worker()
    await survivor.says("worker_started")
    found = [await sync_series(installation, simulation, point, survivor=survivor, kills=1) for point in SYNC_POINTS]
    for line in found:
        figure.kills(msgspec.structs.replace(line, what=f"lease 30 s: {line.what}"))
    for line in found:
        check(line)
