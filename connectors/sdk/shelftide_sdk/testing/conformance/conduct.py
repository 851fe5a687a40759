"""Rules on how a connector goes about it: page by page, and each connection for itself."""

from itertools import pairwise

from shelftide_sdk.testing.conformance.bench import Reading
from shelftide_sdk.testing.conformance.foundation import Foundation
from shelftide_sdk.testing.conformance.rules import broken, rule
from shelftide_sdk.testing.conformance.sharing import left_behind, shared_state

_FEWEST = 3
_SHARE = 0.6


class Conduct(Foundation):
    """What a connector holds while it reads, and what it leaves behind."""

    @rule(
        "silver",
        "Rows are yielded as they are read: a read never holds all pages.",
        "Yield a Page for each reply before you ask for the next one; sort and join inside a page only.",
    )
    async def test_pages_are_not_hoarded(self) -> None:
        for stream, calm in await self.calm_readings():
            held, total = _hoarded(calm)
            bug = f"{held} of {total} pages were read before their rows were yielded: a large account fills the memory"
            assert total < _FEWEST or held <= _SHARE * total, broken(
                "pages_are_not_hoarded", f"stream {stream.name!r}: {bug}, a crash loses them"
            )

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


def _hoarded(reading: Reading) -> tuple[int, int]:
    """(the most replies with a next page that came between two pages, all such replies)."""
    more = [exchange.names_more() for exchange in reading.exchanges]
    return max((sum(more[a:b]) for a, b in pairwise([0, *reading.asked])), default=0), sum(more)
