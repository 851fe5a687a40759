"""What an author fills in, and the reads that several rules look at."""

import inspect
import re
import socket
import sysconfig
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import pytest

from shelftide_sdk.auth import App, TokenSet
from shelftide_sdk.connector import Connector, SettingField, Stream
from shelftide_sdk.errors import ConnectorError
from shelftide_sdk.records import Record
from shelftide_sdk.testing.conformance.bench import Bench, Key, Reading, Wiring
from shelftide_sdk.testing.conformance.faults import EndlessReadError
from shelftide_sdk.testing.conformance.rules import broken
from shelftide_sdk.testing.conformance.sharing import State, shared_state
from shelftide_sdk.testing.emulator import Emulator
from shelftide_sdk.testing.serve import load_emulator
from shelftide_sdk.testing.world import World
from shelftide_sdk.testing.world.model import WorldView

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
_NOT_THE_AUTHORS = (
    str(Path(__file__).parents[2]),
    sysconfig.get_path("stdlib"),
    *(f"/site-packages/{name}/" for name in ("anyio", "httpcore2", "httpx2", "msgspec", "stamina")),
)
_LOOPBACK = ("127.0.0.1", "::1", "localhost", None, "")


@cache
def small_world(seed: int) -> World:
    """The suite's world when the author names none."""
    return World(seed=seed, now=NOW, size="small")


