"""The demo's own numbers: five values opened down to their rows, and what moved after the platforms restated theirs."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.durability.figures import Figures
from tests.durability.processes import free_port

from shelftide.analytics.metrics.formula import Formula
from shelftide.demo.seeding import PASSWORD

pytestmark = [pytest.mark.evidence, pytest.mark.timeout(1500)]
DAYS = 28
# Metric, and what it is cut by.
PICKED = (
    ("aov", "platform"),
    ("units", "sku"),
    ("refund_rate", "platform"),
    ("net_revenue", "platform"),
    ("cpm", "campaign"),
)


class Console:
    """An owner of the demo's agency, over HTTP."""

    def __init__(self, port: int) -> None:
        self.http = httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=120.0)
        self.sim = f"http://127.0.0.1:{port + 1}"
        self.csrf = ""
        self.tenant_id = ""
        self.brands: list[str] = []

    async def sign_in(self, email: str) -> None:
        reply = await self.http.post("/api/v1/session", json={"email": email, "password": PASSWORD})
        self.csrf = reply.json()["csrf"]
        self.brands = [brand["tenant_id"] for brand in (await self.http.get("/api/v1/tenants")).json()]
        self.tenant_id = self.brands[0]

    async def post(self, path: str, body: Any = None) -> Any:
        reply = await self.http.post(path, json=body, headers={"x-csrf-token": self.csrf})
        assert reply.status_code < 300, (path, reply.text[:500])
        return reply

    async def ask(self, path: str, body: Any) -> Any:
        return (await self.post(f"/api/v1/tenants/{self.tenant_id}/query{path}", body)).json()

    async def idle(self) -> None:
        """Until no run waits or works."""
        while True:
            runs = (await self.http.get(f"/api/v1/tenants/{self.tenant_id}/runs")).json()["items"]
            if not any(run["state"] in ("queued", "running") for run in runs):
                return
            await asyncio.sleep(1)


@pytest.fixture
async def console(tmp_path: Path) -> AsyncIterator[Console]:
    port = free_port()
    log = tmp_path / "demo.log"
    command = [str(Path(sys.executable).with_name("shelftide")), "demo"]
    command += ["--world", "small", "--engine", "postgres", "--port", str(port)]
    with log.open("w") as out:
        demo = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env={**os.environ, "COLUMNS": "200"})  # noqa: ASYNC220  # starts at once
    try:
        while "difference to the world's truth: 0" not in log.read_text():
            assert demo.poll() is None, log.read_text()[-2000:]
            await asyncio.sleep(1)
        found = Console(port)
        owner = re.search(r"owner@\S+", log.read_text())
        assert owner is not None
        await found.sign_in(owner[0])
        yield found
        await found.http.aclose()
    finally:
        demo.send_signal(signal.SIGINT)
        demo.wait(60)


def span(days: int = DAYS) -> dict[str, str]:
    until = datetime.now(UTC).date() - timedelta(days=1)
    return {"since": str(until - timedelta(days=days - 1)), "until": str(until)}


async def first_value(console: Console, query: Any) -> tuple[Any, Any, Any]:
    """Definition, group and value of the first known value of a question, of the first brand that has one."""
    for tenant_id in console.brands:
        console.tenant_id = tenant_id
        answer = await console.ask("?explain=true", query)
        (note,) = answer["explain"]
        for row in answer["rows"]:
            for value in row["values"]:
                if value["value"] is not None and Decimal(value["value"]):
                    return note, row, value
    raise AssertionError(f"no brand of the demo has {query['metrics']}")


async def rows_of(console: Console, query: Any, measure: str, group: Any) -> list[dict[str, Any]]:
    """All rows of one part of a value's formula, page by page."""
    found, after = [], 0
    while True:
        body = {"query": query, "measure": measure, "group": group, "after": after}
        pages = await console.ask("/rows", body)
        found += [{"fact": page["fact"], **row} for page in pages for row in page["rows"]]
        if all(page["next"] is None for page in pages):
            return found
        after += 200


