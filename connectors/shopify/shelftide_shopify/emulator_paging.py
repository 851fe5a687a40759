"""Connections: cursors that hold the last sort value and id, 250 rows a page, 25,000 rows in all."""

import base64
import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import msgspec
from graphql import GraphQLError

MAX_FIRST = 250
WALL = 25_000
Key = tuple[Any, int]


class Entry(msgspec.Struct, frozen=True):
    """A row of a root connection: its place in the order and how to build it."""

    key: Key
    build: Callable[[], dict[str, Any]]


def refuse(message: str, code: str, **extra: Any) -> GraphQLError:
    """An error in Shopify's envelope."""
    return GraphQLError(message, extensions={"code": code, **extra})


def encode(key: Key) -> str:
    """A cursor as Shopify writes it."""
    return base64.b64encode(json.dumps({"last_id": key[1], "last_value": key[0]}).encode()).decode()


def decode(cursor: str) -> Key:
    """Read a cursor. Raises GraphQLError for one that is not of this emulator."""
    try:
        value = json.loads(base64.b64decode(cursor, validate=True))
        return (value["last_value"], value["last_id"])
    except (ValueError, KeyError, TypeError) as error:
        raise refuse("Invalid cursor for current pagination sort.", "BAD_REQUEST") from error


def page_size(args: dict[str, Any], bulk: bool) -> int | None:
    """How many rows are asked for; None for all, which only a bulk operation may ask."""
    size = args.get("first", args.get("last"))
    if size is None:
        if bulk:
            return None
        raise refuse("you must provide one of first or last", "BAD_REQUEST")
    if not 0 <= size <= MAX_FIRST:
        raise refuse(f"first or last must be between 0 and {MAX_FIRST}", "BAD_REQUEST")
    return int(size)


def window(entries: Sequence[Entry], args: dict[str, Any], bulk: bool) -> tuple[list[Entry], bool, bool]:
    """The asked part of sorted entries, and whether more follow and precede."""
    size = page_size(args, bulk)
    ordered = list(reversed(entries)) if args.get("reverse") else list(entries)
    start = 0
    if args.get("after"):
        key = decode(args["after"])
        back = bool(args.get("reverse"))
        past = (i for i, e in enumerate(ordered) if (e.key < key if back else e.key > key))
        start = next(past, len(ordered))
    if size is None:
        return ordered, False, False
    if args.get("first") is None:
        chosen = ordered[max(len(ordered) - size, start) :]
        return chosen, False, len(chosen) < len(ordered)
    if start + size > WALL:
        raise refuse(f"Pagination is limited to {WALL} objects; narrow the query.", "BAD_REQUEST")
    chosen = ordered[start : start + size]
    return chosen, start + len(chosen) < len(ordered), start > 0


def connection(chosen: Sequence[Entry], more: bool, before: bool) -> dict[str, Any]:
    """The rows as nodes and edges."""
    rows = [(entry.build(), encode(entry.key)) for entry in chosen]
    return {
        "nodes": [row for row, _ in rows],
        "edges": [{"node": row, "cursor": cursor} for row, cursor in rows],
        "pageInfo": {
            "hasNextPage": more,
            "hasPreviousPage": before,
            "startCursor": rows[0][1] if rows else None,
            "endCursor": rows[-1][1] if rows else None,
        },
    }


def inner(rows: Sequence[dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """A connection inside a row, in the given order."""

    def resolve(info: Any, **args: Any) -> dict[str, Any]:
        entries = [Entry((i, i), partial(_itself, row)) for i, row in enumerate(rows)]
        return connection(*window(entries, args, info.context.bulk))

    return resolve


def _itself(row: dict[str, Any]) -> dict[str, Any]:
    return row
