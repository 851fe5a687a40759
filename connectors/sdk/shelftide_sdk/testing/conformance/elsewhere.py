"""The world as a connector has not met it: another zone, dear goods, more orders, orders that change between pages.

It notes which orders an emulator asked for: those are what the connector's records speak of.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from typing import Any

import msgspec

from shelftide_sdk.testing.world.model import Brand, Channel, Order, RefundEvent

# No zone of the cast, and no whole hours from UTC.
ZONE = "Asia/Kathmandu"
_STEP = Decimal(1000)
_COUNTRIES = ("IT", "NZ", "PT", "US")
_APART = timedelta(seconds=97)
_CENT = Decimal("0.01")
_SOON = timedelta(minutes=47)
_AROUND = timedelta(hours=18)
_FEWEST_AROUND = 16
_NUMBERS = 1_000_000
_LIFE = ("cancelled_at", "completed_at", "delivered_at", "shipped_at")
_MOMENTS = ("placed_at", "cancelled_at", "shipped_at", "delivered_at", "completed_at", "journey_ready_at")


class Elsewhere:
    """A `WorldView` over another one. `shown` holds the orders that were asked for, by key.

    Attributes:
        zone: of every brand.
        dear: goods cost thousands more, each order's total is its own; buyers live in several countries; refunds
            come in two parts, and something still happens to a cancelled order.
        copies: how often each order was placed; they lie seconds apart.
        doubled: a moment at which clocks go back an hour; the orders around it are placed in the hour that comes twice.
    """

    def __init__(
        self, world: Any, *, zone: str = "", dear: bool = False, copies: int = 1, doubled: datetime | None = None
    ) -> None:
        self._world = world
        self._dear = dear
        self._copies = copies
        self._doubled = doubled
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
            now = self._world.now
            found = [
                _eventful(_dearer(order, index), now) if self._dear else order for index, order in enumerate(plain)
            ]
            found = _gathered(found, self._doubled) if self._doubled else found
            found = [_again(order, copy) for order in found for copy in range(self._copies)]
            found.sort(key=lambda order: order.placed_at)
            self._found[brand_key, channel] = (len(plain), found)
            self.shown |= {order.key: order for order in found}
        return list(found)

    def touch(self, key: str, *, erase: bool = False) -> None:
        """Something happens to an order now: where it is sorted by change, it moves behind the others.

        Who erases an order makes it one of those that were never meant: a test.
        """
        for found in (orders for _, orders in self._found.values()):
            for place, order in enumerate(found):
                if order.key == key:
                    touched = msgspec.structs.replace(_touched(order, self._world.now), test=order.test or erase)
                    found[place] = self.shown[key] = touched


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
    country = _COUNTRIES[sum(order.person.key.encode()) % len(_COUNTRIES)]
    person = msgspec.structs.replace(order.person, country=country)
    return msgspec.structs.replace(order, lines=lines, total=total, refunds=refunds, person=person)


def _eventful(order: Order, now: datetime) -> Order:
    """Money comes back in two parts, and the carrier still reports on an order that is off."""
    later = order.cancelled_at + _SOON if order.cancelled_at is not None else None
    return msgspec.structs.replace(
        order,
        refunds=tuple(part for refund in order.refunds for part in _parts(refund, order.total)),
        delivered_at=later if later is not None and later <= now else order.delivered_at,
    )


def _parts(refund: RefundEvent, total: Decimal) -> Iterator[RefundEvent]:
    """A part of the money first and without pieces; what was given back in full stays whole."""
    first = (refund.amount / 3).quantize(_CENT, ROUND_DOWN)
    if refund.amount == total or not first:
        yield refund
        return
    yield msgspec.structs.replace(refund, key=f"{refund.key}-a", at=refund.at - _SOON, amount=first, lines={})
    yield msgspec.structs.replace(refund, amount=refund.amount - first)


def _gathered(orders: Sequence[Order], doubled: datetime) -> list[Order]:
    """The orders nearest to the moment lie in the hour before it and in the hour after it, in turns."""
    near = sorted(orders, key=lambda order: (abs(order.placed_at - doubled), order.key))
    count = max(_FEWEST_AROUND, sum(abs(order.placed_at - doubled) < _AROUND for order in near))
    moved = {}
    for index, order in enumerate(near[:count]):
        side = timedelta(minutes=30) + (index // 2) % 25 * timedelta(seconds=67)
        at = doubled + (side if index % 2 else -side)
        moved[order.key] = _shifted(order, at - order.placed_at)
    return [moved.get(order.key, order) for order in orders]


def _shifted(order: Order, by: timedelta) -> Order:
    """The same order at another time, with all that happens to it."""
    moments: Mapping[str, datetime | None] = {
        name: None if (at := getattr(order, name)) is None else at + by for name in _MOMENTS
    }
    refunds = tuple(msgspec.structs.replace(refund, at=refund.at + by) for refund in order.refunds)
    return msgspec.structs.replace(order, refunds=refunds, visits=(), **moments)


def _again(order: Order, copy: int) -> Order:
    """The same order once more, a little earlier."""
    if not copy:
        return order
    order = _shifted(order, -copy * _APART)
    return msgspec.structs.replace(
        order,
        key=f"{order.key}~{copy}",
        number=order.number + copy * _NUMBERS,
        lines=tuple(msgspec.structs.replace(line, key=f"{line.key}~{copy}") for line in order.lines),
        refunds=tuple(
            msgspec.structs.replace(
                refund,
                key=f"{refund.key}~{copy}",
                lines={f"{key}~{copy}": pieces for key, pieces in refund.lines.items()},
            )
            for refund in order.refunds
        ),
    )
