"""Ask a warehouse: the statements of a query, run one after the other, put together."""

import msgspec

from shelftide.analytics.metrics.answer import Answer, Rates, Reading, put_together
from shelftide.analytics.metrics.catalogue import Catalogue
from shelftide.analytics.metrics.query import Asked, Grain, Query, Span, check, parts
from shelftide.warehouse.warehouse import Warehouse


async def ask(known: Catalogue, query: Query, warehouse: Warehouse, rates: Rates | None = None) -> Answer:
    """The answer of one brand's warehouse. Raises InvalidInputError for a query that cannot be answered."""
    asked = check(known, query)
    now = await _read(asked, query.span, warehouse, rates, cut=True)
    before = query.before()
    earlier = None if before is None else await _read(asked, before, warehouse, rates, cut=True)
    total = await _read(asked, query.span, warehouse, rates, cut=False)
    answer = put_together(asked, parts(asked, query.span), now, earlier, total)
    return answer if query.top is None else await _topped(asked, answer, total, warehouse, rates)


async def _topped(asked: Asked, answer: Answer, total: Reading, warehouse: Warehouse, rates: Rates | None) -> Answer:
    """The groups with the highest (lowest) values over the whole period, by the first metric where none is named."""
    query = asked.query
    whole = msgspec.structs.replace(query, grain=Grain.TOTAL, order_by=query.order_by or query.metrics[0])
    ranked = msgspec.structs.replace(asked, query=whole)
    read = await _read(ranked, query.span, warehouse, rates, cut=True)
    best = put_together(ranked, parts(ranked, query.span), read, None, total).rows[: query.top]
    kept = [tuple(row.dimensions.values()) for row in best]
    rows = [row for row in answer.rows if tuple(row.dimensions.values()) in kept]
    return msgspec.structs.replace(answer, rows=rows)


async def _read(asked: Asked, span: Span, warehouse: Warehouse, rates: Rates | None, *, cut: bool) -> Reading:
    reading = Reading(asked, span, rates)
    for part in parts(asked, span, cut=cut):
        table = await warehouse.query(part.statement, as_of=asked.query.as_of)
        reading.add(part, table.to_pylist(), cut=cut)
    return reading
