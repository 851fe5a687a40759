"""Ark's gateway on a loopback port: one address, methods in the body, signatures, windows, pages, and bad habits."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar

import msgspec

from shelftide_sdk.testing.consent_pages import back_to, consent_page, refusal_page
from shelftide_sdk.testing.emulator import Request, Response, Route, reply
from shelftide_sdk.testing.world.abroad import counted
from shelftide_sdk.testing.world.model import Brand, Channel, Network, Order, Place, Product, RefundEvent, Sku
from shelftide_xiaohongshu.auth import ARK_HOST, VERSION, sign_ark
from shelftide_xiaohongshu.emulator_ark_actions import ACTIONS, Action, Shop
from shelftide_xiaohongshu.emulator_ark_facts import (
    ASKED_BEFORE,
    expenses,
    item_row,
    millis,
    order_detail,
    order_id,
    order_summary,
    return_detail,
    return_summary,
    returns_id,
    sku_detail,
    sku_row,
    staff_sales,
    stock_reply,
    transactions,
    warehouse_code,
    warehouse_row,
)
from shelftide_xiaohongshu.emulator_ark_facts import hex_id as ark_id
from shelftide_xiaohongshu.emulator_ark_reference import REFERENCE
from shelftide_xiaohongshu.emulator_door import (
    Denied,
    Issued,
    Row,
    XiaohongshuEmulator,
    brands_by_account,
    chance,
)
from shelftide_xiaohongshu.values import midnight, shanghai_day

ACCOUNTS = str(Channel.XIAOHONGSHU)
DEMO_SECRET = "xiaohongshu-ark-demo-secret"
_SKEW = timedelta(minutes=10)
_OVERLAP = timedelta(minutes=5)
_LATE = timedelta(minutes=30)
_DRIFTED = 77


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A row of a list by time, built when it is asked for. Times are unix milliseconds."""

    id: str
    created: int
    updated: int
    build: Callable[[], Row]


