"""Whatever a connector does, the host lives on: loading, reading and the client hold."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from importlib.metadata import EntryPoint
from types import ModuleType
from typing import Any

import httpx2
import msgspec
import pytest
from tests.connectors.hostile import connector as hostile
from tests.connectors.hostile.connector import Honest
from tests.connectors.hostile.platform import HOST
from tests.connectors.hostile.test_conformance_names_faults import FAULTS, KINDS, suite_of

from shelftide.core.errors import NotFoundError
from shelftide.ingest.registry import load_plugins
from shelftide_sdk import (
    App,
    Connector,
    ConnectorError,
    ContractError,
    Page,
    TokenSet,
    TransientError,
    hookimpl,
)
from shelftide_sdk.http import FixedCredentials, PlatformClient
from shelftide_sdk.installed import Installed
from shelftide_sdk.reading import guarded
from shelftide_sdk.testing.conformance import Bench

_STOPPED_BY_THE_CLOCK = {"HangingRead", "SleepsForEver"}
_PAGES = 3_000


async def drain(pages: AsyncIterator[Page]) -> list[Page]:
    found = []
    async for page in pages:
        found.append(page)
        assert len(found) < _PAGES, "the host would read for ever"
    return found


@pytest.mark.parametrize("fault", sorted(set(FAULTS) - _STOPPED_BY_THE_CLOCK))
async def test_reading_ends_with_pages_or_an_error_of_the_sdk(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    suite = suite_of(KINDS[fault], monkeypatch)
    async with Bench(suite.wiring()) as bench:
        monkeypatch.setattr(asyncio, "sleep", bench.clock.sleep)
        stream = bench.wiring.connector.streams[0]
        for cursor in (None, {"updated_at": "2026-02-20T00:00:00+00:00"}, {"updated_at": "nonsense"}):
            try:
                pages = await drain(guarded(bench.wiring.connector().read(bench.context(), stream, cursor), "acme"))
            except ConnectorError:
                continue
            assert all(isinstance(page, Page) for page in pages)


@pytest.mark.parametrize("fault", sorted(_STOPPED_BY_THE_CLOCK))
async def test_a_hanging_read_can_be_cancelled(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    suite = suite_of(KINDS[fault], monkeypatch)
    async with Bench(suite.wiring()) as bench:
        reading = drain(guarded(KINDS[fault]().read(bench.context(), Honest.streams[0], None), "acme"))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reading, 0.05)


@pytest.mark.parametrize("fault", ["EndlessLoop", "SamePageForEver"])
async def test_a_read_that_does_not_move_is_ended(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    suite = suite_of(KINDS[fault], monkeypatch)
    async with Bench(suite.wiring()) as bench:
        with pytest.raises(ContractError, match="does not move"):
            await drain(guarded(KINDS[fault]().read(bench.context(), Honest.streams[0], None), "acme"))


async def test_empty_pages_for_ever_are_ended() -> None:
    async def empty() -> AsyncIterator[Page]:
        while True:
            yield Page()

    with pytest.raises(ContractError, match="does not move"):
        async for _ in guarded(empty(), "acme"):
            pass


async def test_an_own_exception_gets_a_name() -> None:
    async def read() -> AsyncIterator[Page]:
        yield Page()
        raise hostile.OwnError("inside")

    with pytest.raises(ContractError, match="OwnError: inside"):
        await drain(guarded(read(), "acme"))


class Loaded:
    """An entry point's target."""

    def __init__(self, name: str, **attributes: Any) -> None:
        self.module = ModuleType(name)
        for key, value in attributes.items():
            setattr(self.module, key, value)
        self.entry = EntryPoint(name=name, value=name, group="shelftide")


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Callable[..., EntryPoint]:
    def put(name: str, **attributes: Any) -> EntryPoint:
        loaded = Loaded(name, **attributes)
        monkeypatch.setitem(sys.modules, name, loaded.module)
        return loaded.entry

    return put


def registering(*found: Any) -> Any:
    @hookimpl
    def register_connectors() -> list[type[Connector]]:
        return list(found)

    return register_connectors


def raising() -> Any:
    @hookimpl
    def register_connectors() -> list[type[Connector]]:
        raise hostile.OwnError("in the hook")

    return register_connectors


def mistyped() -> Any:
    @hookimpl
    def register_conectors() -> list[type[Connector]]:
        return []

    return register_conectors


