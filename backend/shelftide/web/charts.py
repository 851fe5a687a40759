"""ECharts options as data: the browser draws them, reports may draw the same ones. No colours: those are the theme's.

Every chart comes with its twin, a table, for screen readers and for copying. `format` tells the browser how to write
numbers (`{"style": "count"}` or `{"style": "money", "currency": "USD"}`); days are written here.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec

from shelftide.analytics.overview import Period, Series
from shelftide.web.i18n import Words

_NAMES = {"shopify": "Shopify", "tiktok": "TikTok", "tiktok_shop": "TikTok Shop", "amazon": "Amazon",
          "instagram": "Instagram", "xiaohongshu": "Xiaohongshu"}  # fmt: skip


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """A drawing, its numbers as a table, and what they are."""

    key: str
    title: str
    note: str
    option: dict[str, Any]
    columns: list[str]
    rows: list[tuple[str, list[str]]]


def platform_name(platform: str) -> str:
    """As the platform writes itself; an outsider's connector by its own name."""
    return _NAMES.get(platform.replace("-", "_"), platform.replace("_", " ").replace("-", " ").title())


def daily_chart(
    key: str, *, title: str, note: str, series: Sequence[Series], before: Sequence[Decimal | None], period: Period,
    words: Words, kind: str, currency: str = "",
) -> Chart:  # fmt: skip
    """One metric by day and platform; `before` is the former period's sum, drawn as a thin line behind.

    `kind` is `line` or `bar` (stacked). An unknown day is a gap.
    """
    days = [words.short_day(day) for day in period.dates()]
    drawn = [_series(item, kind, alone=len(series) == 1) for item in series]
    if any(value is not None for value in before):
        drawn.append(_before(words.text("Period before"), before))
    columns = [platform_name(item.platform) for item in series]
    rows = [
        (words.day(day), [_cell(item.values[i], currency, words) for item in series])
        for i, day in enumerate(period.dates())
    ]
    return Chart(
        key=key,
        title=title,
        note=note,
        option={
            "format": {"style": "money", "currency": currency} if currency else {"style": "count"},
            "xAxis": {"type": "category", "data": days, "boundaryGap": kind == "bar"},
            "yAxis": {"type": "value"},
            "series": drawn,
        },
        columns=columns,
        rows=rows,
    )


def _series(item: Series, kind: str, *, alone: bool) -> dict[str, Any]:
    values = [None if value is None else float(value) for value in item.values]
    base: dict[str, Any] = {"name": platform_name(item.platform), "type": kind, "data": values}
    if kind == "bar":
        return {**base, "stack": "total", "barMaxWidth": 22, "barCategoryGap": "28%"}
    return {**base, "showSymbol": False, "lineStyle": {"width": 2}, "smooth": 0.15, **({"area": True} if alone else {})}


def _before(name: str, values: Sequence[Decimal | None]) -> dict[str, Any]:
    return {
        "name": name,
        "type": "line",
        "data": [None if value is None else float(value) for value in values],
        "quiet": True,
        "showSymbol": False,
        "lineStyle": {"width": 1.5, "type": "dashed"},
        "smooth": 0.15,
    }


def _cell(value: Decimal | None, currency: str, words: Words) -> str:
    return words.money(value, currency) if currency else words.number(value)


class Spark(msgspec.Struct, frozen=True, kw_only=True):
    """A sparkline's path in a box of 120 by 28; empty when fewer than two days are known."""

    path: str
    label: str


def spark(values: Sequence[Decimal | None], label: str) -> Spark:
    """Points of known days, joined; a gap starts a new stroke."""
    known = [float(value) for value in values if value is not None]
    if len(known) < 2:
        return Spark(path="", label=label)
    low, high = min(known), max(known)
    reach = (high - low) or 1.0
    parts: list[str] = []
    for place, value in enumerate(values):
        if value is None:
            continue
        x = 2 + 116 * place / max(1, len(values) - 1)
        y = 25 - 22 * (float(value) - low) / reach
        joined = place > 0 and values[place - 1] is not None
        # A stroke of no length shows a day that stands alone as a dot.
        parts.append(f"L{x:.1f} {y:.1f}" if joined else f"M{x:.1f} {y:.1f}h0")
    return Spark(path=" ".join(parts), label=label)
