"""What TikTok Shop's rows mean. Pure functions: a row in, records out.

Money: `OrderLine.total` is what the brand sells for (original price less the seller's discount). What TikTok adds from
its own pocket (`platform_discount`) lowers what the buyer pays, `Order.total`, and never a line. So

    Order.total = Order.subtotal - platform discount + shipping + tax (and the market's small fees)
    Order.subtotal = sum of OrderLine.total

Source: Partner API documentation, "Get Order List", "Search Products", "Inventory Search", "Search Returns".
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from shelftide_sdk.connector import Reject
from shelftide_sdk.errors import DataError
from shelftide_sdk.money import Money
from shelftide_sdk.records import (
    ChannelKind,
    Customer,
    Location,
    Order,
    OrderLine,
    OrderStatus,
    Paid,
    Payout,
    Product,
    Record,
    Refund,
    StockLevel,
    Touch,
    Variant,
)
from shelftide_tiktok.values import (
    Row,
    identifier,
    maybe_identifier,
    maybe_moment,
    maybe_money,
    maybe_whole,
    moment,
    money,
    rows,
    whole,
)

CHANNEL = "tiktok"
_STATUSES = {
    "UNPAID": OrderStatus.PENDING,
    "ON_HOLD": OrderStatus.OPEN,
    "AWAITING_SHIPMENT": OrderStatus.OPEN,
    "PARTIALLY_SHIPPING": OrderStatus.OPEN,
    "AWAITING_COLLECTION": OrderStatus.OPEN,
    "IN_TRANSIT": OrderStatus.SHIPPED,
    "DELIVERED": OrderStatus.SHIPPED,
    "COMPLETED": OrderStatus.COMPLETED,
    "CANCELLED": OrderStatus.CANCELLED,
}
# Money has been given back in these states only; a request that is pending or refused is no refund.
_CONTENTS = frozenset({"video", "live"})
_SETTLED = frozenset({"RETURN_OR_REFUND_REQUEST_SUCCESS", "RETURN_OR_REFUND_REQUEST_COMPLETE"})
_PAID_BACK = _SETTLED | {"REPLACEMENT_REQUEST_REFUND_SUCCESS"}
_NOT_PAID_BACK = frozenset(
    {
        "RETURN_OR_REFUND_REQUEST_PENDING",
        "RETURN_OR_REFUND_REQUEST_REJECT",
        "RETURN_OR_REFUND_REQUEST_CANCEL",
        "REFUND_OR_RETURN_REQUEST_REJECT",
        "AWAITING_BUYER_SHIP",
        "AWAITING_BUYER_RESPONSE",
        "BUYER_SHIPPED_ITEM",
        "REJECT_RECEIVE_PACKAGE",
        "REPLACEMENT_REQUEST_PENDING",
        "REPLACEMENT_REQUEST_REJECT",
        "REPLACEMENT_REQUEST_CANCEL",
        "REPLACEMENT_REQUEST_COMPLETE",
    }
)


class Shop(msgspec.Struct, frozen=True, kw_only=True):
    """Facts that every mapping needs. `zone` is the reporting zone."""

    shop_id: str
    region: str
    zone: str


def is_sample(row: Row) -> bool:
    """A free sample for a creator: no sale."""
    return row.get("is_sample_order") in (True, "true", "True", 1)


def map_order(row: Row, shop: Shop) -> list[Record]:
    """An order with its lines and, where it was placed in a live room, the touch of that room."""
    payment = row.get("payment")
    if not isinstance(payment, dict):
        raise DataError("payment is missing")
    order = _order(row, payment, shop)
    units: dict[str, list[Row]] = {}
    for unit in rows(row, "line_items"):
        units.setdefault(identifier(unit["sku_id"], "sku_id"), []).append(unit)
    if not units:
        raise DataError("the order has no line items")
    lines = [map_line(sku_id, group, order) for sku_id, group in units.items()]
    rooms = dict.fromkeys(line.live_id for line in lines if line.live_id)
    touches = [_room_touch(room, order, position) for position, room in enumerate(rooms)]
    return [_with_subtotal(order, lines), *lines, *touches]


def _order(row: Row, payment: Row, shop: Shop) -> Order:
    status = str(row.get("status") or "")
    cancelled = status == "CANCELLED"
    currency = payment.get("currency")
    buyer = maybe_identifier(row.get("user_id"))
    return Order(
        source_id=identifier(row["id"]),
        placed_at=moment(row["create_time"], "create_time"),
        zone=shop.zone,
        status=_STATUSES.get(status, OrderStatus.UNKNOWN),
        channel_kind=ChannelKind.IN_APP,
        channel=str(row.get("commerce_platform") or "TIKTOK_SHOP").lower(),
        platform_status=status or None,
        financial_status="paid" if row.get("paid_time") else "unpaid",
        total=money(payment, "total_amount", currency),
        discount=maybe_money(payment, "seller_discount", currency),
        platform_discount=maybe_money(payment, "platform_discount", currency),
        shipping=maybe_money(payment, "shipping_fee", currency),
        tax=maybe_money(payment, "tax", currency),
        # The e-mail is a relay address of this shop: only the platform's own id recognises a buyer.
        customer=Customer(platform_id=buyer) if buyer else None,
        country=(row.get("recipient_address") or {}).get("region_code") or None,
        cancelled_at=maybe_moment(row, "cancel_time") if cancelled else None,
        cancel_reason=(row.get("cancel_reason") or None) if cancelled else None,
        updated_at=moment(row["update_time"], "update_time"),
    )


def _with_subtotal(order: Order, lines: Sequence[OrderLine]) -> Order:
    amounts = {line.total.currency for line in lines}
    if amounts != {order.total.currency}:
        return order  # lines in another currency do not sum up to anything
    total = sum((line.total.amount for line in lines), Decimal(0))
    return msgspec.structs.replace(order, subtotal=Money(total, order.total.currency))


def map_line(sku_id: str, units: Sequence[Row], order: Order) -> OrderLine:
    """The line of one variant: TikTok sends one row a piece and no quantity.

    A combined listing stays one line, since TikTok names no prices for its parts. `current_quantity` is known only
    where single pieces were cancelled: returns are rows of their own.
    """
    first = units[0]
    currency = first.get("currency") or order.total.currency
    prices = [money(unit, "original_price", currency) for unit in units]
    # TikTok writes "0" where there is none: a discount that is missing is unknown, and so is the line's total.
    discount = _total([money(unit, "seller_discount", currency) for unit in units])
    cancelled = sum(1 for unit in units if unit.get("display_status") == "CANCELLED")
    return OrderLine(
        order_id=order.source_id,
        source_id=sku_id,
        placed_at=order.placed_at,
        zone=order.zone,
        quantity=len(units),
        current_quantity=len(units) - cancelled if cancelled else None,
        total=_total(prices) - discount,
        product_id=maybe_identifier(first.get("product_id")),
        variant_id=sku_id,
        sku=first.get("seller_sku") or None,
        title=first.get("product_name") or None,
        unit_price=prices[0] if len(set(prices)) == 1 else None,
        discount=discount,
        live_id=next((room for unit in units if (room := maybe_identifier(unit.get("room_id")))), None),
        cancelled=order.status is OrderStatus.CANCELLED or cancelled == len(units),
        updated_at=order.updated_at,
    )


def _total(amounts: Sequence[Money]) -> Money:
    found = amounts[0]
    for amount in amounts[1:]:
        found = found + amount
    return found


def _room_touch(room: str, order: Order, position: int) -> Touch:
    """The live room that an order came from. TikTok says which room, not when it was entered."""
    return Touch(
        source_id=f"{order.source_id}-live-{room}",
        occurred_at=order.placed_at,
        zone=order.zone,
        channel=CHANNEL,
        order_id=order.source_id,
        position=position,
        customer=order.customer,
        platform_source="live",
        content_id=room,
    )


def map_affiliate_order(row: Row, shop: Shop) -> list[Record]:
    """The creators behind an order, one touch a variant, creator and content. They earn a commission: paid."""
    order_id = identifier(row["id"])
    placed_at = moment(row["create_time"], "create_time")
    found: dict[str, Touch] = {}
    for sku in rows(row, "skus"):
        creator = maybe_identifier(sku.get("creator_username"))
        if creator is None:
            continue
        kind = identifier(sku["content_type"], "content_type").lower()
        content = maybe_identifier(sku.get("content_id"))
        if content is None and kind in _CONTENTS:
            raise DataError(f"content_id is missing for content_type {kind!r}")
        # A showcase has no id of its own.
        key = f"{order_id}-affiliate-{creator}-{content or kind}"
        found[key] = Touch(
            source_id=key,
            occurred_at=placed_at,
            zone=shop.zone,
            channel=CHANNEL,
            order_id=order_id,
            position=len(found) if key not in found else found[key].position,
            paid=Paid.PAID,
            platform_source=f"affiliate_{kind}",
            content_id=content,
            campaign_id=maybe_identifier(sku.get("campaign_id")),
            creator_id=creator,
        )
    if not found:
        raise DataError("an affiliate order that names no creator")
    return list(found.values())


def map_refund(row: Row, shop: Shop) -> list[Record]:
    """A return as a refund, once its money was given back; nothing before. Raises DataError for an unknown state.

    TikTok names no moment of payment: the last update is the closest, since a settled return changes no more.
    `quantity` counts the pieces that come back; a refund without return brings none, and one
    of no kind does not say.
    """
    # TikTok's own list writes two of the words without the E.
    status = str(row.get("return_status") or "").replace("REPLACMENT", "REPLACEMENT")
    kind = str(row.get("return_type") or "")
    if status in _NOT_PAID_BACK or (kind == "REPLACEMENT" and status in _SETTLED):
        return []
    if status not in _PAID_BACK:
        raise DataError(f"return_status is not known: {status!r}")
    paid = row.get("refund_amount")
    if not isinstance(paid, dict):
        raise DataError("refund_amount is missing")
    updated_at = moment(row["update_time"], "update_time")
    return [
        Refund(
            source_id=identifier(row["return_id"], "return_id"),
            order_id=identifier(row["order_id"], "order_id"),
            refunded_at=updated_at,
            zone=shop.zone,
            amount=money(paid, "refund_total", paid.get("currency")),
            quantity=_pieces_back(row, kind),
            reason=row.get("return_reason_text") or row.get("return_reason") or None,
            status=status.lower(),
            updated_at=updated_at,
        )
    ]


def _pieces_back(row: Row, kind: str) -> int | None:
    if not kind:
        return None
    return len(rows(row, "return_line_items")) if kind == "RETURN_AND_REFUND" else 0


def map_product(row: Row, shop: Shop) -> list[Record]:
    """A product with its variants, from the search or from the detail call."""
    chain = rows(row, "category_chains")
    leaf = next((str(part.get("local_name")) for part in reversed(chain) if part.get("local_name")), None)
    image = next((url for part in rows(row, "main_images") for url in rows(part, "urls")), None)
    product = Product(
        source_id=identifier(row["id"]),
        title=str(row["title"]),
        status=str(row.get("status") or "unknown").lower(),
        vendor=(row.get("brand") or {}).get("name") or None,
        category=leaf,
        image_url=image,
        tags=tuple(str(tag) for tag in rows(row, "product_tags")),
        created_at=maybe_moment(row, "create_time"),
        updated_at=maybe_moment(row, "update_time"),
    )
    return [product, *(_variant(sku, product) for sku in rows(row, "skus"))]


def _variant(row: Row, product: Product) -> Variant:
    """A variant. Its price is what the buyer sees; stock is counted under the variant's own id."""
    price = row.get("price") or {}
    amount = "sale_price" if price.get("sale_price") else "tax_exclusive_price"
    attributes = [str(part["value_name"]) for part in rows(row, "sales_attributes") if part.get("value_name")]
    code = (row.get("identifier_code") or {}).get("code")
    sku = row.get("seller_sku") or None
    return Variant(
        source_id=identifier(row["id"]),
        product_id=product.source_id,
        title=" / ".join(attributes) or sku or product.title,
        sku=sku,
        barcode=code or None,
        price=maybe_money(price, amount, price.get("currency")),
        stock_item_id=identifier(row["id"]),
        updated_at=product.updated_at,
    )


