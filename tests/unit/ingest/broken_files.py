"""Broken files by seed, and the check of each answer: no traceback, no wrong figure, no line lost in silence."""

import gzip
import io
import random
import struct
import zipfile
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
from tests.unit.ingest.workbook_files import text, workbook

from shelftide.core.errors import InvalidInputError
from shelftide.ingest.imports.headings import KINDS
from shelftide.ingest.imports.reading import Options, Taken, begin
from shelftide.ingest.imports.tables import open_table
from shelftide_sdk import Money
from shelftide_sdk.records import SalesDay

HEADING = ("day", "sku", "title", "units", "revenue", "currency")
Row = list[str]
Facts = dict[str, tuple[date, int, Money]]


class Sheet:
    """A file that was right: its rows, and what they say by SKU."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.rows: list[Row] = []
        self.facts: Facts = {}
        for number in range(rng.randint(3, 40)):
            day = date(2026, 1, 13) + timedelta(days=rng.randint(0, 300))
            units, revenue = rng.randint(1, 400), Decimal(rng.randint(100, 900_000)) / 100
            sku = f"S{number:03d}-{rng.randint(10, 99)}"
            self.rows.append([day.isoformat(), sku, rng.choice(["Cup", "Pot, blue", 'The "best"', "杯子", "Bär"]),
                              str(units), f"{revenue:.2f}", "EUR"])  # fmt: skip
            self.facts[sku] = (day, units, Money(revenue, "EUR"))

    def lines(self, separator: str = ",") -> list[str]:
        """As CSV, quoted where it must be."""
        return [separator.join(_quoted(cell, separator) for cell in row) for row in [list(HEADING), *self.rows]]

    def bytes(self, encoding: str = "utf-8") -> bytes:
        return ("\n".join(self.lines()) + "\n").encode(encoding, "replace")

    def forget(self, row: Row) -> None:
        """The row is damaged: nothing may come of it."""
        self.facts.pop(row[1], None)

    def any_row(self) -> Row:
        return self.rng.choice(self.rows)


def _quoted(cell: str, separator: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if set(cell) & {separator, '"', "\n"} else cell


def _truncated(sheet: Sheet) -> bytes:
    content = sheet.bytes()
    return content[: sheet.rng.randint(0, len(content) - 1)]


def _truncated_gzip(sheet: Sheet) -> bytes:
    content = gzip.compress(sheet.bytes(), mtime=0)
    return content[: -sheet.rng.randint(1, len(content) - 4)]


def _bad_gzip(sheet: Sheet) -> bytes:
    content = bytearray(gzip.compress(sheet.bytes(), mtime=0))
    content[sheet.rng.randrange(10, len(content))] ^= sheet.rng.randint(1, 255)
    return bytes(content)


def _random_bytes(sheet: Sheet) -> bytes:
    return sheet.rng.randbytes(sheet.rng.randint(1, 5_000))


def _foreign_head(sheet: Sheet) -> bytes:
    heads = [b"PK\x03\x04", b"%PDF-1.7\n", b"\x89PNG\r\n", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"MZ", b"\xff\xd8\xff",
             b"{", b"<html><table>", b"\x1f\x8b\x08", b"SQLite format 3\x00"]  # fmt: skip
    return sheet.rng.choice(heads) + sheet.bytes()


def _bad_utf8(sheet: Sheet) -> bytes:
    content = sheet.bytes()
    at = sheet.rng.randrange(len(content))
    return content[:at] + sheet.rng.choice([b"\xff", b"\xc3", b"\xed\xa0\x80", b"\x80\x81"]) + content[at:]


def _odd_utf16(sheet: Sheet) -> bytes:
    content = sheet.bytes("utf-16")
    return content[: sheet.rng.randrange(len(content) // 2) * 2 + 1]


def _mixed_encodings(sheet: Sheet) -> bytes:
    lines = sheet.lines()
    return b"\n".join(line.encode(sheet.rng.choice(["utf-8", "gb18030", "utf-16-le"]), "replace") for line in lines)


def _nul(sheet: Sheet) -> bytes:
    row = sheet.any_row()
    sheet.forget(row)
    at = sheet.rng.choice([0, 1, 3, 4, 5])
    place = sheet.rng.randint(0, len(row[at]))
    row[at] = f"{row[at][:place]}\x00{row[at][place:]}"
    return sheet.bytes()


def _open_quote(sheet: Sheet) -> bytes:
    lines = sheet.lines()
    at = sheet.rng.randrange(1, len(lines))
    cells = lines[at].split(",")
    place = sheet.rng.randrange(len(cells))
    cells[place] = '"' + cells[place]
    lines[at] = ",".join(cells)
    return "\n".join(lines).encode()


def _two_open_quotes(sheet: Sheet) -> bytes:
    """Two marks that pair up over lines: the rows between them become one cell."""
    plain = [[cell.replace(",", "").replace('"', "") for cell in row] for row in sheet.rows]
    first, last = sorted(sheet.rng.sample(range(len(plain)), 2))
    for row in sheet.rows[first : last + 1]:
        sheet.forget(row)
    plain[first][2] = '"' + plain[first][2]
    plain[last][2] += '"'
    return "\n".join(",".join(row) for row in [list(HEADING), *plain]).encode()


def _many_columns(sheet: Sheet) -> bytes:
    wide = "," * sheet.rng.choice([2_000, 1_000_000])
    lines = sheet.lines()
    at = sheet.rng.randrange(len(lines))
    lines[at] += wide
    return "\n".join(lines).encode()


def _long_cell(sheet: Sheet) -> bytes:
    row = sheet.any_row()
    sheet.forget(row)
    row[sheet.rng.choice([0, 3, 4, 5])] = "9" * sheet.rng.choice([200, 200_000, 3_000_000])
    return sheet.bytes()


def _cell_of_64_mb(sheet: Sheet) -> bytes:
    row = sheet.any_row()
    row[2] = "x" * 2**26
    return sheet.bytes()


def _unquoted_separator(sheet: Sheet) -> bytes:
    row = sheet.any_row()
    sheet.forget(row)
    lines = sheet.lines()
    at = sheet.rows.index(row) + 1
    amount = f"{sheet.rng.randint(1, 9)},{sheet.rng.randint(100, 999)}.50"
    lines[at] = f"{row[0]},{row[1]},Cup,{sheet.rng.randint(1, 9)},{amount},EUR"
    return "\n".join(lines).encode()


def _short_line(sheet: Sheet) -> bytes:
    row = sheet.any_row()
    sheet.forget(row)
    lines = sheet.lines()
    lines[sheet.rows.index(row) + 1] = ",".join([*row[:2], "Cup", *row[3:5]][: sheet.rng.randint(1, 5)])
    return "\n".join(lines).encode()


def _totals(sheet: Sheet) -> bytes:
    words = ["Total", "Totale", "合计", "Summe", "Grand total", "Subtotal: 9", "总计", "TOTAL OF 3 RESULTS"]
    sheet.rows.insert(sheet.rng.randint(0, len(sheet.rows)), [sheet.rng.choice(words), "", "", "9999", "9.00", "EUR"])
    return sheet.bytes()


def _wrong_cell(sheet: Sheet) -> bytes:
    row = sheet.any_row()
    sheet.forget(row)
    at = sheet.rng.choice([0, 3, 4, 5])
    row[at] = sheet.rng.choice(
        ["=1+1", "=cmd|' /C calc'!A0", "#REF!", "#DIV/0!", "NaN", "inf", "1e999", "1e3", "0x10", "1.2.3,4", "12abc",
         "--5", "5 6", "5²", "①", "½", "∞", "9" * 400, "x", "31/31/2026", "2026-02-30", "0000-00-00", "true"]
    )  # fmt: skip
    return sheet.bytes()


def _mixed_dates(sheet: Sheet) -> bytes:
    """Some lines day first, some month first, one of each beyond doubt (without it nobody could tell)."""
    sheet.rows[0][0] = sheet.rows[1][0] = "2026-03-25"
    for row in sheet.rows[:2]:
        sheet.facts[row[1]] = (date(2026, 3, 25), *sheet.facts[row[1]][1:])
    for number, row in enumerate(sheet.rows):
        day = date.fromisoformat(row[0])
        row[0] = f"{day:%d/%m/%Y}" if number % 2 else f"{day:%m/%d/%Y}"
    return sheet.bytes()


def _mixed_decimals(sheet: Sheet) -> bytes:
    for number, row in enumerate(sheet.rows):
        amount = Decimal(row[4])
        row[4] = f"{amount:,.2f}" if number % 2 else f"{amount:,.2f}".translate(str.maketrans(",.", ".,"))
    row = sheet.any_row()
    sheet.forget(row)
    row[4] = "1.234"
    return sheet.bytes()


def _only_heading(sheet: Sheet) -> bytes:
    return sheet.rng.choice(
        [b"", b"\n\n", b"\xef\xbb\xbf", b",,,\n,,\n", ",".join(HEADING).encode(), b"sku\n1\n", b" "]
    )


def _double_heading(sheet: Sheet) -> bytes:
    lines = sheet.lines()
    lines[0] += ",units"
    return "\n".join(f"{line},1" if number else line for number, line in enumerate(lines)).encode()


def _deep_json(sheet: Sheet) -> bytes:
    lines = [msgspec.json.encode(dict(zip(HEADING, row, strict=True))) for row in sheet.rows]
    depth = sheet.rng.choice([10, 1_000, 400_000])
    strange = [
        b"[" * depth,
        b'{"day":' * depth,
        b"null",
        b"3",
        b'{"day": NaN}',
        b'{"units": 1e999}',
        b'{"a":1',
        b"\x00",
    ]
    lines.insert(sheet.rng.randint(0, len(lines)), sheet.rng.choice(strange))
    return b'{"day": null}\n' + b"\n".join(lines)


def _wide_json(sheet: Sheet) -> bytes:
    wide = {f"c{number}": number for number in range(sheet.rng.choice([1_500, 50_000]))}
    return msgspec.json.encode(wide) + b"\n" + sheet.bytes()


def _sheet_xml(sheet: Sheet) -> str:
    rows = []
    for number, row in enumerate([list(HEADING), *sheet.rows], 1):
        cells = (text(f"{letter}{number}", _escaped(cell)) for letter, cell in zip("ABCDEF", row, strict=True))
        rows.append(f'<row r="{number}">{"".join(cells)}</row>')
    return "".join(rows)


def _escaped(cell: str) -> str:
    return cell.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")


def _workbook(sheet: Sheet, xml: str) -> bytes:
    target = io.BytesIO()
    workbook(target, xml)
    return target.getvalue()


def _truncated_zip(sheet: Sheet) -> bytes:
    content = _workbook(sheet, _sheet_xml(sheet))
    return content[: sheet.rng.randrange(len(content))]


def _bad_zip(sheet: Sheet) -> bytes:
    content = bytearray(_workbook(sheet, _sheet_xml(sheet)))
    for _ in range(sheet.rng.randint(1, 8)):
        content[sheet.rng.randrange(4, len(content))] ^= 1 << sheet.rng.randrange(8)
    return bytes(content)


def _broken_xml(sheet: Sheet) -> bytes:
    xml = _sheet_xml(sheet)
    at = sheet.rng.randrange(len(xml))
    return _workbook(sheet, sheet.rng.choice([xml[:at], xml[:at] + "<" + xml[at:], "<row>" * 5_000, "&bomb;" * 99, ""]))


def _zip_bomb(sheet: Sheet) -> bytes:
    """64 MB of nothing, whose size the archive denies or doubles."""
    content = bytearray(_workbook(sheet, " " * 2**26))
    at = content.rindex(b"xl/worksheets/sheet1.xml") - 46
    content[at + 24 : at + 28] = struct.pack("<I", sheet.rng.choice([10, 2**31, 2**32 - 2]))
    return bytes(content)


def _far_corner(sheet: Sheet) -> bytes:
    return _workbook(sheet, f'{_sheet_xml(sheet)}<row r="1048576">{text("XFD1048576", "x")}</row>')


def _other_zip(sheet: Sheet) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr(sheet.rng.choice(["a.csv", "xl/other.xml", "../../etc/passwd"]), sheet.bytes())
    return target.getvalue()


Damage = Callable[[Sheet], bytes]
DAMAGES: tuple[Damage, ...] = (
    _truncated, _truncated_gzip, _bad_gzip, _random_bytes, _foreign_head, _bad_utf8, _odd_utf16, _mixed_encodings, _nul,
    _open_quote, _two_open_quotes, _many_columns, _long_cell, _unquoted_separator, _short_line, _totals, _wrong_cell,
    _mixed_dates, _mixed_decimals, _only_heading, _double_heading, _deep_json, _wide_json, _truncated_zip, _bad_zip,
    _broken_xml, _zip_bomb, _far_corner, _other_zip, _cell_of_64_mb,
)  # fmt: skip
# These make 64 MB each; the rest is small.
_LARGE = {_zip_bomb, _cell_of_64_mb}


class Answer(msgspec.Struct, frozen=True):
    """How a file was answered: refused whole, or line by line."""

    damage: str
    refused: str = ""
    rejects: int = 0
    taken: int = 0


def answer(number: int, folder: Path, *, large: bool = True) -> Answer:
    """Break a file by the seed and read it. Raises AssertionError when the answer is not clear or a figure is wrong."""
    rng = random.Random(number)
    sheet = Sheet(rng)
    damages = [damage for damage in DAMAGES if large or damage not in _LARGE]
    damage = damages[number % len(damages)]
    path = folder / "file"
    path.write_bytes(damage(sheet))
    name = damage.__name__.strip("_")
    refused: InvalidInputError | None = None
    found: list[Taken] = []
    try:
        found = list(begin(open_table(path), KINDS["daily-sales"], Options(), zone="UTC", currency="EUR").lines())
    except InvalidInputError as error:
        refused = error
    if refused:
        assert refused.message, f"file {number}: no message"
        assert refused.hint, f"file {number}: nothing says what to do: {refused.message}"
        return Answer(name, refused=refused.message)
    _check(found, sheet, f"file {number} ({name})")
    rejects = sum(taken.reject is not None for taken in found)
    return Answer(name, rejects=rejects, taken=sum(bool(taken.records) for taken in found))


def _check(found: list[Taken], sheet: Sheet, name: str) -> None:
    for taken in found:
        assert taken.number >= 1, name
        if taken.reject:
            assert taken.reject.reason, name
        assert taken.records or taken.skipped or taken.reject, f"{name}: line {taken.number} is lost"
        for record in taken.records:
            assert isinstance(record, SalesDay)
            told: Any = (record.day, record.units, record.revenue)
            assert sheet.facts.get(record.sku) == told, f"{name}: line {taken.number} says {record.sku} {told}"
