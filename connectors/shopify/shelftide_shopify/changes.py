"""Streams that follow `updatedAt`: by paging, or a large first read by a bulk operation."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime
from itertools import islice

import msgspec

from shelftide_sdk.connector import Context, Cursor, Page, Stream, map_rows
from shelftide_sdk.errors import ConfigurationError, TransientError
from shelftide_sdk.records import Record
from shelftide_shopify.bulk import BulkUnavailableError, ResultFile, await_job, result_file, start_job
from shelftide_shopify.door import Door
from shelftide_shopify.mapping import Row
from shelftide_shopify.progress import BulkProgress, Progress, Waiting, load_progress, save_progress
from shelftide_shopify.shop import timestamp
from shelftide_shopify.walk import Plan, Position, WallError, row_mark, walk

_BULK_PAGE = 250
_BULK_ATTEMPTS = 2  # a job may fail, or be one of an earlier run that is gone; then paging reads the same rows
BULK_CHOICES = ("auto", "always", "never")


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """What a changes stream reads.

    Attributes:
        plan: how its connection is walked.
        count: query that counts, with the root field that holds the count.
        bulk: the bulk query for changes since a time.
        complete: fetches what did not fit into a row.
        enrich: adds what a bulk query cannot ask for.
        map_row: row to records.
        bulk_threshold: rows from which a first read goes by bulk operation.
    """

    plan: Plan
    count: tuple[str, str]
    bulk: Callable[[str], str]
    complete: Callable[[Row], Awaitable[Row]]
    enrich: Callable[[Sequence[Row]], Awaitable[list[Row]]]
    map_row: Callable[[Row], list[Record]]
    bulk_threshold: int


class ChangeReader:
    """One read of one changes stream. `waiting` is fed with the rows of streams that have journeys."""

    def __init__(self, ctx: Context, door: Door, stream: Stream, cursor: Cursor | None) -> None:
        self.ctx = ctx
        self.door = door
        self.stream = stream
        self.progress = load_progress(cursor)
        self.waiting = Waiting(self.progress.waiting, ctx.captured_at)
        self.started: datetime = ctx.start(stream, cursor)
        self.first = self.progress.updated_at is None
        self.skipped_tests = 0
        self.bulk_seconds = 600.0

    async def pages(self, source: Source) -> AsyncIterator[Page]:
        """All pages. The last one's cursor lets the next read start at the newest change."""
        attempts = _BULK_ATTEMPTS if self.progress.read is None and await self._wants_bulk(source) else 0
        while attempts:
            attempts -= 1
            try:
                async for page in self._bulk(source, timestamp(self.started)):
                    yield page
            except BulkUnavailableError as error:
                if not attempts and self.ctx.settings.get("bulk") == "always":
                    raise
                self.ctx.log.warning("%s: %s", error.message, error.detail)
                self.progress = msgspec.structs.replace(self.progress, bulk=None)
            else:
                return
        async for page in self._walk(source):
            yield page

    async def _wants_bulk(self, source: Source) -> bool:
        choice = self.ctx.settings.get("bulk", "auto")
        if choice not in BULK_CHOICES:
            raise ConfigurationError(f"the setting bulk is {choice!r}; it may be {', '.join(BULK_CHOICES)}")
        if self.progress.bulk is not None:
            return True
        if choice != "auto":
            return choice == "always" and self.first
        if not self.first:
            return False
        query, root = source.count
        counted = (await self.door.query(query, query=f"updated_at:>='{timestamp(self.started)}'")).get(root)
        return counted is not None and counted["count"] >= source.bulk_threshold

    async def _walk(self, source: Source) -> AsyncIterator[Page]:
        position = self.progress.read or Position(start=timestamp(self.started))
        try:
            async for step in walk(self.door, source.plan, position):
                position = step.position
                page = await self._page(source, [await source.complete(row) for row in step.rows])
                self._reach(position.last)
                self.progress = msgspec.structs.replace(self.progress, read=position if step.more else None)
                yield msgspec.structs.replace(page, cursor=self.save())
        except WallError as error:
            self.ctx.log.warning("%s; reading on by bulk operation: %s", error.message, error.detail)
            self.progress = msgspec.structs.replace(self.progress, read=None)
            async for page in self._bulk(source, position.last or timestamp(self.started)):
                yield page

    async def _bulk(self, source: Source, since: str) -> AsyncIterator[Page]:
        job = self.progress.bulk or BulkProgress(id=await start_job(self.door, source.bulk(since)))
        self.progress = msgspec.structs.replace(self.progress, bulk=job)
        yield Page(cursor=self.save())
        done = await await_job(self.door, job.id, self.bulk_seconds)
        with result_file() as file:
            if done["url"] is not None:
                await file.load(self.door.client.lines(done["url"]), int(done["objectCount"]))
            elif int(done["objectCount"]) > 0:
                raise TransientError("Shopify's bulk operation names no file", detail=job.id)
            async for page in self._bulk_pages(source, file, job):
                yield page

    async def _bulk_pages(self, source: Source, file: ResultFile, job: BulkProgress) -> AsyncIterator[Page]:
        rejects = file.rejects(self.stream.record.__name__)
        rows, done, newest = file.rows(), 0, ""
        while chunk := list(islice(rows, _BULK_PAGE)):
            newest = max(newest, *(row_mark(row, source.plan) for row in chunk))
            done += len(chunk)
            if done <= job.done:
                self.waiting.note(chunk)
                continue
            page = await self._page(source, await source.enrich(chunk))
            self.progress = msgspec.structs.replace(self.progress, bulk=BulkProgress(id=job.id, done=done))
            yield msgspec.structs.replace(page, cursor=self.save())
        self._reach(newest or None)
        self.progress = msgspec.structs.replace(self.progress, bulk=None)
        yield Page(rejects=rejects, cursor=self.save())

    async def _page(self, source: Source, rows: Sequence[Row]) -> Page:
        self.waiting.note(rows)
        self.skipped_tests += sum(1 for row in rows if isinstance(row, dict) and row.get("test") is True)
        records, rejects = map_rows(rows, source.map_row, self.stream.record)
        return Page(records=records, rejects=rejects)

    def _reach(self, mark: str | None) -> None:
        reached = max(filter(None, (self.progress.updated_at, mark)), default=None)
        self.progress = msgspec.structs.replace(self.progress, updated_at=reached)

    def save(self) -> Cursor:
        """The cursor as it stands."""
        self.progress = msgspec.structs.replace(self.progress, waiting=self.waiting.saved())
        return save_progress(self.progress)


def starting_progress(cursor: Cursor | None) -> Progress:
    """The progress of a full pass: only a walk in the middle is taken up again."""
    return Progress(read=load_progress(cursor).read)
