"""Files as a source: a table with a heading becomes records. Each bad line is answered by number and reason."""

import csv
import gzip
import hashlib
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from shelftide.core.errors import InvalidInputError
from shelftide.ingest.sync import quarantine_row
from shelftide.store.repositories.agencies import Tenant, pseudonym_key
from shelftide.store.repositories.connections import add_connection, save_rejects, save_stream
from shelftide.store.repositories.inbox import erased_keys
from shelftide.store.unit_of_work import UnitOfWork
from shelftide.warehouse.warehouse import Batch, Stamp, Warehouse
from shelftide_sdk import DataError, Money, Reject
from shelftide_sdk.money import CURRENCIES
from shelftide_sdk.pseudonyms import pseudonym
from shelftide_sdk.records import Record, SalesDay

_BATCH = 20_000
_LONGEST_FIELD = 2**17


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """A column of a kind: its name, other headings that mean the same, and whether it must be there."""

    name: str
    aliases: tuple[str, ...] = ()
    required: bool = True


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of file. `make` turns a row (by our column names) into a record; `money` names the amount's column."""

    name: str
    columns: tuple[Column, ...]
    make: Callable[[Mapping[str, str], Tenant, str], Record]
    money: str = ""


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """A line that was not understood. Lines are counted as an editor counts them; the heading is line 1."""

    number: int
    reason: str


class ImportReport(msgspec.Struct, frozen=True, kw_only=True):
    """What an import did. `written` counts rows that were new or changed; a second import of the same file writes 0."""

    kind: str
    file: str
    connection_id: UUID
    read: int
    written: int
    unchanged: int
    rejected: int
    problems: list[Problem]


def _sales_day(row: Mapping[str, str], tenant: Tenant, currency: str) -> SalesDay:
    revenue = row.get("revenue", "")
    return SalesDay(
        channel=row.get("channel") or "file",
        sku=_text(row, "sku"),
        day=_day(row["day"]),
        zone=tenant.zone,
        units=_whole(row, "units"),
        revenue=Money.parse(revenue, currency) if revenue else None,
        title=row.get("title") or None,
        orders=_whole(row, "orders") if row.get("orders") else None,
    )


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            name="daily-sales",
            columns=(
                Column(name="day", aliases=("date",)),
                Column(name="sku", aliases=("item", "article")),
                Column(name="units", aliases=("quantity", "qty")),
                Column(name="revenue", aliases=("amount", "sales"), required=False),
                Column(name="currency", required=False),
                Column(name="orders", aliases=("order_lines",), required=False),
                Column(name="channel", required=False),
                Column(name="title", aliases=("name", "description"), required=False),
            ),
            make=_sales_day,
            money="revenue",
        ),
    )
}


def _text(row: Mapping[str, str], name: str) -> str:
    value = row[name].strip()
    if not value:
        raise DataError(f"{name} is empty")
    return value


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError as error:
        raise DataError(f"{text!r} is not a day; write 2026-11-22") from error


def _whole(row: Mapping[str, str], name: str) -> int:
    text = row[name].strip()
    try:
        value = int(text)
    except ValueError as error:
        raise DataError(f"{name} is {text!r}, not a whole number") from error
    if abs(value) > 10**12:
        raise DataError(f"{name} is out of range")
    return value


class Heading(msgspec.Struct, frozen=True, kw_only=True):
    """Where our columns stand in a file, and the currency that a heading such as `revenue_gbp` names."""

    places: dict[str, int]
    currency: str


def read_heading(kind: Kind, names: Sequence[str]) -> Heading:
    """Find the columns. Raises InvalidInputError that lists what is missing and what the file has."""
    plain = [name.strip().lower().lstrip("\ufeff").replace(" ", "_").replace("-", "_") for name in names]
    places: dict[str, int] = {}
    currency = ""
    for column in kind.columns:
        for wanted in (column.name, *column.aliases):
            if wanted in plain:
                places[column.name] = plain.index(wanted)
                break
            if column.name == kind.money:
                code = next((n.removeprefix(f"{wanted}_").upper() for n in plain if n.startswith(f"{wanted}_")), "")
                if code in CURRENCIES:
                    places[column.name] = plain.index(f"{wanted}_{code.lower()}")
                    currency = code
                    break
    missing = [column.name for column in kind.columns if column.required and column.name not in places]
    if missing:
        raise InvalidInputError(
            f"The file has no column {', '.join(missing)}.",
            hint=f"It has: {', '.join(names) or 'nothing'}. {kind.name} needs: "
            + ", ".join(column.name for column in kind.columns if column.required)
            + ".",
        )
    return Heading(places=places, currency=currency)


def open_text(path: Path) -> io.TextIOBase:
    """A CSV or TSV file, packed or not, as text. Raises InvalidInputError."""
    if not path.is_file():
        raise InvalidInputError(f"There is no file {path}.", hint="Check the path.")
    if path.name.endswith(".gz"):
        return io.TextIOWrapper(gzip.open(path, "rb"), encoding="utf-8-sig", errors="strict", newline="")
    return path.open(encoding="utf-8-sig", errors="strict", newline="")


