"""A brand's Shopify facet of the world, as plain rows in the shape of the official schema.

Every row is built for a moment: it shows what has happened by then and nothing later.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from shelftide_sdk.testing.world.model import (
    Brand,
    Channel,
    Line,
    Order,
    Place,
    Product,
    RefundEvent,
    Sku,
    StockState,
    Visit,
    stable_id,
)
from shelftide_shopify.emulator_paging import inner

_CENT = Decimal("0.01")
_TACTICS = {
    "ABANDONED_CART",
    "AD",
    "AFFILIATE",
    "LINK",
    "LOYALTY",
    "MESSAGE",
    "NEWSLETTER",
    "NOTIFICATION",
    "POST",
    "RETARGETING",
    "SEO",
    "STOREFRONT_APP",
    "TRANSACTIONAL",
}
_REASONS = {"CUSTOMER", "DECLINED", "FRAUD", "INVENTORY", "OTHER", "STAFF"}
_WINDOW = timedelta(days=30)
QUANTITIES = (
    "available",
    "on_hand",
    "committed",
    "incoming",
    "reserved",
    "damaged",
    "safety_stock",
    "quality_control",
)


def gid(kind: str, key: str) -> str:
    """Shopify's global id of a thing of the world."""
    return f"gid://shopify/{kind}/{stable_id(kind, key)}"


def when(at: datetime | None) -> str | None:
    """A time on the wire: UTC, seconds."""
    return None if at is None else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def by(at: datetime | None, now: datetime) -> datetime | None:
    """`at` if it has happened by `now`."""
    return at if at is not None and at <= now else None


class OrderFacts:
    """An order as it stood at `now`."""

    def __init__(self, order: Order, brand: Brand, now: datetime) -> None:
        self.order = order
        self.brand = brand
        self.now = now
        self.refunds = [refund for refund in order.refunds if refund.at <= now]
        self.refunded = sum((refund.amount for refund in self.refunds), Decimal(0))
        self.cancelled_at = by(order.cancelled_at, now)
        self.closed = by(order.completed_at, now) is not None
        self.fulfilled = by(order.shipped_at, now) is not None and self.cancelled_at is None
        self.online = order.channel is Channel.SHOPIFY

    @property
    def financial(self) -> str:
        """Financial status."""
        if self.refunded >= self.order.total > 0:
            return "REFUNDED"
        if self.refunded > 0:
            return "PARTIALLY_REFUNDED"
        return "VOIDED" if self.cancelled_at else "PAID"

    @property
    def fulfilment(self) -> str:
        """Fulfilment status."""
        return "FULFILLED" if self.fulfilled else "UNFULFILLED"

    @property
    def current_total(self) -> Decimal:
        """What is left after refunds; nothing of a cancelled order."""
        return Decimal(0) if self.cancelled_at else max(self.order.total - self.refunded, Decimal(0))

    @property
    def subtotal(self) -> Decimal:
        """Lines after discounts."""
        return sum((self.line_total(line) for line in self.order.lines), Decimal(0)) - self.order.platform_discount

    @property
    def discount(self) -> Decimal:
        """All discounts."""
        return sum((line.discount for line in self.order.lines), Decimal(0)) + self.order.platform_discount

    def line_total(self, line: Line) -> Decimal:
        """A line after its discount."""
        return line.unit_price * line.quantity - line.discount

    def current_quantity(self, line: Line) -> int:
        """Pieces left of a line."""
        if self.cancelled_at:
            return 0
        return max(line.quantity - sum(refund.lines.get(line.key, 0) for refund in self.refunds), 0)

    def bag(self, amount: Decimal) -> dict[str, Any]:
        """A MoneyBag: the shop's money and what the buyer saw."""
        shop = {"amount": amount_text(amount), "currencyCode": self.order.currency}
        if self.order.presentment_currency is None or self.order.presentment_rate is None:
            return {"shopMoney": shop, "presentmentMoney": shop}
        seen = (amount * self.order.presentment_rate).quantize(_CENT)
        return {
            "shopMoney": shop,
            "presentmentMoney": {"amount": amount_text(seen), "currencyCode": self.order.presentment_currency},
        }


def amount_text(amount: Decimal) -> str:
    """A decimal text without needless zeros beyond the cents, as Shopify writes it ("12.5", "12.0")."""
    text = f"{amount.normalize():f}"
    return text if "." in text else f"{text}.0"


