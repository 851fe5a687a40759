"""Where Walmart keeps a seller's data: requests, paging, cursor."""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import parse_qsl

from shelftide_sdk import (
    Account,
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
    SettingField,
    Stream,
    days,
    map_rows,
)
from shelftide_sdk.auth import Auth
from shelftide_sdk.bodies import read_json
from shelftide_sdk.connector import promised
from shelftide_sdk.records import Order, OrderLine, StockLevel
from shelftide_walmart.auth import API, AUTH, HOST
from shelftide_walmart.mapping import map_order, map_stock

_KEPT = timedelta(days=180)
_REPLENISHED = ("x-next-replenishment-time", "x-next-replenish-time")


class Walmart(Connector):
    """One seller of Walmart Marketplace, US."""

    info: ClassVar[ConnectorInfo] = ConnectorInfo(
        name="walmart",
        title="Walmart Marketplace",
        platform="walmart",
        api_requires=(1, 0),
        hosts=(HOST,),
        tier="gold",
        settings=(
            SettingField(
                name="zone",
                title="Time zone of reports",
                pattern=r"[A-Za-z]+(/[A-Za-z_+-]+)+",
                example="America/Los_Angeles",
            ),
            SettingField(name="client_id", title="Client ID", secret=True),
            SettingField(name="client_secret", title="Client secret", secret=True),
        ),
        budgets=(
            Budget(name="orders", calls=5000, seconds=60, endpoints="/v3/orders"),
            Budget(name="inventories", calls=200, seconds=60, endpoints="/v3/inventories"),
        ),
        docs_url="https://developer.walmart.com/us-marketplace/docs",
        emulator="shelftide_walmart.emulator:WalmartEmulator",
    )
    auth: ClassVar[Auth] = AUTH
    streams: ClassVar[tuple[Stream, ...]] = (
        Stream("orders", Order, (OrderLine,), "modified_at", days(1), timedelta(hours=6)),
        Stream("stock", StockLevel),
    )

    @classmethod
    def classify(cls, response: Any) -> ConnectorError | None:
        """Walmart says in a header of its own when the bucket fills again (milliseconds since 1970)."""
        if response.status_code != 429:
            return None
        text = next((response.headers[name] for name in _REPLENISHED if name in response.headers), "")
        if not (text.isascii() and text.isdigit()) or len(text) > 14:
            return None
        return RateLimitedError("Walmart asks to wait.", retry_at=datetime.fromtimestamp(int(text) / 1000, UTC))

    async def check(self, ctx: Context) -> Health:
        """Ask who we are."""
        await self._partner(ctx)
        return Health(state=HealthState.OK)

    async def accounts(self, ctx: Context) -> list[Account]:
        """The one seller that the keys belong to."""
        partner = await self._partner(ctx)
        name = partner.get("partnerDisplayName") or partner.get("partnerName") or partner["partnerId"]
        return [Account(source_id=partner["partnerId"], name=str(name), country="US", zone=ctx.settings["zone"])]

    async def read(self, ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
        """All pages; the cursor comes with the last one, because Walmart does not sort by change."""
        if stream.name == "stock":
            async for rows in self._pages(ctx, "inventories", {"limit": "50"}):
                records, rejects = map_rows(rows, map_stock, StockLevel)
                yield Page(records=records, rejects=rejects)
            return
        zone = ctx.settings["zone"]
        since = max(ctx.start(stream, cursor), ctx.clock.now() - _KEPT)
        newest = str((cursor or {}).get("modified_at", ""))
        async for rows in self._pages(ctx, "orders", {"lastModifiedStartDate": _iso(since), "limit": "200"}):
            records, rejects = map_rows(rows, lambda row: map_order(row, zone), Order)
            moments = [r.updated_at for r in records if isinstance(r, Order) and r.updated_at]
            newest = max([newest, *(at.isoformat() for at in moments if at <= ctx.captured_at)])
            yield Page(records=records, rejects=rejects)
        if newest:
            yield Page(cursor={"modified_at": newest})

    async def _pages(self, ctx: Context, path: str, params: dict[str, str]) -> AsyncIterator[list[Any]]:
        """Rows page by page. `nextCursor` is the query of the next page for orders, and a token for inventories."""
        asked, visited, shown = dict(params), set[str](), 0
        while True:
            body = await self._get(ctx, path, asked)
            # Orders stand one level deeper than inventories.
            holder = body.get("list") if path == "orders" else body
            rows, following, total = _rows(holder, "order" if path == "orders" else "inventories")
            promised(rows, shown, total, path)
            shown += len(rows)
            yield rows
            if following is None:
                promised([], shown, total, path)
                return
            if following in visited:
                raise ContractError("Walmart's paging goes round in a circle.")
            visited.add(following)
            whole = following.startswith("?")
            asked = dict(parse_qsl(following[1:])) if whole else {**params, "nextCursor": following}

    async def _partner(self, ctx: Context) -> dict[str, Any]:
        partner = (await self._get(ctx, "settings/partnerprofile", {})).get("partner")
        if not isinstance(partner, dict) or not isinstance(partner.get("partnerId"), str) or not partner["partnerId"]:
            raise ContractError("Walmart does not say whose keys these are.")
        return partner

    async def _get(self, ctx: Context, path: str, params: Mapping[str, str]) -> dict[str, Any]:
        response = await ctx.client.get(f"{API}/{path}", params=params)
        body = read_json(response.content)  # amounts are JSON numbers: a float would change them
        if not isinstance(body, dict):
            raise ContractError("Walmart's reply is not a JSON object.")
        if body.get("errors"):  # beside rows too: some of them are missing then
            raise ContractError("Walmart's reply holds errors.")
        return body


def _rows(holder: Any, name: str) -> tuple[list[Any], str | None, Any]:
    try:
        rows, meta = holder["elements"][name], holder["meta"]
        following = meta.get("nextCursor")
    except (KeyError, TypeError, AttributeError) as error:
        raise ContractError(f"Walmart's reply holds no {name}.") from error
    if not isinstance(rows, list) or not isinstance(following, str | None):
        raise ContractError(f"Walmart's reply holds no {name}.")
    return rows, following or None, meta.get("totalCount")


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
