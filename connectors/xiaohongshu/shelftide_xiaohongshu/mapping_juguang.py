"""Juguang: what campaigns, units, creatives and report rows mean.

Budgets and bids are fen. Metrics come as text, some with thousands commas; `fee` and the order amounts are yuan; what
is empty or a dash is unknown. Days are Shanghai's. Sources: Juguang MAPI clients, `juguang_derived_catalogue`.
"""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

import msgspec

from shelftide_sdk.errors import DataError
from shelftide_sdk.records import Ad, AdBreakdownDay, AdDay, AdGroup, AdLevel, BudgetMode, Campaign
from shelftide_xiaohongshu.values import (
    SHANGHAI,
    ZONE,
    Row,
    decimal,
    fen,
    local_moment,
    maybe_identifier,
    maybe_local_moment,
    maybe_whole,
    numeric,
    text,
    yuan,
)

# The platform's own orders, 7 days after the click; off-platform orders have windows of their own.
OWN = "default"
OUTSIDE = {"7": "external_7d", "15": "external_15d", "30": "external_30d"}
ID_OF = {AdLevel.CAMPAIGN: "campaign_id", AdLevel.AD_GROUP: "unit_id", AdLevel.AD: "creativity_id"}
PLACEMENTS = {1: "feed", 2: "search", 4: "whole_site", 7: "video_feed"}
_STATES = {1: "enabled", 0: "paused"}
_HOUR = re.compile(r"(\d{4}-\d{2}-\d{2})[ T](\d{1,2})(:\d{2}.*)?")
_BARE_HOUR = re.compile(r"(\d{1,2})(:\d{2}.*)?")


def map_campaign(row: Row, advertiser: str) -> Campaign:
    """A row of `campaign/list`."""
    limited = maybe_whole(row, "limit_day_budget")
    budget = fen(row, "campaign_day_budget") if limited != 0 else None
    mode = {0: BudgetMode.NO_LIMIT, 1: BudgetMode.DAILY}.get(limited) if limited is not None else None
    return Campaign(
        source_id=numeric(row.get("campaign_id"), "campaign_id"),
        account_id=advertiser,
        name=_name(row, "campaign_name"),
        status=_state(row, "campaign_enable"),
        objective=_word(row, "marketing_target"),
        budget=budget,
        budget_mode=mode,
        starts_at=maybe_local_moment(row, "start_time"),
        ends_at=maybe_local_moment(row, "expire_time"),
    )


def map_unit(row: Row, advertiser: str) -> AdGroup:
    """A row of `unit/list`: an ad group."""
    targeting = row.get("target_config")
    return AdGroup(
        source_id=numeric(row.get("id"), "id"),
        campaign_id=numeric(row.get("campaign_id"), "campaign_id"),
        name=_name(row, "name"),
        status=_state(row, "enable"),
        bid=fen(row, "event_bid"),
        optimisation_goal=_word(row, "target_goal"),
        placement=_word(row, "target_position"),
        targeting=_targeting(targeting) if isinstance(targeting, Mapping) else None,
        updated_at=maybe_local_moment(row, "update_time"),
    )


def map_creative(row: Row, advertiser: str) -> Ad:
    """A row of `creativity/search`: an ad. It promotes a note, mostly."""
    return Ad(
        source_id=numeric(row.get("creative_id"), "creative_id"),
        ad_group_id=numeric(row.get("unit_id"), "unit_id"),
        campaign_id=numeric(row.get("campaign_id"), "campaign_id"),
        name=_name(row, "creative_name"),
        status=_state(row, "creativity_enable"),
        text=text(row, "title") or text(row, "comment"),
        call_to_action=text(row, "bar_content"),
        content_id=maybe_identifier(row, "note_id"),
        landing_page=text(row, "jump_url"),
    )


def map_day(row: Row, level: AdLevel, advertiser: str, span: tuple[date, date]) -> list[AdDay]:
    """A row of a report by day: the platform's own window, and one for each off-platform window that has figures.

    Raises DataError for a day outside `span`, which belongs to another question.
    """
    day = local_moment(row.get("time"), "time").astimezone(SHANGHAI).date()
    if not span[0] <= day <= span[1]:
        raise DataError(f"a row of {day} in the report of {span[0]} to {span[1]}")
    return figures(row, row, level, advertiser, day)


def map_live(row: Row, level: AdLevel, advertiser: str, day: date) -> list[AdDay]:
    """A row of today's report: what it is about stands in a part of its own, with the platform's typing error."""
    names = {
        AdLevel.CAMPAIGN: ("base_campaign_dto",),
        AdLevel.AD_GROUP: ("base_unit_dto",),
        AdLevel.AD: ("base_creativity_dto", "base_creativty_dto"),
    }
    about = next((row[name] for name in names[level] if isinstance(row.get(name), Mapping)), None)
    data = row.get("data")
    if about is None or not isinstance(data, Mapping):
        raise DataError("a row of today's report lacks a part")
    return figures(about, data, level, advertiser, day)


