"""What the rows of the Marketing API mean. Pure functions: a row in, records out.

Numbers are text. Budgets are in minor units, spend is in major ones. Days are those of the ad account's zone. A missing
action is zero where the row has actions asked for, since Meta leaves out what did not happen.
Sources: Meta, "Ad Account Insights", "Campaign", "Ad Set", "Ad"; currencies without minor units: "Currencies".
"""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from shelftide_meta.values import Row, day, decimal, identifier, maybe_moment, text, whole
from shelftide_sdk.errors import DataError
from shelftide_sdk.money import Money
from shelftide_sdk.records import Ad, AdBreakdownDay, AdDay, AdGroup, AdLevel, BudgetMode, Campaign, Record

CAMPAIGN_FIELDS = (
    "id,account_id,name,status,effective_status,objective,daily_budget,lifetime_budget,start_time,stop_time,"
    "updated_time"
)
AD_SET_FIELDS = (
    "id,account_id,campaign_id,name,status,effective_status,bid_amount,daily_budget,lifetime_budget,optimization_goal,"
    "billing_event,targeting,start_time,end_time,updated_time"
)
AD_FIELDS = (
    "id,account_id,adset_id,campaign_id,name,status,effective_status,updated_time,"
    "creative{id,body,call_to_action_type,effective_instagram_media_id,link_url,object_url}"
)
INSIGHT_FIELDS = (
    "account_id,account_currency,campaign_id,adset_id,ad_id,date_start,date_stop,spend,impressions,clicks,reach,"
    "actions,action_values"
)
BREAKDOWN_FIELDS = (
    "account_id,account_currency,campaign_id,adset_id,ad_id,date_start,date_stop,spend,impressions,clicks,actions"
)
WINDOWS = ("1d_click", "7d_click", "28d_click", "1d_view")
DEFAULT = "default"
HOURS = "hourly_stats_aggregated_by_advertiser_time_zone"
# Meta's name of a breakdown -> ours.
DIMENSIONS = {
    "age": "age",
    "gender": "gender",
    "country": "country",
    "publisher_platform": "publisher_platform",
    HOURS: "hour",
}
# Purchases under all their names: the first that a row knows counts, since each covers the next.
_PURCHASES = ("omni_purchase", "purchase", "offsite_conversion.fb_pixel_purchase", "onsite_web_purchase")
_ACTIONS = {
    "video_views": "video_view",
    "likes": "post_reaction",
    "comments": "comment",
    "shares": "post",
    "follows": "like",
}
WITHOUT_MINOR = frozenset(("CLP", "COP", "CRC", "HUF", "ISK", "IDR", "JPY", "KRW", "PYG", "TWD", "VND"))


class AdAccount(msgspec.Struct, frozen=True, kw_only=True):
    """What rows do not say themselves."""

    account_id: str
    currency: str
    zone: str


def budget(row: Row, name: str, currency: str) -> Money | None:
    """A budget in minor units; None when there is none (absent, or "0")."""
    value = row.get(name)
    if value in (None, "", "0", 0):
        return None
    units = decimal(value, name)
    return Money.parse(units if currency in WITHOUT_MINOR else units / 100, currency)


def _budgets(row: Row, currency: str) -> dict[str, Any]:
    daily, total = budget(row, "daily_budget", currency), budget(row, "lifetime_budget", currency)
    if daily is not None:
        return {"budget": daily, "budget_mode": BudgetMode.DAILY}
    return {"budget": total, "budget_mode": BudgetMode.TOTAL} if total is not None else {}


def _status(row: Row) -> str:
    return (text(row, "effective_status") or text(row, "status") or "unknown").lower()


def map_campaign(row: Row, account: AdAccount) -> Campaign:
    """A campaign."""
    return Campaign(
        source_id=identifier(row.get("id")),
        account_id=account.account_id,
        name=text(row, "name") or "",
        status=_status(row),
        objective=text(row, "objective"),
        starts_at=maybe_moment(row, "start_time"),
        ends_at=maybe_moment(row, "stop_time"),
        updated_at=maybe_moment(row, "updated_time"),
        **_budgets(row, account.currency),
    )


def map_ad_set(row: Row, account: AdAccount) -> AdGroup:
    """An ad set."""
    targeting = row.get("targeting")
    return AdGroup(
        source_id=identifier(row.get("id")),
        campaign_id=identifier(row.get("campaign_id"), "campaign_id"),
        name=text(row, "name") or "",
        status=_status(row),
        bid=budget(row, "bid_amount", account.currency),
        optimisation_goal=text(row, "optimization_goal"),
        billing_event=text(row, "billing_event"),
        targeting=None if targeting is None else json.dumps(targeting, sort_keys=True, ensure_ascii=False),
        starts_at=maybe_moment(row, "start_time"),
        ends_at=maybe_moment(row, "end_time"),
        updated_at=maybe_moment(row, "updated_time"),
        **_budgets(row, account.currency),
    )


