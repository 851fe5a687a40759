"""Questions over the catalogue, and the statements that answer them: one for each fact and way of adding up."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Date, Double, Numeric, Select, and_, case, cast, func, literal, not_, or_, select

from shelftide.analytics.metrics.catalogue import (
    Aggregate,
    Catalogue,
    Dimension,
    Measure,
    Metric,
    Source,
    fact,
    facts_of,
    measures_of,
)
from shelftide.analytics.metrics.facts import Fact
from shelftide.core.errors import InvalidInputError

LONGEST = timedelta(days=3 * 366)
MOST_METRICS, MOST_DIMENSIONS, MOST_FILTERS, MOST_VALUES = 30, 4, 10, 500
_VALUE = Numeric(38, 9)
_LONGEST_VALUE = 2_000
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)
# Dates without a period's bounds would make a CASE of a thousand branches; days need none.
_MOST_PERIODS = 200
# Sums, or divided only at the end (a mean keeps its sum and its rows).
ADDING = frozenset({Aggregate.SUM, Aggregate.COUNT, Aggregate.MEAN})


class Grain(StrEnum):
    """How days are put together."""

    TOTAL = "total"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


class Compare(StrEnum):
    """With what a period is compared."""

    NONE = "none"
    PREVIOUS = "previous"
    YEAR_AGO = "year_ago"


class Filter(msgspec.Struct, frozen=True):
    """Keep (or, `without`, leave out) rows whose dimension has one of these values. None stands for unknown."""

    dimension: str
    values: tuple[str | None, ...]
    without: bool = False


class Span(msgspec.Struct, frozen=True, order=True):
    """Whole days, both ends included."""

    since: date
    until: date

    @property
    def days(self) -> int:
        """How many."""
        return (self.until - self.since).days + 1

    def has(self, day: date) -> bool:
        """Whether a day lies in it."""
        return self.since <= day <= self.until


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked, of whichever days.

    `order_by` is a metric (of the queried ones) or empty: by period and dimensions. `top` keeps so many groups by their
    value over the whole period. `currency` converts all money; without it each currency stands alone.
    """

    metrics: tuple[str, ...]
    dimensions: tuple[str, ...] = ()
    grain: Grain = Grain.TOTAL
    compare: Compare = Compare.NONE
    filters: tuple[Filter, ...] = ()
    order_by: str = ""
    ascending: bool = False
    top: int | None = None
    currency: str | None = None


class Query(Question, frozen=True, kw_only=True):
    """A question about days; `until` is included. `as_of` asks what was known then."""

    since: date
    until: date
    as_of: datetime | None = None
    week_starts: int = 0
    year_starts: int = 1

    @property
    def span(self) -> Span:
        """The days that are asked about."""
        return Span(self.since, self.until)

    def before(self) -> Span | None:
        """The days that they are compared with."""
        if self.compare is Compare.PREVIOUS:
            return Span(self.since - timedelta(days=self.span.days), self.since - timedelta(days=1))
        if self.compare is Compare.YEAR_AGO:
            return Span(_year_before(self.since), _year_before(self.until))
        return None


def _year_before(day: date) -> date:
    """The same day of the year before; 29 February becomes the 28th."""
    return day.replace(year=day.year - 1, day=28) if (day.month, day.day) == (2, 29) else day.replace(year=day.year - 1)


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """A measure as one statement computes it, under `label`.

    `complete` names the columns that must be known for a row to count: a rate is made of rows that tell all its parts,
    else the platforms that tell likes but no saves would lower it.
    """

    label: str
    measure: Measure
    source: Source
    fact: str
    by_currency: bool
    complete: tuple[str, ...] = ()


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One statement. Its columns: the dimensions, `period` (first day; not where there is one only), `currency` where
    rows are kept apart by it, `day` where money is to be converted, each member's `<label>` and `<label>_rows`.
    """

    statement: Select[Any]
    members: tuple[Member, ...]
    fact: str


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A query whose names were found."""

    query: Query
    metrics: tuple[Metric, ...]
    dimensions: tuple[Dimension, ...]
    measures: tuple[Measure, ...]

    @property
    def left_out(self) -> dict[str, list[str]]:
        """Sources of a measure that cannot be cut so, by measure."""
        found = {m.name: [s.fact for s in m.sources if not _fact_for(s, self.needed)] for m in self.measures}
        return {name: names for name, names in found.items() if names}

    @property
    def needed(self) -> frozenset[str]:
        """Every dimension that a fact must have."""
        return frozenset([*(d.name for d in self.dimensions), *(f.dimension for f in self.query.filters)])


