"""Runs and rejected rows of all brands in scope."""

from datetime import UTC, datetime
from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.params import FromPath, FromQuery

from shelftide.core.scope import Right
from shelftide.store.repositories.agencies import list_records, list_tenants, record
from shelftide.store.repositories.alerts import list_alerts, person_state, work_on
from shelftide.store.repositories.connections import list_connections, list_quarantine
from shelftide.store.repositories.reconciliations import list_findings
from shelftide.store.repositories.runs import list_runs
from shelftide.store.unit_of_work import UnitOfWork
from shelftide.web.auth.doors import AppServices, principal, requires, scope_of
from shelftide.web.auth.places import console_only
from shelftide.web.pages import AnyRequest, page

_ROWS = 50


class OperationsPages(Controller):
    """What happened, and what was not understood."""

    path = "/console"
    guards = (console_only, requires(Right.READ))
    include_in_schema = False

    @get("/runs")
    async def runs(
        self, request: AnyRequest, services: AppServices, cursor: FromQuery[UUID | None] = None
    ) -> Response[str]:
        """Newest first; older ones by cursor."""
        async with UnitOfWork(services.database, principal(request).scope) as uow:
            found = await list_runs(uow, limit=_ROWS, before=cursor)
            tenants = {tenant.tenant_id: tenant for tenant in await list_tenants(uow)}
            connections = {str(c.connection_id): c for c in await list_connections(uow)}
        values = {
            "runs": found,
            "tenants": tenants,
            "connections": connections,
            "busy": cursor is None and any(run.state in ("queued", "running") for run in found),
            "next": found[-1].run_id if len(found) == _ROWS else None,
            "cursor": cursor,
            # Runs live by the database's own clock, not by the demo's calendar.
            "today": datetime.now(UTC),
            "nav": "runs",
        }
        part = request.headers.get("hx-target") == "run-rows"
        return await page(request, services, "console/run_rows.html" if part else "console/runs.html", values)

    @get("/data")
    async def data(self, request: AnyRequest, services: AppServices) -> Response[str]:
        """What is wrong now, rows that were not understood or look wrong, and what buyers asked for."""
        async with UnitOfWork(services.database, principal(request).scope) as uow:
            rows = await list_quarantine(uow, limit=_ROWS)
            findings = await list_findings(uow, limit=_ROWS)
            alerts = await list_alerts(uow, standing=True)
            requests = await list_records(uow, prefix="privacy.", limit=_ROWS)
            tenants = {tenant.tenant_id: tenant for tenant in await list_tenants(uow)}
            connections = {c.connection_id: c for c in await list_connections(uow)}
        values = {
            "rows": rows,
            "findings": findings,
            "alerts": alerts,
            "saved": None,
            "requests": requests,
            "limit": _ROWS,
            "tenants": tenants,
            "connections": connections,
            "today": datetime.now(UTC),
            "nav": "data",
        }
        return await page(request, services, "console/data.html", values)

    @post("/brands/{tenant_id:uuid}/alerts/{alert_id:uuid}", status_code=200, guards=[requires(Right.SYNC)])
    async def work(
        self, request: AnyRequest, services: AppServices, tenant_id: FromPath[UUID], alert_id: FromPath[UUID]
    ) -> Response[str]:
        """Say where the work on an alert stands."""
        form = await request.form()
        scope = scope_of(request, tenant_id)
        state = person_state(str(form.get("state", "")))
        async with UnitOfWork(services.database, scope) as uow:
            alert = await work_on(
                uow, alert_id, state=state, note=str(form.get("note", "")).strip(), by=scope.subject_id
            )
            await record(uow, f"alert.{state}", target=str(alert_id))
            tenants = {tenant.tenant_id: tenant for tenant in await list_tenants(uow)}
            await uow.commit()
        values = {"alert": alert, "tenants": tenants, "today": datetime.now(UTC), "saved": alert_id}
        return await page(request, services, "console/alert.html", values)
