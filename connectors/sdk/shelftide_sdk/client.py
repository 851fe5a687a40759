"""The HTTP client that the host hands to a connector. It signs, refreshes, waits, retries and stays in its yard."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Protocol

import httpx2
import msgspec

Params = Mapping[str, Any] | Sequence[tuple[str, str]]


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """A platform's limit: at most `calls` (or cost points) in any `seconds`, for one `scope`.

    A bucket of size b that refills at rate r is b calls in b / r seconds; `leaky` says that the platform counts that
    way: what was spent comes back all the time, and not when a window ends. `scope` is "connection", "app" (all of an
    agency's connections of this connector) or "app+account"; `endpoints` is a path prefix the limit is counted for (""
    for all).

    Where the limit depends on what a shop pays for, `setting` names the setting that says so and `factors` how many
    times `calls` each of its values is worth, in small letters. A value that is not listed has no limit of ours: the
    platform's own refusals govern.
    """

    name: str
    calls: float
    seconds: float
    scope: str = "connection"
    endpoints: str = ""
    leaky: bool = False
    setting: str = ""
    factors: Mapping[str, float] = {}

    def of(self, settings: Mapping[str, str]) -> "Budget | None":
        """The limit of a connection with these settings; None where it is not known."""
        if not self.setting:
            return self
        factor = self.factors.get(settings.get(self.setting, "").lower())
        return None if factor is None else msgspec.structs.replace(self, calls=self.calls * factor)


class Client(Protocol):
    """What a connector may do on the network.

    Every call raises the errors of `shelftide_sdk.errors` and returns only good replies.
    """

    async def get(self, url: str, *, params: Params | None = None, cost: float = 1.0) -> httpx2.Response:
        """GET `url`. `cost` is what the call takes from the budget."""
        ...

    async def post(
        self, url: str, *, params: Params | None = None, json: Any = None, cost: float = 1.0
    ) -> httpx2.Response:
        """POST JSON to `url`."""
        ...

    def lines(self, url: str) -> AsyncIterator[bytes]:
        """GET `url` without signing it and yield its lines as they arrive (result files of bulk jobs)."""
        ...
