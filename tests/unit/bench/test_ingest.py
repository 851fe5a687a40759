"""The ingest benchmark itself: the scaled shop is sound, and a contestant that lands other rows fails the run."""

import logging
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.bench.columns import rows_of
from tests.bench.ingest import same_rows, summary
from tests.bench.render import APP, record
from tests.bench.scaled_shop import PATH, ScaledShop
from tests.bench.wire import Source
from tests.connectors.fake_world import NOW, SHOP, FakeWorld, brand, many_orders

from shelftide.core.clock import FakeClock
from shelftide.ingest.sync import first_read_from
from shelftide.jobs.sync_connection import HISTORY
from shelftide_sdk.auth import TokenSet
from shelftide_sdk.connector import Context
from shelftide_sdk.hosts import Routes
from shelftide_sdk.http import FixedCredentials, PlatformClient
from shelftide_sdk.records import Order, OrderLine, Record, Refund, Touch, record_type
from shelftide_sdk.testing.replay import serve
from shelftide_shopify.connector import Shopify
from shelftide_shopify.queries import orders
from shelftide_shopify.shop import timestamp

SIZE = 150


@pytest.fixture(scope="module")
def shop() -> ScaledShop:
    lumen = brand()
    return ScaledShop(FakeWorld([lumen], many_orders(lumen, 40)), SIZE)


@pytest.fixture
async def source(shop: ScaledShop) -> AsyncIterator[str]:
    server, port = await serve(await record(shop))
    yield f"http://127.0.0.1:{port}"
    server.close()


async def read(source: str, bulk: str) -> list[Record]:
    """What the connector makes of the tape."""
    settings = {"shop": SHOP, "bulk": bulk}
    clock = FakeClock(NOW)
    credentials = FixedCredentials(APP, TokenSet(access_token="any"))
    client = PlatformClient(
        Shopify, credentials=credentials, settings=settings, clock=clock, routes=Routes({"*": source})
    )
    async with client:
        context = Context(
            client=client,
            clock=clock,
            log=logging.LoggerAdapter(logging.getLogger("bench"), {}),
            settings=settings,
            since=first_read_from(NOW, HISTORY),
            captured_at=NOW,
        )
        connector = Shopify()
        pages = [page async for page in connector.read(context, connector.stream("orders"), None)]
    assert not [reject for page in pages for reject in page.rejects]
    return [found for page in pages for found in page.records]


def keyed(records: list[Record]) -> dict[Any, Record]:
    return {(type(r), *(getattr(r, name) for name in record_type(r).key)): r for r in records}


async def test_all_orders_are_different_and_pages_and_bulk_file_hold_the_same(shop: ScaledShop, source: str) -> None:
    paged, bulk = await read(source, "never"), await read(source, "always")
    assert len({row.id for row in shop.rows}) == SIZE
    assert len(keyed(paged)) == len(paged), "ids repeat"
    tests = sum(b'"test":true' in row.text for row in shop.rows)
    assert 0 < tests < SIZE / 4
    assert Counter(map(type, paged))[Order] == SIZE - tests
    assert keyed(bulk) == keyed(paged)


async def test_the_limit_reads_the_same_rows_as_the_product(source: str) -> None:
    records = Counter(map(type, await read(source, "never")))
    since = timestamp(first_read_from(NOW, HISTORY))
    task = {"source": source, "shop": SHOP, "path": PATH, "query": orders(True), "since": since}
    found = [order async for page in Source(task).pages() for order in page]
    counts = {table: len(rows) for table, rows in rows_of(found).items()}
    assert counts == {
        "orders": records[Order],
        "order_lines": records[OrderLine],
        "refunds": records[Refund],
        "touches": records[Touch],
    }


ROWS = {"orders": 10, "order_lines": 12, "refunds": 1, "touches": 20}


def report(first: float, again: float = 1.0, **facts: Any) -> dict[str, Any]:
    phases = {
        name: {"seconds": seconds, "cpu_seconds": seconds / 2, "peak_mb": 100.0}
        for name, seconds in (("first", first), ("again", again))
    }
    landed = {"rows": ROWS, "total": "99.00", "pieces": 30}
    return {"phases": phases, "server_cpu_seconds": 0.0, "load_average": 1.0, "versions": {}, **landed, **facts}


def test_a_contestant_that_lands_other_rows_fails_the_run() -> None:
    runs = {"ours/duckdb": [report(1)], "dlt/duckdb": [report(2)], "drain": [{"phases": {}}]}
    assert same_rows(runs)["rows"] == ROWS
    for odd in ({"rows": ROWS | {"touches": 19}}, {"total": "98.00"}, {"pieces": 29}):
        with pytest.raises(SystemExit, match="dlt/duckdb landed"):
            same_rows(runs | {"dlt/duckdb": [report(2, **odd), report(2)]})


def test_ratios_are_taken_inside_a_repetition() -> None:
    ours, theirs = (2.0, 1.0, 10.0), (6.0, 5.0, 20.0)
    runs = {
        f"{name}/{store}": [report(seconds) for seconds in times]
        for store in ("duckdb", "postgres")
        for name, times in (("ours", ours), ("ours, bulk file", ours), ("dlt", theirs), ("limit", (1.0, 0.5, 5.0)))
    }
    found = summary(runs, ROWS)
    assert found["ratios"]["ours/duckdb"]["to_dlt"]["speed_first"] == {"median": 3.0, "least": 2.0, "most": 5.0}
    assert found["medians"]["ours/duckdb"]["phases"]["first"]["orders_per_second"] == 5.0
    met = {goal["name"]: goal["met"] for goal in found["goals"]}
    values = {goal["name"]: goal["value"] for goal in found["goals"]}
    assert (values["ours, duckdb: times dlt"], met["ours, duckdb: times dlt"]) == (3.0, True)
    assert (values["ours, postgres: times dlt"], met["ours, postgres: times dlt"]) == (3.0, False)
    assert (values["ours, duckdb: times limit"], met["ours, duckdb: times limit"]) == (0.5, True)
    assert met["ours, duckdb: repeat ÷ first"]
    assert not any("singer" in name for name in met), "who did not run is not compared with"
