"""TikTok Shop on a loopback port: consent, absolute expiry, signature, cipher, paging, and bad habits."""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar
from urllib.parse import unquote

import msgspec

from shelftide_sdk.testing.consent_pages import back_to, consent_page, refusal_page
from shelftide_sdk.testing.emulator import Request, Response, Route
from shelftide_sdk.testing.world.model import Brand, Channel, Network, Order, Place, StockState, WorldView
from shelftide_tiktok.auth import SHOP_HEADER, needs_cipher, sign_shop
from shelftide_tiktok.emulator_door import Denied, TikTokEmulator
from shelftide_tiktok.emulator_grants import (
    Issued,
    TokenState,
)
from shelftide_tiktok.emulator_shop_facts import (
    Row,
    affiliate_row,
    chance,
    cipher,
    inventory_row,
    number,
    order_row,
    places_of,
    product_detail,
    product_row,
    return_row,
    seconds,
    shop_row,
    statement_rows,
    warehouse_row,
)

ACCOUNTS = str(Channel.TIKTOK_SHOP)
DEMO_SECRET = "tiktok-shop-demo-secret"
SCOPES = (
    "seller.authorization.info",
    "seller.order.info",
    "seller.product.basic",
    "seller.return_refund.basic",
    "seller.logistics",
    "seller.finance.info",
    "seller.affiliate_collaboration.read",
)
_SCOPE_OF = {scope.split(".")[1]: scope for scope in SCOPES}
_FAMILIES = {
    "authorization": "authorization",
    "order": "order",
    "product": "product",
    "return_refund": "return_refund",
    "logistics": "logistics",
    "finance": "finance",
    "affiliate_seller": "affiliate_collaboration",
}
_TOLERANCE = timedelta(minutes=5)
_MOST_IDS = 600
_LONGEST_RANGE = timedelta(days=93)
_DRIFTED = "AWAITING_MANUAL_REVIEW"


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A row that is built when it is asked for. `mark` orders a list, `id` breaks ties."""

    mark: int
    id: str
    build: Callable[[], Row]


class TikTokShopEmulator(TikTokEmulator):
    """All TikTok shops of the world.

    Attributes:
        grants: tokens; `grants.issue(shop_id)` gives a pair without the consent page.
        denied_scopes: scopes that calls are refused for.
    """

    platform: ClassVar[str] = "tiktok-shop"
    hosts: ClassVar[tuple[str, ...]] = (
        "open-api.tiktokglobalshop.com",
        "auth.tiktok-shops.com",
        "services.tiktokshop.com",
        "services.us.tiktokshop.com",
    )

    account_kind: ClassVar[str] = ACCOUNTS
    demo_secret: ClassVar[str] = DEMO_SECRET
    access_life: ClassVar[timedelta] = timedelta(days=7)
    refresh_life: ClassVar[timedelta] = timedelta(days=365)
    good_word: ClassVar[str] = "Success"
    failure: ClassVar[tuple[int, str]] = (36009003, "Internal error. Please try again.")

    def __init__(self, world: WorldView, **options: Any) -> None:
        super().__init__(world, **options)
        self.denied_scopes: set[str] = set()

    def settings(self, brand: Brand) -> Mapping[str, Mapping[str, str]]:
        """Sellers of the United States have a consent page of their own."""
        return {"tiktok-shop": {"market": "US"}} if brand.market == "US" else {}

    def routes(self) -> Sequence[Route]:
        """Consent, tokens and data."""
        return (
            Route("GET", r"/open/authorize", self.consent),
            Route("GET", r"/open/approve", self.approve),
            Route("GET", r"/api/v2/token/get", self.exchange),
            Route("GET", r"/api/v2/token/refresh", self.renew),
            Route("GET", r"/authorization/202309/shops", self._api(self._list_shops)),
            Route("POST", r"/order/202309/orders/search", self._api(self._search_orders)),
            Route("GET", r"/order/202309/orders", self._api(self._get_orders)),
            Route("POST", r"/return_refund/202309/returns/search", self._api(self._search_returns)),
            Route("POST", r"/product/202502/products/search", self._api(self._search_products)),
            Route("GET", r"/product/202309/products/(?P<id>[0-9]+)", self._api(self._get_product)),
            Route("POST", r"/product/202309/inventory/search", self._api(self._search_inventory)),
            Route("GET", r"/logistics/202309/warehouses", self._api(self._list_warehouses)),
            Route("GET", r"/finance/202309/statements", self._api(self._list_statements)),
            Route("POST", r"/affiliate_seller/202410/orders/search", self._api(self._search_affiliate_orders)),
        )

    def not_found(self, request: Request) -> Response:
        """TikTok Shop's 404."""
        return self._fail(36009009, "Invalid path. Please check the API path.", 404)

    # -- consent and tokens --------------------------------------------------------------------------------------

    def consent(self, request: Request) -> Response:
        """The page on which a seller agrees. The US host lists US shops; the other lists all.

        The real one has no US shops; the simulator's does, so that a consent can begin without naming a market.
        """
        if not request.params.get("service_id"):
            return refusal_page("service_id is missing")
        shops = [
            (shop_id, brand.name)
            for shop_id, brand in self._accounts.items()
            if brand.market == "US" or request.host != "services.us.tiktokshop.com"
        ]
        fields = {name: request.params.get(name, "") for name in ("state", "redirect_uri")}
        return consent_page("Authorize the app for your TikTok Shop", shops, fields)

    def approve(self, request: Request) -> Response:
        """The seller agrees: back to the app with a code."""
        asked = request.params
        shop_id = asked.get("account", "")
        if shop_id not in self._accounts:
            return refusal_page("unknown shop")
        query = {"app_key": self.client_id, "code": self.grants.code(shop_id), "state": asked.get("state", "")}
        return back_to(asked.get("redirect_uri", ""), {**query, "shop_region": self._accounts[shop_id].market})

    def exchange(self, request: Request) -> Response:
        """Trade a code."""
        return self._token(request, "authorized_code", lambda asked: self.grants.redeem(asked.get("auth_code", "")))

    def renew(self, request: Request) -> Response:
        """Trade a refresh token."""
        return self._token(request, "refresh_token", lambda asked: self.grants.rotate(asked.get("refresh_token", "")))

    def _token(self, request: Request, kind: str, trade: Callable[[Mapping[str, str]], Issued | None]) -> Response:
        asked = request.params
        if asked.get("app_key") != self.client_id or asked.get("app_secret") != self.client_secret:
            return self._fail(36004004, "app_key or app_secret is invalid")
        issued = trade(asked) if asked.get("grant_type") == kind else None
        if issued is None:
            return self._fail(36004004, "auth code or refresh token is invalid")
        return self._good(self.token_data(issued))

    def token_data(self, issued: Issued) -> Row:
        """The data of a token reply. The ends are moments in unix seconds."""
        brand = self._accounts[issued.account]
        return {
            "access_token": issued.access,
            "access_token_expire_in": seconds(issued.access_until),
            "refresh_token": issued.refresh,
            "refresh_token_expire_in": seconds(issued.refresh_until),
            "open_id": number("seller", issued.account),
            "seller_name": brand.name,
            "seller_base_region": brand.market,
            "user_type": 0,
            "granted_scopes": [scope for scope in SCOPES if scope not in self.denied_scopes],
        }

    # -- one call ------------------------------------------------------------------------------------------------

    def is_data(self, request: Request) -> bool:
        """All but consent and tokens."""
        return not request.path.startswith(("/open/", "/api/"))

    def too_many(self) -> Response:
        """HTTP 429 with Retry-After."""
        return self._fail(36009002, "Too many requests.", 429, {"retry-after": "1"})

    def _authenticate(self, request: Request) -> Brand:
        self._check_signature(request)
        shop_id = self._check_token(request)
        named = request.params.get("shop_cipher")
        if not needs_cipher(request.path):
            if named is not None:
                raise Denied(36009004, "Unexpected parameter: shop_cipher", 400)
        elif not named:
            raise Denied(106013, "shop_cipher is required", 400)
        elif named != cipher(shop_id):
            raise Denied(101000, "shop_cipher does not belong to this authorization", 400)
        return self._accounts[shop_id]

    def _check_signature(self, request: Request) -> None:
        asked = request.params
        if asked.get("app_key") != self.client_id:
            raise Denied(36009004, "Invalid app key", 400)
        stamp = asked.get("timestamp", "")
        if not (stamp.isascii() and stamp.isdigit() and len(stamp) < 12):
            raise Denied(36009004, "Invalid timestamp", 400)
        if abs(int(stamp) - self.clock().timestamp()) > _TOLERANCE.total_seconds():
            raise Denied(36009004, "timestamp is expired", 400)
        if not asked.get("sign"):
            raise Denied(36009004, "sign is missing", 400)
        body = b"" if request.method == "GET" else request.body
        if asked["sign"] != sign_shop(self.client_secret, request.path, request.query, body):
            raise Denied(106001, "Invalid signature", 401)

    def _check_token(self, request: Request) -> str:
        state, shop_id = self._look_up(request.headers.get(SHOP_HEADER, ""))
        if state is TokenState.UNKNOWN:
            raise Denied(105001, "access_token is invalid", 401)
        if state is TokenState.EXPIRED:
            raise Denied(105002, "access_token is expired", 401)
        scope = _SCOPE_OF[_FAMILIES[request.path.split("/")[1]]]
        if scope in self.denied_scopes:
            raise Denied(105005, f"Access denied: the granted scopes do not include {scope}", 401)
        return shop_id

    # -- resources -----------------------------------------------------------------------------------------------

    def _list_shops(self, request: Request, brand: Brand) -> Row:
        return {"shops": [shop_row(brand.accounts[ACCOUNTS], brand)]}

    def _search_orders(self, request: Request, brand: Brand) -> Row:
        filters = _filters(request)
        wanted = filters.get("order_status")
        entries = self._memory.get(("orders", brand.key), lambda: self._order_entries(brand))
        data = self._page(request, _between(entries, filters, "update_time"), "orders")
        if wanted:
            data["orders"] = [row for row in data["orders"] if row["status"] == wanted]
        if "schema-drift" in self.scenarios:
            drift(data["orders"])
        return data

    def _get_orders(self, request: Request, brand: Brand) -> Row:
        ids = [key for key in unquote(request.params.get("ids", "")).split(",") if key]
        if not 1 <= len(ids) <= 50:
            raise Denied(36009004, "ids must hold 1 to 50 order ids", 400)
        entries = self._memory.get(("orders", brand.key), lambda: self._order_entries(brand))
        return {"orders": [entry.build() for entry in entries if entry.id in ids]}

    def _order_entries(self, brand: Brand) -> list[Entry]:
        return sorted((self._order_entry(o, brand) for o in self._orders(brand)), key=_place)

    def _order_entry(self, order: Order, brand: Brand) -> Entry:
        now = self.now
        updated = seconds(order.updated_at(now))
        if "restate" in self.scenarios and chance(order.key, 7):
            updated = max(updated, seconds(now - timedelta(hours=1)))  # touched, and nothing else changed
        return Entry(mark=updated, id=number("order", order.key), build=lambda: order_row(order, brand, now, updated))

    def _orders(self, brand: Brand) -> Sequence[Order]:
        return self._memory.get(("world", brand.key), lambda: self.world.orders(brand.key, Channel.TIKTOK_SHOP))

    def _search_returns(self, request: Request, brand: Brand) -> Row:
        filters = _filters(request)
        entries = self._memory.get(("returns", brand.key), lambda: self._return_entries(brand))
        wanted = filters.get("order_ids")
        if isinstance(wanted, list):
            entries = [entry for entry in entries if entry.build()["order_id"] in wanted]
        return self._page(request, _between(entries, filters, "update_time"), "return_orders", most=50)

    def _return_entries(self, brand: Brand) -> list[Entry]:
        found = [(o, refund) for o in self._orders(brand) for refund in o.refunds if refund.at <= self.now]
        rows = [return_row(order, refund, brand) for order, refund in found]
        return sorted((_ready(row, "update_time", "return_id") for row in rows), key=_place)

    def _search_products(self, request: Request, brand: Brand) -> Row:
        places, stock = places_of(brand), self._stock(brand)
        entries = [_ready(product_row(product, places, stock), "update_time", "id") for product in brand.products]
        filters = _filters(request)
        chosen = [e for e in entries if e.mark >= int(filters.get("update_time_ge") or 0)]
        return self._page(request, sorted(chosen, key=_place), "products")

    def _get_product(self, request: Request, brand: Brand) -> Row:
        for product in brand.products:
            if number("product", product.key) == request.match["id"]:
                return product_detail(product_row(product, places_of(brand), self._stock(brand)), product)
        raise Denied(12052220, "The product does not exist")

    def _search_inventory(self, request: Request, brand: Brand) -> Row:
        filters = _filters(request)
        products, skus = filters.get("product_ids") or [], filters.get("sku_ids") or []
        if bool(products) == bool(skus) or len(products) + len(skus) > _MOST_IDS:
            raise Denied(36009004, f"give product_ids or sku_ids, at most {_MOST_IDS}", 400)
        places, stock = places_of(brand), self._stock(brand)
        found = [inventory_row(product, places, stock) for product in brand.products]
        found = [_only(row, skus) for row in found if row["product_id"] in products or skus]
        return {"inventory": self._rearranged([row for row in found if row["skus"]])}

    def _list_warehouses(self, request: Request, brand: Brand) -> Row:
        places: list[Place] = places_of(brand)
        found = [warehouse_row(place, brand, default=index == 0) for index, place in enumerate(places)]
        return {"warehouses": self._rearranged(found)}

    def _list_statements(self, request: Request, brand: Brand) -> Row:
        if request.params.get("sort_field") != "statement_time":
            raise Denied(36009004, "sort_field is required", 400)
        real = [order for order in self._orders(brand) if not order.test]
        entries = self._memory.get(
            ("statements", brand.key),
            lambda: [_ready(row, "statement_time", "id") for row in statement_rows(real, self.now)],
        )
        return self._page(request, _between(entries, request.params, "statement_time"), "statements")

    def _search_affiliate_orders(self, request: Request, brand: Brand) -> Row:
        filters = _filters(request)
        entries = self._memory.get(("affiliates", brand.key), lambda: self._affiliate_entries(brand))
        return self._page(request, _between(entries, filters, "create_time"), "orders")

    def _affiliate_entries(self, brand: Brand) -> list[Entry]:
        creators = {creator.key: creator for creator in self.world.creators(brand.key)}
        videos = {video.key: video for video in self.world.videos(brand.key, Network.TIKTOK)}
        rows = [
            affiliate_row(order, brand, creators[order.creator_key], videos)
            for order in self._orders(brand)
            if order.creator_key in creators
        ]
        return sorted((_ready(row, "create_time", "id") for row in rows), key=_place)

    def _stock(self, brand: Brand) -> dict[tuple[str, str], StockState]:
        return {(state.sku_key, state.place_key): state for state in self.world.stock(brand.key)}

    # -- paging --------------------------------------------------------------------------------------------------

    def _page(self, request: Request, entries: Sequence[Entry], root: str, most: int = 100) -> Row:
        size = request.params.get("page_size", "")
        if not size.isdigit() or not 1 <= int(size) <= most:
            raise Denied(36009004, f"page_size must be 1 to {most}", 400)
        after = _decode(request.params.get("page_token", ""))
        rest = [entry for entry in entries if after is None or _place(entry) > after]
        shown = rest[: int(size)]
        data: Row = {"total_count": len(entries), root: [entry.build() for entry in shown]}
        if len(rest) > len(shown):
            data["next_page_token"] = _encode(_place(shown[-1]))
        if "duplicate" in self.scenarios and after is not None:
            data[root] = [entry.build() for entry in entries if _place(entry) == after] + data[root]
        data[root] = self._rearranged(data[root])
        return data


