"""What single rows mean, and what becomes of rows that nobody has seen before."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from shelftide_sdk.errors import DataError
from shelftide_sdk.money import Money
from shelftide_sdk.records import AdLevel, BudgetMode, Content, ContentSnapshot, OrderLine, OrderStatus
from shelftide_xiaohongshu.mapping_ark import map_order, map_product, map_refund, map_stock
from shelftide_xiaohongshu.mapping_ark_money import map_transaction
from shelftide_xiaohongshu.mapping_juguang import map_campaign, map_cut, map_day, map_live
from shelftide_xiaohongshu.mapping_pugongying import map_deal, map_note
from shelftide_xiaohongshu.values import Strays

DAY = date(2026, 3, 1)
SPAN = (DAY, DAY)
MILLIS = 1_772_000_000_000


def yuan(amount: str) -> Money:
    return Money(Decimal(amount), "CNY")


def sku(**changes: Any) -> dict[str, Any]:
    row = {"skuId": "s1", "skuQuantity": 2, "totalPaidAmount": 9000, "totalRedDiscount": 500, "erpcode": "A-1"}
    return row | changes


def order(**changes: Any) -> dict[str, Any]:
    row = {"orderId": "P1", "orderStatus": 7, "createdTime": MILLIS, "updateTime": MILLIS, "totalPayAmount": 9000}
    return row | {"skuList": [sku()]} | changes


def test_fen_are_yuan_and_the_platforms_money_is_the_shops_revenue() -> None:
    found, line = map_order(order())
    assert isinstance(line, OrderLine)
    assert (found.total, line.total) == (yuan("90.00"), yuan("95.00"))  # type: ignore[attr-defined]  # an Order


def test_the_tax_of_an_order_is_unknown_where_that_of_a_line_is() -> None:
    taxed = [sku(totalTaxAmount=300), sku(skuId="s2", totalTaxAmount=0)]
    assert map_order(order(skuList=taxed))[0].tax == yuan("3.00")  # type: ignore[attr-defined]  # an Order
    taxed[1]["totalTaxAmount"] = None
    assert map_order(order(skuList=taxed))[0].tax is None  # type: ignore[attr-defined]  # an Order


def test_an_unknown_state_is_kept_as_unknown() -> None:
    found = map_order(order(orderStatus=77))[0]
    assert (found.status, found.platform_status) == (OrderStatus.UNKNOWN, "77")  # type: ignore[attr-defined]  # an Order


def test_a_gift_of_a_bought_sku_is_a_line_of_its_own_and_a_repeated_row_is_not() -> None:
    rows = [sku(), sku(skuTag=1, totalPaidAmount=0, totalRedDiscount=0), sku()]
    assert [r.source_id for r in map_order(order(skuList=rows)) if isinstance(r, OrderLine)] == ["s1", "s1-2"]


def test_a_sample_is_no_sale() -> None:
    assert map_order(order(orderTagList=["PRINTED", "SAMPLE"])) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"totalPayAmount": None},
        {"totalPayAmount": 10**40},
        {"totalPayAmount": 12.5},
        {"createdTime": 1_612_518_379},
        {"orderId": None},
        {"skuList": []},
        {"skuList": [sku(skuQuantity=None)]},
        {"skuList": [sku(skuQuantity="two")]},
        {"skuList": [sku(totalRedDiscount=None)]},
        {"skuList": "none"},
    ],
)
def test_orders_that_cannot_be_understood_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(DataError):
        map_order(order(**changes))


def refund(**changes: Any) -> dict[str, Any]:
    row = {"returnsId": "R1", "orderId": "P1", "refundStatus": 2, "updatedAt": MILLIS, "returnType": 1}
    return row | {"refundAmountYuan": Decimal("12.30"), "skus": [{"skuId": "s1", "appliedCount": 2}]} | changes


def test_only_money_that_was_given_back_is_a_refund() -> None:
    assert [(r.amount, r.quantity) for r in map_refund(refund())] == [(yuan("12.30"), 2)]  # type: ignore[attr-defined]  # a Refund
    assert [r.quantity for r in map_refund(refund(returnType=4))] == [0]  # type: ignore[attr-defined]  # a Refund
    assert map_refund(refund(refundStatus=1)) == []
    assert map_refund(refund(refundStatus=None)) == []
    with pytest.raises(DataError, match="999"):
        map_refund(refund(refundStatus=999))
    with pytest.raises(DataError, match="missing"):
        map_refund(refund(refundAmountYuan=None))


def test_stock_of_a_single_warehouse_shop_lies_at_the_platforms_name_for_it() -> None:
    figures = {"available": -3, "total": 7, "occupiedQuantity": 10}
    (level,) = map_stock({"skuStockInfo": {"skuId": "s1", "skuStockInfo": figures}}, "s1", None)
    assert (level.location_id, level.available, level.reserved) == ("CPartner", -3, None)  # type: ignore[attr-defined]  # a StockLevel
    rows = [{"skuId": "s2", "whcode": "a", "skuStockInfo": figures}]
    (other,) = map_stock({"skuStockInfoWithWhcode": rows}, "s1", "A-1")
    assert (other.stock_item_id, other.sku) == ("s2", None)  # type: ignore[attr-defined]  # a StockLevel
    with pytest.raises(DataError):
        map_stock({}, "s1", None)


def test_a_product_without_a_name_is_refused() -> None:
    with pytest.raises(DataError):
        map_product({"item": {"id": "i1"}, "sku": {"id": "s1"}})


def test_settled_refunds_are_negative_however_the_platform_writes_them() -> None:
    row = {"transactionId": 5, "settleBizType": 1, "settledTime": MILLIS, "amount": "9.40", "payAmount": "10.00"}
    kept = {"commissionAmount": "-0.60", "payChannelAmount": "0.00", "cpsAmount": "0.00", "installmentAmount": "0.00"}
    payout, fee = map_transaction(row | kept | {"extraAmount": "0.00"})
    assert (payout.amount, payout.fees) == (yuan("-9.40"), yuan("-0.60"))  # type: ignore[attr-defined]  # a Payout
    assert fee.kind == "commission"  # type: ignore[attr-defined]  # a Fee
    payout, fee = map_transaction(row | kept | {"extraAmount": None})
    assert (payout.fees, fee.amount) == (None, yuan("-0.60"))  # type: ignore[attr-defined]  # a part of them is not told


def report(**changes: Any) -> dict[str, Any]:
    row = {"time": "2026-03-01", "campaign_id": "12", "fee": "1,234.50", "impression": "12,345", "click": "67"}
    return row | {"success_goods_order": "3", "purchase_order_gmv_7d": "1,000.00", "ctr": "0.54%"} | changes


def test_text_with_commas_is_a_number_and_a_dash_is_unknown() -> None:
    (day,) = map_day(report(click="-", like=""), AdLevel.CAMPAIGN, "9", SPAN)
    assert (day.spend, day.impressions, day.conversions) == (yuan("1234.50"), 12345, Decimal(3))
    assert (day.clicks, day.likes, day.revenue) == (None, None, yuan("1000.00"))


def test_each_outside_window_is_a_record_of_its_own() -> None:
    found = map_day(report(external_goods_order_7="0", external_rgmv_30="5.00"), AdLevel.CAMPAIGN, "9", SPAN)
    assert [row.window for row in found] == ["default", "external_7d", "external_30d"]
    assert (found[1].conversions, found[1].revenue, found[1].spend) == (Decimal(0), None, None)


@pytest.mark.parametrize("changes", [{"time": "2026-03-02"}, {"fee": "free"}, {"campaign_id": "x"}, {"click": "1.5"}])
def test_report_rows_that_cannot_be_understood_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(DataError):
        map_day(report(**changes), AdLevel.CAMPAIGN, "9", SPAN)


def test_hours_and_placements() -> None:
    assert map_cut(report(time="2026-03-01 07:00:00"), "hour", "9", SPAN).bucket == "07"
    assert map_cut(report(time="7"), "hour", "9", SPAN).bucket == "07"
    assert map_cut(report(placement="2"), "placement", "9", SPAN).bucket == "search"
    for wrong in ({"placement": 5}, {"placement": None}):
        with pytest.raises(DataError, match="placement"):
            map_cut(report(**wrong), "placement", "9", SPAN)
    with pytest.raises(DataError, match="hour"):
        map_cut(report(time="2026-03-01 24"), "hour", "9", SPAN)


def test_todays_rows_keep_the_platforms_typing_error() -> None:
    about = {"creativity_id": 7, "unit_id": 5, "campaign_id": 3}
    for name in ("base_creativty_dto", "base_creativity_dto"):
        (row,) = map_live({name: about, "data": {"fee": "0.5"}}, AdLevel.AD, "9", DAY)
        assert (row.entity_id, row.ad_group_id, row.spend) == ("7", "5", yuan("0.5"))


def test_budgets_are_fen_and_limited_or_not() -> None:
    row = {"campaign_id": 1, "campaign_name": "春", "campaign_enable": 1, "campaign_day_budget": 50000}
    limited, free = (map_campaign({**row, "limit_day_budget": flag}, "9") for flag in (1, 0))
    assert (limited.budget, limited.budget_mode) == (yuan("500.00"), BudgetMode.DAILY)
    assert (free.budget, free.budget_mode) == (None, BudgetMode.NO_LIMIT)
    assert map_campaign({**row, "campaign_enable": 8}, "9").status == "state_8"


def note(**changes: Any) -> dict[str, Any]:
    row = {
        "date_key": "20260301",
        "kol_id": "k1",
        "note_id": "n1",
        "note_title": "好用 #护肤 #晨露精华",
        "read_num": "1,200",
    }
    return row | {"note_publish_time": "2026-02-27 10:00:00", "order_id": "o1", "kol_price": 500} | changes


def test_a_note_is_counted_to_the_end_of_its_day() -> None:
    content, shot = map_note(note(read_uv=None), DAY, Strays())
    assert isinstance(content, Content)
    assert isinstance(shot, ContentSnapshot)
    assert content.hashtags == ("护肤", "晨露精华")
    assert (shot.views, shot.reach, shot.captured_at.isoformat()) == (1200, None, "2026-03-01T16:00:00+00:00")
    assert map_note(note(note_id=""), DAY, Strays()) == []


def test_a_note_of_another_day_is_kept_once_and_told_when_it_comes_again() -> None:
    strays = Strays()
    assert len(map_note(note(date_key="20260228"), DAY, strays)) == 2
    with pytest.raises(DataError, match="20260228"):
        map_note(note(date_key="20260228"), DAY, strays)
    for _ in range(2):
        assert len(map_note(note(), DAY, strays)) == 2


def test_an_order_without_a_note_is_a_deal_that_waits() -> None:
    assert map_deal(note(note_id=None), DAY, Strays()).status == "ordered"
    deal = map_deal(note(), DAY, Strays())
    assert (deal.status, deal.fee, deal.content_id) == ("published", yuan("500"), "n1")
