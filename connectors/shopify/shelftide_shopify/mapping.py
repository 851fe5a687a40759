"""What Shopify's GraphQL rows mean: pure functions, a row in, records out. Rows follow the queries in `queries`."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

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
    Product,
    Record,
    Refund,
    StockLevel,
    Touch,
    Variant,
)
from shelftide_shopify.shop import Shop, maybe_moment, maybe_number, moment, number

Row = Mapping[str, Any]

_SOURCES = {
    "web": ChannelKind.OWN_SHOP,
    "shopify_draft_order": ChannelKind.PRIVATE,
    "pos": ChannelKind.STORE,
    "tiktok": ChannelKind.IN_APP,
    "instagram": ChannelKind.IN_APP,
    "facebook": ChannelKind.IN_APP,
    "amazon": ChannelKind.MARKETPLACE,
    "ebay": ChannelKind.MARKETPLACE,
    "walmart": ChannelKind.MARKETPLACE,
}
_UNPAID = {"PENDING", "AUTHORIZED", "EXPIRED", "VOIDED"}
_OPEN = {
    "IN_PROGRESS",
    "ON_HOLD",
    "OPEN",
    "PARTIALLY_FULFILLED",
    "PENDING_FULFILLMENT",
    "REQUEST_DECLINED",
    "RESTOCKED",
    "SCHEDULED",
    "UNFULFILLED",
}
_PAID_TACTICS = {"AD", "AFFILIATE", "RETARGETING"}
_PAID_MEDIA = {"cpc", "ppc", "cpm", "paid", "paid_social", "paidsocial", "paid-social", "display", "affiliate", "ads"}
_OWN_TACTICS = {"ABANDONED_CART", "LINK", "LOYALTY", "MESSAGE", "NEWSLETTER", "NOTIFICATION", "POST", "SEO"}
_OWN_TACTICS |= {"STOREFRONT_APP", "TRANSACTIONAL"}
_CHANNEL_NAMES = {
    "ig": "instagram",
    "fb": "facebook",
    "tt": "tiktok",
    "xhs": "xiaohongshu",
    "rednote": "xiaohongshu",
    "(direct)": "direct",
}
_CHANNEL_SITES = ("instagram", "tiktok", "xiaohongshu", "facebook", "google", "youtube", "pinterest", "bing")


def money(bag: Row | None, side: str = "shopMoney") -> Money | None:
    """One side of a MoneyBag; None stays None."""
    if bag is None:
        return None
    part = bag[side]
    return Money.parse(part["amount"], part["currencyCode"])


def required(bag: Row | None, name: str) -> Money:
    """The shop money of a bag that must be there. Raises DataError naming it."""
    value = money(bag)
    if value is None:
        raise DataError(f"{name} is missing")
    return value


def nodes(connection: Row | None) -> Sequence[Row]:
    """The rows of a connection, whether asked as `nodes` or as `edges`."""
    if connection is None:
        return ()
    if "nodes" in connection:
        return list(connection["nodes"])
    return [edge["node"] for edge in connection["edges"]]


def order_status(*, cancelled: bool, closed: bool, financial: str | None, fulfilment: str | None) -> OrderStatus:
    """Our state from Shopify's four; a word that is not known yet gives UNKNOWN, the word itself is kept."""
    if cancelled:
        return OrderStatus.CANCELLED
    if fulfilment == "FULFILLED":
        return OrderStatus.COMPLETED if closed else OrderStatus.SHIPPED
    if fulfilment is not None and fulfilment not in _OPEN:
        return OrderStatus.UNKNOWN
    if closed:
        return OrderStatus.COMPLETED
    return OrderStatus.PENDING if financial in _UNPAID else OrderStatus.OPEN


@lru_cache(maxsize=1_024)
def channel_kind(source: str | None, handle: str | None = None) -> ChannelKind:
    """Where an order was placed, from `sourceName` and the attribution's handle (an app's name or number)."""
    for word in filter(None, (source, handle)):
        name = word.lower()
        if name in _SOURCES:
            return _SOURCES[name]
        kind = next((kind for known, kind in _SOURCES.items() if len(known) > 3 and known in name), None)
        if kind is not None:
            return kind
    return ChannelKind.OTHER


def map_customer(row: Row | None) -> Customer | None:
    """Identifiers of a buyer; None without protected customer data access. Names and addresses stay out."""
    if row is None:
        return None
    email = (row.get("defaultEmailAddress") or {}).get("emailAddress")
    phone = (row.get("defaultPhoneNumber") or {}).get("phoneNumber")
    platform_id = maybe_number(row.get("id"))
    if not (email or phone or platform_id):
        return None
    return Customer(email=email or None, phone=phone or None, platform_id=platform_id)


