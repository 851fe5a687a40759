"""The long proofs: an installation a test, and the figures that they measure."""

import os
import time
from collections import Counter
from collections.abc import AsyncIterator

import pytest
from tests.durability.figures import Figures, Outcome, commit_of, write_page
from tests.durability.ledger import Ledger
from tests.durability.machine import DiskWatch
from tests.durability.processes import ROOT, Installation, short_folder
from tests.durability.shop import Simulation

# Fewer repetitions for a quick look; the published figures are of the full number.
REPEATS = int(os.environ.get("EVIDENCE_REPEATS", "20"))
_STARTED = time.monotonic()
_COMMIT = commit_of(ROOT)
_DISK = DiskWatch()
_OUTCOMES: dict[tuple[str, int, str], Outcome] = {}


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Figures:
    return Figures(request.node.user_properties)


@pytest.fixture
async def installation(request: pytest.FixtureRequest) -> AsyncIterator[Installation]:
    with short_folder() as home:
        found = Installation(home, lease=getattr(request, "param", 2.0))
        try:
            await found.start()
            yield found
        finally:
            found.stop()


@pytest.fixture
async def ledger(installation: Installation) -> AsyncIterator[Ledger]:
    assert installation.dsns is not None
    found = Ledger(installation, installation.dsns)
    await found.make_brands(20)
    yield found
    await found.close()


@pytest.fixture
async def simulation(installation: Installation, ledger: Ledger) -> AsyncIterator[Simulation]:
    found = Simulation(installation, ledger)
    await found.start()
    yield found
    await found.close()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Keep what a proof measured and how it ended; the process that runs the others hears of all."""
    if report.when == "call" or report.outcome != "passed":
        file, line, _ = report.location
        _OUTCOMES[file, line or 0, report.nodeid] = Outcome(
            name=report.nodeid, verdict=report.outcome, found=list(report.user_properties)
        )


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Write docs/evidence.md when proofs were measured."""
    outcomes = [_OUTCOMES[key] for key in sorted(_OUTCOMES)]
    if hasattr(session.config, "workerinput") or not any(outcome.found for outcome in outcomes):
        return
    counts = Counter(outcome.verdict for outcome in outcomes)
    words = ", ".join(f"{count} proofs {verdict}" for verdict, count in counts.items())
    words += f"; {REPEATS} repetitions" + (" of the 20 promised" if REPEATS < 20 else "")
    if session.config.option.keyword or exitstatus == pytest.ExitCode.INTERRUPTED:
        words += "; not all proofs were run"
    words += f"; {_DISK.words()}"
    write_page(ROOT, outcomes, commit=_COMMIT, seconds=time.monotonic() - _STARTED, words=words)
