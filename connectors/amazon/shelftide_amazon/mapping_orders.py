"""What Amazon's orders mean: the new search (2026-01-01), the old one (v0), and the flat file by last update.

Line totals are after the seller's discount, before tax and shipping. Multi-channel orders, which Amazon only ships for
another shop, are that shop's: `is_foreign` names them.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from shelftide_amazon.marketplaces import Marketplace
from shelftide_amazon.tables import amount, cell, local_moment
from shelftide_amazon.values import (
    Row,
    identifier,
    maybe_money,
    maybe_word,
    moment,
    part,
    parts,
    row_of,
    whole,
    word,
)
from shelftide_sdk.errors import DataError
from shelftide_sdk.money import Money
from shelftide_sdk.records import ChannelKind, Customer, Order, OrderLine, OrderStatus

STATUSES = {
    "PENDINGAVAILABILITY": OrderStatus.PENDING,
    "PENDING": OrderStatus.PENDING,
    "INVOICEUNCONFIRMED": OrderStatus.OPEN,
    "UNSHIPPED": OrderStatus.OPEN,
    "PARTIALLYSHIPPED": OrderStatus.OPEN,
    "SHIPPING": OrderStatus.SHIPPED,
    "SHIPPED": OrderStatus.SHIPPED,
    "CANCELLED": OrderStatus.CANCELLED,
    "CANCELED": OrderStatus.CANCELLED,
    "UNFULFILLABLE": OrderStatus.CANCELLED,
}
_PERSONAL = ("buyer", "recipient", "packages", "payment", "tax", "BuyerInfo", "ShippingAddress", "BuyerTaxInformation")
_PERSONAL_COLUMNS = ("ship-city", "ship-state", "ship-postal-code", "cpf", "purchase-order-number")
_FOREIGN = frozenset({"NON_AMAZON", "NON-AMAZON"})
_NOTHING = Decimal(0)


def status_of(said: str) -> OrderStatus:
    """The state behind Amazon's word in any of its spellings."""
    return STATUSES.get(said.replace("_", "").replace(" ", "").upper(), OrderStatus.UNKNOWN)


def impersonal(row: Any) -> Any:
    """An order without persons, of whom only country and relay address stay."""
    if not isinstance(row, Mapping):
        return row
    kept = {key: value for key, value in row.items() if key not in (*_PERSONAL, *_PERSONAL_COLUMNS)}
    for holder, name, more in (("recipient", "deliveryAddress", "countryCode"), ("ShippingAddress", "", "CountryCode")):
        found = row.get(holder)
        found = found.get(name) if name and isinstance(found, Mapping) else found
        if isinstance(found, Mapping) and isinstance(found.get(more), str):
            kept["country"] = found[more]
    for holder, name in (("buyer", "buyerEmail"), ("BuyerInfo", "BuyerEmail")):
        found = row.get(holder)
        if isinstance(found, Mapping) and isinstance(found.get(name), str):
            kept["email"] = found[name]
    return kept


def is_foreign(row: Any) -> bool:
    """Whether an order was placed in another shop and is only shipped by Amazon."""
    if not isinstance(row, Mapping):
        return False
    channel = row.get("salesChannel")
    said = channel.get("channelName") if isinstance(channel, Mapping) else None
    said = said or row.get("SalesChannel") or row.get("sales-channel")
    return isinstance(said, str) and said.upper() in _FOREIGN


def is_unpriced(row: Any) -> bool:
    """Whether an order is still pending and has no sums yet: it comes again when it has."""
    if not isinstance(row, Mapping):
        return False
    fulfillment = row.get("fulfillment")
    said = fulfillment.get("fulfillmentStatus") if isinstance(fulfillment, Mapping) else row.get("OrderStatus")
    if not isinstance(said, str) or status_of(said) is not OrderStatus.PENDING:
        return False
    proceeds = row.get("proceeds")
    total = proceeds.get("grandTotal") if isinstance(proceeds, Mapping) else row.get("OrderTotal")
    return total is None


# -- 2026-01-01 -------------------------------------------------------------------------------------------------------


