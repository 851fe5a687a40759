"""A file of a kind, line by line: the heading is found, the dialect settled, each line becomes records or a reject."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Any

import msgspec

from shelftide.core.errors import InvalidInputError
from shelftide.ingest.imports import headings, values
from shelftide.ingest.imports.headings import Heading, Place
from shelftide.ingest.imports.kind import Kind, Setting, Values
from shelftide.ingest.imports.tables import Cell, Cells, Row, Table
from shelftide.ingest.imports.values import DATED, Dialect, Evidence, Form
from shelftide_sdk import DataError, Money, Reject
from shelftide_sdk.records import Record

HEADING_WITHIN = 40
_LONGEST_GROUP = 5_000
_TOTALS = re.compile(
    r"\s*(?:grand |sub)?(?:totals?|totale|summe|gesamt|合计|总计|小计|总和|汇总)"
    r"(?:\s*[:：(-].*|\s+(?:of|for|di)\s.*)?\s*",
    re.IGNORECASE,
)


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What a person says of a file; empty is "find out". `mapping` is our column to the file's heading."""

    mapping: dict[str, str] = {}
    encoding: str = ""
    sheet: str = ""
    decimal: str = ""
    days: str = ""
    zone: str = ""
    currency: str = ""
    as_of: datetime | None = None

    def check(self, kind: Kind) -> None:
        """Raises InvalidInputError for what cannot be meant."""
        unknown = sorted(set(self.mapping) - {column.name for column in kind.columns})
        if unknown:
            raise InvalidInputError(
                f"{kind.name} has no column {', '.join(unknown)}.",
                hint="It has: " + ", ".join(column.name for column in kind.columns) + ".",
            )
        if self.decimal not in {"", ".", ","}:
            raise InvalidInputError("The decimal sign is . or ,.")
        if self.days not in {"", "dmy", "mdy"}:
            raise InvalidInputError("The order of days is dmy or mdy.")


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """A line that was not taken, and why. Lines are counted as an editor counts them."""

    number: int
    reason: str


class Taken(msgspec.Struct, frozen=True, gc=False):
    """What lines became: `records` of `count` lines, or a reject or a skipped line with its reason."""

    number: int
    count: int = 1
    records: Sequence[Record] = ()
    reject: Reject | None = None
    skipped: str = ""


