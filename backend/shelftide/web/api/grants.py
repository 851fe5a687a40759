"""`/api/v1/tenants/{id}/grants`: consents of the brand's client, and the accounts that wait for a brand."""

from uuid import UUID

import msgspec
from litestar import Controller, get, post
from litestar.params import JSONBody

from shelftide.core.scope import Right
from shelftide.web.api.tenants import AnyRequest, PathId
from shelftide.web.auth.connecting import GrantAccounts, assign_account, connecting, grants_of
from shelftide.web.auth.doors import AppServices, requires, scope_of


class AssignRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which account of the grant becomes a connection of the brand."""

    account_id: str


class ConnectionReply(msgspec.Struct, frozen=True, kw_only=True):
    """The connection that an account became."""

    connection_id: UUID


class GrantController(Controller):
    """Grants belong to a client; an account is read only after it was assigned to a brand."""

    path = "/api/v1/tenants/{tenant_id:uuid}"
    guards = (requires(Right.READ),)
    tags = ("grants",)

    @get("/grants", summary="Grants of the brand's client")
    async def grants(self, request: AnyRequest, services: AppServices, tenant_id: PathId) -> list[GrantAccounts]:
        """Each with the accounts that are this brand's or nobody's."""
        return await grants_of(services, scope_of(request, tenant_id))

    @post(
        "/grants/{grant_id:uuid}/accounts",
        summary="Assign an account to the brand",
        status_code=201,
        guards=[requires(Right.CONNECT)],
    )
    async def assign(
        self,
        request: AnyRequest,
        services: AppServices,
        tenant_id: PathId,
        grant_id: PathId,
        data: JSONBody[AssignRequest],
    ) -> ConnectionReply:
        """Makes the connection and queues its first sync."""
        scope = scope_of(request, tenant_id)
        connection_id = await assign_account(services, scope, grant_id, data.account_id)
        return ConnectionReply(connection_id=connection_id)

    @post(
        "/connections/{connection_id:uuid}/release",
        summary="Release an account",
        status_code=204,
        guards=[requires(Right.CONNECT)],
    )
    async def release(
        self, request: AnyRequest, services: AppServices, tenant_id: PathId, connection_id: PathId
    ) -> None:
        """Stops reading; what was read stays. The account can be given to another brand."""
        await connecting(services).release(scope_of(request, tenant_id), connection_id)
