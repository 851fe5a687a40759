"""REST-shaped bodies, as webhooks still carry them: what each kind of resource means.

Some resources are not records themselves but say that one has changed (a fulfilment, a payment): they name the order
or inventory item to read again. Source: webhook topics of the Admin API; bodies of Shopify/shopify_python_api.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from shelftide_sdk.errors import DataError
from shelftide_sdk.money import Money
from shelftide_sdk.records import (
    BudgetMode,
    Campaign,
    Customer,
    Fee,
    Location,
    Order,
    OrderLine,
    Payout,
    Product,
    PromoCode,
    Record,
    Refund,
    StockLevel,
    Variant,
)
from shelftide_shopify.mapping import Row, channel_kind, order_status, whole
from shelftide_shopify.shop import Shop, maybe_moment, maybe_number, moment, number


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What a body says.

    Attributes:
        records: the records in it.
        stale_orders, stale_items: orders and inventory items that it shows to have changed, to be read again.
        customer: a buyer's identifiers.
        facts: what it says about the shop or the grant.
        skipped: why it holds no record on purpose ("test order"), or "".
    """

    records: tuple[Record, ...] = ()
    stale_orders: tuple[str, ...] = ()
    stale_items: tuple[str, ...] = ()
    customer: Customer | None = None
    facts: Mapping[str, Any] = {}
    skipped: str = ""


_FULFILMENT = {"fulfilled": "FULFILLED", "partial": "PARTIALLY_FULFILLED", "restocked": "RESTOCKED"}


def read_order(row: Row, shop: Shop) -> Reading:
    """An order with its lines and refunds. Visits are not in the body, so an online order's journey is not ready."""
    if row["test"]:
        return Reading(skipped="test order")
    order = _order(row, shop)
    lines = [_line(line, order) for line in row["line_items"]]
    refunds = [_refund(refund, shop, order.source_id) for refund in row.get("refunds") or ()]
    return Reading(records=(order, *lines, *refunds))


def _order(row: Row, shop: Shop) -> Order:
    currency = row["currency"]

    def amount(name: str) -> Money | None:
        return None if row.get(name) is None else Money.parse(row[name], currency)

    cancelled_at = maybe_moment(row["cancelled_at"])
    word = row["fulfillment_status"]
    fulfilment = "UNFULFILLED" if word is None else _FULFILMENT.get(word, str(word).upper())
    financial = (row["financial_status"] or "").upper() or None
    source = row.get("source_name")
    return Order(
        source_id=number(row["id"]),
        name=row["name"],
        placed_at=moment(row["created_at"]),
        zone=shop.zone,
        status=order_status(
            cancelled=cancelled_at is not None,
            closed=row["closed_at"] is not None,
            financial=financial,
            fulfilment=fulfilment,
        ),
        channel_kind=channel_kind(source),
        channel=source,
        platform_status=fulfilment,
        financial_status=financial,
        total=Money.parse(row["total_price"], currency),
        current_total=amount("current_total_price"),
        subtotal=amount("subtotal_price"),
        discount=amount("total_discounts"),
        shipping=_shipping(row, currency),
        tax=amount("total_tax"),
        presentment_total=_presentment(row.get("total_price_set")),
        customer=customer_of(row.get("customer"), row.get("email"), row.get("phone")),
        country=(row.get("shipping_address") or {}).get("country_code"),
        promo_codes=tuple(code["code"] for code in row.get("discount_codes") or ()),
        journey_ready=False if source == "web" else None,
        cancelled_at=cancelled_at,
        cancel_reason=(row["cancel_reason"] or "").upper() or None,
        updated_at=moment(row["updated_at"]),
    )


def _shipping(row: Row, currency: str) -> Money | None:
    bag = row.get("total_shipping_price_set")
    if bag:
        return Money.parse(bag["shop_money"]["amount"], bag["shop_money"]["currency_code"])
    if row.get("shipping_lines") is None:
        return None
    return Money(sum((Money.parse(s["price"], currency).amount for s in row["shipping_lines"]), Decimal(0)), currency)


