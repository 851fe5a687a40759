"""Files into a brand: sums equal the file's, a second import changes nothing, bad lines are answered by number."""

import gzip
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from shelftide.analytics.rollup import roll_up
from shelftide.core.errors import InvalidInputError
from shelftide.core.vault import Vault
from shelftide.ingest.files import KINDS, FileImport, ImportReport, Options
from shelftide.jobs.lake_secrets import VaultLakeSecrets
from shelftide.store.database import Database
from shelftide.store.embedded import Dsns
from shelftide.store.repositories.agencies import get_tenant
from shelftide.store.repositories.connections import list_quarantine
from shelftide.store.repositories.rollup import read_points, read_sku_sales
from shelftide.store.unit_of_work import UnitOfWork
from shelftide.warehouse.factory import make_warehouses
from shelftide.warehouse.warehouse import Warehouses
from tests.conftest import House, MakeHouse

NOW = datetime(2026, 11, 22, tzinfo=UTC)
REAL = Path(__file__).resolve().parents[4] / "shared" / "data" / "demand" / "online_retail_daily_dev.csv.gz"


@pytest.fixture(params=["ducklake", "postgres"])
async def warehouses(
    request: pytest.FixtureRequest, installation: Dsns, database: Database, vault: Vault, tmp_path: Path
) -> AsyncIterator[Warehouses]:
    found = make_warehouses(
        request.param,
        app_dsn=installation.app,
        lakes_dsn=installation.lakes,
        folder=tmp_path / "lakes",
        secrets=VaultLakeSecrets(database, vault),
    )
    yield found
    await found.close()


class Shop:
    """A brand into which files are imported."""

    def __init__(self, database: Database, warehouses: Warehouses, vault: Vault, house: House) -> None:
        self.database = database
        self.house = house
        self.vault = vault
        self.warehouse = warehouses.of(house.tenant_ids[0])

    def open(self) -> UnitOfWork:
        return UnitOfWork(self.database, self.house.on())

    async def load(self, path: Path) -> ImportReport:
        async with self.open() as uow:
            tenant = await get_tenant(uow, self.house.tenant_ids[0])
        work = FileImport(self.open, self.warehouse, self.vault, tenant)
        report = await work.run(path, KINDS["daily-sales"], now=datetime.now(UTC))
        assert report.connection_id is not None
        async with self.open() as uow:
            await roll_up(self.warehouse, uow, report.connection_id, platform="file")
            await uow.commit()
        return report


@pytest.fixture
async def shop(database: Database, warehouses: Warehouses, vault: Vault, make_house: MakeHouse) -> Shop:
    return Shop(database, warehouses, vault, await make_house(1))


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


async def test_sums_equal_the_files_and_a_second_import_changes_nothing(shop: Shop, tmp_path: Path) -> None:
    path = write(
        tmp_path / "sales.csv",
        "sku,day,units,order_lines,revenue_gbp",
        "A,2026-01-01,3,2,30.10",
        "A,2026-01-02,1,1,10.05",
        "B,2026-01-01,5,1,0.07",
    )
    first = await shop.load(path)
    assert (first.read, first.written, first.rejected) == (3, 3, 0)
    second = await shop.load(path)
    assert (second.written, second.unchanged) == (0, 3)
    async with shop.open() as uow:
        points = await read_points(
            uow.reads,
            uow.scope,
            metrics=["units", "revenue"],
            since=NOW.date().replace(month=1, day=1),
            until=NOW.date(),
        )
        skus = await read_sku_sales(uow, since=NOW.date().replace(month=1, day=1), until=NOW.date())
    assert sum(p.value for p in points if p.metric == "units") == 9
    assert sum(p.value for p in points if p.metric == "revenue") == Decimal("40.22")
    assert {p.currency for p in points if p.metric == "revenue"} == {"GBP"}
    assert {(s.sku, s.units) for s in skus} == {("A", 3), ("A", 1), ("B", 5)}


async def test_a_corrected_line_replaces_the_old_one(shop: Shop, tmp_path: Path) -> None:
    path = tmp_path / "sales.csv"
    await shop.load(write(path, "day,sku,units,revenue,currency", "2026-01-01,A,3,9.00,EUR"))
    report = await shop.load(write(path, "day,sku,units,revenue,currency", "2026-01-01,A,4,12.00,EUR"))
    assert report.written == 1
    async with shop.open() as uow:
        points = await read_points(
            uow.reads, uow.scope, metrics=["units"], since=NOW.date().replace(month=1, day=1), until=NOW.date()
        )
    assert [p.value for p in points] == [4]


