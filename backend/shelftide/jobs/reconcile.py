"""Job `reconcile.run`, and the comparison of a platform's own export from the command line."""

import asyncio
from datetime import timedelta
from itertools import islice
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from shelftide.analytics.reconciliation.exports import Asked, Claim, Comparison, claims, compare
from shelftide.analytics.reconciliation.loading import claimed_days, settlements
from shelftide.core.errors import InvalidInputError
from shelftide.core.scope import Scope
from shelftide.ingest.files import KINDS, Problem, moment_of
from shelftide.ingest.imports.headings import kind_of
from shelftide.ingest.imports.reading import HEADING_WITHIN, begin
from shelftide.ingest.imports.tables import open_table
from shelftide.jobs.import_file import Order, scope_of
from shelftide.jobs.job import JobContext, Queue, job
from shelftide.jobs.services import Services
from shelftide.store.repositories.agencies import Tenant, get_tenant
from shelftide.store.repositories.connections import list_connections
from shelftide.store.repositories.reconciliations import save_reconciliation
from shelftide.store.unit_of_work import UnitOfWork

EXPORT, SETTLEMENT, CLAIM = "export", "settlement", "claim"
DAYS = 30
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


@job("reconcile.run", queue=Queue.ANALYTICS, max_attempts=3, time_limit=timedelta(minutes=15))
async def reconcile(ctx: JobContext, *, tenant_id: str, days: int = DAYS) -> dict[str, Any]:
    """Orders against settlements and claims against sales, over the last days that are over; the results are kept."""
    await ctx.services.refresh_clock()
    warehouse = ctx.services.warehouses.of(UUID(tenant_id))
    async with ctx.unit_of_work() as uow:
        brand = await get_tenant(uow, UUID(tenant_id))
    until = ctx.services.clock.now().astimezone(ZoneInfo(brand.zone)).date() - timedelta(days=1)
    since = until - timedelta(days=days - 1)
    known = await warehouse.exists()
    settled = await settlements(warehouse, since, until, brand.zone) if known else {}
    claimed = await claimed_days(warehouse, since, until, brand.zone) if known else []
    result = {"settlements": sum(map(len, settled.values())), "claims": len(claimed)}
    async with ctx.unit_of_work() as uow:
        await ctx.guard(uow)
        for platform, found in settled.items():
            await save_reconciliation(uow, SETTLEMENT, platform, msgspec.to_builtins(found))
        for each in claimed:
            await save_reconciliation(uow, CLAIM, each.currency, msgspec.to_builtins(each))
        await ctx.finish(uow, result)
        await uow.commit()
    return result


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
