"""What ten times the rows cost, what a brand without a lake costs, and what many lakes weigh.

Usage: python -m tests.bench.run --only growth [--size LINES] [--brands LAKES]
The gate asks for 1,000 brands with lakes.
"""

import asyncio
import statistics
import subprocess
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
from sqlalchemy import make_url
from tests.bench import brands
from tests.bench.api import environment, served
from tests.bench.brands import CHANNELS, LAST, Brand, Town
from tests.bench.warehouse_upsert import Secrets
from tests.durability.processes import short_folder

from shelftide.analytics.overview import METRICS
from shelftide.analytics.rollup import roll_up
from shelftide.store.database import Database
from shelftide.store.embedded import place_for
from shelftide.store.repositories.rollup import read_points
from shelftide.store.unit_of_work import UnitOfWork
from shelftide.warehouse.ducklake_engine import DuckLakeWarehouses
from shelftide.warehouse.lakes import Lakes, lake_name
from shelftide_sdk.records import Record

TIMES = 10
READS = 40
# A dump locks every table that it holds.
DUMPED_AT_ONCE = 100
GOALS = {"ingest of 10 times the rows": 12.0, "portal query over 10 times the rows": 2.0}


async def ingest(town: Town, warehouses: DuckLakeWarehouses, brand: Brand, records: Sequence[Record]) -> float:
    """Seconds from records to the roll-up, into a fresh lake."""
    warehouse, start = warehouses.of(brand.tenant_id), time.perf_counter()
    await brands.write(warehouse, brand, records)
    async with UnitOfWork(town.database, town.on(brand)) as uow:
        await roll_up(warehouse, uow, brand.connections[0], platform=CHANNELS[0])
        await uow.commit()
    return time.perf_counter() - start


async def portal(town: Town, brand: Brand) -> float:
    """Median seconds of what a brand's page reads: 90 days and the 90 before."""
    taken = []
    for _ in range(READS):
        start = time.perf_counter()
        reads, since = town.database.reads, LAST - timedelta(days=179)
        if not await read_points(reads, town.on(brand), metrics=METRICS, since=since, until=LAST):
            raise RuntimeError("the roll-up is empty")
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


async def rows(town: Town, warehouses: DuckLakeWarehouses, lines: int) -> dict[str, Any]:
    """The same days with so many lines and with ten times as many. Making a lake is no part of either."""
    small, large = town.brands[:2]
    for brand in (small, large):
        await brands.write(warehouses.of(brand.tenant_id), brand, brands.lines_of(1, key="first"))
    fewer = await ingest(town, warehouses, small, await asyncio.to_thread(brands.lines_of, lines))
    more = await ingest(town, warehouses, large, await asyncio.to_thread(brands.lines_of, lines * TIMES))
    await brands.settle(town)
    await portal(town, small)
    return {
        "lines": [lines, lines * TIMES],
        "ingest_seconds": [fewer, more],
        "portal_p50_ms": [await portal(town, small) * 1e3, await portal(town, large) * 1e3],
    }


async def empty(town: Town, home: Path) -> dict[str, Any]:
    """What a brand that was never read has: rows in tables, no schema, no login, no folder."""
    brand = town.brands[2]
    connection = await asyncpg.connect(town.dsns.lakes)
    name = lake_name(brand.tenant_id)
    schemas = await connection.fetchval("select count(*) from pg_namespace where nspname = $1", name)
    logins = await connection.fetchval("select count(*) from pg_roles where rolname = $1", name)
    await connection.close()
    return {"schemas": schemas, "logins": logins, "folder": (home / "lakes" / str(brand.tenant_id)).exists()}


async def start_up(town: Town, home: Path) -> float:
    """Seconds until a web server of the product answers; the better of two."""
    taken = []
    for _ in range(2):
        start = time.perf_counter()
        await asyncio.to_thread(_serve_once, environment(town.dsns, home))
        taken.append(time.perf_counter() - start)
    return min(taken)


def _serve_once(variables: dict[str, str]) -> None:
    with served("shelftide.app:create", {**variables, "SHELFTIDE_ENGINE": "ducklake"}):
        pass


async def catalog(town: Town, home: Path) -> dict[str, Any]:
    """Size of the lakes' catalog, and the seconds of dumping all of it."""
    connection = await asyncpg.connect(town.dsns.lakes)
    size = await connection.fetchval("select pg_database_size(current_database())")
    listed = await connection.fetch("select nspname from pg_namespace where nspname like 'lake\\_%' order by 1")
    await connection.close()
    start, dumped = time.perf_counter(), 0
    schemas = [row["nspname"] for row in listed]
    for number in range(0, len(schemas), DUMPED_AT_ONCE):
        dumped += await asyncio.to_thread(dump, town, home, schemas[number : number + DUMPED_AT_ONCE])
    return {"lakes": len(schemas), "bytes": size, "dump_bytes": dumped, "dump_seconds": time.perf_counter() - start}


def dump(town: Town, home: Path, schemas: Sequence[str]) -> int:
    """Bytes of a dump of some schemas by the server's own pg_dump."""
    url, file = make_url(town.dsns.lakes), home / "lakes.dump"
    variables = {
        "PGHOST": str(url.host or url.query["host"]),
        "PGUSER": str(url.username),
        "PGPASSWORD": str(url.password),
        "PGDATABASE": str(url.database),
    }
    program = place_for(home, home).binaries / "pginstall" / "bin" / "pg_dump"
    chosen = [part for schema in schemas for part in ("-n", schema)]
    subprocess.run([program, "-Fc", "-f", file, *chosen], env=variables, check=True)
    return file.stat().st_size


async def measure_in(home: Path, lines: int, lakes: int) -> dict[str, Any]:
    """All of it on a server of its own."""
    async with brands.installation(home) as dsns, Database(dsns) as database:
        town = await brands.found_town(dsns, database, max(3, lakes))
        warehouses = DuckLakeWarehouses(Lakes(dsns.lakes, Secrets()), home / "lakes")
        before = {"empty": await empty(town, home), "start_seconds": await start_up(town, home)}
        grown = await rows(town, warehouses, lines)
        start = time.perf_counter()
        for brand in town.brands[2:lakes]:
            await brands.write(warehouses.of(brand.tenant_id), brand, brands.lines_of(1))
        made = time.perf_counter() - start
        await warehouses.close()
        after = {"start_seconds": await start_up(town, home), "make_seconds": made, **await catalog(town, home)}
    return {"growth": grown, "without_lakes": before, "with_lakes": after, "goals": goals_of(grown)}


def goals_of(grown: dict[str, Any]) -> list[dict[str, Any]]:
    """Ratios beside their goals."""
    values = [grown[name][1] / grown[name][0] for name in ("ingest_seconds", "portal_p50_ms")]
    return [
        {"name": f"{name}, at most", "value": value, "goal": goal, "met": value <= goal}
        for (name, goal), value in zip(GOALS.items(), values, strict=True)
    ]


def run(lines: int, lakes: int) -> dict[str, Any]:
    """Measure in a place of its own."""
    with short_folder("shelftide-bench-") as home:
        return asyncio.run(measure_in(home, lines, lakes))
