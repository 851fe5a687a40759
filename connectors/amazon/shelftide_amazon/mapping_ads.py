"""What Amazon Ads' campaigns, ad groups, ads and report rows mean, over its three products.

Spend and clicks are the same in every attribution window; conversions and revenue belong to a window. Sponsored
Products reports four windows, of which seven days count as its default; Sponsored Brands and Display report one of
fourteen days.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from shelftide_amazon.marketplaces import marketplace_in
from shelftide_amazon.values import (
    Row,
    day,
    decimal,
    epoch_millis,
    identifier,
    maybe_moment,
    maybe_word,
    part,
    row_of,
    word,
)
from shelftide_sdk.errors import DataError
from shelftide_sdk.money import Money
from shelftide_sdk.records import Ad, AdGroup, BudgetMode, Campaign

DEFAULT = "default"


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """An advertising profile. Days are cut in its `zone`, money is in its `currency`."""

    profile_id: str
    currency: str
    zone: str
    country: str = ""


class Product(msgspec.Struct, frozen=True, kw_only=True):
    """One of the products of Amazon Ads.

    Attributes:
        name: as reports name it; campaigns keep it as their objective.
        kept_days: how far back its reports reach.
        report: the type of report at the level of ads, with what it groups by.
        columns: what the report is asked for, beside the windows' columns.
        windows: attribution window -> (column of purchases, column of sales).
    """

    name: str
    kept_days: int
    report: tuple[str, str]
    columns: tuple[str, ...]
    windows: Mapping[str, tuple[str, str]]

    @property
    def asked(self) -> list[str]:
        """All columns of the report, each once."""
        pairs = [column for pair in self.windows.values() for column in pair]
        return list(dict.fromkeys((*self.columns, *pairs)))


_COLUMNS = ("date", "campaignId", "adGroupId", "adId", "impressions", "clicks", "cost", "campaignBudgetCurrencyCode")
_ONE_WINDOW = {DEFAULT: ("purchases", "sales"), "14d": ("purchases", "sales")}
PRODUCTS = {
    "sp": Product(
        name="SPONSORED_PRODUCTS",
        kept_days=90,  # 95 by the documents; for a time less came back
        report=("spAdvertisedProduct", "advertiser"),
        columns=_COLUMNS,
        windows={
            DEFAULT: ("purchases7d", "sales7d"),
            **{f"{n}d": (f"purchases{n}d", f"sales{n}d") for n in (1, 7, 14, 30)},
        },
    ),
    "sb": Product(
        name="SPONSORED_BRANDS",
        kept_days=59,
        report=("sbAds", "ads"),
        columns=_COLUMNS,
        windows=_ONE_WINDOW,
    ),
    "sd": Product(
        name="SPONSORED_DISPLAY",
        kept_days=64,
        report=("sdAdvertisedProduct", "advertiser"),
        columns=(*_COLUMNS, "videoCompleteViews"),
        windows=_ONE_WINDOW,
    ),
}


def _midnight(value: Any, name: str, zone: str, *, after: bool = False) -> datetime | None:
    """The start of a day in the profile's zone (`after`: its end), from either way of writing days."""
    if value is None or value == "":
        return None
    found = day(value, name)
    if not 2000 <= found.year < 2200:
        raise DataError(f"{name} is out of range")
    start = datetime(found.year, found.month, found.day, tzinfo=ZoneInfo(zone))
    return (start + timedelta(days=1 if after else 0)).astimezone(UTC)


def numeric_id(row: Row, name: str) -> str:
    """An id, which is a number here, written as one or as text. Raises DataError for anything else."""
    found = identifier(row.get(name), name)
    if not found.isascii() or not found.isdigit():
        raise DataError(f"{name} is no number: {found[:80]!r}")
    return found


def amount_in(value: Any, name: str, currency: str) -> Money | None:
    """A number in the profile's currency; None for null. Raises DataError."""
    return None if value is None else Money.parse(decimal(value, name), currency)


def _updated(row: Row) -> datetime | None:
    extended = part(row, "extendedData")
    return maybe_moment(extended, "lastUpdateDateTime") or epoch_millis(extended, "lastUpdateDate")


def _mode(said: str | None) -> BudgetMode | None:
    modes = {"DAILY": BudgetMode.DAILY, "LIFETIME": BudgetMode.TOTAL}
    return None if said is None else modes.get(said.upper())


def map_campaign(row: Any, product: Product, profile: Profile) -> Campaign:
    """A campaign of any product. Raises DataError."""
    row = row_of(row, "a campaign")
    budget, mode = row.get("budget"), maybe_word(row, "budgetType")
    if isinstance(budget, Mapping):  # Sponsored Products nest it
        mode = maybe_word(budget, "budgetType")
        budget = budget.get("budget")
    campaign_id = numeric_id(row, "campaignId")
    return Campaign(
        source_id=campaign_id,
        account_id=profile.profile_id,
        name=maybe_word(row, "name") or campaign_id,
        status=word(row, "state").lower(),
        objective=product.name,
        budget=amount_in(budget, "budget", profile.currency),
        budget_mode=_mode(mode),
        starts_at=_midnight(row.get("startDate"), "startDate", profile.zone),
        ends_at=_midnight(row.get("endDate"), "endDate", profile.zone, after=True),
        updated_at=_updated(row),
    )


def map_ad_group(row: Any, profile: Profile) -> AdGroup:
    """An ad group of any product. Raises DataError."""
    row = row_of(row, "an ad group")
    group_id = numeric_id(row, "adGroupId")
    return AdGroup(
        source_id=group_id,
        campaign_id=numeric_id(row, "campaignId"),
        name=maybe_word(row, "name") or group_id,
        status=word(row, "state").lower(),
        bid=amount_in(row.get("defaultBid"), "defaultBid", profile.currency),
        optimisation_goal=maybe_word(row, "bidOptimization"),
        updated_at=_updated(row),
    )


def map_ad(row: Any, profile: Profile) -> Ad:
    """An ad of any product. An ad of a product has no name; the product's number stands for it. Raises DataError."""
    row = row_of(row, "an ad")
    ad_id = numeric_id(row, "adId")
    asin = maybe_word(row, "asin")
    page = maybe_word(part(row, "landingPage"), "url")
    market = marketplace_in(profile.country)
    if page is None and asin and market is not None:
        page = f"https://{market.domain}/dp/{asin}"
    return Ad(
        source_id=ad_id,
        ad_group_id=numeric_id(row, "adGroupId"),
        campaign_id=numeric_id(row, "campaignId"),
        name=maybe_word(row, "name") or maybe_word(row, "sku") or asin or ad_id,
        status=word(row, "state").lower(),
        landing_page=page,
        updated_at=_updated(row),
    )
