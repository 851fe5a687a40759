"""Flat files: tables in text, in the encoding, language and number form of their marketplace."""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from shelftide_amazon.values import decimal
from shelftide_sdk.errors import ContractError, DataError, TransientError

# Encodings by what a response names; Windows-1252 is what most flat files of Europe and America come in.
_JAPAN = "cp932"
_WESTERN = "cp1252"
_ABBREVIATED = {"PST": -8, "PDT": -7, "UTC": 0, "GMT": 0, "BST": 1, "CET": 1, "CEST": 2, "MET": 1, "MEST": 2, "JST": 9}


def decode(content: bytes, charset: str | None, country: str) -> str:
    """The text of a flat file: as UTF-8, else in the charset that its reply named, else in the marketplace's own.

    Raises TransientError when no encoding fits.
    """
    own = _JAPAN if country == "JP" else _WESTERN
    for name in dict.fromkeys(("utf-8-sig", charset or own, own)):
        try:
            return content.decode(name)
        except (UnicodeDecodeError, LookupError):
            continue
    raise TransientError("the file is in no encoding that fits its marketplace")


def read_table(text: str, needed: Sequence[str]) -> Iterator[Mapping[str, str]]:
    """Rows of a table separated by tabs, with its header as names in lower case.

    Raises:
        ContractError: the header lacks a column of `needed`: the file is another one, or in another language.
        TransientError: the last row is cut.
    """
    rows = csv.reader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
    header = [name.strip().strip('"').lower() for name in next(rows, [])]
    missing = [name for name in needed if name not in header]
    if missing:
        raise ContractError(f"the file has no column {', '.join(missing)}", detail=f"it begins with {text[:80]!r}")
    for row in rows:
        if not any(cell.strip() for cell in row):
            continue
        if len(row) < len(header) and not text.endswith("\n"):
            raise TransientError("the file ends in the middle of a row")
        cells = [cell.strip() for cell in row] + [""] * (len(header) - len(row))
        yield dict(zip(header, cells, strict=False))


def cell(row: Mapping[str, str], name: str) -> str | None:
    """The text of a cell; None for an empty one and for a column that is not there."""
    return row.get(name) or None


def amount(text: str | None, name: str) -> Decimal | None:
    """A number with a point or with a decimal comma; None for an empty cell. Raises DataError for anything else."""
    if not text:
        return None
    value = text.replace("\u00a0", "").replace(" ", "")
    if "," in value and "." in value:
        thousands = "." if value.rindex(",") > value.rindex(".") else ","
        value = value.replace(thousands, "").replace(",", ".")
    elif re.fullmatch(r"[+-]?\d+,\d{1,2}", value):
        value = value.replace(",", ".")
    elif re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+", value):
        value = value.replace(",", "")
    return decimal(value, name)


_FORMS = (
    "%d.%m.%Y %H:%M:%S %Z",
    "%d/%m/%Y %H:%M:%S %Z",
    "%Y/%m/%d %H:%M:%S %Z",
    "%m/%d/%Y %H:%M:%S %Z",
    "%Y-%m-%d %H:%M:%S %Z",
)


def local_moment(text: str | None, name: str, country: str = "US") -> datetime:
    """A time in ISO form, or in the form of a marketplace with the short name of its zone. Raises DataError.

    `02/03/2026` is the third of February in the United States and the second of March elsewhere.
    """
    if not text:
        raise DataError(f"{name} is missing")
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = _localised(text, name, country)
    if found.tzinfo is None or not 1970 <= found.year < 2200:
        raise DataError(f"{name} is not a time with an offset: {text[:80]!r}")
    return found.astimezone(UTC)


def _localised(text: str, name: str, country: str) -> datetime:
    stem, _, zone = text.rpartition(" ")
    if zone not in _ABBREVIATED:
        raise DataError(f"{name} is not a time: {text[:80]!r}")
    american = country in ("US", "CA")
    forms = [form for form in _FORMS if form.startswith("%m") is american or not form.startswith(("%m", "%d/"))]
    for form in forms:
        try:
            found = datetime.strptime(stem, form.removesuffix(" %Z"))  # noqa: DTZ007  # the zone follows
        except ValueError:
            continue
        hours = _ABBREVIATED[zone]
        return found.replace(tzinfo=ZoneInfo(f"Etc/GMT{-hours:+d}") if hours else UTC)
    raise DataError(f"{name} is not a time: {text[:80]!r}")
