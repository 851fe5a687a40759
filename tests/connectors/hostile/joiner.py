"""A good connector that joins orders with the lines of another call, and what careless authors make of it."""

import json
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime
from typing import Any, ClassVar

import msgspec
from tests.connectors.hostile.connector import API, INFO, Honest
from tests.connectors.hostile.market import Market
from tests.connectors.hostile.trader import Trader, text

from shelftide_sdk import ConnectorInfo, Context, ContractError, Cursor, Money, Page
from shelftide_sdk.records import Order, OrderStatus
from shelftide_sdk.testing.emulator import Request, Response, Route, reply


class Depot(Market):
    """One path for two calls, named in the body: orders without lines, and lines. Tax and shipping are objects."""

    def routes(self) -> Sequence[Route]:
        return (
            Route("POST", "/graph", lambda request: self._guarded(request) or self._answer(request)),
            *super().routes(),
        )

    def _answer(self, request: Request) -> Response:
        asked = json.loads(request.body)
        if asked["call"] == "orders":
            return self._orders(msgspec.structs.replace(request, query=tuple(_given(asked["args"]))))
        rows = [row for row in super().rows() if row["id"] in asked["args"]["orders"]]
        return reply({"lines": [{**line, "order": row["id"]} for row in rows for line in row.get("lines", ())]})

    def rows(self) -> list[dict[str, Any]]:
        return [_without_lines(row) for row in super().rows()]


def _given(arguments: dict[str, Any]) -> Iterator[tuple[str, str]]:
    return ((name, str(value)) for name, value in arguments.items() if value)


def _without_lines(row: dict[str, Any]) -> dict[str, Any]:
    sums: dict[str, Any] = {
        name: {"sum": row[name], "cur": row["currency"]} for name in ("tax", "shipping") if name in row
    }
    return {name: sums.get(name, said) for name, said in row.items() if name != "lines"}


class Joiner(Trader):
    """Refuses a page whose lines do not fit its orders."""

    info: ClassVar[ConnectorInfo] = msgspec.structs.replace(INFO, emulator="tests.connectors.hostile.joiner:Depot")

    async def reply(self, ctx: Context, since: datetime, token: Any) -> Any:
        found = await self.ask(ctx, "orders", {"since": since.isoformat(), "page_token": token})
        if not isinstance(found.get("orders"), list):
            raise ContractError("the reply holds no orders")
        named = [row.get("id") for row in found["orders"] if isinstance(row, dict) and not row.get("deleted_at")]
        lines = await self.lines(ctx, [name for name in named if isinstance(name, str)])
        return {**found, "orders": [_joined(row, lines) for row in found["orders"]]}

    async def lines(self, ctx: Context, names: list[str]) -> dict[str, list[Any]]:
        found = (await self.ask(ctx, "lines", {"orders": names})).get("lines")
        if not isinstance(found, list):
            raise ContractError("the reply holds no lines")
        lines: dict[str, list[Any]] = {name: [] for name in names}
        for row in found:
            if not isinstance(row, dict) or row.get("order") not in names:
                raise ContractError("a line belongs to no order")
            if row not in lines[row["order"]]:
                lines[row["order"]].append(row)
        if not all(lines.values()):
            raise ContractError("an order has no lines")
        return lines

    async def ask(self, ctx: Context, call: str, args: dict[str, Any]) -> dict[str, Any]:
        found = (await ctx.client.post(f"{API}/graph", json={"call": call, "args": args})).json()
        if not isinstance(found, dict) or found.get("error"):
            raise ContractError("the call was refused")
        return found

    def order(self, row: Any) -> Order:
        found = super().order({**row, "tax": "0", "shipping": "0"})
        return msgspec.structs.replace(found, tax=self.sum(row, "tax"), shipping=self.sum(row, "shipping"))

    def sum(self, row: Any, name: str) -> Money | None:
        return None if row[name] is None else self.money(row[name]["sum"], text(row[name]["cur"]))


def _joined(row: Any, lines: dict[str, list[Any]]) -> Any:
    return {**row, "lines": lines[row["id"]]} if isinstance(row, dict) and row.get("id") in lines else row


class TakesNoObjectForZero(Joiner):
    def sum(self, row: Any, name: str) -> Money | None:
        return self.money((row[name] or {"sum": "0"})["sum"], row["currency"])


class LogsWhatItRejects(Joiner):
    async def read(self, ctx: Context, stream: Any, cursor: Cursor | None) -> AsyncIterator[Page]:
        async for page in super().read(ctx, stream, cursor):
            for reject in page.rejects:
                ctx.log.warning("cannot read %s: %s", reject.raw, reject.reason)
            yield page


class RefusesAPageForARow(Honest):
    """Nothing that it makes of a withheld value is ever seen."""

    async def read(self, ctx: Context, stream: Any, cursor: Cursor | None) -> AsyncIterator[Page]:
        async for page in super().read(ctx, stream, cursor):
            states = {record.status for record in page.records if isinstance(record, Order)}
            if page.rejects or OrderStatus.UNKNOWN in states:
                raise ContractError("a row of the page makes no sense")
            yield page


HASTY: dict[str, tuple[str, str]] = {
    "TakesNoObjectForZero": ("unknown_is_not_zero", "is Money(amount=Decimal('0'"),
    "LogsWhatItRejects": ("no_buyer_is_named", "is in the log when a value is null"),
}
