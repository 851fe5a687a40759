"""Amazon's bad habits, one by one: what each does to a read."""

import gzip
import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx2
import pytest
from tests.connectors.amazon.test_conformance import brand_of

from shelftide_amazon import emulator_order_facts as facts
from shelftide_amazon.ads import AmazonAds
from shelftide_amazon.ads_reports import rows_of
from shelftide_amazon.emulator_door import Fault
from shelftide_amazon.mapping_ad_reports import map_report_row, report_of
from shelftide_amazon.mapping_ads import PRODUCTS, Profile, map_campaign
from shelftide_amazon.mapping_goods import map_listing
from shelftide_amazon.mapping_money import map_fees, map_refund
from shelftide_amazon.mapping_orders import is_foreign, is_unpriced, map_order
from shelftide_amazon.marketplaces import MARKETPLACES
from shelftide_amazon.paging import windows
from shelftide_amazon.replies import classify
from shelftide_amazon.reports import unpack
from shelftide_amazon.seller import AmazonSeller
from shelftide_amazon.tables import amount, decode, local_moment, read_table
from shelftide_sdk.connector import days
from shelftide_sdk.errors import (
    AuthorizationError,
    ContractError,
    DataError,
    RateLimitedError,
    TransientError,
)
from shelftide_sdk.records import AdDay, Order, OrderStatus, StockLevel
from shelftide_sdk.testing.conformance import Bench
from shelftide_sdk.testing.emulator import Request

US = MARKETPLACES["ATVPDKIKX0DER"]
PROFILE = Profile(profile_id="1", currency="USD", zone="America/Los_Angeles")


# -- seller -----------------------------------------------------------------------------------------------------------


async def test_a_dead_saved_token_begins_again_at_its_start(bench: Callable[..., Bench]) -> None:
    stream = AmazonSeller.streams[0]
    async with bench(AmazonSeller) as bench_:
        calm = await bench_.read(stream)
        saved = calm.pages[0].cursor
        assert saved is not None
        assert "lastUpdatedTime" not in saved
        again = await bench_.read(stream, {**saved, "token": "bm90IGEgdG9rZW4="})
    assert again.error is None
    assert again.state() == calm.state()


async def test_a_report_asked_for_twice_is_taken_from_what_is_there(bench: Callable[..., Bench]) -> None:
    stream = AmazonSeller().stream("account_health")
    async with bench(AmazonSeller) as bench_:
        first, second = await bench_.read(stream), await bench_.read(stream)
    assert any(exchange.path.endswith("/reports") and exchange.method == "GET" for exchange in second.exchanges)
    assert second.state() == first.state() != {}


async def test_report_and_search_tell_the_same_orders(bench: Callable[..., Bench]) -> None:
    stream, found = AmazonSeller.streams[0], []
    for way in ("search", "report", "v0"):
        async with bench(AmazonSeller, orders_by=way) as bench_:
            records = (await bench_.read(stream)).records
            orders = [r for r in records if isinstance(r, Order) and r.status is not OrderStatus.CANCELLED]
            found.append({o.source_id: (o.status, o.total, o.placed_at) for o in orders})
    assert found[0] == found[1] == found[2] != {}


async def test_orders_equal_the_world(bench: Callable[..., Bench]) -> None:
    async with bench(AmazonSeller) as bench_:
        world = bench_.wiring.world
        reading = await bench_.read(AmazonSeller.streams[0], since=world.start)
    known = {facts.order_id(o): o.total for o in facts.orders_of(world, brand_of(world, "amazon-sp"))}
    assert {o.source_id: o.total.amount for o in reading.records if isinstance(o, Order)} == known


def test_orders_of_other_shops_and_without_sums_are_left_out() -> None:
    assert is_foreign({"salesChannel": {"channelName": "NON_AMAZON"}})
    assert is_foreign({"sales-channel": "Non-Amazon"})
    assert not is_foreign({"salesChannel": {"channelName": "AMAZON"}})
    assert is_unpriced({"fulfillment": {"fulfillmentStatus": "PENDING"}})
    assert not is_unpriced({"fulfillment": {"fulfillmentStatus": "SHIPPED"}})


def _order(**more: Any) -> dict[str, Any]:
    return {
        "orderId": "1-2-3",
        "createdTime": "2026-02-01T00:00:00Z",
        "lastUpdatedTime": "2026-02-01T01:00:00Z",
        "fulfillment": {"fulfillmentStatus": "SHIPPED"},
        "orderItems": [],
        **more,
    }


def test_an_order_without_a_total_is_no_order_of_zero() -> None:
    with pytest.raises(DataError, match="no total"):
        map_order(_order(), US, US.zone)


