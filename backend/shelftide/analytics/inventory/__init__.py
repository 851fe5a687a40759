"""Days of cover by the classic reorder rule, the baseline that every later warning is held against.

Reorder point = mean daily demand x lead time + z x sd of daily demand x sqrt(lead time); days of cover = position /
mean daily demand (Silver, Pyke, Thomas, *Inventory and Production Management in Supply Chains*, 4th ed., ch. 6).
"""

import math
from collections.abc import Sequence
from statistics import NormalDist, fmean, pstdev

import msgspec

WINDOW_DAYS = 56
ENOUGH_DAYS = 14
RULE = "baseline: classic reorder rule, 56 days"


class Cover(msgspec.Struct, frozen=True, kw_only=True):
    """How long the shelf lasts. Units are pieces and days; None comes with a reason."""

    sku: str
    available: int
    incoming: int | None
    daily_demand: float | None
    days_of_cover: float | None
    reorder_point: float | None
    lead_days: float
    order_now: bool
    order_units: int
    days_seen: int
    rule: str = RULE
    reason: str | None = None


def days_of_cover(
    sku: str,
    *,
    available: int,
    incoming: int | None,
    daily_units: Sequence[float],
    lead_days: float,
    service_level: float = 0.95,
) -> Cover:
    """The classic rule on the last 56 daily sums (zeros included, oldest first).

    `order_units` brings the position up to the reorder point plus 14 days of demand. Raises ValueError for a lead time
    that is not positive or a service level outside (0, 1).
    """
    if lead_days <= 0:
        raise ValueError("lead time must be more than 0 days")
    if not 0 < service_level < 1:
        raise ValueError("service level must lie between 0 and 1")
    days = [max(0.0, float(units)) for units in daily_units[-WINDOW_DAYS:]]
    position = available + (incoming or 0)
    blank = Cover(
        sku=sku,
        available=available,
        incoming=incoming,
        daily_demand=None,
        days_of_cover=None,
        reorder_point=None,
        lead_days=lead_days,
        order_now=False,
        order_units=0,
        days_seen=len(days),
    )
    if len(days) < ENOUGH_DAYS:
        return msgspec.structs.replace(blank, reason=f"only {len(days)} days of sales are known")
    mean = fmean(days)
    if mean == 0:
        return msgspec.structs.replace(blank, reason="nothing was sold in the window")
    point = mean * lead_days + NormalDist().inv_cdf(service_level) * pstdev(days) * math.sqrt(lead_days)
    return msgspec.structs.replace(
        blank,
        daily_demand=mean,
        days_of_cover=max(0.0, position / mean),
        reorder_point=point,
        order_now=position <= point,
        order_units=max(0, math.ceil(point + 14 * mean - position)) if position <= point else 0,
    )
