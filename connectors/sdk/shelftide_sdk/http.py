"""The client behind `Context.client`: one place for signing, refreshing, limits, retries and redaction.

A connector keeps writing the platform's own URLs. Where `routes` sends a host elsewhere (the simulator, a proxy), only
the connection changes: path, query, signature and `Host` header stay the platform's.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, aclosing, nullcontext
from datetime import timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any, Protocol
from urllib.parse import urlsplit

import httpx2
import msgspec
import stamina

from shelftide_sdk.auth import ApiKey, App, ClientCredentials, OAuth2, Outgoing, TokenSet
from shelftide_sdk.bodies import unpacked
from shelftide_sdk.client import Budget, Params
from shelftide_sdk.connector import Clock, Connector
from shelftide_sdk.errors import (
    AuthorizationError,
    ConnectorError,
    ContractError,
    RateLimitedError,
    TransientError,
)
from shelftide_sdk.hosts import Routes, host_pattern
from shelftide_sdk.limits import Limiter, MemoryLimiter, OverBudgetError
from shelftide_sdk.notifier import Notifier

RENEWABLE = (OAuth2, ClientCredentials)
_BODY_LIMIT = 64 * 2**20
_LINE_LIMIT = 16 * 2**20
# Others may use a fresh token up before one's own turn; a grant without rights is soon told from that.
_MOST_RENEWALS = 3
_LEAST_WAIT = timedelta(seconds=0.25)
_LONGEST_WISH = timedelta(days=7)
_TIMEOUT = httpx2.Timeout(30.0, connect=10.0)
_SECRET_PARAMS = frozenset(
    {"access_token", "app_secret", "code", "auth_code", "refresh_token", "sign", "hmac", "secret"}
)


class Credentials(Protocol):
    """Where the client gets a token, and a new one."""

    async def current(self) -> tuple[App, TokenSet]:
        """The app and the token to use now. Raises AuthorizationError when there is none."""
        ...

    async def refresh(self, seen: TokenSet) -> TokenSet:
        """A newer token than `seen`; one provider call a rotation, however many callers ask."""
        ...


class FixedCredentials:
    """A token that is what it is (command line, tests)."""

    def __init__(self, app: App, token: TokenSet) -> None:
        self._app = app
        self._token = token

    async def current(self) -> tuple[App, TokenSet]:
        """The token."""
        return self._app, self._token

    async def refresh(self, seen: TokenSet) -> TokenSet:
        """There is no newer one."""
        raise AuthorizationError("The access token has expired.", hint="Give a fresh token in the configuration.")


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """One exchange, without secrets and without bodies."""

    method: str
    host: str
    path: str
    params: tuple[str, ...]
    status: int | None
    seconds: float
    bytes: int


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """How often a passing failure is tried again, and how long a platform's wish to wait is honoured in place.

    A longer wait is handed to the host as RateLimitedError: it re-schedules the run and frees the worker.
    """

    attempts: int = 5
    longest_wait: timedelta = timedelta(seconds=20)
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


class PlatformClient:
    """Implements `shelftide_sdk.client.Client` for one connection and one run, or for a notifier."""

    def __init__(
        self,
        connector: type[Connector] | type[Notifier],
        *,
        credentials: Credentials,
        settings: Mapping[str, str],
        clock: Clock,
        limiter: Limiter | None = None,
        limit_keys: Mapping[str, str] | None = None,
        routes: Routes | None = None,
        transport: httpx2.AsyncBaseTransport | None = None,
        patience: Patience | None = None,
    ) -> None:
        self._connector = connector
        self._credentials = credentials
        self._settings = settings
        self._clock = clock
        self._limiter = limiter or MemoryLimiter()
        self._limit_keys = limit_keys or {}
        self._backfill = False
        self._again = asyncio.Lock()
        self._routes = routes or Routes()
        self._hosts = [host_pattern(host) for host in connector.info.hosts]
        self._patience = patience or Patience()
        self._http = httpx2.AsyncClient(transport=transport, timeout=_TIMEOUT, follow_redirects=False)
        self.requests = 0
        self.trace: deque[Trace] = deque(maxlen=200)

    async def close(self) -> None:
        """Close connections."""
        await self._http.aclose()

    async def __aenter__(self) -> "PlatformClient":
        return self

    async def __aexit__(self, *_: Any) -> None:
        await self.close()

    def pace(self, *, backfill: bool) -> None:
        """Say whether the calls to come read history: they then leave a share of each budget to today's figures."""
        self._backfill = backfill

    async def get(self, url: str, *, params: Params | None = None, cost: float = 1.0) -> httpx2.Response:
        """GET; see `shelftide_sdk.client.Client`."""
        return await self._call(Outgoing(method="GET", url=url, params=_pairs(params)), cost)

    async def post(
        self, url: str, *, params: Params | None = None, json: Any = None, cost: float = 1.0
    ) -> httpx2.Response:
        """POST JSON; see `shelftide_sdk.client.Client`."""
        content = b"" if json is None else msgspec.json.encode(json)
        headers = {"Content-Type": "application/json"}
        return await self._call(
            Outgoing(method="POST", url=url, params=_pairs(params), headers=headers, content=content), cost
        )

    async def lines(self, url: str) -> AsyncIterator[bytes]:
        """GET without signing, line by line. A failure before the first line is tried again; a connection that is cut
        later raises TransientError: the file is read again whole.
        """
        self._check_host(url)
        try:
            async with AsyncExitStack() as stack:
                response = await self._opened(url, stack)
                async with aclosing(_lines(unpacked(response))) as found:
                    async for line in found:
                        yield line
        except httpx2.TransportError as error:
            raise TransientError(f"the connection broke: {type(error).__name__}") from error
        except (httpx2.InvalidURL, UnicodeError) as wrong:
            raise ContractError(f"the result file's address cannot be read: {wrong}") from wrong

    async def _opened(self, url: str, stack: AsyncExitStack) -> httpx2.Response:
        target, host = self._routes.connection(url)
        async for attempt in self._attempts():
            with attempt:
                try:
                    opening = self._http.stream("GET", target, headers={"Host": host})
                    response = await stack.enter_async_context(opening)
                except httpx2.TransportError as error:
                    raise TransientError(f"the connection broke: {type(error).__name__}") from error
                if response.status_code != 200:
                    said = await anext(unpacked(response), b"")  # its beginning: it may be large, or packed to be
                    bare = httpx2.Response(response.status_code, headers=self._plain_headers(response), content=said)
                    raise status_error(bare) or ContractError(f"HTTP {response.status_code}")
                return response
        raise AssertionError("the retry loop always returns or raises")  # pragma: no cover

    # -- one call ------------------------------------------------------------------------------------------------

    def _renewable(self) -> bool:
        """A fixed token stays what it is: the platform's own words then say more than a refusal to renew."""
        return isinstance(self._connector.auth, RENEWABLE) and not isinstance(self._credentials, FixedCredentials)

    async def _call(self, request: Outgoing, cost: float) -> httpx2.Response:
        self._check_host(request.url)
        renewals = 0
        waited = timedelta(0)
        token: TokenSet | None = None
        while True:
            try:
                # Whoever was told to wait comes back one by one: a herd would only be refused again. The token is taken
                # when the turn has come: others may have renewed it in the meantime.
                async with self._again if waited else nullcontext():
                    app, token = await self._token()
                    return await self._patiently(request, app, token, cost)
            except AuthorizationError as error:
                if token is None or renewals == _MOST_RENEWALS or not error.refreshable or not self._renewable():
                    raise
                renewals += 1
                await self._credentials.refresh(token)
            except RateLimitedError as error:
                renewals = 0  # whoever is told to wait was let in: the token works
                # Never less than a moment: a platform that says "now" again and again must not be hammered.
                wait = max(error.wait(self._clock.now(), unknown=timedelta(seconds=1)), _LEAST_WAIT)
                if not isinstance(error, OverBudgetError):
                    await self._hold(request, wait)
                waited += wait
                if waited > self._patience.longest_wait:
                    raise
                await self._patience.sleep(wait.total_seconds())

    async def _token(self) -> tuple[App, TokenSet]:
        app, token = await self._credentials.current()
        soon = self._clock.now() + timedelta(seconds=30)
        if token.expires_at and token.expires_at <= soon and isinstance(self._connector.auth, RENEWABLE):
            token = await self._credentials.refresh(token)
        return app, token

    async def _patiently(self, request: Outgoing, app: App, token: TokenSet, cost: float) -> httpx2.Response:
        async for attempt in self._attempts():
            with attempt:
                await self._take_budget(request, cost)
                return await self._send(self._signed(request, app, token))
        raise AssertionError("the retry loop always returns or raises")  # pragma: no cover

    def _attempts(self) -> AsyncIterator[stamina.Attempt]:
        attempts = self._patience.attempts
        return stamina.retry_context(on=TransientError, attempts=attempts, wait_initial=0.2, wait_max=5.0, timeout=60.0)

    def _signed(self, request: Outgoing, app: App, token: TokenSet) -> Outgoing:
        copy = Outgoing(
            method=request.method,
            url=request.url,
            params=list(request.params),
            headers=dict(request.headers),
            content=request.content,
        )
        auth = self._connector.auth
        if isinstance(auth, OAuth2 | ApiKey | ClientCredentials):
            return auth.sign(copy, app, token, self._settings, self._clock.now())
        return copy

    async def _send(self, request: Outgoing) -> httpx2.Response:
        target, host = self._routes.connection(request.url)
        started = time.monotonic()
        status, size = None, 0
        self.requests += 1
        try:
            response = await self._exchange(target, host, request)
            status, size = response.status_code, len(response.content)
        except httpx2.TransportError as broken:
            raise TransientError(f"the platform could not be reached: {type(broken).__name__}") from broken
        except (httpx2.InvalidURL, UnicodeError) as wrong:  # an address or a parameter that a reply gave
            raise ContractError(f"the request cannot be written: {wrong}") from wrong
        finally:
            self._note(request, status, time.monotonic() - started, size)
        error = self._connector.classify(response) or status_error(response)
        if error is not None:
            raise error
        return response

    async def _exchange(self, target: str, host: str, request: Outgoing) -> httpx2.Response:
        # The body is read by hand so that an endless reply ends here and not in memory.
        headers = {**request.headers, "Host": host}
        query = httpx2.QueryParams([(key, value) for key, value in request.params]) if request.params else None
        async with self._http.stream(
            request.method, target, params=query, headers=headers, content=request.content or None
        ) as response:
            body = bytearray()
            async with aclosing(unpacked(response)) as pieces:
                async for piece in pieces:
                    body += piece
                    if len(body) > _BODY_LIMIT:
                        raise ContractError("the reply is larger than 64 MB")
            plain = self._plain_headers(response)
            return httpx2.Response(response.status_code, headers=plain, content=bytes(body), request=response.request)

    def _plain_headers(self, response: httpx2.Response) -> dict[str, str]:
        plain = {k: v for k, v in response.headers.items() if k not in ("content-encoding", "content-length")}
        # RFC 9110, 6.6.1: a reply without a Date counts as dated when it came.
        plain.setdefault("date", format_datetime(self._clock.now(), usegmt=True))
        return plain

    # -- small things --------------------------------------------------------------------------------------------

    def _check_host(self, url: str) -> None:
        parts = urlsplit(url)
        host = parts.hostname or ""
        if parts.scheme != "https" or not any(pattern.fullmatch(host) for pattern in self._hosts):
            raise ContractError(
                f"the connector tried to reach {parts.scheme}://{host}, which it does not declare",
                hint="Add the host to ConnectorInfo.hosts.",
            )

    def _budgets(self, request: Outgoing) -> Iterator[tuple[Budget, str]]:
        path = urlsplit(request.url).path
        for declared in self._connector.info.budgets:
            budget = declared.of(self._settings)
            if budget is not None and path.startswith(budget.endpoints):
                yield budget, self._limit_keys.get(budget.scope, "")

    async def _take_budget(self, request: Outgoing, cost: float) -> None:
        for budget, key in self._budgets(request):
            await self._limiter.acquire(budget, key, cost, backfill=self._backfill)

    async def _hold(self, request: Outgoing, wait: timedelta) -> None:
        for budget, key in self._budgets(request):
            await self._limiter.hold(budget, key, wait.total_seconds())

    def _note(self, request: Outgoing, status: int | None, seconds: float, size: int) -> None:
        params = tuple(f"{k}=***" if k in _SECRET_PARAMS else f"{k}={v[:80]}" for k, v in request.params)
        self.trace.append(
            Trace(
                method=request.method,
                host=urlsplit(request.url).hostname or "",
                path=urlsplit(request.url).path,
                params=params,
                status=status,
                seconds=round(seconds, 4),
                bytes=size,
            )
        )


