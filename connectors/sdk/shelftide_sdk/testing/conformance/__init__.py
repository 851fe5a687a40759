"""The conformance suite: what every connector promises, tested against its own emulator.

    from shelftide_acme import Acme
    from shelftide_sdk.testing.conformance import ConnectorConformance

    class TestAcme(ConnectorConformance):
        connector = Acme

See `Foundation` for what else an author may set, and docs/connectors/writing.md for the rules.
"""

from shelftide_sdk.testing.conformance.bench import Bench, Reading, Wiring
from shelftide_sdk.testing.conformance.foundation import demo_app, load_connector, small_world
from shelftide_sdk.testing.conformance.rules import RULES, Rule, rules_table
from shelftide_sdk.testing.conformance.suite import ConnectorConformance

__all__ = [
    "RULES",
    "Bench",
    "ConnectorConformance",
    "Reading",
    "Rule",
    "Wiring",
    "demo_app",
    "load_connector",
    "rules_table",
    "small_world",
]
