"""Durable runs: the table is the truth. Claims, fences, leases, fairness, retries."""

import asyncio
from collections import Counter
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text, update

from shelftide.core.clock import SystemClock
from shelftide.jobs.job import Job, JobContext, Queue
from shelftide.jobs.runs import Policy, Runner, Sweeper
from shelftide.store.database import Database
from shelftide.store.models import run_attempts, runs
from shelftide.store.repositories import runs as table
from shelftide.store.repositories.runs import LeaseLostError
from shelftide.store.unit_of_work import SystemUnitOfWork, UnitOfWork
from shelftide_sdk import AuthorizationError, RateLimitedError, TransientError
from tests.conftest import House, MakeHouse

LEASE = timedelta(seconds=2)
QUEUE = ["test"]


@pytest.fixture(autouse=True)
async def empty(database: Database) -> None:
    """Claims look at all tenants; other tests' runs would be claimed too."""
    async with SystemUnitOfWork(database, reason="test") as uow:
        await uow.connection.execute(text("delete from runs"))
        await uow.commit()


async def queue(database: Database, house: House, *, index: int = 0, **options: Any) -> UUID:
    values: dict[str, Any] = {"job": "test.work", "queue": "test", "arguments": {}, "max_attempts": 3, **options}
    async with UnitOfWork(database, house.on(index)) as uow:
        found = await table.enqueue(uow, **values)
        await uow.commit()
    return found


async def claim(database: Database, *, cap: int = 4, lease: timedelta = LEASE) -> table.Claim | None:
    async with SystemUnitOfWork(database, reason="test") as uow:
        found = await table.claim(uow, queues=QUEUE, worker="w", lease=lease, tenant_cap=cap)
        await uow.commit()
    return found


async def state(database: Database, run_id: UUID) -> Any:
    async with SystemUnitOfWork(database, reason="test") as uow:
        return (await uow.connection.execute(select(runs).where(runs.c.run_id == run_id))).mappings().one()


async def expire(database: Database, run_id: UUID) -> None:
    async with SystemUnitOfWork(database, reason="test") as uow:
        await uow.connection.execute(
            update(runs).where(runs.c.run_id == run_id).values(lease_until=text("now() - interval '1 second'"))
        )
        await uow.commit()


def runner(database: Database, work: Any, **options: Any) -> Runner:
    job = Job(
        name="test.work",
        queue=Queue.INGEST,
        max_attempts=3,
        time_limit=options.pop("limit", timedelta(seconds=20)),
        work=work,
    )
    services = SimpleNamespace(database=database, clock=SystemClock())
    return Runner(services, worker="w", policy=Policy(lease=LEASE, **options), jobs={"test.work": job})


async def test_a_run_is_claimed_once_by_many_workers(database: Database, make_house: MakeHouse) -> None:
    house = await make_house(1)
    await queue(database, house)
    found = await asyncio.gather(*(claim(database) for _ in range(8)))
    assert sum(item is not None for item in found) == 1


async def test_a_rolled_back_enqueue_leaves_no_run(database: Database, make_house: MakeHouse) -> None:
    house = await make_house(1)
    async with UnitOfWork(database, house.on()) as uow:
        await table.enqueue(uow, job="test.work", queue="test", arguments={}, max_attempts=1)
    assert await claim(database) is None


async def test_each_claim_raises_the_fence(database: Database, make_house: MakeHouse) -> None:
    house = await make_house(1)
    run_id = await queue(database, house)
    first = await claim(database)
    await expire(database, run_id)
    async with SystemUnitOfWork(database, reason="test") as uow:
        assert await table.take_back_expired(uow) == 1
        await uow.commit()
    second = await claim(database)
    assert first is not None
    assert second is not None
    assert second.fence > first.fence


async def test_a_frozen_worker_can_say_nothing_after_its_lease(database: Database, make_house: MakeHouse) -> None:
    house = await make_house(1)
    run_id = await queue(database, house)
    zombie = await claim(database)
    assert zombie is not None
    await expire(database, run_id)
    async with SystemUnitOfWork(database, reason="test") as uow:
        await table.take_back_expired(uow)
        await uow.commit()
    fresh = await claim(database)
    assert fresh is not None
    async with UnitOfWork(database, house.on()) as uow:
        with pytest.raises(LeaseLostError):
            await table.complete(uow, zombie, {"who": "zombie"})
        with pytest.raises(LeaseLostError):
            await table.guard(uow, zombie)
        with pytest.raises(LeaseLostError):
            await table.save_progress(uow, zombie, {})
    async with SystemUnitOfWork(database, reason="test") as uow:
        with pytest.raises(LeaseLostError):
            await table.renew(uow, zombie, lease=LEASE)
        with pytest.raises(LeaseLostError):
            await table.fail(uow, zombie, code="x", message="x", retry_at=None, final=True)
    async with UnitOfWork(database, house.on()) as uow:
        await table.complete(uow, fresh, {"who": "fresh"})
        await uow.commit()
    assert (await state(database, run_id))["result"] == {"who": "fresh"}


