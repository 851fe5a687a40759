"""A day of small syncs: does a sync cost more the more there were, and are queries as fast as after one load?

One brand gets its rows by so many small syncs, each of new rows and of restated ones of the sync before; then comes the
nightly maintenance. Another brand gets the same rows by one load. Both engines; Postgres is maintained by autovacuum.
"""

import asyncio
import shutil
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pyarrow as pa
from sqlalchemy import func, select
from tests.bench.warehouse_upsert import RECORD, Secrets, ad_days, stamp

from shelftide.store.embedded import Dsns, EmbeddedPostgres, place_for
from shelftide.warehouse.ddl import postgres_ddl
from shelftide.warehouse.delta import delta_of
from shelftide.warehouse.ducklake_engine import DuckLakeWarehouse, DuckLakeWarehouses
from shelftide.warehouse.instances import LAKE
from shelftide.warehouse.lakes import Lakes
from shelftide.warehouse.postgres_engine import PostgresWarehouse, PostgresWarehouses
from shelftide.warehouse.sql import Statement
from shelftide.warehouse.tables import table_of
from shelftide.warehouse.versions import known
from shelftide.warehouse.warehouse import Warehouse

SYNCED, LOADED = UUID(int=11), UUID(int=12)
ROWS, RESTATED = 90, 9  # of one sync: new rows, and rows of the sync before that changed
_ASKED = 15
Store = DuckLakeWarehouse | PostgresWarehouse


def _questions() -> dict[str, Statement]:
    rows = known(table_of(RECORD))
    spend = func.sum(rows.c.spend_amount).label("spend")
    return {
        "by day": select(rows.c.local_day, spend, func.sum(rows.c.clicks).label("clicks")).group_by(rows.c.local_day),
        "one campaign": select(spend).where(rows.c.campaign_id == "campaign0"),
        "all rows": select(func.count().label("rows")).select_from(rows),
    }


async def _sync(store: Store, tenant: UUID, number: int, rows: pa.Table) -> float:
    wall = time.perf_counter()
    await store.apply([delta_of(RECORD, rows)], msgspec.structs.replace(stamp(number), tenant_id=tenant))
    return time.perf_counter() - wall


def _rows_of(number: int) -> pa.Table:
    new = ad_days(number * ROWS, ROWS, 2 * number)
    return pa.concat_tables([new, ad_days((number - 1) * ROWS, RESTATED, 2 * number + 1)]) if number else new


def _final(syncs: int) -> pa.Table:
    """What is current in the end: of every sync but the last the first rows were restated by the one after it."""
    parts = []
    for number in range(syncs):
        if number + 1 < syncs:
            parts.append(ad_days(number * ROWS, RESTATED, 2 * number + 3))
            parts.append(ad_days(number * ROWS, ROWS, 2 * number).slice(RESTATED))
        else:
            parts.append(ad_days(number * ROWS, ROWS, 2 * number))
    return pa.concat_tables(parts).combine_chunks()


async def _ask(warehouse: Warehouse) -> dict[str, float]:
    """Median milliseconds of each question."""
    found = {}
    for name, statement in _questions().items():
        taken = []
        for _ in range(_ASKED):
            wall = time.perf_counter()
            await warehouse.query(statement)
            taken.append(1000 * (time.perf_counter() - wall))
        found[name] = statistics.median(taken)
    return found


async def _measure(of: Callable[[UUID], Store], syncs: int, files: Callable[[], Awaitable[int]]) -> dict[str, Any]:
    synced, loaded = of(SYNCED), of(LOADED)
    await _sync(loaded, LOADED, 0, _final(syncs))
    seconds = [await _sync(synced, SYNCED, number, _rows_of(number)) for number in range(syncs)]
    table = table_of(RECORD)
    if await synced.fingerprint(table) != await loaded.fingerprint(table):
        raise SystemExit("the syncs and the one load do not end in the same rows")
    before, files_before = await _ask(synced), await files()
    wall, cpu = time.perf_counter(), time.process_time()
    await synced.maintain()
    maintained = {"seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - cpu}
    after, once = await _ask(synced), await _ask(loaded)
    tenth = max(1, syncs // 10)
    return {
        "sync_ms": {
            "first tenth": 1000 * statistics.median(seconds[1 : 1 + tenth]),
            "last tenth": 1000 * statistics.median(seconds[-tenth:]),
        },
        "files": {"before": files_before, "after": await files()},
        "maintenance": maintained,
        "query_ms": {"before": before, "after": after, "loaded once": once},
        "after ÷ once": {name: after[name] / once[name] for name in once},
    }


async def _live_files(lakes: DuckLakeWarehouses) -> int:
    """Files that a question reads now; older snapshots keep theirs for a week."""
    told = f"select file_count + delete_file_count from ducklake_table_info('{LAKE}') where table_name = 'ad_days'"
    rows: list[tuple[int]] = await lakes.instances.read(SYNCED, lambda cursor: cursor.execute(told).fetchall())
    return rows[0][0]


async def _no_files() -> int:
    return 0


async def measure(dsns: Dsns, home: Path, syncs: int) -> dict[str, Any]:
    """Both engines on one server."""
    owner = await asyncpg.connect(dsns.owner)
    await owner.execute(postgres_ddl())
    await owner.close()
    lakes = DuckLakeWarehouses(Lakes(dsns.lakes, Secrets()), home / "lakes")
    tables = PostgresWarehouses(dsns.app)
    found: dict[str, Any] = {}
    try:
        found["ducklake"] = await _measure(lakes.of, syncs, lambda: _live_files(lakes))
        found["postgres"] = await _measure(tables.of, syncs, _no_files)
    finally:
        await lakes.close()
        await tables.close()
    return found


async def _with_server(home: Path, work: Callable[[Dsns], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
    server = EmbeddedPostgres(place_for(home, home))
    try:
        return await work(await server.start())
    finally:
        server.stop()


def run(syncs: int) -> dict[str, Any]:
    """Measure in a place of its own; the figures."""
    home = Path(tempfile.mkdtemp(prefix="shelftide-bench-"))
    home.chmod(0o755)
    try:
        found = asyncio.run(_with_server(home, lambda dsns: measure(dsns, home, syncs)))
    finally:
        shutil.rmtree(home, ignore_errors=True)
    return {"syncs": syncs, "rows": syncs * ROWS, **found}
