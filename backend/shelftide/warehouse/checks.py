"""What the type system does not see: one record, field by field, with the reason that a person reads."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from shelftide.warehouse.days import local_day
from shelftide.warehouse.fields import Field, Kind, fields_of
from shelftide_sdk.errors import DataError
from shelftide_sdk.money import CURRENCIES, Money
from shelftide_sdk.records import Customer, Record, RecordType

_BIGINT = 2**63
_DIGITS = 20
_PLACES = {Kind.DECIMAL: 6, Kind.MONEY: 6, Kind.RATIO: 12}


class Unfit(DataError):  # noqa: N818  # reads as the state of a record
    """A record cannot be stored; the message says which field and why."""


def check_record(
    record_type: RecordType, record: Record, pseudonym: Callable[[Customer], tuple[str, str] | None]
) -> None:
    """Raises Unfit with the first reason why `record` cannot be stored."""
    if type(record) is not record_type.cls:
        raise Unfit(f"expected {record_type.name}, got {type(record).__name__}")
    for field in fields_of(record_type):
        value = getattr(record, field.name)
        check_value(field, value)
        if field.kind is Kind.CUSTOMER and value is not None:
            _check_pseudonym(field.name, value, pseudonym)
    _check_day(record_type, record)


def check_value(field: Field, value: Any) -> None:
    """Raises Unfit with the reason why `value` cannot stand in `field`."""
    if value is None:
        if not field.nullable:
            raise Unfit(f"{field.name}: missing")
    elif reason := _CHECKS[field.kind](value, field):
        raise Unfit(f"{field.name}: {reason}")


def _check_day(record_type: RecordType, record: Record) -> None:
    moment = getattr(record, record_type.day) if record_type.day else None
    if isinstance(moment, datetime):
        zone: str = record.zone  # type: ignore[attr-defined]  # a day that is a moment always comes with its zone
        try:
            local_day(moment, zone)
        except (ValueError, OverflowError) as error:
            raise Unfit(f"zone: {error}") from error


def _check_pseudonym(name: str, customer: Customer, pseudonym: Callable[[Customer], tuple[str, str] | None]) -> None:
    try:
        found = pseudonym(customer)
    except (DataError, ValueError, TypeError, AttributeError) as error:
        raise Unfit(f"{name}: {error}") from error
    for text in found or ():
        if reason := _check_text(text, None):
            raise Unfit(f"{name}: {reason}")


def _expected(type_: type[Any], value: Any) -> str:
    return f"expected {type_.__name__}, got {type(value).__name__}"


def _check_text(value: Any, _: Field | None) -> str | None:
    if type(value) is not str:
        return _expected(str, value)
    if "\0" in value:
        return "text with a NUL character"
    try:
        value.encode()
    except UnicodeEncodeError:
        return "text is not valid Unicode"
    return None


def _check_choice(value: Any, field: Field) -> str | None:
    return None if type(value) is field.type else _expected(field.type, value)


def _check_texts(value: Any, field: Field) -> str | None:
    if type(value) is not tuple:
        return _expected(tuple, value)
    return next((reason for text in value if (reason := _check_text_in_json(text, field))), None)


def _check_text_in_json(value: Any, field: Field) -> str | None:
    if type(value) is str and "\0" in value:
        return None  # JSON writes it as an escape
    return _check_text(value, field)


def _check_integer(value: Any, _: Field) -> str | None:
    if type(value) is not int:
        return _expected(int, value)
    return None if -_BIGINT <= value < _BIGINT else "integer out of range"


def _check_boolean(value: Any, _: Field) -> str | None:
    return None if type(value) is bool else _expected(bool, value)


def _check_date(value: Any, _: Field) -> str | None:
    return None if type(value) is date else _expected(date, value)


def _check_moment(value: Any, _: Field) -> str | None:
    if type(value) is not datetime:
        return _expected(datetime, value)
    if value.utcoffset() is None:
        return "time without a zone"
    try:
        value.astimezone(UTC)
    except OverflowError:
        return "time out of range"
    return None


def _check_double(value: Any, _: Field) -> str | None:
    if type(value) is not float:
        return _expected(float, value)
    return None if abs(value) < float("inf") else "not a finite number"


def _check_decimal(value: Any, field: Field) -> str | None:
    if type(value) is not Decimal:
        return _expected(Decimal, value)
    if not value.is_finite():
        return "not a finite number"
    places = _PLACES[field.kind]
    if value and value.adjusted() >= _DIGITS - places:
        return "number out of range"
    if value != value.quantize(Decimal(1).scaleb(-places)):
        return f"more than {places} decimal places"
    return None


def _check_money(value: Any, field: Field) -> str | None:
    if type(value) is not Money:
        return _expected(Money, value)
    if value.currency not in CURRENCIES:
        return f"unknown currency {value.currency!r}"
    return _check_decimal(value.amount, field)


def _check_customer(value: Any, _: Field) -> str | None:
    return None if type(value) is Customer else _expected(Customer, value)


_CHECKS: dict[Kind, Callable[[Any, Field], str | None]] = {
    Kind.TEXT: _check_text,
    Kind.CHOICE: _check_choice,
    Kind.TEXTS: _check_texts,
    Kind.INTEGER: _check_integer,
    Kind.BOOLEAN: _check_boolean,
    Kind.DATE: _check_date,
    Kind.MOMENT: _check_moment,
    Kind.DOUBLE: _check_double,
    Kind.DECIMAL: _check_decimal,
    Kind.RATIO: _check_decimal,
    Kind.MONEY: _check_money,
    Kind.CUSTOMER: _check_customer,
}
