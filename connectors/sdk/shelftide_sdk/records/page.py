"""All record types with their fields as a page of Markdown (docs/connectors/records.md, `connector records`)."""

import inspect
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgspec

from shelftide_sdk.money import Money
from shelftide_sdk.records.people import Customer
from shelftide_sdk.records.record import RECORDS, RecordType

_HEAD = """\
# Records

What a connector yields, one section a type: the key, then each field with its type. **must** be known; a field with a
default may be left out, and what is unknown is None, never 0. `moment` is an aware UTC datetime, `day` a date, `Money`
an exact amount with its currency, `Customer` what tells a buyer apart (the host keeps a pseudonym of it alone).

This page is generated: `python -m shelftide_sdk records > docs/connectors/records.md`.
"""
_TABLE = "| Field | Type | Unless given |\n|---|---|---|"
_NAMES: dict[Any, str] = {
    str: "text",
    int: "integer",
    float: "ratio",
    bool: "yes or no",
    datetime: "moment",
    date: "day",
    Decimal: "exact number",
    Money: "Money",
    Customer: "Customer",
    tuple: "texts",
}


def records_page(names: Iterable[str] = ()) -> str:
    """The sections of the named types, by default of all. Raises KeyError for a name that is no record type.

    `Customer` is none, and has a section too: it stands in other records.
    """
    chosen = list(names) or [*sorted(RECORDS), Customer.__name__]
    sections = (_of_customer() if name == Customer.__name__ else _section(RECORDS[name]) for name in chosen)
    return "\n".join([_HEAD, *map("\n".join, sections)])


def _of_customer() -> Iterator[str]:
    holders = sorted(name for name, kind in RECORDS.items() if "customer" in kind.cls.__struct_fields__)
    yield f"## {Customer.__name__}\n"
    yield f"{inspect.cleandoc(Customer.__doc__ or '')}\n"
    yield f"No row of its own: the field `customer` of {_listed(holders)}.\n"
    yield _TABLE
    yield from _rows(Customer)
    yield ""


def _section(kind: RecordType) -> Iterator[str]:
    yield f"## {kind.name}\n"
    yield f"{inspect.cleandoc(kind.cls.__doc__ or '')}\n"
    parts = [f"One row: {kind.grain}", f"key: {_listed(kind.key)}", f"table: `{kind.table}`"]
    parts += [f"day: `{kind.day}`"] if kind.day else []
    parts += [f"a newer state by: `{kind.newer_by}`"] if kind.newer_by else []
    yield f"{'; '.join(parts)}.\n"
    yield _TABLE
    yield from _rows(kind.cls)
    yield ""


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _rows(cls: type[msgspec.Struct]) -> Iterator[str]:
    hints = get_type_hints(cls)
    for field in msgspec.structs.fields(cls):
        given = "**must** be known" if field.required else _default(field.default)
        yield f"| `{field.name}` | {_type(hints[field.name])} | {given} |"


def _default(value: Any) -> str:
    if isinstance(value, Enum):
        return str(value.value)
    return "none" if value in (None, ()) else str(value)


def _type(hint: Any) -> str:
    options = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    plain = next(option for option in options if option is not NoneType)
    plain = get_origin(plain) or plain
    if isinstance(plain, type) and issubclass(plain, Enum):
        return f"{plain.__name__}: {', '.join(str(member.value) for member in plain)}"
    return _NAMES[plain]