def test_an_unknown_status_keeps_the_platforms_word() -> None:
    row = _order(
        fulfillment={"fulfillmentStatus": "TELEPORTED"},
        proceeds={"grandTotal": {"amount": "1.5", "currencyCode": "USD"}},
    )
    (order,) = map_order(row, US, US.zone)
    assert isinstance(order, Order)
    assert (order.status, order.platform_status) == (OrderStatus.UNKNOWN, "TELEPORTED")


def _leaf(name: str, value: str) -> dict[str, Any]:
    return {"breakdownType": name, "breakdownAmount": {"currencyCode": "USD", "currencyAmount": Decimal(value)}}


def _transaction(kind: str) -> dict[str, Any]:
    fees = {**_leaf("AmazonFees", "2.00"), "breakdowns": [{**_leaf("Commission", "2.00"), "breakdowns": []}]}
    return {
        "transactionId": "T2",
        "transactionType": kind,
        "transactionStatus": "DEFERRED_RELEASED",
        "postedDate": "2026-02-01T00:00:00Z",
        "totalAmount": {"currencyCode": "USD", "currencyAmount": Decimal("-8.00")},
        "relatedIdentifiers": [
            {"relatedIdentifierName": "ORDER_ID", "relatedIdentifierValue": "1-2-3"},
            {"relatedIdentifierName": "DEFERRED_TRANSACTION_ID", "relatedIdentifierValue": "T1"},
        ],
        "breakdowns": [
            {**_leaf("Sales", "-10.00"), "breakdowns": [_leaf("ProductCharges", "-10.00")]},
            {**_leaf("Expenses", "2.00"), "breakdowns": [fees]},
        ],
    }


def test_a_refund_is_what_the_buyer_got_and_leaves_are_counted_once() -> None:
    (refund,) = map_refund(_transaction("Refund"), "UTC")
    (fee,) = map_fees(_transaction("Refund"), "UTC")
    assert (refund.source_id, refund.amount.amount) == ("T1", Decimal("10.00"))
    assert (fee.kind, fee.amount.amount) == ("Commission", Decimal("-2.00"))
    assert map_refund(_transaction("Shipment"), "UTC") == []


def test_a_listing_that_the_seller_ships_brings_his_stock() -> None:
    row = {"sku": "S", "summaries": [{"marketplaceId": US.id, "asin": "B01", "status": ["BUYABLE"]}]}
    kept = {**row, "fulfillmentAvailability": [{"fulfillmentChannelCode": "AMAZON_NA", "quantity": 9}]}
    shipped = {**row, "fulfillmentAvailability": [{"fulfillmentChannelCode": "DEFAULT", "quantity": 4}]}
    assert [r for r in map_listing(kept, US) if isinstance(r, StockLevel)] == []
    (level,) = [r for r in map_listing(shipped, US) if isinstance(r, StockLevel)]
    assert (level.sku, level.location_id, level.available) == ("S", "MFN-US", 4)


def test_finance_windows_never_reach_180_days() -> None:
    start = datetime(2024, 1, 1, tzinfo=UTC)
    found = list(windows(start, start + days(400), days(179)))
    assert max(end - begin for begin, end in found) <= days(179)
    assert found[0][0] == start
    assert found[-1][1] == start + days(400)


# -- errors -----------------------------------------------------------------------------------------------------------


def _reply(status: int, body: Any, **headers: str) -> httpx2.Response:
    return httpx2.Response(status, json=body, headers=headers)


def test_an_expired_token_is_403_and_refreshable() -> None:
    error = classify(
        _reply(403, {"errors": [{"code": "Unauthorized", "message": "Access denied", "details": "expired"}]})
    )
    assert isinstance(error, AuthorizationError)
    assert error.refreshable


def test_a_quota_names_its_wait_by_the_rate() -> None:
    body = {"errors": [{"code": "QuotaExceeded", "message": "You exceeded your quota"}]}
    error = classify(_reply(429, body, **{"x-amzn-RateLimit-Limit": "0.5"}))
    assert isinstance(error, RateLimitedError)
    assert error.retry_after == timedelta(seconds=2)


# -- files ------------------------------------------------------------------------------------------------------------


