"""Both Meta connectors keep the promises of every connector."""

import json
from datetime import timedelta
from importlib.resources import files
from zoneinfo import ZoneInfo

import pytest

from shelftide_meta import emulator_ads_facts as ads_facts
from shelftide_meta import emulator_facts as facts
from shelftide_meta.ads import MetaAds
from shelftide_meta.instagram import Instagram
from shelftide_meta.mapping_ads import WINDOWS
from shelftide_meta.mapping_instagram import PACIFIC
from shelftide_sdk.connector import days
from shelftide_sdk.quality import parse_quality
from shelftide_sdk.testing.conformance import ConnectorConformance
from shelftide_sdk.testing.conformance.bench import Wiring
from shelftide_sdk.testing.world.model import Brand, Network, WorldView

SINCE = days(8)
ADS_SINCE = days(4)


def _error(code: int, message: str, subcode: int = 0) -> str:
    error = {"message": message, "type": "OAuthException", "code": code, "error_subcode": subcode}
    return json.dumps({"error": error})


ERRORS = (
    _error(190, "Error validating access token: the session has been invalidated", 460),
    _error(4, "(#4) Application request limit reached"),
    _error(200, "(#200) Requires instagram_basic permission"),
    _error(10, "(#10) Application does not have permission for this action"),
    _error(2, "Service temporarily unavailable"),
    _error(368, "The action attempted has been deemed abusive"),
    _error(987, "Something that no table lists"),
    json.dumps({"success": True}),
)


def _brand(world: WorldView, connector: str) -> Brand:
    return next(brand for brand in world.brands if brand.accounts.get(connector))


class TestInstagram(ConnectorConformance):
    connector = Instagram
    since = SINCE
    loopback = True
    error_replies = ERRORS

    def expected_rows(self, world: WorldView, stream: str) -> int | None:
        brand = _brand(world, "instagram")
        start, today = world.now - SINCE, world.now.astimezone(PACIFIC).date()
        posts = facts.posts_of(world, brand)
        first = start.astimezone(PACIFIC).date()
        known = [row.day for row in world.profile_days(brand.key, Network.INSTAGRAM)]
        hours = [day for day in known if first <= day <= today - days(2)]
        fresh = [video for video in posts if video.posted_at >= start]
        children = [c for v in posts if facts.kind_of(v)[1] == "CAROUSEL_ALBUM" for c in facts.children_of(v, "")]
        groups = len(facts.AGES) * len(facts.GENDERS) + len(facts.AGES) + len(facts.GENDERS)
        groups += len({brand.market, "DE", "FR"}) + len(facts.CITIES)
        tags = [row for row in facts.tag_rows(world, brand) if row["timestamp"] >= facts.label(start)]
        counts = {
            "profiles": 1,
            "profile_days": len([day for day in known if first <= day < today]),
            "audience_days": 2 * groups + 24 * len(hours),
            "contents": len(posts) + len(children),
            "stories": 2,
            "comments": sum(video.totals(world.now).comments for video in fresh),
            "mentions": len(tags),
            "product_links": sum(len(video.product_keys) for video in posts),
        }
        return counts.get(stream)


class TestMetaAds(ConnectorConformance):
    connector = MetaAds
    exempt = parse_quality((files("shelftide_meta") / "quality.yaml").read_bytes(), "quality.yaml").exempt
    since = ADS_SINCE
    loopback = True
    error_replies = ERRORS

    def expected_rows(self, world: WorldView, stream: str) -> int | None:
        brand = _brand(world, "meta-ads")
        levels = [entity.level for entity in world.ads(brand.key, "meta-ads")]
        first = (world.now - ADS_SINCE).astimezone(ZoneInfo(brand.zone)).date()
        run = [row for row in world.ad_days(brand.key, "meta-ads") if row.day >= first]
        buckets = sum(map(len, ads_facts.BUCKETS.values()))
        counts = {
            "campaigns": levels.count("campaign"),
            "ad_groups": levels.count("ad_group"),
            "ads": levels.count("ad"),
            "ad_days": len(run) * (1 + len(WINDOWS)),
            "ad_breakdown_days": len(run) * buckets,
        }
        return counts[stream]


@pytest.mark.worlds  # a variant: `make evidence` has it
class TestCompetitors(ConnectorConformance):
    connector = Instagram
    loopback = True
    since = timedelta(days=20)
    streams = ("competitors",)
    error_replies = ERRORS

    def wiring(self) -> Wiring:
        found = super().wiring()
        brand = _brand(found.world, "instagram")
        handles = [rival.handle for rival in found.world.competitors(brand.key)]
        found.settings = {**found.settings, "competitors": ", ".join([*handles, "nobody.official"])}
        return found

    def expected_rows(self, world: WorldView, stream: str) -> int:
        return len(world.competitors(_brand(world, "instagram").key))
