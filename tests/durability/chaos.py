"""Kills, zombies, wipes and a restart of the database, all at once, while runs go on."""

import asyncio
import signal
import time
from random import Random

import msgspec
from sqlalchemy.exc import SQLAlchemyError
from tests.durability.brokers import Redis
from tests.durability.ledger import Count, Ledger
from tests.durability.processes import LOST, Installation, Process


class Soak(msgspec.Struct, frozen=True, kw_only=True):
    """What was done, and what came of it."""

    kills: int
    zombies: int
    held: int
    wipes: int
    restarts: int
    seconds: float
    count: Count


class Chaos:
    """Three workers under attack."""

    def __init__(self, installation: Installation, ledger: Ledger, *, redis: Redis | None, seed: int = 7) -> None:
        self._installation = installation
        self._ledger = ledger
        self._redis = redis
        self._random = Random(seed)
        self._workers: list[Process] = []
        self._frozen: list[Process] = []
        self.kills = self.zombies = self.held = self.wipes = self.restarts = 0

    async def run(self, *, runs: int, seconds: float) -> Soak:
        """Attack for so long while runs are queued evenly; then let the living finish."""
        started = time.monotonic()
        self._workers = [self._worker() for _ in range(3)]
        attacks = [self._kill_often(), self._freeze_often(), self._wipe_often(), self._restart(seconds / 2)]
        tasks = [asyncio.create_task(attack) for attack in attacks]
        try:
            batch = 10
            for _ in range(runs // batch):
                await self._queue(batch)
                await asyncio.sleep(seconds * batch / runs)
                self._check(tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if self._frozen:
                await asyncio.sleep(self._installation.lease + 3)
            for worker in self._frozen:
                worker.signal(signal.SIGCONT)
        await self._ledger.finished(120)
        return Soak(
            kills=self.kills,
            zombies=self.zombies,
            held=self.held,
            wipes=self.wipes,
            restarts=self.restarts,
            seconds=time.monotonic() - started,
            count=await self._ledger.count(),
        )

    def _worker(self) -> Process:
        url = "" if self._redis is None else self._redis.url
        return self._installation.worker(SHELFTIDE_BROKER_URL=url)

    async def _queue(self, batch: int) -> None:
        """Queue runs; what the database refuses while it is away was never acknowledged, and is asked again."""
        for _ in range(batch):
            for _ in range(200):
                try:
                    await self._ledger.queue(1, milliseconds=self._random.randint(20, 400))
                    break
                except (*LOST, SQLAlchemyError):
                    await asyncio.sleep(0.2)
            else:
                raise TimeoutError("the database does not come back")

    @staticmethod
    def _check(tasks: list[asyncio.Task[None]]) -> None:
        for task in tasks:
            if task.done() and not task.cancelled():
                task.result()

    async def _kill_often(self) -> None:
        while True:
            await asyncio.sleep(2.5)
            index = self._random.randrange(len(self._workers))
            if self._workers[index] not in self._frozen:
                self._workers[index].kill()
                self._workers[index] = self._worker()
                self.kills += 1

    async def _freeze_often(self) -> None:
        """A zombie sleeps well past its lease, then wakes and thinks that nothing happened."""
        while True:
            await asyncio.sleep(0.2)
            worker = self._random.choice(self._workers)
            worker.signal(signal.SIGSTOP)
            self._frozen.append(worker)
            held = await self._held_by(worker)
            self.zombies += bool(held)
            self.held += held
            await asyncio.sleep(self._installation.lease + 3 if held else 0)
            worker.signal(signal.SIGCONT)
            self._frozen.remove(worker)

    async def _held_by(self, worker: Process) -> int:
        """Runs that a frozen worker is at: without one it makes no zombie."""
        try:
            found = await self._ledger.fetch(
                "select 1 from runs where state = 'running' and worker like '%-' || $1::text", str(worker.pid)
            )
        except LOST:
            return 0
        return len(found)

    async def _wipe_often(self) -> None:
        while self._redis is not None:
            await asyncio.sleep(3)
            await self._redis.wipe()
            self.wipes += 1

    async def _restart(self, after: float) -> None:
        await asyncio.sleep(after)
        await self._installation.kill_postgres()
        self.restarts += 1
