"""Writing one batch while the next one is read."""

import asyncio
from collections.abc import Coroutine
from types import TracebackType
from typing import Any


class WriteBehind:
    """At most one write is under way, so that memory holds two batches and no more.

    A write that failed stops the reader at its next look. A reader that fails leaves the write before it in peace, as
    if that had ended first; a reader that is cancelled (or dies) cancels it.
    """

    def __init__(self) -> None:
        self._writing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "WriteBehind":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writing is not None and kind is not None and not issubclass(kind, Exception):
            self._writing.cancel()
            await asyncio.gather(self._writing, return_exceptions=True)
            return
        await self.settle()

    def look(self) -> None:
        """Raise what the write under way has raised; without waiting."""
        if self._writing is not None and self._writing.done():
            writing, self._writing = self._writing, None
            writing.result()

    async def settle(self) -> None:
        """Wait for the write under way. Raises what it raises."""
        writing, self._writing = self._writing, None
        if writing is not None:
            await writing

    def start(self, write: Coroutine[Any, Any, None]) -> None:
        """Start a write; the one before must have settled."""
        assert self._writing is None
        self._writing = asyncio.create_task(write)
