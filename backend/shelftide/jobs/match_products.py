"""Job `products.match`: which listings are one product, and which content shows it."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from shelftide.analytics.products.linking import link
from shelftide.analytics.products.loading import (
    item_rows,
    item_statement,
    items_of,
    link_rows,
    piece_statement,
    pieces_of,
    product_statement,
    products_of,
    stated_of,
    stated_statement,
)
from shelftide.analytics.products.matching import Decision, match
from shelftide.jobs.job import JobContext, Queue, job
from shelftide.store.repositories.products import (
    item_decisions,
    read_aliases,
    read_link_decisions,
    replace_products,
)

HISTORY = timedelta(days=90)


@job("products.match", queue=Queue.INGEST, max_attempts=3, time_limit=timedelta(minutes=30))
async def match_products(ctx: JobContext, *, tenant_id: str) -> dict[str, Any]:
    """Everything anew from the warehouse and what people said."""
    await ctx.services.refresh_clock()
    warehouse = ctx.services.warehouses.of(UUID(tenant_id))
    since = ctx.services.clock.now() - HISTORY

    async def rows(statement: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await warehouse.query(statement)).to_pylist()
        return found

    items, pieces = items_of(await rows(item_statement())), pieces_of(await rows(piece_statement(since)))
    products, stated = await rows(product_statement()), stated_of(await rows(stated_statement()))
    async with ctx.unit_of_work() as uow:
        await ctx.guard(uow)
        decisions = [Decision(item=i, anchor=a, quantity=n) for i, a, n in await item_decisions(uow)]
        matched = match(items, decisions)
        linked = link(
            pieces,
            products_of(products, await read_aliases(uow, "product")),
            stated=stated,
            decisions=await read_link_decisions(uow),
        )
        links, unlinked = link_rows(linked, pieces)
        await replace_products(uow, items=item_rows(items, matched), links=links, unlinked=unlinked)
        result = {
            "items": len(items),
            "matched": len(matched.matches),
            "suggested": len(matched.suggestions),
            "alone": len(matched.alone),
            "links": len(links),
            "unlinked": len(unlinked),
        }
        await ctx.finish(uow, result)
        await uow.commit()
    return result
