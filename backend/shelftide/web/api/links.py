"""`/api/v1/tenants/{id}/links`: links by which a client connects without an account here."""

from uuid import UUID

import msgspec
from litestar import Controller, get, post
from litestar.params import FromPath, JSONBody

from shelftide.core.scope import Right
from shelftide.store.repositories.agencies import record
from shelftide.store.repositories.links import ConnectLink, list_links, revoke_link
from shelftide.store.unit_of_work import UnitOfWork
from shelftide.web.api.tenants import AnyRequest, PathId
from shelftide.web.auth.doors import AppServices, requires, scope_of
from shelftide.web.auth.links import FreshLink, make_link


class LinkRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which connector the link is for."""

    connector: str


class LinkController(Controller):
    """Who may connect may send a link."""

    path = "/api/v1/tenants/{tenant_id:uuid}/links"
    guards = (requires(Right.CONNECT),)
    tags = ("grants",)

    @get("/", summary="Links of the brand")
    async def links(self, request: AnyRequest, services: AppServices, tenant_id: PathId) -> list[ConnectLink]:
        """Newest first, without their addresses."""
        async with UnitOfWork(services.database, scope_of(request, tenant_id)) as uow:
            return await list_links(uow)

    @post("/", summary="Make a link for a client", status_code=201)
    async def make(
        self, request: AnyRequest, services: AppServices, tenant_id: PathId, data: JSONBody[LinkRequest]
    ) -> FreshLink:
        """Its address is told this once; it works for one use within seven days."""
        return await make_link(request, services, scope_of(request, tenant_id), data.connector)

    @post("/{link_id:uuid}/revoke", summary="End a link", status_code=204)
    async def revoke(
        self, request: AnyRequest, services: AppServices, tenant_id: PathId, link_id: FromPath[UUID]
    ) -> None:
        """At once."""
        async with UnitOfWork(services.database, scope_of(request, tenant_id)) as uow:
            await revoke_link(uow, link_id)
            await record(uow, "link.revoked", target=str(link_id))
            await uow.commit()
