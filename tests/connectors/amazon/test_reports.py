"""Streams read by reports: each of Amazon's report schemas, from the emulated queue to records, figure by figure."""

import csv
import io
import json
import tomllib
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import pytest
from tests.connectors.amazon.model import breaches
from tests.connectors.amazon.test_conformance import brand_of
from tests.connectors.published import FIXTURES, numbered, sample
from tests.connectors.test_scenarios import suite_of

from shelftide_amazon import seller_reports
from shelftide_amazon.emulator import AmazonEmulator
from shelftide_amazon.emulator_analytics import TABLES
from shelftide_amazon.emulator_door import AmazonDoor
from shelftide_amazon.emulator_reports import Made, SellerReports
from shelftide_amazon.marketplaces import Marketplace
from shelftide_amazon.report_rows import Kind
from shelftide_amazon.reports import Report, fetch_report
from shelftide_amazon.seller import AmazonSeller
from shelftide_amazon.seller_reports import REPORTS
from shelftide_amazon.tables import read_table
from shelftide_sdk.connector import days
from shelftide_sdk.errors import ConfigurationError, ContractError, TransientError
from shelftide_sdk.money import Money
from shelftide_sdk.records import Fee, Order, OrderLine, Record, Refund, StockLevel
from shelftide_sdk.testing.conformance import Bench
from shelftide_sdk.testing.conformance.bench import Reading
from shelftide_sdk.testing.conformance.foundation import small_world

STREAMS = {stream.name: stream for stream in AmazonSeller.streams}
# The report whose document a schema of another name describes.
NAMED = {
    "marketplaceAsinPageViewMetrics": "GET_MARKETPLACE_ASIN_PAGE_VIEW_METRICS",
    "promotionReport": "GET_PROMOTION_PERFORMANCE_REPORT",
    "sellerCouponReport": "GET_COUPON_PERFORMANCE_REPORT",
    "sellerSalesAndTrafficReport": "GET_SALES_AND_TRAFFIC_REPORT",
    "vendorInventoryReport": "GET_VENDOR_INVENTORY_REPORT",
    "vendorRealTimeInventoryReport": "GET_VENDOR_REAL_TIME_INVENTORY_REPORT",
    "vendorRealTimeSalesReport": "GET_VENDOR_REAL_TIME_SALES_REPORT",
    "vendorSalesReport": "GET_VENDOR_SALES_REPORT",
}
# Report -> record.field -> the members of its document that the figure is the sum of ("- name": less that one).
FIGURES: Mapping[str, Mapping[str, list[str]]] = tomllib.loads(
    (Path(__file__).parent / "report_figures.toml").read_text()
)
# Words that a column takes where its schema says no more than text.
WORDS = {
    "country": "US",
    "location": "US",
    "warehouse-condition-code": "SELLABLE",
    "disposition": "SELLABLE",
    "event type": "Receipts",
    "fulfillment-channel": "DEFAULT",
    "transaction-type": "Refund",
    "month_of_charge": "2026-03",
    "order-status": "Shipped",
    "orderstatus": "Shipped",
    "sales-channel": "Amazon.com",
    "saleschannel": "Amazon.com",
    "rating": 4,
    "type": "Principal",
    "discounttype": "AMOUNT",
}


def report_of(name: str) -> str:
    """The report that a schema describes."""
    return NAMED.get(Path(name).stem, Path(name).stem)


def document(name: str, market: Marketplace) -> dict[str, Any]:
    """A document made after a schema, in which no two figures are the same."""
    schema = json.loads((FIXTURES / name).read_text())
    found: dict[str, Any] = numbered(
        sample(schema), WORDS | {"marketplaceid": market.id} | _money_words(market.currency)
    )
    return found


def _money_words(currency: str) -> dict[str, str]:
    return dict.fromkeys(("currency", "currency-unit", "currency code", "currencycode"), currency)


