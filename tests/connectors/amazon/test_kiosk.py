"""Data Kiosk: days of sales and visits, and its queries and rows beside Amazon's own schemas."""

import json
from collections import Counter, defaultdict
from datetime import date
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from graphql import GraphQLSchema, build_schema, execute_sync, parse, validate
from tests.connectors.amazon.model import FIXTURES, breaches, operations, request_breaches
from tests.connectors.amazon.test_conformance import SELLER_ERRORS, SmallPages, brand_of
from tests.connectors.published import validated
from tests.connectors.test_scenarios import suite_of

from shelftide_amazon.emulator_door import AmazonDoor
from shelftide_amazon.emulator_kiosk import VIEWS_OF_A_PIECE, SellerKiosk, sold_by_day
from shelftide_amazon.kiosk import DATASETS, VENDOR, map_sales
from shelftide_amazon.marketplaces import MARKETPLACES
from shelftide_amazon.seller import AmazonSeller
from shelftide_sdk.connector import Stream, days, map_rows
from shelftide_sdk.errors import ConfigurationError, ContractError, TransientError
from shelftide_sdk.records import ProfileDay, SalesDay
from shelftide_sdk.testing.conformance import Bench, ConnectorConformance
from shelftide_sdk.testing.conformance.bench import Wiring
from shelftide_sdk.testing.world.model import Brand, WorldView

US = MARKETPLACES["ATVPDKIKX0DER"]
STREAMS = {stream.name: stream for stream in AmazonSeller.streams}


@pytest.mark.worlds
class TestDaysOfSales(ConnectorConformance):
    connector = AmazonSeller
    emulator = SmallPages
    since = days(4)
    streams = ("sales_days",)
    error_replies = SELLER_ERRORS

    def wiring(self) -> Wiring:
        found = super().wiring()
        found.settings = {**found.settings, "kiosk": "economics"}  # many days a query
        return found

    def expected_rows(self, world: WorldView, stream: str) -> int | None:
        return None


def bench_of(monkeypatch: pytest.MonkeyPatch, kiosk: str) -> Bench:
    wiring = suite_of(AmazonSeller, monkeypatch).wiring()
    wiring.settings = {**wiring.settings, "kiosk": kiosk}
    wiring.since = days(6)
    return Bench(wiring)


def truth(bench: Bench) -> tuple[Brand, dict[date, dict[str, tuple[int, Decimal]]]]:
    """What was sold on the full days since the read began."""
    assert isinstance(bench.emulator, AmazonDoor)
    brand = brand_of(bench.emulator.world, "amazon-sp")
    now = bench.emulator.world.now.astimezone(ZoneInfo(bench.emulator.market_of(brand).zone))
    first = (now - days(6)).date()
    sold = sold_by_day(bench.emulator, brand)
    return brand, {on: dict(rows) for on, rows in sold.items() if first <= on < now.date()}


async def read(bench: Bench, stream: Stream) -> list[Any]:
    reading = await bench.read(stream)
    assert (reading.error, reading.rejects) == (None, [])
    return list(reading.records)


