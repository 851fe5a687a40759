"""What a brand's page says first: sums of a period beside the period before. Pure functions over roll-up points.

A figure carries its formula, denominator and period. Money of several currencies is never added up.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import msgspec

from shelftide.analytics.figures import Figure, engagement_rate_by_views, ratio
from shelftide.store.repositories.rollup import Point, SkuSales


class Period(msgspec.Struct, frozen=True):
    """Whole days, both ends included."""

    since: date
    until: date

    @property
    def days(self) -> int:
        """How many days."""
        return (self.until - self.since).days + 1

    @property
    def before(self) -> "Period":
        """The equally long period that ends the day before."""
        return Period(self.since - timedelta(days=self.days), self.since - timedelta(days=1))

    def dates(self) -> list[date]:
        """All days in order."""
        return [self.since + timedelta(days=i) for i in range(self.days)]

    def has(self, day: date) -> bool:
        """Whether a day lies inside."""
        return self.since <= day <= self.until


def period_ending(now: datetime, zone: str, days: int) -> Period:
    """The last `days` whole days in `zone`: today is not over and would look like a fall.

    Raises:
        ValueError: fewer than one day.
    """
    if days < 1:
        raise ValueError("a period has at least one day")
    until = now.astimezone(ZoneInfo(zone)).date() - timedelta(days=1)
    return Period(until - timedelta(days=days - 1), until)


class Tile(msgspec.Struct, frozen=True, kw_only=True):
    """One headline figure. `value` None is unknown, and `reason` says why; `previous` is the period before.

    `unit` is `count`, `pieces`, `money` (then `currency` is set) or `ratio` (a fraction). `source` names the record
    that the figure is made of. `change` is the relative difference, for a ratio the difference in fractions.
    """

    metric: str
    unit: str
    source: str
    formula: str
    denominator: str = ""
    currency: str = ""
    value: Decimal | float | None = None
    previous: Decimal | float | None = None
    reason: str | None = None

    @property
    def change(self) -> float | None:
        """Against the period before; None when either is unknown or the former is not positive."""
        if self.value is None or self.previous is None:
            return None
        if self.unit == "ratio":
            return float(self.value) - float(self.previous)
        return float(self.value) / float(self.previous) - 1 if self.previous > 0 else None


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """Daily values of one platform and currency, one for each day of the period; None where nothing is known."""

    metric: str
    platform: str
    currency: str
    values: list[Decimal | None]


class Seller(msgspec.Struct, frozen=True, kw_only=True):
    """What a SKU sold in the period. `revenue` by currency."""

    sku: str
    units: int
    revenue: dict[str, Decimal]


_NOTHING = "no day of the period has this figure"
_SUM = "sum over the days of the period"
_SOURCES = {
    "views": "ProfileDay",
    "content_views": "ContentSnapshot",
    "new_followers": "ProfileDay",
    "orders": "Order",
    "units": "OrderLine",
}
METRICS = (
    "views", "content_views", "content_likes", "content_comments", "content_shares", "content_saves", "followers",
    "new_followers", "orders", "cancelled_orders", "units", "revenue", "refunds",
)  # fmt: skip


def tiles(points: Sequence[Point], period: Period, first: Mapping[str, date]) -> list[Tile]:
    """The headline figures of one brand. A figure that no platform of the brand can give is left out.

    `points` must cover the period and the one before it; `first` is the first day of each metric. The period before
    counts only where it was seen whole: half of it would make every figure look like growth.
    """
    now = _sums(points, period)
    then = _sums([point for point in points if seen_before(point.metric, period, first)], period.before)
    known = {metric for metric, _ in now} | {metric for metric, _ in then}
    found = [
        _sum_tile(metric, now, then)
        for metric in ("views", "content_views")
        if metric in known and not (metric == "content_views" and "views" in known)
    ]
    if "followers" in known:
        found.append(_followers(points, period, first))
    if "content_views" in known:
        found.append(_engagement(now, then))
    if "orders" in known:
        found.append(_sum_tile("orders", now, then))
    found += [_revenue(currency, now, then) for currency in _currencies(now, then, "revenue")]
    if "revenue" in known:
        found += [_rate("cancelled", now, then), *_refund_rates(now, then), *_average_order(now, then)]
    return found


def seen_before(metric: str, period: Period, first: Mapping[str, date]) -> bool:
    """Whether the period before lies wholly after the metric's first day. Rare events follow their main figure."""
    day = first.get({"cancelled_orders": "orders", "refunds": "revenue"}.get(metric, metric))
    return day is not None and day <= period.before.since


_Sums = dict[tuple[str, str], Decimal]


def _sums(points: Iterable[Point], period: Period) -> _Sums:
    found: _Sums = defaultdict(Decimal)
    for point in points:
        if period.has(point.day):
            found[point.metric, point.currency] += point.value
    return dict(found)


def _currencies(now: _Sums, then: _Sums, metric: str) -> list[str]:
    return sorted({currency for name, currency in [*now, *then] if name == metric})


def _sum_tile(metric: str, now: _Sums, then: _Sums) -> Tile:
    value = now.get((metric, ""))
    return Tile(
        metric=metric,
        unit="count",
        source=_SOURCES[metric],
        formula=_SUM,
        value=value,
        previous=then.get((metric, "")),
        reason=_NOTHING if value is None else None,
    )


