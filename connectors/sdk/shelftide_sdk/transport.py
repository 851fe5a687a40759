"""HTTP/1.1 for a connector's client: thousands of plain exchanges over a few connections that stay open.

`httpx2`'s own transport does much more (HTTP/2, proxies, trio, upgrades) and takes most of a sync's time. This one
sends a request, reads its reply, and keeps the connection. Source: RFC 9112. What a platform may send wrong ends in one
of `httpx2`'s transport errors, and never in somebody else's reply: a connection whose reply was not read to its end, or
that holds bytes nobody asked for, is closed.
"""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Callable
from functools import cache
from typing import Any, cast
from urllib.request import getproxies

import httpx2

_IDLE_SECONDS = 30.0
_IDLE_CONNECTIONS = 16
_HEAD_LIMIT = 64 * 2**10
_BUFFER_LIMIT = 2**20
_WHOLE = 2**19  # a body up to this size is handed on in one piece
_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")
_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9][0-9])(?: [^\r\n\0]*)?")
_TOKEN = re.compile(rb"[-!#$%&'*+.^_`|~0-9A-Za-z]+")
_FORBIDDEN = re.compile(rb"[\r\n\0]")
_BLANK = re.compile(rb"[\x00-\x20]")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?")
Header = tuple[bytes, bytes]


def make_transport() -> httpx2.AsyncBaseTransport:
    """The transport of this process: through the proxies that the environment names, else straight."""
    return ProxiedTransport() if getproxies().keys() & {"http", "https", "all"} else DirectTransport()


class ProxiedTransport(httpx2.AsyncBaseTransport):
    """Whatever `httpx2` makes of HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY."""

    def __init__(self) -> None:
        self._client = httpx2.AsyncClient(follow_redirects=False)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request; the reply's body is still to be read."""
        return await self._client.send(request, stream=True)

    async def aclose(self) -> None:
        """Close connections."""
        await self._client.aclose()


