"""What needs somebody, from facts that are there: health, streams, runs, quarantine, cover. Pure functions.

One entry is one thing that one person can mend with one step.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from shelftide.analytics.cover import SkuCover
from shelftide.analytics.freshness import is_stale
from shelftide.store.repositories.connections import Connection, StreamState
from shelftide.store.repositories.runs import Run


class Kind(StrEnum):
    """Why. The order of the members is the order on the page."""

    RECONNECT = "reconnect"
    STOCK = "stock"
    BROKEN = "broken"
    FAILED_RUN = "failed_run"
    STALE = "stale"
    QUARANTINE = "quarantine"


_ORDER = {kind: place for place, kind in enumerate(Kind)}


class Need(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to mend.

    Attributes:
        subject: what it is about: an account, a SKU's title, a stream, a job.
        count: how many of them.
        days: days of cover left, for stock.
        detail: the reason as it was recorded; `step`: the one step that mends it, where the platform names it.
        since: since when, where known.
    """

    kind: Kind
    tenant_id: UUID
    subject: str
    connection_id: UUID | None = None
    platform: str = ""
    count: int = 1
    days: float | None = None
    detail: str = ""
    step: str = ""
    since: datetime | None = None


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the brands in scope."""

    connections: Sequence[Connection]
    streams: Sequence[StreamState]
    runs: Sequence[Run]
    rejects: Mapping[UUID, int]
    covers: Mapping[UUID, Sequence[SkuCover]]
    now: datetime


def needs(facts: Facts) -> list[Need]:
    """All that needs somebody: by kind, the shortest cover and the oldest trouble first."""
    reconnect = [_health(c, Kind.RECONNECT) for c in facts.connections if c.state == "reconnect"]
    waiting = {need.connection_id for need in reconnect}
    broken = [_health(c, Kind.BROKEN) for c in facts.connections if c.state == "degraded"]
    told = waiting | {need.connection_id for need in broken}
    found = [
        *reconnect,
        *_stock(facts.covers),
        *broken,
        *_streams(facts, told),
        *_runs(facts.runs, told),
        *(
            Need(kind=Kind.QUARANTINE, tenant_id=tenant_id, subject="", count=count)
            for tenant_id, count in facts.rejects.items()
            if count
        ),
    ]
    return sorted(found, key=_place)


def _place(need: Need) -> tuple[int, float, float, str, str]:
    since = need.since.timestamp() if need.since else float("inf")
    days = float("inf") if need.days is None else need.days
    return (_ORDER[need.kind], days, since, str(need.tenant_id), need.subject)


def _health(connection: Connection, kind: Kind) -> Need:
    return Need(
        kind=kind,
        tenant_id=connection.tenant_id,
        connection_id=connection.connection_id,
        platform=connection.platform,
        subject=connection.account_name,
        detail=connection.reason,
        step=connection.step,
    )


def _stock(covers: Mapping[UUID, Sequence[SkuCover]]) -> Iterable[Need]:
    """One entry a brand: its shortest SKU by name, and how many SKUs are at their reorder point."""
    for tenant_id, listed in covers.items():
        low = [item for item in listed if item.cover.order_now]
        if low:
            first = min(low, key=lambda item: (item.cover.days_of_cover or 0.0, item.cover.sku))
            yield Need(
                kind=Kind.STOCK,
                tenant_id=tenant_id,
                subject=first.title or first.cover.sku,
                count=len(low),
                days=first.cover.days_of_cover,
            )


def _streams(facts: Facts, told: set[UUID | None]) -> Iterable[Need]:
    connections = {c.connection_id: c for c in facts.connections}
    late: dict[UUID, list[StreamState]] = defaultdict(list)
    for stream in facts.streams:
        connection = connections.get(stream.connection_id)
        if connection is None or connection.state == "paused" or stream.connection_id in told:
            continue
        if stream.error_code is not None or is_stale(stream, facts.now):
            late[stream.connection_id].append(stream)
    for connection_id, streams in late.items():
        connection = connections[connection_id]
        failed = [stream for stream in streams if stream.error_code is not None]
        shown = failed or streams
        synced = [stream.synced_at for stream in shown if stream.synced_at is not None]
        yield Need(
            kind=Kind.BROKEN if failed else Kind.STALE,
            tenant_id=connection.tenant_id,
            connection_id=connection_id,
            platform=connection.platform,
            subject=", ".join(stream.stream for stream in shown),
            count=len(shown),
            detail=(failed[0].error_message or "") if failed else "",
            since=min(synced, default=None),
        )


def _runs(runs: Sequence[Run], told: set[UUID | None]) -> Iterable[Need]:
    """Runs whose newest attempt at the same work failed for good. `runs` come newest first."""
    seen: set[tuple[UUID, str, str]] = set()
    for run in runs:
        target = str(run.arguments.get("connection_id", ""))
        key = (run.tenant_id, run.job, target)
        if key in seen:
            continue
        seen.add(key)
        connection_id = UUID(target) if target else None
        if run.state == "failed" and (connection_id is None or connection_id not in told):
            yield Need(
                kind=Kind.FAILED_RUN,
                tenant_id=run.tenant_id,
                connection_id=connection_id,
                subject=run.job,
                detail=run.error_message or "",
                since=run.finished_at,
            )
