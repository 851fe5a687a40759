"""Numbers over HTTP: pages of one moment, files, explanations down to rows; hostile questions reach nothing."""

import csv
import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from litestar import Litestar
from python_calamine import CalamineWorkbook
from tests.integration.web.conftest import Agency, Caller

from shelftide.core.scope import Role
from shelftide.jobs.services import Services
from shelftide.warehouse.warehouse import Batch, Stamp
from shelftide_sdk import Money
from shelftide_sdk.records import AdBreakdownDay, AdLevel, ChannelKind, FxRate, Order, OrderLine, OrderStatus, Record

START = datetime(2026, 5, 1, 12, tzinfo=UTC)
SPAN = {"since": "2026-05-01", "until": "2026-05-31"}
SECRET = "SECRET-OF-ANOTHER"


def orders(count: int, sku: str) -> list[Record]:
    """An order a day, each of one line of 10.00 more than the last."""
    found: list[Record] = []
    for number in range(count):
        key, at = f"o{number}", START + timedelta(days=number)
        total = Money(Decimal(10 * (number + 1)), "EUR")
        kind, state, name = ChannelKind.STORE, OrderStatus.OPEN, f"={sku}{number % 3}"
        found += [
            Order(source_id=key, placed_at=at, zone="UTC", status=state, channel_kind=kind, total=total),
            OrderLine(order_id=key, source_id="1", placed_at=at, zone="UTC", quantity=1, total=total, sku=name),
        ]
    return found


def stamp(tenant_id: UUID, at: datetime) -> Stamp:
    return Stamp(
        tenant_id=tenant_id,
        connection_id=uuid4(),
        platform="shopify",
        fetched_at=at,
        observed_at=at,
        pseudonym=lambda _: None,
    )


class Desk(msgspec.Struct, frozen=True, kw_only=True):
    """An analyst of a brand with orders; brands beside it hold what must not be seen."""

    who: Caller
    tenant_id: UUID
    others: tuple[UUID, ...]

    async def ask(self, body: dict[str, Any], *, query: str = "", path: str = "", tenant: UUID | None = None) -> Any:
        return await self.who.request("POST", f"/api/v1/tenants/{tenant or self.tenant_id}/query{path}{query}", body)


@pytest.fixture
async def desk(app: Litestar, services: Services, agencies: tuple[Agency, Agency]) -> AsyncIterator[Desk]:
    ours, theirs = agencies
    mine, sibling, foreign = ours.house.tenant_ids[0], ours.house.tenant_ids[1], theirs.house.tenant_ids[0]
    for tenant_id, rows in ((mine, orders(9, "A")), (sibling, orders(20, SECRET)), (foreign, orders(20, SECRET))):
        await services.warehouses.of(tenant_id).write(Batch(stamp=stamp(tenant_id, START), records=rows))
    who = Caller(app)
    # The manager sees the first brand alone.
    assert (await who.sign_in(ours.people[Role.ACCOUNT_MANAGER])).status_code == 201
    yield Desk(who=who, tenant_id=mine, others=(sibling, foreign))
    await who.http.aclose()


def values(reply: Any, metric: str) -> list[Decimal]:
    found = [v["value"] for row in reply.json()["rows"] for v in row["values"] if v["metric"] == metric]
    return [Decimal(value) for value in found if value is not None]


async def test_a_value_opens_to_formula_parts_and_rows(desk: Desk) -> None:
    refused = await desk.ask({"metrics": ["customers"], "dimensions": ["sku"], **SPAN})
    assert refused.status_code == 400, "orders know no SKU"
    assert "cannot be cut by sku" in refused.text
    query = {"metrics": ["aov", "revenue"], "dimensions": ["platform"], **SPAN}
    reply = await desk.ask(query, query="?explain=1")
    assert reply.status_code == 200, reply.text
    (row,) = reply.json()["rows"]
    aov = next(value for value in row["values"] if value["metric"] == "aov")
    assert (Decimal(aov["value"]), aov["currency"], aov["rows"]) == (Decimal(50), "EUR", 9)
    assert {name: Decimal(value) for name, value in aov["inputs"].items()} == {"gmv": 450, "orders": 9}
    note = reply.json()["explain"][0]
    assert (note["formula"], note["denominator"], note["kind"]) == ("gmv / orders", "orders", "measured")
    facts = await desk.ask({"query": query, "measure": "gmv", "group": row["dimensions"]}, path="/rows")
    rows = next(each["rows"] for each in facts.json() if each["fact"] == "orders")
    assert sum(Decimal(str(each["total"])) for each in rows) == 450


