"""Why two series of daily amounts differ, by trying what is known to make such series differ. Pure functions.

A hypothesis is a set of parts (cause, particular) with the series that our facts would show if it were true: "days are
those of UTC and refunds are taken off". An export is made by one rule for all its days, so one hypothesis must hold for
all of them; what it leaves over on a day is unknown. It is believed only if it explains most of the days it changes.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum

import msgspec

VERSION = "1"
TOLERANCE = Decimal("0.01")


class Cause(StrEnum):
    """Why an amount differs. `UNKNOWN` is an open question for a person."""

    ZONE = "zone"
    WINDOW = "window"
    RESTATEMENT = "restatement"
    REFUND = "refund"
    TAX = "tax"
    SHIPPING = "shipping"
    CANCELLED = "cancelled"
    FEE = "fee"
    ADJUSTMENT = "adjustment"
    PENDING = "pending"
    REJECTED = "rejected"
    DELETED = "deleted"
    UNKNOWN = "unknown"


Part = tuple[Cause, str]
Parts = frozenset[Part]
Series = Mapping[date, Decimal]
PLAIN: Parts = frozenset()


class DayDifference(msgspec.Struct, frozen=True, kw_only=True):
    """A day on which two sides differ. `claimed` is None where the other side has no such day.

    `causes` explain the difference but for `unexplained`; UNKNOWN is among them when that is not nothing.
    """

    day: date
    claimed: Decimal | None
    ours: Decimal
    difference: Decimal
    causes: tuple[Cause, ...]
    unexplained: Decimal


class Explained(msgspec.Struct, frozen=True, kw_only=True):
    """What was found out: the days that differ, and the hypothesis with its particulars (a zone, a window)."""

    days: tuple[DayDifference, ...]
    because: tuple[Part, ...]
    compared: int

    @property
    def unknown(self) -> int:
        """Days with an open question."""
        return sum(Cause.UNKNOWN in day.causes for day in self.days)


def explain(
    claimed: Series,
    hypotheses: Mapping[Parts, Series],
    days: Sequence[date],
    *,
    tolerance: Decimal = TOLERANCE,
) -> Explained:
    """The differences of the days given, each with its causes. `hypotheses[PLAIN]` is what our facts say as they are.

    Of the hypotheses that leave the fewest days unexplained the one with the fewest parts, and of those the first.
    """
    plain = hypotheses[PLAIN]
    best = min(
        (parts for parts, series in hypotheses.items() if _believable(claimed, plain, series, days, tolerance)),
        key=lambda parts: (_open(claimed, hypotheses[parts], days, tolerance), len(parts)),
        default=PLAIN,
    )
    found = [_difference(day, claimed, hypotheses, best, tolerance) for day in days]
    return Explained(
        days=tuple(day for day in found if day is not None), because=tuple(sorted(best)), compared=len(days)
    )


def _at(series: Series, day: date) -> Decimal:
    return series.get(day, Decimal(0))


def _same(first: Decimal, second: Decimal, tolerance: Decimal) -> bool:
    return abs(first - second) < tolerance


def _open(claimed: Series, series: Series, days: Iterable[date], tolerance: Decimal) -> int:
    return sum(not _same(_at(claimed, day), _at(series, day), tolerance) for day in days)


def _believable(claimed: Series, plain: Series, series: Series, days: Iterable[date], tolerance: Decimal) -> bool:
    """Whether most of the days that the hypothesis changes agree then. One match among many is chance."""
    changed = [day for day in days if not _same(_at(plain, day), _at(series, day), tolerance)]
    return 2 * _open(claimed, series, changed, tolerance) < len(changed) or series is plain


def _difference(
    day: date, claimed: Series, hypotheses: Mapping[Parts, Series], best: Parts, tolerance: Decimal
) -> DayDifference | None:
    ours, theirs = _at(hypotheses[PLAIN], day), _at(claimed, day)
    if _same(ours, theirs, tolerance):
        return None
    value = _at(hypotheses[best], day)
    unexplained = theirs - value
    causes = [
        cause
        for cause, particular in sorted(best)
        if not _same(value, _at(hypotheses.get(best - {(cause, particular)}, hypotheses[PLAIN]), day), tolerance)
    ]
    if _same(theirs, value, tolerance):
        unexplained = Decimal(0)
    else:
        causes.append(Cause.UNKNOWN)
    return DayDifference(
        day=day,
        claimed=claimed.get(day),
        ours=ours,
        difference=theirs - ours,
        causes=tuple(dict.fromkeys(causes)),
        unexplained=unexplained,
    )
