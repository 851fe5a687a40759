"""The transport on a real socket: every framing of RFC 9112, and what a broken or hostile server sends."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from shelftide_sdk import transport
from shelftide_sdk.transport import DirectTransport, ProxiedTransport, make_transport

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


class Server:
    """Answers each request with the next of its replies; an empty one closes the connection without a word."""

    def __init__(self) -> None:
        self.replies: list[bytes] = []
        self.closing = False
        self.silent = False
        self.late = b""
        self.heads: list[bytes] = []
        self.bodies: list[bytes] = []
        self.connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.heads.append(head)
                length = next((int(h[15:]) for h in head.lower().split(b"\r\n") if h.startswith(b"content-length:")), 0)
                self.bodies.append(await reader.readexactly(length))
                if self.silent:
                    await asyncio.sleep(5)
                reply = self.replies.pop(0) if self.replies else OK
                if not reply:
                    break
                writer.write(reply)
                await writer.drain()
                if self.late:
                    await asyncio.sleep(0.05)
                    late, self.late = self.late, b""
                    writer.write(late)
                if self.closing:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


class Line:
    """A transport and the server that it talks to."""

    def __init__(self, server: Server, port: int) -> None:
        self.server = server
        self.url = f"http://127.0.0.1:{port}/a?b=c"
        self.transport = DirectTransport()

    async def ask(self, method: str = "GET", read: float = 5.0, **parts: Any) -> tuple[int, bytes]:
        """Status and body."""
        seconds = httpx2.Timeout(5.0, read=read).as_dict()
        request = httpx2.Request(method, self.url, extensions={"timeout": seconds}, **parts)
        response = await self.transport.handle_async_request(request)
        try:
            return response.status_code, b"".join([piece async for piece in response.aiter_raw()])
        finally:
            await response.aclose()


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    server = Server()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    found = Line(server, listening.sockets[0].getsockname()[1])
    yield found
    await found.transport.aclose()
    listening.close()
    await listening.wait_closed()


def chunked(*parts: bytes, trailers: bytes = b"") -> bytes:
    chunks = b"".join(b"%x;x=y\r\n%b\r\n" % (len(part), part) for part in parts)
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n" + trailers + b"\r\n"


async def test_a_request_is_written_whole_and_a_connection_serves_many(line: Line) -> None:
    assert await line.ask("POST", content=b"body", headers={"X-Shop": "one"}) == (200, b"ok")
    assert await line.ask() == (200, b"ok")
    first = line.server.heads[0].split(b"\r\n")
    assert first[0] == b"POST /a?b=c HTTP/1.1"
    assert {b"Content-Length: 4", b"X-Shop: one"} <= set(first)
    assert line.server.bodies == [b"body", b""]
    assert line.server.connections == 1


@pytest.mark.parametrize(
    ("reply", "body"),
    [
        (chunked(b"ab", b"c" * 5000), b"ab" + b"c" * 5000),
        (chunked(b"ab", trailers=b"x: y\r\n"), b"ab"),
        (b"HTTP/1.1 103 Early\r\nlink: x\r\n\r\n" + OK, b"ok"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"HTTP/1.1 304 Not Modified\r\ncontent-length: 900\r\n\r\n", b""),
        (b"HTTP/1.1 200\r\ncontent-length: 2, 2\r\n\r\nok", b"ok"),
        (b"HTTP/1.1 200 OK\ncontent-length: 2\nx: a\n b\n\nok", b"ok"),
        (b"HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 2\r\n\r\nok", b"ok"),
    ],
)
async def test_a_reply_ends_where_its_framing_says_and_the_connection_goes_on(
    line: Line, reply: bytes, body: bytes
) -> None:
    line.server.replies = [reply]
    assert (await line.ask())[1] == body
    assert await line.ask() == (200, b"ok")
    assert line.server.connections == 1


async def test_the_head_of_a_page_has_no_body(line: Line) -> None:
    line.server.replies = [b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n"]
    assert await line.ask("HEAD") == (200, b"")
    assert await line.ask() == (200, b"ok")
    assert line.server.connections == 1


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok",
        OK + b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nforged",
        b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    ],
)
async def test_a_connection_that_may_hold_anothers_reply_is_not_used_again(line: Line, reply: bytes) -> None:
    line.server.replies = [reply, OK]
    assert await line.ask() == (200, b"ok")
    assert await line.ask() == (200, b"ok")
    assert line.server.connections == 2


async def test_a_body_without_a_length_ends_with_the_connection(line: Line) -> None:
    line.server.replies, line.server.closing = [b"HTTP/1.1 200 OK\r\n\r\nto the end"], True
    assert await line.ask() == (200, b"to the end")


async def test_a_reply_that_was_not_read_to_its_end_costs_the_connection(line: Line) -> None:
    whole = chunked(b"a" * 10, OK)
    cut = whole.index(b"a" * 10) + 10  # nothing lies in memory when it is given up; the rest comes later
    line.server.replies, line.server.late = [whole[:cut]], whole[cut:]
    request = httpx2.Request("GET", line.url, extensions={"timeout": httpx2.Timeout(5.0).as_dict()})
    response = await line.transport.handle_async_request(request)
    async for _ in response.aiter_raw():
        break
    await response.aclose()
    assert await line.ask() == (200, b"ok")
    assert line.server.connections == 2


async def test_a_connection_that_the_server_closed_meanwhile_is_not_used_again(line: Line) -> None:
    line.server.closing = True
    assert await line.ask() == (200, b"ok")
    await asyncio.sleep(0.05)
    assert await line.ask() == (200, b"ok")
    assert line.server.connections == 2


async def test_a_connection_that_was_idle_for_long_is_not_used_again(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "_IDLE_SECONDS", 0.0)
    assert await line.ask() == (200, b"ok")
    await asyncio.sleep(0.01)
    assert await line.ask() == (200, b"ok")
    assert line.server.connections == 2


async def test_a_large_body_comes_whole_and_waits_for_a_slow_reader(line: Line) -> None:
    size = 6 * 2**20
    line.server.replies = [b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size + bytes(size)]
    request = httpx2.Request("GET", line.url, extensions={"timeout": httpx2.Timeout(5.0).as_dict()})
    response = await line.transport.handle_async_request(request)
    await asyncio.sleep(0.2)
    held = len(response.stream._wire.buffer)  # type: ignore[union-attr]  # how much lies in memory
    got = sum([len(piece) async for piece in response.aiter_raw()])
    await response.aclose()
    assert got == size
    assert held < 3 * 2**20


BROKEN = {
    "not HTTP": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "another protocol": b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n",
    "a header without a colon": b"HTTP/1.1 200 OK\r\nnonsense\r\n\r\n",
    "a space before the colon": b"HTTP/1.1 200 OK\r\ncontent-length : 2\r\n\r\nok",
    "a control character": b"HTTP/1.1 200 OK\r\nx: a\rb\r\ncontent-length: 2\r\n\r\nok",
    "two lengths": b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok!",
    "a negative length": b"HTTP/1.1 200 OK\r\ncontent-length: -2\r\n\r\nok",
    "an unknown coding": b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n",
    "no size of a chunk": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0x2\r\nok\r\n0\r\n\r\n",
    "a chunk that is longer": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok!!\r\n0\r\n\r\n",
    "a head without an end": b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 20_000,
    "cut in the head": b"HTTP/1.1 200 OK\r\nx: ",
    "cut in the body": b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok",
    "cut in a chunk": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\nok",
    "silence": b"",
}


@pytest.mark.parametrize("broken", BROKEN)
async def test_what_is_no_reply_is_a_protocol_error_and_never_a_reply(line: Line, broken: str) -> None:
    line.server.replies, line.server.closing = [BROKEN[broken]], True
    with pytest.raises((httpx2.RemoteProtocolError, httpx2.ReadError)):
        await line.ask()
    line.server.closing = False
    assert await line.ask() == (200, b"ok")


async def test_a_server_that_falls_silent_is_given_up(line: Line) -> None:
    line.server.silent = True
    with pytest.raises(httpx2.ReadTimeout):
        await line.ask(read=0.05)


async def test_nobody_at_the_other_end_is_a_connect_error() -> None:
    listening = await asyncio.start_server(lambda r, w: None, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    listening.close()
    await listening.wait_closed()
    request = httpx2.Request("GET", f"http://127.0.0.1:{port}/", extensions={"timeout": httpx2.Timeout(2.0).as_dict()})
    with pytest.raises(httpx2.ConnectError):
        await DirectTransport().handle_async_request(request)


@pytest.mark.parametrize("headers", [{"X-A": "b\r\nX-C: d"}, {"X-A": "b\0"}, {"X A": "b"}])
async def test_a_header_cannot_become_another_request(line: Line, headers: dict[str, str]) -> None:
    with pytest.raises(httpx2.LocalProtocolError):
        await line.ask(headers=headers)
    assert line.server.heads == []


@pytest.fixture
async def secure(tmp_path: Path) -> AsyncIterator[tuple[int, Path]]:
    """A TLS server that calls itself localhost: its port, and its certificate."""
    key, name = (
        ec.generate_private_key(ec.SECP256R1()),
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")]),
    )
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (tmp_path / "key.pem").write_bytes(key.private_bytes(*form))
    (tmp_path / "certificate.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "certificate.pem", tmp_path / "key.pem")
    listening = await asyncio.start_server(Server().serve, "127.0.0.1", 0, ssl=context)
    yield listening.sockets[0].getsockname()[1], tmp_path / "certificate.pem"
    listening.close()
    await listening.wait_closed()


@pytest.mark.parametrize(
    ("trusted", "host", "good"), [(True, "localhost", True), (True, "127.0.0.1", False), (False, "localhost", False)]
)
async def test_only_a_trusted_certificate_of_the_right_name_is_spoken_to(
    secure: tuple[int, Path], monkeypatch: pytest.MonkeyPatch, trusted: bool, host: str, good: bool
) -> None:
    port, certificate = secure
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    transport._tls.cache_clear()
    line = Line(Server(), port)
    line.url = f"https://{host}:{port}/"
    if good:
        assert [await line.ask(), await line.ask()] == [(200, b"ok")] * 2
    else:
        with pytest.raises(httpx2.ConnectError, match=r"certificate|CERTIFICATE"):
            await line.ask()
    await line.transport.aclose()
    transport._tls.cache_clear()


def test_proxies_of_the_environment_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("no_proxy", "localhost")
    assert isinstance(make_transport(), DirectTransport)
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:3128")
    assert isinstance(make_transport(), ProxiedTransport)
