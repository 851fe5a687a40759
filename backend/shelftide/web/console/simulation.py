"""The demo's bar: let a day pass in the simulated world, then watch its data come through the pipeline."""

from litestar import Controller, Response, get, post

from shelftide.core.errors import NotFoundError
from shelftide.core.scope import Right
from shelftide.jobs.simulation import advance, queue_syncs
from shelftide.web.auth.doors import AppServices, principal, requires
from shelftide.web.auth.places import console_only
from shelftide.web.pages import AnyRequest, page


class SimulationController(Controller):
    """Only in demo mode; elsewhere there is nothing here."""

    path = "/console/simulation"
    guards = (console_only, requires(Right.SYNC))
    include_in_schema = False

    @get("/")
    async def progress(self, request: AnyRequest, services: AppServices) -> Response[str]:
        """The bar, while runs are under way."""
        if not services.settings.demo:
            raise NotFoundError
        return await page(request, services, "console/simulation.html", {"polled": True})

    @post("/advance", status_code=200)
    async def advance_day(self, request: AnyRequest, services: AppServices) -> Response[str]:
        """One day on, and a sync of every connection that this person sees."""
        await advance(services)
        await queue_syncs(services, principal(request).scope)
        return await page(request, services, "console/simulation.html", {"polled": False})
