"""Links that let a client connect without an account here."""

from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.params import FromPath

from shelftide.core.errors import InvalidInputError
from shelftide.core.scope import Right
from shelftide.store.repositories.agencies import get_tenant, record
from shelftide.store.repositories.links import list_links, revoke_link
from shelftide.store.unit_of_work import UnitOfWork
from shelftide.web.auth.doors import AppServices, requires, scope_of
from shelftide.web.auth.links import make_link
from shelftide.web.auth.places import console_only
from shelftide.web.pages import AnyRequest, page


class LinksController(Controller):
    """The part of the connections page that makes, lists and revokes links."""

    path = "/console/brands/{tenant_id:uuid}/links"
    guards = (console_only, requires(Right.CONNECT))
    include_in_schema = False

    @get("/")
    async def links(self, request: AnyRequest, services: AppServices, tenant_id: FromPath[UUID]) -> Response[str]:
        """Links of the brand; the addresses are not among what is known."""
        return await _show(request, services, tenant_id)

    @post("/", status_code=200)
    async def make(self, request: AnyRequest, services: AppServices, tenant_id: FromPath[UUID]) -> Response[str]:
        """A new link; its address is shown this once."""
        name = str((await request.form()).get("connector", ""))
        if not name:
            raise InvalidInputError("Choose a platform.")
        fresh = await make_link(request, services, scope_of(request, tenant_id), name)
        return await _show(request, services, tenant_id, url=fresh.url)

    @post("/{link_id:uuid}/revoke", status_code=200)
    async def revoke(
        self, request: AnyRequest, services: AppServices, tenant_id: FromPath[UUID], link_id: FromPath[UUID]
    ) -> Response[str]:
        """End a link at once."""
        async with UnitOfWork(services.database, scope_of(request, tenant_id)) as uow:
            await revoke_link(uow, link_id)
            await record(uow, "link.revoked", target=str(link_id))
            await uow.commit()
        return await _show(request, services, tenant_id)


async def _show(request: AnyRequest, services: AppServices, tenant_id: UUID, *, url: str = "") -> Response[str]:
    async with UnitOfWork(services.database, scope_of(request, tenant_id)) as uow:
        tenant = await get_tenant(uow, tenant_id)
        links = await list_links(uow)
    connectors = services.registry.connectors
    values = {
        "brand": tenant,
        "links": links,
        "fresh_url": url,
        "connectors": sorted(connectors.values(), key=lambda c: c.info.title),
        "titles": {name: found.info.title for name, found in connectors.items()},
    }
    return await page(request, services, "console/links.html", values, zone=tenant.zone)
