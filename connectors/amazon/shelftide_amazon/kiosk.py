"""Data Kiosk: a query is sent, waited for, and its rows are fetched as lines of JSON.

Days of sales instead of single orders (a vendor knows no orders; a seller may not want to give them away), and days of
visits. The setting `kiosk` chooses the dataset; while it is set, orders are not read, so that no sale counts twice.
Source: Data Kiosk API 2023-11-15 and its GraphQL schemas; days are the marketplace's.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from string import Template
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from shelftide_amazon.auth import seller_api
from shelftide_amazon.connection import marketplace_of, seller_of
from shelftide_amazon.marketplaces import Marketplace
from shelftide_amazon.replies import body_of
from shelftide_amazon.reports import fetch_document, known_id, wait
from shelftide_amazon.values import Row, day, identifier, maybe_money, node_of, part, parts, row_of, whole, word
from shelftide_sdk.bodies import read_json
from shelftide_sdk.connector import Context, Cursor, Page, Reject, Stream, map_rows
from shelftide_sdk.errors import ContractError, DataError, TransientError
from shelftide_sdk.records import ProfileDay, SalesDay

QUERIES = "/dataKiosk/2023-11-15/queries"
DOCUMENTS = "/dataKiosk/2023-11-15/documents"
_KEPT = timedelta(days=729)  # two years back
_MOST_PAGES = 1000


class Dataset(msgspec.Struct, frozen=True, kw_only=True):
    """A query over days and where its rows keep what is wanted.

    Attributes:
        query: GraphQL with the places `$start`, `$end` (days, both included) and `$market`.
        longest: days that one query may cover; one where the answer does not tell its days apart.
        inner: the list inside of each row that holds the products; "" where the row is one product.
        facts: the object inside of a product's row that holds `units` and `revenue`, as a path.
    """

    query: str
    longest: int
    sku: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    units: str = ""
    revenue: str = ""
    inner: str = ""


_DAYS = 'startDate:"$start" endDate:"$end"'
_SHOP = 'marketplaceIds:["$market"]'
_ROW = "startDate endDate marketplaceId"
_SOLD = "parentAsin childAsin {sku} sales{{unitsOrdered orderedProductSales{{amount currencyCode}}}}"


def _query(version: str, call: str, fields: str) -> str:
    return f"query{{analytics_{version}{{{call}{{{_ROW} {fields}}}}}}}"


SALES = Dataset(
    query=_query(
        "salesAndTraffic_2024_04_24",
        f"salesAndTrafficByAsin(aggregateBy:SKU {_DAYS} {_SHOP})",
        _SOLD.format(sku="sku"),
    ),
    longest=1,
    sku=("sku",),
    facts=("sales",),
    units="unitsOrdered",
    revenue="orderedProductSales",
)
ECONOMICS = Dataset(
    query=_query(
        "economics_2024_03_15",
        f"economics(aggregateBy:{{date:DAY productId:MSKU}} {_DAYS} {_SHOP})",
        _SOLD.format(sku="msku"),
    ),
    longest=30,
    sku=("msku",),
    facts=("sales",),
    units="unitsOrdered",
    revenue="orderedProductSales",
)
VENDOR = Dataset(
    query=_query(
        "vendorAnalytics_2024_09_30",
        f"manufacturingView(aggregateBy:DAY {_DAYS})",
        "metrics{groupByKey{asin} metrics{orders{orderedUnitsWithRevenue{units value{amount currencyCode}}}}}",
    ),
    longest=30,
    sku=("groupByKey", "asin"),
    facts=("metrics", "orders", "orderedUnitsWithRevenue"),
    units="units",
    revenue="value",
    inner="metrics",
)
VISITS = Dataset(
    query=_query(
        "salesAndTraffic_2024_04_24",
        f"salesAndTrafficByDate(aggregateBy:DAY {_DAYS} {_SHOP})",
        "traffic{pageViews sessions}",
    ),
    longest=90,
)
DATASETS: Mapping[str, Dataset] = {"sales": SALES, "economics": ECONOMICS, "vendor": VENDOR}


async def read_sales(ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
    """Pieces and revenue by day and SKU (by ASIN for a vendor), of the chosen dataset."""
    dataset = DATASETS[ctx.settings.get("kiosk") or "economics"]
    async for page in _read(ctx, stream, cursor, dataset):
        yield page


async def read_visits(ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
    """Views of the seller's product pages by day."""
    async for page in _read(ctx, stream, cursor, VISITS):
        yield page


