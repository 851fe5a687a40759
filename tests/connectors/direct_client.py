"""The smallest client that keeps the SDK's promises: it signs, refreshes, waits and retries, over an ASGI app."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import httpx2

from shelftide_sdk.auth import App, OAuth2, Outgoing, TokenSet
from shelftide_sdk.client import Params
from shelftide_sdk.connector import Connector
from shelftide_sdk.errors import AuthorizationError, ConnectorError, RateLimitedError, TransientError
from shelftide_sdk.hosts import host_pattern
from shelftide_sdk.testing.emulator import Gateway

Sleep = Callable[[float], Awaitable[None]]
_LONGEST_WAIT_SECONDS = 30.0


class DirectClient:
    """One connection's client. `requests` records method, URL and JSON of all that was sent."""

    def __init__(
        self,
        gateway: Gateway,
        connector: type[Connector],
        *,
        app: App,
        token: TokenSet,
        settings: dict[str, str],
        retries: int = 3,
        sleep: Sleep = asyncio.sleep,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._http = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=cast(Any, gateway)))
        self._hosts = [host_pattern(host) for host in connector.info.hosts]
        assert isinstance(connector.auth, OAuth2)
        self._auth = connector.auth
        self._connector = connector
        self._app = app
        self._settings = settings
        self._retries = retries
        self._sleep = sleep
        self._now = now
        self.token = token
        self.refreshed = 0
        self.requests: list[tuple[str, str, Any]] = []

    async def get(self, url: str, *, params: Params | None = None, cost: float = 1.0) -> httpx2.Response:
        """GET."""
        return await self._call("GET", url, params, None)

    async def post(
        self, url: str, *, params: Params | None = None, json: Any = None, cost: float = 1.0
    ) -> httpx2.Response:
        """POST JSON."""
        return await self._call("POST", url, params, json)

    async def lines(self, url: str) -> AsyncIterator[bytes]:
        """GET without a signature, line by line."""
        self._stay_home(url)
        response = await self._http.get(url)
        if response.status_code != 200:
            raise TransientError(f"HTTP {response.status_code}")
        for line in response.content.split(b"\n"):
            if line:
                yield line

    async def _call(self, method: str, url: str, params: Params | None, body: Any) -> httpx2.Response:
        self._stay_home(url)
        attempt = 0
        while True:
            self.requests.append((method, url, body))
            error = await self._once(method, url, params, body)
            if isinstance(error, httpx2.Response):
                return error
            attempt += 1
            await self._mend(error, attempt)

    async def _mend(self, error: ConnectorError, attempt: int) -> None:
        """Wait or refresh so that a repeat may work; raise the error when it will not."""
        if isinstance(error, AuthorizationError) and error.refreshable and attempt <= self._retries:
            await self.refresh()
        elif isinstance(error, RateLimitedError) and attempt <= 20:
            wait = error.wait(datetime.now(UTC), unknown=timedelta(seconds=1)).total_seconds()
            await self._sleep(min(max(wait, 0.0), _LONGEST_WAIT_SECONDS))
        elif not (isinstance(error, TransientError) and attempt <= self._retries):
            raise error

    async def _once(self, method: str, url: str, params: Params | None, body: Any) -> Any:
        content = b"" if body is None else json.dumps(body).encode()
        pairs = [(str(k), str(v)) for k, v in (params.items() if isinstance(params, Mapping) else params or ())]
        outgoing = Outgoing(method=method, url=url, params=pairs, content=content)
        outgoing.headers["content-type"] = "application/json"
        outgoing = self._auth.sign(outgoing, self._app, self.token, self._settings, self._now())
        response = await self._http.request(
            outgoing.method,
            outgoing.url,
            params=dict(outgoing.params),
            headers=outgoing.headers,
            content=outgoing.content,
        )
        error = self._connector.classify(response)
        if error is None and response.status_code >= 400:
            error = TransientError(f"HTTP {response.status_code}")
        return response if error is None else error

    async def refresh(self) -> None:
        """Trade the refresh token for the next pair."""
        assert self._auth.build_refresh is not None
        outgoing = self._auth.build_refresh(
            self._app, self._settings, {"refresh_token": self.token.refresh_token or ""}
        )
        for _ in range(5):
            response = await self._http.request(
                outgoing.method, outgoing.url, headers=outgoing.headers, content=outgoing.content
            )
            if response.status_code < 500 and response.status_code != 429:
                break
        self.token = self._auth.parse_token(response.json(), self._now())
        self.refreshed += 1

    def _stay_home(self, url: str) -> None:
        host = httpx2.URL(url).host
        assert any(pattern.fullmatch(host) for pattern in self._hosts), f"{host} is not declared"


class FixedClock:
    """A clock that a test moves."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        """The present."""
        return self.at

    def advance(self, by: timedelta) -> None:
        """Let time pass."""
        self.at += by
