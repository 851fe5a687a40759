"""`/api/v1/tenants/{id}/alerts`: what is wrong with a brand's data, and who works on it."""

from uuid import UUID

import msgspec
from litestar import Controller, get, patch
from litestar.params import FromPath, FromQuery, JSONBody

from shelftide.core.scope import Right
from shelftide.store.repositories.agencies import record
from shelftide.store.repositories.alerts import Alert, list_alerts, person_state, work_on
from shelftide.store.unit_of_work import UnitOfWork
from shelftide.web.api.tenants import AnyRequest, PathId
from shelftide.web.auth.doors import AppServices, requires, scope_of


class AlertWork(msgspec.Struct, frozen=True, kw_only=True):
    """What a person says: `open`, `investigating` or `explained`, and why."""

    state: str
    note: str = ""


class AlertController(Controller):
    """An alert is raised and closed by what watches; people say where the work on it stands."""

    path = "/api/v1/tenants/{tenant_id:uuid}/alerts"
    guards = (requires(Right.READ),)
    tags = ("alerts",)

    @get("/", summary="Alerts of the brand")
    async def alerts(
        self, request: AnyRequest, services: AppServices, tenant_id: PathId, *, closed: FromQuery[bool] = False
    ) -> list[Alert]:
        """The newest first; with `closed` those that are over too."""
        async with UnitOfWork(services.database, scope_of(request, tenant_id)) as uow:
            return await list_alerts(uow, standing=not closed)

    @patch("/{alert_id:uuid}", summary="Say where the work stands", guards=[requires(Right.SYNC)])
    async def work(
        self,
        request: AnyRequest,
        services: AppServices,
        *,
        tenant_id: PathId,
        alert_id: FromPath[UUID],
        data: JSONBody[AlertWork],
    ) -> Alert:
        """An alert that is over cannot be worked on."""
        scope = scope_of(request, tenant_id)
        async with UnitOfWork(services.database, scope) as uow:
            alert = await work_on(uow, alert_id, state=person_state(data.state), note=data.note, by=scope.subject_id)
            await record(uow, f"alert.{data.state}", target=str(alert_id))
            await uow.commit()
        return alert