def _presentment(bag: Row | None) -> Money | None:
    if not bag:
        return None
    return Money.parse(bag["presentment_money"]["amount"], bag["presentment_money"]["currency_code"])


def customer_of(row: Row | None, email: str | None = None, phone: str | None = None) -> Customer | None:
    """A buyer's identifiers from a customer body, or from the order around it."""
    row = row or {}
    found = Customer(
        email=row.get("email") or email or None,
        phone=row.get("phone") or phone or None,
        platform_id=maybe_number(row.get("id")),
    )
    return found if found.email or found.phone or found.platform_id else None


def _line(row: Row, order: Order) -> OrderLine:
    currency = order.total.currency
    unit = Money.parse(row["price"], currency)
    quantity = whole(row["quantity"])
    allocated = [Money.parse(part["amount"], currency).amount for part in row.get("discount_allocations") or ()]
    discount = sum(allocated, Decimal(0)) or Money.parse(row.get("total_discount") or "0", currency).amount
    return OrderLine(
        order_id=order.source_id,
        source_id=number(row["id"]),
        placed_at=order.placed_at,
        zone=order.zone,
        quantity=quantity,
        current_quantity=row.get("current_quantity"),
        total=Money(unit.amount * quantity - discount, currency),
        product_id=maybe_number(row["product_id"]),
        variant_id=maybe_number(row["variant_id"]),
        sku=row["sku"] or None,
        title=row["title"],
        unit_price=unit,
        discount=Money(discount, currency),
        cancelled=order.cancelled_at is not None,
        updated_at=order.updated_at,
    )


def read_refund(row: Row, shop: Shop) -> Reading:
    """A refund: the order's totals have moved with it."""
    refund = _refund(row, shop, number(row["order_id"]))
    return Reading(records=(refund,), stale_orders=(refund.order_id,))


def _refund(row: Row, shop: Shop, order_id: str) -> Refund:
    paid = [t for t in row["transactions"] if t["kind"] == "refund" and t["status"] == "success"]
    currencies = {t.get("currency") or shop.currency for t in paid} or {shop.currency}
    if len(currencies) > 1:
        raise DataError(f"one refund in several currencies: {', '.join(sorted(currencies))}")
    currency = currencies.pop()
    refunded_at = moment(row["created_at"])
    return Refund(
        source_id=number(row["id"]),
        order_id=order_id,
        refunded_at=refunded_at,
        zone=shop.zone,
        amount=Money(sum((Money.parse(t["amount"], currency).amount for t in paid), Decimal(0)), currency),
        quantity=sum(whole(line["quantity"]) for line in row["refund_line_items"]),
        reason=row["note"] or None,
        updated_at=maybe_moment(row.get("updated_at")) or refunded_at,
    )


def read_product(row: Row, shop: Shop) -> Reading:
    """A product with its variants."""
    images = row.get("images") or ()
    tags = row.get("tags") or ""
    product = Product(
        source_id=number(row["id"]),
        title=row["title"],
        status=row.get("status") or "active",
        vendor=row.get("vendor") or None,
        category=row.get("product_type") or None,
        image_url=images[0]["src"] if images else None,
        tags=tuple(tag.strip() for tag in tags.split(",") if tag.strip()),
        created_at=maybe_moment(row["created_at"]),
        updated_at=moment(row["updated_at"]),
    )
    return Reading(records=(product, *(_variant(v, shop, product.source_id) for v in row["variants"])))


def read_variant(row: Row, shop: Shop) -> Reading:
    """A variant alone. An old body without `product_id` names its product nowhere: it keeps an empty one."""
    return Reading(records=(_variant(row, shop, maybe_number(row.get("product_id")) or ""),))


def _variant(row: Row, shop: Shop, product_id: str) -> Variant:
    return Variant(
        source_id=number(row["id"]),
        product_id=product_id,
        title=row["title"],
        sku=row["sku"] or None,
        barcode=row.get("barcode") or None,
        price=Money.parse(row["price"], shop.currency),
        stock_item_id=maybe_number(row.get("inventory_item_id")),
        updated_at=moment(row["updated_at"]),
    )


