"""Rates that name their denominator, and say why when they are unknown. Pure functions; formulas carry their row.

An undefined rate is None with a reason, never 0 and never infinite (capabilities V22).
"""

from datetime import datetime
from enum import StrEnum

import msgspec

VERSION = "1"


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """A computed number. `value` is a fraction (0.05 is 5 %) unless `unit` differs; None comes with a reason."""

    metric: str
    value: float | None
    unit: str
    formula: str
    denominator: str
    numerator: float | None = None
    denominator_value: float | None = None
    reason: str | None = None
    version: str = VERSION


class FeedState(StrEnum):
    """What a list of SKUs is worth: nothing in it, something of unknown age, or something with its age."""

    EMPTY = "empty"
    UNDATED = "undated"
    FILLED = "filled"


class Feed(msgspec.Struct, frozen=True, kw_only=True):
    """A list of SKUs (a shelf, a best-seller board) with its size and age, defined even when there is neither.

    `skus` and `updated_at` are None where nothing is known; `age_seconds` is None without `updated_at`, and never
    negative. `reason` says what is missing (capabilities V21).
    """

    name: str
    state: FeedState
    skus: int | None
    updated_at: datetime | None
    age_seconds: float | None
    reason: str | None = None


class Tier(StrEnum):
    """Size of an account by followers (TCA-10). Both bounds belong to mid."""

    MICRO = "micro"
    MID = "mid"
    LARGE = "large"


class Band(StrEnum):
    """Where a rate lies against a band; both ends belong to it (TCA-17)."""

    BELOW = "below"
    IN = "in"
    ABOVE = "above"


def ratio(metric: str, numerator: float | None, denominator: float | None, *, formula: str, named: str) -> Figure:
    """numerator / denominator as a Figure; unknown when either is unknown or the denominator is not positive."""
    reason = None
    if numerator is None:
        reason = "the numerator is unknown"
    elif denominator is None:
        reason = f"{named} is unknown"
    elif denominator == 0:
        reason = f"{named} is 0"
    elif denominator < 0:
        reason = f"{named} is negative"
    value = None if reason or numerator is None or denominator is None else numerator / denominator
    return Figure(
        metric=metric,
        value=value,
        unit="ratio",
        formula=formula,
        denominator=named,
        numerator=numerator,
        denominator_value=denominator,
        reason=reason,
    )


def feed(name: str, *, skus: int | None, updated_at: datetime | None, now: datetime) -> Feed:
    """The state of a list of SKUs at `now` (TCA-76). Raises ValueError for a negative count."""
    if skus is not None and skus < 0:
        raise ValueError("a list cannot hold fewer than no SKU")
    missing = []
    if not skus:
        missing.append("the number of SKUs is unknown" if skus is None else "it holds no SKU")
    if updated_at is None:
        missing.append("it was never updated")
    state = FeedState.EMPTY if not skus else FeedState.UNDATED if updated_at is None else FeedState.FILLED
    return Feed(
        name=name,
        state=state,
        skus=skus,
        updated_at=updated_at,
        # A platform's clock may be ahead of ours: what comes from the future is new.
        age_seconds=None if updated_at is None else max((now - updated_at).total_seconds(), 0.0),
        reason=" and ".join(missing) or None,
    )


def engagement_rate_by_views(
    *, likes: int | None, comments: int | None, shares: int | None, saves: int | None, views: int | None
) -> Figure:
    """(likes + comments + shares + saves) / views (TCA-17). An unknown part makes the whole unknown."""
    parts = {"likes": likes, "comments": comments, "shares": shares, "saves": saves}
    unknown = [name for name, value in parts.items() if value is None]
    total = None if unknown else float(sum(value for value in parts.values() if value is not None))
    figure = ratio(
        "engagement_rate_by_views",
        total,
        views,
        formula="(likes + comments + shares + saves) / views",
        named="views",
    )
    if unknown:
        return msgspec.structs.replace(figure, reason=f"unknown: {', '.join(unknown)}")
    return figure


def follower_growth(*, start: int | None, gained: int | None) -> Figure:
    """Followers gained in 30 days / followers at the start (TCA-15)."""
    return ratio(
        "follower_growth_30d",
        gained,
        start,
        formula="followers gained / followers at start",
        named="followers at start",
    )


def views_to_followers(*, views: int | None, followers: int | None) -> Figure:
    """Views / followers (TCA-16)."""
    return ratio("views_to_followers", views, followers, formula="views / followers", named="followers")


def tier(followers: int) -> Tier:
    """Micro under 100 thousand, mid to 1 million, large above (TCA-10). Raises ValueError for a negative count."""
    if followers < 0:
        raise ValueError("followers cannot be negative")
    if followers < 100_000:
        return Tier.MICRO
    return Tier.MID if followers <= 1_000_000 else Tier.LARGE


def influencer_tier(followers: int) -> Tier | None:
    """As `tier`, but an influencer has at least 1,000 followers (SMS-37); None is below the range."""
    return None if followers < 1_000 else tier(followers)


def band(value: float, *, low: float, high: float) -> Band:
    """Where `value` lies against [low, high]."""
    if value < low:
        return Band.BELOW
    return Band.IN if value <= high else Band.ABOVE


def rank_by_growth(accounts: dict[str, Figure]) -> list[str]:
    """Names by growth, highest first; unknown growth last; ties by name (TCA-55: growth before size)."""
    return sorted(accounts, key=lambda name: (accounts[name].value is None, -(accounts[name].value or 0.0), name))
