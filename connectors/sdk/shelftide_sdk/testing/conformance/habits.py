"""Rules on a platform's bad habits: what an emulator's scenarios may change in the final state, and what not."""

import hashlib

import msgspec
import pytest

from shelftide_sdk.connector import Stream
from shelftide_sdk.records import Record
from shelftide_sdk.testing.conformance import soundness
from shelftide_sdk.testing.conformance.bench import Bench, Key, Reading
from shelftide_sdk.testing.conformance.foundation import Foundation, describe
from shelftide_sdk.testing.conformance.rules import broken, rule
from shelftide_sdk.testing.emulator import SCENARIOS

ALL = "all at once"
DAYS = (*SCENARIOS, ALL)
_REPLAYS = 3
# Under these a row may rightly have other values than on a good day.
_VALUES_CHANGE = frozenset({"restate", "schema-drift", "moderation-delay"})
_DELAY = "moderation-delay"
_ADVICE = {
    "throttle": "Name the platform's throttle in `classify` as RateLimitedError; a try that is repeated adds nothing.",
    "expire": "Name the platform's expiry in `classify` as AuthorizationError(refreshable=True); the client renews it.",
    "flap": "Let 5xx through to the client, or name them TransientError in `classify`; go on from the same page.",
    "duplicate": "A row may come twice, on two pages too: key rows by their ids, and count no rows to find the end.",
    "shuffle": "The last row of a page need not be its newest: take the greatest mark of change, or the platform's.",
    "slow": "Set no time limit of your own: the client has one.",
    "restate": "Take a row that comes again as it is now; leave none out because an older one was seen.",
    "schema-drift": "Ignore new fields, map words that you do not know to unknown, reject a broken row alone.",
    _DELAY: "When content gets its public id, yield a Delete for the first one.",
}


class BadDay(msgspec.Struct, frozen=True, kw_only=True):
    """What a table would hold after a bad day, the errors that ended its reads, and what was rejected."""

    state: dict[Key, Record]
    errors: tuple[BaseException, ...]
    rejected: frozenset[tuple[str, str, str]]

    def checksum(self) -> str:
        """One word for rows and rejects, whatever their order."""
        rows = sorted((repr(key), msgspec.json.encode(record)) for key, record in self.state.items())
        return hashlib.sha256(repr((rows, sorted(self.rejected))).encode()).hexdigest()


class Habits(Foundation):
    """How a connector takes the scenarios, each alone and all at once."""

    @rule(
        "gold",
        "The platform's bad habits change nothing in the final state.",
        "Key rows by their ids, follow paging to the end, and do not rely on the order of rows.",
    )
    @pytest.mark.parametrize("day", DAYS)
    async def test_bad_days_change_nothing(self, day: str) -> None:
        for stream, calm in await self.calm_readings():
            if bug := await self._bug(stream, calm, day):
                told = f"stream {stream.name!r}, {day}: {bug}"
                pytest.fail(broken("bad_days_change_nothing", told, _ADVICE.get(day, "")))

    @rule(
        "gold",
        "A bad day that comes again, with other dice, leaves the same rows.",
        "Let no row depend on its place in a page, on the number of requests, or on what was tried before.",
    )
    @pytest.mark.parametrize("day", DAYS)
    async def test_bad_days_replay_the_same(self, day: str) -> None:
        for stream, _ in await self.calm_readings():
            days = [await self._bad_day(stream, day, replay) for replay in range(_REPLAYS)]
            sums = {found.checksum() for found in days}
            if len(sums) > 1:
                such = next(filter(None, (_apart(days[0], other) for other in days[1:])), "rejects differ")
                bug = f"stream {stream.name!r}, {day}: {_REPLAYS} replays left {len(sums)} different states: {such}"
                pytest.fail(broken("bad_days_replay_the_same", bug))

    async def _bug(self, stream: Stream, calm: Reading, day: str) -> str:
        bad = await self._bad_day(stream, day, 0)
        if bad.errors:
            return f"the read ends with {describe(bad.errors[0])}"
        wanted, habits = calm.state(), _habits(day)
        lost = [key for key in wanted if key not in bad.state]
        # A rejected row takes along what hangs on it (an order's lines): counted are rows of the main record.
        count = max(sum(key[0] == stream.record.__name__ for key in lost), 1 if lost else 0)
        allowed = len(bad.rejected) if "schema-drift" in habits else 0
        if count > allowed:
            return f"{len(lost)} rows are lost, {allowed} were rejected; lost is {lost[0]}"
        extra = [key for key in bad.state if key not in wanted]
        if extra and "restate" in habits:  # an old row that is touched anew comes again: the platform must have had it
            whole = await self.whole(stream)
            extra = [key for key in extra if key not in whole]
        if extra:
            return f"{len(extra)} rows too many, such as {extra[0]}"
        changed = [key for key in wanted if wanted[key] != bad.state.get(key)]
        if not changed or habits & _VALUES_CHANGE:
            return ""
        such = f"{changed[0]}: {soundness.difference(wanted[changed[0]], bad.state.get(changed[0]))}"
        return f"{len(changed)} rows differ, such as {such}"

    async def _bad_day(self, stream: Stream, day: str, replay: int) -> BadDay:
        async def live() -> BadDay:
            wiring = self.wiring()
            wiring.seed += replay
            async with Bench(wiring, sorted(_habits(day))) as bench:
                return await _live(bench, stream)

        found: BadDay = await self.shared(("bad day", stream.name, day, replay), live)
        return found


def _apart(first: BadDay, second: BadDay) -> str:
    """A row in which two replays differ."""
    keys = {**first.state, **second.state}
    key = next((key for key in keys if first.state.get(key) != second.state.get(key)), None)
    return "" if key is None else f"{key}: {soundness.difference(first.state.get(key), second.state.get(key))}"


async def _live(bench: Bench, stream: Stream) -> BadDay:
    """Read; what moderation held back comes with the next read, after the platform has let it go."""
    readings = [await bench.read(stream)]
    if _DELAY in bench.emulator.scenarios:
        bench.emulator.scenarios.discard(_DELAY)
        readings.append(await bench.read(stream, readings[0].cursor))
    state: dict[Key, Record] = {}
    for reading in readings:
        state = reading.state(state)
    return BadDay(
        state=state,
        errors=tuple(reading.error for reading in readings if reading.error is not None),
        rejected=frozenset((r.record, r.reason, repr(r.raw)) for reading in readings for r in reading.rejects),
    )


def _habits(day: str) -> frozenset[str]:
    return frozenset(SCENARIOS) if day == ALL else frozenset({day})
