"""A view as an address and back, and its answer as a page: lines of formatted values, a drawing, links that open each
value."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import msgspec

from shelftide.analytics.metrics.answer import Answer, Row, Value
from shelftide.analytics.metrics.catalogue import Metric
from shelftide.analytics.metrics.query import Asked, Filter, Grain, Query, Span
from shelftide.analytics.metrics.view import Drawing, View
from shelftide.core.errors import InvalidInputError
from shelftide.web.charts import platform_name
from shelftide.web.i18n import Words

Params = Sequence[tuple[str, str]]
MOST_LINES, MOST_DRAWN = 500, 6
DEFAULT = View(metrics=("views", "orders", "revenue"), dimensions=("platform",), grain=Grain.WEEK)


def view_of(params: Params) -> View:
    """The view that an address asks for. Raises InvalidInputError naming what is wrong with it."""
    known: dict[str, list[str]] = {}
    for name, value in params:
        if value:
            known.setdefault(name, []).append(value)
    if "metric" not in known:
        return DEFAULT
    one = {name: values[-1] for name, values in known.items()}
    asked: dict[str, Any] = {
        "metrics": list(dict.fromkeys(known["metric"])),
        "dimensions": list(dict.fromkeys(known.get("by", []))),
        "filters": merged(
            filter_of(text, without=name == "not") for name in ("is", "not") for text in known.get(name, [])
        ),
        **{name: one[name] for name in ("since", "until", "grain", "compare", "drawing", "order_by") if name in one},
        **{name: _number(name, one[name]) for name in ("days", "top") if name in one},
        "ascending": one.get("ascending") == "1",
        "currency": one.get("currency", "").upper() or None,
    }
    try:
        return msgspec.convert(asked, View)
    except msgspec.ValidationError as error:
        raise InvalidInputError("This address asks for something that there is not.", internal=str(error)) from error


def params_of(view: View) -> list[tuple[str, str]]:
    """The address of a view: `view_of` reads it back."""
    found = [("metric", name) for name in view.metrics] + [("by", name) for name in view.dimensions]
    found += [("not" if each.without else "is", text) for each in view.filters for text in filter_texts(each)]
    if view.since and view.until:
        found += [("since", view.since.isoformat()), ("until", view.until.isoformat())]
    else:
        found.append(("days", str(view.days)))
    found += [("grain", view.grain.value), ("compare", view.compare.value), ("drawing", view.drawing.value)]
    found += [
        (name, value) for name, value in (("order_by", view.order_by), ("currency", view.currency or "")) if value
    ]
    return found + [("top", str(view.top))] * (view.top is not None) + [("ascending", "1")] * view.ascending


def address_of(view: View) -> str:
    """A view as the query of an address."""
    return urlencode(params_of(view))


def filter_of(text: str, *, without: bool) -> Filter:
    """`platform:tiktok`; `platform` alone stands for an unknown one."""
    name, colon, value = text.partition(":")
    return Filter(name, (value if colon else None,), without)


def filter_texts(each: Filter) -> list[str]:
    """A filter as `filter_of` reads it, one for each value."""
    return [each.dimension if value is None else f"{each.dimension}:{value}" for value in each.values]


def merged(filters: Iterable[Filter]) -> tuple[Filter, ...]:
    """Values of one dimension stand beside each other: an address names them one by one."""
    found: dict[tuple[str, bool], tuple[str | None, ...]] = {}
    for each in filters:
        place = each.dimension, each.without
        found[place] = tuple(dict.fromkeys([*found.get(place, ()), *each.values]))
    return tuple(Filter(name, values, without) for (name, without), values in found.items())


def _number(name: str, text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 6:
        raise InvalidInputError(f"{name} must be a number.")
    return int(text)


def known_at(text: str, zone: str) -> datetime | None:
    """The end of a day in the brand's zone, as what was known then; None for today. Raises InvalidInputError."""
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise InvalidInputError("A day is written as 2026-05-31.") from error
    return datetime.combine(day + timedelta(days=1), time(), ZoneInfo(zone))


class Chip(msgspec.Struct, frozen=True, kw_only=True):
    """A chosen part of a view: the address without it, and of the view in which it stands one place earlier."""

    title: str
    without: str
    earlier: str = ""


