"""The lives of metrics: what a platform has stopped giving, since when, and what took its place."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import TypeVar

import msgspec

Figure = TypeVar("Figure")


class Withdrawn(msgspec.Struct, frozen=True, kw_only=True):
    """A metric that a platform has withdrawn.

    A platform may go on answering with 0 for a while. From `ended_on` on its figure is unknown (None), never 0.

    Attributes:
        metric: the platform's name of it.
        ended_on: the first day without it. For a figure of a post, the post's first day that counts.
        field: the record and field that it filled, as `ContentSnapshot.views`.
        successor: the platform's name of what fills the field now; None when nothing does, so that the field is None.
        source: where the platform says so.
    """

    metric: str
    ended_on: date
    field: str
    source: str
    successor: str | None = None

    @property
    def reason(self) -> str:
        """Why the figure is missing, for people."""
        rest = f"its successor is {self.successor}" if self.successor else "it has no successor"
        return f"{self.metric} was withdrawn on {self.ended_on}; {rest} ({self.source})"


class PluginMetric(msgspec.Struct, frozen=True, kw_only=True):
    """A metric that a plugin adds to the host's catalogue, for agencies that use the plugin.

    Attributes:
        name: the entry point's name, a dot, and a word: `acme.basket`.
        title: what people read, in every language.
        formula: `+ - * /` and brackets over the parts that docs/metrics.md lists; a division by 0 has no value.
        unit: count, pieces, money, ratio, minutes or days.
        reference: where the definition is from.
        note: what the title does not say.
    """

    name: str
    title: str
    formula: str
    unit: str
    reference: str
    note: str = ""


def surviving(
    figures: Mapping[str, Figure], withdrawn: Iterable[Withdrawn], on: date | None
) -> tuple[dict[str, Figure], tuple[Withdrawn, ...]]:
    """The figures that still meant something on a day, and the metrics that were dropped.

    A day that is not known drops nothing: what was recorded before a metric's end stays true.
    """
    ended = {each.metric: each for each in withdrawn if on is not None and on >= each.ended_on}
    kept = {name: value for name, value in figures.items() if name.partition(":")[0] not in ended}
    return kept, tuple(each for name, each in ended.items() if name in figures)