@pytest.mark.parametrize("load", [lambda entries: load_plugins(entries=entries), Installed])
def test_every_broken_plugin_is_listed_and_stops_no_other(load: Any, install: Any) -> None:
    entries = [
        EntryPoint(name="a-absent", value="hostile_plugin_that_is_absent", group="shelftide"),
        install("b_raises", register_connectors=raising()),
        install("c_not_a_class", register_connectors=registering("Honest")),
        install("d_future", register_connectors=registering(hostile.FutureApi)),
        install("e_mistyped", register_conectors=mistyped()),
        install("f_honest", register_connectors=registering(Honest)),
        install("g_twin_streams", register_connectors=registering(hostile.TwinStreams)),
        install("h_twins", register_connectors=registering(hostile.FloatMoney, hostile.NaiveTime)),
    ]
    registry = load(entries)
    errors = {plugin.distribution: plugin.error for plugin in registry.plugins}
    assert list(registry.connectors) == ["hostile"]
    assert errors.pop("f_honest") == ""
    assert "ModuleNotFoundError" in errors["a-absent"]
    assert "OwnError: in the hook" in errors["b_raises"]
    assert "not a Connector class" in errors["c_not_a_class"]
    assert "SDK API" in errors["d_future"]
    assert "register_conectors" in errors["e_mistyped"]
    assert "declares a stream twice" in errors["g_twin_streams"]
    assert "two connectors of one name" in errors["h_twins"]
    assert {plugin.state for plugin in registry.plugins if plugin.error} == {"broken"}


def test_a_plugin_that_raises_at_import_is_listed(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "hostile_at_import.py").write_text("raise ValueError('boom at import')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    entry = EntryPoint(name="x", value="hostile_at_import", group="shelftide")
    assert load_plugins(entries=[entry]).plugins[0].error == "ValueError: boom at import"


@pytest.mark.parametrize("load", [lambda entries: load_plugins(entries=entries), Installed])
def test_a_second_connector_of_one_name_is_refused(load: Any, install: Any) -> None:
    entries = [
        install("first", register_connectors=registering(Honest)),
        install("second", register_connectors=registering(hostile.FloatMoney)),
    ]
    registry = load(entries)
    assert registry.connectors == {"hostile": Honest}
    assert "already registered by first" in registry.plugins[1].error


def test_only_allowed_distributions_are_even_imported(install: Any) -> None:
    entries = [
        install("allowed", register_connectors=registering(Honest)),
        EntryPoint(name="other", value="hostile_plugin_that_is_absent", group="shelftide"),
    ]
    assert [plugin.name for plugin in load_plugins(["allowed"], entries).plugins] == ["allowed"]
    assert [plugin.name for plugin in load_plugins([], entries).plugins] == ["allowed", "other"]


def test_an_unknown_connector_is_refused_with_the_names_that_there_are(install: Any) -> None:
    registry = load_plugins(entries=[install("only", register_connectors=registering(Honest))])
    assert registry.connector("hostile") is Honest
    with pytest.raises(NotFoundError, match="'absent'") as caught:
        registry.connector("absent")
    assert caught.value.hint == "Installed: hostile."


class Flood(httpx2.AsyncByteStream):
    """A reply of a gigabyte; counts what was taken of it."""

    def __init__(self) -> None:
        self.taken = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        chunk = b"x" * 2**20
        for _ in range(1024):
            self.taken += len(chunk)
            yield chunk


async def test_a_reply_of_a_gigabyte_ends_early(monkeypatch: pytest.MonkeyPatch) -> None:
    flood = Flood()
    transport = httpx2.MockTransport(lambda request: httpx2.Response(200, stream=flood))
    async with client(monkeypatch, transport) as found:
        with pytest.raises(ContractError, match="64 MB"):
            await found.get(f"https://{HOST}/orders")
    assert flood.taken < 70 * 2**20


async def test_a_line_without_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    flood = Flood()
    transport = httpx2.MockTransport(lambda request: httpx2.Response(200, stream=flood))
    async with client(monkeypatch, transport) as found:
        with pytest.raises(ContractError, match="16 MB"):
            async for _ in found.lines(f"https://{HOST}/file"):
                pass
    assert flood.taken < 20 * 2**20


def client(monkeypatch: pytest.MonkeyPatch, transport: Any) -> PlatformClient:
    wiring = suite_of(Honest, monkeypatch).wiring()
    credentials = FixedCredentials(
        App(client_id="", client_secret="", redirect_uri=""), TokenSet(access_token="a-token")
    )
    clock = Bench(wiring).clock
    return PlatformClient(Honest, credentials=credentials, settings={}, clock=clock, transport=transport)


async def test_a_cut_reply_is_retried_later() -> None:
    async def read() -> AsyncIterator[Page]:
        yield Page(records=[msgspec.json.decode(b'{"cut')])

    with pytest.raises(TransientError):
        await drain(guarded(read(), "acme"))
