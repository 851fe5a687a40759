"""What a shop's daily revenue would be if it were counted in another way. Pure functions over single orders."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import product
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from shelftide.analytics.reconciliation.causes import PLAIN, Cause, Part, Parts, Series

ON_REFUND_DAY, ON_ORDER_DAY = "on the day of the refund", "on the day of the order"
# Whole hours east of Greenwich; POSIX turns the sign around.
OFFSETS = tuple(f"Etc/GMT{-hours:+d}" for hours in range(-12, 15) if hours)


class Sold(msgspec.Struct, frozen=True, kw_only=True):
    """An order's money in one currency. `zone` is the account's. What is unknown counts as nothing."""

    order_id: str
    placed_at: datetime
    zone: str
    total: Decimal
    tax: Decimal = Decimal(0)
    shipping: Decimal = Decimal(0)
    cancelled: bool = False


class PaidBack(msgspec.Struct, frozen=True, kw_only=True):
    """A refund's money in the same currency."""

    order_id: str
    refunded_at: datetime
    zone: str
    amount: Decimal


def paid_back(row: Mapping[str, Any]) -> PaidBack:
    """A refund out of its row."""
    return PaidBack(
        order_id=row["order_id"],
        refunded_at=row["refunded_at"],
        zone=row["zone"],
        amount=Decimal(row["amount_amount"]),
    )


class Book(msgspec.Struct, frozen=True, kw_only=True):
    """Orders and refunds as they were known at one moment."""

    orders: Sequence[Sold]
    refunds: Sequence[PaidBack]


class _Days(msgspec.Struct):
    """Sums by day of one way to cut days."""

    sales: dict[date, Decimal]
    tax: dict[date, Decimal]
    shipping: dict[date, Decimal]
    cancelled: dict[date, Decimal]
    refunds: dict[str, dict[date, Decimal]]


def order_hypotheses(now: Book, then: tuple[str, Book] | None, zones: Iterable[str]) -> dict[Parts, Series]:
    """Daily revenue for every way of counting: zones, refunds, tax, shipping, cancelled orders, and as known before.

    `then` is a moment's name and the book as known at it. Ways that count the same are there once, the plainest first.
    """
    books: list[tuple[Part | None, Book]] = [(None, now)]
    if then is not None and then[1] != now:
        books.append(((Cause.RESTATEMENT, then[0]), then[1]))
    found: dict[Parts, Series] = {}
    for (known, book), zone in product(books, (None, *dict.fromkeys(zones))):
        cut = _cut(book, zone)
        first: list[Part] = [part for part in (known, (Cause.ZONE, zone) if zone else None) if part is not None]
        for rest in _ways(cut):
            found[frozenset((*first, *rest))] = _counted(cut, frozenset(rest))
    return found


def _ways(cut: _Days) -> Iterable[tuple[Part, ...]]:
    """Combinations of what may be counted in or out, as far as there is any of it."""
    choices: list[tuple[Part | None, ...]] = [
        (None, *((Cause.REFUND, how) for how in (ON_REFUND_DAY, ON_ORDER_DAY) if cut.refunds[how])),
        (None, *([(Cause.TAX, "left out")] if any(cut.tax.values()) else [])),
        (None, *([(Cause.SHIPPING, "left out")] if any(cut.shipping.values()) else [])),
        (None, *([(Cause.CANCELLED, "counted")] if any(cut.cancelled.values()) else [])),
    ]
    return [tuple(part for part in way if part is not None) for way in product(*choices)]


def _counted(cut: _Days, parts: Parts) -> Series:
    sums = dict(cut.sales)
    for cause, particular in parts:
        if cause is Cause.CANCELLED:
            _add(sums, cut.cancelled, 1)
        elif cause is Cause.REFUND:
            _add(sums, cut.refunds[particular], -1)
        else:
            _add(sums, cut.tax if cause is Cause.TAX else cut.shipping, -1)
    return sums


def _add(sums: dict[date, Decimal], more: Mapping[date, Decimal], sign: int) -> None:
    for day, amount in more.items():
        sums[day] = sums.get(day, Decimal(0)) + sign * amount


def _cut(book: Book, zone: str | None) -> _Days:
    """Sums by local day: of each account's zone, or of the one given."""
    sales, tax, shipping, cancelled = (defaultdict[date, Decimal](Decimal) for _ in range(4))
    placed: dict[str, date] = {}
    for order in book.orders:
        day = _day(order.placed_at, zone or order.zone)
        placed[order.order_id] = day
        if order.cancelled:
            cancelled[day] += order.total
            continue
        sales[day] += order.total
        tax[day] += order.tax
        shipping[day] += order.shipping
    by_refund, by_order = defaultdict[date, Decimal](Decimal), defaultdict[date, Decimal](Decimal)
    for refund in book.refunds:
        by_refund[_day(refund.refunded_at, zone or refund.zone)] += refund.amount
        if refund.order_id in placed:
            by_order[placed[refund.order_id]] += refund.amount
    refunds: dict[str, dict[date, Decimal]] = {ON_REFUND_DAY: by_refund, ON_ORDER_DAY: by_order}
    return _Days(sales=sales, tax=tax, shipping=shipping, cancelled=cancelled, refunds=refunds)


def _day(moment: datetime, zone: str) -> date:
    return moment.astimezone(ZoneInfo(zone)).date()


def plain_series(book: Book) -> Series:
    """Daily revenue as the pages show it."""
    return order_hypotheses(book, None, ())[PLAIN]
