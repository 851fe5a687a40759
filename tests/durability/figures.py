"""Figures that proofs measure, and the page that they are written to."""

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import msgspec

_HEAD = """# Evidence

Written by `make evidence` from what it measured; not edited by hand.
What is promised: [durability](operations/durability.md).

"""


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One measured value."""

    name: str
    value: int | float | str
    unit: str


class Figures:
    """The figures of one run."""

    def __init__(self) -> None:
        self.found: list[Figure] = []

    def __call__(self, name: str, value: int | float | str, unit: str = "") -> None:
        """Note a figure."""
        self.found.append(Figure(name=name, value=value, unit=unit))

    def page(self, *, commit: str, at: datetime, seconds: float, outcome: str) -> str:
        """The page."""
        when = f"{at:%Y-%m-%d %H:%M} UTC, commit {commit}, {seconds / 60:.1f} minutes, {outcome}."
        rows = [f"| {f.name} | {_shown(f.value)} | {f.unit} |" for f in self.found]
        return _HEAD + "\n".join([when, "", "| What | Measured | Unit |", "|---|---|---|", *rows, ""])


def _shown(value: int | float | str) -> str:
    return f"{value:.2f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else value


def commit_of(root: Path) -> str:
    """The short name of the commit that was measured; a changed tree says so."""
    command = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def write_page(root: Path, figures: Figures, *, commit: str, seconds: float, outcome: str) -> None:
    """Write docs/evidence.md."""
    page = figures.page(commit=commit, at=datetime.now(UTC), seconds=seconds, outcome=outcome)
    (root / "docs" / "evidence.md").write_text(page)
