"""Rules on what a connector leaves behind, and whom it names."""

import pytest

from shelftide_sdk.testing.conformance.abroad import Abroad
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
        "No buyer is named in a log, trace, key or cursor.",
        "Log ids of orders and counts, never rows; give a buyer to `Customer` alone, and build keys from the ids of "
        "things.",
    )
    async def test_no_buyer_is_named(self) -> None:
        abroad = await self.abroad()
        if abroad is None:
            return
        for stream, reading in abroad.streams:
            places = {
                "the log": "\n".join(reading.logs),
                "the trace": reading.trace,
                "a key": "\n".join(map(repr, reading.state())),
                "a cursor": "\n".join(str(page.cursor) for page in reading.pages if page.cursor),
            }
            for what, text in abroad.buyers():
                place = next((place for place, said in places.items() if text in said), "")
                such = f"a buyer's {what} ({text[:3]}..., {len(text)} characters)"
                if place:
                    pytest.fail(broken("no_buyer_is_named", f"stream {stream.name!r}: {such} is in {place}"))
