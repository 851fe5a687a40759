"""Whatever is wrong with the arguments of `connector`: one JSON object on stderr, nothing on stdout, exit 2 or 3."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner, Result
from tests.connectors.hostile.connector import Honest

from shelftide_sdk.commands import connector

READ = ["read", "hostile", "--stream", "orders", "--out", "o.jsonl"]
FILES = {
    "broken.json": b"{broken",
    "bytes.json": b"\xff\xfe",
    "list.json": b"[]",
    "unknown.json": b'{"setings": {}}',
    "number.json": b'{"settings": {"shop": 5}}',
    "token.json": b'{"token": {"access_token": 5}}',
    "naive.json": b'{"now": "2026-03-02T09:00:00"}',
    "good.json": b'{"token": {"access_token": "t"}}',
}
# arguments, exit code, kind, a word of the message
WRONG: dict[str, tuple[list[str], str, str]] = {
    "an unknown connector": (["read", "nope", *READ[2:]], "configuration", "nope"),
    "an unknown stream": (["read", "hostile", "--stream", "nope", "--out", "o"], "configuration", "it has orders"),
    "an absent config": ([*READ, "--config", "absent.json"], "configuration", "absent.json cannot be read"),
    "a folder as config": ([*READ, "--config", "."], "configuration", "cannot be read"),
    **{
        f"a config of {name}": ([*READ, "--config", name], "configuration", word)
        for name, word in {
            "broken.json": "malformed",
            "bytes.json": "malformed",
            "list.json": "got `array`",
            "unknown.json": "setings",
            "number.json": "Expected `str`",
            "token.json": "Expected `str`",
            "naive.json": "no time zone",
        }.items()
    },
    "an out that cannot be": ([*READ[:-1], "/nowhere/o.jsonl"], "configuration", "cannot be written"),
    "a folder as out": ([*READ[:-1], "."], "configuration", "cannot be written"),
    "a base that is no address": ([*READ, "--base-url", "nonsense"], "configuration", "no address of a server"),
    "another protocol": ([*READ, "--base-url", "ftp://127.0.0.1"], "configuration", "no address of a server"),
    "a port that there is not": ([*READ, "--base-url", "http://127.0.0.1:99999"], "configuration", "no address"),
    "a cursor that is no JSON": ([*READ, "--cursor", "{bad"], "configuration", "not a JSON object"),
    "a cursor that is a list": ([*READ, "--cursor", "[1]"], "configuration", "not a JSON object"),
    "a cursor of another day": ([*READ, "--cursor", '{"updated_at": "yesterday"}'], "configuration", "'yesterday'"),
    "a missing option": (["read", "hostile", "--stream", "orders"], "usage", "--out"),
    "an unknown command": (["dance"], "usage", "dance"),
    "a name that is none": (["new", "Bad Name"], "configuration", "Bad Name"),
    "a folder that cannot be": (["new", "fine", "--into", "/proc/nowhere"], "configuration", "cannot be written"),
    "a check of nobody": (["check", "nope"], "configuration", "nope"),
    "streams of a broken config": (["discover", "hostile", "--config", "broken.json"], "configuration", "malformed"),
    "a test of nobody": (["test", "nope"], "configuration", "nope"),
    "somebody else's file": (["run", "hostile", "--emulated", "--to", "list.json"], "configuration", "left alone"),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> Result:
    registry = SimpleNamespace(plugins=(), connectors={"hostile": Honest})
    return CliRunner().invoke(connector(lambda: registry), [*arguments, "--json"])


@pytest.mark.parametrize("case", WRONG)
@pytest.mark.usefixtures("folder")
def test_wrong_use_is_one_json_object_and_exit_code_2(case: str) -> None:
    arguments, kind, word = WRONG[case]
    done = run(*arguments)
    assert (done.exit_code, done.stdout) == (2, ""), done.output
    body = json.loads(done.stderr)
    assert body.keys() == {"error", "message", "hint"}
    assert (body["error"], word in body["message"], bool(body["hint"])) == (kind, True, True), body


def test_a_file_of_somebody_elses_is_left_as_it_was(folder: Path) -> None:
    assert run("run", "hostile", "--emulated", "--to", "broken.json").exit_code == 2
    assert (folder / "broken.json").read_bytes() == FILES["broken.json"]


@pytest.fixture
def deaf() -> Iterator[str]:
    """An address of this machine where nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}"


@pytest.mark.usefixtures("folder")
def test_a_server_that_is_away_ends_with_3_and_nothing_on_stdout(deaf: str) -> None:
    done = run(*READ, "--config", "good.json", "--base-url", deaf)
    assert (done.exit_code, done.stdout) == (3, "")
    assert json.loads(done.stderr)["error"] == "transient"
