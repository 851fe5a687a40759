"""Durable runs in SQL: enqueue, claim, renew, complete, sweep. Every statement that ends a claim demands its fence."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import RowMapping, bindparam, func, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY, INTERVAL, TEXT, distinct_on, insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from shelftide.core.points import Point, reached
from shelftide.store.ids import new_id
from shelftide.store.models import run_attempts, runs
from shelftide.store.rows import to_struct
from shelftide.store.unit_of_work import SystemUnitOfWork, UnitOfWork

CHANNEL = "shelftide_runs"


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """A run as pages and the API show it. `progress` and `result` are the job's own words."""

    tenant_id: UUID
    run_id: UUID
    job: str
    state: str
    attempts: int
    max_attempts: int
    arguments: dict[str, Any]
    progress: dict[str, Any]
    result: dict[str, Any] | None
    error_code: str | None
    error_message: str | None
    due_at: datetime
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """The right to work on a run until the lease ends; `fence` proves it."""

    tenant_id: UUID
    run_id: UUID
    agency_id: UUID
    subject_id: UUID | None
    job: str
    arguments: dict[str, Any]
    fence: int
    attempt: int
    max_attempts: int


class Hint(msgspec.Struct, frozen=True, kw_only=True):
    """A run that waits for somebody. `again`: an earlier hint went unheeded."""

    queue: str
    run_id: UUID
    again: bool


class LeaseLostError(Exception):
    """Somebody else holds the run now; whatever this worker still wants to say about it is void."""


_COLUMNS = [runs.c[name] for name in Run.__struct_fields__]

# The least busy tenant first, then the oldest; at most :cap runs a tenant. `uq_runs_lane` makes one run per lane exact.
_CLAIM = text(
    """
    with busy as (select tenant_id, count(*) as n from runs where state = 'running' group by tenant_id),
    taken as (select tenant_id, lane from runs where state = 'running' and lane <> ''),
    chosen as (
        select r.tenant_id, r.run_id
        from runs r left join busy b on b.tenant_id = r.tenant_id
        where r.state = 'queued' and r.due_at <= now() and r.queue = any (:queues)
          and coalesce(b.n, 0) < :cap
          and not exists (select 1 from taken t where t.tenant_id = r.tenant_id and t.lane = r.lane)
        order by coalesce(b.n, 0), r.due_at, r.run_id
        limit 1
        for update of r skip locked
    )
    update runs r
    set state = 'running', fence = r.fence + 1, attempts = r.attempts + 1, worker = :worker,
        lease_until = now() + :lease, started_at = coalesce(r.started_at, now()),
        error_code = null, error_message = null
    from chosen c
    where r.tenant_id = c.tenant_id and r.run_id = c.run_id
    returning r.tenant_id, r.run_id, r.agency_id, r.subject_id, r.job, r.arguments, r.fence,
              r.attempts as attempt, r.max_attempts
    """
).bindparams(bindparam("queues", type_=ARRAY(TEXT)), bindparam("lease", type_=INTERVAL))

# Poison: a run that kills its worker every time ends after max_attempts, counted here and not in the worker.
_TAKE_BACK = text(
    """
    with lost as (
        select tenant_id, run_id from runs where state = 'running' and lease_until < now()
        limit 100 for update skip locked
    ), closed as (
        update run_attempts a set ended_at = now(), outcome = 'lost'
        from lost l where a.tenant_id = l.tenant_id and a.run_id = l.run_id and a.ended_at is null
    )
    update runs r
    set state = case when r.attempts >= r.max_attempts then 'failed' else 'queued' end,
        finished_at = case when r.attempts >= r.max_attempts then now() end,
        error_code = case when r.attempts >= r.max_attempts then 'worker_lost' end,
        error_message = case when r.attempts >= r.max_attempts
                        then 'The worker died each time it tried this run.' end,
        fence = r.fence + 1, lease_until = null, poked_at = null, due_at = now()
    from lost l where r.tenant_id = l.tenant_id and r.run_id = l.run_id
    returning r.run_id
    """
)

_POKE = text(
    """
    with due as (
        select tenant_id, run_id, poked_at from runs
        where state = 'queued' and due_at <= now() and (poked_at is null or poked_at < now() - :again)
        order by due_at limit 500 for update skip locked
    )
    update runs r set poked_at = now() from due d
    where r.tenant_id = d.tenant_id and r.run_id = d.run_id
    returning r.queue, r.run_id, d.poked_at is not null as again
    """
).bindparams(bindparam("again", type_=INTERVAL))


