"""Files into a brand: choose, see what would change, say which heading is which, import; and what was imported."""

import asyncio
import csv
import io
from typing import Any
from uuid import UUID

import msgspec
from litestar import Controller, Response, get, post
from litestar.params import FromPath, FromQuery

from shelftide.core.errors import AppError, InvalidInputError
from shelftide.core.scope import Right
from shelftide.ingest.files import EXPORTS, KINDS, ImportReport, Options
from shelftide.ingest.imports.encoding import ENCODINGS
from shelftide.ingest.imports.inspection import Inspection
from shelftide.jobs.import_file import IMPORTED, Order, import_in_scope, inspect_file
from shelftide.store.repositories.agencies import get_record, get_tenant, list_records
from shelftide.store.unit_of_work import UnitOfWork
from shelftide.web.auth.doors import AppServices, requires, scope_of
from shelftide.web.auth.places import console_only
from shelftide.web.pages import AnyRequest, page
from shelftide.web.uploads import LARGEST_UPLOAD, uploaded

_SHOWN = 20
_PROBLEMS_SHOWN = 50
_MAPPED = "map."
_SAID = ("encoding", "sheet", "decimal", "days", "zone", "currency")


class ImportsController(Controller):
    """Looking needs READ; a check and an import need the right to import."""

    path = "/console/brands/{tenant_id:uuid}/imports"
    guards = (console_only, requires(Right.READ))
    include_in_schema = False

    @get("/")
    async def imports(self, request: AnyRequest, services: AppServices, tenant_id: FromPath[UUID]) -> Response[str]:
        """The form, and what was imported before."""
        return await _show(request, services, tenant_id, "console/imports.html")

    @post("/check", status_code=200, guards=[requires(Right.IMPORT)], request_max_body_size=LARGEST_UPLOAD)
    async def check(
        self, request: AnyRequest, services: AppServices, tenant_id: FromPath[UUID], mapped: FromQuery[bool] = False
    ) -> Response[str]:
        """What an import would change, or what must be said before it can be told."""
        return await _answer(request, services, tenant_id, mapped=mapped, dry_run=True)

    @post("/", status_code=200, guards=[requires(Right.IMPORT)], request_max_body_size=LARGEST_UPLOAD)
    async def run(
        self, request: AnyRequest, services: AppServices, tenant_id: FromPath[UUID], mapped: FromQuery[bool] = False
    ) -> Response[str]:
        """Import; the same file comes a second time, so that nothing of it lies about in between."""
        return await _answer(request, services, tenant_id, mapped=mapped, dry_run=False)

    @get("/{import_id:uuid}/rejects")
    async def rejects(
        self, request: AnyRequest, services: AppServices, tenant_id: FromPath[UUID], import_id: FromPath[UUID]
    ) -> Response[str]:
        """Lines that were not understood, as CSV."""
        async with UnitOfWork(services.database, scope_of(request, tenant_id)) as uow:
            found = await get_record(uow, import_id, action=IMPORTED)
        headers = {
            "content-disposition": f'attachment; filename="rejects-{import_id}.csv"',
            "cache-control": "no-store",
        }
        return Response(_rejects(found.detail["problems"]), media_type="text/csv; charset=utf-8", headers=headers)


def _rejects(problems: list[dict[str, Any]]) -> str:
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(("line", "reason"))
    table.writerows((problem["number"], problem["reason"]) for problem in problems)
    return text.getvalue()


async def _answer(
    request: AnyRequest, services: AppServices, tenant_id: UUID, *, mapped: bool, dry_run: bool
) -> Response[str]:
    """The form's answer. What is wrong with the file is told there, with what can be said to mend it."""
    scope = scope_of(request, tenant_id)
    form = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
    report: ImportReport | None = None
    refused: AppError | None = None
    async with uploaded(request) as (path, name):
        order = _order(form, mapped=mapped, dry_run=dry_run)
        order = msgspec.structs.replace(order, path=path, name=name)
        try:
            report = await import_in_scope(services, scope, order)
        except InvalidInputError as error:
            refused = error
        kind = report.kind if report else order.kind
        said = _used(report) if report else order.options.mapping
        order = msgspec.structs.replace(order, kind=kind, options=msgspec.structs.replace(order.options, mapping=said))
        inspection = await asyncio.to_thread(_inspected, order) if dry_run else None
    values = {"report": report, "refused": refused, "inspection": inspection, "kind": kind}
    return await _show(request, services, tenant_id, "console/import_answer.html", values)


def _used(report: ImportReport) -> dict[str, str]:
    """The heading that was read for each column of the kind, or nothing."""
    return {column.name: report.columns.get(column.name, "") for column in KINDS[report.kind].columns}


def _order(form: dict[str, str], *, mapped: bool, dry_run: bool) -> Order:
    mapping = {key.removeprefix(_MAPPED): form[key] for key in form if key.startswith(_MAPPED)}
    said: dict[str, Any] = {name: form.get(name, "").strip() for name in _SAID}
    return Order(
        kind=form.get("kind", ""),
        source=form.get("source", "").strip(),
        as_of=form.get("as_of", "").strip(),
        options=Options(mapping=mapping if mapped else {}, **said),
        dry_run=dry_run,
    )


def _inspected(order: Order) -> Inspection | None:
    """None for what is no table, or of a kind that is not known yet: then there is nothing to choose from."""
    if order.kind not in KINDS:
        return None
    try:
        return inspect_file(order)
    except InvalidInputError:
        return None


async def _show(
    request: AnyRequest, services: AppServices, tenant_id: UUID, template: str, values: dict[str, Any] | None = None
) -> Response[str]:
    async with UnitOfWork(services.database, scope_of(request, tenant_id)) as uow:
        tenant = await get_tenant(uow, tenant_id)
        past = await list_records(uow, prefix=IMPORTED, limit=_SHOWN)
    shown = {
        "brand": tenant,
        "past": past,
        "kinds": list(KINDS),
        "exports": sorted({export.name for export in EXPORTS}),
        "encodings": ENCODINGS,
        "problems_shown": _PROBLEMS_SHOWN,
        "report": None,
        "refused": None,
        "inspection": None,
        "nav": "brands",
        "tab": "imports",
    }
    return await page(request, services, template, {**shown, **(values or {})}, accent=tenant.colour, zone=tenant.zone)
