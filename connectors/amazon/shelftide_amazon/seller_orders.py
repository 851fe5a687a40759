"""Orders of a seller, by the search of 2026, by the flat file or by the search of old; purchase orders of a vendor."""

from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from shelftide_amazon.connection import marketplace_of, zone_of
from shelftide_amazon.mapping_orders import (
    ORDER_COLUMNS,
    impersonal,
    is_foreign,
    is_unpriced,
    is_unpriced_row,
    map_order,
    map_order_rows,
    map_order_v0,
)
from shelftide_amazon.mapping_vendor import map_purchase_order
from shelftide_amazon.paging import Listing, Step, get_pages, stamp, windows
from shelftide_amazon.replies import RefusedError
from shelftide_amazon.reports import Report, fetch_report
from shelftide_amazon.tables import read_table
from shelftide_amazon.values import moment, unrepeated
from shelftide_sdk.connector import Context, Cursor, Mapped, Page, Reject, Stream, days, map_rows
from shelftide_sdk.errors import DataError
from shelftide_sdk.parallel import side_by_side
from shelftide_sdk.records import Order

SEARCH = Listing(
    path="/orders/2026-01-01/orders", rows=("orders",), token=("pagination", "nextToken"), param="paginationToken"
)
SEARCH_V0 = Listing(
    path="/orders/v0/orders",
    rows=("payload", "Orders"),
    token=("payload", "NextToken"),
    param="NextToken",
    alone=True,
    kept=("MarketplaceIds",),
)
PURCHASE_ORDERS = Listing(
    path="/vendor/orders/v1/purchaseOrders",
    rows=("payload", "orders"),
    token=("payload", "pagination", "nextToken"),
    param="nextToken",
)
_VENDORS_WINDOW = days(7)
# Items come at 0.5 a second, orders at one in a minute, out of one budget.
_ITEMS_COST = 0.034
REPORT = "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_LAST_UPDATE_GENERAL"
INCLUDED = "PROCEEDS,EXPENSE,PROMOTION,CANCELLATION,FULFILLMENT"
_LONGEST_WINDOW = days(30)
_KEPT = days(730)
_AT_ONCE = 4  # reports that Amazon makes together; each holds its file in memory
_SETTLED = days(2 / 1440)  # bounds must be two minutes old


def _start(ctx: Context, stream: Stream, cursor: Cursor | None) -> datetime:
    return max(_started(ctx, stream, cursor), ctx.captured_at - _KEPT)


def _started(ctx: Context, stream: Stream, cursor: Cursor | None) -> datetime:
    try:
        return ctx.start(stream, cursor)
    except ValueError as error:
        raise DataError("the saved place in the orders is not a time") from error


# -- 2026-01-01 -------------------------------------------------------------------------------------------------------


