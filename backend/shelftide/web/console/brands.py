"""Brands: the list with search, and one brand's figures."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Response, get
from litestar.params import FromPath, FromQuery, QueryParameter

from shelftide.core.scope import Right
from shelftide.store.repositories.agencies import get_tenant, list_clients
from shelftide.store.unit_of_work import UnitOfWork
from shelftide.web.auth.doors import AppServices, principal, requires, scope_of
from shelftide.web.auth.places import console_only
from shelftide.web.console.overview import Glance, read_overview
from shelftide.web.figures import PERIODS, chosen_days, cover_scale, read_figures
from shelftide.web.pages import AnyRequest, page, words_for

STATES = ("act", "watch", "fine", "empty")
StateName = Annotated[str, QueryParameter(name="state", pattern="^(act|watch|fine|empty)?$")]


class BrandsController(Controller):
    """What an agency's person may see of the brands."""

    path = "/console/brands"
    guards = (console_only, requires(Right.READ))
    include_in_schema = False

    @get("/")
    async def brands(
        self, request: AnyRequest, services: AppServices, q: FromQuery[str] = "", only: StateName = ""
    ) -> Response[str]:
        """All brands in scope; htmx asks for the rows alone."""
        await services.refresh_clock()
        async with UnitOfWork(services.database, principal(request).scope) as uow:
            overview = await read_overview(uow, now=services.clock.now(), words=words_for(request))
            clients = await list_clients(uow)
        shown = [
            glance
            for glance in overview.glances
            if matches(glance, q, clients.get(glance.tenant.client_id, "")) and only in ("", glance.state)
        ]
        part = request.headers.get("hx-target") == "brand-rows"
        values = {
            "glances": shown,
            "total": len(overview.glances),
            "counts": {name: sum(g.state == name for g in overview.glances) for name in STATES},
            "clients": clients,
            "q": q,
            "state": only,
            "nav": "brands",
        }
        return await page(request, services, "console/brand_rows.html" if part else "console/brands.html", values)

    @get("/{tenant_id:uuid}")
    async def brand(
        self, request: AnyRequest, services: AppServices, tenant_id: FromPath[UUID], days: FromQuery[str | None] = None
    ) -> Response[str]:
        """One brand's figures."""
        chosen = chosen_days(days)
        await services.refresh_clock()
        async with UnitOfWork(services.database, scope_of(request, tenant_id)) as uow:
            tenant = await get_tenant(uow, tenant_id)
            figures = await read_figures(
                uow,
                tenant,
                days=chosen,
                now=services.clock.now(),
                registry=services.registry,
                words=words_for(request, zone=tenant.zone),
            )
            overview = await read_overview(uow, now=services.clock.now(), words=words_for(request))
        values: dict[str, Any] = {
            "figures": figures,
            "brand": tenant,
            "needs": overview.needs,
            "days": chosen,
            "periods": PERIODS,
            "scale": cover_scale(figures.covers),
            "nav": "brands",
            "tab": "figures",
        }
        return await page(request, services, "console/brand.html", values, accent=tenant.colour, zone=tenant.zone)


def matches(glance: Glance, query: str, client: str) -> bool:
    """Whether a brand answers a search: name, another name of it, client, market or niche."""
    tenant = glance.tenant
    text = " ".join([tenant.name, *tenant.aliases, client, tenant.market, tenant.niche]).casefold()
    return all(word in text for word in query.casefold().split())
