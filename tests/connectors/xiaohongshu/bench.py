"""A Xiaohongshu door, its emulator and a connector wired together by the suite's own bench."""

from collections.abc import Sequence

import pytest

from shelftide_sdk.connector import Connector
from shelftide_sdk.testing.conformance import Bench, ConnectorConformance
from shelftide_sdk.testing.conformance.foundation import NOW
from shelftide_sdk.testing.world import World
from shelftide_sdk.testing.world.model import Brand


def a_world(seed: int = 7) -> World:
    """A small world of its own, which a test may move."""
    return World(seed=seed, now=NOW, size="small")


def bench_of(
    connector: type[Connector], world: World, monkeypatch: pytest.MonkeyPatch, scenarios: Sequence[str] = ()
) -> Bench:
    """Use as an async context manager. First reads go back to the world's first day."""
    made = type("Suite", (ConnectorConformance,), {"connector": connector, "world": world})
    suite: ConnectorConformance = made()
    suite.since = world.now - world.start  # type: ignore[misc]  # a class variable of this one suite
    suite.prepare({}, world.seed, monkeypatch)
    return Bench(suite.wiring(), scenarios)


def brand_of(world: World, connector: type[Connector]) -> Brand:
    """The first brand that has an account, which is the one that is read."""
    return next(brand for brand in world.brands if brand.accounts.get(connector.info.name))
