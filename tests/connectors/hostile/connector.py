"""An honest connector, and how it goes wrong: one switch each."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, ClassVar

import msgspec
from tests.connectors.hostile.platform import AUTH, HOST

from shelftide_sdk import (
    Account,
    AuthorizationError,
    Connector,
    ConnectorError,
    ConnectorInfo,
    Context,
    ContractError,
    Cursor,
    Delete,
    Health,
    HealthState,
    Money,
    Page,
    RateLimitedError,
    Stream,
    TransientError,
    days,
    map_rows,
)
from shelftide_sdk.auth import Auth
from shelftide_sdk.records import ChannelKind, Location, Order, OrderStatus, Record, own_fields

API = f"https://{HOST}"
INFO = ConnectorInfo(
    name="hostile",
    title="Hostile",
    platform="hostile",
    api_requires=(1, 0),
    hosts=(HOST,),
    emulator="tests.connectors.hostile.platform:OrderBook",
)


class OwnError(Exception):
    """An error that the SDK has never heard of."""


def map_order(row: Any) -> Order:
    """A row of the platform."""
    return Order(
        source_id=row["id"],
        placed_at=datetime.fromisoformat(row["placed"]).astimezone(UTC),
        zone="Europe/Rome",
        status=OrderStatus.OPEN if row["status"] == "PAID" else OrderStatus.UNKNOWN,
        channel_kind=ChannelKind.OTHER,
        total=Money.parse(row["total"], row["currency"]),
        updated_at=datetime.fromisoformat(row["changed"]).astimezone(UTC),
    )


class Honest(Connector):
    """Does everything right; the hostile ones change one thing."""

    info: ClassVar[ConnectorInfo] = INFO
    auth: ClassVar[Auth] = AUTH
    streams: ClassVar[tuple[Stream, ...]] = (Stream("orders", Order, cursor="updated_at", lookback=days(2)),)

    async def check(self, ctx: Context) -> Health:
        await ctx.client.get(f"{API}/shop")
        return Health(state=HealthState.OK)

    async def accounts(self, ctx: Context) -> list[Account]:
        shop = (await ctx.client.get(f"{API}/shop")).json()
        return [Account(source_id="shop-1", name="Shop", zone=shop["zone"])]

    async def read(self, ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
        newest = (cursor or {}).get("updated_at", "")
        async for rows in self.rows(ctx, ctx.start(stream, cursor)):
            records, rejects = map_rows(rows, self.map, Order)
            newest = max(newest, *(self.mark(record) for record in records), "")
            yield Page(records=records, rejects=rejects, deletes=self.replaced(rows), cursor=self.cursor(newest))

    def replaced(self, rows: list[Any]) -> list[Delete]:
        """Drafts that have become orders."""
        drafts = [row.get("was") for row in rows if isinstance(row, dict)]
        return [Delete(Order, {"source_id": draft}) for draft in drafts if isinstance(draft, str) and draft]

    def map(self, row: Any) -> Record:
        if not isinstance(row["id"], str) or not row["id"]:
            raise ValueError("no id")
        return map_order(row)

    def mark(self, record: Any) -> str:
        return str(record.updated_at.isoformat())

    def cursor(self, newest: str) -> Cursor | None:
        return {"updated_at": newest} if newest else None

    async def rows(self, ctx: Context, since: datetime) -> AsyncIterator[list[Any]]:
        token: Any = None
        visited: set[Any] = set()
        while token not in visited:
            visited.add(token)
            reply = await self.reply(ctx, since, token)
            yield reply["orders"]
            token = reply.get("next_token")
            if token is None:
                return
        raise ContractError("paging goes round in a circle")

    async def reply(self, ctx: Context, since: datetime, token: Any) -> Any:
        response = await ctx.client.get(f"{API}/orders", params={"since": since.isoformat(), "page_token": token})
        found = response.json()
        if not isinstance(found, dict) or not isinstance(found.get("orders"), list):
            raise ContractError("the reply holds no orders")
        if found.get("error"):
            raise ContractError("the reply holds an error beside its orders")
        return found


class CursorBeforeData(Honest):
    async def read(self, ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
        pages = [page async for page in super().read(ctx, stream, cursor)]
        for page, following in zip(pages, [*pages[1:], pages[-1]], strict=True):
            later = datetime.fromisoformat((following.cursor or {})["updated_at"]) + stream.lookback
            yield msgspec.structs.replace(page, cursor={"updated_at": later.isoformat()})


class LostLastPage(Honest):
    async def rows(self, ctx: Context, since: datetime) -> AsyncIterator[list[Any]]:
        token: Any = None
        while (reply := await self.reply(ctx, since, token))["next_token"]:
            yield reply["orders"]
            token = reply["next_token"]


class StopsEarly(Honest):
    async def rows(self, ctx: Context, since: datetime) -> AsyncIterator[list[Any]]:
        for token in (None, "4"):
            yield (await self.reply(ctx, since, token))["orders"]


class SwallowedTokenError(Honest):
    async def read(self, ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
        try:
            async for page in super().read(ctx, stream, cursor):
                yield page
        except AuthorizationError:
            return


class SwallowedFailure(Honest):
    async def read(self, ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
        try:
            async for page in super().read(ctx, stream, cursor):
                yield page
        except TransientError:
            return


class AlwaysHealthy(Honest):
    async def check(self, ctx: Context) -> Health:
        return Health(state=HealthState.OK)


class Changed(Honest):
    """Changes one field of each record."""

    def map(self, row: Any) -> Record:
        return msgspec.structs.replace(super().map(row), **self.change(row))

    def change(self, row: Any) -> dict[str, Any]:
        raise NotImplementedError


class FloatMoney(Changed):
    def change(self, row: Any) -> dict[str, Any]:
        return {"total": Money(float(row["total"]), "EUR")}  # type: ignore[arg-type]  # the fault


class BorrowsAName(Changed):
    def change(self, row: Any) -> dict[str, Any]:
        return {"extra": own_fields("shopify", note="mine")}


class UnknownCurrency(Changed):
    def change(self, row: Any) -> dict[str, Any]:
        return {"total": Money(Decimal(row["total"]), "EURO")}


class NaiveTime(Changed):
    def change(self, row: Any) -> dict[str, Any]:
        return {"placed_at": datetime.fromisoformat(row["placed"]).replace(tzinfo=None)}


class LocalTime(Changed):
    def change(self, row: Any) -> dict[str, Any]:
        return {"placed_at": datetime.fromisoformat(row["placed"]).astimezone(timezone(timedelta(hours=8)))}


class WrongZone(Changed):
    def change(self, row: Any) -> dict[str, Any]:
        return {"zone": "Mars/Olympus"}


class EmptyKeys(Changed):
    def change(self, row: Any) -> dict[str, Any]:
        return {"source_id": ""}


class WrongValueType(Changed):
    def change(self, row: Any) -> dict[str, Any]:
        return {"name": 17}


class WallClock(Changed):
    def change(self, row: Any) -> dict[str, Any]:
        return {"cancelled_at": datetime.now(UTC)}


class WrongRecordClass(Honest):
    def map(self, row: Any) -> Record:
        return Location(source_id=row["id"], name="not an order", updated_at=map_order(row).updated_at)


class DuplicateKeys(Honest):
    async def rows(self, ctx: Context, since: datetime) -> AsyncIterator[list[Any]]:
        async for rows in super().rows(ctx, since):
            yield [*rows, {**rows[0], "total": "0.01"}]


class NoPage(Honest):
    async def read(self, ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
        async for page in super().read(ctx, stream, cursor):
            yield {"records": page.records}  # type: ignore[misc]  # the fault


class EndlessLoop(Honest):
    async def rows(self, ctx: Context, since: datetime) -> AsyncIterator[list[Any]]:
        while True:
            async for rows in super().rows(ctx, since):
                yield rows


class SamePageForEver(Honest):
    async def read(self, ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
        async for page in super().read(ctx, stream, cursor):
            while True:
                yield page


class TrustsPaging(Honest):
    async def rows(self, ctx: Context, since: datetime) -> AsyncIterator[list[Any]]:
        token: Any = None
        while True:
            reply = await self.reply(ctx, since, token)
            yield reply["orders"]
            token = reply.get("next_token")
            if token is None:
                return


class UndeclaredHost(Honest):
    async def read(self, ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
        await ctx.client.get("https://collector.example/steal")
        async for page in super().read(ctx, stream, cursor):
            yield page


class OwnSocket(Honest):
    async def read(self, ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
        try:
            socket.create_connection(("collector.example", 443), timeout=1).close()
        except OSError:
            ctx.log.info("no luck")
        async for page in super().read(ctx, stream, cursor):
            yield page


class Leaky(Honest):
    """The token stands in the request that belongs to a response."""

    async def token(self, ctx: Context) -> str:
        response = await ctx.client.get(f"{API}/shop")
        return str(response.request.headers["authorization"])


class SecretInLog(Leaky):
    async def reply(self, ctx: Context, since: datetime, token: Any) -> Any:
        ctx.log.info("asking with %s", await self.token(ctx))
        return await super().reply(ctx, since, token)


class SecretPrinted(Leaky):
    async def reply(self, ctx: Context, since: datetime, token: Any) -> Any:
        print(await self.token(ctx))
        return await super().reply(ctx, since, token)


class SecretInRecord(Leaky):
    async def rows(self, ctx: Context, since: datetime) -> AsyncIterator[list[Any]]:
        secret = await self.token(ctx)
        async for rows in super().rows(ctx, since):
            yield [{**row, "status": "PAID", "currency": "EUR", "id": f"{row['id']} {secret}"} for row in rows]


class SecretInError(Leaky):
    async def reply(self, ctx: Context, since: datetime, token: Any) -> Any:
        try:
            return await super().reply(ctx, since, token)
        except ContractError as error:
            raise ContractError("no orders", detail=await self.token(ctx)) from error


class RaisesOwnError(Honest):
    async def read(self, ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
        if cursor is not None:
            raise OwnError("something inside")
        async for page in super().read(ctx, stream, cursor):
            yield page


class FragileMapping(Honest):
    async def read(self, ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
        async for rows in self.rows(ctx, ctx.start(stream, cursor)):
            records = [map_order(row) for row in rows]
            yield Page(records=records, cursor=self.cursor(max(map(self.mark, records), default="")))


class SilentMapping(Honest):
    async def read(self, ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
        async for page in super().read(ctx, stream, cursor):
            yield msgspec.structs.replace(page, rejects=())


class SilentReply(Honest):
    async def reply(self, ctx: Context, since: datetime, token: Any) -> Any:
        try:
            return await super().reply(ctx, since, token)
        except (ContractError, json.JSONDecodeError, UnicodeDecodeError):
            return {"orders": [], "next_token": None}


class HangingRead(Honest):
    async def read(self, ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
        await asyncio.Event().wait()
        yield Page()


class SleepsForEver(Honest):
    async def read(self, ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
        while True:
            await asyncio.sleep(600)
            if cursor == {"never": True}:
                yield Page()


class ChangesSettings(Honest):
    async def read(self, ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
        ctx.settings["shop"] = "another"  # type: ignore[index]  # the fault
        async for page in super().read(ctx, stream, cursor):
            yield page


class IgnoresLookback(Honest):
    async def read(self, ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
        exact = msgspec.structs.replace(stream, lookback=days(0))
        async for page in super().read(ctx, exact, cursor):
            yield page


class IgnoresCursor(Honest):
    async def read(self, ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
        async for page in super().read(ctx, stream, None):
            yield page


class NoCursor(Honest):
    def cursor(self, newest: str) -> Cursor | None:
        return None


class CursorNotJson(Honest):
    def cursor(self, newest: str) -> Cursor | None:
        return {"updated_at": newest, "seen": datetime.fromisoformat(newest)}


class ImpatientThrottle(Honest):
    @classmethod
    def classify(cls, response: Any) -> ConnectorError | None:
        return RateLimitedError("wait a little") if response.status_code == 429 else None


class HopelessExpiry(Honest):
    @classmethod
    def classify(cls, response: Any) -> ConnectorError | None:
        return AuthorizationError("no") if response.status_code == 401 else None


class TrustsOrder(Honest):
    async def rows(self, ctx: Context, since: datetime) -> AsyncIterator[list[Any]]:
        last = ""
        async for rows in super().rows(ctx, since):
            kept = []
            for row in rows:
                if row["changed"] >= last:
                    kept.append(row)
                    last = row["changed"]
            yield kept


class KeepsDrafts(Honest):
    def replaced(self, rows: list[Any]) -> list[Delete]:
        return []


class DiesOfDrift(Honest):
    def map(self, row: Any) -> Record:
        if row["total"] is None:
            raise ContractError("an order without a total")
        return super().map(row)


class DropsUnknownWords(Honest):
    async def rows(self, ctx: Context, since: datetime) -> AsyncIterator[list[Any]]:
        async for rows in super().rows(ctx, since):
            yield [row for row in rows if not isinstance(row, dict) or row.get("status") != "HELD"]


class CountsPlaces(Honest):
    async def rows(self, ctx: Context, since: datetime) -> AsyncIterator[list[Any]]:
        async for rows in super().rows(ctx, since):
            kept = [row for row in rows if isinstance(row, dict)]
            for place, row in enumerate(kept):
                row["place"] = place
            yield rows

    def map(self, row: Any) -> Record:
        return msgspec.structs.replace(super().map(row), name=str(row["place"]))


class StrangeStream(Honest):
    async def discover(self, ctx: Context) -> list[Stream]:
        return [*self.streams, Stream("secrets", Order)]


class TwinStreams(Honest):
    streams: ClassVar[tuple[Stream, ...]] = (Stream("orders", Order), Stream("orders", Order))


class FutureApi(Honest):
    info: ClassVar[ConnectorInfo] = msgspec.structs.replace(INFO, api_requires=(2, 0))


class AnyHost(Honest):
    info: ClassVar[ConnectorInfo] = msgspec.structs.replace(INFO, hosts=("*",))
