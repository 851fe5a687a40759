"""What the Marketing API shows of the world's ads. Parts by window and bucket add up to the world's figures."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import msgspec

from shelftide_meta.emulator_facts import label, split
from shelftide_meta.emulator_fields import Row
from shelftide_meta.mapping_ads import HOURS, WITHOUT_MINOR
from shelftide_sdk.testing.world.model import AdEntity, AdFigures, Brand, WorldView, stable_id

_LEVELS = {"campaigns": "campaign", "adsets": "ad_group", "ads": "ad"}
_OBJECTIVES = {"PRODUCT_SALES": "OUTCOME_SALES", "TRAFFIC": "OUTCOME_TRAFFIC"}
_RIPE = timedelta(days=28)
BUCKETS = {
    "age": ("18-24", "25-34", "35-44", "45-54", "55-64", "65+"),
    "gender": ("female", "male", "unknown"),
    "country": ("US", "IT", "FR"),
    "publisher_platform": ("facebook", "instagram", "audience_network"),
    HOURS: tuple(f"{hour:02d}:00:00 - {hour:02d}:59:59" for hour in range(24)),
}


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What a report is to show."""

    windows: tuple[str, ...] = ()
    breakdown: str = ""
    restated: bool = False
    drifted: bool = False


def entity_id(key: str) -> str:
    """The id of a campaign, ad set or ad."""
    return "120" + str(stable_id("meta-ad-entity", key, 15))


def account_row(brand: Brand) -> Row:
    """An ad account."""
    account_id = brand.accounts["meta-ads"]
    return {
        "id": account_id,
        "account_id": account_id.removeprefix("act_"),
        "name": f"{brand.name} ads",
        "account_status": 1,
        "currency": brand.currency,
        "timezone_name": brand.zone,
    }


def entity_rows(world: WorldView, brand: Brand, edge: str) -> list[Row]:
    """The objects of a level; of the ended ones some are archived."""
    found = list(world.ads(brand.key, "meta-ads"))
    parents = {entity.key: entity.parent_key for entity in found}
    return [_entity(brand, entity, parents) for entity in found if entity.level == _LEVELS.get(edge)]


def status_of(entity: AdEntity) -> str:
    """ACTIVE; once ended PAUSED or ARCHIVED."""
    if entity.status == "active":
        return "ACTIVE"
    return "ARCHIVED" if stable_id("archived", entity.key) % 2 else "PAUSED"


def _entity(brand: Brand, entity: AdEntity, parents: dict[str, str]) -> Row:
    status = status_of(entity)
    row: Row = {
        "id": entity_id(entity.key),
        "account_id": brand.accounts["meta-ads"].removeprefix("act_"),
        "name": entity.name,
        "status": status,
        "effective_status": status,
        "created_time": label(entity.created_at),
        "updated_time": label(entity.created_at),
    }
    if entity.level == "ad":
        row |= {
            "adset_id": entity_id(entity.parent_key),
            "campaign_id": entity_id(parents[entity.parent_key]),
            "creative": {
                "id": str(stable_id("meta-creative", entity.key, 15)),
                "body": f"{brand.name}: {entity.name}",
                "call_to_action_type": "SHOP_NOW",
                "effective_instagram_media_id": "17" + str(stable_id("ig-ad-media", entity.key, 15)),
                "link_url": f"https://{brand.accounts['shopify']}/?utm_source=facebook&utm_medium=paid",
            },
        }
        return row
    units = entity.daily_budget if brand.currency in WITHOUT_MINOR else entity.daily_budget * 100
    row["start_time"] = label(entity.created_at)
    row["daily_budget"] = str(int(units))
    if entity.level == "campaign":
        return row | {"objective": _OBJECTIVES.get(entity.objective, entity.objective)}
    return row | {
        "campaign_id": entity_id(entity.parent_key),
        "optimization_goal": "OFFSITE_CONVERSIONS",
        "billing_event": "IMPRESSIONS",
        "targeting": {"geo_locations": {"countries": [brand.market]}, "age_min": 18},
    }


