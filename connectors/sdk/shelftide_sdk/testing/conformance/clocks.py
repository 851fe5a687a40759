"""A rule on the hour that comes twice: orders and refunds around a night in which clocks go back."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest

from shelftide_sdk.testing.conformance.abroad import Abroad
from shelftide_sdk.testing.conformance.elsewhere import Elsewhere
from shelftide_sdk.testing.conformance.facts import moment_bugs
from shelftide_sdk.testing.conformance.rules import broken, rule

# One of them goes back in any month that a small world spans; Morocco does so before Ramadan, in February 2026.
_ZONES = (
    "Africa/Casablanca",
    "Europe/Rome",
    "America/New_York",
    "Australia/Sydney",
    "America/Santiago",
    "Pacific/Auckland",
)
_HOUR = timedelta(hours=1)
_BEFORE, _AFTER = timedelta(days=3), timedelta(days=2)


class Night(msgspec.Struct, frozen=True, kw_only=True):
    """A zone, and the moment at which its clocks go back."""

    zone: str
    at: datetime


class Clocks(Abroad):
    """What a change of clocks does to records."""

    @rule(
        "silver",
        "Where clocks go back, orders and refunds keep their moments, in the hour that comes twice too.",
        "Use the account's zone (`ZoneInfo`), never one offset for all days; where the platform tells the two hours "
        "apart, set `fold`. Where it does not, exempt this rule and say so.",
    )
    async def test_a_change_of_clocks_moves_no_order(self) -> None:
        world = self.wiring().world
        night = next(nights(world.start + _BEFORE, world.now - _AFTER), None)
        if night is None:
            pytest.skip("in the days of this world no clock goes back")
        there = await self.journey(
            "clocks", lambda plain: Elsewhere(plain, zone=night.zone, dear=True, doubled=night.at), erase=False
        )
        bugs = list(moment_bugs(there)) if there is not None else []
        where = f"in {night.zone}, where clocks go back at {night.at.isoformat()}"
        assert not bugs, broken("a_change_of_clocks_moves_no_order", f"{where}: {bugs[:1]}")


def nights(start: datetime, end: datetime) -> Iterator[Night]:
    """The nights between two moments in which a clock goes back."""
    for zone in map(ZoneInfo, _ZONES):
        at = start.replace(minute=0, second=0, microsecond=0)
        while at < end:
            before, after = (at - _HOUR).astimezone(zone).utcoffset(), at.astimezone(zone).utcoffset()
            if before is not None and after is not None and after == before - _HOUR:
                yield Night(zone=zone.key, at=at)
            at += _HOUR
