"""Daily series as pages and the API show them: one metric, one channel, one currency."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import msgspec

from shelftide.core.errors import InvalidInputError
from shelftide.core.scope import Claim, Scope
from shelftide.store.reads import Reads
from shelftide.store.repositories.rollup import read_daily

METRICS: dict[str, str] = {
    "views": "count",
    "likes": "count",
    "comments": "count",
    "shares": "count",
    "reach": "count",
    "profile_views": "count",
    "new_followers": "count",
    "followers": "count",
    "content_views": "count",
    "content_likes": "count",
    "content_comments": "count",
    "content_shares": "count",
    "content_saves": "count",
    "orders": "count",
    "cancelled_orders": "count",
    "units": "pieces",
    "revenue": "money",
    "refunds": "money",
}


class Value(msgspec.Struct, frozen=True):
    """One day."""

    day: date
    value: Decimal


class MetricSeries(msgspec.Struct, frozen=True, kw_only=True):
    """A metric over time. `currency` is empty where the unit is no money."""

    metric: str
    unit: str
    platform: str
    currency: str
    values: list[Value]


async def read_series(
    reads: Reads, who: Scope | Claim, *, metrics: Sequence[str], since: date, until: date
) -> list[MetricSeries]:
    """Series of the brand that `who` may see. Raises InvalidInputError for an unknown metric, and as `Reads.of`."""
    unknown = [name for name in metrics if name not in METRICS]
    if unknown:
        raise InvalidInputError(f"Unknown metric {unknown[0]!r}.", hint=f"Known: {', '.join(METRICS)}.")
    return [
        MetricSeries(
            metric=run.metric,
            unit=METRICS[run.metric],
            platform=run.platform,
            currency=run.currency,
            values=[Value(day, value) for day, value in zip(run.days, run.values, strict=True)],
        )
        for run in await read_daily(reads, who, metrics=metrics, since=since, until=until)
    ]
