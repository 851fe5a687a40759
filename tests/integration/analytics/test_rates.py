"""The ECB's series in the shared table, a brand's own rates in its warehouse, and who may read and write them."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Literal
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from shelftide.analytics.rates import load_rates
from shelftide.core.errors import InvalidInputError
from shelftide.core.vault import Vault
from shelftide.jobs.lake_secrets import VaultLakeSecrets
from shelftide.jobs.load_rates import load_ecb
from shelftide.store.database import Database
from shelftide.store.embedded import Dsns
from shelftide.store.repositories.rates import read_rates
from shelftide.store.unit_of_work import SystemUnitOfWork, UnitOfWork
from shelftide.warehouse.factory import make_warehouses
from shelftide.warehouse.warehouse import Batch, Stamp
from shelftide_sdk.records import FxRate
from tests.conftest import MakeHouse

DAY = date(2026, 3, 6)
Engine = Literal["ducklake", "postgres"]
SERIES = "Date,USD,JPY,\n2026-03-06,1.1734,183.45,\n2026-03-05,1.17,N/A,\n"


@pytest.fixture
async def empty(database: Database) -> None:
    async with SystemUnitOfWork(database, reason="test") as uow:
        await uow.connection.execute(text("delete from fx_rates"))
        await uow.commit()


async def count(database: Database) -> int:
    async with SystemUnitOfWork(database, reason="test") as uow:
        return int((await uow.connection.execute(text("select count(*) from fx_rates"))).scalar_one())


@pytest.mark.usefixtures("empty")
async def test_the_series_is_loaded_once_and_corrected_later(
    database: Database, make_house: MakeHouse, tmp_path: Path
) -> None:
    file = tmp_path / "eurofxref-hist.csv"
    file.write_text(SERIES)
    assert (await load_ecb(database, file)).last_day == DAY
    assert await count(database) == 3
    file.write_text(SERIES.replace("1.1734", "1.1735"))
    await load_ecb(database, file)
    assert await count(database) == 3
    async with UnitOfWork(database, (await make_house(1)).on()) as uow:
        found = await read_rates(uow, since=DAY, until=DAY, currencies={"EUR", "USD"})
    assert [(row["quote"], row["rate"]) for row in found] == [("USD", Decimal("1.1735"))]


@pytest.mark.usefixtures("empty")
async def test_a_file_that_is_no_series_changes_nothing(database: Database, tmp_path: Path) -> None:
    wrong = tmp_path / "notes.csv"
    wrong.write_text("hello,world\n1,2\n")
    with pytest.raises(InvalidInputError, match="not the ECB's series"):
        await load_ecb(database, wrong)
    assert await count(database) == 0


@pytest.mark.parametrize("statement", ["delete from fx_rates", "update fx_rates set rate = 1"])
async def test_a_brand_cannot_change_what_all_read(database: Database, make_house: MakeHouse, statement: str) -> None:
    async with UnitOfWork(database, (await make_house(1)).on()) as uow:
        with pytest.raises(DBAPIError, match="permission denied"):
            await uow.connection.execute(text(statement))


@pytest.mark.usefixtures("empty")
@pytest.mark.parametrize("engine", ["postgres", "ducklake"])
async def test_a_brands_own_rate_is_its_own_alone(
    installation: Dsns, database: Database, vault: Vault, make_house: MakeHouse, tmp_path: Path, engine: Engine
) -> None:
    file = tmp_path / "eurofxref-hist.csv"
    file.write_text(SERIES)
    await load_ecb(database, file)
    house = await make_house(2)
    warehouses = make_warehouses(
        engine,
        app_dsn=installation.app,
        lakes_dsn=installation.lakes,
        folder=tmp_path / "files",
        secrets=VaultLakeSecrets(database, vault),
    )
    now = datetime(2026, 3, 7, tzinfo=UTC)
    stamp = Stamp(
        tenant_id=house.tenant_ids[0],
        connection_id=uuid4(),
        platform="file",
        fetched_at=now,
        observed_at=now,
        pseudonym=lambda _: None,
    )
    rate = FxRate(source="BOT", base="USD", quote="TWD", day=DAY, rate=Decimal("31.5"))
    other = Stamp(
        tenant_id=house.tenant_ids[1],
        connection_id=uuid4(),
        platform="file",
        fetched_at=now,
        observed_at=now,
        pseudonym=lambda _: None,
    )
    theirs = FxRate(source="BOT", base="GBP", quote="CHF", day=DAY, rate=Decimal("1.1"))
    await warehouses.of(house.tenant_ids[0]).write(Batch(stamp=stamp, records=[rate]))
    await warehouses.of(house.tenant_ids[1]).write(Batch(stamp=other, records=[theirs]))
    found = []
    for index in range(2):
        async with UnitOfWork(database, house.on(index)) as uow:
            warehouse = warehouses.of(house.tenant_ids[index])
            rates = await load_rates(uow, warehouse, since=DAY, until=DAY)
            found.append(rates.rate("TWD", "EUR", DAY))
    assert found[0] is not None
    assert found[0].source == "BOT USD/TWD 2026-03-06, ECB EUR/USD 2026-03-06"
    assert found[1] is None
    await warehouses.close()
