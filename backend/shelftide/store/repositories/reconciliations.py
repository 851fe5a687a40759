"""Results of reconciliation, and what the quality checks found, inside a scope."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from shelftide.store.models import findings, reconciliations
from shelftide.store.rows import to_struct
from shelftide.store.unit_of_work import UnitOfWork


class SavedReconciliation(msgspec.Struct, frozen=True, kw_only=True):
    """A result as it was shown. `subject` is the file or the period that it is about."""

    tenant_id: UUID
    kind: str
    subject: str
    result: Any
    computed_at: datetime


class SavedFinding(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of one stream that look wrong in one way. `detail` names the first of them."""

    tenant_id: UUID
    fingerprint: str
    connection_id: UUID
    stream: str
    flaw: str
    detail: dict[str, Any]
    rows: int
    first_seen_at: datetime
    last_seen_at: datetime


async def save_reconciliation(uow: UnitOfWork, kind: str, subject: str, result: Any) -> None:
    """Keep a result; a later one of the same kind and subject replaces it."""
    await uow.connection.execute(
        insert(reconciliations)
        .values(tenant_id=uow.scope.tenant_id, kind=kind, subject=subject, result=result)
        .on_conflict_do_update(
            index_elements=["tenant_id", "kind", "subject"], set_={"result": result, "computed_at": func.now()}
        )
    )


async def list_reconciliations(uow: UnitOfWork) -> list[SavedReconciliation]:
    """The newest results of the brands in scope first."""
    table = reconciliations
    statement = (
        select(*(table.c[name] for name in SavedReconciliation.__struct_fields__))
        .where(table.c.tenant_id.in_(uow.scope.tenant_ids))
        .order_by(table.c.computed_at.desc(), table.c.kind, table.c.subject)
    )
    return [to_struct(row, SavedReconciliation) for row in (await uow.connection.execute(statement)).mappings()]


async def save_findings(uow: UnitOfWork, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep findings (fingerprint, connection_id, stream, flaw, detail, rows); one seen again is brought up to date."""
    if not rows:
        return
    unique = {row["fingerprint"]: row for row in rows}
    statement = insert(findings).values([{"tenant_id": uow.scope.tenant_id, **row} for row in unique.values()])
    await uow.connection.execute(
        statement.on_conflict_do_update(
            index_elements=["tenant_id", "fingerprint"],
            set_={
                "rows": statement.excluded.rows,
                "detail": statement.excluded.detail,
                "last_seen_at": func.now(),
            },
        )
    )


async def list_findings(uow: UnitOfWork, *, limit: int) -> list[SavedFinding]:
    """Newest findings of the brands in scope."""
    statement = (
        select(*(findings.c[name] for name in SavedFinding.__struct_fields__))
        .where(findings.c.tenant_id.in_(uow.scope.tenant_ids))
        .order_by(findings.c.last_seen_at.desc(), findings.c.fingerprint)
        .limit(limit)
    )
    return [to_struct(row, SavedFinding) for row in (await uow.connection.execute(statement)).mappings()]
