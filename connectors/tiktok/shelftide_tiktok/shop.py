"""TikTok Shop: orders, refunds, products, stock, warehouses, settlements and affiliate orders of one shop."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, ClassVar

import msgspec

from shelftide_sdk.auth import OAuth2
from shelftide_sdk.bodies import read_json
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
    SettingField,
    Stream,
    WebhookRequest,
    days,
    map_rows,
)
from shelftide_sdk.errors import ConfigurationError, ConnectorError, ContractError
from shelftide_sdk.records import (
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
from shelftide_sdk.webhooks import Webhooks
from shelftide_tiktok.auth import SHOP_API, SHOP_AUTH
from shelftide_tiktok.mapping_shop import (
    Shop,
    is_sample,
    map_affiliate_order,
    map_order,
    map_product,
    map_refund,
    map_statement,
    map_stock,
    map_warehouse,
    stocked,
    unanswered,
)
from shelftide_tiktok.markets import currency_of, zone_of
from shelftide_tiktok.replies import classify_shop
from shelftide_tiktok.values import Row, data_of, listed, unrepeated
from shelftide_tiktok.webhooks import WEBHOOKS, Reading, read_delivery
from shelftide_tiktok.windows import Search, changes, load_progress, pages

SHOPS = "/authorization/202309/shops"
WAREHOUSES = "/logistics/202309/warehouses"
INVENTORY = "/product/202309/inventory/search"
ORDERS_BY_ID = "/order/202309/orders"
PRODUCT = "/product/202309/products/"
ORDER_SEARCH = Search(path="/order/202309/orders/search", root="orders")
RETURN_SEARCH = Search(
    path="/return_refund/202309/returns/search", root="return_orders", id_field="return_id", page_size=50
)
PRODUCT_SEARCH = Search(path="/product/202502/products/search", root="products", sorted=False)
STATEMENTS = Search(path="/finance/202309/statements", root="statements", field="statement_time", get=True)
AFFILIATE_SEARCH = Search(
    path="/affiliate_seller/202410/orders/search", root="orders", field="create_time", sorted=False
)
# What a row says of a person; none of it is needed, so none of it goes on, not even into quarantine.
_PERSONAL = ("recipient_address", "buyer_email", "buyer_nickname", "buyer_avatar", "buyer_message", "cpf", "cpf_name")
_ZONE = r"([A-Za-z_]+(/[A-Za-z0-9_+-]+)*)?"


class TikTokShop(Connector):
    """One shop. Optional settings: `market` (US for US sellers), `zone` (reporting zone, else the market's)."""

    info: ClassVar[ConnectorInfo] = ConnectorInfo(
        name="tiktok-shop",
        title="TikTok Shop",
        platform="tiktok-shop",
        api_requires=(1, 0),
        hosts=(
            "open-api.tiktokglobalshop.com",
            "auth.tiktok-shops.com",
            "services.tiktokshop.com",
            "services.us.tiktokshop.com",
        ),
        tier="gold",
        settings=(
            SettingField(name="market", title="Seller's market (US or empty)", pattern=r"(US)?", example="US"),
            SettingField(
                name="zone", title="Reporting zone (empty: the market's)", pattern=_ZONE, example="Europe/Rome"
            ),
        ),
        # Sellers' tools report 50 calls a second for an app and shop; the platform's pages name no number. A tenth is
        # left for calls that arrive closer together than they were sent.
        budgets=(Budget(name="tiktok shop a second", calls=45, seconds=1, scope="app+account"),),
        app_fields=(SettingField(name="service_id", title="Service id (Partner Center)", pattern=r"\d+"),),
        docs_url="https://partner.tiktokshop.com/docv2",
        emulator="shelftide_tiktok.emulator:TikTokShopEmulator",
    )
    auth: ClassVar[OAuth2] = SHOP_AUTH
    webhooks: ClassVar[Webhooks | None] = WEBHOOKS
    streams: ClassVar[tuple[Stream, ...]] = (
        Stream("orders", Order, (OrderLine, Touch), "update_time", days(1)),
        Stream("refunds", Refund, (), "update_time", days(1)),
        Stream("products", Product, (Variant,), "update_time", days(1)),
        Stream("stock", StockLevel),
        Stream("locations", Location),
        # A settlement is corrected until it is paid, and commissions ripen with the order.
        Stream("statements", Payout, (), "update_time", days(14), days(8)),
        Stream("affiliate_orders", Touch, (), "update_time", days(7), days(2)),
    )

    @classmethod
    def classify(cls, response: Any) -> ConnectorError | None:
        """Errors in HTTP 200 included."""
        return classify_shop(response)

    async def check(self, ctx: Context) -> Health:
        """List the shops: the connection's own must still be among them."""
        shop = _shop(ctx.settings)
        found = {str(row.get("id")) for row in await _list(ctx, SHOPS, "shops")}
        if shop.shop_id and shop.shop_id not in found:
            return Health(
                state=HealthState.RECONNECT,
                reason="the grant no longer opens this shop",
                step="Sign in with an account that may see the shop and connect it again.",
            )
        return Health(state=HealthState.OK)

    async def accounts(self, ctx: Context) -> list[Account]:
        """One account a shop: a grant may open many."""
        return [await self._account(ctx, row) for row in await _list(ctx, SHOPS, "shops")]

    async def _account(self, ctx: Context, row: Row) -> Account:
        account = map_shop(row)
        zone = ctx.settings.get("zone") or account.zone
        if account.country == "US" and not ctx.settings.get("zone"):
            found = await _list(ctx, WAREHOUSES, "warehouses", shop_cipher=account.settings["cipher"])
            zone = zone_of("US", list(found))
        return msgspec.structs.replace(account, zone=zone, settings={**account.settings, "zone": zone or ""})

    async def read(self, ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
        """Pages of a stream; each one's cursor resumes after a crash."""
        reads: Mapping[str, Callable[[Context, Stream, Cursor | None], AsyncIterator[Page]]] = {
            "orders": self._orders,
            "refunds": self._changes(RETURN_SEARCH, map_refund),
            "products": self._products,
            "stock": self._stock,
            "locations": self._locations,
            "statements": self._changes(STATEMENTS, map_statement),
            "affiliate_orders": self._changes(AFFILIATE_SEARCH, map_affiliate_order),
        }
        async for page in reads[stream.name](ctx, stream, cursor):
            yield page

    async def webhook(self, ctx: Context, request: WebhookRequest) -> list[Page]:
        """Fresh rows of what a delivery names: deliveries carry ids only."""
        reading = read_delivery(request)
        if reading.skipped:
            ctx.log.info("webhook without data: %s", reading.skipped)
        found = [Page(rejects=reading.rejects), *await self._fetch(ctx, reading)]
        return [page for page in found if page.records or page.rejects]

    async def _fetch(self, ctx: Context, reading: Reading) -> list[Page]:
        shop, found = _shop(ctx.settings), []
        if reading.orders:
            rows_ = await _list(ctx, ORDERS_BY_ID, "orders", ids=",".join(reading.orders))
            found.append(_page(_sales(ctx, rows_), lambda row: map_order(row, shop), Order))
        if reading.returns_of:
            async for rows_, _ in pages(ctx.client, RETURN_SEARCH, {"order_ids": list(reading.returns_of)}):
                found.append(_page(rows_, lambda row: map_refund(row, shop), Refund))  # async
        for product_id in reading.products:
            response = await ctx.client.get(f"{SHOP_API}{PRODUCT}{product_id}")
            row = read_json(response.content).get("data") or {}
            found.append(_page([row], lambda row: map_product(row, shop), Product))
        return found

    async def _orders(self, ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
        shop = _shop(ctx.settings)
        async for step in changes(ctx, stream, cursor, ORDER_SEARCH):
            yield _page(_sales(ctx, step.rows), lambda row: map_order(row, shop), Order, cursor=step.cursor)

    def _changes(
        self, search: Search, mapping: Callable[[Any, Shop], Mapped]
    ) -> Callable[[Context, Stream, Cursor | None], AsyncIterator[Page]]:
        async def read(ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
            shop = _shop(ctx.settings)
            async for step in changes(ctx, stream, cursor, search):
                yield _page(step.rows, lambda row: mapping(row, shop), stream.record, cursor=step.cursor)

        return read

    async def _products(self, ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
        """All products at first, whatever their age; afterwards those that changed."""
        shop = _shop(ctx.settings)
        ended = {"update_time": ctx.captured_at.isoformat()}
        filters = {}
        if load_progress(cursor).update_time is not None:
            filters = {"update_time_ge": int(ctx.start(stream, cursor).timestamp())}
        seen: set[str] = set()
        async for found, token in pages(ctx.client, PRODUCT_SEARCH, filters):
            fresh = unrepeated(found, "id", seen)
            yield _page(fresh, lambda row: map_product(row, shop), Product, cursor=None if token else ended)

    async def _stock(self, ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
        """The stock of each page of products. Deleted products have none."""
        seen: set[str] = set()
        async for found, _ in pages(ctx.client, PRODUCT_SEARCH, {}):
            ids, rejects = stocked(unrepeated(found, "id", seen))
            if rejects:
                yield Page(rejects=rejects)
            if not ids:
                continue
            response = await ctx.client.post(SHOP_API + INVENTORY, json={"product_ids": ids})
            inventory = listed(data_of(read_json(response.content), INVENTORY), "inventory", INVENTORY)
            page = _page(unrepeated(inventory, "product_id", set()), map_stock, StockLevel)
            yield msgspec.structs.replace(page, rejects=[*page.rejects, *unanswered(ids, inventory)])

    async def _locations(self, ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
        yield _page(unrepeated(await _list(ctx, WAREHOUSES, "warehouses"), "id", set()), map_warehouse, Location)


def map_shop(row: Row) -> Account:
    """A row of the list of authorised shops. Its zone and currency are the region's."""
    try:
        shop_id, cipher, region = str(row["id"]), str(row["cipher"]), str(row["region"])
    except (KeyError, TypeError) as error:
        raise ContractError(f"a shop without {error}") from error
    return Account(
        source_id=shop_id,
        name=str(row.get("name") or shop_id),
        kind="shop",
        currency=currency_of(region),
        zone=zone_of(region),
        country=region,
        settings={"cipher": cipher, "shop_id": shop_id, "region": region},
    )


def _shop(settings: Mapping[str, str]) -> Shop:
    region = settings.get("region", "")
    zone = settings.get("zone") or zone_of(region)
    if not settings.get("cipher"):
        raise ConfigurationError("The connection does not say which shop it is for.", hint="Reconnect the shop.")
    return Shop(shop_id=settings.get("shop_id", ""), region=region, zone=zone)


async def _list(ctx: Context, path: str, root: str, **params: str) -> Sequence[Row]:
    data: Row = {}
    for _ in range(2):  # bare data is also what a reply looks like that lost its rows
        if not data:
            response = await ctx.client.get(SHOP_API + path, params=params)
            data = data_of(read_json(response.content), path)
    if data and root not in data:
        raise ContractError(f"{path}: the reply holds no {root}")
    return listed(data, root, path)


def _sales(ctx: Context, found: Sequence[Row]) -> list[Row]:
    """Orders without samples, and without persons."""
    kept = [_impersonal(row) for row in found if not (isinstance(row, dict) and is_sample(row))]
    if len(kept) < len(found):
        ctx.log.info("skipped %d orders of free samples", len(found) - len(kept))
    return kept


def _impersonal(row: Row) -> Row:
    if not isinstance(row, dict):
        return row
    address = row.get("recipient_address")
    region = address.get("region_code") if isinstance(address, dict) else None
    kept = {key: value for key, value in row.items() if key not in _PERSONAL}
    return {**kept, "recipient_address": {"region_code": region}} if region else kept


def _page(
    found: Sequence[Any], mapping: Callable[[Any], Mapped], record: type[Record], cursor: Cursor | None = None
) -> Page:
    records, rejects = map_rows(found, mapping, record)
    return Page(records=records, rejects=rejects, cursor=cursor)
