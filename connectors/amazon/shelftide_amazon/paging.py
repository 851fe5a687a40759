"""Lists that go on with a token, and windows of time. Each API of Amazon names its token differently."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from shelftide_amazon.auth import seller_api
from shelftide_amazon.replies import RefusedError, body_of
from shelftide_amazon.values import list_of
from shelftide_sdk.connector import Context
from shelftide_sdk.errors import ContractError


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """A call that lists rows.

    Attributes:
        rows: where the rows are in the reply, as a path; the last name is the list.
        token: where the next token is in the reply, as a path.
        param: the parameter that takes it.
        alone: whether the token must be sent without the other parameters, but `kept`.
        cost: what a call takes from its budget.
    """

    path: str
    rows: tuple[str, ...]
    token: tuple[str, ...]
    param: str
    alone: bool = False
    kept: tuple[str, ...] = ()
    cost: float = 1.0


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A page of a list: its rows, the token of the next one (None at the end), and the whole reply."""

    rows: Sequence[Any]
    token: str | None
    body: Any


async def get_pages(
    ctx: Context, listing: Listing, params: Mapping[str, Any], token: str | None = None
) -> AsyncIterator[Step]:
    """All pages of a list from `token` on. Empty pages are passed through: a token may follow them.

    Raises:
        ContractError: a reply without its list, or a token that comes back.
        RefusedError: the platform refused; its `status` says more.
    """
    followed: set[str] = {token} if token else set()
    while True:
        asked = dict(params) if token is None or not listing.alone else {name: params[name] for name in listing.kept}
        if token is not None:
            asked[listing.param] = token
        response = await ctx.client.get(seller_api(ctx.settings) + listing.path, params=asked, cost=listing.cost)
        body = body_of(response)
        step = Step(rows=_rows(body, listing), token=_token(body, listing), body=body)
        yield step
        token = step.token
        if token is None:
            return
        if token in followed:
            raise ContractError(f"the list {listing.path} goes in a circle: a token came back")
        followed.add(token)


async def whole_list(ctx: Context, listing: Listing, params: Mapping[str, Any]) -> AsyncIterator[Step]:
    """All pages of a list whose tokens die young: begun once more when Amazon no longer knows a token.

    Rows may come twice then.
    """
    for last in (False, True):
        begun = False
        try:
            async for step in get_pages(ctx, listing, params):
                yield step
                begun = step.token is not None
        except RefusedError as error:
            if last or not begun or error.status not in (400, 404):
                raise
            ctx.log.info("a token of %s has died: the list is read again", listing.path)
        else:
            return


def _rows(body: Any, listing: Listing) -> list[Any]:
    *way, name = listing.rows
    for step in way:
        body = body.get(step) if isinstance(body, Mapping) else None
    return list_of(body, name, listing.path)


def _token(body: Any, listing: Listing) -> str | None:
    for name in listing.token:
        if not isinstance(body, Mapping):
            return None
        body = body.get(name)
    if body is None or body == "":
        return None
    if not isinstance(body, str):
        raise ContractError(f"the next token of {listing.path} is not a text")
    return body


def windows(start: datetime, end: datetime, longest: timedelta) -> Iterator[tuple[datetime, datetime]]:
    """Windows from `start` to `end`, none longer than `longest`; none where the start is not before the end."""
    while start < end:
        until = min(start + longest, end)
        yield start, until
        start = until


def stamp(at: datetime) -> str:
    """A time as Amazon takes it: UTC with a Z, whole seconds."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
