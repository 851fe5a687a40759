"""Stock, shipments, listings, ranks and the account's health: how things stand now, read whole each time."""

from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Any

from shelftide_amazon.connection import marketplace_of, seller_of
from shelftide_amazon.mapping_goods import (
    fba_place,
    map_listing,
    map_ranks,
    map_shipment_item,
    map_stock,
    summary_of,
)
from shelftide_amazon.mapping_health import health_rows, map_health
from shelftide_amazon.paging import Listing, get_pages, stamp, whole_list
from shelftide_amazon.reports import Report, fetch_report
from shelftide_amazon.values import Row, maybe_word, row_of, unrepeated
from shelftide_sdk.bodies import read_json
from shelftide_sdk.connector import Context, Cursor, Page, Reject, Stream, days, map_rows
from shelftide_sdk.errors import DataError, TransientError

INVENTORY = Listing(
    path="/fba/inventory/v1/summaries",
    rows=("payload", "inventorySummaries"),
    token=("pagination", "nextToken"),
    param="nextToken",
)
SHIPMENTS = Listing(
    path="/fba/inbound/v0/shipments",
    rows=("payload", "ShipmentData"),
    token=("payload", "NextToken"),
    param="NextToken",
)
SHIPMENT_ITEMS = Listing(
    path="/fba/inbound/v0/shipmentItems",
    rows=("payload", "ItemData"),
    token=("payload", "NextToken"),
    param="NextToken",
)
CATALOGUE = Listing(
    path="/catalog/2022-04-01/items", rows=("items",), token=("pagination", "nextToken"), param="pageToken"
)
LISTED = "summaries,offers,fulfillmentAvailability"
_STATES = "WORKING,READY_TO_SHIP,SHIPPED,RECEIVING,IN_TRANSIT,DELIVERED,CHECKED_IN,CLOSED,CANCELLED,DELETED,ERROR"
_SHIPMENTS_BACK = days(180)
_ASINS = 20
HEALTH_REPORT = "GET_V2_SELLER_PERFORMANCE_REPORT"


def listings_of(seller: str) -> Listing:
    """The search among a seller's listings."""
    return Listing(
        path=f"/listings/2021-08-01/items/{seller}",
        rows=("items",),
        token=("pagination", "nextToken"),
        param="pageToken",
    )


