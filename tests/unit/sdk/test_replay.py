"""The fast path: what an emulator answered once comes back as the same bytes, and nothing else does."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from shelftide_sdk.errors import DataError
from shelftide_sdk.testing.emulator import Request, Response, reply
from shelftide_sdk.testing.replay import STATE_PATH, Recorder, Tape, serve

HOST = "shop.example"


def ask(body: object = None, *, path: str = "/orders", method: str = "POST", query: str = "") -> Request:
    pairs = tuple(tuple(pair.split("=")) for pair in query.split("&") if pair)
    content = json.dumps(body).encode() if body is not None else b""
    return Request(method=method, host=HOST, path=path, query=pairs, headers={}, body=content)  # type: ignore[arg-type]  # pairs of two


async def counting(request: Request) -> Response:
    """Answers with what it was asked; `/broken` fails."""
    if request.path == "/broken":
        return reply({"error": "no"}, 503)
    return reply({"asked": request.json(), "query": request.query}, headers={"x-version": "7"})


@pytest.fixture
async def tape() -> Tape:
    recorder = Recorder(counting, Tape(ignore=("variables.first",)))
    for after in (None, "a", "b"):
        await recorder.handle(ask({"query": "Orders", "variables": {"first": 8, "after": after}}))
    await recorder.handle(ask(method="GET", path="/file", query="signature=s&part=1"))
    await recorder.handle(ask(path="/broken"))
    return recorder.tape


@pytest.fixture
async def client(tape: Tape, tmp_path: Path) -> AsyncIterator[httpx2.AsyncClient]:
    tape.save(tmp_path / "pages.tape")
    server, port = await serve(Tape.load(tmp_path / "pages.tape"))
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers={"Host": HOST}) as found:
        yield found
    server.close()
    await server.wait_closed()


def test_a_failure_is_not_kept(tape: Tape) -> None:
    assert len(tape) == 4
    assert tape.find(ask(path="/broken")) is None


async def test_each_request_gets_its_own_reply_with_status_and_headers(client: httpx2.AsyncClient) -> None:
    for after in (None, "a", "b", "a"):
        body = {"query": "Orders", "variables": {"first": 8, "after": after}}
        found = await client.post("/orders", json=body)
        assert (found.status_code, found.headers["x-version"]) == (200, "7")
        assert found.json()["asked"] == body


async def test_neither_the_order_of_members_nor_the_page_size_matters(client: httpx2.AsyncClient) -> None:
    found = await client.post("/orders", json={"variables": {"after": "b", "first": 250}, "query": "Orders"})
    assert found.json()["asked"]["variables"]["after"] == "b"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/orders", {"query": "Orders", "variables": {"first": 8, "after": "c"}}),
        ("/orders", {"query": "Other", "variables": {"first": 8, "after": "a"}}),
        ("/others", {"query": "Orders", "variables": {"first": 8, "after": "a"}}),
    ],
)
async def test_what_was_never_answered_is_missed_and_counted(
    client: httpx2.AsyncClient, path: str, body: object
) -> None:
    assert (await client.post(path, json=body)).status_code == 404
    state = (await client.get(STATE_PATH)).json()
    assert (state["requests"], state["missed"]) == (1, 1)


async def test_another_host_is_another_request(client: httpx2.AsyncClient) -> None:
    assert (await client.get("/file?part=1&signature=s")).status_code == 200
    assert (await client.get("/file?part=1&signature=s", headers={"Host": "else.example"})).status_code == 404
    assert (await client.get(f"/_as/{HOST}/file?part=1&signature=s", headers={"Host": "else"})).status_code == 200


async def test_a_request_may_arrive_in_pieces_and_two_at_once(tape: Tape) -> None:
    server, port = await serve(tape)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    wire = f"GET /file?signature=s&part=1 HTTP/1.1\r\nHost: {HOST}:80\r\n\r\n".encode() * 2
    for start in range(0, len(wire), 7):
        writer.write(wire[start : start + 7])
        await writer.drain()
        await asyncio.sleep(0)
    expected = bytes(tape.find(ask(method="GET", path="/file", query="signature=s&part=1")) or b"")
    assert await asyncio.wait_for(reader.readexactly(2 * len(expected)), 5) == expected * 2
    writer.close()
    server.close()


async def test_a_body_without_a_length_is_refused(tape: Tape) -> None:
    server, port = await serve(tape)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST /orders HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
    assert (await asyncio.wait_for(reader.read(), 5)).startswith(b"HTTP/1.1 411 ")
    writer.close()
    server.close()


@pytest.mark.parametrize("size", [0, 5, 40, -1])
def test_a_cut_file_is_refused(tape: Tape, tmp_path: Path, size: int) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    tape.save(whole)
    cut.write_bytes(whole.read_bytes()[:size])
    with pytest.raises(DataError, match="cut"):
        Tape.load(cut)
