"""The world's ads as the Marketing API writes them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from shelftide_sdk.testing.world.model import AdEntity, AdFigures, Brand, Video, stable_id

Row = dict[str, Any]
NETWORK = "tiktok-ads"
LEVELS = {
    "AUCTION_ADVERTISER": "account",
    "AUCTION_CAMPAIGN": "campaign",
    "AUCTION_ADGROUP": "ad_group",
    "AUCTION_AD": "ad",
}
IDS = {"account": "advertiser_id", "campaign": "campaign_id", "ad_group": "adgroup_id", "ad": "ad_id"}
COUNTS = {
    "impressions": "impressions",
    "clicks": "clicks",
    "video_play_actions": "video_views",
    "likes": "likes",
    "comments": "comments",
    "shares": "shares",
    "follows": "follows",
    "conversion": "conversions",
}
METRICS = frozenset({*COUNTS, "spend", "reach", "total_purchase_value", "ctr", "cpc", "cpm", *IDS.values()})
AUDIENCE_METRICS = frozenset({"spend", "impressions", "clicks", "ctr", "cpc", "cpm"})
# Shares of a cut in thousandths; what each campaign has leans a little to one side.
CUTS: Mapping[str, tuple[tuple[str, int], ...]] = {
    "gender": (("FEMALE", 680), ("MALE", 290), ("NONE", 30)),
    "age": (
        ("AGE_13_17", 40), ("AGE_18_24", 330), ("AGE_25_34", 360), ("AGE_35_44", 170), ("AGE_45_54", 70),
        ("AGE_55_100", 30),
    ),
    "country_code": (("HOME", 900), ("CA", 60), ("GB", 40)),
    "platform": (("IOS", 560), ("ANDROID", 430), ("PC", 10)),
    "stat_time_hour": tuple((f"{hour:02d}", 10 + 5 * min(hour, 24 - abs(20 - hour))) for hour in range(24)),
}  # fmt: skip
_OBJECTIVES = {"PRODUCT_SALES": "PRODUCT_SALES", "TRAFFIC": "TRAFFIC"}


class Totals(msgspec.Struct):
    """What a row of a report adds up."""

    spend: Decimal = Decimal(0)
    revenue: Decimal = Decimal(0)
    counts: dict[str, int] = {}

    def add(self, figures: AdFigures) -> None:
        """Add a day of an ad."""
        self.spend += figures.spend
        self.revenue += figures.revenue
        for name in COUNTS.values():
            self.counts[name] = self.counts.get(name, 0) + getattr(figures, name)


def entity_id(entity_key: str) -> str:
    """A platform-looking id of a campaign, ad group or ad."""
    return "17" + str(stable_id("tiktok-ad-entity", entity_key, 14))


def is_deleted(entity: AdEntity) -> bool:
    """Half of the ads that have ended were deleted: they spent, but lists and reports leave them out by default."""
    return entity.level == "ad" and entity.status == "paused" and stable_id("deleted", entity.key, 3) % 2 == 0


def advertiser_row(brand: Brand, advertiser_id: str) -> Row:
    """The account."""
    return {
        "advertiser_id": advertiser_id,
        "name": f"{brand.name} Ads",
        "currency": brand.currency,
        "timezone": brand.zone,
        "display_timezone": brand.zone,
        "country": brand.market,
        "status": "STATUS_ENABLE",
        "balance": 0,
        "create_time": 1_600_000_000,
    }


def entity_row(entity: AdEntity, parents: Mapping[str, AdEntity], changed: datetime, video: Video | None) -> Row:
    """A campaign, ad group or ad."""
    kind = {"campaign": "CAMPAIGN", "ad_group": "ADGROUP", "ad": "AD"}[entity.level]
    running = entity.status == "active"
    state = "DELETE" if is_deleted(entity) else "ENABLE" if running else "DISABLE"
    prefix = kind.lower()
    row: Row = {
        f"{prefix}_id": entity_id(entity.key),
        f"{prefix}_name": entity.name,
        "operation_status": "ENABLE" if running else "DISABLE",
        "secondary_status": f"{kind}_STATUS_{state}",
        "create_time": _utc(entity.created_at),
        "modify_time": _utc(changed),
    }
    if entity.level == "campaign":
        return row | {"objective_type": _OBJECTIVES[entity.objective], **_budget(entity)}
    if entity.level == "ad_group":
        return row | {
            "campaign_id": entity_id(entity.parent_key),
            "optimization_goal": "CONVERT",
            "optimization_event": "SHOPPING",
            "pixel_id": str(stable_id("pixel", entity.brand_key, 15)),
            "conversion_window": "SEVEN_DAYS",
            "billing_event": "OCPM",
            "placement_type": "PLACEMENT_TYPE_AUTOMATIC",
            "bid_price": 0.0,
            "location_ids": ["6252001"],
            "age_groups": ["AGE_18_24", "AGE_25_34"],
            "schedule_start_time": _utc(entity.created_at),
            "schedule_end_time": "2035-01-01 00:00:00",
            **_budget(entity),
        }
    return row | {
        "adgroup_id": entity_id(entity.parent_key),
        "campaign_id": entity_id(parents[entity.parent_key].parent_key),
        "ad_text": video.caption if video else "",
        "call_to_action": "SHOP_NOW",
        "landing_page_url": "https://shop.example/",
        "tiktok_item_id": video.public_id if video else None,
    }


def _budget(entity: AdEntity) -> Row:
    return {"budget_mode": "BUDGET_MODE_DAY", "budget": float(entity.daily_budget)}


def _utc(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def changed_at(entity: AdEntity, last_days: Mapping[str, date], zone: str) -> datetime:
    """When an entity last changed: at its end, or else when it was made."""
    last = last_days.get(entity.key)
    if entity.status == "active" or last is None:
        return entity.created_at
    return datetime(last.year, last.month, last.day, 23, 59, 59, tzinfo=ZoneInfo(zone))


def totals_by_level(
    figures: Iterable[AdFigures], ads: Mapping[str, AdEntity], level: str, *, lifetime: bool = False
) -> dict[tuple[str, date | None], Totals]:
    """Totals of each entity of a level on each day, or over all days; keys are the world's, "" is the account's."""
    found: dict[tuple[str, date | None], Totals] = defaultdict(lambda: Totals(counts={}))
    for row in figures:
        key = "" if level == "account" else row.ad_key
        for _ in range({"ad_group": 1, "campaign": 2}.get(level, 0)):
            key = ads[key].parent_key
        found[key, None if lifetime else row.day].add(row)
    return dict(found)


def cut(totals: Totals, entity_key: str, dimension: str) -> dict[str, Totals]:
    """Totals in buckets of a dimension; each figure's buckets add up to it."""
    buckets = CUTS[dimension]
    lean = stable_id(dimension, entity_key, 3)
    weights = [share * (900 + (lean * (place + 3)) % 200) for place, (_, share) in enumerate(buckets)]
    unit = Decimal(1).scaleb(int(totals.spend.as_tuple().exponent))  # a cent, or the whole of coins without cents
    spends = _parts(int(totals.spend / unit), weights)
    counts = {name: _parts(value, weights) for name, value in totals.counts.items()}
    return {
        bucket: Totals(
            spend=spends[place] * unit,
            revenue=Decimal(0),
            counts={name: parts[place] for name, parts in counts.items()},
        )
        for place, (bucket, _) in enumerate(buckets)
    }


def _parts(whole: int, weights: Sequence[int]) -> list[int]:
    """A whole number in parts by weight: the rest goes to the heaviest."""
    total = sum(weights)
    parts = [whole * weight // total for weight in weights]
    parts[weights.index(max(weights))] += whole - sum(parts)
    return parts


def metric_values(totals: Totals, wanted: Sequence[str], parents: Mapping[str, str]) -> Row:
    """Metrics as text; what is undefined is a dash."""
    impressions, clicks = totals.counts["impressions"], totals.counts["clicks"]
    values: dict[str, str] = {
        "spend": f"{totals.spend}",
        "reach": str(impressions * 5 // 6),
        "total_purchase_value": f"{totals.revenue}" if totals.counts["conversions"] else "-",
        "ctr": f"{Decimal(100 * clicks) / impressions:.2f}" if impressions else "-",
        "cpc": f"{totals.spend / clicks:.3f}" if clicks else "-",
        "cpm": f"{1000 * totals.spend / impressions:.3f}" if impressions else "-",
        **{name: str(totals.counts[source]) for name, source in COUNTS.items()},
        **parents,
    }
    return {name: values.get(name) for name in wanted}
