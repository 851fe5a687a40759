"""A brand's shelf as a feed."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from shelftide.analytics.figures import FeedState
from shelftide.analytics.shelf import shelf_of
from shelftide.store.repositories.rollup import SkuStock

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def level(sku: str, hours: int, connection: int = 1) -> SkuStock:
    return SkuStock(
        tenant_id=UUID(int=1), connection_id=UUID(int=connection), sku=sku, title=None, available=1, incoming=None,
        observed_at=NOW - timedelta(hours=hours),
    )  # fmt: skip


@pytest.mark.capability("V21")
def test_an_empty_shelf_is_a_state_of_its_own() -> None:
    found = shelf_of([], NOW)
    assert (found.name, found.state, found.skus, found.updated_at) == ("stock", FeedState.EMPTY, 0, None)


def test_a_sku_on_two_shelves_counts_once_and_the_newest_level_dates_the_feed() -> None:
    found = shelf_of([level("A", 5), level("A", 2, connection=2), level("B", 9)], NOW)
    assert (found.state, found.skus, found.age_seconds) == (FeedState.FILLED, 2, 7200.0)
