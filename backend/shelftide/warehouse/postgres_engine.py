"""The scale-out engine: the same tables in Postgres, row-level security as the wall."""

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg
import pyarrow as pa
from pyarrow import csv
from sqlalchemy import Table

from shelftide.warehouse import questions
from shelftide.warehouse.delta import Delta, deltas_of
from shelftide.warehouse.merge import Merge, Verdict, change_of, delta_columns, merge_of
from shelftide.warehouse.sql import POSTGRES, Statement, compile_query, from_rows, quote, table_name
from shelftide.warehouse.tables import METADATA, customer_fields, table_of
from shelftide.warehouse.warehouse import Batch, Change, Stamp, TableChange

_CSV = csv.WriteOptions(include_header=False)


class PostgresWarehouses:
    """Makes the tenants' warehouses over one pool of the role `app`."""

    def __init__(self, dsn: str, *, connections: int = 8) -> None:
        self._dsn = dsn
        self._connections = connections
        self._pool: asyncpg.Pool | None = None
        self._opening = asyncio.Lock()

    def of(self, tenant_id: UUID) -> "PostgresWarehouse":
        """The warehouse of a tenant."""
        return PostgresWarehouse(self, tenant_id)

    async def close(self) -> None:
        """Wait for running work and close the pool."""
        if self._pool is not None:
            await self._pool.close()
            self._pool = None

    @asynccontextmanager
    async def transaction(self, tenant_id: UUID, *, readonly: bool = False) -> AsyncIterator[asyncpg.Connection]:
        """A transaction that sees and changes one tenant's rows. The setting ends with it."""
        async with self._opening:
            if self._pool is None:
                # Statements name temporary tables that come and go, so none is prepared for longer than it runs.
                self._pool = await asyncpg.create_pool(
                    self._dsn, min_size=0, max_size=self._connections, statement_cache_size=0
                )
            pool = self._pool
        async with pool.acquire() as connection, connection.transaction(readonly=readonly):
            await connection.execute(
                "select set_config('app.tenant', $1, true), set_config('app.tenants', $1, true)", str(tenant_id)
            )
            yield connection


class PostgresWarehouse:
    """One tenant's rows."""

    def __init__(self, warehouses: PostgresWarehouses, tenant_id: UUID) -> None:
        self._all = warehouses
        self._tenant_id = tenant_id

    async def write(self, batch: Batch) -> Change:
        """See `Warehouse.write`."""
        questions.same_tenant(batch, self._tenant_id)
        deltas, rejects = await asyncio.to_thread(deltas_of, batch)
        change = await self.apply(deltas, batch.stamp)
        return Change(tables=change.tables, days=change.days, rejects=tuple(rejects))

    async def apply(self, deltas: list[Delta], stamp: Stamp) -> Change:
        """Write deltas in one transaction."""
        wanted = [delta for delta in deltas if delta.rows.num_rows or delta.gone.num_rows]
        if not wanted:
            return Change(tables=questions.idle(deltas), days=frozenset())
        tables: dict[str, TableChange] = {}
        days: set[tuple[str, date]] = set()
        async with self._all.transaction(self._tenant_id) as connection:
            await connection.execute("select pg_advisory_xact_lock(hashtextextended($1, 4711))", str(self._tenant_id))
            for delta in wanted:
                table = table_of(delta.record)
                tables[table.name], touched = await _merge(connection, table, delta, stamp)
                days |= {(table.name, day) for day in touched}
        return Change(tables=tables, days=frozenset(days))

    async def query(self, statement: Statement, as_of: datetime | None = None) -> pa.Table:
        """See `Warehouse.query`."""
        query = compile_query(statement, POSTGRES, as_of)
        async with self._all.transaction(self._tenant_id, readonly=True) as connection:
            rows = await connection.fetch(query.text, *query.values)
        return from_rows(rows, query)

    async def counts(self) -> dict[str, int]:
        """See `Warehouse.counts`."""
        return questions.counts_from(await self.query(questions.counts()))

    async def fingerprint(self, table: Table) -> str:
        """See `Warehouse.fingerprint`."""
        return questions.fingerprint_from(await self.query(questions.fingerprint(table)))

    async def exists(self) -> bool:
        """See `Warehouse.exists`."""
        found = " or ".join(
            f"exists (select 1 from {table_name(table, POSTGRES)} where tenant_id = $1)"
            for table in METADATA.sorted_tables
        )
        async with self._all.transaction(self._tenant_id, readonly=True) as connection:
            return bool(await connection.fetchval(f"select {found}", self._tenant_id))

    async def erase(self) -> None:
        """See `Warehouse.erase`."""
        async with self._all.transaction(self._tenant_id) as connection:
            for table in METADATA.sorted_tables:
                await connection.execute(
                    f"delete from {table_name(table, POSTGRES)} where tenant_id = $1", self._tenant_id
                )

    async def erase_connection(self, connection_id: UUID) -> None:
        """See `Warehouse.erase_connection`."""
        async with self._all.transaction(self._tenant_id) as connection:
            for table in METADATA.sorted_tables:
                await connection.execute(
                    f"delete from {table_name(table, POSTGRES)} where tenant_id = $1 and connection_id = $2",
                    self._tenant_id,
                    connection_id,
                )

    async def erase_customer(self, key: str) -> int:
        """See `Warehouse.erase_customer`."""
        erased = 0
        async with self._all.transaction(self._tenant_id) as connection:
            for table in METADATA.sorted_tables:
                if fields := customer_fields(table):
                    empty = ", ".join(f"{quote(field)} = null" for field in fields)
                    done = await connection.execute(
                        f"update {table_name(table, POSTGRES)} set {empty}"
                        f" where tenant_id = $1 and {quote(fields[0])} = $2",
                        self._tenant_id,
                        key,
                    )
                    erased += int(done.split()[-1])
        return erased

    async def maintain(self) -> None:
        """See `Warehouse.maintain`. Autovacuum does what is to be done; `app` owns no table to analyse."""