def chips(view: View, names: Mapping[str, str]) -> dict[str, list[Chip]]:
    """Metrics, cuts and filters as they are taken away. `names` gives titles of metrics and dimensions."""

    def address(**fields: Any) -> str:
        return address_of(msgspec.structs.replace(view, **fields))

    def listed(field: str, chosen: tuple[str, ...]) -> list[Chip]:
        return [
            Chip(
                title=names.get(name, name),
                without=address(**{field: (*chosen[:at], *chosen[at + 1 :])})
                if len(chosen) > 1 or field != "metrics"
                else "",
                earlier=address(**{field: (*chosen[: at - 1], name, chosen[at - 1], *chosen[at + 1 :])}) if at else "",
            )
            for at, name in enumerate(chosen)
        ]

    filters = [
        Chip(
            title=f"{names.get(each.dimension, each.dimension)} {'≠' if each.without else '='} {value or '–'}",
            without=address(filters=tuple(_less(view.filters, each, value))),
        )
        for each in view.filters
        for value in each.values
    ]
    return {
        "metrics": listed("metrics", view.metrics),
        "dimensions": listed("dimensions", view.dimensions),
        "filters": filters,
    }


def _less(filters: Sequence[Filter], taken: Filter, value: str | None) -> Iterable[Filter]:
    for each in filters:
        kept = tuple(v for v in each.values if each is not taken or v != value)
        if kept:
            yield Filter(each.dimension, kept, each.without)


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """A value in words. `reason` says why there is none, `href` opens it."""

    text: str
    href: str
    reason: str = ""
    change: Decimal | None = None


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the table: its groups (shown, as a filter), its period, and for each metric a cell a currency."""

    groups: list[tuple[str, str]]
    period: str
    cells: list[list[Cell]]


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """An answer on a page. `more` lines are left out of the page, not of its files."""

    lines: list[Line]
    totals: list[list[Cell]]
    option: dict[str, Any] | None
    more: int


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """What turns an answer into a sheet: `base` is the address that opens a value, `params` those of the view."""

    asked: Asked
    view: View
    base: str
    params: list[tuple[str, str]]
    words: Words

    def sheet(self, answer: Answer) -> Sheet:
        """Lines, totals and the drawing."""
        shown = answer.rows[:MOST_LINES]
        return Sheet(
            lines=[self._line(row) for row in shown],
            totals=[self._cells(answer.totals, metric, {}, None) for metric in self.asked.metrics],
            option=_drawn(self.asked, self.view, answer, self.words),
            more=len(answer.rows) - len(shown),
        )

    def _line(self, row: Row) -> Line:
        return Line(
            groups=[(shown(name, value, self.words), _text(name, value)) for name, value in row.dimensions.items()],
            period=period_name(row.period, self.asked.query, self.words),
            cells=[self._cells(row.values, metric, row.dimensions, row.period) for metric in self.asked.metrics],
        )

    def _cells(
        self, values: Sequence[Value], metric: Metric, group: Mapping[str, str | None], period: Span | None
    ) -> list[Cell]:
        found = [value for value in values if value.metric == metric.name]
        several = len(found) > 1
        return [
            Cell(
                text=formatted(metric, value.value, value.currency, self.words),
                href=self._href(value, group, period),
                reason=value.reason or "",
                change=value.change,
            )
            for value in found
            if not (several and value.value is None)
        ]

    def _href(self, value: Value, group: Mapping[str, str | None], period: Span | None) -> str:
        """The same question, and which of its values: so that what opens is what was shown."""
        place = [("value", value.metric), ("of", value.currency), *(("group", _text(*each)) for each in group.items())]
        if period is not None:
            place += [("from", period.since.isoformat()), ("to", period.until.isoformat())]
        return f"{self.base}?{urlencode([*self.params, *place])}"


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Which value of an answer. Without a period it is a total."""

    metric: str
    currency: str
    group: dict[str, str | None]
    period: Span | None

    def of(self, answer: Answer) -> Value | None:
        """The value, where the answer has it."""
        if self.period is None:
            values = answer.totals
        else:
            rows = (row for row in answer.rows if (row.dimensions, row.period) == (self.group, self.period))
            values = next((row.values for row in rows), [])
        mine = [value for value in values if value.metric == self.metric]
        return next((value for value in mine if value.currency == self.currency), None)


