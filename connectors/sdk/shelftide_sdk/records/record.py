"""What makes a Struct a record: its table, its key, its day and its order in time.

The warehouse derives each table from the record type alone, so a record says everything that a table needs.

Column types: `str` text, `int` bigint, `bool`, `date`, aware UTC `datetime`, `float` (ratios only), `Decimal`,
`StrEnum` text, `Money` two columns (`<name>_amount`, `<name>_currency`), `Customer` four columns
(`customer_key`, `customer_key_kind`, `customer_purpose`, `customer_basis`), `tuple[str, ...]` a JSON text.
A field typed `T | None` is nullable.
"""

from collections.abc import Callable
from typing import TypeVar

import msgspec


class Record(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Base of all records. Immutable; compared by value. Its fields hold plain values, so no record is part of a cycle
    and the collector need not look at the tens of thousands in a batch.
    """


class RecordType(msgspec.Struct, frozen=True):
    """How a record type is stored.

    Attributes:
        name: the class name, as in `Order`.
        table: plural noun.
        key: fields that identify a row inside one connection; at most one current version per key exists.
        grain: what one row stands for, in words.
        day: the field that decides the day: a `date` itself, or a `datetime` cut in the record's `zone`.
        newer_by: a `datetime` field; an older state never overwrites a newer one (webhooks arrive in any order).
        cls: the Struct.
    """

    name: str
    table: str
    key: tuple[str, ...]
    grain: str
    day: str | None
    newer_by: str | None
    cls: type[Record]


RECORDS: dict[str, RecordType] = {}
R = TypeVar("R", bound=type[Record])


def record(
    *, table: str, key: tuple[str, ...], grain: str, day: str | None = None, newer_by: str | None = None
) -> Callable[[R], R]:
    """Register a Struct as a record type. Raises TypeError when key, day or newer_by name no field."""

    def register(cls: R) -> R:
        fields = set(cls.__struct_fields__)
        unknown = {*key, *filter(None, (day, newer_by))} - fields
        if unknown:
            raise TypeError(f"{cls.__name__}: no field named {', '.join(sorted(unknown))}")
        RECORDS[cls.__name__] = RecordType(cls.__name__, table, key, grain, day, newer_by, cls)
        return cls

    return register


def record_type(value: Record | type[Record]) -> RecordType:
    """The RecordType of a record or of its class. Raises KeyError for a Struct that is not registered."""
    cls = value if isinstance(value, type) else type(value)
    return RECORDS[cls.__name__]
