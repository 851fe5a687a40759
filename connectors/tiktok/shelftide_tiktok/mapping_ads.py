"""TikTok Ads: what entities and report rows mean.

Sources: Marketing API v1.3, "Campaign", "Ad group", "Ad", "Run a synchronous report". On the wire ids and metric values
come as text, an undefined metric is "-" or null, money is decimal text in the advertiser's currency, times of entities
are UTC and days are the advertiser's own.
"""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import msgspec

from shelftide_sdk.errors import DataError
from shelftide_sdk.money import Money
from shelftide_sdk.records import Ad, AdBreakdownDay, AdDay, AdGroup, AdLevel, BudgetMode, Campaign
from shelftide_tiktok.values import Row, identifier, maybe_identifier, whole

WINDOW = "default"
METRICS = (
    "spend",
    "impressions",
    "clicks",
    "reach",
    "video_play_actions",
    "likes",
    "comments",
    "shares",
    "follows",
    "conversion",
    "total_purchase_value",
)
AUDIENCE_METRICS = ("spend", "impressions", "clicks")
ID_OF = {
    AdLevel.AD: "ad_id",
    AdLevel.AD_GROUP: "adgroup_id",
    AdLevel.CAMPAIGN: "campaign_id",
    AdLevel.ACCOUNT: "advertiser_id",
}
# Words that a bucket may be: another one is a change of the platform's, kept aside until somebody has looked.
_BUCKETS = {
    "gender": re.compile(r"FEMALE|MALE|NONE|UNKNOWN"),
    "age": re.compile(r"AGE_\d{1,2}_\d{1,3}|NONE|UNKNOWN"),
    "country_code": re.compile(r"[A-Z]{2}|None|UNKNOWN"),
    "platform": re.compile(r"IOS|ANDROID|PC|OTHERS?|UNKNOWN|IPHONE|IPAD|IPOD"),
}
_NO_VALUE = (None, "", "-")
_BUDGETS = {
    "BUDGET_MODE_INFINITE": BudgetMode.NO_LIMIT,
    "BUDGET_MODE_DAY": BudgetMode.DAILY,
    "BUDGET_MODE_DYNAMIC_DAILY_BUDGET": BudgetMode.DAILY,
    "BUDGET_MODE_TOTAL": BudgetMode.TOTAL,
}


class Advertiser(msgspec.Struct, frozen=True, kw_only=True):
    """The account whose figures are read: its zone cuts the days, its currency counts the money."""

    advertiser_id: str
    currency: str
    zone: str


def map_campaign(row: Row, of: Advertiser) -> Campaign:
    """A campaign of `campaign/get/`."""
    mode, budget = _budget(row, "budget", of)
    return Campaign(
        source_id=identifier(row.get("campaign_id"), "campaign_id"),
        account_id=of.advertiser_id,
        name=_text(row, "campaign_name"),
        status=_status(row),
        objective=row.get("objective_type") or None,
        budget=budget,
        budget_mode=mode,
        updated_at=_modified(row),
    )


def map_ad_group(row: Row, of: Advertiser) -> AdGroup:
    """An ad group of `adgroup/get/`. Older ones tell one `conversion_window` instead of those of clicks and views."""
    mode, budget = _budget(row, "budget", of)
    bid = row.get("bid_price")
    return AdGroup(
        source_id=identifier(row.get("adgroup_id"), "adgroup_id"),
        campaign_id=identifier(row.get("campaign_id"), "campaign_id"),
        name=_text(row, "adgroup_name"),
        status=_status(row),
        bid=Money.parse(bid, of.currency) if bid not in (*_NO_VALUE, 0, 0.0) else None,
        budget=budget,
        budget_mode=mode,
        optimisation_goal=row.get("optimization_goal") or None,
        billing_event=row.get("billing_event") or None,
        placement=row.get("placement_type") or None,
        targeting=_targeting(row),
        starts_at=_moment(row.get("schedule_start_time"), "schedule_start_time"),
        ends_at=_moment(row.get("schedule_end_time"), "schedule_end_time"),
        updated_at=_modified(row),
        pixel_id=maybe_identifier(row.get("pixel_id")),
        optimisation_event=_word(row, "optimization_event"),
        click_window=_word(row, "click_attribution_window") or _word(row, "conversion_window"),
        view_window=_word(row, "view_attribution_window"),
    )


def map_ad(row: Row, of: Advertiser) -> Ad:
    """An ad of `ad/get/`. `tiktok_item_id` is the post that a Spark ad promotes. Smart+ ads may lack `modify_time`."""
    return Ad(
        source_id=identifier(row.get("ad_id"), "ad_id"),
        ad_group_id=identifier(row.get("adgroup_id"), "adgroup_id"),
        campaign_id=identifier(row.get("campaign_id"), "campaign_id"),
        name=_text(row, "ad_name"),
        status=_status(row),
        text=row.get("ad_text") or None,
        call_to_action=row.get("call_to_action") or None,
        content_id=maybe_identifier(row.get("tiktok_item_id")),
        landing_page=row.get("landing_page_url") or None,
        updated_at=_modified(row),
    )


