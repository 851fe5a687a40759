"""What was compared with what: rows of each stream, payouts, claims of ad platforms, exports that people dropped in."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from shelftide.analytics.reconciliation.settlements import ClaimedDays, Settlement
from shelftide.ingest.coverage import Coverage
from shelftide.jobs.reconcile import CLAIM, EXPORT, SETTLEMENT, ExportReport
from shelftide.store.repositories.connections import list_connections, list_streams
from shelftide.store.repositories.reconciliations import list_reconciliations
from shelftide.store.unit_of_work import UnitOfWork


class StreamCoverage(msgspec.Struct, frozen=True, kw_only=True):
    """A stream's last read: its rows, and whether it is as fresh as it promises. `coverage` is None before the first.

    `missing` and `lost` are those of `Coverage`.
    """

    connection_id: UUID
    account: str
    platform: str
    stream: str
    read_at: datetime | None
    stale: bool
    coverage: Coverage | None
    missing: int | None
    lost: int


class SettledPlatform(msgspec.Struct, frozen=True, kw_only=True):
    """A platform's orders against its payouts, for each currency."""

    platform: str
    settlements: list[Settlement]
    computed_at: datetime


class Board(msgspec.Struct, frozen=True, kw_only=True):
    """All that was compared for a brand. An export stands under its file's name; the newest comparison counts."""

    streams: list[StreamCoverage]
    settlements: list[SettledPlatform]
    claims: list[ClaimedDays]
    exports: list[ExportReport]

    @property
    def open(self) -> int:
        """Streams with rows that are missing or lost, and payouts with an open question."""
        gaps = sum(bool(each.missing or each.lost) for each in self.streams)
        return gaps + sum(bool(each.unknown) for platform in self.settlements for each in platform.settlements)


async def read_board(uow: UnitOfWork, now: datetime) -> Board:
    """The brand in scope."""
    names = {each.connection_id: each for each in await list_connections(uow)}
    streams = []
    for state in await list_streams(uow):
        coverage = None if state.coverage is None else msgspec.convert(state.coverage, Coverage)
        connection = names[state.connection_id]
        if connection.platform == "file":  # an import tells of its lines itself
            continue
        age = None if state.synced_at is None else (now - state.synced_at).total_seconds()
        streams.append(
            StreamCoverage(
                connection_id=state.connection_id,
                account=connection.account_name,
                platform=connection.platform,
                stream=state.stream,
                read_at=state.synced_at,
                stale=age is None or age > state.promise_seconds,
                coverage=coverage,
                missing=coverage.missing if coverage else None,
                lost=coverage.lost if coverage else 0,
            )
        )
    saved = await list_reconciliations(uow)
    return Board(
        streams=sorted(streams, key=lambda each: (each.platform, each.account, each.stream)),
        settlements=[
            SettledPlatform(
                platform=s.subject, settlements=_read(s.result, list[Settlement]), computed_at=s.computed_at
            )
            for s in saved
            if s.kind == SETTLEMENT
        ],
        claims=[_read(each.result, ClaimedDays) for each in saved if each.kind == CLAIM],
        exports=[_read(each.result, ExportReport) for each in saved if each.kind == EXPORT],
    )


def _read(result: Any, kind: Any) -> Any:
    return msgspec.convert(result, kind)
