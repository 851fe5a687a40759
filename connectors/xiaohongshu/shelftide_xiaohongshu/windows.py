"""Reading lists of the Ark gateway by time: a first read by creation, later ones by change, each in its own windows.

The platform allows 24 hours of created and 30 minutes of changed rows at once, and shows 10,000 of them at most.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import msgspec

from shelftide_sdk.client import Client
from shelftide_sdk.connector import Context, Cursor, Page, Reject, Stream
from shelftide_sdk.errors import ConfigurationError, ContractError
from shelftide_sdk.parallel import side_by_side
from shelftide_sdk.records import Record
from shelftide_xiaohongshu.auth import GATEWAY
from shelftide_xiaohongshu.values import Row, count_of, data_of, exact, listed

CREATED, UPDATED = 1, 2
CREATED_WINDOW = timedelta(hours=24)
UPDATED_WINDOW = timedelta(minutes=30)
MOST_PAGES = 100
PAGE_SIZE = 100
# Calls of a read that are under way together, lists and details: an app has 100 calls a second.
AT_ONCE = 6


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """A list that is asked by time.

    `root` and `total` name the rows and their number in the reply, `id_field` a row's id, `seconds` the unit of the
    query's times (else milliseconds), `field` the cursor.
    """

    method: str
    root: str
    total: str
    id_field: str
    field: str
    record: str
    seconds: bool = False


class Backfill(msgspec.Struct, frozen=True, kw_only=True):
    """A first read by creation, between `next` and `until` (ISO times)."""

    next: str
    until: str


Behind = tuple[Any, list[Record | Reject]]
Detail = Callable[[Any], Awaitable[list[Record | Reject]]]
Each = Callable[[Any], AsyncIterator[Behind]]


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of one page with what is behind them, and the cursor that comes after them where a window has ended."""

    rows: list[Any]
    details: list[Behind] = []
    rejects: list[Reject] = []
    cursor: Cursor | None = None


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """A window, and the cursor that is true when it has been read."""

    kind: int
    since: datetime
    until: datetime
    cursor: Cursor


async def ask(client: Client, method: str, **fields: Any) -> Row:
    """The data of one call of the gateway."""
    sent = {"method": method, **{name: value for name, value in fields.items() if value is not None}}
    return data_of(exact(await client.post(GATEWAY, json=sent)), method)


async def changes(
    ctx: Context, stream: Stream, cursor: Cursor | None, listing: Listing, detail: Detail
) -> AsyncIterator[Page]:
    """What is behind new and changed rows, each state once; several windows and several details at once.

    A first read walks through days of creation and then through the changes of the lookback, so that it ends with all
    that a second read sees again.
    """
    seen: set[str] = set()
    done, spans = 0, list(_spans(ctx, stream, cursor, listing.field))
    reads = (partial(_read, ctx.client, listing, span, partial(_behind, detail)) for span in spans)
    async for step in side_by_side(reads, AT_ONCE):
        if step.cursor is None:
            found = [each for row, behind in step.details if _is_fresh(row, seen) for each in behind]
            if found or step.rejects:
                yield _page_of([*found, *step.rejects])
            continue
        done += 1
        if spans[done - 1].kind == CREATED or done == len(spans) or done % 48 == 0:
            yield Page(cursor=step.cursor)


async def _read(client: Client, listing: Listing, span: Span, each: Each) -> AsyncIterator[Step]:
    """A window's rows with what is behind them, and its cursor at the end."""
    async for step in _window(client, listing, span):
        details = [found async for found in side_by_side((partial(each, row) for row in step.rows), AT_ONCE)]
        yield msgspec.structs.replace(step, details=details)
    yield Step(rows=[], cursor=span.cursor)


async def _behind(detail: Detail, row: Any) -> AsyncIterator[Behind]:
    yield row, await detail(row)


def _page_of(found: Sequence[Record | Reject]) -> Page:
    return Page(
        records=[each for each in found if isinstance(each, Record)],
        rejects=[each for each in found if isinstance(each, Reject)],
    )


