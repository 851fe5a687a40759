"""Walmart keeps the promises of every connector."""

from shelftide_sdk import days
from shelftide_sdk.testing.conformance import ConnectorConformance
from shelftide_sdk.testing.world.model import WorldView
from shelftide_walmart import Walmart
from shelftide_walmart.emulator import WalmartEmulator


class TestWalmart(ConnectorConformance):
    connector = Walmart
    since = days(40)
    loopback = True
    error_replies = ('{"errors": {"error": [{"code": "SYSTEM_ERROR.GMP_GATEWAY_API"}]}}', '{"list": null}')

    def expected_rows(self, world: WorldView, stream: str) -> int:
        emulator = WalmartEmulator(world)
        if stream == "orders":
            return len(emulator.orders())
        return sum(len(row["nodes"]) for row in emulator.inventories())
