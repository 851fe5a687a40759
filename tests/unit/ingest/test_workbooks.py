"""Workbooks: typed cells, and sheets that would ask for all memory."""

import zipfile
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from tests.unit.ingest.workbook_files import text, workbook

from shelftide.core.errors import InvalidInputError
from shelftide.ingest.imports.headings import KINDS
from shelftide.ingest.imports.reading import Options, begin
from shelftide.ingest.imports.tables import open_table
from shelftide_sdk import Money
from shelftide_sdk.records import SalesDay


def test_typed_cells_are_exact(tmp_path: Path) -> None:
    heading = "".join(text(f"{c}2", v) for c, v in zip("ABCD", ("day", "sku", "units", "revenue"), strict=True))
    line = f'{text("A3", "2026-11-22")}{text("B3", "=A1")}<c r="C3"><v>3</v></c><c r="D3"><v>30.1</v></c>'
    path = tmp_path / "x.xlsx"
    workbook(path, f'<row r="2">{heading}</row><row r="3">{line}</row>')
    reading = begin(open_table(path), KINDS["daily-sales"], Options(), zone="Europe/Rome", currency="EUR")
    (taken,) = list(reading.lines())
    (day,) = taken.records
    assert isinstance(day, SalesDay)
    assert (taken.number, day.sku, day.units, day.day) == (3, "=A1", 3, date(2026, 11, 22))
    assert day.revenue == Money(Decimal("30.1"), "EUR")


def test_two_cells_at_the_far_corners_are_refused(tmp_path: Path) -> None:
    rows = f'<row r="1">{text("A1", "day")}</row><row r="1048576">{text("XFD1048576", "x")}</row>'
    workbook(tmp_path / "x.xlsx", rows)
    with pytest.raises(InvalidInputError, match="too much") as caught:
        open_table(tmp_path / "x.xlsx")
    assert "CSV" in caught.value.hint


def test_another_archive_is_no_workbook(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.xlsx", "w") as archive:
        archive.writestr("a.txt", "x")
    with pytest.raises(InvalidInputError, match="no XLSX"):
        open_table(tmp_path / "x.xlsx")