async def test_effect_and_completion_commit_together(database: Database, make_house: MakeHouse) -> None:
    house = await make_house(1)
    run_id = await queue(database, house)
    claimed = await claim(database)
    assert claimed is not None
    async with UnitOfWork(database, house.on()) as uow:
        await table.complete(uow, claimed, {})
    assert (await state(database, run_id))["state"] == "running"


async def test_small_brands_start_before_a_greedy_one(database: Database, make_house: MakeHouse) -> None:
    greedy, small = await make_house(1), await make_house(20)
    async with UnitOfWork(database, greedy.on()) as uow:
        await uow.connection.execute(
            text(
                "insert into runs (tenant_id, run_id, agency_id, job, queue, max_attempts) "
                "select :tenant, gen_random_uuid(), :agency, 'test.work', 'test', 3 from generate_series(1, 10000)"
            ),
            {"tenant": greedy.tenant_ids[0], "agency": greedy.agency_id},
        )
        await uow.commit()
    for index in range(20):
        for _ in range(5):
            await queue(database, small, index=index)
    started: Counter[UUID] = Counter()
    claims = 0
    while sum(count for tenant, count in started.items() if tenant != greedy.tenant_ids[0]) < 100:
        found = await claim(database, cap=100)
        assert found is not None
        started[found.tenant_id] += 1
        claims += 1
        assert claims <= 200


async def test_a_brand_has_only_so_many_runs_at_a_time(database: Database, make_house: MakeHouse) -> None:
    house = await make_house(1)
    for _ in range(5):
        await queue(database, house)
    found = [await claim(database, cap=2) for _ in range(5)]
    assert sum(item is not None for item in found) == 2


async def test_a_lane_holds_one_run_at_a_time(database: Database, make_house: MakeHouse) -> None:
    house = await make_house(1)
    for _ in range(4):
        await queue(database, house, lane="connection")
    found = await asyncio.gather(*(claim(database, cap=10) for _ in range(4)))
    assert sum(item is not None for item in found) == 1


async def test_a_twin_that_waits_is_enough(database: Database, make_house: MakeHouse) -> None:
    house = await make_house(1)
    first = await queue(database, house, dedupe="sync:1")
    assert await queue(database, house, dedupe="sync:1") == first
    claimed = await claim(database)
    assert claimed is not None
    async with UnitOfWork(database, house.on()) as uow:
        await table.complete(uow, claimed, {})
        await uow.commit()
    assert await queue(database, house, dedupe="sync:1") != first


async def test_a_run_that_kills_its_worker_ends(database: Database, make_house: MakeHouse) -> None:
    house = await make_house(1)
    run_id = await queue(database, house, max_attempts=3)
    for _ in range(3):
        assert await claim(database) is not None
        await expire(database, run_id)
        async with SystemUnitOfWork(database, reason="test") as uow:
            await table.take_back_expired(uow)
            await uow.commit()
    assert await claim(database) is None
    found = await state(database, run_id)
    assert (found["state"], found["error_code"]) == ("failed", "worker_lost")


async def test_work_is_done_and_recorded(database: Database, make_house: MakeHouse) -> None:
    house = await make_house(1)
    run_id = await queue(database, house, arguments={"x": 2})

    async def work(ctx: JobContext, *, x: int) -> dict[str, int]:
        assert ctx.scope.tenant_id == house.tenant_ids[0]
        return {"twice": 2 * x}

    assert await runner(database, work).work_one(QUEUE)
    found = await state(database, run_id)
    assert (found["state"], found["result"]) == ("done", {"twice": 4})


@pytest.mark.parametrize(
    ("error", "expected", "code"),
    [
        (TransientError("the network"), "queued", "transient"),
        (AuthorizationError("revoked"), "failed", "authorization"),
        (ValueError("a bug"), "queued", "internal"),
    ],
)
async def test_an_error_decides_whether_it_is_tried_again(
    database: Database, make_house: MakeHouse, error: Exception, expected: str, code: str
) -> None:
    house = await make_house(1)
    run_id = await queue(database, house)

    async def work(ctx: JobContext) -> None:
        raise error

    await runner(database, work).work_one(QUEUE)
    found = await state(database, run_id)
    assert (found["state"], found["error_code"]) == (expected, code)
    if expected == "queued":
        assert found["due_at"] > found["created_at"]


