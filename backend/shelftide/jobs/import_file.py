"""Import of a file, from the command line or a page, then the roll-up of what changed."""

from pathlib import Path
from uuid import UUID

import msgspec

from shelftide.analytics.rollup import roll_up
from shelftide.core.errors import ConflictError, InvalidInputError, NotFoundError
from shelftide.core.scope import Scope
from shelftide.ingest.files import KINDS, FileImport, ImportReport, Options, moment_of
from shelftide.ingest.imports.inspection import Inspection, inspect
from shelftide.ingest.imports.tables import open_table
from shelftide.jobs.services import Services
from shelftide.store.repositories.agencies import get_tenant, record
from shelftide.store.repositories.people import find_tenants
from shelftide.store.unit_of_work import SystemUnitOfWork, UnitOfWork

# The action in the audit trail; its detail is the report.
IMPORTED = "file.imported"


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked: the file and what a person says of it. `as_of` is a day of the file's zone, or a time."""

    path: Path = Path()
    kind: str = ""
    name: str = ""
    source: str = ""
    as_of: str = ""
    options: Options = Options()
    dry_run: bool = False


async def import_for_tenant(services: Services, order: Order, *, tenant: str) -> ImportReport:
    """Import a file into the brand called `tenant` (id or short name).

    Raises:
        NotFoundError: no such brand. ConflictError: the short name exists in several agencies.
        InvalidInputError: the file is no table of this kind.
    """
    return await import_in_scope(services, await scope_of(services, tenant), order)


async def import_in_scope(services: Services, scope: Scope, order: Order) -> ImportReport:
    """Import a file into the scope's brand and bring its roll-up up to date. Raises InvalidInputError."""
    tenant_id = scope.tenant_ids[0]
    if order.kind and order.kind not in KINDS:
        raise InvalidInputError(f"{order.kind!r} is no kind of file.", hint=f"Say one: {', '.join(KINDS)}.")

    def open_work() -> UnitOfWork:
        return UnitOfWork(services.database, scope)

    async with open_work() as uow:
        brand = await get_tenant(uow, tenant_id)
    options = order.options
    if order.as_of:
        options = msgspec.structs.replace(options, as_of=moment_of(order.as_of, options.zone or brand.zone))
    warehouse = services.warehouses.of(tenant_id)
    report = await FileImport(open_work, warehouse, services.vault, brand).run(
        order.path,
        KINDS[order.kind] if order.kind else None,
        now=services.clock.now(),
        options=options,
        name=order.name,
        source=order.source,
        dry_run=order.dry_run,
    )
    if not order.dry_run and report.connection_id is not None:
        async with open_work() as uow:
            await roll_up(warehouse, uow, report.connection_id, platform="file")
            await record(uow, IMPORTED, target=str(report.connection_id), detail=msgspec.to_builtins(report))
            await uow.commit()
    return report


def inspect_file(order: Order) -> Inspection:
    """What a person must see to say which heading is which. Blocks. Raises InvalidInputError."""
    options = order.options
    table = open_table(order.path, name=order.name, encoding=options.encoding, sheet=options.sheet)
    return inspect(table, KINDS[order.kind], options.mapping)


async def scope_of(services: Services, tenant: str) -> Scope:
    """The brand that the operator names, by id or short name. Raises NotFoundError, ConflictError."""
    async with SystemUnitOfWork(services.database, reason="the command line names a brand, not an agency") as uow:
        found = await find_tenants(uow, tenant)
    if not found:
        raise NotFoundError(f"There is no brand {tenant!r}.", hint="Give its id or its short name (its slug).")
    if len(found) > 1:
        raise ConflictError(f"{len(found)} brands are called {tenant!r}.", hint="Give the brand's id.")
    agency_id, tenant_id = found[0]
    return Scope(agency_id=agency_id, tenant_ids=(UUID(str(tenant_id)),), tenant_id=UUID(str(tenant_id)))
