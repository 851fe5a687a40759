"""A client's brands as the client sees them: results and stock, nothing of how they are made."""

from uuid import UUID

from litestar import Controller, Response, get
from litestar.params import FromPath, FromQuery

from shelftide.core.errors import NotFoundError
from shelftide.store.repositories.agencies import get_tenant, list_tenants
from shelftide.store.unit_of_work import UnitOfWork
from shelftide.web.auth.doors import AppServices, principal, scope_of
from shelftide.web.auth.places import portal_only
from shelftide.web.figures import DEFAULT_DAYS, PERIODS, Figures, chosen_days, cover_scale, read_figures
from shelftide.web.pages import AnyRequest, page, words_for


class PortalController(Controller):
    """The portal."""

    path = "/portal"
    guards = (portal_only,)
    include_in_schema = False

    @get("/")
    async def brands(self, request: AnyRequest, services: AppServices) -> Response[str]:
        """The client's brands with their headline figures."""
        await services.refresh_clock()
        who = principal(request)
        async with UnitOfWork(services.database, who.scope) as uow:
            tenants = [tenant for tenant in await list_tenants(uow) if tenant.client_id == who.client_id]
        figures = [await _figures(request, services, tenant.tenant_id, DEFAULT_DAYS) for tenant in tenants]
        return await page(request, services, "portal/home.html", {"all_figures": figures, "days": DEFAULT_DAYS})

    @get("/brands/{tenant_id:uuid}")
    async def brand(
        self, request: AnyRequest, services: AppServices, tenant_id: FromPath[UUID], days: FromQuery[str | None] = None
    ) -> Response[str]:
        """One brand."""
        chosen = chosen_days(days)
        await services.refresh_clock()
        figures = await _figures(request, services, tenant_id, chosen)
        values = {
            "figures": figures,
            "brand": figures.tenant,
            "days": chosen,
            "periods": PERIODS,
            "scale": cover_scale(figures.covers),
        }
        return await page(
            request, services, "portal/brand.html", values, accent=figures.tenant.colour, zone=figures.tenant.zone
        )


async def _figures(request: AnyRequest, services: AppServices, tenant_id: UUID, days: int) -> Figures:
    async with UnitOfWork(services.database, scope_of(request, tenant_id)) as uow:
        tenant = await get_tenant(uow, tenant_id)
        if tenant.client_id != principal(request).client_id:
            raise NotFoundError  # a brand that went to another client is no longer theirs, whatever the list says
        return await read_figures(
            uow,
            tenant,
            days=days,
            now=services.clock.now(),
            registry=services.registry,
            words=words_for(request, zone=tenant.zone),
        )
