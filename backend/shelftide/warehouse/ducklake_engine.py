"""The default engine: DuckDB over one DuckLake a tenant."""

import asyncio
import contextlib
import shutil
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import duckdb
import pyarrow as pa
from sqlalchemy import Column, Table

from shelftide.core.log import get_logger
from shelftide.warehouse import questions
from shelftide.warehouse.delta import Delta, deltas_of
from shelftide.warehouse.instances import LAKE, Instances, InstanceSettings, open_empty, open_lake, transaction
from shelftide.warehouse.lakes import Lakes
from shelftide.warehouse.merge import Merge, Verdict, change_of, merge_of
from shelftide.warehouse.sql import DUCKLAKE, Query, Statement, compile_query, quote, shape, type_name
from shelftide.warehouse.tables import METADATA, customer_fields, table_of
from shelftide.warehouse.warehouse import Batch, Change, Stamp, TableChange

T = TypeVar("T")
log = get_logger("warehouse")
_KEEP_DAYS = 7
_SMALL_FILE = 8 * 2**20
# Every so many writes the files of a table are joined where there are more than so many: a write looks into each of
# them, and the thousandth of a day took eight times as long as the first.
_WRITES, _FILES = 25, 50


class DuckLakeWarehouses:
    """Makes the tenants' warehouses under `data`, a folder that only we write."""

    def __init__(self, lakes: Lakes, data: Path, *, limit: int = 8, settings: InstanceSettings | None = None) -> None:
        self.lakes = lakes
        self.data = data.resolve()
        self.settings = settings or InstanceSettings()
        self.instances = Instances(self._open, limit)
        self._empty: duckdb.DuckDBPyConnection | None = None
        self._writes: Counter[UUID] = Counter()

    def of(self, tenant_id: UUID) -> "DuckLakeWarehouse":
        """The warehouse of a tenant."""
        return DuckLakeWarehouse(self, tenant_id)

    def is_due(self, tenant_id: UUID) -> bool:
        """Count a write; whether it is time to look at the tenant's files again."""
        self._writes[tenant_id] += 1
        return self._writes[tenant_id] % _WRITES == 0

    def folder(self, tenant_id: UUID) -> Path:
        """Where a tenant's files are."""
        return self.data / str(tenant_id)

    async def close(self) -> None:
        """Wait for running work and close all instances."""
        await self.instances.close()
        if self._empty is not None:
            self._empty.close()
            self._empty = None

    async def _open(self, tenant_id: UUID) -> duckdb.DuckDBPyConnection:
        async with self.lakes.opening(tenant_id) as login:
            return await asyncio.to_thread(open_lake, login, self.lakes.address, self.folder(tenant_id), self.settings)

    def empty(self) -> duckdb.DuckDBPyConnection:
        """A cursor on tables without rows, for tenants that have no lake yet."""
        if self._empty is None:
            self._empty = open_empty(self.settings)
        return self._empty.cursor()


class DuckLakeWarehouse:
    """One tenant's lake."""

    def __init__(self, warehouses: DuckLakeWarehouses, tenant_id: UUID) -> None:
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
        change = await self._all.instances.write(self._tenant_id, lambda cursor: _write(cursor, wanted, stamp))
        if self._all.is_due(self._tenant_id):
            await self._all.instances.write(self._tenant_id, _tidy)
        return change

    async def query(self, statement: Statement, as_of: datetime | None = None) -> pa.Table:
        """See `Warehouse.query`."""
        query = compile_query(statement, DUCKLAKE, as_of)
        return await self._read(lambda cursor: _ask(cursor, query))

    async def counts(self) -> dict[str, int]:
        """See `Warehouse.counts`."""
        return questions.counts_from(await self.query(questions.counts()))

    async def fingerprint(self, table: Table) -> str:
        """See `Warehouse.fingerprint`."""
        return questions.fingerprint_from(await self.query(questions.fingerprint(table)))

    async def exists(self) -> bool:
        """See `Warehouse.exists`."""
        return self._tenant_id in self._all.instances or await self._all.lakes.find(self._tenant_id) is not None

    async def erase(self) -> None:
        """See `Warehouse.erase`."""
        await self._all.instances.drop(self._tenant_id)
        await self._all.lakes.drop(self._tenant_id)
        folder = self._all.folder(self._tenant_id)
        if folder.exists():
            await asyncio.to_thread(shutil.rmtree, folder)

    async def erase_connection(self, connection_id: UUID) -> None:
        """See `Warehouse.erase_connection`. Rewrites the files and drops the snapshots that still held the rows."""
        if await self.exists():
            await self._all.instances.write(self._tenant_id, lambda cursor: _erase_connection(cursor, connection_id))

    async def erase_customer(self, key: str) -> int:
        """See `Warehouse.erase_customer`. Rewrites the files and drops the snapshots that still held the key."""
        if not await self.exists():
            return 0
        return await self._all.instances.write(self._tenant_id, lambda cursor: _erase_customer(cursor, key))

    async def maintain(self) -> None:
        """See `Warehouse.maintain`."""
        if await self.exists():
            await self._all.instances.write(self._tenant_id, _maintain)

    async def _read(self, work: Callable[[duckdb.DuckDBPyConnection], T]) -> T:
        if await self.exists():
            return await self._all.instances.read(self._tenant_id, work)
        return await asyncio.to_thread(_closing, self._all.empty(), work)


