"""What goes on by itself: a connection's syncs, as often as its streams promise; a brand's reconciliation and upkeep.

Schedules are rows that stand beside what they serve: they are made with a connection and go with it.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID

from shelftide.ingest.registry import Registry
from shelftide.jobs.job import Job
from shelftide.jobs.maintain import maintain
from shelftide.jobs.reconcile import reconcile
from shelftide.jobs.schedule import next_time
from shelftide.jobs.sync_connection import sync_connection
from shelftide.jobs.watch import watch
from shelftide.jobs.webhooks import keep_webhooks
from shelftide.store.repositories.agencies import get_tenant
from shelftide.store.repositories.connections import get_connection
from shelftide.store.repositories.schedules import add_schedule, has_schedule
from shelftide.store.unit_of_work import UnitOfWork
from shelftide_sdk import Connector

# Twice within the promise: a read that fails is made good before the promise is broken.
_HOURS = ((timedelta(hours=2), "*"), (timedelta(hours=6), "*/3"), (timedelta(days=1), "*/6"))
_SELDOM = "*/12"


async def stand(uow: UnitOfWork, registry: Registry, connection_id: UUID) -> None:
    """See to a connection's schedules and its brand's; those that stand already stay. Commit afterwards."""
    connection = await get_connection(uow, connection_id)
    tenant = await get_tenant(uow, connection.tenant_id)
    mine = {"connection_id": str(connection_id)}
    hours = hours_of(registry.connector(connection.connector))
    # Spread over the hour: all connections at once would only wait for each other, and for the platforms' limits.
    minute, zone = _minute(connection_id), connection.zone
    await _add(uow, sync_connection, {**mine, "scheduled": 1}, f"{minute} {hours} * * *", zone)
    await _add(uow, keep_webhooks, mine, f"{minute} 4 * * *", zone)
    brand = {"tenant_id": str(tenant.tenant_id)}
    await _add(uow, reconcile, brand, f"{_minute(tenant.tenant_id)} 5 * * *", tenant.zone)
    await _add(uow, watch, brand, f"{_minute(tenant.tenant_id)} * * * *", tenant.zone)
    await _add(uow, maintain, brand, f"{_minute(tenant.tenant_id)} 3 * * *", tenant.zone)


def hours_of(connector: type[Connector]) -> str:
    """At which hours a connector is read: the tightest promise of its streams decides."""
    tightest = min((stream.promise for stream in connector.streams), default=timedelta(days=1))
    return next((hours for promise, hours in _HOURS if tightest <= promise), _SELDOM)


async def _add(uow: UnitOfWork, job: Job, arguments: Mapping[str, str | int], cron: str, zone: str) -> None:
    if await has_schedule(uow, job.name, arguments):
        return
    next_at = next_time(cron, zone, datetime.now(UTC))
    values = {"job": job.name, "arguments": dict(arguments), "cron": cron, "zone": zone, "next_at": next_at}
    await add_schedule(uow, values)


def _minute(of: UUID) -> int:
    return of.int % 60
