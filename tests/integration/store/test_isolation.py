"""The database is the wall: what one brand's unit of work can see and do of another's."""

import asyncio
from contextlib import suppress
from random import Random
from uuid import UUID

import pytest
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError, ProgrammingError
from tests.conftest import MakeHouse, make_connection

from shelftide.core.scope import Scope
from shelftide.store.database import Database
from shelftide.store.embedded import Dsns
from shelftide.store.models import connections, runs, tenants, users
from shelftide.store.unit_of_work import SystemUnitOfWork, UnitOfWork


async def names(database: Database, scope: Scope) -> list[UUID]:
    async with UnitOfWork(database, scope) as uow:
        return list((await uow.connection.execute(select(connections.c.tenant_id))).scalars())


async def test_a_brand_sees_its_own_rows_only(database: Database, make_house: MakeHouse) -> None:
    ours, theirs = await make_house(2), await make_house(1)
    for scope in (ours.on(0), ours.on(1), theirs.on(0)):
        await make_connection(database, scope)
    assert await names(database, ours.on(0)) == [ours.tenant_ids[0]]
    assert set(await names(database, ours.scope)) == set(ours.tenant_ids)
    assert await names(database, theirs.scope) == [theirs.tenant_ids[0]]


async def test_no_scope_is_an_error_and_an_empty_one_sees_nothing(database: Database, make_house: MakeHouse) -> None:
    house = await make_house(1)
    await make_connection(database, house.on())
    with pytest.raises(TypeError):
        UnitOfWork(database, None)  # type: ignore[arg-type]  # that is the point
    assert await names(database, Scope(agency_id=house.agency_id, tenant_ids=())) == []


async def test_a_raw_connection_without_a_scope_sees_nothing(database: Database, make_house: MakeHouse) -> None:
    house = await make_house(1)
    await make_connection(database, house.on())
    async with database.app.connect() as connection:
        for table in (tenants, connections, runs, users):
            assert (await connection.execute(select(table))).all() == []


async def test_nothing_is_written_while_several_brands_are_read(database: Database, make_house: MakeHouse) -> None:
    house = await make_house(2)
    await make_connection(database, house.on(0))
    async with UnitOfWork(database, house.scope) as uow:
        changed = await uow.connection.execute(update(connections).values(state="paused"))
        assert changed.rowcount == 0
        gone = await uow.connection.execute(delete(connections))
        assert gone.rowcount == 0


async def test_another_brands_row_cannot_be_written(database: Database, make_house: MakeHouse) -> None:
    ours, theirs = await make_house(1), await make_house(1)
    connection_id = await make_connection(database, theirs.on())
    async with UnitOfWork(database, ours.on()) as uow:
        found = await uow.connection.execute(
            update(connections).where(connections.c.connection_id == connection_id).values(state="paused")
        )
        assert found.rowcount == 0
    async with UnitOfWork(database, ours.on()) as uow:
        with pytest.raises(ProgrammingError, match="row-level security"):
            await uow.connection.execute(
                insert(connections).values(
                    tenant_id=theirs.tenant_ids[0],
                    connection_id=connection_id,
                    connector="x",
                    platform="x",
                    account_id="x",
                    account_name="x",
                )
            )


async def test_a_row_cannot_be_moved_to_another_brand(database: Database, make_house: MakeHouse) -> None:
    house = await make_house(2)
    connection_id = await make_connection(database, house.on(0))
    async with UnitOfWork(database, house.on(0)) as uow:
        with pytest.raises(ProgrammingError, match="row-level security"):
            await uow.connection.execute(
                update(connections)
                .where(connections.c.connection_id == connection_id)
                .values(tenant_id=house.tenant_ids[1])
            )


async def test_a_reference_to_another_agencys_client_is_refused(database: Database, make_house: MakeHouse) -> None:
    ours, theirs = await make_house(1), await make_house(1)
    async with UnitOfWork(database, ours.on()) as uow:
        with pytest.raises(DBAPIError, match="violates foreign key"):
            await uow.connection.execute(
                update(tenants).where(tenants.c.tenant_id == ours.tenant_ids[0]).values(client_id=theirs.client_id)
            )


async def test_people_of_another_agency_are_not_seen(database: Database, make_house: MakeHouse) -> None:
    ours, theirs = await make_house(1), await make_house(1)
    async with UnitOfWork(database, theirs.scope) as uow:
        await uow.connection.execute(
            insert(users).values(
                agency_id=theirs.agency_id,
                user_id=theirs.client_id,
                email=f"{theirs.agency_id}@example.com",
                name="x",
                password_hash="x",
            )
        )
        await uow.commit()
    async with UnitOfWork(database, ours.scope) as uow:
        assert (await uow.connection.execute(select(users))).all() == []


async def test_the_gate_reads_its_list_and_no_secret(database: Database, installation: Dsns) -> None:
    async with SystemUnitOfWork(database, reason="test") as uow:
        await uow.connection.execute(select(runs))
        with pytest.raises(ProgrammingError, match="permission denied"):
            await uow.connection.execute(text("select * from credentials"))
    async with SystemUnitOfWork(database, reason="test") as uow:
        with pytest.raises(ProgrammingError, match="permission denied"):
            await uow.connection.execute(text("select * from tenants"))


async def test_a_system_unit_of_work_says_why(database: Database) -> None:
    with pytest.raises(ValueError, match="why"):
        SystemUnitOfWork(database, reason="")


async def test_the_audit_trail_cannot_be_changed(database: Database, make_house: MakeHouse) -> None:
    house = await make_house(1)
    async with UnitOfWork(database, house.on()) as uow:
        with pytest.raises(ProgrammingError, match="permission denied"):
            await uow.connection.execute(text("delete from audit"))


async def test_a_dirty_connection_is_thrown_away(installation: Dsns, make_house: MakeHouse) -> None:
    house = await make_house(1)
    async with Database(installation, pool_size=1) as database:
        async with database.app.connect() as connection:
            await connection.execute(text("set app.tenants = '00000000-0000-0000-0000-000000000001'"))
            await connection.commit()
        assert await names(database, house.on()) == []


async def test_ten_thousand_units_of_work_with_cancellations_leak_nothing(
    installation: Dsns, make_house: MakeHouse
) -> None:
    """Fifty brands, a pool of five, four tasks in ten cancelled at a random moment."""
    houses = [await make_house(5, name=f"Torture {number}") for number in range(10)]
    scopes = [house.on(index) for house in houses for index in range(5)]
    random = Random(7)
    seen = wrong = 0
    async with Database(installation, pool_size=5) as database:
        for scope in scopes:
            await make_connection(database, scope)

        async def one(scope: Scope) -> None:
            nonlocal seen, wrong
            async with UnitOfWork(database, scope) as uow:
                found = list((await uow.connection.execute(select(connections.c.tenant_id))).scalars())
                seen += 1
                wrong += found != [scope.tenant_id]
                if random.random() < 0.3:
                    await uow.commit()

        async def maybe_cancelled(scope: Scope) -> None:
            task = asyncio.ensure_future(one(scope))
            if random.random() < 0.4:
                await asyncio.sleep(random.random() * 0.01)
                task.cancel()
            with suppress(asyncio.CancelledError):
                await task

        for _ in range(100):
            await asyncio.gather(*(maybe_cancelled(random.choice(scopes)) for _ in range(100)))
        async with database.app.connect() as connection:
            left = (await connection.execute(text("select nullif(current_setting('app.tenants', true), '')"))).scalar()
    assert wrong == 0
    assert left is None
    assert seen > 5_000
