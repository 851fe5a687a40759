"""Both engines answer random queries alike, and as plain Python over the same facts does; also as of any moment."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from uuid import UUID, uuid4

import msgspec
import pytest
from tests.integration.analytics.oracle import DAYS, START, Book, answer, rows_of

from shelftide.analytics.metrics.answer import Answer
from shelftide.analytics.metrics.ask import ask
from shelftide.analytics.metrics.catalogue import catalogue, catalogue_with
from shelftide.analytics.metrics.query import Compare, Filter, Grain, Query, check
from shelftide.core.errors import InvalidInputError
from shelftide.core.vault import Vault
from shelftide.jobs.lake_secrets import VaultLakeSecrets
from shelftide.store.database import Database
from shelftide.store.embedded import Dsns
from shelftide.warehouse.factory import make_warehouses
from shelftide.warehouse.warehouse import Batch, Stamp, Warehouse
from shelftide_sdk.metrics import PluginMetric
from tests.conftest import MakeHouse

QUERIES = 12  # tests/evidence asks five hundred
EDITS = 20
FIRST = START.date()
FACTS = ("orders", "order_lines", "refunds", "sales_days", "ad_days", "profile_days", "contents")
VALUES: dict[str, list[str | None]] = {
    "platform": ["test"], "market": ["IT", "US", None], "sku": ["A", "B", "C"], "campaign": ["c0", "c1", "c2"],
    "ad": ["a0", "a1"], "ad_group": ["g0", "g3"], "profile": ["p0", "p1"], "content_kind": ["video", "image"],
    "slot": ["00:00", "12:30"], "channel_kind": ["own_shop", "marketplace"], "order_status": ["open"],
}  # fmt: skip


class Twin(msgspec.Struct):
    """One brand's facts in both engines, and the book that they were written from."""

    book: Book
    engines: dict[str, Warehouse]
    moments: list[datetime]


@pytest.fixture
async def twin(
    installation: Dsns, database: Database, vault: Vault, make_house: MakeHouse, tmp_path: Path
) -> AsyncIterator[Twin]:
    house = await make_house(1)
    made = {
        name: make_warehouses(
            name,
            app_dsn=installation.app,
            lakes_dsn=installation.lakes,
            folder=tmp_path / name,
            secrets=VaultLakeSecrets(database, vault),
        )
        for name in ("ducklake", "postgres")
    }
    found = Twin(Book(11), {name: each.of(house.tenant_ids[0]) for name, each in made.items()}, [])
    connection, now = uuid4(), START + timedelta(days=100)
    for _ in range(EDITS):
        now += timedelta(hours=1)
        records = found.book.edit(now, 90)
        stamp = _stamp(house.tenant_ids[0], connection, now)
        for warehouse in found.engines.values():
            await warehouse.write(Batch(stamp=stamp, records=records))
        found.moments.append(now + timedelta(minutes=1))
    yield found
    for each in made.values():
        await each.close()


def _stamp(tenant_id: UUID, connection: UUID, now: datetime) -> Stamp:
    return Stamp(
        tenant_id=tenant_id, connection_id=connection, platform="test", fetched_at=now, observed_at=now,
        pseudonym=lambda _: None,
    )  # fmt: skip


def random_query(random: Random, moments: list[datetime], columns: dict[str, set[str]]) -> Query:
    """Any question that the catalogue lets through."""
    known = catalogue()
    able = [name for name in known.metrics if _is_kept(name, columns)]
    while True:
        since = FIRST + timedelta(days=random.randrange(DAYS - 1))
        query = Query(
            metrics=tuple(random.sample(able, random.randint(1, 5))),
            since=since,
            until=since + timedelta(days=random.randrange(45)),
            dimensions=tuple(random.sample(sorted(VALUES), random.choice([0, 0, 1, 1, 2]))),
            grain=random.choice(list(Grain)),
            compare=random.choice([Compare.NONE, Compare.PREVIOUS]),
            filters=_filters(random),
            as_of=random.choice([None, *moments]),
            week_starts=random.choice([0, 6]),
            year_starts=random.choice([1, 4]),
        )
        try:
            check(known, query)
        except InvalidInputError:
            continue
        return query


