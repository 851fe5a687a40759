"""Ark (千帆): orders, refunds, products, stock, warehouses, settlements, charges and staff sales of one shop."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, ClassVar

import msgspec

from shelftide_sdk.auth import OAuth2
from shelftide_sdk.client import Budget
from shelftide_sdk.connector import (
    Account,
    Connector,
    ConnectorInfo,
    Context,
    Cursor,
    Health,
    HealthState,
    Mapped,
    Page,
    Reject,
    Stream,
    WebhookRequest,
    days,
    map_rows,
    promised,
)
from shelftide_sdk.errors import (
    AuthorizationError,
    ConfigurationError,
    ConnectorError,
    ContractError,
    DataError,
    TransientError,
)
from shelftide_sdk.parallel import Narrow, side_by_side
from shelftide_sdk.records import (
    Fee,
    Location,
    Order,
    OrderLine,
    Payout,
    Product,
    Record,
    Refund,
    StockLevel,
    Touch,
    Variant,
)
from shelftide_xiaohongshu.auth import ARK_AUTH, ARK_HOST, SHOPS_OF_AN_APP
from shelftide_xiaohongshu.mapping_ark import (
    UNPAID_RETURNS,
    impersonal,
    map_item,
    map_order,
    map_product,
    map_refund,
    map_stock,
    map_warehouse,
    sku_of,
)
from shelftide_xiaohongshu.mapping_ark_money import REFUND, SALE, map_expense, map_staff_sale, map_transaction, of_day
from shelftide_xiaohongshu.pushes import Named, read_pushes
from shelftide_xiaohongshu.replies import classify_ark
from shelftide_xiaohongshu.values import (
    CURRENCY,
    ZONE,
    Row,
    Strays,
    count_of,
    identifier,
    listed,
    maybe_whole,
    midnight,
    shanghai_day,
    unrepeated,
)
from shelftide_xiaohongshu.windows import AT_ONCE, Listing, ask, changes

PAGE_SIZE = 100
STAFF_PAGE_SIZE = 1000
_MOST_PAGES = 10_000
_OVERLAP = timedelta(hours=1)
ORDERS = Listing(
    method="order.getOrderList",
    root="orderList",
    total="total",
    id_field="orderId",
    field="updateTime",
    record="Order",
    seconds=True,
)
RETURNS = Listing(
    method="afterSale.listAfterSaleInfos",
    root="afterSaleBasicInfos",
    total="totalCount",
    id_field="returnsId",
    field="updatedAt",
    record="Refund",
)
SKUS = "product.getDetailSkuList"

Detail = Callable[[Context, Row], Awaitable[list[Record | Reject]]]
Read = Callable[[Context, Stream, Cursor | None], AsyncIterator[Page]]


class XiaohongshuArk(Connector):
    """One shop. Amounts are yuan and days are Shanghai's, wherever the brand is at home."""

    info: ClassVar[ConnectorInfo] = ConnectorInfo(
        name="xiaohongshu-ark",
        title="Xiaohongshu shop (Ark)",
        platform="xiaohongshu-ark",
        api_requires=(1, 0),
        hosts=(ARK_HOST,),
        tier="gold",
        # A new app's limit. The one of a method (200 a second) counts all apps of the platform together.
        budgets=(Budget(name="ark app", calls=100, seconds=1, scope="app"),),
        docs_url="https://open.xiaohongshu.com",
        emulator="shelftide_xiaohongshu.emulator:ArkEmulator",
        app_accounts=SHOPS_OF_AN_APP,
    )
    auth: ClassVar[OAuth2] = ARK_AUTH
    streams: ClassVar[tuple[Stream, ...]] = (
        Stream("orders", Order, (OrderLine,), "updateTime", _OVERLAP),
        Stream("refunds", Refund, (), "updatedAt", _OVERLAP),
        Stream("products", Product, (Variant,), "updateTime", _OVERLAP, whole=True),
        Stream("stock", StockLevel),
        Stream("locations", Location),
        # Figures come up to yesterday; a settlement may be booked late.
        Stream("payouts", Payout, (Fee,), "settledTime", days(3), days(2)),
        Stream("fees", Fee, (), "settledTime", days(3), days(2)),
        # Offline attribution is finished 48 hours after the order.
        Stream("staff_sales", Touch, (), "payDate", days(3), days(2)),
    )

    @classmethod
    def classify(cls, response: Any) -> ConnectorError | None:
        """Errors in HTTP 200 included."""
        return classify_ark(response)

    async def check(self, ctx: Context) -> Health:
        """List the orders of the last minutes: a shop's token opens them, or it opens nothing."""
        try:
            until = int(ctx.clock.now().timestamp())
            await ask(
                ctx.client,
                ORDERS.method,
                timeType=1,
                startTime=until - 600,
                endTime=until,
                pageNo=1,
                pageSize=1,
            )
        except AuthorizationError as error:
            step = "Let the shop's main account approve the app again."
            return Health(state=HealthState.RECONNECT, reason=error.message, step=step)
        return Health(state=HealthState.OK)

    async def accounts(self, ctx: Context) -> list[Account]:
        """The one shop that a grant opens; the platform has no call that names it."""
        seller = ctx.settings.get("account_id", "")
        if not seller:
            raise ConfigurationError("The grant does not say which shop it is for.", hint="Reconnect the shop.")
        settings = {"seller_id": seller}
        return [
            Account(
                source_id=seller,
                name=seller,
                kind="shop",
                currency=CURRENCY,
                zone=ZONE,
                country="CN",
                settings=settings,
            )
        ]

    async def read(self, ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
        """Pages of a stream; each one's cursor resumes after a crash."""
        reads: Mapping[str, Read] = {
            "orders": self._orders,
            "refunds": self._refunds,
            "products": self._products,
            "stock": self._stock,
            "locations": self._locations,
            "payouts": self._payouts,
            "fees": self._fees,
            "staff_sales": self._staff_sales,
        }
        narrow = msgspec.structs.replace(ctx, client=Narrow(ctx.client, AT_ONCE))
        async for page in reads[stream.name](narrow, stream, cursor):
            yield page

    async def webhook(self, ctx: Context, request: WebhookRequest) -> list[Page]:
        """Fresh rows of what a delivery names: deliveries are hints."""
        named = read_pushes(request.body, ctx.settings.get("seller_id", ""))
        found = [Page(rejects=named.rejects), *await self._fetch(ctx, named)]
        return [page for page in found if page.records or page.rejects]

    async def _fetch(self, ctx: Context, named: Named) -> list[Page]:
        pages = []
        if named.orders:
            pages.append(await _detailed(ctx, [{"orderId": each} for each in named.orders], _order))
        if named.returns:
            pages.append(await _detailed(ctx, [{"returnsId": each} for each in named.returns], _refund))
        for item in named.items:
            data = await ask(ctx.client, "product.getItemInfo", itemId=item, pageNo=1, pageSize=PAGE_SIZE)
            pages.append(_page([data], map_item, Product))
        return pages

    async def _orders(self, ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
        async for page in changes(ctx, stream, cursor, ORDERS, partial(_behind, ctx, _order)):
            yield page

    async def _refunds(self, ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
        async for page in changes(ctx, stream, cursor, RETURNS, partial(_behind, ctx, _refund)):
            yield page

    async def _products(self, ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
        """All SKUs at first, whatever their age; afterwards those that changed."""
        filters: dict[str, Any] = {}
        if cursor and cursor.get("updateTime"):
            since, until = _start(ctx, stream, cursor), ctx.captured_at
            filters = {"updateTimeFrom": _millis(since), "updateTimeTo": _millis(until) + 1000}
        async for found in _skus(ctx, filters):
            yield _page(found, map_product, Product)
        yield Page(cursor={"updateTime": ctx.captured_at.isoformat()})

    async def _stock(self, ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
        """The stock of each SKU: the platform gives one a call, several at once."""
        async for found in _skus(ctx, {}):
            records: list[Record] = []
            rejects: list[Reject] = []
            async for page in side_by_side((partial(_stock_of, ctx, row) for row in found), AT_ONCE):
                records += page.records
                rejects += page.rejects
            yield Page(records=records, rejects=rejects)

    async def _locations(self, ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
        async for found in _numbered(ctx, "warehouse.list", "warehouseList", "total", {}, page="pageNo"):
            yield _page(found, map_warehouse, Location)

    async def _payouts(self, ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
        async def rows(day: date) -> AsyncIterator[list[Any]]:
            for direction in (SALE, REFUND):
                asked = {**_day_window(day), "commonSettleStatus": 1, "settleBizType": direction}
                async for found in _numbered(ctx, "finance.pageQueryTransaction", "transactions", "total", asked):
                    yield found

        async for page in _daily(ctx, stream, cursor, rows, map_transaction):
            yield page

    async def _fees(self, ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
        def rows(day: date) -> AsyncIterator[list[Any]]:
            asked = {**_day_window(day), "settleStatus": 1}
            return _numbered(ctx, "finance.pageQueryExpense", "expenses", "total", asked)

        async for page in _daily(ctx, stream, cursor, rows, map_expense):
            yield page

    async def _staff_sales(self, ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
        def rows(day: date) -> AsyncIterator[list[Any]]:
            asked = {"startDate": day.isoformat(), "endDate": day.isoformat()}
            method, size = "businessdata.getKosData", STAFF_PAGE_SIZE
            return _numbered(ctx, method, "data", "count", asked, page="pageNo", size=size)

        async for page in _daily(ctx, stream, cursor, rows, map_staff_sale):
            yield page


async def _daily(
    ctx: Context,
    stream: Stream,
    cursor: Cursor | None,
    rows: Callable[[date], AsyncIterator[list[Any]]],
    mapping: Callable[[Row], Mapped],
) -> AsyncIterator[Page]:
    """Finished days, several at once; rows are judged in the order of the days, and each day ends with its cursor."""

    async def read(day: date) -> AsyncIterator[tuple[date, list[Any] | None]]:
        async for found in rows(day):
            yield day, found
        yield day, None

    strays = Strays()
    reads = (partial(read, day) for day in _finished_days(ctx, stream, cursor))
    async for day, found in side_by_side(reads, AT_ONCE):
        if found is None:
            yield Page(cursor={str(stream.cursor): midnight(day + days(1)).isoformat()})
        else:
            yield _page(found, partial(_on, day, strays, mapping), stream.record)


async def _stock_of(ctx: Context, row: Any) -> AsyncIterator[Page]:
    """The stock of one SKU. The stock of another one is kept, and the one that is missing is noted."""
    try:
        sku_id, code = sku_of(row)
    except (DataError, AttributeError) as error:
        yield Page(rejects=[Reject("StockLevel", f"product: {error}", row)])
        return
    data = await ask(ctx.client, "inventory.getSkuStockV2", skuId=sku_id, inventoryType=1)
    page = _page([data], partial(map_stock, sku_id=sku_id, code=code), StockLevel)
    yield page
    if any(isinstance(each, StockLevel) and each.stock_item_id != sku_id for each in page.records):
        told = f"the platform gave the stock of another SKU than {sku_id}"
        yield Page(rejects=[Reject("StockLevel", told, data)])


async def _order(ctx: Context, row: Row) -> list[Record | Reject]:
    """The order behind a row. Another order than was asked for is kept, and the one that is missing is noted."""
    order_id = identifier(row.get("orderId"), "orderId")
    data = await ask(ctx.client, "order.getOrderDetail", orderId=order_id)
    found: list[Record | Reject] = [*_mapped(impersonal(data), map_order)]
    if data.get("orderId") != order_id:
        found.append(Reject("Order", f"the platform gave another order than {order_id}", impersonal(row)))
    return found


async def _refund(ctx: Context, row: Row) -> list[Record | Reject]:
    if maybe_whole(row, "status") in UNPAID_RETURNS:
        return []
    returns_id = identifier(row.get("returnsId"), "returnsId")
    data = await ask(ctx.client, "afterSale.getAfterSaleInfo", returnsId=returns_id, needNegotiateRecord=False)
    found = data.get("afterSaleInfo")
    if not isinstance(found, Mapping) or found.get("returnsId") != returns_id:
        raise DataError(f"the platform gave another after-sale than {returns_id}", raw=impersonal(found))
    return [*_mapped(impersonal(found), map_refund)]


def _mapped(row: Row, mapping: Callable[[Row], list[Record]]) -> list[Record]:
    """The records of a detail; a row that cannot be understood goes into quarantine as the detail, not as the list's
    row."""
    try:
        return mapping(row)
    except DataError as error:
        raise DataError(error.message, raw=row) from error
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise DataError(f"{type(error).__name__}: {error}", raw=row) from error


async def _behind(ctx: Context, detail: Detail, row: Any) -> list[Record | Reject]:
    """The records behind a row of a list, or why there are none."""
    name = "Order" if detail is _order else "Refund"
    if not isinstance(row, Mapping):
        return [Reject(name, "a row is no object", row)]
    try:
        return await detail(ctx, row)
    except DataError as error:
        return [Reject(name, error.message, impersonal(row) if error.raw is None else error.raw)]


async def _detailed(ctx: Context, rows: Sequence[Row], detail: Detail) -> Page:
    found = [each for row in rows for each in await _behind(ctx, detail, row)]
    return Page(
        records=[each for each in found if isinstance(each, Record)],
        rejects=[each for each in found if isinstance(each, Reject)],
    )


async def _skus(ctx: Context, filters: Mapping[str, Any]) -> AsyncIterator[list[Any]]:
    """Pages of SKUs, newest first, each row once. The next page begins behind the last id, up to an empty page."""
    seen: set[str] = set()
    behind: set[str] = set()
    last = ""
    while True:
        data = await ask(ctx.client, SKUS, pageSize=PAGE_SIZE, lastId=last or None, **filters)
        found = listed(data, "data", SKUS)
        promised(found, len(seen), data.get("total"), SKUS)
        if not found:
            return
        yield unrepeated(found, seen)
        last = _last_id(found)
        if last in behind:
            if data.get("total") is None or len(seen) >= count_of(data, "total", SKUS):
                return  # the same page again, and nothing is missing
            raise ContractError("Ark's paging goes round in a circle", detail=SKUS)
        behind.add(last)


def _last_id(found: Sequence[Any]) -> str:
    for row in reversed(found):
        try:
            return sku_of(row)[0]
        except (DataError, AttributeError):
            continue
    raise ContractError("a page of SKUs names no id to go on from", detail=SKUS)


async def _numbered(
    ctx: Context,
    method: str,
    root: str,
    total: str,
    asked: Mapping[str, Any],
    *,
    page: str = "pageNum",
    size: int = PAGE_SIZE,
) -> AsyncIterator[list[Any]]:
    """Pages by number. Raises ContractError for a page that repeats the one before: the rest would be missing."""
    number, before, shown = 1, "", 0
    seen: set[str] = set()
    while number <= _MOST_PAGES:
        data = await ask(ctx.client, method, **asked, **{page: number, "pageSize": size})
        found = listed(data, root, method)
        mark = repr(found)
        if found and mark == before:
            raise ContractError(f"{method} gives the same page again")
        promised(found, shown, data.get(total), method)
        fresh = unrepeated(found, seen)
        shown += len(fresh)
        yield fresh
        if number * size >= (count := count_of(data, total, method)):
            if shown < count:  # the list moved while it was read, or its pages went round in a circle
                raise TransientError(f"{method} promised {count} rows and gave {shown}")
            return
        number, before = number + 1, mark
    raise ContractError(f"{method} does not end")


def _finished_days(ctx: Context, stream: Stream, cursor: Cursor | None) -> Iterator[date]:
    """Shanghai days from where the last read ended up to yesterday: today's figures are not there."""
    day = shanghai_day(_start(ctx, stream, cursor))
    while day < shanghai_day(ctx.captured_at):
        yield day
        day += timedelta(days=1)


def _start(ctx: Context, stream: Stream, cursor: Cursor | None) -> datetime:
    try:
        return ctx.start(stream, cursor)
    except ValueError as error:
        raise ConfigurationError("the saved cursor cannot be read; start the stream anew", detail=str(error)) from error


def _on(day: date, strays: Strays, mapping: Callable[[Row], Mapped], row: Row) -> list[Record]:
    found = mapping(row)
    return [of_day(record, day, strays) for record in ([found] if isinstance(found, Record) else found)]


def _day_window(day: date) -> dict[str, int]:
    return {"startTime": _millis(midnight(day)), "endTime": _millis(midnight(day + days(1)))}


def _millis(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _page(found: Sequence[Any], mapping: Callable[[Any], Mapped], record: type[Record]) -> Page:
    records, rejects = map_rows(found, mapping, record)
    return Page(records=records, rejects=rejects)
