"""From a cell to a value: numbers, money, rates, days and moments as people and platforms write them.

What may be read in two ways is never guessed: `Evidence` looks at a file's cells until one tells, and asks when none
does.
"""

import re
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from zoneinfo import ZoneInfo

import msgspec

from shelftide.core.errors import InvalidInputError
from shelftide.ingest.imports.tables import Cell
from shelftide_sdk import DataError
from shelftide_sdk.money import CURRENCIES

_SYMBOLS: dict[str, frozenset[str]] = {
    "€": frozenset({"EUR"}),
    "£": frozenset({"GBP"}),
    "¥": frozenset({"CNY", "JPY"}),
    "元": frozenset({"CNY"}),
    "円": frozenset({"JPY"}),
    "₩": frozenset({"KRW"}),
    "₫": frozenset({"VND"}),
    "฿": frozenset({"THB"}),
    "₹": frozenset({"INR"}),
    "₱": frozenset({"PHP"}),
    "US$": frozenset({"USD"}),
    "A$": frozenset({"AUD"}),
    "C$": frozenset({"CAD"}),
    "S$": frozenset({"SGD"}),
    "HK$": frozenset({"HKD"}),
    "NT$": frozenset({"TWD"}),
    "R$": frozenset({"BRL"}),
    "$": frozenset({"USD", "AUD", "CAD", "NZD", "SGD", "HKD", "TWD", "MXN", "ARS", "CLP", "COP"}),
}
_FULL_WIDTH: dict[int, int | str] = {
    **{code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)},
    0x3000: " ",
    0xFFE5: "¥",
    0xFFE1: "£",
}
_MOST_KNOWN = 50_000
_PLAIN = re.compile(r"-?\d{1,18}(?:\.\d{1,12})?")
_NUMBER = re.compile(r"(?P<minus>[-\u2212])?(?P<digits>\d[\d.,]*|[.,]\d+)(?P<after>-)?")
_AMBIGUOUS = re.compile(r"[1-9]\d{0,2}[.,]\d{3}")
_SPACES = re.compile(r"(?<=\d)[\s\u00a0\u202f'\u2019](?=\d{3}(?!\d))")
_MARK = re.compile(r"[^\d.,()\s+\u2212-]+")
_YEAR_FIRST = re.compile(r"(?P<y>\d{4})(?:[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})|年(?P<cm>\d{1,2})月(?P<cd>\d{1,2})日)")
_COMPACT = re.compile(r"(?P<y>(?:19|20)\d\d)(?P<m>\d\d)(?P<d>\d\d)(?!\d)")
_YEAR_LAST = re.compile(r"(?P<a>\d{1,2})(?P<sign>[/.-])(?P<b>\d{1,2})(?P=sign)(?P<y>\d{4}|\d\d)(?!\d)")
_NAMED = re.compile(
    r"(?:(?P<d>\d{1,2})[ .-]+(?P<name>[^\W\d_]{3,10})|(?P<name2>[^\W\d_]{3,10})[ .-]+(?P<d2>\d{1,2}))"
    r"[ .,-]+(?P<y>\d{4})"
)
_TIME = re.compile(
    r"[T ,]*(?P<h>\d{1,2})[:时](?P<mi>\d\d)(?:[:分](?P<s>\d\d)(?:\.(?P<f>\d{1,6})\d*)?秒?)?"
    r"\s*(?P<half>[AaPp]\.?[Mm]\.?)?\s*(?P<zone>.*)"
)
_OFFSET = re.compile(r"(?:UTC|GMT)?(?P<sign>[+-])(?P<h>\d\d?):?(?P<m>\d\d)?")
_ZONES = {"Z": 0, "UTC": 0, "GMT": 0, "PST": -8, "PDT": -7, "EST": -5, "EDT": -4, "CET": 1, "CEST": 2, "JST": 9}
# English, Italian, Spanish, French, German; any beginning of three letters or more counts.
_MONTHS = (
    ("january", "gennaio", "enero", "janvier", "januar"),
    ("february", "febbraio", "febrero", "février", "februar"),
    ("march", "marzo", "mars", "märz", "mrz"),
    ("april", "aprile", "abril", "avril"),
    ("may", "maggio", "mayo", "mai"),
    ("june", "giugno", "junio", "juin", "juni"),
    ("july", "luglio", "julio", "juillet", "juli"),
    ("august", "agosto", "août"),
    ("september", "settembre", "septiembre", "septembre"),
    ("october", "ottobre", "octubre", "octobre", "oktober"),
    ("november", "novembre", "noviembre"),
    ("december", "dicembre", "diciembre", "décembre", "dezember"),
)


