"""Consent as console and API both use it: begin, and the callback that ends it."""

from functools import partial
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request

from shelftide.core.errors import InvalidInputError
from shelftide.core.scope import Scope
from shelftide.ingest.connect import Connected, Connecting
from shelftide.ingest.forms import key_form
from shelftide.ingest.plugins import AgencyPlugin, require_enabled, switch_plugin
from shelftide.ingest.registry import Registry
from shelftide.jobs.services import Services
from shelftide.jobs.simulation import queue_sync
from shelftide.jobs.standing import stand
from shelftide.jobs.webhooks import queue_keeping
from shelftide.store.repositories.agencies import list_tenants, record
from shelftide.store.repositories.grants import Grant, GrantAccount, get_grant, list_accounts, list_grants
from shelftide.store.unit_of_work import UnitOfWork
from shelftide.web.auth.doors import principal
from shelftide_sdk import AuthorizationError


class ConnectRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which connector, and what it must know before the consent (a shop's address)."""

    connector: str
    settings: dict[str, str] = {}
    keys: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"ConnectRequest(connector={self.connector!r}, settings={self.settings!r}, keys=***)"


class ConnectReply(msgspec.Struct, frozen=True, kw_only=True):
    """Where the browser goes next, for a consent; for a typed key, what was connected, and how many accounts wait."""

    authorize_url: str | None = None
    connection_ids: tuple[UUID, ...] = ()
    waiting: int = 0


async def connect_account(
    request: Request[Any, Any, Any], services: Services, scope: Scope, data: ConnectRequest
) -> ConnectReply:
    """Begin a consent, or connect by the keys that were typed: whatever the connector asks for.

    Raises:
        InvalidInputError: a field is missing or malformed, or the platform does not take the keys.
    """
    connector = services.registry.connector(data.connector)
    await require_plugin(services, scope, data.connector)
    if not key_form(connector):
        return await begin_consent(request, services, scope, data)
    await services.refresh_clock()
    done = await connecting(services).enter(scope, connector, data.settings, data.keys)
    return ConnectReply(connection_ids=done.connection_ids, waiting=done.waiting)


async def assign_account(services: Services, scope: Scope, grant_id: UUID, account_id: str) -> UUID:
    """Give an account of a grant to the scope's brand. Returns the connection; see `Connecting.assign`."""
    async with UnitOfWork(services.database, scope) as uow:
        (tenant,) = await list_tenants(uow)
        grant = await get_grant(uow, grant_id, [tenant.client_id])
        await require_enabled(uow, services.registry, grant.connector)
    return await connecting(services).assign(scope, services.registry.connector, grant_id, account_id)


async def switch(
    services: Services, scope: Scope, distribution: str, *, enabled: bool, full_rights: bool
) -> AgencyPlugin:
    """Enable or disable a plugin for the agency; what paused for it reads again."""
    return await switch_plugin(
        services.database,
        scope,
        services.registry,
        distribution,
        enabled=enabled,
        full_rights=full_rights,
        queue=partial(_begin_reading, services.registry),
    )


async def require_plugin(services: Services, scope: Scope, connector: str) -> None:
    """Raise ConflictError when the agency has not enabled the plugin that a connector comes from."""
    async with UnitOfWork(services.database, scope) as uow:
        await require_enabled(uow, services.registry, connector)


def redirect_uri(services: Services, connector: str) -> str:
    """The callback that is registered at the platform."""
    return f"{services.settings.console_url}/connect/{connector}/callback"


async def begin_consent(
    request: Request[Any, Any, Any], services: Services, scope: Scope, data: ConnectRequest
) -> ConnectReply:
    """Remember a consent, bound to session, brand, connector and redirect; answer with the platform's page."""
    connector = services.registry.connector(data.connector)
    who = principal(request)
    await services.refresh_clock()
    async with UnitOfWork(services.database, scope) as uow:
        url = await services.consent.begin(
            uow,
            connector,
            settings=data.settings,
            session_hash=who.session_hash,
            redirect_uri=redirect_uri(services, data.connector),
        )
        await record(uow, "connection.begin", target=data.connector)
        await uow.commit()
    return ConnectReply(authorize_url=url)


def connecting(services: Services) -> Connecting:
    """What finishes consents and gives accounts to brands."""
    return Connecting(
        services.database,
        vault=services.vault,
        consent=services.consent,
        clock=services.clock,
        routes=services.routes,
        queue=partial(_begin_reading, services.registry),
    )


async def _begin_reading(registry: Registry, uow: UnitOfWork, connection_id: UUID) -> None:
    """What a connection begins with: its first sync, the platform's deliveries, and what goes on by itself."""
    await queue_sync(uow, connection_id)
    await queue_keeping(uow, connection_id)
    await stand(uow, registry, connection_id)


async def finish_consent(request: Request[Any, Any, Any], services: Services, connector: str) -> Connected:
    """The end of a consent of who is signed in."""
    who = principal(request)
    return await finish_callback(request, services, connector, who.scope, session_hash=who.session_hash)


async def finish_callback(
    request: Request[Any, Any, Any], services: Services, connector: str, scope: Scope, *, session_hash: str
) -> Connected:
    """Check the callback, connect what it opens; the first syncs are queued."""
    await require_plugin(services, scope, connector)
    pairs = list(request.query_params.multi_items())
    if len({name for name, _ in pairs}) < len(pairs):
        raise InvalidInputError("The address names something twice.", hint="Start connecting again.")
    await services.refresh_clock()
    try:
        return await connecting(services).finish(
            scope,
            services.registry.connector(connector),
            dict(pairs),
            redirect_uri=redirect_uri(services, connector),
            session_hash=session_hash,
        )
    except AuthorizationError as error:  # forged, old, or a code that the platform does not take: not our failure
        raise InvalidInputError(
            "The platform did not confirm this consent.", hint="Start connecting again.", internal=error.message
        ) from error


class GrantAccounts(msgspec.Struct, frozen=True, kw_only=True):
    """A grant with the accounts that are the brand's or nobody's."""

    grant: Grant
    accounts: list[GrantAccount]

    @property
    def waiting(self) -> list[GrantAccount]:
        """Accounts without a brand."""
        return [account for account in self.accounts if account.tenant_id is None]


async def grants_of(services: Services, scope: Scope) -> list[GrantAccounts]:
    """Grants of the client whose brand the scope names."""
    async with UnitOfWork(services.database, scope) as uow:
        (tenant,) = await list_tenants(uow)
        found = await list_grants(uow, [tenant.client_id])
        accounts = await list_accounts(uow, [grant.grant_id for grant in found])
    return [
        GrantAccounts(grant=grant, accounts=[a for a in accounts if a.grant_id == grant.grant_id]) for grant in found
    ]
