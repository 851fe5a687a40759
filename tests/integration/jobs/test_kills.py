"""A sample of the kills that `make evidence` runs twenty times each."""

from collections.abc import AsyncIterator

import pytest
from tests.durability.kills import check, worker_series
from tests.durability.ledger import Ledger
from tests.durability.processes import Installation, short_folder

from shelftide.core.points import Point


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
    await found.make_brands(4)
    yield found
    await found.close()


async def test_a_killed_workers_runs_are_done_once_by_another(installation: Installation, ledger: Ledger) -> None:
    survivor = installation.worker()
    await survivor.says("worker_started")
    for point in (Point.CLAIMED, Point.COMPLETION_NOT_COMMITTED, Point.COMPLETED):
        check(await worker_series(installation, ledger, point, kills=1))
        assert (await ledger.count()).exact, point
