"""Files as rows of cells, one after the other in little memory: CSV, TSV, XLSX, JSONL, packed with gzip or not."""

import csv
import gzip
import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO, cast
from xml.parsers import expat

import msgspec
from python_calamine import CalamineError, CalamineWorkbook, ZipError

from shelftide.core.errors import InvalidInputError
from shelftide.ingest.imports.encoding import find_encoding

# What the libraries raise for files that are cut off or damaged.
_DAMAGED = (
    EOFError,
    OSError,
    NotImplementedError,
    zlib.error,
    struct.error,
    expat.ExpatError,
    zipfile.BadZipFile,
    CalamineError,
)
Cell = str | int | Decimal | datetime | date | None
Cells = Sequence[Cell]
# The line and its cells, or why the line has none.
Row = tuple[int, Cells | str]
FORMATS = ("csv", "tsv", "xlsx", "jsonl")
LONGEST_CELL = 2**17
_MOST_BYTES = 4 * 2**30
_LARGEST_SHEET = 16_000_000
_LARGEST_PART = 2**30
_LARGEST_WORDS = 2**28  # what all cells share is held in memory
_CHUNK = 2**20
_MOST_COLUMNS = 1_000
_SEPARATORS = ",\t;|"
_CELL_AT = re.compile(rb'<(?:\w+:)?(?:c|row)\b[^>]*?\br="([A-Z]*)(\d+)"')


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """A file whose form is known. `rows` may be asked for again and again; each reads anew."""

    path: Path
    name: str
    format: str
    packed: bool
    encoding: str
    separator: str = ","
    sheet: str = ""

    def rows(self) -> Iterator[Row]:
        """(line number, cells) of each line that is not empty. Lines count as an editor counts them.

        Raises InvalidInputError that names the line from which the file cannot be read.
        """
        with _told(self):
            match self.format:
                case "xlsx":
                    yield from _sheet_rows(self)
                case "jsonl":
                    yield from _json_rows(self)
                case _:
                    yield from _text_rows(self)


def open_table(path: Path, *, name: str = "", encoding: str = "", sheet: str = "") -> Table:
    """Find out what a file is. Raises InvalidInputError when there is none or it is no table."""
    if not path.is_file():
        raise InvalidInputError(f"There is no file {path}.", hint="Check the path.")
    name = name or path.name
    with path.open("rb") as start_of:
        head = start_of.read(8)
    if not head:
        raise InvalidInputError("The file is empty: it has no column.", hint="Export it again.")
    packed = head.startswith(b"\x1f\x8b")
    with _open(path, packed=packed) as file, _told_plainly(name):
        start = file.read(8)
        if start.startswith(b"PK\x03\x04"):
            return _workbook(path, name, packed=packed, sheet=sheet)
        if start.startswith(b"\xd0\xcf\x11\xe0"):
            raise InvalidInputError(
                "The file is no table that can be read: it is an old or protected workbook.",
                hint="Open it and save it as XLSX (without a password) or CSV.",
            )
        if start.startswith((b"%PDF", b"\x89PNG", b"\xff\xd8\xff")):
            raise InvalidInputError(
                "The file is no table that can be read.", hint="Export it as CSV, TSV, XLSX or JSONL."
            )
        file.seek(0)
        found = encoding or find_encoding(file)
    plain = Table(path=path, name=name, format="csv", packed=packed, encoding=_checked(found))
    with _told(plain), _text(plain) as text:
        return _text_table(plain, text)


def _checked(encoding: str) -> str:
    try:
        "".encode(encoding)
    except LookupError as error:
        raise InvalidInputError(
            f"{encoding!r} is no encoding.", hint="Try utf-8, utf-16, gb18030 or cp1252."
        ) from error
    return encoding


def _text_table(table: Table, text: io.TextIOBase) -> Table:
    lines = [text.readline(LONGEST_CELL) for _ in range(40)]
    lines = [line for line in lines if line.strip()]
    if not lines:
        raise InvalidInputError("The file is empty: it has no column.", hint="Export it again.")
    if lines[0].lstrip().startswith("{"):
        return msgspec.structs.replace(table, format="jsonl")
    separator = _separator(lines)
    return msgspec.structs.replace(table, format="tsv" if separator == "\t" else "csv", separator=separator)


def _separator(lines: Sequence[str]) -> str:
    """The sign that cuts most of the first lines into equally many cells."""
    if lines[0].startswith("sep=") and len(lines[0].strip()) == 5:
        return lines[0][4]

    def score(sign: str) -> tuple[int, int]:
        counts = [line.count(sign) for line in lines]
        often = max(set(counts), key=lambda n: (n > 0, counts.count(n), n))
        return (often > 0) * counts.count(often) * (1 + min(often, 8)), often

    return max(_SEPARATORS, key=score)


