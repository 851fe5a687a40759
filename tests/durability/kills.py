"""One death at a named point, and what came after it."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable, Sequence
from itertools import cycle
from pathlib import Path
from statistics import median

import httpx2
import msgspec
from tests.durability.figures import Kills
from tests.durability.ledger import Ledger
from tests.durability.processes import RESUME_GRACE, Installation, Process
from tests.durability.shop import Shop, Simulation, Verdict
from tests.durability.web import start_web

from shelftide.core.points import Point

WORKER_POINTS = (
    Point.CLAIM_NOT_COMMITTED,
    Point.CLAIMED,
    Point.COMPLETION_NOT_COMMITTED,
    Point.COMPLETED,
    Point.HINT_SENT,
)
# How often a small shop's sync passes each point.
SYNC_POINTS = {
    Point.MID_READ: 4,
    Point.WRITTEN_CURSOR_NOT_SAVED: 4,
    Point.ROLL_UP_NOT_COMMITTED: 1,
    Point.REFRESH_NOT_STORED: 1,
}
# What docs/operations/durability.md promises for a token whose rotation died.
HEALED_SECONDS = 60.0
# A death here leaves a claimed run behind, always.
HOLDING_POINTS = {Point.CLAIMED, Point.COMPLETION_NOT_COMMITTED, *SYNC_POINTS}


class Death(msgspec.Struct, frozen=True, kw_only=True):
    """When something died, and after how many seconds each thing that it held up was resumed."""

    died_at: float
    resumed: Sequence[float]

    @property
    def slowest(self) -> float:
        """Seconds until the last of them was resumed; 0 when nothing was held up."""
        return max(self.resumed, default=0.0)


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """What was compared after a series, and what differed."""

    compared: int
    lost: int
    doubled: int


def series(what: str, deaths: Sequence[Death], tally: Tally, *, promised: float) -> Kills:
    """A line of the evidence."""
    return Kills(
        what=what,
        kills=len(deaths),
        compared=tally.compared,
        lost=tally.lost,
        doubled=tally.doubled,
        held=sum(len(death.resumed) for death in deaths),
        median=median(death.slowest for death in deaths),
        slowest=max(death.slowest for death in deaths),
        promised=promised,
    )


def check(found: Kills) -> None:
    """Raises AssertionError when a series of kills breaks a promise, or held up nothing and so proves nothing."""
    assert (found.lost, found.doubled) == (0, 0), found
    assert found.slowest <= found.promised, found
    assert found.held > 0 or found.kills == 1, found
    assert found.compared > 0, found


class Bench:
    """Kills workers at one point, one after another. The next victim loads its program while a lease runs out."""

    def __init__(self, installation: Installation, ledger: Ledger, point: Point, *, passes: int = 1) -> None:
        """`passes`: the first victim dies when it passes the point first, the next at the second pass, and so on."""
        self._installation = installation
        self._ledger = ledger
        self._point = point
        self._nths = cycle(range(1, passes + 1))
        self._prepare()

    async def kill_worker(self) -> Death:
        """Feed a victim beside a survivor until it dies at the point, and wait until every run is done."""
        victim, mark = await self._victim()
        deadline = time.monotonic() + 60
        while not mark.exists():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self._point} was never reached: {victim.log()[-1000:]}")
            await self._ledger.queue(4)
            await asyncio.sleep(0.1)
        return await self._after(victim, mark)

    async def kill_sync(self, simulation: Simulation, shop: Shop, *, survivor: Process) -> Death:
        """Let a victim read a shop until it dies at the point; the survivor, frozen until then, goes on."""
        victim, mark = await self._victim()
        survivor.signal(signal.SIGSTOP)
        try:
            await simulation.queue_sync(shop)
            deadline = time.monotonic() + 60
            while not mark.exists():
                if time.monotonic() > deadline:
                    raise TimeoutError(f"{self._point} was never reached: {victim.log()[-2000:]}")
                await asyncio.sleep(0.02)
        finally:
            survivor.signal(signal.SIGCONT)
        return await self._after(victim, mark)

    def _prepare(self) -> None:
        self._mark = mark_of(self._installation, self._point)
        kill = f"{self._point}:{next(self._nths)}:{self._mark}"
        self._standby = self._installation.worker(kill=kill, standby=True)

    async def _victim(self) -> tuple[Process, Path]:
        await self._standby.release()
        await self._standby.says("worker_started")
        return self._standby, self._mark

    async def _after(self, victim: Process, mark: Path) -> Death:
        assert await victim.wait(10) == -9
        died_at = _moment(mark)
        self._prepare()
        await self._ledger.finished(self._installation.lease + 60)
        return Death(died_at=died_at, resumed=await self._ledger.resumed_after(died_at))


async def deaths_of(kill: Callable[[int], Awaitable[Death]], *, kills: int, holding: bool = True) -> list[Death]:
    """So many deaths. Where each must hold something up (`holding`), one that did not is no proof and is repeated.

    That happens when the machine stands still for longer than a lease. Raises AssertionError when it is the rule.
    """
    found: list[Death] = []
    for number in range(2 * kills + 2):
        death = await kill(number)
        if death.resumed or not holding:
            found.append(death)
        if len(found) == kills:
            return found
    raise AssertionError(f"of {2 * kills + 2} deaths only {len(found)} held something up")


def mark_of(installation: Installation, what: str) -> Path:
    """Where a death leaves its time."""
    return installation.home / f"died-{what}-{len(installation.processes)}"


def _moment(mark: Path) -> float:
    return float(mark.read_text())


async def tally_runs(ledger: Ledger) -> Tally:
    """Runs against effects."""
    count = await ledger.count()
    assert count.done == count.runs, f"{count.runs - count.done} of {count.runs} runs failed"
    return Tally(compared=count.runs, lost=count.runs - count.distinct, doubled=count.effects - count.distinct)


async def worker_series(installation: Installation, ledger: Ledger, point: Point, *, kills: int) -> Kills:
    """Kill workers at a point of any run's life."""
    bench = Bench(installation, ledger, point, passes=3)
    deaths = await deaths_of(lambda _: bench.kill_worker(), kills=kills, holding=point in HOLDING_POINTS)
    promised = installation.lease + RESUME_GRACE
    return series(f"worker at {point}", deaths, await tally_runs(ledger), promised=promised)