@pytest.mark.parametrize("kiosk", sorted(DATASETS))
async def test_days_of_sales_are_the_worlds(kiosk: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with bench_of(monkeypatch, kiosk) as bench:
        found = await read(bench, STREAMS["sales_days"])
        brand, sold = truth(bench)
    rows: dict[date, Any] = defaultdict(list)
    for record in found:
        assert isinstance(record, SalesDay)
        assert record.revenue is not None
        rows[record.day].append((record.units, record.revenue.amount))
    assert {on: sorted(each) for on, each in rows.items()} == {on: sorted(each.values()) for on, each in sold.items()}
    if kiosk != "vendor":
        assert {record.sku for record in found} <= {sku.code for sku in brand.skus}
    assert len(found) > 3


async def test_days_of_visits_are_the_worlds(monkeypatch: pytest.MonkeyPatch) -> None:
    async with bench_of(monkeypatch, "sales") as bench:
        found = await read(bench, STREAMS["traffic_days"])
        _, sold = truth(bench)
    views = {on: VIEWS_OF_A_PIECE * sum(units for units, _ in rows.values()) for on, rows in sold.items()}
    assert {row.day: row.profile_views for row in found if isinstance(row, ProfileDay)} == views


@pytest.mark.parametrize(
    ("kiosk", "read_too", "left_out"),
    [
        ("", {"orders"}, {"sales_days", "traffic_days"}),
        ("sales", {"sales_days", "traffic_days"}, {"orders"}),
        ("vendor", {"sales_days"}, {"orders", "traffic_days"}),
    ],
)
async def test_no_sale_counts_twice(
    kiosk: str, read_too: set[str], left_out: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with bench_of(monkeypatch, kiosk) as bench:
        streams = await bench.call(lambda connector, ctx: connector.discover(ctx))
    names = {stream.name for stream in streams}
    assert read_too <= names
    assert not left_out & names


async def test_an_unknown_dataset_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    async with bench_of(monkeypatch, "wishes") as bench:
        with pytest.raises(ConfigurationError):
            await bench.call(lambda connector, ctx: connector.discover(ctx))


@pytest.mark.parametrize("state", ["FATAL", "CANCELLED"])
async def test_a_failed_query_moves_no_cursor(state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def failed(*_: Any) -> dict[str, Any]:
        return {"queryId": "1", "query": "q", "createdTime": "2026-01-01T00:00:00Z", "processingStatus": state}

    monkeypatch.setattr(SellerKiosk, "_state", failed)
    async with bench_of(monkeypatch, "sales") as bench:
        reading = await bench.read(STREAMS["sales_days"])
    assert isinstance(reading.error, TransientError)
    assert not any(page.cursor for page in reading.pages)


def test_what_a_vendor_is_not_told_is_unknown() -> None:
    product: dict[str, Any] = {"groupByKey": {"asin": "B01"}, "metrics": {"orders": None}}
    row = {"startDate": "2026-03-01", "endDate": "2026-03-01", "marketplaceId": US.id, "metrics": [product]}
    assert map_sales(row, VENDOR, US) == []
    for bad in ({"endDate": "2026-03-07"}, {"marketplaceId": "A1"}, {"metrics": 3}):
        records, rejects = map_rows([row | bad], lambda each: map_sales(each, VENDOR, US), SalesDay)
        assert (records, len(rejects)) == ([], 1)


@pytest.mark.parametrize(
    ("content", "error"),
    [(b"", TransientError), (b'{"marketplaceId": "x"}\n{"mark', TransientError), (b"{}\n", ContractError)],
)
async def test_a_damaged_document_is_no_data(
    content: bytes, error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = AmazonDoor.store
    monkeypatch.setattr(AmazonDoor, "store", lambda door, name, _, *rest: store(door, name, content, *rest))
    async with bench_of(monkeypatch, "economics") as bench:
        reading = await bench.read(STREAMS["sales_days"])
    assert isinstance(reading.error, error)


async def test_a_broken_line_is_kept_and_the_others_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    store = AmazonDoor.store
    monkeypatch.setattr(AmazonDoor, "store", lambda door, name, good, *rest: store(door, name, b"{\n" + good, *rest))
    async with bench_of(monkeypatch, "economics") as bench:
        reading = await bench.read(STREAMS["sales_days"])
    assert [reject.reason for reject in reading.rejects] == ["a line is not JSON"]
    assert len(reading.records) > 3


# -- Amazon's schemas -------------------------------------------------------------------------------------------------


def schema_of(name: str) -> GraphQLSchema:
    return build_schema((FIXTURES / "data-kiosk-schemas" / name).read_text(), assume_valid=True)


async def check_schema(name: str, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How many requests and replies of the wire were compared with a schema and the API's model; none broke them."""
    schema, checked, faults, known = schema_of(name), Counter[str](), list[Any](), operations()
    assert schema.query_type
    (root,) = schema.query_type.fields
    for kiosk in sorted(DATASETS):
        async with bench_of(monkeypatch, kiosk) as bench:
            for stream in ("sales_days", *(["traffic_days"] if kiosk == "sales" else [])):
                reading = await bench.read(STREAMS[stream])
                assert reading.error is None
                for exchange in reading.exchanges:
                    if not exchange.path.startswith("/dataKiosk"):
                        continue
                    call, model = next(
                        (c, m)
                        for method, path, c, m in known
                        if method == exchange.method and path.fullmatch(exchange.path)
                    )
                    faults += request_breaches(exchange.query, exchange.asked, call, model)
                    faults += breaches(
                        json.loads(exchange.body), call["responses"][str(exchange.status)]["schema"], model
                    )
            nodes = bench.emulator._seller.kiosk  # type: ignore[attr-defined]  # the emulator of this connector
            brand = brand_of(bench.emulator.world, "amazon-sp")
            for sent in (each for each in nodes._sent.values() if root in each.query):
                rows = nodes._rows(sent, brand)
                faults += validate(schema, parse(sent.query))
                faults += _answer_faults(schema, sent.query, root, rows)
                checked.update(requests=1, replies=len(rows))
    assert faults == []
    return checked


def _answer_faults(schema: GraphQLSchema, query: str, root: str, rows: list[dict[str, Any]]) -> list[Any]:
    """Rows as the reply to a query: each asked name is there, each type fits, and no name was not asked for."""
    field = query.split("{")[2].split("(", maxsplit=1)[0]
    found = execute_sync(schema, parse(query), root_value={root: {field: rows}})
    if found.errors or not found.data:
        return [found.errors or "no data"]
    told = json.loads(json.dumps(found.data[root][field]))
    return [(row, each) for row, each in zip(rows, told, strict=True) if row != each]


@pytest.mark.contract
@pytest.mark.skipif(not FIXTURES.is_dir(), reason="the folder of published samples is not here")
async def test_queries_and_rows_are_valid_by_amazons_schemas(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [await check_schema(path.name, monkeypatch) for path in (FIXTURES / "data-kiosk-schemas").glob("*")]
    assert len(found) == 3
    assert all(each["requests"] and each["replies"] for each in found)
    total = sum(found, Counter())
    validated("amazon-sp, Data Kiosk", total["requests"], total["replies"], [])
