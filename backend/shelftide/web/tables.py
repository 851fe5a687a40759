"""Answers as files: CSV, XLSX, Parquet, Arrow."""

import csv
import io
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import xlsxwriter

MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "parquet": "application/vnd.apache.parquet",
    "arrow": "application/vnd.apache.arrow.stream",
}
# A spreadsheet runs a cell that begins so (OWASP, CSV injection); a quote before it makes it text.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_VALUE = pa.decimal128(38, 9)


def write_table(columns: Sequence[str], rows: Sequence[dict[str, Any]], form: str) -> bytes:
    """Rows as a file of one of `MEDIA_TYPES`. Texts are texts; numbers are Decimals, days are days."""
    match form:
        case "csv":
            return _csv(columns, rows)
        case "xlsx":
            return _xlsx(columns, rows)
        case _:
            return _arrow(columns, rows, form)


def _csv(columns: Sequence[str], rows: Sequence[dict[str, Any]]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_harmless(row[name]) for name in columns] for row in rows)
    return b"\xef\xbb\xbf" + out.getvalue().encode()  # the mark by which Excel reads UTF-8


def _harmless(value: Any) -> Any:
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) else value
    return f"{value:f}" if isinstance(value, Decimal) else value


def _xlsx(columns: Sequence[str], rows: Sequence[dict[str, Any]]) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        sheet, day = book.add_worksheet(), book.add_format({"num_format": "yyyy-mm-dd"})
        sheet.write_row(0, 0, columns, book.add_format({"bold": True}))
        sheet.freeze_panes(1, 0)
        for number, row in enumerate(rows, 1):
            for place, name in enumerate(columns):
                value = row[name]
                if isinstance(value, date):
                    sheet.write_datetime(number, place, value, day)
                elif isinstance(value, Decimal):
                    sheet.write_number(number, place, float(value))
                elif value is not None:
                    sheet.write_string(number, place, str(value))
    return out.getvalue()


def _arrow(columns: Sequence[str], rows: Sequence[dict[str, Any]], form: str) -> bytes:
    table = pa.table({name: _column([row[name] for row in rows]) for name in columns})
    out = io.BytesIO()
    if form == "parquet":
        pq.write_table(table, out)
    else:
        with pa.ipc.new_stream(out, table.schema) as stream:
            stream.write_table(table)
    return out.getvalue()


def _column(values: Sequence[Any]) -> pa.Array:
    known = next((value for value in values if value is not None), None)
    if isinstance(known, Decimal):
        return pa.array(values, _VALUE)
    return pa.array(values, pa.date32() if isinstance(known, date) else pa.string())
