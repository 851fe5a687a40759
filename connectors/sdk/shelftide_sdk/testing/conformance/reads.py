"""Rules on a plain read: everything, once, sound, and the same each time."""

import os
import time as clock
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from shelftide_sdk.connector import Stream
from shelftide_sdk.records import Content, Record
from shelftide_sdk.testing.conformance import soundness
from shelftide_sdk.testing.conformance.abroad import Abroad
from shelftide_sdk.testing.conformance.bench import Key, Reading, key_of
from shelftide_sdk.testing.conformance.foundation import describe
from shelftide_sdk.testing.conformance.rules import broken, rule
from shelftide_sdk.testing.conformance.sharing import other_hashes
from shelftide_sdk.testing.shapes import decode, row_lists

_STARTS = 4
_FAR_ZONE = "Pacific/Kiritimati"


class Reads(Abroad):
    """What a read brings."""

    @rule(
        "bronze",
        "A read ends, brings every row of the platform, and does not stop while the platform names a next page.",
        "Follow the platform's paging until it says there is no more, and yield the last page too.",
    )
    async def test_every_row_is_read(self) -> None:
        for stream, reading in await self.calm_readings():
            if bug := await self._row_bug(stream, reading) or await self._start_bug(stream, reading):
                pytest.fail(broken("every_row_is_read", f"stream {stream.name!r}: {bug}"))

    async def _row_bug(self, stream: Stream, reading: Reading) -> str:
        keys = [key for key in reading.state() if key[0] == stream.record.__name__]
        wanted = self.expected_rows(self.world or self.wiring().world, stream.name)
        if wanted is not None and len(keys) != wanted:
            return f"{len(keys)} rows were read, the platform holds {wanted}"
        if not reading.records and wanted is None and not await self.whole(stream):
            return "the read brings no row, nor does one from the platform's first day on"
        if reading.rejects:
            return f"a good row was rejected: {reading.rejects[0].reason}"
        totals = [page.total for page in reading.pages if page.total is not None]
        if totals and len(keys) < max(totals):
            return f"{len(keys)} rows were read, the platform promised {max(totals)}"
        return _unfinished(reading)

    async def _start_bug(self, stream: Stream, reading: Reading) -> str:
        """Reads that start later have other page limits: what they find, the full read must have found too."""
        if not stream.cursor or len(reading.pages) < 2:
            return ""
        whole = reading.state()
        now = self.wiring().world.now
        oldest = min((at for record in whole.values() for at in _moments(record)), default=now)
        first = max(oldest, now - self.since)
        async with self.bench() as bench:
            for step in range(1, _STARTS + 1):
                later = await bench.read(stream, since=first + (now - first) * step / (_STARTS + 3))
                if later.error is not None:
                    return f"a read that starts later ends with {describe(later.error)}"
                lost = [key for key in later.state() if key not in whole]
                if lost:
                    return f"the full read lost {len(lost)} rows that a later start finds, such as {lost[0]}"
        return ""

    @rule(
        "bronze",
        "Pages hold only the declared record types, values have their fields' types, cursors are plain JSON.",
        "Declare the type in `Stream.also`, or map the value to the type that the record names.",
    )
    async def test_records_are_of_the_declared_types(self) -> None:
        for stream, reading in await self.calm_readings():
            bugs = list(dict.fromkeys(soundness.page_bugs(stream, reading.pages)))[:3]
            bugs = bugs or soundness.first_bugs(reading.records, soundness.field_bugs)
            bugs = bugs or soundness.first_bugs(reading.records, soundness.extra_bugs(self.connector.info.name))
            assert not bugs, broken("records_are_of_the_declared_types", f"stream {stream.name!r}: {'; '.join(bugs)}")

    @rule("bronze", "Money is exact, with a known currency; no float anywhere.", "Use `Money.parse(text, currency)`.")
    async def test_money_is_exact(self) -> None:
        await self._sound("money_is_exact", soundness.money_bugs)

    @rule("bronze", "Every moment is aware and in UTC.", "Parse with the offset, then `.astimezone(UTC)`.")
    async def test_times_are_aware_utc(self) -> None:
        await self._sound("times_are_aware_utc", soundness.time_bugs)

    @rule("bronze", "Every zone is a real IANA zone.", "Give the account's reporting zone, such as `Europe/Rome`.")
    async def test_zones_are_real(self) -> None:
        await self._sound("zones_are_real", soundness.zone_bugs)

    @rule(
        "silver",
        "The zone of a record is the account's, or one that the platform names.",
        "Take the zone from the account or from the reply; never the server's, never one that is assumed.",
    )
    async def test_zones_are_the_accounts(self) -> None:
        async with self.bench() as bench:
            accounts = await bench.call(lambda connector, ctx: connector.accounts(ctx))
            told = {account.zone for account in accounts} | set(bench.settings.values())
        if not any(account.zone for account in accounts):
            pytest.skip("the platform does not name an account's zone")
        for stream, reading in await self.calm_readings():
            zones = {
                str(getattr(record, "zone", "")) for record in reading.records if _is_of_the_account(record)
            } - told
            unheard = [z for z in sorted(zones) if not any(z.encode() in e.body for e in reading.exchanges)]
            bug = f"stream {stream.name!r}: nobody names the zone {unheard[:1]}; the account's is {accounts[0].zone}"
            assert not unheard, broken("zones_are_the_accounts", bug)

    @rule("bronze", "No record has an empty key.", "Raise DataError for a row without an id: it becomes a Reject.")
    async def test_keys_are_whole(self) -> None:
        await self._sound("keys_are_whole", soundness.key_bugs)

    @rule(
        "silver",
        "A metric that the platform has withdrawn is unknown from its end on, never a number.",
        "Name record, field and end in `ConnectorInfo.withdrawn`, and leave the field None from `ended_on` on.",
    )
    async def test_withdrawn_metrics_are_unknown(self) -> None:
        withdrawn = self.connector.info.withdrawn
        bugs = list(soundness.withdrawn_bugs(withdrawn))
        for stream, reading in await self.calm_readings() if withdrawn else ():
            found = soundness.first_bugs(reading.records, lambda record: soundness.undead_bugs(record, withdrawn))
            bugs += [f"stream {stream.name!r}: {bug}" for bug in found]
        assert not bugs, broken("withdrawn_metrics_are_unknown", bugs[0])

    @rule(
        "silver",
        "What is paid, given back or counted is not below zero, and an order costs no more than its parts.",
        "A refund is an amount above zero; add tax or shipping only where the platform's total lacks them.",
    )
    async def test_amounts_add_up(self) -> None:
        await self._sound("amounts_add_up", soundness.amount_bugs)

    async def _sound(self, name: str, check: Callable[[Record], Iterator[str]]) -> None:
        for stream, reading in await self.calm_readings():
            bugs = soundness.first_bugs(reading.records, check)
            assert not bugs, broken(name, f"stream {stream.name!r}: {'; '.join(bugs)}")

    @rule(
        "silver",
        "Deletes name exactly the key fields; rejects say why.",
        "Build `Delete(Type, {field: value})` from the record type's key; give Reject a reason.",
    )
    async def test_deletes_and_rejects_are_whole(self) -> None:
        for stream, reading in await self.calm_readings():
            bugs = [*soundness.delete_bugs(reading.deletes), *soundness.reject_bugs(reading.rejects)]
            assert not bugs, broken("deletes_and_rejects_are_whole", f"stream {stream.name!r}: {bugs[0]}")

    @rule(
        "silver",
        "What a row calls deleted is deleted.",
        "Yield `Delete(Type, {key: value})` for the row, with the key that its record had; do not leave the row out.",
    )
    async def test_deleted_rows_are_deleted(self) -> None:
        abroad = await self.abroad()
        first, again = (abroad.streams, abroad.again) if abroad else ((), ())
        for number, (stream, reading) in enumerate([*again, *await self.calm_readings(), *first]):
            where = f"stream {stream.name!r}, a read {'from a cursor' if number < len(again) else 'from the start'}"
            told = {str(value) for delete in reading.deletes for value in delete.key.values()}
            for row in soundness.deleted_rows(reading):
                ids = {str(value) for value in row.values() if isinstance(value, str | int)}
                known = ids & told or any(reject.raw == row for reject in reading.rejects)
                assert known, broken(
                    "deleted_rows_are_deleted",
                    f"{where}: the platform deleted {str(row)[:200]}, and no Delete names it",
                )

    @rule(
        "silver",
        "One read never yields two different rows of one key.",
        "Make the key unique in the mapping, or do not yield a row twice.",
    )
    async def test_no_key_has_two_contents(self) -> None:
        for stream, reading in await self.calm_readings():
            seen: dict[Key, Record] = {}
            for record in reading.records:
                first = seen.setdefault(key_of(record), record)
                assert first == record, broken(
                    "no_key_has_two_contents",
                    f"stream {stream.name!r}: {key_of(record)} came twice with different {_difference(first, record)}",
                )

    @rule(
        "silver",
        "The same platform read twice gives the same rows: the clock is `ctx.clock`, the moment is `ctx.captured_at`.",
        "Use ctx.clock.now() instead of datetime.now(), ctx.captured_at for snapshots, the account's zone for times "
        "without one, hashlib instead of hash(), and nothing random.",
    )
    async def test_a_read_depends_on_its_context_alone(self) -> None:
        name = "a_read_depends_on_its_context_alone"
        for stream, reading in await self.calm_readings():
            async with self.bench() as bench:
                again = await bench.read(stream)
                now = bench.context().captured_at
                with _machine_at(_FAR_ZONE), other_hashes(self.connector):
                    moved = await bench.read(stream)
            assert again.state() == reading.state(), broken(
                name, f"stream {stream.name!r}: two reads of the same platform differ"
            )
            if moved.state() != reading.state():
                pytest.fail(broken(name, f"stream {stream.name!r}: {await self._cause(stream, reading)}"))
            captured = {
                at
                for record in reading.records
                if (at := getattr(record, "captured_at", now)) != now and not _ends_a_day(at, now, record)
            }
            assert not captured, broken(name, f"stream {stream.name!r}: captured_at is {captured}, not ctx.captured_at")
            if leak := _wall_clock(reading, now):
                pytest.fail(broken(name, f"stream {stream.name!r}: the machine's clock leaks into {leak}"))

    async def _cause(self, stream: Stream, reading: Reading) -> str:
        """Which of two strange machines changed what was read."""
        async with self.bench() as bench:
            with other_hashes(self.connector):
                hashed = (await bench.read(stream)).state()
        if hashed == reading.state():
            return "the machine's own time zone changes what is read"
        key = next((key for key in hashed if key not in reading.state()), next(iter(hashed)))
        return f"hash() gives another number in each process, and {key} depends on it"

    @rule(
        "gold",
        "Over a real socket the same rows come.",
        "Do not depend on how a reply is cut into chunks; keep the Host header.",
    )
    async def test_reads_the_same_over_a_socket(self) -> None:
        if not self.loopback:
            pytest.skip("set `loopback = True` to read over a real socket as well")
        for stream, reading in await self.calm_readings():
            async with self.bench() as bench, bench.over_loopback():
                real = await bench.read(stream)
            assert real.error is None, broken("reads_the_same_over_a_socket", describe(real.error))
            assert real.state() == reading.state(), broken(
                "reads_the_same_over_a_socket", f"stream {stream.name!r}: other rows come over a socket"
            )


