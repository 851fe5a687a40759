"""Shopify over the Admin GraphQL API: orders with their journeys, goods, what is on its way, codes, and deletions."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any, ClassVar

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
    Page,
    SettingField,
    Stream,
    WebhookRequest,
    days,
    map_rows,
)
from shelftide_sdk.errors import ConnectorError, ContractError
from shelftide_sdk.records import (
    Campaign,
    InboundShipment,
    Location,
    Order,
    OrderLine,
    Product,
    PromoCode,
    Record,
    Refund,
    StockLevel,
    Touch,
    Variant,
)
from shelftide_sdk.webhooks import Webhooks
from shelftide_shopify.auth import SHOP_PATTERN, SHOPIFY_AUTH
from shelftide_shopify.changes import ChangeReader, Source, starting_progress
from shelftide_shopify.completion import (
    add_refund_lines,
    complete_discount,
    complete_item,
    complete_order,
    complete_product,
    complete_transfer,
)
from shelftide_shopify.deletions import deletion_page, deletion_plan, read_deletions
from shelftide_shopify.deliveries import WEBHOOKS
from shelftide_shopify.door import Door
from shelftide_shopify.mapping import (
    Row,
    map_levels,
    map_location,
    map_order,
    map_product,
)
from shelftide_shopify.progress import Progress, save_progress
from shelftide_shopify.queries import (
    ACTIVITIES,
    API_VERSION,
    COUNT_ORDERS,
    COUNT_PRODUCTS,
    DISCOUNTS,
    LOCATIONS,
    SHOP,
    STOCK,
    TRANSFERS,
    bulk_orders,
    bulk_products,
    orders,
    orders_by_id,
    products,
)
from shelftide_shopify.replies import QueryTooLargeError, classify_reply
from shelftide_shopify.shop import Shop, map_shop, timestamp
from shelftide_shopify.subscriptions import subscribe
from shelftide_shopify.supply import is_campaign, map_activity, map_discount, map_transfer, settled_lines
from shelftide_shopify.walk import Plan, Position, id_mark, since_id, since_update, updated_mark, walk
from shelftide_shopify.webhooks import read_delivery

WALL_DAYS = 60
BULK_THRESHOLD = 1_000  # rows from which one file is cheaper than pages
_NEEDED = {
    "orders": ("read_orders",),
    "products": ("read_products",),
    "stock": ("read_inventory", "read_products"),
    "locations": ("read_locations",),
    "inbound_shipments": ("read_inventory_transfers", "read_inventory_shipments", "read_inventory", "read_products"),
    "promo_codes": ("read_discounts",),
    "marketing_events": ("read_marketing_events",),
    "deletions": ("read_products", "read_orders"),
}
_RECHECK = 8
_OTHER_FORM = (KeyError, TypeError, AttributeError, IndexError, ArithmeticError, ValueError)


class Shopify(Connector):
    """One shop. The optional setting `bulk` (auto, always, never) decides how a first read is made."""

    info: ClassVar[ConnectorInfo] = ConnectorInfo(
        name="shopify",
        title="Shopify",
        platform="shopify",
        api_requires=(1, 0),
        hosts=("*.myshopify.com", "storage.googleapis.com"),
        tier="gold",
        settings=(SettingField(name="shop", title="Shop address", pattern=SHOP_PATTERN, example="name.myshopify.com"),),
        # Points of a leaking bucket, 20 seconds deep, by plan; a twentieth is left for calls under way. The names are
        # those of ShopPlan.publicDisplayName. What other plans get is not said: a refusal is waited for.
        budgets=(
            Budget(
                name="shopify points",
                calls=1_900,
                seconds=19,
                scope="app+account",
                endpoints="/admin/api/",
                leaky=True,
                setting="plan",
                factors={"basic": 1, "grow": 1, "advanced": 2, "plus": 10, "plus trial": 10, "shop component": 20},
            ),
        ),
        docs_url="https://shopify.dev/docs/api/admin-graphql",
        emulator="shelftide_shopify.emulator:ShopifyEmulator",
    )
    auth: ClassVar[OAuth2] = SHOPIFY_AUTH
    webhooks: ClassVar[Webhooks | None] = WEBHOOKS
    streams: ClassVar[tuple[Stream, ...]] = (
        Stream("orders", Order, (OrderLine, Refund, Touch), "updated_at", days(2), timedelta(hours=6)),
        Stream("products", Product, (Variant,), "updated_at", days(1), whole=True),
        Stream("stock", StockLevel, (), None, days(0), timedelta(hours=6)),
        Stream("locations", Location),
        Stream("inbound_shipments", InboundShipment, (), None, days(0), timedelta(hours=6)),
        Stream("promo_codes", PromoCode),
        Stream("marketing_events", Campaign),
        Stream("deletions", Product, (Variant, Order), "created_at", days(1)),
    )

    def __init__(self) -> None:
        self._shop: Shop | None = None

    @classmethod
    def classify(cls, response: Any) -> ConnectorError | None:
        """Errors in HTTP 200 included."""
        return classify_reply(response)

    async def check(self, ctx: Context) -> Health:
        """Read shop and scopes: without `read_all_orders` the platform hides older orders and says nothing."""
        door = Door(ctx)
        shop = await self._open(door)
        missing = tuple(sorted({s for needed in _NEEDED.values() for s in needed if not granted(shop, s)}))
        lost = tuple(name for name in _NEEDED if not readable(shop, name))
        reasons = [f"the app lacks {', '.join(missing)}"] if missing else []
        if granted(shop, "read_orders") and not granted(shop, "read_all_orders"):
            missing = (*missing, "read_all_orders")
            first = ctx.clock.now() - timedelta(days=WALL_DAYS)
            reasons.append(f"orders placed before {first:%Y-%m-%d} and their changes are hidden by Shopify")
        if granted(shop, "read_orders") and not granted(shop, "read_customers"):
            missing = (*missing, "read_customers")
            reasons.append("orders carry no customer")
        if door.answered_version not in (None, API_VERSION):
            reasons.append(f"Shopify answers as version {door.answered_version} instead of {API_VERSION}")
        if not reasons:
            return Health(state=HealthState.OK)
        return Health(
            state=HealthState.DEGRADED,
            reason="; ".join(reasons),
            step="Grant the missing scopes to the app and connect the shop again."
            if missing
            else "Update the connector.",
            missing_scopes=missing,
            lost_streams=lost,
        )

    async def accounts(self, ctx: Context) -> list[Account]:
        """The one shop that a grant opens."""
        shop = await self._open(Door(ctx))
        return [
            Account(
                source_id=shop.source_id,
                name=shop.name,
                kind="shop",
                currency=shop.currency,
                zone=shop.zone,
                settings={"shop": shop.domain, **({"plan": shop.plan} if shop.plan else {})},
            )
        ]

    async def discover(self, ctx: Context) -> list[Stream]:
        """The streams that the granted scopes open."""
        shop = await self._open(Door(ctx))
        return [stream for stream in self.streams if readable(shop, stream.name)]

    async def read(self, ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
        """Pages of a stream; each one's cursor resumes after a crash."""
        try:
            async for page in self._read(ctx, stream, cursor):
                yield page
        except _OTHER_FORM as error:  # around the rows; a row of another form is rejected by itself
            raise ContractError(f"Shopify's reply has another form: {type(error).__name__}: {error}") from error

    async def _read(self, ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
        door = Door(ctx)
        shop = await self._open(door)
        reads = {
            "orders": self._orders,
            "products": self._products,
            "stock": self._stock,
            "locations": self._locations,
            "inbound_shipments": self._inbound_shipments,
            "promo_codes": self._promo_codes,
            "marketing_events": self._marketing_events,
            "deletions": self._deletions,
        }
        async for page in reads[stream.name](_Read(ctx, door, shop, stream, cursor)):
            yield page

    async def webhook(self, ctx: Context, request: WebhookRequest) -> list[Page]:
        """The delivery's own records, and fresh rows of what it shows to have changed."""
        door = Door(ctx)
        shop = await self._open(door)
        page, reading = read_delivery(request, shop)
        if any(isinstance(record, Product) for record in reading.records):
            # The body lacks unit costs: prefer the product as the API has it now.
            fresh = await self._product(door, shop, reading.records[0])
            page = fresh or page
        if reading.skipped:
            ctx.log.info("webhook without data: %s", reading.skipped)
        pages = [page] if page.records or page.deletes or page.rejects else []
        if reading.stale_orders:
            ids = [f"gid://shopify/Order/{key}" for key in reading.stale_orders]
            pages.append(await self._orders_by_id(door, shop, ids, None))
        if reading.stale_items:
            rows = await self._rows(door, STOCK, "inventoryItems", reading.stale_items)
            pages.append(_page([await complete_item(door, row) for row in rows], map_levels, StockLevel))
        return [page for page in pages if page.records or page.deletes or page.rejects]

    async def subscribe(self, ctx: Context, address: str) -> list[str]:
        """The topics that did not reach `address` any more, or never did."""
        door = Door(ctx)
        return await subscribe(door, await self._open(door), address)

    async def _open(self, door: Door) -> Shop:
        if self._shop is None:
            self._shop = map_shop(await door.query(SHOP))
        return self._shop

    async def _orders(self, read: "_Read") -> AsyncIterator[Page]:
        door, shop = read.door, read.shop
        with_customer = granted(shop, "read_customers")
        reader = ChangeReader(read.ctx, door, read.stream, read.cursor)
        mark = updated_mark(read.ctx.captured_at)
        plan = Plan(root="orders", query=orders(with_customer), mark=mark, starting_at=since_update, size=8)
        source = Source(
            plan=plan,
            count=(COUNT_ORDERS, "ordersCount"),
            bulk=lambda since: bulk_orders(since, with_customer),
            complete=lambda row: complete_order(door, row),
            enrich=lambda rows: add_refund_lines(door, rows),
            map_row=lambda row: map_order(row, shop),
            bulk_threshold=BULK_THRESHOLD,
        )
        async for page in reader.pages(source):
            yield page
        async for page in self._recheck(read, reader):
            yield page
        if reader.skipped_tests:
            read.ctx.log.info("skipped %d test orders", reader.skipped_tests)

    async def _recheck(self, read: "_Read", reader: ChangeReader) -> AsyncIterator[Page]:
        """Orders whose journey was not ready in an earlier read."""
        overdue = reader.waiting.overdue()
        for start in range(0, len(overdue), _RECHECK):
            chunk = overdue[start : start + _RECHECK]
            page = await self._orders_by_id(read.door, read.shop, chunk, reader)
            yield Page(records=page.records, rejects=page.rejects, cursor=reader.save())
        dropped = reader.waiting.drop_hopeless()
        if dropped:
            read.ctx.log.warning("gave up waiting for the journeys of %d orders", dropped)
            yield Page(cursor=reader.save())

    async def _orders_by_id(self, door: Door, shop: Shop, ids: Sequence[str], reader: ChangeReader | None) -> Page:
        query = orders_by_id(granted(shop, "read_customers"))
        try:
            found = (await door.query(query, ids=list(ids)))["nodes"]
        except QueryTooLargeError:
            if len(ids) == 1:
                raise
            half = len(ids) // 2
            parts = [await self._orders_by_id(door, shop, part, reader) for part in (ids[:half], ids[half:])]
            return Page(
                records=[record for part in parts for record in part.records],
                rejects=[reject for part in parts for reject in part.rejects],
            )
        rows = [await complete_order(door, row) for row in found if row]
        if reader is not None:
            reader.waiting.note(rows)
            for key, row in zip(ids, found, strict=True):
                if row is None:
                    reader.waiting.forget(key)
        return _page(rows, lambda row: map_order(row, shop), Order)

    async def _products(self, read: "_Read") -> AsyncIterator[Page]:
        door, shop = read.door, read.shop
        with_cost = granted(shop, "read_inventory")

        async def complete(row: Row) -> Row:
            return await complete_product(door, row, with_cost)

        reader = ChangeReader(read.ctx, door, read.stream, read.cursor)
        mark = updated_mark(read.ctx.captured_at)
        plan = Plan(root="products", query=products(with_cost), mark=mark, starting_at=since_update, size=20)
        source = Source(
            plan=plan,
            count=(COUNT_PRODUCTS, "productsCount"),
            bulk=lambda since: bulk_products(since, with_cost),
            complete=complete,
            enrich=_as_they_are,
            map_row=lambda row: map_product(row, shop),
            bulk_threshold=BULK_THRESHOLD,
        )
        # Deletions first: the walk's last cursor then speaks for both.
        if not reader.first:
            async for page in self._deleted_products(read, reader):
                yield page
        async for page in reader.pages(source):
            yield page

    async def _deleted_products(self, read: "_Read", reader: ChangeReader) -> AsyncIterator[Page]:
        async for step in walk(read.door, deletion_plan("PRODUCT"), Position(start=timestamp(reader.started))):
            yield deletion_page(step.rows)

    async def _product(self, door: Door, shop: Shop, product: Record) -> Page | None:
        assert isinstance(product, Product)
        with_cost = granted(shop, "read_inventory")
        rows = await self._rows(door, products(with_cost), "products", (product.source_id,))
        whole = [await complete_product(door, row, with_cost) for row in rows]
        return _page(whole, lambda row: map_product(row, shop), Product) if whole else None

    async def _rows(self, door: Door, query: str, root: str, ids: Sequence[str]) -> list[Row]:
        wanted = " OR ".join(f"id:{key}" for key in ids)
        return list((await door.query(query, first=10, after=None, query=wanted))[root]["nodes"])

    async def _stock(self, read: "_Read") -> AsyncIterator[Page]:
        plan = Plan(root="inventoryItems", query=STOCK, mark=id_mark, starting_at=since_id, size=50)
        async for step, progress in self._pass(read, plan):
            rows = [await complete_item(read.door, row) for row in step]
            page = _page(rows, map_levels, StockLevel)
            yield Page(records=page.records, rejects=page.rejects, cursor=save_progress(progress))

    async def _locations(self, read: "_Read") -> AsyncIterator[Page]:
        plan = Plan(root="locations", query=LOCATIONS, mark=id_mark, starting_at=since_id, size=50)
        async for step, progress in self._pass(read, plan):
            page = _page(step, map_location, Location)
            yield Page(records=page.records, rejects=page.rejects, cursor=save_progress(progress))

    async def _inbound_shipments(self, read: "_Read") -> AsyncIterator[Page]:
        plan = Plan(root="inventoryTransfers", query=TRANSFERS, mark=id_mark, starting_at=since_id, size=20)
        async for step, progress in self._pass(read, plan):
            rows = [await complete_transfer(read.door, row) for row in step]
            page = _page(rows, map_transfer, InboundShipment)
            yield Page(
                records=page.records,
                deletes=settled_lines(rows),
                rejects=page.rejects,
                cursor=save_progress(progress),
            )

    async def _promo_codes(self, read: "_Read") -> AsyncIterator[Page]:
        def starting_at(mark: str | None) -> str:
            return " AND ".join(filter(None, ("method:code", since_id(mark))))

        plan = Plan(root="discountNodes", query=DISCOUNTS, mark=id_mark, starting_at=starting_at, size=20)
        async for step, progress in self._pass(read, plan):
            rows = [await complete_discount(read.door, row) for row in step]
            page = _page(rows, map_discount, PromoCode)
            yield Page(records=page.records, rejects=page.rejects, cursor=save_progress(progress))

    async def _marketing_events(self, read: "_Read") -> AsyncIterator[Page]:
        plan = Plan(root="marketingActivities", query=ACTIVITIES, mark=id_mark, starting_at=since_id, size=50)
        async for step, progress in self._pass(read, plan):
            page = _page(list(filter(is_campaign, step)), lambda row: map_activity(row, read.shop), Campaign)
            yield Page(records=page.records, rejects=page.rejects, cursor=save_progress(progress))

    def _deletions(self, read: "_Read") -> AsyncIterator[Page]:
        return read_deletions(read.ctx, read.door, read.stream, read.cursor)

    async def _pass(self, read: "_Read", plan: Plan) -> AsyncIterator[tuple[Sequence[Row], Progress]]:
        """A full pass; a cursor in the middle of one resumes it, any other starts a new one."""
        begun = starting_progress(read.cursor).read
        async for step in walk(read.door, plan, begun or Position()):
            done = Progress(completed_at=timestamp(read.ctx.captured_at))
            yield step.rows, Progress(read=step.position) if step.more else done


class _Read:
    """What one read works with."""

    def __init__(self, ctx: Context, door: Door, shop: Shop, stream: Stream, cursor: Cursor | None) -> None:
        self.ctx = ctx
        self.door = door
        self.shop = shop
        self.stream = stream
        self.cursor = cursor


def granted(shop: Shop, scope: str) -> bool:
    """Whether the grant holds a scope; the right to write includes the right to read."""
    return scope in shop.scopes or scope.replace("read_", "write_", 1) in shop.scopes


def readable(shop: Shop, stream: str) -> bool:
    """Whether the grant opens a stream."""
    return all(granted(shop, scope) for scope in _NEEDED[stream])


async def _as_they_are(rows: Sequence[Row]) -> list[Row]:
    return list(rows)


def _page(rows: Sequence[Row], mapping: Any, record: type[Record]) -> Page:
    records, rejects = map_rows(rows, mapping, record)
    return Page(records=records, rejects=rejects)
