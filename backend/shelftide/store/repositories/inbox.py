"""The inbox: what platforms pushed, once each; and whose it is."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import delete, func, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from shelftide.store.ids import new_id
from shelftide.store.models import erased_customers, inbox, runs, webhook_apps, webhook_routes
from shelftide.store.repositories.runs import CHANNEL
from shelftide.store.rows import to_struct
from shelftide.store.unit_of_work import SystemUnitOfWork, UnitOfWork
from shelftide_sdk import Delivery

_LOCK = text("select pg_advisory_xact_lock(hashtextextended(:digest, 4712))")
# As uq_runs_dedupe says it.
_OPEN = text("state in ('queued', 'running')")


class Verdict(StrEnum):
    """What became of a request."""

    NEW = "new"
    REPEATED = "repeated"
    FORGED = "forged"


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """A verified request. `bodies`: the body sealed for each agency whose app has verified it."""

    connector: str
    deliveries: Sequence[Delivery]
    digest: str
    headers: Mapping[str, str]
    bodies: Mapping[UUID, bytes]
    received_at: datetime


class ProcessingRun(msgspec.Struct, frozen=True, kw_only=True):
    """The job that works on a connection's waiting deliveries."""

    job: str
    queue: str
    max_attempts: int


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery that waits to take effect."""

    agency_id: UUID
    connector: str
    delivery_id: str
    recipient: str
    account: str
    topic: str
    matter: str
    digest: str
    headers: dict[str, str]
    body: bytes | None
    triggered_at: datetime | None
    received_at: datetime


class Tombstone(msgspec.Struct, frozen=True, kw_only=True):
    """Rows that a delivery removed: `[record, [key values]]` each, and when that happened at the platform."""

    deleted: list[tuple[str, list[str]]]
    triggered_at: datetime


class _Route(msgspec.Struct, frozen=True, kw_only=True):
    tenant_id: UUID
    connection_id: UUID
    agency_id: UUID
    account: str


_LETTER = [inbox.c[name] for name in Letter.__struct_fields__]
_ROUTE = [webhook_routes.c[name] for name in _Route.__struct_fields__]


async def agencies_with_app(uow: SystemUnitOfWork, connector: str) -> list[UUID]:
    """Agencies that have an app at this platform."""
    statement = select(webhook_apps.c.agency_id).where(webhook_apps.c.connector == connector)
    return list((await uow.connection.execute(statement)).scalars())


async def save_route(uow: UnitOfWork, connection_id: UUID, connector: str, account: str) -> None:
    """Deliveries about this account are for this connection of the scope's brand."""
    values = {"connector": connector, "account": account}
    await uow.connection.execute(
        insert(webhook_routes)
        .values(tenant_id=uow.scope.tenant_id, connection_id=connection_id, agency_id=uow.scope.agency_id, **values)
        .on_conflict_do_update(index_elements=["tenant_id", "connection_id"], set_=values)
    )


async def take_in(uow: SystemUnitOfWork, arrival: Arrival, run: ProcessingRun) -> Verdict:
    """Keep what is new and queue its run. Commit afterwards, also for FORGED (which keeps nothing).

    The same bytes under another account or effect are forged: the platform signed them for something else.
    """
    await uow.connection.execute(_LOCK, {"digest": arrival.digest})
    c = inbox.c
    statement = select(c.account, c.effect).where(
        c.agency_id.in_(list(arrival.bodies)), c.connector == arrival.connector, c.digest == arrival.digest
    )
    seen = {(row[0], row[1]) for row in (await uow.connection.execute(statement)).all()}
    if seen - {(delivery.account, delivery.effect or delivery.topic) for delivery in arrival.deliveries}:
        return Verdict.FORGED
    rows = await _rows(uow, arrival)
    kept = insert(inbox).values(rows).on_conflict_do_nothing().returning(c.agency_id, c.tenant_id, c.connection_id)
    new = (await uow.connection.execute(kept)).all()
    for agency_id, tenant_id, connection_id in {tuple(row) for row in new if row[1] is not None}:
        await _queue(uow, run, agency_id, tenant_id, connection_id)
    return Verdict.NEW if new else Verdict.REPEATED


async def _rows(uow: SystemUnitOfWork, arrival: Arrival) -> list[dict[str, Any]]:
    statement = select(*_ROUTE).where(
        webhook_routes.c.connector == arrival.connector,
        webhook_routes.c.account.in_([delivery.account for delivery in arrival.deliveries]),
        webhook_routes.c.agency_id.in_(list(arrival.bodies)),
    )
    found = [to_struct(row, _Route) for row in (await uow.connection.execute(statement)).mappings()]
    rows: list[dict[str, Any]] = []
    for delivery in arrival.deliveries:
        mine = [route for route in found if route.account == delivery.account]
        rows += [_row(arrival, delivery, route) for route in mine]
        if not mine:
            rows += [_unroutable(arrival, delivery, agency_id) for agency_id in arrival.bodies]
    return rows


def _row(arrival: Arrival, delivery: Delivery, route: _Route) -> dict[str, Any]:
    return {
        **_common(arrival, delivery),
        "agency_id": route.agency_id,
        "recipient": str(route.connection_id),
        "tenant_id": route.tenant_id,
        "connection_id": route.connection_id,
        "headers": dict(arrival.headers),
        "body": arrival.bodies[route.agency_id],
        "state": "waiting",
    }


