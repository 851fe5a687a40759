"""Plain values as TikTok writes them: ids as text, times in unix seconds, counts, shares."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from shelftide_sdk.errors import ContractError, DataError
from shelftide_sdk.money import Money

Row = Mapping[str, Any]
_LATEST_SECOND = 100_000_000_000  # the year 5138: anything larger is milliseconds


def identifier(value: Any, name: str = "id") -> str:
    """An id as text. Raises DataError for anything that may have lost digits, such as a float."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise DataError(f"{name} is missing or is not text: {value!r}")
    return value


def maybe_identifier(value: Any) -> str | None:
    """As `identifier`; None, "" and "0" mean that there is none."""
    return None if value in (None, "", "0", 0) else identifier(value)


def whole(value: Any, name: str) -> int:
    """A whole number, as a number or as digits. Raises DataError for anything else, true and 1.0 included."""
    if isinstance(value, str) and value.removeprefix("-").isascii() and value.removeprefix("-").isdigit():
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise DataError(f"{name} is not a whole number: {value!r}")
    return value


def maybe_whole(row: Row, name: str) -> int | None:
    """The whole number under `name`; None when it is absent or null."""
    value = row.get(name)
    return None if value is None else whole(value, name)


def number(row: Row, name: str) -> float | None:
    """The number under `name`; None when it is absent or null. Raises DataError for anything else, NaN included."""
    value = row.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise DataError(f"{name} is not a number: {value!r}")
    try:
        found = float(value)
    except (ValueError, OverflowError) as error:
        raise DataError(f"{name} is not a number: {value!r}"[:200]) from error
    if not abs(found) < float("inf"):
        raise DataError(f"{name} is not a finite number: {value!r}"[:200])
    return found


def share(row: Row, name: str) -> float | None:
    """A fraction of 1; None when it is absent or outside 0 to 1, where its unit would be a guess."""
    found = number(row, name)
    return found if found is not None and 0 <= found <= 1 else None


def moment(value: Any, name: str) -> datetime:
    """Unix seconds, as a number or as digits, as aware UTC. Raises DataError for milliseconds and non-times."""
    seconds = whole(value, name)
    if not 0 < seconds < _LATEST_SECOND:
        raise DataError(f"{name} is not a time in seconds: {value!r}")
    return datetime.fromtimestamp(seconds, UTC)


def maybe_moment(row: Row, name: str) -> datetime | None:
    """The time under `name`; None when it is absent, null or 0."""
    value = row.get(name)
    return None if value in (None, 0, "0", "") else moment(value, name)


def money(row: Row, name: str, currency: Any) -> Money:
    """The amount under `name`. Raises DataError when it is missing."""
    if row.get(name) in (None, ""):
        raise DataError(f"{name} is missing")
    return Money.parse(row[name], currency)


def maybe_money(row: Row, name: str, currency: Any) -> Money | None:
    """The amount under `name`; None when it is absent, null or empty."""
    return None if row.get(name) in (None, "") else Money.parse(row[name], currency)


def rows(data: Any, name: str) -> Sequence[Any]:
    """The list under `name`, empty when it or the whole is absent or null. Raises DataError for anything else."""
    if data is not None and not isinstance(data, Mapping):
        raise DataError(f"an object with {name} was expected: {data!r}")
    found = None if data is None else data.get(name)
    if found is None:
        return ()
    if not isinstance(found, list):
        raise DataError(f"{name} is not a list")
    return found


def data_of(body: Any, call: str) -> Row:
    """The data of a good envelope. Raises ContractError when there is none: that is no empty answer."""
    data = body.get("data") if isinstance(body, Mapping) else None
    if not isinstance(data, Mapping):
        raise ContractError(f"the reply of {call} has no data")
    return data


def listed(data: Any, name: str, call: str) -> list[Any]:
    """The list that a reply holds. Raises ContractError when it is something else: no row of it can be understood."""
    try:
        return list(rows(data, name))
    except DataError as error:
        raise ContractError(f"{call}: {error.message}") from error


def unrepeated(found: Iterable[Any], key: str, seen: set[str]) -> list[Any]:
    """Rows whose id did not come before; what names no id goes on, to be rejected with its reason."""
    fresh = []
    for row in found:
        value = row.get(key) if isinstance(row, dict) else None
        if value is None or repr(value) not in seen:
            fresh.append(row)
        seen.add(repr(value))
    return fresh
