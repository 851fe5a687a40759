"""What a contestant reports: seconds, CPU and peak memory a phase, and what it landed. Standard library only."""

import json
import os
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

TABLES = ("orders", "order_lines", "refunds", "touches")
_STATUS = Path("/proc/self/status")


def read_task() -> dict[str, Any]:
    """What to do: a JSON object on standard input. It holds passwords, so it never is an argument."""
    task: dict[str, Any] = json.load(sys.stdin)
    return task


class Report:
    """Phases by name, in order, and anything else worth keeping."""

    def __init__(self) -> None:
        self.phases: dict[str, dict[str, float]] = {}
        self.facts: dict[str, Any] = {}

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Measure a block. Imports lie before it."""
        reset_peak()
        wall, cpu = time.perf_counter(), cpu_seconds()
        yield
        self.phases[name] = {
            "seconds": time.perf_counter() - wall,
            "cpu_seconds": cpu_seconds() - cpu,
            "peak_mb": peak_mb(),
        }

    def send(self) -> None:
        """Print the report as the last line, for whoever started this process."""
        print(json.dumps({"phases": self.phases, **self.facts}), flush=True)


def cpu_seconds() -> float:
    """CPU of this process, its threads and its finished children."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def reset_peak() -> None:
    """Forget the peak so far (Linux, proc(5): clear_refs)."""
    if _STATUS.exists() and os.access("/proc/self/clear_refs", os.W_OK):
        Path("/proc/self/clear_refs").write_text("5")


def peak_mb() -> float:
    """Peak resident memory in MB. `ru_maxrss` would count the parent that forked us."""
    if _STATUS.exists():
        line = next(line for line in _STATUS.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
