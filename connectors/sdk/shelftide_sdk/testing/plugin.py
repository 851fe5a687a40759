"""pytest plugin of the SDK: what a connector's own tests get for free.

It holds marks and options and writes down how each rule of the conformance suite ended. The suite itself is imported by
the tests that inherit it, never here: every pytest run of an environment loads this file.
"""

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

_KEY = "conformance"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of the suite."""
    group = parser.getgroup("shelftide", "Shelftide's connector conformance suite")
    group.addoption("--conformance-seed", type=int, default=7, help="Seed of the simulated world.")
    group.addoption(
        "--conformance-depth",
        choices=("whole", "sample"),
        default="whole",
        help="sample: fewer places of a failure, a smaller crowd.",
    )
    group.addoption("--conformance-report", type=Path, default=None, help="Write outcomes by rule to this JSON file.")


def pytest_configure(config: pytest.Config) -> None:
    """Marks that the conformance suite uses."""
    config.addinivalue_line("markers", "conformance: a rule that every connector keeps")
    config.pluginmanager.register(Report(config.getoption("--conformance-report")), "shelftide-conformance-report")


@pytest.fixture(scope="class")
def conformance_memory() -> dict[Any, Any]:
    """What the rules of one suite share: reads that are only looked at."""
    return {}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Tell each report which rule it speaks of."""
    report = yield
    mark = item.get_closest_marker("conformance")
    if mark is not None and mark.kwargs:
        report.user_properties.append((_KEY, {**mark.kwargs, "suite": getattr(item.parent, "name", "")}))
    return report


class Report:
    """How each rule ended: broken by one failure, skipped only if nothing ran."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self.rules: dict[tuple[str, str], dict[str, Any]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take up one report."""
        found = dict(report.user_properties).get(_KEY)
        if not isinstance(found, dict) or (report.when != "call" and report.outcome == "passed"):
            return
        row = self.rules.setdefault((found["suite"], found["name"]), {**found, "outcome": "skipped", "bugs": []})
        if report.failed:
            row["outcome"] = "failed"
            row["bugs"].append(_bug(report))
        elif report.passed and row["outcome"] == "skipped":
            row["outcome"] = "passed"
        elif report.skipped and row["outcome"] == "skipped":
            row["reason"] = report.longrepr[2] if isinstance(report.longrepr, tuple) else ""

    def pytest_sessionfinish(self) -> None:
        """Write the file that was asked for."""
        if self._path is not None:
            self._path.write_text(json.dumps(list(self.rules.values()), ensure_ascii=False), encoding="utf-8")


def _bug(report: pytest.TestReport) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    text = str(getattr(crash, "message", "") or report.longrepr)
    return text.removeprefix("AssertionError: ").removeprefix("Failed: ").partition("\nassert ")[0].strip()
