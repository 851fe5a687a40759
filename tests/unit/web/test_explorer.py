"""A view as an address and back; what an address cannot say is refused."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shelftide.analytics.metrics.query import Compare, Filter, Grain
from shelftide.analytics.metrics.view import Drawing, View
from shelftide.core.errors import InvalidInputError
from shelftide.web.explorer import DEFAULT, chips, known_at, merged, params_of, place_of, view_of

_NAMES = st.sampled_from(["revenue", "orders", "views", "units"])
_VALUES = st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=9))
_FILTERS = st.builds(Filter, st.sampled_from(["platform", "sku"]), st.tuples(_VALUES), st.booleans())
_VIEWS = st.builds(
    View,
    metrics=st.lists(_NAMES, min_size=1, unique=True).map(tuple),
    dimensions=st.lists(st.sampled_from(["platform", "sku"]), unique=True).map(tuple),
    days=st.integers(1, 400),
    grain=st.sampled_from(Grain),
    compare=st.sampled_from(Compare),
    filters=st.lists(_FILTERS, max_size=4).map(merged),
    ascending=st.booleans(),
    top=st.one_of(st.none(), st.integers(1, 999)),
    currency=st.one_of(st.none(), st.just("EUR")),
    drawing=st.sampled_from(Drawing),
)


@given(_VIEWS)
def test_a_view_comes_back_from_its_address(view: View) -> None:
    found = view_of(params_of(view))
    assert sorted(found.filters, key=str) == sorted(view.filters, key=str)
    assert params_of(found) == params_of(view_of(params_of(found)))
    assert (found.metrics, found.dimensions, found.days, found.top) == (
        view.metrics,
        view.dimensions,
        view.days,
        view.top,
    )
    assert (found.grain, found.compare, found.drawing) == (view.grain, view.compare, view.drawing)
    assert (found.ascending, found.currency) == (view.ascending, view.currency)


def test_a_period_of_named_days_comes_back_too() -> None:
    view = View(metrics=("orders",), since=date(2026, 5, 1), until=date(2026, 5, 31))
    assert view_of(params_of(view)) == view
    half = view_of([("metric", "orders"), ("since", "2026-05-01")])
    with pytest.raises(InvalidInputError, match="both its days"):
        half.query(datetime(2026, 6, 1, tzinfo=UTC), "UTC")


def test_the_last_days_end_yesterday_in_the_brands_zone() -> None:
    late = datetime(2026, 5, 31, 20, tzinfo=UTC)
    view = View(metrics=("orders",), days=7)
    assert view.query(late, "UTC").span == view.query(late, "Europe/Rome").span
    asked = view.query(late, "Asia/Shanghai")
    assert (asked.since, asked.until) == (date(2026, 5, 25), date(2026, 5, 31))


@pytest.mark.parametrize(
    ("name", "value"),
    [("grain", "fortnight"), ("days", "-1"), ("days", "٣"), ("top", "x"), ("since", "May"), ("compare", "1")],
)
def test_what_an_address_cannot_say_is_refused(name: str, value: str) -> None:
    with pytest.raises(InvalidInputError):
        view_of([("metric", "orders"), (name, value)])


def test_an_empty_address_asks_what_everybody_asks() -> None:
    assert view_of([("metric", ""), ("by", "")]) == DEFAULT


def test_a_day_is_known_at_its_end_where_the_brand_is() -> None:
    assert known_at("2026-05-31", "America/New_York") == datetime(2026, 6, 1, 4, tzinfo=UTC)
    assert known_at("", "UTC") is None
    with pytest.raises(InvalidInputError):
        known_at("31.5.2026", "UTC")


def test_chips_take_away_and_move() -> None:
    view = View(metrics=("orders", "units"), filters=(Filter("sku", ("A", None)),))
    found = chips(view, {"units": "Units"})
    first, second = found["metrics"]
    assert (first.earlier, second.title) == ("", "Units")
    assert second.earlier.startswith("metric=units&metric=orders")
    assert first.without.startswith("metric=units&")
    assert "metric=orders&" not in first.without
    assert [chip.title for chip in found["filters"]] == ["sku = A", "sku = –"]
    assert "is=sku%3AA" not in found["filters"][0].without
    assert chips(View(metrics=("orders",)), {})["metrics"][0].without == "", "the last metric stays"


def test_a_place_is_read_back() -> None:
    place = place_of(
        [
            ("value", "revenue"),
            ("of", "EUR"),
            ("group", "sku:A:1"),
            ("group", "platform"),
            ("from", "2026-05-01"),
            ("to", "2026-05-07"),
        ]
    )
    assert place.group == {"sku": "A:1", "platform": None}
    assert place.period is not None
    assert place.period.days == 7
    with pytest.raises(InvalidInputError):
        place_of([("value", "revenue"), ("from", "2026-05-01")])
