"""Whether pages are what the contract says, value by value. Each check returns the bugs it found, in words."""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints
from zoneinfo import ZoneInfo

from shelftide_sdk.connector import Delete, Page, Reject, Stream
from shelftide_sdk.metrics import Withdrawn
from shelftide_sdk.money import CURRENCIES, Money
from shelftide_sdk.records import RECORDS, Order, OrderLine, Record, Refund, record_type
from shelftide_sdk.records.record import foreign_field
from shelftide_sdk.testing.conformance.bench import Reading
from shelftide_sdk.testing.shapes import decode, row_lists

_BIGINT = 2**63


@cache
def _fields(cls: type[Record]) -> dict[str, tuple[type[Any], bool]]:
    """Field -> (type without None, nullable)."""
    found = {}
    for name, hint in get_type_hints(cls).items():
        options = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
        plain = next(option for option in options if option is not NoneType)
        found[name] = (get_origin(plain) or plain, NoneType in options)
    return found


def values(record: Record) -> Iterator[tuple[str, Any]]:
    """(field, value) of all fields that are not None."""
    for name in record.__struct_fields__:
        value = getattr(record, name)
        if value is not None:
            yield name, value


def page_bugs(stream: Stream, pages: Iterable[Any]) -> Iterator[str]:
    """Pages of the right classes, with records of the declared types only."""
    declared = (stream.record, *stream.also)
    for page in pages:
        if not isinstance(page, Page):
            yield f"read() yielded a {type(page).__name__}, not a Page"
            continue
        for record in page.records:
            if type(record) not in declared:
                names = ", ".join(cls.__name__ for cls in declared)
                yield f"a page holds a {type(record).__name__}; the stream declares {names}"
        if page.cursor is not None and json_bug(page.cursor):
            yield f"the cursor is not plain JSON: {json_bug(page.cursor)}"


def json_bug(value: Any) -> str:
    """Why a cursor does not survive storage, or ""."""
    try:
        again = json.loads(json.dumps(value))
    except (TypeError, ValueError) as error:
        return str(error)
    return "" if again == value else "it reads back differently"


def field_bugs(record: Record) -> Iterator[str]:
    """Values of another type than their field's; numbers that no database takes."""
    for name, (kind, nullable) in _fields(type(record)).items():
        value = getattr(record, name)
        if value is None:
            if not nullable:
                yield f"{name} is None, but it must be known"
        elif kind in (Money, datetime, date, Decimal) or (kind is not float and isinstance(value, float)):
            continue  # money_bugs and time_bugs speak of these
        elif type(value) is not kind:
            yield f"{name} is a {type(value).__name__}, not a {kind.__name__}"
        elif kind is int and not -_BIGINT <= value < _BIGINT:
            yield f"{name} is an integer beyond 64 bits"


def extra_bugs(connector: str) -> Callable[[Record], Iterator[str]]:
    """Fields of the platform's own in another name than the connector's."""

    def bugs(record: Record) -> Iterator[str]:
        if flaw := foreign_field(connector, record.extra):
            yield flaw

    return bugs


def money_bugs(record: Record) -> Iterator[str]:
    """Money as exact Decimal with a known currency; floats only where the record type says so."""
    for name, value in values(record):
        kind = _fields(type(record))[name][0]
        if isinstance(value, float) and kind is not float:
            yield f"{name} is a float"
        elif kind is Money and not isinstance(value, Money):
            yield f"{name} is a {type(value).__name__}, not Money"
        elif isinstance(value, Money):
            yield from _amount_bugs(name, value)
        elif kind is Decimal and type(value) is not Decimal:
            yield f"{name} is a {type(value).__name__}, not a Decimal"


def _amount_bugs(name: str, value: Money) -> Iterator[str]:
    if type(value.amount) is not Decimal:
        yield f"{name}.amount is a {type(value.amount).__name__}, not a Decimal"
    elif not value.amount.is_finite():
        yield f"{name}.amount is {value.amount}"
    if value.currency not in CURRENCIES:
        yield f"{name} has the unknown currency {value.currency!r}"


_NOT_BELOW_ZERO: dict[type[Record], tuple[str, ...]] = {
    Order: ("total", "subtotal", "refunded", "shipping", "tax"),
    OrderLine: ("quantity", "current_quantity"),
    Refund: ("amount", "quantity"),
}
_CENT = Decimal("0.01")


def amount_bugs(record: Record) -> Iterator[str]:
    """Signs, and whether an order's total is more than all its parts."""
    for name in _NOT_BELOW_ZERO.get(type(record), ()):
        value = getattr(record, name)
        amount = value.amount if isinstance(value, Money) else value
        if amount is not None and amount < 0:
            yield f"{name} is {amount}, below zero"
    if isinstance(record, Order) and record.subtotal and record.tax and record.shipping:
        parts = (record.subtotal, record.tax, record.shipping)
        if {part.currency for part in parts} == {record.total.currency}:
            whole = sum(Decimal(part.amount) for part in parts)
            if Decimal(record.total.amount) > whole + _CENT:
                yield f"total is {record.total.amount}, more than subtotal, tax and shipping together ({whole})"


