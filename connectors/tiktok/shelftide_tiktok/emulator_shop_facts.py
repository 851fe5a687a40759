"""The world's shops as TikTok Shop writes them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from hashlib import blake2b
from typing import Any

from shelftide_sdk.testing.world.model import (
    Brand,
    Channel,
    Creator,
    Line,
    Order,
    Place,
    Product,
    RefundEvent,
    Sku,
    StockState,
    Video,
    stable_id,
)

Row = dict[str, Any]
_ZERO = Decimal(0)
_WHOLE = frozenset({"JPY", "TWD", "KRW", "VND", "IDR"})
_COMMISSION = Decimal("0.06")
_ASKED_BEFORE = timedelta(hours=20)
# A US shop's warehouse stands in a state; which one follows from the brand's zone.
_STATES = {
    "America/New_York": "New York",
    "America/Chicago": "Illinois",
    "America/Denver": "Colorado",
    "America/Los_Angeles": "California",
}


def number(kind: str, key: str) -> str:
    """A 19-digit id, as text."""
    return str(stable_id(f"tiktok-{kind}", key, 19))


def seconds(at: datetime) -> int:
    """Unix seconds."""
    return int(at.timestamp())


def chance(key: str, one_in: int) -> bool:
    """Whether a thing is one of every `one_in`, the same in every run."""
    return int.from_bytes(blake2b(key.encode(), digest_size=4).digest(), "big") % one_in == 0


def cipher(shop_id: str) -> str:
    """A shop's cipher."""
    return f"GCP_{blake2b(shop_id.encode(), digest_size=18).hexdigest()}"


def text(amount: Decimal) -> str:
    """Decimal text."""
    return format(amount.normalize(), "f") if amount else "0"


def split(amount: Decimal, weights: Sequence[Decimal], step: Decimal) -> list[Decimal]:
    """`amount` shared by weight in whole steps; the shares sum to it exactly, the last takes what does not divide."""
    total = sum(weights, _ZERO)
    shares, given, passed = [], _ZERO, _ZERO
    for weight in weights[:-1]:
        passed += weight
        upto = (amount * passed / total).quantize(step, ROUND_DOWN) if total else _ZERO
        shares.append(upto - given)
        given = upto
    return [*shares, amount - given]


def shop_row(shop_id: str, brand: Brand) -> Row:
    """An authorised shop."""
    return {
        "id": shop_id,
        "name": brand.name,
        "region": brand.market,
        "seller_type": "LOCAL",
        "cipher": cipher(shop_id),
        "code": f"{brand.market}LC{shop_id[-8:]}",
    }


def order_row(order: Order, brand: Brand, now: datetime, updated_at: int) -> Row:
    """An order as it is now; every piece is a line item of its own."""
    skus = {sku.key: (sku, product) for product in brand.products for sku in product.skus}
    status = order_status(order, now)
    cancelled = status == "CANCELLED"
    person = order.person
    row: Row = {
        "id": number("order", order.key),
        "status": status,
        "create_time": seconds(order.placed_at),
        "paid_time": seconds(order.placed_at),
        "update_time": updated_at,
        "user_id": number("user", person.key),
        "buyer_email": f"v2{blake2b(person.key.encode(), digest_size=4).hexdigest()}@chat.seller.tiktok.com",
        "buyer_message": "",
        "recipient_address": {"name": f"{person.name[0]}***", "phone_number": "***", "region_code": person.country},
        "payment": payment(order),
        "line_items": _line_items(order, skus, status),
        "fulfillment_type": "FULFILLMENT_BY_SELLER",
        "delivery_type": "HOME_DELIVERY",
        "shipping_type": "TIKTOK",
        "warehouse_id": number("warehouse", order.place_key),
        "commerce_platform": "TIKTOK_SHOP",
        "order_type": "NORMAL",
        "is_cod": False,
        "is_sample_order": order.test,
        "is_on_hold_order": False,
        "is_replacement_order": False,
        "packages": [],
    }
    if cancelled and order.cancelled_at is not None:
        initiator = "SELLER" if order.cancel_reason == "inventory" else "BUYER"
        row |= {
            "cancel_time": seconds(order.cancelled_at),
            "cancel_reason": order.cancel_reason,
            "cancellation_initiator": initiator,
        }
    if order.delivered_at is not None and order.delivered_at <= now:
        row["delivery_time"] = seconds(order.delivered_at)
    return row


def order_status(order: Order, now: datetime) -> str:
    """TikTok's word for where an order stands."""
    stages = (
        ("CANCELLED", order.cancelled_at),
        ("COMPLETED", order.completed_at),
        ("DELIVERED", order.delivered_at),
        ("IN_TRANSIT", order.shipped_at),
    )
    return next((name for name, at in stages if at is not None and at <= now), "AWAITING_SHIPMENT")


