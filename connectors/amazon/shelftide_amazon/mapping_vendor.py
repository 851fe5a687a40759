"""What Amazon's purchase orders at a vendor mean: Amazon is the buyer. Source: Vendor Orders API v1.

Quantities are pieces: a case counts as often as it holds pieces. A line costs its pieces at the net cost of one.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any

from shelftide_amazon.marketplaces import Marketplace
from shelftide_amazon.values import Row, identifier, maybe_moment, moment, money, part, parts, row_of, whole, word
from shelftide_sdk.errors import DataError
from shelftide_sdk.money import Money
from shelftide_sdk.records import ChannelKind, Order, OrderLine, OrderStatus

_STATES = {"new": OrderStatus.PENDING, "acknowledged": OrderStatus.OPEN, "closed": OrderStatus.COMPLETED}


def map_purchase_order(row: Any, market: Marketplace, zone: str) -> list[Order | OrderLine]:
    """A purchase order and its lines. Raises DataError."""
    row = row_of(row, "a purchase order")
    order_id, details = identifier(row.get("purchaseOrderNumber"), "purchaseOrderNumber"), part(row, "orderDetails")
    said = word(row, "purchaseOrderState")
    placed = moment(details.get("purchaseOrderDate"), "purchaseOrderDate")
    updated = max(placed, *_changes(details))
    lines = [_line(item, order_id, (placed, updated), zone) for item in parts(details, "items")]
    if not lines:
        raise DataError("the purchase order has no items")
    total = lines[0].total
    for line in lines[1:]:
        total += line.total
    order = Order(
        source_id=order_id,
        name=order_id,
        placed_at=placed,
        zone=zone,
        status=_STATES.get(said.lower(), OrderStatus.UNKNOWN),
        platform_status=said,
        channel_kind=ChannelKind.MARKETPLACE,
        channel="amazon",
        total=total,
        country=market.country,
        updated_at=updated,
    )
    return [order, *lines]


def _changes(details: Row) -> list[datetime]:
    names = ("purchaseOrderDate", "purchaseOrderChangedDate", "purchaseOrderStateChangedDate")
    return [found for name in names if (found := maybe_moment(details, name)) is not None]


def _line(item: Row, order_id: str, times: tuple[datetime, datetime], zone: str) -> OrderLine:
    ordered, cost = part(item, "orderedQuantity"), money(item.get("netCost"), "netCost")
    pieces = whole(ordered.get("amount"), "orderedQuantity.amount")
    if (ordered.get("unitOfMeasure") or "").lower() == "cases":
        pieces *= whole(ordered.get("unitSize"), "orderedQuantity.unitSize")
    sku = item.get("vendorProductIdentifier") or item.get("amazonProductIdentifier")
    return OrderLine(
        order_id=order_id,
        source_id=identifier(item.get("itemSequenceNumber"), "itemSequenceNumber"),
        placed_at=times[0],
        zone=zone,
        quantity=pieces,
        total=Money(cost.amount * Decimal(pieces), cost.currency),
        product_id=item.get("amazonProductIdentifier") or None,
        variant_id=identifier(sku, "vendorProductIdentifier"),
        sku=identifier(sku, "vendorProductIdentifier"),
        unit_price=cost,
        updated_at=times[1],
    )