async def test_a_cut_of_ads_opens_to_the_rows_of_that_cut(desk: Desk, services: Services) -> None:
    def bucket(ad: str, name: str, clicks: int) -> Record:
        return AdBreakdownDay(
            level=AdLevel.AD, entity_id=ad, day=START.date(), window="default", dimension="gender", bucket=name,
            zone="UTC", account_id="a", impressions=100, clicks=clicks,
        )  # fmt: skip

    rows = [bucket("1", "female", 7), bucket("2", "female", 3), bucket("1", "male", 2)]
    await services.warehouses.of(desk.tenant_id).write(Batch(stamp=stamp(desk.tenant_id, START), records=rows))
    query = {"metrics": ["clicks", "ctr"], "dimensions": ["gender"], "order_by": "clicks", "top": 1, **SPAN}
    reply = await desk.ask(query)
    assert [row["dimensions"] for row in reply.json()["rows"]] == [{"gender": "female"}]
    assert (values(reply, "clicks"), values(reply, "ctr")) == ([Decimal(10)], [Decimal("0.05")])
    (found,) = (
        await desk.ask({"query": query, "measure": "clicks", "group": {"gender": "female"}}, path="/rows")
    ).json()
    assert (found["fact"], [row["clicks"] for row in found["rows"]]) == ("ad_gender", [7, 3])


async def test_money_is_converted_at_each_days_rate_or_unknown(desk: Desk, services: Services) -> None:
    query = {"metrics": ["revenue", "aov"], "currency": "USD", **SPAN}
    reply = (await desk.ask(query)).json()["totals"]
    assert [value["value"] for value in reply] == [None, None]
    assert "no rate from EUR to USD on 2026-05-01" in reply[0]["reason"]
    rates: list[Record] = [
        FxRate(source="ours", base="EUR", quote="USD", day=START.date() + timedelta(days=n), rate=Decimal(1 + n % 2))
        for n in range(9)
    ]
    await services.warehouses.of(desk.tenant_id).write(Batch(stamp=stamp(desk.tenant_id, START), records=rates))
    reply = (await desk.ask(query)).json()
    # 10, 30, 50, 70 and 90 at 1, 20, 40, 60 and 80 at 2.
    assert [Decimal(v["value"]) for v in reply["totals"]] == [650, Decimal(650) / 9]
    assert {(rate["on"], rate["base"]) for rate in reply["rates"]} >= {("2026-05-01", "EUR"), ("2026-05-09", "EUR")}
    assert all("ours" in rate["source"] for rate in reply["rates"])
    assert (await desk.ask({**query, "currency": "usd"})).status_code == 400


async def test_pages_tell_of_one_moment(desk: Desk, services: Services) -> None:
    query = {"metrics": ["revenue"], "grain": "day", **SPAN}
    first = await desk.ask(query, query="?limit=4")
    late = stamp(desk.tenant_id, datetime.now(UTC) + timedelta(hours=1))
    await services.warehouses.of(desk.tenant_id).write(Batch(stamp=late, records=orders(9, "B")))
    seen, cursor = values(first, "revenue"), first.json()["next"]
    while cursor:
        page = await desk.ask(query, query=f"?limit=4&cursor={cursor.replace('+', '%2B')}")
        assert page.status_code == 200, page.text
        seen, cursor = seen + values(page, "revenue"), page.json()["next"]
    assert seen == [Decimal(10 * (n + 1)) for n in range(9)]


async def test_files_hold_every_value_and_no_formula(desk: Desk) -> None:
    query = {"metrics": ["units", "revenue"], "dimensions": ["sku"], **SPAN}
    text = (await desk.ask(query, query="?format=csv")).content.decode("utf-8-sig")
    lines = list(csv.DictReader(io.StringIO(text)))
    assert {line["sku"] for line in lines} == {"'=A0", "'=A1", "'=A2"}
    assert sum(Decimal(line["value"]) for line in lines if line["metric"] == "revenue") == 450
    book = CalamineWorkbook.from_filelike(io.BytesIO((await desk.ask(query, query="?format=xlsx")).content))
    rows = book.get_sheet_by_index(0).to_python()
    assert sorted({row[0] for row in rows[1:]}) == ["=A0", "=A1", "=A2"]
    table = pq.read_table(io.BytesIO((await desk.ask(query, query="?format=parquet")).content))
    arrow = pa.ipc.open_stream((await desk.ask(query, query="?format=arrow")).content).read_all()
    assert table.equals(arrow)
    assert sum(row["value"] for row in table.to_pylist() if row["metric"] == "units") == 9


