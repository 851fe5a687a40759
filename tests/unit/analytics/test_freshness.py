"""How old figures are: the oldest stream decides, and what was never read is never fresh."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from shelftide.analytics.freshness import Freshness, fresh_at, freshness, is_stale
from shelftide.store.repositories.connections import StreamState

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
SHOP, CLIPS = UUID(int=1), UUID(int=2)
CONNECTORS = {SHOP: "shop", CLIPS: "clips"}
CARRIERS = {
    ("shop", "orders"): frozenset({"Order", "OrderLine"}),
    ("shop", "refunds"): frozenset({"Refund"}),
    ("clips", "orders"): frozenset({"Order"}),
    ("clips", "videos"): frozenset({"Content"}),
}


def stream(name: str, hours: float | None, connection: UUID = SHOP, promise_hours: float = 24) -> StreamState:
    return StreamState(
        tenant_id=UUID(int=9),
        connection_id=connection,
        stream=name,
        cursor=None,
        synced_at=None if hours is None else NOW - timedelta(hours=hours),
        promise_seconds=int(promise_hours * 3600),
        rows_seen=0,
        rows_written=0,
        error_code=None,
        error_message=None,
        failed_at=None,
    )


@pytest.mark.parametrize(("hours", "stale"), [(0, False), (24, False), (24.001, True), (None, True), (-1, False)])
def test_a_stream_is_stale_just_after_its_promise_and_while_it_was_never_read(hours: float | None, stale: bool) -> None:
    assert is_stale(stream("orders", hours), NOW) is stale


def test_each_stream_is_held_to_its_own_promise() -> None:
    found = freshness([stream("orders", 5, promise_hours=6), stream("stock", 5, promise_hours=4)], NOW)
    assert (found.streams, found.stale) == (2, 1)


def test_the_oldest_stream_is_the_age_and_the_newest_is_told_beside_it() -> None:
    found = freshness([stream("orders", 3), stream("stock", 30), stream("videos", 1)], NOW)
    assert (found.oldest, found.newest) == (NOW - timedelta(hours=30), NOW - timedelta(hours=1))
    assert found.stale == 1


def test_one_stream_that_was_never_read_leaves_the_age_unknown() -> None:
    found = freshness([stream("orders", 3), stream("stock", None)], NOW)
    assert found == Freshness(oldest=None, newest=NOW - timedelta(hours=3), streams=2, stale=1)


def test_no_stream_is_no_age_and_nothing_stale() -> None:
    assert freshness([], NOW) == Freshness(oldest=None, newest=None, streams=0, stale=0)


def test_streams_that_come_one_by_one_are_counted_once() -> None:
    assert freshness((s for s in [stream("orders", 3), stream("stock", 4)]), NOW).streams == 2


def test_a_record_is_as_fresh_as_the_oldest_stream_that_carries_it() -> None:
    streams = [stream("orders", 2), stream("orders", 7, CLIPS), stream("refunds", 50), stream("videos", 90, CLIPS)]
    assert fresh_at("Order", streams, CONNECTORS, CARRIERS) == NOW - timedelta(hours=7)
    assert fresh_at("OrderLine", streams, CONNECTORS, CARRIERS) == NOW - timedelta(hours=2)


def test_a_record_whose_carrier_was_never_read_is_of_unknown_age() -> None:
    streams = [stream("orders", 2), stream("orders", None, CLIPS)]
    assert fresh_at("Order", streams, CONNECTORS, CARRIERS) is None
    assert fresh_at("OrderLine", streams, CONNECTORS, CARRIERS) == NOW - timedelta(hours=2)


@pytest.mark.parametrize("record", ["Payout", "Content"])
def test_a_record_that_no_stream_carries_has_no_age(record: str) -> None:
    assert fresh_at(record, [stream("orders", 2), stream("unheard", 1)], CONNECTORS, CARRIERS) is None


def test_a_stream_of_a_connection_that_is_gone_carries_nothing() -> None:
    streams = [stream("orders", 2), stream("orders", None, UUID(int=3))]
    assert fresh_at("Order", streams, CONNECTORS, CARRIERS) == NOW - timedelta(hours=2)