def check(known: Catalogue, query: Query) -> Asked:
    """Look all names up. Raises InvalidInputError saying which one is wrong and what there is."""
    _limits(query)
    metrics = tuple(known.metric(name) for name in dict.fromkeys(query.metrics))
    dimensions = tuple(known.dimension(name) for name in dict.fromkeys(query.dimensions))
    needed = dict.fromkeys([*(d.name for d in dimensions), *(known.dimension(f.dimension).name for f in query.filters)])
    for metric in metrics:
        missing = [name for name in needed if name not in known.dimensions_of(metric)]
        if missing:
            hint = f"It can be cut by {', '.join(sorted(known.dimensions_of(metric)))}."
            raise InvalidInputError(f"{metric.name} cannot be cut by {missing[0]}.", hint=hint)
    if query.order_by and query.order_by not in query.metrics:
        raise InvalidInputError(f"Cannot order by {query.order_by!r}.", hint="Order by one of the metrics.")
    asked = Asked(query=query, metrics=metrics, dimensions=dimensions, measures=tuple(measures_of(known, metrics)))
    for measure in asked.measures:
        if not sources_of(measure, asked.needed):
            raise InvalidInputError(
                f"{measure.name} cannot be cut by {', '.join(sorted(asked.needed))} at once.", hint="Ask for fewer."
            )
    return asked


def check_values(values: Iterable[str | None]) -> None:
    """Raise InvalidInputError for what no dimension can hold: Postgres knows no text with a NUL."""
    for value in values:
        if value is not None and (len(value) > _LONGEST_VALUE or "\x00" in value):
            raise InvalidInputError("A value to filter by is too long, or is no text.")


def _limits(query: Query) -> None:
    if not query.metrics:
        raise InvalidInputError("The query names no metric.")
    sizes = (
        (len(query.metrics), MOST_METRICS, "metrics"),
        (len(query.dimensions), MOST_DIMENSIONS, "dimensions"),
        (len(query.filters), MOST_FILTERS, "filters"),
        (max((len(f.values) for f in query.filters), default=0), MOST_VALUES, "values of a filter"),
    )
    for size, most, what in sizes:
        if size > most:
            raise InvalidInputError(f"There are too many {what}.", hint=f"{most} at most.")
    for each in query.filters:
        check_values(each.values)
    _calendar(query)


def _calendar(query: Query) -> None:
    if query.until < query.since:
        raise InvalidInputError("The period ends before it begins.")
    if query.until - query.since > LONGEST:
        raise InvalidInputError("The period is too long.", hint="Three years at most.")
    if query.top is not None and not 1 <= query.top <= 1000:
        raise InvalidInputError("top must lie between 1 and 1000.")
    if query.as_of is not None and query.as_of.utcoffset() is None:
        raise InvalidInputError("as_of must have a time zone.")
    if query.currency is not None and not _CURRENCY.fullmatch(query.currency):
        raise InvalidInputError("The currency is no ISO 4217 code.", hint="Three capitals, such as EUR.")
    if not 0 <= query.week_starts <= 6 or not 1 <= query.year_starts <= 12:
        raise InvalidInputError("A week starts on a day from 0 (Monday) to 6, a year in a month from 1 to 12.")


def periods(query: Query, span: Span) -> list[Span]:
    """The periods of a span in order, cut at its ends. Fiscal years, quarters and months follow `year_starts`."""
    found, start = [], span.since
    while start <= span.until:
        end = min(_end(query, start), span.until)
        found.append(Span(start, end))
        start = end + timedelta(days=1)
    if len(found) > _MOST_PERIODS and query.grain is not Grain.DAY:
        raise InvalidInputError("There are too many periods.", hint="Choose a coarser grain.")
    return found


