"""Schedules are rows: cron text, IANA zone, next time. What is due becomes a run, once."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from shelftide.core.errors import InvalidInputError
from shelftide.jobs.job import JOBS
from shelftide.store.repositories.schedules import DueSchedule, due_schedules, start_scheduled
from shelftide.store.unit_of_work import SystemUnitOfWork


def next_time(cron: str, zone: str, after: datetime) -> datetime:
    """The next time a schedule fires. Raises InvalidInputError for a senseless cron text or zone."""
    try:
        local = after.astimezone(ZoneInfo(zone))
        found: datetime = next(CronSim(cron, local))
    except (CronSimError, StopIteration) as error:
        raise InvalidInputError(f"{cron!r} is not a schedule.", hint="Example: 15 6 * * * (daily at 06:15).") from error
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise InvalidInputError(f"{zone!r} is not a time zone.", hint="Example: Europe/Rome.") from error
    return found.astimezone(UTC)


async def start_due(uow: SystemUnitOfWork, now: datetime) -> None:
    """Queue a run for each schedule that is due; a run missed while nothing worked is made up for once."""
    for schedule in await due_schedules(uow):
        found = JOBS.get(schedule.job)
        if found is None:
            continue
        await start_scheduled(
            uow,
            schedule,
            queue=found.queue,
            max_attempts=found.max_attempts,
            lane=lane_of(schedule),
            next_at=next_time(schedule.cron, schedule.zone, now),
        )


def lane_of(schedule: DueSchedule) -> str:
    """Runs on one connection never overlap, nor runs of one job on a brand."""
    arguments: dict[str, Any] = schedule.arguments
    return str(arguments.get("connection_id", schedule.job))
