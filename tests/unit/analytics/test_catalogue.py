"""The catalogue holds together: names, titles, formulas, and its page."""

from decimal import Decimal
from typing import Any

import pytest
from infra.metrics_page import PAGE, page
from tests.unit.analytics.spans import day, span

from shelftide.analytics.metrics.catalogue import LANGUAGES, build, catalogue
from shelftide.analytics.metrics.formula import Formula, FormulaError
from shelftide.analytics.metrics.query import Grain, Query, check, parts, periods
from shelftide.core.errors import InvalidInputError
from shelftide.warehouse.sql import DUCKLAKE, POSTGRES, compile_query

_METRIC = {"titles": ["a", "b", "c", "d"], "formula": "m", "unit": "count", "reference": "r"}


def test_the_page_is_what_the_catalogue_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `make metrics`"


def test_every_metric_has_titles_a_reference_and_compiles_by_every_dimension() -> None:
    known = catalogue()
    for metric in known.metrics.values():
        assert len({*metric.titles}) == len(LANGUAGES)
        assert metric.reference
        for name in sorted(known.dimensions_of(metric)):
            query = Query(metrics=(metric.name,), since=day("2026-01-01"), until=day("2026-03-31"), dimensions=(name,))
            asked = check(known, query)
            assert parts(asked, query.span)
            for part in parts(asked, query.span):
                assert compile_query(part.statement, DUCKLAKE).text
                assert compile_query(part.statement, POSTGRES).text


@pytest.mark.parametrize(
    "text",
    ["__import__('os')", "views.real", "views[0]", "lambda: 1", "views ** 9", "views if likes else 1", "f'{views}'",
     "views // 2", "-views", "True", "'a'", "", "views =", "[v for v in views]"],
)  # fmt: skip
def test_a_formula_is_arithmetic_and_nothing_else(text: str) -> None:
    with pytest.raises(FormulaError):
        Formula(text)


def test_a_rate_names_its_denominator_and_is_unknown_without_it() -> None:
    rate = Formula("1000 * cost / impressions")
    assert (rate.names, rate.denominator) == (("cost", "impressions"), "impressions")
    assert rate.of({"cost": Decimal(5), "impressions": Decimal(2000)}).value == Decimal("2.5")
    assert rate.of({"cost": Decimal(5), "impressions": Decimal(0)}).reason == "impressions is 0"
    assert rate.of({"cost": Decimal(5), "impressions": Decimal(-1)}).reason == "impressions is negative"
    assert (
        rate.of({"cost": None, "impressions": Decimal(1)}, {"cost": "the file has none"}).reason == "the file has none"
    )
    assert rate.of({"cost": Decimal(0), "impressions": Decimal(1)}).value == 0
    # V22: views unknown is not views of 0, and neither is a rate of 0.
    assert Formula("likes / views").of({"likes": Decimal(1)}).reason == "views is unknown"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            {
                "metrics": {
                    "x": {"titles": ["a", "b", "c", "d"], "formula": "nothing", "unit": "count", "reference": "r"}
                }
            },
            "nothing",
        ),
        (
            {"metrics": {"x": {"titles": ["a", "b", "c", ""], "formula": "m", "unit": "count", "reference": "r"}}},
            "title",
        ),
        ({"measures": {"m": {"aggregate": "sum", "from": ["orders.nothing"]}}}, "orders.nothing"),
        ({"measures": {"m": {"aggregate": "sum", "from": ["nothing.total"]}}}, "nothing.total"),
        ({"dimensions": {}}, "titles"),
    ],
)
def test_a_catalogue_that_does_not_hold_together_is_refused(change: dict[str, Any], says: str) -> None:
    titles = {"titles": ["a", "b", "c", "d"]}
    names = ("platform", "connection", "market", "channel_kind", "order_status")
    good: dict[str, Any] = {
        "measures": {"m": {"aggregate": "sum", "from": ["orders.placed"]}},
        "metrics": {},
        "dimensions": dict.fromkeys(names, titles),
    }
    assert build(good).measures["m"].money is False
    with pytest.raises(ValueError, match=says):
        build({**good, **change})


def test_periods_follow_the_calendar_that_is_asked_for() -> None:
    def cut(grain: Grain, since: str, until: str, **calendar: Any) -> list[str]:
        query = Query(metrics=("orders",), since=day(since), until=day(until), grain=grain, **calendar)
        return [f"{p.since:%m%d}-{p.until:%m%d}" for p in periods(query, query.span)]

    assert cut(Grain.WEEK, "2026-03-04", "2026-03-17") == ["0304-0308", "0309-0315", "0316-0317"]
    assert cut(Grain.WEEK, "2026-03-04", "2026-03-17", week_starts=6) == ["0304-0307", "0308-0314", "0315-0317"]
    assert cut(Grain.MONTH, "2026-01-31", "2026-03-01") == ["0131-0131", "0201-0228", "0301-0301"]
    assert cut(Grain.QUARTER, "2026-02-10", "2026-07-01", year_starts=2) == ["0210-0430", "0501-0701"]
    assert cut(Grain.YEAR, "2026-03-30", "2026-04-02", year_starts=4) == ["0330-0331", "0401-0402"]
    assert cut(Grain.DAY, "2026-02-28", "2026-03-01") == ["0228-0228", "0301-0301"]
    assert span("2024-02-29", "2024-02-29").days == 1


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"metrics": ()}, "no metric"), ({"metrics": ("nothing",)}, "Unknown metric"),
        ({"dimensions": ("nothing",)}, "Unknown dimension"), ({"dimensions": ("gender",)}, "cannot be cut"),
        ({"until": day("2025-12-31")}, "ends before"), ({"until": day("2036-01-01")}, "too long"),
        ({"top": 0}, "top"), ({"order_by": "views"}, "order by"), ({"week_starts": 7}, "week"),
        ({"metrics": ("orders",) * 31}, "too many"),
    ],
)  # fmt: skip
def test_a_question_that_has_no_answer_says_why(change: dict[str, Any], says: str) -> None:
    query = Query(**{"metrics": ("orders",), "since": day("2026-01-01"), "until": day("2026-01-31"), **change})
    with pytest.raises(InvalidInputError, match=says):
        check(catalogue(), query)