def _is_of_the_account(record: Record) -> bool:
    """Whether the record's day is cut in the account's zone. Posts may be anybody's."""
    return "zone" in record.__struct_fields__ and type(record).__module__ != Content.__module__


@contextmanager
def _machine_at(zone: str) -> Iterator[None]:
    """The machine's own time zone is another one for a while."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = zone
    clock.tzset()
    try:
        yield
    finally:
        os.environ.pop("TZ")
        if before is not None:
            os.environ["TZ"] = before
        clock.tzset()


def _ends_a_day(at: datetime, now: datetime, record: Record) -> bool:
    """A snapshot that the platform itself dates: totals at the end of a past day of the record's zone."""
    local = at.astimezone(ZoneInfo(getattr(record, "zone", "UTC")))
    return at <= now and local.time() == time()


def _unfinished(reading: Reading) -> str:
    """Whether the last reply of a path that brings rows names a next page that nobody asked for."""
    listing = {exchange.path for exchange in reading.exchanges if any(row_lists(decode(exchange.body)[0]))}
    last = {exchange.path: exchange.names_more() for exchange in reading.exchanges if exchange.path in listing}
    stopped = [path for path, more in last.items() if more]
    return f"the read stops although {stopped[0]} names a next page: the last pages are lost" if stopped else ""


def _moments(record: Record) -> Iterator[datetime]:
    for _, value in soundness.values(record):
        if isinstance(value, datetime) and value.tzinfo is not None:
            yield value


def _difference(first: Record, second: Record) -> str:
    names = (n for n in first.__struct_fields__ if getattr(first, n) != getattr(second, n, None))
    return ", ".join(names) or "types"


def _wall_clock(reading: Reading, simulated: datetime) -> str:
    real = datetime.now(UTC)
    if abs(real - simulated) < timedelta(days=2):
        return ""  # the world's present is the machine's: nothing can be told apart
    hour = timedelta(hours=1)
    for record in reading.records:
        if any(abs(at - real) < hour for at in _moments(record)):
            return f"a {type(record).__name__}"
    marks = (f"{real:%Y-%m-%d}", str(int(real.timestamp()))[:6])
    for exchange in reading.exchanges:
        asked = exchange.query + exchange.asked.decode("utf-8", "replace")
        if any(mark in asked for mark in marks):
            return f"the request to {exchange.path}"
    return ""
