"""One death at a named point, and what came after it."""

import asyncio
import time
from pathlib import Path

import msgspec

from shelftide.core.points import Point
from tests.durability.ledger import Ledger
from tests.durability.processes import Installation, Process

WORKER_POINTS = (
    Point.CLAIM_NOT_COMMITTED,
    Point.CLAIMED,
    Point.COMPLETION_NOT_COMMITTED,
    Point.COMPLETED,
    Point.HINT_SENT,
)
SYNC_POINTS = (
    Point.MID_READ,
    Point.WRITTEN_CURSOR_NOT_SAVED,
    Point.ROLL_UP_NOT_COMMITTED,
    Point.REFRESH_NOT_STORED,
)


class Death(msgspec.Struct, frozen=True, kw_only=True):
    """When a process died, and how long until the last run that it held up was resumed."""

    died_at: float
    resumed_seconds: float


async def kill_worker_at(installation: Installation, ledger: Ledger, point: Point, *, nth: int = 1) -> Death:
    """Feed a victim beside a survivor until it dies at the point, and wait until every run is done."""
    mark = _mark(installation, point)
    victim = installation.worker(kill=f"{point}:{nth}:{mark}")
    await victim.says("worker_started")
    deadline = time.monotonic() + 30
    while not mark.exists():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{point} was never reached: {victim.log()[-1000:]}")
        await ledger.queue(4)
        await asyncio.sleep(0.1)
    return await after(installation, ledger, victim, mark)


async def after(installation: Installation, ledger: Ledger, victim: Process, mark: Path) -> Death:
    """The end of a death: all runs done, and the time of the last resumption."""
    assert await victim.wait(10) == -9
    died_at = float(mark.read_text())
    await ledger.finished(installation.lease + 60)
    return Death(died_at=died_at, resumed_seconds=await ledger.resumed_after(died_at))


def _mark(installation: Installation, point: Point) -> Path:
    return installation.home / f"died-{point}-{len(installation.processes)}"
