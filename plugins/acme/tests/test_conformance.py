"""Acme keeps the promises of every connector."""

from shelftide_acme import Acme
from shelftide_acme.emulator import AcmeEmulator
from shelftide_sdk import days
from shelftide_sdk.testing.conformance import ConnectorConformance
from shelftide_sdk.testing.world.model import WorldView


class TestAcme(ConnectorConformance):
    connector = Acme
    since = days(40)
    loopback = True
    error_replies = ('{"ok": false, "error": {"code": "UNDER_REPAIR"}}', '{"ok": false}')

    def expected_rows(self, world: WorldView, stream: str) -> int:
        emulator = AcmeEmulator(world)
        counts = {
            "orders": len(emulator.orders()),
            "products": len(emulator.products()),
            "stock": len(emulator.stock()),
        }
        return counts[stream]