async def read_stock(ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
    """All FBA stock. A pass must not rest: a token dies after 30 seconds.

    Amazon's warehouses of the marketplace count as one place; which of them holds what is not told.
    """
    market = marketplace_of(ctx.settings)
    asked = {
        "granularityType": "Marketplace",
        "granularityId": market.id,
        "marketplaceIds": market.id,
        "details": "true",
    }
    seen: set[str] = set()
    placed = False
    async for step in whole_list(ctx, INVENTORY, asked):
        rows = unrepeated(step.rows, seen, "sellerSku")
        records, rejects = map_rows(rows, partial(map_stock, market=market), stream.record)
        place = [] if placed else [fba_place(market)]
        placed = True
        yield Page(records=[*place, *records], rejects=rejects)


async def _listed(ctx: Context) -> AsyncIterator[list[Any]]:
    market = marketplace_of(ctx.settings)
    asked = {"marketplaceIds": market.id, "includedData": LISTED, "pageSize": 20, "sortBy": "sku"}
    seen: set[str] = set()
    async for step in get_pages(ctx, listings_of(seller_of(ctx.settings)), asked):
        yield unrepeated(step.rows, seen, "sku")


async def read_listings(ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
    """Offers with their products and variants, and the stock of those that the seller ships."""
    market = marketplace_of(ctx.settings)
    async for rows in _listed(ctx):
        records, rejects = map_rows(rows, partial(map_listing, market=market), stream.record)
        yield Page(records=list(dict.fromkeys(records)), rejects=rejects)


async def read_inbound(ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
    """Items on their way to Amazon, and those of the last half year that have arrived."""
    market = marketplace_of(ctx.settings)
    window = {
        "QueryType": "DATE_RANGE",
        "LastUpdatedAfter": stamp(ctx.captured_at - _SHIPMENTS_BACK),
        "LastUpdatedBefore": stamp(ctx.captured_at),
        "MarketplaceId": market.id,
    }
    shipments: dict[str, Row] = {}
    async for step in get_pages(ctx, SHIPMENTS, {**window, "ShipmentStatusList": _STATES}):
        broken: list[Reject] = []
        for row in step.rows:
            try:
                about = row_of(row, "a shipment")
                shipments[str(maybe_word(about, "ShipmentId") or "")] = about
            except DataError as error:
                broken.append(Reject(stream.record.__name__, error.message, row))
        if broken:
            yield Page(rejects=broken)
    seen: set[str] = set()
    async for step in get_pages(ctx, SHIPMENT_ITEMS, window):
        rows = _fresh_items(step.rows, seen)
        mapping = partial(map_shipment_item, shipments=shipments, market=market)
        records, rejects = map_rows(rows, mapping, stream.record)
        yield Page(records=records, rejects=rejects)


def _fresh_items(rows: Sequence[Any], seen: set[str]) -> list[Any]:
    """Items whose shipment and SKU did not come before."""
    fresh = []
    for row in rows:
        key = f"{row.get('ShipmentId')}|{row.get('SellerSKU')}" if isinstance(row, dict) else ""
        if not key or key not in seen:
            fresh.append(row)
        if key:
            seen.add(key)
    return fresh


async def read_ranks(ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
    """Sales ranks of all ASINs that the seller offers, by twenty."""
    market = marketplace_of(ctx.settings)
    asins: dict[str, None] = {}
    async for rows in _listed(ctx):
        found, rejects = _asins(rows, ctx, stream)
        asins |= dict.fromkeys(found)
        if rejects:
            yield Page(rejects=rejects)
    waiting = list(asins)
    for first in range(0, len(waiting), _ASINS):
        some = waiting[first : first + _ASINS]
        asked = {
            "identifiers": ",".join(some),
            "identifiersType": "ASIN",
            "marketplaceIds": market.id,
            "includedData": "salesRanks",
            "pageSize": _ASINS,
        }
        seen: set[str] = set()
        async for step in get_pages(ctx, CATALOGUE, asked):
            rows = unrepeated(step.rows, seen, "asin")
            records, rejects = map_rows(rows, partial(map_ranks, market=market, at=ctx.captured_at), stream.record)
            yield Page(records=records, rejects=rejects)
        # Whatever stands in their place, products that were asked for and not answered are named.
        told = "the catalogue did not answer for this product"
        yield Page(rejects=[Reject(stream.record.__name__, told, asin) for asin in some if asin not in seen])


def _asins(rows: list[Any], ctx: Context, stream: Stream) -> tuple[list[str], list[Reject]]:
    market, found, rejects = marketplace_of(ctx.settings), [], []
    for row in rows:
        try:
            asin = _asin(summary_of(row_of(row, "a listing"), market))
        except DataError as error:
            rejects.append(Reject(stream.record.__name__, error.message, row))
        else:
            found.append(asin)
    unlisted = found.count(None)
    if unlisted:
        ctx.log.info("%d listings are not in the catalogue yet", unlisted)
    return [asin for asin in found if asin], rejects


def _asin(summary: Row) -> str | None:
    """The catalogue's number; None for a draft. What can be bought must have one."""
    asin = maybe_word(summary, "asin")
    if asin is None and "BUYABLE" in (summary.get("status") or ()):
        raise DataError("an offer that can be bought has no ASIN")
    return asin


async def read_health(ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
    """The seller performance report."""
    market = marketplace_of(ctx.settings)
    file = await fetch_report(ctx, Report(type=HEALTH_REPORT, marketplace=market))
    if file is None:
        return
    try:
        report = read_json(file.content)
    except ValueError as error:
        raise TransientError("the seller performance report is cut or is not JSON") from error
    mapping = partial(map_health, account_id=seller_of(ctx.settings), market=market, at=ctx.captured_at)
    records, rejects = map_rows([*health_rows(report, market)], mapping, stream.record)
    yield Page(
        records=records,
        rejects=[Reject(r.record, r.reason, list(r.raw) if isinstance(r.raw, tuple) else r.raw) for r in rejects],
    )
