"""Files as a source: a table with a heading becomes records. Each bad line is answered by number and reason."""

import asyncio
import hashlib
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

import msgspec

from shelftide.core.errors import InvalidInputError
from shelftide.ingest.imports.headings import EXPORTS, KINDS, fingerprint, is_plain, kind_of
from shelftide.ingest.imports.kind import Kind
from shelftide.ingest.imports.reading import HEADING_WITHIN, Options, Problem, Reading, Taken, begin
from shelftide.ingest.imports.tables import Cells, Table, open_table
from shelftide.ingest.sync import quarantine_row
from shelftide.store.repositories.agencies import Tenant, pseudonym_key
from shelftide.store.repositories.connections import add_connection, list_connections, save_rejects, save_stream
from shelftide.store.repositories.imports import RememberedHeading, find_mapping, save_mapping
from shelftide.store.repositories.inbox import erased_keys
from shelftide.store.unit_of_work import UnitOfWork
from shelftide.warehouse.preview import Preview
from shelftide.warehouse.warehouse import Batch, Stamp, TableChange, Warehouse
from shelftide_sdk import Reject
from shelftide_sdk.money import CURRENCIES
from shelftide_sdk.pseudonyms import pseudonym
from shelftide_sdk.records import Record

__all__ = ["EXPORTS", "KINDS", "FileImport", "ImportReport", "Options", "Problem"]
_BATCH = 20_000
_REMEMBERED = ("mapping", "decimal", "days", "zone", "currency")
_MOST_PROBLEMS = 1_000


class ImportReport(msgspec.Struct, frozen=True, kw_only=True):
    """What an import did, or with `dry_run` would do.

    `read` counts lines below the heading, `rejected` those that were not understood, `skipped` totals and repeated
    headings. `new`, `changed` and `unchanged` count rows of the warehouse, of which a line may make several;
    `written` is new and changed, 0 in a dry run and for the same file again. `columns` is our column to the file's
    heading. At most 1,000 problems are listed; all are counted.
    """

    kind: str
    file: str
    connection_id: UUID | None
    read: int
    written: int
    unchanged: int
    rejected: int
    problems: list[Problem]
    new: int = 0
    changed: int = 0
    skipped: int = 0
    skips: list[Problem] = []
    dry_run: bool = False
    format: str = ""
    encoding: str = ""
    export: str = ""
    columns: dict[str, str] = {}
    remembered: bool = False


class _Tally:
    def __init__(self) -> None:
        self.read = self.rejected = self.skipped = self.new = self.changed = self.unchanged = 0
        self.problems: list[Problem] = []
        self.skips: list[Problem] = []

    def problem(self, number: int, reason: str) -> None:
        self.rejected += 1
        if len(self.problems) < _MOST_PROBLEMS:
            self.problems.append(Problem(number=number, reason=reason))

    def skip(self, number: int, reason: str) -> None:
        self.skipped += 1
        if len(self.skips) < _MOST_PROBLEMS:
            self.skips.append(Problem(number=number, reason=reason))

    def add(self, tables: Iterable[TableChange]) -> None:
        for table in tables:
            self.new += table.inserted
            self.changed += table.updated
            self.unchanged += table.unchanged + table.repeated + table.stale


class _Part(msgspec.Struct):
    """Some lines: the records they made, with the line of each, and the rejects."""

    records: list[Record]
    numbers: list[int]
    rejects: list[Reject]


