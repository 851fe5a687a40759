"""Products, stock, orders and the money that follows them."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from shelftide_sdk.money import Money
from shelftide_sdk.records.people import Customer
from shelftide_sdk.records.record import Record, record


class OrderStatus(StrEnum):
    """State of an order over all platforms. The platform's own word is kept beside it."""

    PENDING = "pending"
    OPEN = "open"
    SHIPPED = "shipped"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


class ChannelKind(StrEnum):
    """Where an order was placed."""

    OWN_SHOP = "own_shop"
    MARKETPLACE = "marketplace"
    IN_APP = "in_app"
    STORE = "store"
    PRIVATE = "private"
    OTHER = "other"


class LinkKind(StrEnum):
    """How it is known that a piece of content shows a product."""

    TAG = "tag"
    AFFILIATE = "affiliate"
    BIO = "bio"
    STORY = "story"
    CODE = "code"
    TEXT = "text"
    PERSON = "person"


@record(table="products", key=("source_id",), grain="one product of a shop", newer_by="updated_at")
class Product(Record, frozen=True, kw_only=True):
    """A product as a shop sells it. `aliases` are its other names, in whatever script."""

    source_id: str
    title: str
    status: str
    vendor: str | None = None
    category: str | None = None
    url: str | None = None
    image_url: str | None = None
    tags: tuple[str, ...] = ()
    created_at: datetime | None = None
    updated_at: datetime | None = None
    aliases: tuple[str, ...] = ()


@record(table="variants", key=("source_id",), grain="one sellable variant of a product", newer_by="updated_at")
class Variant(Record, frozen=True, kw_only=True):
    """What is picked from the shelf. `sku` is the merchant's code; `stock_item_id` is where stock is counted."""

    source_id: str
    product_id: str
    title: str
    sku: str | None = None
    barcode: str | None = None
    price: Money | None = None
    cost: Money | None = None
    stock_item_id: str | None = None
    updated_at: datetime | None = None


@record(
    table="listings",
    key=("source_id",),
    grain="one offer of a product on a marketplace",
    newer_by="updated_at",
)
class Listing(Record, frozen=True, kw_only=True):
    """An offer on a marketplace. `sku` is the seller's code."""

    source_id: str
    marketplace: str
    title: str
    status: str
    sku: str | None = None
    product_code: str | None = None
    price: Money | None = None
    updated_at: datetime | None = None


@record(
    table="best_seller_ranks",
    key=("product_code", "marketplace", "category", "ranked_at"),
    grain="one product, one category, one moment",
    day="ranked_at",
)
class BestSellerRank(Record, frozen=True, kw_only=True):
    """Place of a product in a category's sales ranking; 1 is best."""

    product_code: str
    marketplace: str
    category: str
    ranked_at: datetime
    zone: str
    rank: int


@record(
    table="product_links",
    key=("content_id", "product_id", "kind"),
    grain="one content shows one product in one way",
)
class ProductLink(Record, frozen=True, kw_only=True):
    """A piece of content leads to a product. `confidence` is between 0 and 1; 1 for what a platform states."""

    content_id: str
    product_id: str
    kind: LinkKind
    confidence: float
    linked_at: datetime | None = None
    ended_at: datetime | None = None


@record(table="product_matches", key=("listing_id", "product_id"), grain="two listings are one product")
class ProductMatch(Record, frozen=True, kw_only=True):
    """A listing of one platform is a product of another; `quantity` pieces of it in a bundle."""

    listing_id: str
    product_id: str
    quantity: int = 1
    confidence: float = 1.0
    shared_stock: bool = False


@record(table="locations", key=("source_id",), grain="one place where stock lies")
class Location(Record, frozen=True, kw_only=True):
    """A warehouse, store or fulfilment centre."""

    source_id: str
    name: str
    country: str | None = None
    active: bool = True
    updated_at: datetime | None = None


@record(
    table="stock_levels",
    key=("stock_item_id", "location_id"),
    grain="one item at one location, now",
    newer_by="updated_at",
)
class StockLevel(Record, frozen=True, kw_only=True):
    """Pieces on the shelf. `available` may be negative (oversold). History is in the row's versions.

    `on_hand` = available + committed + reserved + damaged + safety + quality control; `incoming` is outside.
    """

    stock_item_id: str
    location_id: str
    available: int
    sku: str | None = None
    on_hand: int | None = None
    committed: int | None = None
    incoming: int | None = None
    reserved: int | None = None
    damaged: int | None = None
    safety_stock: int | None = None
    quality_control: int | None = None
    updated_at: datetime | None = None


