"""Rules on what a connector leaves behind, and whom it names."""

from collections import defaultdict
from collections.abc import Mapping

import pytest

from shelftide_sdk.connector import Stream
from shelftide_sdk.testing.conformance import soundness
from shelftide_sdk.testing.conformance.abroad import Abroad, Journey
from shelftide_sdk.testing.conformance.bench import Reading
from shelftide_sdk.testing.conformance.faults import ROWS_MOVED
from shelftide_sdk.testing.conformance.rules import broken, rule
from shelftide_sdk.testing.conformance.sharing import left_behind, shared_state


class Conduct(Abroad):
    """What others find when a connector has read."""

    @rule(
        "silver",
        "Connections share nothing: a read leaves nothing in a module or a class.",
        "Keep what you learn on `self` (one instance serves one connection) or in the cursor.",
    )
    async def test_connections_share_nothing(self) -> None:
        await self.calm_readings()
        before = shared_state(self.connector)
        for stream in await self.streams_to_read():
            async with self.bench() as bench:
                await bench.read(stream, stop_after=2)
        after = shared_state(self.connector)
        left = sorted({*left_behind(self.untouched, after), *left_behind(before, after)})
        assert not left, broken(
            "connections_share_nothing", f"a read changed {', '.join(left[:3])}, which all connections share"
        )

    @rule(
        "silver",
        "No buyer is named in a log, trace, key, cursor, error or reason, nor in a field of a record but `Customer`.",
        "Log ids of orders and counts, never rows; say in an error or a reason what is missing, without the row; give "
        "a buyer to `Customer` alone, and build keys from the ids of things.",
    )
    async def test_no_buyer_is_named(self) -> None:
        abroad = await self.abroad()
        if abroad is None:
            return
        for stream, reading in abroad.streams:
            _nobody_in(abroad, stream, {**_left_behind(reading), **_fields(reading)})
            # What makes an author quote a row or a reply.
            quoted = [(withheld.fault, damaged) for withheld, damaged in await self.withheld(stream)]
            quoted.append((ROWS_MOVED, await self.damaged(stream, ROWS_MOVED, abroad=True)))
            for fault, damaged in quoted:
                _nobody_in(abroad, stream, _left_behind(damaged), f" when {fault.title}")


def _nobody_in(abroad: Journey, stream: Stream, places: Mapping[str, str], when: str = "") -> None:
    for what, text in abroad.buyers():
        place = next((place for place, said in places.items() if text in said), "")
        such = f"a buyer's {what} ({text[:3]}..., {len(text)} characters)"
        if place:
            pytest.fail(broken("no_buyer_is_named", f"stream {stream.name!r}: {such} is in {place}{when}"))


def _left_behind(reading: Reading) -> dict[str, str]:
    error = reading.error
    return {
        "the log": "\n".join(reading.logs),
        "the trace": reading.trace,
        "a key": "\n".join(map(repr, reading.state())),
        "a cursor": "\n".join(str(page.cursor) for page in reading.pages if page.cursor),
        "a reason of a Reject": "\n".join(reject.reason for reject in reading.rejects),
        "an error": f"{error} {getattr(error, 'detail', '')} {getattr(error, 'hint', '')}",
    }


def _fields(reading: Reading) -> dict[str, str]:
    """All that records say, by field; a Customer may name a buyer."""
    found: dict[str, set[str]] = defaultdict(set)
    for record in reading.records:
        for name, value in soundness.values(record):
            if isinstance(value, str | tuple | dict):
                found[f"{type(record).__name__}.{name}"].add(str(value))
    return {place: "\n".join(said) for place, said in found.items()}
