"""Connections and their streams, inside a scope."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from shelftide.core.errors import NotFoundError
from shelftide.store.ids import new_id
from shelftide.store.models import (
    connections,
    findings,
    metric_daily,
    quarantine,
    rollups,
    schedules,
    sku_daily,
    sku_stock,
    stream_states,
)
from shelftide.store.repositories.notices import queue_notices
from shelftide.store.rows import to_struct
from shelftide.store.unit_of_work import UnitOfWork


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """An account of a platform, assigned to a brand."""

    tenant_id: UUID
    connection_id: UUID
    grant_id: UUID | None
    connector: str
    platform: str
    account_id: str
    account_name: str
    zone: str
    currency: str | None
    settings: dict[str, str]
    state: str
    reason: str
    step: str
    checked_at: datetime | None
    created_at: datetime


class StreamState(msgspec.Struct, frozen=True, kw_only=True):
    """Where a stream stands. `rows_*` count over all runs, `coverage` over the last read alone."""

    tenant_id: UUID
    connection_id: UUID
    stream: str
    cursor: dict[str, Any] | None
    synced_at: datetime | None
    promise_seconds: int
    rows_seen: int
    rows_written: int
    error_code: str | None
    error_message: str | None
    failed_at: datetime | None
    coverage: dict[str, Any] | None = None


class QuarantinedRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row that could not be understood, and why."""

    tenant_id: UUID
    fingerprint: str
    connection_id: UUID | None
    stream: str
    record: str
    reason: str
    raw: str
    times: int
    first_seen_at: datetime
    last_seen_at: datetime


_CONNECTION = [connections.c[name] for name in Connection.__struct_fields__]
_STREAM = [stream_states.c[name] for name in StreamState.__struct_fields__]


async def add_connection(uow: UnitOfWork, values: Mapping[str, Any]) -> UUID:
    """Add a connection, or find the one that this brand already has for the account. Returns its id."""
    statement = (
        insert(connections)
        .values(tenant_id=uow.scope.tenant_id, connection_id=new_id(), **values)
        .on_conflict_do_update(
            index_elements=["tenant_id", "connector", "account_id"],
            set_={
                name: values[name]
                for name in ("account_name", "settings", "zone", "currency", "grant_id")
                if name in values
            }
            | {"state": "ok", "reason": "", "step": ""},
        )
        .returning(connections.c.connection_id)
    )
    return UUID(str((await uow.connection.execute(statement)).scalar_one()))


async def repoint_connections(
    uow: UnitOfWork, connector: str, account_ids: Sequence[str], grant_id: UUID
) -> list[tuple[UUID, str]]:
    """The brand's connections of these accounts now use this grant and are well again: (connection, account)."""
    c = connections.c
    statement = (
        update(connections)
        .where(c.tenant_id == uow.scope.tenant_id, c.connector == connector, c.account_id.in_(account_ids))
        .values(grant_id=grant_id, state="ok", reason="", step="")
        .returning(c.connection_id, c.account_id)
    )
    return [(UUID(str(row[0])), str(row[1])) for row in (await uow.connection.execute(statement)).all()]


async def detach_connection(uow: UnitOfWork, connection_id: UUID, *, reason: str = "Released.") -> None:
    """The connection reads no more, by the clock neither, and holds no grant; what it read stays with the brand."""
    c, s = connections.c, schedules.c
    mine = s.arguments["connection_id"].astext == str(connection_id)
    await uow.connection.execute(delete(schedules).where(s.tenant_id == uow.scope.tenant_id, mine))
    await uow.connection.execute(
        update(connections)
        .where(c.tenant_id == uow.scope.tenant_id, c.connection_id == connection_id)
        .values(grant_id=None, state="paused", reason=reason, step="Connect the account again to go on.")
    )


async def get_connection(uow: UnitOfWork, connection_id: UUID) -> Connection:
    """One connection of the brands in scope. Raises NotFoundError."""
    statement = select(*_CONNECTION).where(
        connections.c.tenant_id.in_(uow.scope.tenant_ids), connections.c.connection_id == connection_id
    )
    row = (await uow.connection.execute(statement)).mappings().one_or_none()
    if row is None:
        raise NotFoundError
    return to_struct(row, Connection)


async def list_connections(uow: UnitOfWork) -> list[Connection]:
    """All connections of the brands in scope."""
    statement = (
        select(*_CONNECTION)
        .where(connections.c.tenant_id.in_(uow.scope.tenant_ids))
        .order_by(connections.c.tenant_id, connections.c.created_at)
    )
    return [to_struct(row, Connection) for row in (await uow.connection.execute(statement)).mappings()]