def read_level(row: Row, shop: Shop) -> Reading:
    """A stock level: the body knows the available pieces only, so the item is read again for the rest."""
    item = number(row["inventory_item_id"])
    if row["available"] is None:
        return Reading(stale_items=(item,), skipped="the item is not tracked")
    level = StockLevel(
        stock_item_id=item,
        location_id=number(row["location_id"]),
        available=whole(row["available"]),
        updated_at=moment(row["updated_at"]),
    )
    return Reading(records=(level,), stale_items=(item,))


def read_item(row: Row, shop: Shop) -> Reading:
    """An inventory item: its levels are elsewhere."""
    return Reading(stale_items=(number(row["id"]),))


def read_location(row: Row, shop: Shop) -> Reading:
    """A location."""
    return Reading(records=(_location(row),))


def read_locations(rows: list[Row], shop: Shop) -> Reading:
    """A list of locations."""
    return Reading(records=tuple(_location(row) for row in rows))


def _location(row: Row) -> Location:
    return Location(
        source_id=number(row["id"]),
        name=row["name"],
        country=row.get("country_code") or row.get("country"),
        active=row.get("deleted_at") is None and row.get("active", True),
        updated_at=maybe_moment(row["updated_at"]),
    )


def read_part_of_order(row: Row, shop: Shop) -> Reading:
    """A fulfilment, a payment, a return or an edit: the order has changed."""
    order = row.get("order_id") or (row.get("order") or {}).get("id") or (row.get("order_edit") or {}).get("order_id")
    if order is None:
        raise DataError("the body names no order")
    return Reading(stale_orders=(number(order),))


def read_tenders(rows: list[Row], shop: Shop) -> Reading:
    """Payments by means of payment: test ones say nothing, the others that their orders have changed."""
    orders = dict.fromkeys(number(row["order_id"]) for row in rows if not row["test"])
    return Reading(stale_orders=tuple(orders), skipped="" if orders else "test payments")


def read_draft(row: Row, shop: Shop) -> Reading:
    """A draft is an offer, not a sale. A completed one names the order that it became."""
    if row.get("order_id") is None:
        Money.parse(row["total_price"], row["currency"])
        return Reading(skipped=f"draft order, {row['status']}")
    return Reading(stale_orders=(number(row["order_id"]),))


def read_events(rows: list[Row], shop: Shop) -> Reading:
    """Events: those of orders say that the order has changed."""
    orders = dict.fromkeys(number(row["subject_id"]) for row in rows if row["subject_type"] == "Order")
    return Reading(stale_orders=tuple(orders))


def read_payout(row: Row, shop: Shop) -> Reading:
    """A payout of Shopify Payments. It is dated by day; the day begins at midnight in the shop's zone."""
    currency, summary = row["currency"], row.get("summary") or {}

    def total(ending: str) -> Money:
        parts = [Money.parse(v, currency).amount for k, v in summary.items() if k.endswith(ending)]
        return Money(sum(parts, Decimal(0)), currency)

    settled = datetime.strptime(row["date"], "%Y-%m-%d").replace(tzinfo=shop.tz)
    payout = Payout(
        source_id=number(row["id"]),
        settled_at=moment(settled.isoformat()),
        zone=shop.zone,
        amount=Money.parse(row["amount"], currency),
        revenue=total("charges_gross_amount") + total("refunds_gross_amount") if summary else None,
        fees=total("_fee_amount") if summary else None,
        adjustments=total("adjustments_gross_amount") if summary else None,
        status=row["status"],
    )
    return Reading(records=(payout,))


def read_code(row: Row, shop: Shop) -> Reading:
    """A discount code."""
    code = PromoCode(
        source_id=number(row["id"]),
        code=row["code"],
        usage_count=row.get("usage_count"),
        starts_at=maybe_moment(row.get("created_at")),
        updated_at=maybe_moment(row.get("updated_at")),
    )
    return Reading(records=(code,))


