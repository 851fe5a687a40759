"""Plain values as Xiaohongshu writes them: fen and yuan, milliseconds, Shanghai days, numbers as text with commas."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from shelftide_sdk.bodies import read_json
from shelftide_sdk.errors import ContractError, DataError
from shelftide_sdk.money import Money

Row = Mapping[str, Any]
ZONE = "Asia/Shanghai"
CURRENCY = "CNY"
SHANGHAI = ZoneInfo(ZONE)
_NO_VALUE = (None, "", "-", "--")
_BIGINT = 2**63
_EARLIEST_MILLI, _LATEST_MILLI = 10**11, 10**13 * 4  # the years 1973 and 3237; seconds lie below


def exact(response: Any) -> Any:
    """A reply with its numbers as they were written: some amounts are JSON numbers, and money is never a float."""
    return read_json(response.content)


def identifier(value: Any, name: str) -> str:
    """An id as text. Raises DataError for anything that may have lost digits, such as a fraction."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise DataError(f"{name} is missing or is not text: {value!r}")
    return value


def numeric(value: Any, name: str) -> str:
    """An id that the platform declares a number, as text. Raises DataError for other words."""
    found = identifier(value, name)
    if not (found.isascii() and found.isdigit()):
        raise DataError(f"{name} is no number: {value!r}")
    return found


def maybe_identifier(row: Row, name: str) -> str | None:
    """As `identifier`; None, "" and "0" mean that there is none."""
    value = row.get(name)
    return None if value in (None, "", "0", 0) else identifier(value, name)


def text(row: Row, name: str) -> str | None:
    """The text under `name`; None when it is absent, null or empty. Raises DataError for anything but text."""
    value = row.get(name)
    if value is not None and not isinstance(value, str):
        raise DataError(f"{name} is not text: {value!r}")
    return value or None


def whole(value: Any, name: str) -> int:
    """A whole number, as a number or as text, with thousands commas or a fraction of zeros. Raises DataError."""
    found = decimal(value, name)
    if found is None or found != found.to_integral_value() or abs(found) >= _BIGINT:
        raise DataError(f"{name} is not a whole number: {value!r}")
    return int(found)


def maybe_whole(row: Row, name: str) -> int | None:
    """The whole number under `name`; None when it is absent, null or a dash."""
    value = row.get(name)
    return None if _absent(value) else whole(value, name)


def decimal(value: Any, name: str) -> Decimal | None:
    """A number, also as text such as `1,234.50`; None for none. Raises DataError for what is no number."""
    if _absent(value):
        return None
    if isinstance(value, bool | float) or not isinstance(value, int | str | Decimal):
        raise DataError(f"{name} is not a number: {value!r}")
    try:
        found = Decimal(value.replace(",", "").strip() if isinstance(value, str) else value)
    except (InvalidOperation, ValueError) as error:
        raise DataError(f"{name} is not a number: {value!r}") from error
    if not found.is_finite():
        raise DataError(f"{name} is not a number: {value!r}")
    return found


def fen(row: Row, name: str) -> Money | None:
    """Integer fen as yuan; None when it is absent or null."""
    value = row.get(name)
    if _absent(value):
        return None
    return Money.parse((Decimal(whole(value, name)) / 100).quantize(Decimal("0.01")), CURRENCY)


def yuan(row: Row, name: str) -> Money | None:
    """An amount in yuan, as a number or as text; None when it is absent or null."""
    found = decimal(row.get(name), name)
    return None if found is None else Money.parse(found, CURRENCY)


def needed(amount: Money | None, name: str) -> Money:
    """The amount. Raises DataError when there is none."""
    if amount is None:
        raise DataError(f"{name} is missing")
    return amount


def moment(value: Any, name: str) -> datetime:
    """Unix milliseconds as aware UTC. Raises DataError for seconds and for what is no time."""
    millis = whole(value, name)
    if not _EARLIEST_MILLI <= millis < _LATEST_MILLI:
        raise DataError(f"{name} is not a time in milliseconds: {value!r}")
    return datetime.fromtimestamp(millis // 1000, UTC) + timedelta(milliseconds=millis % 1000)


def maybe_moment(row: Row, name: str) -> datetime | None:
    """The time under `name`; None when it is absent, null, 0 or -1."""
    value = row.get(name)
    return None if _absent(value) or value in (0, "0", -1, "-1") else moment(value, name)


def local_moment(value: Any, name: str) -> datetime:
    """`yyyy-MM-dd`, with or without `HH:mm:ss`, in Shanghai, as aware UTC. Raises DataError."""
    try:
        if not isinstance(value, str):
            raise ValueError
        found = datetime.fromisoformat(value.strip())
    except ValueError as error:
        raise DataError(f"{name} is not a time: {value!r}") from error
    aware = found if found.tzinfo else found.replace(tzinfo=SHANGHAI)
    return aware.astimezone(UTC)


def maybe_local_moment(row: Row, name: str) -> datetime | None:
    """The local time under `name`; None when it is absent, null or empty."""
    value = row.get(name)
    return None if _absent(value) else local_moment(value, name)


def midnight(day: date) -> datetime:
    """When a Shanghai day begins, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=SHANGHAI).astimezone(UTC)


def shanghai_day(at: datetime) -> date:
    """The Shanghai day that holds `at`."""
    return at.astimezone(SHANGHAI).date()


def rows(data: Row, name: str) -> Sequence[Any]:
    """The list under `name`, empty when it is absent or null. Raises DataError for anything else."""
    found = data.get(name)
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


def listed(data: Row, name: str, call: str) -> list[Any]:
    """The list that a reply must hold. Raises ContractError when it is missing or something else.

    Null is an empty list where the platform also says that there is nothing.
    """
    found = data.get(name)
    if found is None and name in data:
        return []
    if not isinstance(found, list):
        raise ContractError(f"the reply of {call} has no {name}")
    return list(found)


def count_of(data: Row, name: str, call: str) -> int:
    """How many rows a reply promises. Raises ContractError when it does not say."""
    try:
        return whole(data.get(name), name)
    except DataError as error:
        raise ContractError(f"{call}: {error.message}") from error


def unrepeated(found: Iterable[Any], seen: set[str]) -> list[Any]:
    """Rows that did not come before, word for word."""
    fresh = []
    for row in found:
        mark = repr(row)
        if mark not in seen:
            fresh.append(row)
        seen.add(mark)
    return fresh


def _absent(value: Any) -> bool:
    return value is None or (isinstance(value, str) and value.strip() in _NO_VALUE)


class Strays:
    """Notices a reply that was given for another question, once for each read.

    A row that does not fit the question is kept when it comes first: it is true whoever asked. When it comes again it
    stands where other rows should be, and whoever reads must hear of it.
    """

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def check(self, key: str, *, fits: bool, told: str) -> None:
        """Raise DataError, with what was `told`, for a row that came before and does not fit."""
        if not fits and key in self._seen:
            raise DataError(told)
        self._seen.add(key)
