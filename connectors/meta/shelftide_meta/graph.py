"""Calls of the Graph API as both products make them: a node, an edge page by page, smaller where that is asked for."""

from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from shelftide_meta.auth import api
from shelftide_meta.replies import GraphError
from shelftide_meta.values import Row, list_of, node_of, unrepeated
from shelftide_sdk.bodies import read_json
from shelftide_sdk.connector import Context
from shelftide_sdk.errors import ContractError

PAGE_SIZE = 100
_SECRETS = frozenset({"access_token", "appsecret_proof", "fields", "limit"})


async def get_node(ctx: Context, path: str, fields: str, key: str = "id", **params: str) -> Row:
    """A node. Raises ContractError for a reply without `key`."""
    response = await ctx.client.get(f"{api(ctx.settings)}/{path}", params={"fields": fields, **params})
    return node_of(read_json(response.content), path, key)


async def get_list(ctx: Context, path: str, **params: str) -> list[Any]:
    """All of a short list that has no pages."""
    response = await ctx.client.get(f"{api(ctx.settings)}/{path}", params=params)
    return list_of(read_json(response.content), path)


async def get_pages(
    ctx: Context, path: str, fields: str, *, size: int = PAGE_SIZE, key: str = "id", **params: str | None
) -> AsyncIterator[list[Any]]:
    """The rows of an edge, page by page; a page that Meta finds too large is asked for again in smaller ones.

    Raises:
        ContractError: the paging goes round in a circle, or a reply has no list.
    """
    place: dict[str, str] = {}
    followed: set[str] = set()
    seen: set[str] = set()
    while True:
        asked = {**({"fields": fields} if fields else {}), **params, **place, "limit": str(size)}
        try:
            response = await ctx.client.get(f"{api(ctx.settings)}/{path}", params=asked)
        except GraphError as error:
            if not error.asks_for_less or size == 1:
                raise
            size = max(1, size // 2)
            continue
        body = read_json(response.content)
        found = list_of(body, path)
        yield unrepeated(found, seen, key) if key else found
        following = next_place(body)
        if following is None:
            return
        mark = repr(sorted(following.items()))
        if mark in followed:
            raise ContractError(f"the paging of {path} goes round in a circle")
        followed.add(mark)
        place = following


def next_place(body: Mapping[str, Any]) -> dict[str, str] | None:
    """The parameters of the next page, or None on the last: a cursor without `next` leads nowhere.

    They are taken out of the address that Meta gives, which also holds the token: it is never called as it stands.
    """
    paging = body.get("paging")
    if paging is None:
        return None
    if not isinstance(paging, Mapping):
        raise ContractError("a reply names no readable next page")
    following = paging.get("next")
    if following is None:
        return None
    if not isinstance(following, str) or not following:
        raise ContractError("a reply names no readable next page")
    try:
        query = dict(parse_qsl(urlsplit(following).query))
    except ValueError as error:
        raise ContractError("a reply names no readable next page") from error
    cursors = paging.get("cursors")
    after = cursors.get("after") if isinstance(cursors, Mapping) else None
    if isinstance(after, str) and after:
        return {"after": after}
    place = {name: value for name, value in query.items() if name not in _SECRETS}
    if not place:
        raise ContractError("a reply names no readable next page")
    return place
