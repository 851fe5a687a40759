"""Seasons by known dates and by their rules, fiscal years of known companies, days of one zone in another."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shelftide.analytics.calendars import (
    Fiscal,
    FiscalYear,
    all_seasons,
    fiscal_day,
    seasons,
    straddle,
    straddling,
)
from shelftide.core.errors import InvalidInputError

APPLE = Fiscal(start_month=10, kind=FiscalYear.LAST_WEEKDAY, ends_on=5)
RETAIL = Fiscal(start_month=2, kind=FiscalYear.NEAREST_WEEKDAY, ends_on=5, named_by_start=True)


@pytest.mark.parametrize(
    ("day", "market", "expected"),
    [
        (date(2025, 11, 28), "US", "black-friday"),
        (date(2026, 11, 30), "US", "cyber-monday"),
        (date(2024, 11, 28), "US", "thanksgiving"),
        (date(2025, 11, 11), "CN", "singles-day"),
        (date(2026, 6, 18), "CN", "618"),
        (date(2027, 12, 12), "TW", "double-12"),
        (date(2026, 2, 17), "TW", "lunar-new-year"),
        (date(2025, 1, 29), "CN", "lunar-new-year"),
        (date(2025, 8, 29), "CN", "qixi"),
        (date(2024, 9, 17), "TW", "mid-autumn"),
        (date(2025, 1, 4), "IT", "saldi-invernali"),
        (date(2026, 1, 3), "IT", "saldi-invernali"),
        (date(2025, 7, 5), "IT", "saldi-estivi"),
        (date(2026, 8, 15), "IT", "ferragosto"),
        (date(2026, 5, 10), "US", "mothers-day"),
        (date(2026, 3, 19), "IT", "fathers-day-it"),
        (date(2025, 8, 8), "TW", "fathers-day-tw"),
        (date(2026, 4, 5), "IT", "easter"),
    ],
)
def test_a_known_day_is_in_its_season(day: date, market: str, expected: str) -> None:
    assert expected in [season.key for season in seasons(day, market) or []]


@pytest.mark.parametrize(
    ("day", "market", "absent"),
    [
        (date(2025, 11, 27), "US", "black-friday"),
        (date(2025, 1, 3), "IT", "saldi-invernali"),
        (date(2026, 8, 15), "US", "ferragosto"),
        (date(2025, 11, 11), "IT", "singles-day"),
        (date(2026, 6, 19), "CN", "618"),
    ],
)
def test_a_day_beside_a_season_or_of_another_market_is_not_in_it(day: date, market: str, absent: str) -> None:
    assert absent not in [season.key for season in seasons(day, market) or []]


def test_a_year_or_market_without_data_is_unknown_not_quiet() -> None:
    assert seasons(date(2031, 11, 28), "US") is None
    assert seasons(date(2026, 11, 27), "BR") is None
    assert seasons(date(2026, 10, 20), "CN") == []


def test_every_season_has_a_source_and_each_year_in_order() -> None:
    for season in all_seasons():
        assert season.source
        assert set(season.markets) <= {"US", "CN", "TW", "IT"}
        assert {last.year for _, last in season.days} == set(range(2024, 2029))
        assert all(first <= last for first, last in season.days)
        assert list(season.days) == sorted(season.days)


def test_rules_agree_with_the_dates() -> None:
    known = {season.key: season for season in all_seasons()}
    for first, _ in known["mothers-day"].days:
        assert (first.month, first.weekday()) == (5, 6)
        assert 8 <= first.day <= 14
    for first, last in known["black-friday"].days:
        assert first == last
        assert (first.weekday(), first.month) == (4, 11)
        assert 23 <= first.day <= 29
    for first, _ in known["saldi-invernali"].days:
        assert first.weekday() not in (0, 6)
        assert date(first.year, 1, 1) < first < date(first.year, 1, 6)


@pytest.mark.parametrize(
    ("day", "fiscal", "year", "last"),
    [
        (date(2023, 9, 30), APPLE, 2023, date(2023, 9, 30)),
        (date(2023, 10, 1), APPLE, 2024, date(2024, 9, 28)),
        (date(2024, 9, 29), APPLE, 2025, date(2025, 9, 27)),
        (date(2024, 2, 3), RETAIL, 2023, date(2024, 2, 3)),
        (date(2024, 2, 4), RETAIL, 2024, date(2025, 2, 1)),
        (date(2026, 3, 31), Fiscal(start_month=4), 2026, date(2026, 3, 31)),
        (date(2026, 4, 1), Fiscal(start_month=4, named_by_start=True), 2026, date(2027, 3, 31)),
        (date(2026, 12, 31), Fiscal(), 2026, date(2026, 12, 31)),
    ],
)
def test_fiscal_years_end_where_companies_end_them(day: date, fiscal: Fiscal, year: int, last: date) -> None:
    found = fiscal_day(day, fiscal)
    assert (found.year, found.last) == (year, last)


def test_a_year_of_53_weeks_keeps_the_last_in_its_last_period() -> None:
    found = fiscal_day(date(2023, 9, 30), APPLE)
    assert (found.week, found.period, found.quarter) == (53, 12, 4)
    assert [fiscal_day(found.first + timedelta(weeks=w), APPLE).period for w in (0, 3, 4, 8, 12, 13)] == [
        1, 1, 2, 3, 3, 4
    ]  # fmt: skip


@given(st.dates(date(2000, 1, 1), date(2060, 1, 1)), st.sampled_from(list(FiscalYear)), st.integers(1, 12))
def test_every_day_lies_in_one_year_of_whole_weeks(day: date, kind: FiscalYear, month: int) -> None:
    fiscal = Fiscal(start_month=month, kind=kind)
    found = fiscal_day(day, fiscal)
    assert found.first <= day <= found.last
    assert fiscal_day(found.last + timedelta(days=1), fiscal).first == found.last + timedelta(days=1)
    if kind is not FiscalYear.MONTHS:
        assert (found.last - found.first).days + 1 in (364, 371)


def test_a_senseless_calendar_is_refused() -> None:
    with pytest.raises(InvalidInputError):
        Fiscal(start_month=13)
    with pytest.raises(InvalidInputError):
        straddle(date(2026, 1, 1), "Europe/Atlantis", "UTC")


def hours(day: date, zone: str, other: str) -> list[tuple[int, float]]:
    return [(share.day.day, share.hours) for share in straddle(day, zone, other)]


def test_a_day_of_one_zone_lies_in_two_of_another() -> None:
    assert hours(date(2026, 1, 15), "Asia/Shanghai", "Europe/Rome") == [(14, 7.0), (15, 17.0)]
    assert hours(date(2026, 7, 15), "Asia/Shanghai", "Europe/Rome") == [(14, 6.0), (15, 18.0)]
    assert hours(date(2026, 7, 15), "America/Los_Angeles", "UTC") == [(15, 17.0), (16, 7.0)]


def test_a_change_of_clocks_makes_a_day_shorter_or_longer() -> None:
    assert hours(date(2026, 3, 29), "Europe/Rome", "UTC") == [(28, 1.0), (29, 22.0)]
    assert hours(date(2026, 10, 25), "Europe/Rome", "UTC") == [(24, 2.0), (25, 23.0)]
    # Clocks change in America three weeks before they do in Europe.
    assert hours(date(2026, 3, 15), "Europe/Rome", "America/New_York") == [(14, 5.0), (15, 19.0)]
    assert hours(date(2026, 3, 30), "Europe/Rome", "America/New_York") == [(29, 6.0), (30, 18.0)]


def test_a_day_that_a_zone_skipped_has_no_hours() -> None:
    assert straddle(date(2011, 12, 30), "Pacific/Apia", "UTC") == []


def test_only_days_that_cross_are_listed() -> None:
    # London and Lisbon share their days; Rome is an hour ahead of both.
    assert straddling(date(2026, 1, 1), date(2026, 12, 31), "Europe/London", "Europe/Lisbon") == {}
    assert len(straddling(date(2026, 3, 1), date(2026, 3, 10), "Europe/Rome", "Europe/London")) == 10
    # In winter London keeps UTC, in summer it does not.
    found = straddling(date(2026, 3, 27), date(2026, 3, 31), "Europe/London", "UTC")
    assert list(found) == [date(2026, 3, 30), date(2026, 3, 31)]
