"""Ingest beside dlt, Singer and the limit: the same pages into DuckLake (the peers: DuckDB) and Postgres, in one run.

Contestants take turns, each in a process of its own, against one pre-rendered source and one embedded Postgres a
repetition. A contestant that lands other rows than the rest fails the run. Absolute figures depend on the machine and
its neighbours; ratios are taken inside a repetition and their median is what counts.
"""

import asyncio
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import psutil
from rich.console import Console
from tests.bench.peers import ROOT, python_of_peers
from tests.bench.render import NOW, tape_for
from tests.bench.scaled_shop import PATH, busiest_shop

from shelftide.ingest.sync import first_read_from
from shelftide.jobs.sync_connection import HISTORY
from shelftide.store.embedded import Dsns, EmbeddedPostgres, place_for
from shelftide.store.migrate import migrate
from shelftide_sdk.testing.world import World
from shelftide_shopify.queries import orders
from shelftide_shopify.shop import timestamp

SEED = 7
_SECONDS = 1800


class Contestant(msgspec.Struct, frozen=True, kw_only=True):
    """Who runs: a module, the store it lands in, and what it is told."""

    name: str
    module: str
    store: str
    task: Mapping[str, str]
    guest: bool = False


def _entrants() -> Iterator[Contestant]:
    yield Contestant(name="drain", module="tests.bench.limit", store="", task={"mode": "drain"})
    yield Contestant(name="decode", module="tests.bench.limit", store="", task={"mode": "decode"})
    for store, engine in (("duckdb", "ducklake"), ("postgres", "postgres")):
        yield Contestant(name="limit", module="tests.bench.limit", store=store, task={"mode": engine})
        for name, bulk in (("ours", "never"), ("ours, bulk file", "always")):
            yield Contestant(name=name, module="tests.bench.ours", store=store, task={"engine": engine, "bulk": bulk})
        for name, module in (("dlt", "tests.bench.dlt_orders"), ("singer", "tests.bench.singer_orders")):
            yield Contestant(name=name, module=module, store=store, task={"engine": store}, guest=True)


CONTESTANTS = tuple(_entrants())
OURS = ("ours", "ours, bulk file")
RIVALS = ("dlt", "singer", "limit")


class Arena:
    """The source and the folder of one run of the benchmark."""

    def __init__(self, tape: Path) -> None:
        self._tape = tape
        self._shop = busiest_shop(World(seed=SEED, now=NOW))

    @contextmanager
    def source(self) -> Iterator[str]:
        """The tape's server; its address."""
        command = [sys.executable, "-m", "tests.bench.source", str(self._tape)]
        server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        try:
            assert server.stdout is not None
            address = server.stdout.readline().strip()
            if not address:
                raise SystemExit("the source did not start")
            yield address
        finally:
            server.terminate()
            server.wait(10)

    def repetition(
        self, contestants: Sequence[Contestant], profiles: Path | None = None
    ) -> Iterator[tuple[Contestant, dict[str, Any]]]:
        """Every contestant once, one after the other; `profiles` is where those that can be profiled leave theirs."""
        home = Path(tempfile.mkdtemp(prefix="shelftide-bench-"))
        home.chmod(0o755)
        server = EmbeddedPostgres(place_for(home, home))
        try:
            dsns = asyncio.run(_start(server))
            with self.source() as address:
                for number, contestant in enumerate(contestants):
                    folder = home / f"work-{number}"
                    folder.mkdir()
                    task = self._task(contestant, address, folder, dsns) | {"home": str(home)}
                    if profiles:
                        task["profile"] = str(profiles / f"{contestant.store}-{contestant.task['bulk']}.prof")
                    yield contestant, self._run(contestant, task, server)
                    shutil.rmtree(folder, ignore_errors=True)
        finally:
            server.stop()
            shutil.rmtree(home, ignore_errors=True)

    def _task(self, contestant: Contestant, address: str, folder: Path, dsns: Dsns) -> dict[str, Any]:
        return {
            "source": address,
            "shop": self._shop,
            "path": PATH,
            "query": orders(True),
            "since": timestamp(first_read_from(NOW, HISTORY)),
            "folder": str(folder),
            "owner_dsn": dsns.owner,
            "app_dsn": dsns.app,
            "lakes_dsn": dsns.lakes,
            **contestant.task,
        }

    def _run(self, contestant: Contestant, task: dict[str, Any], server: EmbeddedPostgres) -> dict[str, Any]:
        asyncio.run(_settle(server))
        python = python_of_peers() if contestant.guest else Path(sys.executable)
        load, before = os.getloadavg()[0], _server_cpu(server)
        done = subprocess.run(
            [python, "-m", contestant.module],
            input=json.dumps(task),
            capture_output=True,
            text=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONWARNINGS": "ignore", "DLT_CONFIG_FOLDER": task["folder"]},
            timeout=_SECONDS,
            check=False,
        )
        if done.returncode:
            raise SystemExit(
                f"{contestant.name} {contestant.store} failed:\n{done.stdout[-2000:]}{done.stderr[-3000:]}"
            )
        report: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
        return report | {"server_cpu_seconds": _server_cpu(server) - before, "load_average": load}


