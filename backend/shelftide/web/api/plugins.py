"""`/api/v1/plugins`: what is installed, and what the agency uses of it."""

import msgspec
from litestar import Controller, delete, get, put
from litestar.params import FromPath, JSONBody

from shelftide.core.scope import Right
from shelftide.ingest.plugins import AgencyPlugin, list_plugins, remove_notifier, set_up_notifier
from shelftide.store.unit_of_work import UnitOfWork
from shelftide.web.api.tenants import AnyRequest
from shelftide.web.auth.connecting import switch
from shelftide.web.auth.doors import AppServices, principal, requires


class PluginSwitch(msgspec.Struct, frozen=True, kw_only=True):
    """What the agency decides. `full_rights` says: what an outsider's code may do here is understood."""

    enabled: bool
    full_rights: bool = False


class NotifierSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where a notifier tells things. Sealed, and never shown again."""

    settings: dict[str, str]

    def __repr__(self) -> str:
        return "NotifierSettings(settings=***)"


class PluginController(Controller):
    """Staff look; an owner decides."""

    path = "/api/v1/plugins"
    guards = (requires(Right.READ),)
    tags = ("plugins",)

    @get("/", summary="Installed plugins")
    async def plugins(self, request: AnyRequest, services: AppServices) -> list[AgencyPlugin]:
        """The house's own first; an outsider's says `full_rights`, and is off until an owner enables it."""
        async with UnitOfWork(services.database, principal(request).scope) as uow:
            return await list_plugins(uow, services.registry)

    @put("/{distribution:str}", summary="Enable or disable a plugin", guards=[requires(Right.MANAGE)])
    async def decide(
        self, request: AnyRequest, services: AppServices, distribution: FromPath[str], data: JSONBody[PluginSwitch]
    ) -> AgencyPlugin:
        """For your agency alone. Its connections pause with a reason, or go on and read what they missed."""
        return await switch(
            services, principal(request).scope, distribution, enabled=data.enabled, full_rights=data.full_rights
        )

    @put(
        "/notifiers/{name:str}",
        summary="Be told things somewhere",
        status_code=204,
        guards=[requires(Right.MANAGE)],
    )
    async def set_up(
        self, request: AnyRequest, services: AppServices, name: FromPath[str], data: JSONBody[NotifierSettings]
    ) -> None:
        """From now on, a connection that must be connected again is told there."""
        async with UnitOfWork(services.database, principal(request).scope) as uow:
            await set_up_notifier(uow, services.vault, services.registry, name, data.settings)
            await uow.commit()

    @delete("/notifiers/{name:str}", summary="Be told no more", guards=[requires(Right.MANAGE)])
    async def forget(self, request: AnyRequest, services: AppServices, name: FromPath[str]) -> None:
        """Forgets the address; what waits to be told is not sent."""
        async with UnitOfWork(services.database, principal(request).scope) as uow:
            await remove_notifier(uow, name)
            await uow.commit()
