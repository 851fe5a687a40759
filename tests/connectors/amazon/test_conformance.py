"""Both Amazon connectors keep the promises of every connector."""

import json
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from shelftide_amazon import emulator_ads_facts as ads_facts
from shelftide_amazon import emulator_goods_facts as goods
from shelftide_amazon import emulator_order_facts as orders
from shelftide_amazon.ads import AmazonAds
from shelftide_amazon.emulator import AmazonEmulator
from shelftide_amazon.mapping_ads import PRODUCTS
from shelftide_amazon.seller import AmazonSeller
from shelftide_sdk.connector import days
from shelftide_sdk.testing.conformance import ConnectorConformance
from shelftide_sdk.testing.conformance.bench import Wiring
from shelftide_sdk.testing.world.model import Brand, WorldView

SINCE = days(14)


def _errors(code: str, message: str) -> str:
    return json.dumps({"errors": [{"code": code, "message": message, "details": ""}]})


SELLER_ERRORS = (
    _errors("QuotaExceeded", "You exceeded your quota for the requested resource."),
    _errors("Unauthorized", "Access to requested resource is denied."),
    _errors("InvalidInput", "Something is wrong with the request."),
    _errors("InternalFailure", "We encountered an internal error. Please try again."),
    _errors("NeverSeenBefore", "A code that no table lists"),
    json.dumps({"payload": None}),
)


class SmallPages(AmazonEmulator):
    """Pages of seven rows, so that a small world has several."""

    page_limit = 7


def brand_of(world: WorldView, connector: str) -> Brand:
    return next(brand for brand in world.brands if brand.accounts.get(connector))


def fresh_orders(world: WorldView, brand: Brand, start: datetime) -> list[object]:
    return [order for order in orders.orders_of(world, brand) if order.updated_at(world.now) >= start]


class TestAmazonSeller(ConnectorConformance):
    connector = AmazonSeller
    emulator = SmallPages
    since = SINCE
    loopback = True
    error_replies = SELLER_ERRORS

    def expected_rows(self, world: WorldView, stream: str) -> int | None:
        brand = brand_of(world, "amazon-sp")
        start = world.now - SINCE
        found = orders.orders_of(world, brand)
        shipped = [o for o in found if o.shipped_at and start <= o.shipped_at <= world.now]
        refunds = [r for order in found for r in order.refunds if start <= r.at <= world.now]
        offered = len(goods.offered(world, brand))
        storage = [n for n in range(1, 9) if start <= world.start + n * days(30) <= world.now]
        counts = {
            "orders": len(fresh_orders(world, brand, start)),
            "refunds": len(refunds),
            "fees": 2 * len(shipped) + len(refunds) + len(storage),
            "stock": offered,
            "inbound_shipments": len(goods.shipment_rows(world, brand)[1]),
            "listings": offered,
            "best_seller_ranks": 2 * offered,
            "account_health": 5,
        }
        return counts.get(stream)


class TestOrdersByReport(ConnectorConformance):
    connector = AmazonSeller
    since = SINCE
    loopback = True
    streams = ("orders",)
    error_replies = SELLER_ERRORS

    def wiring(self) -> Wiring:
        found = super().wiring()
        found.settings = {**found.settings, "orders_by": "report"}
        return found

    def expected_rows(self, world: WorldView, stream: str) -> int:
        return len(fresh_orders(world, brand_of(world, "amazon-sp"), world.now - SINCE))


@pytest.mark.worlds  # a variant: `make evidence` has it
class TestOrdersByTheOldSearch(TestOrdersByReport):
    emulator = SmallPages
    since = days(3)

    def wiring(self) -> Wiring:
        found = super().wiring()
        found.settings = {**found.settings, "orders_by": "v0"}
        return found

    def expected_rows(self, world: WorldView, stream: str) -> int:
        return len(fresh_orders(world, brand_of(world, "amazon-sp"), world.now - days(3)))


ADS_SINCE = days(6)


def _refusal(code: str, details: str) -> str:
    return json.dumps({"code": code, "details": details, "requestId": "X"})


ADS_ERRORS = (
    _refusal("UNAUTHORIZED", "Not authenticated"),
    _refusal("429", "Too many requests"),
    _refusal("INTERNAL_ERROR", "Something failed"),
    _refusal("NEVER_SEEN", "A code that no table lists"),
    _errors("BAD_REQUEST", "malformed"),
)


class TestAmazonAds(ConnectorConformance):
    connector = AmazonAds
    emulator = SmallPages
    since = ADS_SINCE
    loopback = True
    error_replies = ADS_ERRORS

    def expected_rows(self, world: WorldView, stream: str) -> int | None:
        brand = brand_of(world, "amazon-ads")
        levels = [entity.level for entity in world.ads(brand.key, ads_facts.NETWORK)]
        first = (world.now - ADS_SINCE).astimezone(ZoneInfo(brand.zone)).date()
        run = [row for row in world.ad_days(brand.key, ads_facts.NETWORK) if row.day >= first]
        found = world.ads(brand.key, ads_facts.NETWORK)
        parents = {entity.key: entity.parent_key for entity in found}
        windows = [len(PRODUCTS[ads_facts.product_of(parents[parents[row.ad_key]])].windows) for row in run]
        counts = {
            "campaigns": levels.count("campaign"),
            "ad_groups": levels.count("ad_group"),
            "ads": levels.count("ad"),
            "ad_days": sum(windows),
        }
        return counts[stream]


@pytest.mark.worlds  # a variant: `make evidence` has it
class TestAmazonAdsOfAnotherBrand(TestAmazonAds):
    """Its second campaign is of another product."""

    loopback = True
    brand = "nebbia"
    streams = ("ads",)

    def expected_rows(self, world: WorldView, stream: str) -> int | None:
        return None if stream != "ads" else len([e for e in world.ads(self.brand, "amazon-ads") if e.level == "ad"])