async def test_bad_lines_are_answered_by_number_and_the_rest_goes_on(shop: Shop, tmp_path: Path) -> None:
    path = write(
        tmp_path / "bad.csv",
        "day;sku;units;revenue;currency",
        "2026-01-01;A;3;9.00;EUR",
        "13/13/2026;A;3;9.00;EUR",
        "2026-01-03;A;many;9.00;EUR",
        "2026-01-04;;3;9.00;EUR",
        "2026-01-05;A;3;9.00;XXQ",
        "2026-01-06;A;3;nine;EUR",
        "2026-01-07;A",
        "",
        "2026-01-08;B;2;;",
    )
    report = await shop.load(path)
    assert (report.read, report.written, report.rejected) == (8, 2, 6)
    assert [problem.number for problem in report.problems] == [3, 4, 5, 6, 7, 8]
    assert "not a day" in report.problems[0].reason
    assert "XXQ" in report.problems[3].reason
    async with shop.open() as uow:
        kept = await list_quarantine(uow, limit=50)
    assert len(kept) == 6
    assert any("nine" in row.raw for row in kept)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"day,units\n2026-01-01,3\n", "no column sku"),
        (b"", "no column"),
        (b"\xff\xfe\x00day", "no column|not utf-16"),
        (b"day,sku,units\n2026-01-01,\x81,3\n", "not UTF-8"),
    ],
)
async def test_a_file_that_is_no_such_table_is_refused_whole(
    shop: Shop, tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(content)
    with pytest.raises(InvalidInputError, match=message):
        await shop.load(path)


async def test_a_broken_archive_and_a_missing_file_are_named(shop: Shop, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="no file"):
        await shop.load(tmp_path / "nothing.csv")
    broken = tmp_path / "x.csv.gz"
    broken.write_bytes(gzip.compress(b"day,sku,units\n" + b"2026-01-01,A,3\n" * 5000)[:-20])
    with pytest.raises(InvalidInputError, match="cannot be read"):
        await shop.load(broken)


@pytest.mark.contract
@pytest.mark.skipif(not REAL.is_file(), reason="the folder of official schemas and recorded bodies is not here")
@pytest.mark.timeout(300)
async def test_a_real_shops_sales_equal_the_files_sums(shop: Shop) -> None:
    units, revenue, skus = 0, Decimal(0), set()
    with gzip.open(REAL, "rt") as file:
        next(file)
        for line in file:
            sku, _, count, _, money = line.strip().rsplit(",", 4)
            units, revenue = units + int(count), revenue + Decimal(money)
            skus.add(sku)
    first = await shop.load(REAL)
    assert first.rejected == 0
    second = await shop.load(REAL)
    assert second.written == 0
    async with shop.open() as uow:
        sold = await read_sku_sales(uow, since=datetime(2010, 1, 1, tzinfo=UTC).date(), until=NOW.date())
    assert sum(row.units for row in sold) == units
    assert sum(row.revenue for row in sold) == revenue
    assert {row.sku for row in sold} == skus


async def test_a_dry_run_writes_nothing_and_tells_what_would_change(shop: Shop, tmp_path: Path) -> None:
    heading = "day,sku,units,revenue,currency"
    old = write(tmp_path / "sales.csv", heading, "2026-01-01,A,3,9.00,EUR", "2026-01-02,A,1,3.00,EUR")
    async with shop.open() as uow:
        tenant = await get_tenant(uow, shop.house.tenant_ids[0])
    work = FileImport(shop.open, shop.warehouse, shop.vault, tenant)
    first = await work.run(old, KINDS["daily-sales"], now=datetime.now(UTC), dry_run=True)
    assert (first.new, first.changed, first.written, first.connection_id) == (2, 0, 0, None)
    assert not await shop.warehouse.exists()
    await shop.load(old)
    edited = write(
        old, heading, "2026-01-01,A,4,9.00,EUR", "2026-01-02,A,1,3.00,EUR", "2026-01-03,A,1,3.00,EUR", "x,A,1,,EUR"
    )
    again = await work.run(edited, KINDS["daily-sales"], now=datetime.now(UTC), dry_run=True)
    assert (again.new, again.changed, again.unchanged, again.rejected, again.written) == (1, 1, 1, 1, 0)
    real = await shop.load(edited)
    assert (real.new, real.changed, real.unchanged, real.rejected) == (1, 1, 1, 1)


async def test_a_mapping_said_once_is_remembered(shop: Shop, tmp_path: Path) -> None:
    async with shop.open() as uow:
        tenant = await get_tenant(uow, shop.house.tenant_ids[0])
    work = FileImport(shop.open, shop.warehouse, shop.vault, tenant)
    path = write(tmp_path / "sales.csv", "giorno,codice,pezzi", "01/02/2026,A,3")
    said = Options(mapping={"day": "giorno", "sku": "codice", "units": "pezzi"}, days="dmy")
    with pytest.raises(InvalidInputError, match="no column"):
        await work.run(path, KINDS["daily-sales"], now=datetime.now(UTC))
    assert (await work.run(path, KINDS["daily-sales"], now=datetime.now(UTC), options=said)).written == 1
    later = await work.run(path, KINDS["daily-sales"], now=datetime.now(UTC))
    assert (later.remembered, later.written, later.unchanged) == (True, 0, 1)
