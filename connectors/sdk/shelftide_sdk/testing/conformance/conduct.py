"""Rules on what a connector leaves behind, and whom it names."""

from shelftide_sdk.testing.conformance.foundation import Foundation
from shelftide_sdk.testing.conformance.rules import broken, rule
from shelftide_sdk.testing.conformance.sharing import left_behind, shared_state


class Conduct(Foundation):
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
