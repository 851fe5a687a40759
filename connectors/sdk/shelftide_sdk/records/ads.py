"""Campaigns, ad groups, ads, and their daily figures."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from shelftide_sdk.money import Money
from shelftide_sdk.records.record import Record, record


class AdLevel(StrEnum):
    """Level of the ad hierarchy that a figure belongs to."""

    ACCOUNT = "account"
    CAMPAIGN = "campaign"
    AD_GROUP = "ad_group"
    AD = "ad"


class BudgetMode(StrEnum):
    """How a budget is spread."""

    NO_LIMIT = "no_limit"
    DAILY = "daily"
    TOTAL = "total"


@record(table="campaigns", key=("source_id",), grain="one campaign", newer_by="updated_at")
class Campaign(Record, frozen=True, kw_only=True):
    """A campaign. `objective` keeps the platform's word. `spend` is its whole cost so far, where a platform tells no
    days; `utm_*` are the tags of its links.
    """

    source_id: str
    account_id: str
    name: str
    status: str
    objective: str | None = None
    budget: Money | None = None
    budget_mode: BudgetMode | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    updated_at: datetime | None = None
    spend: Money | None = None
    utm_source: str | None = None
    utm_medium: str | None = None
    utm_campaign: str | None = None


@record(table="ad_groups", key=("source_id",), grain="one ad group or ad set", newer_by="updated_at")
class AdGroup(Record, frozen=True, kw_only=True):
    """An ad group. `targeting` is the platform's specification as JSON text, kept to be compared over time.

    `click_window` and `view_window` are the platform's words for how long after a click or a view a conversion counts.
    """

    source_id: str
    campaign_id: str
    name: str
    status: str
    bid: Money | None = None
    budget: Money | None = None
    budget_mode: BudgetMode | None = None
    optimisation_goal: str | None = None
    billing_event: str | None = None
    placement: str | None = None
    targeting: str | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    updated_at: datetime | None = None
    pixel_id: str | None = None
    optimisation_event: str | None = None
    click_window: str | None = None
    view_window: str | None = None


@record(table="ads", key=("source_id",), grain="one ad", newer_by="updated_at")
class Ad(Record, frozen=True, kw_only=True):
    """An ad. `content_id` links it to the organic content that it promotes, where there is one."""

    source_id: str
    ad_group_id: str
    campaign_id: str
    name: str
    status: str
    text: str | None = None
    call_to_action: str | None = None
    content_id: str | None = None
    landing_page: str | None = None
    updated_at: datetime | None = None


@record(
    table="ad_days",
    key=("level", "entity_id", "day", "window"),
    grain="one ad entity, one day, one attribution window",
    day="day",
)
class AdDay(Record, frozen=True, kw_only=True):
    """What an ad entity did in one day of the account's `zone`, as the platform reports it.

    `window` names the attribution window of conversions and revenue ("default" where a platform has one only).
    """

    level: AdLevel
    entity_id: str
    day: date
    window: str
    zone: str
    account_id: str
    campaign_id: str | None = None
    ad_group_id: str | None = None
    spend: Money | None = None
    impressions: int | None = None
    clicks: int | None = None
    reach: int | None = None
    video_views: int | None = None
    likes: int | None = None
    comments: int | None = None
    shares: int | None = None
    follows: int | None = None
    conversions: Decimal | None = None
    revenue: Money | None = None


@record(
    table="ad_breakdown_days",
    key=("level", "entity_id", "day", "window", "dimension", "bucket"),
    grain="one ad entity, one day, one bucket of one dimension",
    day="day",
)
class AdBreakdownDay(Record, frozen=True, kw_only=True):
    """AdDay cut by one dimension (gender, age, country, os, hour). Small cells are hidden, so sums may differ."""

    level: AdLevel
    entity_id: str
    day: date
    window: str
    dimension: str
    bucket: str
    zone: str
    account_id: str
    spend: Money | None = None
    impressions: int | None = None
    clicks: int | None = None
    conversions: Decimal | None = None


@record(
    table="off_platform_spend",
    key=("medium", "name", "day"),
    grain="one medium, one activity, one day",
    day="day",
)
class OffPlatformSpend(Record, frozen=True, kw_only=True):
    """Money spent where no API reports it: press, TV, radio, other ad networks."""

    medium: str
    name: str
    day: date
    zone: str
    spend: Money
    note: str | None = None
