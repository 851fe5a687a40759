"""What makes a Struct a record: its table, its key, its day and its order in time.

The warehouse derives each table from the record type alone, so a record says everything that a table needs.

Column types: `str` text, `int` bigint, `bool`, `date`, aware UTC `datetime`, `float` (ratios only), `Decimal`,
`StrEnum` text, `Money` two columns (`<name>_amount`, `<name>_currency`), `Customer` four columns
(`customer_key`, `customer_key_kind`, `customer_purpose`, `customer_basis`), `tuple[str, ...]` a JSON text.
A field typed `T | None` is nullable.
"""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import TypeVar

import msgspec


class Record(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Base of all records. Immutable; compared by value. Its fields hold plain values, so no record is part of a cycle
    and the collector need not look at the tens of thousands in a batch.

    `extra` is what the platform says beyond the record's fields, made by `own_fields`: entries `connector.field=value`.
    """

    extra: tuple[str, ...] | None = None


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


_OWN = re.compile(r"([a-z][a-z0-9-]*)\.[a-z][a-z0-9_]*=")
_MOST_FIELDS = 32
_LONGEST = 1000


def own_fields(connector: str, /, **fields: str | int | bool | Decimal | None) -> tuple[str, ...] | None:
    """What only this platform knows, for `Record.extra`: kept with the row under the connector's name, never summed.

    None is left out; nothing left is None. Example: `own_fields("acme", gift=True)` is `("acme.gift=true",)`.
    """
    words = {True: "true", False: "false"}
    texts = {name: words[v] if isinstance(v, bool) else str(v) for name, v in fields.items() if v is not None}
    return tuple(f"{connector}.{name}={text}" for name, text in sorted(texts.items())) or None


def foreign_field(connector: str, extra: object) -> str:
    """Why `extra` may not be stored for this connector's record, or ""."""
    if extra is None:
        return ""
    if not isinstance(extra, tuple) or not all(isinstance(entry, str) for entry in extra):
        return "extra: expected texts made by own_fields()"
    if len(extra) > _MOST_FIELDS or any(len(entry) > _LONGEST for entry in extra):
        return f"extra: at most {_MOST_FIELDS} fields of {_LONGEST} characters"
    for entry in extra:
        named = _OWN.match(entry)
        if named is None or named[1] != connector:
            return f"extra: {entry[:80]!r} is not a field of {connector} (`{connector}.field=value`)"
    return ""


def record_type(value: Record | type[Record]) -> RecordType:
    """The RecordType of a record or of its class. Raises KeyError for a Struct that is not registered."""
    cls = value if isinstance(value, type) else type(value)
    return RECORDS[cls.__name__]
