"""`/api/v1/tenants/{id}/reconciliations`: what was compared, and a platform's own export to compare."""

from litestar import Controller, get, post
from litestar.params import FromQuery

from shelftide.core.scope import Right
from shelftide.ingest.files import Options
from shelftide.jobs.import_file import Order
from shelftide.jobs.reconcile import ExportReport, reconcile_in_scope
from shelftide.store.unit_of_work import UnitOfWork
from shelftide.web.api.tenants import AnyRequest, PathId
from shelftide.web.auth.doors import AppServices, requires, scope_of
from shelftide.web.reconciliation import Board, read_board
from shelftide.web.uploads import LARGEST_UPLOAD, uploaded


class ReconciliationController(Controller):
    """Looking needs READ; an export to compare needs the right to import, though nothing of it is imported."""

    path = "/api/v1/tenants/{tenant_id:uuid}/reconciliations"
    guards = (requires(Right.READ),)
    tags = ("reconciliation",)

    @get("/", summary="What was compared")
    async def board(self, request: AnyRequest, services: AppServices, tenant_id: PathId) -> Board:
        """Rows of each stream at the source and here, payouts, claims, exports."""
        scope = scope_of(request, tenant_id)
        await services.refresh_clock()
        async with UnitOfWork(services.database, scope) as uow:
            return await read_board(uow, services.clock.now())

    @post(
        "/",
        summary="Compare a platform's export",
        status_code=200,
        request_max_body_size=LARGEST_UPLOAD,
        guards=[requires(Right.IMPORT)],
    )
    async def compare(
        self,
        request: AnyRequest,
        services: AppServices,
        *,
        tenant_id: PathId,
        kind: FromQuery[str] = "",
        platform: FromQuery[str] = "",
        as_of: FromQuery[str] = "",
    ) -> ExportReport:
        """The body is the file, or a form with it as `file`: the daily differences, each with its cause."""
        scope = scope_of(request, tenant_id)
        async with uploaded(request) as (path, name):
            order = Order(path=path, kind=kind, name=name, source="", as_of=as_of, options=Options(), dry_run=True)
            return await reconcile_in_scope(services, scope, order, platform=platform)
