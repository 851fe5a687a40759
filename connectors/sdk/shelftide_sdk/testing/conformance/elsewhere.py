"""The world as a connector has not met it: another zone, dear goods, more orders, orders that change between pages.

It notes which orders an emulator asked for: those are what the connector's records speak of.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from shelftide_sdk.testing.world.model import Brand, Channel, Order

# No zone of the cast, and no whole hours from UTC.
ZONE = "Asia/Kathmandu"
_STEP = Decimal(1000)
_APART = timedelta(seconds=97)
_NUMBERS = 1_000_000
_LIFE = ("cancelled_at", "completed_at", "delivered_at", "shipped_at")
_MOMENTS = ("placed_at", "cancelled_at", "shipped_at", "delivered_at", "completed_at", "journey_ready_at")


class Elsewhere:
    """A `WorldView` over another one. `shown` holds the orders that were asked for, by key.

    Attributes:
        zone: of every brand.
        dear: goods cost thousands more, each order's total is its own.
        copies: how often each order was placed; they lie seconds apart.
    """

    def __init__(self, world: Any, *, zone: str = "", dear: bool = False, copies: int = 1) -> None:
        self._world = world
        self._dear = dear
        self._copies = copies
        self._found: dict[tuple[str, Channel], tuple[int, list[Order]]] = {}
        self.shown: dict[str, Order] = {}
        self.brands: Sequence[Brand] = tuple(
            msgspec.structs.replace(brand, zone=zone or brand.zone) for brand in world.brands
        )

    def __getattr__(self, name: str) -> Any:
        return getattr(self._world, name)

    def brand(self, key: str) -> Brand:
        """The brand with this key. Raises KeyError."""
        found = next((brand for brand in self.brands if brand.key == key), None)
        if found is None:
            raise KeyError(key)
        return found

    def orders(self, brand_key: str, channel: Channel) -> Sequence[Order]:
        """Orders by `placed_at`."""
        plain = self._world.orders(brand_key, channel)
        count, found = self._found.get((brand_key, channel), (-1, []))
        if count != len(plain):
            found = [_dearer(order, index) if self._dear else order for index, order in enumerate(plain)]
            found = [_again(order, copy) for order in found for copy in range(self._copies)]
            found.sort(key=lambda order: order.placed_at)
            self._found[brand_key, channel] = (len(plain), found)
            self.shown |= {order.key: order for order in found}
        return list(found)

    def touch(self, key: str) -> None:
        """Something happens to an order now: where it is sorted by change, it moves behind the others."""
        for found in (orders for _, orders in self._found.values()):
            for place, order in enumerate(found):
                if order.key == key:
                    found[place] = self.shown[key] = _touched(order, self._world.now)


def _touched(order: Order, now: datetime) -> Order:
    past = [name for name in _LIFE if (at := getattr(order, name)) is not None and at <= now]
    later = dict.fromkeys(past[:1] or ["shipped_at"], now - timedelta(seconds=1))
    return msgspec.structs.replace(order, **later)


def _dearer(order: Order, index: int) -> Order:
    more = _STEP * (1 + index % 89)
    lines = tuple(msgspec.structs.replace(line, unit_price=line.unit_price + more) for line in order.lines)
    pieces = sum(line.quantity for line in order.lines)
    total = order.total + more * pieces
    refunds = tuple(
        msgspec.structs.replace(refund, amount=total if refund.amount == order.total else refund.amount + more)
        for refund in order.refunds
    )
    return msgspec.structs.replace(order, lines=lines, total=total, refunds=refunds)


def _again(order: Order, copy: int) -> Order:
    """The same order once more, a little earlier."""
    if not copy:
        return order
    moments: Mapping[str, datetime | None] = {name: _earlier(getattr(order, name), copy) for name in _MOMENTS}
    return msgspec.structs.replace(
        order,
        key=f"{order.key}~{copy}",
        number=order.number + copy * _NUMBERS,
        lines=tuple(msgspec.structs.replace(line, key=f"{line.key}~{copy}") for line in order.lines),
        refunds=tuple(
            msgspec.structs.replace(
                refund,
                key=f"{refund.key}~{copy}",
                at=_earlier(refund.at, copy),
                lines={f"{key}~{copy}": pieces for key, pieces in refund.lines.items()},
            )
            for refund in order.refunds
        ),
        visits=(),
        **moments,
    )


def _earlier(at: datetime | None, copy: int) -> Any:
    return None if at is None else at - copy * _APART
