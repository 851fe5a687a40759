"""Figures that proofs measure, and the page that they are written to."""

import subprocess
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

_HEAD = """# Evidence

Written by `make evidence` from what it measured; not edited by hand.
What is promised: [durability](operations/durability.md).

"""
_KILLS = """## Kills

Each kill is a SIGKILL of a real process. Lost and doubled: for workers, Postgres and brokers, runs without and beyond
their one effect; for syncs, rows and pieces that the warehouse and its roll-up miss or have beyond the simulator's
truth; for the web server, runs beside those of answered requests. Held up: runs that waited or were at work at the
death. Resumption: from a death to the start of the next try at what it held up. A token whose rotation died is renewed
within a minute, or the proof fails.

| What was killed | Kills | Compared | Lost | Doubled | Held up | Median resumption, s | Slowest, s | Promised, s |
|---|---|---|---|---|---|---|---|---|
"""
_OTHERS = """## Other figures

| What | Measured | Unit |
|---|---|---|
"""


class Kills(msgspec.Struct, frozen=True, kw_only=True):
    """What a series of kills did. `compared` counts what could have been lost or doubled; times in seconds."""

    what: str
    kills: int
    compared: int
    lost: int
    doubled: int
    held: int
    median: float
    slowest: float
    promised: float

    def row(self) -> str:
        """A line of the page's table."""
        return _line(msgspec.structs.astuple(self))


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One measured value."""

    name: str
    value: int | float | str
    unit: str

    def row(self) -> str:
        """A line of the page's table."""
        return _line((self.name, self.value, self.unit))


class Figures:
    """The figures of one proof; `found` travels as text, so that proofs may run in several processes."""

    def __init__(self, found: list[tuple[str, object]]) -> None:
        self._found = found

    def __call__(self, name: str, value: int | float | str, unit: str = "") -> None:
        """Note a figure."""
        self._add(Figure(name=name, value=value, unit=unit))

    def kills(self, series: Kills) -> None:
        """Note a series of kills."""
        self._add(series)

    def _add(self, figure: Kills | Figure) -> None:
        self._found.append((type(figure).__name__, msgspec.json.encode(figure).decode()))


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How a proof ended, and what it measured before."""

    name: str
    verdict: str
    found: Sequence[tuple[str, object]]

    def of(self, kind: type[Kills] | type[Figure]) -> list[str]:
        """The lines of one table."""
        texts = [str(text) for name, text in self.found if name == kind.__name__]
        return [msgspec.json.decode(text, type=kind).row() for text in texts]


def page(outcomes: Iterable[Outcome], *, head: str) -> str:
    """The page. Proofs that did not pass are named before any figure."""
    ended = list(outcomes)
    bad = [f"* {outcome.verdict}: `{outcome.name}`" for outcome in ended if outcome.verdict != "passed"]
    kills = [row for outcome in ended for row in outcome.of(Kills)]
    others = [row for outcome in ended for row in outcome.of(Figure)]
    parts = [head, *(["\n".join(["Not proven in this run:", "", *bad])] if bad else [])]
    parts.append(_KILLS + "\n".join(kills))
    parts.append(_OTHERS + "\n".join(others))
    return _HEAD + "\n\n".join(parts) + "\n"


def _line(values: Iterable[object]) -> str:
    return f"| {' | '.join(_shown(value) for value in values)} |"


def _shown(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)


def commit_of(root: Path) -> str:
    """The short name of the commit that was measured; a changed tree says so."""
    command = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def write_page(root: Path, outcomes: Iterable[Outcome], *, commit: str, seconds: float, words: str) -> None:
    """Write docs/evidence.md."""
    head = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, commit {commit}, {seconds / 60:.1f} minutes, {words}."
    (root / "docs" / "evidence.md").write_text(page(outcomes, head=head))
