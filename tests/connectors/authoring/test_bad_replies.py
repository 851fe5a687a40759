"""`connector read` over a server whose replies are bad: exit 3, one JSON object, no traceback, nowhere else."""

import json
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner, Result
from tests.connectors.hostile.connector import Honest

from shelftide_sdk.commands import connector

GOOD = {
    "id": "o-1",
    "was": None,
    "placed": "2026-03-01T10:00:00+00:00",
    "changed": "2026-03-01T11:00:00+00:00",
    "total": "10.50",
    "currency": "EUR",
    "status": "PAID",
}


def http(body: bytes, status: str = "200 OK", *headers: str, length: int | None = None) -> bytes:
    """A reply as bytes."""
    size = len(body) if length is None else length
    lines = [f"HTTP/1.1 {status}", "content-type: application/json", f"content-length: {size}", *headers]
    return "\r\n".join([*lines, "connection: close", "", ""]).encode() + body


def orders(*rows: object) -> bytes:
    return json.dumps({"orders": rows, "next_token": None}).encode()


ENDLESS = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n"
BAD = {
    "an error body": (http(b'{"errors": [{"code": "X"}]}', "400 Bad Request"), "contract"),
    "an error with HTTP 200": (http(b'{"error": "no"}'), "contract"),
    "JSON that was cut": (http(orders(GOOD)[:40]), "transient"),
    "a body shorter than promised": (http(orders(GOOD), length=5000), "transient"),
    "another type": (http(b'{"orders": {"a": 1}}'), "contract"),
    "a scalar": (http(b"17"), "contract"),
    "a page of HTML": (http(b"<html>Sign in</html>"), "transient"),
    "nothing": (http(b""), "transient"),
    "bytes that are no text": (http(b"\xff\xfe\x00{"), "transient"),
    "compression that is none": (http(b"not gzip at all", "200 OK", "content-encoding: gzip"), "transient"),
    "a redirect to another host": (http(b"", "302 Found", "location: http://127.0.0.1:1/elsewhere"), "contract"),
    "a redirect to itself": (http(b"", "307 Temporary Redirect", "location: /orders"), "contract"),
    "no HTTP": (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "transient"),
    "a refusal": (http(b"{}", "403 Forbidden"), "authorization"),
    "an endless body": (ENDLESS, "contract"),
}


class Replayer(socketserver.ThreadingTCPServer):
    """Answers everything with the same bytes."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.asked: list[str] = []
        super().__init__(("127.0.0.1", 0), Answer)


class Answer(socketserver.StreamRequestHandler):
    """One request."""

    server: Replayer

    def handle(self) -> None:
        self.server.asked.append(self.rfile.readline().decode("latin-1").strip())
        while self.rfile.readline() not in (b"\r\n", b""):
            pass
        try:
            self.wfile.write(self.server.answer)
            while self.server.answer == ENDLESS:
                self.wfile.write(b"[" * 2**20)
        except OSError:
            return  # the client has heard enough


@pytest.fixture
def answering(request: pytest.FixtureRequest) -> Iterator[Replayer]:
    with Replayer(request.param) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def read(server: Replayer, out: Path) -> Result:
    registry = SimpleNamespace(plugins=(), connectors={"hostile": Honest})
    port = server.server_address[1]
    config = out.with_suffix(".config")
    config.write_text('{"token": {"access_token": "t"}, "now": "2026-03-02T09:00:00Z"}')
    arguments = ["read", "hostile", "--stream", "orders", "--base-url", f"http://127.0.0.1:{port}", "--json"]
    return CliRunner().invoke(connector(lambda: registry), [*arguments, "--config", str(config), "--out", str(out)])


@pytest.mark.parametrize(("answering", "kind"), BAD.values(), ids=BAD, indirect=["answering"])
def test_a_bad_reply_ends_with_3_and_a_name(answering: Replayer, kind: str, tmp_path: Path) -> None:
    done = read(answering, tmp_path / "out.jsonl")
    assert done.exit_code == 3, done.output
    told = json.loads(done.stderr)
    assert (set(told), told["error"]) == ({"error", "message", "hint"}, kind), told
    assert "Traceback" not in done.output
    assert all("/orders?" in line for line in answering.asked), answering.asked


@pytest.mark.parametrize("answering", [http(orders(GOOD, {**GOOD, "id": ""}, 17, None))], indirect=True)
def test_rows_that_make_no_sense_stand_beside_the_good_one(answering: Replayer, tmp_path: Path) -> None:
    done = read(answering, tmp_path / "out.jsonl")
    assert done.exit_code == 0, done.output
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [next(iter(line)) for line in lines] == ["record", "quarantined", "quarantined", "quarantined", "cursor"]
    assert lines[0]["data"]["total"] == {"amount": "10.50", "currency": "EUR"}
    assert lines[-1]["requests"] == 1
