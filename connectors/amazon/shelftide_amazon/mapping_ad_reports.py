"""What rows of Amazon Ads' reports mean: days of ads, ad groups and campaigns, and their cuts by target and by product.

Each product reports by several types. By default days are those of ads; the setting `reports` names other types.
Columns: Amazon's own lists of report configurations. What was bought counts in pieces where no purchases are told.
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec

from shelftide_amazon.mapping_ads import DEFAULT, PRODUCTS, Product, Profile, amount_in, numeric_id
from shelftide_amazon.values import Row, day, decimal, identifier, maybe_whole, maybe_word, row_of
from shelftide_sdk.errors import DataError
from shelftide_sdk.records import AdBreakdownDay, AdDay, AdLevel

_ENTITIES = {AdLevel.AD: "adId", AdLevel.AD_GROUP: "adGroupId", AdLevel.CAMPAIGN: "campaignId"}
_PARENTS = ("campaignId", "adGroupId")


class AdReport(msgspec.Struct, frozen=True, kw_only=True):
    """A type of report.

    Attributes:
        product: whose ads it tells of.
        type: as Amazon names it, with what it groups by.
        level: what its rows belong to; ACCOUNT where they name no id.
        columns: what it is asked for, beside the windows' columns.
        windows: attribution window -> (column of purchases or pieces, column of sales or "").
        dimension: what it cuts by; "" for days that are not cut.
        bucket: the columns that name a cut; the first one that is filled counts. In `also` stand those that are added.
    """

    product: Product
    type: str
    groups: tuple[str, ...]
    level: AdLevel
    columns: tuple[str, ...]
    windows: Mapping[str, tuple[str, str]]
    dimension: str = ""
    bucket: tuple[str, ...] = ()
    also: tuple[str, ...] = ()

    @property
    def asked(self) -> list[str]:
        """All columns of the report, each once."""
        pairs = [column for pair in self.windows.values() for column in pair if column]
        return list(dict.fromkeys((*self.columns, *pairs)))


def report_of(product: Product) -> AdReport:
    """The report on the days of a product's ads."""
    kind, group = product.report
    return AdReport(
        product=product,
        type=kind,
        groups=(group,),
        level=AdLevel.AD,
        columns=product.columns,
        windows=product.windows,
    )


_CURRENCY = "campaignBudgetCurrencyCode"  # Sponsored Products tell it by ad alone; the profile has it too
_DONE = ("date", "impressions", "clicks", "cost")
_PLACE = ("date", "campaignId", "adGroupId")
_HERE = (*_PLACE, _CURRENCY)
_SP, _SB, _SD = PRODUCTS["sp"], PRODUCTS["sb"], PRODUCTS["sd"]
_PIECES = {DEFAULT: ("unitsSoldClicks7d", ""), **{f"{n}d": (f"unitsSoldClicks{n}d", "") for n in (1, 7, 14, 30)}}
_LEVELS = {"campaign": (AdLevel.CAMPAIGN, ("campaignId",)), "adGroup": (AdLevel.AD_GROUP, ("campaignId", "adGroupId"))}


def _days(product: Product, kind: str, *groups: str) -> AdReport:
    level, ids = _LEVELS[groups[-1]]
    columns = (*ids, *_DONE) if product is _SP else (*ids, *_DONE, _CURRENCY)
    return AdReport(product=product, type=kind, groups=groups, level=level, columns=columns, windows=product.windows)


def _cut(product: Product, kind: str, group: str, **about: Any) -> AdReport:
    about = {"level": AdLevel.AD_GROUP, "windows": product.windows, **about}
    return AdReport(product=product, type=kind, groups=(group,), **about)


