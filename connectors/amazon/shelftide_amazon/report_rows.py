"""What a report's document holds, row by row, and how a mapping sees where it came from.

A row of a flat file is named by its columns in lower case. A row of a JSON document is an entry of one of its lists,
with the document's own `reportSpecification` beside it; one of an XML document is an element as an object.
"""

import json
import re
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import msgspec

from shelftide_amazon.marketplaces import Marketplace
from shelftide_amazon.reports import File
from shelftide_amazon.tables import amount, local_moment, read_table
from shelftide_amazon.values import Row, identifier, row_of, whole
from shelftide_sdk.connector import Mapped
from shelftide_sdk.errors import ContractError, DataError, TransientError
from shelftide_sdk.money import Money

SPECIFICATION = "reportSpecification"
_DEEPEST = 12
# Members that speak of persons. Of an address its country stays.
_PERSONAL = re.compile(
    r"(buyer|recipient|bill|rater|customer-?comments|comments$|response$|cpf$|ship-(address|city|state|postal|phone)"
    r"|purchase-order-number$|invoice)",
    re.IGNORECASE,
)
_PLACES = frozenset({"country", "countrycode"})


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Where a report comes from: its marketplace and seller, the zone that cuts days, and when the read began."""

    market: Marketplace
    seller: str
    zone: str
    at: datetime

    def day_of(self, at: datetime) -> date:
        """The day of a time, in the marketplace's zone."""
        return at.astimezone(ZoneInfo(self.zone)).date()


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """How a report feeds a stream.

    Attributes:
        map: rows that belong together -> records. Raises DataError.
        needed: columns of a flat file without which it is another one.
        lists: paths of the lists in a JSON document that hold the rows.
        element: the element of an XML document that is a row.
        key: what rows that belong together have in common; without it each row stands alone.
        longest: days that one report may cover; None for a report that tells how things stand.
        options: what the report is asked for beside its days.
        beside: whether the report is read beside the API's own answer, not in its place.
        made_by_amazon: whether Amazon makes the report by itself, so that it can only be looked up.
    """

    map: Callable[[Sequence[Row], Source], Mapped]
    needed: tuple[str, ...] = ()
    lists: tuple[tuple[str, ...], ...] = ()
    element: str = ""
    key: Callable[[Row, Source], Hashable] | None = None
    longest: timedelta | None = None
    options: Mapping[str, str] = {}
    beside: bool = False
    made_by_amazon: bool = False


def rows_of(kind: Kind, file: File, market: Marketplace) -> list[Any]:
    """The rows of a document.

    Raises:
        ContractError: the document is another one than the report's.
        TransientError: the document is cut.
    """
    if kind.lists:
        return list(_listed(kind, _json(file.content)))
    if kind.element:
        return list(_elements(file.text(market.country), kind.element))
    return list(read_table(file.text(market.country), kind.needed))


def impersonal(row: Any) -> Any:
    """A row without what it says of persons, so that neither a record nor a row kept for its fault holds it."""
    if isinstance(row, list):
        return [impersonal(inner) for inner in row]
    if not isinstance(row, Mapping):
        return row
    return {
        name: {key: each for key, each in value.items() if key.lower() in _PLACES}
        if name.lower().endswith("address") and isinstance(value, Mapping)
        else impersonal(value)
        for name, value in row.items()
        if not _PERSONAL.match(name)
    }


def groups_of(kind: Kind, rows: Sequence[Any], source: Source) -> list[list[Any]]:
    """Rows that belong together, in the order of their first; a row that names no key stands alone."""
    if kind.key is None:
        return [[row] for row in rows]
    found: dict[Hashable, list[Any]] = {}
    for number, row in enumerate(rows):
        try:
            key: Hashable = ("", kind.key(row_of(row, "a row"), source))
        except DataError:
            key = number
        found.setdefault(key, []).append(row)
    return list(found.values())


