"""Rules on large accounts that live: many pages, rows that move between two pages, nothing hoarded."""

from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

import msgspec
import pytest

from shelftide_sdk.connector import Stream
from shelftide_sdk.records import Order, OrderLine, Record
from shelftide_sdk.testing.conformance.abroad import Abroad
from shelftide_sdk.testing.conformance.bench import Bench, Key, Reading
from shelftide_sdk.testing.conformance.elsewhere import Elsewhere
from shelftide_sdk.testing.conformance.foundation import describe
from shelftide_sdk.testing.conformance.matching import match_orders
from shelftide_sdk.testing.conformance.rules import broken, rule
from shelftide_sdk.testing.world.abroad import counted

_FEWEST = 3
_SHARE = 0.6
_PAGES = 80
_SAMPLE = 100


class Crowd(msgspec.Struct, frozen=True, kw_only=True):
    """One stream of orders, `copies` times as many as usual: read, and read again while one of them moves."""

    stream: Stream
    copies: int
    usual: int
    reading: Reading
    moving: Reading
    after: Reading

    def orders(self) -> int:
        """How many orders were read."""
        return sum(key[0] == Order.__name__ for key in self.reading.state())

    def lost(self) -> list[Key]:
        """What the read of a moving account and the next read lost."""
        found = self.after.state(self.moving.state())
        return [key for key in self.reading.state() if key not in found]


class Crowds(Abroad):
    """How a connector reads much, and what changes meanwhile."""

    @rule(
        "silver",
        "A large account is read to its end.",
        "Let no number of pages end a read but the platform's own word; a page that comes back ends it with an error.",
    )
    async def test_a_large_account_is_read_to_its_end(self) -> None:
        name = "a_large_account_is_read_to_its_end"
        for crowd in await self._crowds():
            where = f"stream {crowd.stream.name!r}, {crowd.copies} times as many orders"
            error = crowd.reading.error
            assert error is None, broken(name, f"{where}: the read ends with {describe(error)}")
            wanted = crowd.usual * crowd.copies
            bug = f"{crowd.orders()} orders were read of {wanted}, with {len(crowd.reading.exchanges)} requests"
            assert crowd.orders() == wanted, broken(name, f"{where}: {bug}")

    @rule(
        "gold",
        "A row that moves while its stream is read costs no other row.",
        "Go on by the platform's page mark, or by the last row's change and id; where there are only page numbers or "
        "offsets, ask again for a part of the page before. An emulator whose page token is a place loses rows itself.",
    )
    async def test_rows_that_move_cost_no_row(self) -> None:
        name = "rows_that_move_cost_no_row"
        for crowd in await self._crowds():
            where = f"stream {crowd.stream.name!r}, an order of the first page changes before the second is asked for"
            for reading in (crowd.moving, crowd.after):
                assert reading.error is None, broken(name, f"{where}: the read ends with {describe(reading.error)}")
            if lost := crowd.lost():
                bug = f"{len(lost)} of {len(crowd.reading.state())} rows are in neither this read nor the next"
                pytest.fail(broken(name, f"{where}: {bug}, such as {lost[0]}"))

    @rule(
        "silver",
        "Rows are yielded as they are read: a read never holds all pages.",
        "Yield a Page for each reply before you ask for the next one; sort and join inside a page only.",
    )
    async def test_pages_are_not_hoarded(self) -> None:
        for stream, calm in await self._many():
            held, total = _hoarded(calm)
            bug = f"{held} of {total} pages were read before their rows were yielded: a large account fills the memory"
            assert total < _FEWEST or held <= _SHARE * total, broken(
                "pages_are_not_hoarded", f"stream {stream.name!r}: {bug}, a crash loses them"
            )

    async def _many(self) -> list[tuple[Stream, Reading]]:
        return [*await self.calm_readings(), *((crowd.stream, crowd.reading) for crowd in await self._crowds())]

    async def _crowds(self) -> list[Crowd]:
        async def read() -> list[Crowd]:
            abroad = await self.abroad()
            if abroad is None or not abroad.world.shown:
                return []
            found = [(stream, usual) for stream, usual in abroad.streams if stream.record is Order]
            return [await self._crowd(stream, usual) for stream, usual in found if usual.error is None]

        crowds: list[Crowd] = await self.shared("crowds", read)
        return crowds

    async def _crowd(self, stream: Stream, usual: Reading) -> Crowd:
        orders = sum(key[0] == Order.__name__ for key in usual.state())
        pages = 1 + sum(exchange.names_more() for exchange in usual.exchanges)
        many = self.many if self.whole_depth else _SAMPLE
        copies = max(1, min(-(-_PAGES // pages), -(-many // max(orders, 1))))
        wiring = self.wiring()
        plain, since = wiring.world, wiring.world.start
        wiring.world = Elsewhere(plain, copies=copies)
        async with Bench(wiring) as bench:
            calm = await bench.read(stream, since=since)
        page = next((number for number, page in enumerate(calm.pages) if page.records), 0)
        moved = _an_order(calm.pages[page].records if calm.pages else (), wiring.world)
        wiring.world = world = Elsewhere(plain, copies=copies)
        async with Bench(wiring) as bench:
            bench.proxy.replied = lambda count: world.touch(moved) if count == calm.asked[page] else None
            moving = await bench.read(stream, since=since)
            bench.proxy.replied = lambda count: None
            after = await bench.read(stream, moving.cursor, since=since)
        return Crowd(stream=stream, copies=copies, usual=orders, reading=calm, moving=moving, after=after)


def _an_order(records: Sequence[Record], world: Elsewhere) -> str:
    """The world's key of an order among the records."""
    lines: dict[str, list[OrderLine]] = defaultdict(list)
    for record in records:
        if isinstance(record, OrderLine):
            lines[record.order_id].append(record)
    orders = [record for record in records if isinstance(record, Order)]
    known = match_orders(orders, lines, [counted(order) for order in world.shown.values()], world.now)
    return next((order.key for order in known.values()), "")


def _hoarded(reading: Reading) -> tuple[int, int]:
    """(the most replies with a next page that came between two pages, all such replies)."""
    more = [exchange.names_more() for exchange in reading.exchanges]
    return max((sum(more[a:b]) for a, b in pairwise([0, *reading.asked])), default=0), sum(more)
