"""What a delivery of Shopify says of itself: its topic, its shop, its person.

Shopify signs the body and nothing else: topic, shop, id and time are headers that whoever holds a signed body could
change. So the body must have the form of the topic that the header claims, and must not name another shop.
Source: webhook headers on shopify.dev; "Privacy law compliance"; 8 retries over 4 hours.
"""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from shelftide_sdk.auth import App, Settings
from shelftide_sdk.errors import DataError
from shelftide_sdk.webhooks import Delivery, ForgedDeliveryError, Headers, Matter, Subject, Webhooks
from shelftide_shopify.auth import SHOP_PATTERN, verify_webhook
from shelftide_shopify.rest import customer_of
from shelftide_shopify.shop import maybe_moment, number

MAX_AGE = timedelta(hours=6)
_ID = re.compile(r"[\x21-\x7e]{1,200}")
_ORDER_STATES = frozenset({"orders/create", "orders/updated", "orders/paid", "orders/partially_fulfilled",
                           "orders/fulfilled", "orders/cancelled"})  # fmt: skip
_PRODUCT_STATES = frozenset({"products/create", "products/update"})
_LEVEL_STATES = frozenset({"inventory_levels/connect", "inventory_levels/update"})
_ITEM_STATES = frozenset({"inventory_items/create", "inventory_items/update"})
_PLACE_STATES = frozenset({"locations/create", "locations/update", "locations/activate"})
_MATTERS: Mapping[str, Matter] = {
    "app/uninstalled": Matter.APP_REMOVED,
    "bulk_operations/finish": Matter.JOB_FINISHED,
    "customers/data_request": Matter.CUSTOMER_DATA,
    "customers/redact": Matter.CUSTOMER_ERASURE,
    "shop/redact": Matter.ACCOUNT_ERASURE,
}


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """The form of a topic's body: fields that it has; `only` these, or `never` those; where it names its shop."""

    fields: frozenset[str]
    never: frozenset[str] = frozenset()
    only: bool = False
    shop: str = ""

    def fits(self, body: Mapping[str, Any], shop: str) -> bool:
        """Whether a body has this form and is not another shop's."""
        names = body.keys()
        if not names >= self.fields or names & self.never or (self.only and names != self.fields):
            return False
        return not self.shop or str(body[self.shop]).lower() == shop


def _form(*fields: str, never: Sequence[str] = (), only: bool = False, shop: str = "") -> Form:
    return Form(fields=frozenset(fields), never=frozenset(never), only=only, shop=shop)


_DELETED = _form("id", only=True)
_FORMS: tuple[tuple[frozenset[str], Form], ...] = (
    (_ORDER_STATES, _form("id", "line_items", "total_price", "currency", "financial_status")),
    (frozenset({"orders/edited"}), _form("order_edit")),
    (frozenset({"orders/delete", "products/delete", "locations/delete"}), _DELETED),
    (frozenset({"refunds/create"}), _form("id", "order_id", "transactions", never=("line_items",))),
    (_PRODUCT_STATES, _form("id", "title", "variants", never=("line_items",))),
    (_LEVEL_STATES, _form("inventory_item_id", "location_id", "available")),
    (frozenset({"inventory_levels/disconnect"}), _form("inventory_item_id", "location_id", never=("available",))),
    (_PLACE_STATES, _form("id", "name", "address1", never=("line_items", "myshopify_domain"))),
    (_ITEM_STATES, _form("id", "sku", never=("price", "quantity"))),
    (frozenset({"app/uninstalled"}), _form("id", "myshopify_domain", shop="myshopify_domain")),
    (frozenset({"bulk_operations/finish"}), _form("admin_graphql_api_id", "status", "type", never=("id",))),
    (
        frozenset({"customers/data_request"}),
        _form("shop_domain", "customer", "data_request", shop="shop_domain"),
    ),
    (
        frozenset({"customers/redact"}),
        _form("shop_domain", "customer", never=("data_request",), shop="shop_domain"),
    ),
    (frozenset({"shop/redact"}), _form("shop_id", "shop_domain", only=True, shop="shop_domain")),
)
# What a body must look like to be one of a topic.
FORM_OF: Mapping[str, Form] = {topic: form for topics, form in _FORMS for topic in topics}
_EFFECTS: Mapping[str, str] = {
    **dict.fromkeys(_ORDER_STATES, "orders"),
    **dict.fromkeys(_PRODUCT_STATES, "products"),
    **dict.fromkeys(_LEVEL_STATES, "inventory_levels"),
    **dict.fromkeys(_ITEM_STATES, "inventory_items"),
    **dict.fromkeys(_PLACE_STATES, "locations"),
}


def header(headers: Headers, name: str) -> str:
    """A header in either of Shopify's families, `X-Shopify-Topic` or `shopify-topic`; "" when absent.

    Raises ForgedDeliveryError when both are there and differ.
    """
    old, new = headers.get(f"x-shopify-{name}", ""), headers.get(f"shopify-{name}", "")
    if old and new and old != new:
        raise ForgedDeliveryError(f"two values of {name}")
    return old or new


def describe(headers: Headers, body: bytes) -> Sequence[Delivery]:
    """One delivery. Raises ForgedDeliveryError for headers that are not of this body."""
    topic, shop = header(headers, "topic").lower(), header(headers, "shop-domain").lower()
    named = header(headers, "webhook-id") or header(headers, "event-id")
    if not re.fullmatch(SHOP_PATTERN, shop) or not _ID.fullmatch(named) or not re.fullmatch(r"[a-z_]+/[a-z_]+", topic):
        raise ForgedDeliveryError("no shop, no id or no topic")
    if not _fits(topic, shop, body):
        raise ForgedDeliveryError(f"the body is not one of {topic} of this shop")
    return (
        Delivery(
            delivery_id=named,
            topic=topic,
            account=shop,
            matter=_MATTERS.get(topic, Matter.DATA),
            effect=_EFFECTS.get(topic, topic),
            repeatable=topic == "inventory_levels/disconnect",
            triggered_at=_triggered_at(headers),
        ),
    )


def _fits(topic: str, shop: str, body: bytes) -> bool:
    form = FORM_OF.get(topic)
    if form is None:
        return True  # a topic without effect of its own: at most it says that something is to be read again
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and form.fits(value, shop)


def _triggered_at(headers: Headers) -> datetime | None:
    try:
        return maybe_moment(header(headers, "triggered-at") or None)
    except DataError as error:
        raise ForgedDeliveryError("a senseless time") from error


def subject_of(body: bytes) -> Subject:
    """The person of `customers/redact` and `customers/data_request`. Raises DataError for another form."""
    try:
        value = json.loads(body)
        customer = customer_of(value["customer"])
        orders = value.get("orders_to_redact") or value.get("orders_requested") or ()
        return Subject(
            customers=() if customer is None else (customer,),
            order_ids=tuple(number(order) for order in orders),
            request_id=str((value.get("data_request") or {}).get("id", "")),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError("a privacy request in another form") from error


def _verify(app: App, headers: Headers, body: bytes) -> bool:
    return verify_webhook(app.client_secret, headers, body)


def account_of(account_id: str, settings: Settings) -> str:
    """Deliveries name the shop by its domain."""
    return settings.get("shop", "").lower()


WEBHOOKS = Webhooks(verify=_verify, describe=describe, account_of=account_of, max_age=MAX_AGE, subject=subject_of)
