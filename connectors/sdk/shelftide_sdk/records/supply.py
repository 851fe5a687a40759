"""What an agency knows of supply and of revenue only from files: costs, suppliers, purchase orders, samples."""

from datetime import date
from decimal import Decimal

from shelftide_sdk.money import Money
from shelftide_sdk.records.record import Record, record


@record(table="supply_terms", key=("supplier_id", "sku"), grain="one supplier's terms for one sku")
class SupplyTerm(Record, frozen=True, kw_only=True):
    """How long a supplier takes and in what quantities it sells. An empty `sku` stands for all its goods.

    `lead_days` is the mean time from order to receipt [days], `lead_days_spread` its standard deviation [days];
    `minimum_units` is the smallest order, `pack_units` the pieces in a pack. Source: a file of the brand.
    """

    supplier_id: str
    sku: str
    name: str | None = None
    lead_days: Decimal | None = None
    lead_days_spread: Decimal | None = None
    minimum_units: int | None = None
    pack_units: int | None = None
    cost: Money | None = None


@record(table="product_costs", key=("sku", "valid_from"), grain="one sku's cost from one day on", day="valid_from")
class ProductCost(Record, frozen=True, kw_only=True):
    """What a piece costs from `valid_from` until the next row of its sku.

    `cost` is the purchase price of a piece, `landed_cost` the price with freight and duty. Source: a file of the brand.
    """

    sku: str
    valid_from: date
    zone: str
    cost: Money
    landed_cost: Money | None = None


@record(
    table="purchase_order_lines",
    key=("order_id", "sku"),
    grain="one sku in one purchase order",
    day="ordered_on",
)
class PurchaseOrderLine(Record, frozen=True, kw_only=True):
    """Pieces ordered from a supplier. `received` counts pieces that have come. Source: a file of the brand."""

    order_id: str
    sku: str
    ordered_on: date
    zone: str
    quantity: int
    supplier_id: str | None = None
    status: str | None = None
    received: int | None = None
    unit_cost: Money | None = None
    expected_on: date | None = None
    received_on: date | None = None


@record(table="samples", key=("source_id",), grain="one parcel line to one creator", day="sent_on")
class Sample(Record, frozen=True, kw_only=True):
    """Pieces given to a creator. `cost` is what they and the parcel cost. Source: a file of the brand."""

    source_id: str
    creator_id: str
    sku: str
    sent_on: date
    zone: str
    quantity: int | None = None
    status: str | None = None
    cost: Money | None = None
    content_id: str | None = None


@record(table="revenue_days", key=("channel", "day"), grain="one channel, one day", day="day")
class RevenueDay(Record, frozen=True, kw_only=True):
    """Revenue of a channel that tells no more (Tmall, a wholesaler). Source: a file of the brand."""

    channel: str
    day: date
    zone: str
    revenue: Money
    orders: int | None = None
    visitors: int | None = None