class Reading:
    """One file of one kind. Made by `begin`, which raises when the file is no such table."""

    def __init__(self, table: Table, kind: Kind, heading: Heading, dialect: Dialect, setting: Setting) -> None:
        self.table = table
        self.kind = kind
        self.heading = heading
        self.dialect = dialect
        self._setting = setting
        self._readers = [_reader(place, dialect, setting, heading) for place in heading.places]
        self._absent = dict.fromkeys((c.name for c in kind.columns), None)
        self._required = kind.required
        self._seen: set[int] = set()
        self._width = max(place + 1 for place, name in enumerate(heading.cells) if name.strip())
        currency = next((p.index for p in heading.places if p.column.name == "currency"), None)
        self._currency_at = currency
        self._last: tuple[Any, Cell] = (None, None)

    @property
    def zone(self) -> str:
        """Where its days and times are."""
        return self._setting.zone

    def lines(self) -> Iterator[Taken]:
        """What each line became, in order."""
        rows = (row for row in self.table.rows() if row[0] > self.heading.line)
        if self.kind.group:
            yield from self._groups(rows)
            return
        for number, cells in rows:
            found = self._line(number, cells)
            if isinstance(found, Taken):
                yield found
            else:
                yield self._made(number, [found], [cells])

    def _line(self, number: int, cells: Cells | str) -> Values | Taken:
        """The line's values, or why it has none."""
        if isinstance(cells, str):
            return Taken(number, reject=Reject(self.kind.name, cells, [cells]))
        if said := self._skipped(cells):
            return Taken(number, skipped=said)
        if said := self._ragged(cells):
            return self._rejected(number, said, cells)
        try:
            found = self._values(cells)
            if not self.kind.group:
                self._check(found, cells)
        except DataError as error:
            return self._rejected(number, error.message, cells)
        return found

    def _rejected(self, number: int, reason: str, cells: Cells | str) -> Taken:
        return Taken(number, reject=Reject(self.kind.name, reason, [cells] if isinstance(cells, str) else list(cells)))

    def _skipped(self, cells: Cells) -> str:
        first = next((c for c in cells if c not in {None, ""}), "")
        if first == self.heading.cells[0] and tuple(str(c or "") for c in cells) == self.heading.cells:
            return "the heading again"
        if isinstance(first, str) and 0 < len(first) < 80 and not first[0].isdigit() and _TOTALS.fullmatch(first):
            return "a line of totals"
        return ""

    def _ragged(self, cells: Cells) -> str:
        """Why a line of text has not the heading's columns: then its values stand under other headings, or are cut."""
        if self.table.format not in {"csv", "tsv"}:
            return ""
        if len(cells) < self._width:
            return f"the line has {len(cells)} of {self._width} columns: it ends too early"
        if len(cells) > self._width and any(cells[len(self.heading.cells) :]):
            return (
                f"the line has {len(cells)} columns and the heading {len(self.heading.cells)}: a separator stands in"
                " a value without quotation marks"
            )
        return ""

    def _values(self, cells: Cells) -> dict[str, Any]:
        found: dict[str, Any] = self._absent.copy()
        width = len(cells)
        currency = self._currency(cells)
        for (name, read), place in zip(self._readers, self.heading.places, strict=True):
            cell = cells[place.index] if place.index < width else None
            if cell is not None and cell != "" and (not isinstance(cell, str) or not cell.isspace()):
                found[name] = read(cell, currency)
        return found

    def _currency(self, cells: Cells) -> Cell:
        """The line's currency; a further line of an order that leaves it empty has that of the line before."""
        if self._currency_at is None:
            return None
        found = cells[self._currency_at] if self._currency_at < len(cells) else None
        if not self.kind.group:
            return found
        key = self._key_of(cells)
        if found or key != self._last[0]:
            self._last = (key, found)
        return self._last[1]

    def _check(self, found: Values, cells: Cells) -> None:
        for name in self._required:
            if found[name] is None:
                place = next(p for p in self.heading.places if p.column.name == name)
                if place.index >= len(cells):
                    raise DataError(f"the line has no {name}: it ends too early")
                raise DataError(f"{name} is empty (column {place.heading})")

    def _made(self, number: int, rows: Sequence[Values], cells: Sequence[Cells | str]) -> Taken:
        try:
            made = list(self.kind.make(rows, self._setting))
            skipped = "" if made else self._setting.defaults.get("without", "the line says nothing")
            return Taken(number, len(rows), records=made, skipped=skipped)
        except DataError as error:
            return self._rejected(number, error.message, cells[0])

    def _groups(self, rows: Iterator[Row]) -> Iterator[Taken]:
        """Lines of one order together. A bad line takes its order with it: a part of an order is a wrong order."""
        group: list[tuple[int, Cells | str, Values | Taken]] = []
        key: Any = None
        for number, cells in rows:
            found = self._line(number, cells)
            own = None if isinstance(found, Taken) else found[self.kind.group]
            if isinstance(found, Taken) and found.skipped:
                yield found
                continue
            if own is None and isinstance(found, Taken):
                own = self._key_of(cells)
            if group and (own != key or len(group) >= _LONGEST_GROUP):
                yield from self._group(key, group)
                group = []
            key = own
            group.append((number, cells, found))
        if group:
            yield from self._group(key, group)

    def _key_of(self, cells: Cells | str) -> Any:
        place = next(p for p in self.heading.places if p.column.name == self.kind.group)
        return None if isinstance(cells, str) or place.index >= len(cells) else str(cells[place.index] or "").strip()

    def _group(self, key: Any, group: Sequence[tuple[int, Cells | str, Values | Taken]]) -> Iterator[Taken]:
        again = hash(key) in self._seen if key else False
        self._seen.add(hash(key))
        bad: dict[int, Taken] = {}
        rows: list[dict[str, Any]] = []
        for number, cells, found in group:
            if isinstance(found, Taken):
                bad[number] = found
                continue
            row = dict(found)
            for name in self.kind.carried if rows else ():
                if row[name] is None:
                    row[name] = rows[0][name]
            try:
                self._check(row, cells)
            except DataError as error:
                bad[number] = self._rejected(number, error.message, cells)
            rows.append(row)
        if again:
            reason = f"lines of {key} stand apart in the file; sort it by {self.kind.group}"
        else:
            reason = f"line {next(iter(bad))} of the same {self.kind.group} was not understood" if bad else ""
        if reason:
            yield from (bad.get(n) or self._rejected(n, reason, cells) for n, cells, _ in group)
            return
        made = self._made(group[0][0], rows, [cells for _, cells, _ in group])
        yield made
        if made.reject:
            said = f"the order was refused: {made.reject.reason}"
            yield from (self._rejected(n, said, cells) for n, cells, _ in group[1:])


_PARSERS: dict[Form, Callable[[Cell, str, Dialect], Any]] = {
    Form.WHOLE: values.read_whole,
    Form.NUMBER: values.read_number,
    Form.RATE: values.read_rate,
    Form.DAY: values.read_day,
    Form.MOMENT: values.read_moment,
}
_KEYS = ("_id", "sku", "channel", "currency")
Reader = Callable[[Cell, Cell], Any]
# How exports write that there is no value.
_NOTHING = frozenset({"-", "--", "\u2013", "\u2014", "n/a", "N/A", "not stocked"})


