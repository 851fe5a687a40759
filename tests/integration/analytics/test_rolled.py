"""The roll-up answers questions as the facts do, only where it holds the answer, and never stands in a reader's way."""

import asyncio
from datetime import date, timedelta
from decimal import Decimal
from random import Random

import msgspec
import pytest
from sqlalchemy import text
from tests.integration.analytics.oracle import DAYS, START, Book
from tests.integration.analytics.test_rollup import Bench, bench

from shelftide.analytics.metrics.answer import Answer
from shelftide.analytics.metrics.ask import ask
from shelftide.analytics.metrics.catalogue import catalogue
from shelftide.analytics.metrics.query import Compare, Filter, Grain, Query
from shelftide.analytics.metrics.rolled import RollUp, cells
from shelftide.analytics.money import StoredRate, StoredRates
from shelftide.analytics.rates import load_rates
from shelftide.core.errors import InvalidInputError
from shelftide.store.repositories.connections import save_stream
from shelftide.store.repositories.rates import save_rates
from shelftide.store.repositories.rollup import read_points, read_sku_sales, replace_days
from shelftide.store.unit_of_work import SystemUnitOfWork, UnitOfWork
from shelftide_sdk import Money
from shelftide_sdk.records import AdDay, AdLevel, Record
from tests.conftest import make_connection

__all__ = ["bench"]
FIRST = START.date()
UNTIL = FIRST + timedelta(days=DAYS)
on_postgres = pytest.mark.parametrize("bench", ["postgres"], indirect=True)  # the engines are compared above


@pytest.fixture
async def busy(bench: Bench) -> Bench:
    """A brand whose facts were edited again and again, rolled up in between and at the end."""
    book = Book(23)
    for step in range(4):
        bench.now = START + timedelta(days=100, hours=step)
        await bench.write(book.edit(bench.now, 200))
        await bench.roll_up()
    return bench


async def both(bench: Bench, query: Query) -> tuple[Answer, Answer]:
    """The answer of the facts alone, and that of roll-up and facts."""

    async def rates(_: frozenset[str]) -> StoredRates:
        days = [FIRST + timedelta(days=n) for n in range(-80, DAYS)]
        return StoredRates(
            StoredRate(source="s", base="EUR", quote=quote, day=day, rate=Decimal(n))
            for day in days
            for n, quote in ((2, "USD"), (33, "TWD"))
        )

    roll_up = RollUp(lambda: UnitOfWork(bench.database, bench.house.on()))
    facts = await ask(catalogue(), query, bench.warehouse, rates)
    return facts, await ask(catalogue(), query, bench.warehouse, rates, roll_up)


def random_query(random: Random) -> Query:
    """Any question that the roll-up might answer, wholly or in part."""
    able = sorted(catalogue().metrics)
    since = FIRST + timedelta(days=random.randrange(DAYS - 1))
    return Query(
        metrics=tuple(random.sample(able, random.randint(1, 6))),
        since=since,
        until=since + timedelta(days=random.randrange(45)),
        dimensions=tuple(random.sample(["platform", "connection"], random.randint(0, 2))),
        grain=random.choice(list(Grain)),
        compare=random.choice([Compare.NONE, Compare.PREVIOUS]),
        filters=random.choice([(), (Filter("platform", ("test", None)),), (Filter("platform", ("test",), True),)]),
        currency=random.choice([None, "EUR", "USD"]),
        top=random.choice([None, None, 1]),
        week_starts=random.choice([0, 6]),
    )


async def prove(bench: Bench, queries: int, seed: int) -> tuple[int, int]:
    """How many answers were the roll-up's, in full or in part, and how many values they held."""
    random, rolled, values = Random(seed), 0, 0
    for _ in range(queries):
        query = random_query(random)
        try:
            facts, answer = await both(bench, query)
        except InvalidInputError:  # money of several currencies has no order
            continue
        assert msgspec.structs.replace(answer, rolled=False) == facts, query
        rolled += answer.rolled
        values += sum(value.value is not None for row in answer.rows for value in row.values)
    return rolled, values


async def test_the_roll_up_answers_as_the_facts_do(busy: Bench) -> None:
    rolled, values = await prove(busy, 16, seed=1)
    assert rolled > 6
    assert values > 60


@on_postgres
async def test_a_day_of_which_nothing_is_known_is_told_as_such(bench: Bench) -> None:
    days: list[Record] = [
        AdDay(level=AdLevel.AD, entity_id="1", day=FIRST + timedelta(days=n), window="default", zone="UTC",
              account_id="a", clicks=n or None, spend=Money(Decimal(n), "EUR") if n else None)
        for n in range(2)
    ]  # fmt: skip
    await bench.write(days)
    await bench.roll_up()
    for metrics in (("video_views",), ("ad_cost",), ("link_clicks", "ad_cost")):
        facts, answer = await both(bench, Query(metrics=metrics, grain=Grain.DAY, since=FIRST, until=UNTIL))
        assert answer.rolled
        assert msgspec.structs.replace(answer, rolled=False) == facts, metrics
        assert FIRST in [row.period.since for row in answer.rows]
        assert [value.value for value in answer.rows[0].values if value.reason] != []


