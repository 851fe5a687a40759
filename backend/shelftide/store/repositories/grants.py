"""Grants: one consent, its sealed token, and the accounts that it opens."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from shelftide.core.errors import ConflictError, NotFoundError
from shelftide.core.vault import Secret, Vault, WrappedKey
from shelftide.store.ids import new_id
from shelftide.store.models import connections, credentials, grant_accounts, grants
from shelftide.store.repositories.agencies import agency_key
from shelftide.store.rows import to_struct
from shelftide.store.unit_of_work import UnitOfWork
from shelftide_sdk import Account
from shelftide_sdk.auth import TokenSet


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """One consent of a client's account holder. `subject` is the platform's name of who consented, or empty."""

    grant_id: UUID
    client_id: UUID
    connector: str
    subject: str
    state: str
    reason: str
    created_at: datetime


class GrantAccount(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a grant opens. Nobody reads it before it is assigned to a brand (`tenant_id`)."""

    grant_id: UUID
    account_id: str
    name: str
    kind: str
    zone: str | None
    currency: str | None
    country: str | None
    settings: dict[str, str]
    tenant_id: UUID | None
    seen_at: datetime


class StoredToken(msgspec.Struct, frozen=True, kw_only=True):
    """A token as the host keeps it. The texts are Secrets."""

    version: int
    access_token: Secret
    refresh_token: Secret | None
    scopes: tuple[str, ...]
    expires_at: datetime | None
    refresh_expires_at: datetime | None
    refresh_started_at: datetime | None


_GRANT = [grants.c[name] for name in Grant.__struct_fields__]
_ACCOUNT = [grant_accounts.c[name] for name in GrantAccount.__struct_fields__]


async def add_grant(uow: UnitOfWork, *, client_id: UUID, connector: str, subject: str) -> UUID:
    """Add a grant of one of the agency's clients."""
    grant_id = new_id()
    await uow.connection.execute(
        insert(grants).values(
            agency_id=uow.scope.agency_id,
            grant_id=grant_id,
            client_id=client_id,
            connector=connector,
            subject=subject,
            granted_by=uow.scope.subject_id,
        )
    )
    return grant_id


async def find_grant(uow: UnitOfWork, *, client_id: UUID, connector: str, subject: str) -> UUID | None:
    """The newest grant of the same person or business, so that a new consent renews it instead of standing beside."""
    if not subject:
        return None
    statement = (
        select(grants.c.grant_id)
        .where(
            grants.c.agency_id == uow.scope.agency_id,
            grants.c.client_id == client_id,
            grants.c.connector == connector,
            grants.c.subject == subject,
        )
        .order_by(grants.c.created_at.desc())
        .limit(1)
    )
    return (await uow.connection.execute(statement)).scalar_one_or_none()


async def get_grant(uow: UnitOfWork, grant_id: UUID, clients: Sequence[UUID]) -> Grant:
    """One grant of these clients. Raises NotFoundError."""
    statement = select(*_GRANT).where(
        grants.c.agency_id == uow.scope.agency_id, grants.c.grant_id == grant_id, grants.c.client_id.in_(clients)
    )
    row = (await uow.connection.execute(statement)).mappings().one_or_none()
    if row is None:
        raise NotFoundError
    return to_struct(row, Grant)


async def list_grants(uow: UnitOfWork, clients: Sequence[UUID]) -> list[Grant]:
    """Grants of these clients, newest first."""
    statement = (
        select(*_GRANT)
        .where(grants.c.agency_id == uow.scope.agency_id, grants.c.client_id.in_(clients))
        .order_by(grants.c.created_at.desc(), grants.c.grant_id)
    )
    return [to_struct(row, Grant) for row in (await uow.connection.execute(statement)).mappings()]


async def grant_state(uow: UnitOfWork, grant_id: UUID) -> str:
    """`ok` or `reconnect`. Raises NotFoundError."""
    statement = select(grants.c.state).where(grants.c.agency_id == uow.scope.agency_id, grants.c.grant_id == grant_id)
    state = (await uow.connection.execute(statement)).scalar_one_or_none()
    if state is None:
        raise NotFoundError
    return str(state)


