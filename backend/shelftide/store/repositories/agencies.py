"""Agencies: their clients, brands, keys and registrations at platforms."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from shelftide.core.errors import NotFoundError
from shelftide.core.vault import Vault, WrappedKey
from shelftide.store.ids import new_id
from shelftide.store.models import (
    agencies,
    agency_keys,
    audit,
    clients,
    oauth_states,
    tenant_keys,
    tenant_names,
    tenants,
)
from shelftide.store.rows import to_struct
from shelftide.store.unit_of_work import UnitOfWork


class Agency(msgspec.Struct, frozen=True, kw_only=True):
    """An agency as its people and portals show it."""

    agency_id: UUID
    name: str
    colour: str
    locale: str


class Tenant(msgspec.Struct, frozen=True, kw_only=True):
    """A brand. `zone` is its reporting zone, `currency` its own currency."""

    tenant_id: UUID
    agency_id: UUID
    client_id: UUID
    slug: str
    name: str
    aliases: list[str]
    currency: str
    zone: str
    market: str
    locale: str
    colour: str
    niche: str
    created_at: datetime


class OAuthState(msgspec.Struct, frozen=True, kw_only=True):
    """A consent under way. Bound to a session, a brand, a connector and a redirect; used once."""

    tenant_id: UUID
    user_id: UUID
    session_hash: str
    connector: str
    redirect_uri: str
    settings: dict[str, str]
    verifier: str | None
    connection_id: UUID | None
    expires_at: datetime


class AuditRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the audit trail. `detail` is the action's own words."""

    audit_id: UUID
    tenant_id: UUID
    at: datetime
    action: str
    target: str
    detail: dict[str, Any]


_TENANT = [tenants.c[name] for name in Tenant.__struct_fields__]


async def get_agency(uow: UnitOfWork) -> Agency:
    """The scope's agency. Raises NotFoundError."""
    columns = [agencies.c[name] for name in Agency.__struct_fields__]
    row = (
        (await uow.connection.execute(select(*columns).where(agencies.c.agency_id == uow.scope.agency_id)))
        .mappings()
        .one_or_none()
    )
    if row is None:
        raise NotFoundError
    return to_struct(row, Agency)


async def add_agency(uow: UnitOfWork, *, name: str, colour: str, locale: str) -> None:
    """Add the agency whose id the scope names."""
    await uow.connection.execute(
        insert(agencies).values(agency_id=uow.scope.agency_id, name=name, colour=colour, locale=locale)
    )


async def add_client(uow: UnitOfWork, name: str) -> UUID:
    """Add a company that pays."""
    client_id = new_id()
    await uow.connection.execute(insert(clients).values(agency_id=uow.scope.agency_id, client_id=client_id, name=name))
    return client_id


async def list_clients(uow: UnitOfWork) -> dict[UUID, str]:
    """Names of the agency's clients by id."""
    statement = select(clients.c.client_id, clients.c.name).where(clients.c.agency_id == uow.scope.agency_id)
    return {UUID(str(row[0])): row[1] for row in (await uow.connection.execute(statement)).all()}


async def add_tenant(uow: UnitOfWork, vault: Vault, values: Mapping[str, Any]) -> None:
    """Add the brand whose id the scope names, and its key."""
    tenant_id = uow.scope.tenant_id
    if tenant_id is None:
        raise LookupError("choose the new brand's id in the scope")
    await uow.connection.execute(insert(tenants).values(tenant_id=tenant_id, agency_id=uow.scope.agency_id, **values))
    await uow.connection.execute(
        insert(tenant_names).values(tenant_id=tenant_id, agency_id=uow.scope.agency_id, slug=values["slug"])
    )
    key = vault.new_key(str(tenant_id))
    await uow.connection.execute(
        insert(tenant_keys).values(tenant_id=tenant_id, master_id=key.master_id, wrapped=key.wrapped)
    )


async def list_tenants(uow: UnitOfWork) -> list[Tenant]:
    """Brands in scope, by name."""
    statement = select(*_TENANT).where(tenants.c.tenant_id.in_(uow.scope.tenant_ids)).order_by(tenants.c.name)
    return [to_struct(row, Tenant) for row in (await uow.connection.execute(statement)).mappings()]


async def get_tenant(uow: UnitOfWork, tenant_id: UUID) -> Tenant:
    """One brand in scope. Raises NotFoundError."""
    statement = select(*_TENANT).where(tenants.c.tenant_id == tenant_id, tenants.c.tenant_id.in_(uow.scope.tenant_ids))
    row = (await uow.connection.execute(statement)).mappings().one_or_none()
    if row is None:
        raise NotFoundError
    return to_struct(row, Tenant)