def packed(kind: Kind, value: Mapping[str, Any]) -> bytes:
    """A document as Amazon sends it: a flat file, JSON or XML."""
    if kind.lists:
        return json.dumps(value).encode()
    if kind.element:
        return f"<AmazonEnvelope><Message>{_xml(kind.element, value)}</Message></AmazonEnvelope>".encode()
    text = io.StringIO()
    writer = csv.writer(text, delimiter="\t", lineterminator="\r\n")
    writer.writerows([list(value), [str(each) for each in value.values()]])
    return text.getvalue().encode()


def _xml(name: str, value: Any) -> str:
    if not isinstance(value, Mapping):
        return f"<{name}>{escape(str(value))}</{name}>"
    if value.keys() == {"currency", "value"}:
        return f"<{name} currency={quoteattr(str(value['currency']))}>{escape(str(value['value']))}</{name}>"
    return f"<{name}>{''.join(_xml(inner, each) for inner, each in value.items())}</{name}>"


def figure(value: Any, path: str) -> Decimal:
    """The number at a path; of a list its first row."""
    for name in path.removeprefix("- ").split("/"):
        value = (value[0] if isinstance(value, list) else value)[name]
    return -Decimal(value) if path.startswith("- ") else Decimal(value)


def spoilt(value: Any, path: str, wrong: str) -> Any:
    """The document with something wrong in the place of a figure."""
    name, _, rest = path.removeprefix("- ").partition("/")
    if isinstance(value, list):
        return [spoilt(each, path, wrong) for each in value]
    return {**value, name: spoilt(value[name], rest, wrong) if rest else wrong}


async def read_report(report: str, content: bytes, stream: str, monkeypatch: pytest.MonkeyPatch) -> Reading:
    """A stream read by a report whose document is `content`, over the emulated queue."""
    monkeypatch.setattr(SellerReports, "_content", lambda *_: content)
    monkeypatch.setattr(SellerReports, "answered", {report})
    monkeypatch.setattr(seller_reports, "in_place", lambda _: True)  # the API's own answer is another test's
    wiring = suite_of(AmazonSeller, monkeypatch).wiring()
    wiring.settings = {**wiring.settings, "reports": report}
    wiring.since = days(1)
    async with Bench(wiring) as bench:
        assert isinstance(bench.emulator, AmazonDoor)
        if REPORTS[stream][report].made_by_amazon:
            made(bench, report)
        return await bench.read(STREAMS[stream])


def made(bench: Bench, report: str) -> None:
    """A report that Amazon has made by itself."""
    reports: SellerReports = bench.emulator._seller.reports  # type: ignore[attr-defined]  # the connector's emulator
    brand = next(b for b in bench.emulator.sellers().values() if b.accounts["amazon-sp"] == bench.settings["seller_id"])  # type: ignore[attr-defined]  # as above
    at = bench.emulator.world.now
    reports._made["1"] = Made(id="1", type=report, brand=brand.key, start=None, end=None, made_at=at, polls=2)


def told(records: list[Record], named: str) -> set[str]:
    """All values of a field in records of a type, as text."""
    kind, _, field = named.partition(".")
    found = [getattr(record, field) for record in records if type(record).__name__ == kind]
    return {str(each.amount if isinstance(each, Money) else each) for each in found}


def is_read(name: str) -> bool:
    """Whether a stream can be read by the report that a schema describes."""
    return any(report_of(name) in kinds for kinds in REPORTS.values())


