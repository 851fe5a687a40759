"""Schedules in SQL."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from shelftide.store.ids import new_id
from shelftide.store.models import runs, schedules
from shelftide.store.rows import to_struct
from shelftide.store.unit_of_work import SystemUnitOfWork, UnitOfWork


class DueSchedule(msgspec.Struct, frozen=True, kw_only=True):
    """A schedule whose time has come."""

    tenant_id: UUID
    schedule_id: UUID
    agency_id: UUID
    job: str
    arguments: dict[str, Any]
    cron: str
    zone: str
    next_at: datetime


async def add_schedule(uow: UnitOfWork, values: Mapping[str, Any]) -> UUID:
    """Add a schedule to the scope's brand."""
    schedule_id = new_id()
    await uow.connection.execute(
        insert(schedules).values(
            tenant_id=uow.scope.tenant_id, agency_id=uow.scope.agency_id, schedule_id=schedule_id, **values
        )
    )
    return schedule_id


async def has_schedule(uow: UnitOfWork, job: str, arguments: Mapping[str, Any]) -> bool:
    """Whether the scope's brand has a schedule of this job with these arguments."""
    statement = select(schedules.c.schedule_id).where(
        schedules.c.tenant_id == uow.scope.tenant_id,
        schedules.c.job == job,
        schedules.c.arguments == dict(arguments),
    )
    return (await uow.connection.execute(statement.limit(1))).first() is not None


async def due_schedules(uow: SystemUnitOfWork) -> list[DueSchedule]:
    """What is due now, locked; rows that another sweeper holds are left to it."""
    columns = [schedules.c[name] for name in DueSchedule.__struct_fields__]
    statement = (
        select(*columns)
        .where(schedules.c.enabled, schedules.c.next_at <= func.now())
        .order_by(schedules.c.next_at)
        .limit(100)
        .with_for_update(skip_locked=True)
    )
    return [to_struct(row, DueSchedule) for row in (await uow.connection.execute(statement)).mappings()]


async def start_scheduled(
    uow: SystemUnitOfWork, schedule: DueSchedule, *, queue: str, max_attempts: int, lane: str, next_at: datetime
) -> None:
    """Queue the run and move the schedule on, in one transaction. A twin that still waits is enough."""
    await uow.connection.execute(
        insert(runs)
        .values(
            tenant_id=schedule.tenant_id,
            run_id=new_id(),
            agency_id=schedule.agency_id,
            job=schedule.job,
            queue=queue,
            arguments=schedule.arguments,
            lane=lane,
            dedupe=f"schedule:{schedule.schedule_id}",
            max_attempts=max_attempts,
        )
        .on_conflict_do_nothing()
    )
    await uow.connection.execute(
        update(schedules)
        .where(schedules.c.tenant_id == schedule.tenant_id, schedules.c.schedule_id == schedule.schedule_id)
        .values(next_at=next_at, last_at=func.now())
    )
