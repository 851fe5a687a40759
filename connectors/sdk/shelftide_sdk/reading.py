"""Reading from a connector that may misbehave."""

from collections.abc import AsyncIterator

import msgspec

from shelftide_sdk.connector import Page
from shelftide_sdk.errors import ConnectorError, ContractError, TransientError

_STUCK_PAGES = 50


async def guarded(pages: AsyncIterator[Page]) -> AsyncIterator[Page]:
    """The pages of a connector that may misbehave: every stray exception gets a name, and a loop gets an end.

    Raises:
        TransientError: the reply was cut or was not JSON.
        ContractError: anything else that the connector did not foresee, or a read that does not move.
    """
    last: tuple[str, int] | None = None
    same = 0
    try:
        async for page in pages:
            if not isinstance(page, Page):
                raise ContractError(f"read() yielded a {type(page).__name__}, not a Page")
            now = (repr(page.cursor), hash(tuple(map(repr, page.records[:3]))))
            same = same + 1 if now == last and page.records else 0
            last = now
            if same >= _STUCK_PAGES:
                raise ContractError(f"the read does not move: the same page came {_STUCK_PAGES} times")
            yield page
    except ConnectorError:
        raise
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise TransientError(f"the reply could not be read: {error}") from error
    except ValueError as error:
        if type(error).__name__ == "JSONDecodeError":
            raise TransientError(f"the reply could not be read: {error}") from error
        raise ContractError(f"{type(error).__name__}: {error}") from error
    except Exception as error:  # outsiders' code may raise anything; the worker lives on
        raise ContractError(f"{type(error).__name__}: {error}") from error