def _unroutable(arrival: Arrival, delivery: Delivery, agency_id: UUID) -> dict[str, Any]:
    nobody: dict[str, Any] = {
        "tenant_id": None,
        "connection_id": None,
        "headers": {},
        "body": None,
        "state": "unroutable",
    }
    return {**_common(arrival, delivery), "agency_id": agency_id, "recipient": delivery.account, **nobody}


def _common(arrival: Arrival, delivery: Delivery) -> dict[str, Any]:
    return {
        "connector": arrival.connector,
        "delivery_id": delivery.delivery_id,
        "account": delivery.account,
        "topic": delivery.topic,
        "matter": str(delivery.matter),
        "effect": delivery.effect or delivery.topic,
        "digest": arrival.digest,
        "triggered_at": delivery.triggered_at,
        "received_at": arrival.received_at,
    }


def dedupe_of(connection_id: UUID) -> str:
    """One processing run a connection at a time; as its lane too."""
    return f"inbox:{connection_id}"


async def _queue(
    uow: SystemUnitOfWork, run: ProcessingRun, agency_id: UUID, tenant_id: UUID, connection_id: UUID
) -> None:
    """Queue the connection's run, or hold the row of the one that is open: its end waits for us and looks again."""
    statement = insert(runs).values(
        tenant_id=tenant_id,
        run_id=new_id(),
        agency_id=agency_id,
        job=run.job,
        queue=run.queue,
        arguments={"connection_id": str(connection_id)},
        lane=dedupe_of(connection_id),
        dedupe=dedupe_of(connection_id),
        max_attempts=run.max_attempts,
    )
    await uow.connection.execute(
        statement.on_conflict_do_update(
            index_elements=["tenant_id", "dedupe"], index_where=_OPEN, set_={"poked_at": runs.c.poked_at}
        )
    )
    await uow.connection.execute(select(func.pg_notify(CHANNEL, run.queue)))


async def waiting_letters(uow: UnitOfWork, connection_id: UUID, *, limit: int) -> list[Letter]:
    """What waits for a connection, in the order in which it happened."""
    c = inbox.c
    statement = (
        select(*_LETTER)
        .where(c.tenant_id == uow.scope.tenant_id, c.connection_id == connection_id, c.state == "waiting")
        .order_by(func.coalesce(c.triggered_at, c.received_at), c.received_at, c.delivery_id)
        .limit(limit)
    )
    return [to_struct(row, Letter) for row in (await uow.connection.execute(statement)).mappings()]


async def is_waiting(uow: UnitOfWork, connection_id: UUID) -> bool:
    """Whether anything waits for a connection."""
    return bool(await waiting_letters(uow, connection_id, limit=1))


async def end_letter(
    uow: UnitOfWork, letter: Letter, *, state: str, outcome: str, deleted: Sequence[tuple[str, list[str]]] = ()
) -> None:
    """A delivery has taken effect, or never will; its body goes."""
    values: dict[str, Any] = {"state": state, "outcome": outcome[:500], "body": None, "headers": {}}
    if deleted:
        values["deleted"] = [[name, key] for name, key in deleted]
    c = inbox.c
    await uow.connection.execute(
        update(inbox)
        .where(
            c.tenant_id == uow.scope.tenant_id,
            tuple_(c.agency_id, c.connector, c.delivery_id, c.recipient)
            == (letter.agency_id, letter.connector, letter.delivery_id, letter.recipient),
        )
        .values(**values, ended_at=func.now())
    )


async def tombstones(uow: UnitOfWork, connection_id: UUID, *, since: datetime) -> list[Tombstone]:
    """What deliveries removed at `since` or later."""
    c = inbox.c
    statement = select(c.deleted, c.triggered_at).where(
        c.tenant_id == uow.scope.tenant_id,
        c.connection_id == connection_id,
        c.deleted.is_not(None),
        c.triggered_at >= since,
    )
    return [to_struct(row, Tombstone) for row in (await uow.connection.execute(statement)).mappings()]


async def forget_letters(uow: UnitOfWork, connection_id: UUID, *, before: datetime) -> int:
    """Drop ended deliveries that are older than anything a platform still repeats. Returns how many."""
    c = inbox.c
    statement = delete(inbox).where(
        c.tenant_id == uow.scope.tenant_id,
        c.connection_id == connection_id,
        c.state != "waiting",
        c.received_at < before,
    )
    return int((await uow.connection.execute(statement)).rowcount)


async def add_erased(uow: UnitOfWork, keys: Sequence[str]) -> None:
    """These customers of the scope's brand never come back."""
    if keys:
        rows = [{"tenant_id": uow.scope.tenant_id, "customer_key": key} for key in dict.fromkeys(keys)]
        await uow.connection.execute(insert(erased_customers).values(rows).on_conflict_do_nothing())


async def erased_keys(uow: UnitOfWork, *, since: datetime | None = None) -> frozenset[str]:
    """Customers of the scope's brand that were erased, at `since` or later."""
    c = erased_customers.c
    statement = select(c.customer_key).where(c.tenant_id == uow.scope.tenant_id)
    if since is not None:
        statement = statement.where(c.erased_at >= since)
    return frozenset((await uow.connection.execute(statement)).scalars())
