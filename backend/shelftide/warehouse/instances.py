"""DuckDB instances: one a tenant, opened when needed, closed to the world outside its own folder, at most a few open.

An instance that had two lakes attached, or a login for all, would let SQL reach the neighbour.
"""

import asyncio
import contextlib
import importlib.util
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import duckdb
import msgspec

from shelftide.core.errors import SetupError
from shelftide.warehouse.lakes import CatalogAddress, LakeLogin
from shelftide.warehouse.sql import column_definitions, quote
from shelftide.warehouse.tables import METADATA

LAKE = "lake"
# A lock a lake: advisory locks are of the whole catalog database, one key for all would queue every tenant behind the
# others. The login is the lake's own; seed 1 keeps clear of the lock of `Lakes.opening`.
_LOCK = (
    f"call postgres_execute('__ducklake_metadata_{LAKE}',"
    " 'select pg_advisory_xact_lock(hashtextextended(current_user, 1))')"
)
_EXTENSIONS = ("postgres_scanner", "ducklake")
T = TypeVar("T")


class InstanceSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of one DuckDB instance."""

    threads: int = 2
    memory_limit: str = "256MB"


def extension_path(name: str) -> Path:
    """The file of a DuckDB extension inside its wheel; no network. Raises SetupError when the wheel is missing."""
    package = f"duckdb_extension_{name}"
    spec = importlib.util.find_spec(package)
    folder = Path(spec.origin).parent if spec and spec.origin else None
    path = folder / "extensions" / f"v{duckdb.__version__}" / f"{name}.duckdb_extension" if folder else None
    if path is None or not path.exists():
        raise SetupError(
            f"The DuckDB extension {name} for version {duckdb.__version__} is missing.",
            hint=f"Install the package {package.replace('_', '-')} in the version of duckdb.",
        )
    return path


def open_empty(settings: InstanceSettings) -> duckdb.DuckDBPyConnection:
    """The tables without a row and without a lake: what a tenant sees before its first write."""
    connection = duckdb.connect(":memory:", config=_config(settings, None))
    for table in METADATA.sorted_tables:
        connection.execute(f"create table {quote(table.name)} ({', '.join(column_definitions(table))})")
    _lock(connection)
    return connection


def open_lake(
    login: LakeLogin, address: CatalogAddress, folder: Path, settings: InstanceSettings
) -> duckdb.DuckDBPyConnection:
    """Attach a tenant's lake, bring its tables up to date, and close the instance to everything else."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    connection = duckdb.connect(":memory:", config=_config(settings, folder / ".spill"))
    try:
        for name in _EXTENSIONS:
            connection.execute(f"load {_literal(str(extension_path(name)))}")
        _attach(connection, login, address, folder)
        migrate(connection)
        connection.execute(f"set allowed_directories = [{_literal(str(folder) + '/')}]")
        _lock(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _config(settings: InstanceSettings, spill: Path | None) -> dict[str, str | bool | int | float | list[str]]:
    return {
        "threads": settings.threads,
        "memory_limit": settings.memory_limit,
        "temp_directory": str(spill) if spill else "",
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_persistent_secrets": False,
        "allow_community_extensions": False,
        "python_enable_replacements": False,
        "preserve_insertion_order": False,
        "default_null_order": "postgres",
        "integer_division": True,
    }


def _lock(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("set global timezone = 'UTC'")
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")


def _attach(connection: duckdb.DuckDBPyConnection, login: LakeLogin, address: CatalogAddress, folder: Path) -> None:
    # A secret, dropped again: a password in the ATTACH text could be read back from duckdb_databases().
    connection.execute(
        f"create secret catalog (type postgres, host {_literal(address.host)}, port {address.port},"
        f" user {_literal(login.name)}, password {_literal(login.password)}, database {_literal(address.database)})"
    )
    connection.execute(
        f"attach 'ducklake:postgres:' as {LAKE} (meta_secret 'catalog', metadata_schema {_literal(login.name)},"
        f" data_path {_literal(str(folder) + '/')}, override_data_path true, data_inlining_row_limit 0)"
    )
    connection.execute(f"use {LAKE}")
    connection.execute("drop secret catalog")


def migrate(connection: duckdb.DuckDBPyConnection) -> None:
    """Add the tables and columns that record types gained, and let be empty what may be.

    In one transaction, one writer at a time.
    """
    if not _missing(connection):
        return
    with transaction(connection):
        for statement in _missing(connection):
            connection.execute(statement)


@contextlib.contextmanager
def transaction(cursor: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """One writer at a time, over all processes, from before the first look at the lake until after the commit.

    The lock is asked for while the lake is not the default catalog: else DuckDB looks for the function in the lake
    first, which fixes the snapshot before the lock is granted, and two writers double rows.
    """
    cursor.execute("use memory")
    cursor.execute("begin")
    try:
        cursor.execute(_LOCK)
        cursor.execute(f"use {LAKE}")
        yield
        cursor.execute("commit")
    except BaseException:
        with contextlib.suppress(duckdb.Error):
            cursor.execute("rollback")
        raise


def _missing(connection: duckdb.DuckDBPyConnection) -> list[str]:
    query = "select table_name, column_name, is_nullable from information_schema.columns where table_catalog = $1"
    present = {(table, name): word == "YES" for table, name, word in connection.execute(query, [LAKE]).fetchall()}
    tables = {table for table, _ in present}
    statements = []
    for table in METADATA.sorted_tables:
        definitions = column_definitions(table)
        if table.name not in tables:
            statements.append(f"create table if not exists {quote(table.name)} ({', '.join(definitions)})")
            continue
        for column, definition in zip(table.columns, definitions, strict=True):
            if (table.name, column.name) not in present:
                statements.append(f"alter table {quote(table.name)} add column if not exists {definition}")
            elif column.nullable and not present[table.name, column.name]:
                statements.append(f"alter table {quote(table.name)} alter column {quote(column.name)} drop not null")
    return statements


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


class Instance(msgspec.Struct):
    """An open instance, how many threads work in it now, and the lock of its one writer."""

    connection: duckdb.DuckDBPyConnection
    writing: asyncio.Lock
    left: asyncio.Event
    users: int = 0

    def enter(self) -> None:
        """One more works in it."""
        self.users += 1
        self.left.clear()

    def leave(self) -> None:
        """One less; the last one lets a closer in."""
        self.users -= 1
        if not self.users:
            self.left.set()


class Instances:
    """The open instances, least recently used first out. Work runs in threads; a cancelled caller never frees an
    instance that a thread still uses."""

    def __init__(self, opener: Callable[[UUID], Awaitable[duckdb.DuckDBPyConnection]], limit: int = 8) -> None:
        self._opener = opener
        self._limit = limit
        self._open: OrderedDict[UUID, Instance] = OrderedDict()
        self._opening = asyncio.Lock()
        self._running: set[asyncio.Future[Any]] = set()

    def __contains__(self, tenant_id: UUID) -> bool:
        return tenant_id in self._open

    def __len__(self) -> int:
        return len(self._open)

    async def read(self, tenant_id: UUID, work: Callable[[duckdb.DuckDBPyConnection], T]) -> T:
        """Run `work` with a cursor of its own, beside others."""
        instance = await self._take(tenant_id)
        return await self._run(instance, work, None)

    async def write(self, tenant_id: UUID, work: Callable[[duckdb.DuckDBPyConnection], T]) -> T:
        """Run `work` as the only writer of this process."""
        instance = await self._take(tenant_id)
        try:
            await instance.writing.acquire()
        except BaseException:
            instance.leave()
            raise
        return await self._run(instance, work, instance.writing)

    async def _take(self, tenant_id: UUID) -> Instance:
        async with self._opening:
            if tenant_id not in self._open:
                await self._make_room()
                self._open[tenant_id] = Instance(await self._opener(tenant_id), asyncio.Lock(), asyncio.Event())
            self._open.move_to_end(tenant_id)
            instance = self._open[tenant_id]
            instance.enter()
            return instance

    async def _make_room(self) -> None:
        idle = [tenant_id for tenant_id, instance in self._open.items() if not instance.users]
        for tenant_id in idle[: max(0, len(self._open) - self._limit + 1)]:
            await asyncio.to_thread(self._open.pop(tenant_id).connection.close)

    async def _run(
        self, instance: Instance, work: Callable[[duckdb.DuckDBPyConnection], T], lock: asyncio.Lock | None
    ) -> T:
        future = asyncio.ensure_future(asyncio.to_thread(_with_cursor, instance.connection, work))

        def done(finished: asyncio.Future[T]) -> None:
            instance.leave()
            self._running.discard(finished)
            if lock is not None:
                lock.release()
            if not finished.cancelled():
                finished.exception()  # seen, even if the caller has gone

        self._running.add(future)
        future.add_done_callback(done)
        return await asyncio.shield(future)

    async def drop(self, tenant_id: UUID) -> None:
        """Close one tenant's instance after its work is done."""
        async with self._opening:
            instance = self._open.get(tenant_id)
            if instance is None:
                return
            while instance.users:
                await instance.left.wait()
            self._open.pop(tenant_id)
            await asyncio.to_thread(instance.connection.close)

    async def close(self) -> None:
        """Wait for running work, then close all."""
        while self._running:
            await asyncio.wait(self._running)
        for tenant_id in list(self._open):
            await self.drop(tenant_id)


def _with_cursor(connection: duckdb.DuckDBPyConnection, work: Callable[[duckdb.DuckDBPyConnection], T]) -> T:
    cursor = connection.cursor()
    try:
        cursor.execute(f"use {LAKE}")
        return work(cursor)
    finally:
        cursor.close()