async def agency_key(uow: UnitOfWork, vault: Vault) -> WrappedKey:
    """The agency's wrapped key, made on first use."""
    agency_id = uow.scope.agency_id
    fresh = vault.new_key(str(agency_id))
    await uow.connection.execute(
        insert(agency_keys)
        .values(agency_id=agency_id, master_id=fresh.master_id, wrapped=fresh.wrapped)
        .on_conflict_do_nothing()
    )
    statement = select(agency_keys.c.master_id, agency_keys.c.wrapped).where(agency_keys.c.agency_id == agency_id)
    row = (await uow.connection.execute(statement)).one()
    return WrappedKey(row[0], bytes(row[1]))


async def tenant_key(uow: UnitOfWork) -> WrappedKey:
    """The wrapped key of the scope's brand. Raises NotFoundError when its secrets were erased."""
    statement = select(tenant_keys.c.master_id, tenant_keys.c.wrapped).where(
        tenant_keys.c.tenant_id == uow.scope.tenant_id
    )
    row = (await uow.connection.execute(statement)).one_or_none()
    if row is None:
        raise NotFoundError("The brand has no key; its secrets were erased.")
    return WrappedKey(row[0], bytes(row[1]))


async def pseudonym_key(uow: UnitOfWork, vault: Vault) -> bytes:
    """The key that makes the customers of the scope's brand pseudonymous."""
    return vault.pseudonym_key(await tenant_key(uow), str(uow.scope.tenant_id))


async def save_oauth_state(uow: UnitOfWork, state_hash: str, values: Mapping[str, Any]) -> None:
    """Remember a consent under way; forget those that ended long ago."""
    await uow.connection.execute(
        delete(oauth_states).where(
            oauth_states.c.agency_id == uow.scope.agency_id, oauth_states.c.expires_at < func.now()
        )
    )
    await uow.connection.execute(
        insert(oauth_states).values(agency_id=uow.scope.agency_id, state_hash=state_hash, **values)
    )


async def take_oauth_state(uow: UnitOfWork, state_hash: str) -> OAuthState | None:
    """The consent with this state, which is then used up; None for a state that is unknown or used."""
    columns = [oauth_states.c[name] for name in OAuthState.__struct_fields__]
    statement = (
        delete(oauth_states)
        .where(oauth_states.c.agency_id == uow.scope.agency_id, oauth_states.c.state_hash == state_hash)
        .returning(*columns)
    )
    row = (await uow.connection.execute(statement)).mappings().one_or_none()
    return None if row is None else to_struct(row, OAuthState)


async def list_records(uow: UnitOfWork, *, prefix: str, limit: int) -> list[AuditRecord]:
    """Newest lines of the audit trail about brands in scope whose action begins with `prefix`."""
    columns = [audit.c[name] for name in AuditRecord.__struct_fields__]
    statement = (
        select(*columns)
        .where(
            audit.c.agency_id == uow.scope.agency_id,
            audit.c.tenant_id.in_(uow.scope.tenant_ids),
            audit.c.action.startswith(prefix, autoescape=True),
        )
        .order_by(audit.c.at.desc(), audit.c.audit_id)
        .limit(limit)
    )
    return [to_struct(row, AuditRecord) for row in (await uow.connection.execute(statement)).mappings()]


async def get_record(uow: UnitOfWork, audit_id: UUID, *, action: str) -> AuditRecord:
    """One line of the audit trail about a brand in scope. Raises NotFoundError."""
    columns = [audit.c[name] for name in AuditRecord.__struct_fields__]
    statement = select(*columns).where(
        audit.c.agency_id == uow.scope.agency_id,
        audit.c.audit_id == audit_id,
        audit.c.tenant_id.in_(uow.scope.tenant_ids),
        audit.c.action == action,
    )
    row = (await uow.connection.execute(statement)).mappings().one_or_none()
    if row is None:
        raise NotFoundError
    return to_struct(row, AuditRecord)


async def record(
    uow: UnitOfWork,
    action: str,
    *,
    target: str = "",
    tenant_id: UUID | None = None,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Write one line of the audit trail, in the transaction of what it tells."""
    await uow.connection.execute(
        insert(audit).values(
            agency_id=uow.scope.agency_id,
            audit_id=new_id(),
            tenant_id=tenant_id or uow.scope.tenant_id,
            subject_id=uow.scope.subject_id,
            action=action,
            target=target,
            detail=dict(detail or {}),
        )
    )