class DirectTransport(httpx2.AsyncBaseTransport):
    """HTTP/1.1 over connections of its own."""

    def __init__(self) -> None:
        self._idle: dict[tuple[str, str, int], list[_Wire]] = {}

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request; the reply's body is still to be read, and to be closed.

        Raises:
            httpx2.TransportError: the connection cannot be made, breaks, is silent too long, or speaks no HTTP.
        """
        seconds = request.extensions.get("timeout", {})
        sent = _written(request, await request.aread())
        url = request.url
        origin = (url.scheme, url.raw_host.decode("ascii"), url.port or (443 if url.scheme == "https" else 80))
        wire = self._open(origin) or await _connect(origin, seconds.get("connect"))
        wire.patience = seconds.get("read")
        try:
            await wire.send(sent, seconds.get("write"))
            version, status, headers = await wire.head()
            framing = _Framing(request.method, version, status, headers)
        except BaseException:
            wire.abort()
            raise
        body = _Body(wire, framing, lambda: self._give_back(origin, wire))
        return httpx2.Response(status, headers=headers, stream=body, request=request)

    def _open(self, origin: tuple[str, str, int]) -> "_Wire | None":
        """A connection that is still open, the last used first."""
        waiting = self._idle.get(origin, [])
        while waiting:
            wire = waiting.pop()
            if wire.usable():
                return wire
            wire.abort()
        return None

    def _give_back(self, origin: tuple[str, str, int], wire: "_Wire") -> None:
        waiting = self._idle.setdefault(origin, [])
        if len(waiting) >= _IDLE_CONNECTIONS or not wire.usable():
            wire.abort()
            return
        waiting.append(wire)

    async def aclose(self) -> None:
        """Close the connections that nobody uses."""
        for waiting in self._idle.values():
            for wire in waiting:
                wire.abort()
        self._idle.clear()


class _Wire(asyncio.Protocol):
    """One connection: what has come and was not read yet."""

    def __init__(self) -> None:
        self.buffer = bytearray()
        self.patience: float | None = None
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._error: Exception | None = None
        self._ended = False
        self._paused = False
        self._used_at = 0.0
        self._waiter: asyncio.Future[None] | None = None
        self._writable = asyncio.Event()
        self._writable.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports read and write, but do not derive from asyncio's class.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if len(self.buffer) > _BUFFER_LIMIT and not self._paused:
            assert self._transport is not None
            self._transport.pause_reading()
            self._paused = True
        self._wake()

    def eof_received(self) -> None:
        self._ended = True
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended = True
        self._error = exc
        self._writable.set()
        self._wake()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def usable(self) -> bool:
        """Whether a further request may be sent: open, not idle for too long, and silent."""
        old = self._used_at and self._loop.time() - self._used_at > _IDLE_SECONDS
        return not (self._ended or self.buffer or old)

    def abort(self) -> None:
        """Close at once."""
        self._ended = True
        if self._transport is not None:
            self._transport.abort()

    async def send(self, data: bytes, seconds: float | None) -> None:
        """Write, waiting where the other side is slow."""
        assert self._transport is not None
        self._transport.write(data)
        if self._writable.is_set():
            return
        try:
            async with asyncio.timeout(seconds):
                await self._writable.wait()
        except TimeoutError as error:
            raise httpx2.WriteTimeout("the request was not taken in time") from error

    async def more(self) -> bool:
        """Wait for more bytes; False at the end. Raises ReadTimeout, ReadError."""
        if self._ended:
            if self._error is not None:
                raise httpx2.ReadError(f"the connection broke: {type(self._error).__name__}") from self._error
            return False
        if self._paused:
            assert self._transport is not None
            self._transport.resume_reading()
            self._paused = False
        before = len(self.buffer)
        self._waiter = self._loop.create_future()
        try:
            async with asyncio.timeout(self.patience):
                await self._waiter
        except TimeoutError as error:
            raise httpx2.ReadTimeout("the platform fell silent") from error
        finally:
            self._waiter = None
        return len(self.buffer) > before or await self.more()

    async def need(self) -> None:
        """As `more`, where the end would come too soon."""
        if not await self.more():
            raise httpx2.RemoteProtocolError("the connection ended in the middle of a reply")

    def take(self, size: int) -> bytes:
        """The first bytes of what has come."""
        taken = bytes(self.buffer[:size])
        del self.buffer[:size]
        return taken

    async def line(self) -> bytes:
        """A line without its end."""
        while (end := self.buffer.find(b"\n")) < 0:
            if len(self.buffer) > _HEAD_LIMIT:
                raise httpx2.RemoteProtocolError("a line is too long")
            await self.need()
        return self.take(end + 1).rstrip(b"\r\n")

    async def head(self) -> tuple[int, int, list[Header]]:
        """Minor version, status and headers of the reply; interim replies (1xx) are passed over."""
        while True:
            while (found := _END_OF_HEAD.search(self.buffer)) is None:
                if len(self.buffer) > _HEAD_LIMIT:
                    raise httpx2.RemoteProtocolError("the head of the reply is too long")
                await self.need()
            version, status, headers = _parsed(self.take(found.end())[: found.start()])
            if status == 101:
                raise httpx2.RemoteProtocolError("the platform changed the protocol unasked")
            if status >= 200:
                return version, status, headers

    def rest_from_now(self) -> None:
        """An exchange is over: the connection is idle from now on."""
        self._used_at = self._loop.time()


class _Framing:
    """Where a reply's body ends (RFC 9112, 6.3), and whether the connection may be used again."""

    def __init__(self, method: str, version: int, status: int, headers: list[Header]) -> None:
        found: dict[bytes, list[bytes]] = {}
        for name, value in headers:
            found.setdefault(name.lower(), []).append(value)
        said = b",".join(found.get(b"connection", [])).lower()
        codings = b",".join(found.get(b"transfer-encoding", [])).strip().lower()
        lengths = {part.strip() for value in found.get(b"content-length", []) for part in value.split(b",")}
        self.chunked = False
        self.length: int | None = None
        if method == "HEAD" or status in (204, 304):
            self.length = 0
        elif codings:
            if codings != b"chunked":
                raise httpx2.RemoteProtocolError(f"a transfer coding that was not asked for: {codings[:60]!r}")
            self.chunked = True
        elif lengths:
            self.length = _length(lengths)
        closing = b"close" in said or (version == 0 and b"keep-alive" not in said)
        ambiguous = bool(codings and lengths)
        self.lasting = not closing and not ambiguous and (self.chunked or self.length is not None)


def _length(lengths: set[bytes]) -> int:
    (text, *others) = lengths
    if others or not text.isdigit() or len(text) > 18:
        raise httpx2.RemoteProtocolError("the reply's length cannot be read")
    return int(text)


