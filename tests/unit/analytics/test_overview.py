"""Headline figures against sums made by hand."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from shelftide.analytics.overview import Period, Tile, best_sellers, period_ending, series_of, tiles
from shelftide.store.repositories.rollup import Point, SkuSales

TENANT = UUID(int=1)
PERIOD = Period(date(2026, 11, 8), date(2026, 11, 14))
EARLY = {name: date(2026, 1, 1) for name in ("orders", "revenue", "views", "followers")}


def point(metric: str, day: date, value: str, *, platform: str = "shopify", currency: str = "") -> Point:
    return Point(tenant_id=TENANT, metric=metric, day=day, platform=platform, currency=currency, value=Decimal(value))


def named(found: list[Tile], metric: str, currency: str = "") -> Tile:
    return next(tile for tile in found if tile.metric == metric and (not currency or tile.currency == currency))


def test_the_day_that_is_not_over_does_not_count() -> None:
    now = datetime(2026, 11, 15, 3, 0, tzinfo=UTC)
    assert period_ending(now, "UTC", 7) == PERIOD
    assert period_ending(now, "America/New_York", 7).until == date(2026, 11, 13)
    with pytest.raises(ValueError, match="at least one day"):
        period_ending(now, "UTC", 0)


def test_a_figure_is_compared_with_the_equally_long_period_before() -> None:
    points = [
        point("orders", PERIOD.since, "6"),
        point("orders", PERIOD.until, "4"),
        point("orders", date(2026, 11, 7), "8"),
    ]
    tile = named(tiles(points, PERIOD, EARLY), "orders")
    assert (tile.value, tile.previous, tile.change) == (Decimal(10), Decimal(8), 0.25)


def test_half_a_period_before_is_no_comparison() -> None:
    points = [point("orders", PERIOD.since, "6"), point("orders", date(2026, 11, 7), "1")]
    tile = named(tiles(points, PERIOD, {"orders": date(2026, 11, 7)}), "orders")
    assert tile.value == Decimal(6)
    assert tile.previous is None
    assert tile.change is None


def test_currencies_are_never_added_up() -> None:
    points = [
        point("orders", PERIOD.since, "3"),
        point("revenue", PERIOD.since, "10", currency="EUR"),
        point("revenue", PERIOD.since, "20", currency="USD"),
    ]
    found = tiles(points, PERIOD, EARLY)
    assert named(found, "revenue", "EUR").value == Decimal(10)
    assert named(found, "revenue", "USD").value == Decimal(20)
    assert not [tile for tile in found if tile.metric == "average_order"]


def test_no_cancelled_order_beside_orders_is_a_true_zero() -> None:
    points = [point("orders", PERIOD.since, "4"), point("revenue", PERIOD.since, "10", currency="EUR")]
    found = tiles(points, PERIOD, EARLY)
    assert named(found, "cancelled").value == 0.0
    assert named(found, "average_order").value == 2.5


def test_an_undefined_rate_is_unknown_and_says_why() -> None:
    points = [point("content_views", PERIOD.since, "100"), point("content_likes", PERIOD.since, "5")]
    tile = named(tiles(points, PERIOD, EARLY), "engagement_rate_by_views")
    assert tile.value is None
    assert tile.reason == "unknown: comments, shares, saves"


def test_followers_are_the_last_day_of_each_platform() -> None:
    points = [
        point("followers", PERIOD.since, "90", platform="tiktok"),
        point("followers", PERIOD.until, "100", platform="tiktok"),
        point("followers", PERIOD.since, "7", platform="instagram"),
    ]
    assert named(tiles(points, PERIOD, EARLY), "followers").value == Decimal(107)


def test_a_day_without_data_stays_unknown_in_a_series() -> None:
    (series,) = series_of([point("views", PERIOD.since + timedelta(days=2), "0")], "views", PERIOD)
    assert series.values == [None, None, Decimal(0), None, None, None, None]


def test_best_sellers_go_by_pieces_and_keep_currencies_apart() -> None:
    sales = [
        SkuSales(tenant_id=TENANT, sku=sku, day=PERIOD.since, currency=currency, units=units, revenue=Decimal(units))
        for sku, currency, units in (("A", "EUR", 2), ("B", "EUR", 3), ("A", "USD", 4))
    ]
    first, second = best_sellers(sales, 5)
    assert (first.sku, first.units, first.revenue) == ("A", 6, {"EUR": Decimal(2), "USD": Decimal(4)})
    assert second.sku == "B"
