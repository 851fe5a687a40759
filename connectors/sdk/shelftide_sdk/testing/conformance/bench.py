"""A connector and its emulator, wired as the host wires them: the real client, a clock that a test owns, no sockets."""

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime, timedelta
from typing import Any, cast

import httpx2
import msgspec
import stamina
import uvicorn

from shelftide_sdk.auth import ApiKey, App, ClientCredentials, OAuth2, TokenSet
from shelftide_sdk.connector import Connector, Context, Cursor, Delete, Page, Reject, Stream
from shelftide_sdk.errors import AuthorizationError
from shelftide_sdk.hosts import Routes
from shelftide_sdk.http import Credentials, Patience, PlatformClient
from shelftide_sdk.limits import MemoryLimiter
from shelftide_sdk.records import Record, record_type
from shelftide_sdk.testing.conformance.consent import Consent, Trade
from shelftide_sdk.testing.conformance.faults import EndlessReadError, Exchange, Proxy
from shelftide_sdk.testing.emulator import Emulator, Gateway

Key = tuple[Any, ...]
_PAGES = 5_000
# Reads that go on side by side each count their own waits: ten of them, each with ten minutes of patience a call.
_LONGEST_SLEEP_SECONDS = 86_400.0
_LIBRARIES = ("httpx2", "httpcore2", "asyncio")
_OF_EVERY_RECORD = frozenset(vars(logging.makeLogRecord({})))


class FakeClock:
    """Time that passes only when somebody sleeps; who sleeps more than `longest` seconds hangs."""

    def __init__(self, at: datetime) -> None:
        self.started = at
        self.slept: list[float] = []
        self.longest = _LONGEST_SLEEP_SECONDS

    def now(self) -> datetime:
        """The present, aware UTC."""
        return self.started + timedelta(seconds=self.seconds())

    def seconds(self) -> float:
        """Seconds since the start."""
        return sum(self.slept)

    def advance(self, by: timedelta) -> None:
        """Let time pass."""
        self.started += by

    async def sleep(self, seconds: float, result: Any = None) -> Any:
        """Pass `seconds` at once."""
        self.slept.append(max(float(seconds), 0.0))
        if self.seconds() > self.longest:
            raise EndlessReadError(f"the connector slept for {self.seconds():.0f} seconds")
        await _yield_to_loop(0)
        return result


def _only_elsewhere(blocking: Callable[[Any], None]) -> Callable[[Any], None]:
    """`time.sleep` that refuses in this thread: another one may wait as it likes."""
    home = threading.get_ident()

    def sleep(seconds: Any, /) -> None:
        if threading.get_ident() == home:
            raise EndlessReadError(f"time.sleep({seconds}) stops every connection of the process")
        blocking(seconds)

    return sleep


_yield_to_loop = asyncio.sleep  # kept before any bench replaces it


class Wiring(msgspec.Struct, kw_only=True):
    """What a suite says about its connector.

    Attributes:
        account: the account at the platform that consent is given for.
        settings: what a person fills in. `account_settings` are laid over what `accounts()` answers.
        token: gives a token instead of the consent page.
        seconds: real seconds after which a read counts as hanging.
    """

    connector: type[Connector]
    emulator: Callable[..., Emulator]
    world: Any
    account: str
    settings: Mapping[str, str]
    account_settings: Mapping[str, str]
    app: App
    token: Callable[[Emulator], TokenSet | Awaitable[TokenSet]] | None = None
    since: timedelta = timedelta(days=14)
    seconds: float = 60.0
    seed: int = 7


class EmulatedCredentials:
    """A token and the way to the next one; counts refreshes."""

    def __init__(self, app: App, token: TokenSet, renew: Callable[[TokenSet], Awaitable[TokenSet]]) -> None:
        self._app = app
        self._renew = renew
        self.token = token
        self.refreshes = 0
        self.used: list[TokenSet] = [token]

    async def current(self) -> tuple[App, TokenSet]:
        """The token in use."""
        return self._app, self.token

    async def refresh(self, seen: TokenSet) -> TokenSet:
        """The next token."""
        self.refreshes += 1
        self.token = await self._renew(seen)
        self.used.append(self.token)
        return self.token


