"""The page of all records is what the record types say."""

from pathlib import Path

import msgspec
from click.testing import CliRunner

from shelftide_sdk.commands import connector
from shelftide_sdk.installed import Installed
from shelftide_sdk.records import RECORDS
from shelftide_sdk.records.page import records_page

PAGE = Path(__file__).parents[3] / "docs" / "connectors" / "records.md"


def test_the_documentation_is_the_page_as_it_is_made() -> None:
    assert PAGE.read_text(encoding="utf-8") == records_page()


def test_every_field_of_every_record_has_a_row() -> None:
    sections = dict(section.split("\n", 1) for section in records_page().split("\n## ")[1:])
    assert set(sections) == {*RECORDS, "Customer"}
    for name, kind in RECORDS.items():
        for field in msgspec.structs.fields(kind.cls):
            row = next(line for line in sections[name].splitlines() if line.startswith(f"| `{field.name}` |"))
            assert ("**must** be known" in row) == field.required


def test_what_tells_a_buyer_apart_is_printed_by_name_although_it_is_no_record() -> None:
    one = CliRunner().invoke(connector(Installed), ["records", "Customer"])
    assert (one.exit_code, one.stdout.count("\n## ")) == (0, 1)
    assert "the field `customer` of `Order`, `Session`, `Touch`" in one.stdout
    assert "| `email` | text | none |" in one.stdout


def test_one_type_is_printed_by_name_and_a_wrong_one_is_refused() -> None:
    one = CliRunner().invoke(connector(Installed), ["records", "StockLevel"])
    assert (one.exit_code, one.stdout.count("\n## ")) == (0, 1)
    assert "`available` | integer | **must** be known" in one.stdout
    none = CliRunner().invoke(connector(Installed), ["records", "Shelf"])
    assert none.exit_code == 2
    assert "There is no record type 'Shelf'." in none.stderr
