"""Missing days of a record that came every day, and zones and currencies that changed."""

from datetime import date, timedelta

from shelftide.analytics.breaks import Spell, changes, holes

START = date(2026, 3, 1)


def day(number: int) -> date:
    return START + timedelta(days=number)


def steady(length: int, *missing: int) -> dict[date, int]:
    return {day(n): 3 for n in range(length) if n not in missing}


def found(days: dict[date, int], until: int) -> list[tuple[date, int]]:
    return [(hole.day, hole.rows) for hole in holes("AdDay", days, day(until))]


def test_a_day_that_is_missing_after_two_steady_weeks_is_a_hole() -> None:
    assert found(steady(20, 15), 19) == [(day(15), 1)]
    assert found(steady(20, 13), 19) == []  # thirteen days are not steady yet


def test_days_missing_at_the_end_are_one_hole() -> None:
    assert found(steady(16), 19) == [(day(16), 4)]


def test_a_record_that_never_came_daily_has_no_holes() -> None:
    assert found({day(n): 1 for n in range(0, 40, 2)}, 39) == []
    assert found({}, 39) == []


def test_after_a_hole_the_record_must_be_steady_again() -> None:
    assert found(steady(30, 16, 20), 29) == [(day(16), 1)]
    assert found(steady(40, 16, 35), 39) == [(day(16), 1), (day(35), 1)]


def spell(value: str, first: int, last: int, rows: int = 5) -> Spell:
    return Spell(value=value, first=day(first), last=day(last), rows=rows)


def test_a_currency_that_follows_another_is_a_change() -> None:
    (change,) = changes("AdDay", "currency_change", [spell("USD", 11, 20, 9), spell("EUR", 0, 10)])
    assert (change.before, change.after, change.day, change.rows) == ("EUR", "USD", day(11), 9)


def test_currencies_side_by_side_are_no_change() -> None:
    assert changes("Order", "currency_change", [spell("EUR", 0, 20), spell("GBP", 3, 19)]) == []
    assert changes("Order", "currency_change", [spell("EUR", 0, 15), spell("GBP", 3, 20)]) == []
    assert changes("Order", "currency_change", [spell("EUR", 0, 20)]) == []
