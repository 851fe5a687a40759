"""Budgets are kept before the platform has to say so."""

import asyncio

import pytest

from shelftide_sdk import Budget
from shelftide_sdk.limits import MemoryLimiter

TEN = Budget(name="calls", calls=10, seconds=5)


class Time:
    """Seconds that pass by sleeping."""

    def __init__(self) -> None:
        self.at = 100.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds


@pytest.fixture
def time() -> Time:
    return Time()


async def spend(limiter: MemoryLimiter, count: int, key: str = "a", cost: float = 1.0, budget: Budget = TEN) -> None:
    for _ in range(count):
        await limiter.acquire(budget, key, cost)


async def test_a_full_bucket_is_spent_without_waiting(time: Time) -> None:
    await spend(MemoryLimiter(time, time.sleep), 10)
    assert time.slept == []


async def test_the_next_call_waits_for_its_share(time: Time) -> None:
    await spend(MemoryLimiter(time, time.sleep), 11)
    assert time.slept == [pytest.approx(0.5)]


async def test_a_long_run_keeps_the_rate(time: Time) -> None:
    await spend(MemoryLimiter(time, time.sleep), 110)
    assert time.at - 100.0 == pytest.approx(50.0)


async def test_an_idle_bucket_never_holds_more_than_its_size(time: Time) -> None:
    limiter = MemoryLimiter(time, time.sleep)
    time.at += 3600
    await spend(limiter, 11)
    assert time.slept == [pytest.approx(0.5)]


async def test_connections_and_budgets_do_not_share(time: Time) -> None:
    limiter = MemoryLimiter(time, time.sleep)
    await spend(limiter, 10, "a")
    await spend(limiter, 10, "b")
    await spend(limiter, 10, "a", budget=Budget(name="other", calls=10, seconds=5))
    assert time.slept == []


async def test_cost_counts(time: Time) -> None:
    await spend(MemoryLimiter(time, time.sleep), 2, cost=10)
    assert time.slept == [pytest.approx(5.0)]


async def test_callers_at_the_same_time_queue_up(time: Time) -> None:
    limiter = MemoryLimiter(time, lambda seconds: _note(time, seconds))
    await asyncio.gather(*(limiter.acquire(TEN, "a", 1.0) for _ in range(13)))
    assert time.slept == [pytest.approx(0.5), pytest.approx(1.0), pytest.approx(1.5)]


async def _note(time: Time, seconds: float) -> None:
    time.slept.append(seconds)
