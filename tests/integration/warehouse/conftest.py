"""One embedded Postgres for the folder, the warehouse's schema in it, and both engines."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from shelftide.store.embedded import Dsns, EmbeddedPostgres, place_for
from shelftide.warehouse.ddl import postgres_ddl
from shelftide.warehouse.ducklake_engine import DuckLakeWarehouses
from shelftide.warehouse.lakes import LakeLogin, Lakes
from shelftide.warehouse.postgres_engine import PostgresWarehouses


class MemorySecrets:
    """LakeSecrets that forget everything at the end of the test."""

    def __init__(self) -> None:
        self.logins: dict[UUID, LakeLogin] = {}

    async def get(self, tenant_id: UUID) -> LakeLogin | None:
        return self.logins.get(tenant_id)

    async def put(self, tenant_id: UUID, login: LakeLogin) -> None:
        self.logins[tenant_id] = login

    async def forget(self, tenant_id: UUID) -> None:
        self.logins.pop(tenant_id, None)


async def _prepare(server: EmbeddedPostgres) -> Dsns:
    dsns = await server.start()
    connection = await asyncpg.connect(dsns.owner)
    try:
        await connection.execute(postgres_ddl())
    finally:
        await connection.close()
    return dsns


@pytest.fixture(scope="session")
def dsns() -> Iterator[Dsns]:
    home = Path(tempfile.mkdtemp(prefix="shelftide-wh-"))
    home.chmod(0o755)
    server = EmbeddedPostgres(place_for(home, home))
    try:
        yield asyncio.run(_prepare(server))
    finally:
        server.stop()
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def secrets() -> MemorySecrets:
    return MemorySecrets()


@pytest.fixture
async def lakes(dsns: Dsns, secrets: MemorySecrets, tmp_path: Path) -> AsyncIterator[DuckLakeWarehouses]:
    warehouses = DuckLakeWarehouses(Lakes(dsns.lakes, secrets), tmp_path / "lakes")
    yield warehouses
    await warehouses.close()


@pytest.fixture
async def postgres(dsns: Dsns) -> AsyncIterator[PostgresWarehouses]:
    warehouses = PostgresWarehouses(dsns.app)
    yield warehouses
    await warehouses.close()


@pytest.fixture(params=["ducklake", "postgres"])
def warehouses(
    request: pytest.FixtureRequest, lakes: DuckLakeWarehouses, postgres: PostgresWarehouses
) -> DuckLakeWarehouses | PostgresWarehouses:
    return lakes if request.param == "ducklake" else postgres