def payment(order: Order) -> Row:
    """The sums of an order. `sub_total` is after both discounts."""
    original = sum((line.unit_price * line.quantity for line in order.lines), _ZERO)
    seller = sum((line.discount for line in order.lines), _ZERO)
    return {
        "currency": order.currency,
        "original_total_product_price": text(original),
        "seller_discount": text(seller),
        "platform_discount": text(order.platform_discount),
        "sub_total": text(original - seller - order.platform_discount),
        "original_shipping_fee": text(order.shipping),
        "shipping_fee": text(order.shipping),
        "shipping_fee_seller_discount": "0",
        "shipping_fee_platform_discount": "0",
        "shipping_fee_cofunded_discount": "0",
        "tax": text(order.tax),
        "product_tax": text(order.tax),
        "shipping_fee_tax": "0",
        "payment_platform_discount": "0",
        "total_amount": text(order.total),
    }


def _line_items(order: Order, skus: Mapping[str, tuple[Sku, Product]], status: str) -> list[Row]:
    step = Decimal(1) if order.currency in _WHOLE else Decimal("0.01")
    pieces = [piece for line in order.lines for piece in _pieces(line, step)]
    aids = split(order.platform_discount, [line.unit_price - discount for line, _, discount in pieces], step)
    return [
        _line_item(order, line, place, skus[line.sku_key]) | _prices(line, discount, aid) | {"display_status": status}
        for (line, place, discount), aid in zip(pieces, aids, strict=True)
    ]


def _pieces(line: Line, step: Decimal) -> Iterable[tuple[Line, int, Decimal]]:
    discounts = split(line.discount, [line.unit_price] * line.quantity, step)
    return [(line, place, discount) for place, discount in enumerate(discounts)]


def _prices(line: Line, discount: Decimal, aid: Decimal) -> Row:
    return {
        "original_price": text(line.unit_price),
        "seller_discount": text(discount),
        "platform_discount": text(aid),
        "sale_price": text(line.unit_price - discount - aid),
    }


def _line_item(order: Order, line: Line, place: int, sold: tuple[Sku, Product]) -> Row:
    sku, product = sold
    row: Row = {
        "id": number("line", f"{line.key}/{place}"),
        "sku_id": number("sku", sku.key),
        "seller_sku": sku.code,
        "sku_name": sku.title,
        "product_id": number("product", product.key),
        "product_name": product.title,
        "currency": order.currency,
        "sku_type": "NORMAL",
        "is_gift": False,
        "package_status": "TO_FULFILL",
    }
    if order.live_key is not None:
        row["room_id"] = number("live", order.live_key)
    return row


def return_row(order: Order, refund: RefundEvent, brand: Brand) -> Row:
    """A settled return. Without returned pieces it is a refund only, and names what it is about."""
    skus = {sku.key: sku for sku in brand.skus}
    listed = [
        (line, place)
        for line in order.lines
        for place in range(refund.lines.get(line.key, 0) if refund.lines else line.quantity)
    ]
    asked = max(order.placed_at, refund.at - _ASKED_BEFORE)
    return {
        "return_id": number("return", refund.key),
        "order_id": number("order", order.key),
        "return_type": "RETURN_AND_REFUND" if refund.lines else "REFUND",
        "return_status": "RETURN_OR_REFUND_REQUEST_COMPLETE",
        "role": "BUYER",
        "return_reason": "ecom_order_delivered_refund_and_return_reason_no_longer_needed",
        "return_reason_text": "No longer needed",
        "create_time": seconds(asked),
        "update_time": seconds(refund.at),
        "refund_amount": {
            "currency": order.currency,
            "refund_total": text(refund.amount),
            "refund_subtotal": text(refund.amount),
            "refund_shipping_fee": "0",
            "refund_tax": "0",
        },
        "return_line_items": [
            {
                "return_line_item_id": number("return-line", f"{refund.key}/{line.key}/{place}"),
                "order_line_item_id": number("line", f"{line.key}/{place}"),
                "sku_id": number("sku", line.sku_key),
                "seller_sku": skus[line.sku_key].code,
            }
            for line, place in listed
        ],
    }


def affiliate_row(order: Order, brand: Brand, creator: Creator, videos: Mapping[str, Video]) -> Row:
    """An order that a creator brought, with the content where TikTok knows it."""
    product_of = {sku.key: product.key for product in brand.products for sku in product.skus}
    video = videos.get(order.video_key or "")
    kind = "VIDEO" if video else "LIVE" if order.live_key else "SHOWCASE"
    content = video.public_id if video else number("live", order.live_key) if order.live_key else ""
    skus = [
        {
            "sku_id": number("sku", line.sku_key),
            "product_id": number("product", product_of[line.sku_key]),
            "creator_username": creator.handle,
            "content_type": kind,
            "content_id": content,
            "quantity": line.quantity,
            "price": {"amount": text(line.unit_price), "currency": order.currency},
            "commission_rate": "1000",
        }
        for line in order.lines
    ]
    return {"id": number("order", order.key), "create_time": seconds(order.placed_at), "skus": skus}


