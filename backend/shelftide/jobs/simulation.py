"""The demo's calendar: a day passes in the simulated world, and every connection of the asker is read again."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import httpx2

from shelftide.core.errors import NotFoundError, UnavailableError
from shelftide.core.scope import Scope
from shelftide.jobs.services import Services
from shelftide.jobs.sync_connection import sync_connection
from shelftide.store.repositories.connections import Connection, list_connections
from shelftide.store.repositories.simulation import advance_simulation
from shelftide.store.unit_of_work import SystemUnitOfWork, UnitOfWork

DAY = timedelta(days=1)
# A world that moves on computes what happened in between; a large one takes its time.
_PATIENCE_SECONDS = 60.0


async def advance(services: Services, step: timedelta = DAY) -> None:
    """Move the simulated world and the calendar that follows it. Raises NotFoundError outside the demo."""
    if not services.settings.demo:
        raise NotFoundError
    seconds = int(step.total_seconds())
    async with SystemUnitOfWork(services.database, reason="the demo's calendar belongs to no tenant") as uow:
        found = await advance_simulation(uow, seconds)
        if found is None:
            raise NotFoundError
        await _tell(found.control_url, seconds)
        await uow.commit()
    await services.refresh_clock()


async def _tell(control_url: str, seconds: int) -> None:
    try:
        async with httpx2.AsyncClient(timeout=_PATIENCE_SECONDS, trust_env=False) as client:
            reply = await client.post(f"{control_url}/_sim/advance", json={"seconds": seconds})
    except httpx2.TransportError as error:
        raise UnavailableError("The simulator does not answer.", hint="Start the demo again.") from error
    if reply.status_code != 200:
        raise UnavailableError("The simulator did not advance.", internal=reply.text[:300])


async def queue_syncs(services: Services, scope: Scope) -> int:
    """Queue a sync of every connection in scope that is not paused. Returns how many."""
    async with UnitOfWork(services.database, scope) as uow:
        connections = [c for c in await list_connections(uow) if c.state != "paused"]
    for tenant_id in dict.fromkeys(c.tenant_id for c in connections):
        await _queue(services, scope.narrow(tenant_id), [c for c in connections if c.tenant_id == tenant_id])
    return len(connections)


async def _queue(services: Services, scope: Scope, connections: Sequence[Connection]) -> None:
    async with UnitOfWork(services.database, scope) as uow:
        for connection in connections:
            await queue_sync(uow, connection.connection_id)
        await uow.commit()


async def queue_sync(uow: UnitOfWork, connection_id: UUID) -> UUID:
    """Queue a sync, unless one waits or runs already. Commit afterwards."""
    return await sync_connection.enqueue(
        uow, lane=str(connection_id), dedupe=f"sync:{connection_id}", connection_id=str(connection_id)
    )
