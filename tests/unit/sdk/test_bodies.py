"""Bodies of replies: packed well or badly, and JSON that says too much."""

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from decimal import Decimal

import httpx2
import pytest
import stamina

from shelftide_sdk import (
    API_VERSION,
    App,
    Connector,
    ConnectorInfo,
    Context,
    Cursor,
    Health,
    HealthState,
    Page,
    Stream,
    TokenSet,
)
from shelftide_sdk.bodies import UnreadableError, read_json, unpacked
from shelftide_sdk.errors import ContractError, TransientError
from shelftide_sdk.hosts import Routes
from shelftide_sdk.http import FixedCredentials, PlatformClient

URL = "https://api.example.com/v1/orders"
TEXT = b'{"rows":[' + b",".join(b'{"id":%d}' % n for n in range(5000)) + b"]}"


@pytest.fixture(autouse=True)
def impatient() -> Iterator[None]:
    with stamina.set_testing(True, attempts=2, cap=True):
        yield


async def body(*chunks: bytes, packing: str = "gzip") -> bytes:
    async def sent() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    response = httpx2.Response(200, headers={"content-encoding": packing}, content=sent())
    return b"".join([piece async for piece in unpacked(response)])


def bare(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize(
    ("packing", "packed"),
    [
        ("gzip", gzip.compress(TEXT)),
        ("X-GZIP, identity", gzip.compress(TEXT)),
        ("deflate", zlib.compress(TEXT)),
        ("deflate", bare(TEXT)),
        ("identity", TEXT),
        ("", TEXT),
        ("gzip", gzip.compress(TEXT) + b"\0" * 7),
        ("gzip", gzip.compress(TEXT[:900]) + gzip.compress(TEXT[900:])),
    ],
)
async def test_what_was_packed_comes_back_whole(packing: str, packed: bytes) -> None:
    assert await body(packed, packing=packing) == TEXT
    assert await body(*(packed[n : n + 1] for n in range(len(packed))), packing=packing) == TEXT


@pytest.mark.parametrize(
    "packed",
    [TEXT, gzip.compress(TEXT)[:-1], gzip.compress(TEXT)[:40], b"\x1f\x8b\x08\x00garbage", gzip.compress(TEXT) + b"x"],
    ids=["plain", "cut-by-one", "cut-early", "garbage", "garbage-behind"],
)
async def test_broken_packing_is_named_and_never_a_shorter_body(packed: bytes) -> None:
    with pytest.raises(TransientError, match=r"compression|cut"):
        await body(packed)


async def test_an_empty_body_is_no_broken_packing() -> None:
    assert await body() == b""


@pytest.mark.parametrize("packing", ["br", "zstd", "gzip, gzip", "snappy"])
async def test_a_packing_that_was_not_asked_for_is_refused(packing: str) -> None:
    with pytest.raises(ContractError, match="not asked for"):
        await body(TEXT, packing=packing)


async def test_a_bomb_comes_in_small_pieces() -> None:
    bomb = gzip.compress(bytes(64 * 2**20))
    response = httpx2.Response(200, headers={"content-encoding": "gzip"}, content=_once(bomb))
    sizes = [len(piece) async for piece in unpacked(response)]
    assert max(sizes) <= 64 * 2**10
    assert sum(sizes) == 64 * 2**20


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data


def test_fractions_are_exact_and_a_field_named_twice_alike_is_harmless() -> None:
    assert read_json(b'\xef\xbb\xbf{"a": 0.1, "a": 0.10, "b": 1e400}') == {"a": Decimal("0.1"), "b": Decimal("1E+400")}


@pytest.mark.parametrize("text", [b'{"id": 1, "id": 2}', b'[{"x": {"a": null, "b": 1, "a": "1"}}]'])
def test_a_field_named_twice_with_two_values_is_refused(text: bytes) -> None:
    with pytest.raises(ContractError, match="twice"):
        read_json(text)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"\xff",
        b'{"a\xed\xa0\x80": 1}',
        b'{"a": 1' + b"0" * 5000 + b"}",
        b"<html>",
        b"{}{}",
    ],
)
def test_what_is_no_json_is_named(text: bytes) -> None:
    with pytest.raises(UnreadableError, match="JSON"):
        read_json(text)


# -- over a real wire ----------------------------------------------------------------------------------------------


async def over_a_wire(wire: bytes) -> tuple[PlatformClient, asyncio.Server]:
    """A client and a server that writes `wire` to whoever asks, and hangs up."""

    async def write(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(wire)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(write, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    credentials = FixedCredentials(App(client_id="a", client_secret="b", redirect_uri=""), TokenSet(access_token="t"))
    client = PlatformClient(
        Plain,
        credentials=credentials,
        settings={},
        clock=Clock(),
        routes=Routes({"api.example.com": f"http://127.0.0.1:{port}"}),
    )
    return client, server


class Plain(Connector):
    info = ConnectorInfo(
        name="plain", title="Plain", platform="plain", api_requires=API_VERSION, hosts=("api.example.com",)
    )

    async def check(self, ctx: Context) -> Health:
        return Health(state=HealthState.OK)

    async def read(self, ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
        yield Page()


class Clock:
    def now(self) -> datetime:
        return datetime(2026, 3, 2, 9, tzinfo=UTC)


_ZIPPED = gzip.compress(b'{"a":1}\n{"b":2}\n')


@pytest.mark.parametrize("way", ["get", "lines"])
@pytest.mark.parametrize(
    "wire",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n" + b'{"a":1}\n{"b":2}\n',
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n" + b'{"a":1}\n' + b"\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n" + b'{"a":1}\n' + b"\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 9\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % (len(_ZIPPED) - 9) + _ZIPPED[:-9],
        b"\x00\xff nothing of HTTP\r\n\r\n",
        b"",
    ],
    ids=["too-short", "chunk-cut", "no-chunk-size", "negative", "two-lengths", "gzip-cut", "no-http", "hung-up"],
)
async def test_a_body_that_the_wire_cuts_is_never_taken_for_whole(wire: bytes, way: str) -> None:
    client, server = await over_a_wire(wire)
    async with server, client:
        with pytest.raises(TransientError):
            await (client.get(URL) if way == "get" else _drain(client.lines(URL)))


async def test_a_body_longer_than_its_length_ends_where_it_was_said() -> None:
    client, server = await over_a_wire(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}more")
    async with server, client:
        assert (await client.get(URL)).content == b"{}"


async def _drain(lines: AsyncIterator[bytes]) -> None:
    async for _ in lines:
        pass
