"""What needs somebody: one entry a step, the most urgent first, nothing told twice."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from shelftide.analytics.attention import Facts, Kind, Need, needs
from shelftide.analytics.cover import SkuCover
from shelftide.analytics.inventory import days_of_cover
from shelftide.store.repositories.connections import Connection, StreamState
from shelftide.store.repositories.runs import Run

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
LUMEN, TIDE = UUID(int=1), UUID(int=2)
SHOP, CLIPS = UUID(int=11), UUID(int=12)
NOTHING = Facts(connections=[], streams=[], runs=[], rejects={}, covers={}, now=NOW)


def connection(key: UUID = SHOP, state: str = "ok", tenant: UUID = LUMEN) -> Connection:
    return Connection(
        tenant_id=tenant,
        connection_id=key,
        grant_id=None,
        connector="shopify",
        platform="shopify",
        account_id="a",
        account_name=f"account {key.int}",
        zone="UTC",
        currency="EUR",
        settings={},
        state=state,
        reason=f"because of {state}",
        step="Do this.",
        checked_at=None,
        created_at=NOW,
    )


def stream(name: str = "orders", hours: float | None = 1, key: UUID = SHOP, error: str | None = None) -> StreamState:
    return StreamState(
        tenant_id=LUMEN,
        connection_id=key,
        stream=name,
        cursor=None,
        synced_at=None if hours is None else NOW - timedelta(hours=hours),
        promise_seconds=86_400,
        rows_seen=0,
        rows_written=0,
        error_code=error,
        error_message=f"{error} happened" if error else None,
        failed_at=NOW if error else None,
    )


def run(state: str, hours: float = 1, *, key: UUID | None = SHOP, job: str = "sync.run", tenant: UUID = LUMEN) -> Run:
    return Run(
        tenant_id=tenant,
        run_id=UUID(int=99),
        job=job,
        state=state,
        attempts=1,
        max_attempts=5,
        arguments={"connection_id": str(key)} if key else {},
        progress={},
        result=None,
        error_code="transient" if state == "failed" else None,
        error_message="the platform failed" if state == "failed" else None,
        due_at=NOW,
        created_at=NOW - timedelta(hours=hours),
        started_at=None,
        finished_at=NOW - timedelta(hours=hours),
    )


def cover(sku: str, available: int, sold: float = 10.0, title: str | None = None) -> SkuCover:
    found = days_of_cover(sku, available=available, incoming=None, daily_units=[sold] * 56, lead_days=14)
    return SkuCover(cover=found, title=title, observed_at=NOW, lead_days_known=False)


def found(**facts: Any) -> list[Need]:
    return needs(msgspec.structs.replace(NOTHING, **facts))


def test_where_all_is_well_nobody_is_needed() -> None:
    assert needs(NOTHING) == []
    assert found(connections=[connection()], streams=[stream()], runs=[run("succeeded")], rejects={LUMEN: 0}) == []
    assert found(covers={LUMEN: [cover("A", 5_000)]}) == []


def test_a_revoked_grant_names_the_account_the_reason_and_the_step() -> None:
    (need,) = found(connections=[connection(state="reconnect")])
    assert (need.kind, need.subject, need.connection_id) == (Kind.RECONNECT, "account 11", SHOP)
    assert (need.detail, need.step, need.platform) == ("because of reconnect", "Do this.", "shopify")


def test_a_connection_that_waits_for_consent_is_told_once_not_again_by_stream_or_run() -> None:
    for state, kind in (("reconnect", Kind.RECONNECT), ("degraded", Kind.BROKEN)):
        listed = found(
            connections=[connection(state=state)],
            streams=[stream(hours=None), stream("stock", error="data")],
            runs=[run("failed")],
        )
        assert [need.kind for need in listed] == [kind]


def test_a_paused_connection_needs_nobody_for_its_age() -> None:
    assert found(connections=[connection(state="paused")], streams=[stream(hours=500)]) == []


def test_streams_of_a_connection_that_is_not_in_scope_are_left_out() -> None:
    assert found(streams=[stream(hours=500)]) == []


def test_late_streams_of_one_connection_are_one_entry_since_the_oldest() -> None:
    (need,) = found(connections=[connection()], streams=[stream("orders", 30), stream("stock", 50), stream("videos")])
    assert (need.kind, need.subject, need.count) == (Kind.STALE, "orders, stock", 2)
    assert need.since == NOW - timedelta(hours=50)
    assert need.detail == ""


def test_a_stream_that_was_never_read_is_late_without_a_since() -> None:
    (need,) = found(connections=[connection()], streams=[stream(hours=None)])
    assert (need.kind, need.since) == (Kind.STALE, None)


def test_a_stream_that_failed_is_broken_and_goes_before_those_that_are_late() -> None:
    streams = [stream("orders", 50), stream("stock", 2, error="contract")]
    (need,) = found(connections=[connection()], streams=streams)
    assert (need.kind, need.subject, need.count) == (Kind.BROKEN, "stock", 1)
    assert need.detail == "contract happened"
    assert need.since == NOW - timedelta(hours=2)


def test_two_connections_are_two_entries() -> None:
    listed = found(
        connections=[connection(), connection(CLIPS)], streams=[stream(hours=30), stream("videos", 40, CLIPS)]
    )
    assert [(need.connection_id, need.subject) for need in listed] == [(CLIPS, "videos"), (SHOP, "orders")]


def test_only_the_newest_attempt_at_the_same_work_counts() -> None:
    assert found(runs=[run("succeeded", 1), run("failed", 2)]) == []
    (need,) = found(runs=[run("failed", 1), run("succeeded", 2), run("failed", 3)])
    assert (need.kind, need.subject, need.detail) == (Kind.FAILED_RUN, "sync.run", "the platform failed")
    assert need.since == NOW - timedelta(hours=1)


def test_other_work_and_other_accounts_do_not_hide_a_failure() -> None:
    runs = [run("succeeded", key=CLIPS), run("succeeded", job="report.send"), run("succeeded", tenant=TIDE)]
    (need,) = found(runs=[*runs, run("failed", 9)])
    assert need.connection_id == SHOP


def test_a_failed_run_without_a_connection_is_told_too() -> None:
    (need,) = found(runs=[run("failed", key=None, job="report.send")])
    assert (need.connection_id, need.subject) == (None, "report.send")


def test_runs_that_wait_or_work_need_nobody() -> None:
    assert found(runs=[run("queued"), run("running", key=CLIPS)]) == []


def test_a_brands_low_shelf_is_one_entry_with_its_shortest_sku_by_name() -> None:
    low = [cover("B", 60, title="Lamp"), cover("A", 20, title="Cable"), cover("C", 5_000)]
    (need,) = found(covers={LUMEN: low})
    assert (need.kind, need.subject, need.count, need.days) == (Kind.STOCK, "Cable", 2, 2.0)


def test_a_sku_without_a_title_goes_by_its_code() -> None:
    (need,) = found(covers={LUMEN: [cover("A", 20)]})
    assert need.subject == "A"


def test_rejected_rows_are_counted_by_brand() -> None:
    listed = found(rejects={LUMEN: 3, TIDE: 0})
    assert [(need.kind, need.tenant_id, need.count) for need in listed] == [(Kind.QUARANTINE, LUMEN, 3)]


def test_the_order_is_by_kind_then_the_shortest_cover_then_the_oldest() -> None:
    listed = found(
        connections=[connection(), connection(CLIPS, "reconnect"), connection(UUID(int=13), "degraded")],
        streams=[stream(hours=30)],
        runs=[run("failed", 2, key=None, job="b"), run("failed", 5, key=None, job="a")],
        rejects={TIDE: 1},
        covers={LUMEN: [cover("A", 90)], TIDE: [cover("B", 30)]},
    )
    assert [need.kind for need in listed] == [
        Kind.RECONNECT,
        Kind.STOCK,
        Kind.STOCK,
        Kind.BROKEN,
        Kind.FAILED_RUN,
        Kind.FAILED_RUN,
        Kind.STALE,
        Kind.QUARANTINE,
    ]
    assert [need.days for need in listed if need.kind is Kind.STOCK] == [3.0, 9.0]
    assert [need.subject for need in listed if need.kind is Kind.FAILED_RUN] == ["a", "b"]
