"""Reading the changes of a Shop resource: windows of update time, pages inside a window, and where a read stands."""

from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from shelftide_sdk.bodies import read_json
from shelftide_sdk.client import Client
from shelftide_sdk.connector import Context, Cursor, Stream, promised
from shelftide_sdk.errors import ConfigurationError, ContractError
from shelftide_tiktok.auth import SHOP_API
from shelftide_tiktok.values import Row, data_of, listed

PAGE_SIZE = 100
WINDOW = timedelta(days=30)
_FRESH = timedelta(hours=12)  # a page token older than this is not trusted


class Search(msgspec.Struct, frozen=True, kw_only=True):
    """A resource that is searched by time.

    `field` is the time filter's name without its ending, `root` the list in the reply. `sorted` says whether the call
    takes `sort_field` and `sort_order`. `get` calls take the filter in the query.
    """

    path: str
    root: str
    field: str = "update_time"
    id_field: str = "id"
    page_size: int = PAGE_SIZE
    sorted: bool = True
    get: bool = False


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """A window being read: unix seconds, the first included, the last not; the token of the next page."""

    since: int
    until: int
    page_token: str = ""
    saved_at: str = ""


class Progress(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The cursor in its JSON form: all changes before `update_time` are safe; `window` is in the middle."""

    update_time: str | None = None
    window: Window | None = None


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of one page and the cursor that comes after them."""

    rows: list[Row]
    cursor: Cursor


def load_progress(cursor: Cursor | None) -> Progress:
    """Read a saved cursor. Raises ConfigurationError for one that this connector did not write."""
    try:
        progress = msgspec.convert(cursor or {}, Progress)
        if progress.update_time is not None:
            datetime.fromisoformat(progress.update_time)
    except (msgspec.ValidationError, ValueError) as error:
        raise ConfigurationError("the saved cursor cannot be read; start the stream anew", detail=str(error)) from error
    return progress


def save_progress(progress: Progress) -> Cursor:
    """The JSON form of a cursor."""
    value: dict[str, Any] = msgspec.to_builtins(progress)
    return value


def plan_windows(ctx: Context, stream: Stream, progress: Progress) -> Iterator[Window]:
    """The windows from where the last read ended up to this read's moment, an unfinished one first."""
    started = ctx.captured_at
    end = int(started.timestamp()) + 1
    since = int(ctx.start(stream, {"update_time": progress.update_time}).timestamp())
    unfinished = progress.window
    if unfinished is not None:
        fresh = _saved(unfinished) > started - _FRESH
        yield unfinished if fresh else msgspec.structs.replace(unfinished, page_token="")
        since = unfinished.until
    while since < end:
        until = min(since + int(WINDOW.total_seconds()), end)
        yield Window(since=since, until=until)
        since = until


async def changes(ctx: Context, stream: Stream, cursor: Cursor | None, search: Search) -> AsyncIterator[Step]:
    """Pages of all changes, each row once."""
    progress = load_progress(cursor)
    seen: set[str] = set()
    for window in plan_windows(ctx, stream, progress):
        async for found, token in _restartable(ctx, window, search):
            if token:
                place = msgspec.structs.replace(window, page_token=token, saved_at=ctx.captured_at.isoformat())
                progress = Progress(update_time=progress.update_time, window=place)
            else:
                done = datetime.fromtimestamp(window.until - 1, UTC).isoformat()
                progress = Progress(update_time=done)
            yield Step(rows=_unseen(found, search, seen), cursor=save_progress(progress))


async def _restartable(ctx: Context, window: Window, search: Search) -> AsyncIterator[tuple[list[Row], str]]:
    """The window's pages from its token on; from its beginning when the platform no longer knows the token."""
    moved = False
    try:
        async for step in _window_pages(ctx.client, window, search):
            moved = True
            yield step
    except ContractError:
        if moved or not window.page_token:
            raise
        ctx.log.info("the saved page of %s is gone; the window is read again", search.path)
        async for step in _window_pages(ctx.client, msgspec.structs.replace(window, page_token=""), search):
            yield step


async def _window_pages(client: Client, window: Window, search: Search) -> AsyncIterator[tuple[list[Row], str]]:
    time_filter = {f"{search.field}_ge": window.since, f"{search.field}_lt": window.until}
    async for step in pages(client, search, time_filter, window.page_token):
        yield step


async def pages(
    client: Client, search: Search, filters: Mapping[str, Any], token: str = ""
) -> AsyncIterator[tuple[list[Row], str]]:
    """(rows, token of the next page or "") to the end. Raises ContractError when paging goes round in a circle."""
    visited = {token} if token else set()
    resumed, shown = bool(token), 0
    while True:
        query: dict[str, Any] = {"page_size": search.page_size}
        if search.sorted:
            query |= {"sort_field": search.field, "sort_order": "ASC"}
        if token:
            query["page_token"] = token
        # An answer with neither rows nor their number is also what a reply looks like that lost them.
        data = await _ask(client, search, query, filters) or await _ask(client, search, query, filters)
        found, token = _page(data, search)
        if not resumed:
            promised(found, shown, data.get("total_count"), search.path)
        shown += len(found)
        if token in visited:
            raise ContractError("TikTok's paging goes round in a circle", detail=search.path)
        visited.add(token)
        yield found, token
        if not token:
            return


async def _ask(client: Client, search: Search, query: dict[str, Any], filters: Mapping[str, Any]) -> Row:
    if search.get:
        response = await client.get(SHOP_API + search.path, params=query | dict(filters))
    else:
        response = await client.post(SHOP_API + search.path, params=query, json=dict(filters))
    return data_of(read_json(response.content), search.path)


def _page(data: Row, search: Search) -> tuple[list[Row], str]:
    token = data.get("next_page_token")
    return listed(data, search.root, search.path), token if isinstance(token, str) else ""


def _unseen(found: list[Row], search: Search, seen: set[str]) -> list[Row]:
    fresh = []
    for row in found:
        key = row.get(search.id_field) if isinstance(row, dict) else None
        mark = repr((key, row.get(search.field))) if key is not None else ""
        if not mark or mark not in seen:
            fresh.append(row)
        seen.add(mark)
    return fresh


def _saved(window: Window) -> datetime:
    try:
        return datetime.fromisoformat(window.saved_at).astimezone(UTC)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
