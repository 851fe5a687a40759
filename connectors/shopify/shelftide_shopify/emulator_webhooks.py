"""Webhooks of the emulated shops: REST-shaped bodies, signed, with repeats, wrong order and given-up subscriptions.

Source: webhook headers and delivery rules on shopify.dev; 8 retries over 4 hours, then the subscription is deleted.
"""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from shelftide_sdk.testing.world.model import Brand, Order, Product, RefundEvent, Sku, StockState, stable_id
from shelftide_shopify.auth import sign_webhook
from shelftide_shopify.emulator import ShopifyEmulator
from shelftide_shopify.emulator_facts import OrderFacts
from shelftide_shopify.schema import VERSIONS

RETRIES = 8
Post = Callable[[Mapping[str, str], bytes], Awaitable[int]]


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One signed delivery."""

    topic: str
    headers: Mapping[str, str]
    body: bytes
    triggered_at: datetime


class WebhookSender:
    """Sends what happened in a shop. `given_up` holds the topics whose subscription Shopify has deleted."""

    def __init__(self, emulator: ShopifyEmulator, shop: str, *, seed: int = 7) -> None:
        brand = emulator.shop_brand(shop)
        if brand is None:
            raise KeyError(f"no brand has the shop {shop}")
        self._emulator = emulator
        self._brand = brand
        self._shop = shop
        self._random = Random(seed)
        self.given_up: set[str] = set()
        self.attempts = 0

    def deliver(self, topic: str, body: Mapping[str, Any], at: datetime) -> Delivery:
        """A signed delivery of a body."""
        raw = json.dumps(body, separators=(",", ":")).encode()
        event = stable_id("WebhookEvent", f"{topic}/{body.get('id')}/{at.isoformat()}")
        return Delivery(
            topic=topic,
            body=raw,
            triggered_at=at,
            headers={
                "Content-Type": "application/json",
                "X-Shopify-Topic": topic,
                "X-Shopify-Hmac-Sha256": sign_webhook(self._emulator.tokens.client_secret, raw),
                "X-Shopify-Shop-Domain": self._shop,
                "X-Shopify-API-Version": VERSIONS[0],
                "X-Shopify-Webhook-Id": f"{event:x}-{stable_id('WebhookId', f'{topic}{event}'):x}",
                "X-Shopify-Event-Id": f"{event:x}",
                "X-Shopify-Triggered-At": at.isoformat(),
                "X-Shopify-Name": f"shelftide-{topic.replace('/', '-')}",
            },
        )

    def happened(self, since: datetime, until: datetime) -> list[Delivery]:
        """Deliveries for all order changes after `since` and up to `until`, each with the state of its own moment.

        Scenario `duplicate` repeats some, `shuffle` mixes their order.
        """
        orders = [o for c in self._emulator.channels for o in self._emulator.world.orders(self._brand.key, c)]
        found = [d for order in orders for d in self._order_deliveries(order, since, until)]
        found.sort(key=lambda delivery: delivery.triggered_at)
        if "duplicate" in self._emulator.scenarios:
            found += found[::3]
        if "shuffle" in self._emulator.scenarios:
            self._random.shuffle(found)
        return found

    def _order_deliveries(self, order: Order, since: datetime, until: datetime) -> list[Delivery]:
        found = []
        for at in sorted({at for at in order.events() if since < at <= until}):
            topic = "orders/create" if at == order.placed_at else "orders/updated"
            found.append(self.deliver(topic, order_body(order, self._brand, at), at))
        found.extend(
            self.deliver("refunds/create", refund_body(refund, order, self._brand), refund.at)
            for refund in order.refunds
            if since < refund.at <= until
        )
        return found

    async def send(self, deliveries: Sequence[Delivery], post: Post) -> None:
        """Post each delivery until it is taken with 2xx; after 8 retries its subscription is gone."""
        for delivery in deliveries:
            if delivery.topic in self.given_up:
                continue
            for _ in range(1 + RETRIES):
                self.attempts += 1
                if 200 <= await post(delivery.headers, delivery.body) < 300:
                    break
            else:
                self.given_up.add(delivery.topic)
                self._emulator.subscriptions.drop(self._shop, delivery.topic)

    def subscribed(self, deliveries: Sequence[Delivery]) -> list[Delivery]:
        """Those whose topic the app has asked for."""
        return [each for each in deliveries if self._emulator.subscriptions.addresses(self._shop, each.topic)]


def _local(at: datetime, brand: Brand) -> str:
    return at.astimezone(ZoneInfo(brand.zone)).isoformat(timespec="seconds")


def _money(amount: Decimal) -> str:
    return f"{amount:.2f}"


def order_body(order: Order, brand: Brand, at: datetime) -> dict[str, Any]:
    """An order as webhooks carry it, at the moment `at`."""
    facts = OrderFacts(order, brand, at)
    skus = {sku.key: sku for sku in brand.skus}
    bag = facts.bag(order.total)
    return {
        "id": stable_id("Order", order.key),
        "admin_graphql_api_id": f"gid://shopify/Order/{stable_id('Order', order.key)}",
        "name": f"#{order.number}",
        "order_number": order.number,
        "created_at": _local(order.placed_at, brand),
        "processed_at": _local(order.placed_at, brand),
        "updated_at": _local(order.updated_at(at), brand),
        "cancelled_at": _local(facts.cancelled_at, brand) if facts.cancelled_at else None,
        "cancel_reason": (order.cancel_reason or "other").lower() if facts.cancelled_at else None,
        "closed_at": _local(order.completed_at, brand) if facts.closed and order.completed_at else None,
        "test": order.test,
        "source_name": "web" if facts.online else "pos",
        "currency": order.currency,
        "presentment_currency": order.presentment_currency or order.currency,
        "financial_status": facts.financial.lower(),
        "fulfillment_status": "fulfilled" if facts.fulfilled else None,
        "total_price": _money(order.total),
        "current_total_price": _money(facts.current_total),
        "subtotal_price": _money(facts.subtotal),
        "total_discounts": _money(facts.discount),
        "total_tax": _money(order.tax),
        "total_price_set": {side: _rest_money(bag[f"{name}Money"]) for side, name in _SIDES.items()},
        "total_shipping_price_set": {"shop_money": {"amount": _money(order.shipping), "currency_code": order.currency}},
        "discount_codes": [{"code": order.promo_code, "amount": _money(facts.discount)}] if order.promo_code else [],
        "email": order.person.email,
        "phone": order.person.phone or None,
        "customer": {"id": stable_id("Customer", order.person.key), "email": order.person.email},
        "shipping_address": {"country_code": order.person.country},
        "line_items": [_line_body(line, order, skus.get(line.sku_key), facts) for line in order.lines],
        "refunds": [refund_body(refund, order, brand) for refund in facts.refunds],
    }


_SIDES = {"shop_money": "shop", "presentment_money": "presentment"}


def _rest_money(money: Mapping[str, str]) -> dict[str, str]:
    return {"amount": money["amount"], "currency_code": money["currencyCode"]}


def _line_body(line: Any, order: Order, sku: Sku | None, facts: OrderFacts) -> dict[str, Any]:
    return {
        "id": stable_id("LineItem", f"{order.key}/{line.key}"),
        "product_id": stable_id("Product", sku.product_key) if sku else None,
        "variant_id": stable_id("ProductVariant", sku.key) if sku else None,
        "sku": sku.code if sku else None,
        "title": sku.title if sku else line.sku_key,
        "price": _money(line.unit_price),
        "quantity": line.quantity,
        "current_quantity": facts.current_quantity(line),
        "total_discount": "0.00",
        "discount_allocations": [{"amount": _money(line.discount), "discount_application_index": 0}],
    }


def refund_body(refund: RefundEvent, order: Order, brand: Brand) -> dict[str, Any]:
    """A refund as webhooks carry it."""
    return {
        "id": stable_id("Refund", refund.key),
        "order_id": stable_id("Order", order.key),
        "created_at": _local(refund.at, brand),
        "processed_at": _local(refund.at, brand),
        "note": None,
        "refund_line_items": [
            {"id": stable_id("RefundLineItem", f"{refund.key}/{key}"), "quantity": pieces}
            for key, pieces in refund.lines.items()
        ],
        "transactions": [
            {"kind": "refund", "status": "success", "amount": _money(refund.amount), "currency": order.currency}
        ],
        "order_adjustments": [],
    }


def product_body(product: Product, brand: Brand) -> dict[str, Any]:
    """A product as webhooks carry it: without unit costs."""
    created = _local(product.created_at, brand)
    return {
        "id": stable_id("Product", product.key),
        "title": product.title,
        "status": "active",
        "vendor": brand.name,
        "product_type": product.category,
        "tags": ", ".join(product.aliases),
        "created_at": created,
        "updated_at": created,
        "images": [],
        "variants": [
            {
                "id": stable_id("ProductVariant", sku.key),
                "product_id": stable_id("Product", product.key),
                "title": sku.title,
                "sku": sku.code,
                "barcode": sku.barcode,
                "price": _money(sku.price.amount),
                "inventory_item_id": stable_id("InventoryItem", sku.key),
                "updated_at": created,
            }
            for sku in product.skus
        ],
    }


def level_body(state: StockState, brand: Brand) -> dict[str, Any]:
    """A stock level as `inventory_levels/update` carries it."""
    return {
        "inventory_item_id": stable_id("InventoryItem", state.sku_key),
        "location_id": stable_id("Location", state.place_key),
        "available": state.available,
        "updated_at": _local(state.updated_at, brand),
    }


def removed_body(brand: Brand, shop: str) -> dict[str, Any]:
    """`app/uninstalled`: the shop's own card."""
    return {"id": stable_id("Shop", shop), "name": brand.name, "myshopify_domain": shop, "currency": brand.currency}


def finished_body(job_id: str, at: datetime) -> dict[str, Any]:
    """`bulk_operations/finish`."""
    return {
        "admin_graphql_api_id": job_id,
        "completed_at": at.isoformat(),
        "created_at": at.isoformat(),
        "error_code": None,
        "status": "completed",
        "type": "query",
    }


def customer_body(order: Order, shop: str, *, request: int | None = None) -> dict[str, Any]:
    """`customers/redact`, or with a `request` `customers/data_request`, of the buyer of an order."""
    number, buyer = stable_id("Order", order.key), order.person
    body: dict[str, Any] = {
        "shop_id": stable_id("Shop", shop),
        "shop_domain": shop,
        "customer": {"id": stable_id("Customer", buyer.key), "email": buyer.email, "phone": buyer.phone or None},
    }
    if request is None:
        return {**body, "orders_to_redact": [number]}
    return {**body, "orders_requested": [number], "data_request": {"id": request}}


def shop_redact_body(shop: str) -> dict[str, Any]:
    """`shop/redact`: 48 hours after the app was removed."""
    return {"shop_id": stable_id("Shop", shop), "shop_domain": shop}