def product_row(product: Product, places: Sequence[Place], stock: Mapping[tuple[str, str], StockState]) -> Row:
    """A product as the search shows it."""
    return {
        "id": number("product", product.key),
        "title": product.title,
        "status": "ACTIVATE",
        "create_time": seconds(product.created_at),
        "update_time": seconds(product.created_at),
        "is_not_for_sale": False,
        "skus": [_sku_row(sku, places, stock) for sku in product.skus],
    }


def _sku_row(sku: Sku, places: Sequence[Place], stock: Mapping[tuple[str, str], StockState]) -> Row:
    price = text(sku.price.amount)
    return {
        "id": number("sku", sku.key),
        "seller_sku": sku.code,
        "price": {"currency": sku.price.currency, "sale_price": price, "tax_exclusive_price": price},
        "inventory": [
            {"warehouse_id": number("warehouse", place.key), "quantity": stock[sku.key, place.key].available}
            for place in places
            if (sku.key, place.key) in stock
        ],
    }


def product_detail(row: Row, product: Product) -> Row:
    """A product as its own call shows it: the search's row with attributes, codes and categories."""
    named = {number("sku", sku.key): sku for sku in product.skus}
    skus = [
        {
            **sku,
            "sales_attributes": [{"name": "Specification", "value_name": named[sku["id"]].title}],
            "identifier_code": {"code": named[sku["id"]].barcode, "type": "GTIN"},
        }
        for sku in row["skus"]
    ]
    return {**row, "skus": skus, "category_chains": [{"local_name": product.category, "is_leaf": True}]}


def inventory_row(product: Product, places: Sequence[Place], stock: Mapping[tuple[str, str], StockState]) -> Row:
    """The stock of one product."""
    return {
        "product_id": number("product", product.key),
        "skus": [
            _stock_row(sku, [s for place in places if (s := stock.get((sku.key, place.key)))]) for sku in product.skus
        ],
    }


def _stock_row(sku: Sku, states: Sequence[StockState]) -> Row:
    available = sum(state.available for state in states)
    return {
        "id": number("sku", sku.key),
        "seller_sku": sku.code,
        "total_available_quantity": available,
        "total_committed_quantity": sum(state.committed for state in states),
        "warehouse_inventory": [
            {
                "warehouse_id": number("warehouse", state.place_key),
                "available_quantity": state.available,
                "committed_quantity": state.committed,
            }
            for state in states
        ],
        "total_available_inventory_distribution": {"in_shop_inventory": {"quantity": available}},
    }


def warehouse_row(place: Place, brand: Brand, *, default: bool) -> Row:
    """A warehouse."""
    return {
        "id": number("warehouse", place.key),
        "name": place.name,
        "effect_status": "ENABLED",
        "type": "SALES_WAREHOUSE",
        "sub_type": "DOMESTIC_WAREHOUSE",
        "is_default": default,
        "address": {"region_code": place.country, "state": _STATES.get(brand.zone, "")},
    }


def places_of(brand: Brand) -> list[Place]:
    """The places that serve the shop."""
    return [place for place in brand.places if Channel.TIKTOK_SHOP in place.channels]


def statement_rows(orders: Sequence[Order], now: datetime) -> list[Row]:
    """One statement a UTC day on which orders were completed or refunded, made at the end of that day."""
    revenue: dict[datetime, Decimal] = {}
    taken: dict[datetime, Decimal] = {}
    for order in orders:
        net = sum((line.unit_price * line.quantity - line.discount for line in order.lines), _ZERO)
        if order.completed_at is not None and order.completed_at <= now:
            end = _end_of_day(order.completed_at)
            revenue[end] = revenue.get(end, _ZERO) + net
        for refund in order.refunds:
            if refund.at <= now:
                end = _end_of_day(refund.at)
                taken[end] = taken.get(end, _ZERO) - refund.amount
    currency = orders[0].currency if orders else ""
    return [
        _statement_row(
            end, currency, revenue.get(end, _ZERO), taken.get(end, _ZERO), paid=end + timedelta(days=3) <= now
        )
        for end in sorted(revenue.keys() | taken.keys())
        if end <= now
    ]


def _statement_row(end: datetime, currency: str, revenue: Decimal, adjustment: Decimal, *, paid: bool) -> Row:
    step = Decimal(1) if currency in _WHOLE else Decimal("0.01")
    fee = -(revenue * _COMMISSION).quantize(step)
    return {
        "id": number("statement", f"{end:%Y-%m-%d}"),
        "statement_time": seconds(end),
        "currency": currency,
        "revenue_amount": text(revenue),
        "fee_amount": text(fee),
        "adjustment_amount": text(adjustment),
        "settlement_amount": text(revenue + fee + adjustment),
        "payment_status": "PAID" if paid else "PROCESSING",
    }


def _end_of_day(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