def recomputed(measure: Any, rows: list[dict[str, Any]], currency: str) -> Decimal:
    """A part of a formula from its rows alone."""
    total = Decimal(0)
    for source in measure["sources"]:
        mine = [row for row in rows if row["fact"] == source["fact"] and row[source["column"]] is not None]
        if measure["money"] and currency:
            mine = [row for row in mine if currency in row.values()]
        if measure["aggregate"] == "count":
            total += len(mine)
        else:
            assert measure["aggregate"] == "sum", measure
            total += sum((Decimal(str(row[source["column"]])) for row in mine), Decimal(0))
    return total


async def test_five_of_the_demos_values_open_to_their_rows_and_restated_ones_say_what_moved(
    console: Console, figure: Figures
) -> None:
    for name, cut in PICKED:
        query = {"metrics": [name], "dimensions": [cut], **span()}
        note, row, value = await first_value(console, query)
        parts, counted = {}, 0
        for measure in note["measures"]:
            rows = await rows_of(console, query, measure["name"], row["dimensions"])
            parts[measure["name"]] = recomputed(measure, rows, value["currency"])
            counted += len(rows)
        assert counted
        result = Formula(note["formula"]).of(parts).value
        assert result is not None
        assert abs(result - Decimal(value["value"])) < Decimal("1e-9"), (name, parts, value)
        shown = " ".join(f"{part} {amount.normalize():f};" for part, amount in parts.items())
        where = f"{cut} {row['dimensions'][cut]}"
        figure(
            f"Explained: {name} by {where} = {note['formula']}; {shown} {counted} rows",
            f"{Decimal(value['value']):.4f}",
            value["currency"],
        )
    await restate(console, figure)


async def restate(console: Console, figure: Figures) -> None:
    """The platforms correct their figures: each value that moved is told with what it was, what it is, and why."""
    query = {"metrics": ["ad_cost", "conversions", "revenue"], "dimensions": ["platform"], "grain": "day", **span()}
    told_at = datetime.now(UTC).isoformat()
    told = {}
    for tenant_id in console.brands:
        console.tenant_id = tenant_id
        told[tenant_id] = values_of(await console.ask("", query))
    async with httpx2.AsyncClient() as sim:
        assert (await sim.post(f"{console.sim}/_sim/scenarios", json={"names": ["restate"]})).status_code == 200
    await console.post("/console/simulation/advance")
    counted: Counter[str] = Counter()
    for tenant_id, then in told.items():
        console.tenant_id = tenant_id
        await console.idle()
        moved = await console.ask("/restatements", {"query": query, "told_at": told_at})
        now = values_of(await console.ask("", query))
        for each in moved:
            key = key_of(each["dimensions"], each["period"], each)
            assert then.get(key) == number(each["before"]), (key, each)
            assert now.get(key) == number(each["after"]), (key, each)
        keys = {key_of(each["dimensions"], each["period"], each) for each in moved}
        assert {key for key in then.keys() | now.keys() if then.get(key) != now.get(key)} == keys
        counted.update(each["cause"] for each in moved)
        counted["stood still"] += len(then.keys() & now.keys() - keys)
    assert counted["restated"]
    assert counted["stood still"], "a report that lists every value tells nothing"
    for cause, values in sorted(counted.items()):
        figure(f"Restatement report of the demo after `restate`: values that {_SAID.get(cause, cause)}", values)


_SAID = {"restated": "are other ones", "late": "came late", "withdrawn": "are gone"}


def key_of(dimensions: Any, period: Any, value: Any) -> tuple[str, str, str, str]:
    return dimensions["platform"], period["since"], value["metric"], value["currency"]


def number(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def values_of(answer: Any) -> dict[tuple[str, str, str, str], Decimal | None]:
    return {
        key_of(row["dimensions"], row["period"], value): number(value["value"])
        for row in answer["rows"]
        for value in row["values"]
    }
