"""What buyers paid against what platforms paid out, and against what platforms claim. Pure functions.

Signs are the reader's: `Payment.amount` is what reached the brand, fees and refunds are what did not.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import msgspec

from shelftide.analytics.reconciliation.causes import (
    TOLERANCE,
    VERSION,
    Cause,
    Explained,
    Series,
    explain,
)
from shelftide.analytics.reconciliation.orders import Book, PaidBack, Sold, order_hypotheses

# A platform's words for a payout that has not reached the bank.
_UNDERWAY = frozenset({"pending", "in_transit", "scheduled", "processing", "open", "unpaid", "failed", "canceled"})


class Payment(msgspec.Struct, frozen=True, kw_only=True):
    """A payout. `adjustments` is what the platform added (or took, if negative) beside sales, refunds and fees."""

    settled_at: datetime
    amount: Decimal
    fees: Decimal | None = None
    adjustments: Decimal | None = None
    status: str | None = None


class Charge(msgspec.Struct, frozen=True, kw_only=True):
    """A fee, positive for what the platform keeps."""

    charged_at: datetime
    amount: Decimal


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the way from what was sold to what was paid out. `rows` is how many rows say so."""

    cause: Cause
    amount: Decimal
    rows: int


class Settlement(msgspec.Struct, frozen=True, kw_only=True):
    """Orders against payouts of one platform, currency and period; `sold` less all steps is `paid`.

    `lag_days` is how long a platform keeps an order's money before it can be in a payout. Class: measured.
    """

    currency: str
    since: date
    until: date
    zone: str
    lag_days: int
    sold: Decimal
    paid: Decimal
    gap: Decimal
    steps: tuple[Step, ...]
    orders: int
    payouts: int
    reason: str | None = None
    formula: str = "sold - refunds - fees + adjustments - pending - unknown = paid"
    version: str = VERSION
    kind: str = "measured"

    @property
    def unknown(self) -> Decimal:
        """What no step explains."""
        return sum((step.amount for step in self.steps if step.cause is Cause.UNKNOWN), Decimal(0))


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """Days of a zone, both ends included, in one currency."""

    currency: str
    since: date
    until: date
    zone: str
    lag_days: int = 0

    def holds(self, moment: datetime) -> bool:
        """Whether a moment is on one of the days."""
        return self.since <= self.day(moment) <= self.until

    def day(self, moment: datetime) -> date:
        """The local day."""
        return moment.astimezone(ZoneInfo(self.zone)).date()


def settle(
    orders: Sequence[Sold],
    refunds: Sequence[PaidBack],
    payments: Sequence[Payment],
    charges: Sequence[Charge],
    period: Period,
) -> Settlement:
    """The way from sales to payouts. Fees are those that payouts name; where none does, those charged by row."""
    live = [o for o in orders if not o.cancelled and period.holds(o.placed_at)]
    arrived = [p for p in payments if period.holds(p.settled_at) and not _underway(p)]
    sold = sum((o.total for o in live), Decimal(0))
    paid = sum((p.amount for p in arrived), Decimal(0))
    steps = [
        _step(Cause.REFUND, [r.amount for r in refunds if period.holds(r.refunded_at)]),
        _step(Cause.FEE, _fees(arrived, charges, period)),
        _step(Cause.ADJUSTMENT, [-p.adjustments for p in arrived if p.adjustments is not None]),
        _step(Cause.PENDING, [o.total for o in _waiting(live, arrived, period)]),
    ]
    steps = [step for step in steps if step.amount]
    rest = sold - paid - sum((step.amount for step in steps), Decimal(0))
    if abs(rest) >= TOLERANCE:
        steps.append(Step(cause=Cause.UNKNOWN, amount=rest, rows=0))
    return Settlement(
        **msgspec.structs.asdict(period),
        sold=sold,
        paid=paid,
        gap=sold - paid,
        steps=tuple(steps),
        orders=len(live),
        payouts=len(arrived),
        reason=None if arrived else "no payout has arrived in these days",
    )


def _underway(payment: Payment) -> bool:
    return (payment.status or "").casefold() in _UNDERWAY


def _step(cause: Cause, amounts: Sequence[Decimal]) -> Step:
    return Step(cause=cause, amount=sum(amounts, Decimal(0)), rows=len(amounts))


def _fees(arrived: Sequence[Payment], charges: Iterable[Charge], period: Period) -> list[Decimal]:
    named = [p.fees for p in arrived if p.fees is not None]
    return named or [c.amount for c in charges if period.holds(c.charged_at)]


def _waiting(live: Iterable[Sold], arrived: Sequence[Payment], period: Period) -> list[Sold]:
    """Orders too young for the newest payout: placed after it, or less than the platform's lag before it."""
    if not arrived:
        return list(live)
    newest = max(period.day(p.settled_at) for p in arrived) - timedelta(days=period.lag_days)
    return [o for o in live if period.day(o.placed_at) > newest]


class ClaimedDays(msgspec.Struct, frozen=True, kw_only=True):
    """What ad platforms claim against what shops sold, by day. `claimed` is by platform; they may claim the same sale.

    `over` lists the days on which all claims together are above all sales. Class: observed.
    """

    currency: str
    since: date
    until: date
    claimed: Mapping[str, Decimal]
    sold: Decimal
    share: Decimal | None
    over: tuple[date, ...]
    explained: Mapping[str, Explained]
    reason: str | None = None
    formula: str = "sum(revenue claimed by ad platforms) / sum(revenue of the shops)"
    version: str = VERSION
    kind: str = "observed"


def claim(claimed: Mapping[str, Series], book: Book, period: Period, zones: Iterable[str]) -> ClaimedDays:
    """Each platform's claims, day by day, against the shops' revenue; a platform that claims all of it is explained by
    the way it counts (zone, refunds, cancelled orders), one that claims a part keeps its differences as unknown.
    """
    days = [period.since + timedelta(days=n) for n in range((period.until - period.since).days + 1)]
    ways = order_hypotheses(book, None, zones)
    sales = ways[frozenset()]
    total = sum((sales.get(day, Decimal(0)) for day in days), Decimal(0))
    sums = {
        platform: sum((series.get(day, Decimal(0)) for day in days), Decimal(0)) for platform, series in claimed.items()
    }
    together = {day: sum((s.get(day, Decimal(0)) for s in claimed.values()), Decimal(0)) for day in days}
    return ClaimedDays(
        currency=period.currency,
        since=period.since,
        until=period.until,
        claimed=sums,
        sold=total,
        share=sum(sums.values(), Decimal(0)) / total if total > 0 and sums else None,
        over=tuple(day for day in days if together[day] > sales.get(day, Decimal(0)) + TOLERANCE),
        explained={platform: explain(series, ways, days) for platform, series in claimed.items()},
        reason=None if total > 0 else "the shops sold nothing in these days",
    )