def map_order(row: Any, market: Marketplace, zone: str) -> list[Order | OrderLine]:
    """An order of the new search and its lines. Raises DataError."""
    row = row_of(row, "an order")
    order_id = identifier(row.get("orderId"), "orderId")
    said = word(part(row, "fulfillment"), "fulfillmentStatus")
    status, placed = status_of(said), moment(row.get("createdTime"), "createdTime")
    updated = moment(row.get("lastUpdatedTime"), "lastUpdatedTime")
    items = parts(row, "orderItems")
    sums = _sums(parts(part(row, "proceeds"), "breakdowns"))
    cancelled = status is OrderStatus.CANCELLED
    lines = [
        _line(item, order_id=order_id, market=market, cancelled=cancelled, times=(placed, updated), zone=zone)
        for item in items
    ]
    if len({line.source_id for line in lines}) < len(lines):
        raise DataError("an order has two items with one id")
    currency = next(iter(sums.values())).currency if sums else market.currency
    order = Order(
        source_id=order_id,
        name=order_id,
        placed_at=placed,
        zone=zone,
        status=status,
        platform_status=said,
        channel_kind=ChannelKind.MARKETPLACE,
        channel="amazon",
        total=_total(maybe_money(part(row, "proceeds"), "grandTotal"), cancelled, currency),
        subtotal=sums.get("ITEM"),
        shipping=sums.get("SHIPPING"),
        tax=sums.get("TAX"),
        discount=_positive(sums.get("DISCOUNT")),
        customer=_customer(row),
        country=maybe_word(row, "country"),
        cancel_reason=_cancel_reason(items) if cancelled else None,
        updated_at=updated,
    )
    return [order, *lines]


def _total(found: Money | None, cancelled: bool, currency: str) -> Money:
    """Amazon charges when it ships: of a cancelled order without a sum nothing was charged."""
    if found is not None:
        return found
    if cancelled:
        return Money(_NOTHING, currency)
    raise DataError("the order has no total")


def _sums(breakdowns: Iterable[Row]) -> dict[str, Money]:
    found: dict[str, Money] = {}
    for entry in breakdowns:
        kind, value = word(entry, "type"), maybe_money(entry, "subtotal")
        if value is not None:
            found[kind] = found[kind] + value if kind in found else value
    return found


def _positive(value: Money | None) -> Money | None:
    return None if value is None else Money(abs(value.amount), value.currency)


def _line(
    item: Row, *, order_id: str, market: Marketplace, cancelled: bool, times: tuple[datetime, datetime], zone: str
) -> OrderLine:
    product, proceeds = part(item, "product"), part(item, "proceeds")
    quantity = whole(item.get("quantityOrdered"), "quantityOrdered")
    unit = maybe_money(part(product, "price"), "unitPrice")
    sums = _sums(parts(proceeds, "breakdowns"))
    discount = _item_discount(parts(proceeds, "breakdowns"))
    gone = item.get("cancellation") is not None and "cancellationExecution" in part(item, "cancellation")
    return OrderLine(
        order_id=order_id,
        source_id=identifier(item.get("orderItemId"), "orderItemId"),
        placed_at=times[0],
        zone=zone,
        quantity=quantity,
        total=_line_total(sums, discount, maybe_money(proceeds, "proceedsTotal"), unit, (quantity, cancelled, market)),
        product_id=maybe_word(product, "asin"),
        variant_id=maybe_word(product, "sellerSku"),
        sku=maybe_word(product, "sellerSku"),
        title=maybe_word(product, "title"),
        unit_price=unit,
        discount=discount,
        cancelled=cancelled or gone,
        updated_at=times[1],
    )


def _line_total(
    sums: Mapping[str, Money],
    discount: Money | None,
    total: Money | None,
    unit: Money | None,
    about: tuple[int, bool, Marketplace],
) -> Money:
    quantity, cancelled, market = about
    item = sums.get("ITEM")
    if item is not None:
        return item - discount if discount is not None else item
    if total is not None:
        return total
    if unit is not None:
        return Money(unit.amount * quantity, unit.currency)
    if cancelled:
        return Money(_NOTHING, market.currency)
    raise DataError("an item has no price")