class Form(Enum):
    """What stands in a column."""

    TEXT = "text"
    WHOLE = "whole number"
    NUMBER = "number"
    MONEY = "amount"
    RATE = "rate"
    DAY = "day"
    MOMENT = "time"


NUMERIC = frozenset({Form.WHOLE, Form.NUMBER, Form.MONEY, Form.RATE})
DATED = frozenset({Form.DAY, Form.MOMENT})


class Dialect(msgspec.Struct, frozen=True, kw_only=True):
    """How a file writes numbers and days: `decimal` is "." or ",", `days` "dmy" or "mdy"; times are of `zone`."""

    decimal: str = "."
    days: str = ""
    zone: str = "UTC"


class _Sighting(msgspec.Struct, frozen=True):
    """Where a cell stands that tells something."""

    line: int
    column: str
    text: str

    @property
    def words(self) -> str:
        return f"line {self.line}, column {self.column}: {self.text.strip()[:60]!r}"


class _Question:
    """One thing that a file must say, such as its decimal sign: what its cells say, and what leaves it open."""

    def __init__(self, said: str) -> None:
        self.said = said
        self.found: dict[str, _Sighting] = {}
        self.unclear: _Sighting | None = None

    def answer(self, *, open_words: str, mixed_words: str, hint: str) -> str:
        """Raises InvalidInputError when cells leave it open, or contradict each other while others are unclear."""
        if self.said or self.unclear is None:
            return self.said or next(iter(self.found), "")
        if len(self.found) > 1:
            first, second = self.found.values()
            raise InvalidInputError(f"{mixed_words} ({first.words}; {second.words}).", hint=f"Write all alike. {hint}")
        if not self.found:
            words = self.unclear.words
            raise InvalidInputError(f"{words[0].upper()}{words[1:]} {open_words}.", hint=hint)
        return next(iter(self.found))


class Evidence:
    """What a file's cells tell about its dialect. All are looked at; nothing is taken line by line."""

    def __init__(self, *, decimal: str, days: str) -> None:
        self._decimal = _Question(decimal)
        self._days = _Question(days)
        self._known: set[str] = set()
        self.sought = frozenset((DATED if not days else frozenset()) | (NUMERIC if not decimal else frozenset()))

    def look(self, line: int, column: str, form: Form, cell: Cell) -> None:
        """Take a cell into account."""
        if not isinstance(cell, str):
            return
        if form in DATED:
            if cell[4:5] != "-" and cell not in self._known:
                self._look_at_day(_Sighting(line, column, cell))
        elif not cell.isdigit() and ("," in cell or ("." in cell and not self._settled(cell))):
            self._look_at_number(_Sighting(line, column, cell), form)

    def _settled(self, cell: str) -> bool:
        """Whether a cell such as 12.50 says once more what is known already."""
        part = cell.rpartition(".")[2]
        return "." in self._decimal.found and part.isdigit() and len(part) != 3

    def _look_at_day(self, seen: _Sighting) -> None:
        if len(self._known) < _MOST_KNOWN:
            self._known.add(seen.text)
        found = _YEAR_LAST.match(_normal(seen.text))
        if not found or found["sign"] == ".":
            return
        a, b = int(found["a"]), int(found["b"])
        if a > 12 >= b:
            self._days.found.setdefault("dmy", seen)
        elif b > 12 >= a:
            self._days.found.setdefault("mdy", seen)
        elif a != b and self._days.unclear is None:
            self._days.unclear = seen

    def _look_at_number(self, seen: _Sighting, form: Form) -> None:
        digits = _digits(seen.text)
        signs = [c for c in digits if c in ".,"]
        if not signs:
            return
        last = signs[-1]
        other = "," if last == "." else "."
        if len(set(signs)) == 2:
            self._decimal.found.setdefault(last, seen)
        elif len(signs) > 1:
            self._decimal.found.setdefault(other, seen)
        elif not _AMBIGUOUS.fullmatch(digits):
            self._decimal.found.setdefault(last, seen)
        elif form is Form.WHOLE and not digits.endswith("000"):
            self._decimal.found.setdefault(other, seen)
        elif self._decimal.unclear is None:
            self._decimal.unclear = seen

    def settle(self, zone: str) -> Dialect:
        """The dialect. Raises InvalidInputError that says what is unclear, where, and how to say it."""
        decimal = self._decimal.answer(
            open_words="may have a decimal sign or a thousands separator",
            mixed_words="Numbers are written in two ways",
            hint='Say which sign is decimal: "." or "," (--decimal).',
        )
        days = self._days.answer(
            open_words="may begin with the day or with the month",
            mixed_words="Dates are written in two ways",
            hint="Say which comes first: dmy or mdy (--days).",
        )
        return Dialect(decimal=decimal or ".", days=days, zone=zone)


