"""`/api/v1/tenants/{id}/imports`: a file into a brand, as a form's part or as the body itself."""

import re
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated

import msgspec
from litestar import Controller, get, post
from litestar.params import FromQuery, QueryParameter

from shelftide.core.errors import InvalidInputError
from shelftide.core.scope import Right
from shelftide.ingest.files import EXPORTS, KINDS, ImportReport, Options
from shelftide.jobs.import_file import Order, import_in_scope
from shelftide.web.api.tenants import AnyRequest, PathId
from shelftide.web.auth.doors import AppServices, requires, scope_of

LARGEST_UPLOAD = 256 * 2**20
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
    """Writing needs the right to sync."""

    path = "/api/v1/tenants/{tenant_id:uuid}/imports"
    guards = (requires(Right.SYNC),)
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
        with tempfile.TemporaryDirectory(prefix="shelftide-import-") as folder:
            path = Path(folder) / "upload"
            own = await save_upload(request, path)
            order = Order(
                path=path,
                kind=kind,
                name=plain_name(name or own),
                source=source,
                as_of=as_of,
                options=options,
                dry_run=dry_run,
            )
            return await import_in_scope(services, scope, order)


def mapping_of(pairs: list[str]) -> dict[str, str]:
    """`column=heading` pairs. Raises InvalidInputError."""
    split = [pair.partition("=") for pair in pairs]
    if any(not (column.strip() and sign and heading.strip()) for column, sign, heading in split):
        raise InvalidInputError("A mapping is column=heading.", hint="Give it once for each column.")
    return {column.strip(): heading.strip() for column, _, heading in split}


def plain_name(name: str) -> str:
    """The last part of a file's name, for people to read; never a path."""
    return re.sub(r"[\x00-\x1f]", "", name.replace("\\", "/").rsplit("/", 1)[-1])[:200] or "upload"


async def save_upload(request: AnyRequest, path: Path) -> str:
    """Write the uploaded file to `path`; the name that it came with."""
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        part = (await request.form()).get("file")
        if part is None or isinstance(part, str):
            raise InvalidInputError("The form has no file.", hint="Send it as the part `file`.")
        with path.open("wb") as target:
            while chunk := await part.read(2**20):
                target.write(chunk)
        return str(part.filename)
    await _spool(request.stream(), path)
    return ""


async def _spool(chunks: AsyncIterator[bytes], path: Path) -> None:
    size = 0
    with path.open("wb") as target:
        async for chunk in chunks:
            size += len(chunk)
            if size > LARGEST_UPLOAD:
                raise InvalidInputError("The file is larger than 256 MB.", hint="Pack it with gzip, or cut it.")
            target.write(chunk)
