"""Bodies of replies: unpacked in small pieces, and read as JSON without guessing."""

import json
import zlib
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from decimal import Decimal
from typing import Any

import httpx2

from shelftide_sdk.errors import ContractError, TransientError

_PIECE = 64 * 2**10
_GZIP, _ZLIB, _BARE = 31, 15, -15


class UnreadableError(ValueError):
    """A text that is no JSON."""


def read_json(content: bytes | str) -> Any:
    """A JSON text, its fractions as exact Decimals.

    NaN and Infinity are read as floats, which no mapping takes for an amount or a count: one row goes to quarantine and
    not its whole page.

    Raises:
        UnreadableError: it is cut, not UTF-8, not JSON, nested too deep, or holds a number of thousands of digits.
        ContractError: an object names a field twice with two values (RFC 8259, 4: what then holds is anyone's guess).
    """
    try:
        # Left to itself, json lets halves of surrogate pairs through where bytes hold them.
        text = content if isinstance(content, str) else content.decode(json.detect_encoding(content))
        return json.loads(text, parse_float=Decimal, object_pairs_hook=_object)
    except RecursionError as error:
        raise UnreadableError("the JSON text is nested too deep") from error
    except ValueError as error:
        raise UnreadableError(f"not JSON: {error}") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        for name, value in pairs:
            if found[name] != value:
                raise ContractError(f"a reply names the field {name[:80]!r} twice with two values")
    return found


async def unpacked(response: httpx2.Response) -> AsyncGenerator[bytes, None]:
    """The body as it arrives, unpacked in pieces of at most 64 KiB however well it is packed.

    Raises:
        TransientError: the packing is broken or cut.
        ContractError: a packing that was not asked for.
    """
    if response.is_stream_consumed:  # it came whole, as a transport in memory gives it
        yield response.content
        return
    packing = _Packing(response.headers.get_list("content-encoding", split_commas=True))
    async with aclosing(response.aiter_raw()) as chunks:
        async for chunk in chunks:
            for piece in packing.open(chunk):
                yield piece
    packing.close()


class _Packing:
    """What `Content-Encoding` names: gzip in one or more members (RFC 1952, 2.2), deflate, or nothing."""

    def __init__(self, encodings: Sequence[str]) -> None:
        named = [name.strip().lower() for name in encodings]
        asked = [name for name in named if name not in ("", "identity")]
        if len(asked) > 1 or any(name not in ("gzip", "x-gzip", "deflate") for name in asked):
            raise ContractError(f"the reply is packed in a way that was not asked for: {', '.join(asked)[:80]!r}")
        self._name = asked[0] if asked else ""
        self._unpacker: Any = None

    def open(self, chunk: bytes) -> Iterator[bytes]:
        """What `chunk` adds, in pieces."""
        if not self._name:
            yield chunk
            return
        try:
            while chunk:
                if self._unpacker is None or self._unpacker.eof:
                    if self._unpacker is not None and not chunk.strip(b"\0"):
                        return  # padding after the last member
                    self._unpacker = zlib.decompressobj(self._window(chunk))
                yield self._unpacker.decompress(chunk, _PIECE)
                chunk = self._unpacker.unused_data if self._unpacker.eof else self._unpacker.unconsumed_tail
        except zlib.error as error:
            raise TransientError("the reply's compression is broken") from error

    def _window(self, chunk: bytes) -> int:
        if self._name != "deflate":
            return _GZIP
        # RFC 9110, 8.4.1.2: deflate is zlib's form, but some send the bare stream.
        return _ZLIB if chunk[0] & 0x0F == 8 else _BARE

    def close(self) -> None:
        """The body has ended. Raises TransientError when its packing has not."""
        if self._unpacker is not None and not self._unpacker.eof:
            raise TransientError("the reply is cut inside its compression")
