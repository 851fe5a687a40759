"""Connections, their secrets and their streams, inside a scope."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from shelftide.core.errors import ConflictError, NotFoundError
from shelftide.core.vault import Secret, Vault, WrappedKey
from shelftide.store.ids import new_id
from shelftide.store.models import connections, credentials, quarantine, stream_states, tenant_keys
from shelftide.store.rows import to_struct
from shelftide.store.unit_of_work import UnitOfWork
from shelftide_sdk.auth import TokenSet


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """An account of a platform, assigned to a brand."""

    tenant_id: UUID
    connection_id: UUID
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
    """Where a stream stands. `rows_*` count over all runs."""

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


class StoredToken(msgspec.Struct, frozen=True, kw_only=True):
    """A token as the host keeps it. The texts are Secrets."""

    version: int
    access_token: Secret
    refresh_token: Secret | None
    scopes: tuple[str, ...]
    expires_at: datetime | None
    refresh_expires_at: datetime | None
    refresh_started_at: datetime | None


_CONNECTION = [connections.c[name] for name in Connection.__struct_fields__]
_STREAM = [stream_states.c[name] for name in StreamState.__struct_fields__]


async def add_connection(uow: UnitOfWork, values: Mapping[str, Any]) -> UUID:
    """Add a connection, or find the one that this brand already has for the account. Returns its id."""
    statement = (
        insert(connections)
        .values(tenant_id=uow.scope.tenant_id, connection_id=new_id(), **values)
        .on_conflict_do_update(
            index_elements=["tenant_id", "connector", "account_id"],
            set_={name: values[name] for name in ("account_name", "settings", "zone", "currency") if name in values}
            | {"state": "ok", "reason": "", "step": ""},
        )
        .returning(connections.c.connection_id)
    )
    return UUID(str((await uow.connection.execute(statement)).scalar_one()))


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
    """Record what a check or a run found out."""
    await uow.connection.execute(
        update(connections)
        .where(connections.c.tenant_id == uow.scope.tenant_id, connections.c.connection_id == connection_id)
        .values(state=state, reason=reason, step=step, checked_at=func.now())
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


class TokenStore:
    """Tokens of one brand's connections, sealed by the vault."""

    def __init__(self, uow: UnitOfWork, vault: Vault) -> None:
        if uow.scope.tenant_id is None:
            raise LookupError("tokens belong to one brand")
        self._uow = uow
        self._vault = vault
        self._tenant = str(uow.scope.tenant_id)

    async def key(self) -> WrappedKey:
        """The brand's wrapped key."""
        statement = select(tenant_keys.c.master_id, tenant_keys.c.wrapped).where(
            tenant_keys.c.tenant_id == self._uow.scope.tenant_id
        )
        row = (await self._uow.connection.execute(statement)).one_or_none()
        if row is None:
            raise NotFoundError("The brand has no key; its secrets were erased.")
        return WrappedKey(row[0], bytes(row[1]))

    async def load(self, connection_id: UUID, *, lock: bool = False) -> StoredToken | None:
        """The token of a connection; `lock` holds its row until the transaction ends."""
        statement = select(credentials).where(
            credentials.c.tenant_id == self._uow.scope.tenant_id, credentials.c.connection_id == connection_id
        )
        if lock:
            statement = statement.with_for_update()
        row = (await self._uow.connection.execute(statement)).mappings().one_or_none()
        if row is None:
            return None
        key = await self.key()
        refresh = row["refresh_token"]
        return StoredToken(
            version=row["version"],
            access_token=self._open(key, connection_id, "access", row["version"], row["access_token"]),
            refresh_token=None
            if refresh is None
            else self._open(key, connection_id, "refresh", row["version"], refresh),
            scopes=tuple(row["scopes"]),
            expires_at=row["expires_at"],
            refresh_expires_at=row["refresh_expires_at"],
            refresh_started_at=row["refresh_started_at"],
        )

    async def save(self, connection_id: UUID, token: TokenSet, *, seen: int = 0) -> None:
        """Store a token as the version after `seen`. Raises ConflictError when another rotation came first."""
        key = await self.key()
        version = seen + 1
        values = {
            "version": version,
            "access_token": self._seal(key, connection_id, "access", version, token.access_token),
            "refresh_token": None
            if token.refresh_token is None
            else self._seal(key, connection_id, "refresh", version, token.refresh_token),
            "scopes": list(token.scopes),
            "expires_at": token.expires_at,
            "refresh_expires_at": token.refresh_expires_at,
            "refresh_started_at": None,
            "updated_at": func.now(),
        }
        statement = (
            insert(credentials)
            .values(tenant_id=self._uow.scope.tenant_id, connection_id=connection_id, **values)
            .on_conflict_do_update(
                index_elements=["tenant_id", "connection_id"], set_=values, where=credentials.c.version == seen
            )
            .returning(credentials.c.version)
        )
        if (await self._uow.connection.execute(statement)).scalar_one_or_none() is None:
            raise ConflictError("The token was changed by somebody else.")

    async def replace(self, connection_id: UUID, token: TokenSet) -> None:
        """Store the token of a fresh consent, whatever was there."""
        stored = await self.load(connection_id, lock=True)
        await self.save(connection_id, token, seen=0 if stored is None else stored.version)

    async def database_now(self) -> datetime:
        """The database's time: refreshes of several processes are compared by one clock."""
        now: datetime = (await self._uow.connection.execute(select(func.now()))).scalar_one()
        return now

    async def mark_refresh(self, connection_id: UUID, at: datetime | None) -> None:
        """Note that a refresh is under way, before the platform is asked."""
        await self._uow.connection.execute(
            update(credentials)
            .where(credentials.c.tenant_id == self._uow.scope.tenant_id, credentials.c.connection_id == connection_id)
            .values(refresh_started_at=at)
        )

    async def pseudonym_key(self) -> bytes:
        """The key that makes this brand's customers pseudonymous."""
        return self._vault.pseudonym_key(await self.key(), self._tenant)

    def _place(self, connection_id: UUID, kind: str, version: int) -> str:
        return f"{connection_id}|{kind}|{version}"

    def _seal(self, key: WrappedKey, connection_id: UUID, kind: str, version: int, text: str) -> bytes:
        return self._vault.seal(key, self._tenant, self._place(connection_id, kind, version), text)

    def _open(self, key: WrappedKey, connection_id: UUID, kind: str, version: int, sealed: bytes) -> Secret:
        return self._vault.open(key, self._tenant, self._place(connection_id, kind, version), bytes(sealed))