class FileImport:
    """Imports one file into one brand."""

    def __init__(self, uow_factory: Callable[[], UnitOfWork], warehouse: Warehouse, vault: Any, tenant: Tenant) -> None:
        self._open = uow_factory
        self._warehouse = warehouse
        self._vault = vault
        self._tenant = tenant

    async def run(
        self,
        path: Path,
        kind: Kind | None,
        *,
        now: datetime,
        options: Options | None = None,
        name: str = "",
        source: str = "",
        dry_run: bool = False,
    ) -> ImportReport:
        """Read, validate, write; with `dry_run` only say what would change.

        Without a kind, the heading must tell it. Files of one kind and `source` (the file's name, if nothing is said)
        are one connection: a later file updates what an earlier one said. Raises InvalidInputError for what is no table
        of this kind; then nothing is written.
        """
        options = options or Options()
        _check(options)
        table = await asyncio.to_thread(open_table, path, name=name, encoding=options.encoding, sheet=options.sheet)
        start = await asyncio.to_thread(_start_of, table)
        found = await self._remembered(start, kind)
        known = kind or (KINDS[found.kind] if found and found.kind in KINDS else _kind(start))
        said, options = options, _with(options, found)
        reading = await asyncio.to_thread(
            begin, table, known, options, zone=self._tenant.zone, currency=self._tenant.currency
        )
        tally = _Tally()
        connection_id = await self._work(reading, source or table.name, now, tally, dry_run=dry_run)
        if not dry_run and tally.read > tally.rejected and _is_new(said, found, reading):
            await self._remember(reading, options)
        return _report(reading, tally, connection_id, dry_run=dry_run, remembered=found is not None)

    async def _remembered(self, start: Sequence[Cells], kind: Kind | None) -> RememberedHeading | None:
        """What was said of such a heading before."""
        async with self._open() as uow:
            return await find_mapping(uow, {fingerprint(cells) for cells in start}, kind=kind.name if kind else "")

    async def _remember(self, reading: Reading, options: Options) -> None:
        heading = reading.heading.cells
        said = {name: value for name in _REMEMBERED if (value := getattr(options, name))}
        async with self._open() as uow:
            await save_mapping(uow, reading.kind.name, fingerprint(heading), headings=heading, said=said)
            await uow.commit()

    async def _work(self, reading: Reading, source: str, now: datetime, tally: _Tally, *, dry_run: bool) -> UUID | None:
        kind = reading.kind
        lines = iter(reading.lines())
        part = await asyncio.to_thread(_take, lines, tally)  # a file that cannot be read ends here: nothing is made
        connection_id, key = await self._connection(source, kind, make=not dry_run)
        async with self._open() as uow:
            erased = await erased_keys(uow)
        stamp = Stamp(
            tenant_id=self._tenant.tenant_id,
            connection_id=connection_id or self._tenant.tenant_id,
            platform="file",
            fetched_at=now,
            observed_at=now,
            pseudonym=pseudonym(key, erased),
        )
        preview = Preview(self._warehouse, connection_id, stamp)
        while part is not None:
            if dry_run:
                _number_rejects(part, await asyncio.to_thread(preview.add, part.records), tally)
            else:
                await self._write(kind, stamp, part, tally)
            part = await asyncio.to_thread(_take, lines, tally)
        if dry_run:
            tally.add((await preview.change()).values())
        elif connection_id:
            async with self._open() as uow:
                await save_stream(uow, connection_id, kind.name, {"synced_at": now, "rows_seen": tally.read})
                await uow.commit()
        return connection_id

    async def _connection(self, source: str, kind: Kind, *, make: bool) -> tuple[UUID | None, bytes]:
        values: dict[str, Any] = {
            "connector": "file",
            "platform": "file",
            "account_id": f"{kind.name}:{hashlib.sha256(source.encode()).hexdigest()[:16]}",
            "account_name": source,
            "zone": self._tenant.zone,
            "currency": self._tenant.currency,
            "settings": {},
        }
        async with self._open() as uow:
            if make:
                connection_id: UUID | None = await add_connection(uow, values)
            else:
                own = (c for c in await list_connections(uow) if c.connector == "file")
                connection_id = next((c.connection_id for c in own if c.account_id == values["account_id"]), None)
            key = await pseudonym_key(uow, self._vault)
            await uow.commit()
        return connection_id, key

    async def _write(self, kind: Kind, stamp: Stamp, part: _Part, tally: _Tally) -> None:
        found = list(part.rejects)
        if part.records:
            change = await self._warehouse.write(Batch(stamp=stamp, records=part.records))
            found += change.rejects
            _number_rejects(part, change.rejects, tally)
            tally.add(change.tables.values())
        if found:
            async with self._open() as uow:
                await save_rejects(uow, [quarantine_row(stamp.connection_id, kind.name, r) for r in found])
                await uow.commit()


