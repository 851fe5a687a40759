"""Comparison of a platform's own export with what is stored, from the command line."""

import asyncio
from itertools import islice

import msgspec

from shelftide.analytics.reconciliation.exports import Asked, Claim, Comparison, claims, compare
from shelftide.core.errors import InvalidInputError
from shelftide.core.scope import Scope
from shelftide.ingest.files import KINDS, Problem, moment_of
from shelftide.ingest.imports.headings import kind_of
from shelftide.ingest.imports.reading import HEADING_WITHIN, begin
from shelftide.ingest.imports.tables import open_table
from shelftide.jobs.import_file import Order, scope_of
from shelftide.jobs.services import Services
from shelftide.store.repositories.agencies import Tenant, get_tenant
from shelftide.store.repositories.connections import list_connections
from shelftide.store.repositories.reconciliations import save_reconciliation
from shelftide.store.unit_of_work import UnitOfWork

EXPORT = "export"
_MOST_PROBLEMS = 100


class ExportReport(msgspec.Struct, frozen=True, kw_only=True):
    """A compared export: its figures, and the lines that could not be read and are in none of them."""

    file: str
    kind: str
    comparisons: list[Comparison]
    rejected: int
    problems: list[Problem]


class _Read(msgspec.Struct):
    file: str
    kind: str
    zone: str
    said: list[Claim]
    problems: list[Problem]


async def reconcile_for_tenant(services: Services, order: Order, *, tenant: str, platform: str = "") -> ExportReport:
    """Compare a file with the brand called `tenant` (id or short name); nothing of the file is imported.

    Raises:
        NotFoundError: no such brand. ConflictError: the short name exists in several agencies.
        InvalidInputError: the file is no table of this kind, or of a kind that has no daily figures.
    """
    return await reconcile_in_scope(services, await scope_of(services, tenant), order, platform=platform)


async def reconcile_in_scope(services: Services, scope: Scope, order: Order, *, platform: str = "") -> ExportReport:
    """Compare a file with the scope's brand and keep the result. Raises InvalidInputError."""
    tenant_id = scope.tenant_ids[0]
    if order.kind and order.kind not in KINDS:
        raise InvalidInputError(f"{order.kind!r} is no kind of file.", hint=f"Say one: {', '.join(KINDS)}.")
    async with UnitOfWork(services.database, scope) as uow:
        brand = await get_tenant(uow, tenant_id)
        accounts = tuple(dict.fromkeys(c.zone for c in await list_connections(uow) if c.platform != "file"))
    read = await asyncio.to_thread(_read, order, brand)
    as_of = moment_of(order.as_of, read.zone) if order.as_of else None
    asked = Asked(zone=read.zone, platform=platform, as_of=as_of, zones=(brand.zone, *accounts))
    report = ExportReport(
        file=read.file,
        kind=read.kind,
        comparisons=await compare(services.warehouses.of(tenant_id), read.said, asked),
        rejected=len(read.problems),
        problems=read.problems[:_MOST_PROBLEMS],
    )
    async with UnitOfWork(services.database, scope) as uow:
        await save_reconciliation(uow, EXPORT, report.file, msgspec.to_builtins(report))
        await uow.commit()
    return report


def _read(order: Order, brand: Tenant) -> _Read:
    options = order.options
    table = open_table(order.path, name=order.name, encoding=options.encoding, sheet=options.sheet)
    start = [cells for _, cells in islice(table.rows(), HEADING_WITHIN) if not isinstance(cells, str)]
    kind = order.kind or next((found for cells in start if (found := kind_of(cells))), "")
    if not kind:
        raise InvalidInputError("The heading does not tell what kind of file this is.", hint=f"Say: {', '.join(KINDS)}")
    reading = begin(table, KINDS[kind], options, zone=brand.zone, currency=brand.currency)
    taken = list(reading.lines())
    return _Read(
        file=table.name,
        kind=kind,
        zone=reading.zone,
        said=claims(record for line in taken for record in line.records),
        problems=[Problem(number=line.number, reason=line.reject.reason) for line in taken if line.reject],
    )
