"""Field expansion of the emulated Graph API: `a,b{c,d},e.limit(2).after(x){f}` chooses and nests."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

Row = dict[str, Any]
_CALL = re.compile(r"\.(\w+)\(([^()]*)\)")


class Field(msgspec.Struct, frozen=True):
    """A field that was asked for, with its modifiers and what was asked for inside it."""

    name: str
    calls: Mapping[str, str] = {}
    inner: tuple["Field", ...] = ()


def parse_fields(text: str) -> tuple[Field, ...]:
    """Fields of a `fields` parameter. Raises ValueError for a text that is no list of fields."""
    found, rest = _fields(text)
    if rest:
        raise ValueError(f"Syntax error at {rest[:20]!r}")
    return found


def _fields(text: str) -> tuple[tuple[Field, ...], str]:
    found: list[Field] = []
    while text and not text.startswith("}"):
        named = re.match(r"\w+", text)
        if named is None:
            raise ValueError(f"Syntax error at {text[:20]!r}")
        text = text[named.end() :]
        calls: dict[str, str] = {}
        inner: tuple[Field, ...] = ()
        while (call := _CALL.match(text)) is not None:
            calls[call[1]], text = call[2], text[call.end() :]
        if text.startswith("{"):
            inner, text = _fields(text[1:])
            if not text.startswith("}"):
                raise ValueError("Syntax error: a brace is not closed")
            text = text[1:]
        found.append(Field(named[0], calls, inner))
        text = text.removeprefix(",")
    return tuple(found), text


Edge = Callable[[Field], Any]


def project(row: Row, fields: Sequence[Field]) -> Row:
    """What was asked for of a row; the id comes always. A function among the values is an edge."""
    wanted = [field for field in fields if field.name != "id"]
    found = {"id": row["id"]} if "id" in row else {}
    for field in wanted:
        value = row.get(field.name)
        if callable(value):
            value = value(field)
        elif isinstance(value, dict) and "data" in value:
            value = {"data": [project(child, field.inner) for child in value["data"]]}
        elif isinstance(value, dict) and field.inner:
            value = project(value, field.inner)
        if value is not None:
            found[field.name] = value
    return found


def nested_edge(rows: Sequence[Row]) -> Edge:
    """An edge inside a node: its first rows, `limit` and `after` obeyed, without a `next`."""

    def edge(field: Field) -> Row:
        first = int(field.calls.get("after") or 0)
        last = first + int(field.calls.get("limit") or 25)
        chosen = [project(row, field.inner) for row in rows[first:last]]
        found: Row = {"data": chosen}
        if last < len(rows):
            found["paging"] = {"cursors": {"after": str(last)}}
        return found

    return edge
