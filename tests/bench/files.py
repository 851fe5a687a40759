"""Reading of a large file of daily sales: lines a second and peak memory, JSON to var/bench/files.json.

Run as `python -m tests.bench.files [LINES]`. Measures reading alone: heading, dialect, values, records.
"""

import json
import resource
import sys
import tempfile
import time
from pathlib import Path

from shelftide.ingest.imports.headings import KINDS
from shelftide.ingest.imports.reading import Options, begin
from shelftide.ingest.imports.tables import open_table


def write(path: Path, lines: int) -> None:
    """A file of `lines` lines below its heading."""
    with path.open("w") as file:
        file.write("day,sku,units,revenue,currency\n")
        for number in range(lines):
            file.write(f"2026-{number % 12 + 1:02d}-{number % 28 + 1:02d},S{number},3,{number % 100}.50,EUR\n")


def measure(lines: int) -> dict[str, float]:
    """Lines, seconds, lines a second, peak memory [MiB]."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sales.csv"
        write(path, lines)
        start = time.perf_counter()
        reading = begin(open_table(path), KINDS["daily-sales"], Options(), zone="UTC", currency="EUR")
        read = sum(taken.count for taken in reading.lines() if taken.records)
        seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"lines": read, "seconds": seconds, "lines_per_second": read / seconds, "peak_mib": peak}


if __name__ == "__main__":
    found = measure(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
    target = Path("var/bench/files.json")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(found, indent=2) + "\n")
    print(json.dumps(found))
