"""Where an agency wants to be told things, and the runs that tell them."""

from collections.abc import Mapping
from uuid import UUID

import msgspec
from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from shelftide.core.vault import Vault
from shelftide.store.models import notifier_settings as table
from shelftide.store.repositories.agencies import agency_key
from shelftide.store.repositories.runs import enqueue
from shelftide.store.unit_of_work import UnitOfWork

JOB = "notice.send"
ALERT_JOB = "notice.alert"
QUEUE = "outbound"
ATTEMPTS = 6


async def save_notifier(uow: UnitOfWork, vault: Vault, notifier: str, settings: Mapping[str, str]) -> None:
    """Keep where a notifier tells things, sealed."""
    agency_id = str(uow.scope.agency_id)
    text = msgspec.json.encode(dict(settings)).decode()
    sealed = vault.seal(await agency_key(uow, vault), agency_id, f"notifier|{notifier}", text)
    await uow.connection.execute(
        insert(table)
        .values(agency_id=uow.scope.agency_id, notifier=notifier, settings=sealed)
        .on_conflict_do_update(
            index_elements=["agency_id", "notifier"], set_={"settings": sealed, "saved_at": func.now()}
        )
    )


async def forget_notifier(uow: UnitOfWork, notifier: str) -> None:
    """Tell nothing there any more."""
    await uow.connection.execute(
        delete(table).where(table.c.agency_id == uow.scope.agency_id, table.c.notifier == notifier)
    )


async def list_notifiers(uow: UnitOfWork) -> list[str]:
    """Names of the notifiers that the agency set up."""
    statement = select(table.c.notifier).where(table.c.agency_id == uow.scope.agency_id).order_by(table.c.notifier)
    return [str(row[0]) for row in (await uow.connection.execute(statement)).all()]


async def read_notifier(uow: UnitOfWork, vault: Vault, notifier: str) -> dict[str, str] | None:
    """A notifier's settings, or None when the agency no longer wants to be told there."""
    agency_id = str(uow.scope.agency_id)
    statement = select(table.c.settings).where(table.c.agency_id == uow.scope.agency_id, table.c.notifier == notifier)
    sealed = (await uow.connection.execute(statement)).scalar_one_or_none()
    if sealed is None:
        return None
    opened = vault.open(await agency_key(uow, vault), agency_id, f"notifier|{notifier}", bytes(sealed))
    return msgspec.json.decode(opened.reveal(), type=dict[str, str])


async def queue_notices(uow: UnitOfWork, *, kind: str, connection_id: UUID) -> None:
    """One durable run for each notifier, in the transaction of what happened."""
    for notifier in await list_notifiers(uow):
        arguments = {"kind": kind, "connection_id": str(connection_id), "notifier": notifier}
        dedupe = f"{kind}:{connection_id}:{notifier}"
        await enqueue(uow, job=JOB, queue=QUEUE, arguments=arguments, max_attempts=ATTEMPTS, dedupe=dedupe)


async def queue_alert(uow: UnitOfWork, alert_id: UUID) -> None:
    """One durable run for each notifier, in the transaction that raised the alert."""
    for notifier in await list_notifiers(uow):
        arguments = {"alert_id": str(alert_id), "notifier": notifier}
        dedupe = f"alert:{alert_id}:{notifier}"
        await enqueue(uow, job=ALERT_JOB, queue=QUEUE, arguments=arguments, max_attempts=ATTEMPTS, dedupe=dedupe)
