"""Import of a file from the command line: the brand by id or short name, then the roll-up of what changed."""

from pathlib import Path
from uuid import UUID

from shelftide.analytics.rollup import roll_up
from shelftide.core.errors import ConflictError, NotFoundError
from shelftide.core.scope import Scope
from shelftide.ingest.files import KINDS, FileImport, ImportReport
from shelftide.jobs.services import Services
from shelftide.store.repositories.agencies import get_tenant
from shelftide.store.repositories.people import find_tenants
from shelftide.store.unit_of_work import SystemUnitOfWork, UnitOfWork


async def import_for_tenant(services: Services, path: Path, *, kind: str, tenant: str) -> ImportReport:
    """Import a file into the brand called `tenant` (id or short name).

    Raises:
        NotFoundError: no such brand. ConflictError: the short name exists in several agencies.
        InvalidInputError: the file is no table of this kind.
    """
    scope = await _scope_of(services, tenant)
    tenant_id = scope.tenant_ids[0]

    def open_work() -> UnitOfWork:
        return UnitOfWork(services.database, scope)

    async with open_work() as uow:
        brand = await get_tenant(uow, tenant_id)
    warehouse = services.warehouses.of(tenant_id)
    report = await FileImport(open_work, warehouse, services.vault, brand).run(
        path, KINDS[kind], now=services.clock.now()
    )
    async with open_work() as uow:
        await roll_up(warehouse, uow, report.connection_id, platform="file")
        await uow.commit()
    return report


async def _scope_of(services: Services, tenant: str) -> Scope:
    async with SystemUnitOfWork(services.database, reason="the command line names a brand, not an agency") as uow:
        found = await find_tenants(uow, tenant)
    if not found:
        raise NotFoundError(f"There is no brand {tenant!r}.", hint="Give its id or its short name (its slug).")
    if len(found) > 1:
        raise ConflictError(f"{len(found)} brands are called {tenant!r}.", hint="Give the brand's id.")
    agency_id, tenant_id = found[0]
    return Scope(agency_id=agency_id, tenant_ids=(UUID(str(tenant_id)),), tenant_id=UUID(str(tenant_id)))