def _end(query: Query, day: date) -> date:
    """The last day of the period in which a day lies."""
    if query.grain is Grain.TOTAL:
        return date.max
    if query.grain is Grain.DAY:
        return day
    if query.grain is Grain.WEEK:
        return day + timedelta(days=6 - (day.weekday() - query.week_starts) % 7)
    months = {Grain.MONTH: 1, Grain.QUARTER: 3, Grain.YEAR: 12}[query.grain]
    left = months - (day.month - query.year_starts) % months
    month = day.year * 12 + day.month - 1 + left
    return date(month // 12, month % 12 + 1, 1) - timedelta(days=1)


def label(metric: Metric, measure: Measure, known: Sequence[Measure]) -> str:
    """Under which name a metric's measure is computed: measures of a rate that share a fact are counted together."""
    return f"{metric.name}__{measure.name}" if together(metric, measure, known) else measure.name


def together(metric: Metric, measure: Measure, known: Sequence[Measure]) -> tuple[str, ...]:
    """The columns that must be known with this measure's for a row to count in this metric."""
    if not metric.denominator or measure.aggregate is not Aggregate.SUM or len(measure.sources) > 1:
        return ()
    mine = measure.sources[0]
    columns = [
        other.sources[0].column
        for other in known
        if other.name in metric.formula.names
        and other.aggregate is Aggregate.SUM
        and len(other.sources) == 1
        and (other.sources[0].fact, other.sources[0].where) == (mine.fact, mine.where)
    ]
    return tuple(columns) if len(columns) > 1 else ()


def parts(asked: Asked, span: Span, *, cut: bool = True) -> list[Part]:
    """The statements of a query over a span; without `cut` over everything at once, for totals."""
    groups: dict[tuple[Any, ...], dict[str, Member]] = {}
    for metric in asked.metrics:
        for measure in asked.measures:
            if measure.name in metric.formula.names:
                for member in _members(asked, metric, measure):
                    groups.setdefault((member.fact, *_way(member)), {})[member.label] = member
    return [_part(asked, span, tuple(members.values()), cut=cut) for members in groups.values()]


def is_money(asked: Asked, metric: Metric) -> bool:
    """Whether a metric has money in it, on either side."""
    return any(measure.money for measure in asked.measures if measure.name in metric.formula.names)


def _members(asked: Asked, metric: Metric, measure: Measure) -> list[Member]:
    found = []
    for source, name in sources_of(measure, asked.needed):
        apart = not asked.query.currency and bool(fact(name).money) and is_money(asked, metric)
        by_currency = measure.money or apart
        plain = label(metric, measure, asked.measures)
        found.append(
            Member(
                label=f"{plain}__c" if by_currency and not measure.money else plain,
                measure=measure,
                source=source,
                fact=name,
                by_currency=by_currency,
                complete=together(metric, measure, asked.measures),
            )
        )
    return found


def _way(member: Member) -> tuple[Any, ...]:
    """Members of one fact share a statement if they look at the same rows and are kept apart alike."""
    money = currency_of(member.fact, member.source.column) if member.by_currency else ""
    return (member.label if _is_ranked(member.measure) else "", member.source.where, money)


def currency_of(name: str, column: str) -> str:
    """The column of a fact that says in which currency a row's column counts; empty where the fact has no money."""
    money = fact(name).money
    return money.get(column) or next(iter(money.values()), "")


def adds(part: Part) -> bool:
    """Whether a part's rows may be added further, over groups and periods."""
    return all(member.measure.aggregate in ADDING for member in part.members)


def _is_ranked(measure: Measure) -> bool:
    return measure.aggregate in (Aggregate.LAST, Aggregate.FIRST)


def sources_of(measure: Measure, needed: frozenset[str]) -> list[tuple[Source, str]]:
    """Each source with the fact that has the needed dimensions, if one does."""
    pairs = [(source, _fact_for(source, needed)) for source in measure.sources]
    return [(source, name) for source, name in pairs if name is not None]


def _fact_for(source: Source, needed: frozenset[str]) -> str | None:
    return next((name for name in facts_of(source) if needed <= fact(name).dimensions), None)


def _part(asked: Asked, span: Span, members: tuple[Member, ...], *, cut: bool) -> Part:
    first = members[0]
    view = fact(first.fact)
    currency = view.column(currency_of(first.fact, first.source.column)) if first.by_currency else None
    keys = keys_of(asked, span, view, currency, cut=cut)
    where = conditions(asked, first.source, first.fact, span)
    make = _newest if _is_ranked(first.measure) else _grouped
    return Part(statement=make(view, keys, where, members), members=members, fact=first.fact)


def conditions(asked: Asked, source: Source, name: str, span: Span) -> list[ColumnElement[bool]]:
    """What a row of a fact must meet to count for a source: its day, the source's own dimensions, the filters."""
    view = fact(name)
    return [
        *(view.column(dimension) == value for dimension, value in source.where),
        *conditions_on(view, asked, span),
    ]


def conditions_on(view: Fact, asked: Asked, span: Span) -> list[ColumnElement[bool]]:
    """What a row of a view must meet to count for a query: its day and the filters."""
    return [view.column("day").between(span.since, span.until), *_where(view, asked.query.filters)]


def keys_of(
    asked: Asked, span: Span, view: Fact, currency: ColumnElement[Any] | None, *, cut: bool
) -> dict[str, ColumnElement[Any]]:
    """What a statement groups by. A whole span has no period: it would be a constant."""
    keys: dict[str, ColumnElement[Any]] = {}
    if cut:
        keys |= {dimension.name: view.column(dimension.name) for dimension in asked.dimensions}
        if len(found := periods(asked.query, span)) > 1:
            keys["period"] = _period(asked.query, found, view.column("day"))
    if currency is not None:
        keys["currency"] = currency
        if asked.query.currency:
            keys["day"] = view.column("day")
    return keys


def _period(query: Query, found: Sequence[Span], day: ColumnElement[Any]) -> ColumnElement[Any]:
    if query.grain is Grain.DAY:
        return day
    return cast(case(*((day <= each.until, literal(each.since, Date())) for each in found)), Date())


def _where(view: Fact, filters: Iterable[Filter]) -> list[ColumnElement[bool]]:
    found = []
    for each in filters:
        column = view.column(each.dimension)
        chosen: ColumnElement[bool] = func.coalesce(column.in_([v for v in each.values if v is not None]), False)
        if None in each.values:
            chosen = or_(chosen, column.is_(None))
        found.append(not_(chosen) if each.without else chosen)
    return found


def _grouped(
    view: Fact,
    keys: Mapping[str, ColumnElement[Any]],
    where: Sequence[ColumnElement[bool]],
    members: Sequence[Member],
) -> Select[Any]:
    """Grouped in a second step: a key with bound values is the same expression only by its name."""
    names = dict.fromkeys(name for member in members for name in (member.source.column, *member.complete))
    columns = {name: view.column(name) for name in names}
    rows = (
        select(
            *(key.label(f"k_{name}") for name, key in keys.items()), *(c.label(f"v_{n}") for n, c in columns.items())
        )
        .where(*where)
        .subquery()
    )
    return _outer(rows, keys, [(member, _told(rows, member)) for member in members])


def _told(rows: Any, member: Member) -> ColumnElement[Any]:
    """A member's column, where all that belongs to it is known."""
    column: ColumnElement[Any] = rows.c[f"v_{member.source.column}"]
    others = [rows.c[f"v_{name}"].is_not(None) for name in member.complete if name != member.source.column]
    return case((and_(*others), column)) if others else column


def _newest(
    view: Fact,
    keys: Mapping[str, ColumnElement[Any]],
    where: Sequence[ColumnElement[bool]],
    members: Sequence[Member],
) -> Select[Any]:
    """The last (or first) known value of each member of the measure's dimension, then added."""
    (member,) = members
    value, day = view.column(member.source.column), view.column("day")
    within = (view.column("connection"), view.column(member.measure.of))
    # The keys are named first, so that the window's partition names columns and no bound values.
    named = (
        select(
            *(key.label(f"k_{name}") for name, key in keys.items()),
            *(part.label(f"p_{number}") for number, part in enumerate(within)),
            day.label("on"),
            value.label("value"),
        )
        .where(*where, value.is_not(None))
        .subquery()
    )
    partition = [named.c[f"k_{name}"] for name in keys] + [named.c.p_0, named.c.p_1]
    on = named.c.on.desc() if member.measure.aggregate is Aggregate.LAST else named.c.on.asc()
    ranked = select(named, func.row_number().over(partition_by=partition, order_by=on).label("place")).subquery()
    kept = select(ranked).where(ranked.c.place == 1).subquery()
    return _outer(kept, keys, [(member, kept.c.value)])


def _outer(rows: Any, keys: Iterable[str], members: Iterable[tuple[Member, ColumnElement[Any]]]) -> Select[Any]:
    named = [rows.c[f"k_{name}"] for name in keys]
    columns: list[ColumnElement[Any]] = []
    for member, column in members:
        columns.append(cast(_aggregated(member.measure, column), _VALUE).label(member.label))
        columns.append(func.count(column).label(f"{member.label}_rows"))
    statement = select(*(key.label(key.name[2:]) for key in named), *columns)
    return statement.group_by(*named) if named else statement


def _aggregated(measure: Measure, column: ColumnElement[Any]) -> ColumnElement[Any]:
    match measure.aggregate:
        case Aggregate.DISTINCT:
            return func.count(column.distinct())
        case Aggregate.COUNT:
            return func.count(column)
        case Aggregate.MEDIAN:
            return func.percentile_cont(0.5).within_group(cast(column, Double()))
        case _:  # a mean too: its sum is divided by its rows where all of them are together, exactly
            return func.sum(column)
