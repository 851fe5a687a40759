"""Facts: views over current rows with the dimensions by which they can be cut. All statements over facts begin here.

A fact has a `day` (the account's own local day), its dimensions as texts, and the columns that measures aggregate.
"""

from collections.abc import Callable
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Double,
    Numeric,
    Select,
    String,
    Subquery,
    and_,
    case,
    cast,
    extract,
    func,
    literal,
    select,
)

from shelftide.warehouse.tables import TABLES
from shelftide.warehouse.versions import known

MONEY = Numeric(20, 6)
# Cuts of an ad's day: the platforms' dimension of `AdBreakdownDay` by our name.
CUTS = {"gender": "gender", "age": "age", "os": "os", "hour": "hour", "ad_market": "country"}
_SHARED = ("platform", "connection")


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """A view and its dimensions. `money` names the column that holds the currency of each money column."""

    view: Subquery
    dimensions: frozenset[str]
    money: dict[str, str] = {}

    def column(self, name: str) -> ColumnElement[Any]:
        """A column of the view."""
        found: ColumnElement[Any] = self.view.c[name]
        return found


def _fact(statement: Select[Any], *dimensions: str, **money: str) -> Fact:
    return Fact(view=statement.subquery(), dimensions=frozenset((*_SHARED, *dimensions)), money=money)


def _base(rows: Subquery) -> list[ColumnElement[Any]]:
    return [
        rows.c.local_day.label("day"),
        rows.c.platform.label("platform"),
        cast(rows.c.connection_id, String()).label("connection"),
    ]


def _money(rows: Subquery, name: str) -> list[ColumnElement[Any]]:
    return [rows.c[f"{name}_amount"].label(name), rows.c[f"{name}_currency"].label("currency")]


def _orders() -> Fact:
    """Orders by the day on which they were placed. What was cancelled is counted apart and earns nothing."""
    rows = known(TABLES["Order"])
    lives = rows.c.status != "cancelled"
    first = and_(lives, rows.c.customer_order_index == 1)
    return _fact(
        select(
            *_base(rows),
            rows.c.country.label("market"),
            rows.c.channel_kind.label("channel_kind"),
            rows.c.status.label("order_status"),
            rows.c.source_id.label("order_id"),
            case((lives, 1), else_=0).label("placed"),
            case((lives, 0), else_=1).label("cancelled"),
            case((lives, rows.c.total_amount)).label("total"),
            case((lives, rows.c.discount_amount)).label("discount"),
            rows.c.total_currency.label("currency"),
            case((lives, rows.c.customer_key)).label("customer"),
            case((first, rows.c.customer_key)).label("new_customer"),
        ),
        "market",
        "channel_kind",
        "order_status",
        total="currency",
        discount="currency",
    )


def _order_lines() -> Fact:
    """Lines that were not cancelled. `cost` is today's unit cost of the variant, where it is in the line's currency."""
    rows, variants = known(TABLES["OrderLine"]), known(TABLES["Variant"])
    same = and_(variants.c.connection_id == rows.c.connection_id, variants.c.source_id == rows.c.variant_id)
    costed = variants.c.cost_currency == rows.c.total_currency
    return _fact(
        select(
            *_base(rows),
            rows.c.sku.label("sku"),
            rows.c.product_id.label("product"),
            rows.c.content_id.label("content"),
            rows.c.creator_id.label("creator"),
            rows.c.order_id.label("order_id"),
            rows.c.quantity.label("quantity"),
            rows.c.total_amount.label("total"),
            cast(case((costed, variants.c.cost_amount * rows.c.quantity)), MONEY).label("cost"),
            rows.c.total_currency.label("currency"),
        )
        .select_from(rows.outerjoin(variants, same))
        .where(rows.c.cancelled.is_(False)),
        "sku",
        "product",
        "content",
        "creator",
        total="currency",
        cost="currency",
    )


def _refunds() -> Fact:
    rows = known(TABLES["Refund"])
    return _fact(
        select(
            *_base(rows),
            rows.c.quantity,
            *_money(rows, "amount"),
        ),
        amount="currency",
    )


def _fees() -> Fact:
    rows = known(TABLES["Fee"])
    return _fact(
        select(
            *_base(rows),
            rows.c.kind.label("fee_kind"),
            *_money(rows, "amount"),
        ),
        "fee_kind",
        amount="currency",
    )


