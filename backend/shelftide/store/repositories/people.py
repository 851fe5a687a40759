"""Who is at the door. Sign-in is the role `gate`'s, because no scope is known yet; a session is proved by its hash."""

from contextlib import suppress
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from shelftide.core.scope import Role, Scope
from shelftide.store.models import (
    domains,
    membership_tenants,
    memberships,
    sessions,
    sign_ins,
    tenant_names,
    users,
)
from shelftide.store.reads import Reads
from shelftide.store.rows import to_struct
from shelftide.store.unit_of_work import SystemUnitOfWork, UnitOfWork

_FREE_FAILURES = 5


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody with a password."""

    agency_id: UUID
    user_id: UUID
    email: str
    name: str
    locale: str
    password_hash: str


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """Who is asking: a person with a live session, and the scope that the person's memberships give right now."""

    scope: Scope
    user_id: UUID
    name: str
    email: str
    locale: str
    role: Role
    client_id: UUID | None
    session_hash: str
    csrf: str


async def find_people(uow: SystemUnitOfWork, email: str, *, clients_of: UUID | None = None) -> list[Person]:
    """Active people with this e-mail; the same address may exist in several agencies.

    `clients_of` narrows to the people of one agency's clients: its staff is not found.
    """
    columns = [users.c[name] for name in Person.__struct_fields__]
    statement = select(*columns).where(users.c.email == email.strip().lower(), users.c.active)
    if clients_of is not None:
        of_agency = (memberships.c.agency_id == users.c.agency_id) & (memberships.c.user_id == users.c.user_id)
        statement = statement.join(memberships, of_agency).where(
            users.c.agency_id == clients_of, memberships.c.role == Role.CLIENT.value
        )
    return [to_struct(row, Person) for row in (await uow.connection.execute(statement)).mappings()]


async def blocked_until(uow: SystemUnitOfWork, email: str) -> datetime | None:
    """Until when this address may not try again, if so."""
    statement = select(sign_ins.c.blocked_until).where(
        sign_ins.c.email == email.strip().lower(), sign_ins.c.blocked_until > func.now()
    )
    return (await uow.connection.execute(statement)).scalar_one_or_none()


async def note_failure(uow: SystemUnitOfWork, email: str) -> None:
    """Count a failed sign-in. After five, each costs twice the wait of the one before, up to an hour."""
    address = email.strip().lower()[:320]
    wait = func.make_interval(
        0, 0, 0, 0, 0, 0, func.least(3600, func.power(2, sign_ins.c.failures - _FREE_FAILURES + 1))
    )
    await uow.connection.execute(
        insert(sign_ins)
        .values(email=address, failures=1)
        .on_conflict_do_update(
            index_elements=["email"],
            set_={
                "failures": sign_ins.c.failures + 1,
                "blocked_until": func.now() + wait,
            },
        )
    )
    await uow.connection.execute(
        update(sign_ins)
        .where(sign_ins.c.email == address, sign_ins.c.failures <= _FREE_FAILURES)
        .values(blocked_until=None)
    )


async def open_session(
    uow: SystemUnitOfWork, person: Person, *, session_hash: bytes, csrf: str, life: timedelta
) -> None:
    """Start a session and forget earlier failures."""
    await uow.connection.execute(
        insert(sessions).values(
            session_hash=session_hash,
            agency_id=person.agency_id,
            user_id=person.user_id,
            csrf=csrf,
            expires_at=func.now() + life,
        )
    )
    await uow.connection.execute(delete(sign_ins).where(sign_ins.c.email == person.email))
    await uow.connection.execute(delete(sessions).where(sessions.c.expires_at < func.now()))


async def close_session(uow: SystemUnitOfWork, session_hash: bytes) -> None:
    """End a session."""
    await uow.connection.execute(delete(sessions).where(sessions.c.session_hash == session_hash))


async def find_principal(reads: Reads, session_hash: bytes) -> Principal | None:
    """The person behind a session with today's rights; nothing is cached, so a withdrawn right ends at once."""
    row = await reads.person(session_hash)
    if row is None:
        return None
    role = Role(row["role"])
    scope = Scope(agency_id=row["agency_id"], tenant_ids=tuple(row["tenant_ids"]), subject_id=row["user_id"], role=role)
    return Principal(
        scope=scope,
        user_id=row["user_id"],
        name=row["name"],
        email=row["email"],
        locale=row["locale"],
        role=role,
        client_id=row["client_id"],
        session_hash=session_hash.hex(),
        csrf=row["csrf"],
    )


async def agency_of_host(uow: SystemUnitOfWork, host: str) -> UUID | None:
    """The agency whose verified portal domain is exactly this host."""
    statement = select(domains.c.agency_id).where(domains.c.host == host.lower(), domains.c.verified_at.is_not(None))
    found = (await uow.connection.execute(statement)).scalar_one_or_none()
    return None if found is None else UUID(str(found))


async def add_person(
    uow: UnitOfWork, person: Person, *, role: Role, client_id: UUID | None, tenant_ids: tuple[UUID, ...]
) -> None:
    """Add a person with one role and the brands that come with it."""
    await uow.connection.execute(
        insert(users).values(
            agency_id=uow.scope.agency_id,
            user_id=person.user_id,
            email=person.email.strip().lower(),
            name=person.name,
            locale=person.locale,
            password_hash=person.password_hash,
        )
    )
    await uow.connection.execute(
        insert(memberships).values(
            agency_id=uow.scope.agency_id, user_id=person.user_id, role=role, client_id=client_id
        )
    )
    for tenant_id in tenant_ids:
        await uow.connection.execute(
            insert(membership_tenants).values(
                agency_id=uow.scope.agency_id, user_id=person.user_id, tenant_id=tenant_id
            )
        )


async def set_locale(uow: UnitOfWork, user_id: UUID, locale: str) -> None:
    """Remember the language that a person of the agency chose."""
    await uow.connection.execute(
        update(users).where(users.c.agency_id == uow.scope.agency_id, users.c.user_id == user_id).values(locale=locale)
    )


async def list_domains(uow: UnitOfWork) -> list[str]:
    """Verified portal hosts of the scope's agency, by name."""
    statement = (
        select(domains.c.host)
        .where(domains.c.agency_id == uow.scope.agency_id, domains.c.verified_at.is_not(None))
        .order_by(domains.c.host)
    )
    return [str(row[0]) for row in (await uow.connection.execute(statement)).all()]


async def add_domain(uow: UnitOfWork, host: str) -> None:
    """Give the agency a portal host whose ownership was proved."""
    await uow.connection.execute(
        insert(domains)
        .values(host=host.lower(), agency_id=uow.scope.agency_id, verified_at=func.now())
        .on_conflict_do_nothing()
    )


async def find_tenants(uow: SystemUnitOfWork, name: str) -> list[tuple[UUID, UUID]]:
    """(agency, brand) for a brand's id or short name: the operator's command line names brands."""
    matching = tenant_names.c.slug == name
    with suppress(ValueError):
        matching = tenant_names.c.tenant_id == UUID(name)
    statement = select(tenant_names.c.agency_id, tenant_names.c.tenant_id).where(matching)
    return [(UUID(str(row[0])), UUID(str(row[1]))) for row in (await uow.connection.execute(statement)).all()]
