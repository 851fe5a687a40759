"""Reading beside the least that it can cost: a brand's dashboard, the agency's totals, a question over a lake's facts.

Usage: python -m tests.bench.run --only serving [--size FACTS] [--brands N]
The gate asks for 20 million facts of 200 brands.
"""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import asyncpg
from tests.bench import brands
from tests.bench.brands import CHANNELS, LAST, Brand, Town
from tests.bench.warehouse_upsert import Secrets
from tests.durability.processes import short_folder

from shelftide.analytics.metrics.ask import ask
from shelftide.analytics.metrics.catalogue import catalogue
from shelftide.analytics.metrics.query import Compare, Query, check, parts
from shelftide.analytics.metrics.rolled import RollUp
from shelftide.analytics.overview import METRICS, Period
from shelftide.store.database import Database
from shelftide.store.repositories.rollup import read_points
from shelftide.store.unit_of_work import UnitOfWork
from shelftide.warehouse.ducklake_engine import DuckLakeWarehouses
from shelftide.warehouse.lakes import Lakes

ROUNDS = {"dashboard": 60, "agency": 7, "lake": 40}
PERIOD = Period(LAST - timedelta(days=89), LAST)
GOALS = {
    "dashboard / bare asyncpg on the roll-up": ("at most", 1.3),
    "RLS over facts / dashboard": ("at least", 8.0),
    "Postgres facts / agency roll-up": ("at least", 15.0),
    "90 days of facts on the lake, p50 ms": ("at most", 60.0),
}
_BARE = """
select metric, day, platform, currency, sum(value) as value from metric_daily
where tenant_id = $1 and metric = any($2) and day between $3 and $4
group by metric, day, platform, currency order by metric, day, platform, currency
"""
_FACTS = """
select local_day, platform, total_currency, sum(quantity), sum(total_amount) from warehouse.order_lines
where superseded_at is null and not cancelled and local_day between $1 and $2 group by 1, 2, 3 order by 1, 2, 3
"""
_AGENCY = """
select platform, total_currency, sum(quantity) filter (where local_day >= $2), sum(total_amount) filter (where
local_day >= $2), sum(quantity) filter (where local_day < $2), sum(total_amount) filter (where local_day < $2)
from warehouse.order_lines where superseded_at is null and not cancelled and local_day between $1 and $3 group by 1, 2
"""
Way = Callable[[], Awaitable[Any]]


class Walled:
    """A connection as `app` by hand: the scope is set by the first statement of each transaction."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def fetch(self, tenants: Sequence[UUID], text: str, *values: Any) -> Any:
        """Rows of some brands."""
        async with self._connection.transaction(readonly=True):
            await self._connection.execute("select set_config('app.tenants', $1, true)", ",".join(map(str, tenants)))
            return await self._connection.fetch(text, *values)


async def rotate(ways: Mapping[str, Way], rounds: int) -> dict[str, list[float]]:
    """Seconds of each way, one after the other in every round, another one first each time."""
    names, taken = list(ways), {name: list[float]() for name in ways}
    for number in range(rounds):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            start = time.perf_counter()
            await ways[name]()
            taken[name].append(time.perf_counter() - start)
    return taken


def figures_of(taken: Mapping[str, Sequence[float]]) -> dict[str, dict[str, float]]:
    """Medians and 99th percentiles in milliseconds."""
    return {
        name: {
            "p50_ms": statistics.median(seconds) * 1e3,
            "p99_ms": sorted(seconds)[max(0, round(len(seconds) * 0.99) - 1)] * 1e3,
        }
        for name, seconds in taken.items()
    }


async def dashboard(town: Town, bare: asyncpg.Connection, app: Walled) -> dict[str, dict[str, float]]:
    """What a brand's page reads, for random brands: 90 days and the 90 before by day and channel."""
    random, since, metrics = Random(1), PERIOD.before.since, list(METRICS)
    chosen: list[Brand] = [town.brands[0]]

    async def ours() -> int:
        chosen[0] = random.choice(town.brands)
        scope = town.on(chosen[0])
        return len(await read_points(town.database.reads, scope, metrics=METRICS, since=since, until=PERIOD.until))

    async def by_hand() -> int:
        return len(await bare.fetch(_BARE, chosen[0].tenant_id, metrics, since, PERIOD.until))

    async def over_facts() -> int:
        return len(await app.fetch([chosen[0].tenant_id], _FACTS, since, PERIOD.until))

    for _ in range(5):
        told, same, days = await ours(), await by_hand(), await over_facts()
        if not told == same == 2 * days:
            raise RuntimeError(f"the ways do not agree: {told} points, {same} by hand, {days} days of facts")
    ways = {"ours": ours, "bare": by_hand, "facts": over_facts}
    return figures_of(await rotate(ways, ROUNDS["dashboard"]))