def _payouts() -> Fact:
    rows = known(TABLES["Payout"])
    return _fact(
        select(*_base(rows), *_money(rows, "amount")),
        amount="currency",
    )


def _sales_days() -> Fact:
    """Daily sales of a file: units and revenue by SKU, where there are no orders."""
    rows = known(TABLES["SalesDay"])
    return _fact(
        select(
            *_base(rows),
            rows.c.sku.label("sku"),
            rows.c.units.label("quantity"),
            rows.c.orders.label("placed"),
            rows.c.revenue_amount.label("total"),
            rows.c.revenue_currency.label("currency"),
        ),
        "sku",
        total="currency",
    )


def _ad_days() -> Fact:
    """Days of ads: the lowest level, which every platform has, in the window that the platform bills by.

    Source: the record `AdDay`; further levels and windows repeat the same money.
    """
    rows = known(TABLES["AdDay"])
    counts = ("impressions", "clicks", "video_views", "likes", "comments", "shares", "follows")
    return _fact(
        select(
            *_base(rows),
            rows.c.account_id.label("ad_account"),
            rows.c.campaign_id.label("campaign"),
            rows.c.ad_group_id.label("ad_group"),
            rows.c.entity_id.label("ad"),
            *(rows.c[name] for name in counts),
            rows.c.conversions,
            rows.c.spend_amount.label("spend"),
            rows.c.spend_currency.label("currency"),
            rows.c.revenue_amount.label("revenue"),
            rows.c.revenue_currency.label("revenue_currency"),
        ).where(rows.c.level == "ad", rows.c.window == "default"),
        "ad_account",
        "campaign",
        "ad_group",
        "ad",
        spend="currency",
        revenue="revenue_currency",
    )


def _cut(name: str) -> Callable[[], Fact]:
    def make() -> Fact:
        rows = known(TABLES["AdBreakdownDay"])
        return _fact(
            select(
                *_base(rows),
                rows.c.bucket.label(name),
                rows.c.impressions,
                rows.c.clicks,
                rows.c.conversions,
                rows.c.spend_amount.label("spend"),
                rows.c.spend_currency.label("currency"),
            ).where(rows.c.dimension == CUTS[name], rows.c.window == "default"),
            name,
            spend="currency",
        )

    return make


def _off_platform() -> Fact:
    rows = known(TABLES["OffPlatformSpend"])
    return _fact(
        select(
            *_base(rows),
            rows.c.medium.label("medium"),
            rows.c.spend_amount.label("spend"),
            rows.c.spend_currency.label("currency"),
        ),
        "medium",
        spend="currency",
    )


def _own(rows: Subquery, profiles: Subquery) -> Any:
    """Rows of a profile joined to it; whose it is decides whether they are the brand's own."""
    same = and_(profiles.c.connection_id == rows.c.connection_id, profiles.c.source_id == rows.c.profile_id)
    return rows.outerjoin(profiles, same)


def _profile_days() -> Fact:
    rows, profiles = known(TABLES["ProfileDay"]), known(TABLES["Profile"])
    names = ("views", "reach", "likes", "comments", "shares", "profile_views", "new_followers", "lost_followers")
    return _fact(
        select(
            *_base(rows),
            rows.c.profile_id.label("profile"),
            func.coalesce(profiles.c.kind, literal("own", String())).label("profile_kind"),
            *(rows.c[name] for name in names),
            rows.c.link_clicks,
            rows.c.followers,
        ).select_from(_own(rows, profiles)),
        "profile",
        "profile_kind",
    )


