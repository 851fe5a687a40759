"""The end of a consent: from a callback to connections that can be read."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from shelftide.core.clock import SystemClock
from shelftide.core.errors import ConflictError, InvalidInputError, NotFoundError
from shelftide.core.scope import Scope
from shelftide.core.vault import Vault
from shelftide.ingest.credentials import NO_APP, Consent, FreshCredentials
from shelftide.ingest.forms import check_keys, check_settings
from shelftide.ingest.sync import first_read_from
from shelftide.store.database import Database
from shelftide.store.repositories.agencies import get_tenant, list_tenants, record
from shelftide.store.repositories.apps import check_account_limit, get_platform_app
from shelftide.store.repositories.connections import (
    add_connection,
    detach_connection,
    get_connection,
    repoint_connections,
)
from shelftide.store.repositories.grants import (
    GrantAccount,
    TokenStore,
    add_grant,
    assign_account,
    find_grant,
    get_grant,
    release_account,
    save_accounts,
    set_grant_state,
)
from shelftide.store.unit_of_work import UnitOfWork
from shelftide_sdk import Account, AuthorizationError, Connector, Context, TokenSet
from shelftide_sdk.connector import days
from shelftide_sdk.hosts import Routes
from shelftide_sdk.http import PlatformClient

Queue = Callable[[UnitOfWork, UUID], Awaitable[object]]


class Connected(msgspec.Struct, frozen=True, kw_only=True):
    """What a consent led to: connections of the brand that began, and how many accounts still wait for a brand."""

    tenant_id: UUID
    grant_id: UUID
    connection_ids: tuple[UUID, ...]
    waiting: int


class Connecting:
    """Finishes consents and gives accounts to brands. `queue` starts the first sync, in the same transaction."""

    def __init__(
        self,
        database: Database,
        *,
        vault: Vault,
        consent: Consent,
        clock: SystemClock,
        routes: Routes,
        queue: Queue,
    ) -> None:
        self._database = database
        self._vault = vault
        self._consent = consent
        self._clock = clock
        self._routes = routes
        self._queue = queue

    async def finish(
        self,
        scope: Scope,
        connector: type[Connector],
        params: Mapping[str, str],
        *,
        session_hash: str,
        redirect_uri: str | None = None,
    ) -> Connected:
        """Check the callback, fetch the token, note the accounts that it opens.

        `redirect_uri` is where the callback came in; it must be the one that the consent was begun with. A single
        account goes to the brand that began; of several, each is given to a brand by a person. The state is used up
        even when a later step fails.

        Raises:
            InvalidInputError, AuthorizationError: nothing was connected.
            ConflictError: the grant opens no account.
            NotFoundError: the brand is no longer in the person's scope.
        """
        async with UnitOfWork(self._database, scope) as uow:
            state = await self._consent.accept(uow, connector, params, session_hash=session_hash)
            await uow.commit()
        if redirect_uri is not None and state.redirect_uri != redirect_uri:
            raise InvalidInputError("This consent was begun elsewhere.", hint="Start connecting again.")
        narrowed = _narrowed(scope, state.tenant_id)
        async with UnitOfWork(self._database, narrowed) as uow:
            app = await get_platform_app(uow, self._vault, connector.info.name, state.redirect_uri)
            await uow.commit()
        token = await self._consent.exchange(connector, app, state, params)
        fresh = FreshCredentials(self._consent, connector, app, token, _with_account(state.settings, token))
        return await self._connect(scope, connector, state.tenant_id, state.settings, fresh)

    async def enter(
        self, scope: Scope, connector: type[Connector], settings: Mapping[str, str], keys: Mapping[str, str]
    ) -> Connected:
        """Connect the scope's brand by keys that a person typed; they are tried at the platform before they are kept.

        Raises:
            InvalidInputError: a field is missing or malformed, or the platform does not take the keys.
            ConflictError: the connector is connected by consent, or the keys open no account.
        """
        checked = check_settings(connector, settings)
        typed = check_keys(connector, keys)
        try:
            token = await self._consent.typed(connector, checked, typed)
            fresh = FreshCredentials(self._consent, connector, NO_APP, token, checked)
            return await self._connect(scope, connector, _one(scope), checked, fresh)
        except AuthorizationError as error:
            raise InvalidInputError(
                f"{connector.info.title} does not take this key.", hint="Check it at the platform.", internal=error.kind
            ) from error

    async def _connect(
        self,
        scope: Scope,
        connector: type[Connector],
        tenant_id: UUID,
        asked: Mapping[str, str],
        fresh: FreshCredentials,
    ) -> Connected:
        settings = _with_account(asked, fresh.token)
        accounts = await self._accounts(connector, fresh, settings)
        if not accounts:
            raise ConflictError("This grant opens no account.", hint="Sign in at the platform with another account.")
        accounts = [msgspec.structs.replace(a, settings={**settings, **a.settings}) for a in accounts]
        grant_id = await self._save(scope, connector, tenant_id, fresh.token, accounts)
        connected = await self._renewed(scope, connector, tenant_id, grant_id, accounts)
        if len(accounts) == 1 and not any(tenant == tenant_id for tenant, _ in connected):
            mine = scope.narrow(tenant_id)
            connected.append((tenant_id, await self.assign(mine, lambda _: connector, grant_id, accounts[0].source_id)))
        return Connected(
            tenant_id=tenant_id,
            grant_id=grant_id,
            connection_ids=tuple(connection for tenant, connection in connected if tenant == tenant_id),
            waiting=len(accounts) - len(connected),
        )

    async def assign(
        self, scope: Scope, connector: Callable[[str], type[Connector]], grant_id: UUID, account_id: str
    ) -> UUID:
        """Give an account of a grant to the scope's brand; its first sync is queued. Returns the connection.

        `connector` finds a connector by its name.

        Raises:
            NotFoundError: no such grant of the brand's client, or no such account that is free.
            ConflictError: the agency's app at the platform may serve no further account.
        """
        async with UnitOfWork(self._database, scope) as uow:
            tenant = await get_tenant(uow, _one(scope))
            grant = await get_grant(uow, grant_id, [tenant.client_id])
            info = connector(grant.connector).info
            await check_account_limit(uow, info.name, account_id, default=info.app_accounts)
            account = await assign_account(uow, grant_id, account_id)
            connection_id = await add_connection(uow, _connection(connector(grant.connector), account))
            await record(uow, "connection.connected", target=str(connection_id), detail={"account": account.name})
            await self._queue(uow, connection_id)
            await uow.commit()
        return connection_id

    async def release(self, scope: Scope, connection_id: UUID) -> None:
        """Take an account from the scope's brand; what it read stays. Raises NotFoundError."""
        async with UnitOfWork(self._database, scope) as uow:
            connection = await get_connection(uow, connection_id)
            if connection.grant_id is not None:
                await release_account(uow, connection.grant_id, connection.account_id)
            await detach_connection(uow, connection_id)
            await record(uow, "connection.released", target=str(connection_id))
            await uow.commit()

    async def _accounts(
        self, connector: type[Connector], credentials: FreshCredentials, settings: Mapping[str, str]
    ) -> list[Account]:
        client = PlatformClient(
            connector, credentials=credentials, settings=settings, clock=self._clock, routes=self._routes
        )
        async with client:
            now = self._clock.now()
            return await connector().accounts(
                Context(
                    client=client,
                    clock=self._clock,
                    log=logging.LoggerAdapter(logging.getLogger(f"connector.{connector.info.name}"), {}),
                    settings=settings,
                    since=first_read_from(now, days(90)),
                    captured_at=now,
                )
            )

    async def _save(
        self, scope: Scope, connector: type[Connector], tenant_id: UUID, token: TokenSet, accounts: Sequence[Account]
    ) -> UUID:
        """The grant with its token. A new consent of the same subject renews the old grant: a platform may have ended
        the old token with it, and its other brands live on the new one."""
        subject = token.account_id or (accounts[0].source_id if len(accounts) == 1 else "")
        async with UnitOfWork(self._database, scope) as uow:
            client_id = (await get_tenant(uow, tenant_id)).client_id
            store = TokenStore(uow, self._vault)
            grant_id = await find_grant(uow, client_id=client_id, connector=connector.info.name, subject=subject)
            stored = None if grant_id is None else await store.load(grant_id, lock=True)
            if grant_id is None or stored is None:
                grant_id = await add_grant(uow, client_id=client_id, connector=connector.info.name, subject=subject)
            await store.save(grant_id, token, seen=0 if stored is None else stored.version)
            await set_grant_state(uow, grant_id, "ok")
            await save_accounts(uow, grant_id, accounts)
            await record(uow, "grant.given", target=str(grant_id), tenant_id=tenant_id)
            await uow.commit()
        return grant_id

    async def _renewed(
        self, scope: Scope, connector: type[Connector], tenant_id: UUID, grant_id: UUID, accounts: Sequence[Account]
    ) -> list[tuple[UUID, UUID]]:
        """The client's accounts that were connected before live on this grant now: (brand, connection) of each. Other
        clients' stay where they are, also when the same person may open them: a grant is one client's."""
        found: list[tuple[UUID, UUID]] = []
        names = [account.source_id for account in accounts]
        for brand in await self._siblings(scope, tenant_id):
            async with UnitOfWork(self._database, scope.narrow(brand)) as uow:
                moved = await repoint_connections(uow, connector.info.name, names, grant_id)
                for connection_id, account_id in moved:
                    await assign_account(uow, grant_id, account_id)
                    await self._queue(uow, connection_id)
                    found.append((brand, connection_id))
                if moved:
                    await uow.commit()
        return found

    async def _siblings(self, scope: Scope, tenant_id: UUID) -> list[UUID]:
        """The brands in scope of this brand's client, itself among them."""
        async with UnitOfWork(self._database, scope) as uow:
            brands = await list_tenants(uow)
        client_id = next(brand.client_id for brand in brands if brand.tenant_id == tenant_id)
        return [brand.tenant_id for brand in brands if brand.client_id == client_id]


def _narrowed(scope: Scope, tenant_id: UUID) -> Scope:
    try:
        return scope.narrow(tenant_id)
    except LookupError as error:  # the person lost the brand while the platform asked
        raise NotFoundError from error


def _one(scope: Scope) -> UUID:
    if scope.tenant_id is None:
        raise LookupError("an account is given to one brand")
    return scope.tenant_id


def _connection(connector: type[Connector], account: GrantAccount) -> dict[str, Any]:
    return {
        "connector": connector.info.name,
        "platform": connector.info.platform,
        "grant_id": account.grant_id,
        "account_id": account.account_id,
        "account_name": account.name,
        "zone": account.zone or "UTC",
        "currency": account.currency,
        "settings": account.settings,
    }


def _with_account(settings: Mapping[str, str], token: TokenSet) -> dict[str, str]:
    """What a grant says of itself (TikTok's open_id) is a setting of its connections."""
    return {**settings, **({"account_id": token.account_id} if token.account_id else {})}