def _closing(cursor: duckdb.DuckDBPyConnection, work: Callable[[duckdb.DuckDBPyConnection], T]) -> T:
    with contextlib.closing(cursor):
        return work(cursor)


def _ask(cursor: duckdb.DuckDBPyConnection, query: Query) -> pa.Table:
    return shape(cursor.execute(query.text, list(query.values)).to_arrow_table(), query)


def _write(cursor: duckdb.DuckDBPyConnection, deltas: list[Delta], stamp: Stamp) -> Change:
    tables: dict[str, TableChange] = {}
    days: set[tuple[str, date]] = set()
    with transaction(cursor):
        for delta in deltas:
            table = table_of(delta.record)
            tables[table.name], touched = _merge(cursor, table, delta, stamp)
            days |= {(table.name, day) for day in touched}
    return Change(tables=tables, days=frozenset(days))


def _merge(
    cursor: duckdb.DuckDBPyConnection, table: Table, delta: Delta, stamp: Stamp
) -> tuple[TableChange, set[date]]:
    merge = merge_of(table, DUCKLAKE)
    scope = [stamp.tenant_id, stamp.connection_id, stamp.moment]
    cursor.register("delta", delta.rows)
    cursor.register("gone", delta.gone)
    cursor.execute(merge.make_seen)
    try:
        met, days = _meet(cursor, merge, delta, scope)
        rows = delta.rows.num_rows
        if met.get(Verdict.SAME, 0) + met.get(Verdict.STALE, 0) < rows or met.keys() - {Verdict.SAME, Verdict.STALE}:
            _store(cursor, table, merge, met, [*scope, stamp.platform, stamp.fetched_at])
            if merge.has_day:
                days |= questions.plain_days(delta, met) or {r[0] for r in cursor.execute(merge.new_days).fetchall()}
    finally:
        with contextlib.suppress(duckdb.Error):  # after a failed statement the transaction ends these itself
            cursor.execute("drop table if exists temp.seen")
            cursor.unregister("delta")
            cursor.unregister("gone")
    return change_of(met, rows, delta.repeated), days


def _meet(
    cursor: duckdb.DuckDBPyConnection, merge: Merge, delta: Delta, scope: list[Any]
) -> tuple[dict[Verdict, int], set[date]]:
    """Compare with what is stored: counts by verdict, and the days of rows that will go."""
    if delta.rows.num_rows:
        cursor.execute(merge.match, scope)
        if _one(cursor, merge.late_exists, scope):
            cursor.execute(merge.late, scope)
    if delta.gone.num_rows:
        cursor.execute(merge.match_gone, scope)
    return questions.verdicts(cursor.execute(merge.summary).fetchall())


def _one(cursor: duckdb.DuckDBPyConnection, text: str, values: list[Any]) -> Any:
    row = cursor.execute(text, values).fetchone()
    return row[0] if row else None


def _store(
    cursor: duckdb.DuckDBPyConnection, table: Table, merge: Merge, met: dict[Verdict, int], values: list[Any]
) -> None:
    # Closed copies and new rows go into one INSERT: one file instead of two, and both threads are busy.
    insert = merge.insert_all if questions.plain(met) else merge.insert
    if met.keys() & {Verdict.CLOSED, Verdict.REMOVED}:
        insert += " union all " + _closed_copies(table)
    cursor.execute(insert, values)
    if met.keys() & {Verdict.CLOSED, Verdict.REMOVED, Verdict.REPLACED, Verdict.DROPPED}:
        cursor.execute(
            f"delete from {quote(table.name)} where rowid in"
            " (select address from temp.seen where verdict between 2 and 5)"
        )


def _closed_copies(table: Table) -> str:
    columns = ", ".join(
        "cast($3 as timestamptz)" if column.name == "superseded_at" else f"t.{quote(column.name)}"
        for column in table.columns
    )
    return (
        f"select {columns} from {quote(table.name)} t join temp.seen s on t.rowid = s.address where s.verdict in (3, 4)"
    )