async def set_health(uow: UnitOfWork, connection_id: UUID, *, state: str, reason: str, step: str) -> None:
    """Record what a check or a run found out. A connection that now needs a new consent is told to people, once."""
    if state == "reconnect":
        statement = select(connections.c.state).where(
            connections.c.tenant_id == uow.scope.tenant_id, connections.c.connection_id == connection_id
        )
        before = (await uow.connection.execute(statement.with_for_update())).scalar_one_or_none()
        if before not in (None, "reconnect"):
            await queue_notices(uow, kind="connection.reconnect", connection_id=connection_id)
    await uow.connection.execute(
        update(connections)
        .where(connections.c.tenant_id == uow.scope.tenant_id, connections.c.connection_id == connection_id)
        .values(state=state, reason=reason, step=step, checked_at=func.now())
    )


async def erase_connection_rows(uow: UnitOfWork, connection_id: UUID) -> None:
    """Forget where a connection's streams stand, its figures and its rejected rows."""
    for table in (stream_states, quarantine, findings, rollups, metric_daily, sku_daily, sku_stock):
        await uow.connection.execute(
            delete(table).where(table.c.tenant_id == uow.scope.tenant_id, table.c.connection_id == connection_id)
        )


async def list_streams(uow: UnitOfWork, connection_id: UUID | None = None) -> list[StreamState]:
    """Streams of one connection, or of all brands in scope."""
    statement = select(*_STREAM).where(stream_states.c.tenant_id.in_(uow.scope.tenant_ids))
    if connection_id is not None:
        statement = statement.where(stream_states.c.connection_id == connection_id)
    rows = (await uow.connection.execute(statement.order_by(stream_states.c.stream))).mappings()
    return [to_struct(row, StreamState) for row in rows]


async def read_cursor(uow: UnitOfWork, connection_id: UUID, stream: str) -> dict[str, Any] | None:
    """The saved cursor of a stream, or None before the first page."""
    statement = select(stream_states.c.cursor).where(
        stream_states.c.tenant_id == uow.scope.tenant_id,
        stream_states.c.connection_id == connection_id,
        stream_states.c.stream == stream,
    )
    return (await uow.connection.execute(statement)).scalar_one_or_none()


async def save_stream(uow: UnitOfWork, connection_id: UUID, stream: str, values: Mapping[str, Any]) -> None:
    """Upsert a stream's state. Counts in `rows_seen` and `rows_written` are added to what is there."""
    changes = dict(values)
    for name in ("rows_seen", "rows_written"):
        if name in changes:
            changes[name] = stream_states.c[name] + changes[name]
    await uow.connection.execute(
        insert(stream_states)
        .values(tenant_id=uow.scope.tenant_id, connection_id=connection_id, stream=stream, **values)
        .on_conflict_do_update(index_elements=["tenant_id", "connection_id", "stream"], set_=changes)
    )


async def save_rejects(uow: UnitOfWork, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep rows that could not be understood; the same row seen again is counted, not doubled."""
    if not rows:
        return
    unique = {row["fingerprint"]: row for row in rows}
    statement = insert(quarantine).values([{"tenant_id": uow.scope.tenant_id, **row} for row in unique.values()])
    await uow.connection.execute(
        statement.on_conflict_do_update(
            index_elements=["tenant_id", "fingerprint"],
            set_={"times": quarantine.c.times + 1, "last_seen_at": func.now(), "reason": statement.excluded.reason},
        )
    )


async def list_quarantine(uow: UnitOfWork, *, limit: int) -> list[QuarantinedRow]:
    """Newest quarantined rows of the brands in scope."""
    columns = [quarantine.c[name] for name in QuarantinedRow.__struct_fields__]
    statement = (
        select(*columns)
        .where(quarantine.c.tenant_id.in_(uow.scope.tenant_ids))
        .order_by(quarantine.c.last_seen_at.desc(), quarantine.c.fingerprint)
        .limit(limit)
    )
    return [to_struct(row, QuarantinedRow) for row in (await uow.connection.execute(statement)).mappings()]


async def count_quarantine(uow: UnitOfWork) -> dict[UUID, int]:
    """Quarantined rows of each brand in scope that has some."""
    statement = (
        select(quarantine.c.tenant_id, func.count())
        .where(quarantine.c.tenant_id.in_(uow.scope.tenant_ids))
        .group_by(quarantine.c.tenant_id)
    )
    return {UUID(str(row[0])): int(row[1]) for row in (await uow.connection.execute(statement)).all()}
