"""What both engines ask in the same words: counts, checksums, and how verdicts are read."""

from datetime import date
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Numeric, Table, Text, cast, func, literal, select, union_all

from shelftide.warehouse.delta import Delta
from shelftide.warehouse.merge import Verdict, change_of
from shelftide.warehouse.sql import Statement
from shelftide.warehouse.tables import METADATA, table_of
from shelftide.warehouse.versions import known
from shelftide.warehouse.warehouse import Batch, TableChange


def same_tenant(batch: Batch, tenant_id: UUID) -> None:
    """Raises ValueError when a batch is stamped for another tenant."""
    if batch.stamp.tenant_id != tenant_id:
        raise ValueError("the batch belongs to another tenant")


def counts() -> Statement:
    """Current rows of each table."""
    return union_all(
        *(
            select(literal(table.name, Text()).label("name"), func.count().label("rows")).select_from(known(table))
            for table in METADATA.sorted_tables
        )
    )


def counts_from(answer: pa.Table) -> dict[str, int]:
    """The answer to `counts`."""
    return dict(zip(answer.column(0).to_pylist(), answer.column(1).to_pylist(), strict=True))


def fingerprint(table: Table) -> Statement:
    """Number of current rows and the sum of their hashes, which cover all content."""
    rows = known(table)
    return select(func.count().label("rows"), func.sum(cast(rows.c.row_hash, Numeric(38, 0))).label("hashes"))


def fingerprint_from(answer: pa.Table) -> str:
    """The answer to `fingerprint` as text."""
    rows, hashes = (column[0].as_py() for column in answer.columns)
    return f"{rows}-{int(hashes or 0) % 2**64:016x}"


def verdicts(rows: list[Any]) -> tuple[dict[Verdict, int], set[date]]:
    """The answer to `Merge.summary`: counts by verdict, and the days of the rows that will go."""
    met = {Verdict(verdict): count for verdict, count, _ in rows}
    going = (Verdict.REPLACED, Verdict.CLOSED, Verdict.REMOVED, Verdict.DROPPED)
    days = {day for verdict, _, found in rows if verdict in going for day in found if day is not None}
    return met, days


def plain(met: dict[Verdict, int]) -> bool:
    """Whether every row of the delta is written as it is."""
    return not met.keys() & {Verdict.SAME, Verdict.STALE, Verdict.REPLACED, Verdict.LATE}


def plain_days(delta: Delta, met: dict[Verdict, int]) -> set[date]:
    """Days of the delta when all its rows are written, without asking the engine; else nothing."""
    return set(pc.unique(delta.rows.column("local_day")).to_pylist()) if plain(met) else set()


def idle(deltas: list[Delta]) -> dict[str, TableChange]:
    """The change of deltas that hold nothing."""
    return {table_of(delta.record).name: change_of({}, 0, delta.repeated) for delta in deltas}
