"""Metrics that a platform has withdrawn: unknown with a reason, never 0."""

from datetime import UTC, date, datetime

import msgspec
import pytest

from shelftide_meta.instagram import Instagram
from shelftide_meta.mapping_instagram import map_profile_days, map_snapshot
from shelftide_sdk.metrics import Withdrawn, surviving
from shelftide_sdk.records import ProfileDay
from shelftide_sdk.testing.conformance.soundness import undead_bugs, withdrawn_bugs

END = date(2025, 1, 8)
GONE = Withdrawn(metric="profile_views", ended_on=END, field="ProfileDay.profile_views", source="changelog")
NOW = datetime(2026, 7, 1, tzinfo=UTC)


def post(made: str | None, **figures: int) -> int | None:
    return map_snapshot({"id": "1", **({"timestamp": made} if made else {})}, figures, NOW).views


def day(on: date, **figures: int) -> ProfileDay:
    given = [(on, name, value) for name, value in figures.items()]
    ((found,), _) = map_profile_days("1", given, None, NOW.date(), NOW.date())
    assert isinstance(found, ProfileDay)
    return found


def test_a_figure_lives_up_to_the_day_before_its_end() -> None:
    assert surviving({"profile_views": 0}, [GONE], date(2025, 1, 7)) == ({"profile_views": 0}, ())
    assert surviving({"profile_views": 0, "reach": 3}, [GONE], END) == ({"reach": 3}, (GONE,))


def test_an_unknown_day_drops_nothing() -> None:
    assert surviving({"profile_views": 5}, [GONE], None) == ({"profile_views": 5}, ())


def test_the_reason_names_the_end_the_successor_and_the_source() -> None:
    assert GONE.reason == "profile_views was withdrawn on 2025-01-08; it has no successor (changelog)"
    assert "its successor is views" in msgspec.structs.replace(GONE, successor="views").reason


@pytest.mark.parametrize("metric", ["plays", "impressions"])
def test_a_withdrawn_metric_of_a_post_is_unknown_and_not_zero(metric: str) -> None:
    assert post("2025-05-01T10:00:00+0000", **{metric: 0}) is None
    assert post("2025-05-01T10:00:00+0000", **{metric: 0}, views=7) == 7
    assert post("2024-05-01T10:00:00+0000", **{metric: 12}) == 12
    assert post(None, **{metric: 12}) == 12


def test_a_withdrawn_metric_of_a_day_is_unknown_and_not_zero() -> None:
    late = day(date(2026, 6, 1), profile_views=0, website_clicks=0, impressions=0, reach=9)
    assert (late.profile_views, late.link_clicks, late.views, late.reach) == (None, None, None, 9)
    early = day(date(2024, 12, 1), profile_views=4, website_clicks=0, impressions=5)
    assert (early.profile_views, early.link_clicks, early.views) == (4, 0, 5)


def test_the_rule_sees_a_number_after_the_end_and_a_field_that_is_none() -> None:
    undead = ProfileDay(profile_id="1", day=END, zone="UTC", profile_views=0)
    assert len(list(undead_bugs(undead, [GONE]))) == 1
    assert list(undead_bugs(msgspec.structs.replace(undead, day=date(2025, 1, 7)), [GONE])) == []
    assert list(undead_bugs(undead, [msgspec.structs.replace(GONE, successor="x")])) == []
    assert len(list(withdrawn_bugs([msgspec.structs.replace(GONE, field="ProfileDay.nothing")]))) == 1
    assert len(list(withdrawn_bugs([msgspec.structs.replace(GONE, source=" ")]))) == 1
    assert list(withdrawn_bugs(Instagram.info.withdrawn)) == []