class Foundation:
    """The author's surface. Only `connector` is needed when `info.emulator` names the emulator.

    Attributes:
        connector: the class under test.
        emulator: its emulator's class; default: what `info.emulator` names.
        seed: of the world and of the emulator's dice; default: what `--conformance-seed` says (7).
        world: a WorldView; default: a small World of that seed.
        brand: key of the brand whose account is read; default: the first that has an account.
        account: id of that account at the platform; default: `brand.accounts[info.name]`.
        settings: what a person fills in; default: a declared setting takes the account's id where its pattern allows
            that, else stays empty where it may, else takes its example.
        account_settings: laid over the settings that `accounts()` answers.
        app: the app's registration; default: what the demo uses.
        token: a function (self, emulator) -> TokenSet (may be async) in place of the consent page. Without it, a
            connector with ApiKey takes the emulator's `api_key`; one with several fields, or with ClientCredentials,
            its `api_keys`, by name.
        since: how far back first reads go.
        streams: names of the streams to read; default: all that `discover` gives.
        exempt: rule -> reason, for rules that cannot apply to this platform.
        seconds: real seconds after which a read counts as hanging.
        loopback: also read once over a real socket.
        error_replies: recorded bodies (JSON text) of errors that the platform sends with HTTP 200.
        many: how many orders a large account has.

    With `--conformance-depth sample` the rules that read again and again do so less often.
    """

    connector: ClassVar[type[Connector]]
    emulator: ClassVar[Callable[..., Emulator] | None] = None
    seed: ClassVar[int | None] = None
    world: ClassVar[WorldView | None] = None
    brand: ClassVar[str | None] = None
    account: ClassVar[str | None] = None
    settings: ClassVar[Mapping[str, str] | None] = None
    account_settings: ClassVar[Mapping[str, str]] = {}
    app: ClassVar[App | None] = None
    token: ClassVar[Callable[..., TokenSet | Awaitable[TokenSet]] | None] = None
    since: ClassVar[timedelta] = timedelta(days=14)
    streams: ClassVar[Sequence[str]] = ()
    exempt: ClassVar[Mapping[str, str]] = {}
    seconds: ClassVar[float] = 120.0
    loopback: ClassVar[bool] = False
    error_replies: ClassVar[Sequence[str]] = ()
    many: ClassVar[int] = 1100

    whole_depth = True

    _shared: dict[Any, Any]
    _seed: int

    def expected_rows(self, world: WorldView, stream: str) -> int | None:
        """How many rows of the stream's main record the emulator's world holds; None when the author does not say."""
        return None

    # -- fixtures -----------------------------------------------------------------------------------------

    @pytest.fixture(autouse=True)
    def conformance_rule(
        self, request: pytest.FixtureRequest, conformance_memory: dict[Any, Any], monkeypatch: pytest.MonkeyPatch
    ) -> Iterator[None]:
        """Skip what the author exempts; keep everything else off the network."""
        name = request.function.__name__.removeprefix("test_")
        if name in self.exempt:
            pytest.skip(f"exempt: {self.exempt[name]}")
        self.whole_depth = request.config.getoption("--conformance-depth", default="whole") == "whole"
        self.prepare(conformance_memory, int(request.config.getoption("--conformance-seed", default=7)), monkeypatch)
        yield
        if self.outside and name != "only_declared_hosts_are_reached":
            pytest.fail(
                broken("only_declared_hosts_are_reached", f"the connector opened a socket to {self.outside[0]}")
            )

    def prepare(self, shared: dict[Any, Any], seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
        """What every rule needs before it runs."""
        self._shared = shared
        self._seed = seed if self.seed is None else self.seed
        self.untouched: State = shared.setdefault("untouched", shared_state(self.connector))
        self.outside: list[str] = []
        _stay_inside(monkeypatch, self.outside)

    # -- wiring -----------------------------------------------------------------------------------------

    @classmethod
    def wired(cls, connector: type[Connector], *, seed: int, since: timedelta) -> Wiring:
        """Everything filled in for a connector outside pytest."""
        suite: Foundation = type("Wired", (cls,), {"connector": connector, "since": since})()
        suite._seed = seed
        return suite.wiring()

    def wiring(self) -> Wiring:
        """Everything filled in."""
        info = self.connector.info
        world = self.world or small_world(self._seed)
        account = self.account if self.account is not None else self._account(world)
        emulator = type(self).emulator or load_emulator(info.emulator)
        settings = self.settings
        if settings is None:
            settings = {field.name: _filled_in(field, account) for field in info.settings if not field.secret}
        return Wiring(
            connector=self.connector,
            emulator=emulator,
            world=world,
            account=account,
            settings=settings,
            account_settings=self.account_settings,
            app=self.app or demo_app(self.connector),
            token=None if self.token is None else self.token,
            since=self.since,
            seconds=self.seconds,
            seed=self._seed,
        )

    def _account(self, world: WorldView) -> str:
        name = self.connector.info.name
        brands = [world.brand(self.brand)] if self.brand else world.brands
        return next((str(b.accounts[name]) for b in brands if b.accounts.get(name)), "")

    @asynccontextmanager
    async def bench(self, *scenarios: str) -> AsyncIterator[Bench]:
        """A fresh emulator with one grant."""
        async with Bench(self.wiring(), scenarios) as bench:
            yield bench

    # -- shared reads -----------------------------------------------------------------------------------------

    async def shared(self, key: Any, make: Callable[[], Awaitable[Any]]) -> Any:
        """The result of `make`, computed once a class. An error is remembered too: it is the same for every rule."""
        if key not in self._shared:
            try:
                self._shared[key] = await make()
            except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001  # raised again for each rule
                self._shared[key] = error
        found = self._shared[key]
        if isinstance(found, BaseException):
            raise found
        return found

    async def streams_to_read(self) -> list[Stream]:
        """The streams under test."""

        async def discover() -> list[Stream]:
            async with self.bench() as bench:
                found: list[Stream] = await bench.call(lambda connector, ctx: connector.discover(ctx))
            return [stream for stream in found if not self.streams or stream.name in self.streams]

        streams: list[Stream] = await self.shared("streams", discover)
        assert streams, broken("every_row_is_read", "discover() names no stream, so nothing can be read")
        return streams

    async def calm(self, stream: Stream) -> Reading:
        """A full read on a good day, which must end well."""

        async def read() -> Reading:
            async with self.bench() as bench:
                return await bench.read(stream)

        reading: Reading = await self.shared(("calm", stream.name), read)
        if reading.error is not None:
            bug = f"stream {stream.name!r}: on a good day the read ends with {describe(reading.error)}"
            pytest.fail(broken("every_row_is_read", bug))
        return reading

    async def whole(self, stream: Stream) -> dict[Key, Record]:
        """What a read from the platform's first day on brings."""

        async def read() -> dict[Key, Record]:
            async with self.bench() as bench:
                return (await bench.read(stream, since=bench.wiring.world.start)).state()

        found: dict[Key, Record] = await self.shared(("whole", stream.name), read)
        return found

    async def calm_readings(self) -> list[tuple[Stream, Reading]]:
        """Full reads of all streams."""
        return [(stream, await self.calm(stream)) for stream in await self.streams_to_read()]


def _filled_in(field: SettingField, account: str) -> str:
    return next((value for value in (account, "") if re.fullmatch(field.pattern, value)), field.example)


def demo_app(connector: type[Connector]) -> App:
    """The registration that emulators know."""
    return App(
        client_id="shelftide-demo",
        client_secret=f"{connector.info.platform}-demo-secret",
        redirect_uri="https://console.example/connect/callback",
        extra={"service_id": "7000000000000000001"},
    )


def describe(error: BaseException | None) -> str:
    """An error in one line; one that is not the SDK's with the place that raised it."""
    return "no error" if error is None else f"{type(error).__name__}: {str(error)[:300]}{_raised_at(error)}"


def _raised_at(error: BaseException) -> str:
    """The last step of the traceback in neither the SDK nor a library: the author's connector or emulator."""
    if isinstance(error, ConnectorError | EndlessReadError):
        return ""
    steps = traceback.extract_tb(error.__traceback__)
    theirs = [step for step in steps if not any(part in step.filename for part in _NOT_THE_AUTHORS)]
    return f" ({Path(theirs[-1].filename).name}, line {theirs[-1].lineno}, in {theirs[-1].name})" if theirs else ""


def _stay_inside(monkeypatch: pytest.MonkeyPatch, outside: list[str]) -> None:
    """Refuse and note every connection that does not go through the host's client."""
    connect, lookup = socket.socket.connect, socket.getaddrinfo

    def guarded_connect(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX and address[0] not in _LOOPBACK:
            outside.append(f"{address[0]}:{address[1]}")
            raise OSError(f"no network here: {address[0]}")
        connect(self, address)

    def guarded_lookup(host: Any, *rest: Any, **more: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name not in _LOOPBACK:
            outside.append(str(name))
            raise socket.gaierror(f"no network here: {name}")
        return lookup(host, *rest, **more)

    monkeypatch.setattr(socket.socket, "connect", guarded_connect)
    monkeypatch.setattr(socket, "getaddrinfo", guarded_lookup)


def load_connector(path: str) -> type[Connector]:
    """The class behind `package.module:Class`. Raises LookupError."""
    module, _, name = path.partition(":")
    found = getattr(__import__(module, fromlist=[name]), name, None)
    if not (inspect.isclass(found) and issubclass(found, Connector)):
        raise LookupError(f"{path!r} is not a Connector")
    return found