class ArkEmulator(XiaohongshuEmulator):
    """All Xiaohongshu shops of the world. A consent opens one."""

    platform: ClassVar[str] = "xiaohongshu-ark"
    hosts: ClassVar[tuple[str, ...]] = (ARK_HOST,)
    demo_secret: ClassVar[str] = DEMO_SECRET
    access_life: ClassVar[timedelta] = timedelta(days=7)
    calls_of_a_token = 8  # more than a reader has under way together: a fresh token lets each of its calls in
    refresh_life: ClassVar[timedelta] = timedelta(days=14)

    def __init__(self, world: Any, **options: Any) -> None:
        super().__init__(world, **options)
        self._accounts = brands_by_account(world.brands, ACCOUNTS)
        self._methods: Mapping[str, Callable[[Row, Brand], Row]] = {
            "order.getOrderList": self._list_orders,
            "order.getOrderDetail": self._get_order,
            "afterSale.listAfterSaleInfos": self._list_returns,
            "afterSale.getAfterSaleInfo": self._get_return,
            "product.getDetailSkuList": self._list_skus,
            "product.getItemInfo": self._get_item,
            "inventory.getSkuStockV2": self._get_stock,
            "inventory.getSkuStock": self._get_stock_v1,
            "warehouse.list": self._list_warehouses,
            "finance.pageQueryTransaction": self._list_transactions,
            "finance.pageQueryExpense": self._list_expenses,
            "businessdata.getKosData": self._list_staff_sales,
            **{method: self._known(build) for method, build in REFERENCE.items()},
            **{method: self._acted(action) for method, action in ACTIONS.items()},
        }

    def routes(self) -> Sequence[Route]:
        """Consent, and the one address of everything else."""
        return (
            Route("GET", r"/ark/authorization|/thor/open/authorization", self.consent),
            Route("GET", r"/(ark|thor/open)/approve", self.approve),
            Route("POST", r"/ark/open_api/v3/common_controller", self.call),
        )

    def is_data(self, request: Request) -> bool:
        """Whether a request asks for data."""
        body = request.json()
        return isinstance(body, dict) and not str(body.get("method", "oauth.")).startswith("oauth.")

    # -- consent and tokens --------------------------------------------------------------------------------------

    def consent(self, request: Request) -> Response:
        """The page on which a shop's main account agrees."""
        asked = request.params
        if asked.get("appId") != self.client_id:
            return refusal_page("appId is unknown")
        shops = [(shop, brand.name) for shop, brand in self._accounts.items()]
        fields = {name: asked.get(name, "") for name in ("redirectUri", "state")}
        return consent_page("授权应用访问您的店铺", shops, fields, action="approve", button="授权", language="zh")

    def approve(self, request: Request) -> Response:
        """The seller agrees: back to the app with a code."""
        asked = request.params
        if asked.get("account", "") not in self._accounts:
            return refusal_page("unknown shop")
        query = {"code": self.grants.code(asked["account"]), "state": asked.get("state", "")}
        return back_to(asked.get("redirectUri", ""), query)

    def _token(self, body: Row) -> Row:
        if body["method"] == "oauth.getAccessToken":
            issued = self.grants.redeem(str(body.get("code", "")))
            if issued is None:
                raise Denied(-1, "授权码 code 无效或已过期，授权失效")
            return self.token_data(issued)
        return self.token_data(self._renewed(str(body.get("refreshToken", ""))))

    def _renewed(self, refresh: str) -> Issued:
        """The same pair while more than 30 minutes are left; then a new one, the old token living for 5 minutes."""
        pair = self.grants.pair(refresh)
        if pair is None:
            raise Denied(-1, "refreshToken 已过期，请重新授权")
        until = self.grants.access_until(pair.access)
        left = until - self.clock() if until else timedelta()
        if left > _LATE:
            return pair
        if until is not None and left > timedelta():
            self.grants.end_access(pair.access, self.clock() + _OVERLAP)
        return self.grants.issue(pair.account)

    def token_data(self, issued: Issued) -> Row:
        """A pair as the platform writes it."""
        return {
            "accessToken": issued.access,
            "accessTokenExpiresAt": millis(issued.access_until),
            "refreshToken": issued.refresh,
            "refreshTokenExpiresAt": millis(issued.refresh_until),
            "sellerId": issued.account,
            "sellerName": f"{self._accounts[issued.account].name}旗舰店",
        }

    # -- one call ------------------------------------------------------------------------------------------------

    def call(self, request: Request) -> Response:
        """Any method."""
        body = request.json()
        try:
            if not isinstance(body, dict):
                raise Denied(-1, "请求参数错误: body is not a JSON object")
            self._check_signature(body)
            method = str(body["method"])
            if method in ("oauth.getAccessToken", "oauth.refreshToken"):
                return self._good(self._token(body), method)
            if method not in self._methods:
                raise Denied(-1, f"method 不存在: {method}")
            brand = self._accounts[self.account_of(str(body.get("accessToken", "")))]
            return self._good(self._methods[method](body, brand), method)
        except Denied as denied:
            return self.fail(denied.code, str(denied), denied.status)

    def _check_signature(self, body: Row) -> None:
        stamp = str(body.get("timestamp", ""))
        if body.get("appId") != self.client_id or body.get("version") != VERSION:
            raise Denied(-1, "appId 应用不存在")
        if not stamp.isdigit() or abs(self.clock().timestamp() - int(stamp)) > _SKEW.total_seconds():
            raise Denied(-1, "timestamp 已失效")
        if body.get("sign") != sign_ark(str(body.get("method")), self.client_id, stamp, self.client_secret):
            raise Denied(-1, "签名错误 sign invalid")

    def _good(self, data: Row, method: str) -> Response:
        if method.startswith(("finance.", "businessdata.", "afterSale.")):  # the newer spelling
            return reply({"code": 0, "msg": "", "success": True, "data": data})
        return reply({"success": True, "error_code": 0, "error_msg": "", "data": data})

    def fail(self, code: int, message: str, status: int = 200) -> Response:
        """An error in the envelope."""
        return reply({"success": False, "error_code": code, "error_msg": message, "data": None}, status)

    # -- orders and after-sales ----------------------------------------------------------------------------------

    def _orders(self, brand: Brand) -> list[Order]:
        return self._memory.get(
            ("orders", brand.key), lambda: [counted(o) for o in self.world.orders(brand.key, Channel.XIAOHONGSHU)]
        )

    def _order_updated(self, order: Order) -> int:
        updated = millis(order.updated_at(self.now))
        if "restate" in self.scenarios and chance(order.key, 7):
            return max(updated, millis(self.now - timedelta(minutes=10)))  # touched, and nothing else changed
        return updated

    def _order_entries(self, brand: Brand) -> list[Entry]:
        return [
            Entry(
                id=order_id(order),
                created=millis(order.placed_at),
                updated=self._order_updated(order),
                build=lambda order=order: order_summary(order, self.now, self._order_updated(order)),  # type: ignore[misc]  # mypy cannot infer a lambda's default
            )
            for order in self._orders(brand)
        ]

    def _list_orders(self, body: Row, brand: Brand) -> Row:
        entries = self._memory.get(
            ("order-entries", brand.key, *sorted(self.scenarios)), lambda: self._order_entries(brand)
        )
        chosen = _between(entries, body, 1000)
        wanted = body.get("orderStatus") or 0
        built = [entry.build() for entry in chosen]
        shown, number, size = _numbered([row for row in built if wanted in (0, row["orderStatus"])], body, "pageNo")
        if number > 100:
            raise Denied(-1, "pageNo 不能大于 100")
        pages = -(-len(built) // size)
        rows = self.rearranged(shown)
        return {
            "total": len(built),
            "pageNo": number,
            "pageSize": size,
            "maxPageNo": min(pages, 100),
            "orderList": rows,
        }

    def _get_order(self, body: Row, brand: Brand) -> Row:
        for order in self._orders(brand):
            if order_id(order) == body.get("orderId"):
                row = order_detail(order, brand, self.now, self._order_updated(order))
                if "schema-drift" in self.scenarios:
                    _drift(row)
                row["skuList"] = self.rearranged(row["skuList"])
                return row
        raise Denied(-1, "订单不存在")

    def _refunds(self, brand: Brand) -> list[tuple[Order, RefundEvent]]:
        return [(o, r) for o in self._orders(brand) for r in o.refunds if r.at <= self.now]

    def _list_returns(self, body: Row, brand: Brand) -> Row:
        entries = [
            Entry(
                id=returns_id(refund),
                created=millis(refund.at - ASKED_BEFORE),
                updated=millis(refund.at),
                build=lambda order=order, refund=refund: return_summary(order, refund),  # type: ignore[misc]  # as above
            )
            for order, refund in self._refunds(brand)
        ]
        if body.get("orderId"):
            chosen = [entry for entry in entries if entry.build()["orderId"] == body["orderId"]]
        else:
            chosen = _between(entries, body, 1)
        shown, number, size = _numbered([entry.build() for entry in chosen], body, "pageNo")
        if number * size > 50_000:
            raise Denied(-1, "pageNo*pageSize 不能大于 50000")
        rows = self.rearranged(shown)
        return {"afterSaleBasicInfos": rows, "totalCount": len(chosen), "pageNo": number, "pageSize": size}

    def _get_return(self, body: Row, brand: Brand) -> Row:
        for order, refund in self._refunds(brand):
            if returns_id(refund) == body.get("returnsId"):
                return return_detail(order, refund, brand)
        raise Denied(-1, "售后单不存在")

    # -- products and stock --------------------------------------------------------------------------------------

    def _shelf(self, brand: Brand) -> list[tuple[Product, Sku]]:
        """SKUs, newest first."""
        found = [(product, sku) for product in brand.products for sku in product.skus]
        return sorted(found, key=lambda pair: (-millis(pair[0].created_at), ark_id("sku", pair[1].key)))

    def _list_skus(self, body: Row, brand: Brand) -> Row:
        since, until = int(body.get("updateTimeFrom") or 0), int(body.get("updateTimeTo") or 10**15)
        stock = self._available(brand)
        rows = [sku_detail(product, sku, brand, stock.get(sku.key, 0)) for product, sku in self._shelf(brand)]
        rows = [row for row in rows if since <= row["sku"]["updateTime"] <= until]
        size = _size(body)
        if body.get("lastId"):
            ids = [row["sku"]["id"] for row in rows]
            if body["lastId"] not in ids:
                raise Denied(-1, "lastId 不存在")
            start, number = ids.index(body["lastId"]) + 1, 1
        else:
            number = int(body.get("pageNo") or 1)
            start = (number - 1) * size
        shown = self.rearranged(rows[start : start + size])
        return {"data": shown, "total": len(rows), "pageNO": number, "pageSize": size}

    def _available(self, brand: Brand) -> dict[str, int]:
        places = {place.key for place in self._places(brand)}
        found: dict[str, int] = {}
        for state in self.world.stock(brand.key):
            if state.place_key in places:
                found[state.sku_key] = found.get(state.sku_key, 0) + max(state.available, 0)
        return found

    def _get_item(self, body: Row, brand: Brand) -> Row:
        stock = self._available(brand)
        for product in brand.products:
            if ark_id("item", product.key) == body.get("itemId"):
                skus = [sku_row(product, sku, stock.get(sku.key, 0)) for sku in product.skus]
                page = {"total": len(skus), "pageNO": 1, "pageSize": _size(body)}
                return {"itemInfo": item_row(product, brand), "skuInfos": skus, **page}
        raise Denied(-1, "商品不存在")

    def _places(self, brand: Brand) -> list[Place]:
        return [place for place in brand.places if Channel.XIAOHONGSHU in place.channels]

    def _get_stock(self, body: Row, brand: Brand) -> Row:
        places = {place.key: place for place in self._places(brand)}
        for _, sku in self._shelf(brand):
            if ark_id("sku", sku.key) == body.get("skuId"):
                states = [s for s in self.world.stock(brand.key) if s.sku_key == sku.key and s.place_key in places]
                found = stock_reply(sku, states, places)
                found["skuStockInfoWithWhcode"] = self.rearranged(found["skuStockInfoWithWhcode"])
                return found
        raise Denied(-1, "skuId 不存在")

    def _get_stock_v1(self, body: Row, brand: Brand) -> Row:
        found = self._get_stock(body, brand)
        levels = [{**row, "skuStock": row["skuStockInfo"]} for row in found["skuStockInfoWithWhcode"]]
        for row in levels:
            del row["skuStockInfo"]
        return {
            "skuId": found["skuStockInfo"]["skuId"],
            "apiVersion": "V1",
            "skuStock": found["skuStockInfo"]["skuStockInfo"],
            "skuStockInfoWithWhcode": levels,
            "response": {"success": True, "message": "", "code": 0},
        }

    def _list_warehouses(self, body: Row, brand: Brand) -> Row:
        rows = [warehouse_row(place) for place in self._places(brand)]
        shown, _, _ = _numbered(rows, body, "pageNo")
        return {"total": len(rows), "warehouseList": self.rearranged(shown)}

    # -- money ---------------------------------------------------------------------------------------------------

    def _list_transactions(self, body: Row, brand: Brand) -> Row:
        since, until = self._finished_day(body)
        if body.get("commonSettleStatus") != 1:
            return {"total": 0, "totalPage": 0, "pageNum": 1, "pageSize": _size(body), "transactions": []}
        rows = [
            row
            for order in self._orders(brand)
            for row in transactions(order, self.now)
            if since <= row["settledTime"] < until and body.get("settleBizType") in (None, row["settleBizType"])
        ]
        return self._money_page(rows, body, "transactions")

    def _list_expenses(self, body: Row, brand: Brand) -> Row:
        since, until = self._finished_day(body)
        every = (row for order in self._orders(brand) for row in expenses(order, self.now))
        return self._money_page([row for row in every if since <= row["settledTime"] < until], body, "expenses")

    def _finished_day(self, body: Row) -> tuple[int, int]:
        """A window of one day, before today."""
        since, until = _times(body)
        if until - since > 86_400_000:
            raise Denied(-1, "查询时间跨度不能超过一天")
        return since, min(until, millis(midnight(shanghai_day(self.now))))

    def _money_page(self, rows: list[Row], body: Row, root: str) -> Row:
        shown, number, size = _numbered(rows, body, "pageNum")
        pages = -(-len(rows) // size)
        return {
            "total": len(rows),
            "totalPage": pages,
            "pageNum": number,
            "pageSize": size,
            root: self.rearranged(shown),
        }

    def _list_staff_sales(self, body: Row, brand: Brand) -> Row:
        first, last = str(body.get("startDate", "")), str(body.get("endDate", ""))
        notes = self.world.videos(brand.key, Network.XIAOHONGSHU)
        yesterday = (shanghai_day(self.now) - timedelta(days=1)).isoformat()
        rows: list[Row] = []
        for order in self._orders(brand):
            day = shanghai_day(order.placed_at).isoformat()
            if first <= day <= min(last, yesterday):
                rows += staff_sales(order, brand, notes, day)
        shown, _, _ = _numbered(rows, body, "pageNo", most=1000)
        return {"count": len(rows), "data": self.rearranged(shown)}

    def _acted(self, action: Action) -> Callable[[Row, Brand], Row]:
        def answer(body: Row, brand: Brand) -> Row:
            shop = Shop(
                brand=brand,
                now=self.now,
                orders=self._orders(brand),
                refunds=self._refunds(brand),
                goods=self._shelf(brand),
                places=self._places(brand),
                available=self._available(brand),
            )
            return action.run(body, shop)  # type: ignore[no-any-return]  # some methods answer a text

        return answer

    def _known(self, build: Callable[[Brand, str], Row]) -> Callable[[Row, Brand], Row]:
        """A method that says something of the platform, or of one order that this shop has."""

        def answer(body: Row, brand: Brand) -> Row:
            queries = body.get("receiverQueries") or [{}]
            named = str(body.get("orderId") or queries[0].get("orderId") or "")
            if named and named not in {order_id(order) for order in self._orders(brand)}:
                raise Denied(-1, "订单不存在")
            if body.get("code") and body["code"] not in {warehouse_code(place) for place in self._places(brand)}:
                raise Denied(-1, "仓库不存在")
            return build(brand, named or str(body.get("code") or ""))

        return answer


def _drift(row: Row) -> None:
    """Scenario `schema-drift`: a state that nobody knows, and a null that should not be, in a few orders."""
    if chance(f"enum/{row['orderId']}", 5):
        row["orderStatus"] = _DRIFTED
    if chance(f"null/{row['orderId']}", 11):
        row["totalPayAmount"] = None


def _times(body: Row) -> tuple[int, int]:
    try:
        return int(body["startTime"]), int(body["endTime"])
    except (KeyError, TypeError, ValueError) as error:
        raise Denied(-1, "startTime/endTime 参数错误") from error


def _between(entries: Sequence[Entry], body: Row, unit: int) -> list[Entry]:
    """Rows of a window; `unit` turns the query's times into milliseconds. Newest first."""
    since, until = (at * unit for at in _times(body))
    kind = body.get("timeType")
    if kind not in (1, 2):
        raise Denied(-1, "timeType 参数错误")
    most = 86_400_000 if kind == 1 else 1_800_000
    if until - since > most + 1000 or until < since:
        raise Denied(-1, "时间区间超过限制")
    end = until + unit - 1
    if kind == 1:
        found = [entry for entry in entries if since <= entry.created <= end]
        return sorted(found, key=lambda entry: (-entry.created, entry.id))
    found = [entry for entry in entries if since <= entry.updated <= end]
    return sorted(found, key=lambda entry: (-entry.updated, entry.id))


def _size(body: Row, most: int = 100) -> int:
    size = int(body.get("pageSize") or 50)
    if not 1 <= size <= most:
        raise Denied(-1, f"pageSize 不能大于 {most}")
    return size


def _numbered(rows: Sequence[Row], body: Row, name: str, most: int = 100) -> tuple[list[Row], int, int]:
    """(the page, its number, its size)."""
    number, size = int(body.get(name) or 1), _size(body, most)
    if number < 1:
        raise Denied(-1, f"{name} 参数错误")
    return json.loads(json.dumps(rows[(number - 1) * size : number * size])), number, size
