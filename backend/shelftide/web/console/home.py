"""The console's first page: what needs me, and that the rest is fine."""

from litestar import Controller, Response, get

from shelftide.core.scope import Right
from shelftide.store.unit_of_work import UnitOfWork
from shelftide.web.auth.doors import AppServices, principal, requires
from shelftide.web.auth.places import console_only
from shelftide.web.console.overview import read_overview
from shelftide.web.pages import AnyRequest, page, words_for


class HomeController(Controller):
    """Home."""

    path = "/console"
    guards = (console_only, requires(Right.READ))
    include_in_schema = False

    @get("/")
    async def home(self, request: AnyRequest, services: AppServices) -> Response[str]:
        """Ordered by what it costs to wait."""
        await services.refresh_clock()
        async with UnitOfWork(services.database, principal(request).scope) as uow:
            overview = await read_overview(uow, now=services.clock.now(), words=words_for(request))
        return await page(request, services, "console/home.html", {"overview": overview, "nav": "home"})
