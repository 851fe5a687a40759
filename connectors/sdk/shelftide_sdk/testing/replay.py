"""The fast path of a simulator: replies rendered once, then served as bytes.

An emulator works out every reply, which makes it true and slow. A `Recorder` in front of one keeps what it answered on
a `Tape`; `serve` plays the tape back. So a benchmark reads the platform's real wire from a source that is never the
bottleneck.

A reply is found by method, host, path, query and body. Headers do not count: a tape asks nobody for a token. Nothing
moves either: the same request gets the same bytes for ever. What is not on the tape is answered 404.

Example:
    python -m shelftide_sdk.testing.replay pages.tape --port 8801
"""

import argparse
import asyncio
import re
import struct
from collections.abc import Awaitable, Callable, Mapping, Sequence
from hashlib import blake2b
from http import HTTPStatus
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit

import msgspec

from shelftide_sdk.errors import DataError
from shelftide_sdk.testing.emulator import Request, Response

_AS = re.compile(r"/_as/([^/]+)(/.*)?")
_LENGTH = struct.Struct("<Q")
_HEAD_LIMIT = 64 * 2**10
STATE_PATH = "/_replay/state"


class Tape:
    """Replies by request.

    `ignore` names members of JSON bodies that do not count, as dotted paths: `variables.first` makes every page size
    get the page that was recorded.
    """

    def __init__(self, ignore: Sequence[str] = ()) -> None:
        self.ignore = tuple(ignore)
        self._replies: dict[bytes, bytes | memoryview] = {}

    def __len__(self) -> int:
        return len(self._replies)

    @property
    def size(self) -> int:
        """Bytes of all replies with their heads."""
        return sum(map(len, self._replies.values()))

    def key(self, request: Request) -> bytes:
        """What a request is found by."""
        query = sorted(request.query)
        body = _essence(request.body, self.ignore)
        parts = [request.method, request.host.lower(), request.path, query, body]
        return blake2b(msgspec.json.encode(parts), digest_size=16).digest()

    def add(self, request: Request, response: Response) -> None:
        """Keep a reply; one to the same request goes."""
        self._replies[self.key(request)] = render(response)

    def find(self, request: Request) -> bytes | memoryview | None:
        """The reply as it goes over the wire, head included, or None."""
        return self._replies.get(self.key(request))

    def save(self, path: Path) -> None:
        """Write the tape: length of the index, index, replies."""
        places, start = {}, 0
        for key, reply in self._replies.items():
            places[key] = (start, len(reply))
            start += len(reply)
        index = msgspec.msgpack.encode((self.ignore, places))
        with path.open("wb") as file:
            file.write(_LENGTH.pack(len(index)) + index)
            file.writelines(self._replies.values())

    @classmethod
    def load(cls, path: Path) -> "Tape":
        """Read a tape. Raises DataError for a file that is none, or that was cut."""
        data = memoryview(path.read_bytes())
        try:
            (length,) = _LENGTH.unpack_from(data)
            start = _LENGTH.size + length
            index = data[_LENGTH.size : start]
            ignore, places = msgspec.msgpack.decode(index, type=tuple[tuple[str, ...], dict[bytes, tuple[int, int]]])
        except (struct.error, msgspec.MsgspecError) as error:
            raise DataError(f"{path.name} is not a tape: {error}") from error
        if start + sum(size for _, size in places.values()) != len(data):
            raise DataError(f"{path.name} was cut")
        tape = cls(ignore)
        tape._replies = {key: data[start + at : start + at + size] for key, (at, size) in places.items()}
        return tape


def _essence(body: bytes, ignore: Sequence[str]) -> Any:
    try:
        value = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return body
    for path in ignore:
        *parents, last = path.split(".")
        holder = value
        for name in parents:
            holder = holder.get(name) if isinstance(holder, dict) else None
        if isinstance(holder, dict):
            holder.pop(last, None)
    return msgspec.json.encode(value, order="sorted")


