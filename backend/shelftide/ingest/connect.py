"""The end of a consent: from a callback to connections that can be read."""

import logging
from collections.abc import Mapping
from uuid import UUID

from shelftide.core.clock import SystemClock
from shelftide.core.errors import ConflictError
from shelftide.core.scope import Scope
from shelftide.core.vault import Vault
from shelftide.ingest.credentials import Consent, FreshCredentials
from shelftide.ingest.sync import first_read_from
from shelftide.store.database import Database
from shelftide.store.repositories.agencies import OAuthState, get_platform_app, record
from shelftide.store.repositories.connections import TokenStore, add_connection
from shelftide.store.unit_of_work import UnitOfWork
from shelftide_sdk import Account, Connector, Context, TokenSet
from shelftide_sdk.connector import days
from shelftide_sdk.hosts import Routes
from shelftide_sdk.http import PlatformClient


class Connecting:
    """Finishes consents."""

    def __init__(
        self, database: Database, *, vault: Vault, consent: Consent, clock: SystemClock, routes: Routes
    ) -> None:
        self._database = database
        self._vault = vault
        self._consent = consent
        self._clock = clock
        self._routes = routes

    async def finish(
        self, scope: Scope, connector: type[Connector], params: Mapping[str, str], *, session_hash: str
    ) -> tuple[UUID, list[UUID]]:
        """Check the callback, fetch the token, add the accounts that it opens to the brand that began.

        Returns the brand and its connections. The state is used up even when a later step fails.

        Raises:
            InvalidInputError, AuthorizationError: nothing was connected.
            ConflictError: the grant opens no account.
            NotFoundError: the brand is no longer in the person's scope.
        """
        async with UnitOfWork(self._database, scope) as uow:
            state = await self._consent.accept(uow, connector, params, session_hash=session_hash)
            await uow.commit()
        narrowed = scope.narrow(state.tenant_id)
        async with UnitOfWork(self._database, narrowed) as uow:
            app = await get_platform_app(uow, self._vault, connector.info.name, state.redirect_uri)
            await uow.commit()
        token = await self._consent.exchange(connector, app, state, params)
        settings = _with_account(state.settings, token)
        fresh = FreshCredentials(self._consent, connector, app, token, settings)
        accounts = await self._accounts(connector, fresh, settings)
        if not accounts:
            raise ConflictError("This grant opens no account.", hint="Sign in at the platform with another account.")
        return state.tenant_id, await self._save(narrowed, connector, state, fresh.token, accounts)

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
        self,
        scope: Scope,
        connector: type[Connector],
        state: OAuthState,
        token: TokenSet,
        accounts: list[Account],
    ) -> list[UUID]:
        found = []
        async with UnitOfWork(self._database, scope) as uow:
            store = TokenStore(uow, self._vault)
            for account in accounts:
                connection_id = await add_connection(
                    uow,
                    {
                        "connector": connector.info.name,
                        "platform": connector.info.platform,
                        "account_id": account.source_id,
                        "account_name": account.name,
                        "zone": account.zone or "UTC",
                        "currency": account.currency,
                        "settings": {**_with_account(state.settings, token), **account.settings},
                    },
                )
                await store.replace(connection_id, token)
                await record(uow, "connection.connected", target=str(connection_id), detail={"account": account.name})
                found.append(connection_id)
            await uow.commit()
        return found


def _with_account(settings: Mapping[str, str], token: TokenSet) -> dict[str, str]:
    """What a grant says of itself (TikTok's open_id) is a setting of its connections."""
    return {**settings, **({"account_id": token.account_id} if token.account_id else {})}
