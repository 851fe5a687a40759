"""Walks over an account's posts, newest first, back to where a read starts."""

from collections.abc import AsyncIterator
from datetime import datetime
from functools import partial
from typing import Any

from shelftide_meta.graph import get_pages
from shelftide_meta.insights import Insights
from shelftide_meta.mapping_instagram import map_content, map_snapshot, post_figures
from shelftide_meta.replies import GraphError
from shelftide_meta.values import moment
from shelftide_sdk.connector import Context, Cursor, Page, Stream, map_rows
from shelftide_sdk.errors import ConfigurationError, DataError
from shelftide_sdk.parallel import side_by_side
from shelftide_sdk.records import Content, ContentSnapshot

AT_ONCE = 10  # insights that are asked for together; Meta counts calls, whenever they come


def start_of(ctx: Context, stream: Stream, cursor: Cursor | None) -> datetime:
    """Where a read starts. Raises ConfigurationError for a cursor that this connector did not write."""
    try:
        return ctx.start(stream, cursor)
    except ValueError as error:
        raise ConfigurationError("the saved cursor cannot be read; start the stream anew", detail=str(error)) from error


class Walk:
    """The posts of an edge since `start`. `place` is the cursor after the walk: the newest post that it met."""

    def __init__(self, ctx: Context, edge: str, fields: str, start: datetime, cursor: Cursor | None) -> None:
        self._ctx = ctx
        self._edge = edge
        self._fields = fields
        self._start = start
        seen = (cursor or {}).get("timestamp")
        self._newest = datetime.fromisoformat(str(seen)) if seen else start

    @property
    def place(self) -> Cursor:
        """The cursor after the walk."""
        return {"timestamp": self._newest.isoformat()}

    async def pages(self, *, filtered: bool = True) -> AsyncIterator[list[Any]]:
        """Pages of posts without older ones; unreadable ones stay. `filtered` where the edge takes a start."""
        since = str(max(0, int(self._start.timestamp()))) if filtered else None
        async for found in get_pages(self._ctx, self._edge, self._fields, since=since):
            fresh = [row for row in found if self._is_wanted(row)]
            yield fresh
            if found and not fresh:
                return

    def _is_wanted(self, row: Any) -> bool:
        try:
            at = moment(row.get("timestamp"), "timestamp")
        except (DataError, AttributeError):
            return True  # on its way to quarantine
        if at <= self._ctx.clock.now():
            self._newest = max(self._newest, at)
        return at >= self._start


async def read_posts(ctx: Context, profile_id: str, walk: Walk) -> AsyncIterator[Page]:
    """Posts with children and snapshots; the cursor comes with the last page, since the newest come first."""
    insights = Insights(ctx)
    async for found in walk.pages():
        yield await map_posts(ctx, profile_id, insights, found)
    yield Page(cursor=walk.place)


async def map_posts(ctx: Context, profile_id: str, insights: Insights, found: list[Any]) -> Page:
    """A page of posts with their figures at `ctx.captured_at`."""
    posts, rejects = map_rows(found, lambda row: map_content(row, profile_id), Content)
    good = {post.source_id for post in posts if isinstance(post, Content)}

    async def figures(row: Any) -> AsyncIterator[tuple[Any, list[Any]]]:
        yield row, await insights.of_post(row)

    asked = [partial(figures, row) for row in found if isinstance(row, dict) and str(row.get("id")) in good]
    read = [pair async for pair in side_by_side(asked, AT_ONCE)]
    snapshots, broken = map_rows(
        read, lambda pair: map_snapshot(pair[0], post_figures(pair[1]), ctx.captured_at), ContentSnapshot
    )
    return Page(records=[*posts, *snapshots], rejects=[*rejects, *broken])


async def edge_of_post(ctx: Context, row: Any, edge: str, fields: str, key: str) -> list[Any]:
    """All rows of an edge of a post; none when the post is gone in the meantime."""
    found: list[Any] = []
    try:
        async for page in get_pages(ctx, f"{row['id']}/{edge}", fields, size=50, key=key):
            found += page
    except GraphError as error:
        if not error.is_gone:
            raise
        ctx.log.info("a post is gone: %s", error.message)
    return found