def map_ad(row: Row) -> Ad:
    """An ad with what its creative shows."""
    creative = row.get("creative")
    if creative is not None and not isinstance(creative, Mapping):
        raise DataError(f"creative is no object: {creative!r}")
    creative = creative or {}
    media = creative.get("effective_instagram_media_id")
    return Ad(
        source_id=identifier(row.get("id")),
        ad_group_id=identifier(row.get("adset_id"), "adset_id"),
        campaign_id=identifier(row.get("campaign_id"), "campaign_id"),
        name=text(row, "name") or "",
        status=_status(row),
        text=text(creative, "body"),
        call_to_action=text(creative, "call_to_action_type"),
        content_id=None if media in (None, "") else identifier(media, "effective_instagram_media_id"),
        landing_page=text(creative, "link_url") or text(creative, "object_url"),
        updated_at=maybe_moment(row, "updated_time"),
    )


def map_ad_days(row: Row, account: AdAccount) -> list[Record]:
    """A day of an ad, once for each attribution window: conversions and revenue differ, the rest is the same."""
    ids = _ids(row)
    currency = text(row, "account_currency") or account.currency
    actions, values = _actions(row, "actions"), _actions(row, "action_values")
    figures: dict[str, Any] = {
        "zone": account.zone,
        "account_id": account.account_id,
        "campaign_id": identifier(row.get("campaign_id"), "campaign_id"),
        "ad_group_id": identifier(row.get("adset_id"), "adset_id"),
        "spend": _money(row.get("spend"), "spend", currency),
        "impressions": _count(row, "impressions"),
        "clicks": _count(row, "clicks"),
        "reach": _count(row, "reach"),
        **{name: _action_count(actions, action) for name, action in _ACTIONS.items()},
    }
    found: list[Record] = []
    for window in (DEFAULT, *WINDOWS):
        revenue = _purchases(values, window)
        found.append(
            AdDay(
                level=AdLevel.AD,
                entity_id=ids[0],
                day=ids[1],
                window=window,
                conversions=_purchases(actions, window),
                revenue=None if revenue is None else Money.parse(revenue, currency),
                **figures,
            )
        )
    return found


def map_breakdown(row: Row, account: AdAccount, breakdown: str) -> AdBreakdownDay:
    """A day of an ad in one bucket of one dimension."""
    entity_id, at = _ids(row)
    return AdBreakdownDay(
        level=AdLevel.AD,
        entity_id=entity_id,
        day=at,
        window=DEFAULT,
        dimension=DIMENSIONS[breakdown],
        bucket=_bucket(row, breakdown),
        zone=account.zone,
        account_id=account.account_id,
        spend=_money(row.get("spend"), "spend", text(row, "account_currency") or account.currency),
        impressions=_count(row, "impressions"),
        clicks=_count(row, "clicks"),
        conversions=_purchases(_actions(row, "actions"), DEFAULT),
    )


def _bucket(row: Row, breakdown: str) -> str:
    value = identifier(row.get(breakdown), breakdown)
    if breakdown != HOURS:
        return value
    hour = value.split(":", 1)[0]  # "13:00:00 - 13:59:59"
    if not (hour.isascii() and hour.isdigit() and int(hour) < 24):
        raise DataError(f"not an hour of a day: {value!r}")
    return str(int(hour))


def _ids(row: Row) -> tuple[str, Any]:
    first, last = day(row.get("date_start"), "date_start"), row.get("date_stop")
    if last is not None and day(last, "date_stop") != first:
        raise DataError(f"more than one day: {first} to {last}")
    return identifier(row.get("ad_id"), "ad_id"), first


def _count(row: Row, name: str) -> int | None:
    value = row.get(name)
    return None if value in (None, "") else whole(value, name)


def _money(value: Any, name: str, currency: str) -> Money | None:
    return None if value in (None, "") else Money.parse(decimal(value, name), currency)


Actions = Mapping[str, Row]


def _actions(row: Row, name: str) -> Actions:
    """Actions by type. None of them is a row without the list: nothing happened."""
    listed = row.get(name, [])
    if not isinstance(listed, Sequence) or isinstance(listed, str):
        raise DataError(f"{name} is no list: {listed!r}")
    found: dict[str, Row] = {}
    for entry in listed:
        if not isinstance(entry, Mapping):
            raise DataError(f"an entry of {name} is no object: {entry!r}")
        found[identifier(entry.get("action_type"), "action_type")] = entry
    return found


def _action_count(actions: Actions, name: str) -> int | None:
    entry = actions.get(name)
    if entry is None:
        return 0
    return None if entry.get("value") is None else whole(entry["value"], name)


def _purchases(actions: Actions, window: str) -> Decimal | None:
    """Purchases (or their worth) in a window. A type without the window had none in it; a null is unknown."""
    entry = next((actions[name] for name in _PURCHASES if name in actions), None)
    if entry is None:
        return Decimal(0)
    key = "value" if window == DEFAULT else window
    if key in entry and entry[key] is None:
        return None
    if key not in entry and window == DEFAULT:
        return None
    return decimal(entry.get(key, "0"), f"purchases {key}")
