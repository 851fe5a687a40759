"""What goes on by itself: made with a connection, due by its promise, quiet where a person is needed, gone with it."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, ClassVar, cast
from uuid import UUID

import msgspec
import pytest
from sqlalchemy import select, update

from shelftide.ingest.registry import load_plugins
from shelftide.jobs.job import JobContext
from shelftide.jobs.maintain import maintain
from shelftide.jobs.schedule import start_due
from shelftide.jobs.standing import hours_of, stand
from shelftide.jobs.sync_connection import sync_connection
from shelftide.store.database import Database
from shelftide.store.models import runs, schedules
from shelftide.store.repositories.connections import detach_connection, set_health
from shelftide.store.repositories.runs import Claim
from shelftide.store.unit_of_work import SystemUnitOfWork, UnitOfWork
from shelftide_sdk import Connector, Stream
from shelftide_sdk.records import Order
from tests.conftest import House, MakeHouse, make_connection


async def standing(database: Database, house: House) -> list[Any]:
    async with UnitOfWork(database, house.on()) as uow:
        return list((await uow.connection.execute(select(schedules).order_by(schedules.c.job))).mappings())


async def make_standing(database: Database, house: House, account: str = "a") -> UUID:
    connection_id = await make_connection(database, house.on(), account, connector="shopify")
    for _ in range(2):
        async with UnitOfWork(database, house.on()) as uow:
            await stand(uow, load_plugins(), connection_id)
            await uow.commit()
    return connection_id


async def queued(database: Database, house: House) -> list[tuple[str, str]]:
    async with UnitOfWork(database, house.on()) as uow:
        found = await uow.connection.execute(select(runs.c.job, runs.c.lane).order_by(runs.c.job))
    return [(row.job, row.lane) for row in found]


async def make_due(database: Database, job: str) -> None:
    async with SystemUnitOfWork(database, reason="test") as uow:
        past = datetime.now(UTC) - timedelta(minutes=1)
        await uow.connection.execute(update(schedules).where(schedules.c.job == job).values(next_at=past))
        await start_due(uow, datetime.now(UTC))
        await uow.commit()


@pytest.mark.parametrize(
    ("promise", "hours"),
    [(timedelta(hours=1), "*"), (timedelta(hours=6), "*/3"), (timedelta(days=1), "*/6"), (timedelta(days=3), "*/12")],
)
def test_the_tightest_promise_says_how_often_a_connector_is_read(promise: timedelta, hours: str) -> None:
    class Promised(Connector):
        streams: ClassVar[tuple[Stream, ...]] = (
            Stream("slow", Order, promise=timedelta(days=30)),
            Stream("tight", Order, promise=promise),
        )

        async def check(self, ctx: Any) -> Any:
            raise NotImplementedError

        def read(self, ctx: Any, stream: Any, cursor: Any) -> Any:
            raise NotImplementedError

    assert hours_of(Promised) == hours


async def test_a_connection_stands_once_and_its_brand_with_it(database: Database, make_house: MakeHouse) -> None:
    house = await make_house(2)
    connection_id = await make_standing(database, house)
    await make_standing(database, house, "b")
    found = await standing(database, house)
    jobs = Counter(row["job"] for row in found)
    brand = {"reconcile.run": 1, "warehouse.maintain": 1, "alerts.watch": 1}
    assert jobs == {"sync.run": 2, "webhooks.keep": 2, **brand}
    assert all(timedelta(0) < row["next_at"] - datetime.now(UTC) <= timedelta(days=1, hours=1) for row in found)
    async with UnitOfWork(database, house.on()) as uow:
        await detach_connection(uow, connection_id)
        await uow.commit()
    left = await standing(database, house)
    assert Counter(row["job"] for row in left) == {"sync.run": 1, "webhooks.keep": 1, **brand}
    assert str(connection_id) not in str([row["arguments"] for row in left])


async def test_what_is_due_is_queued_once_in_its_lane(database: Database, make_house: MakeHouse) -> None:
    house = await make_house(1)
    connection_id = await make_standing(database, house)
    for _ in range(2):
        await make_due(database, "sync.run")
        await make_due(database, "warehouse.maintain")
    assert await queued(database, house) == [
        ("sync.run", str(connection_id)),
        ("warehouse.maintain", "warehouse.maintain"),
    ]
    assert all(row["next_at"] > datetime.now(UTC) for row in await standing(database, house))


class Context:
    """A run of the house's brand; what it ends with is kept."""

    def __init__(self, database: Database, house: House, **services: Any) -> None:
        claim = cast(Claim, SimpleNamespace(agency_id=house.agency_id, tenant_id=house.tenant_ids[0], subject_id=None))
        self.context = JobContext(SimpleNamespace(database=database, **services), claim)
        self.results: list[Any] = []
        self.context.finish = self._finish  # type: ignore[method-assign]  # no run's row stands behind it

    async def _finish(self, uow: UnitOfWork, result: Any) -> None:
        self.results.append(result)


@pytest.mark.parametrize("state", ["paused", "reconnect"])
async def test_the_clock_leaves_alone_what_needs_a_person(
    database: Database, make_house: MakeHouse, state: str
) -> None:
    house = await make_house(1)
    connection_id = await make_standing(database, house)
    async with UnitOfWork(database, house.on()) as uow:
        await set_health(uow, connection_id, state=state, reason="test", step="")
        await uow.commit()
    run = Context(database, house)  # without a registry: reading would end in an error
    assert await sync_connection.work(run.context, connection_id=str(connection_id), scheduled=1) == {"skipped": state}
    assert run.results == [{"skipped": state}]
    with pytest.raises(AttributeError):
        await sync_connection.work(run.context, connection_id=str(connection_id))


async def test_upkeep_touches_only_what_there_is(database: Database, make_house: MakeHouse) -> None:
    house = await make_house(1)
    kept: list[UUID] = []

    class Warehouse(msgspec.Struct):
        known: bool

        async def exists(self) -> bool:
            return self.known

        async def maintain(self) -> None:
            kept.append(house.tenant_ids[0])

    for known in (False, True):
        warehouses = SimpleNamespace(of=lambda _, known=known: Warehouse(known))
        run = Context(database, house, warehouses=warehouses)
        found = await maintain.work(run.context, tenant_id=str(house.tenant_ids[0]))
        assert found is not None
        assert found["kept"] is known
    assert kept == [house.tenant_ids[0]]