def _json(content: bytes) -> Any:
    try:
        return json.loads(content, parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        raise TransientError("a report is cut or is not JSON") from error


def _listed(kind: Kind, document: Any) -> Iterator[Any]:
    if not isinstance(document, Mapping):
        raise ContractError("a report is not an object")
    about = {SPECIFICATION: document.get(SPECIFICATION)}
    for path in kind.lists:
        for row in _below(document, path):
            yield {**row, **about} if isinstance(row, Mapping) else row


def _below(node: Any, path: tuple[str, ...]) -> list[Any]:
    name, *rest = path
    found = node.get(name) if isinstance(node, Mapping) else None
    if not isinstance(found, list):
        raise ContractError(f"a report has no list of {name}")
    if not rest:
        return found
    return [row for inner in found for row in _below(inner, tuple(rest))]


def _elements(text: str, name: str) -> Iterator[Row]:
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ContractError("a report in XML declares entities")
    try:
        root = ElementTree.fromstring(text.removeprefix("\ufeff").encode())  # noqa: S314  # without entities: above
    except (ElementTree.ParseError, ValueError) as error:
        raise TransientError("a report is cut or is not XML") from error
    for element in root.iter():
        if _tag(element) == name:
            found = _object(element, 0)
            yield row_of(found, name)


def _tag(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _object(element: ElementTree.Element, deep: int) -> Any:
    """An element as text, or as an object; names that come twice become lists. Raises DataError."""
    if deep > _DEEPEST:
        raise ContractError("a report in XML is nested without end")
    if not len(element):
        text = (element.text or "").strip()
        return {**element.attrib, "value": text} if element.attrib else text
    found: dict[str, Any] = dict(element.attrib)
    for inner in element:
        name, value = _tag(inner), _object(inner, deep + 1)
        known = found.get(name)
        found[name] = value if known is None else [*(known if isinstance(known, list) else [known]), value]
    return found


# -- cells ------------------------------------------------------------------------------------------------------------


def pieces(row: Row, *names: str) -> int | None:
    """The sum of whole numbers in any form; None where none of the cells is filled. Raises DataError."""
    found = [number for name in names if (number := _whole(row.get(name), name)) is not None]
    return sum(found) if found else None


def _whole(value: Any, name: str) -> int | None:
    if value is None or value == "":
        return None
    return whole(amount(value, name) if isinstance(value, str) else value, name)


def needed_pieces(row: Row, *names: str) -> int:
    """`pieces` that must be there. Raises DataError."""
    found = pieces(row, *names)
    if found is None:
        raise DataError(f"{' and '.join(names)} say nothing")
    return found


def number(row: Row, name: str) -> Decimal | None:
    """A number in any form; None for an empty cell. Raises DataError."""
    value = row.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        value = Decimal(value)
    if isinstance(value, Decimal):
        return value if value.is_finite() else amount("nan", name)
    if value is not None and not isinstance(value, str):
        raise DataError(f"{name} is not a number: {str(value)[:80]!r}")
    return amount(value, name)


def priced(row: Row, name: str, currency: str | None) -> Money | None:
    """An amount of a currency; None for an empty cell. Raises DataError."""
    found = number(row, name)
    return None if found is None else Money.parse(found, currency)


def when(row: Row, name: str, source: Source) -> datetime:
    """A time; where a cell names a day alone, the start of that day in the marketplace. Raises DataError."""
    value = row.get(name)
    if not isinstance(value, str) or not value:
        raise DataError(f"{name} is missing")
    found = _day(value)
    if found is not None:
        return datetime(found.year, found.month, found.day, tzinfo=ZoneInfo(source.zone)).astimezone(UTC)
    return local_moment(value, name, source.market.country)


def on_day(row: Row, name: str, source: Source) -> date:
    """The day of a cell, which names it or a time in it. Raises DataError."""
    value = row.get(name)
    found = _day(value) if isinstance(value, str) else None
    return found or source.day_of(when(row, name, source))


def _day(text: str) -> date | None:
    if len(text) == len("2026-03-01T00:00:00") and text[10:] == "T00:00:00":
        text = text[:10]
    try:
        return date.fromisoformat(text) if len(text) == len("2026-03-01") else None
    except ValueError:
        return None


def code(row: Row, name: str) -> str:
    """An id. Raises DataError."""
    return identifier(row.get(name) or None, name)
