"""Acme keeps the promises of every connector."""

from shelftide_acme import Acme
from shelftide_acme.emulator import AcmeEmulator

from shelftide_sdk.testing.conformance import ConnectorConformance
from shelftide_sdk.testing.world.model import WorldView


class TestAcme(ConnectorConformance):
    connector = Acme
    loopback = True
    error_replies = ('{"ok": false, "error": {"code": "UNDER_REPAIR"}}', '{"ok": false}')

    def expected_rows(self, world: WorldView, stream: str) -> int:
        emulator = AcmeEmulator(world)
        return len({"orders": emulator.orders, "products": emulator.products, "stock": emulator.stock}[stream]())
