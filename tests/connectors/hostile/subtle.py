"""Faults of authors who mean well: each reads like working code and loses, invents or bends something."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from itertools import count
from typing import Any, ClassVar

import msgspec
from tests.connectors.hostile.connector import API, INFO, Changed, Honest, Leaky

from shelftide_sdk import (
    ConnectorError,
    ConnectorInfo,
    Context,
    ContractError,
    Cursor,
    Money,
    Page,
    RateLimitedError,
    Stream,
    days,
)
from shelftide_sdk.records import Order, Record, Refund

_PLATFORM = "tests.connectors.hostile.platform"
_ASKED: list[datetime] = []


def at(emulator: str) -> ConnectorInfo:
    """The same connector at a platform with another habit."""
    return msgspec.structs.replace(INFO, emulator=f"{_PLATFORM}:{emulator}")


class HoldsAllPages(Honest):
    async def read(self, ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
        pages = [page async for page in super().read(ctx, stream, cursor)]
        for page in pages:
            yield page


class HoldsAllButTheFirst(Honest):
    async def read(self, ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
        pages = super().read(ctx, stream, cursor)
        yield await anext(pages)
        rest = [page async for page in pages]
        yield Page(records=[record for page in rest for record in page.records], cursor=rest[-1].cursor)


class ZoneOfTheClass(Honest):
    zone: ClassVar[str | None] = None

    async def read(self, ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
        if type(self).zone is None:
            type(self).zone = (await ctx.client.get(f"{API}/shop")).json()["zone"]
        async for page in super().read(ctx, stream, cursor):
            yield page


class ListOfTheModule(Honest):
    async def rows(self, ctx: Context, since: datetime) -> AsyncIterator[list[Any]]:
        _ASKED.append(since)
        async for rows in super().rows(ctx, since):
            yield rows


class DefaultArgument(Honest):
    def map(self, row: Any, seen: list[Any] = []) -> Record:  # noqa: B006  # the fault
        seen.append(row["id"])
        return super().map(row)


class UnknownAsZero(Honest):
    def map(self, row: Any) -> Record:
        return super().map({**row, "total": row.get("total") or "0"})


class RetriesForEver(Honest):
    async def reply(self, ctx: Context, since: datetime, token: Any) -> Any:
        while True:
            try:
                return await super().reply(ctx, since, token)
            except ContractError:
                await asyncio.sleep(0)


class WaitsOnItsOwn(Honest):
    async def reply(self, ctx: Context, since: datetime, token: Any) -> Any:
        for _ in range(5):
            try:
                return await super().reply(ctx, since, token)
            except RateLimitedError:
                await asyncio.sleep(5)
        return {"orders": [], "next_token": None}


class StopsTheWorld(Honest):
    async def reply(self, ctx: Context, since: datetime, token: Any) -> Any:
        time.sleep(0.01)  # noqa: ASYNC251  # the fault
        return await super().reply(ctx, since, token)


class DropsTies(Honest):
    """Asks for what is newer than the cursor, and forgets what changed in the same moment."""

    info: ClassVar[ConnectorInfo] = at("TiedBook")
    streams: ClassVar[tuple[Stream, ...]] = (Stream("orders", Order, cursor="updated_at"),)

    async def rows(self, ctx: Context, since: datetime) -> AsyncIterator[list[Any]]:
        async for rows in super().rows(ctx, since + timedelta(seconds=1)):
            yield rows


class SortsByCreated(Honest):
    """The newest change of a page is no mark where pages are sorted by creation."""

    info: ClassVar[ConnectorInfo] = at("BookByCreation")


class StopsAtAnEmptyPage(Honest):
    info: ClassVar[ConnectorInfo] = at("BookWithHoles")

    async def rows(self, ctx: Context, since: datetime) -> AsyncIterator[list[Any]]:
        async for rows in super().rows(ctx, since):
            if not rows:
                return
            yield rows


class KeyFromPosition(Honest):
    async def rows(self, ctx: Context, since: datetime) -> AsyncIterator[list[Any]]:
        places = count(1)
        async for rows in super().rows(ctx, since):
            yield [{**row, "id": f"order-{next(places)}"} if isinstance(row, dict) else row for row in rows]


class ServerZone(Changed):
    def change(self, row: Any) -> dict[str, Any]:
        return {"zone": "UTC"}


class MachineTime(Changed):
    """Takes a time without its offset for the machine's."""

    def change(self, row: Any) -> dict[str, Any]:
        return {"placed_at": datetime.fromisoformat(row["placed"]).replace(tzinfo=None).astimezone(UTC)}


class AssumedCurrency(Changed):
    def change(self, row: Any) -> dict[str, Any]:
        return {"total": Money.parse(row["total"], "EUR")}


class CutDecimals(Changed):
    def change(self, row: Any) -> dict[str, Any]:
        return {"total": Money(Decimal(row["total"]).quantize(Decimal(1), ROUND_DOWN), row["currency"])}


class TaxTwice(Changed):
    info: ClassVar[ConnectorInfo] = at("Ledger")

    def change(self, row: Any) -> dict[str, Any]:
        parts = {name: Money.parse(row[name], row["currency"]) for name in ("total", "tax", "shipping", "net")}
        subtotal = parts.pop("net")
        return {**parts, "subtotal": subtotal, "total": parts["total"] + parts["tax"]}


class RefundBelowZero(Honest):
    info: ClassVar[ConnectorInfo] = at("Ledger")
    streams: ClassVar[tuple[Stream, ...]] = (
        Stream("orders", Order, also=(Refund,), cursor="updated_at", lookback=days(2)),
    )

    def map(self, row: Any) -> Record | Sequence[Record]:  # type: ignore[override]  # several records of one row
        order = super().map(row)
        assert isinstance(order, Order)
        refund = Refund(
            source_id=f"r-{order.source_id}",
            order_id=order.source_id,
            refunded_at=order.placed_at,
            zone=order.zone,
            amount=Money.parse("-" + row["paid_back"], row["currency"]),
            updated_at=order.updated_at,
        )
        return [order, refund]


class FollowsRedirect(Honest):
    @classmethod
    def classify(cls, response: Any) -> ConnectorError | None:
        moved = response.status_code == 302
        return ContractError("moved", detail=response.headers["location"]) if moved else None

    async def reply(self, ctx: Context, since: datetime, token: Any) -> Any:
        try:
            return await super().reply(ctx, since, token)
        except ContractError as error:
            if not error.detail.startswith("https://"):
                raise
            return (await ctx.client.get(error.detail)).json()


class SecretInCursor(Leaky):
    async def read(self, ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
        secret = await self.token(ctx)
        async for page in super().read(ctx, stream, cursor):
            yield msgspec.structs.replace(page, cursor={**(page.cursor or {}), "by": secret})


class CursorWithoutZone(Honest):
    def cursor(self, newest: str) -> Cursor | None:
        return {"updated_at": newest.removesuffix("+00:00")} if newest else None

    async def read(self, ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
        known = {"updated_at": f"{cursor['updated_at']}+00:00"} if cursor else None
        async for page in super().read(ctx, stream, known):
            yield page
