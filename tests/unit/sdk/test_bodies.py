"""Bodies of replies: packed well or badly, and JSON that says too much."""

import gzip
import zlib
from collections.abc import AsyncIterator
from decimal import Decimal

import httpx2
import pytest

from shelftide_sdk.bodies import read_json, unpacked
from shelftide_sdk.errors import ContractError, TransientError

TEXT = b'{"rows":[' + b",".join(b'{"id":%d}' % n for n in range(5000)) + b"]}"


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
    [b"", b"{", b"[" * 100_000, b'{"a":' * 100_000, b"\xff", b'{"a": 1' + b"0" * 5000 + b"}", b"<html>", b"{}{}"],
)
def test_what_is_no_json_is_a_value_error(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        read_json(text)
