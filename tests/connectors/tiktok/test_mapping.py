"""Rows that a calm world does not send: partial cancellations, gifts, samples, odd values."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from shelftide_sdk.connector import map_rows
from shelftide_sdk.errors import DataError
from shelftide_sdk.money import Money
from shelftide_sdk.records import Content, ContentKind, Order, OrderLine, Record, StockLevel
from shelftide_tiktok.mapping_organic import map_snapshot, map_video
from shelftide_tiktok.mapping_shop import Shop, is_sample, map_order, map_refund, map_stock
from shelftide_tiktok.markets import MARKETS, currency_of, zone_of
from shelftide_tiktok.values import identifier, moment, whole

SHOP = Shop(shop_id="7", region="GB", zone="Europe/London")
AT = datetime(2026, 7, 1, tzinfo=UTC)


def unit(sku: str = "11", **changes: Any) -> dict[str, Any]:
    row = {"id": "1", "sku_id": sku, "seller_sku": f"S-{sku}", "original_price": "10.00", "seller_discount": "1.00"}
    return {**row, "platform_discount": "2.00", "sale_price": "7.00", "currency": "GBP", **changes}


def order(*units: dict[str, Any], **changes: Any) -> dict[str, Any]:
    row = {
        "id": "5764614130387857521",
        "status": "AWAITING_SHIPMENT",
        "create_time": 1700000000,
        "update_time": 1700000100,
        "payment": {"currency": "GBP", "total_amount": "7.00"},
        "line_items": list(units),
    }
    return {**row, **changes}


def lines(*units: dict[str, Any], **changes: Any) -> list[OrderLine]:
    return [record for record in map_order(order(*units, **changes), SHOP) if isinstance(record, OrderLine)]


def test_units_of_one_sku_are_one_line_however_they_are_ordered() -> None:
    found = lines(unit("11"), unit("22"), unit("11", seller_discount="0.50"))
    assert [(line.source_id, line.quantity, line.total) for line in found] == [
        ("11", 2, Money(Decimal("18.50"), "GBP")),
        ("22", 1, Money(Decimal("9.00"), "GBP")),
    ]


def test_a_discount_that_is_not_told_is_not_taken_for_none() -> None:
    with pytest.raises(DataError, match="seller_discount"):
        lines(unit(seller_discount=None))


def test_a_gift_beside_a_paid_piece_has_no_single_unit_price() -> None:
    (line,) = lines(unit(), unit(original_price="0", seller_discount="0", is_gift=True))
    assert (line.quantity, line.total.amount, line.unit_price) == (2, Decimal("9.00"), None)


def test_single_cancelled_pieces_lower_the_current_quantity_only() -> None:
    (line,) = lines(unit(), unit(display_status="CANCELLED"))
    assert (line.quantity, line.current_quantity, line.cancelled) == (2, 1, False)
    (line,) = lines(unit(display_status="CANCELLED"))
    assert (line.current_quantity, line.cancelled) == (0, True)
    (line,) = lines(unit(), status="CANCELLED", cancel_time=1700000050)
    assert line.cancelled


def test_a_status_that_nobody_knows_keeps_the_platforms_word() -> None:
    (found, *_) = map_order(order(unit(), status="TELEPORTED"), SHOP)
    assert isinstance(found, Order)
    assert (found.status, found.platform_status) == ("unknown", "TELEPORTED")


@pytest.mark.parametrize(
    "broken",
    [
        {"id": 5.7e18},
        {"id": None},
        {"create_time": 1700000000000},
        {"update_time": None},
        {"payment": None},
        {"payment": {"currency": "GBP", "total_amount": 7.0}},
        {"payment": {"currency": "XXX", "total_amount": "7.00"}},
        {"line_items": []},
        {"line_items": "none"},
        {"line_items": [{"sku_id": "1", "original_price": None}]},
    ],
)
def test_an_order_that_cannot_be_understood_is_rejected_with_its_reason(broken: dict[str, Any]) -> None:
    records, rejects = map_rows([order(unit(), **broken)], lambda row: map_order(row, SHOP), Order)
    assert records == []
    assert len(rejects) == 1
    assert rejects[0].reason


def test_a_19_digit_id_keeps_its_digits() -> None:
    assert identifier(5764614130387857521) == identifier("5764614130387857521") == "5764614130387857521"
    for value in (5764614130387857521.0, True, "", None):
        with pytest.raises(DataError):
            identifier(value)


def test_samples_are_told_however_the_flag_is_written() -> None:
    assert is_sample({"is_sample_order": True})
    assert is_sample({"is_sample_order": "true"})
    assert not is_sample({"is_sample_order": "false"})
    assert not is_sample({})


def refund(**changes: Any) -> list[Record]:
    row = {
        "return_id": "9",
        "order_id": "5",
        "return_type": "RETURN_AND_REFUND",
        "return_status": "RETURN_OR_REFUND_REQUEST_COMPLETE",
        "refund_amount": {"currency": "GBP", "refund_total": "4.20"},
        "return_line_items": [{}, {}],
        "create_time": 1700000000,
        "update_time": 1700000100,
    }
    return map_refund({**row, **changes}, SHOP)


def test_only_money_that_was_given_back_is_a_refund() -> None:
    assert len(refund()) == 1
    assert refund(return_status="RETURN_OR_REFUND_REQUEST_PENDING") == []
    assert refund(return_status="RETURN_OR_REFUND_REQUEST_REJECT") == []
    assert refund(return_type="REPLACEMENT") == []
    with pytest.raises(DataError):
        refund(refund_amount=None)


def test_stock_without_a_warehouse_is_rejected_and_an_oversold_shelf_is_not() -> None:
    level = {"warehouse_id": "1", "available_quantity": -2, "committed_quantity": 3}
    rows = [
        {"product_id": "1", "skus": [{"id": "2", "warehouse_inventory": [level]}]},
        {"product_id": "3", "skus": [{"id": "4", "total_available_quantity": 5}]},
    ]
    records, rejects = map_rows(rows, map_stock, StockLevel)
    assert [(r.available, r.on_hand) for r in records if isinstance(r, StockLevel)] == [(-2, 1)]
    assert [reject.reason for reject in rejects] == ["the stock of 4 names no warehouse"]


def video(**changes: Any) -> dict[str, Any]:
    return {"item_id": "7123", "create_time": "1700000000", "caption": "hi #one #two_2 #one", **changes}


def test_figures_that_an_inactive_account_does_not_show_are_unknown_and_not_nothing() -> None:
    snapshot = map_snapshot(video(video_views=5), AT)
    assert (snapshot.views, snapshot.reach, snapshot.watch_seconds) == (5, None, None)
    assert map_snapshot(video(full_video_watched_rate=41.2), AT).full_watch_rate is None
    assert map_snapshot(video(full_video_watched_rate=0.412), AT).full_watch_rate == 0.412


def test_a_photo_post_is_a_carousel_and_hashtags_come_once() -> None:
    (content, _) = map_video(video(media_type="PHOTO"), "p", AT, None)
    assert isinstance(content, Content)
    assert (content.kind, content.hashtags) == (ContentKind.CAROUSEL, ("one", "two_2"))
    (content, _) = map_video(video(media_type="HOLOGRAM"), "p", AT, "v_pub~1")
    assert isinstance(content, Content)
    assert (content.kind, content.pending_id) == (ContentKind.OTHER, "v_pub~1")


def test_times_and_counts_are_strict() -> None:
    assert whole("-3", "n") == -3
    for value in (1.0, True, "1.5", "", None, "٣"):
        with pytest.raises(DataError):
            whole(value, "n")
    for value in (0, -5, 1700000000000, "x"):
        with pytest.raises(DataError):
            moment(value, "t")


def test_markets_have_real_zones_and_known_currencies() -> None:
    for region, market in MARKETS.items():
        assert AT.astimezone().tzinfo
        assert zone_of(region) == market.zone
        assert Money.parse("1", currency_of(region)).currency == market.currency
    assert (zone_of("ZZ"), currency_of("ZZ")) == ("UTC", None)


@pytest.mark.parametrize(
    ("state", "zone"),
    [
        ("California", "America/Los_Angeles"),
        (" texas ", "America/Chicago"),
        ("New Mexico", "America/Denver"),
        ("New York", "America/New_York"),
        ("", "America/New_York"),
    ],
)
def test_a_us_shop_reports_in_the_zone_of_its_default_warehouse(state: str, zone: str) -> None:
    other = {"type": "SALES_WAREHOUSE", "is_default": False, "address": {"state": "Hawaii"}}
    returns = {"type": "RETURN_WAREHOUSE", "is_default": True, "address": {"state": "Alaska"}}
    default = {"type": "SALES_WAREHOUSE", "is_default": True, "address": {"state": state}}
    warehouses: list[Any] = [returns, default] if not state else [other, returns, default]
    assert zone_of("US", warehouses) == zone
