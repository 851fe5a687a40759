"""What Acme's rows mean."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from shelftide_acme.mapping import map_order, map_stock
from shelftide_sdk import Money, map_rows
from shelftide_sdk.records import Order, OrderLine, OrderStatus, StockLevel

ROW = {
    "id": "A1",
    "placed_at": 1_772_442_000,
    "changed_at": 1_772_445_600,
    "state": "SENT",
    "buyer": "buyer-1",
    "currency": "EUR",
    "total_cents": 4_205,
    "lines": [{"id": "A1-1", "item": "I7", "pieces": 2, "total_cents": 3_700}],
}


def test_an_order_comes_with_exact_money_and_its_lines() -> None:
    order, line = map_order(ROW, "Europe/Rome")
    assert isinstance(order, Order)
    assert isinstance(line, OrderLine)
    assert (order.source_id, order.status, order.total) == ("A1", OrderStatus.SHIPPED, Money(Decimal("42.05"), "EUR"))
    assert order.placed_at == datetime(2026, 3, 2, 9, tzinfo=UTC)
    assert (line.order_id, line.quantity, line.total.amount) == ("A1", 2, Decimal("37.00"))


@pytest.mark.parametrize(
    "damage", [{"id": ""}, {"total_cents": 42.05}, {"currency": "EURO"}, {"placed_at": "yesterday"}, {"lines": None}]
)
def test_a_row_that_cannot_be_understood_is_rejected_with_a_reason(damage: dict[str, object]) -> None:
    records, rejects = map_rows([{**ROW, **damage}, ROW], lambda row: map_order(row, "Europe/Rome"), Order)
    assert len(records) == 2
    assert [bool(reject.reason) for reject in rejects] == [True]


def test_an_unknown_quantity_on_the_way_is_none_not_zero() -> None:
    row = {"item": "I7", "warehouse": "W1", "free": -2, "held": 1, "on_the_way": None, "counted_at": 1_772_442_000}
    (level,) = map_stock(row, "Europe/Rome")
    assert isinstance(level, StockLevel)
    assert (level.available, level.incoming) == (-2, None)
