"""The statements that turn a delta into versions, the same on both engines but for `EngineTraits`.

`seen` notes what each row of the delta met:

    SAME       the current version has the same hash: nothing to do
    STALE      the current version is newer by the platform's own clock: ignored
    REPLACED   the current version was observed at this very moment (or later): it goes, it was never history
    CLOSED     the current version is superseded
    REMOVED    deleted: superseded, nothing follows
    DROPPED    deleted at the moment it was observed: it goes
    LATE       no current version, but closed ones that reach beyond this moment: the new one starts where they end
"""

from enum import IntEnum
from functools import cache

import msgspec
from sqlalchemy import Table

from shelftide.warehouse.sql import EngineTraits, quote, table_name, type_name
from shelftide.warehouse.tables import record_of
from shelftide.warehouse.warehouse import TableChange


class Verdict(IntEnum):
    """What a row of the delta met."""

    SAME = 0
    STALE = 1
    REPLACED = 2
    CLOSED = 3
    REMOVED = 4
    DROPPED = 5
    LATE = 6


class Merge(msgspec.Struct, frozen=True):
    """Statements for one table.

    Parameters: $1 tenant, $2 connection, $3 observed_at in `match`, `match_gone`, `late` and `late_exists`; `insert`
    adds $4 platform and $5 fetched_at.
    """

    make_seen: str
    match: str
    match_gone: str
    late_exists: str
    late: str
    summary: str
    insert: str
    insert_all: str
    new_days: str
    has_day: bool


@cache
def merge_of(table: Table, traits: EngineTraits) -> Merge:
    """The statements for a table on an engine."""
    record = record_of(table)
    target = table_name(table, traits)
    keys = " and ".join(f"t.{quote(name)} = d.{quote(name)}" for name in record.key)
    has_day = "local_day" in table.c
    day = "t.local_day" if has_day else "cast(null as date)"
    own = f"{traits.own} and t.connection_id = $2"
    current = f"{own} and t.superseded_at is null"
    lookup = traits.lookup.format(table=target, condition=f"{keys} and {current}")
    newer = quote(record.newer_by) if record.newer_by else None
    stale = f" when d.{newer} < t.{newer} or (d.{newer} is null and t.{newer} is not null) then 1" if newer else ""
    return Merge(
        make_seen=(
            f"create temp table seen (ord integer, address {traits.address_type}, observed_at timestamptz,"
            f" local_day date, verdict integer){traits.temporary}"
        ),
        match=(
            f"insert into seen select d.ord, t.{traits.row_address}, t.observed_at, {day},"
            f" case when t.row_hash = d.row_hash then 0{stale} when t.observed_at >= $3 then 2 else 3 end"
            f" from delta d {lookup}"
        ),
        match_gone=(
            f"insert into seen select null, t.{traits.row_address}, t.observed_at, {day},"
            f" case when t.observed_at >= $3 then 5 else 4 end"
            f" from gone d {lookup}"
        ),
        late_exists=f"select exists (select 1 from {target} t where {own} and t.superseded_at > $3)",
        late=(
            f"insert into seen select d.ord, null, max(t.superseded_at), null, 6"
            f" from {target} t join delta d on {keys} where {own} and t.superseded_at > $3"
            f" and not exists (select 1 from seen s where s.ord = d.ord) group by d.ord"
        ),
        summary="select verdict, count(*), array_agg(distinct local_day) from seen group by verdict",
        insert=_insert(table, target, all_rows=False),
        insert_all=_insert(table, target, all_rows=True),
        new_days=(
            "select distinct d.local_day from delta d where not exists"
            " (select 1 from seen s where s.ord = d.ord and s.verdict < 2)"
        ),
        has_day=has_day,
    )


def _insert(table: Table, target: str, *, all_rows: bool) -> str:
    given = {
        "tenant_id": "cast($1 as uuid)",
        "connection_id": "cast($2 as uuid)",
        "platform": "cast($4 as text)",
        "fetched_at": "cast($5 as timestamptz)",
        "observed_at": "cast($3 as timestamptz)" if all_rows else "greatest(cast($3 as timestamptz), s.observed_at)",
        "superseded_at": "cast(null as timestamptz)",
    }
    names = [column.name for column in table.columns]
    values = ", ".join(given.get(name, f"d.{quote(name)}") for name in names)
    source = "delta d" if all_rows else "delta d left join seen s on s.ord = d.ord where coalesce(s.verdict, 6) >= 2"
    return f"insert into {target} ({', '.join(map(quote, names))}) select {values} from {source}"


def delta_columns(table: Table) -> list[tuple[str, str]]:
    """Names and SQL types of what `arrow.build` makes for a table, with `ord`."""
    left_out = {"tenant_id", "connection_id", "platform", "fetched_at", "observed_at", "superseded_at"}
    columns = [(column.name, type_name(column.type)) for column in table.columns if column.name not in left_out]
    return [*columns, ("ord", "integer")]


def change_of(met: dict[Verdict, int], rows: int, repeated: int) -> TableChange:
    """Counts for people from counts by verdict."""
    matched = sum(met.get(verdict, 0) for verdict in (Verdict.SAME, Verdict.STALE, Verdict.REPLACED, Verdict.CLOSED))
    return TableChange(
        inserted=rows - matched,
        updated=met.get(Verdict.REPLACED, 0) + met.get(Verdict.CLOSED, 0),
        unchanged=met.get(Verdict.SAME, 0),
        deleted=met.get(Verdict.REMOVED, 0) + met.get(Verdict.DROPPED, 0),
        stale=met.get(Verdict.STALE, 0),
        repeated=repeated,
    )