HOSTILE = [
    "' or 1=1 --", "'; drop table orders; --", "%", "*", "\\", chr(0), "${jndi:ldap://x}", "{{7*7}}",
    "../../etc/passwd", "orders where 1=1", "warehouse.orders", "tenant_id",
    "pg_sleep(10)", "read_csv('/etc/passwd')", "1) union select 1",
    SECRET, "=A0", chr(0x1D7D9), chr(0x202E), "A" * 5000, "null", "true", "NaN", "-1", "1e309", "$1", "%s", ":name",
    "?",
]  # fmt: skip
PLACES = ("metrics", "dimensions", "filter", "order_by", "since", "as_of", "currency", "grain", "top", "extra")


def hostile(random: Random, others: tuple[UUID, ...]) -> dict[str, Any]:
    """A query in which one or two places hold what nobody should type."""
    body: dict[str, Any] = {"metrics": ["revenue", "units"], "dimensions": ["sku"], **SPAN}
    evil = [*HOSTILE, *map(str, others)]
    for _ in range(random.randint(1, 2)):
        text: Any = random.choice(evil)
        place = random.choice([*PLACES, *["value"] * len(PLACES)])
        match place:
            case "metrics" | "dimensions":
                body[place] = [*body[place], text]
            case "filter":
                body["filters"] = [{"dimension": text, "values": ["x"]}]
            case "value":
                chosen, without = random.choice(["sku", "platform", "connection"]), random.random() < 0.5
                body["filters"] = [{"dimension": chosen, "values": [text, random.choice(evil)], "without": without}]
            case "extra":
                body[random.choice(["tenant_id", "tenant", "table", "sql", "scope"])] = text
            case _:
                body[place] = text
    return body


async def attack(desk: Desk, count: int, seed: int) -> tuple[int, list[object]]:
    """How many hostile questions were answered (with own rows), and those that leaked or broke the server."""
    random, answered, bad = Random(seed), 0, list[object]()
    for _ in range(count):
        body = hostile(random, desk.others)
        whole = await desk.ask(body, query=f"?limit={random.choice(['10', '10', '-1', 'x'])}")
        answered += whole.status_code == 200
        part = random.choice(["revenue", *HOSTILE])
        asked = {"query": body, "measure": part, "group": {"sku": random.choice(HOSTILE)}}
        rows = await desk.ask(asked, path="/rows")
        leaks = any(reply.status_code == 200 and SECRET in reply.text for reply in (whole, rows))
        more = whole.status_code == 200 and sum(values(whole, "revenue")) > 450
        if leaks or more or {whole.status_code, rows.status_code} - {200, 400}:
            bad.append((body, asked, whole.text, rows.text))
    return answered, bad


async def test_hostile_questions_reach_no_other_brand(desk: Desk) -> None:
    answered, bad = await attack(desk, 100, seed=3)
    assert bad == []
    assert 10 < answered < 90
    for tenant in desk.others:
        assert (await desk.ask({"metrics": ["revenue"], **SPAN}, tenant=tenant)).status_code == 404


async def test_what_moved_since_a_figure_was_told_is_listed_by_day_with_its_cause(
    desk: Desk, services: Services
) -> None:
    told, connection = START + timedelta(days=40), uuid4()

    async def write(at: datetime, day: int, amount: int) -> None:
        line = OrderLine(
            order_id=f"p{day}", source_id="1", placed_at=START.replace(day=day), zone="UTC", quantity=1,
            total=Money(Decimal(amount), "EUR"), sku="A",
        )  # fmt: skip
        mine = msgspec.structs.replace(stamp(desk.tenant_id, at), connection_id=connection)
        await services.warehouses.of(desk.tenant_id).write(Batch(stamp=mine, records=[line]))

    await write(START, 4, 40)
    await write(told + timedelta(days=1), 10, 100)
    await write(told + timedelta(days=2), 4, 99)
    query = {"metrics": ["revenue"], **SPAN, "grain": "day"}
    reply = await desk.ask({"query": query, "told_at": told.isoformat()}, path="/restatements")
    assert reply.status_code == 200, reply.text
    found = [(row["period"]["since"], row["before"], row["after"], row["cause"]) for row in reply.json()]
    assert [(day, before and Decimal(before), Decimal(after), cause) for day, before, after, cause in found] == [
        ("2026-05-04", Decimal(80), Decimal(139), "restated"),
        ("2026-05-10", None, Decimal(100), "late"),
    ]
    body = {"query": {**query, "as_of": told.isoformat()}, "told_at": told.isoformat()}
    assert (await desk.ask(body, path="/restatements")).json() == []
    naive = await desk.ask({"query": query, "told_at": "2026-06-01T00:00:00"}, path="/restatements")
    assert naive.status_code == 400
