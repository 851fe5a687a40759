"""Reads at the same time, in the order of one after the other."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any, cast

import pytest

from shelftide_sdk.parallel import Narrow, side_by_side


class Source:
    """Windows whose pages take a while; counts how many are asked at once."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.now = self.most = self.pages = 0
        self.ended: list[int] = []

    async def read(self, window: int, pages: int = 2) -> AsyncIterator[tuple[int, int]]:
        try:
            for page in range(pages):
                self.now += 1
                self.most = max(self.most, self.now)
                try:
                    await asyncio.sleep(self.seconds)
                finally:
                    self.now -= 1
                self.pages += 1
                yield window, page
        finally:
            self.ended.append(window)


async def test_the_order_is_that_of_one_after_the_other() -> None:
    source = Source(0.001)
    reads = [partial(source.read, window, 1 + window % 5) for window in range(30)]
    found = [item async for item in side_by_side(reads, 7)]
    assert found == [(window, page) for window in range(30) for page in range(1 + window % 5)]
    assert source.most <= 7


async def test_a_slow_source_is_read_five_times_as_fast() -> None:
    source = Source(0.15)
    started = time.monotonic()
    found = [item async for item in side_by_side([partial(source.read, n) for n in range(20)], 10)]
    assert len(found) == 40
    assert source.most == 10
    assert 40 * 0.15 / (time.monotonic() - started) >= 5


async def test_a_slow_consumer_holds_the_reads_back() -> None:
    source = Source()
    items = side_by_side([partial(source.read, n, 100) for n in range(3)], 3)
    await anext(items)
    await asyncio.sleep(0.05)
    assert source.pages <= 3 * 4
    await items.aclose()  # type: ignore[attr-defined]  # an async generator, promised as an iterator


async def test_an_error_comes_in_its_place_and_ends_what_is_behind_it() -> None:
    source = Source(0.001)

    async def broken() -> AsyncIterator[tuple[int, int]]:
        yield 1, 0
        raise ValueError("second window")

    reads: list[Callable[[], AsyncIterator[tuple[int, int]]]]
    reads = [partial(source.read, 0), broken, partial(source.read, 2, 50)]
    items = side_by_side(reads, 3)
    found = [await anext(items) for _ in range(3)]
    with pytest.raises(ValueError, match="second window"):
        await anext(items)
    assert found == [(0, 0), (0, 1), (1, 0)]
    assert sorted(source.ended) == [0, 2]


async def test_whatever_ends_a_read_reaches_its_consumer() -> None:
    class Stop(BaseException):
        """No Exception, as a test framework's own failures are."""

    async def read() -> AsyncIterator[int]:
        yield 1
        raise Stop

    async def consume() -> list[int]:
        return [item async for item in side_by_side([read, read], 2)]

    with pytest.raises(Stop):
        await asyncio.wait_for(consume(), 5)


async def test_a_consumer_that_leaves_ends_all_reads() -> None:
    source = Source(0.01)
    items = side_by_side([partial(source.read, n, 50) for n in range(5)], 5)
    await anext(items)
    await items.aclose()  # type: ignore[attr-defined]  # an async generator, promised as an iterator
    assert sorted(source.ended) == [0, 1, 2, 3, 4]


async def test_nothing_to_read_is_nothing() -> None:
    reads: list[Callable[[], AsyncIterator[int]]] = []
    assert [item async for item in side_by_side(reads, 4)] == []


class Counting:
    """A client that counts the calls under way."""

    def __init__(self) -> None:
        self.now = self.most = 0

    async def get(self, url: str, **more: Any) -> Any:
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0.001)
        self.now -= 1
        return url, more

    post = get


async def test_a_narrow_client_has_no_more_calls_under_way_than_its_width() -> None:
    inner = Counting()
    narrow = Narrow(cast(Any, inner), 3)
    found: list[Any] = await asyncio.gather(
        *(narrow.get(f"{n}", cost=2.0) for n in range(8)), *(narrow.post(f"{n}", json=n) for n in range(8))
    )
    assert inner.most == 3
    assert found[1] == ("1", {"params": None, "cost": 2.0})
    assert found[-1] == ("7", {"params": None, "json": 7, "cost": 1.0})
