"""Mappings of file headings, by agency, kind and the heading's fingerprint."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from shelftide.store.models import import_mappings as table
from shelftide.store.rows import to_struct
from shelftide.store.unit_of_work import UnitOfWork


class RememberedHeading(msgspec.Struct, frozen=True, kw_only=True):
    """What the agency said of a heading: the kind of file, our columns to its headings, how it writes values."""

    kind: str
    fingerprint: str
    said: dict[str, Any]


async def find_mapping(uow: UnitOfWork, fingerprints: Collection[str], *, kind: str = "") -> RememberedHeading | None:
    """What the agency last said of one of these headings, of this kind or of any."""
    statement = select(*(table.c[name] for name in RememberedHeading.__struct_fields__)).where(
        table.c.agency_id == uow.scope.agency_id, table.c.fingerprint.in_(fingerprints)
    )
    if kind:
        statement = statement.where(table.c.kind == kind)
    row = (await uow.connection.execute(statement.order_by(table.c.saved_at.desc()).limit(1))).mappings().one_or_none()
    return None if row is None else to_struct(row, RememberedHeading)


async def save_mapping(
    uow: UnitOfWork, kind: str, fingerprint: str, *, headings: Sequence[str], said: Mapping[str, Any]
) -> None:
    """Remember what was said of a heading; the last word counts."""
    values = {"headings": list(headings), "said": dict(said)}
    await uow.connection.execute(
        insert(table)
        .values(agency_id=uow.scope.agency_id, kind=kind, fingerprint=fingerprint, **values)
        .on_conflict_do_update(
            index_elements=["agency_id", "kind", "fingerprint"], set_={**values, "saved_at": func.now()}
        )
    )