async def _lines(pieces: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    rest = b""
    async for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            if line.strip():
                yield line
        if len(rest) > _LINE_LIMIT:
            raise ContractError("a line of the result file is longer than 16 MB")
    if rest.strip():
        yield rest


def _pairs(params: Params | None) -> list[tuple[str, str]]:
    if params is None:
        return []
    items = params.items() if isinstance(params, Mapping) else params
    return [(key, str(value)) for key, value in items if value is not None]


def retry_after(response: httpx2.Response) -> timedelta | None:
    """`Retry-After` (RFC 9110, 10.2.3: seconds or a date) as a wait, or None when absent or senseless.

    A date is taken against the reply's own `Date`, so that two clocks that disagree do no harm.
    """
    value = response.headers.get("retry-after", "").strip()
    if value.isascii() and value.replace(".", "", 1).isdigit():
        return timedelta(seconds=min(float(value), _LONGEST_WISH.total_seconds()))
    try:
        until = parsedate_to_datetime(value)
        told = until - parsedate_to_datetime(response.headers["date"])
    except (KeyError, ValueError, TypeError, OverflowError):
        return None
    return min(max(told, timedelta(0)), _LONGEST_WISH)


def status_error(response: httpx2.Response) -> ConnectorError | None:
    status = response.status_code
    if status < 300:
        return None
    if status == 401:
        return AuthorizationError("The platform no longer accepts the token.", refreshable=True)
    if status == 403:
        return AuthorizationError("The platform refuses access.")
    if status == 429:
        return RateLimitedError("The platform asks to wait.", retry_after=retry_after(response))
    if status == 408 or status >= 500:
        return TransientError(f"The platform failed (HTTP {status}).")
    return ContractError(f"The platform answered HTTP {status}.", detail=response.text[:300])
