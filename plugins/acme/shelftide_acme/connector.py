"""Where Acme Market keeps its data: requests, paging, cursor."""

from collections.abc import AsyncIterator
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any, ClassVar

from shelftide_acme.mapping import map_order, map_product, map_stock
from shelftide_sdk import (
    Account,
    ApiKey,
    AuthorizationError,
    Budget,
    Connector,
    ConnectorError,
    ConnectorInfo,
    Context,
    ContractError,
    Cursor,
    Health,
    HealthState,
    Page,
    RateLimitedError,
    Stream,
    TransientError,
    days,
    map_rows,
    token_header,
)
from shelftide_sdk.auth import Auth
from shelftide_sdk.bodies import read_json
from shelftide_sdk.records import Order, OrderLine, Product, StockLevel, Variant

API = "https://api.acme-market.example/v1"
_MAPPINGS = {"orders": map_order, "products": map_product, "stock": map_stock}


class Acme(Connector):
    """One seller's account."""

    info: ClassVar[ConnectorInfo] = ConnectorInfo(
        name="acme",
        title="Acme Market",
        platform="acme",
        api_requires=(1, 0),
        hosts=("api.acme-market.example",),
        tier="gold",
        budgets=(Budget(name="calls", calls=10, seconds=1),),
        emulator="shelftide_acme.emulator:AcmeEmulator",
    )
    auth: ClassVar[Auth] = ApiKey(sign=token_header("X-Acme-Key"))
    streams: ClassVar[tuple[Stream, ...]] = (
        Stream("orders", Order, (OrderLine,), "changed_at", days(1), timedelta(hours=6)),
        Stream("products", Product, (Variant,)),
        Stream("stock", StockLevel),
    )

    @classmethod
    def classify(cls, response: Any) -> ConnectorError | None:
        """Acme sends its errors with HTTP 200 and `"ok": false`."""
        if response.status_code != 200:
            return None
        try:
            body = read_json(response.content)
        except ValueError:
            return TransientError("Acme sent a broken reply.")
        if not isinstance(body, dict) or body.get("ok") is True:
            return None
        error = body.get("error")
        code = error.get("code") if isinstance(error, dict) else None
        if isinstance(error, dict) and code == "RATE_LIMIT":
            wait = timedelta(seconds=float(error["retry_after"]))
            return RateLimitedError(
                "Acme asks to wait.", retry_at=parsedate_to_datetime(response.headers["date"]) + wait
            )
        if code == "BAD_KEY":
            return AuthorizationError("Acme does not accept the key.", hint="Enter a fresh key.")
        return ContractError("Acme answered with an error that is not known.", detail=str(code))

    async def check(self, ctx: Context) -> Health:
        """Ask who we are."""
        await self._seller(ctx)
        return Health(state=HealthState.OK)

    async def accounts(self, ctx: Context) -> list[Account]:
        """The one seller that a key belongs to."""
        seller = await self._seller(ctx)
        return [Account(source_id=seller["id"], name=seller["name"], zone=seller["zone"], currency=seller["currency"])]

    async def read(self, ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
        """Oldest change first; each page's cursor is the newest change that it held."""
        zone = str((await self._seller(ctx))["zone"])
        mapping = _MAPPINGS[stream.name]
        params: dict[str, Any] = {}
        if stream.cursor:
            params["changed_since"] = int(ctx.start(stream, cursor).timestamp())
        newest = str((cursor or {}).get("changed_at", ""))
        async for rows in self._pages(ctx, stream.name, params):
            records, rejects = map_rows(rows, lambda row: mapping(row, zone), stream.record)
            moments = [r.updated_at for r in records if isinstance(r, Order) and r.updated_at]
            # A date in the future would skip all that changes until then.
            newest = max([newest, *(at.isoformat() for at in moments if at <= ctx.captured_at)])
            yield Page(records=records, rejects=rejects, cursor={"changed_at": newest} if newest else None)

    async def _pages(self, ctx: Context, name: str, params: dict[str, Any]) -> AsyncIterator[list[Any]]:
        token: Any = None
        visited: set[Any] = set()
        while token not in visited:
            visited.add(token)
            body = await self._body(ctx, name, {**params, "page_token": token})
            if not isinstance(body.get("data"), list) or not isinstance(body.get("paging"), dict):
                raise ContractError(f"Acme's reply holds no {name}.")
            yield body["data"]
            token = body["paging"].get("next_token")
            if not token:
                return
        raise ContractError("Acme's paging goes round in a circle.", detail=f"token {token!r} came twice")

    async def _seller(self, ctx: Context) -> dict[str, Any]:
        seller = (await self._body(ctx, "me", {})).get("data")
        if not isinstance(seller, dict) or not all(isinstance(seller.get(n), str) for n in ("id", "name", "zone")):
            raise ContractError("Acme does not say whose key this is.")
        return seller

    async def _body(self, ctx: Context, path: str, params: dict[str, Any]) -> dict[str, Any]:
        body = read_json((await ctx.client.get(f"{API}/{path}", params=params)).content)
        if not isinstance(body, dict):
            raise ContractError("Acme's reply is not a JSON object.")
        return body
