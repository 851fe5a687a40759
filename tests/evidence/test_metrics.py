"""Numbers at length: five hundred random queries beside plain Python, a thousand hostile questions."""

import pytest
from tests.durability.figures import Figures
from tests.integration.analytics import test_rolled
from tests.integration.analytics.test_metrics import Twin, prove, twin
from tests.integration.analytics.test_rolled import busy
from tests.integration.analytics.test_rollup import Bench, bench
from tests.integration.web.conftest import agencies, app, services
from tests.integration.web.test_query import Desk, attack, desk

from tests.conftest import installation

__all__ = ["agencies", "app", "bench", "busy", "desk", "installation", "services", "twin"]
pytestmark = [pytest.mark.evidence, pytest.mark.timeout(1500)]


async def test_five_hundred_random_queries(twin: Twin, figure: Figures) -> None:  # the fixture's name
    seen = await prove(twin, 500)
    figure("queries", 500)
    figure("values equal on both engines and in plain Python", seen)
    assert seen > 5_000


async def test_three_hundred_questions_to_the_roll_up(busy: Bench, figure: Figures) -> None:  # the fixture's name
    rolled, values = await test_rolled.prove(busy, 300, seed=2)
    figure("answers of the roll-up, in full or in part, equal to those of the facts", rolled)
    figure("values in them", values)
    assert rolled > 150


async def test_a_thousand_hostile_questions(desk: Desk, figure: Figures) -> None:  # the fixture's name
    answered, bad = await attack(desk, 1_000, seed=17)
    figure("hostile questions, each for values and for rows", 1_000)
    figure("answered with own rows", answered)
    figure("leaked or broke the server", len(bad))
    assert bad == []