def map_order(row: Row, shop: Shop) -> list[Record]:
    """An order with its lines, refunds and touches; nothing for a test order."""
    if row["test"]:
        return []
    customer = map_customer(row.get("customer"))
    order = _order(row, shop, customer)
    lines = [map_line(line, order) for line in nodes(row["lineItems"])]
    refunds = [map_refund(refund, order.source_id, shop) for refund in row["refunds"]]
    return [order, *lines, *refunds, *map_touches(row.get("customerJourneySummary"), order)]


def _order(row: Row, shop: Shop, customer: Customer | None) -> Order:
    journey = row.get("customerJourneySummary")
    handle = (row.get("attribution") or {}).get("handle")
    cancelled_at = maybe_moment(row["cancelledAt"])
    return Order(
        source_id=number(row["id"]),
        name=row["name"],
        placed_at=moment(row["createdAt"]),
        zone=shop.zone,
        status=order_status(
            cancelled=cancelled_at is not None,
            closed=row["closed"],
            financial=row["displayFinancialStatus"],
            fulfilment=row["displayFulfillmentStatus"],
        ),
        channel_kind=channel_kind(row["sourceName"], handle),
        channel=handle or row["sourceName"],
        platform_status=row["displayFulfillmentStatus"],
        financial_status=row["displayFinancialStatus"],
        total=required(row["totalPriceSet"], "totalPriceSet"),
        current_total=money(row["currentTotalPriceSet"]),
        subtotal=money(row["subtotalPriceSet"]),
        discount=money(row["totalDiscountsSet"]),
        shipping=money(row["totalShippingPriceSet"]),
        tax=money(row["totalTaxSet"]),
        refunded=money(row["totalRefundedSet"]),
        presentment_total=money(row["totalPriceSet"], "presentmentMoney"),
        customer=customer,
        customer_order_index=None if journey is None else journey["customerOrderIndex"],
        country=(row.get("shippingAddress") or {}).get("countryCodeV2"),
        promo_codes=tuple(row["discountCodes"]),
        journey_ready=None if journey is None else journey["ready"],
        cancelled_at=cancelled_at,
        cancel_reason=row["cancelReason"],
        updated_at=moment(row["updatedAt"]),
    )


def map_line(row: Row, order: Order) -> OrderLine:
    """A line. `discount` is what all discounts took off it: pieces times unit price, less the discounted total."""
    unit = required(row["originalUnitPriceSet"], "originalUnitPriceSet")
    total = required(row["discountedTotalSet"], "discountedTotalSet")
    quantity = whole(row["quantity"])
    return OrderLine(
        order_id=order.source_id,
        source_id=number(row["id"]),
        placed_at=order.placed_at,
        zone=order.zone,
        quantity=quantity,
        current_quantity=whole(row["currentQuantity"]),
        total=total,
        product_id=maybe_number((row["product"] or {}).get("id")),
        variant_id=maybe_number((row["variant"] or {}).get("id")),
        sku=row["sku"] or None,
        title=row["title"],
        unit_price=unit,
        discount=Money(unit.amount * quantity, unit.currency) - total,
        cancelled=order.cancelled_at is not None,
        updated_at=order.updated_at,
    )


def whole(value: Any) -> int:
    """An integer. Raises DataError for anything else, true and 1.0 included."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise DataError(f"not a whole number: {value!r}")
    return value


def map_refund(row: Row, order_id: str, shop: Shop) -> Refund:
    """A refund. `quantity` is None where the reply did not bring all of its lines."""
    lines = row.get("refundLineItems")
    complete = lines is not None and not lines.get("pageInfo", {}).get("hasNextPage")
    return Refund(
        source_id=number(row["id"]),
        order_id=order_id,
        refunded_at=moment(row["createdAt"] or row["processedAt"]),
        zone=shop.zone,
        amount=required(row["totalRefundedSet"], "totalRefundedSet"),
        quantity=sum(whole(line["quantity"]) for line in nodes(lines)) if complete else None,
        reason=row["note"] or None,
        updated_at=moment(row["updatedAt"]),
    )


def map_touches(journey: Row | None, order: Order) -> list[Touch]:
    """The visits before an order, by time: the moments, and first and last visit where the moments lack them."""
    if journey is None:
        return []
    visits: dict[str, Row] = {}
    for visit in (journey["firstVisit"], *nodes(journey["moments"]), journey["lastVisit"]):
        if visit and visit.get("id"):
            visits.setdefault(visit["id"], visit)
    ordered = list(visits.values())
    if len(ordered) > 1:
        ordered.sort(key=lambda visit: (moment(visit["occurredAt"]), number(visit["id"])))
    return [map_touch(visit, order, position) for position, visit in enumerate(ordered)]


def map_touch(row: Row, order: Order, position: int) -> Touch:
    """A CustomerVisit as a touch. Its id carries the order's: two orders may share a visit."""
    utm = row["utmParameters"] or {}
    return Touch(
        source_id=f"{order.source_id}-{number(row['id'])}",
        occurred_at=moment(row["occurredAt"]),
        zone=order.zone,
        channel=touch_channel(row["source"], utm.get("source"), row["referrerUrl"]),
        order_id=order.source_id,
        position=position,
        customer=order.customer,
        paid=touch_paid(row["sourceType"], utm.get("medium")),
        platform_source=row["sourceType"] or row["source"],
        referrer_url=row["referrerUrl"],
        landing_page=row["landingPage"],
        referral_code=row["referralCode"],
        utm_source=utm.get("source"),
        utm_medium=utm.get("medium"),
        utm_campaign=utm.get("campaign"),
        utm_content=utm.get("content"),
        utm_term=utm.get("term"),
    )


