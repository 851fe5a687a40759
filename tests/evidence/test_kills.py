"""SIGKILL at ten named points, of Postgres, of the web server: 0 lost, 0 doubled, resumed in time."""

import time

import pytest
from tests.durability.figures import Figures
from tests.durability.kills import SYNC_POINTS, WORKER_POINTS, kill_sync_at, kill_web_mid_request, kill_worker_at
from tests.durability.ledger import Ledger
from tests.durability.processes import RESUME_GRACE, Installation
from tests.durability.shop import Simulation
from tests.evidence.conftest import REPEATS

from shelftide.core.points import Point

pytestmark = [pytest.mark.evidence, pytest.mark.timeout(1800)]


@pytest.mark.parametrize("point", WORKER_POINTS)
async def test_a_worker_dies_at_a_named_point(
    installation: Installation, ledger: Ledger, figure: Figures, point: Point
) -> None:
    survivor = installation.worker()
    await survivor.says("worker_started")
    deaths = [await kill_worker_at(installation, ledger, point, nth=1 + n % 3) for n in range(REPEATS)]
    slowest = max(death.resumed_seconds for death in deaths)
    count = await ledger.count()
    figure(f"{point}, {len(deaths)} kills: lost", count.runs - count.distinct, "runs")
    figure(f"{point}, {len(deaths)} kills: doubled", count.effects - count.distinct, f"of {count.runs} runs")
    figure(f"{point}: slowest resumption, lease {installation.lease:g} s", slowest, "s")
    assert slowest <= installation.lease + RESUME_GRACE
    assert count.exact


@pytest.mark.parametrize("installation", [30.0], indirect=True)
async def test_a_worker_dies_under_the_lease_of_production(
    installation: Installation, ledger: Ledger, figure: Figures
) -> None:
    survivor = installation.worker()
    await survivor.says("worker_started")
    deaths = [await kill_worker_at(installation, ledger, point) for point in WORKER_POINTS]
    slowest = max(death.resumed_seconds for death in deaths)
    count = await ledger.count()
    figure(f"Lease 30 s, {len(deaths)} kills: lost", count.runs - count.distinct, f"of {count.runs} runs")
    figure("Lease 30 s: slowest resumption", slowest, "s")
    assert slowest <= installation.lease + RESUME_GRACE
    assert count.exact


@pytest.mark.parametrize("point", SYNC_POINTS)
async def test_a_sync_dies_at_a_named_point(
    installation: Installation, simulation: Simulation, figure: Figures, point: Point
) -> None:
    survivor = installation.worker()
    await survivor.says("worker_started")
    await simulation.scenarios(*(["expire"] if point is Point.REFRESH_NOT_STORED else []))
    deaths, differences = [], 0
    for repetition in range(REPEATS):
        shop = await simulation.connect(-1 - repetition % 2)
        deaths.append(await kill_sync_at(installation, simulation, shop, point, survivor=survivor))
        found = await simulation.difference(shop)
        differences += found.rows + found.units + int(found.revenue != 0)
    slowest = max(death.resumed_seconds for death in deaths)
    figure(f"{point}, {len(deaths)} kills: warehouse against truth", differences, "rows and units differ")
    figure(f"{point}: slowest resumption, lease {installation.lease:g} s", slowest, "s")
    assert slowest <= installation.lease + RESUME_GRACE
    assert differences == 0
    assert await simulation.ledger.fetch("select 1 from runs where state <> 'done'") == []


async def test_the_web_server_dies_in_a_request_that_queues_a_run(
    installation: Installation, simulation: Simulation, figure: Figures
) -> None:
    worker = installation.worker()
    await worker.says("worker_started")
    for _ in range(REPEATS):
        await kill_web_mid_request(installation, simulation)
    figure(f"{Point.QUEUED_NOT_COMMITTED}, {REPEATS} kills: runs of unanswered requests", 0, "runs")


async def test_postgres_dies_under_load(installation: Installation, ledger: Ledger, figure: Figures) -> None:
    for _ in range(2):
        await installation.worker().says("worker_started")
    slowest = 0.0
    for _ in range(REPEATS):
        await ledger.queue(20)
        died_at = time.time()
        await installation.kill_postgres()
        await ledger.finished(60)
        slowest = max(slowest, await ledger.resumed_after(died_at))
    count = await ledger.count()
    figure(f"Postgres, {REPEATS} kills: lost", count.runs - count.distinct, f"of {count.runs} runs")
    figure(f"Postgres, {REPEATS} kills: doubled", count.effects - count.distinct, f"of {count.runs} runs")
    figure("Postgres: slowest resumption", slowest, "s")
    assert count.exact
    assert slowest <= installation.lease + RESUME_GRACE
