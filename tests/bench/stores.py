"""Where the limit lands its rows: a DuckLake with its catalog in Postgres, or Postgres under row-level security."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import duckdb
import pyarrow as pa
from sqlalchemy.engine import make_url
from tests.bench.columns import COLUMNS, MONEY, TIME, Column, key_of, rows_of
from tests.bench.wire import Order

from shelftide.warehouse.instances import InstanceSettings, extension_path

_TENANT, _CONNECTION = UUID(int=1), UUID(int=2)
_KINDS = {"INTEGER": pa.int32(), "BOOLEAN": pa.bool_()}


class LakeStore:
    """A DuckLake as the product's: catalog in a Postgres schema, Parquet beside it, the same memory and threads.

    Arrow tables, DELETE … IN and INSERT by key, one transaction for everything.
    """

    def __init__(self, task: dict[str, Any]) -> None:
        limits = InstanceSettings()
        folder = Path(task["folder"]) / "limit"
        folder.mkdir(exist_ok=True)
        self._db = duckdb.connect(config={"threads": limits.threads, "memory_limit": limits.memory_limit})
        for name in ("postgres_scanner", "ducklake"):
            self._db.execute(f"load '{extension_path(name)}'")
        url = make_url(task["lakes_dsn"])
        catalog = f"host={url.query['host']} dbname={url.database} user={url.username} password={url.password}"
        self._db.execute(
            f"attach 'ducklake:postgres:{catalog}' as lake"
            f" (metadata_schema 'bench_limit', data_path '{folder}/', data_inlining_row_limit 0)"
        )
        self._db.execute("use lake")
        for table, columns in COLUMNS.items():
            self._db.execute(f"create table if not exists {table} ({', '.join(f'{n} {t}' for n, t, _ in columns)})")

    async def begin(self) -> None:
        """Open the transaction."""
        self._db.execute("begin")

    async def write(self, orders: Sequence[Order]) -> None:
        """Upsert a batch, in a thread."""
        await asyncio.to_thread(self._upsert, orders)

    def _upsert(self, orders: Sequence[Order]) -> None:
        for table, rows in rows_of(orders).items():
            columns = COLUMNS[table]
            data = {n: pa.array([read(row) for row in rows], _KINDS.get(t, pa.string())) for n, t, read in columns}
            self._db.register("delta", pa.table(data))
            key = ", ".join(key_of(table))
            self._db.execute(f"delete from {table} where ({key}) in (select ({key}) from delta)")
            self._db.execute(f"insert into {table} select {', '.join(f'{n}::{t}' for n, t, _ in columns)} from delta")
            self._db.unregister("delta")

    async def commit(self) -> None:
        """Close the transaction."""
        await asyncio.to_thread(self._db.execute, "commit")

    async def query(self, text: str) -> Any:
        """One value."""
        row = self._db.execute(text).fetchone()
        return row[0] if row else None

    async def close(self) -> None:
        """Close the instance."""
        self._db.close()


class PostgresStore:
    """Tables under forced row-level security with the key that ours have; no versions, no further index.

    COPY into a temporary table (COPY itself is refused under row-level security), then INSERT … ON CONFLICT, one
    transaction for everything.
    """

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection
        self._transaction: Any = None

    @classmethod
    async def open(cls, task: dict[str, Any]) -> "PostgresStore":
        """Make the tables as their owner, then connect as the role that policies bind."""
        owner = await asyncpg.connect(task["owner_dsn"])
        await owner.execute(
            "drop schema if exists bench_limit cascade; create schema bench_limit;"
            " grant usage on schema bench_limit to app"
        )
        for statement in _definitions():
            await owner.execute(statement)
        await owner.close()
        connection = await asyncpg.connect(task["app_dsn"])
        await connection.execute("set search_path = bench_limit")
        for table, columns in COLUMNS.items():
            await connection.execute(f"create temp table new_{table} ({', '.join(f'{n} {t}' for n, t, _ in columns)})")
        return cls(connection)

    async def begin(self) -> None:
        """Open the transaction and say for whom."""
        self._transaction = self._connection.transaction()
        await self._transaction.start()
        await self._connection.execute("select set_config('app.tenant', $1, true)", str(_TENANT))

    async def write(self, orders: Sequence[Order]) -> None:
        """Upsert a batch."""
        for table, rows in rows_of(orders).items():
            columns = COLUMNS[table]
            records = await asyncio.to_thread(_records, columns, rows)
            names = [n for n, _, _ in columns]
            await self._connection.copy_records_to_table(f"new_{table}", records=records, columns=names)
            key = key_of(table)
            changes = ", ".join(f"{n} = excluded.{n}" for n in names if n not in key)
            listed = ", ".join(names)
            await self._connection.execute(
                f"insert into {table} (tenant_id, connection_id, {listed})"
                f" select '{_TENANT}', '{_CONNECTION}', {listed} from new_{table}"
                f" on conflict (tenant_id, connection_id, {', '.join(key)}) do update set {changes};"
                f" truncate new_{table}"
            )

    async def commit(self) -> None:
        """Close the transaction."""
        await self._transaction.commit()

    async def query(self, text: str) -> Any:
        """One value."""
        async with self._connection.transaction():
            await self._connection.execute("select set_config('app.tenant', $1, true)", str(_TENANT))
            return await self._connection.fetchval(text)

    async def close(self) -> None:
        """Close the connection."""
        await self._connection.close()


def _definitions() -> list[str]:
    own = "tenant_id = nullif(current_setting('app.tenant', true), '')::uuid"
    found = []
    for table, columns in COLUMNS.items():
        name, definitions = f"bench_limit.{table}", ", ".join(f"{n} {t}" for n, t, _ in columns)
        key = ", ".join(["tenant_id", "connection_id", *key_of(table)])
        found += [
            f"create table {name} (tenant_id uuid, connection_id uuid, {definitions}, primary key ({key}))",
            f"alter table {name} enable row level security",
            f"alter table {name} force row level security",
            f"create policy own on {name} to app using ({own}) with check ({own})",
            f"grant select, insert, update, delete on {name} to app",
        ]
    return found


def _records(columns: Sequence[Column], rows: Sequence[Any]) -> list[tuple[Any, ...]]:
    convert: dict[str, Callable[[str], Any]] = {MONEY: Decimal, TIME: datetime.fromisoformat}
    data = []
    for _, kind, read in columns:
        values = [read(row) for row in rows]
        change = convert.get(kind)
        data.append([value and change(value) for value in values] if change else values)
    return list(zip(*data, strict=True))