def _reader(place: Place, dialect: Dialect, setting: Setting, heading: Heading) -> tuple[str, Reader]:
    name, form = place.column.name, place.column.form
    if form is Form.TEXT:
        return name, partial(_word, name=name) if place.column.required or name.endswith(_KEYS) else _text
    if form is Form.MONEY:
        return name, partial(_money, name=name, dialect=dialect, heading=place.currency, setting=setting)
    parse = _PARSERS[form]
    shown = name if heading.columns[name] == name else f"{name} (column {place.heading})"
    if form in DATED:
        return name, _Memory(parse, shown, dialect)
    return name, lambda cell, _: None if cell in _NOTHING else parse(cell, shown, dialect)


class _Memory:
    """Days repeat from line to line; each is read once."""

    def __init__(self, parse: Callable[[Cell, str, Dialect], Any], name: str, dialect: Dialect) -> None:
        self._parse = parse
        self._name = name
        self._dialect = dialect
        self._known: dict[Cell, Any] = {}

    def __call__(self, cell: Cell, _: Cell) -> Any:
        found = self._known.get(cell)
        if found is None:
            if len(self._known) > 50_000:
                self._known.clear()
            found = self._known[cell] = self._parse(cell, self._name, self._dialect)
        return found


def _text(cell: Cell, _: Cell) -> str:
    return cell.strip() if isinstance(cell, str) else str(cell)


def _word(cell: Cell, said: Cell, *, name: str) -> str:
    """A text that names something: one lost sign would make it another's name."""
    found = _text(cell, said)
    if "\ufffd" in found:
        raise DataError(f"{name} is {found[:60]!r}: a sign of it was lost")
    return found


def _money(cell: Cell, said: Cell, *, name: str, dialect: Dialect, heading: str, setting: Setting) -> Money | None:
    if cell in _NOTHING:
        return None
    amount = values.read_amount(cell, name, dialect)
    own = str(said or "").strip().upper() or heading
    mark = amount.mark
    currency = own or (mark and values.currency_of_mark(mark)) or setting.currency
    if mark:
        values.check_mark(mark, currency, name)
    return Money.parse(amount.value, currency)


def find_heading(table: Table, kind: Kind, mapping: Mapping[str, str]) -> Heading:
    """The first line that has all columns of the kind; what stands above it is no part of the table.

    Raises InvalidInputError that lists what is missing and what the file has.
    """
    seen = list(islice(_cells(table), HEADING_WITHIN))
    errors: list[InvalidInputError] = []
    for line, cells in seen:
        try:
            if found := headings.match(kind, line, cells, mapping):
                return found
        except InvalidInputError as error:
            errors.append(error)
    raise errors[0] if errors else headings.refuse(kind, likely_heading(seen))


def likely_heading(seen: Sequence[tuple[int, Cells]]) -> Cells:
    """The first of these lines that fills at least half as many cells as the fullest. Raises InvalidInputError."""
    if not seen:
        raise InvalidInputError("The file is empty: it has no column.", hint="Export it again.")
    filled = [sum(cell not in {None, ""} for cell in cells) for _, cells in seen]
    return next(cells for (_, cells), count in zip(seen, filled, strict=True) if count * 2 >= max(filled))


def _cells(table: Table) -> Iterator[tuple[int, Cells]]:
    return ((line, cells) for line, cells in table.rows() if not isinstance(cells, str))


def begin(table: Table, kind: Kind, options: Options, *, zone: str, currency: str) -> Reading:
    """Find the heading and how the file writes numbers and days.

    `zone` and `currency` are the brand's, for files that say nothing. Raises InvalidInputError.
    """
    options.check(kind)
    heading = find_heading(table, kind, options.mapping)
    export = heading.export
    own_zone = options.zone or (export.zone if export else "") or zone
    dialect = _dialect(table, heading, options, own_zone)
    setting = Setting(
        zone=own_zone,
        currency=options.currency or (export.currency if export else "") or currency,
        as_of=options.as_of,
        defaults=export.defaults if export else {},
    )
    _check_dated(kind, heading, setting)
    return Reading(table, kind, heading, dialect, setting)


def _check_dated(kind: Kind, heading: Heading, setting: Setting) -> None:
    names = {"captured_at", "day", "valid_from"}
    if kind.undated and setting.as_of is None and not names & set(heading.columns):
        raise InvalidInputError(
            "The file does not say when its figures were read.", hint="Say the day (--as-of 2026-11-22)."
        )


def _dialect(table: Table, heading: Heading, options: Options, zone: str) -> Dialect:
    """Look at all of the file: one line that says otherwise makes every unclear one a guess.

    So a file that cannot be read to its end is refused before anything is written.
    """
    evidence = Evidence(decimal=options.decimal, days=options.days)
    places = [
        (place.index, place.heading, place.column.form)
        for place in heading.places
        if place.column.form in evidence.sought
    ]
    for line, cells in _cells(table):
        if line > heading.line:
            for index, name, form in places:
                if index < len(cells):
                    evidence.look(line, name, form, cells[index])
    return evidence.settle(zone)
