"""Shopify keeps the promises of every connector."""

import msgspec

from shelftide_sdk.connector import days
from shelftide_sdk.testing.conformance import ConnectorConformance
from shelftide_sdk.testing.world.model import Channel, Shipment, WorldView, stable_id
from shelftide_shopify.connector import Shopify
from shelftide_shopify.emulator_supply import STANDING

_ERRORS: tuple[object, ...] = (
    [{"message": "Throttled", "extensions": {"code": "SOMETHING_NEW"}}],
    [{"message": "Access denied for orders field.", "extensions": {"code": "ACCESS_DENIED"}}],
    [{"message": "Internal error. Looks like something went wrong on our end."}],
    "Not Found",
)


def _reply(errors: object) -> str:
    return msgspec.json.encode({"data": {"orders": None}, "errors": errors}).decode()


class TestShopify(ConnectorConformance):
    connector = Shopify
    since = days(7)
    loopback = True
    error_replies = tuple(_reply(errors) for errors in _ERRORS)

    def expected_rows(self, world: WorldView, stream: str) -> int | None:
        brand = next(brand for brand in world.brands if brand.accounts.get("shopify"))
        places = {place.key for place in brand.places if Channel.SHOPIFY in place.channels}
        shipments = [s for s in world.shipments(brand.key) if s.place_key in places]
        codes = {order.promo_code for order in world.orders(brand.key, Channel.SHOPIFY) if not order.test}
        campaigns = [ad for network in ("tiktok-ads", "meta-ads") for ad in world.ads(brand.key, network)]
        counts = {
            "inbound_shipments": sum(_parts(shipment, world) for shipment in shipments),
            "promo_codes": len(codes - {None}) + len(STANDING),
            "marketing_events": sum(entity.level == "campaign" for entity in campaigns),
            "deletions": 0,
        }
        return counts.get(stream)


def _parts(shipment: Shipment, world: WorldView) -> int:
    """Rows of a shipment: one until it leaves, then one or two."""
    left = shipment.ordered_at + (shipment.expected_at - shipment.ordered_at) / 5 <= world.now
    return 2 if left and shipment.quantity > 1 and stable_id("parts", shipment.key) % 3 == 0 else 1
