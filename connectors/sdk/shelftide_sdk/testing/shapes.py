"""Bodies by shape alone: rows are the outermost lists of objects, in one JSON document or in JSON lines."""

import json
from collections.abc import Iterator
from typing import Any


def row_lists(value: Any) -> Iterator[list[Any]]:
    """The outermost lists that hold objects."""
    if isinstance(value, list):
        if any(isinstance(row, dict) for row in value):
            yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from row_lists(inner)


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