def drift(rows: Sequence[Row]) -> None:
    """Scenario `schema-drift`: a new field, a new status, and a null that should not be, in a few orders."""
    for row in rows:
        row["risk_assessment"] = {"level": "PENDING"}
        if chance(f"enum/{row['id']}", 5):
            row["status"] = _DRIFTED
        if chance(f"null/{row['id']}", 11):
            row["payment"] = {**row["payment"], "total_amount": None}


def _filters(request: Request) -> dict[str, Any]:
    body = request.json() if request.body else {}
    if not isinstance(body, dict):
        raise Denied(36009004, "the body is not a JSON object", 400)
    return body


def _between(entries: Sequence[Entry], filters: Mapping[str, Any], field: str) -> list[Entry]:
    since, until = filters.get(f"{field}_ge"), filters.get(f"{field}_lt")
    if since is not None and until is not None and int(until) - int(since) > _LONGEST_RANGE.total_seconds():
        raise Denied(36009004, "date range is too long", 400)
    return [
        entry
        for entry in entries
        if (since is None or entry.mark >= int(since)) and (until is None or entry.mark < int(until))
    ]


def _ready(row: Row, mark: str, key: str) -> Entry:
    return Entry(mark=row[mark], id=row[key], build=lambda: dict(row))


def _only(row: Row, skus: Sequence[str]) -> Row:
    return {**row, "skus": [sku for sku in row["skus"] if sku["id"] in skus]} if skus else row


def _place(entry: Entry) -> tuple[int, str]:
    return entry.mark, entry.id


def _encode(place: tuple[int, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode()


def _decode(token: str) -> tuple[int, str] | None:
    if not token:
        return None
    try:
        mark, key = json.loads(base64.urlsafe_b64decode(token))
    except (ValueError, TypeError) as error:
        raise Denied(36009004, "page_token is invalid", 400) from error
    return int(mark), str(key)
