"""Exchange rates of any two currencies on any day, from rates that sources gave. Pure: no database, no clock.

A pair's own rate goes first, then its inverse, then a way over one or two other currencies (nearly always the euro,
because the ECB quotes everything against it). A brand's own rates go before the ECB's.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import reduce
from itertools import pairwise

import msgspec

from shelftide.analytics.metrics.answer import Rate

# Markets close at weekends and for the longest holidays (Easter: four days); an older rate says nothing of a day.
OLDEST = timedelta(days=7)
PLACES = Decimal("1e-10")
# One rupiah is 0.00006 euros: ten places of it are six digits, and there and back would lose a cent in a thousand.
_DIGITS = 16
_EXACT = Context(prec=40, rounding=ROUND_HALF_EVEN)


class StoredRate(msgspec.Struct, frozen=True, kw_only=True):
    """One `base` costs `rate` `quote` on `day`, says `source`. `own` is a rate of the brand's files or plugins."""

    source: str
    base: str
    quote: str
    day: date
    rate: Decimal
    own: bool = False


class _Leg(msgspec.Struct, frozen=True):
    """One step of a way. `inverse` when the rate was given the other way round."""

    stored: StoredRate
    inverse: bool

    @property
    def factor(self) -> Decimal:
        return _EXACT.divide(Decimal(1), self.stored.rate) if self.inverse else self.stored.rate

    @property
    def name(self) -> str:
        return f"{self.stored.source} {self.stored.base}/{self.stored.quote} {self.stored.day}"


class StoredRates:
    """Implements `Rates` over rates in memory. Of several own sources of a pair and day the first by name counts.

    Raises ValueError for a rate that is not positive.
    """

    def __init__(self, stored: Iterable[StoredRate], *, oldest: timedelta = OLDEST) -> None:
        self._oldest = oldest
        self._days: dict[tuple[str, str], dict[date, StoredRate]] = defaultdict(dict)
        beside: dict[str, set[str]] = defaultdict(set)
        self._found: dict[tuple[str, str, date], Rate | None] = {}
        for rate in sorted(stored, key=lambda r: (not r.own, r.source)):
            if not rate.rate.is_finite() or rate.rate <= 0:
                raise ValueError(f"{rate.source} {rate.base}/{rate.quote} {rate.day}: a rate must be positive")
            self._days[rate.base, rate.quote].setdefault(rate.day, rate)
            beside[rate.base].add(rate.quote)
            beside[rate.quote].add(rate.base)
        self._beside = dict(beside)

    def rate(self, base: str, quote: str, day: date) -> Rate | None:
        """The rate of a day, or the last one before it that is not too old; None where none is known (see `why`).

        `on` is the day of its oldest leg; `source` names every leg with its source and day.
        """
        if base == quote:
            return Rate(base=base, quote=quote, rate=Decimal(1), on=day, wanted=day, source="same currency")
        key = base, quote, day
        if key not in self._found:
            self._found[key] = self._look_up(base, quote, day)
        return self._found[key]

    def why(self, base: str, quote: str, day: date) -> str | None:
        """Why there is no rate; None where there is one."""
        if self.rate(base, quote, day) is not None:
            return None
        unknown = [currency for currency in (base, quote) if currency not in self._beside]
        if unknown:
            return f"no source has a rate of {' or '.join(unknown)}"
        return f"no rate from {base} to {quote} on {day} or in the {self._oldest.days} days before"

    def _look_up(self, base: str, quote: str, day: date) -> Rate | None:
        for ways in (self._direct(base, quote), self._over_one(base, quote), self._over_two(base, quote)):
            known = [legs for way in ways if (legs := self._legs(way, day))]
            if known:
                best = max(known, key=lambda legs: (sum(leg.stored.own for leg in legs), min(_days(legs))))
                return _rate(best, base, quote, day)
        return None

    def _near(self, currency: str) -> set[str]:
        return self._beside.get(currency, set())

    @staticmethod
    def _direct(base: str, quote: str) -> list[tuple[str, ...]]:
        return [(base, quote)]

    def _over_one(self, base: str, quote: str) -> list[tuple[str, ...]]:
        return [(base, over, quote) for over in sorted(self._near(base) & self._near(quote))]

    def _over_two(self, base: str, quote: str) -> list[tuple[str, ...]]:
        return [
            (base, first, second, quote)
            for first in sorted(self._near(base) - {quote})
            for second in sorted(self._near(first) & self._near(quote) - {base})
        ]

    def _legs(self, way: tuple[str, ...], day: date) -> list[_Leg]:
        legs = [self._leg(base, quote, day) for base, quote in pairwise(way)]
        known = [leg for leg in legs if leg is not None]
        return known if len(known) == len(legs) else []

    def _leg(self, base: str, quote: str, day: date) -> _Leg | None:
        """Own before others, then the newest, then as it was given before its inverse."""
        given, turned = self._days.get((base, quote), {}), self._days.get((quote, base), {})
        found = []
        for age in range(self._oldest.days + 1):
            on = day - timedelta(days=age)
            found += [_Leg(rates[on], inverse) for rates, inverse in ((given, False), (turned, True)) if on in rates]
        return next((leg for leg in found if leg.stored.own), found[0] if found else None)


def _days(legs: Iterable[_Leg]) -> list[date]:
    return [leg.stored.day for leg in legs]


def _rate(legs: list[_Leg], base: str, quote: str, day: date) -> Rate:
    if len(legs) == 1 and not legs[0].inverse:
        value = legs[0].stored.rate
    else:
        value = _rounded(reduce(_EXACT.multiply, (leg.factor for leg in legs), Decimal(1)))
    source = ", ".join(leg.name for leg in legs)
    return Rate(base=base, quote=quote, rate=value, on=min(_days(legs)), wanted=day, source=source)


def _rounded(value: Decimal) -> Decimal:
    """Ten places, and for small rates as many as give sixteen digits; half to even."""
    finest = min(PLACES, Decimal(1).scaleb(value.adjusted() + 1 - _DIGITS))
    return value.quantize(finest, context=_EXACT)


class Ratio(msgspec.Struct, frozen=True, kw_only=True):
    """A ratio of two amounts in one currency, or why there is none."""

    value: Decimal | None
    currency: str
    rates: tuple[Rate, ...] = ()
    reason: str | None = None


def ratio_in(
    numerator: tuple[Decimal, str], denominator: tuple[Decimal, str], rates: StoredRates, *, currency: str, day: date
) -> Ratio:
    """Numerator over denominator, both converted or neither (capabilities, trap 9).

    In one currency neither is; a side that cannot be converted leaves the ratio unknown.
    """
    if denominator[0] == 0:
        return Ratio(value=None, currency=currency, reason="the denominator is 0")
    if numerator[1] == denominator[1]:
        return Ratio(value=_EXACT.divide(numerator[0], denominator[0]), currency=numerator[1])
    above, below = (rates.rate(side[1], currency, day) for side in (numerator, denominator))
    if above is None or below is None:
        missing = numerator[1] if above is None else denominator[1]
        return Ratio(value=None, currency=currency, reason=rates.why(missing, currency, day))
    value = _EXACT.divide(numerator[0] * above.rate, denominator[0] * below.rate)
    return Ratio(value=value, currency=currency, rates=(above, below))
