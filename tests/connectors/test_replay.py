"""`connector read` with the configurations of docs/connectors/replay.md: every stream of every connector."""

import asyncio
import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import stamina
from click.testing import CliRunner, Result
from tests.connectors.authoring.test_bad_replies import Replayer, http
from tests.connectors.test_scenarios import WITHOUT, suite_of

from shelftide_amazon.seller import AmazonSeller
from shelftide_sdk.commands import connector as command
from shelftide_sdk.connector import Connector, Stream
from shelftide_sdk.testing.conformance import Bench
from shelftide_xiaohongshu.ark import XiaohongshuArk

PAGE = (Path(__file__).parents[2] / "docs" / "connectors" / "replay.md").read_text()
# A calm world deletes nothing. A settlement is closed after two weeks.
WITHOUT_ROWS = {("shopify", "deletions")}
SINCE = {"amazon-sp": timedelta(days=45), "xiaohongshu-ark": timedelta(days=14)}


def documented(name: str) -> dict[str, Any]:
    """The configuration that the page gives for a connector."""
    found = re.search(rf"^\S.*\(`{name}`(?:.*\n)+?\n((?:    .*\n)+)", PAGE, re.MULTILINE)
    assert found, f"the page has no configuration for {name}"
    config: dict[str, Any] = json.loads(found[1])
    return config


def at_the_emulator(config: Mapping[str, Any], bench: Bench) -> dict[str, Any]:
    """The page's configuration with this world's account, token and days in the places of its placeholders.

    A name that the page does not give is not added: the read lacks it, as it would for a reader of the page.
    """
    real = dict(bench.settings)
    app = {key: getattr(bench.wiring.app, key) for key in config.get("app", {})}
    world, name = bench.wiring.world, bench.wiring.connector.info.name
    for brand in [each for each in world.brands if each.accounts.get(name)][:1]:
        real["competitors"] = ", ".join(each.handle for each in world.competitors(brand.key))
    settings = {key: real.get(key) or value for key, value in config["settings"].items()}
    days = {
        "since": (world.now - SINCE.get(name, timedelta(days=7))).isoformat(),
        "now": world.now.isoformat(),
    }
    return {
        "settings": settings,
        "app": app,
        "token": {"access_token": bench.credentials.token.access_token},
        **{key: days[key] for key in days if key in config},
    }


@contextmanager
def unhurried(bench: Bench) -> Iterator[None]:
    """What the command sleeps for passes at once, by the emulator's clock; the server's loop goes on in real time."""
    sleep, home = asyncio.sleep, threading.get_ident()

    async def passing(seconds: float, result: Any = None) -> Any:
        if threading.get_ident() == home:
            return await sleep(seconds, result)
        bench.clock.slept.append(seconds)
        return await sleep(0, result)

    asyncio.sleep = passing  # type: ignore[assignment]  # the same shape
    try:
        with stamina.set_testing(True, attempts=5, cap=True):
            yield
    finally:
        asyncio.sleep = sleep


def read(cls: type[Connector], stream: str, port: int, config: Path, out: Path) -> Result:
    registry = SimpleNamespace(plugins=(), connectors={cls.info.name: cls})
    where = ["--base-url", f"http://127.0.0.1:{port}", "--config", str(config), "--out", str(out), "--json"]
    return CliRunner().invoke(command(lambda: registry), ["read", cls.info.name, "--stream", stream, *where])


def judged(stream: Stream, done: Result, out: Path, *, empty: bool) -> str:
    """What is wrong with a read, or nothing."""
    if done.exit_code != 0:
        return f"exit {done.exit_code}: {done.stderr[:300]}"
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    kinds = {line["record"] for line in lines if "record" in line}
    if any("quarantined" in line for line in lines):
        return "rows in quarantine on a good day"
    if stream.record.__name__ not in kinds and not empty:
        return f"no {stream.record.__name__} among {sorted(kinds)}"
    return "" if lines[-1]["requests"] else "no request"


@pytest.mark.parametrize("cls", WITHOUT, ids=lambda cls: cls.info.name)
async def test_every_stream_is_read_with_the_documented_configuration(
    cls: type[Connector], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, name = tmp_path / "config.json", cls.info.name
    wrong: dict[str, str] = {}
    async with Bench(suite_of(cls, monkeypatch).wiring()) as bench:
        config.write_text(json.dumps(at_the_emulator(documented(name), bench)))
        async with bench.over_loopback() as port:
            for stream in cls.streams:
                out = tmp_path / f"{stream.name}.jsonl"
                with unhurried(bench):
                    done = await asyncio.to_thread(read, cls, stream.name, port, config, out)
                wrong[stream.name] = judged(stream, done, out, empty=(name, stream.name) in WITHOUT_ROWS)
    assert {stream: fault for stream, fault in wrong.items() if fault} == {}


# -- a server that gives what was recorded, by path -------------------------------------------------------------------

PLACES = {"total": 1, "warehouseList": [{"code": "w1", "name": "Ningbo"}]}


def from_recording(
    answer: bytes, tmp_path: Path, cls: type[Connector], stream: str, **config: str
) -> tuple[Result, list[dict[str, Any]]]:
    path, out = tmp_path / "config.json", tmp_path / "out.jsonl"
    path.write_text(json.dumps({**documented(cls.info.name), **config}))
    with Replayer(answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        done = read(cls, stream, server.server_address[1], path, out)
        server.shutdown()
    return done, [json.loads(line) for line in out.read_text().splitlines()] if out.exists() else []


def test_a_clock_of_another_zone_is_the_same_moment(tmp_path: Path) -> None:
    answer = http(json.dumps({"success": True, "error_code": 0, "data": PLACES}).encode())
    now = {"since": "2026-06-01T08:00:00+08:00", "now": "2026-06-20T20:00:00+08:00"}
    done, lines = from_recording(answer, tmp_path, XiaohongshuArk, "locations", **now)
    assert done.exit_code == 0, done.stderr
    assert lines[0]["key"] == {"source_id": "w1"}


@pytest.mark.parametrize("name", ["since", "now"])
def test_a_clock_without_a_zone_is_a_wrong_configuration(name: str, tmp_path: Path) -> None:
    done, _ = from_recording(http(b"{}"), tmp_path, XiaohongshuArk, "locations", **{name: "2026-06-20T12:00:00"})
    assert (done.exit_code, json.loads(done.stderr)["message"]) == (2, f"{name} has no time zone.")


def test_the_platforms_own_words_say_why_a_token_is_refused(tmp_path: Path) -> None:
    refused = {"errors": [{"code": "Unauthorized", "message": "Access to requested resource is denied."}]}
    answer = http(json.dumps(refused).encode(), "403 Forbidden")
    done, _ = from_recording(answer, tmp_path, AmazonSeller, "stock")
    told = json.loads(done.stderr)
    assert (done.exit_code, told["error"]) == (3, "authorization")
    assert "denied" in told["message"]


def test_a_row_that_is_no_object_is_named_so(tmp_path: Path) -> None:
    places = {**PLACES, "total": 3, "warehouseList": [*PLACES["warehouseList"], None, 17]}  # type: ignore[misc]  # rows
    answer = http(json.dumps({"success": True, "error_code": 0, "data": places}).encode())
    done, lines = from_recording(answer, tmp_path, XiaohongshuArk, "locations")
    assert done.exit_code == 0
    reasons = [line["reason"] for line in lines if "quarantined" in line]
    assert reasons == ["a row is no object: None", "a row is no object: 17"]