def time_bugs(record: Record) -> Iterator[str]:
    """Moments aware and in UTC, days plain dates."""
    for name, value in values(record):
        kind = _fields(type(record))[name][0]
        if kind is datetime:
            if not isinstance(value, datetime):
                yield f"{name} is a {type(value).__name__}, not a datetime"
            elif value.utcoffset() is None:
                yield f"{name} is naive: it has no time zone"
            elif value.utcoffset():
                yield f"{name} is at {value:%z}, not in UTC"
        elif kind is date and type(value) is not date:
            yield f"{name} is a {type(value).__name__}, not a date"


def zone_bugs(record: Record) -> Iterator[str]:
    """Reporting zones that exist."""
    zone = getattr(record, "zone", None)
    if "zone" in record.__struct_fields__ and not _is_zone(zone):
        yield f"zone {zone!r} is no IANA time zone"


@cache
def _is_zone(zone: Any) -> bool:
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, TypeError, OSError):
        return False
    return True


def key_bugs(record: Record) -> Iterator[str]:
    """Keys that are whole."""
    for name in record_type(record).key:
        value = getattr(record, name)
        if value is None or (isinstance(value, str) and not isinstance(value, Enum) and value.strip() in _EMPTY):
            yield f"the key field {name} is empty ({value!r})"


_EMPTY = frozenset({"", "None", "null", "undefined", "{}", "[]"})


_DELETED = re.compile(r"(is_?)?(deleted|erased|removed|tombstone|trashed)(_?(at|on|time|date))?", re.IGNORECASE)


def deleted_rows(reading: Reading) -> Iterator[dict[str, Any]]:
    """Rows that call themselves deleted, by a flag or a moment."""
    for exchange in reading.exchanges:
        for rows in row_lists(decode(exchange.body)[0]):
            for row in (row for row in rows if isinstance(row, dict)):
                if any(_DELETED.fullmatch(name) and value and value != "false" for name, value in row.items()):
                    yield row


def delete_bugs(deletes: Iterable[Delete]) -> Iterator[str]:
    """Deletes that name exactly the key."""
    for delete in deletes:
        kind = RECORDS.get(delete.record.__name__)
        if kind is None:
            yield f"a delete of {delete.record.__name__}, which is no record type"
        elif set(delete.key) != set(kind.key) or any(value in (None, "") for value in delete.key.values()):
            yield f"a delete of {kind.name} names {dict(delete.key)}; its key is {', '.join(kind.key)}"


def reject_bugs(rejects: Iterable[Reject]) -> Iterator[str]:
    """Rejects that say why."""
    for reject in rejects:
        if not reject.reason.strip():
            yield f"a {reject.record} was rejected without a reason"


def withdrawn_bugs(withdrawn: Iterable[Withdrawn]) -> Iterator[str]:
    """Metrics whose life is not told so that a reader could use it."""
    for each in withdrawn:
        record, _, field = each.field.partition(".")
        if record not in RECORDS or field not in _fields(RECORDS[record].cls):
            yield f"withdrawn metric {each.metric!r}: there is no field {each.field!r}"
        if not each.source.strip() or each.successor == each.metric:
            yield f"withdrawn metric {each.metric!r}: its source is missing, or it succeeds itself"


def undead_bugs(record: Record, withdrawn: Iterable[Withdrawn]) -> Iterator[str]:
    """Figures of a metric that has no successor, on a day on which it had ended."""
    kind = record_type(record)
    at = getattr(record, kind.day) if kind.day else None
    day = at.date() if isinstance(at, datetime) else at
    for each in withdrawn:
        name, _, field = each.field.partition(".")
        if each.successor is None and name == kind.name and day is not None and day >= each.ended_on:
            value = getattr(record, field)
            if value is not None:
                yield f"{each.field} is {value!r} on {day}, but {each.reason}"


def difference(first: Record | None, second: Record | None) -> str:
    """The first field in which two rows of one key differ, with both values."""
    if first is None or second is None or type(first) is not type(second):
        return f"{first!r:.200}, then {second!r:.200}"
    name = next((n for n in first.__struct_fields__ if getattr(first, n) != getattr(second, n)), "")
    return f"{name} is {getattr(first, name, '')!s:.200}, then {getattr(second, name, '')!s:.200}"


def first_bugs(records: Iterable[Record], check: Callable[[Record], Iterator[str]], most: int = 3) -> list[str]:
    """The first few bugs, each with the record type it was found in, without repeats."""
    found: dict[str, None] = {}
    for record in records:
        for bug in check(record):
            found.setdefault(f"{type(record).__name__}: {bug}")
        if len(found) >= most:
            break
    return list(found)[:most]
