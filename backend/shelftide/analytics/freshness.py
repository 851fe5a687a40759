"""How old a brand's figures are, and which streams are older than they promise. Pure functions."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from shelftide.store.repositories.connections import StreamState

Carriers = Mapping[tuple[str, str], frozenset[str]]


class Freshness(msgspec.Struct, frozen=True, kw_only=True):
    """Of a brand or a connection. `oldest` is None while a stream was never read."""

    oldest: datetime | None
    newest: datetime | None
    streams: int
    stale: int


def is_stale(stream: StreamState, now: datetime) -> bool:
    """Whether the newest data are older than the stream promises; a stream that was never read is."""
    if stream.synced_at is None:
        return True
    return now - stream.synced_at > timedelta(seconds=stream.promise_seconds)


def freshness(streams: Iterable[StreamState], now: datetime) -> Freshness:
    """Age over all streams given."""
    listed = list(streams)
    times = [stream.synced_at for stream in listed if stream.synced_at is not None]
    return Freshness(
        oldest=min(times) if times and len(times) == len(listed) else None,
        newest=max(times, default=None),
        streams=len(listed),
        stale=sum(is_stale(stream, now) for stream in listed),
    )


def fresh_at(
    record: str, streams: Iterable[StreamState], connectors: Mapping[UUID, str], carriers: Carriers
) -> datetime | None:
    """Until when all streams that carry `record` were read; None when one never was, or none carries it.

    `connectors` names the connector of each connection id, `carriers` the records of each (connector, stream).
    """
    times = [
        stream.synced_at
        for stream in streams
        if record in carriers.get((connectors.get(stream.connection_id, ""), stream.stream), frozenset())
    ]
    known = [time for time in times if time is not None]
    return min(known) if known and len(known) == len(times) else None
