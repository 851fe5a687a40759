"""What Acme's rows mean. Pure functions: row in, records out; a row that cannot be understood raises DataError."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from shelftide_sdk import Money
from shelftide_sdk.errors import DataError
from shelftide_sdk.records import (
    ChannelKind,
    Customer,
    Order,
    OrderLine,
    OrderStatus,
    Product,
    Record,
    StockLevel,
    Variant,
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STATES = {
    "PAID": OrderStatus.OPEN,
    "SENT": OrderStatus.SHIPPED,
    "DONE": OrderStatus.COMPLETED,
    "CANCELLED": OrderStatus.CANCELLED,
}


def map_order(row: Any, zone: str) -> list[Record]:
    """An order and its lines."""
    key, placed_at, changed_at = _text(row, "id"), _moment(row["placed_at"]), _moment(row["changed_at"])
    order = Order(
        source_id=key,
        placed_at=placed_at,
        zone=zone,
        status=_STATES.get(row["state"], OrderStatus.UNKNOWN),
        platform_status=_text(row, "state"),
        channel_kind=ChannelKind.MARKETPLACE,
        total=_money(row["total_cents"], row["currency"]),
        customer=Customer(platform_id=_text(row, "buyer")),
        updated_at=changed_at,
    )
    return [order, *(_line(line, order, row["currency"]) for line in row["lines"])]


def _line(row: Any, order: Order, currency: str) -> OrderLine:
    return OrderLine(
        order_id=order.source_id,
        source_id=_text(row, "id"),
        placed_at=order.placed_at,
        zone=order.zone,
        quantity=_number(row["pieces"]),
        total=_money(row["total_cents"], currency),
        variant_id=_text(row, "item"),
        cancelled=order.status is OrderStatus.CANCELLED,
        updated_at=order.updated_at,
    )


def map_product(row: Any, zone: str) -> list[Record]:
    """A product and its items."""
    product = Product(
        source_id=_text(row, "id"),
        title=_text(row, "name"),
        status=_text(row, "state"),
        created_at=_moment(row["made_at"]),
    )
    items = [
        Variant(
            source_id=_text(item, "id"),
            product_id=product.source_id,
            title=_text(item, "name"),
            sku=_text(item, "sku"),
            price=_money(item["price_cents"], item["currency"]),
            stock_item_id=_text(item, "id"),
        )
        for item in row["items"]
    ]
    return [product, *items]


def map_stock(row: Any, zone: str) -> list[Record]:
    """Pieces of one item in one warehouse."""
    return [
        StockLevel(
            stock_item_id=_text(row, "item"),
            location_id=_text(row, "warehouse"),
            available=_number(row["free"]),
            committed=_number(row["held"]),
            incoming=None if row["on_the_way"] is None else _number(row["on_the_way"]),
            updated_at=_moment(row["counted_at"]),
        )
    ]


def _text(row: Any, name: str) -> str:
    value = row[name]
    if not isinstance(value, str) or not value:
        raise DataError(f"{name} is not a text: {value!r}")
    return value


def _number(value: Any) -> int:
    if type(value) is not int or abs(value) >= 2**63:
        raise DataError(f"not a number of pieces: {value!r}")
    return value


def _money(cents: Any, currency: Any) -> Money:
    """Acme counts hundredths, in every currency."""
    if type(cents) is not int:
        raise DataError(f"not an amount in hundredths: {cents!r}")
    return Money.parse(Decimal(cents).scaleb(-2), currency)


def _moment(seconds: Any) -> datetime:
    if type(seconds) is not int:
        raise DataError(f"not a time in seconds: {seconds!r}")
    return _EPOCH + timedelta(seconds=seconds)
