"""Contestant: the least that any program must do. Raw sockets, typed decoding, Arrow, one upsert a table.

No framework, no quarantine, no versions, no pseudonyms, no retries, no cursors, no roll-up: what is left when all that
a product adds is taken away. Modes: `drain` reads bytes, `decode` decodes them, `ducklake` and `postgres` land the four
tables with the product's columns in stores of the product's kind. Reading goes on while a batch is written.
"""

import asyncio
import platform
from importlib.metadata import version
from typing import Any

import uvloop
from tests.bench.measure import TABLES, Report, read_task
from tests.bench.stores import LakeStore, PostgresStore
from tests.bench.wire import Order, Source

_BATCH_PAGES = 400


async def load(source: Source, store: LakeStore | PostgresStore | None) -> None:
    """Everything once. A batch is written while the next one is read."""
    if store is not None:
        await store.begin()
    batch: list[Order] = []
    pages, writing = 0, None
    async for rows in source.pages():
        pages += 1
        if store is None:
            continue
        batch += rows
        if pages % _BATCH_PAGES == 0:
            if writing is not None:
                await writing
            writing, batch = asyncio.ensure_future(store.write(batch)), []
    if store is not None:
        if writing is not None:
            await writing
        await store.write(batch)
        await store.commit()


async def landed(store: LakeStore | PostgresStore) -> dict[str, Any]:
    """Rows by table and two sums, read back."""
    return {
        "rows": {table: await store.query(f"select count(*) from {table}") for table in TABLES},
        "total": f"{await store.query('select sum(total_amount) from orders'):.2f}",
        "pieces": int(await store.query("select sum(quantity) from order_lines")),
    }


async def land(task: dict[str, Any], report: Report, source: Source) -> None:
    """Both loads. Making the lake counts, as it does for ours; Postgres' tables are there before, as ours are."""
    store: LakeStore | PostgresStore | None = None
    if task["mode"] == "postgres":
        store = await PostgresStore.open(task)
    for name in ("first", "again"):
        with report.phase(name):
            store = store or LakeStore(task)
            await load(source, store)
    assert store is not None
    report.facts |= await landed(store)
    await store.close()


async def main() -> None:
    """First load, then everything again."""
    task, report = read_task(), Report()
    source, mode = Source({**task, "report": report}), task["mode"]
    if mode == "drain":
        report.facts["bytes"] = await source.drain()
    elif mode == "decode":
        with report.phase("first"):
            await load(source, None)
    else:
        await land(task, report, source)
    report.facts |= {"requests": source.requests}
    report.facts["versions"] = {n: version(n) for n in ("duckdb", "asyncpg", "msgspec")} | {
        "python": platform.python_version()
    }
    report.send()


if __name__ == "__main__":
    uvloop.run(main())
