"""Reading token replies that are not OAuth's own: an envelope with `data`, ends as lives or as moments."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from shelftide_sdk.errors import ContractError

SECONDS, MILLISECONDS = 1, 1000
_EARLIEST = 1_000_000_000  # 2001: what is smaller is a life, not a moment


def reply_data(reply: Any, error: Exception | None) -> Mapping[str, Any]:
    """`data` of a reply. Raises `error`, what the connector made of the reply's code; ContractError without data."""
    if error is not None:
        raise error
    data = reply.get("data") if isinstance(reply, Mapping) else None
    if not isinstance(data, dict):
        raise ContractError("the token reply has no data")
    return data


def reply_text(data: Mapping[str, Any], name: str) -> str:
    """A text that must be there. Raises ContractError."""
    value = data.get(name)
    if not isinstance(value, str) or not value:
        raise ContractError(f"the token reply has no {name}")
    return value


def end_of_life(now: datetime, seconds: Any) -> datetime | None:
    """When something ends that lives so many seconds from `now`; None for no life and for 0, which stand for no end."""
    if seconds in (None, "", 0):
        return None
    try:
        return now + timedelta(seconds=_whole(seconds))
    except OverflowError as error:
        raise ContractError("the token reply names a senseless life", detail=repr(seconds)[:80]) from error


def end_at(data: Mapping[str, Any], name: str, unit: int = SECONDS) -> datetime | None:
    """A moment in unix time, in SECONDS or MILLISECONDS; None where there is none. Raises ContractError for a life."""
    if data.get(name) is None:
        return None
    moment = _whole(data[name])
    if moment < _EARLIEST * unit:
        told = "milliseconds" if unit == MILLISECONDS else "seconds"
        raise ContractError(f"{name} is {moment}, which is a life; it should be a moment in {told}")
    try:
        return datetime.fromtimestamp(moment // unit, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise ContractError(f"{name} is no moment: {moment}") from error


def _whole(value: Any) -> int:
    try:
        return int(str(value))
    except ValueError as error:
        raise ContractError(f"the token reply names no whole number: {str(value)[:80]!r}") from error