def _contents() -> Fact:
    """One row a piece of content on the day it was published, with its newest totals. A slot is half an hour of the
    account's own clock, `08:30` (capabilities TTA-31)."""
    rows, profiles, facts = known(TABLES["Content"]), known(TABLES["Profile"]), known(TABLES["ContentSnapshot"])
    totals = ("views", "reach", "likes", "comments", "shares", "saves")
    newest = select(
        facts.c.connection_id,
        facts.c.content_id,
        *(facts.c[name] for name in totals),
        func.row_number()
        .over(partition_by=[facts.c.connection_id, facts.c.content_id], order_by=facts.c.captured_at.desc())
        .label("place"),
    ).subquery()
    local = func.timezone(rows.c.zone, rows.c.published_at)
    hour, minute = extract("hour", local), extract("minute", local)
    half = case((minute < 30, literal("00", String())), else_=literal("30", String()))
    clock = func.lpad(cast(cast(hour, Numeric(2, 0)), String()), 2, literal("0", String()))
    latest = and_(
        newest.c.connection_id == rows.c.connection_id, newest.c.content_id == rows.c.source_id, newest.c.place == 1
    )
    return _fact(
        select(
            *_base(rows),
            rows.c.source_id.label("content"),
            rows.c.kind.label("content_kind"),
            rows.c.profile_id.label("profile"),
            func.coalesce(profiles.c.kind, literal("own", String())).label("profile_kind"),
            (clock + literal(":", String()) + half).label("slot"),
            *(newest.c[name] for name in totals),
        ).select_from(_own(rows, profiles).outerjoin(newest, latest)),
        "content",
        "content_kind",
        "profile",
        "profile_kind",
        "slot",
    )


def _comments() -> Fact:
    """Comments of others that could be answered, and whether the brand did (capabilities SMS-04)."""
    rows, replies = known(TABLES["Comment"]), known(TABLES["Comment"])
    answers = (
        select(replies.c.connection_id, replies.c.parent_id, func.min(replies.c.written_at).label("at"))
        .where(replies.c.author_kind == "brand", replies.c.parent_id.is_not(None))
        .group_by(replies.c.connection_id, replies.c.parent_id)
        .subquery()
    )
    mine = and_(answers.c.connection_id == rows.c.connection_id, answers.c.parent_id == rows.c.source_id)
    asked = and_(rows.c.parent_id.is_(None), func.coalesce(rows.c.author_kind, literal("", String())) != "brand")
    seconds: ColumnElement[Any] = cast(extract("epoch", answers.c.at - rows.c.written_at), Double())
    minutes = seconds / literal(60.0, Double())
    return _fact(
        select(
            *_base(rows),
            rows.c.content_id.label("content"),
            case((asked, 1), else_=0).label("answerable"),
            case((and_(asked, answers.c.at.is_not(None)), 1), else_=0).label("answered"),
            case((asked, cast(minutes, MONEY))).label("reply_minutes"),
        ).select_from(rows.outerjoin(answers, mine)),
        "content",
    )


def _mentions() -> Fact:
    rows = known(TABLES["Mention"])
    return _fact(
        select(
            *_base(rows),
            case((rows.c.author_follows.is_not(None), 1), else_=0).label("judged"),
            case((rows.c.author_follows.is_(False), 1), else_=0).label("strangers"),
        )
    )


def _sessions() -> Fact:
    rows = known(TABLES["Session"])
    return _fact(
        select(*_base(rows), rows.c.utm_source, rows.c.utm_campaign, rows.c.page_views),
        "utm_source",
        "utm_campaign",
    )


def _footfall() -> Fact:
    rows = known(TABLES["Footfall"])
    return _fact(select(*_base(rows), rows.c.place.label("place"), rows.c.visitors), "place")


# The record of each fact: its streams tell how fresh it is.
RECORDS = {
    "orders": "Order",
    "order_lines": "OrderLine",
    "refunds": "Refund",
    "fees": "Fee",
    "payouts": "Payout",
    "sales_days": "SalesDay",
    "ad_days": "AdDay",
    **{f"ad_{name}": "AdBreakdownDay" for name in CUTS},
    "off_platform_spend": "OffPlatformSpend",
    "profile_days": "ProfileDay",
    "contents": "Content",
    "comments": "Comment",
    "mentions": "Mention",
    "sessions": "Session",
    "footfall": "Footfall",
}
FACTS: dict[str, Callable[[], Fact]] = {
    "orders": _orders,
    "order_lines": _order_lines,
    "refunds": _refunds,
    "fees": _fees,
    "payouts": _payouts,
    "sales_days": _sales_days,
    "ad_days": _ad_days,
    **{f"ad_{name}": _cut(name) for name in CUTS},
    "off_platform_spend": _off_platform,
    "profile_days": _profile_days,
    "contents": _contents,
    "comments": _comments,
    "mentions": _mentions,
    "sessions": _sessions,
    "footfall": _footfall,
}
