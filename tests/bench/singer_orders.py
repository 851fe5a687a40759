"""Contestant: Singer. A tap of its SDK piped into target-duckdb or target-postgres, upserting by key.

Whole processes count, start-up (one to two seconds) included; memory is that of the larger of the two.
"""

import json
import resource
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import duckdb
import psycopg2
from tests.bench.measure import TABLES, Report, read_task

_SCHEMA = "bench_singer"


def _target(task: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    plain = {"default_target_schema": _SCHEMA, "batch_size_rows": 100_000, "validate_records": False}
    if task["engine"] == "duckdb":
        path = f"{task['folder']}/singer.duckdb"
        return "target-duckdb", plain | {"path": path, "filepath": path, "add_metadata_columns": False}
    parts = urlsplit(task["owner_dsn"])
    return "target-postgres", plain | {
        "host": parse_qs(parts.query)["host"][0],
        "port": 5432,
        "user": parts.username,
        "password": unquote(parts.password or ""),
        "database": parts.path.removeprefix("/"),
        "add_record_metadata": False,
        "activate_version": False,
        "load_method": "upsert",
    }


def load(task: dict[str, Any]) -> None:
    """Tap to target, once. Raises RuntimeError when either fails."""
    folder = Path(task["folder"])
    name, settings = _target(task)
    given, told = folder / "tap.json", folder / "target.json"
    given.write_text(json.dumps({part: task[part] for part in ("source", "path", "query", "shop", "since")}))
    told.write_text(json.dumps(settings))
    with (folder / "singer.log").open("w") as log:
        tap = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.singer_tap", "--config", str(given)], stdout=subprocess.PIPE, stderr=log
        )
        target = subprocess.Popen(
            [Path(sys.executable).with_name(name), "--config", told], stdin=tap.stdout, stdout=log, stderr=log
        )
        assert tap.stdout is not None
        tap.stdout.close()
        if target.wait() or tap.wait():
            raise RuntimeError((folder / "singer.log").read_text()[-3000:])


def _ask(task: dict[str, Any], texts: list[str]) -> list[Any]:
    if task["engine"] == "duckdb":
        with duckdb.connect(f"{task['folder']}/singer.duckdb") as database:
            return [database.execute(text).fetchall()[0][0] for text in texts]
    with psycopg2.connect(task["owner_dsn"]) as connection, connection.cursor() as cursor:
        found = []
        for text in texts:
            cursor.execute(text)
            found.append(cursor.fetchone()[0])
        return found


def landed(task: dict[str, Any]) -> dict[str, Any]:
    """Rows by table and two sums, read back."""
    sums = [
        f"select sum(cast(total_amount as decimal(20, 6))) from {_SCHEMA}.orders",
        f"select sum(quantity) from {_SCHEMA}.order_lines",
    ]
    *counts, total, pieces = _ask(task, [*(f"select count(*) from {_SCHEMA}.{table}" for table in TABLES), *sums])
    return {"rows": dict(zip(TABLES, counts, strict=True)), "total": f"{total:.2f}", "pieces": int(pieces)}


def main() -> None:
    """First load, then everything again."""
    task, report = read_task(), Report()
    for name in ("first", "again"):
        with report.phase(name):
            load(task)
        report.phases[name]["peak_mb"] = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    report.facts |= landed(task)
    names = ("singer-sdk", "target-duckdb", "meltanolabs-target-postgres")
    report.facts["versions"] = {n: version(n) for n in names} | {"python": sys.version.split()[0]}
    report.send()


if __name__ == "__main__":
    main()
