"""Which plugins an agency uses, and its connections that stand still meanwhile."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from shelftide.store.models import connections
from shelftide.store.models import plugin_choices as table
from shelftide.store.unit_of_work import UnitOfWork


async def read_choices(uow: UnitOfWork) -> dict[str, bool]:
    """What the scope's agency said, by distribution: enabled or not."""
    statement = select(table.c.distribution, table.c.enabled).where(table.c.agency_id == uow.scope.agency_id)
    return {str(row[0]): bool(row[1]) for row in (await uow.connection.execute(statement)).all()}


async def save_choice(uow: UnitOfWork, distribution: str, *, enabled: bool, version: str) -> None:
    """Remember what the agency says of a plugin, and of which version it was said; the last word counts."""
    values = {"enabled": enabled, "version": version, "decided_by": uow.scope.subject_id}
    await uow.connection.execute(
        insert(table)
        .values(agency_id=uow.scope.agency_id, distribution=distribution, **values)
        .on_conflict_do_update(index_elements=["agency_id", "distribution"], set_={**values, "decided_at": func.now()})
    )


async def pause_connections(uow: UnitOfWork, connectors: Sequence[str], *, reason: str, step: str) -> int:
    """Connections of these connectors read no more in the scope's brand; how many were still reading."""
    c = connections.c
    statement = (
        update(connections)
        .where(c.tenant_id == uow.scope.tenant_id, c.connector.in_(connectors), c.state != "paused")
        .values(state="paused", reason=reason, step=step)
        .returning(c.connection_id)
    )
    return len((await uow.connection.execute(statement)).all())


async def resume_connections(uow: UnitOfWork, connectors: Sequence[str], *, reason: str) -> list[UUID]:
    """Connections of the scope's brand that stood still for this reason go on; others that are paused stay so."""
    c = connections.c
    statement = (
        update(connections)
        .where(c.tenant_id == uow.scope.tenant_id, c.connector.in_(connectors), c.state == "paused", c.reason == reason)
        .values(state="ok", reason="", step="")
        .returning(c.connection_id)
    )
    return [UUID(str(row[0])) for row in (await uow.connection.execute(statement)).all()]
