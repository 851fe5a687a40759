"""Both TikTok connectors keep the promises of every connector."""

import json
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import ClassVar
from zoneinfo import ZoneInfo

import pytest

from shelftide_sdk.connector import days
from shelftide_sdk.testing.conformance import ConnectorConformance
from shelftide_sdk.testing.world import World
from shelftide_sdk.testing.world.model import Brand, Channel, Network, Order, Video, WorldView
from shelftide_tiktok.ads import TikTokAds
from shelftide_tiktok.emulator_ads_facts import CUTS, cut, totals_by_level
from shelftide_tiktok.organic import TikTokOrganic
from shelftide_tiktok.shop import TikTokShop

FIRST = datetime(2000, 1, 1, tzinfo=UTC)
SINCE = days(14)
BUCKETS = 13  # five ages, three genders, two countries, three cities


def _reply(code: int, message: str, data: object = None) -> str:
    return json.dumps({"code": code, "message": message, "request_id": "20260302090000", "data": data})


def _brand(world: WorldView, connector: str) -> Brand:
    return next(brand for brand in world.brands if brand.accounts.get(connector))


def _quiet_brand(world: WorldView) -> Brand:
    """A brand whose comments are some hundreds: every rule reads all of them many times."""
    brands = [brand for brand in world.brands if brand.accounts.get("tiktok-organic")]
    return min(
        brands, key=lambda brand: abs(400 - sum(_comments_since(v, FIRST, world.now) for v in _own(world, brand)))
    )


def _own(world: WorldView, brand: Brand) -> list[Video]:
    return [video for video in world.videos(brand.key, Network.TIKTOK) if video.creator_key is None]


class TestTikTokOrganic(ConnectorConformance):
    connector = TikTokOrganic
    since = SINCE
    streams: ClassVar[Sequence[str]] = ("profiles", "profile_days", "audience_days", "videos")
    loopback = True
    error_replies = (
        _reply(40001, "No permission to operate tiktok creator id", {}),
        _reply(40002, "fields: unknown field", {}),
        _reply(40100, "Too many requests. Please retry in a while.", {}),
        _reply(40105, "Access token is incorrect or has been revoked.", {}),
        _reply(50000, "System error", {}),
        _reply(49999, "Something that no table lists", {}),
        _reply(0, "OK"),
    )

    def expected_rows(self, world: WorldView, stream: str) -> int:
        brand = self.chosen(world)
        ended = (world.now - timedelta(hours=24)).date() - days(1)
        counted = [row.day for row in world.profile_days(brand.key, Network.TIKTOK)]
        seen = [day for day in counted if (world.now - SINCE).date() <= day <= ended]
        videos = _own(world, brand)
        counts = {
            "profiles": 1,
            "profile_days": len(seen),
            "audience_days": BUCKETS + 24 * len(seen),
            "videos": len(videos),
            "comments": sum(_comments_since(video, world.now - SINCE, world.now) for video in videos),
        }
        return counts[stream]

    def chosen(self, world: WorldView) -> Brand:
        return _brand(world, "tiktok-organic")


@pytest.mark.worlds  # a variant: `make evidence` has it
class TestTikTokComments(TestTikTokOrganic):
    streams = ("comments",)

    def chosen(self, world: WorldView) -> Brand:
        return _quiet_brand(world)

    def _account(self, world: WorldView) -> str:
        return str(self.chosen(world).accounts["tiktok-organic"])