def read_rows(path: Path, kind: Kind, tenant: Tenant) -> Iterator[tuple[int, Record | Reject]]:
    """(line number, record or reject) of each line below the heading.

    Raises InvalidInputError when the file is no table of this kind at all.
    """
    csv.field_size_limit(_LONGEST_FIELD)
    try:
        with open_text(path) as file:
            first = file.readline()
            separator = max(",\t;", key=first.count)
            heading = read_heading(kind, next(csv.reader([first], delimiter=separator), []))
            reader = csv.reader(file, delimiter=separator)
            for cells in reader:
                if any(cell.strip() for cell in cells):
                    yield reader.line_num + 1, _record(kind, heading, cells, tenant)
    except UnicodeDecodeError as error:
        raise InvalidInputError("The file is not UTF-8 text.", hint="Save it as CSV (UTF-8) and try again.") from error
    except (csv.Error, EOFError, OSError) as error:
        raise InvalidInputError(f"The file cannot be read: {error}.", hint="Save it as CSV and try again.") from error


def _record(kind: Kind, heading: Heading, cells: Sequence[str], tenant: Tenant) -> Record | Reject:
    row = {name: cells[place] for name, place in heading.places.items() if place < len(cells)}
    try:
        short = [c.name for c in kind.columns if c.required and c.name not in row]
        if short:
            raise DataError(f"the line has no {short[0]}: it ends too early")
        return kind.make(row, tenant, row.get("currency") or heading.currency or tenant.currency)
    except DataError as error:
        return Reject(kind.name, error.message, list(cells))


class FileImport:
    """Imports one file into one brand."""

    def __init__(self, uow_factory: Callable[[], UnitOfWork], warehouse: Warehouse, vault: Any, tenant: Tenant) -> None:
        self._open = uow_factory
        self._warehouse = warehouse
        self._vault = vault
        self._tenant = tenant

    async def run(self, path: Path, kind: Kind, *, now: datetime) -> ImportReport:
        """Read, validate, write. A file of the same kind and name is one connection: importing it again updates it."""
        rows = read_rows(path, kind, self._tenant)
        first = next(rows, None)  # a file that is no such table ends here, before anything is made
        connection_id, key = await self._connection(path, kind)
        async with self._open() as uow:
            erased = await erased_keys(uow)
        stamp = Stamp(
            tenant_id=self._tenant.tenant_id,
            connection_id=connection_id,
            platform="file",
            fetched_at=now,
            observed_at=now,
            pseudonym=pseudonym(key, erased),
        )
        tally = {"read": 0, "written": 0, "unchanged": 0, "rejected": 0}
        problems: list[Problem] = []
        batch: list[Record] = []
        rejects: list[Reject] = []
        for number, item in _chain(first, rows):
            tally["read"] += 1
            if isinstance(item, Reject):
                problems.append(Problem(number=number, reason=item.reason))
                rejects.append(item)
            else:
                batch.append(item)
            if len(batch) + len(rejects) >= _BATCH:
                await self._write(kind, stamp, batch, rejects, tally)
                batch, rejects = [], []
        await self._write(kind, stamp, batch, rejects, tally)
        async with self._open() as uow:
            await save_stream(uow, connection_id, kind.name, {"synced_at": now, "rows_seen": tally["read"]})
            await uow.commit()
        return ImportReport(
            kind=kind.name,
            file=path.name,
            connection_id=connection_id,
            problems=problems[:1000],
            **tally,
        )

    async def _connection(self, path: Path, kind: Kind) -> tuple[UUID, bytes]:
        async with self._open() as uow:
            connection_id = await add_connection(
                uow,
                {
                    "connector": "file",
                    "platform": "file",
                    "account_id": f"{kind.name}:{hashlib.sha256(path.name.encode()).hexdigest()[:16]}",
                    "account_name": path.name,
                    "zone": self._tenant.zone,
                    "currency": self._tenant.currency,
                    "settings": {},
                },
            )
            key = await pseudonym_key(uow, self._vault)
            await uow.commit()
        return connection_id, key

    async def _write(
        self, kind: Kind, stamp: Stamp, batch: Sequence[Record], rejects: Sequence[Reject], tally: dict[str, int]
    ) -> None:
        found = list(rejects)
        if batch:
            change = await self._warehouse.write(Batch(stamp=stamp, records=batch))
            found += change.rejects
            for table in change.tables.values():
                tally["written"] += table.inserted + table.updated
                tally["unchanged"] += table.unchanged + table.repeated
        tally["rejected"] += len(found)
        if found:
            async with self._open() as uow:
                await save_rejects(uow, [quarantine_row(stamp.connection_id, kind.name, r) for r in found])
                await uow.commit()


def _chain(
    first: tuple[int, Record | Reject] | None, rest: Iterator[tuple[int, Record | Reject]]
) -> Iterator[tuple[int, Record | Reject]]:
    if first is not None:
        yield first
    yield from rest