def test_local_numbers_times_and_encodings() -> None:
    assert amount("1.234,50", "x") == Decimal("1234.50")
    assert amount("1,234.50", "x") == Decimal("1234.50")
    assert amount("12,5", "x") == Decimal("12.5")
    assert amount("", "x") is None
    assert local_moment("02/03/2026 10:00:00 PST", "t", "US") == datetime(2026, 2, 3, 18, tzinfo=UTC)
    assert local_moment("02/03/2026 10:00:00 CET", "t", "IT") == datetime(2026, 3, 2, 9, tzinfo=UTC)
    assert decode("Größe".encode("cp1252"), None, "DE") == "Größe"
    assert decode("大きさ".encode("cp932"), None, "JP") == "大きさ"
    with pytest.raises(DataError):
        amount("much", "x")


def test_a_cut_or_foreign_file_is_refused() -> None:
    with pytest.raises(ContractError, match="no column sku"):
        list(read_table("Bestellnummer\tMenge\n1\t2\n", ["sku"]))
    with pytest.raises(TransientError, match="middle of a row"):
        list(read_table("sku\tquantity\nA\t1\nB", ["sku"]))
    with pytest.raises(TransientError, match="cut"):
        unpack(gzip.compress(b"x" * 1000)[:-9], "GZIP")
    with pytest.raises(TransientError):
        unpack(b"{}", "GZIP")
    with pytest.raises(ContractError):
        unpack(b"", "BROTLI")


# -- ads --------------------------------------------------------------------------------------------------------------


def test_report_rows_keep_windows_apart_and_unknown_as_none() -> None:
    row = {"date": "2026-02-01", "campaignId": 1, "adGroupId": 2, "adId": 3, "cost": Decimal("1.25"), "purchases7d": 4}
    day = date(2026, 2, 1)
    rows = map_report_row(row, report_of(PRODUCTS["sp"]), PROFILE, (day, day))
    found = {r.window: r for r in rows if isinstance(r, AdDay)}
    assert list(found) == ["default", "1d", "7d", "14d", "30d"]
    assert found["default"].conversions == 4
    assert found["1d"].conversions is None
    assert found["7d"].revenue is None
    assert found["7d"].clicks is None
    with pytest.raises(DataError, match="not among"):
        map_report_row(row, report_of(PRODUCTS["sp"]), PROFILE, (date(2026, 3, 1), date(2026, 3, 2)))


def test_display_writes_days_and_words_its_own_way() -> None:
    row = {"campaignId": 7, "state": "paused", "budget": 5, "budgetType": "daily", "startDate": "20260201"}
    found = map_campaign(row, PRODUCTS["sd"], PROFILE)
    assert (found.source_id, found.status, found.starts_at) == ("7", "paused", datetime(2026, 2, 1, 8, tzinfo=UTC))


def test_a_report_that_is_no_list_is_refused() -> None:
    assert rows_of(gzip.compress(b"[]")) == []
    with pytest.raises(ContractError):
        rows_of(gzip.compress(json.dumps({"rows": []}).encode()))


async def test_a_report_that_is_being_made_is_waited_for(bench: Callable[..., Bench]) -> None:
    stream = AmazonAds().stream("ad_days")
    async with bench(AmazonAds, products="sp") as bench_:
        await bench_.read(stream, stop_after=0)
        made: Any = bench_.emulator
        calm = await bench_.read(stream)
        running = next(iter(made._ads._reports.values()))
        running.polls = 0
        second = await bench_.read(stream)
    created = [e for e in second.exchanges if e.method == "POST"]
    assert [exchange.status for exchange in created] == [425]
    assert second.error is None
    assert second.state() == calm.state() != {}


async def test_a_product_that_the_account_lacks_is_left_out(bench: Callable[..., Bench]) -> None:
    async with bench(AmazonAds) as bench_:
        emulator: Any = bench_.emulator
        whole = emulator._ads._brands

        def refusing(request: Request) -> Any:
            if request.path.startswith("/sb/") or b"SPONSORED_BRANDS" in request.body:
                raise Fault(400, "400", "KDP authors do not have access to Sponsored Brands")
            return whole(request)

        emulator._ads._brands = refusing
        readings = [await bench_.read(stream) for stream in AmazonAds.streams]
    assert [reading.error for reading in readings] == [None] * 4
    assert all(reading.records for reading in readings)


async def test_old_days_are_asked_in_windows_that_amazon_still_has(bench: Callable[..., Bench]) -> None:
    async with bench(AmazonAds) as bench_:
        now = bench_.wiring.world.now
        reading = await bench_.read(AmazonAds().stream("ad_days"), since=now - days(400))
    asked = [json.loads(e.asked) for e in reading.exchanges if e.method == "POST"]
    assert reading.error is None
    assert len(asked) > 4
    spans = [date.fromisoformat(b["endDate"]) - date.fromisoformat(b["startDate"]) for b in asked]
    assert max(spans) <= days(30)
    assert any(isinstance(record, AdDay) for record in reading.records)
