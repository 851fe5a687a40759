"""`/api/v1/tenants/{id}/imports`: a file into a brand, as a form's part or as the body itself."""

from typing import Annotated

import msgspec
from litestar import Controller, get, post
from litestar.params import FromQuery, QueryParameter

from shelftide.core.scope import Right
from shelftide.ingest.files import EXPORTS, KINDS, ImportReport, Options
from shelftide.jobs.import_file import Order, import_in_scope
from shelftide.web.api.tenants import AnyRequest, PathId
from shelftide.web.auth.doors import AppServices, requires, scope_of
from shelftide.web.uploads import LARGEST_UPLOAD, mapping_of, plain_name, uploaded

_DAYS = Annotated[str, QueryParameter(name="days", pattern="^(dmy|mdy)?$")]
_DECIMAL = Annotated[str, QueryParameter(name="decimal", pattern="^[.,]?$")]


class FileKind(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of file: its columns, those that it needs, and the platforms' exports that are known by their heading."""

    name: str
    title: str
    columns: list[str]
    required: list[str]
    exports: list[str]


class ImportController(Controller):
    """Looking needs READ, writing the right to import."""

    path = "/api/v1/tenants/{tenant_id:uuid}/imports"
    guards = (requires(Right.READ),)
    tags = ("imports",)

    @get("/kinds", summary="Kinds of files")
    async def kinds(self, request: AnyRequest, tenant_id: PathId) -> list[FileKind]:
        """What can be imported."""
        scope_of(request, tenant_id)
        return [
            FileKind(
                name=kind.name,
                title=kind.title,
                columns=[column.name for column in kind.columns],
                required=list(kind.required),
                exports=[export.name for export in EXPORTS if export.kind == kind.name],
            )
            for kind in KINDS.values()
        ]

    @post(
        "/",
        summary="Import a file",
        status_code=200,
        request_max_body_size=LARGEST_UPLOAD,
        guards=[requires(Right.IMPORT)],
    )
    async def run(  # noqa: PLR0913  # the query is flat: a parameter each
        self,
        request: AnyRequest,
        services: AppServices,
        *,
        tenant_id: PathId,
        kind: FromQuery[str] = "",
        name: FromQuery[str] = "",
        source: FromQuery[str] = "",
        dry_run: FromQuery[bool] = False,
        as_of: FromQuery[str] = "",
        zone: FromQuery[str] = "",
        currency: FromQuery[str] = "",
        encoding: FromQuery[str] = "",
        sheet: FromQuery[str] = "",
        decimal: _DECIMAL = "",
        days: _DAYS = "",
        map: FromQuery[list[str] | None] = None,  # noqa: A002  # the query's own word
    ) -> ImportReport:
        """The body is the file, or a form with it as `file`. `map` is `column=heading`, once a column; remembered."""
        scope = scope_of(request, tenant_id)
        options = Options(
            mapping=mapping_of(map or []),
            encoding=encoding,
            sheet=sheet,
            decimal=decimal,
            days=days,
            zone=zone,
            currency=currency,
        )
        async with uploaded(request) as (path, own):
            order = Order(
                path=path,
                kind=kind,
                name=plain_name(name) if name else own,
                source=source,
                as_of=as_of,
                options=options,
                dry_run=dry_run,
            )
            return await import_in_scope(services, scope, order)
