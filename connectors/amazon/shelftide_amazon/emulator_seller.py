"""The emulated SP-API: orders in three forms, stock, listings, ranks, shipments, finances and the seller's account."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote

from shelftide_amazon import emulator_goods_facts as goods
from shelftide_amazon import emulator_money_facts as finances
from shelftide_amazon import emulator_order_facts as orders
from shelftide_amazon.emulator_door import AmazonDoor, Fault, Row
from shelftide_amazon.emulator_kiosk import SellerKiosk
from shelftide_amazon.emulator_reports import SellerReports
from shelftide_amazon.values import moment
from shelftide_sdk.errors import DataError
from shelftide_sdk.testing.emulator import Request, Route
from shelftide_sdk.testing.world.model import Brand, Order

_SETTLED = timedelta(minutes=2)
_STOCK_TOKEN_LIFE = timedelta(seconds=30)
_LONGEST_FINANCE_WINDOW = timedelta(days=180)


class SellerNodes:
    """Answers about a seller."""

    def __init__(self, door: AmazonDoor) -> None:
        self._door = door
        self._world = door.world
        self.reports = SellerReports(door)
        self.kiosk = SellerKiosk(door)

    def routes(self) -> Sequence[Route]:
        """Paths of SP-API."""
        api = self._door.seller_api
        return (
            Route("GET", r"/sellers/v1/marketplaceParticipations", api(self._participations)),
            Route("GET", r"/orders/2026-01-01/orders", api(self._search)),
            Route("GET", r"/orders/2026-01-01/orders/(?P<id>[\d-]+)", api(self._order)),
            Route("GET", r"/orders/v0/orders", api(self._search_v0)),
            Route("GET", r"/orders/v0/orders/(?P<id>[\d-]+)/orderItems", api(self._items_v0)),
            Route("GET", r"/fba/inventory/v1/summaries", api(self._stock)),
            Route("GET", r"/fba/inbound/v0/shipments", api(self._shipments)),
            Route("GET", r"/fba/inbound/v0/shipmentItems", api(self._shipment_items)),
            Route("GET", r"/listings/2021-08-01/items/(?P<seller>\w+)", api(self._listings)),
            Route("GET", r"/listings/2021-08-01/items/(?P<seller>\w+)/(?P<sku>[^/]+)", api(self._listing)),
            Route("GET", r"/catalog/2022-04-01/items", api(self._catalogue)),
            Route("GET", r"/finances/2024-06-19/transactions", api(self._transactions)),
            Route("GET", r"/finances/v0/financialEventGroups", api(self._groups)),
            *self.reports.routes(),
            *self.kiosk.routes(),
        )

    # -- account -------------------------------------------------------------------------------------------------

    def _participations(self, request: Request, brand: Brand) -> Row:
        market = self._door.market_of(brand)
        about = {
            "id": market.id,
            "name": f"Amazon {market.country}",
            "countryCode": market.country,
            "defaultCurrencyCode": market.currency,
            "defaultLanguageCode": "en_US",
            "domainName": market.domain,
        }
        part = {"isParticipating": True, "hasSuspendedListings": False}
        return {"payload": [{"marketplace": about, "participation": part, "storeName": brand.name}]}

    # -- orders --------------------------------------------------------------------------------------------------

    def _search(self, request: Request, brand: Brand) -> Row:
        asked = request.params
        chosen = self._chosen(
            request, brand, ("lastUpdatedAfter", "lastUpdatedBefore"), ("createdAfter", "createdBefore")
        )
        size = _size(asked.get("maxResultsPerPage"), 100)
        page, token = self._door.cut(chosen, asked.get("paginationToken"), size, mark=self._mark)
        market, shown = self._door.market_of(brand), self.shown()
        rows = [orders.order_row(self._world, brand, order, market, shown) for order in page]
        body: Row = {"orders": rows, "lastUpdatedBefore": goods.stamp(self._world.now)}
        return body | ({"pagination": {"nextToken": token}} if token else {})

    def _order(self, request: Request, brand: Brand) -> Row:
        market, shown = self._door.market_of(brand), self.shown()
        for order in orders.orders_of(self._world, brand):
            if orders.order_id(order) == request.match["id"]:
                return {"order": orders.order_row(self._world, brand, order, market, shown)}
        raise Fault(404, "NotFound", "The order does not exist.")

    def _search_v0(self, request: Request, brand: Brand) -> Row:
        asked, token = request.params, request.params.get("NextToken")
        if token:
            extra = set(asked) - {"NextToken", "MarketplaceIds"}
            if extra:
                raise Fault(400, "InvalidInput", f"With NextToken nothing else may be sent: {sorted(extra)}")
            token, after = token.split("~", 1)
            request_params = (("LastUpdatedAfter", after), ("MarketplaceIds", asked.get("MarketplaceIds", "")))
            chosen = self._after(brand, dict(request_params))
        else:
            chosen = self._chosen(
                request, brand, ("LastUpdatedAfter", "LastUpdatedBefore"), ("CreatedAfter", "CreatedBefore")
            )
            after = asked.get("LastUpdatedAfter", "")
        size = _size(asked.get("MaxResultsPerPage"), 100)
        page, following = self._door.cut(chosen, token, size, mark=self._mark)
        market, shown = self._door.market_of(brand), self.shown()
        rows = [orders.order_row_v0(self._world, brand, order, market, shown) for order in page]
        payload: Row = {"Orders": rows, "LastUpdatedBefore": goods.stamp(self._world.now)}
        return {"payload": payload | ({"NextToken": f"{following}~{after}"} if following else {})}

    def _mark(self, order: Order) -> str:
        """What orders are sorted by: one that changes moves behind, and shifts no other out of a page."""
        return f"{order.updated_at(self._world.now).isoformat()}~{order.key}"

    def _after(self, brand: Brand, asked: dict[str, str]) -> list[Any]:
        start = _time(asked["LastUpdatedAfter"], "LastUpdatedAfter")
        return [
            o for o in orders.orders_of(self._world, brand) if orders.changed(o, self._world, self.shown()) >= start
        ]

    def _items_v0(self, request: Request, brand: Brand) -> Row:
        wanted = request.match["id"]
        for order in orders.orders_of(self._world, brand):
            if orders.order_id(order) == wanted:
                items = orders.item_rows_v0(self._world, brand, order, self.shown())
                return {"payload": {"AmazonOrderId": wanted, "OrderItems": self._door.rearranged(items)}}
        raise Fault(404, "NotFound", "The order does not exist.")

    def shown(self) -> orders.Shown:
        """How bad habits change orders."""
        habits = self._door.scenarios
        return orders.Shown(
            pending="moderation-delay" in habits, drifted="schema-drift" in habits, touched="restate" in habits
        )

    def _chosen(self, request: Request, brand: Brand, updated: tuple[str, str], created: tuple[str, str]) -> list[Any]:
        asked = request.params
        self._marketplace(brand, asked.get("marketplaceIds") or asked.get("MarketplaceIds") or "")
        if (updated[0] in asked) == (created[0] in asked):
            raise Fault(400, "InvalidInput", f"Exactly one of {created[0]} and {updated[0]} must be given.")
        names = updated if updated[0] in asked else created
        start = _time(asked[names[0]], names[0])
        end = _time(asked[names[1]], names[1]) if names[1] in asked else self._world.now
        if names[1] in asked and end > self._world.now - _SETTLED:
            raise Fault(400, "InvalidInput", f"{names[1]} must be at least two minutes ago.")
        shown = self.shown()
        found = orders.orders_of(self._world, brand)
        if names == updated:
            return [o for o in found if start <= orders.changed(o, self._world, shown) <= end]
        return [o for o in found if start <= o.placed_at <= end]

    def _marketplace(self, brand: Brand, asked: str) -> None:
        if self._door.market_of(brand).id not in asked.split(","):
            raise Fault(400, "InvalidInput", f"The seller does not sell in {asked}.")

    # -- goods ---------------------------------------------------------------------------------------------------

    def _stock(self, request: Request, brand: Brand) -> Row:
        asked = request.params
        for name in ("granularityType", "granularityId", "marketplaceIds"):
            if name not in asked:
                raise Fault(400, "InvalidInput", f"{name} is required.")
        self._marketplace(brand, asked["marketplaceIds"])
        rows = goods.stock_rows(self._world, brand)
        if asked.get("details") != "true":
            rows = [{key: value for key, value in row.items() if key != "inventoryDetails"} for row in rows]
        page, token = self._door.cut(rows, asked.get("nextToken"), 50, _STOCK_TOKEN_LIFE)
        granularity = {"granularityType": "Marketplace", "granularityId": asked["granularityId"]}
        body: Row = {"payload": {"granularity": granularity, "inventorySummaries": page}}
        return body | ({"pagination": {"nextToken": token}} if token else {})

    def _shipments(self, request: Request, brand: Brand) -> Row:
        return self._inbound(request, brand, 0, "ShipmentData")

    def _shipment_items(self, request: Request, brand: Brand) -> Row:
        return self._inbound(request, brand, 1, "ItemData")

    def _inbound(self, request: Request, brand: Brand, which: int, name: str) -> Row:
        if "QueryType" not in request.params:
            raise Fault(400, "InvalidInput", "QueryType is required.")
        rows = goods.shipment_rows(self._world, brand)[which]
        page, token = self._door.cut(rows, request.params.get("NextToken"), 50)
        return {"payload": {name: page} | ({"NextToken": token} if token else {})}

    def _listing(self, request: Request, brand: Brand) -> Row:
        wanted = unquote(request.match["sku"])
        for row in self._listing_rows(request, brand):
            if row["sku"] == wanted:
                return row
        raise Fault(404, "NOT_FOUND", f"SKU '{wanted}' not found in the given marketplace.")

    def _listing_rows(self, request: Request, brand: Brand) -> list[Row]:
        asked = request.params
        self._marketplace(brand, asked.get("marketplaceIds", ""))
        if request.match["seller"] != brand.accounts["amazon-sp"]:
            raise Fault(403, "Unauthorized", "Access to requested resource is denied.")
        market = self._door.market_of(brand)
        rows = [goods.listing_row(self._world, brand, sku, market) for sku in goods.offered(self._world, brand)]
        kept = {"sku", *asked.get("includedData", "summaries").split(",")}
        return [{key: value for key, value in row.items() if key in kept} for row in rows]

    def _listings(self, request: Request, brand: Brand) -> Row:
        asked, rows = request.params, self._listing_rows(request, brand)
        page, token = self._door.cut(rows, asked.get("pageToken"), min(_size(asked.get("pageSize"), 10), 20))
        body: Row = {"numberOfResults": len(rows), "items": page}
        return body | ({"pagination": {"nextToken": token}} if token else {})

    def _catalogue(self, request: Request, brand: Brand) -> Row:
        asked = request.params
        wanted = asked.get("identifiers", "").split(",")
        if len(wanted) > 20 or asked.get("identifiersType") != "ASIN":
            raise Fault(400, "InvalidInput", "Give up to 20 identifiers with their type.")
        market = self._door.market_of(brand)
        rows = [
            goods.rank_row(self._world, sku, brand, market)
            for sku in goods.offered(self._world, brand)
            if goods.asin_of(sku) in wanted
        ]
        page, token = self._door.cut(rows, asked.get("pageToken"), min(_size(asked.get("pageSize"), 10), 20))
        body: Row = {"numberOfResults": len(rows), "items": page}
        return body | ({"pagination": {"nextToken": token}} if token else {})

    # -- finances ------------------------------------------------------------------------------------------------

    def _transactions(self, request: Request, brand: Brand) -> Row:
        asked = request.params
        start, end = self._window(asked, "postedAfter", "postedBefore")
        rows = finances.transaction_rows(
            self._world, brand, self._door.market_of(brand), unripe="restate" in self._door.scenarios
        )
        if end - start > _LONGEST_FINANCE_WINDOW:
            rows = []
        chosen = [row for row in rows if start <= moment(row["postedDate"], "postedDate") <= end]
        page, token = self._door.cut(chosen, asked.get("nextToken"), 100)
        return {"payload": {"transactions": page} | ({"nextToken": token} if token else {})}

    def _groups(self, request: Request, brand: Brand) -> Row:
        asked = request.params
        start, end = self._window(asked, "FinancialEventGroupStartedAfter", "FinancialEventGroupStartedBefore")
        rows = finances.group_rows(self._world, brand, self._door.market_of(brand))
        if end - start > _LONGEST_FINANCE_WINDOW:
            rows = []
        chosen = [row for row in rows if start <= moment(row["FinancialEventGroupStart"], "start") <= end]
        page, token = self._door.cut(chosen, asked.get("NextToken"), _size(asked.get("MaxResultsPerPage"), 100))
        return {"payload": {"FinancialEventGroupList": page} | ({"NextToken": token} if token else {})}

    def _window(self, asked: dict[str, str], after: str, before: str) -> tuple[datetime, datetime]:
        if after not in asked:
            raise Fault(400, "InvalidInput", f"{after} is required.")
        start = _time(asked[after], after)
        if before not in asked:
            return start, self._world.now
        end = _time(asked[before], before)
        if end > self._world.now - _SETTLED:
            raise Fault(400, "InvalidInput", f"{before} must be more than two minutes ago.")
        return start, end


def _time(text: str, name: str) -> datetime:
    try:
        return moment(text, name)
    except DataError as error:
        raise Fault(400, "InvalidInput", f"{name} is not a date and time.") from error


def _size(text: str | None, most: int) -> int:
    if text is None:
        return most
    if not text.isdigit() or not 1 <= int(text) <= 100:
        raise Fault(400, "InvalidInput", "The page size is out of range.")
    return int(text)