async def check_report(name: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many figures of a schema's document arrive in records, each seen to fail when it is a word."""
    report, value, checked = report_of(name), document(name, home()), 0
    for stream in [each for each, kinds in REPORTS.items() if report in kinds]:
        kind = REPORTS[stream][report]
        own = {named: paths for named, paths in FIGURES[report].items() if named.split(".")[0] in carried(stream)}
        reading = await read_report(report, packed(kind, value), stream, monkeypatch)
        assert (reading.error, reading.rejects) == (None, [])
        for named, paths in own.items():
            assert str(sum(figure(value, path) for path in paths)) in told(list(reading.records), named), named
        named, (first, *_) = next(iter(own.items()))
        wrong = "" if named.endswith(".sku") else "many"
        broken = await read_report(report, packed(kind, spoilt(value, first, wrong)), stream, monkeypatch)
        assert broken.rejects, f"{first} may be {wrong!r}"
        checked += len(own)
    return checked


def carried(stream: str) -> set[str]:
    """The names of a stream's records."""
    found = STREAMS[stream]
    return {record.__name__ for record in (found.record, *found.also)}


@cache
def home() -> Marketplace:
    """The marketplace of the connection in the small world."""
    emulator = AmazonEmulator(small_world(7))
    return emulator.market_of(brand_of(emulator.world, AmazonSeller.info.name))


# Schemas of reports that no stream reads: the emulator makes them.
_FORECAST = "GET_VENDOR_FORECASTING_RETAIL_REPORT"
MADE = {
    "GET_FBA_SNS_FORECAST_DATA": "GET_FBA_SNS_FORECAST_DATA",
    "GET_FBA_SNS_PERFORMANCE_DATA": "GET_FBA_SNS_PERFORMANCE_DATA",
    "GET_VENDOR_FORECASTING_FRESH_REPORT": "GET_VENDOR_FORECASTING_FRESH_REPORT",
    "GET_VENDOR_FORECASTING_REPORT": _FORECAST,
    "GET_VENDOR_FORECASTING_RETAIL_REPORT": _FORECAST,
    "endUserDataReport": "END_USER_DATA_REPORT",
    "sellingPartnerMarketBasketAnalysisReport": "GET_BRAND_ANALYTICS_MARKET_BASKET_REPORT",
    "sellingPartnerRepeatPurchaseReport": "GET_BRAND_ANALYTICS_REPEAT_PURCHASE_REPORT",
    "sellingPartnerSearchCatalogPerformanceReport": "GET_BRAND_ANALYTICS_SEARCH_CATALOG_PERFORMANCE_REPORT",
    "sellingPartnerSearchQueryPerformanceReport": "GET_BRAND_ANALYTICS_SEARCH_QUERY_PERFORMANCE_REPORT",
    "sellingPartnerSearchTermsReport": "GET_BRAND_ANALYTICS_SEARCH_TERMS_REPORT",
}


async def check_made(name: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many rows of a report that the emulator makes fit their schema; none breaks it."""
    schema, report = json.loads((FIXTURES / name).read_text()), MADE[Path(name).stem]
    async with Bench(suite_of(AmazonSeller, monkeypatch).wiring()) as bench:
        file = await bench.call(lambda _, ctx: fetch_report(ctx, Report(type=report, marketplace=home())))
    assert file is not None
    members = schema.get("properties", schema)
    if other := members.get("$ref"):
        members = json.loads((FIXTURES / name).with_name(other).read_text())
    if report in TABLES:
        rows = list(read_table(file.text(home().country), []))
        assert {frozenset(row) for row in rows} == {frozenset(each.lower() for each in members) - {"dataendtime"}}
        return len(rows)
    value = json.loads(file.content)
    if "forecastByAsin" in value:
        form = {"type": "object", "properties": {name: each for name, each in members.items() if name != "dataEndTime"}}
        assert [breach for row in value["forecastByAsin"] for breach in breaches(row, form, form)] == []
        return len(value["forecastByAsin"])
    assert list(breaches(value, schema, schema)) == []
    return max(len(rows) for rows in value.values() if isinstance(rows, list))


# -- without Amazon's texts -------------------------------------------------------------------------------------------

MYI = "GET_FBA_MYI_UNSUPPRESSED_INVENTORY_DATA"
SHELF = {"sku": "A-1", "afn-fulfillable-quantity": "5", "afn-reserved-quantity": "", "mfn-fulfillable-quantity": "2"}


def flat(*rows: Mapping[str, str]) -> bytes:
    return (
        "\r\n".join("\t".join(row) for row in (list(rows[0]), *(list(row.values()) for row in rows))) + "\r\n"
    ).encode()


async def test_a_row_with_a_fault_takes_no_other_along(monkeypatch: pytest.MonkeyPatch) -> None:
    content = flat(SHELF, {**SHELF, "sku": "A-2", "afn-fulfillable-quantity": "some"}, {**SHELF, "sku": "A-3"})
    reading = await read_report(MYI, content, "stock", monkeypatch)
    levels = [record for record in reading.records if isinstance(record, StockLevel)]
    assert {(level.sku, level.available, level.reserved) for level in levels} == {
        (sku, pieces, None) for sku in ("A-1", "A-3") for pieces in (5, 2)
    }
    assert [(reject.reason, reject.raw["sku"]) for reject in reading.rejects] == [
        ("afn-fulfillable-quantity is not a number: 'some'", "A-2")
    ]


@pytest.mark.parametrize(
    ("report", "content", "error"),
    [
        (MYI, flat({"sku": "A-1", "quantity": "5"}), ContractError),
        (MYI, flat(SHELF)[:-9], TransientError),
        ("GET_VENDOR_INVENTORY_REPORT", b'{"inventoryByAsin": [', TransientError),
        ("GET_VENDOR_INVENTORY_REPORT", b'{"inventoryAggregate": []}', ContractError),
        ("GET_VENDOR_INVENTORY_REPORT", b"[]", ContractError),
    ],
)
async def test_a_document_that_is_another_one_or_cut_is_no_data(
    report: str, content: bytes, error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = await read_report(report, content, "stock", monkeypatch)
    assert isinstance(reading.error, error)
    assert reading.records == []


@pytest.mark.parametrize("text", ["<Order><AmazonOrderID>", '<!DOCTYPE x [<!ENTITY a "b">]><Order/>'])
async def test_xml_that_is_cut_or_declares_entities_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    reading = await read_report("GET_ORDER_REPORT_DATA_SHIPPING", text.encode(), "orders", monkeypatch)
    assert isinstance(reading.error, ContractError if "ENTITY" in text else TransientError)


async def test_an_order_in_xml_has_its_items_sums_and_no_person(monkeypatch: pytest.MonkeyPatch) -> None:
    item = "<Item><AmazonOrderItemCode>{0}</AmazonOrderItemCode><SKU>S{0}</SKU><Quantity>{0}</Quantity><ItemPrice>{1}"
    price = '<Component><Type>{}</Type><Amount currency="USD">{}</Amount></Component>'
    items = "".join(
        item.format(n, price.format("Principal", 10 * n) + price.format("Tax", n)) + "</ItemPrice></Item>"
        for n in (1, 2)
    )
    person = "<BillingData><BuyerName>Ada</BuyerName></BillingData><FulfillmentData><Address><Name>Ada</Name>"
    head = "<AmazonOrderID>7-1</AmazonOrderID><OrderDate>2026-03-01T10:00:00+00:00</OrderDate>"
    bad = f"<OrderReport>{person}</Address></FulfillmentData></OrderReport>"
    order = f"{head}{person}<CountryCode>IT</CountryCode></Address></FulfillmentData>{items}"
    content = f"<AmazonEnvelope><OrderReport>{order}</OrderReport>{bad}</AmazonEnvelope>"
    reading = await read_report("GET_ORDER_REPORT_DATA_SHIPPING", content.encode(), "orders", monkeypatch)
    (found,) = {record.source_id: record for record in reading.records if isinstance(record, Order)}.values()
    lines = {record.source_id: record for record in reading.records if isinstance(record, OrderLine)}
    assert (found.total, found.tax, found.country) == (Money(Decimal(33), "USD"), Money(Decimal(3), "USD"), "IT")
    assert {name: (line.sku, line.quantity, line.total.amount) for name, line in lines.items()} == {
        "1": ("S1", 1, Decimal(10)),
        "2": ("S2", 2, Decimal(20)),
    }
    assert reading.rejects
    assert "Ada" not in repr(reading.records) + repr(reading.rejects)


async def test_a_settlement_gives_its_payout_its_refund_and_each_fee_once(monkeypatch: pytest.MonkeyPatch) -> None:
    names = (
        *("settlement-id", "deposit-date", "total-amount", "currency", "transaction-type", "order-id", "adjustment-id"),
        *("posted-date", "price-amount", "item-related-fee-type", "item-related-fee-amount"),
    )
    at = "2026-03-01T10:00:00+00:00"
    rows = [
        dict(zip(names, row, strict=True))
        for row in (
            ("S", at, "12.34", "USD", "", "", "", "", "", "", ""),
            ("S", "", "", "", "Order", "O", "", at, "20.00", "", ""),
            ("S", "", "", "", "Order", "O", "", at, "", "Commission", "-3.00"),
            ("S", "", "", "", "Refund", "O", "R", at, "-20.00", "", ""),
            ("S", "", "", "", "Refund", "O", "R", at, "", "Commission", "2.50"),
        )
    ]
    found: dict[str, list[Any]] = {}
    for stream in ("payouts", "refunds", "fees"):
        reading = await read_report("GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE", flat(*rows), stream, monkeypatch)
        assert (reading.error, reading.rejects) == (None, [])
        found[stream] = list({record.source_id: record for record in reading.records}.values())  # type: ignore[attr-defined]  # each of the three has one
    assert [payout.amount for payout in found["payouts"]] == [Money(Decimal("12.34"), "USD")]
    assert [(refund.source_id, refund.amount.amount) for refund in found["refunds"]] == [("R", Decimal(20))]
    assert {(fee.source_id, fee.amount.amount) for fee in found["fees"]} == {
        ("S:O::Commission", Decimal("3.00")),
        ("S:O::Commission#2", Decimal("-2.50")),
    }


async def test_reports_beside_the_api_take_nothing_from_it(monkeypatch: pytest.MonkeyPatch) -> None:
    report, row = "GET_FBA_REIMBURSEMENTS_DATA", {"approval-date": "2026-03-01", "reimbursement-id": "9"}
    content = flat({**row, "amount-total": "4.20", "currency-unit": "USD"})
    own = await read_report(report, content, "fees", monkeypatch)
    monkeypatch.undo()
    async with Bench(suite_of(AmazonSeller, monkeypatch).wiring()) as bench:
        alone = await bench.read(STREAMS["fees"])
    assert alone.records
    monkeypatch.setattr(SellerReports, "_content", lambda *_: content)
    monkeypatch.setattr(SellerReports, "answered", {report})
    async with Bench(suite_of(AmazonSeller, monkeypatch).wiring()) as bench:
        bench.settings["reports"] = report
        both = await bench.read(STREAMS["fees"])
    assert [fee.amount.amount for fee in own.records if isinstance(fee, Fee)][:1] == [Decimal("-4.20")]
    assert set(both.records) == set(own.records) | set(alone.records)
    assert [page.cursor for page in both.pages if page.cursor] == [page.cursor for page in alone.pages if page.cursor]


async def test_a_stream_read_by_a_report_asks_the_api_for_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    reading = await read_report(MYI, flat(SHELF), "stock", monkeypatch)
    assert {exchange.path.split("/")[1] for exchange in reading.exchanges if "sellingpartner" in exchange.host} == {
        "reports"
    }


async def test_an_unknown_report_is_refused_and_days_of_sales_replace_orders(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Bench(suite_of(AmazonSeller, monkeypatch).wiring()) as bench:
        bench.settings["reports"] = "GET_SALES_AND_TRAFFIC_REPORT"
        names = {stream.name for stream in await bench.call(lambda connector, ctx: connector.discover(ctx))}
        bench.settings["reports"] = "GET_WISHES"
        with pytest.raises(ConfigurationError):
            await bench.call(lambda connector, ctx: connector.discover(ctx))
    assert {"sales_days", "traffic_days"} <= names
    assert "orders" not in names


async def test_no_refund_is_made_of_a_return_without_money(monkeypatch: pytest.MonkeyPatch) -> None:
    row = {"order id": "O", "return request date": "2026-03-01", "refunded amount": "", "currency code": "USD"}
    reading = await read_report("GET_FLAT_FILE_RETURNS_DATA_BY_RETURN_DATE", flat(row), "refunds", monkeypatch)
    assert (reading.error, reading.rejects, [r for r in reading.records if isinstance(r, Refund)]) == (None, [], [])
