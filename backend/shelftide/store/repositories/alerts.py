"""Alerts inside a scope: raised by what watches, worked on by people, closed when what raised them is over."""

from collections.abc import Collection, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from shelftide.core.errors import InvalidInputError, NotFoundError
from shelftide.store.ids import new_id
from shelftide.store.models import alerts
from shelftide.store.rows import to_struct
from shelftide.store.unit_of_work import UnitOfWork


class AlertState(StrEnum):
    """Where the work on an alert stands. `CLOSED` comes by itself, when what raised it is over."""

    OPEN = "open"
    INVESTIGATING = "investigating"
    EXPLAINED = "explained"
    CLOSED = "closed"


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is wrong now.

    Attributes:
        kind: what sort of thing, such as `stream.late`.
        subject: the same for as long as the same thing is wrong.
        title: one line. text: what is known, and the one step that mends it.
        evidence: the figures behind it, as JSON.
    """

    kind: str
    subject: str
    title: str
    text: str
    evidence: dict[str, Any]


class Alert(Trouble, frozen=True, kw_only=True):
    """A trouble with its history. `note` is a person's word."""

    tenant_id: UUID
    alert_id: UUID
    state: AlertState
    note: str
    opened_at: datetime
    seen_at: datetime
    closed_at: datetime | None


_COLUMNS = [alerts.c[name] for name in Alert.__struct_fields__]


def person_state(word: str) -> AlertState:
    """A state that a person may give. Raises InvalidInputError for another word, and for what comes by itself."""
    mine = [state for state in AlertState if state is not AlertState.CLOSED]
    if word not in mine:
        raise InvalidInputError(f"{word!r} is no state that a person gives.", hint=f"Say one: {', '.join(mine)}.")
    return AlertState(word)


async def raise_alerts(uow: UnitOfWork, kinds: Collection[str], found: Sequence[Trouble]) -> list[UUID]:
    """Make the standing alerts of `kinds` say what was found: the ids of those that are new.

    One that stands already is seen again and keeps its state; one that was not found is closed.
    """
    standing = {(alert.kind, alert.subject): alert for alert in await list_alerts(uow, standing=True)}
    wanted = {(trouble.kind, trouble.subject): trouble for trouble in found}
    over = [alert.alert_id for key, alert in standing.items() if alert.kind in kinds and key not in wanted]
    await uow.connection.execute(
        update(alerts)
        .where(alerts.c.tenant_id == uow.scope.tenant_id, alerts.c.alert_id.in_(over))
        .values(state=AlertState.CLOSED, closed_at=func.now())
    )
    new = []
    for key, trouble in wanted.items():
        alert = standing.get(key)
        alert_id = new_id() if alert is None else alert.alert_id
        await _write(uow, alert_id, trouble)
        if alert is None:
            new.append(alert_id)
    return new


async def _write(uow: UnitOfWork, alert_id: UUID, trouble: Trouble) -> None:
    said = {"title": trouble.title, "text": trouble.text, "evidence": trouble.evidence, "seen_at": func.now()}
    values = {"tenant_id": uow.scope.tenant_id, "alert_id": alert_id, "kind": trouble.kind, "subject": trouble.subject}
    statement = insert(alerts).values(**values, **said)
    await uow.connection.execute(
        statement.on_conflict_do_update(
            index_elements=["tenant_id", "kind", "subject"], index_where=alerts.c.closed_at.is_(None), set_=said
        )
    )


async def list_alerts(uow: UnitOfWork, *, standing: bool, limit: int = 500) -> list[Alert]:
    """Alerts of the brands in scope, the newest first; only those that are not over, or all."""
    statement = select(*_COLUMNS).where(alerts.c.tenant_id.in_(uow.scope.tenant_ids))
    if standing:
        statement = statement.where(alerts.c.closed_at.is_(None))
    statement = statement.order_by(alerts.c.opened_at.desc(), alerts.c.alert_id).limit(limit)
    return [to_struct(row, Alert) for row in (await uow.connection.execute(statement)).mappings()]


async def get_alert(uow: UnitOfWork, alert_id: UUID) -> Alert:
    """One alert. Raises NotFoundError."""
    statement = select(*_COLUMNS).where(alerts.c.tenant_id.in_(uow.scope.tenant_ids), alerts.c.alert_id == alert_id)
    row = (await uow.connection.execute(statement)).mappings().one_or_none()
    if row is None:
        raise NotFoundError
    return to_struct(row, Alert)


async def work_on(uow: UnitOfWork, alert_id: UUID, *, state: AlertState, note: str, by: UUID | None) -> Alert:
    """A person's word on a standing alert of the scope's brand. Raises NotFoundError, also for one that is over."""
    statement = (
        update(alerts)
        .where(alerts.c.tenant_id == uow.scope.tenant_id, alerts.c.alert_id == alert_id, alerts.c.closed_at.is_(None))
        .values(state=state, note=note, changed_by=by)
        .returning(*_COLUMNS)
    )
    row = (await uow.connection.execute(statement)).mappings().one_or_none()
    if row is None:
        raise NotFoundError
    return to_struct(row, Alert)
