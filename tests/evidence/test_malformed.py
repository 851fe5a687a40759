"""Ten thousand malformed replies over all streams: quarantined or classified, nobody dies, memory is bounded."""

import os
import random
import re
import resource
from collections.abc import AsyncIterator, Awaitable
from datetime import UTC, datetime
from typing import Any

import httpx2
import msgspec
import pytest
from tests.connectors.test_scenarios import WITHOUT, suite_of
from tests.durability.figures import Figures
from tests.evidence.damage import Malformed

from shelftide.ingest.sync import quarantine_row
from shelftide.warehouse.checks import Unfit, check_record
from shelftide_sdk.auth import App, TokenSet
from shelftide_sdk.connector import Connector, Stream, days
from shelftide_sdk.errors import ConnectorError, ContractError, RateLimitedError
from shelftide_sdk.http import FixedCredentials, PlatformClient
from shelftide_sdk.pseudonyms import pseudonym
from shelftide_sdk.records import record_type
from shelftide_sdk.testing.conformance import Bench
from shelftide_sdk.testing.conformance.bench import FakeClock, Reading
from shelftide_sdk.testing.conformance.trouble import survival_bug

pytestmark = [pytest.mark.evidence, pytest.mark.timeout(1500)]
REPLIES = 10_000
SEED = os.environ.get("EVIDENCE_SEED", "")  # another text damages other replies in other ways
APP = App(client_id="a", client_secret="b", redirect_uri="")


def unfit(reading: Reading) -> list[str]:
    """Records that the host sends to quarantine, with its reasons."""
    found = []
    for record in reading.records:
        try:
            check_record(record_type(record), record, pseudonym(b"evidence"))
        except Unfit as reason:
            found.append(reason.message)
    return found


def host_bug(reading: Reading, now: datetime) -> str:
    """What the host could not keep: a quarantined row, a cursor, or a place in the future that skips rows for ever."""
    for reject in reading.rejects:
        msgspec.json.encode(quarantine_row(None, "stream", reject))
    if isinstance(reading.error, ConnectorError):
        msgspec.json.encode([reading.error.message, reading.error.hint, reading.error.detail])
    if reading.cursor is not None:
        saved = msgspec.json.encode(reading.cursor).decode()
        late = [at for at in re.findall(r"\d{4,}-\d\d-\d\dT[\d:]{8}", saved) if at > (now + days(2)).isoformat()]
        if late:
            return f"the cursor stands in the future: {saved[:300]}"
    return "" if all(unfit(reading)) else "a record is unfit without a reason"


async def _judged(bench: Bench, stream: Stream, expected: Reading, malformed: Malformed) -> Reading:
    """A read under damage. Raises AssertionError for what was neither quarantined nor classified."""
    if not expected.exchanges:
        return expected
    fault = malformed.fault(len(expected.exchanges))
    bench.proxy.limit = 5 * len(expected.exchanges) + 500
    bench.proxy.begin(fault)
    reading = await bench.read(stream)
    if bug := survival_bug(expected, reading, fault) or host_bug(reading, bench.clock.now()):
        raise AssertionError(f"{stream.name}: {bug} after {malformed.told}") from reading.error
    return reading


@pytest.mark.parametrize("connector", WITHOUT, ids=lambda connector: connector.info.name)
async def test_malformed_replies_are_quarantined_or_classified(connector: type[Connector], figure: Figures) -> None:
    share = -(-REPLIES // len(WITHOUT))
    malformed = Malformed(random.Random(SEED + connector.info.name))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    rejected = classified = 0
    with pytest.MonkeyPatch.context() as patch:
        suite = suite_of(connector, patch)
        patch.setattr(type(suite), "since", days(3))  # short reads: what counts is the number of replies
        # Thousands of repeated calls would only wait for our own count of them.
        patch.setattr(connector, "info", msgspec.structs.replace(connector.info, budgets=()))
        while malformed.sent < share:
            # A platform that asked to wait for hours would be waited for by the next read: a fresh bench then.
            async with Bench(suite.wiring()) as bench:
                bench.proxy.begin(None)
                calm = {stream.name: await bench.read(stream) for stream in connector.streams}
                error: BaseException | None = None
                while malformed.sent < share and not isinstance(error, RateLimitedError):
                    for stream in connector.streams:
                        reading = await _judged(bench, stream, calm[stream.name], malformed)
                        classified += reading.error is not None
                        rejected += bool(reading.rejects) or bool(unfit(reading))
                        if isinstance(error := reading.error, RateLimitedError):
                            break
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
