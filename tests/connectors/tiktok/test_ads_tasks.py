"""Long stretches of the past by asynchronous reports: the same figures, found again after a crash, checked by sum."""

import json
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from tests.connectors.tiktok.bench import Bench, small_world
from tests.connectors.tiktok.test_ads import ads, shown

from shelftide_sdk.errors import ContractError, TransientError
from shelftide_sdk.records import AdDay
from shelftide_sdk.testing.world import World
from shelftide_tiktok import ads_tasks
from shelftide_tiktok.ads import TikTokAds
from shelftide_tiktok.ads_tasks import rows_of
from shelftide_tiktok.emulator_ads_facts import entity_id
from shelftide_tiktok.emulator_ads_tasks import ReportTasks

_BUDGETS = TikTokAds.info.budgets


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr("shelftide_tiktok.ads_tasks.asyncio.sleep", sleep)
    monkeypatch.setattr(TikTokAds, "info", msgspec.structs.replace(TikTokAds.info, budgets=()))
    # The small world lasts 30 days: two windows of tasks and a week to be read synchronously.
    monkeypatch.setattr(ads_tasks, "LEAST_DAYS", 10)
    monkeypatch.setattr(ads_tasks, "TASK_DAYS", 12)
    return slept


@pytest.fixture(scope="module")
def world() -> World:
    return small_world(11)


def tasks_of(bench: Bench) -> ReportTasks:
    emulator: Any = bench.emulator
    found: ReportTasks = emulator.tasks
    return found


async def synchronous(world: World, monkeypatch: pytest.MonkeyPatch) -> dict[Any, Any]:
    with monkeypatch.context() as patch:
        patch.setattr(ads_tasks, "LEAST_DAYS", 10_000)
        return dict((await ads(world).read("ad_days")).keyed())


