"""Reading from a connector that may misbehave."""

from collections import Counter
from collections.abc import AsyncIterator

import msgspec

from shelftide_sdk.bodies import UnreadableError
from shelftide_sdk.connector import Page, Reject
from shelftide_sdk.errors import ConnectorError, ContractError, TransientError
from shelftide_sdk.records.record import foreign_field

# What a parser says of a reply that was cut, is not JSON or UTF-8, or holds half a surrogate pair.
UNREADABLE = (msgspec.DecodeError, UnicodeError, UnreadableError)
_STUCK_PAGES = 50
_EMPTY_PAGES = 5_000
_REMEMBERED = 20_000


class _Motion:
    """Notices a read that goes in a circle of any length, or yields nothing for ever."""

    def __init__(self) -> None:
        self._seen: Counter[int] = Counter()
        self._empty = 0

    def check(self, page: Page) -> None:
        """Raise ContractError when the read does not move."""
        if not (page.records or page.deletes or page.rejects):
            self._empty += 1
            if self._empty >= _EMPTY_PAGES:
                raise ContractError(f"the read does not move: {_EMPTY_PAGES} pages came without a row")
            return
        self._empty = 0
        first = (*page.records[:3], *page.deletes[:3], *page.rejects[:3])
        now = hash((repr(page.cursor), *map(repr, first)))
        self._seen[now] += 1
        if self._seen[now] > _STUCK_PAGES:
            raise ContractError(f"the read does not move: the same page came {_STUCK_PAGES} times")
        if len(self._seen) > _REMEMBERED:
            self._seen.clear()


async def guarded(pages: AsyncIterator[Page], connector: str) -> AsyncIterator[Page]:
    """The pages of a connector that may misbehave: every stray exception gets a name, a loop an end, and no record has
    fields in another connector's name.

    Raises:
        TransientError: the reply was cut or was not JSON.
        ContractError: anything else that the connector did not foresee, or a read that does not move.
    """
    motion = _Motion()
    try:
        async for page in pages:
            if not isinstance(page, Page):
                raise ContractError(f"read() yielded a {type(page).__name__}, not a Page")
            motion.check(page)
            yield own(page, connector)
    except ConnectorError:
        raise
    except Exception as error:  # outsiders' code may raise anything; the worker lives on
        raise named(error) from error


def own(page: Page, connector: str) -> Page:
    """The page; a record with a field in another connector's name becomes a reject."""
    flaws = [foreign_field(connector, getattr(record, "extra", None)) for record in page.records]
    if not any(flaws):
        return page
    pairs = list(zip(page.records, flaws, strict=True))
    rejects = [Reject(type(record).__name__, flaw, record) for record, flaw in pairs if flaw]
    return msgspec.structs.replace(
        page, records=[record for record, flaw in pairs if not flaw], rejects=[*page.rejects, *rejects]
    )


def named(error: Exception) -> ConnectorError:
    """A stray exception as an error of the SDK: a reply that cannot be read passes, anything else is for the author."""
    broken = isinstance(error, UNREADABLE) or type(error).__name__ == "JSONDecodeError"
    if broken:
        return TransientError(f"the reply could not be read: {error}")
    return ContractError(f"{type(error).__name__}: {error}")
