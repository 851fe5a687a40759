"""Rules on cursors: after the data, good from anywhere, with the past read again."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest

from shelftide_sdk.connector import Cursor, Stream
from shelftide_sdk.records import Record, record_type
from shelftide_sdk.testing.conformance.bench import Key, Reading, key_of
from shelftide_sdk.testing.conformance.foundation import Foundation, describe
from shelftide_sdk.testing.conformance.rules import broken, rule

_MOST_CURSORS = 40


class Resumed(msgspec.Struct, frozen=True, kw_only=True):
    """A read that was stopped after `pages` pages and taken up at the cursor saved by then."""

    stream: Stream
    pages: int
    whole: dict[Key, Record]
    before: dict[Key, Record]
    after: Reading

    def lost(self) -> list[Key]:
        """Keys that neither part brought."""
        return [key for key in self.whole if key not in self.before and key not in self.after.state()]


class Resumption(Foundation):
    """What a cursor promises."""

    @rule(
        "bronze",
        "A stream that declares a cursor yields one that carries that field.",
        "Yield `Page(records=..., cursor={field: value})`, at the latest with the last page.",
    )
    async def test_declared_cursors_are_emitted(self) -> None:
        for stream, reading in await self.calm_readings():
            if stream.cursor:
                bug = _cursor_bug(stream, reading.cursor)
                assert not bug, broken("declared_cursors_are_emitted", f"stream {stream.name!r}: {bug}")

    @rule(
        "silver",
        "A cursor comes after its data: what it claims has been yielded.",
        "Yield a page's cursor with or after the page's rows, never before, and only the newest row yielded.",
    )
    async def test_a_cursor_comes_after_its_data(self) -> None:
        for resumed in await self._resumed():
            if lost := resumed.lost():
                bug = (
                    f"stream {resumed.stream.name!r}: after a crash at page {resumed.pages} the saved cursor skips "
                    f"{len(lost)} rows that were not yielded yet, such as {lost[0]}"
                )
                pytest.fail(broken("a_cursor_comes_after_its_data", bug))

    @rule(
        "silver",
        "Resuming from any cursor gives, with what was before it, the final state.",
        "Put into the cursor all that is needed to go on, and nothing that expires with the run.",
    )
    async def test_resuming_from_any_cursor_gives_the_final_state(self) -> None:
        for resumed in await self._resumed():
            if bug := _resume_bug(resumed):
                where = f"stream {resumed.stream.name!r}, resumed after page {resumed.pages}"
                pytest.fail(broken("resuming_from_any_cursor_gives_the_final_state", f"{where}: {bug}"))

    async def _resumed(self) -> list[Resumed]:
        async def resume() -> list[Resumed]:
            found = []
            for stream, reading in await self.calm_readings():
                whole = reading.state()
                async with self.bench() as bench:
                    for pages, cursor in _cursors(reading):
                        before = msgspec.structs.replace(reading, pages=reading.pages[:pages]).state()
                        after = await bench.read(stream, _stored(cursor))
                        found.append(Resumed(stream=stream, pages=pages, whole=whole, before=before, after=after))
            return found

        resumed: list[Resumed] = await self.shared("resumed", resume)
        return resumed

    @rule(
        "silver",
        "A row that changed inside the lookback is read again.",
        "Start each read at `ctx.start(stream, cursor)`, which is the cursor less the lookback.",
    )
    async def test_the_lookback_is_read_again(self) -> None:
        for stream, reading in await self.calm_readings():
            if not stream.cursor or not stream.lookback or reading.cursor is None:
                continue
            field = _cursor_field(stream, reading)
            reached = _moment(reading.cursor.get(stream.cursor))
            if field is None or reached is None:
                continue
            second = await self._second(stream, reading)
            due = [
                record
                for record in reading.state().values()
                if type(record) is stream.record
                and (at := _moment(getattr(record, field))) is not None
                and reached - stream.lookback + _margin(record, field) < at <= reached
            ]
            again = second.state()
            missing = [record for record in due if key_of(record) not in again]
            bug = f"{len(missing)} of {len(due)} rows inside the lookback of {stream.lookback} are not read again"
            such = [key_of(record) for record in missing[:1]]
            assert not missing, broken("the_lookback_is_read_again", f"stream {stream.name!r}: {bug}, such as {such}")

    @rule(
        "silver",
        "A second read from the last cursor reads the news, not everything.",
        "Use the cursor in the request, as the platform's filter allows.",
    )
    async def test_a_second_read_is_bounded(self) -> None:
        for stream, reading in await self.calm_readings():
            if not stream.cursor or reading.cursor is None:
                continue
            second = await self._second(stream, reading)
            if len(second.exchanges) > len(reading.exchanges) + 3:
                bug = f"{len(second.exchanges)} requests, the first read took {len(reading.exchanges)}"
                pytest.fail(broken("a_second_read_is_bounded", f"stream {stream.name!r}: {bug}"))
            if self._spans(stream, reading) and len(second.records) > 0.8 * len(reading.records):
                bug = f"{len(second.records)} of {len(reading.records)} rows are read again"
                pytest.fail(broken("a_second_read_is_bounded", f"stream {stream.name!r}: {bug}"))

    @rule(
        "silver",
        "A first read begins at `ctx.since`.",
        "Start each read at `ctx.start(stream, cursor)`: without a cursor that is `ctx.since`.",
    )
    async def test_a_first_read_begins_at_since(self) -> None:
        for stream, reading in await self.calm_readings():
            field = _cursor_field(stream, reading)
            happens = record_type(stream.record).day is not None  # a catalogue is read whole at first
            if not stream.cursor or field is None or not happens or not self._spans(stream, reading):
                continue
            since = self.wiring().world.now - self.since / 5
            async with self.bench() as bench:
                short = await bench.read(stream, since=since)
            old = [
                record
                for record in short.state().values()
                if type(record) is stream.record
                and (at := _moment(getattr(record, field))) is not None
                and at < since - timedelta(days=1)
            ]
            bug = f"asked from {since.isoformat()} on, {len(short.records)} of {len(reading.records)} rows came"
            assert not old or len(short.records) <= 0.8 * len(reading.records), broken(
                "a_first_read_begins_at_since",
                f"stream {stream.name!r}: {bug}, {len(old)} of them older, such as {key_of(old[0])}",
            )

    def _spans(self, stream: Stream, reading: Reading) -> bool:
        """Whether the rows reach back well beyond the lookback."""
        field = _cursor_field(stream, reading)
        found = [at for record in reading.records if field and (at := _moment(getattr(record, field, None)))]
        return bool(found) and max(found) - min(found) > 3 * (stream.lookback + timedelta(days=1))

    async def _second(self, stream: Stream, reading: Reading) -> Reading:
        async def read() -> Reading:
            async with self.bench() as bench:
                return await bench.read(stream, _stored(reading.cursor))

        second: Reading = await self.shared(("second", stream.name), read)
        if second.error is not None:
            bug = f"stream {stream.name!r}: a read from its own last cursor ends with {describe(second.error)}"
            pytest.fail(broken("a_second_read_is_bounded", bug))
        return second


def _cursor_bug(stream: Stream, cursor: Cursor | None) -> str:
    if cursor is None:
        return f"it declares the cursor {stream.cursor!r} and yields none"
    if not cursor.get(str(stream.cursor)):
        return f"the last cursor lacks the declared field {stream.cursor!r}: {sorted(cursor)}"
    if _moment(cursor[str(stream.cursor)]) is None:
        return f"the cursor's {stream.cursor!r} is no ISO-8601 time: {cursor[str(stream.cursor)]!r}"
    if _without_zone(str(cursor[str(stream.cursor)])):
        return f"the cursor's {stream.cursor!r} is a time without a zone: {cursor[str(stream.cursor)]!r}"
    return ""


def _without_zone(text: str) -> bool:
    """A time of day that could be anywhere's. A plain date is the platform's own word for a day."""
    return len(text) > len("2026-03-02") and datetime.fromisoformat(text).tzinfo is None


def _resume_bug(resumed: Resumed) -> str:
    if resumed.after.error is not None:
        return f"the read ends with {describe(resumed.after.error)}"
    state = {**resumed.before, **resumed.after.state()}
    if lost := resumed.lost():
        return f"{len(lost)} rows are lost, such as {lost[0]}"
    if extra := [key for key in state if key not in resumed.whole]:
        return f"{len(extra)} rows came that the full read does not know, such as {extra[0]}"
    changed = [key for key, record in state.items() if record != resumed.whole[key]]
    return f"{len(changed)} rows differ from the full read, such as {changed[0]}" if changed else ""


def _cursors(reading: Reading) -> Iterator[tuple[int, Cursor]]:
    """(pages so far, cursor saved by then); an even choice where there are very many."""
    saved = [(number, page.cursor) for number, page in enumerate(reading.pages, 1) if page.cursor is not None]
    step = max(1, -(-len(saved) // _MOST_CURSORS))
    last = saved[-1:] if saved and (len(saved) - 1) % step else []
    yield from [*saved[::step], *last]


def _stored(cursor: Cursor | None) -> Cursor | None:
    """A cursor as it comes back from storage."""
    found: Cursor | None = msgspec.json.decode(msgspec.json.encode(cursor))
    return found


def _moment(value: Any) -> datetime | None:
    if isinstance(value, datetime):
        return value if value.tzinfo else None
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _cursor_field(stream: Stream, reading: Reading) -> str | None:
    """The record's field that the cursor follows: the one whose newest value it is, else the one that orders states."""
    reached = _moment((reading.cursor or {}).get(str(stream.cursor)))
    main = [record for record in reading.records if type(record) is stream.record]
    kind = record_type(stream.record)
    for name in dict.fromkeys(filter(None, (kind.newer_by, kind.day, *stream.record.__struct_fields__))):
        moments = [at for record in main if isinstance(v := getattr(record, name), date) and (at := _moment(v))]
        if moments and reached is not None and abs(max(moments) - reached) < timedelta(seconds=1):
            return name
    return kind.newer_by or kind.day


def _margin(record: Record, field: str) -> timedelta:
    """Platforms cut seconds, and a day begins at another hour elsewhere."""
    return timedelta(seconds=2) if isinstance(getattr(record, field), datetime) else timedelta(days=1)
