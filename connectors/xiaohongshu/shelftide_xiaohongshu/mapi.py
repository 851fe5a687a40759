"""Calls of Xiaohongshu's marketing API: Juguang's and Pugongying's lists, page by page."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from shelftide_sdk.client import Client
from shelftide_sdk.connector import Context, Cursor, Page, Stream, map_rows
from shelftide_sdk.errors import ConfigurationError, ContractError, DataError
from shelftide_sdk.records import Record
from shelftide_xiaohongshu.auth import MAPI
from shelftide_xiaohongshu.values import Row, count_of, data_of, exact, identifier, listed, unrepeated

_MOST_PAGES = 10_000


async def ask(client: Client, path: str, asked: Mapping[str, Any]) -> Row:
    """The whole reply of one call; some calls put their rows beside `data`."""
    body = exact(await client.post(MAPI + path, json=dict(asked)))
    if not isinstance(body, Mapping):
        raise ContractError(f"the reply of {path} is no object")
    return body


def rows_of(body: Row, path: str, root: str) -> tuple[list[Any], int]:
    """(rows, how many there are in all) of a reply; the number stands beside the rows or in `page`."""
    data = body if root in body else data_of(body, path)
    page = data.get("page")
    counted = page if isinstance(page, Mapping) and "total_count" in page else data
    name = "total_count" if "total_count" in counted else "total"
    return listed(data, root, path), count_of(counted, name, path)


async def paged(
    ctx: Context, path: str, root: str, asked: Mapping[str, Any], *, size: int, nested: bool | None = False
) -> AsyncIterator[list[Any]]:
    """Pages by number, each row once. `nested` puts number and size into `page`; None names them `page`, `page_size`.

    Raises ContractError for a page that repeats the one before, and for fewer rows than the platform promised.
    """
    number, before, shown = 1, "", 0
    seen: set[str] = set()
    while number <= _MOST_PAGES:
        body = await ask(ctx.client, path, {**asked, **_place(number, size, nested)})
        found, total = rows_of(body, path, root)
        mark = repr(found)
        if found and mark == before:
            raise ContractError(f"{path} gives the same page again")
        fresh = unrepeated(found, seen)
        shown += len(fresh)
        yield fresh
        if number * size >= total:
            if shown < total:
                raise ContractError(f"{path} promised {total} rows and gave {shown}")
            return
        number, before = number + 1, mark
    raise ContractError(f"{path} does not end")


def _place(number: int, size: int, nested: bool | None) -> dict[str, Any]:
    if nested:
        return {"page": {"page_index": number, "page_size": size}}
    return {"page" if nested is None else "page_num": number, "page_size": size}


def start_of(ctx: Context, stream: Stream, cursor: Cursor | None) -> datetime:
    """Where a read begins. Raises ConfigurationError for a cursor of somebody else's."""
    try:
        return ctx.start(stream, cursor)
    except ValueError as error:
        raise ConfigurationError("the saved cursor cannot be read; start the stream anew", detail=str(error)) from error


def day_windows(first: date, last: date, most: int) -> list[tuple[date, date]]:
    """Windows of at most `most` days, both ends included."""
    found = []
    while first <= last:
        end = min(first + timedelta(days=most - 1), last)
        found.append((first, end))
        first = end + timedelta(days=1)
    return found


def page_of(found: Sequence[Any], mapping: Any, record: type[Record], cursor: Cursor | None = None) -> Page:
    """A page of mapped rows."""
    records, rejects = map_rows(found, mapping, record)
    return Page(records=records, rejects=rejects, cursor=cursor)


def the_setting(ctx: Context, name: str, what: str) -> str:
    """A setting that the account gave. Raises ConfigurationError when it is missing."""
    try:
        return identifier(ctx.settings.get(name), name)
    except DataError as error:
        raise ConfigurationError(
            f"The connection does not say which {what} it is for.", hint="Reconnect it."
        ) from error
