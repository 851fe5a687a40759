"""One batch is written while the next is read: in order, at most one, and no failure is lost."""

import asyncio

import pytest

from shelftide.ingest.write_behind import WriteBehind


class Store:
    """Notes what is written; waits until it is let go."""

    def __init__(self) -> None:
        self.written: list[int] = []
        self.now = self.most = 0
        self.cancelled = False
        self.go = asyncio.Event()

    async def write(self, number: int, error: Exception | None = None) -> None:
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await self.go.wait()
            if error is not None:
                raise error
            self.written.append(number)
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        finally:
            self.now -= 1


class LostError(Exception):
    """A write that fails."""


async def test_the_reader_goes_on_while_a_batch_is_written_and_never_two_are() -> None:
    store = Store()
    async with WriteBehind() as behind:
        behind.start(store.write(1))
        await asyncio.sleep(0)
        assert (store.now, store.written) == (1, []), "the reader is here while the batch is written"
        store.go.set()
        for number in (2, 3):
            await behind.settle()
            behind.start(store.write(number))
    assert (store.written, store.most) == ([1, 2, 3], 1)


async def test_a_failed_write_stops_the_reader_at_its_next_look() -> None:
    store, pages = Store(), 0
    store.go.set()

    async def read() -> None:
        nonlocal pages
        async with WriteBehind() as behind:
            behind.start(store.write(1, LostError()))
            for _ in range(10):
                behind.look()
                pages += 1
                await asyncio.sleep(0)

    with pytest.raises(LostError):
        await read()
    assert pages < 5


async def test_a_write_that_fails_after_the_last_page_is_not_lost() -> None:
    store = Store()
    store.go.set()
    with pytest.raises(LostError):
        async with WriteBehind() as behind:
            behind.start(store.write(1, LostError()))


async def test_a_reader_that_fails_leaves_the_batch_before_it_in_peace() -> None:
    store = Store()

    async def read() -> None:
        async with WriteBehind() as behind:
            behind.start(store.write(1))
            asyncio.get_running_loop().call_later(0.01, store.go.set)
            raise LostError("the page after")

    with pytest.raises(LostError, match="the page after"):
        await read()
    assert store.written == [1]


@pytest.mark.parametrize("settling", [True, False])
async def test_who_is_cancelled_leaves_no_write_behind(settling: bool) -> None:
    store = Store()

    async def read() -> None:
        async with WriteBehind() as behind:
            behind.start(store.write(1))
            await (behind.settle() if settling else asyncio.sleep(60))

    reading = asyncio.create_task(read())
    await asyncio.sleep(0.01)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert (store.cancelled, store.written, store.now) == (True, [], 0)