# By the name in the setting `reports`; Amazon calls two of Sponsored Products' alike.
AD_REPORTS: Mapping[str, AdReport] = {
    "spCampaigns": _days(_SP, "spCampaigns", "campaign"),
    "spAdGroups": _days(_SP, "spCampaigns", "campaign", "adGroup"),
    "sbCampaigns": _days(_SB, "sbCampaigns", "campaign"),
    "sbAdGroup": _days(_SB, "sbAdGroup", "adGroup"),
    "sdCampaigns": _days(_SD, "sdCampaigns", "campaign"),
    "sdAdGroup": _days(_SD, "sdAdGroup", "adGroup"),
    "spTargeting": _cut(
        _SP,
        "spTargeting",
        "targeting",
        columns=(*_PLACE, "impressions", "clicks", "cost", "keywordId", "keyword", "targeting", "matchType"),
        dimension="target",
        bucket=("keyword", "targeting", "keywordId"),
        also=("matchType",),
    ),
    "spSearchTerm": _cut(
        _SP,
        "spSearchTerm",
        "searchTerm",
        columns=(*_PLACE, "impressions", "clicks", "cost", "searchTerm", "keywordId", "targeting", "matchType"),
        dimension="search term",
        bucket=("searchTerm",),
        also=("targeting", "matchType"),
    ),
    "sdTargeting": _cut(
        _SD,
        "sdTargeting",
        "targeting",
        columns=(*_HERE, "impressions", "clicks", "cost", "targetingId", "targetingText", "targetingExpression"),
        dimension="target",
        bucket=("targetingText", "targetingExpression", "targetingId"),
    ),
    "spPurchasedProduct": _cut(
        _SP,
        "spPurchasedProduct",
        "asin",
        columns=(*_HERE, "purchasedAsin", "advertisedAsin", "keywordId", "matchType"),
        windows=_PIECES,
        dimension="purchased product",
        bucket=("purchasedAsin",),
        also=("advertisedAsin", "keyword", "targeting", "keywordId", "matchType"),
    ),
    "sbPurchasedProduct": _cut(
        _SB,
        "sbPurchasedProduct",
        "purchasedAsin",
        level=AdLevel.ACCOUNT,
        columns=(
            *("date", "campaignBudgetCurrencyCode", "purchasedAsin", "campaignName", "adGroupName"),
            "attributionType",
        ),
        windows={DEFAULT: ("orders14d", ""), "14d": ("orders14d", "")},
        dimension="purchased product",
        bucket=("purchasedAsin",),
        also=("campaignName", "adGroupName", "attributionType"),
    ),
    "sdPurchasedProduct": _cut(
        _SD,
        "sdPurchasedProduct",
        "asin",
        columns=(*_HERE, "promotedAsin", "asinBrandHalo"),
        windows={DEFAULT: ("conversionsBrandHalo", ""), "14d": ("conversionsBrandHalo", "")},
        dimension="purchased product",
        bucket=("asinBrandHalo",),
        also=("promotedAsin",),
    ),
}


def map_report_row(
    row: Any, report: AdReport, profile: Profile, days: tuple[date, date]
) -> list[AdDay | AdBreakdownDay]:
    """A day of an ad, an ad group, a campaign or a cut of them, a record a window.

    Raises DataError; a day outside the report's is another report's row.
    """
    row = row_of(row, "a report's row")
    on = _day_of(row, days)
    currency = maybe_word(row, "campaignBudgetCurrencyCode") or profile.currency
    found: list[AdDay | AdBreakdownDay] = []
    for window, (count, sales) in report.windows.items():
        conversions = None if row.get(count) is None else decimal(row[count], count)
        base = _cut_day(row, report, profile, on) if report.dimension else _whole_day(row, report, profile, on)
        spend = amount_in(row.get("cost"), "cost", currency)
        base = msgspec.structs.replace(base, window=window, spend=spend, conversions=conversions)
        if isinstance(base, AdDay) and sales:
            base = msgspec.structs.replace(base, revenue=amount_in(row.get(sales), sales, currency))
        found.append(base)
    return found