def figures(about: Row, data: Row, level: AdLevel, advertiser: str, day: date) -> list[AdDay]:
    """The records of one entity and day."""
    own = AdDay(
        level=level,
        entity_id=numeric(about.get(ID_OF[level]), ID_OF[level]),
        day=day,
        window=OWN,
        zone=ZONE,
        account_id=advertiser,
        campaign_id=maybe_identifier(about, "campaign_id") if level is not AdLevel.CAMPAIGN else None,
        ad_group_id=maybe_identifier(about, "unit_id") if level is AdLevel.AD else None,
        spend=yuan(data, "fee"),
        impressions=maybe_whole(data, "impression"),
        clicks=maybe_whole(data, "click"),
        likes=maybe_whole(data, "like"),
        comments=maybe_whole(data, "comment"),
        shares=maybe_whole(data, "share"),
        follows=maybe_whole(data, "follow"),
        conversions=decimal(data.get("success_goods_order"), "success_goods_order"),
        revenue=yuan(data, "purchase_order_gmv_7d"),
    )
    return [own, *_outside(own, data)]


def _outside(own: AdDay, data: Row) -> list[AdDay]:
    found = []
    for days, window in OUTSIDE.items():
        orders = decimal(data.get(f"external_goods_order_{days}"), f"external_goods_order_{days}")
        revenue = yuan(data, f"external_rgmv_{days}")
        if orders is not None or revenue is not None:
            found.append(
                AdDay(
                    level=own.level,
                    entity_id=own.entity_id,
                    day=own.day,
                    window=window,
                    zone=own.zone,
                    account_id=own.account_id,
                    campaign_id=own.campaign_id,
                    ad_group_id=own.ad_group_id,
                    conversions=orders,
                    revenue=revenue,
                )
            )
    return found


def map_cut(row: Row, dimension: str, advertiser: str, span: tuple[date, date]) -> AdBreakdownDay:
    """A row of a campaign report cut by hour or by placement."""
    if dimension == "hour":
        day, bucket = _hour(row.get("time"), span)
    else:
        day = local_moment(row.get("time"), "time").astimezone(SHANGHAI).date()
        bucket = _placement(row)
    if not span[0] <= day <= span[1]:
        raise DataError(f"a row of {day} in the report of {span[0]} to {span[1]}")
    return AdBreakdownDay(
        level=AdLevel.CAMPAIGN,
        entity_id=numeric(row.get("campaign_id"), "campaign_id"),
        day=day,
        window=OWN,
        dimension=dimension,
        bucket=bucket,
        zone=ZONE,
        account_id=advertiser,
        spend=yuan(row, "fee"),
        impressions=maybe_whole(row, "impression"),
        clicks=maybe_whole(row, "click"),
        conversions=decimal(row.get("success_goods_order"), "success_goods_order"),
    )


def _hour(value: Any, span: tuple[date, date]) -> tuple[date, str]:
    """(day, hour); a report of one day may name the hour alone."""
    found = _HOUR.fullmatch(value) if isinstance(value, str) else None
    bare = _BARE_HOUR.fullmatch(value) if isinstance(value, str) and span[0] == span[1] else None
    if found:
        day, hour = local_moment(found[1], "time").astimezone(SHANGHAI).date(), int(found[2])
    elif bare:
        day, hour = span[0], int(bare[1])
    else:
        raise DataError(f"time is no hour: {value!r}")
    if hour > 23:
        raise DataError(f"time is no hour: {value!r}")
    return day, f"{hour:02d}"


def _placement(row: Row) -> str:
    code = maybe_whole(row, "placement")
    if code not in PLACEMENTS:
        raise DataError(f"placement is missing or not known: {row.get('placement')!r}")
    return PLACEMENTS[code]


def _name(row: Row, name: str) -> str:
    found = text(row, name)
    if found is None:
        raise DataError(f"{name} is missing")
    return found


def _state(row: Row, name: str) -> str:
    code = maybe_whole(row, name)
    if code is None:
        raise DataError(f"{name} is missing")
    return _STATES.get(code, f"state_{code}")


def _word(row: Row, name: str) -> str | None:
    code = maybe_whole(row, name)
    if code is None:
        return None
    return PLACEMENTS.get(code, str(code)) if name == "target_position" else str(code)


def _targeting(config: Row) -> str | None:
    names = ("target_gender", "target_age", "target_device", "target_city", "keywords", "interest_keywords")
    found = {name: config[name] for name in names if config.get(name)}
    return msgspec.json.encode(found, order="sorted").decode() if found else None