@on_postgres
async def test_pages_show_what_the_facts_say_where_orders_and_a_files_sales_share_days(busy: Bench) -> None:
    query = Query(metrics=("units", "revenue"), grain=Grain.DAY, since=FIRST, until=UNTIL)
    facts, _ = await both(busy, query)
    told = {
        (value.metric, row.period.since, value.currency): value.value
        for row in facts.rows
        for value in row.values
        if value.rows
    }
    async with UnitOfWork(busy.database, busy.house.on()) as uow:
        points = await read_points(uow.reads, uow.scope, metrics=["units", "revenue"], since=FIRST, until=UNTIL)
        sold = await read_sku_sales(uow, since=FIRST, until=UNTIL)
    assert {(p.metric, p.day, p.currency): p.value for p in points} == told
    assert sum(row.units for row in sold) == sum(value for key, value in told.items() if key[0] == "units" and value)


@on_postgres
async def test_each_cell_of_the_facts_that_were_written_holds_something(busy: Bench) -> None:
    async with UnitOfWork(busy.database, busy.house.on()) as uow:
        rows = await uow.connection.execute(text("select distinct metric from metric_daily where metric like '%.%'"))
        held = {row[0] for row in rows}
    told = {"orders", "order_lines", "refunds", "sales_days", "ad_days"}
    wanted = {cell.name for name, some in cells().items() if name in told for cell in some}
    unwritten = {name for name in wanted if "video_views" in name or "discount" in name or "returned" in name}
    assert wanted - held <= unwritten | {"refunds.quantity"}
    assert len(held) > 15


@on_postgres
async def test_what_the_roll_up_does_not_hold_is_asked_of_the_facts(busy: Bench) -> None:
    query = Query(metrics=("units",), since=FIRST, until=UNTIL)
    assert (await both(busy, query))[1].rolled
    for changes in (
        {"dimensions": ("sku",)},
        {"filters": (Filter("sku", ("A",)),)},
        {"as_of": START + timedelta(days=100, hours=1, minutes=30)},
        {"metrics": ("followers",)},
        {"metrics": ("contribution_margin",)},
    ):
        facts, answer = await both(busy, msgspec.structs.replace(query, **changes))
        # A margin rests on revenue, which is rolled up, and on today's costs, which are not.
        assert answer.rolled is (changes.get("metrics") == ("contribution_margin",)), changes
        assert msgspec.structs.replace(answer, rolled=False) == facts, changes


@on_postgres
async def test_a_connection_that_was_written_and_not_rolled_up_yet_sends_all_questions_to_the_facts(
    busy: Bench,
) -> None:
    other = await make_connection(busy.database, busy.house.on(), account="other.example")
    async with UnitOfWork(busy.database, busy.house.on()) as uow:
        await save_stream(uow, other, "orders", {"rows_written": 1})
        await uow.commit()
    first, busy.connection_id = busy.connection_id, other
    busy.now += timedelta(days=1)
    await busy.write(Book(4).edit(busy.now, 40))
    query = Query(metrics=("units", "revenue"), dimensions=("connection",), since=FIRST, until=UNTIL)
    facts, answer = await both(busy, query)
    assert not answer.rolled
    assert answer == facts
    await busy.roll_up()
    facts, answer = await both(busy, query)
    assert answer.rolled
    assert {row.dimensions["connection"] for row in answer.rows} == {str(first), str(other)}
    assert msgspec.structs.replace(answer, rolled=False) == facts


@on_postgres
async def test_a_roll_up_of_another_edition_is_not_believed_and_made_anew(busy: Bench) -> None:
    assert await busy.roll_up() == 0
    async with UnitOfWork(busy.database, busy.house.on()) as uow:
        await uow.connection.execute(text("update rollups set edition = edition - 1"))
        await uow.connection.execute(text("update metric_daily set value = 7 where metric = 'order_lines.quantity'"))
        await uow.commit()
    query = Query(metrics=("units",), grain=Grain.DAY, since=FIRST, until=UNTIL)
    facts, answer = await both(busy, query)
    assert not answer.rolled
    assert answer == facts
    assert await busy.roll_up() > 20
    facts, answer = await both(busy, query)
    assert answer.rolled
    assert msgspec.structs.replace(answer, rolled=False) == facts


@on_postgres
async def test_whoever_reads_during_a_backfill_of_a_year_sees_the_old_days_and_does_not_wait(busy: Bench) -> None:
    year = [date(2026, 1, 1) + timedelta(days=n) for n in range(365)]
    rows = [{"metric": "units", "day": day, "currency": "", "value": Decimal(9), "rows": 1} for day in year]

    async def units() -> Decimal:
        async with UnitOfWork(busy.database, busy.house.on()) as uow:
            points = await read_points(uow.reads, uow.scope, metrics=["units"], since=year[0], until=year[-1])
        return sum((point.value for point in points), Decimal(0))

    before = await units()
    async with UnitOfWork(busy.database, busy.house.on()) as uow:
        await replace_days(uow, busy.connection_id, {"OrderLine": year}, rows, [], platform="test")
        assert await asyncio.wait_for(units(), 5) == before != 0
        await uow.commit()
    assert await units() == 9 * 365


@on_postgres
async def test_shared_rates_are_loaded_for_the_currencies_of_the_question_alone(bench: Bench) -> None:
    async with SystemUnitOfWork(bench.database, reason="rates are no tenant's") as gate:
        rows = [
            {"source": "t", "base": "EUR", "quote": quote, "day": FIRST, "rate": Decimal(2)}
            for quote in ("USD", "TWD", "SEK")
        ]
        await save_rates(gate, rows)
        await gate.commit()
    async with UnitOfWork(bench.database, bench.house.on()) as uow:
        rates = await load_rates(uow, bench.warehouse, since=FIRST, until=FIRST, currencies={"USD", "TWD"})
    assert rates.rate("USD", "TWD", FIRST) is not None
    assert rates.why("SEK", "EUR", FIRST) == "no source has a rate of SEK"