async def _merge(
    connection: asyncpg.Connection, table: Table, delta: Delta, stamp: Stamp
) -> tuple[TableChange, set[date]]:
    merge = merge_of(table, POSTGRES)
    await _copy(connection, table, delta)
    await connection.execute(merge.make_seen)
    rows = delta.rows.num_rows
    met, days = await _meet(connection, merge, delta, [stamp.tenant_id, stamp.connection_id, stamp.moment])
    await _close_versions(connection, table, met, stamp)
    if met.get(Verdict.SAME, 0) + met.get(Verdict.STALE, 0) < rows:
        insert = merge.insert_all if questions.plain(met) else merge.insert
        await connection.execute(
            insert, stamp.tenant_id, stamp.connection_id, stamp.moment, stamp.platform, stamp.fetched_at
        )
        if merge.has_day:
            days |= questions.plain_days(delta, met) or {row[0] for row in await connection.fetch(merge.new_days)}
    await connection.execute("drop table seen, delta, gone")
    return change_of(met, rows, delta.repeated), days


async def _copy(connection: asyncpg.Connection, table: Table, delta: Delta) -> None:
    """COPY is refused on a table with row-level security, so rows go through temporary ones."""
    columns = delta_columns(table)
    types = dict(columns)
    for name, rows, names in (
        ("delta", delta.rows, [column for column, _ in columns]),
        ("gone", delta.gone, list(delta.gone.column_names)),
    ):
        definitions = ", ".join(f"{quote(column)} {types[column]}" for column in names)
        await connection.execute(f"create temp table {name} ({definitions}) on commit drop")
        for batch in rows.select(names).to_batches():
            text = await asyncio.to_thread(_csv, batch)
            await connection.copy_to_table(name, source=text, columns=names, format="csv")


def _csv(batch: pa.RecordBatch) -> io.BytesIO:
    """Text is always quoted and null never, so empty text and null stay apart."""
    text = io.BytesIO()
    csv.write_csv(batch, text, _CSV)
    text.seek(0)
    return text


async def _meet(
    connection: asyncpg.Connection, merge: Merge, delta: Delta, scope: list[Any]
) -> tuple[dict[Verdict, int], set[date]]:
    """Compare with what is stored: counts by verdict, and the days of rows that will go."""
    if delta.rows.num_rows:
        await connection.execute(merge.match, *scope)
        if await connection.fetchval(merge.late_exists, *scope):
            await connection.execute(merge.late, *scope)
    if delta.gone.num_rows:
        await connection.execute(merge.match_gone, *scope)
    return questions.verdicts(await connection.fetch(merge.summary))


async def _close_versions(connection: asyncpg.Connection, table: Table, met: dict[Verdict, int], stamp: Stamp) -> None:
    name = table_name(table, POSTGRES)
    # By address, not by join: temporary tables have no statistics, and a join may read all that the tenant has.
    here = "tenant_id = $1 and ctid = any (array(select address from seen where verdict in "
    if met.keys() & {Verdict.CLOSED, Verdict.REMOVED}:
        await connection.execute(
            f"update {name} set superseded_at = $2 where {here}(3, 4)))", stamp.tenant_id, stamp.moment
        )
    if met.keys() & {Verdict.REPLACED, Verdict.DROPPED}:
        await connection.execute(f"delete from {name} where {here}(2, 5)))", stamp.tenant_id)
