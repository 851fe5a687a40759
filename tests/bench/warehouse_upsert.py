"""A million restated ad-days into a lake: our write path beside a bare DELETE + INSERT into the same lake.

The lake holds a million rows; the delta has a million, half of them changed and half new. Both start from the same
Arrow columns and commit in one transaction. Ours also keeps the old versions, finds unchanged rows and names the days
touched; the bare one overwrites.
"""

import asyncio
import resource
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb
import numpy as np
import pyarrow as pa

from shelftide.store.embedded import EmbeddedPostgres, place_for
from shelftide.warehouse.arrow import MONEY, schema_of
from shelftide.warehouse.delta import delta_of
from shelftide.warehouse.ducklake_engine import DuckLakeWarehouses
from shelftide.warehouse.hashes import hash_rows
from shelftide.warehouse.lakes import LakeLogin, Lakes
from shelftide.warehouse.warehouse import Change, Stamp
from shelftide_sdk.records import RECORDS

RECORD = RECORDS["AdDay"]
TENANT, CONNECTION = UUID(int=1), UUID(int=2)
KEY = 'connection_id, level, entity_id, day, "window"'
ROUNDS = 3
SLICE = 61_440


class Secrets:
    """Logins in memory."""

    def __init__(self) -> None:
        self._logins: dict[UUID, LakeLogin] = {}

    async def get(self, tenant_id: UUID) -> LakeLogin | None:
        """The login."""
        return self._logins.get(tenant_id)

    async def put(self, tenant_id: UUID, login: LakeLogin) -> None:
        """Keep it."""
        self._logins[tenant_id] = login

    async def forget(self, tenant_id: UUID) -> None:
        """Drop it."""
        self._logins.pop(tenant_id, None)


def ad_days(first: int, count: int, seed: int) -> pa.Table:
    """Columns as `arrow.build` makes them: entities of 90 days each, figures from a seed."""
    random = np.random.default_rng(seed)
    starts = range(first, first + count, SLICE)
    return pa.Table.from_batches([_slice(np.arange(s, min(s + SLICE, first + count)), random) for s in starts])