class _Body(httpx2.AsyncByteStream):
    """A reply's body as it comes."""

    def __init__(self, wire: _Wire, framing: _Framing, give_back: Callable[[], None]) -> None:
        self._wire = wire
        self._framing = framing
        self._give_back = give_back
        self._whole = False
        self._closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        framing = self._framing
        if framing.chunked:
            pieces = self._chunks()
        elif framing.length is None:
            pieces = self._to_the_end()
        else:
            pieces = self._sized(framing.length)
        async for piece in pieces:
            yield piece
        self._whole = True

    async def _sized(self, left: int) -> AsyncIterator[bytes]:
        wire = self._wire
        while left:
            while len(wire.buffer) < min(left, _WHOLE):
                await wire.need()
            piece = wire.take(left)
            left -= len(piece)
            yield piece

    async def _chunks(self) -> AsyncIterator[bytes]:
        wire = self._wire
        while True:
            line = await wire.line()
            size = _CHUNK_SIZE.fullmatch(line)
            if size is None:
                raise httpx2.RemoteProtocolError(f"not the size of a chunk: {line[:60]!r}")
            left = int(size[1], 16)
            if not left:
                while await wire.line():  # trailers are of no use here
                    pass
                return
            async for piece in self._sized(left):
                yield piece
            if await wire.line():
                raise httpx2.RemoteProtocolError("a chunk is longer than it says")

    async def _to_the_end(self) -> AsyncIterator[bytes]:
        wire = self._wire
        while wire.buffer or await wire.more():
            yield wire.take(len(wire.buffer))

    async def aclose(self) -> None:
        """Keep the connection if the reply was read to its end, else close it."""
        if self._closed:
            return
        self._closed = True
        if self._whole and self._framing.lasting:
            self._wire.rest_from_now()
            self._give_back()
        else:
            self._wire.abort()


async def _connect(origin: tuple[str, str, int], seconds: float | None) -> _Wire:
    scheme, host, port = origin
    secure: dict[str, Any] = {"ssl": _tls(), "server_hostname": host} if scheme == "https" else {}
    try:
        async with asyncio.timeout(seconds):
            _, wire = await asyncio.get_running_loop().create_connection(_Wire, host, port, **secure)
    except TimeoutError as error:
        raise httpx2.ConnectTimeout(f"{host} does not answer") from error
    except OSError as error:  # ssl.SSLError is one
        raise httpx2.ConnectError(f"{host} cannot be reached: {error}") from error
    return wire


@cache
def _tls() -> ssl.SSLContext:
    context = httpx2.create_ssl_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


def _written(request: httpx2.Request, content: bytes) -> bytes:
    """A request as bytes. Raises LocalProtocolError for what would become another request on the wire."""
    lines = [b"%b %b HTTP/1.1" % (request.method.encode("ascii"), request.url.raw_path)]
    for name, value in request.headers.raw:
        if not _TOKEN.fullmatch(name) or _FORBIDDEN.search(value):
            raise httpx2.LocalProtocolError(f"a header cannot be written: {name[:60]!r}")
        lines.append(b"%b: %b" % (name, value))
    if not _TOKEN.fullmatch(request.method.encode("ascii")) or _BLANK.search(request.url.raw_path):
        raise httpx2.LocalProtocolError("the request line cannot be written")
    return b"\r\n".join([*lines, b"", content])


def _parsed(head: bytes) -> tuple[int, int, list[Header]]:
    first, *lines = [line.removesuffix(b"\r") for line in head.lstrip(b"\r\n").split(b"\n")]
    start = _STATUS_LINE.fullmatch(first)
    if start is None:
        raise httpx2.RemoteProtocolError(f"not HTTP: {first[:60]!r}")
    headers: list[Header] = []
    for line in lines:
        if line[:1] in (b" ", b"\t") and headers:  # a folded line (RFC 9112, 5.2)
            name, value = headers.pop()
            headers.append((name, value + b" " + line.strip()))
            continue
        name, colon, value = line.partition(b":")
        if not colon or not _TOKEN.fullmatch(name) or _FORBIDDEN.search(value):
            raise httpx2.RemoteProtocolError(f"not a header: {line[:60]!r}")
        headers.append((name, value.strip()))
    return int(start[1]), int(start[2]), headers
