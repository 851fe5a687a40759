"""The catalogue: measures, metrics and dimensions, read from data and checked when it is loaded."""

import tomllib
from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

import msgspec

from shelftide.analytics.metrics.facts import CUTS, FACTS, Fact
from shelftide.analytics.metrics.formula import Formula, FormulaError
from shelftide.core.errors import InvalidInputError
from shelftide_sdk.metrics import PluginMetric

LANGUAGES = ("en", "zh_Hans", "zh_Hant", "it")
UNITS = ("count", "pieces", "money", "ratio", "minutes", "days")
# How many days a period has: a measure that no fact knows.
DAYS = "days"


class Aggregate(StrEnum):
    """How rows become one number, and with it how numbers add up."""

    SUM = "sum"
    COUNT = "count"
    DISTINCT = "distinct"
    LAST = "last"
    FIRST = "first"
    MEAN = "mean"
    MEDIAN = "median"


# Over what a number may be added further: everything, everything but days, nothing.
ADDITIVITY = {
    Aggregate.SUM: "everything",
    Aggregate.COUNT: "everything",
    Aggregate.LAST: "accounts, not days",
    Aggregate.FIRST: "accounts, not days",
    Aggregate.DISTINCT: "nothing",
    Aggregate.MEAN: "nothing",
    Aggregate.MEDIAN: "nothing",
}


class Source(msgspec.Struct, frozen=True):
    """One column of one fact, of rows whose dimensions have these values."""

    fact: str
    column: str
    where: tuple[tuple[str, str], ...] = ()


class Measure(msgspec.Struct, frozen=True, kw_only=True):
    """What formulas are made of. Several sources are added; each covers what the others lack.

    `of` is the dimension of whose members the last (first) value counts before they are added.
    """

    name: str
    aggregate: Aggregate
    sources: tuple[Source, ...]
    money: bool = False
    of: str = ""


class Kind(StrEnum):
    """How a number came to be (architecture 8)."""

    MEASURED = "measured"
    ESTIMATED = "estimated"
    PROXY = "proxy"
    OBSERVED = "observed"


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """A metric with its one definition. `unit`: count, pieces, money, ratio, minutes or days."""

    name: str
    titles: dict[str, str]
    formula: Formula
    unit: str
    kind: Kind
    reference: str
    note: str = ""

    @property
    def denominator(self) -> str:
        """What a rate is a rate of; empty for what is no rate."""
        return self.formula.denominator


class Dimension(msgspec.Struct, frozen=True, kw_only=True):
    """Something to cut by."""

    name: str
    titles: dict[str, str]


class Catalogue(msgspec.Struct, frozen=True, kw_only=True):
    """All that can be asked."""

    measures: dict[str, Measure]
    metrics: dict[str, Metric]
    dimensions: dict[str, Dimension]

    def metric(self, name: str) -> Metric:
        """A metric by its name. Raises InvalidInputError with what there is."""
        if name not in self.metrics:
            raise InvalidInputError(f"Unknown metric {name!r}.", hint=f"Known: {', '.join(sorted(self.metrics))}.")
        return self.metrics[name]

    def dimension(self, name: str) -> Dimension:
        """A dimension by its name. Raises InvalidInputError with what there is."""
        if name not in self.dimensions:
            raise InvalidInputError(
                f"Unknown dimension {name!r}.", hint=f"Known: {', '.join(sorted(self.dimensions))}."
            )
        return self.dimensions[name]

    def dimensions_of(self, metric: Metric) -> frozenset[str]:
        """By what a metric can be cut: what all of its measures have."""
        names = [name for name in metric.formula.names if name != DAYS]
        return frozenset.intersection(*(self._dimensions(self.measures[name]) for name in names))

    def _dimensions(self, measure: Measure) -> frozenset[str]:
        found: frozenset[str] = frozenset()
        for source in measure.sources:
            for name in facts_of(source):
                found |= fact(name).dimensions
        return found


@cache
def fact(name: str) -> Fact:
    """A fact by its name; its view is built once."""
    return FACTS[name]()


