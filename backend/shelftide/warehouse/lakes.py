"""Logins and schemas of the lakes' catalogs: one Postgres login a tenant, which owns its schema and sees no other.

The role `lakekeeper` makes them. It has CREATEROLE, so it administers only the roles that it made (Postgres 16 and
later), and it may do nothing in the main database.
"""

import hashlib
import hmac
import secrets
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol
from uuid import UUID

import asyncpg
import msgspec
from sqlalchemy.engine import make_url

_SCRAM_ROUNDS = 4096


class LakeLogin(msgspec.Struct, frozen=True):
    """A tenant's own login to the catalog database; its schema has the same name."""

    name: str
    password: str

    def __repr__(self) -> str:
        return f"LakeLogin({self.name!r}, ***)"


class LakeSecrets(Protocol):
    """Where the logins' passwords are kept, encrypted."""

    async def get(self, tenant_id: UUID) -> LakeLogin | None:
        """The tenant's login, or None."""
        ...

    async def put(self, tenant_id: UUID, login: LakeLogin) -> None:
        """Keep a login. Safe once this returns."""
        ...

    async def forget(self, tenant_id: UUID) -> None:
        """Remove a login; harmless when there is none."""
        ...


class CatalogAddress(msgspec.Struct, frozen=True):
    """Where the catalog database is."""

    host: str
    port: int
    database: str


def lake_name(tenant_id: UUID) -> str:
    """Name of a tenant's login and schema."""
    return f"lake_{tenant_id.hex}"


class Lakes:
    """Makes and removes lakes. `dsn` is lakekeeper's, in the catalog database."""

    def __init__(self, dsn: str, passwords: LakeSecrets) -> None:
        self._dsn = dsn
        self._passwords = passwords

    @property
    def address(self) -> CatalogAddress:
        """Where tenants connect."""
        url = make_url(self._dsn)
        host = url.host or url.query.get("host") or "localhost"
        return CatalogAddress(str(host), url.port or 5432, url.database or "lakes")

    async def find(self, tenant_id: UUID) -> LakeLogin | None:
        """The login of a lake that exists, else None."""
        connection = await self._connect()
        try:
            if not await _schema_exists(connection, tenant_id):
                return None
            return await self._passwords.get(tenant_id)
        finally:
            await connection.close()

    async def ensure(self, tenant_id: UUID) -> LakeLogin:
        """The login of a tenant's lake; login and schema are made in one transaction at the first call.

        The password is kept first: after a crash in between, the next call gives the login the password that was kept.
        """
        name = lake_name(tenant_id)
        connection = await self._connect()
        try:
            async with connection.transaction():
                await connection.execute("select pg_advisory_xact_lock(hashtextextended($1, 0))", name)
                login = await self._passwords.get(tenant_id)
                if login is not None and await _schema_exists(connection, tenant_id):
                    return login
                if login is None:
                    login = LakeLogin(name, secrets.token_hex(24))
                    await self._passwords.put(tenant_id, login)
                await _make(connection, login, self.address.database)
                return login
        finally:
            await connection.close()

    @asynccontextmanager
    async def opening(self, tenant_id: UUID) -> AsyncIterator[LakeLogin]:
        """The login, while nobody else opens this lake: two first attaches at once would both make its catalog."""
        login = await self.ensure(tenant_id)
        connection = await self._connect()
        try:
            async with connection.transaction():
                await connection.execute("select pg_advisory_xact_lock(hashtextextended($1, 0))", login.name)
                yield login
        finally:
            await connection.close()

    async def drop(self, tenant_id: UUID) -> None:
        """Remove schema, login and password. Harmless when there is nothing."""
        name = lake_name(tenant_id)
        connection = await self._connect()
        try:
            async with connection.transaction():
                await connection.execute("select pg_advisory_xact_lock(hashtextextended($1, 0))", name)
                await connection.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity where usename = $1", name
                )
                await connection.execute(f'drop schema if exists "{name}" cascade')
                if await _role_exists(connection, name):
                    await connection.execute(f'revoke all on database "{self.address.database}" from "{name}"')
                    await connection.execute(f'drop role "{name}"')
        finally:
            await connection.close()
        await self._passwords.forget(tenant_id)

    async def _connect(self) -> asyncpg.Connection:
        return await asyncpg.connect(self._dsn, statement_cache_size=0)


async def _make(connection: asyncpg.Connection, login: LakeLogin, database: str) -> None:
    """Names are `lake_` and hex digits, the verifier is base64: DDL takes no parameters."""
    verb = "alter" if await _role_exists(connection, login.name) else "create"
    verifier = scram_verifier(login.password)
    await connection.execute(f"{verb} role \"{login.name}\" login password '{verifier}'")
    # CREATEROLE gives its maker the right to grant the role, not to act as it; without that no schema can be its own.
    await connection.execute(f'grant "{login.name}" to current_user with inherit true, set true')
    await connection.execute(f'grant connect on database "{database}" to "{login.name}"')
    await connection.execute(f'create schema if not exists "{login.name}" authorization "{login.name}"')


async def _schema_exists(connection: asyncpg.Connection, tenant_id: UUID) -> bool:
    query = "select exists (select from pg_namespace where nspname = $1)"
    return bool(await connection.fetchval(query, lake_name(tenant_id)))


async def _role_exists(connection: asyncpg.Connection, name: str) -> bool:
    return bool(await connection.fetchval("select exists (select from pg_roles where rolname = $1)", name))


def scram_verifier(password: str) -> str:
    """What the server keeps for SCRAM-SHA-256 (RFC 5803), so that its log never sees the password."""
    salt = secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, _SCRAM_ROUNDS)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    stored_key = hashlib.sha256(client_key).digest()
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    parts = (b64encode(part).decode() for part in (salt, stored_key, server_key))
    return "SCRAM-SHA-256${}:{}${}:{}".format(_SCRAM_ROUNDS, *parts)
