"""What a person must see of a file to say which heading is which."""

from collections.abc import Mapping
from itertools import islice

import msgspec

from shelftide.core.errors import InvalidInputError
from shelftide.ingest.imports.headings import find_places
from shelftide.ingest.imports.kind import Kind
from shelftide.ingest.imports.reading import HEADING_WITHIN, likely_heading
from shelftide.ingest.imports.tables import Cells, Table


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A column of the kind, and the file's heading that was found for it, or none."""

    name: str
    required: bool
    heading: str


class Inspection(msgspec.Struct, frozen=True, kw_only=True):
    """The file's headings, and the kind's columns with those that were found."""

    headings: list[str]
    columns: list[Wanted]


def inspect(table: Table, kind: Kind, mapping: Mapping[str, str]) -> Inspection:
    """Look at the line that is most likely the heading. Raises InvalidInputError when the file has no lines."""
    seen = [(line, cells) for line, cells in islice(table.rows(), HEADING_WITHIN) if not isinstance(cells, str)]
    cells = likely_heading(seen)
    found = _found(kind, cells, mapping)
    return Inspection(
        headings=list(dict.fromkeys(str(cell).strip() for cell in cells if cell not in {None, ""})),
        columns=[Wanted(name=c.name, required=c.required, heading=found.get(c.name, "")) for c in kind.columns],
    )


def _found(kind: Kind, cells: Cells, mapping: Mapping[str, str]) -> dict[str, str]:
    try:
        return {name: place.heading for name, place in find_places(kind, cells, mapping).items()}
    except InvalidInputError:
        return dict(mapping)  # a heading stands twice: the person sees what was said and chooses anew
