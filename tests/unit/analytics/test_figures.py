"""The first formulas, at and beside their boundaries (capabilities 2.2)."""

import json
import math
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shelftide.analytics.figures import (
    Band,
    FeedState,
    Tier,
    band,
    engagement_rate_by_views,
    feed,
    follower_growth,
    influencer_tier,
    rank_by_growth,
    ratio,
    tier,
    views_to_followers,
)


@pytest.mark.capability("V01")
def test_growth_is_gained_over_start() -> None:
    assert follower_growth(start=50_000, gained=2_500).value == 0.05


@pytest.mark.capability("V02")
def test_slower_growth_ranks_below() -> None:
    accounts = {
        "small": follower_growth(start=50_000, gained=2_500),
        "large": follower_growth(start=200_000, gained=4_000),
    }
    assert accounts["large"].value == 0.02
    assert rank_by_growth(accounts) == ["small", "large"]


@pytest.mark.capability("V03")
def test_views_to_followers() -> None:
    assert views_to_followers(views=500_000, followers=100_000).value == 5.0


@pytest.mark.capability("V04")
def test_growth_ranks_before_size() -> None:
    accounts = {
        "large": follower_growth(start=500_000, gained=5_000),
        "small": follower_growth(start=50_000, gained=5_000),
        "unknown": follower_growth(start=None, gained=5_000),
    }
    assert rank_by_growth(accounts) == ["small", "large", "unknown"]


@pytest.mark.capability("V05")
@pytest.mark.parametrize(
    ("followers", "expected"),
    [(99_999, Tier.MICRO), (100_000, Tier.MID), (1_000_000, Tier.MID), (1_000_001, Tier.LARGE)],
)
def test_tiers_by_followers(followers: int, expected: Tier) -> None:
    assert tier(followers) is expected


@pytest.mark.capability("V06")
@pytest.mark.parametrize(("followers", "expected"), [(999, None), (1_000, Tier.MICRO), (99_999, Tier.MICRO)])
def test_an_influencer_has_a_thousand_followers(followers: int, expected: Tier | None) -> None:
    assert influencer_tier(followers) is expected


def test_a_negative_count_is_an_error() -> None:
    with pytest.raises(ValueError, match="negative"):
        tier(-1)


@pytest.mark.capability("V08")
@pytest.mark.parametrize(
    ("rate", "expected"), [(0.029, Band.BELOW), (0.03, Band.IN), (0.09, Band.IN), (0.091, Band.ABOVE)]
)
def test_both_ends_of_a_band_belong_to_it(rate: float, expected: Band) -> None:
    assert band(rate, low=0.03, high=0.09) is expected


def test_engagement_names_views_as_its_denominator() -> None:
    figure = engagement_rate_by_views(likes=50, comments=5, shares=3, saves=2, views=1_000)
    assert figure.value == 0.06
    assert figure.denominator == "views"
    assert "views" in figure.formula


@pytest.mark.capability("V22")
@pytest.mark.parametrize(
    ("views", "reason"), [(0, "views is 0"), (None, "views is unknown"), (-1, "views is negative")]
)
def test_a_rate_over_nothing_is_null_with_a_reason(views: int | None, reason: str) -> None:
    figure = engagement_rate_by_views(likes=1, comments=0, shares=0, saves=0, views=views)
    assert figure.value is None
    assert figure.reason == reason


def test_an_unknown_part_makes_the_rate_unknown_and_is_named() -> None:
    figure = engagement_rate_by_views(likes=1, comments=None, shares=0, saves=None, views=10)
    assert figure.value is None
    assert figure.reason == "unknown: comments, saves"


NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def no_number(text: str) -> float:
    raise AssertionError(f"{text} is no JSON")


@pytest.mark.capability("V21")
@pytest.mark.parametrize(
    ("skus", "updated_at", "state", "age", "reason"),
    [
        (0, None, FeedState.EMPTY, None, "it holds no SKU and it was never updated"),
        (None, None, FeedState.EMPTY, None, "the number of SKUs is unknown and it was never updated"),
        (0, NOW - timedelta(hours=1), FeedState.EMPTY, 3600.0, "it holds no SKU"),
        (3, None, FeedState.UNDATED, None, "it was never updated"),
        (1, NOW, FeedState.FILLED, 0.0, None),
        (1, NOW + timedelta(minutes=5), FeedState.FILLED, 0.0, None),
    ],
)
def test_a_feed_without_skus_or_time_is_a_defined_state(
    skus: int | None, updated_at: datetime | None, state: FeedState, age: float | None, reason: str | None
) -> None:
    found = feed("board", skus=skus, updated_at=updated_at, now=NOW)
    assert (found.state, found.skus, found.updated_at) == (state, skus, updated_at)
    assert (found.age_seconds, found.reason) == (age, reason)
    body = json.loads(msgspec.json.encode(found), parse_constant=no_number)
    assert (body["skus"], body["age_seconds"]) == (skus, age)


def test_a_feed_cannot_hold_fewer_than_no_sku() -> None:
    with pytest.raises(ValueError, match="fewer"):
        feed("board", skus=-1, updated_at=None, now=NOW)


@given(numerator=st.one_of(st.none(), st.floats(-1e9, 1e9)), denominator=st.one_of(st.none(), st.floats(-1e9, 1e9)))
def test_a_rate_is_finite_or_says_why_not(numerator: float | None, denominator: float | None) -> None:
    figure = ratio("x", numerator, denominator, formula="a / b", named="b")
    assert (figure.value is None) == (figure.reason is not None)
    assert figure.value is None or not math.isnan(figure.value)