async def test_tasks_tell_what_synchronous_reports_tell(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = ads(world)
    reading = await bench.read("ad_days")
    levels = [task.body["data_level"] for task in tasks_of(bench).made.values()]
    assert set(levels) == {"AUCTION_ADGROUP", "AUCTION_AD"}
    assert not reading.rejects
    assert dict(reading.keyed()) == await synchronous(world, monkeypatch) != {}
    days = [row.day for row in reading.of(AdDay)]
    assert reading.pages[-1].cursor == (await ads(world).read("ad_days", reading.pages[-1].cursor)).pages[-1].cursor
    assert max(days) == max(f.day for f in shown(bench, world)), "the last days are read synchronously"


async def test_a_short_stretch_is_read_synchronously(world: World) -> None:
    bench = ads(world)
    whole = await bench.read("ad_days")
    before = len(tasks_of(bench).made)
    await bench.read("ad_days", whole.pages[-1].cursor)
    assert len(tasks_of(bench).made) == before


async def test_a_crash_while_waiting_finds_the_same_tasks_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = ads(world)
    crashed = await bench.read("ad_days", crash_after=1)
    made = set(tasks_of(bench).made)
    saved = json.loads(json.dumps(crashed.pages[0].cursor))
    rest = await bench.read("ad_days", saved)
    again = [t for t in tasks_of(bench).made.values() if t.id not in made and t.body["start_date"] in str(saved)]
    assert len(made) == 2
    assert not again, "the window's tasks were asked for twice"
    assert dict(rest.keyed()) == await synchronous(world, monkeypatch)


@pytest.mark.parametrize("state", ["FAILED", "CANCELED"])
async def test_a_task_that_fails_is_named_and_asked_for_anew_by_the_next_read(
    state: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = ads(world)
    crashed = await bench.read("ad_days", crash_after=1)
    for task in tasks_of(bench).made.values():
        task.state = state
    healed = await bench.read("ad_days", crashed.pages[0].cursor)
    assert dict(healed.keyed()) == await synchronous(world, monkeypatch)
    create = ReportTasks.create

    def failing(self: ReportTasks, body: Any, opened: Any) -> Any:
        found = create(self, body, opened)
        self.made[found["task_id"]].state = state
        return found

    monkeypatch.setattr(ReportTasks, "create", failing)
    with pytest.raises(TransientError, match=state):
        await ads(world).read("ad_days")


async def test_a_task_that_the_platform_forgot_is_asked_for_anew(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = ads(world)
    crashed = await bench.read("ad_days", crash_after=1)
    tasks_of(bench).made.clear()
    healed = await bench.read("ad_days", crashed.pages[0].cursor)
    assert dict(healed.keyed()) == await synchronous(world, monkeypatch)


async def test_a_task_that_does_not_end_is_left_to_the_next_read(
    world: World, monkeypatch: pytest.MonkeyPatch, no_waiting: list[float]
) -> None:
    monkeypatch.setattr("shelftide_tiktok.emulator_ads_tasks._STATES", ("QUEUING", "PROCESSING"))
    with pytest.raises(TransientError, match="two hours"):
        await ads(world).read("ad_days")
    assert 7200 <= sum(no_waiting) < 7300
    assert max(no_waiting) == 60


async def test_a_state_that_nobody_knows_is_the_authors_business(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shelftide_tiktok.emulator_ads_tasks._STATES", ("PAUSED",))
    with pytest.raises(ContractError, match="PAUSED"):
        await ads(world).read("ad_days")


async def test_an_app_that_may_not_ask_for_tasks_reads_synchronously(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = ads(world)
    tasks_of(bench).allowed = False
    reading = await bench.read("ad_days")
    assert dict(reading.keyed()) == await synchronous(world, monkeypatch)


async def test_tasks_without_deleted_ads_do_not_add_up_and_are_not_believed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = ads(world)
    gone = next(figures.ad_key for figures in shown(bench, world) if figures.spend > 1)
    monkeypatch.setattr("shelftide_tiktok.emulator_ads.is_deleted", lambda entity: entity.key == gone)
    tasks_of(bench).with_deleted = False
    reading = await bench.read("ad_days")
    assert entity_id(gone) in {row.entity_id for row in reading.of(AdDay)}
    assert dict(reading.keyed()) == await synchronous(world, monkeypatch)


async def test_fewer_calls_than_synchronous_reports(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shelftide_tiktok.ads.PAGE_SIZE", 2)
    calls = []
    for least in (10, 10_000):
        monkeypatch.setattr(ads_tasks, "LEAST_DAYS", least)
        bench = ads(world)
        await bench.read("ad_days")
        calls.append(len(bench.paths()))
    assert calls[0] * 3 < calls[1] * 2, calls


def test_a_new_task_is_asked_for_once_a_second() -> None:
    budgets = [b for b in _BUDGETS if b.endpoints == "/open_api/v1.3/report/task/create/"]
    assert {(b.calls, b.seconds, b.scope) for b in budgets} == {(1, 1, "app"), (500, 3600, "app+account")}


def test_a_file_is_read_by_its_heading() -> None:
    text = "\ufeffspend,ad_id,stat_time_day,extra\r\n1.50,17,2026-06-01 00:00:00,x\r\n"
    rows, rejects = rows_of(text.encode(), ["ad_id", "stat_time_day"], ["spend"])
    assert rows == [
        {"dimensions": {"ad_id": "17", "stat_time_day": "2026-06-01 00:00:00"}, "metrics": {"spend": "1.50"}}
    ]
    assert rejects == []
    assert rows_of(b"ad_id,spend\n", ["ad_id"], ["spend"]) == ([], [])


def test_a_line_of_another_width_is_rejected_and_a_cut_file_refused() -> None:
    good = "ad_id,spend\r\n1,2\r\n"
    rows, rejects = rows_of(f"{good}3\r\n4,5\r\n".encode(), ["ad_id"], ["spend"])
    assert [row["dimensions"]["ad_id"] for row in rows] == ["1", "4"]
    assert "1 cells under 2" in rejects[0].reason
    for cut in (f"{good}3", f'{good}"3', "ad_id,spend\r\n\udcff"):
        with pytest.raises(TransientError):
            rows_of(cut.encode("utf-8", "surrogateescape"), ["ad_id"], ["spend"])
    for other in ("", "Ad ID,Cost\r\n1,2\r\n", "<html>", "ad_id,ad_id,spend\r\n"):
        with pytest.raises(ContractError, match="no column"):
            rows_of(other.encode(), ["ad_id"], ["spend"])


def test_sums_agree_within_a_cent_a_row() -> None:
    day = date(2026, 6, 1)
    whole = {day: (Decimal("10.00"), 1)}
    assert ads_tasks.adds_up({day: (Decimal("10.03"), 3)}, whole)
    assert not ads_tasks.adds_up({day: (Decimal("10.04"), 3)}, whole)
    assert not ads_tasks.adds_up({}, whole)
    assert not ads_tasks.adds_up(whole, {})