async def enqueue(
    uow: UnitOfWork,
    *,
    job: str,
    queue: str,
    arguments: Mapping[str, Any],
    max_attempts: int,
    lane: str = "",
    dedupe: str | None = None,
    due_at: datetime | None = None,
) -> UUID:
    """Write a run in the caller's transaction: the row is the outbox. A waiting twin (`dedupe`) is returned instead."""
    if uow.scope.tenant_id is None:
        raise LookupError("a run belongs to one brand")
    values: dict[str, Any] = {
        "tenant_id": uow.scope.tenant_id,
        "run_id": new_id(),
        "agency_id": uow.scope.agency_id,
        "subject_id": uow.scope.subject_id,
        "job": job,
        "queue": queue,
        "arguments": dict(arguments),
        "lane": lane,
        "dedupe": dedupe,
        "max_attempts": max_attempts,
    }
    if due_at is not None:
        values["due_at"] = due_at
    statement = insert(runs).values(**values).on_conflict_do_nothing().returning(runs.c.run_id)
    found = (await uow.connection.execute(statement)).scalar_one_or_none()
    if found is None:
        found = await _twin(uow, dedupe)
        if found is None:  # the twin ended in this very moment
            return await enqueue(
                uow,
                job=job,
                queue=queue,
                arguments=arguments,
                max_attempts=max_attempts,
                lane=lane,
                dedupe=dedupe,
                due_at=due_at,
            )
    await uow.connection.execute(select(func.pg_notify(CHANNEL, queue)))
    reached(Point.QUEUED_NOT_COMMITTED)
    return UUID(str(found))


async def _twin(uow: UnitOfWork, dedupe: str | None) -> UUID | None:
    statement = select(runs.c.run_id).where(
        runs.c.tenant_id == uow.scope.tenant_id,
        runs.c.dedupe == dedupe,
        runs.c.state.in_(["queued", "running"]),
    )
    found: UUID | None = (await uow.connection.execute(statement)).scalar_one_or_none()
    return found


async def claim(
    uow: SystemUnitOfWork, *, queues: Sequence[str], worker: str, lease: timedelta, tenant_cap: int
) -> Claim | None:
    """Take the fairest run that is due, or None. One UPDATE raises the fence. Commit afterwards."""
    parameters = {"queues": list(queues), "worker": worker, "lease": lease, "cap": tenant_cap}
    try:
        row = (await uow.connection.execute(_CLAIM, parameters)).mappings().one_or_none()
    except IntegrityError:  # another worker took a run of the same lane in this very moment
        await uow.connection.rollback()
        return None
    if row is None:
        return None
    claimed = to_struct(row, Claim)
    await uow.connection.execute(
        insert(run_attempts).values(
            tenant_id=claimed.tenant_id,
            run_id=claimed.run_id,
            attempt=claimed.attempt,
            fence=claimed.fence,
            worker=worker,
        )
    )
    return claimed


async def renew(uow: SystemUnitOfWork, claimed: Claim, *, lease: timedelta) -> None:
    """Prolong the lease. Raises LeaseLostError."""
    statement = update(runs).where(*_held(claimed)).values(lease_until=func.now() + lease).returning(runs.c.run_id)
    if (await uow.connection.execute(statement)).scalar_one_or_none() is None:
        raise LeaseLostError(str(claimed.run_id))


async def guard(uow: UnitOfWork, claimed: Claim) -> None:
    """Lock the run's row for the rest of the caller's transaction if the claim still holds. Raises LeaseLostError."""
    statement = select(runs.c.run_id).where(*_held(claimed)).with_for_update()
    if (await uow.connection.execute(statement)).scalar_one_or_none() is None:
        raise LeaseLostError(str(claimed.run_id))


async def save_progress(uow: UnitOfWork, claimed: Claim, progress: Mapping[str, Any]) -> None:
    """Show how far the run is. Raises LeaseLostError."""
    await _change(uow.connection, claimed, {"progress": dict(progress)})


async def complete(uow: UnitOfWork, claimed: Claim, result: Mapping[str, Any]) -> None:
    """End a run well, in the transaction of its effect. Raises LeaseLostError, and then nothing may be committed."""
    values = {"state": "done", "result": dict(result), "finished_at": func.now(), "lease_until": None}
    await _change(uow.connection, claimed, values)
    await _close_attempt(uow.connection, claimed, "done")


async def fail(
    uow: SystemUnitOfWork, claimed: Claim, *, code: str, message: str, retry_at: timedelta | None, final: bool
) -> bool:
    """End an attempt badly: queue it again after `retry_at`, or fail the run. Returns whether it is tried again."""
    again = not final and claimed.attempt < claimed.max_attempts
    values: dict[str, Any] = {"error_code": code, "error_message": message, "lease_until": None, "poked_at": None}
    if again:
        values |= {"state": "queued", "due_at": func.now() + (retry_at or timedelta(0))}
    else:
        values |= {"state": "failed", "finished_at": func.now()}
    await _change(uow.connection, claimed, values)
    await _close_attempt(uow.connection, claimed, "retry" if again else "failed", code, message)
    return again


