"""Files broken in many ways: never a traceback, always a line or column and what to do."""

import gzip
import random
from pathlib import Path

import pytest

from shelftide.core.errors import InvalidInputError
from shelftide.ingest.imports.headings import KINDS
from shelftide.ingest.imports.reading import Options, Taken, begin
from shelftide.ingest.imports.tables import open_table

CELLS = [
    "",
    "x",
    "1e999",
    "NaN",
    "-",
    "=cmd()",
    "31/31/2026",
    "9" * 400,
    '"',
    "1.2.3,4",
    "€",
    "٣",
    "\x00",
    "USD 1",
    "∞",
]


def broken(number: int) -> tuple[str, bytes]:
    """A kind and a file of it with something wrong; the number is the seed."""
    rng = random.Random(number)
    kind = rng.choice(sorted(KINDS))
    names = [column.name for column in KINDS[kind].columns]
    rows = [[rng.choice([*CELLS, "3", "2026-01-01"]) for _ in names] for _ in range(rng.randint(0, 8))]
    if rng.random() < 0.3:
        names = rng.sample(names, rng.randint(1, len(names)))
    rows = [row[: rng.randint(0, len(row))] if rng.random() < 0.2 else row for row in rows]
    sign = rng.choice(",;\t|")
    content = "\n".join(sign.join(row) for row in [names, *rows]).encode(rng.choice(["utf-8", "utf-16", "gb18030"]))
    damage = rng.randint(0, 5)
    if damage == 0 and content:
        place = rng.randrange(len(content))
        content = content[:place] + rng.randbytes(rng.randint(1, 9)) + content[place:]
    elif damage == 1:
        content = content[: rng.randint(0, len(content))]
    elif damage == 2:
        content = gzip.compress(content)[: -rng.randint(1, 12)]
    elif damage == 3:
        content = rng.choice([b"PK\x03\x04", b"{", b"\xff\xfe", b"%PDF"]) + content
    return kind, content


def check(path: Path, number: int) -> None:
    kind, content = broken(number)
    path.write_bytes(content)
    refused: InvalidInputError | None = None
    found: list[Taken] = []
    try:
        found = list(begin(open_table(path), KINDS[kind], Options(), zone="UTC", currency="EUR").lines())
    except InvalidInputError as error:
        refused = error
    assert refused is None or (refused.message and refused.hint), f"file {number}: nothing says what to do"
    for taken in found:
        assert taken.number >= 1
        assert taken.records or taken.skipped or (taken.reject and taken.reject.reason), (
            f"file {number}: a line is lost"
        )


def test_a_hundred_broken_files_are_answered(tmp_path: Path) -> None:
    for number in range(100):
        check(tmp_path / "x.csv", number)


@pytest.mark.evidence
def test_a_thousand_broken_files_are_answered(tmp_path: Path) -> None:
    for number in range(100, 1100):
        check(tmp_path / "x.csv", number)
