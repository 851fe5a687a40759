"""Values as Amazon writes them, read strictly: what is not understood raises DataError, and None stays None."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from shelftide_sdk.errors import ContractError, DataError
from shelftide_sdk.money import Money

Row = Mapping[str, Any]
_BIGINT = 2**63


def row_of(value: Any, name: str) -> Row:
    """An object. Raises DataError for anything else."""
    if not isinstance(value, Mapping):
        raise DataError(f"{name} is not an object: {str(value)[:80]!r}")
    return value


def part(row: Row, name: str) -> Row:
    """The object under `name`, empty when it is absent or null. Raises DataError for anything else."""
    value = row.get(name)
    return {} if value is None else row_of(value, name)


def parts(row: Row, name: str) -> list[Row]:
    """The objects in the list under `name`, none when it is absent or null. Raises DataError for anything else."""
    value = row.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise DataError(f"{name} is not a list: {str(value)[:80]!r}")
    return [row_of(entry, name) for entry in value]


def identifier(value: Any, name: str) -> str:
    """An id as text; Amazon writes some as numbers. Raises DataError for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int) or not str(value).strip():
        raise DataError(f"{name} is no id: {str(value)[:80]!r}")
    found = str(value).strip()
    if len(found) > 200 or not found.isprintable():
        raise DataError(f"{name} is no id: {ascii(found)[:80]}")
    return found


def word(row: Row, name: str) -> str:
    """A text that must be there."""
    found = maybe_word(row, name)
    if found is None:
        raise DataError(f"{name} is missing")
    return found


def maybe_word(row: Row, name: str) -> str | None:
    """The text under `name`; None when it is absent, null or empty. Raises DataError for anything else."""
    value = row.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise DataError(f"{name} is not a text: {str(value)[:80]!r}")
    return value


def whole(value: Any, name: str) -> int:
    """A whole number, also as text. Raises DataError for anything else, and for what no database takes."""
    if isinstance(value, str) and re.fullmatch(r"[+-]?\d{1,19}", value.strip()):
        value = int(value)
    if (
        isinstance(value, Decimal)
        and value.is_finite()
        and value.adjusted() < 19
        and value == value.to_integral_value()
    ):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise DataError(f"{name} is not a whole number: {str(value)[:80]!r}")
    if not -_BIGINT <= value < _BIGINT:
        raise DataError(f"{name} is out of range")
    return value


def maybe_whole(row: Row, name: str) -> int | None:
    """The whole number under `name`; None when it is absent, null or empty."""
    value = row.get(name)
    return None if value is None or value == "" else whole(value, name)


def decimal(value: Any, name: str) -> Decimal:
    """An exact number, as text or as a JSON number read exactly. Raises DataError for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise DataError(f"{name} is not a number: {str(value)[:80]!r}")
    try:
        found = Decimal(value)
    except InvalidOperation as error:
        raise DataError(f"{name} is not a number: {str(value)[:80]!r}") from error
    if not found.is_finite() or found.adjusted() >= 14:
        raise DataError(f"{name} is out of range")
    return found


def money(value: Any, name: str, amount: str = "amount", code: str = "currencyCode") -> Money:
    """An amount with its currency. Raises DataError for anything else."""
    row = row_of(value, name)
    return Money.parse(decimal(row.get(amount), f"{name}.{amount}"), row.get(code))


def maybe_money(row: Row, name: str, amount: str = "amount", code: str = "currencyCode") -> Money | None:
    """The amount under `name`; None when it is absent or null."""
    return None if row.get(name) is None else money(row[name], name, amount, code)


def moment(value: Any, name: str) -> datetime:
    """A time with its offset, as UTC. Raises DataError for anything else."""
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise DataError(f"{name} is not a time: {str(value)[:80]!r}") from error
    if found.tzinfo is None or not 1970 <= found.year < 2200:
        raise DataError(f"{name} is not a time with an offset: {str(value)[:80]!r}")
    return found.astimezone(UTC)


def maybe_moment(row: Row, name: str) -> datetime | None:
    """The time under `name`; None when it is absent, null or empty."""
    value = row.get(name)
    return None if value in (None, "") else moment(value, name)


def epoch_millis(row: Row, name: str) -> datetime | None:
    """Milliseconds since 1970 under `name` as a time; None when absent or null."""
    value = row.get(name)
    if value is None:
        return None
    count = whole(value, name)
    if not 0 < count < 10**13:
        raise DataError(f"{name} is not a time: {count}")
    return datetime.fromtimestamp(count / 1000, tz=UTC)


def day(value: Any, name: str) -> date:
    """A day, `2026-06-12` or `20260612`. Raises DataError for anything else."""
    if not isinstance(value, str):
        raise DataError(f"{name} is not a day: {str(value)[:80]!r}")
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise DataError(f"{name} is not a day: {value[:80]!r}") from error


def node_of(body: Any, call: str, key: str) -> Row:
    """An object that must hold `key`. Raises ContractError for a reply that is none: that is no empty answer."""
    if not isinstance(body, Mapping) or body.get(key) in (None, ""):
        raise ContractError(f"the reply of {call} has no {key}")
    return body


def list_of(body: Any, key: str, call: str) -> list[Any]:
    """The list under `key`. Raises ContractError for a reply that has none."""
    found = body.get(key) if isinstance(body, Mapping) else None
    if not isinstance(found, list):
        raise ContractError(f"the reply of {call} has no list of {key}")
    return found


def unrepeated(found: Iterable[Any], seen: set[str], key: str) -> list[Any]:
    """Rows whose id did not come before; what names no id goes on, to be rejected with its reason."""
    fresh = []
    for row in found:
        value = row.get(key) if isinstance(row, Mapping) else None
        known = isinstance(value, str | int) and str(value) in seen
        if not known:
            fresh.append(row)
        if isinstance(value, str | int):
            seen.add(str(value))
    return fresh
