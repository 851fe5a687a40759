"""Ads as their platform reports them: spend and views at once, conversions too many and ripening for days."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from math import floor

import msgspec

from shelftide_sdk.testing.world.ads_plan import PlannedAd, average_order
from shelftide_sdk.testing.world.cast import Role, rounded
from shelftide_sdk.testing.world.model import AdEntity, AdFigures, Order
from shelftide_sdk.testing.world.orders import line_net
from shelftide_sdk.testing.world.parameters import (
    CLICK_RATE,
    COST_PER_THOUSAND,
    PER_DOLLAR,
    RIPE_AT_ONCE,
    RIPEN_DAYS,
)
from shelftide_sdk.testing.world.streams import Dice, dice
from shelftide_sdk.testing.world.timeline import DAY, Timeline, local_date, local_midnight

_VIEW_RATE, _LIKE_RATE, _COMMENT_RATE, _SHARE_RATE, _FOLLOW_RATE = 0.55, 0.012, 0.0006, 0.0009, 0.0007


class TrueSales(msgspec.Struct):
    """Orders that an ad really caused on a day, and their revenue."""

    orders: int = 0
    revenue: Decimal = Decimal(0)


def ripeness(network: str, age_days: int) -> float:
    """Share of a day's conversions that the platform knows `age_days` after the day; never falling, 1 at the end."""
    left = 1 - min(max(age_days, 0) / RIPEN_DAYS[network], 1.0)
    return 1 - (1 - RIPE_AT_ONCE) * left * left


def entities(ads: Sequence[PlannedAd], network: str, timeline: Timeline, now: datetime) -> list[AdEntity]:
    """Campaigns, ad groups and ads made by now; an ad that has ended is paused."""
    found: dict[str, AdEntity] = {}
    for planned in ads:
        if planned.network != network or planned.ad.created_at > now:
            continue
        found.setdefault(planned.campaign.key, planned.campaign)
        found.setdefault(planned.group.key, planned.group)
        ended = planned.last_day is not None and timeline.midnight(planned.last_day) <= now
        found[planned.ad.key] = msgspec.structs.replace(planned.ad, status="paused") if ended else planned.ad
    return sorted(found.values(), key=lambda entity: (entity.created_at, entity.key))


def true_sales(orders: Sequence[Order], zone: str) -> dict[tuple[str, date], TrueSales]:
    """What ads really caused, by ad and local day of the order."""
    sales: dict[tuple[str, date], TrueSales] = defaultdict(TrueSales)
    for order in orders:
        if order.cause == "ad" and order.cause_key is not None and not order.test:
            entry = sales[order.cause_key, local_date(order.placed_at, zone)]
            entry.orders += 1
            entry.revenue += sum((line_net(line) for line in order.lines), Decimal(0))
    return sales


def figures(
    seed: int,
    role: Role,
    ads: Sequence[PlannedAd],
    timeline: Timeline,
    *,
    now: datetime,
    sales: dict[tuple[str, date], TrueSales],
) -> list[AdFigures]:
    """Days of the given ads at `now`, by day and ad. The current local day is reported as far as it has gone."""
    today = local_date(now, role.brand.zone)
    found = []
    for number in range((today - timeline.start.date()).days + 1):
        day = timeline.start.date() + number * DAY
        elapsed = min(1.0, (now - local_midnight(day, role.brand.zone)) / DAY)
        for planned in ads:
            if planned.runs_on(number):
                known = sales.get((planned.ad.key, day), TrueSales())
                rolls = dice(8, seed, "ad-day", planned.ad.key, number)
                share = ripeness(planned.network, (today - day).days) * role.over_reporting[planned.network]
                found.append(_day(role, planned, day, rolls, elapsed=elapsed, known=known, share=share))
    return found


def _day(
    role: Role, planned: PlannedAd, day: date, rolls: Dice, *, elapsed: float, known: TrueSales, share: float
) -> AdFigures:
    currency = role.brand.currency
    spend = planned.spend_a_day * Decimal(f"{rolls.between(0.75, 1.2) * elapsed:.6f}")
    dollars = float(spend / PER_DOLLAR[currency])
    impressions = floor(dollars / COST_PER_THOUSAND[planned.network] * 1000 * rolls.between(0.8, 1.25))
    clicks = floor(impressions * CLICK_RATE[planned.network] * rolls.between(0.7, 1.3))
    views = floor(impressions * _VIEW_RATE * rolls.between(0.85, 1.15))
    # Whole conversions whose mean is right: the fraction is settled by one roll that stays with the day.
    conversions = floor(known.orders * share + rolls.roll())
    worth = known.revenue / known.orders if known.orders else average_order(role)
    return AdFigures(
        ad_key=planned.ad.key,
        day=day,
        spend=rounded(spend, currency),
        impressions=impressions,
        clicks=clicks,
        video_views=views,
        likes=floor(views * _LIKE_RATE),
        comments=floor(views * _COMMENT_RATE),
        shares=floor(views * _SHARE_RATE),
        follows=floor(views * _FOLLOW_RATE),
        conversions=conversions,
        revenue=rounded(worth * conversions, currency),
        true_conversions=known.orders,
    )
