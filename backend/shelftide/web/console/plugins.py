"""The console's plugin page: what is installed, who made it, and what the agency uses."""

from litestar import Controller, Response, get, post
from litestar.params import FromPath

from shelftide.core.scope import Right
from shelftide.ingest.plugins import list_plugins, remove_notifier, set_up_notifier
from shelftide.jobs.services import Services
from shelftide.store.unit_of_work import UnitOfWork
from shelftide.web.auth.connecting import switch
from shelftide.web.auth.doors import AppServices, principal, requires
from shelftide.web.auth.places import console_only
from shelftide.web.pages import AnyRequest, page


class PluginPages(Controller):
    """Staff look; an owner decides."""

    path = "/console/plugins"
    guards = (console_only, requires(Right.READ))
    include_in_schema = False

    @get("/")
    async def plugins(self, request: AnyRequest, services: AppServices) -> Response[str]:
        """All that is installed."""
        return await _show(request, services, "console/plugins.html")

    @post("/{distribution:str}", status_code=200, guards=[requires(Right.MANAGE)])
    async def decide(self, request: AnyRequest, services: AppServices, distribution: FromPath[str]) -> Response[str]:
        """Enable or disable; an outsider's plugin asks to confirm what its full rights mean."""
        form = await request.form()
        await switch(
            services,
            principal(request).scope,
            distribution,
            enabled=form.get("enabled") == "yes",
            full_rights=form.get("full_rights") == "yes",
        )
        return await _show(request, services, "console/plugin_list.html")

    @post("/notifiers/{name:str}", status_code=200, guards=[requires(Right.MANAGE)])
    async def set_up(self, request: AnyRequest, services: AppServices, name: FromPath[str]) -> Response[str]:
        """Keep where a notifier tells things."""
        form = {field: str(value) for field, value in (await request.form()).items()}
        async with UnitOfWork(services.database, principal(request).scope) as uow:
            await set_up_notifier(uow, services.vault, services.registry, name, form)
            await uow.commit()
        return await _show(request, services, "console/plugin_list.html", saved=name)

    @post("/notifiers/{name:str}/remove", status_code=200, guards=[requires(Right.MANAGE)])
    async def remove(self, request: AnyRequest, services: AppServices, name: FromPath[str]) -> Response[str]:
        """Be told there no more."""
        async with UnitOfWork(services.database, principal(request).scope) as uow:
            await remove_notifier(uow, name)
            await uow.commit()
        return await _show(request, services, "console/plugin_list.html")


async def _show(request: AnyRequest, services: Services, template: str, *, saved: str = "") -> Response[str]:
    async with UnitOfWork(services.database, principal(request).scope) as uow:
        found = await list_plugins(uow, services.registry)
    return await page(request, services, template, {"plugins": found, "saved": saved, "nav": "plugins"})