@record(
    table="inbound_shipments",
    key=("source_id", "sku"),
    grain="one item of one shipment on its way",
    newer_by="updated_at",
)
class InboundShipment(Record, frozen=True, kw_only=True):
    """Pieces that are on their way to a location."""

    source_id: str
    sku: str
    quantity: int
    status: str
    location_id: str | None = None
    received: int | None = None
    ordered_at: datetime | None = None
    expected_at: datetime | None = None
    received_at: datetime | None = None
    updated_at: datetime | None = None


@record(table="orders", key=("source_id",), grain="one order", day="placed_at", newer_by="updated_at")
class Order(Record, frozen=True, kw_only=True):
    """An order. `placed_at` is when the buyer paid or checked out and never moves.

    `total` is what was charged at checkout, `current_total` what is left after edits and returns, both in the shop's
    currency; `presentment_total` is what the buyer saw. `refunded` is what was paid back so far.
    `journey_ready` is false while the platform may still add visits to the order.
    """

    source_id: str
    placed_at: datetime
    zone: str
    status: OrderStatus
    channel_kind: ChannelKind
    total: Money
    name: str | None = None
    channel: str | None = None
    platform_status: str | None = None
    financial_status: str | None = None
    current_total: Money | None = None
    subtotal: Money | None = None
    discount: Money | None = None
    platform_discount: Money | None = None
    shipping: Money | None = None
    tax: Money | None = None
    refunded: Money | None = None
    presentment_total: Money | None = None
    customer: Customer | None = None
    customer_order_index: int | None = None
    country: str | None = None
    promo_codes: tuple[str, ...] = ()
    journey_ready: bool | None = None
    cancelled_at: datetime | None = None
    cancel_reason: str | None = None
    updated_at: datetime | None = None


@record(
    table="order_lines",
    key=("order_id", "source_id"),
    grain="one variant in one order",
    day="placed_at",
    newer_by="updated_at",
)
class OrderLine(Record, frozen=True, kw_only=True):
    """A line of an order. `quantity` as ordered, `current_quantity` after returns; `total` after discounts."""

    order_id: str
    source_id: str
    placed_at: datetime
    zone: str
    quantity: int
    total: Money
    current_quantity: int | None = None
    product_id: str | None = None
    variant_id: str | None = None
    sku: str | None = None
    title: str | None = None
    unit_price: Money | None = None
    discount: Money | None = None
    content_id: str | None = None
    live_id: str | None = None
    creator_id: str | None = None
    cancelled: bool = False
    updated_at: datetime | None = None


@record(
    table="refunds",
    key=("source_id",),
    grain="one refund of one order",
    day="refunded_at",
    newer_by="updated_at",
)
class Refund(Record, frozen=True, kw_only=True):
    """Money given back. `quantity` counts returned pieces where the platform says."""

    source_id: str
    order_id: str
    refunded_at: datetime
    zone: str
    amount: Money
    quantity: int | None = None
    reason: str | None = None
    status: str | None = None
    updated_at: datetime | None = None


@record(table="fees", key=("source_id",), grain="one fee of a platform", day="charged_at")
class Fee(Record, frozen=True, kw_only=True):
    """What a platform keeps."""

    source_id: str
    kind: str
    charged_at: datetime
    zone: str
    amount: Money
    order_id: str | None = None
    payout_id: str | None = None


@record(table="payouts", key=("source_id",), grain="one settlement", day="settled_at", newer_by="updated_at")
class Payout(Record, frozen=True, kw_only=True):
    """What a platform pays out."""

    source_id: str
    settled_at: datetime
    zone: str
    amount: Money
    revenue: Money | None = None
    fees: Money | None = None
    adjustments: Money | None = None
    status: str | None = None
    updated_at: datetime | None = None


@record(table="sales_days", key=("channel", "sku", "day"), grain="one sku, one channel, one day", day="day")
class SalesDay(Record, frozen=True, kw_only=True):
    """Sales of a source that knows no single orders (a file, a till): pieces and their revenue."""

    channel: str
    sku: str
    day: date
    zone: str
    units: int
    revenue: Money | None = None
    title: str | None = None
    orders: int | None = None


@record(table="footfall", key=("place", "day"), grain="one place, one day", day="day")
class Footfall(Record, frozen=True, kw_only=True):
    """Visitors of a physical place."""

    place: str
    day: date
    zone: str
    visitors: int


@record(
    table="fx_rates",
    key=("source", "base", "quote", "day"),
    grain="one currency pair, one day, one source",
    day="day",
)
class FxRate(Record, frozen=True, kw_only=True):
    """One `base` costs `rate` `quote` on `day`, says `source`."""

    source: str
    base: str
    quote: str
    day: date
    rate: Decimal
