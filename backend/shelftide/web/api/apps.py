"""`/api/v1/apps`: the agency's registrations at the platforms. Secrets go in and never come out."""

from litestar import Controller, delete, get, put
from litestar.params import FromPath, JSONBody

from shelftide.core.scope import Right
from shelftide.store.repositories.apps import PlatformApp, list_platform_apps
from shelftide.store.unit_of_work import UnitOfWork
from shelftide.web.api.tenants import AnyRequest
from shelftide.web.auth.apps import AppRequest, forget_app, save_app
from shelftide.web.auth.doors import AppServices, principal, requires


class AppController(Controller):
    """For owners."""

    path = "/api/v1/apps"
    guards = (requires(Right.MANAGE),)
    tags = ("apps",)

    @get("/", summary="Registrations at platforms")
    async def apps(self, request: AnyRequest, services: AppServices) -> list[PlatformApp]:
        """Without their secrets."""
        async with UnitOfWork(services.database, principal(request).scope) as uow:
            return await list_platform_apps(uow)

    @put("/{connector:str}", summary="Register the agency's app at a platform", status_code=204)
    async def save(
        self, request: AnyRequest, services: AppServices, connector: FromPath[str], data: JSONBody[AppRequest]
    ) -> None:
        """An empty secret keeps the stored one."""
        await save_app(services, principal(request).scope, connector, data)

    @delete("/{connector:str}", summary="Forget a registration")
    async def forget(self, request: AnyRequest, services: AppServices, connector: FromPath[str]) -> None:
        """Connections by it stop until there is one again."""
        await forget_app(services, principal(request).scope, connector)
