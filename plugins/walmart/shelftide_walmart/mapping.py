"""What Walmart's rows mean. Pure functions: row in, records out; a row that makes no sense raises DataError."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import reduce
from typing import Any

from shelftide_sdk import DataError, Money
from shelftide_sdk.records import ChannelKind, Customer, Order, OrderLine, OrderStatus, Record, StockLevel, own_fields

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OPEN = {"Created", "Acknowledged"}
_GONE = {"Shipped", "Delivered"}


def map_order(row: Any, zone: str) -> list[Record]:
    """A purchase order and its lines. Times are milliseconds since 1970; the state follows from the lines."""
    lines = row["orderLines"]["orderLine"]
    if not isinstance(lines, list) or not lines:
        raise DataError("an order without lines")
    states = [state for line in lines for state in _states(line)]
    charges = [charge for line in lines for charge in _charges(line)]
    taxes = [tax for line in lines for tax in _taxes(line)]
    shipping = [money for line in lines for money in _charges(line, "SHIPPING")]
    changed = max(_moment(line["statusDate"]) for line in lines)
    buyer = row.get("customerEmailId")
    order = Order(
        source_id=_text(row, "purchaseOrderId"),
        name=_text(row, "customerOrderId"),
        placed_at=_moment(row["orderDate"]),
        zone=zone,
        status=_status(set(states)),
        platform_status=", ".join(sorted(set(states))),
        channel_kind=ChannelKind.MARKETPLACE,
        channel="walmart",
        total=_sum([*charges, *taxes]),
        subtotal=_sum([money for line in lines for money in _charges(line, "PRODUCT")]),
        shipping=_sum(shipping) if shipping else None,
        tax=_sum(taxes) if taxes else None,
        customer=Customer(email=buyer) if isinstance(buyer, str) and buyer else None,
        updated_at=changed,
        extra=own_fields("walmart", ship_node_type=_ship_node_type(row)),
    )
    return [order, *(_line(line, order) for line in lines)]


def _ship_node_type(row: Any) -> str | None:
    """Who sends the order: the seller, Walmart's own warehouses, a third party. No record has a field for it."""
    node = row.get("shipNode")
    kind = node.get("type") if isinstance(node, dict) else None
    return kind[:100] if isinstance(kind, str) and kind else None


def _line(row: Any, order: Order) -> OrderLine:
    states = set(_states(row))
    item = row["item"]
    return OrderLine(
        order_id=order.source_id,
        source_id=_text(row, "lineNumber"),
        placed_at=order.placed_at,
        zone=order.zone,
        quantity=_quantity(row["orderLineQuantity"]),
        total=_sum(list(_charges(row, "PRODUCT"))),
        sku=_text(item, "sku"),
        title=item.get("productName") or None,
        cancelled=states == {"Cancelled"},
        updated_at=_moment(row["statusDate"]),
    )


def map_stock(row: Any) -> list[Record]:
    """Pieces of one item at each ship node. `inputQty` is what lies there, `availToSellQty` what may be sold."""
    sku = _text(row, "sku")
    nodes = row["nodes"]
    if not isinstance(nodes, list):
        raise DataError("an item without ship nodes")
    return [
        StockLevel(
            stock_item_id=sku,
            sku=sku,
            location_id=_text(node, "shipNode"),
            available=_quantity(node["availToSellQty"]),
            on_hand=_known(node, "inputQty"),
            reserved=_known(node, "reservedQty"),
        )
        for node in nodes
    ]


def _known(node: Any, name: str) -> int | None:
    return None if node.get(name) is None else _quantity(node[name])


def _status(states: set[str]) -> OrderStatus:
    left = states - {"Cancelled"}
    if not left:
        return OrderStatus.CANCELLED
    if left == {"Delivered"}:
        return OrderStatus.COMPLETED
    if left <= _OPEN:
        return OrderStatus.OPEN
    return OrderStatus.SHIPPED if left <= _OPEN | _GONE else OrderStatus.UNKNOWN


def _states(line: Any) -> list[str]:
    found = [_text(state, "status") for state in line["orderLineStatuses"]["orderLineStatus"]]
    if not found:
        raise DataError("a line without a state")
    return found


def _charges(line: Any, kind: str | None = None) -> Iterator[Money]:
    """Charges of a line; a discount is one below zero."""
    for charge in line["charges"]["charge"]:
        if kind is None or _text(charge, "chargeType") == kind:
            yield _money(charge["chargeAmount"])


def _taxes(line: Any) -> Iterator[Money]:
    for charge in line["charges"]["charge"]:
        if charge.get("tax") is not None:
            yield _money(charge["tax"]["taxAmount"])


def _sum(amounts: list[Money]) -> Money:
    if not amounts:
        raise DataError("no charge says what was paid")
    return reduce(Money.__add__, amounts)


def _money(value: Any) -> Money:
    amount = value["amount"]
    if type(amount) not in (int, Decimal):
        raise DataError(f"not an amount: {amount!r}")
    return Money.parse(Decimal(amount), value["currency"])


def _quantity(value: Any) -> int:
    """Order lines count in text ("1"), inventories in numbers; both name the unit."""
    amount = value["amount"]
    if isinstance(amount, str) and amount.lstrip("-").isdecimal() and amount.isascii():
        amount = int(amount)
    if type(amount) is not int or abs(amount) >= 2**31:
        raise DataError(f"not a number of pieces: {amount!r}")
    return amount


def _text(row: Any, name: str) -> str:
    value = row[name]
    if not isinstance(value, str) or not value:
        raise DataError(f"{name} is not a text: {value!r}")
    return value


def _moment(milliseconds: Any) -> datetime:
    if type(milliseconds) is not int:
        raise DataError(f"not a time in milliseconds: {milliseconds!r}")
    return _EPOCH + timedelta(milliseconds=milliseconds)
