"""A small platform that behaves: an order book behind OAuth. Only the connector on top of it is hostile."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlencode

from shelftide_sdk.auth import OAuth2
from shelftide_sdk.testing.emulator import Emulator, Request, Response, Route, page, redirect, reply

HOST = "api.hostile.example"
ORDERS, LIMIT = 30, 4
AUTH = OAuth2(authorize_url=f"https://{HOST}/oauth/authorize", token_url=f"https://{HOST}/oauth/token")
LIFE = timedelta(hours=1)


class OrderBook(Emulator):
    """Thirty orders over twenty days, sorted by change, four a page.

    The last two wait for moderation, if there is one: until then they have another id, which they name afterwards.
    """

    platform: ClassVar[str] = "hostile"
    hosts: ClassVar[tuple[str, ...]] = (HOST,)

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.tokens: dict[str, datetime] = {}
        self.calls = 0

    def routes(self) -> Sequence[Route]:
        return (
            Route("GET", "/oauth/authorize", self._authorize),
            Route("GET", "/oauth/approve", self._approve),
            Route("POST", "/oauth/token", self._token),
            Route("GET", "/shop", lambda request: self._guarded(request) or reply({"zone": "Europe/Rome"})),
            Route("GET", "/orders", lambda request: self._guarded(request) or self._orders(request)),
        )

    def _authorize(self, request: Request) -> Response:
        fields = "".join(f'<input name="{n}" value="{request.params[n]}">' for n in ("redirect_uri", "state"))
        return page(f'<form action="approve" method="get">{fields}</form>')

    def _approve(self, request: Request) -> Response:
        query = urlencode({"code": "code-0123456789", "state": request.params["state"]})
        return redirect(f"{request.params['redirect_uri']}?{query}")

    def _token(self, request: Request) -> Response:
        if dict(parse_qsl(request.body.decode())).get("client_secret") != "hostile-demo-secret":
            return reply({"error": "invalid_client"}, 401)
        token = f"access-token-{len(self.tokens):04}"
        self.tokens[token] = self.clock() + LIFE
        return reply({"access_token": token, "refresh_token": f"refresh-{token}", "expires_in": 3600})

    def _guarded(self, request: Request) -> Response | None:
        self.calls += 1
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if "expire" in self.scenarios and self.calls % 4 == 0:
            self.tokens.clear()
        if self.tokens.get(token, self.clock()) <= self.clock():
            return reply({"error": "the token has expired"}, 401)
        if "throttle" in self.scenarios and self.calls % 3 == 0:
            return reply({"error": "slow down"}, 429, {"retry-after": "2"})
        if "flap" in self.scenarios and self.calls % 3 == 0:
            return reply({"error": "oops"}, 503)
        return None

    def rows(self) -> list[dict[str, Any]]:
        first = self.now - timedelta(days=20)
        return [
            {
                **self._identity(number),
                "placed": (first + timedelta(hours=15 * number)).isoformat(),
                "changed": (first + timedelta(hours=16 * number)).isoformat(),
                "total": f"{10 + number}.50",
                "currency": "EUR",
                "status": "PAID",
            }
            for number in range(ORDERS)
        ]

    def _identity(self, number: int) -> dict[str, Any]:
        if number < ORDERS - 2:
            return {"id": f"o-{number:03}", "was": None}
        if "moderation-delay" in self.scenarios:
            return {"id": f"draft-{number:03}", "was": None}
        return {"id": f"o-{number:03}", "was": f"draft-{number:03}"}

    def _orders(self, request: Request) -> Response:
        since, start = request.params["since"], int(request.params.get("page_token") or 0)
        found = [r for r in self.rows() if datetime.fromisoformat(r["changed"]) >= datetime.fromisoformat(since)]
        rows, following = found[start : start + LIMIT], start + LIMIT
        if "duplicate" in self.scenarios and start:
            rows = [found[start - 1], *rows]
        if "shuffle" in self.scenarios:
            self.random.shuffle(rows)
        if "schema-drift" in self.scenarios:
            rows = [{**row, "total": None} if row["id"] == "o-007" else {**row, "status": "HELD"} for row in rows]
        return reply({"orders": rows, "next_token": str(following) if following < len(found) else None})


class TiedBook(OrderBook):
    """Three orders each changed in the same moment: a page often ends between them."""

    def rows(self) -> list[dict[str, Any]]:
        rows = super().rows()
        return [{**row, "changed": rows[number - number % 3]["changed"]} for number, row in enumerate(rows)]


class BookByCreation(OrderBook):
    """Sorted by the day of the order, asked for by the day of the change: an old order changes late."""

    def rows(self) -> list[dict[str, Any]]:
        rows = super().rows()
        return [{**row, "changed": rows[number * 7 % ORDERS]["changed"]} for number, row in enumerate(rows)]


class BookWithHoles(OrderBook):
    """Now and then a page is empty and yet not the last one."""

    def _orders(self, request: Request) -> Response:
        if request.params.get("page_token") == str(2 * LIMIT):
            return reply({"orders": [], "next_token": f"0{2 * LIMIT}"})
        return super()._orders(request)


class Ledger(OrderBook):
    """Says what an order is made of; some are paid back."""

    def rows(self) -> list[dict[str, Any]]:
        parts = {"net": "8.00", "tax": "1.60", "shipping": "3.90", "total": "13.50", "paid_back": "1.25"}
        return [{**row, **parts} for row in super().rows()]