def order_row(facts: OrderFacts, shop: str, updated_at: datetime, skus: Mapping[str, Sku]) -> dict[str, Any]:
    """Type Order."""
    order = facts.order
    cancelled = facts.cancelled_at is not None
    reason = (order.cancel_reason or "OTHER").upper()
    return {
        "__typename": "Order",
        "id": gid("Order", order.key),
        "legacyResourceId": str(stable_id("Order", order.key)),
        "name": f"#{order.number}",
        "number": order.number,
        "createdAt": when(order.placed_at),
        "processedAt": when(order.placed_at),
        "updatedAt": when(updated_at),
        "cancelledAt": when(facts.cancelled_at),
        "cancelReason": (reason if reason in _REASONS else "OTHER") if cancelled else None,
        "closed": facts.closed,
        "closedAt": when(order.completed_at) if facts.closed else None,
        "test": order.test,
        "sourceName": "web" if facts.online else "pos",
        "attribution": {"handle": "web" if facts.online else "pos", "displayName": "Online Store"},
        "currencyCode": order.currency,
        "presentmentCurrencyCode": order.presentment_currency or order.currency,
        "discountCodes": [order.promo_code] if order.promo_code else [],
        "tags": [],
        "displayFinancialStatus": facts.financial,
        "displayFulfillmentStatus": facts.fulfilment,
        "shippingAddress": {"countryCodeV2": order.person.country},
        "customer": customer_row(order),
        "totalPriceSet": facts.bag(order.total),
        "originalTotalPriceSet": facts.bag(order.total),
        "currentTotalPriceSet": facts.bag(facts.current_total),
        "netPaymentSet": facts.bag(order.total - facts.refunded),
        "subtotalPriceSet": facts.bag(facts.subtotal),
        "totalDiscountsSet": facts.bag(facts.discount),
        "totalShippingPriceSet": facts.bag(order.shipping),
        "totalTaxSet": facts.bag(order.tax),
        "totalRefundedSet": facts.bag(facts.refunded),
        "refunds": [refund_row(refund, facts) for refund in facts.refunds],
        "lineItems": inner([line_row(line, facts, skus) for line in order.lines]),
        "customerJourneySummary": journey_row(facts, shop) if facts.online else None,
    }


def customer_row(order: Order) -> Callable[..., Any]:
    """Type Customer, behind its scope."""
    person = order.person

    def resolve(info: Any, **_: Any) -> dict[str, Any]:
        info.context.require("read_customers", info)
        shown = info.context.protected_data
        return {
            "id": gid("Customer", person.key),
            "defaultEmailAddress": {"emailAddress": person.email} if shown else None,
            "defaultPhoneNumber": {"phoneNumber": person.phone} if shown and person.phone else None,
        }

    return resolve


def line_row(line: Line, facts: OrderFacts, skus: Mapping[str, Sku]) -> dict[str, Any]:
    """Type LineItem."""
    sku = skus.get(line.sku_key)
    return {
        "__typename": "LineItem",
        "id": gid("LineItem", f"{facts.order.key}/{line.key}"),
        "title": sku.title if sku else line.sku_key,
        "name": sku.title if sku else line.sku_key,
        "sku": sku.code if sku else None,
        "quantity": line.quantity,
        "currentQuantity": facts.current_quantity(line),
        "product": {"id": gid("Product", sku.product_key)} if sku else None,
        "variant": {"id": gid("ProductVariant", sku.key)} if sku else None,
        "originalUnitPriceSet": facts.bag(line.unit_price),
        "originalTotalSet": facts.bag(line.unit_price * line.quantity),
        "discountedTotalSet": lambda info, **_: facts.bag(facts.line_total(line)),
        "totalDiscountSet": facts.bag(line.discount),
    }


def refund_row(refund: RefundEvent, facts: OrderFacts) -> dict[str, Any]:
    """Type Refund."""
    lines = [
        {
            "quantity": pieces,
            "restocked": refund.restocked,
            "restockType": "RETURN" if refund.restocked else "NO_RESTOCK",
        }
        for pieces in refund.lines.values()
    ]
    return {
        "__typename": "Refund",
        "id": gid("Refund", refund.key),
        "createdAt": when(refund.at),
        "processedAt": when(refund.at),
        "updatedAt": when(refund.at),
        "note": None,
        "totalRefundedSet": facts.bag(refund.amount),
        "refundLineItems": inner(lines),
    }