def facts_of(source: Source) -> list[str]:
    """The facts that can stand for a source: its own, and for an ad's day its cuts."""
    if source.fact != "ad_days":
        return [source.fact]
    return [source.fact, *(name for name in map("ad_{}".format, CUTS) if source.column in fact(name).view.c)]


@cache
def catalogue() -> Catalogue:
    """The catalogue of the product."""
    text = files("shelftide.analytics.metrics").joinpath("catalogue.toml").read_text(encoding="utf-8")
    return build(tomllib.loads(text))


@lru_cache(maxsize=64)
def catalogue_with(added: tuple[PluginMetric, ...]) -> Catalogue:
    """The product's catalogue with metrics of plugins. Raises ValueError naming the one that is wrong."""
    known = catalogue()
    if not added:
        return known
    metrics = {each.name: _of_plugin(each, known.measures) for each in added}
    return msgspec.structs.replace(known, metrics={**metrics, **known.metrics})


def _of_plugin(given: PluginMetric, measures: Mapping[str, Measure]) -> Metric:
    if given.unit not in UNITS:
        raise ValueError(f"metric {given.name}: unit {given.unit!r} is none of {', '.join(UNITS)}")
    titles = [given.title] * len(LANGUAGES)
    entry = {"titles": titles, "formula": given.formula, "unit": given.unit, "reference": given.reference}
    return _metric(given.name, {**entry, "note": given.note}, measures)


def build(data: Mapping[str, Any]) -> Catalogue:
    """A catalogue out of its data. Raises ValueError naming the entry that is wrong."""
    measures = {name: _measure(name, entry) for name, entry in data["measures"].items()}
    dimensions = {name: Dimension(name=name, titles=_titles(name, entry)) for name, entry in data["dimensions"].items()}
    metrics = {name: _metric(name, entry, measures) for name, entry in data["metrics"].items()}
    for known in measures.values():
        for source in known.sources:
            unknown = fact(source.fact).dimensions - dimensions.keys()
            if unknown:
                raise ValueError(f"{source.fact} has dimensions without titles: {', '.join(sorted(unknown))}")
    return Catalogue(measures=measures, metrics=metrics, dimensions=dimensions)


def _measure(name: str, entry: Mapping[str, Any]) -> Measure:
    sources = tuple(_source(name, text, entry.get("where", {})) for text in entry["from"])
    return Measure(
        name=name,
        aggregate=Aggregate(entry["aggregate"]),
        sources=sources,
        money=all(source.column in fact(source.fact).money for source in sources),
        of=entry.get("of", ""),
    )


def _source(name: str, text: str, where: Mapping[str, str]) -> Source:
    fact_name, _, column = text.partition(".")
    if fact_name not in FACTS or column not in fact(fact_name).view.c:
        raise ValueError(f"measure {name}: there is no {text}")
    return Source(fact_name, column, tuple(sorted(where.items())))


def _metric(name: str, entry: Mapping[str, Any], measures: Mapping[str, Measure]) -> Metric:
    try:
        formula = Formula(entry["formula"])
    except FormulaError as error:
        raise ValueError(f"metric {name}: {error}") from error
    unknown = [measure for measure in formula.names if measure not in measures and measure != DAYS]
    if unknown or not set(formula.names) - {DAYS}:
        raise ValueError(f"metric {name}: unknown measures {', '.join(unknown) or '(none at all)'}")
    return Metric(
        name=name,
        titles=_titles(name, entry),
        formula=formula,
        unit=entry["unit"],
        kind=Kind(entry.get("class", "measured")),
        reference=entry["reference"],
        note=entry.get("note", ""),
    )


def _titles(name: str, entry: Mapping[str, Any]) -> dict[str, str]:
    titles = dict(zip(LANGUAGES, entry["titles"], strict=True))
    if not all(titles.values()):
        raise ValueError(f"{name} lacks a title")
    return titles


def measures_of(known: Catalogue, metrics: Iterable[Metric]) -> list[Measure]:
    """The measures of metrics, each once."""
    names = dict.fromkeys(name for metric in metrics for name in metric.formula.names if name != DAYS)
    return [known.measures[name] for name in names]