def _item_discount(breakdowns: Sequence[Row]) -> Money | None:
    """The part of the discount that is the item's own, not its shipping's; without detail all of it."""
    for entry in breakdowns:
        if entry.get("type") == "DISCOUNT":
            details = parts(entry, "detailedBreakdowns")
            own = [maybe_money(d, "value") for d in details if d.get("subtype") == "ITEM"]
            return _positive(own[0] if own else None if details else maybe_money(entry, "subtotal"))
    return None


def _cancel_reason(items: Sequence[Row]) -> str | None:
    for item in items:
        cancellation = part(item, "cancellation")
        for name in ("cancellationExecution", "cancellationRequest"):
            reason = maybe_word(part(cancellation, name), "cancelReason")
            if reason:
                return reason
    return None


def _customer(row: Row) -> Customer | None:
    email = row.get("email")
    return Customer(email=email) if isinstance(email, str) and "@" in email else None


# -- v0 ---------------------------------------------------------------------------------------------------------------


def map_order_v0(row: Any, items: Sequence[Any], market: Marketplace, zone: str) -> list[Order | OrderLine]:
    """An order of the old search with its items. `ItemPrice` is for the whole line. Raises DataError."""
    row = row_of(row, "an order")
    order_id = identifier(row.get("AmazonOrderId"), "AmazonOrderId")
    said = word(row, "OrderStatus")
    status, placed = status_of(said), moment(row.get("PurchaseDate"), "PurchaseDate")
    updated = moment(row.get("LastUpdateDate"), "LastUpdateDate")
    cancelled = status is OrderStatus.CANCELLED
    lines = [
        _line_v0(
            row_of(item, "an item"),
            order_id=order_id,
            market=market,
            cancelled=cancelled,
            order=(placed, updated, zone),
        )
        for item in items
    ]
    order = Order(
        source_id=order_id,
        name=order_id,
        placed_at=placed,
        zone=zone,
        status=status,
        platform_status=said,
        channel_kind=ChannelKind.MARKETPLACE,
        channel="amazon",
        total=_total(_money_v0(row, "OrderTotal"), cancelled, market.currency),
        customer=_customer(row),
        country=maybe_word(row, "country"),
        updated_at=updated,
    )
    return [order, *lines]


def _money_v0(row: Row, name: str) -> Money | None:
    return maybe_money(row, name, "Amount", "CurrencyCode")


def _line_v0(
    item: Row, *, order_id: str, market: Marketplace, cancelled: bool, order: tuple[datetime, datetime, str]
) -> OrderLine:
    price, discount = _money_v0(item, "ItemPrice"), _positive(_money_v0(item, "PromotionDiscount"))
    quantity = whole(item.get("QuantityOrdered"), "QuantityOrdered")
    if price is None and not cancelled:
        raise DataError("an item has no price")
    total = price or Money(_NOTHING, market.currency)
    return OrderLine(
        order_id=order_id,
        source_id=identifier(item.get("OrderItemId"), "OrderItemId"),
        placed_at=order[0],
        zone=order[2],
        quantity=quantity,
        total=total - discount if discount is not None and price is not None else total,
        product_id=maybe_word(item, "ASIN"),
        variant_id=maybe_word(item, "SellerSKU"),
        sku=maybe_word(item, "SellerSKU"),
        title=maybe_word(item, "Title"),
        unit_price=_each(price, quantity),
        discount=discount,
        cancelled=cancelled,
        updated_at=order[1],
    )


def _each(price: Money | None, quantity: int) -> Money | None:
    return None if price is None or quantity < 1 else Money(round(price.amount / quantity, 6), price.currency)


# -- flat file --------------------------------------------------------------------------------------------------------

ORDER_COLUMNS = (
    "amazon-order-id",
    "purchase-date",
    "last-updated-date",
    "order-status",
    "quantity",
    "sku",
    "item-price",
)


