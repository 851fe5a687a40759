"""The long proofs: an installation a module, and the figures that they measure."""

import os
import time
from collections.abc import AsyncIterator

import pytest
from tests.durability.figures import Figures, commit_of, write_page
from tests.durability.ledger import Ledger
from tests.durability.processes import ROOT, Installation, short_folder
from tests.durability.shop import Simulation

# Fewer repetitions for a quick look; the published figures are of the full number.
REPEATS = int(os.environ.get("EVIDENCE_REPEATS", "20"))
_FIGURES = Figures()
_STARTED = time.monotonic()
_COMMIT = commit_of(ROOT)


@pytest.fixture
def figure() -> Figures:
    return _FIGURES


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


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Write docs/evidence.md when proofs were measured."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if not _FIGURES.found or reporter is None:
        return
    ended = {name: len(reporter.stats.get(name, [])) for name in ("passed", "failed", "skipped", "deselected")}
    ended["not run"] = session.testscollected - ended["passed"] - ended["failed"] - ended["skipped"]
    outcome = ", ".join(f"{count} proofs {name}" for name, count in ended.items() if count)
    outcome += f"; {REPEATS} repetitions of the 20 promised" if REPEATS < 20 else f"; {REPEATS} repetitions"
    write_page(ROOT, _FIGURES, commit=_COMMIT, seconds=time.monotonic() - _STARTED, outcome=outcome)
