"""What Walmart's rows mean."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from shelftide_sdk import Money, map_rows
from shelftide_sdk.records import Order, OrderLine, OrderStatus, StockLevel
from shelftide_walmart.mapping import map_order, map_stock


def line(number: str, status: str, price: str, tax: str | None = None) -> dict[str, Any]:
    charge = {"chargeType": "PRODUCT", "chargeAmount": {"currency": "USD", "amount": Decimal(price)}, "tax": None}
    if tax:
        charge["tax"] = {"taxName": "Tax1", "taxAmount": {"currency": "USD", "amount": Decimal(tax)}}
    return {
        "lineNumber": number,
        "item": {"sku": f"SKU-{number}", "productName": "Mug"},
        "charges": {"charge": [charge]},
        "orderLineQuantity": {"unitOfMeasurement": "EACH", "amount": "2"},
        "statusDate": 1_772_445_600_000,
        "orderLineStatuses": {"orderLineStatus": [{"status": status}]},
    }


def order(*lines: dict[str, Any], **changed: Any) -> dict[str, Any]:
    row = {"purchaseOrderId": "108", "customerOrderId": "200", "orderDate": 1_772_442_000_000}
    return {**row, "orderLines": {"orderLine": list(lines)}, **changed}


def test_an_order_is_the_sum_of_its_lines_to_the_cent() -> None:
    found, first, second = map_order(order(line("1", "Shipped", "69.99", "4.20"), line("2", "Created", "0.01")), "UTC")
    assert isinstance(found, Order)
    assert isinstance(first, OrderLine)
    assert isinstance(second, OrderLine)
    assert (found.total, found.tax) == (Money(Decimal("74.20"), "USD"), Money(Decimal("4.20"), "USD"))
    assert (found.subtotal, found.shipping) == (Money(Decimal("70.00"), "USD"), None)
    assert found.placed_at == datetime(2026, 3, 2, 9, tzinfo=UTC)
    assert (first.quantity, first.sku, second.total.amount) == (2, "SKU-1", Decimal("0.01"))


@pytest.mark.parametrize(
    ("states", "status"),
    [
        (("Created", "Acknowledged"), OrderStatus.OPEN),
        (("Created", "Shipped"), OrderStatus.SHIPPED),
        (("Delivered", "Shipped"), OrderStatus.SHIPPED),
        (("Delivered", "Cancelled"), OrderStatus.COMPLETED),
        (("Cancelled", "Cancelled"), OrderStatus.CANCELLED),
        (("Created", "Lost at sea"), OrderStatus.UNKNOWN),
    ],
)
def test_the_state_of_an_order_follows_from_its_lines(states: tuple[str, ...], status: OrderStatus) -> None:
    found = map_order(order(*(line(str(n), state, "1.00") for n, state in enumerate(states))), "UTC")[0]
    assert isinstance(found, Order)
    assert found.status is status


@pytest.mark.parametrize(
    ("node", "extra"),
    [
        ({"type": "WFSFulfilled"}, ("walmart.ship_node_type=WFSFulfilled",)),
        ({"type": None}, None),
        ({}, None),
        ("WFSFulfilled", None),
        (None, None),
    ],
)
def test_who_sends_an_order_is_kept_under_walmarts_name(node: Any, extra: tuple[str, ...] | None) -> None:
    assert map_order(order(line("1", "Shipped", "1.00"), shipNode=node), "UTC")[0].extra == extra


def test_a_float_is_no_amount_and_two_currencies_make_no_total() -> None:
    wrong = line("1", "Shipped", "1")
    wrong["charges"]["charge"][0]["chargeAmount"]["amount"] = 69.99
    mixed = line("2", "Shipped", "1")
    mixed["charges"]["charge"][0]["chargeAmount"]["currency"] = "CAD"
    rows = [order(wrong), order(line("1", "Shipped", "1"), mixed), order(), order(line("1", "Shipped", "1"))]
    records, rejects = map_rows(rows, lambda row: map_order(row, "UTC"), Order)
    assert (len(records), len(rejects)) == (2, 3)
    assert "not an amount" in rejects[0].reason
    assert "mix" in rejects[1].reason


def test_stock_that_walmart_does_not_tell_is_unknown_not_zero() -> None:
    node = {"shipNode": "N1", "availToSellQty": {"unit": "EACH", "amount": 95}}
    row = json.loads(json.dumps({"sku": "A", "nodes": [node]}))
    (level,) = map_stock(row)
    assert isinstance(level, StockLevel)
    assert (level.available, level.on_hand, level.reserved) == (95, None, None)
