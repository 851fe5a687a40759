"""Budgets are kept before the platform has to say so."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shelftide_sdk import Budget
from shelftide_sdk.limits import MemoryLimiter, Spent, hold
from shelftide_sdk.limits import spend as take

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


async def test_a_whole_budget_is_spent_without_waiting(time: Time) -> None:
    await spend(MemoryLimiter(time, time.sleep), 10)
    assert time.slept == []


async def test_the_next_call_waits_until_the_first_ones_are_out_of_the_window(time: Time) -> None:
    await spend(MemoryLimiter(time, time.sleep), 11)
    assert 5.0 <= time.at - 100.0 <= 5.5


async def test_connections_and_budgets_do_not_share(time: Time) -> None:
    limiter = MemoryLimiter(time, time.sleep)
    await spend(limiter, 10, "a")
    await spend(limiter, 10, "b")
    await spend(limiter, 10, "a", budget=Budget(name="other", calls=10, seconds=5))
    assert time.slept == []


async def test_cost_counts(time: Time) -> None:
    await spend(MemoryLimiter(time, time.sleep), 2, cost=10)
    assert 5.0 <= time.at - 100.0 <= 5.5


async def test_a_cost_above_the_whole_budget_passes_alone(time: Time) -> None:
    limiter = MemoryLimiter(time, time.sleep)
    await spend(limiter, 1, cost=25)
    assert time.slept == []
    await spend(limiter, 1)
    assert 5.0 <= time.at - 100.0 <= 5.5


async def test_nothing_passes_before_the_platform_said(time: Time) -> None:
    limiter = MemoryLimiter(time, time.sleep)
    await limiter.hold(TEN, "a", 42.0)
    await limiter.hold(TEN, "a", 3.0)
    await spend(limiter, 1, "b")
    assert time.at == 100.0
    await spend(limiter, 1, "a")
    assert time.at == pytest.approx(142.0)


def test_history_leaves_a_share_to_today() -> None:
    budget = Budget(name="calls", calls=100, seconds=60)
    spent, taken = Spent(), 0
    for _ in range(100):
        spent, wait = take(budget, spent, 1000.0, 1.0, backfill=True)
        taken += not wait
    assert taken == 75
    for _ in range(25):
        spent, wait = take(budget, spent, 1000.0, 1.0)
        assert wait == 0
    assert take(budget, spent, 1000.0, 1.0)[1] >= 60.0


def test_history_is_read_where_the_budget_is_one_call() -> None:
    assert take(Budget(name="one", calls=1, seconds=60), Spent(), 1000.0, 1.0, backfill=True)[1] == 0


calls = st.lists(st.tuples(st.floats(0, 3), st.floats(0.5, 4), st.booleans()), min_size=1, max_size=120)


@given(calls=calls, limit=st.integers(1, 20), seconds=st.sampled_from([0.7, 1.0, 5.0, 60.0]))
def test_no_window_holds_more_than_the_budget(
    calls: list[tuple[float, float, bool]], limit: int, seconds: float
) -> None:
    budget = Budget(name="calls", calls=limit, seconds=seconds)
    now, spent, passed = 1_790_000_000.0, Spent(), list[tuple[float, float]]()
    for pause, cost, backfill in calls:
        now += pause
        while True:
            spent, wait = take(budget, spent, now, cost, backfill=backfill)
            if not wait:
                break
            assert wait <= seconds * 1.1 + 1e-3
            now += wait
        passed.append((now, cost))
    for start, own in passed:
        inside = sum(cost for at, cost in passed if start <= at < start + seconds)
        assert inside <= max(limit, own) + 1e-6


def test_a_leaking_bucket_refills_all_the_time() -> None:
    budget = Budget(name="points", calls=2000, seconds=20, leaky=True)
    spent, wait = Spent(), 0.0
    for _ in range(40):
        spent, wait = take(budget, spent, 100.0, 50.0)
        assert wait == 0.0
    same, wait = take(budget, spent, 100.0, 50.0)
    assert same == spent
    assert wait == pytest.approx(0.5)
    spent, wait = take(budget, spent, 100.5, 50.0)
    assert (wait, spent.level, spent.level_at) == (0.0, 2000.0, 100.5)
    assert take(budget, spent, 1000.0, 2000.0)[1] == 0.0


def test_a_cost_above_the_bucket_waits_until_it_is_empty() -> None:
    budget = Budget(name="points", calls=100, seconds=10, leaky=True)
    spent, _ = take(budget, Spent(), 0.0, 50.0)
    assert take(budget, spent, 1.0, 500.0)[1] == pytest.approx(4.0)
    assert take(budget, spent, 5.0, 500.0)[1] == 0.0


def test_history_leaves_a_quarter_of_a_bucket_and_a_hold_keeps_its_level() -> None:
    budget = Budget(name="points", calls=100, seconds=10, leaky=True)
    spent, _ = take(budget, Spent(), 0.0, 70.0, backfill=True)
    assert take(budget, spent, 0.0, 10.0, backfill=True)[1] == pytest.approx(0.5)
    held = hold(take(budget, spent, 0.0, 30.0)[0], 3.0)
    assert (held.level, take(budget, held, 1.0, 1.0)[1]) == (100.0, 2.0)


def test_a_clock_that_went_back_refills_nothing() -> None:
    budget = Budget(name="points", calls=100, seconds=10, leaky=True)
    spent, _ = take(budget, Spent(), 50.0, 100.0)
    assert take(budget, spent, 40.0, 10.0)[1] == pytest.approx(1.0)


def test_a_limit_by_what_a_shop_pays_for() -> None:
    budget = Budget(name="points", calls=2000, seconds=20, setting="plan", factors={"basic": 1, "plus": 10})
    basic, plus = budget.of({"plan": "Basic"}), budget.of({"plan": "Plus"})
    assert basic is not None
    assert plus is not None
    assert (basic.calls, plus.calls, plus.seconds) == (2000, 20_000, 20)
    assert budget.of({"plan": "Agentic"}) is None
    assert budget.of({}) is None
    always = Budget(name="all", calls=1, seconds=1)
    assert always.of({}) is always
