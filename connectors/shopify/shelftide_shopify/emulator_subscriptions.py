"""Webhook subscriptions of the emulated shops: made by the app, deleted by Shopify when nobody answers."""

from collections.abc import Callable
from typing import Any

import msgspec

from shelftide_sdk.testing.world.model import stable_id
from shelftide_shopify.emulator_paging import Entry, connection, window


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """One topic of one shop. `topic` is the schema's word, `ORDERS_CREATE`."""

    shop: str
    topic: str
    uri: str
    created: str

    @property
    def number(self) -> int:
        """Shopify's id."""
        return stable_id("WebhookSubscription", f"{self.shop}/{self.topic}/{self.uri}")

    def row(self) -> dict[str, Any]:
        """As GraphQL shows it."""
        return {
            "id": f"gid://shopify/WebhookSubscription/{self.number}",
            "legacyResourceId": str(self.number),
            "topic": self.topic,
            "uri": self.uri,
            "callbackUrl": self.uri,
            "format": "JSON",
            "createdAt": self.created,
            "updatedAt": self.created,
            "includeFields": [],
            "metafieldNamespaces": [],
            "metafields": [],
        }


def topic_word(topic: str) -> str:
    """`orders/create` as the schema writes it."""
    return topic.upper().replace("/", "_")


class Subscriptions:
    """All shops' subscriptions."""

    def __init__(self) -> None:
        self._found: dict[str, dict[int, Subscription]] = {}

    def of(self, shop: str) -> list[Subscription]:
        """A shop's subscriptions, in the order of their making."""
        return list(self._found.get(shop, {}).values())

    def addresses(self, shop: str, topic: str) -> list[str]:
        """Where a topic (`orders/create`) is sent."""
        return [each.uri for each in self.of(shop) if each.topic == topic_word(topic)]

    def drop(self, shop: str, topic: str) -> None:
        """Shopify gives up on a receiver."""
        kept = {each.number: each for each in self.of(shop) if each.topic != topic_word(topic)}
        self._found[shop] = kept

    def resolvers(self) -> dict[str, Callable[..., Any]]:
        """By root field."""
        return {
            "webhookSubscriptions": self._list,
            "webhookSubscriptionCreate": self._create,
            "webhookSubscriptionDelete": self._delete,
        }

    def _list(self, info: Any, **args: Any) -> dict[str, Any]:
        entries = [Entry((0, number), each.row) for number, each in enumerate(self.of(info.context.shop))]
        chosen, more, before = window(entries, args, info.context.bulk)
        return connection(chosen, more, before)

    def _create(self, info: Any, topic: str, **args: Any) -> dict[str, Any]:
        given = args["webhookSubscription"]
        made = Subscription(
            shop=info.context.shop,
            topic=topic,
            uri=given.get("uri") or given.get("callbackUrl") or "",
            created=info.context.now.isoformat(timespec="seconds").replace("+00:00", "Z"),
        )
        fault = self._fault(made)
        if fault:
            return {
                "webhookSubscription": None,
                "userErrors": [{"field": ["webhookSubscription", "uri"], "message": fault}],
            }
        self._found.setdefault(made.shop, {})[made.number] = made
        return {"webhookSubscription": made.row(), "userErrors": []}

    def _fault(self, made: Subscription) -> str:
        if not made.uri.startswith(("https://", "http://127.0.0.1", "arn:", "pubsub:")):
            return "Address is not allowed"
        taken = made.number in self._found.get(made.shop, {})
        return "Address for this topic has already been taken" if taken else ""

    def _delete(self, info: Any, id: str) -> dict[str, Any]:  # noqa: A002  # the schema's argument name
        number = int(id.rpartition("/")[2] or 0)
        gone = self._found.get(info.context.shop, {}).pop(number, None)
        if gone is None:
            return {"deletedWebhookSubscriptionId": None, "userErrors": [{"field": ["id"], "message": "Not found"}]}
        return {"deletedWebhookSubscriptionId": id, "userErrors": []}
