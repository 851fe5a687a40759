"""More of what careless authors make of the trader: time, buyers, deletions, figures, waits."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timezone
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from tests.connectors.hostile.market import LOCAL
from tests.connectors.hostile.trader import Trader

from shelftide_sdk import (
    ConnectorError,
    Context,
    ContractError,
    Cursor,
    DataError,
    Delete,
    Money,
    Page,
    Stream,
    TransientError,
)
from shelftide_sdk.records import Order, OrderLine, Refund


class OneOffsetAllYear(Trader):
    def moment(self, value: str, again: bool) -> datetime:
        local = datetime.strptime(value, LOCAL).replace(tzinfo=ZoneInfo(self.zone))
        offset = local.replace(month=2, day=27).utcoffset()
        assert offset is not None
        return local.replace(tzinfo=timezone(offset)).astimezone(UTC)


class IgnoresTheFold(Trader):
    def moment(self, value: str, again: bool) -> datetime:
        return super().moment(value, False)


class NamesOrdersByBuyer(Trader):
    def order(self, row: Any) -> Order:
        return msgspec.structs.replace(super().order(row), name=f"{row['id']} of {row['buyer']}")


class QuotesRowsInReasons(Trader):
    def order(self, row: Any) -> Order:
        if not isinstance(row["total"], str):
            raise DataError(f"no total in {row!r}")
        return super().order(row)


class QuotesRepliesInErrors(Trader):
    async def reply(self, ctx: Context, since: datetime, token: Any) -> Any:
        try:
            return await super().reply(ctx, since, token)
        except ContractError:
            found = await ctx.client.get("https://api.hostile.example/orders", params={"since": since.isoformat()})
            raise ContractError(f"the reply holds no orders: {found.text}") from None


class DeletesOnceOnly(Trader):
    resumed = False

    async def read(self, ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
        self.resumed = cursor is not None
        async for page in super().read(ctx, stream, cursor):
            yield page

    def deletes(self, rows: list[Any]) -> list[Delete]:
        return [] if self.resumed else super().deletes(rows)


class TakesTheChangeForTheCancelling(Trader):
    def order(self, row: Any) -> Order:
        found = super().order(row)
        return msgspec.structs.replace(found, cancelled_at=found.updated_at if found.cancelled_at else None)


class LeavesReturnsIn(Trader):
    def order(self, row: Any) -> Order:
        found = super().order(row)
        return msgspec.structs.replace(found, current_total=found.total)


class CallsEveryOrderTheFirst(Trader):
    def order(self, row: Any) -> Order:
        return msgspec.structs.replace(super().order(row), customer_order_index=1)


class ShowsTheShopsCurrency(Trader):
    def order(self, row: Any) -> Order:
        found, seen = super().order(row), row["seen"]
        shown = seen and Money(self.money(seen["paid"], "EUR").amount, found.total.currency)
        return msgspec.structs.replace(found, presentment_total=shown)


class OneRefundAnOrder(Trader):
    def refund(self, row: Any, order: Order) -> Refund:
        return msgspec.structs.replace(super().refund(row, order), source_id=f"R-{order.source_id}")


class RejectsThree(Trader):
    """More than that, its author thought, nobody reads."""

    async def read(self, ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
        async for page in super().read(ctx, stream, cursor):
            yield msgspec.structs.replace(page, rejects=page.rejects[:3])


class ReadsFromTheFirstDay(Trader):
    async def rows(self, ctx: Context, since: datetime) -> AsyncIterator[list[Any]]:
        first = since if self.resumed else datetime(2020, 1, 1, tzinfo=UTC)
        async for rows in super().rows(ctx, first):
            yield rows

    resumed = False

    async def read(self, ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
        self.resumed = cursor is not None
        async for page in super().read(ctx, stream, cursor):
            yield page


class WaitsTenSecondsAtMost(Trader):
    @classmethod
    def asked_to_wait(cls, response: Any) -> float | None:
        wait = super().asked_to_wait(response)
        return None if wait is None else min(wait, 10.0)


class WaitsAThousandfold(Trader):
    @classmethod
    def asked_to_wait(cls, response: Any) -> float | None:
        wait = super().asked_to_wait(response)
        return None if wait is None else wait * 1000


class TakesNoWordForNothing(Trader):
    def line(self, row: Any, order: Order) -> OrderLine:
        return super().line({**row, "back": row["back"] or 0}, order)


class TakesThemForAmericans(Trader):
    def order(self, row: Any) -> Order:
        return super().order({**row, "land": row["land"] or "US"})


class TakesThemForOneGuest(Trader):
    def order(self, row: Any) -> Order:
        return super().order({**row, "buyer": row["buyer"] or "guest"})


class DatesThemToday(Trader):
    def order(self, row: Any) -> Order:
        return super().order({**row, "changed": row["changed"] or "2026-03-02T09:00:00+00:00"})


class GivesUpAfterSeconds(Trader):
    def patience(self) -> int:
        return 4


class AsksWithoutAPause(Trader):
    def pause(self) -> float:
        return 0.0

    def patience(self) -> int:
        return 1000


class TakesWhatComesWithAnError(Trader):
    @classmethod
    def classify(cls, response: Any) -> ConnectorError | None:
        return None if b'"orders"' in response.content else super().classify(response)

    async def reply(self, ctx: Context, since: datetime, token: Any) -> Any:
        params = {"since": since.isoformat(), "page_token": token}
        found = (await ctx.client.get("https://api.hostile.example/orders", params=params)).json()
        if not isinstance(found, dict) or not isinstance(found.get("orders"), list):
            raise ContractError("the reply holds no orders")
        return found


class HopesForTheBest(Trader):
    """Every refusal, its author thought, passes some day."""

    @classmethod
    def classify(cls, response: Any) -> ConnectorError | None:
        refused = super().classify(response)
        return refused or (TransientError("refused") if b'"error"' in response.content else None)


class MarksLinesOnce(Trader):
    def line(self, row: Any, order: Order) -> OrderLine:
        return msgspec.structs.replace(super().line(row, order), updated_at=order.placed_at)


SLOVENLY: dict[str, tuple[str, str]] = {
    "OneOffsetAllYear": ("a_change_of_clocks_moves_no_order", "in Africa/Casablanca, where clocks go back"),
    "IgnoresTheFold": ("a_change_of_clocks_moves_no_order", "Order.placed_at of M"),
    "NamesOrdersByBuyer": ("no_buyer_is_named", "is in Order.name"),
    "QuotesRowsInReasons": ("no_buyer_is_named", "is in a reason of a Reject when a value is null"),
    "QuotesRepliesInErrors": ("no_buyer_is_named", "is in an error when rows stand under another name"),
    "DeletesOnceOnly": ("deleted_rows_are_deleted", "a read from a cursor: the platform deleted"),
    "TakesTheChangeForTheCancelling": ("records_say_what_is_true", "Order.cancelled_at of M"),
    "LeavesReturnsIn": ("records_say_what_is_true", "Order.current_total of M"),
    "CallsEveryOrderTheFirst": ("records_say_what_is_true", "Order.customer_order_index of M"),
    "ShowsTheShopsCurrency": ("records_say_what_is_true", "Order.presentment_total.currency of M"),
    "RejectsThree": ("damaged_replies_are_named", "rows broke and"),
    "ReadsFromTheFirstDay": ("a_first_read_begins_at_since", "of them older, such as ('Order', 'M"),
    "WaitsTenSecondsAtMost": ("a_stated_wait_is_kept", "a wait of 95 s, and was asked again after 10 s"),
    "WaitsAThousandfold": ("a_stated_wait_is_kept", "a wait of 3 s, and the host is told to wait 3000.0 s"),
    "OneRefundAnOrder": ("records_say_what_is_true", "Refund.amount of all refunds of order M"),
    "TakesNoWordForNothing": ("unknown_is_not_zero", "OrderLine.current_quantity of"),
    "TakesThemForAmericans": ("unknown_is_not_zero", "Order.country of"),
    "TakesThemForOneGuest": ("unknown_is_not_zero", "Order.customer.platform_id of"),
    "DatesThemToday": ("unknown_is_not_zero", "Order.updated_at of"),
    "GivesUpAfterSeconds": ("a_slow_job_is_waited_for", "and the read ends with TransientError"),
    "AsksWithoutAPause": ("a_slow_job_is_waited_for", "times with no pause between two questions"),
    "TakesWhatComesWithAnError": ("errors_in_http_200_are_caught", "are taken for all there is"),
    "HopesForTheBest": ("errors_in_http_200_are_caught", "a refusal that no table lists, "),
    "MarksLinesOnce": ("records_say_what_is_true", "OrderLine.updated_at of"),
}
