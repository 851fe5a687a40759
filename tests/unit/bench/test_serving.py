"""The benches of reading judge by the ratio that the gate names, the right way round."""

from typing import Any

import pytest
from tests.bench import api, growth, serving


def served(ours: float, bare: float, facts: float, *, agency: tuple[float, float], lake: float) -> dict[str, Any]:
    return {
        "dashboard": {"ours": {"p50_ms": ours}, "bare": {"p50_ms": bare}, "facts": {"p50_ms": facts}},
        "agency": {"ours": {"p50_ms": agency[0]}, "facts": {"p50_ms": agency[1]}},
        "lake": {"ours": {"p50_ms": lake}},
    }


def test_serving_meets_its_goals_at_their_limits_and_not_beyond() -> None:
    at = serving.goals_of(served(1.3, 1.0, 10.4, agency=(10.0, 150.0), lake=60.0))
    assert [goal["met"] for goal in at] == [True] * 4
    beyond = serving.goals_of(served(1.4, 1.0, 11.1, agency=(10.0, 149.0), lake=60.1))
    assert [goal["met"] for goal in beyond] == [False] * 4
    assert [goal["value"] for goal in beyond] == pytest.approx([1.4, 11.1 / 1.4, 14.9, 60.1])


async def test_every_way_is_taken_as_often_and_another_one_is_first_each_round() -> None:
    order: list[str] = []

    def way(name: str) -> serving.Way:
        async def take() -> None:
            order.append(name)

        return take

    taken = await serving.rotate({name: way(name) for name in "abc"}, 4)
    assert "".join(order) == "abcbcacababc"
    assert [len(seconds) for seconds in taken.values()] == [4, 4, 4]


def test_ratios_of_the_api_are_taken_inside_a_round() -> None:
    def rounds(*rates: float) -> list[dict[str, float]]:
        return [{"requests_per_second": rate, "p50_ms": 1.0, "p99_ms": 2.0} for rate in rates]

    # The second round was slow for everybody: the medians of the rates alone would say 0.4.
    found = api._figures(
        {"ours": rounds(700, 70, 400), "by hand": rounds(1000, 100, 1000), "mapper": rounds(100, 10, 90)}
    )
    assert [(goal["value"], goal["met"]) for goal in found["goals"]] == [(0.7, True), (7.0, True)]


def test_growth_compares_ten_times_the_rows_with_once() -> None:
    grown = {"ingest_seconds": [2.0, 25.0], "portal_p50_ms": [3.0, 6.0]}
    assert [(goal["value"], goal["met"]) for goal in growth.goals_of(grown)] == [(12.5, False), (2.0, True)]
