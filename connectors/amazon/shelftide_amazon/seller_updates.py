"""What a delivery of notifications brings: stock out of it, orders and listings read again as they are now."""

from collections.abc import Iterator
from functools import partial
from typing import Any
from urllib.parse import quote

from shelftide_amazon.auth import seller_api
from shelftide_amazon.connection import marketplace_of, seller_of, zone_of
from shelftide_amazon.mapping_goods import map_listing
from shelftide_amazon.mapping_orders import impersonal, is_foreign, is_unpriced, map_order
from shelftide_amazon.notifications import read_notifications
from shelftide_amazon.replies import RefusedError, body_of
from shelftide_amazon.seller_goods import LISTED, listings_of
from shelftide_amazon.seller_orders import INCLUDED, SEARCH
from shelftide_amazon.values import node_of
from shelftide_sdk.connector import Context, Delete, Page, WebhookRequest, map_rows
from shelftide_sdk.errors import ContractError, DataError
from shelftide_sdk.records import Listing, Order

# One order comes at 0.5 a second, the search at one in three minutes, out of one budget.
_ORDER_COST = 0.0112


async def pages_of(ctx: Context, request: WebhookRequest) -> list[Page]:
    """The pages of a verified delivery. Raises ContractError for a body that is none."""
    market = marketplace_of(ctx.settings)
    try:
        found = read_notifications(request.body, seller_of(ctx.settings), market)
    except DataError as error:
        raise ContractError(f"a delivery cannot be read: {error.message}") from error
    for said in found.acknowledged:
        ctx.log.info("notification without rows of its own: %s", said)
    pages = [Page(records=found.stock, rejects=found.rejects, deletes=list(_gone(found.deleted, market.id)))]
    pages += [await _order(ctx, order_id) for order_id in dict.fromkeys(found.orders)]
    pages += [await _listing(ctx, sku) for sku in dict.fromkeys(found.skus)]
    return [page for page in pages if page.records or page.rejects or page.deletes]


def _gone(skus: tuple[str, ...], market_id: str) -> Iterator[Delete]:
    for sku in skus:
        yield Delete(Listing, {"source_id": f"{market_id}:{sku}"})


async def _order(ctx: Context, order_id: str) -> Page:
    if ctx.settings.get("orders_by") == "report":  # whose lines have other keys: the next report has the order
        ctx.log.info("order %s has changed: the next report has it", order_id)
        return Page()
    address = f"{seller_api(ctx.settings)}{SEARCH.path}/{order_id}"
    row = await _fetched(ctx, address, {"includedData": INCLUDED}, _ORDER_COST)
    if row is None:
        ctx.log.warning("order %s has changed, and Amazon does not know it", order_id)
        return Page()
    row = impersonal(node_of(row, "getOrder", "order")["order"])
    if is_foreign(row) or is_unpriced(row):
        ctx.log.info("left out: order %s is of another shop or still pending", order_id)
        return Page()
    mapping = partial(map_order, market=marketplace_of(ctx.settings), zone=zone_of(ctx.settings))
    records, rejects = map_rows([row], mapping, Order)
    return Page(records=records, rejects=rejects)


async def _listing(ctx: Context, sku: str) -> Page:
    market = marketplace_of(ctx.settings)
    address = f"{seller_api(ctx.settings)}{listings_of(seller_of(ctx.settings)).path}/{quote(sku, safe='')}"
    row = await _fetched(ctx, address, {"marketplaceIds": market.id, "includedData": LISTED})
    if row is None:
        return Page(deletes=list(_gone((sku,), market.id)))
    records, rejects = map_rows([row], partial(map_listing, market=market), Listing)
    return Page(records=records, rejects=rejects)


async def _fetched(ctx: Context, address: str, params: dict[str, str], cost: float = 1.0) -> Any:
    """A reply's body, or None for what is not there."""
    try:
        return body_of(await ctx.client.get(address, params=params, cost=cost))
    except RefusedError as error:
        if error.status != 404:
            raise
        return None
