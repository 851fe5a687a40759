"""Comments under an account's videos, replies and hidden ones included.

TikTok has no list of new comments: a video is walked again, whole, when its count of comments has moved since the last
walk. Source: Business API documentation, `business/comment/list/` and `business/comment/reply/list/`.
"""

from collections.abc import AsyncIterator
from datetime import datetime
from functools import partial
from typing import Any

import msgspec

from shelftide_sdk.bodies import read_json
from shelftide_sdk.connector import Context, Cursor, Page, Reject, map_rows
from shelftide_sdk.errors import AuthorizationError, ConfigurationError, ContractError, DataError
from shelftide_sdk.records import Comment
from shelftide_tiktok.auth import ORGANIC_API
from shelftide_tiktok.mapping_organic import is_public, map_comment
from shelftide_tiktok.values import Row, data_of, listed, maybe_whole, unrepeated
from shelftide_tiktok.videos import list_videos

MOST = 30
SCOPE = "comment.list"
_LIST = "business/comment/list/"
_REPLIES = "business/comment/reply/list/"
_FIELDS = ("item_id", "comments")
_MOST_PAGES = 10_000
_SENSIBLE = 2**53
_GONE = "answered 40007"  # the object does not exist


class Walked(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The cursor in its JSON form: the count of comments that each video had when it was walked."""

    counts: dict[str, int] = {}


async def read_comments(ctx: Context, account_id: str, cursor: Cursor | None) -> AsyncIterator[Page]:
    """Comments since `ctx.since` of every video whose count has moved, or is not told.

    Raises ConfigurationError for a cursor of somebody else's.
    """
    try:
        before = msgspec.convert(cursor or {}, Walked).counts
    except msgspec.ValidationError as error:
        raise ConfigurationError("the saved cursor cannot be read; start the stream anew", detail=str(error)) from error
    counts: dict[str, int] = {}
    waiting: dict[str, int | None] = {}
    async for row in _videos(ctx, account_id):
        video = row.get("item_id") if isinstance(row, dict) else None
        if not isinstance(video, str) or not video:
            yield Page(rejects=[Reject("Comment", "a video without an id: its comments cannot be asked for", row)])
        elif is_public(video):
            count = _count(row)
            if count is not None and before.get(video, 0) == count:
                counts[video] = count
            else:
                waiting[video] = count
    # Until they are walked, the old counts hold: they bring the walk back after a crash.
    counts |= {video: before[video] for video in waiting if video in before}
    for video, count in waiting.items():
        async for page in _video_comments(ctx, account_id, video):
            yield page
        counts.pop(video, None)
        if count is not None:
            counts[video] = count
        yield Page(cursor=msgspec.to_builtins(Walked(counts=counts)))
    if not waiting:
        yield Page(cursor=msgspec.to_builtins(Walked(counts=counts)))


async def _videos(ctx: Context, account_id: str) -> AsyncIterator[Any]:
    """The row of every video; those of before the read's start may still be talked about."""
    place: int | None = None
    seen: set[str] = set()
    while True:
        found, place = await list_videos(ctx, account_id, place, _FIELDS)
        for row in unrepeated(found, "item_id", seen):
            yield row
        if place is None:
            return


def _count(row: Row) -> int | None:
    """The count of comments; None, which asks for a walk, when it is not told or is no sensible number."""
    try:
        count = maybe_whole(row, "comments")
    except DataError:
        return None
    return count if count is not None and 0 <= count < _SENSIBLE else None


async def _video_comments(ctx: Context, account_id: str, video: str) -> AsyncIterator[Page]:
    asked = {"business_id": account_id, "video_id": video, "status": "ALL"}
    seen: set[str] = set()
    async for found in _paged(ctx, _LIST, {**asked, "include_replies": "true", "sort_field": "create_time"}):
        fresh = unrepeated(found, "comment_id", seen)
        yield _page(fresh, video, None, ctx.since)
        for row in fresh:
            async for page in _thread(ctx, asked, video, row):
                yield page


async def _thread(ctx: Context, asked: dict[str, str], video: str, row: Any) -> AsyncIterator[Page]:
    """The replies to a comment: those that came with it, or all of them by a call of their own."""
    parent = row.get("comment_id") if isinstance(row, dict) else None
    if not isinstance(parent, str) or not parent:
        return  # the comment itself is rejected
    inline = row.get("reply_list") or []
    count = _replies(row)
    seen: set[str] = set()
    if isinstance(inline, list) and count is not None and len(inline) >= count:
        yield _page(unrepeated(inline, "comment_id", seen), video, parent, ctx.since)
        return
    async for found in _paged(ctx, _REPLIES, {**asked, "comment_id": parent}):
        yield _page(unrepeated(found, "comment_id", seen), video, parent, ctx.since)


def _replies(row: Row) -> int | None:
    try:
        return maybe_whole(row, "replies")
    except DataError:
        return None


def _page(found: list[Any], video: str, parent: str | None, since: datetime) -> Page:
    records, rejects = map_rows(found, partial(map_comment, video_id=video, parent_id=parent), Comment)
    recent = [record for record in records if isinstance(record, Comment) and record.written_at >= since]
    return Page(records=recent, rejects=rejects)


async def _paged(ctx: Context, call: str, asked: dict[str, str]) -> AsyncIterator[list[Any]]:
    """Pages by cursor. Raises ContractError when they go round in a circle, AuthorizationError naming the scope."""
    place: Any = None
    visited: set[str] = set()
    for _ in range(_MOST_PAGES):
        params: dict[str, Any] = {**asked, "max_count": MOST} | ({} if place is None else {"cursor": place})
        data = await _data(ctx, call, params)
        yield listed(data, "comments", call)
        if not data.get("has_more"):
            return
        place = data.get("cursor")
        if not isinstance(place, int | str) or isinstance(place, bool) or str(place) in visited:
            raise ContractError("TikTok's paging goes round in a circle", detail=f"{call} cursor {place!r}")
        visited.add(str(place))
    raise ContractError(f"{call} does not end")


async def _data(ctx: Context, call: str, params: dict[str, Any]) -> Row:
    try:
        response = await ctx.client.get(f"{ORGANIC_API}{call}", params=params)
    except AuthorizationError as error:
        if error.refreshable:
            raise
        raise AuthorizationError(error.message, hint=error.hint, missing_scopes=(SCOPE,)) from error
    except ConfigurationError as error:
        if _GONE not in error.message:
            raise
        ctx.log.info("a video or comment was deleted while it was read: %s", error.message)
        return {"comments": []}
    return data_of(read_json(response.content), call)
