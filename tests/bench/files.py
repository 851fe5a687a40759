"""Import of large files of every kind: lines a second and peak memory, JSON to var/bench/files.json.

Run as `python -m tests.bench.files [--lines N] [--kinds a,b]`. Each kind is read, validated and written into a lake of
its own by the product's own import, in a process of its own, then imported once more with nothing changed.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.bench.measure import Report
from tests.bench.peers import ROOT
from tests.bench.run import circumstances

from shelftide.core.scope import Scope
from shelftide.core.settings import Settings
from shelftide.ingest.files import KINDS, FileImport, ImportReport, Options
from shelftide.jobs.services import Services
from shelftide.jobs.wiring import open_services
from shelftide.store.embedded import EmbeddedPostgres, place_for
from shelftide.store.ids import new_id
from shelftide.store.migrate import migrate
from shelftide.store.repositories.agencies import add_agency, add_client, add_tenant, get_tenant
from shelftide.store.unit_of_work import UnitOfWork

AS_OF = datetime(2026, 11, 22, tzinfo=UTC)
_FIRST = date(2024, 1, 1)


def _day(number: int) -> str:
    return (_FIRST + timedelta(days=number % 1000)).isoformat()


def _money(number: int) -> str:
    return f"{number % 900 + 1}.{number % 100:02d}"


def _order(n: int) -> str:
    head = f"#{n // 2},paid,USD,{_money(n // 2)},{_day(n // 2)} 08:00:00 -0500"
    return f"{head},{n % 3 + 1},Cup,{_money(n)},CUP-{n % 999}"


# A heading, and the line of a number; lines are of distinct keys.
FORMS: dict[str, tuple[str, Callable[[int], str]]] = {
    "daily-sales": (
        "day,sku,units,revenue,currency",
        lambda n: f"{_day(n)},S{n // 1000},{n % 9},{_money(n)},EUR",
    ),
    "orders": (
        "Name,Financial Status,Currency,Total,Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku",
        _order,
    ),
    "revenue": (
        "day,channel,revenue,orders,visitors",
        lambda n: f"{_day(n)},C{n // 1000},{_money(n)},{n % 90},{n % 900}",
    ),
    "footfall": ("day,store,visitors", lambda n: f"{_day(n)},P{n // 1000},{n % 5000}"),
    "sessions": (
        "session_id,started_at,utm_source,utm_medium,page_views",
        lambda n: f"s{n},{_day(n)}T{n % 24:02d}:{n % 60:02d}:00Z,tiktok,video,{n % 9 + 1}",
    ),
    "stock": (
        "sku,location,available,on_hand,incoming",
        lambda n: f"S{n // 10},L{n % 10},{n % 500},{n % 500 + 3},{n % 7}",
    ),
    "product-costs": (
        "sku,cost,landed cost,currency,valid from",
        lambda n: f"S{n // 1000},{_money(n)},{_money(n)},EUR,{_day(n)}",
    ),
    "suppliers": (
        "supplier,sku,lead time,lead time spread,moq,pack",
        lambda n: f"V{n % 9},S{n},{n % 60}.5,{n % 7},100,12",
    ),
    "purchase-orders": (
        "po,sku,qty,order date,eta,unit cost,currency",
        lambda n: f"PO{n // 50},S{n},{n % 900},{_day(n)},{_day(n + 30)},{_money(n)},USD",
    ),
    "content-metrics": (
        "content_id,title,published_at,captured_at,views,likes,comments,shares",
        lambda n: f"v{n},Title {n},{_day(n)} 10:00,2026-11-22,{n % 90000},{n % 900},{n % 90},{n % 9}",
    ),
    "competitor-snapshots": (
        "handle,platform,day,followers,posts",
        lambda n: f"h{n // 1000},tiktok,{_day(n)},{n},{n % 900}",
    ),
    "product-links": (
        "content_id,product_id,kind,confidence",
        lambda n: f"v{n},P{n % 900},person,0.{n % 9 + 1}",
    ),
    "creator-deals": (
        "creator,deal_id,agreed,fee,currency,commission",
        lambda n: f"c{n % 5000},d{n},{_day(n)},{_money(n)},EUR,{n % 30}%",
    ),
    "samples": ("creator,sku,sent,qty,sample_id", lambda n: f"c{n % 5000},S{n % 900},{_day(n)},1,x{n}"),
    "ad-spend": ("day,medium,campaign,spend,currency", lambda n: f"{_day(n)},TV,K{n // 1000},{_money(n)},EUR"),
    "ad-days": (
        "Campaign name,Campaign ID,Ad group ID,By Day,Currency,Cost,Impressions,Clicks (destination),Conversions",
        lambda n: f"Spring,{n // 5000},{n // 1000},{_day(n)},USD,{_money(n)},{n % 9000},{n % 90},{n % 9}",
    ),
}


def write(path: Path, kind: str, lines: int) -> None:
    """A file of so many lines below its heading."""
    heading, line = FORMS[kind]
    with path.open("w", encoding="utf-8") as file:
        file.write(heading + "\n")
        file.writelines(f"{line(number)}\n" for number in range(lines))


async def _measure(kind: str, lines: int, home: Path) -> dict[str, Any]:
    """Seconds, CPU and peak memory of a first import and of the same again, in this process."""
    server = EmbeddedPostgres(place_for(home, home))
    dsns = await server.start()
    try:
        await migrate(dsns)
        services = await open_services(Settings(data_dir=str(home)), dsns=dsns)
        try:
            return await _imports(services, kind, lines, home)
        finally:
            await services.close()
    finally:
        server.stop()


async def _imports(services: Services, kind: str, lines: int, home: Path) -> dict[str, Any]:
    scope = await _brand(services)

    def open_work() -> UnitOfWork:
        return UnitOfWork(services.database, scope)

    async with open_work() as uow:
        tenant = await get_tenant(uow, scope.tenant_ids[0])
    path = home / "file.csv"
    write(path, kind, lines)
    work = FileImport(open_work, services.warehouses.of(tenant.tenant_id), services.vault, tenant)
    report, found = Report(), dict[str, ImportReport]()
    for phase in ("first", "again"):
        with report.phase(phase):
            found[phase] = await work.run(path, KINDS[kind], now=datetime.now(UTC), options=Options(as_of=AS_OF))
    _check(kind, lines, found)
    return {
        "kind": kind,
        "lines": lines,
        "bytes": path.stat().st_size,
        "rows": found["first"].new,
        "lines_per_second": lines / report.phases["first"]["seconds"],
        "lines_per_cpu_second": lines / report.phases["first"]["cpu_seconds"],
        "peak_mb": max(phase["peak_mb"] for phase in report.phases.values()),
        "phases": report.phases,
    }


def _check(kind: str, lines: int, found: dict[str, ImportReport]) -> None:
    first, again = found["first"], found["again"]
    if (first.read, first.rejected, again.written) != (lines, 0, 0) or first.new < lines // 2:
        raise SystemExit(f"{kind}: {first.read} lines read, {first.problems[:3]}; again {again.written} written")


async def _brand(services: Services) -> Scope:
    agency_id, tenant_id = new_id(), new_id()
    scope = Scope(agency_id=agency_id, tenant_ids=(tenant_id,), tenant_id=tenant_id)
    async with UnitOfWork(services.database, scope) as uow:
        await add_agency(uow, name="Bench", colour="#3d5a6c", locale="en")
        client_id = await add_client(uow, "Client")
        values = {
            "client_id": client_id, "slug": f"bench-{time.time_ns()}", "name": "Bench", "aliases": [],
            "currency": "EUR", "zone": "UTC", "market": "EU", "locale": "en", "colour": "#3d5a6c", "niche": "things",
        }  # fmt: skip
        await add_tenant(uow, services.vault, values)
        await uow.commit()
    return scope


def _apart(kind: str, lines: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.bench.files", "--one", kind, "--lines", str(lines)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{kind} failed:\n{done.stdout[-500:]}{done.stderr[-3000:]}")
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def _all(kinds: list[str], lines: int) -> Iterator[dict[str, Any]]:
    for kind in kinds:
        found = _apart(kind, lines)
        print(f"{kind}: {found['lines_per_second']:,.0f} lines/s, {found['peak_mb']:.0f} MB", flush=True)
        yield found


def main() -> None:
    parser = argparse.ArgumentParser(description="Import of large files of every kind.")
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--kinds", default=",".join(FORMS))
    parser.add_argument("--one", help="measure one kind in this process")
    said = parser.parse_args()
    if said.one:
        with tempfile.TemporaryDirectory(prefix="st-") as folder:
            Path(folder).chmod(0o755)
            print(json.dumps(asyncio.run(_measure(said.one, said.lines, Path(folder)))))
        return
    target = ROOT / "var" / "bench" / "files.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    known = json.loads(target.read_text())["kinds"] if target.is_file() else {}
    for found in _all(said.kinds.split(","), said.lines):
        known[found["kind"]] = found
        target.write_text(json.dumps({**circumstances(), "kinds": known}, indent=2) + "\n")


if __name__ == "__main__":
    main()
