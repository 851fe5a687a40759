"""Working on runs: claim, keep the lease alive, do the work, say how it ended. And the sweeper that forgets nothing."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import msgspec

from shelftide.core.errors import AppError
from shelftide.core.log import get_logger
from shelftide.core.points import Point, reached
from shelftide.jobs.job import JOBS, Job, JobContext
from shelftide.store.database import Database, is_lost
from shelftide.store.repositories import runs as table
from shelftide.store.repositories.runs import Claim, LeaseLostError
from shelftide.store.unit_of_work import SystemUnitOfWork
from shelftide_sdk import ConnectorError, RateLimitedError, TransientError

log = get_logger("jobs")
_BACKOFF = (5, 30, 120, 600, 1800)
_BACKOFF_LOST = 1
_REASON = "runs are claimed before their scope is known"


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """How runs are worked on. `tenant_cap`: runs of one brand at a time."""

    lease: timedelta = timedelta(seconds=30)
    tenant_cap: int = 4
    hint_again: timedelta = timedelta(seconds=5)


class Runner:
    """Works on claimed runs in one process."""

    def __init__(self, services: Any, *, worker: str, policy: Policy, jobs: Mapping[str, Job] = JOBS) -> None:
        self.services = services
        self.worker = worker
        self.policy = policy
        self.jobs = jobs
        self.stopping = False
        self.active: set[asyncio.Task[Any]] = set()

    @property
    def database(self) -> Database:
        """The control plane."""
        database: Database = self.services.database
        return database

    async def work_one(self, queues: Sequence[str]) -> bool:
        """Claim and work on one run. Returns whether there was one."""
        if self.stopping:
            return False
        claimed = await self._claim(queues)
        if claimed is None:
            return False
        task = asyncio.current_task()
        if task is not None:
            self.active.add(task)
        try:
            await self._attempt(claimed)
        finally:
            if task is not None:
                self.active.discard(task)
        return True

    async def _claim(self, queues: Sequence[str]) -> Claim | None:
        async with SystemUnitOfWork(self.database, reason=_REASON) as uow:
            claimed = await table.claim(
                uow,
                queues=queues,
                worker=self.worker,
                lease=self.policy.lease,
                tenant_cap=self.policy.tenant_cap,
            )
            if claimed is not None:
                reached(Point.CLAIM_NOT_COMMITTED)
            await uow.commit()
        if claimed is not None:
            reached(Point.CLAIMED)
        return claimed

    async def _attempt(self, claimed: Claim) -> None:
        found = self.jobs.get(claimed.job)
        if found is None:
            await self._fail(claimed, "unknown_job", f"There is no job called {claimed.job}.", final=True)
            return
        context = JobContext(self.services, claimed)
        work = asyncio.ensure_future(self._work(found, context))
        keeper = asyncio.ensure_future(self._keep(claimed, work))
        try:
            async with asyncio.timeout(found.time_limit.total_seconds()):
                await work
        except LeaseLostError:
            log.warning("lease_lost", run_id=str(claimed.run_id), job=claimed.job)
        except asyncio.CancelledError:
            await self._cancelled(claimed)
        except Exception as error:  # noqa: BLE001  # whatever a job raises ends its attempt, never the worker
            await self._failed(claimed, error)
        finally:
            for task in (work, keeper):
                task.cancel()
                with suppress(asyncio.CancelledError, Exception):
                    await task

    async def _work(self, found: Job, context: JobContext) -> None:
        result = await found.work(context, **context.claim.arguments)
        if not context.finished:
            async with context.unit_of_work() as uow:
                await context.finish(uow, result or {})
                await uow.commit()
        reached(Point.COMPLETED)
        log.info("run_done", run_id=str(context.claim.run_id), job=found.name)

    async def _keep(self, claimed: Claim, work: asyncio.Future[None]) -> None:
        """Renew the lease at a third of it; when it is lost, stop the work at once."""
        while True:
            await asyncio.sleep(self.policy.lease.total_seconds() / 3)
            try:
                async with SystemUnitOfWork(self.database, reason=_REASON) as uow:
                    await table.renew(uow, claimed, lease=self.policy.lease)
                    await uow.commit()
            except LeaseLostError:
                work.cancel()
                return
            except Exception as error:  # noqa: BLE001  # the database may be away for a moment; the lease decides
                log.warning("renew_failed", run_id=str(claimed.run_id), error=str(error))

    async def _cancelled(self, claimed: Claim) -> None:
        if not self.stopping:
            return  # the lease went to somebody else
        async with SystemUnitOfWork(self.database, reason=_REASON) as uow:
            with suppress(LeaseLostError):
                await table.put_back(uow, claimed, reason="The worker was stopped.", after=timedelta(0))
                await uow.commit()

    async def _failed(self, claimed: Claim, error: Exception) -> None:
        if isinstance(error, RateLimitedError):
            await self._wait(claimed, error)
            return
        code, message, final = _outcome(error)
        log.warning("run_failed", run_id=str(claimed.run_id), job=claimed.job, code=code, error=repr(error))
        # Our own database was away: no platform needs to be spared. Once only: other servers may refuse a connection.
        soon = claimed.attempt == 1 and is_lost(error)
        pause = _jitter(_BACKOFF_LOST) if soon else _backoff(claimed.attempt)
        await self._fail(claimed, code, message, final=final, pause=pause)

    async def _wait(self, claimed: Claim, error: RateLimitedError) -> None:
        after = max(error.wait(self.services.clock.now(), unknown=timedelta(seconds=60)), timedelta(seconds=1))
        async with SystemUnitOfWork(self.database, reason=_REASON) as uow:
            with suppress(LeaseLostError):
                await table.put_back(uow, claimed, reason=error.message, after=min(after, timedelta(hours=6)))
                await uow.commit()

    async def _fail(
        self, claimed: Claim, code: str, message: str, *, final: bool, pause: timedelta | None = None
    ) -> None:
        async with SystemUnitOfWork(self.database, reason=_REASON) as uow:
            with suppress(LeaseLostError):
                await table.fail(uow, claimed, code=code, message=message, retry_at=pause, final=final)
                await uow.commit()


def _backoff(attempt: int) -> timedelta:
    return _jitter(_BACKOFF[min(attempt, len(_BACKOFF)) - 1])


def _jitter(base: float) -> timedelta:
    # Full jitter keeps a crowd that failed together from coming back together.
    return timedelta(seconds=base * Random().uniform(0.5, 1.0))  # noqa: S311  # not a secret


def _outcome(error: Exception) -> tuple[str, str, bool]:
    """Code, public message, and whether trying again is senseless."""
    if isinstance(error, ConnectorError):
        return error.kind, f"{error.message} {error.hint}".strip(), not isinstance(error, TransientError)
    if isinstance(error, AppError):
        return error.code, error.message, error.status < 500
    if isinstance(error, TimeoutError):
        return "timeout", "The run took longer than it may.", False
    return "internal", "Something went wrong inside Shelftide; it will be tried again.", False


class Sweeper:
    """Takes back expired leases, starts what schedules say, sends hints for what waits. Many may run at once.

    `unheeded` is told the queue of each run whose earlier hint led to nothing.
    """

    def __init__(
        self,
        database: Database,
        *,
        policy: Policy,
        publish: Callable[[str, UUID], None],
        unheeded: Callable[[str], None] = lambda _: None,
        schedule: Any = None,
    ) -> None:
        self._database = database
        self._policy = policy
        self._publish = publish
        self._unheeded = unheeded
        self._schedule = schedule
        self.wake = asyncio.Event()

    async def sweep(self) -> int:
        """One round. Returns the number of hints sent."""
        async with SystemUnitOfWork(self._database, reason="the sweeper serves all tenants") as uow:
            await table.take_back_expired(uow)
            if self._schedule is not None:
                await self._schedule(uow, datetime.now(UTC))
            hints = await table.poke(uow, again=self._policy.hint_again)
            await uow.commit()
        for hint in hints:
            self._publish(hint.queue, hint.run_id)
            if hint.again:
                self._unheeded(hint.queue)
        return len(hints)

    async def run(self, stop: asyncio.Event, *, interval: float = 1.0) -> None:
        """Sweep every `interval` seconds, or at once when woken, until `stop`."""
        while not stop.is_set():
            try:
                await self.sweep()
            except Exception as error:  # noqa: BLE001  # the database or the broker may be away for a moment
                log.warning("sweep_failed", error=repr(error))
            with suppress(TimeoutError):
                await asyncio.wait_for(self.wake.wait(), interval)
            self.wake.clear()