async def set_grant_state(uow: UnitOfWork, grant_id: UUID, state: str, reason: str = "") -> None:
    """Note that a grant ended, or works again."""
    await uow.connection.execute(
        update(grants)
        .where(grants.c.agency_id == uow.scope.agency_id, grants.c.grant_id == grant_id)
        .values(state=state, reason=reason)
    )


async def save_accounts(uow: UnitOfWork, grant_id: UUID, accounts: Sequence[Account]) -> None:
    """Note what a grant opens. What is assigned stays assigned."""
    for account in accounts:
        values = {
            "name": account.name,
            "kind": account.kind,
            "zone": account.zone,
            "currency": account.currency,
            "country": account.country,
            "settings": dict(account.settings),
            "seen_at": func.now(),
        }
        await uow.connection.execute(
            insert(grant_accounts)
            .values(agency_id=uow.scope.agency_id, grant_id=grant_id, account_id=account.source_id, **values)
            .on_conflict_do_update(index_elements=["agency_id", "grant_id", "account_id"], set_=values)
        )


async def list_accounts(uow: UnitOfWork, grant_ids: Sequence[UUID]) -> list[GrantAccount]:
    """Accounts of grants: those that wait for a brand, and those of the brands in scope."""
    c = grant_accounts.c
    statement = (
        select(*_ACCOUNT)
        .where(
            c.agency_id == uow.scope.agency_id,
            c.grant_id.in_(grant_ids),
            or_(c.tenant_id.is_(None), c.tenant_id.in_(uow.scope.tenant_ids)),
        )
        .order_by(c.grant_id, c.name, c.account_id)
    )
    return [to_struct(row, GrantAccount) for row in (await uow.connection.execute(statement)).mappings()]


async def assign_account(uow: UnitOfWork, grant_id: UUID, account_id: str) -> GrantAccount:
    """Give an account to the scope's brand.

    Raises:
        NotFoundError: the grant opens no such account, or it is another brand's; which of both is nobody's business.
    """
    c = grant_accounts.c
    statement = (
        update(grant_accounts)
        .where(
            c.agency_id == uow.scope.agency_id,
            c.grant_id == grant_id,
            c.account_id == account_id,
            or_(c.tenant_id.is_(None), c.tenant_id == uow.scope.tenant_id),
        )
        .values(tenant_id=uow.scope.tenant_id)
        .returning(*_ACCOUNT)
    )
    row = (await uow.connection.execute(statement)).mappings().one_or_none()
    if row is None:
        raise NotFoundError
    return to_struct(row, GrantAccount)


async def release_account(uow: UnitOfWork, grant_id: UUID, account_id: str) -> None:
    """Take an account from the scope's brand; it waits for a brand again."""
    c = grant_accounts.c
    await uow.connection.execute(
        update(grant_accounts)
        .where(
            c.agency_id == uow.scope.agency_id,
            c.grant_id == grant_id,
            c.account_id == account_id,
            c.tenant_id == uow.scope.tenant_id,
        )
        .values(tenant_id=None)
    )


async def token_stored_at(uow: UnitOfWork, grant_id: UUID) -> datetime | None:
    """When a grant's token was stored last; None when no connection in scope uses it."""
    statement = select(credentials.c.updated_at).where(
        credentials.c.agency_id == uow.scope.agency_id, credentials.c.grant_id == grant_id
    )
    found: datetime | None = (await uow.connection.execute(statement)).scalar_one_or_none()
    return found


async def forget_token(uow: UnitOfWork, grant_id: UUID, *, besides: UUID) -> None:
    """Drop a grant's token unless another brand, or another connection than `besides`, lives on it."""
    c, a = connections.c, grant_accounts.c
    others = select(c.connection_id).where(
        c.tenant_id.in_(uow.scope.tenant_ids), c.grant_id == grant_id, c.connection_id != besides
    )
    assigned = select(a.account_id).where(
        a.agency_id == uow.scope.agency_id, a.grant_id == grant_id, a.tenant_id.is_not(None)
    )
    for statement in (others, assigned):
        if (await uow.connection.execute(statement.limit(1))).first() is not None:
            return
    await uow.connection.execute(
        delete(credentials).where(credentials.c.agency_id == uow.scope.agency_id, credentials.c.grant_id == grant_id)
    )
    await set_grant_state(uow, grant_id, "reconnect", "Erased at the platform's request.")


