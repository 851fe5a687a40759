"""Walking through a connection page by page: any size, past the 25,000-object wall, and again after a crash."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from shelftide_sdk.errors import ContractError, DataError, TransientError
from shelftide_shopify.door import Door
from shelftide_shopify.mapping import Row, nodes
from shelftide_shopify.replies import QueryTooLargeError
from shelftide_shopify.shop import moment, number, timestamp

MAX_PAGE = 250
WALL = 25_000
_COST_TARGET = 900.0  # a query may cost 1,000; the rest is room for what the estimate misses
_EDGE = 1_000
_RECENT = 20_000


class WallError(ContractError):
    """More rows share one mark than a connection can be paged through. Only a bulk operation reads them."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How a connection is walked.

    Attributes:
        root: the query's root field.
        mark: a row's place in the order of the walk, as text that sorts.
        starting_at: the search filter that starts at a mark; None for the beginning.
        size: rows of the first page.
    """

    root: str
    query: str
    mark: Callable[[Row], str]
    starting_at: Callable[[str | None], str | None]
    size: int


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """Where a walk stands; its JSON form is saved in the stream's cursor.

    `edge` holds the rows that a restart or a repeated page would bring again: id to mark.
    """

    start: str | None = None
    after: str | None = None
    seen: int = 0
    last: str | None = None
    edge: dict[str, str] = {}


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One page: rows not seen before, the position after them, and whether more follow."""

    rows: Sequence[Row]
    position: Position
    more: bool


class PageSize:
    """Rows a page. Halves when a query is too large or the platform fails, and grows again as the cost allows."""

    def __init__(self, value: int) -> None:
        self.value = value

    def halve(self) -> bool:
        """Half the size; False when it cannot shrink."""
        if self.value <= 1:
            return False
        self.value //= 2
        return True

    def grow(self, cost: float) -> None:
        """At most double, at most what `cost` (of a page of this size) leaves room for."""
        affordable = int(self.value * _COST_TARGET / cost) if cost > 0 else self.value * 2
        self.value = max(1, min(MAX_PAGE, self.value * 2, affordable))


def updated_mark(now: datetime) -> Callable[[Row], str]:
    """Mark of a walk in the order of the last change; none for a change of the future, which would skip all until then.

    An hour is left for clocks that differ and for what changes while it is read.
    """
    latest = timestamp(now + timedelta(hours=1))

    def mark(row: Row) -> str:
        found = timestamp(moment(row["updatedAt"]))
        return found if found <= latest else ""

    return mark


def since_update(mark: str | None) -> str | None:
    """Filter of a walk in the order of the last change. The quotes are part of Shopify's syntax."""
    return None if mark is None else f"updated_at:>='{mark}'"


def id_mark(row: Row) -> str:
    """Mark of a walk in the order of ids."""
    return number(row["id"]).zfill(20)


def since_id(mark: str | None) -> str | None:
    """Filter of a walk in the order of ids."""
    return None if mark is None else f"id:>={int(mark)}"


async def walk(door: Door, plan: Plan, position: Position) -> AsyncGenerator[Step, None]:
    """Yield the pages of a connection from `position` on. The next page is asked for while one is worked on.

    Raises:
        ContractError: the platform's paging goes round in a circle.
        WallError: 25,000 rows or more share one mark.
    """
    size = PageSize(plan.size)
    visited = {position.after}
    recent: OrderedDict[str, str] = OrderedDict(position.edge)
    asked: asyncio.Task[Mapping[str, Any]] | None = None
    more = True
    try:
        while more:
            if position.seen >= WALL:
                position, visited = _restart(position), {None}
            connection = await (asked or fetch(door, plan, position, size))
            rows = nodes(connection)
            info = connection["pageInfo"]
            more = has_more(info)
            if more:
                _refuse_circle(info["endCursor"], visited)
            marks = [row_mark(row, plan) for row in rows]
            fresh = _unseen(rows, marks, recent)
            position = _advance(position, rows, marks, info["endCursor"])
            ahead = more and position.seen < WALL
            asked = asyncio.create_task(fetch(door, plan, position, size)) if ahead else None
            yield Step(rows=fresh, position=position, more=more)
    finally:
        if asked is not None:
            asked.cancel()
            await asyncio.gather(asked, return_exceptions=True)


async def fetch(door: Door, plan: Plan, position: Position, size: PageSize) -> Mapping[str, Any]:
    """One page, smaller and smaller while Shopify cannot serve it."""
    while True:
        first = min(size.value, WALL - position.seen)
        try:
            data = await door.query(
                plan.query, first=first, after=position.after, query=plan.starting_at(position.start)
            )
        except (QueryTooLargeError, TransientError):
            if not size.halve():
                raise
            continue
        connection = data.get(plan.root)
        if not isinstance(connection, dict):
            raise ContractError(f"Shopify's reply has no {plan.root}")
        if first == size.value:
            size.grow(door.requested_cost)
        return connection


def has_more(info: Any) -> bool:
    """Whether `pageInfo` names a next page. Raises ContractError where it does not say: the rest would be lost."""
    more = info.get("hasNextPage") if isinstance(info, dict) else None
    if not isinstance(more, bool):
        raise ContractError("Shopify does not say whether there are more pages")
    return more


def _refuse_circle(cursor: str | None, visited: set[str | None]) -> None:
    if cursor is None or cursor in visited:
        raise ContractError("Shopify's paging goes round in a circle", detail=f"cursor {cursor!r} came twice")
    visited.add(cursor)


def _restart(position: Position) -> Position:
    if position.last is None or position.last == position.start:
        raise WallError(f"more than {WALL} rows changed at the same moment", detail=f"mark {position.last}")
    edge = {key: mark for key, mark in position.edge.items() if mark == position.last}
    return Position(start=position.last, last=position.last, edge=edge)


def _unseen(rows: Sequence[Row], marks: Sequence[str], recent: OrderedDict[str, str]) -> list[Row]:
    fresh = []
    for row, mark in zip(rows, marks, strict=True):
        key = _key(row)
        # A row without id or mark cannot be told from another one: it goes on to the mapping, which names the fault.
        if not key or not mark:
            fresh.append(row)
        elif recent.get(key) != mark:
            recent[key] = mark
            fresh.append(row)
    while len(recent) > _RECENT:
        recent.popitem(last=False)
    return fresh


def _advance(position: Position, rows: Sequence[Row], marks: Sequence[str], cursor: str | None) -> Position:
    last = max(filter(None, (*marks, position.last)), default=None)
    kept = {key: mark for key, mark in position.edge.items() if mark == last}
    edge = {**kept, **{key: mark for key, mark in zip(map(_key, rows), marks, strict=True) if key and mark}}
    return Position(
        start=position.start,
        after=cursor or position.after,
        seen=position.seen + len(rows),
        last=last,
        edge=dict(list(edge.items())[-_EDGE:]),
    )


def _key(row: Row) -> str:
    return str(row.get("id") or "") if isinstance(row, dict) else ""


def row_mark(row: Row, plan: Plan) -> str:
    """A row's mark, or "" where it has none: the mapping then names the fault."""
    try:
        return plan.mark(row)
    except (DataError, KeyError, TypeError):
        return ""
