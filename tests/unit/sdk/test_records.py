"""Every record type says all that a table needs; rows become records or rejects."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, get_type_hints

import pytest

from shelftide_sdk import Context, DataError, Reject, Stream, days, map_rows
from shelftide_sdk.connector import Clock
from shelftide_sdk.records import RECORDS, Footfall, Location, Order, Record, own_fields, record, record_type

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.mark.parametrize("name", sorted(RECORDS))
def test_a_record_type_is_consistent(name: str) -> None:
    kind = RECORDS[name]
    hints = get_type_hints(kind.cls)
    assert kind.key
    assert all(type(None) not in getattr(hints[field], "__args__", ()) for field in kind.key)
    if kind.day:
        assert hints[kind.day] in (date, datetime)
    if kind.day and hints[kind.day] is datetime:
        assert hints["zone"] is str
    if kind.newer_by:
        assert datetime in (hints[kind.newer_by], *getattr(hints[kind.newer_by], "__args__", ()))
    assert kind.cls.__doc__


def test_own_fields_stand_under_the_connectors_name_in_one_order() -> None:
    found = own_fields("acme-shop", weight=Decimal("0.50"), gift=True, wrapped=False, pieces=0, note="a=b", none=None)
    assert found == (
        "acme-shop.gift=true",
        "acme-shop.note=a=b",
        "acme-shop.pieces=0",
        "acme-shop.weight=0.50",
        "acme-shop.wrapped=false",
    )
    assert own_fields("acme", note=None) is None
    assert Location(source_id="1", name="Milan").extra is None


def test_tables_are_unique() -> None:
    assert len({kind.table for kind in RECORDS.values()}) == len(RECORDS)


def test_a_record_of_a_field_that_is_not_there_is_refused() -> None:
    with pytest.raises(TypeError, match="no field named absent"):

        @record(table="wrongs", key=("absent",), grain="nothing")
        class Wrong(Record, frozen=True, kw_only=True):
            """Not registered."""

    assert "Wrong" not in RECORDS


def test_records_are_immutable_and_compared_by_value() -> None:
    first, second = (Location(source_id="1", name="Milan") for _ in range(2))
    assert first == second
    with pytest.raises(AttributeError):
        first.name = "Rome"  # type: ignore[misc]  # what is tried


def test_record_type_knows_classes_and_values_and_refuses_strangers() -> None:
    assert record_type(Location) is record_type(Location(source_id="1", name="Milan"))
    with pytest.raises(KeyError):
        record_type(type("Stranger", (Record,), {}))


def _place(row: Any) -> Record:
    if row["visitors"] < 0:
        raise DataError("fewer than nobody")
    return Footfall(
        place=row["place"], day=date.fromisoformat(row["day"]), zone="Europe/Rome", visitors=row["visitors"]
    )


GOOD = {"place": "Milan", "day": "2026-03-02", "visitors": 7}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({**GOOD, "visitors": -1}, "fewer than nobody"),
        ({"place": "Milan"}, "KeyError: 'visitors'"),
        (None, "no object: None"),
        ("text", "no object"),
        ({**GOOD, "day": "yesterday"}, "ValueError"),
        ({**GOOD, "visitors": "many"}, "TypeError"),
    ],
)
def test_a_bad_row_is_rejected_and_the_others_are_kept(row: Any, reason: str) -> None:
    records, rejects = map_rows([GOOD, row, GOOD], _place, Footfall)
    assert len(records) == 2
    assert [(reject.record, reject.raw) for reject in rejects] == [("Footfall", row)]
    assert reason in rejects[0].reason


def test_a_reject_carries_what_the_mapping_says_is_raw() -> None:
    def refuse(row: Any) -> Record:
        raise DataError("this part", raw={"part": 1})

    assert map_rows([GOOD], refuse, Footfall)[1] == [Reject("Footfall", "this part", {"part": 1})]


def test_a_row_may_become_several_records_or_none() -> None:
    assert len(map_rows([GOOD], lambda row: [_place(row), _place(row)], Footfall)[0]) == 2
    assert map_rows([GOOD], lambda row: [], Footfall) == ([], [])


def test_a_mapping_that_asks_for_more_than_a_row_is_not_hidden() -> None:
    def broken(row: Any) -> Record:
        raise RuntimeError("no row's fault")

    with pytest.raises(RuntimeError):
        map_rows([GOOD], broken, Footfall)


class _Now:
    def now(self) -> datetime:
        return AT


def context(since: datetime) -> Context:
    clock: Clock = _Now()
    nobody: Any = None
    return Context(client=nobody, clock=clock, log=nobody, settings={}, since=since, captured_at=AT)


@pytest.mark.parametrize(
    ("cursor", "start"),
    [
        (None, AT - days(30)),
        ({}, AT - days(30)),
        ({"updated_at": ""}, AT - days(30)),
        ({"updated_at": (AT - days(3)).isoformat()}, AT - days(5)),
        ({"updated_at": "2026-03-01T12:00:00+03:00"}, AT - days(3)),
        ({"updated_at": (AT - days(300)).isoformat()}, AT - days(30)),
    ],
)
def test_a_read_starts_at_the_cursor_less_the_lookback(cursor: dict[str, Any] | None, start: datetime) -> None:
    stream = Stream("orders", Order, cursor="updated_at", lookback=timedelta(days=2))
    assert context(AT - days(30)).start(stream, cursor) == start


def test_a_cursor_that_is_no_time_is_refused() -> None:
    with pytest.raises(ValueError, match="nonsense"):
        context(AT).start(Stream("orders", Order, cursor="updated_at"), {"updated_at": "nonsense"})