def _normal(text: str) -> str:
    """Trimmed, full-width signs as plain ones. No more: "5²" is not 52."""
    text = text.strip()
    return text if text.isascii() else text.translate(_FULL_WIDTH).strip()


def _digits(text: str) -> str:
    found = _NUMBER.search(_SPACES.sub("", _MARK.sub("", _normal(text)).strip()))
    return found["digits"] if found else ""


class Amount(msgspec.Struct, frozen=True, gc=False):
    """A number and the mark (currency, percent) that stood beside it."""

    value: Decimal
    mark: str = ""


def read_amount(cell: Cell, name: str, dialect: Dialect) -> Amount:
    """A number with its mark. Raises DataError."""
    if isinstance(cell, int | Decimal):
        return Amount(Decimal(cell))
    if not isinstance(cell, str):
        raise DataError(f"{name} is {cell}, not a number")
    if dialect.decimal == "." and _PLAIN.fullmatch(cell):
        return Amount(Decimal(cell))
    text = _normal(cell)
    mark = "".join(_MARK.findall(text)).strip()
    bare = _SPACES.sub("", _MARK.sub("", text)).strip()
    negative = bare.startswith("(") and bare.endswith(")")
    found = _NUMBER.fullmatch(bare[1:-1].strip() if negative else bare.removeprefix("+"))
    number = _grouped(found["digits"], dialect.decimal) if found and len(bare) < 40 else ""
    if not found or not number or (mark and _NUMBER.search(text) is None):
        raise DataError(f"{name} is {cell.strip()[:60]!r}, not a number")
    value = Decimal(number)
    return Amount(-value if negative or found["minus"] or found["after"] else value, mark)


def _grouped(digits: str, decimal: str) -> str:
    """The digits with a point as decimal sign; empty when separators stand where none can."""
    group = "," if decimal == "." else "."
    whole, _, part = digits.partition(decimal)
    if group in part or decimal in part:
        return ""
    groups = whole.split(group)
    if len(groups) > 1 and (not 1 <= len(groups[0]) <= 3 or any(len(g) != 3 for g in groups[1:])):
        return ""
    return f"{''.join(groups) or '0'}.{part}" if part else "".join(groups)


def read_number(cell: Cell, name: str, dialect: Dialect) -> Decimal:
    """A number without a mark."""
    amount = read_amount(cell, name, dialect)
    if amount.mark:
        raise DataError(f"{name} is {str(cell).strip()[:60]!r}, not a number")
    return amount.value


def read_whole(cell: Cell, name: str, dialect: Dialect) -> int:
    """A whole number."""
    if isinstance(cell, str) and len(cell) < 13 and cell.isascii() and cell.isdigit():
        return int(cell)
    try:
        value = read_number(cell, name, dialect)
    except DataError as error:
        raise DataError(f"{name} is {str(cell).strip()[:60]!r}, not a whole number") from error
    if value != value.to_integral_value():
        raise DataError(f"{name} is {str(cell).strip()[:60]!r}, not a whole number")
    if abs(value) > 10**12:
        raise DataError(f"{name} is out of range")
    return int(value)


def read_rate(cell: Cell, name: str, dialect: Dialect) -> Decimal:
    """A fraction of 1, written so or in percent. A bare number above 1 is refused: it may mean either."""
    amount = read_amount(cell, name, dialect)
    if amount.mark == "%":
        return amount.value / 100
    if amount.mark or abs(amount.value) > 1:
        raise DataError(f"{name} is {str(cell).strip()[:60]!r}; write 12.5% or 0.125")
    return amount.value