def _filters(random: Random) -> tuple[Filter, ...]:
    found = []
    for name in random.sample(sorted(VALUES), random.choice([0, 0, 0, 1])):
        chosen = random.sample(VALUES[name], random.randint(1, len(VALUES[name])))
        found.append(Filter(name, tuple(chosen), random.random() < 0.3))
    return tuple(found)


def _is_kept(name: str, columns: dict[str, set[str]]) -> bool:
    """Whether the oracle knows all that a metric is made of."""
    known = catalogue()
    measures = [known.measures[n] for n in known.metrics[name].formula.names if n != "days"]
    return all(source.column in columns.get(source.fact, ()) for m in measures for source in m.sources)


def close(got: Decimal | None, want: Decimal | None) -> bool:
    if got is None or want is None:
        return got is want
    return abs(got - want) <= Decimal("1e-6") * max(Decimal(1), abs(want))


def compare(query: Query, got: Answer, book: Book) -> int:
    """Every value of an answer beside the oracle's; how many there were."""
    known, seen = catalogue(), 0
    for row in got.rows:
        want = answer(known, book, query, row.period.since, row.period.until, row.dimensions)
        for value in row.values:
            if (value.metric, value.currency) not in want:  # money that is nowhere
                assert value.value is None
                continue
            assert close(value.value, want[value.metric, value.currency]), (value, want, row)
            seen += 1
    whole = answer(known, book, query, query.since, query.until, {})
    for value in got.totals:
        if (value.metric, value.currency) in whole and value.reason is None:
            assert close(value.value, whole[value.metric, value.currency]), (value, whole)
            seen += 1
    return seen


@pytest.mark.timeout(1200)
async def test_random_queries_equal_plain_python_on_both_engines(twin: Twin) -> None:
    assert await prove(twin, QUERIES) > QUERIES * 5, "queries that find nothing prove nothing"


async def prove(twin: Twin, queries: int) -> int:
    """How many values were compared."""
    random, seen = Random(5), 0
    columns = {fact: set(rows_of(twin.book, fact, None)[0]) for fact in FACTS}
    for number in range(queries):
        query = random_query(random, twin.moments, columns)
        answers = {name: await ask(catalogue(), query, warehouse) for name, warehouse in twin.engines.items()}
        assert answers["ducklake"] == answers["postgres"], (number, query)
        seen += compare(query, answers["postgres"], twin.book)
    return seen


async def test_the_past_stays_as_it_was_known(twin: Twin) -> None:
    query = Query(metrics=("revenue", "orders"), since=FIRST, until=date(2026, 5, 20), as_of=twin.moments[5])
    for warehouse in twin.engines.values():
        then = await ask(catalogue(), query, warehouse)
        now = await ask(catalogue(), msgspec.structs.replace(query, as_of=None), warehouse)
        assert compare(query, then, twin.book)
        assert then.totals != now.totals
    assert datetime.now(UTC) > twin.moments[0]


async def test_a_plugins_metric_is_its_formula_on_both_engines(twin: Twin) -> None:
    basket = PluginMetric(
        name="acme.basket", title="Basket", formula="cancelled_orders / orders", unit="ratio", reference="x"
    )
    known = catalogue_with((basket,))
    query = Query(
        metrics=(basket.name, "orders", "cancelled_orders"), since=FIRST, until=date(2026, 5, 20), grain=Grain.WEEK
    )
    answers = [await ask(known, query, warehouse) for warehouse in twin.engines.values()]
    assert answers[0] == answers[1]
    told = {value.metric: value.value for value in answers[0].totals}
    orders, cancelled = told["orders"], told["cancelled_orders"]
    assert orders
    assert cancelled
    assert close(told[basket.name], cancelled / orders)