def _spans(ctx: Context, stream: Stream, cursor: Cursor | None, field: str) -> Iterator[Span]:
    """What is to be read, in order of time."""
    now = ctx.captured_at
    backfill = _backfill(ctx, stream, cursor)
    if backfill is not None:
        since, until = (datetime.fromisoformat(each) for each in (backfill.next, backfill.until))
        while since < until:
            end = min(since + CREATED_WINDOW, until)
            after = {"backfill": {"next": end.isoformat(), "until": backfill.until}}
            yield Span(kind=CREATED, since=since, until=end, cursor=after)
            since = end
        since = until - stream.lookback
    else:
        since = ctx.start(stream, cursor)
    while since < now:
        end = min(since + UPDATED_WINDOW, now)
        yield Span(kind=UPDATED, since=since, until=end, cursor={field: end.isoformat()})
        since = end


def _backfill(ctx: Context, stream: Stream, cursor: Cursor | None) -> Backfill | None:
    """The part of a first read that is left. Raises ConfigurationError for a cursor of somebody else's."""
    try:
        saved = (cursor or {}).get("backfill")
        if saved is not None:
            found = msgspec.convert(saved, Backfill)
            if not all(datetime.fromisoformat(each).tzinfo for each in (found.next, found.until)):
                raise ValueError("a time without a zone")
            return found
        if cursor and cursor.get(str(stream.cursor)):
            if datetime.fromisoformat(str(cursor[str(stream.cursor)])).tzinfo is None:
                raise ValueError("a time without a zone")
            return None
    except (msgspec.ValidationError, ValueError) as error:
        raise ConfigurationError("the saved cursor cannot be read; start the stream anew", detail=str(error)) from error
    return Backfill(next=ctx.since.isoformat(), until=ctx.captured_at.isoformat())


async def _window(client: Client, listing: Listing, span: Span) -> AsyncIterator[Step]:
    """The pages of a window from the last to the first: rows that change meanwhile leave it, and what moves up comes to
    a page that is still to be read. A window of more rows than the platform shows is cut in two."""
    first = await _page(client, listing, span, 1)
    if first.total > MOST_PAGES * PAGE_SIZE and span.until - span.since > timedelta(seconds=2):
        middle = span.since + (span.until - span.since) / 2
        for part in (
            msgspec.structs.replace(span, until=middle),
            msgspec.structs.replace(span, since=middle.replace(microsecond=0)),
        ):
            async for step in _window(client, listing, part):
                yield step
        return
    ids: set[str] = set()
    page, before = first, ""
    for number in range(min(first.last, MOST_PAGES), 0, -1):
        if first.last > 1:
            page = await _page(client, listing, span, number)
        ids |= {_mark(row, listing.id_field) for row in page.rows}
        yield Step(rows=page.rows)
        if page.rows and repr(page.rows) == before:
            break  # the same page again: the rest is counted as missing below
        before = repr(page.rows)
    if len(ids) < page.total:
        reason = f"the platform promised {page.total} rows of a window and gave {len(ids)}"
        raw = {"method": listing.method, "since": span.since.isoformat(), "until": span.until.isoformat()}
        yield Step(rows=[], rejects=[Reject(listing.record, reason, raw)])


class _Listed(msgspec.Struct, frozen=True, kw_only=True):
    rows: list[Any]
    total: int
    last: int


async def _page(client: Client, listing: Listing, span: Span, number: int) -> _Listed:
    unit = 1 if listing.seconds else 1000
    since, until = int(span.since.timestamp()) * unit, int(span.until.timestamp()) * unit
    data = await ask(
        client,
        listing.method,
        timeType=span.kind,
        startTime=since,
        endTime=max(until, since + unit),
        pageNo=number,
        pageSize=PAGE_SIZE,
    )
    found = listed(data, listing.root, listing.method)
    total = count_of(data, listing.total, listing.method)
    last = -(-total // PAGE_SIZE) if "maxPageNo" not in data else count_of(data, "maxPageNo", listing.method)
    if total < 0 or last < 0:
        raise ContractError(f"{listing.method} promises fewer than no rows")
    return _Listed(rows=found, total=total, last=max(last, 1))


def _mark(row: Any, id_field: str) -> str:
    return repr(row.get(id_field)) if isinstance(row, dict) else repr(row)


def _is_fresh(row: Any, seen: set[str]) -> bool:
    mark = repr(row)
    fresh = mark not in seen
    seen.add(mark)
    return fresh
