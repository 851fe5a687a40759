"""Benches of Amazon's connectors, with small pages."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.connectors.amazon.test_conformance import SmallPages

from shelftide_sdk.connector import Connector, days
from shelftide_sdk.testing.conformance import Bench, ConnectorConformance


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Bench]:
    def make(connector: type[Connector], **settings: str) -> Bench:
        members = {"connector": connector, "emulator": SmallPages, "since": days(14)}
        suite: Any = type("Suite", (ConnectorConformance,), members)()
        suite.prepare({}, 7, monkeypatch)
        wiring = suite.wiring()
        wiring.settings = {**wiring.settings, **settings}
        return Bench(wiring)

    return make