def insight_rows(world: WorldView, brand: Brand, days: tuple[date, date], shown: Shown) -> list[Row]:
    """Rows of a report at the level of ads, a day each."""
    parents = {entity.key: entity.parent_key for entity in world.ads(brand.key, "meta-ads")}
    today = world.now.astimezone(ZoneInfo(brand.zone)).date()
    found: list[Row] = []
    for figures in world.ad_days(brand.key, "meta-ads"):
        if days[0] <= figures.day <= days[1]:
            row = _row(brand, figures, parents)
            counted = figures
            if shown.restated and figures.day > today - _RIPE:  # conversions still to come
                counted = msgspec.structs.replace(
                    figures, conversions=figures.conversions // 2, revenue=figures.revenue / 2
                )
            found += _cut(row, counted, shown) if shown.breakdown else [row | _actions(counted, shown)]
    return found


def _row(brand: Brand, figures: AdFigures, parents: dict[str, str]) -> Row:
    group = parents[figures.ad_key]
    return {
        "account_id": brand.accounts["meta-ads"].removeprefix("act_"),
        "account_currency": brand.currency,
        "campaign_id": entity_id(parents[group]),
        "adset_id": entity_id(group),
        "ad_id": entity_id(figures.ad_key),
        "date_start": figures.day.isoformat(),
        "date_stop": figures.day.isoformat(),
        "spend": str(figures.spend),
        "impressions": str(figures.impressions),
        "clicks": str(figures.clicks),
        "reach": str(figures.impressions * 7 // 10),
    }


def windows_of(conversions: int) -> dict[str, int]:
    """Conversions by window: clicks of a week and views of a day make the default."""
    viewed = conversions // 4
    week = conversions - viewed
    return {"1d_view": viewed, "7d_click": week, "1d_click": week * 7 // 10, "28d_click": week + week // 10}


def _actions(figures: AdFigures, shown: Shown) -> Row:
    counts = windows_of(figures.conversions)
    each = figures.revenue / figures.conversions if figures.conversions else Decimal(0)
    actions: list[Row] = []
    values: list[Row] = []
    if figures.conversions:
        for kind in ("purchase", "omni_purchase"):
            windows = {name: str(counts[name]) for name in shown.windows if counts.get(name)}
            actions.append({"action_type": kind, "value": str(figures.conversions), **windows})
            worth = {name: str(round(each * counts[name], 6)) for name in shown.windows if counts.get(name)}
            values.append({"action_type": kind, "value": str(figures.revenue), **worth})
    others = {
        "video_view": figures.video_views,
        "post_reaction": figures.likes,
        "comment": figures.comments,
        "post": figures.shares,
        "like": figures.follows,
    }
    actions += [{"action_type": name, "value": str(count)} for name, count in others.items() if count]
    if shown.drifted:
        actions.append({"action_type": "teleportation", "value": "1"})
    # Lists that would be empty are left out.
    return ({"actions": actions} if actions else {}) | ({"action_values": values} if values else {})


def _cut(row: Row, figures: AdFigures, shown: Shown) -> list[Row]:
    buckets: Sequence[str] = BUCKETS[shown.breakdown]
    key = f"{figures.ad_key}/{figures.day}/{shown.breakdown}"
    spends = split(int(figures.spend * 100), key, buckets)
    impressions = split(figures.impressions, key, buckets)
    clicks = split(figures.clicks, key, buckets)
    conversions = split(figures.conversions, key, buckets)
    found = []
    for number, bucket in enumerate(buckets):
        part = {name: value for name, value in row.items() if name != "reach"} | {
            shown.breakdown: bucket,
            "spend": str(Decimal(spends[number]) / 100),
            "impressions": str(impressions[number]),
            "clicks": str(clicks[number]),
        }
        if conversions[number]:
            part["actions"] = [{"action_type": "omni_purchase", "value": str(conversions[number])}]
        found.append(part)
    return found
