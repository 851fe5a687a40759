"""Every kind of file with the headings of its source, on both engines: rows by value, a dry run, a second import."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import pytest
from sqlalchemy import select
from tests.integration.ingest.import_files import AS_OF, CASES, Case

from shelftide.core.vault import Vault
from shelftide.ingest.files import KINDS, FileImport, ImportReport, Options
from shelftide.jobs.lake_secrets import VaultLakeSecrets
from shelftide.store.database import Database
from shelftide.store.embedded import Dsns
from shelftide.store.repositories.agencies import get_tenant
from shelftide.store.unit_of_work import UnitOfWork
from shelftide.warehouse.factory import make_warehouses
from shelftide.warehouse.tables import table_of
from shelftide.warehouse.warehouse import Warehouse
from shelftide_sdk.records import RECORDS
from tests.conftest import MakeHouse


class Desk:
    """Where files are imported."""

    def __init__(self, work: FileImport, warehouse: Warehouse, folder: Path) -> None:
        self.work = work
        self.warehouse = warehouse
        self.folder = folder

    async def load(self, case: Case, *, dry_run: bool = False) -> ImportReport:
        path = self.folder / case.name
        path.write_bytes(case.content)
        kind = KINDS[case.kind] if case.said else None  # without a kind the heading must tell it
        return await self.work.run(
            path, kind, now=datetime.now(UTC), options=Options(as_of=AS_OF, currency=_currency(case)), dry_run=dry_run
        )

    async def rows(self, record: str, connection_id: UUID | None) -> list[dict[str, Any]]:
        if not await self.warehouse.exists():
            return []
        table = table_of(RECORDS[record])
        statement = select(table).where(table.c.connection_id == connection_id)
        found: list[dict[str, Any]] = (await self.warehouse.query(statement)).to_pylist()
        return found


def _currency(case: Case) -> str:
    return "USD" if "BusinessReport" in case.name else ""


async def check(desk: Desk, case: Case) -> None:
    dry = await desk.load(case, dry_run=True)
    assert dry.kind == case.kind
    total = sum(len(rows) for rows in case.rows.values())
    assert (dry.new, dry.written, dry.connection_id) == (total, 0, None)
    for record in case.rows:
        assert await desk.rows(record, dry.connection_id) == []
    first = await desk.load(case)
    assert (first.new, first.changed, first.skipped) == (total, 0, case.skipped)
    assert {problem.number for problem in first.problems} == set(case.rejects), first.problems
    for problem in first.problems:
        assert case.rejects[problem.number] in problem.reason
    for record, expected in case.rows.items():
        found = await desk.rows(record, first.connection_id)
        assert len(found) == len(expected)
        for row in expected:
            assert any({name: one[name] for name in row} == row for one in found), (row, found)
    second = await desk.load(case)
    assert (second.written, second.unchanged, second.rejected) == (0, total, len(case.rejects))


@pytest.mark.parametrize("engine", ["ducklake", "postgres"])
@pytest.mark.timeout(300)
async def test_every_kind_of_file_becomes_rows_of_the_warehouse(
    engine: Literal["ducklake", "postgres"],
    installation: Dsns,
    database: Database,
    vault: Vault,
    make_house: MakeHouse,
    tmp_path: Path,
) -> None:
    assert {case.kind for case in CASES} == set(KINDS)
    secrets = VaultLakeSecrets(database, vault)
    warehouses = make_warehouses(
        engine, app_dsn=installation.app, lakes_dsn=installation.lakes, folder=tmp_path / "lakes", secrets=secrets
    )
    house = await make_house(1)

    def open_work() -> UnitOfWork:
        return UnitOfWork(database, house.on())

    async with open_work() as uow:
        tenant = await get_tenant(uow, house.tenant_ids[0])
    warehouse = warehouses.of(tenant.tenant_id)
    desk = Desk(FileImport(open_work, warehouse, vault, tenant), warehouse, tmp_path)
    failed = {}
    for case in CASES:
        try:
            await check(desk, case)
        except Exception as error:  # noqa: BLE001  # all kinds are told of, not the first alone
            failed[f"{case.kind} {case.name}"] = f"{type(error).__name__}: {error}"
    await warehouses.close()
    assert failed == {}