async def _start(server: EmbeddedPostgres) -> Dsns:
    dsns = await server.start()
    await migrate(dsns)
    return dsns


async def _settle(server: EmbeddedPostgres) -> None:
    """Write out what the one before left, so that nobody waits for another's pages."""
    connection = await asyncpg.connect(server.superuser_dsn())
    await connection.execute("checkpoint")
    await connection.close()


def _server_cpu(server: EmbeddedPostgres) -> float:
    """CPU seconds of Postgres and all its processes, ended ones included."""
    assert server.process is not None
    top = psutil.Process(server.process.pid)
    own = top.cpu_times()
    total: float = own.user + own.system + own.children_user + own.children_system
    for child in top.children():
        try:
            times = child.cpu_times()
            total += times.user + times.system
        except psutil.NoSuchProcess:
            continue
    return total


def make_tape(size: int, console: Console) -> Path:
    """The tape for a shop of that size, rendered if there is none by this code."""
    path = tape_for(size, SEED, ROOT / "var" / "bench")
    if not path.exists():
        console.print(f"rendering {size:,} orders once …")
        partial = path.with_suffix(".part")
        subprocess.run(
            [sys.executable, "-m", "tests.bench.render", str(size), str(SEED), str(partial)], cwd=ROOT, check=True
        )
        partial.rename(path)
    return path


def measure(
    size: int, repetitions: int, console: Console, *, profiles: Path | None = None, names: Sequence[str] = ()
) -> dict[str, Any]:
    """All contestants (or those named), so many times; figures, medians and ratios. Exits when rows differ."""
    chosen = [c for c in CONTESTANTS if not names or c.name in names]
    if any(contestant.guest for contestant in chosen):
        python_of_peers()
    arena = Arena(make_tape(size, console))
    runs: dict[str, list[dict[str, Any]]] = {}
    for number in range(repetitions):
        turn = number * 3 % len(chosen)  # nobody always has the warm or the busy minute
        for contestant, report in arena.repetition([*chosen[turn:], *chosen[:turn]]):
            name = f"{contestant.name}/{contestant.store}".strip("/")
            runs.setdefault(name, []).append(report)
            seconds = ", ".join(f"{phase} {found['seconds']:.1f} s" for phase, found in report["phases"].items())
            console.print(f"  {number + 1}/{repetitions} {name}: {seconds}")
    if profiles:  # apart from what counts: a profiler slows us down and nobody else
        for _ in arena.repetition([c for c in chosen if c.module == "tests.bench.ours"], profiles):
            pass
    landed = same_rows(runs)
    return {"orders": landed["rows"]["orders"], **landed, **summary(runs, landed["rows"])}


def same_rows(runs: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, Any]:
    """What all landed: rows by table and sums. Raises SystemExit naming who differs."""
    found = [
        (name, {part: run[part] for part in ("rows", "total", "pieces")})
        for name, reports in runs.items()
        for run in reports
        if "rows" in run
    ]
    (first, expected), *others = found
    for name, landed in others:
        if landed != expected:
            raise SystemExit(f"{name} landed {landed}, but {first} {expected}")
    return expected


