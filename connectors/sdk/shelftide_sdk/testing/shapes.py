"""Bodies by shape alone: rows are the outermost lists of objects, in one JSON document or in JSON lines."""

import json
from collections.abc import Iterator
from typing import Any


def row_lists(value: Any) -> Iterator[list[Any]]:
    """The outermost lists that hold objects."""
    return (rows for _, rows in placed_rows(value))


def placed_rows(value: Any, place: str = "") -> Iterator[tuple[str, list[Any]]]:
    """The outermost lists that hold objects, each with the names that lead to it (`.data.orders.nodes`)."""
    if isinstance(value, list):
        if any(isinstance(row, dict) for row in value):
            yield place, value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from placed_rows(inner, f"{place}.{name}")


def decode(body: bytes) -> tuple[Any, bool]:
    """(value, whether it came as JSON lines); (None, False) for what is neither."""
    try:
        return json.loads(body), False
    except ValueError:
        pass
    try:
        return [json.loads(line) for line in body.split(b"\n") if line.strip()], True
    except ValueError:
        return None, False


def encode(value: Any, lines: bool) -> bytes:
    """A body of that value, as one JSON document or as JSON lines."""
    if lines:
        return b"".join(json.dumps(row).encode() + b"\n" for row in value)
    return json.dumps(value, ensure_ascii=False).encode()