def _revenue(currency: str, now: _Sums, then: _Sums) -> Tile:
    value = now.get(("revenue", currency))
    return Tile(
        metric="revenue",
        unit="money",
        source="OrderLine",
        formula="sum of order line totals after discounts, without cancelled lines",
        currency=currency,
        value=value,
        previous=then.get(("revenue", currency)),
        reason=_NOTHING if value is None else None,
    )


def _followers(points: Sequence[Point], period: Period, first: Mapping[str, date]) -> Tile:
    """Followers do not add up over days: the last known day counts, summed over platforms."""
    value = _last(points, "followers", period)
    previous = _last(points, "followers", period.before) if seen_before("followers", period, first) else None
    return Tile(
        metric="followers",
        unit="count",
        source="ProfileDay",
        formula="last known day of the period, summed over platforms",
        value=value,
        previous=previous,
        reason=_NOTHING if value is None else None,
    )


def _last(points: Sequence[Point], metric: str, period: Period) -> Decimal | None:
    newest: dict[str, tuple[date, Decimal]] = {}
    for point in points:
        if point.metric == metric and period.has(point.day):
            newest[point.platform] = max(newest.get(point.platform, (date.min, Decimal())), (point.day, point.value))
    return sum((value for _, value in newest.values()), start=Decimal()) if newest else None


def _ratio_tile(figure: Figure, previous: Figure, *, source: str, currency: str = "", unit: str = "ratio") -> Tile:
    return Tile(
        metric=figure.metric,
        unit=unit,
        source=source,
        formula=figure.formula,
        denominator=figure.denominator,
        currency=currency,
        value=figure.value,
        previous=previous.value,
        reason=figure.reason,
    )


def _number(sums: _Sums, metric: str, currency: str = "") -> float | None:
    value = sums.get((metric, currency))
    return None if value is None else float(value)


def _engagement(now: _Sums, then: _Sums) -> Tile:
    def of(sums: _Sums) -> Figure:
        def count(name: str) -> int | None:
            value = sums.get((f"content_{name}", ""))
            return None if value is None else int(value)

        return engagement_rate_by_views(
            likes=count("likes"),
            comments=count("comments"),
            shares=count("shares"),
            saves=count("saves"),
            views=count("views"),
        )

    return _ratio_tile(of(now), of(then), source="ContentSnapshot")


def _rate(metric: str, now: _Sums, then: _Sums) -> Tile:
    def of(sums: _Sums) -> Figure:
        orders = _number(sums, "orders")
        # No cancelled order on a day leaves no row, so that beside known orders an absent count is a true zero.
        cancelled = _number(sums, "cancelled_orders") if orders is None else _number(sums, "cancelled_orders") or 0.0
        return ratio(metric, cancelled, orders, formula="cancelled orders / orders", named="orders")

    return _ratio_tile(of(now), of(then), source="Order")


def _refund_rates(now: _Sums, then: _Sums) -> list[Tile]:
    def of(sums: _Sums, currency: str) -> Figure:
        revenue = _number(sums, "revenue", currency)
        refunds = None if revenue is None else _number(sums, "refunds", currency) or 0.0
        return ratio("refund_rate", refunds, revenue, formula="refunds made in the period / revenue", named="revenue")

    return [
        _ratio_tile(of(now, currency), of(then, currency), source="Refund", currency=currency)
        for currency in _currencies(now, then, "revenue")
    ]


def _average_order(now: _Sums, then: _Sums) -> list[Tile]:
    currencies = _currencies(now, then, "revenue")
    if len(currencies) != 1:
        return []  # orders are counted over all currencies: no revenue has its own denominator

    def of(sums: _Sums) -> Figure:
        return ratio(
            "average_order",
            _number(sums, "revenue", currencies[0]),
            _number(sums, "orders"),
            formula="revenue / orders",
            named="orders",
        )

    return [_ratio_tile(of(now), of(then), source="OrderLine", currency=currencies[0], unit="money")]


def series_of(points: Sequence[Point], metric: str, period: Period) -> list[Series]:
    """Daily series of a metric per currency and platform, ordered by currency, then by size."""
    found: dict[tuple[str, str], dict[date, Decimal]] = defaultdict(dict)
    for point in points:
        if point.metric == metric and period.has(point.day):
            days = found[point.currency, point.platform]
            days[point.day] = days.get(point.day, Decimal()) + point.value
    ordered = sorted(found.items(), key=lambda item: (item[0][0], -sum(item[1].values()), item[0][1]))
    return [
        Series(
            metric=metric,
            platform=platform,
            currency=currency,
            values=[days.get(day) for day in period.dates()],
        )
        for (currency, platform), days in ordered
    ]


def daily_total(points: Sequence[Point], metric: str, period: Period, currency: str = "") -> list[Decimal | None]:
    """A metric's daily sum over platforms, for a sparkline."""
    days: dict[date, Decimal] = {}
    for point in points:
        if point.metric == metric and point.currency == currency:
            days[point.day] = days.get(point.day, Decimal()) + point.value
    return [days.get(day) for day in period.dates()]


def best_sellers(sales: Iterable[SkuSales], limit: int) -> list[Seller]:
    """SKUs by units sold, the most first; ties by name."""
    units: dict[str, int] = defaultdict(int)
    revenue: dict[str, dict[str, Decimal]] = defaultdict(dict)
    for row in sales:
        units[row.sku] += row.units
        revenue[row.sku][row.currency] = revenue[row.sku].get(row.currency, Decimal()) + row.revenue
    ordered = sorted(units, key=lambda sku: (-units[sku], sku))
    return [Seller(sku=sku, units=units[sku], revenue=revenue[sku]) for sku in ordered[:limit]]