class _Bounded(io.RawIOBase):
    """A packed file that may not grow beyond all bounds."""

    def __init__(self, packed: BinaryIO) -> None:
        self._packed = packed
        self._inner = gzip.GzipFile(fileobj=packed)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._inner.seek(offset, whence)

    def read(self, size: int = -1) -> bytes:
        found = self._inner.read(size)
        if self._inner.tell() > _MOST_BYTES:
            raise InvalidInputError(
                f"The file grows beyond {_MOST_BYTES // 2**30} GB when it is unpacked.", hint="Cut it into parts."
            )
        return found

    def readinto(self, buffer: Any) -> int:
        found = self.read(len(buffer))
        buffer[: len(found)] = found
        return len(found)

    def close(self) -> None:
        self._inner.close()
        self._packed.close()
        super().close()


def _open(path: Path, *, packed: bool) -> BinaryIO:
    found: Any = path.open("rb")
    if packed:
        found = _Bounded(found)
    return cast("BinaryIO", found)


@contextmanager
def _text(table: Table) -> Iterator[io.TextIOBase]:
    with _open(table.path, packed=table.packed) as file:
        buffered: Any = io.BufferedReader(file, 2**18) if table.packed else file
        yield io.TextIOWrapper(buffered, encoding=table.encoding, errors="strict", newline="")


@contextmanager
def _told_plainly(name: str) -> Iterator[None]:
    try:
        yield
    except _DAMAGED as error:
        raise InvalidInputError(
            f"The file {name} cannot be read: {error}.", hint="It is damaged or cut off; export it again."
        ) from error


@contextmanager
def _told(table: Table) -> Iterator[None]:
    try:
        with _told_plainly(table.name):
            yield
    except UnicodeError as error:
        raise InvalidInputError(
            f"The file is not {table.encoding} text: {error}.", hint="Save it as CSV (UTF-8) and try again."
        ) from error


def _text_rows(table: Table) -> Iterator[Row]:
    csv.field_size_limit(LONGEST_CELL)
    with _text(table) as text:
        reader = csv.reader(_without_nul(text), delimiter=table.separator, strict=True)
        line = 1
        try:
            for cells in reader:
                if any(cells) and not (line == 1 and len(cells) <= 2 and cells[0].startswith("sep=")):
                    yield line, _swallowed(table, cells, line, reader.line_num) or cells
                if len(cells) > _MOST_COLUMNS:
                    raise csv.Error(f"the line has more than {_MOST_COLUMNS:,} columns")
                line = reader.line_num + 1
        except UnicodeError as error:
            raise InvalidInputError(
                f"From about line {line} on the file is not {table.encoding} text: {error}.",
                hint="It is cut off or holds two encodings; save it as CSV (UTF-8) and try again.",
            ) from error
        except csv.Error as error:
            raise InvalidInputError(
                f"The file cannot be read from line {line} on: {error}.",
                hint="Look for a quotation mark that is not closed, or export the file again.",
            ) from error


def _swallowed(table: Table, cells: Sequence[str], first: int, last: int) -> str:
    """Why a row over several lines is none: a quotation mark that is not closed takes whole rows into one cell."""
    if first == last or len(cells) < 2:
        return ""
    inner = (line for cell in cells if "\n" in cell for line in cell.split("\n"))
    if max((line.count(table.separator) for line in inner), default=0) < (len(cells) - 1) / 2:
        return ""
    return f"lines {first} to {last} hang together by a quotation mark that is not closed"


def _without_nul(text: io.TextIOBase) -> Iterator[str]:
    """Lines, each bounded; NUL is no text and would end the reader."""
    while line := text.readline(16 * LONGEST_CELL):
        if len(line) >= 16 * LONGEST_CELL:
            raise csv.Error("a line is longer than 2 million characters")
        yield line.replace("\x00", "\ufffd") if "\x00" in line else line


def _decode_json() -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)


def _json_rows(table: Table) -> Iterator[Row]:
    """The first row holds all names."""
    names = _json_names(table)
    yield 0, list(names)
    places = {name: place for place, name in enumerate(names)}
    for number, found in _json_lines(table):
        if isinstance(found, str):
            yield number, found
            continue
        cells: list[Cell] = [None] * len(places)
        for name, value in found.items():
            cells[places[name]] = _plain(value)
        yield number, cells


def _json_names(table: Table) -> dict[str, None]:
    names: dict[str, None] = {}
    for _, found in _json_lines(table):
        if not isinstance(found, str):
            names.update(dict.fromkeys(found))
            if len(names) > _MOST_COLUMNS:
                raise InvalidInputError(f"The file has more than {_MOST_COLUMNS:,} names.", hint="Export a table.")
    return names


def _json_lines(table: Table) -> Iterator[tuple[int, dict[str, Any] | str]]:
    decoder = _decode_json()
    with _text(table) as text:
        for number, line in enumerate(iter(lambda: text.readline(16 * LONGEST_CELL), ""), 1):
            if len(line) >= 16 * LONGEST_CELL:
                raise InvalidInputError(
                    f"The file cannot be read from line {number} on: it is longer than 2 million characters.",
                    hint="Write one JSON object a line.",
                )
            if not line.strip():
                continue
            try:
                yield number, decoder.decode(line)
            except (msgspec.DecodeError, ValueError, RecursionError) as error:
                yield number, f"the line is no JSON object: {error}"


