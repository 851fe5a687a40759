"""From the rows of a query's statements to its answer. Pure: no database, no clock."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Protocol

import msgspec

from shelftide.analytics.metrics.catalogue import DAYS, Aggregate, Measure, Metric
from shelftide.analytics.metrics.formula import Result
from shelftide.analytics.metrics.query import Asked, Grain, Part, Span, is_money, label, periods
from shelftide.core.errors import InvalidInputError

Key = tuple[str | None, ...]
# Facts of which a missing row says that nothing happened. Of a state (followers, an ad's day) it says nothing.
EVENTS = frozenset(
    {
        "orders",
        "order_lines",
        "refunds",
        "fees",
        "payouts",
        "sales_days",
        "contents",
        "comments",
        "mentions",
        "sessions",
    }
)


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """What one unit of `base` was worth in `quote` on `on`, by whom. `wanted` is the day that it stands for."""

    base: str
    quote: str
    rate: Decimal
    on: date
    wanted: date
    source: str


class Rates(Protocol):
    """Exchange rates."""

    def rate(self, base: str, quote: str, day: date) -> Rate | None:
        """The rate of a day, or the last one before it that still counts; None where none is known."""
        ...


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """A metric's value. None comes with a reason. `rows` is how many rows it rests on; `currency` is that of the
    money in it, on either side, and empty where there is none."""

    metric: str
    value: Decimal | None
    currency: str = ""
    reason: str | None = None
    rows: int = 0
    before: Decimal | None = None
    inputs: dict[str, Decimal | None] = {}

    @property
    def change(self) -> Decimal | None:
        """Relative to the period before; None where either is unknown or that one is not positive."""
        if self.value is None or self.before is None or self.before <= 0:
            return None
        return self.value / self.before - 1


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """Values of one group in one period."""

    dimensions: dict[str, str | None]
    period: Span
    values: list[Value]


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """Rows, totals over all of them, the rates that were used, and what is not in it and why.

    `rolled` when some of it is the roll-up's, which is as new as the end of the last sync.
    """

    rows: list[Row]
    totals: list[Value]
    rates: list[Rate] = []
    notes: list[str] = []
    rolled: bool = False


class _Cell(msgspec.Struct):
    """What is known of one group: by currency and label the sum and its rows. An unconvertible sum has a reason."""

    values: dict[tuple[str, str], Decimal | None] = msgspec.field(default_factory=dict)
    rows: dict[tuple[str, str], int] = msgspec.field(default_factory=dict)
    reasons: dict[tuple[str, str], str] = msgspec.field(default_factory=dict)


Cells = dict[tuple[Key, date], _Cell]


class Reading:
    """The rows of one span, put together by group."""

    def __init__(self, asked: Asked, span: Span, rates: Rates | None) -> None:
        self.asked = asked
        self.span = span
        self.cells: Cells = defaultdict(_Cell)
        self.used: dict[tuple[str, date], Rate] = {}
        self._rates = rates

    def add(self, part: Part, rows: Iterable[Mapping[str, Any]], *, cut: bool = True) -> None:
        """Add what one statement returned. Without `cut`, or of a whole span, finer rows are added up."""
        names = [d.name for d in self.asked.dimensions] if cut else []
        periodic = cut and self.asked.query.grain is not Grain.TOTAL
        # By day: of several days without a rate the first is named, whatever order the rows came in.
        for row in sorted(rows, key=lambda each: each.get("day") or date.min):
            period = row.get("period") if periodic else None
            cell = self.cells[tuple(row[name] for name in names), period or self.span.since]
            for member in part.members:
                count = int(row[f"{member.label}_rows"])
                if count:
                    self._put(cell, member.label, member.measure.money, row, count)

    def _put(self, cell: _Cell, name: str, money: bool, row: Mapping[str, Any], count: int) -> None:
        value, currency = Decimal(row[name]), str(row.get("currency") or "")
        wanted = self.asked.query.currency
        if money and wanted:
            value, currency = self._converted(cell, name, value, currency, row["day"]), wanted
        place = currency, name
        cell.rows[place] = cell.rows.get(place, 0) + count
        if place not in cell.reasons:
            cell.values[place] = (cell.values.get(place) or Decimal(0)) + value

    def _converted(self, cell: _Cell, name: str, value: Decimal, currency: str, day: date) -> Decimal:
        wanted = str(self.asked.query.currency)
        found = self._rates.rate(currency, wanted, day) if self._rates is not None and currency else None
        if found is None:
            place = wanted, name
            cell.reasons.setdefault(place, f"no rate from {currency or 'an unknown currency'} to {wanted} on {day}")
            cell.values[place] = None
            return Decimal(0)
        self.used[currency, day] = found
        return value * found.rate


class _Group(msgspec.Struct, frozen=True):
    """One group in one period. `quiet` lists sums of events that are 0 where they are missing."""

    asked: Asked
    cell: _Cell
    span: Span
    quiet: frozenset[tuple[str, str]]


def put_together(asked: Asked, parts: Sequence[Part], now: Reading, before: Reading | None, total: Reading) -> Answer:
    """The answer. Raises InvalidInputError when money of several currencies should be ordered."""
    whole = total.cells[(), total.span.since]
    quiet = frozenset(place for place in whole.rows if place[1] in _events(parts))
    earlier = _by_number(before, quiet) if before else {}
    rows = [
        Row(
            dimensions=dict(zip((d.name for d in asked.dimensions), key, strict=True)),
            period=span,
            values=_values(_Group(asked, now.cells[key, span.since], span, quiet), earlier.get((key, number))),
        )
        for key in _keys(now)
        for number, span in enumerate(periods(asked.query, asked.query.span))
        if (key, span.since) in now.cells
    ]
    return Answer(
        rows=_ordered(asked, rows),
        totals=_values(_Group(asked, whole, asked.query.span, frozenset()), None),
        rates=sorted({**now.used, **total.used}.values(), key=lambda r: (r.base, r.wanted)),
        notes=[f"{name} leaves out {', '.join(left)}: not known by this cut" for name, left in asked.left_out.items()],
    )


def _events(parts: Sequence[Part]) -> set[str]:
    """Labels over events: where they are missing in a part of a period that has some, nothing happened."""
    return {
        member.label
        for part in parts
        for member in part.members
        if part.fact in EVENTS and member.measure.aggregate in (Aggregate.SUM, Aggregate.COUNT, Aggregate.DISTINCT)
    }


def _by_number(before: Reading, quiet: frozenset[tuple[str, str]]) -> dict[tuple[Key, int], _Group]:
    """Groups of the span before, by key and number of the period."""
    theirs = periods(before.asked.query, before.span)
    number = {span.since: at for at, span in enumerate(theirs)}
    return {
        (key, number[day]): _Group(before.asked, cell, theirs[number[day]], quiet)
        for (key, day), cell in before.cells.items()
    }


def _keys(now: Reading) -> list[Key]:
    """Groups in order of their dimensions, unknown ones last."""
    return sorted({key for key, _ in now.cells}, key=lambda key: [(part is None, part or "") for part in key])


def _values(group: _Group, earlier: _Group | None) -> list[Value]:
    found = []
    for metric in group.asked.metrics:
        for currency in _currencies(group, metric):
            result, inputs, rows = _evaluated(group, metric, currency)
            found.append(
                Value(
                    metric=metric.name,
                    value=result.value,
                    currency=currency,
                    reason=result.reason,
                    rows=rows,
                    before=_evaluated(earlier, metric, currency)[0].value if earlier else None,
                    inputs=inputs,
                )
            )
    return found


def _currencies(group: _Group, metric: Metric) -> list[str]:
    """For money each currency that the metric has here; a metric without money has one value."""
    asked = group.asked
    if not is_money(asked, metric):
        return [""]
    if asked.query.currency:
        return [asked.query.currency]
    labels = {label(metric, m, asked.measures) for m in asked.measures if m.money and m.name in metric.formula.names}
    return sorted({currency for currency, name in {*group.cell.rows, *group.quiet} if name in labels}) or [""]


def _evaluated(group: _Group, metric: Metric, currency: str) -> tuple[Result, dict[str, Decimal | None], int]:
    """The value, what the formula was given, and on how many rows the best known part rests."""
    cell = group.cell
    values: dict[str, Decimal | None] = {DAYS: Decimal(group.span.days)}
    unknown: dict[str, str] = {}
    rows = 0
    for measure in group.asked.measures:
        if measure.name not in metric.formula.names:
            continue
        places = _places(group.asked, metric, measure, currency)
        place = next((place for place in places if place in cell.rows), None)
        if place is not None:
            values[measure.name] = _number(measure, cell, place)
            rows = max(rows, cell.rows[place])
            unknown[measure.name] = cell.reasons.get(place, "")
        elif not group.quiet.isdisjoint(places):
            values[measure.name] = Decimal(0)
        else:
            where = f" in {currency}" if measure.money and currency else ""
            values[measure.name] = None
            unknown[measure.name] = f"{measure.name}: nothing known{where}"
    return metric.formula.of(values, unknown), {name: values[name] for name in metric.formula.names}, rows


def _number(measure: Measure, cell: _Cell, place: tuple[str, str]) -> Decimal | None:
    """A measure's number: what was summed, for a mean by its rows."""
    total = cell.values[place]
    return total / cell.rows[place] if measure.aggregate is Aggregate.MEAN and total is not None else total


def _places(asked: Asked, metric: Metric, measure: Measure, currency: str) -> list[tuple[str, str]]:
    """Where a measure's sum stands: with its currency, counted apart by currency, or without one."""
    plain = label(metric, measure, asked.measures)
    apart = [(currency, plain), (currency, f"{plain}__c")] if currency else []
    return [*apart, ("", plain)]


def _ordered(asked: Asked, rows: list[Row]) -> list[Row]:
    """By a metric where one is named, unknown values last; else by group and period as they are."""
    name = asked.query.order_by
    if not name:
        return rows
    known = {row_number: _known(row, name) for row_number, row in enumerate(rows)}
    if len({value.currency for value in known.values() if value is not None}) > 1:
        raise InvalidInputError("Money of several currencies has no order.", hint="Name a currency to convert to.")

    def place(number: int) -> tuple[bool, Decimal]:
        value = known[number]
        if value is None or value.value is None:
            return True, Decimal(0)
        return False, value.value if asked.query.ascending else -value.value

    return [rows[number] for number in sorted(known, key=place)]


def _known(row: Row, metric: str) -> Value | None:
    return next((value for value in row.values if value.metric == metric and value.value is not None), None)
