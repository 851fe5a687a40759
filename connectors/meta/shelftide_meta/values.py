"""Plain values as the Graph API writes them: ids and amounts as text, times with an offset, counts."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from shelftide_sdk.errors import ContractError, DataError

Row = Mapping[str, Any]
_MOST = 2**63  # bigint in the warehouse


def identifier(value: Any, name: str = "id") -> str:
    """An id or another word that makes a key, as text. Raises DataError for what is empty or may have lost digits."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise DataError(f"{name} is missing or is not text: {value!r}")
    return value


def text(row: Row, name: str) -> str | None:
    """The text under `name`; None when it is absent, null or empty. Raises DataError for anything else."""
    value = row.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise DataError(f"{name} is not text: {value!r}")
    return value


def flag(row: Row, name: str) -> bool | None:
    """The yes or no under `name`; None when it is absent or null."""
    value = row.get(name)
    if value is not None and not isinstance(value, bool):
        raise DataError(f"{name} is neither true nor false: {value!r}")
    return value


def whole(value: Any, name: str) -> int:
    """A whole number, as a number or as digits. Raises DataError for anything else, true and 1.5 included."""
    if isinstance(value, str) and value.removeprefix("-").isascii() and value.removeprefix("-").isdigit():
        value = int(value) if len(value) < 40 else _MOST
    if isinstance(value, Decimal) and abs(value) < 2**53 and value == value.to_integral_value():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise DataError(f"{name} is not a whole number: {value!r}")
    if abs(value) >= _MOST:
        raise DataError(f"{name} is out of range")
    return value


def maybe_whole(row: Row, name: str) -> int | None:
    """The whole number under `name`; None when it is absent or null."""
    value = row.get(name)
    return None if value is None else whole(value, name)


def decimal(value: Any, name: str) -> Decimal:
    """An exact number, as text or whole number. Raises DataError for anything else, and for absurd sizes."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise DataError(f"{name} is not a number in text: {value!r}")
    try:
        found = Decimal(value)
    except InvalidOperation as error:
        raise DataError(f"{name} is not a number: {value!r}") from error
    if not found.is_finite() or found.adjusted() >= 14:
        raise DataError(f"{name} is out of range")
    return found


def moment(value: Any, name: str) -> datetime:
    """A time with its offset (`2026-06-12T19:20:02+0000`), as UTC. Raises DataError for anything else."""
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise DataError(f"{name} is not a time: {value!r}") from error
    if found.tzinfo is None or found.year < 2000:
        raise DataError(f"{name} is not a time with an offset: {value!r}")
    return found.astimezone(UTC)


def maybe_moment(row: Row, name: str) -> datetime | None:
    """The time under `name`; None when it is absent, null or empty."""
    value = row.get(name)
    return None if value in (None, "") else moment(value, name)


def day(value: Any, name: str) -> date:
    """A day. Raises DataError for anything else."""
    if not isinstance(value, str):
        raise DataError(f"{name} is not a day: {value!r}")
    try:
        return date.fromisoformat(value[:10])
    except ValueError as error:
        raise DataError(f"{name} is not a day: {value!r}") from error


def nested(row: Row, name: str) -> list[Any]:
    """The rows of an expanded edge (`{"data": [...]}`), empty when it is absent. Raises DataError for anything else."""
    edge = row.get(name)
    if edge is None:
        return []
    data = edge.get("data") if isinstance(edge, Mapping) else None
    if not isinstance(data, list):
        raise DataError(f"{name} is no list of an edge: {edge!r}")
    return data


def node_of(body: Any, call: str, key: str = "id") -> Row:
    """A node. Raises ContractError for a reply that is none: that is no empty answer."""
    if not isinstance(body, Mapping) or body.get(key) in (None, ""):
        raise ContractError(f"the reply of {call} has no {key}")
    return body


def list_of(body: Any, call: str) -> list[Any]:
    """The rows of an edge. Raises ContractError for a reply that has no list."""
    data = body.get("data") if isinstance(body, Mapping) else None
    if not isinstance(data, list):
        raise ContractError(f"the reply of {call} has no list of data")
    return data


def unrepeated(found: Iterable[Any], seen: set[str], key: str = "id") -> list[Any]:
    """Rows whose id did not come before; what names no id goes on, to be rejected with its reason."""
    fresh = []
    for row in found:
        value = row.get(key) if isinstance(row, Mapping) else None
        if not isinstance(value, str | int) or str(value) not in seen:
            fresh.append(row)
        if isinstance(value, str | int):
            seen.add(str(value))
    return fresh