def stocked(found: Sequence[Any]) -> tuple[list[str], list[Reject]]:
    """(ids of the products that can have stock, rows without an id). A deleted product has none."""
    ids: list[str] = []
    rejects: list[Reject] = []
    for row in found:
        try:
            if row.get("status") != "DELETED":
                number = identifier(row["id"])
                if not (number.isascii() and number.isdigit()):
                    raise DataError(f"the id is no number: {number!r}")  # asked about, it would be passed over
                ids.append(number)
        except (DataError, KeyError, AttributeError) as error:
            reason = error.message if isinstance(error, DataError) else f"{type(error).__name__}: {error}"
            rejects.append(Reject(StockLevel.__name__, f"product: {reason}", row))
    return ids, rejects


def unanswered(ids: Sequence[str], inventory: Sequence[Any]) -> list[Reject]:
    """A reject for each product that was asked about and is not in the answer."""
    told = {str(row.get("product_id")) for row in inventory if isinstance(row, Mapping)}
    reason = "the platform does not answer for the stock of this product"
    return [Reject(StockLevel.__name__, reason, {"product_id": number}) for number in ids if number not in told]


def map_stock(row: Row) -> list[Record]:
    """The levels of one product, one a variant and warehouse. The split into campaign and creator stock is inside."""
    if row.get("skus") is None:
        raise DataError("skus is missing")
    return [
        _level(sku, level) for sku in rows(row, "skus") for level in _by_warehouse(sku)
    ]  # TikTok names no time of the count


