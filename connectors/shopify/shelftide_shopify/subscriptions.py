"""Which deliveries a shop is asked for.

Shopify deletes the subscription of a receiver that was deaf for hours: the list is compared with what there is, and the
missing ones are made again.

The three privacy topics are not subscribed: their address stands in the app's own settings at Shopify.
"""

from collections.abc import Mapping
from typing import Any

from shelftide_sdk.errors import ConfigurationError
from shelftide_shopify.door import Door
from shelftide_shopify.queries import SUBSCRIPTIONS, create_subscriptions
from shelftide_shopify.shop import Shop

_PAGE = 100
# By topic: the scope that it needs, or "".
TOPICS: Mapping[str, str] = {
    "ORDERS_CREATE": "read_orders",
    "ORDERS_UPDATED": "read_orders",
    "ORDERS_CANCELLED": "read_orders",
    "ORDERS_DELETE": "read_orders",
    "REFUNDS_CREATE": "read_orders",
    "PRODUCTS_CREATE": "read_products",
    "PRODUCTS_UPDATE": "read_products",
    "PRODUCTS_DELETE": "read_products",
    "INVENTORY_LEVELS_UPDATE": "read_inventory",
    "INVENTORY_LEVELS_CONNECT": "read_inventory",
    "INVENTORY_LEVELS_DISCONNECT": "read_inventory",
    "BULK_OPERATIONS_FINISH": "",
    "APP_UNINSTALLED": "",
}


async def subscribe(door: Door, shop: Shop, address: str) -> list[str]:
    """Ask for every topic that does not reach `address` yet; the topics that were asked for.

    Raises ConfigurationError when Shopify refuses one.
    """
    there = await _existing(door, address)
    wanted = [topic for topic, scope in TOPICS.items() if _granted(shop, scope) and topic not in there]
    if not wanted:
        return []
    reply = await door.query(create_subscriptions(wanted), uri=address)
    for topic in wanted:
        errors = (reply[topic] or {}).get("userErrors") or ()
        if errors:
            raise ConfigurationError(
                f"Shopify does not subscribe {address} to {topic}: {errors[0].get('message')}",
                hint="Set SHELFTIDE_PUBLIC_URL to an https address that Shopify can reach.",
            )
    return wanted


def _granted(shop: Shop, scope: str) -> bool:
    return not scope or scope in shop.scopes or scope.replace("read_", "write_", 1) in shop.scopes


async def _existing(door: Door, address: str) -> set[str]:
    found: set[str] = set()
    after: Any = None
    while True:
        page = (await door.query(SUBSCRIPTIONS, first=_PAGE, after=after))["webhookSubscriptions"]
        found |= {row["topic"] for row in page["nodes"] if row["uri"] == address}
        if not page["pageInfo"]["hasNextPage"] or page["pageInfo"]["endCursor"] == after:
            return found
        after = page["pageInfo"]["endCursor"]
