"""Several reads of one stream at once, in the order of one read after the other."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any, Generic, TypeVar

import httpx2

from shelftide_sdk.client import Client, Params

T = TypeVar("T")
_AHEAD = 2  # items that each read may hold ready: memory stays bounded however slow the consumer is


class _End:
    """The end of a read, or how it failed."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


class _Read(Generic[T]):
    def __init__(self, items: AsyncIterator[T]) -> None:
        self._ready: asyncio.Queue[T | _End] = asyncio.Queue(_AHEAD)
        self._task = asyncio.create_task(self._run(items))

    async def _run(self, items: AsyncIterator[T]) -> None:
        try:
            async for item in items:
                await self._ready.put(item)
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001  # handed on: it is raised in the read's place
            await self._ready.put(_End(error))
        else:
            await self._ready.put(_End())

    async def items(self) -> AsyncIterator[T]:
        while not isinstance(item := await self._ready.get(), _End):
            yield item
        if item.error is not None:
            raise item.error

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


async def side_by_side(reads: Iterable[Callable[[], AsyncIterator[T]]], width: int) -> AsyncIterator[T]:
    """All items of the first read, then all of the second, ...; at most `width` reads are under way at a time.

    For windows of time that a platform lets one ask for at the same time: cursors stay right, because the order is that
    of reading the windows one by one. A read's error comes in its place, after the items before it; the reads behind
    it are ended.
    """
    waiting = iter(reads)
    under_way: deque[_Read[T]] = deque()
    try:
        while True:
            while len(under_way) < width and (start := next(waiting, None)) is not None:
                under_way.append(_Read(start()))
            if not under_way:
                return
            async for item in under_way[0].items():
                yield item
            await under_way.popleft().stop()
    finally:
        for read in under_way:
            await read.stop()


class Narrow:
    """A client with at most `width` calls under way, whoever makes them: lists, and the details behind their rows."""

    def __init__(self, client: Client, width: int) -> None:
        self._client = client
        self._slots = asyncio.Semaphore(width)

    async def get(self, url: str, *, params: Params | None = None, cost: float = 1.0) -> httpx2.Response:
        """See `shelftide_sdk.client.Client`."""
        async with self._slots:
            return await self._client.get(url, params=params, cost=cost)

    async def post(
        self, url: str, *, params: Params | None = None, json: Any = None, cost: float = 1.0
    ) -> httpx2.Response:
        """See `shelftide_sdk.client.Client`."""
        async with self._slots:
            return await self._client.post(url, params=params, json=json, cost=cost)

    def lines(self, url: str) -> AsyncIterator[bytes]:
        """See `shelftide_sdk.client.Client`. A file is not a call: it takes no slot."""
        return self._client.lines(url)