def _by_warehouse(sku: Row) -> Sequence[Row]:
    found = rows(sku, "warehouse_inventory")
    if not found and maybe_whole(sku, "total_available_quantity"):
        raise DataError(f"the stock of {sku.get('id')} names no warehouse")
    return found


def _level(sku: Row, level: Row) -> StockLevel:
    available = whole(level.get("available_quantity"), "available_quantity")
    committed = maybe_whole(level, "committed_quantity")
    return StockLevel(
        stock_item_id=identifier(sku["id"]),
        location_id=identifier(level["warehouse_id"], "warehouse_id"),
        sku=sku.get("seller_sku") or None,
        available=available,
        committed=committed,
        on_hand=None if committed is None else available + committed,
    )


def map_warehouse(row: Row) -> Location:
    """A warehouse; the address stays outside but for its country."""
    address: Any = row.get("address") or {}
    return Location(
        source_id=identifier(row["id"]),
        name=str(row["name"]),
        country=address.get("region_code") or None,
        active=row.get("effect_status", "ENABLED") == "ENABLED",
    )


def map_statement(row: Row, shop: Shop) -> Payout:
    """A settlement statement. Fees and adjustments keep TikTok's sign: what is taken is negative."""
    currency = row.get("currency")
    return Payout(
        source_id=identifier(row["id"]),
        settled_at=moment(row["statement_time"], "statement_time"),
        zone=shop.zone,
        amount=money(row, "settlement_amount", currency),
        revenue=maybe_money(row, "revenue_amount", currency),
        fees=maybe_money(row, "fee_amount", currency),
        adjustments=maybe_money(row, "adjustment_amount", currency),
        status=str(row.get("payment_status") or "").lower() or None,
    )
