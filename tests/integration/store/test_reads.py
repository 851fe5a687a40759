"""Reads of one statement: each sees the brands of its own scope, and nothing of it stays on the connection."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal
from random import Random
from uuid import UUID

import asyncpg
import pytest

from shelftide.core.scope import Scope
from shelftide.store.database import Database
from shelftide.store.embedded import Dsns
from shelftide.store.reads import Reads
from shelftide.store.repositories.rollup import read_points, replace_days
from shelftide.store.unit_of_work import UnitOfWork
from tests.conftest import House, MakeHouse, make_connection

DAY = date(2026, 5, 4)


@pytest.fixture
async def houses(database: Database, make_house: MakeHouse) -> tuple[House, House]:
    """Two agencies of two brands, each brand with one figure of its own."""
    made = (await make_house(2, name="north"), await make_house(2, name="south"))
    for house in made:
        for number in range(2):
            connection_id = await make_connection(database, house.on(number))
            row = {"metric": "units", "day": DAY, "currency": "", "value": Decimal(number + 1), "rows": 1}
            async with UnitOfWork(database, house.on(number)) as uow:
                await replace_days(uow, connection_id, {"OrderLine": [DAY]}, [row], [], platform="test")
                await uow.commit()
    return made


@pytest.fixture
async def one(installation: Dsns) -> AsyncIterator[Reads]:
    """All reads over one connection."""
    reads = Reads(installation.app, size=1)
    yield reads
    await reads.close()


async def seen(reads: Reads, scope: Scope) -> dict[UUID, Decimal]:
    points = await read_points(reads, scope, metrics=["units"], since=DAY, until=DAY)
    return {point.tenant_id: point.value for point in points}


async def test_a_read_sees_the_brands_in_scope_alone(one: Reads, houses: tuple[House, House]) -> None:
    for house in houses:
        assert await seen(one, house.on(0)) == {house.tenant_ids[0]: 1}
        assert await seen(one, house.scope) == {house.tenant_ids[0]: 1, house.tenant_ids[1]: 2}
        assert await seen(one, Scope(agency_id=house.agency_id, tenant_ids=())) == {}
    with pytest.raises(TypeError):
        await one.of(None, "select 1")  # type: ignore[arg-type]  # that is the point


async def test_a_statement_that_forgets_its_brands_is_held_by_the_wall(one: Reads, houses: tuple[House, House]) -> None:
    rows = await one.of(houses[0].on(0), "select tenant_id from metric_daily where cardinality(scope.tenants) > 0")
    assert {row[0] for row in rows} == {houses[0].tenant_ids[0]}


async def test_nothing_of_a_scope_stays_on_the_connection(
    one: Reads, houses: tuple[House, House], installation: Dsns
) -> None:
    assert await seen(one, houses[0].scope)
    pool = await one._opened()
    assert await pool.fetch("select * from metric_daily") == []
    assert not await pool.fetchval("select current_setting('app.tenants', true)")


async def test_reads_at_once_never_mix(installation: Dsns, houses: tuple[House, House]) -> None:
    random, reads = Random(1), Reads(installation.app, size=3)
    scopes = [scope for house in houses for scope in (house.on(0), house.on(1), house.scope)]
    asked = [random.choice(scopes) for _ in range(120)]
    answers = await asyncio.gather(*(seen(reads, scope) for scope in asked))
    assert [set(answer) for answer in answers] == [set(scope.tenant_ids) for scope in asked]
    await reads.close()


async def test_a_connection_that_the_server_ended_is_replaced(
    one: Reads, houses: tuple[House, House], installation: Dsns
) -> None:
    assert await seen(one, houses[0].on(0))
    pid = await (await one._opened()).fetchval("select pg_backend_pid()")
    other = await asyncpg.connect(installation.app)
    await other.execute("select pg_terminate_backend($1)", pid)
    await other.close()
    await asyncio.sleep(0.2)
    assert await seen(one, houses[0].on(0))