def _slice(rows: np.ndarray[Any, Any], random: np.random.Generator) -> pa.RecordBatch:
    day = pa.array((np.datetime64("2026-01-01") + rows % 90).astype("datetime64[D]"), pa.date32())
    count = len(rows)
    columns: dict[str, pa.Array] = {
        "local_day": day,
        "level": pa.array(["ad"] * count),
        "entity_id": pa.array([f"ad{n}" for n in rows // 90]),
        "day": day,
        "window": pa.array(["7d_click"] * count),
        "zone": pa.array(["Europe/Rome"] * count),
        "account_id": pa.array(["account"] * count),
        "campaign_id": pa.array([f"campaign{n}" for n in rows // 9000]),
        "ad_group_id": pa.array([f"group{n}" for n in rows // 900]),
    }
    for name in ("impressions", "clicks", "reach", "video_views", "likes", "comments", "shares"):
        columns[name] = pa.array(random.integers(0, 100_000, count))
    for name in ("spend_amount", "conversions", "revenue_amount"):
        columns[name] = pa.array(random.integers(0, 10_000, count)).cast(pa.decimal128(38, 0)).cast(MONEY)
    for name in ("spend_currency", "revenue_currency"):
        columns[name] = pa.array(["EUR"] * count)
    schema = schema_of(RECORD)
    names = tuple(name for name in schema.names if name not in ("local_day", "row_hash"))
    for name in ("follows", "extra"):
        columns[name] = pa.nulls(count, schema.field(name).type)
    content = pa.RecordBatch.from_pydict({name: columns[name] for name in names})
    columns["row_hash"] = pa.array(hash_rows(content, names).view(np.int64))
    return pa.RecordBatch.from_pydict({name: columns[name] for name in schema.names}, schema=schema)


def stamp(hours: int) -> Stamp:
    """One observation after the other."""
    at = datetime(2026, 4, 1, tzinfo=UTC) + timedelta(hours=hours)
    return Stamp(
        tenant_id=TENANT, connection_id=CONNECTION, platform="tiktok", fetched_at=at, observed_at=at,
        pseudonym=lambda _: None,
    )  # fmt: skip


def bare(table: pa.Table, at: datetime, chunk: int | None) -> Callable[[duckdb.DuckDBPyConnection], None]:
    """DELETE … IN and INSERT by hand, in one transaction; `chunk` rows a statement, or all at once."""
    count = table.num_rows
    constants = {
        "tenant_id": pa.array([str(TENANT)] * count), "connection_id": pa.array([str(CONNECTION)] * count),
        "platform": pa.array(["tiktok"] * count), "fetched_at": pa.array([at] * count),
        "observed_at": pa.array([at] * count), "superseded_at": pa.nulls(count, pa.timestamp("us", "UTC")),
    }  # fmt: skip
    whole = table
    for name, column in constants.items():
        whole = whole.append_column(name, column)

    def run(cursor: duckdb.DuckDBPyConnection) -> None:
        cursor.execute("begin")
        for start in range(0, count, chunk or count):
            cursor.register("bare", whole.slice(start, chunk or count))
            keys = KEY.replace("connection_id", "connection_id::uuid")
            cursor.execute(f"delete from ad_days where ({KEY}) in (select ({keys}) from bare)")
            cursor.execute("insert into ad_days by name select * from bare")
        cursor.execute("commit")
        cursor.unregister("bare")

    return run


async def _timed(work: Any) -> tuple[float, float, Any]:
    wall, cpu = time.perf_counter(), time.process_time()
    answer = await work
    return time.perf_counter() - wall, time.process_time() - cpu, answer


async def measure(warehouses: DuckLakeWarehouses, rows: int) -> dict[str, Any]:
    """Median wall and CPU seconds of each way, rounds interleaved."""
    warehouse = warehouses.of(TENANT)
    base, delta = ad_days(0, rows, 1), ad_days(rows // 2, rows, 2)

    async def ours() -> Change:
        return await warehouse.apply([delta_of(RECORD, delta)], stamp(1))

    def by_hand(chunk: int | None) -> Any:
        return warehouses.instances.write(TENANT, bare(delta, stamp(1).moment, chunk))

    ways: dict[str, Callable[[], Any]] = {
        "ours": ours,
        "bare": lambda: by_hand(None),
        "bare_100k_a_statement": lambda: by_hand(100_000),
    }
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in [*ways, "ours_again"]}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            await warehouse.erase()
            await warehouse.apply([delta_of(RECORD, base)], stamp(0))
            wall, cpu, change = await _timed(way())
            taken[name].append((wall, cpu))
            if name == "ours":
                assert change.tables["ad_days"].updated == rows - rows // 2, change
                wall, cpu, change = await _timed(warehouse.apply([delta_of(RECORD, delta)], stamp(2)))
                assert change.tables["ad_days"].unchanged == rows
                taken["ours_again"].append((wall, cpu))
    return {
        name: {"wall": statistics.median(w for w, _ in runs), "cpu": statistics.median(c for _, c in runs)}
        for name, runs in taken.items()
    }


async def measure_all(home: Path, rows: int) -> dict[str, Any]:
    """With a server and a lake of their own."""
    server = EmbeddedPostgres(place_for(home, home))
    try:
        dsns = await server.start()
        warehouses = DuckLakeWarehouses(Lakes(dsns.lakes, Secrets()), home / "lakes")
        taken = await measure(warehouses, rows)
        await warehouses.close()
        return taken
    finally:
        server.stop()


def run(rows: int) -> dict[str, Any]:
    """Measure in a place of its own; the figures."""
    home = Path(tempfile.mkdtemp(prefix="shelftide-bench-"))
    home.chmod(0o755)
    try:
        taken = asyncio.run(measure_all(home, rows))
    finally:
        shutil.rmtree(home, ignore_errors=True)
    return {
        "rows": rows,
        "seconds": taken,
        "ratio": taken["bare"]["wall"] / taken["ours"]["wall"],
        "ratio_cpu": taken["bare"]["cpu"] / taken["ours"]["cpu"],
        "ratio_to_100k_a_statement": taken["bare_100k_a_statement"]["wall"] / taken["ours"]["wall"],
        "rerun": taken["ours_again"]["wall"] / taken["ours"]["wall"],
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
