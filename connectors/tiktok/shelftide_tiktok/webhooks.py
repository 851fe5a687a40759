"""Deliveries of TikTok Shop: which objects they name. The host has verified the signature.

A body is `{type, tts_notification_id, shop_id, timestamp, data}`; `data` carries ids only. Deliveries repeat and
overtake each other, which does no harm: the objects are fetched as they are now.
Source: Partner Center, "Webhooks" (types 1 to 37).
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from shelftide_sdk.auth import App, Settings
from shelftide_sdk.connector import Reject, WebhookRequest
from shelftide_sdk.errors import DataError
from shelftide_sdk.records import Order, Product, Record, Refund
from shelftide_sdk.webhooks import Delivery, ForgedDeliveryError, Headers, Matter, Webhooks
from shelftide_tiktok.auth import verify_webhook
from shelftide_tiktok.values import identifier

_ORDER_TYPES = frozenset({1, 3, 4})  # status, address, package
_RETURN_TYPES = frozenset({2, 12})  # reverse order, return status
_PRODUCT_TYPES = frozenset({5, 37})  # status, change
_MATTERS: Mapping[int, Matter] = {6: Matter.APP_REMOVED, 7: Matter.GRANT_ENDING}
MAX_AGE = timedelta(hours=73)  # TikTok tries for 72 hours
_OTHER_TYPES: Mapping[int, str] = {6: "the seller removed the app", 7: "the authorisation ends soon"}


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What a delivery asks to fetch: ids of orders, of orders whose returns changed, and of products."""

    orders: tuple[str, ...] = ()
    returns_of: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    rejects: tuple[Reject, ...] = ()
    skipped: str = ""


def read_delivery(request: WebhookRequest) -> Reading:
    """The objects that a delivery names, or a Reject with the reason."""
    kind: Any = None
    try:
        body = json.loads(request.body)
        kind = body["type"]
        return _reading(kind, body.get("data") or {})
    except (DataError, ValueError, KeyError, TypeError, AttributeError) as error:
        reason = error.message if isinstance(error, DataError) else f"{type(error).__name__}: {error}"
        raw = request.body.decode("utf-8", "replace")
        return Reading(rejects=(Reject(_record_of(kind).__name__, f"webhook of type {kind!r}: {reason}", raw),))


def _reading(kind: Any, data: Mapping[str, Any]) -> Reading:
    if kind in _OTHER_TYPES:
        return Reading(skipped=_OTHER_TYPES[kind])
    if kind in _ORDER_TYPES:
        return Reading(orders=(identifier(data["order_id"], "order_id"),))
    if kind in _RETURN_TYPES:
        order_id = identifier(data["order_id"], "order_id")
        return Reading(orders=(order_id,), returns_of=(order_id,))
    if kind in _PRODUCT_TYPES:
        return Reading(products=(_digits(identifier(data["product_id"], "product_id")),))
    raise DataError("unknown type")


def _digits(value: str) -> str:
    """An id that becomes part of a path."""
    if not (value.isascii() and value.isdigit()):
        raise DataError(f"not a product id: {value!r}")
    return value


def _record_of(kind: Any) -> type[Record]:
    if kind in _PRODUCT_TYPES:
        return Product
    return Refund if kind in _RETURN_TYPES else Order


def describe(headers: Headers, body: bytes) -> Sequence[Delivery]:
    """One delivery; all that it says of itself is signed. Raises ForgedDeliveryError for another form."""
    try:
        value = json.loads(body)
        kind, at = value["type"], value["timestamp"]
        if isinstance(kind, bool) or not isinstance(kind, int) or isinstance(at, bool) or not isinstance(at, int):
            raise ForgedDeliveryError("a type or a time that is no number")
        return (
            Delivery(
                delivery_id=identifier(value["tts_notification_id"], "tts_notification_id"),
                topic=str(kind),
                account=identifier(value["shop_id"], "shop_id"),
                matter=_MATTERS.get(kind, Matter.DATA),
                triggered_at=datetime.fromtimestamp(at, UTC),
            ),
        )
    except (DataError, ValueError, KeyError, TypeError, OverflowError, OSError, RecursionError) as error:
        raise ForgedDeliveryError("not a delivery of TikTok Shop") from error


def _verify(app: App, headers: Headers, body: bytes) -> bool:
    return bool(app.client_secret) and verify_webhook(app.client_id, app.client_secret, headers, body)


def _account_of(account_id: str, settings: Settings) -> str:
    return account_id


WEBHOOKS = Webhooks(verify=_verify, describe=describe, account_of=_account_of, max_age=MAX_AGE)