async def test_a_platforms_wish_to_wait_costs_no_attempt(database: Database, make_house: MakeHouse) -> None:
    house = await make_house(1)
    run_id = await queue(database, house)

    async def work(ctx: JobContext) -> None:
        raise RateLimitedError("slow down", retry_after=timedelta(minutes=5))

    await runner(database, work).work_one(QUEUE)
    found = await state(database, run_id)
    assert (found["state"], found["attempts"]) == ("queued", 0)
    assert found["due_at"] - found["created_at"] > timedelta(minutes=4)


async def test_the_lease_is_kept_alive_while_work_goes_on(database: Database, make_house: MakeHouse) -> None:
    house = await make_house(1)
    run_id = await queue(database, house)

    async def work(ctx: JobContext) -> None:
        await asyncio.sleep(LEASE.total_seconds() * 1.6)

    async def sweep() -> int:
        await asyncio.sleep(LEASE.total_seconds() * 1.3)
        async with SystemUnitOfWork(database, reason="test") as uow:
            taken = await table.take_back_expired(uow)
            await uow.commit()
        return taken

    _, taken = await asyncio.gather(runner(database, work).work_one(QUEUE), sweep())
    assert taken == 0
    assert (await state(database, run_id))["state"] == "done"


async def test_work_stops_when_the_lease_is_lost(database: Database, make_house: MakeHouse) -> None:
    house = await make_house(1)
    run_id = await queue(database, house)
    finished = False

    async def work(ctx: JobContext) -> None:
        nonlocal finished
        async with SystemUnitOfWork(database, reason="test") as uow:
            await uow.connection.execute(update(runs).where(runs.c.run_id == run_id).values(fence=99))
            await uow.commit()
        await asyncio.sleep(5)
        finished = True

    await asyncio.wait_for(runner(database, work).work_one(QUEUE), 4)
    assert not finished


async def test_too_long_is_an_error(database: Database, make_house: MakeHouse) -> None:
    house = await make_house(1)
    run_id = await queue(database, house)

    async def work(ctx: JobContext) -> None:
        await asyncio.sleep(5)

    await runner(database, work, limit=timedelta(milliseconds=100)).work_one(QUEUE)
    assert (await state(database, run_id))["error_code"] == "timeout"


async def test_a_stopped_worker_gives_its_run_back(database: Database, make_house: MakeHouse) -> None:
    house = await make_house(1)
    run_id = await queue(database, house)
    begun = asyncio.Event()

    async def work(ctx: JobContext) -> None:
        begun.set()
        await asyncio.sleep(30)

    found = runner(database, work)
    task = asyncio.ensure_future(found.work_one(QUEUE))
    await begun.wait()
    found.stopping = True
    task.cancel()
    await asyncio.wait([task])
    row = await state(database, run_id)
    assert (row["state"], row["attempts"]) == ("queued", 0)
    async with SystemUnitOfWork(database, reason="test") as uow:
        left = (await uow.connection.execute(select(run_attempts).where(run_attempts.c.run_id == run_id))).all()
    assert left == []


async def test_a_run_whose_database_went_away_is_due_again_at_once(database: Database, make_house: MakeHouse) -> None:
    house = await make_house(1)
    run_id = await queue(database, house)

    async def work(ctx: JobContext) -> None:
        async with ctx.unit_of_work() as uow:
            await uow.connection.execute(text("select pg_terminate_backend(pg_backend_pid())"))

    assert await runner(database, work).work_one(QUEUE)
    row = await state(database, run_id)
    assert (row["state"], row["attempts"], row["error_code"]) == ("queued", 1, "internal")
    async with SystemUnitOfWork(database, reason="test") as uow:
        now = (await uow.connection.execute(text("select now()"))).scalar_one()
    assert row["due_at"] - now <= timedelta(seconds=1)


async def test_a_lost_hint_is_sent_again(database: Database, make_house: MakeHouse) -> None:
    house = await make_house(1)
    run_id = await queue(database, house)
    sent: list[UUID] = []
    unheeded: list[str] = []
    sweeper = Sweeper(
        database,
        policy=Policy(lease=LEASE, hint_again=timedelta(seconds=0.2)),
        publish=lambda _queue, found: sent.append(found),
        unheeded=unheeded.append,
    )
    await sweeper.sweep()
    await sweeper.sweep()
    assert (sent, unheeded) == ([run_id], [])
    await asyncio.sleep(0.3)
    await sweeper.sweep()
    assert (sent, unheeded) == ([run_id, run_id], ["test"])