def _comments_since(video: Video, since: datetime, now: datetime) -> int:
    """All comments of a video made public after `since`; else how far the count grew from the next quarter of a day."""
    if video.public_at > now:
        return 0
    quarter = timedelta(hours=6).total_seconds()
    first = datetime.fromtimestamp(-(-since.timestamp() // quarter) * quarter, UTC)
    before = 0 if video.public_at >= since else video.totals(first).comments
    return video.totals(now).comments - before


class TestTikTokShop(ConnectorConformance):
    connector = TikTokShop
    since = SINCE
    loopback = True
    error_replies = (
        _reply(105001, "access_token is invalid"),
        _reply(105005, "Access denied: the granted scopes do not include seller.order.info"),
        _reply(106001, "Invalid signature"),
        _reply(36009002, "Too many requests."),
        _reply(36009003, "Internal error. Please try again."),
        _reply(36009004, "timestamp is expired"),
        _reply(12052123, "Something that no table lists"),
        _reply(0, "Success"),
    )

    def expected_rows(self, world: WorldView, stream: str) -> int:
        assert isinstance(world, World)
        brand = _brand(world, "tiktok-shop")
        sold = [o for o in world.truth().orders(brand.key) if o.channel is Channel.TIKTOK_SHOP]
        first, now = world.now - SINCE, world.now
        creators = {creator.key for creator in world.creators(brand.key)}
        places = {place.key for place in brand.places if Channel.TIKTOK_SHOP in place.channels}
        counts = {
            "orders": sum(order.updated_at(now) >= first for order in sold),
            "refunds": sum(first <= refund.at <= now for order in sold for refund in order.refunds),
            "products": len(brand.products),
            "stock": sum(state.place_key in places for state in world.stock(brand.key)),
            "locations": len(places),
            "statements": len(_settled_days(sold, first, now)),
            "affiliate_orders": sum(o.creator_key in creators and o.placed_at >= first for o in sold),
        }
        return counts[stream]


class TestTikTokAds(ConnectorConformance):
    connector = TikTokAds
    since = days(4)  # an hourly report takes a call a day
    loopback = True
    error_replies = (
        _reply(40001, "No permission to operate advertiser", {}),
        _reply(40002, "Invalid metric fields", {}),
        _reply(40100, "Too many requests. Please retry in a while.", {}),
        _reply(40105, "Access token is incorrect or has been revoked.", {}),
        _reply(50000, "System error", {}),
        _reply(49999, "Something that no table lists", {}),
        _reply(0, "OK"),
    )

    def expected_rows(self, world: WorldView, stream: str) -> int:
        brand = _brand(world, "tiktok-ads")
        zone = ZoneInfo(brand.zone)
        ads = {entity.key: entity for entity in world.ads(brand.key, "tiktok-ads")}
        first = (world.now - self.since).astimezone(zone).date()
        shown = [figures for figures in world.ad_days(brand.key, "tiktok-ads") if figures.day >= first]
        groups = {(ads[figures.ad_key].parent_key, figures.day) for figures in shown}
        campaigns = {(ads[group].parent_key, day) for group, day in groups}
        levels = Counter(entity.level for entity in ads.values())
        counts = {
            "campaigns": levels["campaign"],
            "ad_groups": levels["ad_group"],
            "ads": levels["ad"],
            "ad_days": len(shown) + len(groups) + len(campaigns),
            "ad_breakdown_days": self._cells(world, first),
        }
        return counts[stream]

    def _cells(self, world: WorldView, first: date) -> int:
        """Buckets with impressions, counted from the world's own figures."""
        brand = _brand(world, "tiktok-ads")
        ads = {entity.key: entity for entity in world.ads(brand.key, "tiktok-ads")}
        shown = [figures for figures in world.ad_days(brand.key, "tiktok-ads") if figures.day >= first]
        return sum(
            part.counts["impressions"] > 0
            for (key, _), totals in totals_by_level(shown, ads, "campaign").items()
            for dimension in CUTS
            for part in cut(totals, key, dimension).values()
        )


@pytest.mark.worlds
class TestTikTokAdsInAnotherWorld(TestTikTokAds):
    seed = 11


@pytest.mark.worlds
class TestTikTokOrganicInAnotherWorld(TestTikTokOrganic):
    seed = 11


@pytest.mark.worlds
class TestTikTokOrganicInAThirdWorld(TestTikTokOrganic):
    seed = 23


@pytest.mark.worlds
class TestTikTokShopInAnotherWorld(TestTikTokShop):
    seed = 11


@pytest.mark.worlds
class TestTikTokShopInAThirdWorld(TestTikTokShop):
    seed = 23


def _settled_days(sold: list[Order], first: datetime, now: datetime) -> set[date]:
    """UTC days whose statement, made at their end, lies in the read."""
    moments = [order.completed_at for order in sold if order.completed_at is not None]
    moments += [refund.at for order in sold for refund in order.refunds]
    found = {at.astimezone(UTC).date() for at in moments if at <= now}
    return {day for day in found if first <= datetime(day.year, day.month, day.day, tzinfo=UTC) + days(1) <= now}
