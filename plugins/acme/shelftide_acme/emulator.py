"""Acme Market on a loopback port: the web shop's orders of the simulated world in Acme's own wire format."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

from shelftide_sdk.testing.emulator import Emulator, Request, Response, Route, reply
from shelftide_sdk.testing.world.model import Brand, Channel, Order, stable_id

Row = Mapping[str, Any]
_LIMIT = {"orders": 20, "products": 4, "stock": 6}


class AcmeEmulator(Emulator):
    """One seller: the world's first brand. `api_key` opens its account."""

    platform: ClassVar[str] = "acme"
    hosts: ClassVar[tuple[str, ...]] = ("api.acme-market.example",)
    api_key: ClassVar[str] = "acme-demo-key-0123456789"

    def routes(self) -> Sequence[Route]:
        """Who we are, and three lists."""
        return (
            Route("GET", "/v1/me", lambda request: self._ok(self._seller())),
            Route("GET", "/v1/(?P<list>orders|products|stock)", self._list),
        )

    def before(self, request: Request) -> Response | None:
        """Wrong keys and bad days. Errors come with HTTP 200."""
        if request.headers.get("x-acme-key") != self.api_key:
            return reply({"ok": False, "error": {"code": "BAD_KEY"}})
        if "throttle" in self.scenarios and self.requests % 5 == 0:
            return reply({"ok": False, "error": {"code": "RATE_LIMIT", "retry_after": 2}})
        if "flap" in self.scenarios and self.requests % 4 == 0:
            return reply({"ok": False}, 503)
        return None

    @property
    def brand(self) -> Brand:
        """Whose account it is."""
        return self.world.brands[0]

    def _seller(self) -> dict[str, str]:
        brand = self.brand
        return {"id": f"seller-{brand.key}", "name": brand.name, "zone": brand.zone, "currency": brand.currency}

    def _ok(self, data: Any, next_token: str | None = None) -> Response:
        return reply({"ok": True, "data": data, "paging": {"next_token": next_token}})

    def _list(self, request: Request) -> Response:
        name = request.match["list"]
        lists: dict[str, Callable[[], Sequence[Row]]]
        lists = {"orders": self.orders, "products": self.products, "stock": self.stock}
        since = int(request.params.get("changed_since", 0))
        rows = [row for row in lists[name]() if row.get("changed_at", since) >= since]
        start = _behind(rows, request.params.get("page_token", ""))
        chosen = rows[start : start + _LIMIT[name]]
        if "duplicate" in self.scenarios and start:
            chosen = [rows[start - 1], *chosen]
        if "shuffle" in self.scenarios:
            self.random.shuffle(chosen)
        if "schema-drift" in self.scenarios and name == "orders":
            chosen = [_drifted(row) for row in chosen]
        following = start + _LIMIT[name]
        return self._ok(chosen, _mark(following, rows[following - 1]) if following < len(rows) else None)

    def orders(self) -> list[dict[str, Any]]:
        """Orders by their last change."""
        placed = self.world.orders(self.brand.key, Channel.SHOPIFY)
        rows = [self._order(order) for order in placed if not order.test]
        return sorted(rows, key=lambda row: (row["changed_at"], row["id"]))

    def _order(self, order: Order) -> dict[str, Any]:
        changed = order.updated_at(self.now)
        if "restate" in self.scenarios and self.now - changed < timedelta(days=2):
            changed = self.now
        return {
            "id": f"A{order.number}",
            "placed_at": _seconds(order.placed_at),
            "changed_at": _seconds(changed),
            "state": _state(order, self.now),
            "buyer": f"buyer-{stable_id('acme-buyer', order.person.key)}",
            "currency": order.currency,
            "total_cents": int(order.total * 100),
            "lines": [
                {
                    "id": f"A{order.number}-{number}",
                    "item": _item(line.sku_key),
                    "pieces": line.quantity,
                    "total_cents": int((line.unit_price * line.quantity - line.discount) * 100),
                }
                for number, line in enumerate(order.lines, 1)
            ],
        }

    def products(self) -> list[dict[str, Any]]:
        """The catalogue."""
        return [
            {
                "id": f"P{stable_id('acme-product', product.key)}",
                "name": product.title,
                "state": "ACTIVE",
                "made_at": _seconds(product.created_at),
                "items": [
                    {
                        "id": _item(sku.key),
                        "sku": sku.code,
                        "name": sku.title,
                        "price_cents": int(sku.price.amount * 100),
                        "currency": sku.price.currency,
                    }
                    for sku in product.skus
                ],
            }
            for product in self.brand.products
            if product.created_at <= self.now
        ]

    def stock(self) -> list[Row]:
        """The shelf now."""
        return [
            {
                "item": _item(state.sku_key),
                "warehouse": f"W{stable_id('acme-place', state.place_key)}",
                "free": state.available,
                "held": state.committed,
                "on_the_way": state.incoming,
                "counted_at": _seconds(state.updated_at),
            }
            for state in self.world.stock(self.brand.key)
        ]


def _mark(place: int, row: Row) -> str:
    """A page token: the last row's change and id, where rows are sorted by them; else its place."""
    return f"{row['changed_at']}~{row['id']}" if "changed_at" in row else str(place)


def _behind(rows: Sequence[Row], token: str) -> int:
    """Where the next page begins: rows that moved since do not shift it."""
    changed, marked, last = token.partition("~")
    if not marked:
        return int(token or 0)
    return sum((row["changed_at"], row["id"]) <= (int(changed), last) for row in rows)


def _state(order: Order, now: datetime) -> str:
    def happened(at: datetime | None) -> bool:
        return at is not None and at <= now

    if happened(order.cancelled_at):
        return "CANCELLED"
    if happened(order.completed_at):
        return "DONE"
    return "SENT" if happened(order.shipped_at) else "PAID"


def _drifted(row: Row) -> Row:
    """A state that nobody knows in a few orders, and no total in fewer; by number, so that a repeat is the same."""
    number = int(row["id"].removeprefix("A"))
    state = "UNDER_REVIEW" if number % 5 == 0 else row["state"]
    return {**row, "state": state, "total_cents": None if number % 11 == 0 else row["total_cents"]}


def _item(sku_key: str) -> str:
    return f"I{stable_id('acme-item', sku_key)}"


def _seconds(at: datetime) -> int:
    return int(at.timestamp())