def read_price_rule(row: Row, shop: Shop) -> Reading:
    """The rule behind discount codes; `value` is negative, a percentage or an amount in the shop's currency."""
    value = Money.parse(str(row["value"]), shop.currency)
    rate = row["value_type"] == "percentage"
    rule = PromoCode(
        source_id=f"rule-{number(row['id'])}",
        code=row["title"],
        title=row["title"],
        value=None if rate else Money(-value.amount, value.currency),
        value_rate=-value.amount / 100 if rate else None,
        starts_at=maybe_moment(row["starts_at"]),
        ends_at=maybe_moment(row["ends_at"]),
        updated_at=maybe_moment(row.get("updated_at")),
    )
    return Reading(records=(rule,))


def read_charges(rows: list[Row], shop: Shop) -> Reading:
    """Subscriptions of apps that the merchant pays, in US dollars. Only active ones cost something."""
    fees = [
        Fee(
            source_id=number(row["id"]),
            kind="app_subscription",
            charged_at=moment(row["billing_on"]),
            zone=shop.zone,
            amount=Money.parse(row["price"], "USD"),
        )
        for row in rows
        if row["status"] == "active" and not row["test"]
    ]
    return Reading(records=tuple(fees))


def read_marketing_event(row: Row, shop: Shop) -> Reading:
    """A marketing event as a campaign of the shop."""
    budget = row.get("budget")
    mode = {"daily": BudgetMode.DAILY, "lifetime": BudgetMode.TOTAL}.get(row.get("budget_type") or "")
    event = Campaign(
        source_id=number(row["id"]),
        account_id=shop.source_id,
        name=row.get("utm_campaign") or row.get("description") or f"marketing event {row['id']}",
        status="ended" if row["ended_at"] else "active",
        objective=row["event_type"],
        budget=None if budget is None else Money.parse(budget, row["currency"]),
        budget_mode=mode,
        starts_at=maybe_moment(row["started_at"]),
        ends_at=maybe_moment(row["ended_at"] or row["scheduled_to_end_at"]),
    )
    return Reading(records=(event,))


def read_customer(row: Row, shop: Shop) -> Reading:
    """A buyer's identifiers; the host turns them into a key."""
    return Reading(customer=customer_of(row))


def read_shop(row: Row, shop: Shop) -> Reading:
    """The shop's own card."""
    facts = {"source_id": number(row["id"]), "name": row["name"], "domain": row["myshopify_domain"]}
    return Reading(facts={**facts, "currency": row["currency"], "country": row.get("country_code") or row["country"]})


def read_scopes(rows: list[Row], shop: Shop) -> Reading:
    """The granted access scopes."""
    return Reading(facts={"scopes": tuple(sorted(row["handle"] for row in rows))})


def read_currencies(rows: list[Row], shop: Shop) -> Reading:
    """The currencies that buyers may see."""
    return Reading(facts={"currencies": tuple(row["currency"] for row in rows if row["enabled"])})


def read_metafield(row: Row, shop: Shop) -> Reading:
    """A merchant's own field: its name is noted, its value may be anything, personal data included, and stays out."""
    return Reading(facts={"metafield": f"{row['namespace']}.{row['key']}"}, skipped="the value is the merchant's own")


READERS: Mapping[str, Callable[[Any, Shop], Reading]] = {
    "access_scopes": read_scopes,
    "currencies": read_currencies,
    "customer": read_customer,
    "discount_code": read_code,
    "draft_order": read_draft,
    "events": read_events,
    "fulfillment": read_part_of_order,
    "inventory_item": read_item,
    "inventory_level": read_level,
    "location": read_location,
    "locations": read_locations,
    "marketing_event": read_marketing_event,
    "metafields": read_metafield,
    "order": read_order,
    "payout": read_payout,
    "price_rule": read_price_rule,
    "product": read_product,
    "recurring_application_charges": read_charges,
    "refund": read_refund,
    "shop": read_shop,
    "tender_transactions": read_tenders,
    "transaction": read_part_of_order,
    "variant": read_variant,
}

# Resources that are known and left alone, with the reason.
UNREAD: Mapping[str, str] = {"user": "a staff member: personal data without orders, stock or figures"}
