"""Walking ahead: the next page is on its way while one is worked on, and nothing else changes."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from shelftide_sdk.errors import AuthorizationError
from shelftide_shopify.door import Door
from shelftide_shopify.walk import Plan, Position, since_update, updated_mark, walk

PLAN = Plan(
    root="orders",
    query="{ orders }",
    mark=updated_mark(datetime(2026, 3, 2, tzinfo=UTC)),
    starting_at=since_update,
    size=1,
)


class Shop:
    """Three pages of one order each; counts what was asked and how it ended."""

    requested_cost = 1_000.0

    def __init__(self, refused: int = 0) -> None:
        self.asked: list[str | None] = []
        self.cancelled = 0
        self.refused = refused
        self.go = asyncio.Event()

    async def query(self, text: str, *, after: str | None, **_: Any) -> Mapping[str, Any]:
        self.asked.append(after)
        number = len(self.asked)
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if number == self.refused:
            raise AuthorizationError("no more")
        row = {"id": f"gid://shopify/Order/{number}", "updatedAt": f"2026-03-01T00:00:0{number}Z"}
        return {"orders": {"nodes": [row], "pageInfo": {"hasNextPage": number < 3, "endCursor": f"c{number}"}}}


async def test_the_next_page_is_asked_for_while_one_is_worked_on() -> None:
    shop = Shop()
    shop.go.set()
    asked = []
    async for step in walk(cast(Door, shop), PLAN, Position()):
        await asyncio.sleep(0)
        asked.append((step.position.after, list(shop.asked)))
    assert asked == [("c1", [None, "c1"]), ("c2", [None, "c1", "c2"]), ("c3", [None, "c1", "c2"])]


async def test_an_error_of_the_next_page_comes_after_the_page_before_it() -> None:
    shop = Shop(refused=2)
    shop.go.set()
    pages = []

    async def read() -> None:
        async for step in walk(cast(Door, shop), PLAN, Position()):
            await asyncio.sleep(0.01)
            pages.append(step.position.after)

    with pytest.raises(AuthorizationError):
        await read()
    assert pages == ["c1"]


async def test_a_walk_that_is_given_up_asks_for_nothing_more() -> None:
    shop = Shop()
    shop.go.set()
    steps = walk(cast(Door, shop), PLAN, Position())
    await anext(steps)
    shop.go.clear()
    await asyncio.sleep(0)
    assert shop.asked == [None, "c1"]
    await steps.aclose()
    assert shop.cancelled == 1