async def _read(ctx: Context, stream: Stream, cursor: Cursor | None, dataset: Dataset) -> AsyncIterator[Page]:
    market = marketplace_of(ctx.settings)
    zone = ZoneInfo(market.zone)
    try:
        start = max(ctx.start(stream, cursor), ctx.captured_at - _KEPT).astimezone(zone).date()
    except ValueError as error:
        raise DataError("the saved place in the days is not a time") from error
    until = ctx.captured_at.astimezone(zone).date()  # today is not over
    while start < until:
        end = min(start + timedelta(days=dataset.longest), until)
        query = Template(dataset.query).substitute(start=start, end=end - timedelta(days=1), market=market.id)
        mapping: Any = partial(map_visits, market=market, seller=seller_of(ctx.settings))
        if dataset is not VISITS:
            mapping = partial(map_sales, dataset=dataset, market=market)
        async for rows, broken in run_query(ctx, query, stream.record.__name__):
            records, rejects = map_rows(rows, mapping, stream.record)
            yield Page(records=records, rejects=[*broken, *rejects])
        yield Page(cursor={"startDate": datetime.combine(end, time(), zone).astimezone(UTC).isoformat()})
        start = end


# -- the queue --------------------------------------------------------------------------------------------------------


async def run_query(ctx: Context, query: str, record: str) -> AsyncIterator[tuple[list[Any], list[Reject]]]:
    """The rows of a query, document by document, and the lines that are no JSON.

    Raises:
        TransientError: the query failed or was cancelled, does not end, or goes on for ever.
        ContractError: replies that cannot be understood.
    """
    asked = {"query": query}
    for _ in range(_MOST_PAGES):
        response = await ctx.client.post(seller_api(ctx.settings) + QUERIES, json=asked)
        query_id = known_id(node_of(body_of(response), "createQuery", "queryId")["queryId"])
        state = await wait(ctx, QUERIES, query_id)
        if state["processingStatus"] != "DONE":
            raise await _failure(ctx, state)
        if state.get("dataDocumentId"):
            file = await fetch_document(ctx, str(state["dataDocumentId"]), DOCUMENTS, "documentUrl")
            yield _lines(file.content, record)
        token = part(state, "pagination").get("nextToken")
        if not token:
            return
        asked = {"query": query, "paginationToken": str(token)}
    raise TransientError("a query of Data Kiosk does not end")


async def _failure(ctx: Context, state: Mapping[str, Any]) -> TransientError:
    detail = ""
    if state.get("errorDocumentId"):
        file = await fetch_document(ctx, str(state["errorDocumentId"]), DOCUMENTS, "documentUrl")
        detail = file.content[:200].decode("utf-8", "replace")
    return TransientError(f"Amazon ended a query of Data Kiosk as {state['processingStatus']}.", detail=detail)


def _lines(content: bytes, record: str) -> tuple[list[Any], list[Reject]]:
    """Rows, and lines that are no JSON. A query without rows has no document, so that an empty one has been cut."""
    rows, broken = [], []
    for line in filter(None, map(bytes.strip, content.splitlines())):
        try:
            row = read_json(line)
        except ValueError:
            if content.rstrip().endswith(line):
                raise TransientError("a document of Data Kiosk is cut") from None
            broken.append(Reject(record, "a line is not JSON", line[:2000].decode("utf-8", "replace")))
            continue
        if isinstance(row, Mapping) and "marketplaceId" not in row:
            raise ContractError("a document of Data Kiosk holds other rows than were asked for")
        rows.append(row)
    if not rows and not broken:
        raise TransientError("a document of Data Kiosk is empty")
    return rows, broken


# -- what it means ----------------------------------------------------------------------------------------------------


def map_sales(row: Any, dataset: Dataset, market: Marketplace) -> list[SalesDay]:
    """Days of sales out of a row; products without figures are left out, for they are unknown. Raises DataError."""
    row = row_of(row, "a row")
    on = _day_of(row, market)
    products = parts(row, dataset.inner) if dataset.inner else [row]
    return list(_products(products, dataset, on, market))


def _products(products: list[Row], dataset: Dataset, on: date, market: Marketplace) -> Iterator[SalesDay]:
    for product in products:
        *way, name = dataset.sku
        facts = _below(product, dataset.facts)
        if facts.get(dataset.units) is None:
            continue
        yield SalesDay(
            channel="amazon",
            sku=identifier(_below(product, tuple(way)).get(name), name),
            day=on,
            zone=market.zone,
            units=whole(facts[dataset.units], dataset.units),
            revenue=maybe_money(facts, dataset.revenue),
        )


def map_visits(row: Any, market: Marketplace, seller: str) -> ProfileDay:
    """A day's views of product pages. The account in its marketplace is the profile. Raises DataError."""
    row = row_of(row, "a row")
    return ProfileDay(
        profile_id=f"{seller}:{market.id}",
        day=_day_of(row, market),
        zone=market.zone,
        profile_views=whole(part(row, "traffic").get("pageViews"), "pageViews"),
    )


def _day_of(row: Row, market: Marketplace) -> date:
    if word(row, "marketplaceId") != market.id:
        raise DataError(f"a row of another marketplace than was asked for: {row['marketplaceId']!r}")
    first = day(row.get("startDate"), "startDate")
    if day(row.get("endDate"), "endDate") != first:
        raise DataError("a row covers more than one day")
    return first


def _below(row: Row, way: tuple[str, ...]) -> Row:
    for name in way:
        row = part(row, name)
    return row
