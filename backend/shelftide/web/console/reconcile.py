"""Reconciliation of a brand: what was compared, and a platform's own export to drop in."""

from typing import Any
from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.params import FromPath

from shelftide.core.errors import AppError, InvalidInputError
from shelftide.core.scope import Right
from shelftide.ingest.files import Options
from shelftide.jobs.import_file import Order
from shelftide.jobs.reconcile import ExportReport, reconcile_in_scope
from shelftide.store.repositories.agencies import get_tenant
from shelftide.store.repositories.connections import list_connections
from shelftide.store.unit_of_work import UnitOfWork
from shelftide.web.auth.doors import AppServices, requires, scope_of
from shelftide.web.auth.places import console_only
from shelftide.web.pages import AnyRequest, page
from shelftide.web.reconciliation import read_board
from shelftide.web.uploads import LARGEST_UPLOAD, uploaded

_DAYS_SHOWN = 60


class ReconcileController(Controller):
    """Looking needs READ; comparing a file needs the right to import."""

    path = "/console/brands/{tenant_id:uuid}/reconcile"
    guards = (console_only, requires(Right.READ))
    include_in_schema = False

    @get("/")
    async def board(self, request: AnyRequest, services: AppServices, tenant_id: FromPath[UUID]) -> Response[str]:
        """Streams, payouts, claims and exports."""
        scope = scope_of(request, tenant_id)
        await services.refresh_clock()
        async with UnitOfWork(services.database, scope) as uow:
            tenant = await get_tenant(uow, tenant_id)
            board = await read_board(uow, services.clock.now())
            platforms = sorted({each.platform for each in await list_connections(uow)})
        values = {"brand": tenant, "board": board, "platforms": platforms, "nav": "brands", "tab": "reconcile"}
        values |= _answer(None, None)
        return await page(request, services, "console/reconcile.html", values, accent=tenant.colour, zone=tenant.zone)

    @post("/", status_code=200, guards=[requires(Right.IMPORT)], request_max_body_size=LARGEST_UPLOAD)
    async def compare(self, request: AnyRequest, services: AppServices, tenant_id: FromPath[UUID]) -> Response[str]:
        """The daily differences of a file. What is wrong with it is told in their place."""
        scope = scope_of(request, tenant_id)
        form = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
        report: ExportReport | None = None
        refused: AppError | None = None
        async with uploaded(request) as (path, name):
            order = Order(
                path=path, kind="", name=name, source="", as_of=form.get("as_of", ""), options=Options(), dry_run=True
            )
            try:
                report = await reconcile_in_scope(services, scope, order, platform=form.get("platform", ""))
            except InvalidInputError as error:
                refused = error
        return await page(request, services, "console/reconcile_answer.html", _answer(report, refused))


def _answer(report: ExportReport | None, refused: AppError | None) -> dict[str, Any]:
    return {"report": report, "refused": refused, "days_shown": _DAYS_SHOWN}
