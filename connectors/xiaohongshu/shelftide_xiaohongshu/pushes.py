"""What a delivery of Ark names: an array of messages whose data is JSON text. They say what changed, not how it is."""

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from shelftide_sdk.connector import Reject

_ORDER_TAGS = "msg_fulfillment_"
_ITEM_TAGS = "msg_item_"
_RETURN_TAGS = "msg_after_sale_"
_NAMES = {
    "orders": ("orderId", "packageId", "order_id"),
    "returns": ("returnsId", "returnId", "returns_id"),
    "items": ("itemId", "item_id"),
}


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """Ids that a delivery names, each once, and messages that could not be understood."""

    orders: list[str]
    returns: list[str]
    items: list[str]
    rejects: list[Reject]


def read_pushes(body: bytes, seller_id: str) -> Named:
    """The messages of a delivery that are for this shop; the platform's check call (`{"test": true}`) names nothing."""
    found: dict[str, list[str]] = {"orders": [], "returns": [], "items": []}
    rejects: list[Reject] = []
    try:
        messages = json.loads(body)
    except ValueError:
        return Named(**found, rejects=[Reject("Order", "the delivery is not JSON", repr(body[:200]))])
    if isinstance(messages, Mapping):
        messages = [] if messages.get("test") else [messages]
    if not isinstance(messages, list):
        return Named(**found, rejects=[Reject("Order", "the delivery is no list of messages", messages)])
    for message in messages:
        kind, named = _named(message, seller_id)
        if kind and named and named not in found[kind]:
            found[kind].append(named)
        elif kind and not named:
            rejects.append(Reject("Order", "a message names nothing that can be looked up", message))
    return Named(**found, rejects=rejects)


def _named(message: Any, seller_id: str) -> tuple[str, str]:
    """(kind, id); no kind for a message of another shop or of something that is not read."""
    if not isinstance(message, Mapping):
        return "orders", ""
    owner = message.get("sellerId")
    if owner and seller_id and str(owner) != seller_id:
        return "", ""
    tag = str(message.get("msgTag") or "")
    kinds = {_ORDER_TAGS: "orders", _ITEM_TAGS: "items", _RETURN_TAGS: "returns"}
    kind = next((kind for prefix, kind in kinds.items() if tag.startswith(prefix)), "")
    if not kind:
        return "", ""
    data = _data(message.get("data"))
    values = [data[name] for name in _NAMES[kind] if data.get(name)]
    return kind, str(values[0]) if values and isinstance(values[0], str | int) else ""


def _data(value: Any) -> Mapping[str, Any]:
    try:
        found = json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return {}
    return found if isinstance(found, Mapping) else {}