def _whole_day(row: Row, report: AdReport, profile: Profile, on: date) -> AdDay:
    parents = {name: numeric_id(row, name) for name in _PARENTS if name in report.columns}
    return AdDay(
        level=report.level,
        entity_id=numeric_id(row, _ENTITIES[report.level]),
        day=on,
        window=DEFAULT,
        zone=profile.zone,
        account_id=profile.profile_id,
        campaign_id=parents.get("campaignId"),
        ad_group_id=parents.get("adGroupId"),
        impressions=_count(row, "impressions"),
        clicks=_count(row, "clicks"),
        video_views=_count(row, "videoCompleteViews"),
    )


def _cut_day(row: Row, report: AdReport, profile: Profile, on: date) -> AdBreakdownDay:
    account = report.level is AdLevel.ACCOUNT
    return AdBreakdownDay(
        level=report.level,
        entity_id=profile.profile_id if account else numeric_id(row, _ENTITIES[report.level]),
        day=on,
        window=DEFAULT,
        dimension=report.dimension,
        bucket=_bucket(row, report),
        zone=profile.zone,
        account_id=profile.profile_id,
        impressions=_count(row, "impressions"),
        clicks=_count(row, "clicks"),
    )


def _bucket(row: Row, report: AdReport) -> str:
    """The name of a cut, with what tells it from others of the same name."""
    first = next((row[name] for name in report.bucket if row.get(name) not in (None, "")), None)
    found = [identifier(first, report.bucket[0])]
    found += [identifier(row[name], name) for name in report.also if row.get(name) not in (None, "", first)]
    return " / ".join(found)


def _day_of(row: Row, days: tuple[date, date]) -> date:
    """The row's day; in a report of one day without days of its own, that day."""
    if row.get("date") in (None, "") and days[0] == days[1]:
        return days[0]
    on = day(row.get("date"), "date")
    if not days[0] <= on <= days[1]:
        raise DataError(f"the row's day {on} is not among those that were asked for")
    return on


def _count(row: Row, name: str) -> int | None:
    found = maybe_whole(row, name)
    if found is not None and found < 0:
        raise DataError(f"{name} is below zero")
    return found


# -- Amazon Attribution -----------------------------------------------------------------------------------------------

# What happens at Amazon after a click elsewhere. Its days are written without dashes, its figures as text.
ATTRIBUTION = "attribution"
_ATTRIBUTED = ((AdLevel.AD, "creativeId"), (AdLevel.AD_GROUP, "adGroupId"), (AdLevel.CAMPAIGN, "campaignId"))
_MADE_UP = frozenset({"", "0", "N/A", "n/a"})


def map_attributed(row: Any, profile: Profile, days: tuple[date, date]) -> AdDay | AdBreakdownDay:
    """A day of a campaign, ad group or creative outside Amazon; of a single product where the row names one."""
    row = row_of(row, "a row of Attribution")
    on = _day_of(row, days)
    filled = [(level, name) for level, name in _ATTRIBUTED if str(row.get(name) or "") not in _MADE_UP]
    if not filled:
        raise DataError("the row names no campaign")
    level, name = filled[0]
    base: dict[str, Any] = {
        "level": level,
        "entity_id": identifier(row.get(name), name),
        "day": on,
        "window": "14d",
        "zone": profile.zone,
        "account_id": profile.profile_id,
        "clicks": _count(row, "Click-throughs"),
    }
    if row.get("productAsin") not in (None, ""):
        bought = _figure(row, "attributedPurchases14d")
        return AdBreakdownDay(
            **base, dimension="product", bucket=identifier(row["productAsin"], "productAsin"), conversions=bought
        )
    total = "attributedTotalPurchases14d" if row.get("attributedTotalPurchases14d") else "attributedPurchases14d"
    sales = "totalAttributedSales14d" if row.get("totalAttributedSales14d") else "attributedSales14d"
    return AdDay(
        **base,
        campaign_id=maybe_word(row, "campaignId"),
        ad_group_id=maybe_word(row, "adGroupId"),
        conversions=_figure(row, total),
        revenue=amount_in(_figure(row, sales), sales, profile.currency),
    )


def _figure(row: Row, name: str) -> Decimal | None:
    return None if row.get(name) in (None, "") else decimal(row[name], name)
