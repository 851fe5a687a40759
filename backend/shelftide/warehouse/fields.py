"""What a record type's fields mean for storage: one kind a field, and the columns that it becomes."""

from datetime import date, datetime
from decimal import Decimal
from enum import Enum, StrEnum, auto
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgspec

from shelftide_sdk.money import Money
from shelftide_sdk.records import Customer, RecordType


class Kind(Enum):
    """How a field is stored."""

    TEXT = auto()
    CHOICE = auto()
    TEXTS = auto()
    INTEGER = auto()
    BOOLEAN = auto()
    DATE = auto()
    MOMENT = auto()
    DOUBLE = auto()
    DECIMAL = auto()
    RATIO = auto()
    MONEY = auto()
    CUSTOMER = auto()


class Field(msgspec.Struct, frozen=True):
    """A field of a record type. `type` is the Python type without None."""

    name: str
    kind: Kind
    nullable: bool
    type: type[Any]


_KINDS: dict[Any, Kind] = {
    str: Kind.TEXT,
    int: Kind.INTEGER,
    bool: Kind.BOOLEAN,
    date: Kind.DATE,
    datetime: Kind.MOMENT,
    float: Kind.DOUBLE,
    Decimal: Kind.DECIMAL,
    Money: Kind.MONEY,
    Customer: Kind.CUSTOMER,
}


@cache
def fields_of(record_type: RecordType) -> tuple[Field, ...]:
    """The fields of a record type in order. Raises TypeError for a type that has no column form."""
    hints = get_type_hints(record_type.cls)
    fields = tuple(_field(record_type, name, hints[name]) for name in record_type.cls.__struct_fields__)
    nullable = {field.name for field in fields if field.nullable}
    if unfit := nullable.intersection(record_type.key):
        raise TypeError(f"{record_type.name}: key fields may not be None: {', '.join(sorted(unfit))}")
    return fields


def _field(record_type: RecordType, name: str, hint: Any) -> Field:
    options = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    types = [option for option in options if option is not NoneType]
    kind = _kind(name, types[0]) if len(types) == 1 else None
    if kind is None:
        raise TypeError(f"{record_type.name}.{name}: no column form for {hint}")
    plain = tuple if kind is Kind.TEXTS else types[0]
    return Field(name, kind, NoneType in options, plain)


def _kind(name: str, hint: Any) -> Kind | None:
    if hint == tuple[str, ...]:
        return Kind.TEXTS
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return Kind.CHOICE
    kind = _KINDS.get(hint)
    # Exchange and commission rates are ratios: six decimals would cut 1 IDR = 0.0000613 USD to one figure.
    return Kind.RATIO if kind is Kind.DECIMAL and (name == "rate" or name.endswith("_rate")) else kind


def columns_of(field: Field) -> tuple[str, ...]:
    """Names of the columns that a field becomes."""
    match field.kind:
        case Kind.MONEY:
            return (f"{field.name}_amount", f"{field.name}_currency")
        case Kind.CUSTOMER:
            return (
                f"{field.name}_key",
                f"{field.name}_key_kind",
                f"{field.name}_purpose",
                f"{field.name}_basis",
            )
        case _:
            return (field.name,)