def journey_row(facts: OrderFacts, shop: str) -> dict[str, Any]:
    """Type CustomerJourneySummary: empty until the sessions are linked, then at most 30 days of visits."""
    order = facts.order
    ready = order.journey_ready_at is None or order.journey_ready_at <= facts.now
    if not ready:
        return {"ready": False, "moments": None, "momentsCount": None, "firstVisit": None, "lastVisit": None}
    first = order.placed_at - _WINDOW
    visits = [visit_row(v, shop) for v in sorted(order.visits, key=lambda v: v.at) if first <= v.at <= order.placed_at]
    return {
        "ready": True,
        "customerOrderIndex": order.order_index,
        "daysToConversion": (order.placed_at - order.visits[0].at).days if visits else 0,
        "momentsCount": {"count": len(visits), "precision": "EXACT"},
        "firstVisit": visits[0] if visits else None,
        "lastVisit": visits[-1] if visits else None,
        "moments": inner(visits),
    }


def visit_row(visit: Visit, shop: str) -> dict[str, Any]:
    """Type CustomerVisit."""
    landing = visit.landing_page
    tactic = visit.kind.upper()
    utm = {name: visit.utm.get(name, visit.utm.get(f"utm_{name}")) for name in _UTM}
    return {
        "__typename": "CustomerVisit",
        "id": gid("CustomerVisit", visit.key),
        "occurredAt": when(visit.at),
        "landingPage": f"https://{shop}{landing}" if landing.startswith("/") else landing,
        "referrerUrl": visit.referrer,
        "referralCode": None,
        "source": visit.source,
        "sourceType": tactic if tactic in _TACTICS else None,
        "utmParameters": utm if any(utm.values()) else None,
    }


_UTM = ("source", "medium", "campaign", "content", "term")


def product_row(product: Product, brand: Brand) -> dict[str, Any]:
    """Type Product."""
    return {
        "__typename": "Product",
        "id": gid("Product", product.key),
        "title": product.title,
        "handle": quote(product.title.lower().replace(" ", "-")),
        "status": "ACTIVE",
        "vendor": brand.name,
        "productType": product.category,
        "category": None,
        "featuredMedia": None,
        "tags": list(product.aliases),
        "onlineStoreUrl": f"https://{brand.accounts[Channel.SHOPIFY]}/products/{stable_id('Product', product.key)}",
        "createdAt": when(product.created_at),
        "updatedAt": when(product.created_at),
        "variants": inner([variant_row(sku, product) for sku in product.skus]),
    }


def variant_row(sku: Sku, product: Product) -> dict[str, Any]:
    """Type ProductVariant. The inventory item is behind its scope."""

    def item(info: Any, **_: Any) -> dict[str, Any]:
        info.context.require("read_inventory", info)
        cost = {"amount": amount_text(sku.cost.amount), "currencyCode": sku.cost.currency}
        return {"id": gid("InventoryItem", sku.key), "unitCost": cost}

    return {
        "__typename": "ProductVariant",
        "id": gid("ProductVariant", sku.key),
        "title": sku.title,
        "sku": sku.code,
        "barcode": sku.barcode,
        "price": f"{sku.price.amount:.2f}",
        "createdAt": when(product.created_at),
        "updatedAt": when(product.created_at),
        "inventoryItem": item,
    }


def item_row(sku: Sku, levels: Sequence[StockState], created_at: datetime) -> dict[str, Any]:
    """Type InventoryItem with its levels."""
    updated_at = max((level.updated_at for level in levels), default=created_at)
    return {
        "__typename": "InventoryItem",
        "id": gid("InventoryItem", sku.key),
        "sku": sku.code,
        "tracked": True,
        "createdAt": when(created_at),
        "updatedAt": when(updated_at),
        "inventoryLevels": inner([level_row(level, sku) for level in levels]),
    }


def level_row(level: StockState, sku: Sku) -> dict[str, Any]:
    """Type InventoryLevel. Its id names the item in a query string."""
    counts = dict.fromkeys(QUANTITIES, 0)
    counts |= {"available": level.available, "committed": level.committed, "incoming": level.incoming}
    counts["on_hand"] = level.available + level.committed
    number = stable_id("InventoryLevel", f"{level.sku_key}/{level.place_key}")
    return {
        "__typename": "InventoryLevel",
        "id": f"gid://shopify/InventoryLevel/{number}?inventory_item_id={stable_id('InventoryItem', sku.key)}",
        "isActive": True,
        "createdAt": when(level.updated_at),
        "updatedAt": when(level.updated_at),
        "location": {"id": gid("Location", level.place_key)},
        "quantities": lambda info, names: [{"name": n, "quantity": counts[n]} for n in names if n in counts],
    }


def location_row(place: Place, since: datetime) -> dict[str, Any]:
    """Type Location."""
    return {
        "__typename": "Location",
        "id": gid("Location", place.key),
        "name": place.name,
        "isActive": True,
        "createdAt": when(since),
        "updatedAt": when(since),
        "address": {"countryCode": place.country},
    }