@lru_cache(maxsize=4_096)
def touch_channel(source: str | None, utm_source: str | None, referrer: str | None) -> str:
    """One name for a channel: the tagged source, else Shopify's word, else the referrer's host, else `direct`."""
    host = urlsplit(referrer).hostname if referrer else None
    word = (utm_source or source or host or "direct").strip().lower()
    site = next((site for site in _CHANNEL_SITES if site in word), None)
    return site or _CHANNEL_NAMES.get(word, word)


def touch_paid(tactic: str | None, medium: str | None) -> Paid:
    """Whether a visit was paid for, by Shopify's tactic or the tagged medium."""
    if tactic in _PAID_TACTICS or (medium or "").lower() in _PAID_MEDIA:
        return Paid.PAID
    return Paid.ORGANIC if tactic in _OWN_TACTICS else Paid.UNKNOWN


def map_product(row: Row, shop: Shop) -> list[Record]:
    """A product with its variants."""
    image = (((row["featuredMedia"] or {}).get("preview") or {}).get("image") or {}).get("url")
    product = Product(
        source_id=number(row["id"]),
        title=row["title"],
        status=row["status"].lower(),
        vendor=row["vendor"] or None,
        category=(row["category"] or {}).get("fullName") or row["productType"] or None,
        url=row["onlineStoreUrl"],
        image_url=image,
        tags=tuple(row["tags"]),
        created_at=moment(row["createdAt"]),
        updated_at=moment(row["updatedAt"]),
    )
    return [product, *(map_variant(variant, product.source_id, shop) for variant in nodes(row["variants"]))]


def map_variant(row: Row, product_id: str, shop: Shop) -> Variant:
    """A variant. Price and cost are in the shop's currency; without `read_inventory` the cost is unknown."""
    item = row.get("inventoryItem") or {}
    cost = item.get("unitCost")
    return Variant(
        source_id=number(row["id"]),
        product_id=product_id,
        title=row["title"],
        sku=row["sku"] or None,
        barcode=row["barcode"] or None,
        price=shop.money(row["price"]),
        cost=None if cost is None else Money.parse(cost["amount"], cost["currencyCode"]),
        stock_item_id=maybe_number(item.get("id")),
        updated_at=moment(row["updatedAt"]),
    )


def map_levels(row: Row) -> list[Record]:
    """The levels of one inventory item, one a location."""
    return [map_level(level, row) for level in nodes(row["inventoryLevels"]) if level["isActive"]]


def map_level(row: Row, item: Row) -> StockLevel:
    """A level. A quantity that the reply does not name is unknown, not 0. Raises DataError without `available`."""
    counts = {entry["name"]: whole(entry["quantity"]) for entry in row["quantities"]}
    if "available" not in counts:
        raise DataError("the level names no available quantity")
    return StockLevel(
        stock_item_id=number(item["id"]),
        location_id=number(row["location"]["id"]),
        sku=item["sku"] or None,
        available=counts["available"],
        on_hand=counts.get("on_hand"),
        committed=counts.get("committed"),
        incoming=counts.get("incoming"),
        reserved=counts.get("reserved"),
        damaged=counts.get("damaged"),
        safety_stock=counts.get("safety_stock"),
        quality_control=counts.get("quality_control"),
        updated_at=moment(row["updatedAt"]),
    )


def map_location(row: Row) -> Location:
    """A location, inactive and legacy ones included."""
    return Location(
        source_id=number(row["id"]),
        name=row["name"],
        country=(row["address"] or {}).get("countryCode"),
        active=row["isActive"],
        updated_at=maybe_moment(row["updatedAt"]),
    )