async def sync_series(
    installation: Installation, simulation: Simulation, point: Point, *, survivor: Process, kills: int
) -> Kills:
    """Kill workers in the syncs of shops, and hold the warehouse and the roll-up against the truth after each."""
    await simulation.scenarios(*(["expire"] if point is Point.REFRESH_NOT_STORED else []))
    bench = Bench(installation, simulation.ledger, point, passes=SYNC_POINTS[point])
    verdicts: list[Verdict] = []

    async def kill(number: int) -> Death:
        shop = await simulation.connect(-1 - number % 2)
        death = await bench.kill_sync(simulation, shop, survivor=survivor)
        if point is Point.REFRESH_NOT_STORED:
            healed = await simulation.token_stored_at(shop) - death.died_at
            assert 0 < healed <= HEALED_SECONDS, f"a token was renewed {healed} s after a death"
        verdicts.append(await simulation.verdict(shop))
        return death

    deaths = await deaths_of(kill, kills=kills)
    tally = Tally(
        compared=sum(found.compared for found in verdicts),
        lost=sum(found.lost for found in verdicts),
        doubled=sum(found.doubled for found in verdicts),
    )
    promised = installation.lease + RESUME_GRACE
    return series(f"worker in a sync at {point}", deaths, tally, promised=promised)


async def kill_web_mid_request(
    installation: Installation, simulation: Simulation, healthy_url: str
) -> tuple[Death, Tally]:
    """The web server dies between queueing a first sync and its commit; the person tries again at another one.

    The tally: runs of the unanswered request (doubled), and a repeated one that is not done (lost).
    """
    mark = mark_of(installation, Point.QUEUED_NOT_COMMITTED)
    person = await simulation.person()
    doomed, url = await start_web(installation, kill=f"{Point.QUEUED_NOT_COMMITTED}:1:{mark}")
    async with simulation.browser(url, person) as first, simulation.browser(healthy_url, person) as second:
        try:
            await simulation.connect_in(first, person)
        except httpx2.TransportError:
            pass
        else:
            raise AssertionError("the request was answered by a server that should have died")
        died_at = _moment(mark)
        doomed.kill()
        ghosts = await simulation.runs_of(person)
        await simulation.connect_in(second, person)
    await simulation.ledger.finished(60)
    resumed = await simulation.started_after(person, died_at)
    done = [state for state in await simulation.runs_of(person) if state == "done"]
    tally = Tally(compared=2, lost=int(not done), doubled=len(ghosts) + max(0, len(done) - 1))
    return Death(died_at=died_at, resumed=resumed), tally
