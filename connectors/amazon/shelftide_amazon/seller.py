"""Amazon for sellers (SP-API): orders or days of sales, money, stock, inbound, listings, ranks, account health.

Settings: `region` (na, eu or fe), `seller_id`, `orders_by` (search, report or v0), `kiosk`, `reports`, `zone`. The
chosen account adds `marketplace_id`. Personal data is never asked for, so that no restricted data token is needed.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, ClassVar

from shelftide_amazon import kiosk, seller_goods, seller_money, seller_orders, seller_reports, seller_updates
from shelftide_amazon.auth import HOSTS, SELLER_AUTH, seller_api
from shelftide_amazon.connection import marketplace_of
from shelftide_amazon.marketplaces import MARKETPLACES
from shelftide_amazon.notifications import KEY_FIELD, WEBHOOKS
from shelftide_amazon.replies import body_of, classify
from shelftide_amazon.values import list_of
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
)
from shelftide_sdk.errors import ConfigurationError, ConnectorError
from shelftide_sdk.records import (
    AccountHealth,
    BestSellerRank,
    Fee,
    InboundShipment,
    Listing,
    Location,
    Order,
    OrderLine,
    Payout,
    Product,
    ProfileDay,
    PromoCode,
    Refund,
    SalesDay,
    StockLevel,
    Variant,
)
from shelftide_sdk.webhooks import Webhooks

PARTICIPATIONS = "/sellers/v1/marketplaceParticipations"
_ZONE = r"([A-Za-z_]+(/[A-Za-z0-9_+-]+)*)?"
# A transaction is deferred until a week after delivery, and then comes again as released.
_DEFERRED = days(35)


def _budget(name: str, rate: float, burst: int, endpoints: str) -> Budget:
    return Budget(name=f"amazon {name}", calls=burst, seconds=burst / rate, endpoints=endpoints)


class AmazonSeller(Connector):
    """One seller in one marketplace."""

    info: ClassVar[ConnectorInfo] = ConnectorInfo(
        name="amazon-sp",
        title="Amazon (seller)",
        platform="amazon",
        api_requires=(1, 0),
        hosts=HOSTS,
        tier="gold",
        settings=(
            SettingField(name="region", title="Region (na, eu or fe)", pattern=r"(na|eu|fe)?", example="na"),
            SettingField(
                name="seller_id",
                title="Merchant token (Seller Central, account info)",
                pattern=r"A[A-Z0-9]{8,}",
                example="A2EXAMPLE0SELLR",
            ),
            SettingField(
                name="orders_by",
                title="Read orders by search, report or v0 (or vendor: purchase orders)",
                pattern=r"(search|report|v0|vendor)?",
                example="search",
            ),
            SettingField(
                name="kiosk",
                title="Days of sales instead of orders (sales, economics or vendor; empty: orders)",
                pattern=r"(sales|economics|vendor)?",
                example="",
            ),
            SettingField(
                name="money_by",
                title="Read refunds and fees by events of old (events; empty: transactions)",
                pattern=r"(events)?",
                example="",
            ),
            SettingField(
                name="reports",
                title="Report types to read streams by, with commas (empty: none)",
                pattern=r"(GET_[A-Z0-9_]+(, *GET_[A-Z0-9_]+)*)?",
                example="",
            ),
            SettingField(name="zone", title="Reporting zone (empty: the marketplace's)", pattern=_ZONE, example=""),
        ),
        # Default rates of the usage plans; a busy seller may have more. Token buckets a seller, app and operation.
        budgets=(
            _budget("orders search", 0.0056, 20, "/orders/2026-01-01/orders"),
            _budget("orders v0", 0.0167, 20, "/orders/v0/orders"),
            _budget("purchase orders", 10, 10, seller_orders.PURCHASE_ORDERS.path),
            _budget("inventory", 2, 2, "/fba/inventory/v1/summaries"),
            _budget("reports", 0.0167, 15, "/reports/2021-06-30/reports"),
            _budget("report documents", 0.0167, 15, "/reports/2021-06-30/documents"),
            _budget("kiosk queries", 0.0167, 15, kiosk.QUERIES),
            _budget("kiosk documents", 0.0167, 15, kiosk.DOCUMENTS),
            _budget("event groups", 0.5, 30, "/finances/v0"),
            _budget("transactions", 0.5, 10, "/finances/2024-06-19"),
            _budget("participations", 0.016, 15, PARTICIPATIONS),
            _budget("catalogue", 2, 2, "/catalog/2022-04-01"),
            _budget("listings", 5, 5, "/listings/2021-08-01"),
            _budget("inbound", 2, 30, "/fba/inbound/v0"),
        ),
        app_fields=(
            SettingField(name="application_id", title="Application id", pattern=r"(amzn1\.sp\.solution\.\S+)?"),
            SettingField(name="draft", title="Draft (yes for an app that is not published)", pattern=r"(yes)?"),
            SettingField(name=KEY_FIELD, title="Key of the event bus (header x-api-key)", pattern=r".{16,200}|"),
        ),
        docs_url="https://developer-docs.amazon.com/sp-api",
        emulator="shelftide_amazon.emulator:AmazonEmulator",
    )
    auth: ClassVar[OAuth2] = SELLER_AUTH
    webhooks: ClassVar[Webhooks | None] = WEBHOOKS
    streams: ClassVar[tuple[Stream, ...]] = (
        Stream("orders", Order, (OrderLine, PromoCode), "lastUpdatedTime", days(2)),
        Stream("refunds", Refund, (), "postedDate", _DEFERRED),
        Stream("fees", Fee, (), "postedDate", _DEFERRED),
        # A group fills for two weeks, and its transfer may fail and be made again.
        Stream("payouts", Payout, (), "FinancialEventGroupStart", days(45), days(15)),
        Stream("stock", StockLevel, (Location,)),
        Stream("inbound_shipments", InboundShipment),
        Stream("listings", Listing, (Product, Variant, StockLevel)),
        Stream("best_seller_ranks", BestSellerRank),
        Stream("account_health", AccountHealth),
        # Amazon corrects days for a while; the last one comes a day or two late.
        Stream("sales_days", SalesDay, (), "startDate", days(5), days(3)),
        Stream("traffic_days", ProfileDay, (), "startDate", days(5), days(3)),
    )

    @classmethod
    def classify(cls, response: Any) -> ConnectorError | None:
        """Errors in HTTP 200 included."""
        return classify(response)

    async def check(self, ctx: Context) -> Health:
        """The seller must still take part in the connection's marketplace."""
        market = marketplace_of(ctx.settings)
        for row in await _participations(ctx):
            about, part = row.get("marketplace"), row.get("participation")
            if not isinstance(about, Mapping) or not isinstance(part, Mapping) or about.get("id") != market.id:
                continue
            if part.get("hasSuspendedListings") is True:
                return Health(
                    state=HealthState.DEGRADED,
                    reason="Amazon has suspended listings of this account",
                    step="Open account health in Seller Central.",
                )
            return Health(state=HealthState.OK)
        return Health(
            state=HealthState.RECONNECT,
            reason=f"the grant does not open the marketplace {market.country}",
            step="Connect again in the marketplace's own region, as the owner of the account.",
        )

    async def accounts(self, ctx: Context) -> list[Account]:
        """One account a marketplace in which the seller takes part."""
        found = []
        for row in await _participations(ctx):
            about, part = row.get("marketplace"), row.get("participation")
            if not isinstance(about, Mapping) or not isinstance(part, Mapping):
                continue
            market = MARKETPLACES.get(str(about.get("id")))
            if market is None or part.get("isParticipating") is False:
                continue
            seller = ctx.settings.get("seller_id", "")
            found.append(
                Account(
                    source_id=f"{seller}:{market.id}" if seller else market.id,
                    name=f"{row.get('storeName') or 'Amazon'} ({market.country})",
                    kind="marketplace",
                    currency=market.currency,
                    zone=ctx.settings.get("zone") or market.zone,
                    country=market.country,
                    settings={"marketplace_id": market.id, "region": market.region},
                )
            )
        return found

    async def discover(self, ctx: Context) -> list[Stream]:
        """Orders, or days of sales (of Data Kiosk, or by a report): both would count each sale twice."""
        chosen = ctx.settings.get("kiosk", "")
        if chosen and chosen not in kiosk.DATASETS:
            raise ConfigurationError(f"There is no dataset {chosen[:20]!r}.", hint="Choose sales, economics or vendor.")
        left_out = {"sales_days", "traffic_days"} if not chosen else {"orders"}
        if chosen == "vendor":  # whose visits are in another view
            left_out |= {"traffic_days"}
        reported = {name for name in seller_reports.REPORTS if seller_reports.chosen(ctx.settings, name)}
        left_out = (left_out - reported) | ({"orders"} if "sales_days" in reported else set())
        return [stream for stream in self.streams if stream.name not in left_out]

    async def read(self, ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
        """Pages of a stream; each one's cursor resumes after a crash."""
        reads: Mapping[str, Callable[[Context, Stream, Cursor | None], AsyncIterator[Page]]] = {
            "orders": seller_orders.READS[_orders_by(ctx)],
            "refunds": seller_money.read_refunds,
            "fees": seller_money.read_fees,
            "payouts": seller_money.read_payouts,
            "stock": seller_goods.read_stock,
            "inbound_shipments": seller_goods.read_inbound,
            "listings": seller_goods.read_listings,
            "best_seller_ranks": seller_goods.read_ranks,
            "account_health": seller_goods.read_health,
            "sales_days": kiosk.read_sales,
            "traffic_days": kiosk.read_visits,
        }
        reports = seller_reports.chosen(ctx.settings, stream.name)
        async for page in seller_reports.read_chosen(ctx, stream, cursor):
            yield page
        if not seller_reports.in_place(reports):
            async for page in reads[stream.name](ctx, stream, cursor):
                yield page

    async def webhook(self, ctx: Context, request: WebhookRequest) -> list[Page]:
        """Stock as a notification tells it; orders and listings are read again, as they are now."""
        return await seller_updates.pages_of(ctx, request)


def _orders_by(ctx: Context) -> str:
    found = ctx.settings.get("orders_by") or "search"
    if found not in seller_orders.READS:
        raise ConfigurationError(
            f"Orders cannot be read by {found[:20]!r}.", hint="Choose search, report, v0 or vendor."
        )
    return found


async def _participations(ctx: Context) -> list[Mapping[str, Any]]:
    response = await ctx.client.get(seller_api(ctx.settings) + PARTICIPATIONS)
    rows = list_of(body_of(response), "payload", "marketplaceParticipations")
    return [row for row in rows if isinstance(row, Mapping)]