def _plain(value: Any) -> Cell:
    if value is None or isinstance(value, str | Decimal):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return value
    return msgspec.json.encode(value, enc_hook=str).decode()


def _workbook(path: Path, name: str, *, packed: bool, sheet: str) -> Table:
    if packed:
        raise InvalidInputError("An XLSX file inside gzip is not read.", hint="Unpack it first.")
    _check_archive(path)
    with CalamineWorkbook.from_path(str(path)) as book:
        names = book.sheet_names
    if not names:
        raise InvalidInputError("The workbook has no sheet.", hint="Export it again.")
    if sheet and sheet not in names:
        raise InvalidInputError(f"The workbook has no sheet {sheet!r}.", hint=f"It has: {', '.join(names)}.")
    return Table(path=path, name=name, format="xlsx", packed=False, encoding="", sheet=sheet or names[0])


def _check_archive(path: Path) -> None:
    """Refuse archives that unpack to more than a machine holds, before anything unpacks them whole."""
    with zipfile.ZipFile(path) as archive, path.open("rb") as file:
        if "xl/workbook.xml" not in archive.namelist():
            raise InvalidInputError("The archive is no XLSX workbook.", hint="Unpack it, or export XLSX or CSV.")
        for part in archive.infolist():
            if part.flag_bits & 1:
                raise InvalidInputError("The workbook is encrypted.", hint="Save it without a password.")
            sheet = part.filename.startswith("xl/worksheets/") and part.filename.endswith(".xml")
            most = _LARGEST_PART if sheet else _LARGEST_WORDS
            if part.file_size > most or _grows_beyond(file, part, most):
                raise InvalidInputError(
                    f"The workbook unpacks to too much: {part.filename[:60]} is larger than {most // 2**20} MB.",
                    hint="Export it as CSV.",
                )
            if sheet:
                _check_sheet(archive, part)


def _grows_beyond(file: BinaryIO, part: zipfile.ZipInfo, most: int) -> bool:
    """Whether a part unpacks to more bytes than this or than it says; what the archive says of itself may be forged."""
    if part.compress_type != zipfile.ZIP_DEFLATED:
        return part.compress_size > most
    file.seek(part.header_offset + 26)
    name_size, extra_size = struct.unpack("<HH", file.read(4))
    file.seek(name_size + extra_size, io.SEEK_CUR)
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    size, left = 0, part.compress_size
    while left > 0 and not unpacker.eof and (chunk := file.read(min(left, _CHUNK))):
        left -= len(chunk)
        while chunk and size <= min(most, part.file_size):
            size += len(unpacker.decompress(chunk, _CHUNK))
            chunk = unpacker.unconsumed_tail
    return size > min(most, part.file_size)


def _check_sheet(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
    """A sheet is held as a rectangle: two cells at its far corners would ask for all memory."""
    rows = columns = read = 0
    rest = b""
    whole = expat.ParserCreate()  # a reader that forgives would drop the cells of a damaged row
    with archive.open(part) as file:
        while chunk := file.read(2**20):
            read += len(chunk)
            whole.Parse(chunk)
            text = rest + chunk
            for found in _CELL_AT.finditer(text):
                rows = max(rows, int(found[2][:9]))
                columns = max(columns, len(found[1]) and _column_number(found[1][:4]))
            if rows * max(columns, 1) > _LARGEST_SHEET or columns > 16_384 or read > _LARGEST_PART:
                raise InvalidInputError(
                    f"The sheet spans {rows:,} lines and {columns:,} columns, which is too much.",
                    hint="Export it as CSV.",
                )
            rest = text[-200:]
    whole.Parse(b"", True)


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _sheet_rows(table: Table) -> Iterator[Row]:
    try:
        with CalamineWorkbook.from_path(str(table.path)) as book:
            sheet = book.get_sheet_by_name(table.sheet)
            for number, cells in enumerate(sheet.iter_rows(), 1):
                row = [_typed(cell) for cell in cells]
                if any(cell not in {None, ""} for cell in row):
                    yield number, row
    except (CalamineError, ZipError) as error:
        raise InvalidInputError(f"The workbook cannot be read: {error}.", hint="Save it again as XLSX.") from error


def _typed(value: Any) -> Cell:
    """A cell as a workbook types it. Numbers are binary there: their shortest form is what a person sees."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 2**53 else Decimal(repr(value))
    if isinstance(value, time | timedelta):
        return str(value)
    if isinstance(value, str) and len(value) > LONGEST_CELL:
        raise InvalidInputError(f"A cell is longer than {LONGEST_CELL:,} characters.", hint="Shorten it.")
    found: Cell = value
    return found
