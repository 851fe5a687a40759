"""Running the conformance suite for `connector test`: in a pytest of its own, where a connector harms nobody.

A tier is reached when every rule of it and of the tiers below is kept. A rule that does not apply (no lookback, no
OAuth) or that the author exempts with a written reason does not stand in the way; a broken one does.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec

from shelftide_sdk.connector import Connector
from shelftide_sdk.errors import ConfigurationError
from shelftide_sdk.quality import TIERS, above

_SECONDS = 1800
_SUITE = """\
from shelftide_sdk.testing.conformance import ConnectorConformance, load_connector


class TestConnector(ConnectorConformance):
    connector = load_connector({path!r})
    exempt = {exempt!r}
"""


class RuleResult(msgspec.Struct, frozen=True, kw_only=True):
    """How one rule ended: passed, failed or skipped; `bugs` name what is wrong, `reason` why it was skipped.

    `because_of` names another broken rule, when this one could not be judged for the same bug.
    """

    suite: str
    name: str
    tier: str
    title: str
    outcome: str
    bugs: tuple[str, ...] = ()
    reason: str = ""
    because_of: str = ""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What the suite says. `tier` is the highest whose rules, and those below, are all kept; `claimed` is what the
    connector says of itself, and `overclaimed` whether that is more.
    """

    target: str
    tier: str | None
    passed: int
    failed: int
    skipped: int
    rules: tuple[RuleResult, ...]
    claimed: str | None = None
    overclaimed: bool = False


def suite_for(connector: type[Connector], exempt: Mapping[str, str] = MappingProxyType({})) -> str:
    """A test file for an installed connector."""
    return _SUITE.format(path=f"{connector.__module__}:{connector.__qualname__}", exempt=dict(exempt))


def judge(
    target: str, test: Path | str, *, seed: int = 7, python: str = sys.executable, claimed: str | None = None
) -> Verdict:
    """Run the suite: of the tests at a path, or of a test file's text.

    Raises:
        ConfigurationError: pytest is absent, or the tests could not be collected.
    """
    with tempfile.TemporaryDirectory(prefix="shelftide-conformance-") as folder:
        path = test
        if isinstance(test, str):
            path = Path(folder) / "test_connector.py"
            path.write_text(test, encoding="utf-8")
        report = Path(folder) / "report.json"
        done = _run(python, Path(path).resolve(), report, seed)
        if not report.exists() or not (rows := json.loads(report.read_text(encoding="utf-8"))):
            raise ConfigurationError(
                f"The conformance suite of {target} did not run: {_last_words(done)}",
                hint="Install shelftide-sdk[testing] and the connector's [testing] extra.",
            )
    return weigh(target, rows, claimed)


def weigh(target: str, rows: Sequence[dict[str, Any]], claimed: str | None = None) -> Verdict:
    """Outcomes as a verdict. A tier without a single kept rule is not reached."""
    rules = _with_causes([msgspec.convert(row, RuleResult) for row in rows])
    reached = None
    for tier in TIERS:
        mine = [rule.outcome for rule in rules if rule.tier == tier]
        if "failed" in mine or "passed" not in mine:
            break
        reached = tier
    counts = {name: sum(rule.outcome == name for rule in rules) for name in ("passed", "failed", "skipped")}
    return Verdict(
        target=target, tier=reached, rules=rules, claimed=claimed, overclaimed=above(claimed, reached), **counts
    )


def _with_causes(rules: Sequence[RuleResult]) -> tuple[RuleResult, ...]:
    """One bug breaks many rules: the one that it belongs to says it, the others name that one.

    A bug belongs to the rule that its text names, else to the first rule that met it.
    """
    failed = {(rule.suite, rule.title): rule.name for rule in rules if rule.outcome == "failed"}
    met: dict[tuple[str, str], str] = {}
    found = []
    for rule in rules:
        causes = set()
        for bug in rule.bugs:
            title = next((line.strip() for line in bug.splitlines() if line.strip().startswith("Rule: ")), "")
            owner = failed.get((rule.suite, title.removeprefix("Rule: ")))
            causes.add(owner or met.setdefault((rule.suite, bug), rule.name))
        cause = causes.pop() if len(causes) == 1 else rule.name
        found.append(rule if cause == rule.name else msgspec.structs.replace(rule, because_of=cause))
    return tuple(found)


def _run(python: str, path: Path, report: Path, seed: int) -> subprocess.CompletedProcess[str]:
    command = [python, "-m", "pytest", str(path), "-q", "--tb=short", "-p", "no:cacheprovider"]
    command += ["-m", "conformance", "-o", "asyncio_mode=auto"]
    command += ["-o", "asyncio_default_fixture_loop_scope=function", "--import-mode=importlib"]
    command += ["--conformance-report", str(report), "--conformance-seed", str(seed)]
    if path.parent == report.parent:
        command += ["--rootdir", str(report.parent), "-c", "/dev/null"]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)  # noqa: S603  # our own interpreter
    except subprocess.TimeoutExpired as error:
        raise ConfigurationError(f"The conformance suite did not end in {_SECONDS} seconds.") from error


def _last_words(done: subprocess.CompletedProcess[str]) -> str:
    lines = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith(("E ", "ERROR", "ImportError"))]
    return "; ".join((telling or lines)[-2:]) or f"pytest ended with {done.returncode}"
