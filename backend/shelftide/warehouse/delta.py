"""What a batch asks of one table: at most one row a key, and the keys to close."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from shelftide.warehouse import arrow
from shelftide.warehouse.checks import Unfit, check_value
from shelftide.warehouse.fields import Field, Kind, fields_of
from shelftide.warehouse.hashes import Hashes, hash_rows
from shelftide.warehouse.warehouse import Batch
from shelftide_sdk import Delete, Reject
from shelftide_sdk.records import RECORDS, Record, RecordType, record_type


class Delta(msgspec.Struct, frozen=True):
    """`rows` as `arrow.build` makes them plus `ord`, a number of the row; `gone` holds the key columns to close."""

    record: RecordType
    rows: pa.Table
    gone: pa.Table
    repeated: int = 0


def deltas_of(batch: Batch) -> tuple[list[Delta], list[Reject]]:
    """The batch by table, in the order of the record types. Raises KeyError for a class that is no record type."""
    records: dict[str, list[Record]] = defaultdict(list)
    for record in batch.records:
        records[type(record).__name__].append(record)
    deletes: dict[str, list[Delete]] = defaultdict(list)
    for delete in batch.deletes:
        deletes[record_type(delete.record).name].append(delete)
    if unknown := {*records, *deletes} - RECORDS.keys():
        raise KeyError(f"no record type: {', '.join(sorted(unknown))}")
    deltas, rejects = [], []
    for name, type_ in RECORDS.items():
        if name in records or name in deletes:
            rows, unfit = arrow.build(type_, records[name], batch.stamp)
            gone, unknowable = _keys(type_, deletes[name])
            deltas.append(delta_of(type_, rows, gone))
            rejects += [*unfit, *unknowable]
    return deltas, rejects


def delta_of(record: RecordType, rows: pa.Table, gone: pa.Table | None = None) -> Delta:
    """A delta from columns: of rows with one key the newest by `newer_by` stays, of those the last."""
    gone = _key_schema(record).empty_table() if gone is None else gone
    given = rows.num_rows
    keep = _survivors(record, rows, gone)
    if keep is not None:
        rows = rows.take(keep)
    numbers = pa.array(np.arange(rows.num_rows, dtype=np.int32))
    return Delta(record, rows.append_column("ord", numbers), gone, given - rows.num_rows)


def _survivors(record: RecordType, rows: pa.Table, gone: pa.Table) -> pa.Array | None:
    """Positions of the rows that stay, or None when all do."""
    hashes = _key_hashes(record, rows)
    every = np.concatenate([hashes, _key_hashes(record, gone)])
    ordered = np.sort(every)  # without positions: several times faster, and most batches repeat nothing
    if not (ordered[1:] == ordered[:-1]).any():
        return None
    dead = _losers(record, rows, np.flatnonzero(_repeated(every)[: len(hashes)]), gone)
    return pa.array(np.setdiff1d(np.arange(len(hashes)), dead)) if dead else None


def _key_hashes(record: RecordType, table: pa.Table) -> Hashes:
    parts = [hash_rows(batch, record.key) for batch in table.select(record.key).to_batches()]
    return np.concatenate(parts) if parts else np.empty(0, np.uint64)


def _repeated(hashes: Hashes) -> npt.NDArray[np.bool_]:
    order = np.argsort(hashes, kind="stable")
    ordered = hashes[order]
    same = ordered[1:] == ordered[:-1]
    flags = np.zeros(len(hashes), np.bool_)
    flags[order[1:]] = same
    flags[order[:-1]] |= same
    return flags


def _losers(record: RecordType, rows: pa.Table, positions: npt.NDArray[np.intp], gone: pa.Table) -> list[int]:
    """Exact, over the few rows whose key hash occurs twice: equal hashes alone prove nothing."""
    few = rows.take(pa.array(positions))
    keys = list(zip(*(few.column(name).to_pylist() for name in record.key), strict=True))
    newer = _order(few, record.newer_by)
    closed = set(zip(*(gone.column(name).to_pylist() for name in record.key), strict=True))
    best: dict[tuple[Any, ...], int] = {}
    dead = []
    for index, key in enumerate(keys):
        rival = best.get(key)
        if key in closed or (rival is not None and newer[index] < newer[rival]):
            dead.append(int(positions[index]))
            continue
        if rival is not None:
            dead.append(int(positions[rival]))
        best[key] = index
    return dead


def _order(rows: pa.Table, newer_by: str | None) -> list[int]:
    """Numbers to compare rows by; a row that does not say when it changed comes before all that do."""
    if newer_by is None:
        return [0] * rows.num_rows
    micros: list[int] = pc.fill_null(rows.column(newer_by).cast(pa.int64()), -(2**63)).to_pylist()
    return micros


def _key_fields(record: RecordType) -> list[Field]:
    fields = {field.name: field for field in fields_of(record)}
    return [fields[name] for name in record.key]


def _key_schema(record: RecordType) -> pa.Schema:
    schema = arrow.schema_of(record)
    return pa.schema([schema.field(name) for name in record.key])


def _keys(record: RecordType, deletes: Sequence[Delete]) -> tuple[pa.Table, list[Reject]]:
    fields = _key_fields(record)
    rejects: list[Reject] = []
    keys: dict[tuple[Any, ...], None] = {}
    for delete in deletes:
        try:
            keys[tuple(_key_value(field, delete.key) for field in fields)] = None
        except Unfit as unfit:
            rejects.append(Reject(record.name, f"delete: {unfit}", dict(delete.key)))
    schema = _key_schema(record)
    columns = list(zip(*keys, strict=True)) or [()] * len(fields)
    arrays = [pa.array(column, type_) for column, type_ in zip(columns, schema.types, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema), rejects


def _key_value(field: Field, key: Any) -> Any:
    value = key.get(field.name)
    if field.kind is Kind.CHOICE and isinstance(value, str):
        try:
            value = field.type(value)
        except ValueError as error:
            raise Unfit(f"{field.name}: {error}") from error
    check_value(field, value)
    return value.value if field.kind is Kind.CHOICE else value
