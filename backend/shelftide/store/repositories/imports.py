"""Mappings of file headings, by agency, kind and the heading's fingerprint."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from shelftide.store.models import import_mappings as table
from shelftide.store.unit_of_work import UnitOfWork


async def list_mappings(uow: UnitOfWork, kind: str) -> dict[str, dict[str, Any]]:
    """What the agency said of headings of a kind, by fingerprint."""
    statement = select(table.c.fingerprint, table.c.said).where(
        table.c.agency_id == uow.scope.agency_id, table.c.kind == kind
    )
    return {str(row[0]): dict(row[1]) for row in (await uow.connection.execute(statement)).all()}


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