def map_order_rows(rows: Sequence[Mapping[str, str]], market: Marketplace, zone: str) -> list[Order | OrderLine]:
    """One order of the flat file, which has a row an item and no sum of the order. Raises DataError."""
    rows = sorted(rows, key=lambda row: [row.get(name, "") for name in ("sku", "item-price", "quantity")])
    first = rows[0]
    order_id = identifier(cell(first, "amazon-order-id"), "amazon-order-id")
    said = word(first, "order-status")
    status = status_of(said)
    placed = local_moment(cell(first, "purchase-date"), "purchase-date", market.country)
    updated = max(local_moment(cell(row, "last-updated-date"), "last-updated-date", market.country) for row in rows)
    cancelled = status is OrderStatus.CANCELLED
    lines = [
        _line_row(
            row, number, order_id=order_id, market=market, cancelled=cancelled, times=(placed, updated), zone=zone
        )
        for number, row in _numbered(rows)
    ]
    currency = lines[0].total.currency
    shipping, tax = _column(rows, "shipping-price"), _columns(rows, ("item-tax", "shipping-tax", "gift-wrap-tax"))
    wrap, off = _column(rows, "gift-wrap-price"), _column(rows, "ship-promotion-discount")
    net = sum((line.total.amount for line in lines), _NOTHING)
    total = net + (shipping or _NOTHING) + (tax or _NOTHING) + (wrap or _NOTHING) - abs(off or _NOTHING)
    order = Order(
        source_id=order_id,
        name=order_id,
        placed_at=placed,
        zone=zone,
        status=status,
        platform_status=said,
        channel_kind=ChannelKind.MARKETPLACE,
        channel="amazon",
        total=Money.parse(total, currency),
        subtotal=Money(net, currency),
        shipping=None if shipping is None else Money(shipping, currency),
        tax=None if tax is None else Money(tax, currency),
        country=cell(first, "ship-country"),
        promo_codes=(),
        updated_at=updated,
    )
    return [order, *lines]


def is_unpriced_row(row: Mapping[str, str]) -> bool:
    """Whether a row of the flat file belongs to a pending order that has no price yet."""
    return status_of(row.get("order-status", "")) is OrderStatus.PENDING and not row.get("item-price")


def _numbered(rows: Sequence[Mapping[str, str]]) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Rows with how many of their SKU came so far."""
    seen: Counter[str] = Counter()
    for row in rows:
        seen[row.get("sku", "")] += 1
        yield seen[row.get("sku", "")], row


def _column(rows: Sequence[Mapping[str, str]], name: str) -> Decimal | None:
    found = [amount(cell(row, name), name) for row in rows]
    known = [value for value in found if value is not None]
    return sum(known, _NOTHING) if known else None


def _columns(rows: Sequence[Mapping[str, str]], names: Sequence[str]) -> Decimal | None:
    known = [value for value in (_column(rows, name) for name in names) if value is not None]
    return sum(known, _NOTHING) if known else None


def _line_row(
    row: Mapping[str, str],
    number: int,
    *,
    order_id: str,
    market: Marketplace,
    cancelled: bool,
    times: tuple[datetime, datetime],
    zone: str,
) -> OrderLine:
    price = amount(cell(row, "item-price"), "item-price")
    off = amount(cell(row, "item-promotion-discount"), "item-promotion-discount")
    currency = cell(row, "currency") or (market.currency if cancelled else None)
    if price is None and not cancelled:
        raise DataError("an item has no price")
    quantity = whole(cell(row, "quantity"), "quantity")
    net = (price or _NOTHING) - abs(off or _NOTHING) if price is not None else _NOTHING
    total = Money.parse(net, currency)
    return OrderLine(
        order_id=order_id,
        # The file has no item id; a SKU comes once in an order, or else is counted.
        source_id=cell(row, "order-item-id") or word(row, "sku") + (f"#{number}" if number > 1 else ""),
        placed_at=times[0],
        zone=zone,
        quantity=quantity,
        total=total,
        product_id=cell(row, "asin"),
        variant_id=word(row, "sku"),
        sku=word(row, "sku"),
        title=cell(row, "product-name"),
        unit_price=_each(None if price is None else Money(price, total.currency), quantity),
        discount=None if off is None else Money(abs(off), total.currency),
        cancelled=cancelled or status_of(row.get("item-status", "")) is OrderStatus.CANCELLED,
        updated_at=times[1],
    )