async def agency(town: Town, app: Walled) -> dict[str, dict[str, float]]:
    """Units and revenue of all brands by channel, 90 days beside the 90 before."""
    query = Query(
        metrics=("units", "revenue"), dimensions=("platform",), compare=Compare.PREVIOUS,
        since=PERIOD.since, until=PERIOD.until,
    )  # fmt: skip
    asked, before = check(catalogue(), query), query.before()
    assert before is not None
    spans = (query.span, before)

    async def ours() -> float:
        roll_up, total = RollUp(lambda: UnitOfWork(town.database, town.scope)), 0.0
        for span in spans:
            for _, rows in await roll_up.read(asked, span, parts(asked, span), cut=True):
                total += sum(float(row["units"] or 0) for row in rows if "units" in row)
        return total

    async def over_facts() -> float:
        rows = await app.fetch(town.scope.tenant_ids, _AGENCY, PERIOD.before.since, PERIOD.since, PERIOD.until)
        return sum(float(row[2]) + float(row[4]) for row in rows)

    if await ours() != await over_facts():
        raise RuntimeError("roll-up and facts do not agree")
    return figures_of(await rotate({"ours": ours, "facts": over_facts}, ROUNDS["agency"]))


async def lake(town: Town, home: Path, lines: int) -> dict[str, dict[str, float]]:
    """A question by SKU over 90 days of one brand's facts, which no roll-up holds, on its lake after a night."""
    warehouses = DuckLakeWarehouses(Lakes(town.dsns.lakes, Secrets()), home / "lakes")
    warehouse = warehouses.of(town.brands[0].tenant_id)
    await brands.write(warehouse, town.brands[0], await asyncio.to_thread(brands.lines_of, lines))
    await warehouse.maintain()
    query = Query(
        metrics=("units", "revenue"), dimensions=("sku",), order_by="units", since=PERIOD.since, until=PERIOD.until
    )

    async def ours() -> int:
        return len((await ask(catalogue(), query, warehouse)).rows)

    for _ in range(3):
        if await ours() != 50:
            raise RuntimeError("the lake does not tell of 50 SKUs")
    taken = await rotate({"ours": ours}, ROUNDS["lake"])
    await warehouses.close()
    return figures_of(taken)


async def measure_in(home: Path, facts: int, count: int) -> dict[str, Any]:
    """All of it on a server of its own."""
    async with brands.installation(home) as dsns, Database(dsns) as database:
        town = await brands.found_town(dsns, database, count)
        start = time.perf_counter()
        await brands.fill(town, facts // count)
        filled = time.perf_counter()
        rows = await brands.roll_up_all(town)
        rolled = time.perf_counter()
        # The walls do not hold `backup`.
        bare, walled = await asyncpg.connect(dsns.backup), await asyncpg.connect(dsns.app)
        app = Walled(walled)
        found: dict[str, Any] = {
            "facts": facts,
            "brands": count,
            "channels": len(CHANNELS),
            "roll_up_rows": rows,
            "seconds": {"facts": filled - start, "roll_up": rolled - filled},
            "dashboard": await dashboard(town, bare, app),
            "agency": await agency(town, app),
            "lake": await lake(town, home, facts // count),
        }
        await bare.close()
        await walled.close()
    return found | {"goals": goals_of(found)}


def goals_of(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Ratios beside their goals."""
    p50 = {(part, way): found[part][way]["p50_ms"] for part in ROUNDS for way in found[part]}
    values = (
        p50["dashboard", "ours"] / p50["dashboard", "bare"],
        p50["dashboard", "facts"] / p50["dashboard", "ours"],
        p50["agency", "facts"] / p50["agency", "ours"],
        p50["lake", "ours"],
    )
    return [
        {
            "name": f"{name}, {side}",
            "value": value,
            "goal": goal,
            "met": value <= goal if side == "at most" else value >= goal,
        }
        for (name, (side, goal)), value in zip(GOALS.items(), values, strict=True)
    ]


def run(facts: int, count: int) -> dict[str, Any]:
    """Measure in a place of its own."""
    with short_folder("shelftide-bench-") as home:
        return asyncio.run(measure_in(home, facts, count))
