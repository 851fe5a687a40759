"""Webhook topics: which deliveries carry data, and what they mean. The host has verified the signature.

Source: webhook topics of the Admin API. A body is the state at the time of the trigger, deliveries repeat and overtake
each other: records carry `updated_at`, and the host never lets an older state overwrite a newer one.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from shelftide_sdk.connector import Delete, Page, Reject, WebhookRequest
from shelftide_sdk.errors import DataError
from shelftide_sdk.records import Location, Order, Product, Record, StockLevel
from shelftide_shopify.rest import (
    Reading,
    read_item,
    read_level,
    read_location,
    read_order,
    read_part_of_order,
    read_product,
    read_refund,
)
from shelftide_shopify.shop import Shop, number

_READERS: Mapping[str, Callable[[Any, Shop], Reading]] = {
    "orders/create": read_order,
    "orders/updated": read_order,
    "orders/paid": read_order,
    "orders/partially_fulfilled": read_order,
    "orders/fulfilled": read_order,
    "orders/cancelled": read_order,
    "orders/edited": read_part_of_order,
    "order_transactions/create": read_part_of_order,
    "refunds/create": read_refund,
    "products/create": read_product,
    "products/update": read_product,
    "inventory_levels/connect": read_level,
    "inventory_levels/update": read_level,
    "inventory_items/create": read_item,
    "inventory_items/update": read_item,
    "locations/create": read_location,
    "locations/update": read_location,
    "locations/activate": read_location,
}
_PARTS_OF_ORDERS = ("fulfillments/", "returns/", "fulfillment_events/")
_DELETES: Mapping[str, Callable[[Any], Delete]] = {
    "orders/delete": lambda body: Delete(Order, {"source_id": number(body["id"])}),
    "products/delete": lambda body: Delete(Product, {"source_id": number(body["id"])}),
    "locations/delete": lambda body: Delete(Location, {"source_id": number(body["id"])}),
    "inventory_levels/disconnect": lambda body: Delete(
        StockLevel,
        {"stock_item_id": number(body["inventory_item_id"]), "location_id": number(body["location_id"])},
    ),
}
# Matters of the grant and of privacy law, which are the host's, and news of our own jobs.
_NOT_DATA = (
    "app/",
    "shop/",
    "customers/",
    "bulk_operations/finish",
    "inventory_items/delete",
    "locations/deactivate",
    "collections/",
    "carts/",
    "checkouts/",
    "draft_orders/",
)


def header(request: WebhookRequest, name: str) -> str:
    """A header in either of Shopify's families, `X-Shopify-Topic` or `shopify-topic`; "" when absent."""
    headers = {key.lower(): value for key, value in request.headers.items()}
    return headers.get(f"x-shopify-{name}") or headers.get(f"shopify-{name}") or ""


def read_delivery(request: WebhookRequest, shop: Shop) -> tuple[Page, Reading]:
    """The page that a delivery holds, and its reading, which may ask for more to be read."""
    topic = header(request, "topic").lower()
    try:
        body = json.loads(request.body)
        if not isinstance(body, dict):
            raise DataError("the body is not a JSON object")
        if topic in _DELETES:
            return Page(deletes=(_DELETES[topic](body),)), _after_delete(topic, body)
        if topic.startswith(_NOT_DATA):
            return Page(), Reading(skipped=topic)
        reading = _reader(topic)(body, shop)
    except (DataError, ValueError, KeyError, TypeError, AttributeError, ArithmeticError) as error:
        return Page(rejects=(_reject(topic, error, request.body),)), Reading()
    return Page(records=reading.records), reading


def _after_delete(topic: str, body: Mapping[str, Any]) -> Reading:
    """The body of a disconnection tells no time: the item is read again, should it be connected by now."""
    if topic == "inventory_levels/disconnect":
        return Reading(stale_items=(number(body["inventory_item_id"]),))
    return Reading()


def _reader(topic: str) -> Callable[[Any, Shop], Reading]:
    if topic.startswith(_PARTS_OF_ORDERS):
        return read_part_of_order
    if topic not in _READERS:
        raise DataError(f"unknown webhook topic {topic!r}")
    return _READERS[topic]


def _reject(topic: str, error: Exception, raw: bytes) -> Reject:
    reason = error.message if isinstance(error, DataError) else f"{type(error).__name__}: {error}"
    return Reject(
        _record_of(topic).__name__, f"webhook {topic or 'without a topic'}: {reason}", raw.decode("utf-8", "replace")
    )


def _record_of(topic: str) -> type[Record]:
    if topic.startswith("products/"):
        return Product
    return StockLevel if topic.startswith("inventory_") else Order