class TokenStore:
    """Tokens of the agency's grants, sealed by the vault. Readable only with a connection that the grant opens."""

    def __init__(self, uow: UnitOfWork, vault: Vault) -> None:
        self._uow = uow
        self._vault = vault
        self._agency = str(uow.scope.agency_id)

    async def load(self, grant_id: UUID, *, lock: bool = False) -> StoredToken | None:
        """The token of a grant; None when no connection in scope uses it. `lock` holds its row to the end."""
        statement = select(credentials).where(
            credentials.c.agency_id == self._uow.scope.agency_id, credentials.c.grant_id == grant_id
        )
        if lock:
            statement = statement.with_for_update()
        row = (await self._uow.connection.execute(statement)).mappings().one_or_none()
        if row is None:
            return None
        key = await agency_key(self._uow, self._vault)
        refresh = row["refresh_token"]
        return StoredToken(
            version=row["version"],
            access_token=self._open(key, grant_id, "access", row["version"], row["access_token"]),
            refresh_token=None if refresh is None else self._open(key, grant_id, "refresh", row["version"], refresh),
            scopes=tuple(row["scopes"]),
            expires_at=row["expires_at"],
            refresh_expires_at=row["refresh_expires_at"],
            refresh_started_at=row["refresh_started_at"],
        )

    async def save(self, grant_id: UUID, token: TokenSet, *, seen: int = 0) -> None:
        """Store a token as the version after `seen`. Raises ConflictError when another rotation came first."""
        key = await agency_key(self._uow, self._vault)
        version = seen + 1
        values = {
            "version": version,
            "access_token": self._seal(key, grant_id, "access", version, token.access_token),
            "refresh_token": None
            if token.refresh_token is None
            else self._seal(key, grant_id, "refresh", version, token.refresh_token),
            "scopes": list(token.scopes),
            "expires_at": token.expires_at,
            "refresh_expires_at": token.refresh_expires_at,
            "refresh_started_at": None,
            "updated_at": func.now(),
        }
        c = credentials.c
        if not seen:
            # Without RETURNING: a grant that opens no connection yet is readable by nobody, its maker included.
            await self._uow.connection.execute(
                insert(credentials).values(agency_id=self._uow.scope.agency_id, grant_id=grant_id, **values)
            )
            return
        statement = (
            update(credentials)
            .where(c.agency_id == self._uow.scope.agency_id, c.grant_id == grant_id, c.version == seen)
            .values(**values)
            .returning(c.version)
        )
        if (await self._uow.connection.execute(statement)).scalar_one_or_none() is None:
            raise ConflictError("The token was changed by somebody else.")

    async def database_now(self) -> datetime:
        """The database's time: refreshes of several processes are compared by one clock."""
        now: datetime = (await self._uow.connection.execute(select(func.now()))).scalar_one()
        return now

    async def mark_refresh(self, grant_id: UUID, at: datetime | None) -> None:
        """Note that a refresh is under way, before the platform is asked."""
        await self._uow.connection.execute(
            update(credentials)
            .where(credentials.c.agency_id == self._uow.scope.agency_id, credentials.c.grant_id == grant_id)
            .values(refresh_started_at=at)
        )

    def _place(self, grant_id: UUID, kind: str, version: int) -> str:
        return f"grant|{grant_id}|{kind}|{version}"

    def _seal(self, key: WrappedKey, grant_id: UUID, kind: str, version: int, text: str) -> bytes:
        return self._vault.seal(key, self._agency, self._place(grant_id, kind, version), text)

    def _open(self, key: WrappedKey, grant_id: UUID, kind: str, version: int, sealed: bytes) -> Secret:
        return self._vault.open(key, self._agency, self._place(grant_id, kind, version), bytes(sealed))
