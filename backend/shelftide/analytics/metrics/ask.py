"""Ask a brand: the statements of a query, run as one, put together."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import BigInteger, ColumnElement, Date, Integer, String, cast, literal, null, select, union_all
from sqlalchemy.types import TypeEngine

from shelftide.analytics.metrics.answer import Answer, Rates, Reading, put_together
from shelftide.analytics.metrics.catalogue import Catalogue
from shelftide.analytics.metrics.query import Asked, Grain, Part, Query, Span, adds, check, parts, periods
from shelftide.analytics.metrics.rolled import RollUp
from shelftide.warehouse.sql import Statement
from shelftide.warehouse.warehouse import Warehouse

# Exchange rates between these currencies and to the query's own.
LoadRates = Callable[[frozenset[str]], Awaitable[Rates]]
Found = list[tuple[Part, Sequence[Mapping[str, Any]]]]


async def ask(
    known: Catalogue,
    query: Query,
    warehouse: Warehouse,
    load_rates: LoadRates | None = None,
    roll_up: RollUp | None = None,
) -> Answer:
    """The answer of one brand: from the roll-up what it holds, the rest from the warehouse's facts.

    Raises InvalidInputError for a query that cannot be answered.
    """
    asked, before = check(known, query), query.before()
    desk = _Desk(warehouse, roll_up)
    now = await desk.read(asked, query.span)
    earlier = None if before is None else await desk.read(asked, before)
    whole = await desk.whole(asked, now)
    ranked = _ranked(asked)
    found = None if ranked is None else await desk.again(ranked, now, cut=True)
    rates = None
    if query.currency and load_rates is not None:
        rates = await load_rates(_currencies(now, earlier or [], whole, found or []))
    total = _reading(asked, query.span, whole, rates, cut=False)
    answer = put_together(
        asked,
        [part for part, _ in now],
        _reading(asked, query.span, now, rates),
        None if before is None or earlier is None else _reading(asked, before, earlier, rates),
        total,
    )
    if roll_up is not None and roll_up.used:
        answer = msgspec.structs.replace(answer, rolled=True)
    if ranked is None or found is None:
        return answer
    return _topped(ranked, answer, _reading(ranked, query.span, found, rates), total)


class _Desk:
    """Where parts are asked: the roll-up first."""

    def __init__(self, warehouse: Warehouse, roll_up: RollUp | None) -> None:
        self._warehouse = warehouse
        self._roll_up = roll_up

    async def read(self, asked: Asked, span: Span, *, cut: bool = True, wanted: Sequence[Part] | None = None) -> Found:
        """The rows of a span's parts."""
        wanted = parts(asked, span, cut=cut) if wanted is None else wanted
        found = await self._roll_up.read(asked, span, wanted, cut=cut) if self._roll_up is not None else []
        there = {id(part): rows for part, rows in found}
        there |= await self._facts(asked, [part for part in wanted if id(part) not in there])
        return [(part, there[id(part)]) for part in wanted]

    async def whole(self, asked: Asked, now: Found) -> Found:
        """The rows of the query's span without cuts."""
        if not asked.dimensions and len(periods(asked.query, asked.query.span)) == 1:
            return now
        return await self.again(asked, now, cut=False)

    async def again(self, asked: Asked, now: Found, *, cut: bool) -> Found:
        """The rows of a coarser question: what adds up is there already, the rest is asked."""
        span = asked.query.span
        coarse = parts(asked, span, cut=cut)
        missing = iter(await self.read(asked, span, cut=cut, wanted=[part for part in coarse if not adds(part)]))
        return [(part, rows) if adds(part) else next(missing) for part, (_, rows) in zip(coarse, now, strict=True)]

    async def _facts(self, asked: Asked, wanted: Sequence[Part]) -> dict[int, list[dict[str, Any]]]:
        found: dict[int, list[dict[str, Any]]] = {id(part): [] for part in wanted}
        if wanted:
            table = await self._warehouse.query(united(wanted), asked.query.as_of)
            for row in table.to_pylist():
                found[id(wanted[row[_PART]])].append(row)
        return found


_PART = "part__"
_SHARED: dict[str, TypeEngine[Any]] = {"period": Date(), "currency": String(), "day": Date()}


def united(wanted: Sequence[Part]) -> Statement:
    """One statement for several parts, rows marked by `part__`: in a lake a statement costs more than what it reads."""
    rows = [part.statement.subquery() for part in wanted]
    types = {column.name: _type(column) for each in rows for column in each.c}
    statements = [
        select(
            literal(number, Integer()).label(_PART),
            *(cast(each.c[name] if name in each.c else null(), type_).label(name) for name, type_ in types.items()),
        )
        for number, each in enumerate(rows)
    ]
    return statements[0] if len(statements) == 1 else union_all(*statements)


def _type(column: ColumnElement[Any]) -> TypeEngine[Any]:
    """Said in full: the parts that lack a column have a null in its place."""
    if isinstance(column.type, Integer):
        return BigInteger()
    return _SHARED.get(column.name, column.type)


def _currencies(*found: Found) -> frozenset[str]:
    """The currencies in which money was found."""
    rows = [row for some in found for _, rows in some for row in rows]
    return frozenset(str(row["currency"]) for row in rows if row.get("currency"))


def _reading(asked: Asked, span: Span, found: Found, rates: Rates | None, *, cut: bool = True) -> Reading:
    reading = Reading(asked, span, rates)
    for part, rows in found:
        reading.add(part, rows, cut=cut)
    return reading


def _ranked(asked: Asked) -> Asked | None:
    """The question that says which groups are the top ones: the whole period as one. None where all are wanted."""
    query = asked.query
    if query.top is None:
        return None
    whole = msgspec.structs.replace(query, grain=Grain.TOTAL, order_by=query.order_by or query.metrics[0])
    return msgspec.structs.replace(asked, query=whole)


def _topped(ranked: Asked, answer: Answer, read: Reading, total: Reading) -> Answer:
    """The groups with the highest (lowest) values over the whole period, by the first metric where none is named."""
    statements = parts(ranked, ranked.query.span)
    best = put_together(ranked, statements, read, None, total).rows[: ranked.query.top]
    kept = [tuple(row.dimensions.values()) for row in best]
    rows = [row for row in answer.rows if tuple(row.dimensions.values()) in kept]
    return msgspec.structs.replace(answer, rows=rows)
