"""What an ad account's days would be in another attribution window, or as they were known before. Pure functions."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal

import msgspec

from shelftide.analytics.reconciliation.causes import PLAIN, Cause, Parts, Series


class AdFigure(msgspec.Struct, frozen=True, kw_only=True):
    """One figure of one ad entity on one day in one window."""

    day: date
    window: str
    amount: Decimal


def ad_hypotheses(
    now: Sequence[AdFigure], then: tuple[str, Sequence[AdFigure]] | None, *, window: str
) -> dict[Parts, Series]:
    """Daily sums: of `window`, which the pages show, of each other window, each as known now and then."""
    found: dict[Parts, Series] = {PLAIN: _sums(now, window)}
    others = sorted({figure.window for figure in now} - {window})
    books: list[tuple[Parts, Sequence[AdFigure]]] = [(PLAIN, now)]
    if then is not None and list(then[1]) != list(now):
        books.append((frozenset({(Cause.RESTATEMENT, then[0])}), then[1]))
    for known, figures in books:
        found.setdefault(known, _sums(figures, window))
        for other in others:
            found[known | {(Cause.WINDOW, other)}] = _sums(figures, other)
    return found


def _sums(figures: Iterable[AdFigure], window: str) -> Series:
    sums: dict[date, Decimal] = defaultdict(Decimal)
    for figure in figures:
        if figure.window == window:
            sums[figure.day] += figure.amount
    return sums
