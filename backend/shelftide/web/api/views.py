"""`/api/v1/tenants/{id}/views`: questions that people keep."""

from uuid import UUID

from litestar import Controller, delete, get, post
from litestar.params import FromPath, JSONBody

from shelftide.core.scope import Right
from shelftide.store.unit_of_work import UnitOfWork
from shelftide.web.api.tenants import AnyRequest, PathId
from shelftide.web.auth.doors import AppServices, requires, scope_of
from shelftide.web.views import KeptView, ViewRequest, drop_view, keep_view, kept_views


class ViewController(Controller):
    """For the agency's staff."""

    path = "/api/v1/tenants/{tenant_id:uuid}/views"
    guards = (requires(Right.READ),)
    tags = ("metrics",)

    @get("/", summary="Saved views")
    async def views(self, request: AnyRequest, services: AppServices, tenant_id: PathId) -> list[KeptView]:
        """One's own, those that others share, and the agency's templates."""
        async with UnitOfWork(services.database, scope_of(request, tenant_id)) as uow:
            return await kept_views(uow)

    @post("/", summary="Keep a view", status_code=201)
    async def keep(
        self, request: AnyRequest, services: AppServices, tenant_id: PathId, data: JSONBody[ViewRequest]
    ) -> KeptView:
        """It is checked against the catalogue first."""
        return await keep_view(services, scope_of(request, tenant_id), data)

    @delete("/{view_id:uuid}", summary="Drop a view", status_code=204)
    async def drop(
        self, request: AnyRequest, services: AppServices, tenant_id: PathId, view_id: FromPath[UUID]
    ) -> None:
        """One's own, or a template."""
        await drop_view(services, scope_of(request, tenant_id), view_id)
