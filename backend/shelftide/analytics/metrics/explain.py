"""How a number came to be: its formula, its parts, the facts behind them, and the rows themselves."""

from typing import Any

import msgspec
from sqlalchemy import Select, select

from shelftide.analytics.metrics.catalogue import ADDITIVITY, DAYS, Catalogue, Measure, Metric, Source, fact
from shelftide.analytics.metrics.query import Asked, Span, check_values, conditions, sources_of
from shelftide.core.errors import InvalidInputError

VERSION = "1"
MOST_ROWS = 200


class MeasureSource(msgspec.Struct, frozen=True, kw_only=True):
    """Where a measure comes from. `where` keeps rows of these dimensions only."""

    fact: str
    column: str
    where: dict[str, str]


class MeasureNote(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a formula: how it adds up, and over what."""

    name: str
    aggregate: str
    adds_over: str
    money: bool
    sources: list[MeasureSource]


class MetricNote(msgspec.Struct, frozen=True, kw_only=True):
    """A metric's one definition."""

    name: str
    titles: dict[str, str]
    formula: str
    denominator: str
    unit: str
    kind: str
    note: str
    reference: str
    dimensions: list[str]
    measures: list[MeasureNote]
    version: str = VERSION


def note_of(known: Catalogue, metric: Metric) -> MetricNote:
    """The definition of a metric, for people and programs."""
    names = [name for name in metric.formula.names if name != DAYS]
    return MetricNote(
        name=metric.name,
        titles=metric.titles,
        formula=metric.formula.text,
        denominator=metric.denominator,
        unit=metric.unit,
        kind=metric.kind,
        note=metric.note,
        reference=metric.reference,
        dimensions=sorted(known.dimensions_of(metric)),
        measures=[_measure(known.measures[name]) for name in names],
    )


def _measure(measure: Measure) -> MeasureNote:
    return MeasureNote(
        name=measure.name,
        aggregate=f"{measure.aggregate} of each {measure.of}" if measure.of else str(measure.aggregate),
        adds_over=ADDITIVITY[measure.aggregate],
        money=measure.money,
        sources=[MeasureSource(fact=s.fact, column=s.column, where=dict(s.where)) for s in measure.sources],
    )


class RowsOf(msgspec.Struct, frozen=True, kw_only=True):
    """The statement for the rows behind one part of a value, and whose rows they are."""

    measure: str
    fact: str
    statement: Select[Any]


def rows_behind(
    asked: Asked, measure_name: str, span: Span, group: dict[str, str | None], *, after: int = 0, limit: int = MOST_ROWS
) -> list[RowsOf]:
    """The rows that a measure counts in one group and period, by day; a statement for each source.

    Raises:
        InvalidInputError: the query has no such measure.
    """
    check_values(group.values())
    measure = next((each for each in asked.measures if each.name == measure_name), None)
    if measure is None:
        raise InvalidInputError(
            f"The query has no part {measure_name!r}.", hint=f"It has {', '.join(m.name for m in asked.measures)}."
        )
    return [
        RowsOf(measure=measure.name, fact=name, statement=_rows(asked, source, name, span, group, after, limit))
        for source, name in sources_of(measure, asked.needed)
    ]


def _rows(  # noqa: PLR0917  # the place of a page belongs to no struct
    asked: Asked, source: Source, name: str, span: Span, group: dict[str, str | None], after: int, limit: int
) -> Select[Any]:
    view = fact(name)
    same = [view.column(d).is_(None) if v is None else view.column(d) == v for d, v in group.items()]
    order = [view.column("day"), *(view.column(dimension) for dimension in sorted(view.dimensions))]
    return (
        select(*view.view.c)
        .where(*conditions(asked, source, name, span), *same, view.column(source.column).is_not(None))
        .order_by(*order)
        .offset(after)
        .limit(limit)
    )