def check_mark(mark: str, currency: str, name: str) -> None:
    """Raises DataError when the sign beside an amount is another currency's."""
    mark = mark.strip()
    if mark.upper() in CURRENCIES:
        meant: Iterable[str] = (mark.upper(),)
    elif mark in _SYMBOLS:
        meant = _SYMBOLS[mark]
    else:
        raise DataError(f"{name} has {mark[:20]!r} beside the number, which is no currency")
    if currency not in meant:
        raise DataError(f"{name} says {mark} and the currency is {currency}; add a column currency")


def currency_of_mark(mark: str) -> str:
    """The one currency that a mark means; empty when it may be several."""
    if mark.upper() in CURRENCIES:
        return mark.upper()
    meant = _SYMBOLS.get(mark, frozenset())
    return next(iter(meant)) if len(meant) == 1 else ""


def read_day(cell: Cell, name: str, dialect: Dialect) -> date:
    """A day; a time beside it is left out."""
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    if isinstance(cell, str) and len(cell) == 10 and cell[4] == "-":
        try:
            return date.fromisoformat(cell)
        except ValueError as error:
            raise DataError(f"{name} is {cell!r}, which is not a day") from error
    return _split(cell, name, dialect)[0]


def read_moment(cell: Cell, name: str, dialect: Dialect) -> datetime:
    """A time with a zone: its own, else the dialect's. A bare day is its midnight."""
    if isinstance(cell, datetime):
        return cell if cell.tzinfo else cell.replace(tzinfo=ZoneInfo(dialect.zone))
    if isinstance(cell, date):
        return datetime.combine(cell, time(), ZoneInfo(dialect.zone))
    day, rest = _split(cell, name, dialect)
    if not rest:
        return datetime.combine(day, time(), ZoneInfo(dialect.zone))
    found = _TIME.fullmatch(rest)
    if not found:
        raise DataError(f"{name} is {str(cell)[:60]!r}, not a time; write 2026-11-22T08:30:00+01:00")
    try:
        hour = int(found["h"])
        if found["half"]:
            hour = hour % 12 + (12 if found["half"][0] in "pP" else 0)
        clock = time(hour, int(found["mi"]), int(found["s"] or 0), int((found["f"] or "").ljust(6, "0")))
        return datetime.combine(day, clock, _zone(found["zone"].strip(), name, dialect))
    except ValueError as error:
        raise DataError(f"{name} is {str(cell)[:60]!r}, not a time") from error


def _zone(text: str, name: str, dialect: Dialect) -> timezone | ZoneInfo:
    if not text:
        return ZoneInfo(dialect.zone)
    if text.upper() in _ZONES:
        return timezone(timedelta(hours=_ZONES[text.upper()]))
    found = _OFFSET.fullmatch(text)
    if not found:
        raise DataError(f"{name} has the zone {text[:20]!r}, which is not clear; write an offset such as +01:00")
    offset = timedelta(hours=int(found["h"]), minutes=int(found["m"] or 0))
    return timezone(-offset if found["sign"] == "-" else offset)


def _split(cell: Cell, name: str, dialect: Dialect) -> tuple[date, str]:
    """The day at the beginning of a text and what follows it."""
    text = _normal(cell) if isinstance(cell, str) else str(cell)
    try:
        return _day_of(text, dialect)
    except ValueError as error:
        raise DataError(f"{name} is {text[:60]!r}, which is not a day; write 2026-11-22") from error


def _day_of(text: str, dialect: Dialect) -> tuple[date, str]:
    if found := _YEAR_FIRST.match(text):
        day = date(int(found["y"]), int(found["m"] or found["cm"]), int(found["d"] or found["cd"]))
    elif found := _COMPACT.match(text):
        day = date(int(found["y"]), int(found["m"]), int(found["d"]))
    elif found := _YEAR_LAST.match(text):
        first, second = int(found["a"]), int(found["b"])
        if dialect.days == "mdy" and found["sign"] != ".":
            first, second = second, first
        day = date(int(found["y"]) + (2000 if len(found["y"]) == 2 else 0), second, first)
    elif found := _NAMED.match(text):
        day = date(int(found["y"]), _month(found["name"] or found["name2"]), int(found["d"] or found["d2"]))
    else:
        raise ValueError("no day")
    rest = text[found.end() :].strip()
    if rest and not _TIME.fullmatch(rest):
        raise ValueError("more than a day")
    return day, rest


def _month(word: str) -> int:
    start = word.casefold()
    fit = [number for number, names in enumerate(_MONTHS, 1) if any(name.startswith(start) for name in names)]
    if len(fit) != 1:
        raise ValueError("no month")
    return fit[0]
