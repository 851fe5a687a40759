"""Connector to warehouse: data first, cursor after.

Pages are gathered into batches; a batch is one transaction of the warehouse, and the next is read meanwhile. Then, in
one transaction of the control plane and only while the run's claim holds, rejects, counts and cursor are saved. A crash
between the two repeats a batch, and repeating a batch writes nothing: versions are opened only for rows that changed.
"""

import hashlib
from collections.abc import Awaitable, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

import msgspec

from shelftide.core.log import get_logger
from shelftide.core.points import Point, reached
from shelftide.ingest.coverage import Coverage
from shelftide.ingest.flaws import Flaws
from shelftide.ingest.stamps import Stamps
from shelftide.ingest.write_behind import WriteBehind
from shelftide.store.repositories.connections import (
    Connection,
    read_cursor,
    save_rejects,
    save_stream,
    set_health,
)
from shelftide.store.repositories.reconciliations import save_findings
from shelftide.store.unit_of_work import UnitOfWork
from shelftide.warehouse.families import with_children
from shelftide.warehouse.warehouse import Batch, Change, Warehouse
from shelftide_sdk import (
    AuthorizationError,
    ConfigurationError,
    Connector,
    ConnectorError,
    Context,
    ContractError,
    Cursor,
    Page,
    RateLimitedError,
    Reject,
    Stream,
    TransientError,
)
from shelftide_sdk.cursors import from_stored, to_stored
from shelftide_sdk.errors import plain_text
from shelftide_sdk.reading import UNREADABLE, guarded

log = get_logger("ingest")
_BATCH_ROWS = 20_000
_RAW_LIMIT = 20_000


class SyncReport(msgspec.Struct, frozen=True, kw_only=True):
    """What one stream's read did. `seen` counts records, `written` new versions, `deleted` closed ones."""

    stream: str
    pages: int
    seen: int
    written: int
    deleted: int
    rejected: int
    error_code: str | None = None
    error_message: str | None = None


class Claimed(Protocol):
    """What a sync needs of the run that it works for."""

    def unit_of_work(self) -> UnitOfWork:
        """A transaction in the run's scope."""
        ...

    def guard(self, uow: UnitOfWork) -> Awaitable[None]:
        """Raise if the run belongs to somebody else now."""
        ...

    async def report(self, progress: dict[str, Any]) -> None:
        """Show progress."""
        ...


class Pace(Protocol):
    """How a client hears whether the calls to come read history."""

    def __call__(self, *, backfill: bool) -> None:
        """Say so."""
        ...


def _no_pace(*, backfill: bool) -> None:
    """For clients without budgets."""


