"""One death at a named point, and what came after it."""

import asyncio
import signal
import time
from pathlib import Path

import httpx2
import msgspec
from tests.durability.ledger import Ledger
from tests.durability.processes import Installation, Process
from tests.durability.shop import Shop, Simulation
from tests.durability.web import start_web

from shelftide.core.points import Point

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
    died_at = _moment(mark)
    await ledger.finished(installation.lease + 60)
    return Death(died_at=died_at, resumed_seconds=await ledger.resumed_after(died_at))


def _mark(installation: Installation, point: Point) -> Path:
    return installation.home / f"died-{point}-{len(installation.processes)}"


async def kill_sync_at(
    installation: Installation, simulation: Simulation, shop: Shop, point: Point, *, survivor: Process
) -> Death:
    """Let a victim read a shop until it dies at the point; the survivor, frozen until then, goes on."""
    mark = _mark(installation, point)
    victim = installation.worker(kill=f"{point}:1:{mark}")
    await victim.says("worker_started")
    survivor.signal(signal.SIGSTOP)
    try:
        await simulation.queue_sync(shop)
        deadline = time.monotonic() + 60
        while not mark.exists():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{point} was never reached: {victim.log()[-2000:]}")
            await asyncio.sleep(0.02)
    finally:
        survivor.signal(signal.SIGCONT)
    return await after(installation, simulation.ledger, victim, mark)


def _moment(mark: Path) -> float:
    return float(mark.read_text())


async def kill_web_mid_request(installation: Installation, simulation: Simulation) -> None:
    """The web server dies between queueing a first sync and its commit; the person tries again at a new one.

    Raises AssertionError when the unanswered request left a run, or the repeated one not exactly one.
    """
    mark = _mark(installation, Point.QUEUED_NOT_COMMITTED)
    person = await simulation.person()
    doomed, url = await start_web(installation, kill=f"{Point.QUEUED_NOT_COMMITTED}:1:{mark}")
    try:
        await simulation.connect_in_browser(url, person)
    except httpx2.TransportError:
        pass
    else:
        raise AssertionError("the request was answered by a server that should have died")
    assert mark.exists()
    doomed.kill()
    assert await simulation.runs_of(person) == []
    healthy, url = await start_web(installation)
    await simulation.connect_in_browser(url, person)
    await simulation.ledger.finished(60)
    healthy.kill()
    assert await simulation.runs_of(person) == ["done"]
