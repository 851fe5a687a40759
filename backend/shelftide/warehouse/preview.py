"""What a write would do, found out without writing: by the hashes of keys and rows."""

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import select

from shelftide.warehouse import arrow
from shelftide.warehouse.hashes import Hashes, hash_rows
from shelftide.warehouse.tables import table_of
from shelftide.warehouse.versions import known
from shelftide.warehouse.warehouse import Stamp, TableChange, Warehouse
from shelftide_sdk import Reject
from shelftide_sdk.records import RECORDS, Record, RecordType

_Moments = npt.NDArray[np.int64]
_NO_MOMENT = np.iinfo(np.int64).min


class _Rows(msgspec.Struct, frozen=True):
    keys: Hashes
    rows: npt.NDArray[np.int64]
    moments: _Moments


class Preview:
    """Takes the batches that a write would be given. Memory: 24 bytes a row."""

    def __init__(self, warehouse: Warehouse, connection_id: UUID | None, stamp: Stamp) -> None:
        self._warehouse = warehouse
        self._connection_id = connection_id
        self._stamp = stamp
        self._given: dict[str, list[_Rows]] = defaultdict(list)

    def add(self, records: Sequence[Record]) -> list[Reject]:
        """Take records into account; those that no table takes come back."""
        by_type: dict[str, list[Record]] = defaultdict(list)
        for record in records:
            by_type[type(record).__name__].append(record)
        rejects: list[Reject] = []
        for name, some in by_type.items():
            table, unfit = arrow.build(RECORDS[name], some, self._stamp)
            self._given[name].append(_rows(RECORDS[name], table))
            rejects += unfit
        return rejects

    async def change(self) -> dict[str, TableChange]:
        """What the write would do, by table."""
        return {
            RECORDS[name].table: _change(_joined(some), await self._stored(RECORDS[name]), newer=RECORDS[name].newer_by)
            for name, some in self._given.items()
        }

    async def _stored(self, record: RecordType) -> _Rows:
        names = _names(record)
        schema = pa.schema([field for field in arrow.schema_of(record) if field.name in names])
        if self._connection_id is None or not await self._warehouse.exists():
            return _rows(record, schema.empty_table())
        rows = known(table_of(record))
        statement = select(*(rows.c[field.name] for field in schema)).where(rows.c.connection_id == self._connection_id)
        return _rows(record, (await self._warehouse.query(statement)).cast(schema))


def _names(record: RecordType) -> set[str]:
    return {*record.key, "row_hash", *filter(None, [record.newer_by])}


def _rows(record: RecordType, table: pa.Table) -> _Rows:
    batches = table.combine_chunks().to_batches()
    if not batches:
        return _Rows(np.zeros(0, np.uint64), np.zeros(0, np.int64), np.zeros(0, np.int64))
    parts = [
        _Rows(hash_rows(b, record.key), b.column("row_hash").to_numpy(zero_copy_only=False), _moments(record, b))
        for b in batches
    ]
    return _joined(parts)


def _moments(record: RecordType, batch: pa.RecordBatch) -> _Moments:
    if record.newer_by is None:
        return np.zeros(batch.num_rows, np.int64)
    column = pc.fill_null(batch.column(record.newer_by).cast(pa.int64()), int(_NO_MOMENT))
    found: _Moments = column.to_numpy(zero_copy_only=False)
    return found


def _joined(parts: Sequence[_Rows]) -> _Rows:
    return _Rows(
        np.concatenate([part.keys for part in parts]),
        np.concatenate([part.rows for part in parts]),
        np.concatenate([part.moments for part in parts]),
    )


def _change(given: _Rows, stored: _Rows, *, newer: str | None) -> TableChange:
    order = np.lexsort((np.arange(len(given.keys)), given.moments, given.keys))
    keys = given.keys[order]
    last = np.ones(len(keys), bool)
    last[:-1] = keys[1:] != keys[:-1]
    final = order[last]  # of rows with one key the newest by `newer_by`, of those the last
    by_key = np.argsort(stored.keys)
    place = np.searchsorted(stored.keys, given.keys[final], sorter=by_key)
    found = np.zeros(len(final), bool)
    if len(by_key):
        place = by_key[np.minimum(place, len(by_key) - 1)]
        found = stored.keys[place] == given.keys[final]
    same = stale = np.zeros(len(final), bool)
    if len(by_key):
        same = found & (stored.rows[place] == given.rows[final])
        if newer:
            stale = found & ~same & (given.moments[final] < stored.moments[place])
    return TableChange(
        inserted=int((~found).sum()),
        updated=int((found & ~same & ~stale).sum()),
        unchanged=int(same.sum()),
        stale=int(stale.sum()),
        repeated=len(given.keys) - len(final),
    )
