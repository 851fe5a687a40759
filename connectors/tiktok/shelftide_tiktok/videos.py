"""The walk over an account's videos, newest first, and the posts that wait for their public id.

A post in moderation is listed under the id of its publishing. The read keeps those ids in its cursor and asks
`business/publish/status/` for the public id until there is one; the video then replaces the pending row.
"""

import json
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from shelftide_sdk.bodies import read_json
from shelftide_sdk.connector import Context, Cursor, Delete, Page, map_rows
from shelftide_sdk.errors import ConfigurationError, ContractError, DataError
from shelftide_sdk.records import Content
from shelftide_tiktok.auth import ORGANIC_API
from shelftide_tiktok.mapping_organic import VIDEO_FIELDS, created_at, is_public, map_video
from shelftide_tiktok.values import data_of, listed, whole

PAGE_SIZE = 20
# TikTok stops counting a year after publishing; a little more for safety.
_COUNTED_FOR = timedelta(days=370)
_FRESH = timedelta(hours=12)
_WAITS_FOR = timedelta(days=30)
_FAILED = "FAILED"


class Walk(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The cursor in its JSON form.

    Attributes:
        cursor: the platform's place of the next page (epoch milliseconds), in the middle of a read only.
        captured_at: when the read in the middle began.
        pending: posts in moderation, or whose row is still to be replaced: id to time of posting.
        whole: every video, however old, has been read once.
    """

    cursor: int | None = None
    captured_at: str = ""
    pending: dict[str, str] = {}
    whole: bool = False


class _Pending:
    """Posts in moderation during one read. `public` leads from a public id to the one that it replaces."""

    def __init__(self, waiting: dict[str, str]) -> None:
        self.waiting = dict(waiting)
        self.public: dict[str, str] = {}

    def settle(self, item_id: str) -> str | None:
        """The id that a public video had in moderation, if its row is to be replaced now."""
        before = self.public.pop(item_id, None)
        if before is not None:
            self.waiting.pop(before, None)
        return before


def load_walk(cursor: Cursor | None) -> Walk:
    """Read a saved cursor. Raises ConfigurationError for one that this connector did not write."""
    try:
        walk = msgspec.convert(cursor or {}, Walk)
        if walk.captured_at:
            datetime.fromisoformat(walk.captured_at)
    except (msgspec.ValidationError, ValueError) as error:
        raise ConfigurationError("the saved cursor cannot be read; start the stream anew", detail=str(error)) from error
    return walk


async def read_videos(ctx: Context, account_id: str, cursor: Cursor | None) -> AsyncIterator[Page]:
    """All videos that are still counted, with snapshots at `ctx.captured_at`; on a first read older ones too."""
    walk = load_walk(cursor)
    resumed = bool(walk.captured_at) and datetime.fromisoformat(walk.captured_at) > ctx.captured_at - _FRESH
    started = walk.captured_at if resumed else ctx.captured_at.isoformat()
    place = walk.cursor if resumed else None
    pending = _Pending(walk.pending)
    gone = await _resolve(ctx, account_id, pending)
    if gone:
        yield Page(deletes=[Delete(Content, {"source_id": key}) for key in gone])
    oldest = ctx.captured_at - _COUNTED_FOR if walk.whole else None
    seen: set[str] = set()
    while True:
        found, place = await list_videos(ctx, account_id, place)
        fresh = [row for row in found if not _seen(row, seen)]
        done = place is None or _older(found, oldest)
        page = _map(fresh, account_id, ctx.captured_at, pending)
        state = Walk(
            cursor=None if done else place,
            captured_at="" if done else started,
            pending=pending.waiting,
            whole=walk.whole or done,
        )
        saved: dict[str, Any] = msgspec.to_builtins(state)
        yield msgspec.structs.replace(page, cursor=saved)
        if done:
            return


def _map(found: list[Any], account_id: str, captured_at: datetime, pending: _Pending) -> Page:
    settled = {key: before for key in map(_item_id, found) if (before := pending.settle(key)) is not None}
    records, rejects = map_rows(
        found, lambda row: map_video(row, account_id, captured_at, settled.get(_item_id(row))), Content
    )
    for record in records:
        if isinstance(record, Content) and not is_public(record.source_id):
            pending.waiting.setdefault(record.source_id, record.published_at.isoformat())
    deletes = [Delete(Content, {"source_id": before}) for before in settled.values()]
    return Page(records=records, rejects=rejects, deletes=deletes)


async def _resolve(ctx: Context, account_id: str, pending: _Pending) -> list[str]:
    """Ask for the public ids of waiting posts. Returns those that will never have one."""
    gone = []
    for key, posted_at in list(pending.waiting.items()):
        data = await _publish_status(ctx, account_id, key)
        for public in listed(data, "post_ids", "business/publish/status/"):
            pending.public[str(public)] = key
        expired = datetime.fromisoformat(posted_at) < ctx.captured_at - _WAITS_FOR
        if data.get("status") == _FAILED or expired:
            gone.append(key)
            del pending.waiting[key]
    return gone


async def _publish_status(ctx: Context, account_id: str, publish_id: str) -> Any:
    """What became of a publishing; nothing when TikTok no longer knows it, which must not stop the read."""
    params = {"business_id": account_id, "publish_id": publish_id}
    try:
        response = await ctx.client.get(f"{ORGANIC_API}business/publish/status/", params=params)
    except (ContractError, ConfigurationError) as error:
        ctx.log.info("the status of a post in moderation is not known: %s", error.message)
        return {}
    return read_json(response.content).get("data") or {}


async def list_videos(
    ctx: Context, account_id: str, place: int | None, fields: Sequence[str] = VIDEO_FIELDS
) -> tuple[list[Any], int | None]:
    """(videos, place of the next page or None). Raises ContractError when the place does not move on."""
    params: dict[str, Any] = {
        "business_id": account_id,
        "fields": json.dumps(fields),
        "max_count": PAGE_SIZE,
    }
    if place is not None:
        params["cursor"] = place
    response = await ctx.client.get(f"{ORGANIC_API}business/video/list/", params=params)
    data = data_of(read_json(response.content), "business/video/list/")
    found = listed(data, "videos", "business/video/list/")
    try:
        following = whole(data.get("cursor"), "cursor") if data.get("has_more") else None
    except DataError as error:
        raise ContractError(f"business/video/list/: {error.message}") from error
    if following is not None and place is not None and following >= place:
        raise ContractError("TikTok's paging goes round in a circle", detail=f"{place} -> {following}")
    return found, following


def _older(found: list[Any], oldest: datetime | None) -> bool:
    """Whether a page lies wholly before what is still counted."""
    if oldest is None or not found:
        return False
    try:
        return max(created_at(row) for row in found) < oldest
    except (DataError, KeyError, TypeError):
        return False


def _item_id(row: Any) -> str:
    return str(row.get("item_id", "")) if isinstance(row, dict) else ""


def _seen(row: Any, seen: set[str]) -> bool:
    key = _item_id(row)
    known = bool(key) and key in seen
    seen.add(key)
    return known
