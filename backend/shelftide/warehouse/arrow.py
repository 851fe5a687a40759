"""From records to Arrow: fast when all is well, and with a reason for each record when not.

A plan is made once a record type. A slice of records is first converted whole; only if a check on a whole column fails
is each record looked at, and the bad ones become Rejects while the rest go on.
"""

import itertools
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any, Protocol

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shelftide.warehouse.checks import Unfit, check_record
from shelftide.warehouse.days import local_days
from shelftide.warehouse.fields import Field, Kind, columns_of, fields_of
from shelftide.warehouse.hashes import hash_rows
from shelftide_sdk import Reject
from shelftide_sdk.errors import DataError
from shelftide_sdk.money import CURRENCIES
from shelftide_sdk.records import RECORDS, Customer, Record, RecordType

# One slice is one Arrow batch: DuckDB reads batches in parallel, and memory stays flat.
_SLICE = 61_440
_NONE = type(None)
MONEY = pa.decimal128(20, 6)
RATIO = pa.decimal128(20, 12)
MOMENT = pa.timestamp("us", "UTC")
Pseudonym = Callable[[Customer], tuple[str, str] | None]
_Converter = Callable[[Sequence[Any], Field, Pseudonym], list[pa.Array]]

_TYPES: dict[Kind, pa.DataType] = {
    Kind.TEXT: pa.string(),
    Kind.CHOICE: pa.string(),
    Kind.TEXTS: pa.string(),
    Kind.INTEGER: pa.int64(),
    Kind.BOOLEAN: pa.bool_(),
    Kind.DATE: pa.date32(),
    Kind.MOMENT: MOMENT,
    Kind.DOUBLE: pa.float64(),
    Kind.DECIMAL: MONEY,
    Kind.RATIO: RATIO,
    Kind.CUSTOMER: pa.string(),
}
_EXACT: dict[Kind, type[Any]] = {
    Kind.TEXT: str,
    Kind.INTEGER: int,
    Kind.BOOLEAN: bool,
    Kind.DATE: date,
    Kind.DOUBLE: float,
    Kind.DECIMAL: Decimal,
    Kind.RATIO: Decimal,
}


class Pseudonymous(Protocol):
    """What of a Stamp the columns need."""

    @property
    def pseudonym(self) -> Pseudonym:
        """Turns what identifies a customer into key and kind, or None where nothing does."""
        ...


class _Suspect(Exception):  # noqa: N818  # no error: the slice needs a closer look
    """A whole-column check failed."""


def build(record_type: RecordType, records: Sequence[Record], stamp: Pseudonymous) -> tuple[pa.Table, list[Reject]]:
    """Columns of `records`: content, `local_day` where the type has a day, and `row_hash` over the content.

    What is the same for a whole batch (tenant, connection, platform, times) is not repeated in each row.
    """
    batches: list[pa.RecordBatch] = []
    rejects: list[Reject] = []
    for start in range(0, len(records), _SLICE):
        part = records[start : start + _SLICE]
        try:
            batches.append(_batch(record_type, part, stamp.pseudonym))
        except (_Suspect, pa.ArrowException, OverflowError, ValueError, TypeError, AttributeError, DataError):
            good, bad = _sort_out(record_type, part, stamp.pseudonym)
            rejects += bad
            batches.append(_batch(record_type, good, stamp.pseudonym))
    return pa.Table.from_batches(batches, schema_of(record_type)), rejects


def schema_of(record_type: RecordType) -> pa.Schema:
    """Columns that `build` makes."""
    pairs = [pair for field in fields_of(record_type) for pair in _field_schema(field)]
    day = [("local_day", pa.date32())] if record_type.day else []
    return pa.schema([*day, ("row_hash", pa.int64()), *pairs])


def _field_schema(field: Field) -> list[tuple[str, pa.DataType]]:
    types = [MONEY, pa.string()] if field.kind is Kind.MONEY else [_TYPES[field.kind]] * len(columns_of(field))
    return list(zip(columns_of(field), types, strict=True))


def _sort_out(
    record_type: RecordType, records: Sequence[Record], pseudonym: Pseudonym
) -> tuple[list[Record], list[Reject]]:
    good: list[Record] = []
    rejects: list[Reject] = []
    for record in records:
        try:
            check_record(record_type, record, pseudonym)
        except Unfit as unfit:
            rejects.append(Reject(record_type.name, str(unfit), record))
        else:
            good.append(record)
    return good, rejects