def summary(runs: Mapping[str, Sequence[Mapping[str, Any]]], rows: Mapping[str, int]) -> dict[str, Any]:
    """Medians by contestant, and ratios taken inside each repetition."""
    medians = {name: _medians(reports, rows) for name, reports in runs.items()}
    ratios = {
        f"{name}/{store}": {
            f"to_{rival}": _ratios(runs[f"{name}/{store}"], runs[f"{rival}/{store}"])
            for rival in RIVALS
            if f"{rival}/{store}" in runs
        }
        for store in _GOALS
        for name in OURS
        if f"{name}/{store}" in runs
    }
    return {"medians": medians, "ratios": ratios, "goals": _goals(medians, ratios), "runs": dict(runs)}


def _medians(reports: Sequence[Mapping[str, Any]], rows: Mapping[str, int]) -> dict[str, Any]:
    phases = {}
    for phase in reports[0]["phases"]:
        parts = {part: _middle([r["phases"][phase][part] for r in reports]) for part in reports[0]["phases"][phase]}
        speed = {"orders_per_second": rows["orders"] / parts["seconds"]}
        phases[phase] = parts | speed | {"rows_per_second": sum(rows.values()) / parts["seconds"]}
    return {
        "phases": phases,
        "server_cpu_seconds": _middle([r["server_cpu_seconds"] for r in reports]),
        "load_average": _middle([r["load_average"] for r in reports]),
        "requests": reports[0].get("requests"),
        "versions": reports[0]["versions"],
    }


def _middle(values: Sequence[float]) -> float:
    return float(statistics.median(values))


def _ratios(ours: Sequence[Mapping[str, Any]], rival: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """How many times faster we are, and with how much of the rival's CPU (both phases, server included) and memory."""
    found: dict[str, Any] = {}
    for phase in ("first", "again"):
        speeds = [
            b["phases"][phase]["seconds"] / a["phases"][phase]["seconds"] for a, b in zip(ours, rival, strict=True)
        ]
        found[f"speed_{phase}"] = {"median": _middle(speeds), "least": min(speeds), "most": max(speeds)}
    found["cpu"] = _middle([_cpu(a) / _cpu(b) for a, b in zip(ours, rival, strict=True)])
    found["memory"] = _middle([_peak(a) / _peak(b) for a, b in zip(ours, rival, strict=True)])
    return found


def _cpu(report: Mapping[str, Any]) -> float:
    return float(sum(phase["cpu_seconds"] for phase in report["phases"].values()) + report["server_cpu_seconds"])


def _peak(report: Mapping[str, Any]) -> float:
    return float(max(phase["peak_mb"] for phase in report["phases"].values()))


# How fast a first load must be beside each rival.
_GOALS = {"duckdb": {"limit": 0.5, "dlt": 3.0, "singer": 6.0}, "postgres": {"limit": 0.5, "dlt": 5.0, "singer": 6.0}}
_REPEAT = 1.15
_PEAK_MB = 450


def _goals(medians: Mapping[str, Any], ratios: Mapping[str, Any]) -> list[dict[str, Any]]:
    goals = []
    for store, least in _GOALS.items():
        for name in (name for name in OURS if f"{name}/{store}" in ratios):
            found, phases = ratios[f"{name}/{store}"], medians[f"{name}/{store}"]["phases"]
            repeat = phases["again"]["seconds"] / phases["first"]["seconds"]
            peak = max(phase["peak_mb"] for phase in phases.values())
            goals += [
                _goal(
                    f"{name}, {store}: times {rival}", found[f"to_{rival}"]["speed_first"]["median"], bound, least=True
                )
                for rival, bound in least.items()
                if f"to_{rival}" in found
            ]
            goals += [
                _goal(f"{name}, {store}: repeat ÷ first", repeat, _REPEAT, least=False),
                _goal(f"{name}, {store}: peak MB", peak, _PEAK_MB, least=False),
            ]
    return goals


def _goal(name: str, value: float, goal: float, *, least: bool) -> dict[str, Any]:
    return {"name": name, "value": value, "goal": goal, "met": value >= goal if least else value <= goal}
