"""Days of cover by the classic rule."""

import math
from statistics import pstdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shelftide.analytics.inventory import RULE, days_of_cover


def test_cover_is_position_over_mean_demand() -> None:
    cover = days_of_cover("A", available=100, incoming=40, daily_units=[10.0] * 56, lead_days=9)
    assert cover.days_of_cover == 14.0
    assert cover.reorder_point == 90.0
    assert not cover.order_now
    assert cover.rule == RULE


def test_the_reorder_point_holds_safety_stock() -> None:
    units = [5.0, 15.0] * 28
    cover = days_of_cover("A", available=100, incoming=0, daily_units=units, lead_days=9, service_level=0.95)
    assert cover.reorder_point == pytest.approx(90 + 1.6448536 * pstdev(units) * 3, abs=1e-5)
    assert cover.order_now
    assert cover.order_units == math.ceil((cover.reorder_point or 0) + 140 - 100)


def test_only_the_last_56_days_count() -> None:
    old = days_of_cover("A", available=56, incoming=0, daily_units=[1000.0] * 100 + [1.0] * 56, lead_days=7)
    assert old.days_of_cover == 56.0


@pytest.mark.parametrize(
    ("units", "reason"), [([1.0] * 13, "only 13 days"), ([], "only 0 days"), ([0.0] * 56, "nothing was sold")]
)
def test_too_little_is_said(units: list[float], reason: str) -> None:
    cover = days_of_cover("A", available=5, incoming=None, daily_units=units, lead_days=7)
    assert cover.days_of_cover is None
    assert reason in (cover.reason or "")


def test_an_oversold_shelf_lasts_no_day() -> None:
    cover = days_of_cover("A", available=-4, incoming=0, daily_units=[2.0] * 56, lead_days=7)
    assert cover.days_of_cover == 0.0
    assert cover.order_now


@pytest.mark.parametrize(("lead", "level"), [(0, 0.95), (-1, 0.95), (7, 0), (7, 1)])
def test_senseless_parameters_are_refused(lead: float, level: float) -> None:
    with pytest.raises(ValueError, match="must"):
        days_of_cover("A", available=1, incoming=0, daily_units=[1.0] * 56, lead_days=lead, service_level=level)


@given(
    units=st.lists(st.floats(0, 1e6), min_size=14, max_size=100),
    available=st.integers(-1000, 10**6),
    more=st.integers(1, 1000),
)
def test_more_stock_never_shortens_cover(units: list[float], available: int, more: int) -> None:
    less = days_of_cover("A", available=available, incoming=0, daily_units=units, lead_days=7)
    full = days_of_cover("A", available=available + more, incoming=0, daily_units=units, lead_days=7)
    if less.days_of_cover is not None and full.days_of_cover is not None:
        assert full.days_of_cover >= less.days_of_cover
        assert full.order_units <= less.order_units or not less.order_now
