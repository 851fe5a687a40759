"""`make bench`: benchmarks beside the peers. Tables for people, JSON for machines, files in var/bench.

Usage: python -m tests.bench.run [--only NAME] [--size N | --quick] [--repetitions N] [--contestants NAMES] [--brands N]
       [--seconds N] [--json] [--profile]
"""

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table
from tests.bench import api, growth, ingest, serving, small_syncs, warehouse_upsert
from tests.bench.peers import ROOT

FOLDER = ROOT / "var" / "bench"
BENCHMARKS = ("ingest", "warehouse_upsert", "small_syncs", "serving", "api", "growth")
SIZES = {"ingest": 100_000, "warehouse_upsert": 1_000_000, "small_syncs": 1_000, "serving": 400_000, "growth": 5_000}
QUICK = {"ingest": 5_000, "warehouse_upsert": 100_000, "small_syncs": 60, "serving": 100_000, "growth": 2_000}
_LEAST_REPETITIONS = 3


def circumstances() -> dict[str, Any]:
    """Which code ran where, and how busy the machine was."""
    processor = next((line for line in _lines("/proc/cpuinfo") if line.startswith("model name")), platform.processor())
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _git("rev-parse", "HEAD"),
        "changed_files": len(_git("status", "--porcelain").splitlines()),
        "machine": {
            "processor": processor.rpartition(":")[2].strip(),
            "cores": os.cpu_count(),
            "memory_mb": psutil.virtual_memory().total // 2**20,
            "system": platform.platform(),
            "python": platform.python_version(),
        },
        "load_average": os.getloadavg(),
    }


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines() if Path(path).exists() else []


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip()


def table_of(figures: Mapping[str, Any]) -> Table:
    """Medians by contestant."""
    table = Table(title=f"{figures['orders']:,} orders, {sum(figures['rows'].values()):,} rows; medians")
    for title in ("", "first s", "orders/s", "CPU s", "again s", "peak MB", "server CPU s"):
        table.add_column(title, justify="left" if not title else "right")
    for name, found in figures["medians"].items():
        first, again = found["phases"]["first"], found["phases"].get("again")
        peak = max(phase["peak_mb"] for phase in found["phases"].values())
        table.add_row(
            name,
            f"{first['seconds']:.2f}",
            f"{first['orders_per_second']:,.0f}",
            f"{first['cpu_seconds']:.2f}",
            f"{again['seconds']:.2f}" if again else "",
            f"{peak:.0f}",
            f"{found['server_cpu_seconds']:.1f}",
        )
    return table


def goals_of(figures: Mapping[str, Any], title: str) -> Table:
    """Ratios beside their goals."""
    table = Table(title=title)
    for column in ("", "measured", "goal", ""):
        table.add_column(column, justify="left" if not column else "right")
    for goal in figures["goals"]:
        table.add_row(goal["name"], f"{goal['value']:.2f}", f"{goal['goal']:g}", "met" if goal["met"] else "not yet")
    return table


def _size(options: argparse.Namespace, name: str) -> int:
    return int(options.size or (QUICK if options.quick else SIZES)[name])


def run_ingest(options: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Measure and show."""
    profiles = FOLDER if options.profile else None
    names = options.contestants.split(",") if options.contestants else ()
    repetitions = 1 if options.quick else options.repetitions
    figures = ingest.measure(_size(options, "ingest"), repetitions, console, profiles=profiles, names=names)
    console.print(table_of(figures), goals_of(figures, "Beside the peers and the limit"))
    return figures


def run_warehouse_upsert(options: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Measure and show."""
    figures = warehouse_upsert.run(_size(options, "warehouse_upsert"))
    console.print_json(data=figures)
    return figures


def run_serving(options: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Measure and show."""
    facts = _size(options, "serving")
    figures = serving.run(facts, options.brands)
    console.print(
        ways_of(figures, tuple(serving.ROUNDS)), goals_of(figures, f"{facts:,} facts, {options.brands} brands")
    )
    return figures


def run_api(options: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Measure and show."""
    figures = api.run(options.seconds, options.repetitions)
    table = Table(title=f"{api.CONNECTIONS} connections; medians")
    for title in ("", "requests/s", "p50 ms", "p99 ms"):
        table.add_column(title, justify="right" if title else "left")
    for name, found in figures["medians"].items():
        table.add_row(name, *(f"{found[what]:,.1f}" for what in ("requests_per_second", "p50_ms", "p99_ms")))
    console.print(table, goals_of(figures, "Beside a hand-written server and a mapper"))
    return figures


def run_growth(options: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Measure and show."""
    figures = growth.run(_size(options, "growth"), options.brands)
    console.print_json(data=figures)
    console.print(goals_of(figures, "Growth"))
    return figures


def ways_of(figures: Mapping[str, Any], parts: Sequence[str]) -> Table:
    """Milliseconds of each way."""
    table = Table(title="Milliseconds")
    for title in ("", "", "p50", "p99"):
        table.add_column(title, justify="right" if title else "left")
    for part in parts:
        for way, found in figures[part].items():
            table.add_row(part, way, f"{found['p50_ms']:.2f}", f"{found['p99_ms']:.2f}")
    return table


def run_small_syncs(options: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Measure and show."""
    figures = small_syncs.run(_size(options, "small_syncs"))
    console.print_json(data=figures)
    return figures


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="make bench", description="Benchmarks beside the peers.")
    parser.add_argument("--only", choices=BENCHMARKS, help="one benchmark instead of all")
    parser.add_argument("--size", type=int, help="orders, rows of the warehouse's delta, syncs, facts, or lines")
    parser.add_argument("--quick", action="store_true", help="small and once, for whoever works on it")
    parser.add_argument("--contestants", help="of ingest: names with commas, as in ours,limit")
    parser.add_argument("--brands", type=int, default=20, help="of `serving` and `growth`")
    parser.add_argument("--seconds", type=int, default=3, help="of `api`: how long each contestant is asked a turn")
    parser.add_argument("--repetitions", type=int, default=_LEAST_REPETITIONS)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON, tables to standard error")
    parser.add_argument("--profile", action="store_true", help="profile our first load into var/bench/*.prof")
    options = parser.parse_args()
    console = Console(stderr=options.json)
    FOLDER.mkdir(parents=True, exist_ok=True)
    runners = {
        "ingest": run_ingest,
        "warehouse_upsert": run_warehouse_upsert,
        "small_syncs": run_small_syncs,
        "serving": run_serving,
        "api": run_api,
        "growth": run_growth,
    }
    results = {}
    for name in (options.only,) if options.only else BENCHMARKS:
        console.rule(name)
        started = circumstances()
        figures = runners[name](options, console)
        results[name] = started | {"load_average_after": os.getloadavg()} | figures
        (FOLDER / f"{name}.json").write_text(json.dumps(results[name], indent=2) + "\n")
    if options.json:
        print(json.dumps(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