def place_of(params: Params) -> Place:
    """The place that an address names, as `Page` writes it. Raises InvalidInputError."""
    one = dict(params)
    group = {
        each.dimension: each.values[0] for each in (filter_of(v, without=False) for n, v in params if n == "group")
    }
    try:
        period = Span(date.fromisoformat(one["from"]), date.fromisoformat(one["to"])) if one.get("from") else None
    except (ValueError, KeyError) as error:
        raise InvalidInputError("This address names no period.") from error
    return Place(metric=one.get("value", ""), currency=one.get("of", ""), group=group, period=period)


def _text(name: str, value: str | None) -> str:
    return name if value is None else f"{name}:{value}"


def shown(name: str, value: str | None, words: Words) -> str:
    """A value of a dimension as people read it."""
    if value is None:
        return words.text("unknown")
    return platform_name(value) if name == "platform" else value


def period_name(span: Span, query: Query, words: Words) -> str:
    """A period's name: a day, or its first and last day."""
    if span.since == span.until:
        return words.day(span.since)
    return "" if query.grain is Grain.TOTAL else f"{words.short_day(span.since)} – {words.short_day(span.until)}"


def formatted(metric: Metric, value: Decimal | None, currency: str, words: Words) -> str:
    """A value in the metric's unit."""
    if value is None:
        return "–"
    match metric.unit:
        case "money" if currency:
            return words.money(value, currency)
        case "ratio":
            return words.percent(float(value), 2)
        case "count" | "pieces":
            return words.number(value, 0 if value == value.to_integral_value() else 1)
        case _:
            return words.number(value, 2)


def _drawn(asked: Asked, view: View, answer: Answer, words: Words) -> dict[str, Any] | None:
    """The first metric: a line for each group over time, or a bar for each group. None for what cannot be drawn: no
    known value, or money of several currencies."""
    metric = asked.metrics[0]
    known = [(row, value) for row in answer.rows for value in row.values if value.metric == metric.name]
    points = [(row, value) for row, value in known if value.value is not None]
    currencies = {value.currency for _, value in points}
    if view.drawing is Drawing.NONE or not points or len(currencies) > 1:
        return None
    currency = currencies.pop()
    style: dict[str, str] = {"style": "ratio"} if metric.unit == "ratio" else {"style": "count"}
    form = {"style": "money", "currency": currency} if metric.unit == "money" and currency else style
    spans = list(dict.fromkeys(row.period for row in answer.rows))
    kind = view.drawing.value if len(spans) > 1 else Drawing.BAR.value
    axis, series = _over_time(points, spans, asked, words) if len(spans) > 1 else _by_group(points, metric, words)
    stacked = kind == Drawing.BAR.value and len(spans) > 1 and metric.unit != "ratio"
    return {
        "format": form,
        "xAxis": {"type": "category", "data": axis, "boundaryGap": kind == "bar"},
        "yAxis": {"type": "value"},
        "series": [
            {"name": name, "type": kind, "data": data}
            | ({"stack": "total"} if stacked else {})
            | ({"barMaxWidth": 34} if kind == "bar" else {"showSymbol": len(spans) < 32, "lineStyle": {"width": 2}})
            for name, data in series
        ],
    }


def _over_time(
    points: Sequence[tuple[Row, Value]], spans: Sequence[Span], asked: Asked, words: Words
) -> tuple[list[str], list[tuple[str, list[float | None]]]]:
    groups: dict[str, dict[Span, float]] = {}
    for row, value in points:
        groups.setdefault(_group_name(row, asked.metrics[0], words), {})[row.period] = float(value.value or 0)
    best = sorted(groups, key=lambda name: -sum(groups[name].values()))[:MOST_DRAWN]
    return (
        [words.short_day(span.since) for span in spans],
        [(name, [groups[name].get(span) for span in spans]) for name in best],
    )


def _by_group(
    points: Sequence[tuple[Row, Value]], metric: Metric, words: Words
) -> tuple[list[str], list[tuple[str, list[float | None]]]]:
    best = sorted(points, key=lambda point: -(point[1].value or 0))[: MOST_DRAWN * 4]
    names = [_group_name(row, metric, words) for row, _ in best]
    return names, [(metric.titles[words.locale], [float(value.value or 0) for _, value in best])]


def _group_name(row: Row, metric: Metric, words: Words) -> str:
    if not row.dimensions:
        return metric.titles[words.locale]
    return " · ".join(shown(name, value, words) for name, value in row.dimensions.items())