def render(response: Response) -> bytes:
    """A reply as bytes of HTTP/1.1."""
    lines = [f"HTTP/1.1 {response.status} {HTTPStatus(response.status).phrase}"]
    lines += [f"{name}: {value}" for name, value in response.headers]
    lines += [f"content-length: {len(response.body)}", "", ""]
    return "\r\n".join(lines).encode("latin-1") + response.body


class Recorder:
    """Keeps what a handler (an emulator's `handle`) answers. Errors are not kept: a tape shows the good case."""

    def __init__(self, handle: Callable[[Request], Awaitable[Response]], tape: Tape) -> None:
        self._handle = handle
        self.tape = tape

    async def handle(self, request: Request) -> Response:
        """Answer and keep."""
        response = await self._handle(request)
        if response.status == HTTPStatus.OK:
            self.tape.add(request, response)
        return response


class Counts(msgspec.Struct, kw_only=True):
    """What a server has done, at `/_replay/state`. `missed` requests were not on the tape."""

    requests: int = 0
    missed: int = 0
    bytes: int = 0


class _Connection(asyncio.Protocol):
    """One keep-alive connection, requests one after the other."""

    def __init__(self, tape: Tape, counts: Counts) -> None:
        self._tape = tape
        self._counts = counts
        self._buffer = bytearray()
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports write, but do not derive from asyncio's class.
        self._transport = cast(asyncio.WriteTransport, transport)

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].decode("latin-1")
            headers = _headers(head)
            length = headers.get("content-length", "0")
            if not length.isdigit() or "transfer-encoding" in headers:
                self._refuse(HTTPStatus.LENGTH_REQUIRED)
                return
            stop = end + 4 + int(length)
            if len(self._buffer) < stop:
                return
            body = bytes(self._buffer[end + 4 : stop])
            del self._buffer[:stop]
            self._transport.write(self._answer(_request(head, headers, body)))
        if len(self._buffer) > _HEAD_LIMIT:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def _answer(self, request: Request) -> bytes | memoryview:
        if request.path == STATE_PATH:
            return render(Response(body=msgspec.json.encode(self._counts)))
        self._counts.requests += 1
        found = self._tape.find(request)
        if found is None:
            self._counts.missed += 1
            told = {"error": f"not on the tape: {request.method} {request.host}{request.path}"}
            return render(Response(status=HTTPStatus.NOT_FOUND, body=msgspec.json.encode(told)))
        self._counts.bytes += len(found)
        return found

    def _refuse(self, status: HTTPStatus) -> None:
        assert self._transport is not None
        self._transport.write(render(Response(status=status)))
        self._transport.close()


def _headers(head: str) -> dict[str, str]:
    pairs = (line.partition(":") for line in head.split("\r\n")[1:])
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _request(head: str, headers: Mapping[str, str], body: bytes) -> Request:
    method, _, rest = head.partition("\r\n")[0].partition(" ")
    target = urlsplit(rest.rpartition(" ")[0])
    host, path = headers.get("host", "").partition(":")[0], target.path
    prefixed = _AS.fullmatch(path)
    if prefixed:
        host, path = prefixed[1], prefixed[2] or "/"
    query = tuple(parse_qsl(target.query, keep_blank_values=True))
    return Request(method=method, host=host, path=path, query=query, headers=headers, body=body)


async def serve(tape: Tape, port: int = 0) -> tuple[asyncio.Server, int]:
    """Play a tape on loopback; port 0 takes a free one. Returns the running server and its port."""
    counts = Counts()
    server = await asyncio.get_running_loop().create_server(
        lambda: _Connection(tape, counts), "127.0.0.1", port, backlog=1024
    )
    return server, server.sockets[0].getsockname()[1]


async def play(path: Path, port: int = 0) -> None:
    """Serve a tape's file until cancelled; prints the address once it answers."""
    server, found = await serve(Tape.load(path), port)
    print(f"http://127.0.0.1:{found}", flush=True)
    await server.serve_forever()


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Serve pre-rendered replies of a platform on loopback.")
    parser.add_argument("tape", type=Path)
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    asyncio.run(play(options.tape, options.port))


if __name__ == "__main__":
    main()