class Reading(msgspec.Struct, kw_only=True):
    """All that a read brought, and how it ended. `asked` counts the requests that were made before each page came."""

    pages: list[Page] = []
    error: BaseException | None = None
    exchanges: list[Exchange] = []
    asked: list[int] = []
    logs: list[str] = []
    trace: str = ""

    @property
    def records(self) -> list[Record]:
        """Records in order."""
        return [record for page in self.pages for record in page.records]

    @property
    def rejects(self) -> list[Reject]:
        """Rejects in order."""
        return [reject for page in self.pages for reject in page.rejects]

    @property
    def deletes(self) -> list[Delete]:
        """Deletes in order."""
        return [delete for page in self.pages for delete in page.deletes]

    @property
    def cursor(self) -> Cursor | None:
        """The last cursor."""
        return next((page.cursor for page in reversed(self.pages) if page.cursor is not None), None)

    def state(self, before: Mapping[Key, Record] | None = None) -> dict[Key, Record]:
        """What a table would hold, after what it held `before`: the last row of each key, deleted ones gone."""
        found = dict(before or {})
        for page in self.pages:
            for delete in page.deletes:
                kind = record_type(delete.record)
                found.pop((kind.name, *(delete.key.get(name) for name in kind.key)), None)
            found |= {key_of(record): record for record in page.records}
        return found


def key_of(record: Record) -> Key:
    """(record type, key fields). A value that no table takes as a key stands as text, so that it can be named."""
    kind = record_type(record)
    values = (getattr(record, name) for name in kind.key)
    return (kind.name, *(value if isinstance(value, Hashable) else repr(value) for value in values))


