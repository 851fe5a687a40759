"""Competitors through business discovery: one nested node an account, its posts paged inside it."""

import re
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from shelftide_meta.graph import get_node
from shelftide_meta.mapping_instagram import PUBLIC_MEDIA, PUBLIC_PROFILE, map_competitor, map_competitor_post
from shelftide_meta.replies import GraphError
from shelftide_meta.values import Row, moment, node_of, unrepeated
from shelftide_sdk.connector import Context, Page, map_rows
from shelftide_sdk.errors import ContractError, DataError
from shelftide_sdk.records import Content, Profile

_POSTS = 50
_PAST = timedelta(days=30)  # counts of older posts hardly move
_UNKNOWN_ACCOUNT = (100, 110)


def handles_of(ctx: Context) -> list[str]:
    """The handles that a person listed, each once."""
    listed = re.split(r"[\s,;]+", ctx.settings.get("competitors", ""))
    return list(dict.fromkeys(handle.removeprefix("@") for handle in listed if handle.removeprefix("@")))


async def read_competitors(ctx: Context, own_id: str) -> AsyncIterator[Page]:
    """Profiles, followers today and posts since the start of the read, 30 days back at most."""
    for handle in handles_of(ctx):
        async for page in _read(ctx, own_id, handle):
            yield page


async def _read(ctx: Context, own_id: str, handle: str) -> AsyncIterator[Page]:
    start = max(ctx.since, ctx.captured_at - _PAST)
    place, followed, seen = "", set[str](), set[str]()
    while True:
        found = await _discover(ctx, own_id, handle, place)
        if found is None:
            return
        if not followed:
            records, rejects = map_rows([found], lambda row: map_competitor(row, ctx.captured_at), Profile)
            yield Page(records=records, rejects=rejects)
        rows, following = _posts(found)
        profile_id = str(found["id"])
        fresh = [row for row in unrepeated(rows, seen) if _is_since(row, start)]
        mapping = partial(map_competitor_post, profile_id=profile_id, captured_at=ctx.captured_at)
        records, rejects = map_rows(fresh, mapping, Content)
        yield Page(records=records, rejects=rejects)
        if not following or (rows and not fresh):
            return
        if following in followed:
            raise ContractError("the paging of business_discovery goes round in a circle")
        followed.add(following)
        place = following


async def _discover(ctx: Context, own_id: str, handle: str, place: str) -> Row | None:
    """The account as everybody sees it; None when Meta does not show it: no such account, or no professional one."""
    after = f".after({place})" if place else ""
    media = f"media.limit({_POSTS}){after}{{{PUBLIC_MEDIA}}}"
    fields = f"business_discovery.username({handle}){{{PUBLIC_PROFILE},{media}}}"
    try:
        reply = await get_node(ctx, own_id, fields, "business_discovery")
    except GraphError as error:
        if error.code not in _UNKNOWN_ACCOUNT or not _is_about_account(error):
            raise
        ctx.log.info("competitor %s is not available: %s", handle, error.message)
        return None
    found = node_of(reply["business_discovery"], "business_discovery")
    if str(found.get("username")).lower() != handle.lower():
        raise ContractError(f"{handle} was asked for, another account came")
    return found


def _is_about_account(error: GraphError) -> bool:
    said = error.message.lower()
    return error.code == 110 or error.is_gone or error.subcode in (2207013,) or "user" in said or "account" in said


def _posts(found: Row) -> tuple[list[Any], str]:
    """(posts, cursor of the next page or "")."""
    media = found.get("media")
    if media is None:
        return [], ""
    data = media.get("data") if isinstance(media, Mapping) else None
    if not isinstance(data, list):
        raise ContractError("business_discovery holds no list of posts")
    paging = media.get("paging")
    cursors = paging.get("cursors") if isinstance(paging, Mapping) else None
    after = cursors.get("after") if isinstance(cursors, Mapping) else None
    # A nested edge names no `next`: a cursor after a full page is followed, one that brings nothing ends the walk.
    return data, str(after) if after and data else ""


def _is_since(row: Any, start: datetime) -> bool:
    try:
        return moment(row.get("timestamp"), "timestamp") >= start
    except (DataError, AttributeError):
        return True
