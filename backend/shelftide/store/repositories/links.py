"""Links by which a client connects an account without having one here: one brand, one connector, one use."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.dialects.postgresql import insert

from shelftide.core.errors import NotFoundError
from shelftide.core.scope import RIGHTS, Right
from shelftide.store.ids import new_id
from shelftide.store.models import connect_links, membership_tenants, memberships, users
from shelftide.store.rows import to_struct
from shelftide.store.unit_of_work import UnitOfWork

_MAY_CONNECT = tuple(role.value for role, rights in RIGHTS.items() if Right.CONNECT in rights)


class ConnectLink(msgspec.Struct, frozen=True, kw_only=True):
    """A link. Its token is shown once and kept as a hash only."""

    link_id: UUID
    tenant_id: UUID
    connector: str
    created_by: UUID
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None
    revoked_at: datetime | None

    def state(self, now: datetime) -> str:
        """`open`, `used`, `revoked` or `expired`."""
        if self.used_at is not None:
            return "used"
        if self.revoked_at is not None:
            return "revoked"
        return "open" if now < self.expires_at else "expired"


_LINK = [connect_links.c[name] for name in ConnectLink.__struct_fields__]


async def add_link(uow: UnitOfWork, *, connector: str, token_hash: str, life: timedelta) -> ConnectLink:
    """Add a link for the scope's brand, in the name of the person who asks."""
    statement = (
        insert(connect_links)
        .values(
            agency_id=uow.scope.agency_id,
            link_id=new_id(),
            token_hash=token_hash,
            tenant_id=uow.scope.tenant_id,
            connector=connector,
            created_by=uow.scope.subject_id,
            expires_at=func.now() + life,
        )
        .returning(*_LINK)
    )
    return to_struct((await uow.connection.execute(statement)).mappings().one(), ConnectLink)


async def list_links(uow: UnitOfWork, *, limit: int = 20) -> list[ConnectLink]:
    """Links of the scope's brand, newest first."""
    statement = (
        select(*_LINK)
        .where(connect_links.c.agency_id == uow.scope.agency_id, connect_links.c.tenant_id == uow.scope.tenant_id)
        .order_by(connect_links.c.created_at.desc(), connect_links.c.link_id)
        .limit(limit)
    )
    return [to_struct(row, ConnectLink) for row in (await uow.connection.execute(statement)).mappings()]


async def revoke_link(uow: UnitOfWork, link_id: UUID) -> None:
    """End a link of the scope's brand. One that is over stays as it is. Raises NotFoundError."""
    statement = (
        update(connect_links)
        .where(
            connect_links.c.agency_id == uow.scope.agency_id,
            connect_links.c.tenant_id == uow.scope.tenant_id,
            connect_links.c.link_id == link_id,
        )
        .values(revoked_at=func.coalesce(connect_links.c.revoked_at, func.now()))
        .returning(connect_links.c.link_id)
    )
    if (await uow.connection.execute(statement)).one_or_none() is None:
        raise NotFoundError


async def open_link_by_token(uow: UnitOfWork, token_hash: str) -> ConnectLink | None:
    """The link behind a token, while it is open."""
    return await _open_link(uow, connect_links.c.token_hash == token_hash)


async def open_link_by_id(uow: UnitOfWork, link_id: UUID) -> ConnectLink | None:
    """A link, while it is open."""
    return await _open_link(uow, connect_links.c.link_id == link_id)


async def _open_link(uow: UnitOfWork, which: ColumnElement[bool]) -> ConnectLink | None:
    """A link ends with the right of who made it: a person who left the brand leaves no door behind."""
    still_may = (
        select(membership_tenants.c.tenant_id)
        .join(
            memberships,
            (memberships.c.agency_id == membership_tenants.c.agency_id)
            & (memberships.c.user_id == membership_tenants.c.user_id),
        )
        .join(users, (users.c.agency_id == memberships.c.agency_id) & (users.c.user_id == memberships.c.user_id))
        .where(
            membership_tenants.c.agency_id == connect_links.c.agency_id,
            membership_tenants.c.user_id == connect_links.c.created_by,
            membership_tenants.c.tenant_id == connect_links.c.tenant_id,
            memberships.c.role.in_(_MAY_CONNECT),
            users.c.active,
        )
        .exists()
    )
    statement = select(*_LINK).where(
        connect_links.c.agency_id == uow.scope.agency_id,
        which,
        connect_links.c.used_at.is_(None),
        connect_links.c.revoked_at.is_(None),
        connect_links.c.expires_at > func.now(),
        still_may,
    )
    row = (await uow.connection.execute(statement)).mappings().one_or_none()
    return None if row is None else to_struct(row, ConnectLink)


async def claim_link(uow: UnitOfWork, link_id: UUID) -> bool:
    """Use a link up; false when somebody else did. Commit at once."""
    statement = (
        update(connect_links)
        .where(
            connect_links.c.agency_id == uow.scope.agency_id,
            connect_links.c.link_id == link_id,
            connect_links.c.used_at.is_(None),
            connect_links.c.revoked_at.is_(None),
        )
        .values(used_at=func.now())
        .returning(connect_links.c.link_id)
    )
    return (await uow.connection.execute(statement)).one_or_none() is not None


async def return_link(uow: UnitOfWork, link_id: UUID) -> None:
    """Open a claimed link again: what it was claimed for did not happen."""
    await uow.connection.execute(
        update(connect_links)
        .where(connect_links.c.agency_id == uow.scope.agency_id, connect_links.c.link_id == link_id)
        .values(used_at=None)
    )