async def read_search(ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
    """Orders that changed, with their items.

    One call in three minutes is all that a long read gets, so that each page saves the token of the next one: a read
    that is interrupted goes on there, or from its start when Amazon no longer knows the token.
    """
    token, start = _resume(cursor), _start(ctx, stream, cursor)
    if token:
        start = moment((cursor or {})["from"], "from")
    seen: set[str] = set()
    try:
        async for page in _search(ctx, start, token, cursor, seen):
            yield page
    except RefusedError as error:
        if not token or error.status not in (400, 404):
            raise
        ctx.log.info("the saved token has died: orders are read again from %s", start)
        async for page in _search(ctx, start, None, cursor, set()):
            yield page


def _resume(cursor: Cursor | None) -> str | None:
    token = (cursor or {}).get("token")
    return token if isinstance(token, str) and (cursor or {}).get("from") else None


async def _search(
    ctx: Context, start: datetime, token: str | None, cursor: Cursor | None, seen: set[str]
) -> AsyncIterator[Page]:
    market = marketplace_of(ctx.settings)
    asked = {
        "marketplaceIds": market.id,
        "lastUpdatedAfter": stamp(start),
        "includedData": INCLUDED,
        "maxResultsPerPage": 100,
    }
    mapping = partial(map_order, market=market, zone=zone_of(ctx.settings))
    before = {key: value for key, value in (cursor or {}).items() if key == "lastUpdatedTime"}
    async for step in get_pages(ctx, SEARCH, asked, token):
        rows = unrepeated([impersonal(row) for row in step.rows], seen, "orderId")
        if step.token:
            place: Cursor = {**before, "from": start.isoformat(), "token": step.token}
        else:
            place = {"lastUpdatedTime": _reached(ctx, step, "lastUpdatedBefore")}
        yield _page(ctx, rows, mapping, place)


def _reached(ctx: Context, step: Step, name: str) -> str:
    """How far the list goes, as the reply says; else the moment of the read."""
    body = step.body.get("payload", step.body) if isinstance(step.body, Mapping) else {}
    try:
        return min(moment(body.get(name), name), ctx.captured_at).isoformat()
    except (DataError, AttributeError):
        return (ctx.captured_at - _SETTLED).isoformat()


def _page(ctx: Context, rows: list[Any], mapping: Callable[[Any], Mapped], place: Cursor | None) -> Page:
    """Orders that are this shop's and have their sums; the rest is counted in the log."""
    foreign = [row for row in rows if is_foreign(row)]
    pending = [row for row in rows if not is_foreign(row) and is_unpriced(row)]
    if foreign or pending:
        ctx.log.info("left out: %d orders of other shops, %d still pending", len(foreign), len(pending))
    kept = [row for row in rows if not is_foreign(row) and not is_unpriced(row)]
    records, rejects = map_rows(kept, mapping, Order)
    return Page(records=records, rejects=rejects, cursor=place)


# -- v0 ---------------------------------------------------------------------------------------------------------------


async def read_v0(ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
    """Orders that changed, by the search that Amazon has marked as deprecated: a call for the items of each."""
    market, start = marketplace_of(ctx.settings), _start(ctx, stream, cursor)
    asked = {"MarketplaceIds": market.id, "LastUpdatedAfter": stamp(start), "MaxResultsPerPage": 100}
    seen: set[str] = set()
    async for step in get_pages(ctx, SEARCH_V0, asked):
        rows = unrepeated([impersonal(row) for row in step.rows], seen, "AmazonOrderId")
        pages = [await _with_items(ctx, row) for row in rows if not is_foreign(row) and not is_unpriced(row)]
        if len(pages) < len(rows):
            ctx.log.info("left out: %d orders of other shops or still pending", len(rows) - len(pages))
        place = None if step.token else {"lastUpdatedTime": _reached(ctx, step, "LastUpdatedBefore")}
        records, rejects = map_rows(
            pages, lambda pair: map_order_v0(pair[0], pair[1], market, zone_of(ctx.settings)), Order
        )
        yield Page(records=records, rejects=[_bare(reject) for reject in rejects], cursor=place)


def _bare(reject: Reject) -> Reject:
    raw = list(reject.raw) if isinstance(reject.raw, tuple) else reject.raw
    return Reject(reject.record, reject.reason, raw)


async def _with_items(ctx: Context, row: Any) -> tuple[Any, list[Any]]:
    order_id = row.get("AmazonOrderId") if isinstance(row, Mapping) else None
    if not isinstance(order_id, str) or not order_id.replace("-", "").isalnum():
        return row, []
    listing = Listing(
        path=f"{SEARCH_V0.path}/{order_id}/orderItems",
        rows=("payload", "OrderItems"),
        token=("payload", "NextToken"),
        param="NextToken",
        alone=True,
        cost=_ITEMS_COST,
    )
    found: list[Any] = []
    async for step in get_pages(ctx, listing, {}):
        found += step.rows
    return row, unrepeated(found, set(), "OrderItemId")


# -- flat file --------------------------------------------------------------------------------------------------------


async def read_report(ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
    """Orders that changed, by windows of 30 days of the flat file, several made at once. An order's rows are put
    together again."""
    begun = _start(ctx, stream, cursor)
    reads = [partial(_report_window, ctx, *window) for window in windows(begun, ctx.captured_at, _LONGEST_WINDOW)]
    async for page in side_by_side(reads, _AT_ONCE):
        yield page


async def _report_window(ctx: Context, start: datetime, end: datetime) -> AsyncIterator[Page]:
    market, zone = marketplace_of(ctx.settings), zone_of(ctx.settings)
    file = await fetch_report(ctx, Report(type=REPORT, marketplace=market, start=start, end=end))
    if file is None:
        yield Page(cursor={"lastUpdatedTime": end.isoformat()})
        return
    orders: dict[str, list[Mapping[str, str]]] = {}
    for row in read_table(file.text(market.country), ORDER_COLUMNS):
        orders.setdefault(row.get("amazon-order-id", ""), []).append(impersonal(row))
    kept = [rows for rows in orders.values() if not is_foreign(rows[0]) and not any(map(is_unpriced_row, rows))]
    if len(kept) < len(orders):
        ctx.log.info("left out: %d orders of other shops or still pending", len(orders) - len(kept))
    records, rejects = map_rows(kept, partial(map_order_rows, market=market, zone=zone), Order)
    yield Page(records=records, rejects=rejects, cursor={"lastUpdatedTime": end.isoformat()})


# -- purchase orders of a vendor --------------------------------------------------------------------------------------


async def read_purchase_orders(ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
    """Purchase orders that changed, by windows of seven days: Amazon gives no longer ones."""
    market, zone = marketplace_of(ctx.settings), zone_of(ctx.settings)
    for start, end in windows(_start(ctx, stream, cursor), ctx.captured_at, _VENDORS_WINDOW):
        asked = {"changedAfter": stamp(start), "changedBefore": stamp(end), "limit": 100}
        seen: set[str] = set()
        async for step in get_pages(ctx, PURCHASE_ORDERS, asked):
            rows = unrepeated(step.rows, seen, "purchaseOrderNumber")
            records, rejects = map_rows(rows, partial(map_purchase_order, market=market, zone=zone), Order)
            yield Page(records=records, rejects=rejects)
        yield Page(cursor={"lastUpdatedTime": end.isoformat()})


READS: Mapping[str, Callable[[Context, Stream, Cursor | None], AsyncIterator[Page]]] = {
    "search": read_search,
    "report": read_report,
    "v0": read_v0,
    "vendor": read_purchase_orders,
}