class Sync:
    """One connection's sync inside one run."""

    def __init__(
        self,
        connector: Connector,
        connection: Connection,
        *,
        context: Context,
        warehouse: Warehouse,
        claimed: Claimed,
        pseudonym_key: bytes,
        pace: Pace = _no_pace,
    ) -> None:
        self._connector = connector
        self._connection = connection
        self._context = context
        self._warehouse = warehouse
        self._claimed = claimed
        self._pace = pace
        self._stamps = Stamps(connection, key=pseudonym_key, open_work=claimed.unit_of_work)
        # What the roll-up must look at again, as far as this process knows; after a crash the facts tell.
        self.touched: set[tuple[str, date]] = set()
        # Record types of the streams that were read.
        self.carried: set[str] = set()

    async def run(self, names: Sequence[str] = ()) -> list[SyncReport]:
        """Read all streams (or those named), one after the other. One stream's failure does not stop the others.

        Raises:
            RateLimitedError: the platform asks to wait longer than is sensible in place; what was read is safe.
        """
        streams = [s for s in await self._discover() if not names or s.name in names]
        reports = []
        for stream in streams:
            try:
                reports.append(await self._stream(stream))
                self.carried |= {record.__name__ for record in (stream.record, *stream.also)}
            except (RateLimitedError, AuthorizationError, ConfigurationError) as error:
                await self._failed(stream, error)
                if isinstance(error, AuthorizationError) and error.missing_scopes:
                    reports.append(_error_report(stream, error))  # one stream's scope is missing; the others go on
                    continue
                raise
            except ConnectorError as error:
                await self._failed(stream, error)
                reports.append(_error_report(stream, error))
        return reports

    async def _discover(self) -> Sequence[Stream]:
        try:
            return await self._connector.discover(self._context)
        except ConnectorError as error:
            await self._unwell(error)
            raise
        except UNREADABLE as error:
            raise TransientError(f"the reply could not be read: {error}") from error
        except Exception as error:  # outsiders' code may raise anything
            raise ContractError(f"{type(error).__name__}: {error}") from error

    async def _unwell(self, error: ConnectorError) -> None:
        async with self._claimed.unit_of_work() as uow:
            await self._set_health(uow, error)
            await uow.commit()

    async def _stream(self, stream: Stream) -> SyncReport:
        async with self._claimed.unit_of_work() as uow:
            stored = await read_cursor(uow, self._connection.connection_id, stream.name)
        cursor = from_stored(type(self._connector), stream, stored)
        # A stream without a cursor shows how things stand now: it is never history.
        self._pace(backfill=stream.cursor is not None and cursor is None)
        tally = _Tally(stream.name, Flaws(self._connection.connection_id, stream.name, self._context.clock.now()))
        pages: list[Page] = []
        rows = 0
        async with WriteBehind() as behind:
            async for page in guarded(self._connector.read(self._context, stream, cursor), self._connector.info.name):
                behind.look()
                pages.append(page)
                rows += len(page.records)
                reached(Point.MID_READ)
                if rows >= _BATCH_ROWS:
                    await behind.settle()
                    behind.start(self._flush(stream, pages, tally))
                    pages, rows = [], 0
            await behind.settle()
            behind.start(self._flush(stream, pages, tally, last=True))
        return tally.report()

    async def _flush(self, stream: Stream, pages: Sequence[Page], tally: "_Tally", *, last: bool = False) -> None:
        records = [record for page in pages for record in page.records]
        deletes = [delete for page in pages for delete in page.deletes]
        rejects = [reject for page in pages for reject in page.rejects]
        change = Change(tables={}, days=frozenset())
        if records or deletes:
            stamp = await self._stamps.stamp(
                fetched_at=self._context.captured_at, observed_at=self._context.clock.now()
            )
            deletes = await with_children(self._warehouse, self._connection.connection_id, deletes)
            change = await self._warehouse.write(Batch(records=records, deletes=deletes, stamp=stamp))
            rejects += change.rejects
            self.touched |= change.days
            reached(Point.WRITTEN_CURSOR_NOT_SAVED)
        tally.add(pages, len(records), len(rejects), change)
        tally.flaws.look(records, change)
        cursors = [page.cursor for page in pages if page.cursor is not None]
        await self._save(
            stream, cursors[-1] if cursors else None, rejects, change, seen=len(records), last=last, tally=tally
        )
        await self._claimed.report({"stream": stream.name, "rows": tally.seen})

    async def _save(
        self,
        stream: Stream,
        cursor: Cursor | None,
        rejects: Sequence[Reject],
        change: Change,
        *,
        seen: int,
        last: bool,
        tally: "_Tally",
    ) -> None:
        values: dict[str, Any] = {
            "rows_seen": seen,
            "rows_written": _written(change),
            "promise_seconds": int(stream.promise.total_seconds()),
        }
        if cursor is not None:
            values["cursor"] = to_stored(type(self._connector), cursor)
        if last:
            values |= {
                "synced_at": self._context.clock.now(),
                "error_code": None,
                "error_message": None,
                "failed_at": None,
                "coverage": msgspec.to_builtins(tally.coverage),
            }
        async with self._claimed.unit_of_work() as uow:
            await self._claimed.guard(uow)
            await save_rejects(uow, [quarantine_row(self._connection.connection_id, stream.name, r) for r in rejects])
            await save_stream(uow, self._connection.connection_id, stream.name, values)
            await save_findings(uow, tally.flaws.rows())
            await uow.commit()

    async def _failed(self, stream: Stream, error: ConnectorError) -> None:
        log.warning(
            "stream_failed",
            stream=stream.name,
            connection=str(self._connection.connection_id),
            kind=error.kind,
            message=error.message,
            detail=error.detail,
        )
        values = {
            "error_code": error.kind,
            "error_message": f"{error.message} {error.hint}".strip(),
            "failed_at": self._context.clock.now(),
        }
        async with self._claimed.unit_of_work() as uow:
            await save_stream(uow, self._connection.connection_id, stream.name, values)
            await self._set_health(uow, error)
            await uow.commit()

    async def _set_health(self, uow: UnitOfWork, error: ConnectorError) -> None:
        if isinstance(error, RateLimitedError):
            return
        ended = isinstance(error, AuthorizationError) and not error.missing_scopes
        await set_health(
            uow,
            self._connection.connection_id,
            state="reconnect" if ended else "degraded",
            reason=error.message,
            step=error.hint,
        )


def _written(change: Change) -> int:
    return sum(table.inserted + table.updated for table in change.tables.values())


class _Tally:
    def __init__(self, stream: str, flaws: Flaws) -> None:
        self.stream = stream
        self.flaws = flaws
        self.coverage = Coverage()
        self.pages = self.seen = self.written = self.deleted = self.rejected = 0

    def add(self, pages: Sequence[Page], seen: int, rejected: int, change: Change) -> None:
        self.coverage = self.coverage.after(pages, change)
        self.pages += len(pages)
        self.seen += seen
        self.rejected += rejected
        self.written += _written(change)
        self.deleted += sum(table.deleted for table in change.tables.values())

    def report(self) -> SyncReport:
        return SyncReport(
            stream=self.stream,
            pages=self.pages,
            seen=self.seen,
            written=self.written,
            deleted=self.deleted,
            rejected=self.rejected,
        )


def _error_report(stream: Stream, error: ConnectorError) -> SyncReport:
    return SyncReport(
        stream=stream.name,
        pages=0,
        seen=0,
        written=0,
        deleted=0,
        rejected=0,
        error_code=error.kind,
        error_message=error.message,
    )


def quarantine_row(connection_id: UUID | None, stream: str, reject: Reject) -> dict[str, Any]:
    """A reject as it is kept. The fingerprint makes the same row count up instead of piling up."""
    raw = raw_text(reject.raw)
    text = f"{connection_id}|{stream}|{reject.record}|{raw}"
    return {
        "fingerprint": hashlib.blake2b(text.encode(), digest_size=16).hexdigest(),
        "connection_id": connection_id,
        "stream": stream,
        "record": reject.record,
        "reason": plain_text(reject.reason[:1000]),
        "raw": raw,
    }


def raw_text(raw: Any) -> str:
    """Whatever came from outside, as text that a database takes: valid, bounded, without NUL."""
    try:
        text = msgspec.json.encode(raw).decode()
    except (TypeError, ValueError, UnicodeError, OverflowError):
        text = repr(raw)
    except RecursionError:
        text = "nested too deep to be kept"
    return plain_text(text)[:_RAW_LIMIT].replace("\\u0000", "\ufffd")


def first_read_from(now: datetime, history: timedelta) -> datetime:
    """How far back a first read goes: midnight UTC, `history` ago."""
    start = now - history
    return start.replace(hour=0, minute=0, second=0, microsecond=0)