def _report(
    reading: Reading, tally: _Tally, connection_id: UUID | None, *, dry_run: bool, remembered: bool
) -> ImportReport:
    table, export = reading.table, reading.heading.export
    return ImportReport(
        kind=reading.kind.name,
        file=table.name,
        connection_id=connection_id,
        read=tally.read,
        written=0 if dry_run else tally.new + tally.changed,
        unchanged=tally.unchanged,
        rejected=tally.rejected,
        problems=sorted(tally.problems, key=lambda problem: problem.number),
        new=tally.new,
        changed=tally.changed,
        skipped=tally.skipped,
        skips=tally.skips,
        dry_run=dry_run,
        format=table.format,
        encoding=table.encoding,
        export=export.name if export else "",
        columns=reading.heading.columns,
        remembered=remembered,
    )


def _check(options: Options) -> None:
    if options.zone:
        _check_zone(options.zone)
    if options.currency and options.currency not in CURRENCIES:
        raise InvalidInputError(f"{options.currency!r} is no currency.", hint="Write it as EUR.")
    if options.as_of and options.as_of.utcoffset() is None:
        raise InvalidInputError("as_of has no zone.")


def _check_zone(zone: str) -> None:
    if zone not in available_timezones():
        raise InvalidInputError(f"{zone!r} is no zone.", hint="Write it as Europe/Rome.")


def _start_of(table: Table) -> list[Cells]:
    """The first lines, of which one is the heading."""
    return [cells for _, cells in islice(table.rows(), HEADING_WITHIN) if not isinstance(cells, str)]


def _kind(start: Sequence[Cells]) -> Kind:
    for cells in start:
        if found := kind_of(cells):
            return KINDS[found]
    raise InvalidInputError(
        "The heading does not tell what kind of file this is.", hint=f"Say one: {', '.join(KINDS)}."
    )


def _is_new(said: Options, found: RememberedHeading | None, reading: Reading) -> bool:
    """Whether a person said what neither the headings say nor is remembered."""
    known = found.said if found else {}
    new = {name for name in _REMEMBERED if (value := getattr(said, name)) and value != known.get(name)}
    if not found and is_plain(reading.kind, reading.heading.cells, said.mapping):
        new.discard("mapping")
    return bool(new)


def _with(options: Options, found: RememberedHeading | None) -> Options:
    """What was said before, where nothing is said now."""
    known = found.said if found else {}
    return msgspec.structs.replace(
        options, **{name: known[name] for name in _REMEMBERED if name in known and not getattr(options, name)}
    )


def _take(lines: Iterable[Taken], tally: _Tally) -> _Part | None:
    """The next lines, at most a batch; None at the end."""
    part = _Part([], [], [])
    empty = True
    for taken in islice(lines, _BATCH):
        empty = False
        if taken.skipped:
            tally.skip(taken.number, taken.skipped)
            continue
        tally.read += taken.count
        if taken.reject is not None:
            part.rejects.append(taken.reject)
            tally.problem(taken.number, taken.reject.reason)
        for record in taken.records:
            part.records.append(record)
            part.numbers.append(taken.number)
        if len(part.records) >= _BATCH:
            break
    return None if empty else part


def _number_rejects(part: _Part, rejects: Sequence[Reject], tally: _Tally) -> None:
    """The warehouse refuses records; people want lines, each once."""
    if not rejects:
        return
    lines = {id(record): number for record, number in zip(part.records, part.numbers, strict=True)}
    told = set[int]()
    for reject in rejects:
        number = lines.get(id(reject.raw), 0)
        if number not in told or number == 0:
            tally.problem(number, reject.reason)
            told.add(number)


def moment_of(day: str, zone: str) -> datetime:
    """Midnight of a day such as 2026-11-22, or a time with its own zone. Raises InvalidInputError."""
    _check_zone(zone)
    try:
        found = datetime.fromisoformat(day)
    except ValueError as error:
        raise InvalidInputError(f"{day!r} is no day.", hint="Write it as 2026-11-22.") from error
    return found if found.tzinfo else found.replace(tzinfo=ZoneInfo(zone))