async def put_back(uow: SystemUnitOfWork, claimed: Claim, *, reason: str, after: timedelta) -> None:
    """Give a run back unharmed (graceful stop, a platform's wish to wait): the attempt does not count."""
    values = {
        "state": "queued",
        "attempts": runs.c.attempts - 1,
        "lease_until": None,
        "poked_at": None,
        "due_at": func.now() + after,
        "error_message": reason,
    }
    await _change(uow.connection, claimed, values)
    # The attempt's number will be used again: the row says what became of it under its fence.
    await uow.connection.execute(
        run_attempts.delete().where(
            run_attempts.c.tenant_id == claimed.tenant_id,
            run_attempts.c.run_id == claimed.run_id,
            run_attempts.c.attempt == claimed.attempt,
        )
    )


async def take_back_expired(uow: SystemUnitOfWork) -> int:
    """Queue again (or fail) runs whose worker showed no sign of life. Returns how many."""
    return len((await uow.connection.execute(_TAKE_BACK)).all())


async def poke(uow: SystemUnitOfWork, *, again: timedelta) -> list[Hint]:
    """Runs that are due and whose hint was never sent, or may have been lost."""
    rows = (await uow.connection.execute(_POKE, {"again": again})).mappings()
    return [to_struct(row, Hint) for row in rows]


async def list_runs(uow: UnitOfWork, *, limit: int, before: UUID | None = None, job: str | None = None) -> list[Run]:
    """Runs of the brands in scope, newest first."""
    statement = select(*_COLUMNS).where(runs.c.tenant_id.in_(uow.scope.tenant_ids))
    if before is not None:
        statement = statement.where(runs.c.run_id < before)
    if job is not None:
        statement = statement.where(runs.c.job == job)
    rows = (await uow.connection.execute(statement.order_by(runs.c.run_id.desc()).limit(limit))).mappings()
    return [_run(row) for row in rows]


async def latest_runs(uow: UnitOfWork, *, job: str) -> list[Run]:
    """The newest ended or open run of each piece of work (brand and arguments) in scope, newest first."""
    newest = (
        select(runs.c.run_id)
        .where(runs.c.tenant_id.in_(uow.scope.tenant_ids), runs.c.job == job)
        .ext(distinct_on(runs.c.tenant_id, runs.c.arguments))
        .order_by(runs.c.tenant_id, runs.c.arguments, runs.c.run_id.desc())
    )
    statement = select(*_COLUMNS).where(runs.c.tenant_id.in_(uow.scope.tenant_ids), runs.c.run_id.in_(newest))
    rows = (await uow.connection.execute(statement.order_by(runs.c.run_id.desc()))).mappings()
    return [_run(row) for row in rows]


async def count_open(uow: UnitOfWork) -> int:
    """Runs of the brands in scope that wait or are at work."""
    statement = select(func.count()).where(
        runs.c.tenant_id.in_(uow.scope.tenant_ids), runs.c.state.in_(["queued", "running"])
    )
    return int((await uow.connection.execute(statement)).scalar_one())


async def get_run(uow: UnitOfWork, run_id: UUID) -> Run | None:
    """One run of the brands in scope."""
    statement = select(*_COLUMNS).where(runs.c.tenant_id.in_(uow.scope.tenant_ids), runs.c.run_id == run_id)
    row = (await uow.connection.execute(statement)).mappings().one_or_none()
    return None if row is None else _run(row)


def _run(row: RowMapping) -> Run:
    return to_struct(row, Run)


def _held(claimed: Claim) -> list[Any]:
    return [
        runs.c.tenant_id == claimed.tenant_id,
        runs.c.run_id == claimed.run_id,
        runs.c.fence == claimed.fence,
        runs.c.state == "running",
    ]


async def _change(connection: AsyncConnection, claimed: Claim, values: Mapping[str, Any]) -> None:
    statement = update(runs).where(*_held(claimed)).values(**values).returning(runs.c.run_id)
    if (await connection.execute(statement)).scalar_one_or_none() is None:
        raise LeaseLostError(str(claimed.run_id))


async def _close_attempt(
    connection: AsyncConnection, claimed: Claim, outcome: str, code: str | None = None, message: str | None = None
) -> None:
    await connection.execute(
        update(run_attempts)
        .where(
            run_attempts.c.tenant_id == claimed.tenant_id,
            run_attempts.c.run_id == claimed.run_id,
            run_attempts.c.attempt == claimed.attempt,
        )
        .values(ended_at=func.now(), outcome=outcome, error_code=code, error_message=message)
    )