def map_ad_day(row: Row, of: Advertiser, level: AdLevel) -> AdDay:
    """A row of a daily report at one level. Conversions count on the advertiser's own attribution setting."""
    dimensions, metrics = _halves(row)
    return AdDay(
        level=level,
        entity_id=identifier(dimensions.get(ID_OF[level]), ID_OF[level]),
        day=_day(dimensions.get("stat_time_day")),
        window=WINDOW,
        zone=of.zone,
        account_id=of.advertiser_id,
        campaign_id=maybe_identifier(metrics.get("campaign_id")) if level in (AdLevel.AD_GROUP, AdLevel.AD) else None,
        ad_group_id=maybe_identifier(metrics.get("adgroup_id")) if level is AdLevel.AD else None,
        spend=_money(metrics, "spend", of),
        impressions=_count(metrics, "impressions"),
        clicks=_count(metrics, "clicks"),
        reach=_count(metrics, "reach"),
        video_views=_count(metrics, "video_play_actions"),
        likes=_count(metrics, "likes"),
        comments=_count(metrics, "comments"),
        shares=_count(metrics, "shares"),
        follows=_count(metrics, "follows"),
        conversions=_decimal(metrics, "conversion"),
        revenue=_money(metrics, "total_purchase_value", of),
    )


def map_breakdown(row: Row, of: Advertiser, dimension: str, name: str) -> AdBreakdownDay:
    """A row of a report cut by one dimension. `name` is the dimension on the wire; the row's own id tells its level."""
    dimensions, metrics = _halves(row)
    if name == "stat_time_hour":
        at = _local(dimensions.get(name))
        day, bucket = at.date(), f"{at.hour:02d}"
    else:
        day, bucket = _day(dimensions.get("stat_time_day")), _bucket(dimensions.get(name), name)
    level = next((each for each, key in ID_OF.items() if dimensions.get(key) not in _NO_VALUE), AdLevel.CAMPAIGN)
    return AdBreakdownDay(
        level=level,
        entity_id=identifier(dimensions.get(ID_OF[level]), ID_OF[level]),
        day=day,
        window=WINDOW,
        dimension=dimension,
        bucket=bucket,
        zone=of.zone,
        account_id=of.advertiser_id,
        spend=_money(metrics, "spend", of),
        impressions=_count(metrics, "impressions"),
        clicks=_count(metrics, "clicks"),
        conversions=_decimal(metrics, "conversion"),
    )


def map_advertiser(row: Row) -> tuple[Advertiser, str]:
    """(advertiser, name) of `advertiser/info/`. The zone is an IANA name; older accounts carry `Etc/GMT+8` forms."""
    zone = row.get("timezone") or row.get("display_timezone")
    currency = row.get("currency")
    if not isinstance(zone, str) or not isinstance(currency, str):
        raise DataError("the advertiser has no time zone or no currency", raw=dict(row))
    found = Advertiser(
        advertiser_id=identifier(row.get("advertiser_id"), "advertiser_id"), currency=currency.upper(), zone=zone
    )
    return found, str(row.get("name") or found.advertiser_id)


def _halves(row: Row) -> tuple[Row, Row]:
    dimensions, metrics = row.get("dimensions"), row.get("metrics")
    if not isinstance(dimensions, Mapping) or not isinstance(metrics, Mapping):
        raise DataError("a report row has no dimensions or no metrics")
    return dimensions, metrics


def _text(row: Row, name: str) -> str:
    value = row.get(name)
    if not isinstance(value, str):
        raise DataError(f"{name} is missing")
    return value


def _word(row: Row, name: str) -> str | None:
    """A word of the platform's; None where it says nothing. Raises DataError for anything but text."""
    value = row.get(name)
    if value in _NO_VALUE:
        return None
    if not isinstance(value, str):
        raise DataError(f"{name} is no word: {value!r}")
    return value


def _status(row: Row) -> str:
    """What a person sees in Ads Manager: `secondary_status` says why something does not run."""
    value = row.get("secondary_status") or row.get("operation_status")
    if not isinstance(value, str):
        raise DataError("the status is missing")
    return value.lower()


def _budget(row: Row, name: str, of: Advertiser) -> tuple[BudgetMode | None, Money | None]:
    mode = _BUDGETS.get(str(row.get("budget_mode")))
    value = row.get(name)
    if mode is BudgetMode.NO_LIMIT or value in _NO_VALUE:
        return mode, None
    return mode, Money.parse(value, of.currency)


def _targeting(row: Row) -> str | None:
    names = ("location_ids", "gender", "age_groups", "languages", "interest_category_ids", "audience_ids")
    found = {name: row[name] for name in names if row.get(name)}
    return msgspec.json.encode(found, order="sorted").decode() if found else None


def _count(metrics: Row, name: str) -> int | None:
    value = metrics.get(name)
    return None if value in _NO_VALUE else whole(value, name)


def _decimal(metrics: Row, name: str) -> Decimal | None:
    value = metrics.get(name)
    if value in _NO_VALUE:
        return None
    try:
        found = Decimal(str(value))
    except ArithmeticError as error:
        raise DataError(f"{name} is not a number: {value!r}") from error
    if isinstance(value, bool) or not found.is_finite():
        raise DataError(f"{name} is not a number: {value!r}")
    return found


def _money(metrics: Row, name: str, of: Advertiser) -> Money | None:
    value = metrics.get(name)
    return None if value in _NO_VALUE else Money.parse(value, of.currency)


def _bucket(value: Any, name: str) -> str:
    if not isinstance(value, str) or not _BUCKETS[name].fullmatch(value):
        raise DataError(f"{name} is missing or a word that we do not know: {value!r}")
    return value


def _local(value: Any) -> datetime:
    try:
        return datetime.fromisoformat(str(value))
    except ValueError as error:
        raise DataError(f"not a time of a report: {value!r}") from error


def _day(value: Any) -> date:
    return _local(value).date()


def _modified(row: Row) -> datetime | None:
    return _moment(row.get("modify_time"), "modify_time")


def _moment(value: Any, name: str) -> datetime | None:
    if value in _NO_VALUE:
        return None
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError as error:
        raise DataError(f"{name} is not a time: {value!r}") from error
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
