"""Walmart Marketplace on a loopback port: the simulated world in Walmart's wire format, with its bad habits."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlencode

from shelftide_sdk.testing.emulator import Emulator, Request, Response, Route, reply
from shelftide_sdk.testing.world.model import Brand, Channel, Line, Order, stable_id
from shelftide_walmart.auth import HOST

_LIFE = timedelta(minutes=15)
_ORDERS, _ITEMS = 20, 6


class WalmartEmulator(Emulator):
    """One seller: the world's first brand, whose web shop's orders arrive at Walmart. `api_keys` open it."""

    platform: ClassVar[str] = "walmart"
    hosts: ClassVar[tuple[str, ...]] = (HOST,)
    api_keys: ClassVar[Mapping[str, str]] = {
        "client_id": "walmart-demo-client-0001",
        "client_secret": "walmart-demo-secret-0001",
    }

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.tokens: dict[str, datetime] = {}

    def routes(self) -> Sequence[Route]:
        """The token, who we are, and two lists."""
        return (
            Route("POST", "/v3/token", self._token),
            Route("GET", "/v3/settings/partnerprofile", self._partner),
            Route("GET", "/v3/orders", self._orders),
            Route("GET", "/v3/inventories", self._inventories),
        )

    def before(self, request: Request) -> Response | None:
        """Missing headers, dead tokens, bad days."""
        if not request.headers.get("wm_qos.correlation_id") or not request.headers.get("wm_svc.name"):
            return _refused(400, "MISSING_HEADER.GMP_GATEWAY_API")
        if "throttle" in self.scenarios and self.requests % 5 == 0:
            again = int((self.clock() + timedelta(seconds=2)).timestamp() * 1000)
            return _refused(
                429, "REQUEST_THRESHOLD_VIOLATED.GMP_GATEWAY_API", {"x-next-replenishment-time": str(again)}
            )
        if "flap" in self.scenarios and self.requests % 4 == 0:
            return _refused(503, "SYSTEM_ERROR.GMP_GATEWAY_API")
        return None if request.path == "/v3/token" else self._unauthorized(request)

    def _unauthorized(self, request: Request) -> Response | None:
        token = request.headers.get("wm_sec.access_token", "")
        if "expire" in self.scenarios and self.requests % 6 == 0:
            self.tokens.clear()
        if self.tokens.get(token, self.clock()) <= self.clock():
            return _refused(401, "UNAUTHORIZED.GMP_GATEWAY_API")
        return None

    def _token(self, request: Request) -> Response:
        pair = ":".join(self.api_keys.values())
        asked = parse_qs(request.body.decode("latin-1"))
        if request.headers.get("authorization") != "Basic " + b64encode(pair.encode()).decode():
            return _refused(401, "UNAUTHORIZED.GMP_GATEWAY_API")
        if asked.get("grant_type") != ["client_credentials"]:
            return _refused(400, "INVALID_REQUEST.GMP_GATEWAY_API")
        token = f"walmart-token-{stable_id('walmart-token', str(self.requests))}"
        self.tokens[token] = self.clock() + _LIFE
        return reply({"access_token": token, "token_type": "Bearer", "expires_in": int(_LIFE.total_seconds())})

    @property
    def brand(self) -> Brand:
        """Whose account it is."""
        return self.world.brands[0]

    def _partner(self, request: Request) -> Response:
        return reply({"partner": {"partnerId": _id(self.brand.key), "partnerName": self.brand.name}})

    def _orders(self, request: Request) -> Response:
        try:
            since = datetime.fromisoformat(request.params.get("lastModifiedStartDate", self.world.start.isoformat()))
            start = int(request.params.get("poIndex", 0))
        except ValueError:
            return _refused(400, "INVALID_REQUEST.GMP_GATEWAY_API")
        rows = [row for row in self.orders() if _changed(row) >= int(since.timestamp() * 1000)]
        chosen = self._habits(rows, start, _ORDERS)
        meta: dict[str, Any] = {"totalCount": len(rows), "limit": _ORDERS}
        if start + _ORDERS < len(rows):
            # Walmart's cursor is the whole query of the next page.
            meta["nextCursor"] = "?" + urlencode({**request.params, "poIndex": start + _ORDERS})
        return reply({"list": {"meta": meta, "elements": {"order": chosen}}})

    def _inventories(self, request: Request) -> Response:
        rows = self.inventories()
        place = request.params.get("nextCursor", "0")
        if not (place.isascii() and place.isdigit()):
            return _refused(400, "INVALID_REQUEST.GMP_GATEWAY_API")
        start = int(place)
        meta: dict[str, Any] = {"totalCount": len(rows)}
        if start + _ITEMS < len(rows):
            meta["nextCursor"] = str(start + _ITEMS)
        return reply({"meta": meta, "elements": {"inventories": self._habits(rows, start, _ITEMS)}})

    def _habits(self, rows: list[dict[str, Any]], start: int, limit: int) -> list[dict[str, Any]]:
        chosen = rows[start : start + limit]
        if "duplicate" in self.scenarios and start:
            chosen = [rows[start - 1], *chosen]
        if "shuffle" in self.scenarios:
            self.random.shuffle(chosen)
        return [_drifted(row) for row in chosen] if "schema-drift" in self.scenarios else chosen

    def orders(self) -> list[dict[str, Any]]:
        """Purchase orders, newest first."""
        placed = self.world.orders(self.brand.key, Channel.SHOPIFY)
        rows = [self._order(order) for order in placed if not order.test]
        return sorted(rows, key=lambda row: (-row["orderDate"], row["purchaseOrderId"]))

    def _order(self, order: Order) -> dict[str, Any]:
        changed = order.updated_at(self.now)
        if "restate" in self.scenarios and self.now - changed < timedelta(days=2):
            changed = self.now
        lines = [self._line(order, line, number, _millis(changed)) for number, line in enumerate(order.lines, 1)]
        charges = lines[0]["charges"]["charge"]
        charges[0]["tax"] = {"taxName": "Tax1", "taxAmount": _amount(order.tax, order.currency)}
        extra = order.shipping - order.platform_discount
        if extra:
            charges.append(_charge("SHIPPING", "Shipping", _amount(extra, order.currency)))
        return {
            "purchaseOrderId": f"{108_000_000_000 + order.number}",
            "shipNode": {"type": "SellerFulfilled"},
            "customerOrderId": f"{200_000_000_000 + order.number}",
            "customerEmailId": f"{stable_id('walmart-buyer', order.person.key)}@relay.walmart.example",
            "orderDate": _millis(order.placed_at),
            "shippingInfo": {"methodCode": "Standard"},
            "orderLines": {"orderLine": lines},
        }

    def _line(self, order: Order, line: Line, number: int, changed: int) -> dict[str, Any]:
        pieces = {"unitOfMeasurement": "EACH", "amount": str(line.quantity)}
        product = _charge(
            "PRODUCT", "ItemPrice", _amount(line.unit_price * line.quantity - line.discount, order.currency)
        )
        return {
            "lineNumber": str(number),
            "item": {"productName": line.sku_key.replace("-", " "), "sku": _id(line.sku_key)},
            "charges": {"charge": [product]},
            "orderLineQuantity": pieces,
            "statusDate": changed,
            "orderLineStatuses": {"orderLineStatus": [{"status": _state(order, self.now), "statusQuantity": pieces}]},
            "refund": None,
        }

    def inventories(self) -> list[dict[str, Any]]:
        """What lies at each ship node, by item."""
        nodes: dict[str, list[dict[str, Any]]] = {}
        for level in self.world.stock(self.brand.key):
            quantities = {
                "inputQty": level.available + level.committed,
                "availToSellQty": level.available,
                "reservedQty": level.committed,
            }
            node = {name: {"unit": "EACH", "amount": count} for name, count in quantities.items()}
            nodes.setdefault(_id(level.sku_key), []).append({"shipNode": _id(level.place_key), **node})
        return [{"sku": sku, "nodes": found} for sku, found in sorted(nodes.items())]


def _refused(status: int, code: str, headers: Mapping[str, str] | None = None) -> Response:
    body = {"error": [{"code": code, "description": "Refused.", "category": "REQUEST", "severity": "ERROR"}]}
    return reply(body, status, headers)


def _charge(kind: str, name: str, amount: dict[str, Any]) -> dict[str, Any]:
    return {"chargeType": kind, "chargeName": name, "chargeAmount": amount, "tax": None}


def _amount(value: Any, currency: str) -> dict[str, Any]:
    """Walmart writes amounts as JSON numbers."""
    return {"currency": currency, "amount": float(value)}


def _changed(row: dict[str, Any]) -> int:
    return max(int(line["statusDate"]) for line in row["orderLines"]["orderLine"])


def _state(order: Order, now: datetime) -> str:
    def happened(at: datetime | None) -> bool:
        return at is not None and at <= now

    if happened(order.cancelled_at):
        return "Cancelled"
    if happened(order.delivered_at):
        return "Delivered"
    return "Shipped" if happened(order.shipped_at) else "Acknowledged"


def _drifted(row: dict[str, Any]) -> dict[str, Any]:
    """Some orders without a date, some items without nodes; by their id, so that a repeat is the same."""
    number = int(row.get("purchaseOrderId") or row["sku"])
    name = "orderDate" if "orderDate" in row else "nodes"
    return {**row, name: None} if number % 11 == 0 else row


def _id(key: str) -> str:
    return str(stable_id("walmart", key))


def _millis(at: datetime) -> int:
    return int(at.timestamp()) * 1000