class Bench:
    """One emulator, one grant, one client. Use as a context manager; `scenarios` are the emulator's bad habits."""

    def __init__(self, wiring: Wiring, scenarios: Sequence[str] = ()) -> None:
        self.wiring = wiring
        self.clock = FakeClock(wiring.world.now)
        self.emulator = wiring.emulator(wiring.world, scenarios=scenarios, seed=wiring.seed, clock=self.clock.now)
        self.proxy = Proxy(Gateway([self.emulator]), self.clock.seconds)
        self.transport: httpx2.AsyncBaseTransport = httpx2.ASGITransport(app=cast(Any, self.proxy))
        self.settings = dict(wiring.settings)
        self.logs: list[str] = []
        self.consent: Consent | Trade | None = None
        self.credentials: EmulatedCredentials
        self.client: PlatformClient

    async def __aenter__(self) -> "Bench":
        with self._at_work():
            token = await self._first_token()
            self.credentials = EmulatedCredentials(self.wiring.app, token, self._renew)
            self.client = self.new_client(self.credentials)
            if token.account_id:  # what a grant says of itself is a setting, at the host as here
                self.settings["account_id"] = token.account_id
            self.settings |= await self._account_settings()
        self.settings |= self.wiring.account_settings
        self.proxy.begin(None)
        return self

    async def __aexit__(self, *_: Any) -> None:
        await self.client.close()

    def new_client(self, credentials: Credentials, routes: Routes | None = None) -> PlatformClient:
        """The host's client over this bench's wire, or over sockets where `routes` lead."""
        return PlatformClient(
            self.wiring.connector,
            credentials=credentials,
            settings=self.settings,
            clock=self.clock,
            limiter=MemoryLimiter(self.clock.seconds, self.clock.sleep),
            routes=routes,
            transport=None if routes else self.transport,
            patience=Patience(longest_wait=timedelta(minutes=10), sleep=self.clock.sleep),
        )

    def context(self, since: datetime | None = None) -> Context:
        """What the connector sees."""
        return Context(
            client=self.client,
            clock=self.clock,
            log=logging.LoggerAdapter(logging.getLogger(f"connector.{self.wiring.connector.info.name}"), {}),
            settings=self.settings,
            since=since or self.wiring.world.now - self.wiring.since,
            captured_at=self.wiring.world.now,
        )

    def secrets(self) -> list[str]:
        """Whatever must never be seen."""
        tokens = self.credentials.used
        found = [self.wiring.app.client_secret, self.consent.code if self.consent else ""]
        found += [token.access_token for token in tokens] + [token.refresh_token or "" for token in tokens]
        found += list(getattr(self.emulator, "api_keys", {}).values())
        return [secret for secret in found if len(secret) >= 6]

    async def call(self, work: Callable[[Connector, Context], Awaitable[Any]]) -> Any:
        """Something that a connector does other than reading."""
        with self._at_work():
            async with asyncio.timeout(self.wiring.seconds):
                return await work(self.wiring.connector(), self.context())

    async def read(
        self,
        stream: Stream,
        cursor: Cursor | None = None,
        *,
        stop_after: int | None = None,
        since: datetime | None = None,
    ) -> Reading:
        """Read to the end, to the error, or as a crash would leave it `stop_after` pages."""
        reading = Reading()
        self.proxy.exchanges = []
        logged = len(self.logs)
        with self._at_work():
            try:
                async with asyncio.timeout(self.wiring.seconds):
                    pages = self.wiring.connector().read(self.context(since), stream, cursor)
                    await _gather(pages, reading, stop_after, lambda: len(self.proxy.exchanges))
            except TimeoutError:
                reading.error = EndlessReadError(f"no end after {self.wiring.seconds:g} real seconds")
            except (Exception, EndlessReadError) as error:  # noqa: BLE001  # what it raises is what is judged
                reading.error = error
        reading.exchanges = self.proxy.exchanges
        reading.logs = self.logs[logged:]
        reading.trace = repr(list(self.client.trace))
        return reading

    @asynccontextmanager
    async def over_loopback(self) -> AsyncIterator[int]:
        """The same emulator behind a real server on 127.0.0.1; gives its port."""
        server = uvicorn.Server(
            uvicorn.Config(
                cast(Any, self.proxy), port=0, log_level="warning", lifespan="off", timeout_graceful_shutdown=1
            )
        )
        server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]  # pytest keeps its own
        serving = asyncio.create_task(server.serve())
        while not server.started:
            await _yield_to_loop(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        direct, self.client = (
            self.client,
            self.new_client(
                self.credentials, routes=Routes(dict.fromkeys(self.emulator.hosts, f"http://127.0.0.1:{port}"))
            ),
        )
        try:
            yield port
        finally:
            await self.client.close()
            self.client = direct
            server.should_exit = True
            await serving

    # -- wiring -----------------------------------------------------------------------------------------

    async def _first_token(self) -> TokenSet:
        wiring = self.wiring
        if wiring.token is not None:
            given = wiring.token(self.emulator)
            return given if isinstance(given, TokenSet) else await given
        auth = wiring.connector.auth
        keys: Mapping[str, str] = getattr(self.emulator, "api_keys", {})
        if isinstance(auth, ApiKey) and keys:
            return auth.typed(keys)
        if isinstance(auth, ClientCredentials):
            self.consent = Trade(auth, keys, self.settings, self.clock)
        elif isinstance(auth, OAuth2):
            self.consent = Consent(auth, wiring.app, self.settings, self.clock)
        else:
            return TokenSet(access_token=getattr(self.emulator, "api_key", ""))
        async with httpx2.AsyncClient(transport=self.transport) as http:
            return await self.consent.token(http, wiring.account)

    async def _renew(self, seen: TokenSet) -> TokenSet:
        if self.consent is None:
            raise AuthorizationError("The token cannot be renewed.")
        async with httpx2.AsyncClient(transport=self.transport) as http:
            return await self.consent.renew(http, seen)

    async def _account_settings(self) -> Mapping[str, str]:
        accounts = await self.wiring.connector().accounts(self.context())
        named = [a for a in accounts if self.wiring.account in (a.source_id, *a.settings.values())]
        return (named or accounts)[0].settings if accounts else {}

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        """Fake sleeps, no waiting between retries, logs kept."""
        handler = _Keeper(self.logs)
        root = logging.getLogger()
        blocking, time.sleep = time.sleep, _only_elsewhere(time.sleep)
        level, asyncio.sleep = root.level, self.clock.sleep  # type: ignore[assignment]  # the same shape, a clock of ours
        root.addHandler(handler)
        root.setLevel(logging.DEBUG)
        try:
            with stamina.set_testing(True, attempts=5, cap=True):
                yield
        finally:
            asyncio.sleep, time.sleep = _yield_to_loop, blocking
            root.removeHandler(handler)
            root.setLevel(level)


async def _gather(
    pages: AsyncIterator[Page], reading: Reading, stop_after: int | None, asked: Callable[[], int]
) -> None:
    async for page in pages:
        reading.pages.append(page)
        reading.asked.append(asked())
        if stop_after is not None and len(reading.pages) >= stop_after:
            return
        if len(reading.pages) > _PAGES:
            raise EndlessReadError(f"{_PAGES} pages and no end")


class _Keeper(logging.Handler):
    def __init__(self, lines: list[str]) -> None:
        super().__init__(logging.DEBUG)
        self._lines = lines
        self.setFormatter(logging.Formatter("%(name)s %(message)s %(args)s"))

    def emit(self, record: logging.LogRecord) -> None:
        if not record.name.startswith(_LIBRARIES):
            extra = {name: value for name, value in vars(record).items() if name not in _OF_EVERY_RECORD}
            self._lines.append(f"{self.format(record)} {extra}")
