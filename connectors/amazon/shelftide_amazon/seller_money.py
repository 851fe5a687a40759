"""Refunds, fees and settlements of a seller."""

from collections.abc import AsyncIterator, Callable
from datetime import datetime
from functools import partial
from typing import Any

from shelftide_amazon.auth import seller_api
from shelftide_amazon.connection import marketplace_of, zone_of
from shelftide_amazon.mapping_events import map_event_fees, map_event_refund, rows_of
from shelftide_amazon.mapping_money import map_fees, map_payout, map_refund
from shelftide_amazon.paging import Listing, get_pages, stamp, windows
from shelftide_amazon.replies import body_of
from shelftide_amazon.values import maybe_word, node_of, row_of, unrepeated
from shelftide_sdk.connector import Context, Cursor, Mapped, Page, Stream, days, map_rows
from shelftide_sdk.errors import ContractError, DataError

TRANSACTIONS = Listing(
    path="/finances/2024-06-19/transactions",
    rows=("payload", "transactions"),
    token=("payload", "nextToken"),
    param="nextToken",
)
GROUPS = Listing(
    path="/finances/v0/financialEventGroups",
    rows=("payload", "FinancialEventGroupList"),
    token=("payload", "NextToken"),
    param="NextToken",
)
EVENTS = "/finances/v0/financialEvents"
# Above 180 days between the bounds the answer is empty, without an error.
_LONGEST_WINDOW = days(179)
_KEPT = days(730)
_SETTLED = days(2.5 / 1440)  # bounds must be more than two minutes old


async def read_refunds(ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
    """Refunds among the transactions."""
    read, mapping = (_events, map_event_refund) if _by_events(ctx) else (_transactions, map_refund)
    async for page in read(ctx, stream, cursor, partial(mapping, zone=zone_of(ctx.settings))):
        yield page


async def read_fees(ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
    """Fees of all transactions."""
    read, mapping = (_events, map_event_fees) if _by_events(ctx) else (_transactions, map_fees)
    async for page in read(ctx, stream, cursor, partial(mapping, zone=zone_of(ctx.settings))):
        yield page


def _by_events(ctx: Context) -> bool:
    return ctx.settings.get("money_by") == "events"


async def _events(
    ctx: Context, stream: Stream, cursor: Cursor | None, mapping: Callable[[Any], Mapped]
) -> AsyncIterator[Page]:
    """Financial events of old, which come in a list for each kind."""
    token: str | None
    for start, end in windows(_start(ctx, stream, cursor), ctx.captured_at - _SETTLED, _LONGEST_WINDOW):
        asked: dict[str, Any] = {"PostedAfter": stamp(start), "PostedBefore": stamp(end), "MaxResultsPerPage": 100}
        token, followed = "", set[str]()
        while token is not None:
            more = {"NextToken": token} if token else {}
            response = await ctx.client.get(seller_api(ctx.settings) + EVENTS, params=asked | more)
            payload = node_of(body_of(response), "listFinancialEvents", "payload")["payload"]
            rows = rows_of(
                row_of(node_of(payload, "listFinancialEvents", "FinancialEvents")["FinancialEvents"], "events")
            )
            records, rejects = map_rows(rows, mapping, stream.record)
            yield Page(records=records, rejects=rejects)
            token = maybe_word(payload, "NextToken")
            if token in followed:
                raise ContractError("the list of financial events goes in a circle: a token came back")
            followed |= {token} if token else set()
        yield Page(cursor={"postedDate": _place(ctx, end)})


async def _transactions(
    ctx: Context, stream: Stream, cursor: Cursor | None, mapping: Callable[[Any], Mapped]
) -> AsyncIterator[Page]:
    market = marketplace_of(ctx.settings)
    seen: set[str] = set()
    for start, end in windows(_start(ctx, stream, cursor), ctx.captured_at, _LONGEST_WINDOW):
        asked = {"postedAfter": stamp(start)}
        if end < ctx.captured_at:
            asked["postedBefore"] = stamp(end)
        if market.country != "US":  # in the United States it hides what the seller shipped himself
            asked["marketplaceId"] = market.id
        async for step in get_pages(ctx, TRANSACTIONS, asked):
            records, rejects = map_rows(unrepeated(step.rows, seen, "transactionId"), mapping, stream.record)
            yield Page(records=records, rejects=rejects)
        yield Page(cursor={"postedDate": _place(ctx, end)})


async def read_payouts(ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
    """Event groups that are closed: Amazon's settlements."""
    zone, seen = zone_of(ctx.settings), set[str]()
    for start, end in windows(_start(ctx, stream, cursor), ctx.captured_at, _LONGEST_WINDOW):
        asked: dict[str, Any] = {"FinancialEventGroupStartedAfter": stamp(start), "MaxResultsPerPage": 100}
        if end < ctx.captured_at:
            asked["FinancialEventGroupStartedBefore"] = stamp(end)
        async for step in get_pages(ctx, GROUPS, asked):
            rows = unrepeated(step.rows, seen, "FinancialEventGroupId")
            records, rejects = map_rows(rows, partial(map_payout, zone=zone), stream.record)
            yield Page(records=records, rejects=rejects)
        yield Page(cursor={"FinancialEventGroupStart": _place(ctx, end)})


def _place(ctx: Context, end: datetime) -> str:
    return min(end, ctx.captured_at - _SETTLED).isoformat()


def _start(ctx: Context, stream: Stream, cursor: Cursor | None) -> datetime:
    try:
        return max(ctx.start(stream, cursor), ctx.captured_at - _KEPT)
    except ValueError as error:
        raise DataError("the saved place in the finances is not a time") from error
