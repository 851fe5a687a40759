"""What streams of orders say in a world elsewhere: in another zone, where goods cost thousands."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from shelftide_sdk.connector import Stream
from shelftide_sdk.records import Order, OrderLine, Record, Refund
from shelftide_sdk.testing.conformance.bench import Bench, Reading
from shelftide_sdk.testing.conformance.elsewhere import ZONE, Elsewhere
from shelftide_sdk.testing.conformance.faults import Fault
from shelftide_sdk.testing.conformance.foundation import Foundation
from shelftide_sdk.testing.conformance.matching import match_orders
from shelftide_sdk.testing.conformance.withholding import Withholding, withholdings
from shelftide_sdk.testing.world import model
from shelftide_sdk.testing.world.abroad import counted

# A shorter number is that of many things.
_TELLING = 6
_ERASED = 3
_PASSES = 3
_SPEAKS_OF_ORDERS = {Order, OrderLine, Refund}


class Journey(msgspec.Struct, frozen=True, kw_only=True):
    """What was read in a world elsewhere, and which order of that world each record's id stands for.

    `again` is the next read of each stream with a cursor, after a few of the newest orders were erased.
    """

    world: Any
    streams: tuple[tuple[Stream, Reading], ...]
    again: tuple[tuple[Stream, Reading], ...] = ()
    told: frozenset[str]
    orders: dict[str, Order]
    lines: dict[str, list[OrderLine]]
    refunds: tuple[Refund, ...]
    known: dict[str, model.Order]

    def pairs(self) -> Iterator[tuple[Order, model.Order]]:
        """Orders with what the world knows of them."""
        return ((self.orders[name], order) for name, order in self.known.items())

    def stream_of(self, kind: type[Record]) -> str:
        """The stream that brings records of this type."""
        return next((stream.name for stream, _ in self.streams if kind in (stream.record, *stream.also)), "")

    def buyers(self) -> Iterator[tuple[str, str]]:
        """(what it is, what tells a buyer apart), as the world and as the records have it."""
        persons = {order.person.key: order.person for order in self.world.shown.values()}
        for person in persons.values():
            told = (("name", person.name), ("e-mail address", person.email), ("phone number", person.phone))
            yield from ((what, text) for what, text in told if len(text) >= _TELLING)
        for customer in (order.customer for order in self.orders.values()):
            number = customer.platform_id if customer is not None else None
            if number and len(number) >= _TELLING:
                yield "id", number

    def off(self, order: model.Order) -> bool:
        """Whether it is cancelled by now."""
        return order.cancelled_at is not None and order.cancelled_at <= self.world.now


class Abroad(Foundation):
    """Rules that look at a world elsewhere share one journey."""

    async def abroad(self) -> Journey | None:
        """What streams of orders say in a world elsewhere; None where there are none."""
        return await self.journey("abroad", _far)

    async def calm_or_abroad(self) -> list[tuple[Stream, Reading]]:
        """Full reads of all streams: in the world elsewhere where they speak of orders."""
        journey = await self.abroad()
        there = {stream.name: reading for stream, reading in journey.streams} if journey else {}
        return [(stream, there.get(stream.name, calm)) for stream, calm in await self.calm_readings()]

    async def withheld(self, stream: Stream) -> list[tuple[Withholding, Reading]]:
        """Reads while one endpoint at a time withholds values, in the world elsewhere where orders are spoken of."""
        journey = await self.abroad()
        abroad = journey is not None and stream in [there for there, _ in journey.streams]
        calm = {s.name: reading for s, reading in await self.calm_or_abroad()}[stream.name]

        async def read() -> list[tuple[Withholding, Reading]]:
            found = []
            for withheld in withholdings(calm):
                found += await self._withheld(stream, withheld, abroad=abroad)
            return found

        found: list[tuple[Withholding, Reading]] = await self.shared(("withheld", stream.name), read)
        return found

    async def _withheld(
        self, stream: Stream, withheld: Withholding, *, abroad: bool
    ) -> list[tuple[Withholding, Reading]]:
        """Some reads, with less damage after one that it ended."""
        found = []
        for _ in range(_PASSES):
            reading = await self.damaged(stream, withheld.fault, abroad=abroad)
            found.append((withheld, msgspec.structs.replace(reading, exchanges=[])))
            ended = reading.error is not None or not reading.records
            if ended:
                withheld.spare()
            elif withheld.exhausted() or not self.whole_depth:
                break
        return found

    async def damaged(self, stream: Stream, fault: Fault, *, abroad: bool) -> Reading:
        """A read, here or in the same world elsewhere, while every reply is damaged."""
        wiring = self.wiring()
        wiring.world = _far(wiring.world) if abroad else wiring.world
        async with Bench(wiring) as bench:
            bench.proxy.begin(fault)
            return await bench.read(stream)

    async def journey(self, name: str, there: Callable[[Any], Elsewhere], *, erase: bool = True) -> Journey | None:
        """What streams of orders say in the world that `there` makes; None where there are none."""
        streams = [s for s, _ in await self.calm_readings() if _SPEAKS_OF_ORDERS & {s.record, *s.also}]
        if not streams:
            return None

        async def read() -> Journey:
            wiring = self.wiring()
            wiring.world = world = there(wiring.world)
            async with Bench(wiring) as bench:
                accounts = await bench.call(lambda connector, ctx: connector.accounts(ctx))
                read = [(stream, await bench.read(stream, since=world.start)) for stream in streams]
                told = {account.zone for account in accounts if account.zone} | set(bench.settings.values())
                journey = _journey(world, read, frozenset(told))
                seen = [(stream, first.cursor) for stream, first in read if erase and first.cursor]
                _erase_some(journey)
                again = [(stream, await bench.read(stream, cursor)) for stream, cursor in seen]
            return msgspec.structs.replace(journey, again=tuple(again))

        found: Journey = await self.shared(name, read)
        return found


def _far(world: Any) -> Elsewhere:
    return Elsewhere(world, zone=ZONE, dear=True)


def _erase_some(journey: Journey) -> None:
    newest = sorted(journey.known.values(), key=lambda order: order.placed_at)[-_ERASED:]
    for order in newest:
        journey.world.touch(order.key, erase=True)


def _journey(world: Elsewhere, streams: Sequence[tuple[Stream, Reading]], told: frozenset[str]) -> Journey:
    orders: dict[str, Order] = {}
    lines: dict[str, list[OrderLine]] = defaultdict(list)
    refunds = []
    for record in (record for _, reading in streams for record in reading.state().values()):
        if isinstance(record, Order):
            orders[record.source_id] = record
        elif isinstance(record, OrderLine):
            lines[record.order_id].append(record)
        elif isinstance(record, Refund):
            refunds.append(record)
    shown = [counted(order) for order in world.shown.values()]
    return Journey(
        world=world,
        streams=tuple(streams),
        told=told,
        orders=orders,
        lines=lines,
        refunds=tuple(refunds),
        known=match_orders(orders.values(), lines, shown, world.now),
    )
