"""Ten thousand malformed replies over all streams: quarantined or classified, nobody dies, memory is bounded."""

import random
import resource
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import httpx2
import msgspec
import pytest
from tests.connectors.test_scenarios import WITHOUT, suite_of
from tests.durability.figures import Figures

from shelftide_sdk.auth import App, TokenSet
from shelftide_sdk.connector import Connector, days
from shelftide_sdk.errors import ContractError
from shelftide_sdk.http import FixedCredentials, PlatformClient
from shelftide_sdk.testing.conformance import Bench
from shelftide_sdk.testing.conformance.bench import FakeClock
from shelftide_sdk.testing.conformance.faults import Fault, Memory, Wire, leaves
from shelftide_sdk.testing.conformance.trouble import survival_bug
from shelftide_sdk.testing.shapes import decode, encode, row_lists

pytestmark = [pytest.mark.evidence, pytest.mark.timeout(1500)]
REPLIES = 10_000
APP = App(client_id="a", client_secret="b", redirect_uri="")
_STRANGE: tuple[Any, ...] = (
    None, True, -1, 0, 10**40, -0.0, 1e308, "", " ", "\x00", "ÿ" * 300, "1e9999", "NaN", "null", [], {}, [[]], {"": {}}
)  # fmt: skip


def _cut(body: bytes, chance: random.Random) -> bytes:
    return body[: chance.randrange(len(body))] if body else b"{"


def _bad_utf8(body: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(body) + 1)
    return body[:at] + chance.choice([b"\xff", b"\xc3\x28", b"\xed\xa0\x80", b"\x80" * 9]) + body[at:]


def _other(body: bytes, chance: random.Random) -> bytes:
    return chance.choice(
        [b"", b"null", b"[]", b"{}", b'"ok"', b"<html><body>busy</body></html>", b"[" * 50_000, b'{"data":' * 9_000,
         b"\x1f\x8b\x08\x00garbage", b"-", b"NaN", b'{"a":1}' * 3, b"\xef\xbb\xbf{}", b"x" * 2**20]
    )  # fmt: skip


def _wrong_value(body: bytes, chance: random.Random) -> bytes:
    """A strange value in one field of each row."""
    value, lines = decode(body)
    rows = [row for found in row_lists(value) for row in found if isinstance(row, dict)]
    for row in rows:
        holder, key, _ = chance.choice(list(leaves(row)) or [(row, "", "")])
        holder[key] = chance.choice(_STRANGE)
    return encode(value, lines) if rows else body[1:]


def _missing(body: bytes, chance: random.Random) -> bytes:
    """Rows that are no objects, or without one of their plain fields (an empty list may be left out by right)."""
    value, lines = decode(body)
    lists = [found for found in row_lists(value) if found]
    for found in lists:
        for number, row in enumerate(found):
            plain = (
                [key for key, inner in row.items() if not isinstance(inner, dict | list)]
                if isinstance(row, dict)
                else []
            )
            if isinstance(row, dict) and plain and chance.random() < 0.8:
                del row[chance.choice(plain)]
            else:
                found[number] = chance.choice(_STRANGE)
    return encode(value, lines) if lists else body[1:]


def _safe(change: Callable[[bytes, random.Random], bytes]) -> Callable[[bytes, random.Random], bytes]:
    """Damages by shape need JSON; another body is cut."""

    def damage(body: bytes, chance: random.Random) -> bytes:
        try:
            return change(body, chance)
        except (ValueError, msgspec.DecodeError, TypeError):
            return _cut(body, chance)

    return damage


DAMAGES = [_cut, _bad_utf8, _other, _safe(_wrong_value), _safe(_missing)]


class Malformed:
    """A platform that sends malformed replies from a random one on; counts them."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.sent = 0

    def fault(self, replies: int) -> Fault:
        """One read's damage: of one reply, or of all from there on."""
        first, all_after = self.chance.randrange(replies), self.chance.random() < 0.3

        def damage(wire: Wire, memory: Memory) -> Wire:
            if wire.number < first or (wire.number > first and not all_after):
                return wire
            self.sent += 1
            return msgspec.structs.replace(wire, body=self.chance.choice(DAMAGES)(wire.body, self.chance))

        return Fault(name="random", title="malformed", damage=damage, keys_stay=False)


@pytest.mark.parametrize("connector", WITHOUT, ids=lambda connector: connector.info.name)
async def test_malformed_replies_are_quarantined_or_classified(connector: type[Connector], figure: Figures) -> None:
    share = -(-REPLIES // len(WITHOUT))
    malformed = Malformed(random.Random(connector.info.name))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    rejected = classified = 0
    with pytest.MonkeyPatch.context() as patch:
        suite = suite_of(connector, patch)
        patch.setattr(type(suite), "since", days(3))  # short reads: what counts is the number of replies
        async with Bench(suite.wiring()) as bench:
            bench.proxy.begin(None)
            calm = {stream.name: await bench.read(stream) for stream in connector.streams}
            while malformed.sent < share:
                for stream in connector.streams:
                    expected = calm[stream.name]
                    if not expected.exchanges:
                        continue
                    fault = malformed.fault(len(expected.exchanges))
                    bench.proxy.limit = 5 * len(expected.exchanges) + 500
                    bench.proxy.begin(fault)
                    reading = await bench.read(stream)
                    assert not (bug := survival_bug(expected, reading, fault)), f"{stream.name}: {bug}"
                    classified += reading.error is not None
                    rejected += bool(reading.rejects)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    figure(f"{connector.info.name}: malformed replies", malformed.sent)
    figure(f"{connector.info.name}: reads that ended with a named error", classified)
    figure(f"{connector.info.name}: reads with rows in quarantine", rejected)
    assert grown < 300, f"memory grew by {grown:.0f} MB"


async def _gigabyte() -> AsyncIterator[bytes]:
    for _ in range(1024):
        yield b"0123456789abcdef" * 65_536


async def _all(asked: Awaitable[Any] | AsyncIterator[bytes]) -> None:
    if isinstance(asked, AsyncIterator):
        async for _ in asked:
            pass
    else:
        await asked


@pytest.mark.parametrize("way", ["get", "lines"])
async def test_a_reply_of_a_gigabyte_ends_early(way: str, figure: Figures) -> None:
    connector = next(iter(WITHOUT))
    client = PlatformClient(
        connector,
        credentials=FixedCredentials(APP, TokenSet(access_token="t")),
        settings={"shop": "one.myshopify.com"},
        clock=FakeClock(datetime(2026, 9, 1, tzinfo=UTC)),
        transport=httpx2.MockTransport(lambda _: httpx2.Response(200, content=_gigabyte())),
    )
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    ask = client.get if way == "get" else client.lines
    with pytest.raises(ContractError, match="MB"):
        await _all(ask("https://one.myshopify.com/x"))
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    await client.close()
    figure(f"memory for a reply of 1 GB, {way}", round(max(grown, 0)), "MB")
    assert grown < 300