def _batch(record_type: RecordType, records: Sequence[Record], pseudonym: Pseudonym) -> pa.RecordBatch:
    if set(map(type, records)) - {record_type.cls}:
        raise _Suspect
    names: list[str] = []
    arrays: list[pa.Array] = []
    for field in fields_of(record_type):
        values = list(map(attrgetter(field.name), records))
        kinds = set(map(type, values))
        names += columns_of(field)
        if _NONE not in kinds or (field.nullable and kinds != {_NONE}):
            arrays += _CONVERTERS.get(field.kind, _convert_plain)(values, field, pseudonym)
        elif field.nullable:
            arrays += [pa.nulls(len(values), type_) for _, type_ in _field_schema(field)]
        else:
            raise _Suspect
    content = pa.RecordBatch.from_arrays(arrays, names)
    hashes = pa.array(hash_rows(content, tuple(names)).view(np.int64))
    day = [_days(record_type, content, records)] if record_type.day else []
    return pa.RecordBatch.from_arrays([*day, hashes, *arrays], schema=schema_of(record_type))


def _days(record_type: RecordType, content: pa.RecordBatch, records: Sequence[Record]) -> pa.Array:
    day = content.column(record_type.day or "")
    return day if pa.types.is_date32(day.type) else local_days(day, list(map(attrgetter("zone"), records)))


def _expect(values: Sequence[Any], *types: type[Any]) -> set[type[Any]]:
    found = set(map(type, values))
    if found - {*types, _NONE}:
        raise _Suspect
    return found


def _text(values: Sequence[Any]) -> pa.Array:
    array = pa.array(values, pa.string())
    data = array.buffers()[2]
    if data is not None and b"\0" in data.to_pybytes():
        raise _Suspect
    return array


def _convert_plain(values: Sequence[Any], field: Field, _: Pseudonym) -> list[pa.Array]:
    _expect(values, _EXACT[field.kind])
    array = pa.array(values, _TYPES[field.kind])
    if field.kind is Kind.DOUBLE and len(array) and pc.all(pc.is_finite(array)).as_py() is False:
        raise _Suspect
    return [array]


def _convert_text(values: Sequence[Any], _: Field, __: Pseudonym) -> list[pa.Array]:
    _expect(values, str)
    return [_text(values)]


def _convert_choice(values: Sequence[Any], field: Field, _: Pseudonym) -> list[pa.Array]:
    _expect(values, field.type)
    words = {None: None, **{choice: choice.value for choice in field.type}}
    return [pa.array([words[value] for value in values], pa.string())]


def _convert_texts(values: Sequence[Any], _: Field, __: Pseudonym) -> list[pa.Array]:
    _expect(values, tuple)
    _expect(list(itertools.chain.from_iterable(values)), str)
    return [_text([_json(value) for value in values])]


def _json(value: tuple[str, ...]) -> str:
    return msgspec.json.encode(value).decode() if value else "[]"


def _convert_moment(values: Sequence[Any], _: Field, __: Pseudonym) -> list[pa.Array]:
    _expect(values, datetime)
    if any(zone is not UTC for zone in {id(v.tzinfo): v.tzinfo for v in values if v is not None}.values()):
        # Other zones are legitimate but rare: each value is checked on its way to UTC.
        values = [None if value is None else _utc(value) for value in values]
    return [pa.array(values, MOMENT)]


def _utc(value: datetime) -> datetime:
    if value.utcoffset() is None:
        raise _Suspect
    return value.astimezone(UTC)


def _convert_money(values: Sequence[Any], field: Field, _: Pseudonym) -> list[pa.Array]:
    if _NONE in _expect(values, field.type):
        amounts = [None if value is None else value.amount for value in values]
        currencies = [None if value is None else value.currency for value in values]
    else:
        amounts = list(map(attrgetter("amount"), values))
        currencies = list(map(attrgetter("currency"), values))
    _expect(amounts, Decimal)
    if not set(currencies) <= CURRENCIES | {None}:
        raise _Suspect
    return [pa.array(amounts, MONEY), pa.array(currencies, pa.string())]


def _convert_customer(values: Sequence[Any], field: Field, pseudonym: Pseudonym) -> list[pa.Array]:
    _expect(values, field.type)
    # The visits before an order name its buyer, the same object. By identity: what a buyer holds was not looked at yet.
    buyers = {id(value): value for value in values}
    known = {key: _pseudonymised(value, pseudonym) for key, value in buyers.items()}
    rows = [known[id(value)] for value in values]
    return [_text(column) for column in zip(*rows, strict=True)] if rows else [pa.array([], pa.string())] * 4


def _pseudonymised(customer: Customer | None, pseudonym: Pseudonym) -> tuple[str | None, ...]:
    found = None if customer is None else pseudonym(customer)
    if customer is None or found is None:
        return (None, None, None, None)
    return (*found, str(customer.purpose), str(customer.basis))


_CONVERTERS: dict[Kind, _Converter] = {
    Kind.TEXT: _convert_text,
    Kind.CHOICE: _convert_choice,
    Kind.TEXTS: _convert_texts,
    Kind.MOMENT: _convert_moment,
    Kind.MONEY: _convert_money,
    Kind.CUSTOMER: _convert_customer,
}

for _record_type in RECORDS.values():  # a type without a column form must not be found out at night
    schema_of(_record_type)
