"""A good connector over the world's own orders, and what careless authors make of it: one small edit each."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import msgspec
from tests.connectors.hostile.connector import API, INFO, Honest
from tests.connectors.hostile.market import LOCAL, PAGE

from shelftide_sdk import (
    ConnectorError,
    ConnectorInfo,
    Context,
    ContractError,
    Cursor,
    Delete,
    Money,
    Page,
    RateLimitedError,
    Stream,
    TransientError,
    days,
    map_rows,
)
from shelftide_sdk.records import ChannelKind, Customer, Order, OrderLine, OrderStatus, Record, Refund
from shelftide_sdk.testing.conformance import small_world

HOME = small_world(7).brands[0].zone
_STATES = {
    "PAID": OrderStatus.OPEN,
    "SENT": OrderStatus.SHIPPED,
    "DONE": OrderStatus.COMPLETED,
    "VOID": OrderStatus.CANCELLED,
}


class Trader(Honest):
    """Waits for the export, reads page by page, and says what the rows say; the careless change one thing."""

    info: ClassVar[ConnectorInfo] = msgspec.structs.replace(INFO, emulator="tests.connectors.hostile.market:Market")
    streams: ClassVar[tuple[Stream, ...]] = (
        Stream("orders", Order, also=(OrderLine, Refund), cursor="updated_at", lookback=days(1)),
    )
    zone = ""

    @classmethod
    def classify(cls, response: Any) -> ConnectorError | None:
        wait = cls.asked_to_wait(response)
        return None if wait is None else RateLimitedError("busy", retry_after=timedelta(seconds=wait))

    @classmethod
    def asked_to_wait(cls, response: Any) -> float | None:
        """What the body {"error": "BUSY", "retry_in_seconds": 3} asks for."""
        if b'"BUSY"' not in response.content:
            return None
        return float(response.json()["retry_in_seconds"])

    async def read(self, ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
        self.zone = await self.zone_of(ctx)
        await self.ready(ctx)
        newest = (cursor or {}).get("updated_at", "")
        async for rows in self.rows(ctx, ctx.start(stream, cursor)):
            gone = [row for row in rows if isinstance(row, dict) and row.get("deleted_at")]
            kept = [row for row in rows if row not in gone]
            records, rejects = map_rows(kept, lambda row: list(self.records(row)), Order)
            moments = [self.mark(record) for record in records if isinstance(record, Order)]
            newest = max([newest, *moments])
            self.note(ctx, kept)
            yield Page(records=records, rejects=rejects, deletes=self.deletes(gone), cursor=self.cursor(newest))

    async def zone_of(self, ctx: Context) -> str:
        found = (await ctx.client.get(f"{API}/shop")).json()
        if not isinstance(found, dict) or not isinstance(found.get("zone"), str):
            raise ContractError("nobody says whose zone it is")
        try:
            return ZoneInfo(found["zone"]).key
        except (ValueError, OSError, KeyError) as error:
            raise ContractError("there is no such zone") from error

    async def ready(self, ctx: Context) -> None:
        for _ in range(self.patience()):
            found = (await ctx.client.get(f"{API}/export")).json()
            if not isinstance(found, dict) or found.get("state") not in ("RUNNING", "READY"):
                raise ContractError("the export did not end well")
            if found["state"] == "READY":
                return
            await asyncio.sleep(self.pause())
        raise TransientError("the export takes too long")

    def patience(self) -> int:
        return 60

    def pause(self) -> float:
        return 5.0

    def deletes(self, rows: list[Any]) -> list[Delete]:
        return [Delete(Order, {"source_id": row["id"]}) for row in rows if isinstance(row.get("id"), str) and row["id"]]

    def note(self, ctx: Context, rows: list[Any]) -> None:
        ctx.log.info("%s orders", len(rows))

    def records(self, row: Any) -> Iterator[Record]:
        order = self.order(row)
        yield order
        for line in row["lines"]:
            yield self.line(line, order)
        for refund in row["refunds"]:
            yield self.refund(refund, order)

    def order(self, row: Any) -> Order:
        currency = row["currency"]
        return Order(
            source_id=text(row["id"]),
            placed_at=self.moment(row["placed"], row["again"]),
            zone=self.zone,
            status=self.state(text(row["status"])),
            platform_status=row["status"],
            channel_kind=ChannelKind.OTHER,
            total=self.money(row["total"], currency),
            tax=self.money(row["tax"], currency),
            shipping=self.money(row["shipping"], currency),
            current_total=self.money(row["left"], currency),
            presentment_total=None if row["seen"] is None else self.money(row["seen"]["paid"], row["seen"]["in"]),
            customer=Customer(platform_id=text(row["buyer"])),
            country=None if row["land"] is None else text(row["land"]),
            customer_order_index=row["nth"],
            cancelled_at=None if row["void"] is None else datetime.fromisoformat(row["void"]).astimezone(UTC),
            updated_at=datetime.fromisoformat(row["changed"]).astimezone(UTC),
        )

    def line(self, row: Any, order: Order) -> OrderLine:
        if type(row["pieces"]) is not int or not 0 < row["pieces"] < 2**31:
            raise ValueError("no number of pieces")
        if row["back"] is not None and (type(row["back"]) is not int or not 0 <= row["back"] <= row["pieces"]):
            raise ValueError("no number of pieces that came back")
        return OrderLine(
            order_id=order.source_id,
            source_id=f"{order.source_id}-{int(row['no'])}",
            placed_at=order.placed_at,
            zone=order.zone,
            quantity=row["pieces"],
            current_quantity=None if row["back"] is None else row["pieces"] - row["back"],
            total=self.money(row["paid"], order.total.currency),
            cancelled=order.status is OrderStatus.CANCELLED,
            updated_at=order.updated_at,
        )

    def refund(self, row: Any, order: Order) -> Refund:
        paid = self.money(row["paid"], order.total.currency)
        return Refund(
            source_id=text(row["id"]),
            order_id=order.source_id,
            refunded_at=self.moment(row["at"], row["again"]),
            zone=order.zone,
            amount=Money(-paid.amount, paid.currency),
        )

    def state(self, word: str) -> OrderStatus:
        return _STATES.get(word, OrderStatus.UNKNOWN)

    def moment(self, value: str, again: bool) -> datetime:
        if type(again) is not bool:
            raise ValueError("nobody says which of two equal hours it is")
        there = datetime.strptime(value, LOCAL).replace(tzinfo=ZoneInfo(self.zone), fold=int(again))
        return there.astimezone(UTC)

    def money(self, value: str, currency: str) -> Money:
        return Money.parse(self.amount(value.replace(",", "")), currency)

    def amount(self, digits: str) -> Decimal | str:
        return digits


def text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"no text: {value!r}")
    return value


class ReadsLocalTimeAsUtc(Trader):
    def moment(self, value: str, again: bool) -> datetime:
        return datetime.strptime(value, LOCAL).replace(tzinfo=UTC)


class KnowsTheZoneByHeart(Trader):
    """Right for the one account that its author has."""

    async def zone_of(self, ctx: Context) -> str:
        return HOME


class LabelsAnotherZone(Trader):
    def order(self, row: Any) -> Order:
        return msgspec.structs.replace(super().order(row), zone="Europe/Rome")


class TakesTheChangeForThePlacing(Trader):
    def order(self, row: Any) -> Order:
        found = super().order(row)
        return msgspec.structs.replace(found, placed_at=found.updated_at)


class MistakesAState(Trader):
    def state(self, word: str) -> OrderStatus:
        return OrderStatus.COMPLETED if word == "VOID" else super().state(word)


class GuessesAState(Trader):
    def state(self, word: str) -> OrderStatus:
        return _STATES.get(word, OrderStatus.OPEN)


class SwapsTaxAndShipping(Trader):
    def order(self, row: Any) -> Order:
        found = super().order(row)
        return msgspec.structs.replace(found, tax=found.shipping, shipping=found.tax)


class CountsOnePiece(Trader):
    def line(self, row: Any, order: Order) -> OrderLine:
        return msgspec.structs.replace(super().line(row, order), quantity=1)


class ForgetsThatLinesAreOff(Trader):
    def line(self, row: Any, order: Order) -> OrderLine:
        return msgspec.structs.replace(super().line(row, order), cancelled=False)


class KnowsOneBuyer(Trader):
    def order(self, row: Any) -> Order:
        return msgspec.structs.replace(super().order(row), customer=Customer(platform_id="guest"))


class LosesThousands(Trader):
    def money(self, value: str, currency: str) -> Money:
        return super().money(value.rpartition(",")[2], currency)


class RefundsItself(Trader):
    def refund(self, row: Any, order: Order) -> Refund:
        return msgspec.structs.replace(super().refund(row, order), order_id=row["id"])


class GoesThroughAFloat(Trader):
    def amount(self, digits: str) -> Decimal | str:
        return str(float(digits))


class KeepsTwoDecimals(Trader):
    def amount(self, digits: str) -> Decimal | str:
        return Decimal(digits).quantize(Decimal("0.01"))


class ReadsFewPages(Trader):
    async def rows(self, ctx: Context, since: datetime) -> AsyncIterator[list[Any]]:
        count = 0
        async for rows in super().rows(ctx, since):
            count += 1
            if count > 28:
                return
            yield rows


class GoesByPlace(Trader):
    async def rows(self, ctx: Context, since: datetime) -> AsyncIterator[list[Any]]:
        place, seen = 0, set[str]()
        while True:
            params = {"since": since.isoformat(), "offset": place}
            found = (await ctx.client.get(f"{API}/orders", params=params)).json()
            if not isinstance(found, dict) or not isinstance(found.get("orders"), list) or str(found) in seen:
                raise ContractError("the reply holds no orders")
            seen.add(str(found))
            yield found["orders"]
            if not found.get("next_token"):
                return
            place += PAGE


class AsksAgainAtOnce(Trader):
    @classmethod
    def classify(cls, response: Any) -> ConnectorError | None:
        return TransientError("busy") if cls.asked_to_wait(response) is not None else None


class TakesSecondsForMilliseconds(Trader):
    @classmethod
    def asked_to_wait(cls, response: Any) -> float | None:
        wait = super().asked_to_wait(response)
        return None if wait is None else wait / 1000


class PollsForEver(Trader):
    def patience(self) -> int:
        return 10**9


class KeepsWhatIsDeleted(Trader):
    def deletes(self, rows: list[Any]) -> list[Delete]:
        return []


class HashesItsKeys(Trader):
    def line(self, row: Any, order: Order) -> OrderLine:
        found = super().line(row, order)
        return msgspec.structs.replace(found, source_id=str(hash(found.source_id)))


class LogsItsRows(Trader):
    def note(self, ctx: Context, rows: list[Any]) -> None:
        logging.getLogger("connector").info("orders", extra={"rows": rows})


class EndsQuietly(Trader):
    """Takes whatever fails after the first page for the end."""

    async def rows(self, ctx: Context, since: datetime) -> AsyncIterator[list[Any]]:
        begun = False
        try:
            async for rows in super().rows(ctx, since):
                yield rows
                begun = True
        except Exception:
            if not begun:
                raise


class MovesItsCursorFirst(Trader):
    """On a failure it saves the present, so that the next read begins there."""

    async def read(self, ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
        try:
            async for page in super().read(ctx, stream, cursor):
                yield page
        except ConnectorError:
            yield Page(cursor={"updated_at": ctx.clock.now().isoformat()})
            raise


CARELESS: dict[str, tuple[str, str]] = {
    "ReadsLocalTimeAsUtc": ("records_say_what_is_true", "stream 'orders': Order.placed_at of M"),
    "KnowsTheZoneByHeart": ("records_say_what_is_true", "(the moment of placing); so in"),
    "LabelsAnotherZone": (
        "the_zone_moves_with_the_account",
        "records are in ['Europe/Rome'] where the account's zone is",
    ),
    "TakesTheChangeForThePlacing": ("records_say_what_is_true", "Order.placed_at of M"),
    "MistakesAState": ("records_say_what_is_true", "is completed ('VOID'), expected cancelled"),
    "GuessesAState": ("an_unknown_state_is_unknown", "is open where the row says NEVER_SEEN_BEFORE, expected unknown"),
    "SwapsTaxAndShipping": ("records_say_what_is_true", "Order.shipping of M"),
    "CountsOnePiece": ("records_say_what_is_true", "OrderLine.quantity of order M"),
    "ForgetsThatLinesAreOff": ("records_say_what_is_true", "is False, expected True (whether the order is cancelled)"),
    "KnowsOneBuyer": ("records_say_what_is_true", "which another person placed"),
    "LosesThousands": ("records_say_what_is_true", "Order.total of M"),
    "RefundsItself": ("references_lead_to_records", "Refund.order_id is 'R-"),
    "GoesThroughAFloat": ("no_digit_is_lost", "where the row says '"),
    "KeepsTwoDecimals": ("no_digit_is_lost", "where the row says '"),
    "ReadsFewPages": ("a_large_account_is_read_to_its_end", "orders were read of"),
    "GoesByPlace": ("rows_that_move_cost_no_row", "are in neither this read nor the next"),
    "AsksAgainAtOnce": ("a_stated_wait_is_kept", "retry_in_seconds=3, a wait of 3 s, and was asked again after 0 s"),
    "TakesSecondsForMilliseconds": ("a_stated_wait_is_kept", "and was asked again after 0.25 s"),
    "PollsForEver": ("endless_polling_is_ended", "GET /export answers for ever as at first: the read never ends"),
    "KeepsWhatIsDeleted": ("deleted_rows_are_deleted", "and no Delete names it"),
    "HashesItsKeys": ("a_read_depends_on_its_context_alone", "hash() gives another number in each process"),
    "LogsItsRows": ("no_buyer_is_named", "is in the log"),
    "EndsQuietly": ("a_lasting_failure_is_named", "HTTP 503 for ever ends the read without an error"),
    "MovesItsCursorFirst": ("a_lasting_failure_is_named", "rows before it not, such as"),
}
ERROR_REPLIES: Sequence[str] = ('{"error": "BUSY", "retry_in_seconds": 3}',)
