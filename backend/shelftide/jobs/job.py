"""The one decorator. It only registers; `worker.py` binds to a broker, so importing a job has no side effect."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

import msgspec

from shelftide.core.points import Point, reached
from shelftide.core.scope import Scope
from shelftide.store.repositories.runs import Claim, complete, enqueue, guard, save_progress
from shelftide.store.unit_of_work import UnitOfWork


class Queue(StrEnum):
    """Where runs wait. Each queue has its own hints; all are served by every worker."""

    INGEST = "ingest"
    ANALYTICS = "analytics"
    OUTBOUND = "outbound"


class Services(Protocol):
    """What the worker hands to jobs: its wiring. Jobs say which part they need by their own annotations."""

    @property
    def database(self) -> Any:
        """The control plane."""
        ...


class JobContext:
    """One attempt at one run: its scope, its claim, and the doors to say how far it is."""

    def __init__(self, services: Any, claimed: Claim) -> None:
        self.services = services
        self.claim = claimed
        # One of the two doors at which a scope is made: from the run's row, never from anything a message says.
        self.scope = Scope(
            agency_id=claimed.agency_id,
            tenant_ids=(claimed.tenant_id,),
            tenant_id=claimed.tenant_id,
            subject_id=claimed.subject_id,
        )
        self.finished = False

    def unit_of_work(self) -> UnitOfWork:
        """A transaction in the run's scope."""
        return UnitOfWork(self.services.database, self.scope)

    async def guard(self, uow: UnitOfWork) -> None:
        """Refuse to go on in this transaction if somebody else holds the run. Raises LeaseLostError."""
        await guard(uow, self.claim)

    async def report(self, progress: Mapping[str, Any]) -> None:
        """Show progress."""
        async with self.unit_of_work() as uow:
            await save_progress(uow, self.claim, progress)
            await uow.commit()

    async def finish(self, uow: UnitOfWork, result: Mapping[str, Any]) -> None:
        """Complete the run in the transaction of its effect; commit afterwards."""
        await complete(uow, self.claim, result)
        self.finished = True
        reached(Point.COMPLETION_NOT_COMMITTED)


Work = Callable[..., Awaitable[Mapping[str, Any] | None]]


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A registered job."""

    name: str
    queue: Queue
    max_attempts: int
    time_limit: timedelta
    work: Work

    async def enqueue(
        self,
        uow: UnitOfWork,
        *,
        lane: str = "",
        dedupe: str | None = None,
        due_at: datetime | None = None,
        **arguments: str | int | None,
    ) -> UUID:
        """Queue a run in the caller's transaction. `lane`: at most one run of a lane at a time."""
        return await enqueue(
            uow,
            job=self.name,
            queue=self.queue,
            arguments=arguments,
            max_attempts=self.max_attempts,
            lane=lane,
            dedupe=dedupe,
            due_at=due_at,
        )


JOBS: dict[str, Job] = {}


def job(name: str, *, queue: Queue, max_attempts: int, time_limit: timedelta) -> Callable[[Work], Job]:
    """Register `async def work(ctx: JobContext, **arguments) -> result`. The name is `stage.verb`."""

    def register(work: Work) -> Job:
        if name in JOBS:
            raise ValueError(f"two jobs are called {name}")
        JOBS[name] = Job(name=name, queue=queue, max_attempts=max_attempts, time_limit=time_limit, work=work)
        return JOBS[name]

    return register
