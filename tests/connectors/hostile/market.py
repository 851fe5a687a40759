"""A platform that shows the world's own orders: local times, amounts with separators, rows that say they are gone."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from tests.connectors.hostile.platform import OrderBook

from shelftide_sdk.testing.emulator import Request, Response, Route, reply
from shelftide_sdk.testing.world.model import Channel, Line, Order

PAGE = 6
CENT = Decimal("0.01")
LOCAL = "%Y-%m-%d %H:%M:%S"


class Market(OrderBook):
    """A part of the first brand's orders with lines and refunds, after an export that takes three questions.

    A page goes on behind a mark (change and id); who likes may name an offset instead.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.asked = 0

    def routes(self) -> Sequence[Route]:
        return (
            Route("GET", "/shop", lambda request: self._guarded(request) or reply({"zone": self._zone})),
            Route("GET", "/export", lambda request: self._guarded(request) or self._export()),
            *super().routes(),
        )

    @property
    def _zone(self) -> str:
        return self.world.brands[0].zone

    def _export(self) -> Response:
        self.asked += 1
        return reply({"state": "RUNNING"} if self.asked % 3 else {"state": "READY", "rows": len(self.rows())})

    def rows(self) -> list[dict[str, Any]]:
        placed = self.world.orders(self.world.brands[0].key, Channel.SHOPIFY)
        told = [order for order in placed if order.number % 4 == 0 or order.test or order.refunds or order.cancelled_at]
        rows = [self._row(order) for order in told]
        return sorted(rows, key=lambda row: (row["changed"], row["id"]))

    def _row(self, order: Order) -> dict[str, Any]:
        name = f"M{order.number}"
        changed = order.updated_at(self.now).isoformat()
        if order.test:
            return {"id": name, "changed": changed, "deleted_at": changed}
        return {
            "id": name,
            **self._local("placed", order.placed_at),
            "changed": changed,
            "status": _status(order, self.now),
            "buyer": f"buyer-of-{order.person.key}",
            "land": order.person.country,
            "currency": order.currency,
            "total": f"{order.total:,}",
            "tax": f"{order.tax:,}",
            "shipping": f"{order.shipping:,}",
            "left": f"{order.total - sum(refund.amount for refund in order.refunds if refund.at <= self.now):,}",
            "nth": order.order_index,
            "seen": _seen(order),
            "void": order.cancelled_at.isoformat() if order.cancelled_at and order.cancelled_at <= self.now else None,
            "lines": [
                {"pieces": line.quantity, "back": self._back(order, line), "paid": f"{_net(line):,}", "no": n}
                for n, line in enumerate(order.lines)
            ],
            "refunds": [
                {"id": f"R-{refund.key}", **self._local("at", refund.at), "paid": f"{-refund.amount:,}"}
                for refund in order.refunds
                if refund.at <= self.now
            ],
        }

    def _back(self, order: Order, line: Line) -> int:
        return sum(refund.lines.get(line.key, 0) for refund in order.refunds if refund.at <= self.now)

    def _local(self, name: str, at: datetime) -> dict[str, Any]:
        """A time on the wall; `again` tells the second of two equal hours."""
        there = at.astimezone(ZoneInfo(self._zone))
        return {name: there.strftime(LOCAL), "again": bool(there.fold)}

    def _orders(self, request: Request) -> Response:
        asked = request.params
        found = [row for row in self.rows() if row["changed"] >= asked["since"]]
        mark = asked.get("page_token", "")
        start = int(asked.get("offset") or sum(_mark(row) <= mark for row in found))
        rows = found[start : start + PAGE]
        if "shuffle" in self.scenarios:
            self.random.shuffle(rows)
        if "schema-drift" in self.scenarios:
            rows = [{**row, "status": "HELD"} if "status" in row else row for row in rows]
        more = start + PAGE < len(found)
        return reply({"orders": rows, "next_token": _mark(found[start + PAGE - 1]) if more else None})


def _seen(order: Order) -> dict[str, str] | None:
    if order.presentment_currency is None or order.presentment_rate is None:
        return None
    return {"paid": f"{(order.total * order.presentment_rate).quantize(CENT):,}", "in": order.presentment_currency}


def _mark(row: dict[str, Any]) -> str:
    return f"{row['changed']}~{row['id']}"


def _net(line: Any) -> Decimal:
    paid: Decimal = line.unit_price * line.quantity - line.discount
    return paid


def _status(order: Order, now: datetime) -> str:
    moments = (order.cancelled_at, order.completed_at, order.shipped_at)
    return next((word for at, word in zip(moments, ("VOID", "DONE", "SENT"), strict=True) if at and at <= now), "PAID")