def _erase_customer(cursor: duckdb.DuckDBPyConnection, key: str) -> int:
    erased = 0
    with transaction(cursor):
        for table in METADATA.sorted_tables:
            if fields := customer_fields(table):
                empty = ", ".join(f"{quote(field)} = null" for field in fields)
                erased += _one(cursor, f"update {quote(table.name)} set {empty} where {quote(fields[0])} = $1", [key])
    if erased:
        _compact(cursor, "now()", delete_threshold=0.0)
    return erased


def _erase_connection(cursor: duckdb.DuckDBPyConnection, connection_id: UUID) -> None:
    with transaction(cursor):
        for table in METADATA.sorted_tables:
            cursor.execute(f"delete from {quote(table.name)} where connection_id = $1", [connection_id])
    _compact(cursor, "now()", delete_threshold=0.0)


# What stands in a column that must not be empty.
_ZEROES = {"uuid": "00000000-0000-0000-0000-000000000000", "boolean": "false", "text": "", "date": "1970-01-01"}
_EPOCH = "1970-01-01 00:00:00+00"


def _give_statistics(cursor: duckdb.DuckDBPyConnection) -> None:
    """Write a row into each table that never had one, and take it out again.

    DuckLake asks the catalog for a table's statistics again for every column that a query names, until the first row
    gives it some (1.7 ms each; docs/bench.md, Serving). The row was superseded when it was observed, so nobody sees it,
    whatever the moment he asks about.
    """
    text = "select table_name from ducklake_table join ducklake_table_stats using (table_id) where end_snapshot is null"
    found = cursor.execute(f"select * from postgres_query('__ducklake_metadata_{LAKE}', $1)", [text]).fetchall()
    bare = [table for table in METADATA.sorted_tables if (table.name,) not in found]
    for change in (_unseen_row, _no_row) if bare else ():
        with transaction(cursor):
            for table in bare:
                cursor.execute(change(table))


def _unseen_row(table: Table) -> str:
    values = ", ".join(_zero(column) for column in table.columns)
    return f"insert into {quote(table.name)} values ({values})"


def _zero(column: Column[Any]) -> str:
    if column.name == "superseded_at":
        return f"'{_EPOCH}'"
    if column.nullable:
        return "null"
    name = type_name(column.type).lower()
    return f"cast('{_EPOCH if name.startswith('timestamp') else _ZEROES.get(name, '0')}' as {name})"


def _no_row(table: Table) -> str:
    return f"delete from {quote(table.name)} where superseded_at = '{_EPOCH}'"


def _tidy(cursor: duckdb.DuckDBPyConnection) -> None:
    """Join the files of tables that have many. What was written is safe already, and its days must reach the roll-up:
    whatever goes wrong here, as a clash with another process's write, leaves the files to the next time."""
    try:
        for table in _scattered(cursor, f"file_count > {_FILES}"):
            cursor.execute(f"call ducklake_rewrite_data_files('{LAKE}', '{table}', delete_threshold => 0.0)")
            cursor.execute(f"call ducklake_merge_adjacent_files('{LAKE}', '{table}')")
    except duckdb.Error as error:
        log.warning("files_not_joined", error=str(error))


def _scattered(cursor: duckdb.DuckDBPyConnection, condition: str) -> list[str]:
    """Tables whose files are small, by a condition on `ducklake_table_info`."""
    told = f"select table_name from ducklake_table_info('{LAKE}') where {condition}"
    found = cursor.execute(f"{told} and file_size_bytes < file_count * {_SMALL_FILE}").fetchall()
    return [table for (table,) in found]


def _maintain(cursor: duckdb.DuckDBPyConnection) -> None:
    _give_statistics(cursor)
    # Files that lost rows are never joined, and after a day of small syncs nearly every one has lost a few.
    for table in _scattered(cursor, "delete_file_count > 0 and file_count > 1"):
        cursor.execute(f"call ducklake_rewrite_data_files('{LAKE}', '{table}', delete_threshold => 0.0)")
    _compact(cursor, f"now() - interval '{_KEEP_DAYS} days'", delete_threshold=0.3)


def _compact(cursor: duckdb.DuckDBPyConnection, older_than: str, *, delete_threshold: float) -> None:
    """Rewrite files with deleted rows, join small ones, drop old snapshots and the files that only they needed."""
    cursor.execute(f"call ducklake_rewrite_data_files('{LAKE}', delete_threshold => {delete_threshold})")
    cursor.execute(f"call ducklake_merge_adjacent_files('{LAKE}')")
    cursor.execute(f"call ducklake_expire_snapshots('{LAKE}', older_than => {older_than})")
    cursor.execute(f"call ducklake_cleanup_old_files('{LAKE}', older_than => {older_than})")
    # A day's grace: a file younger than that may belong to a transaction that is still open.
    cursor.execute(f"call ducklake_delete_orphaned_files('{LAKE}', older_than => now() - interval '1 day')")
