"""The rules of the conformance suite: which there are, and what a connector that keeps them is called.

A tier is reached when every rule of it and of the tiers below is kept. A rule that does not apply (no lookback, no
OAuth) or that the author exempts with a written reason does not stand in the way; a broken one does.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec
import pytest

TIERS = ("bronze", "silver", "gold")


class Rule(msgspec.Struct, frozen=True):
    """One promise. `name` is the test's name without `test_`; `advice` says what to do when it is broken."""

    name: str
    tier: str
    title: str
    advice: str


RULES: dict[str, Rule] = {}
F = TypeVar("F", bound=Callable[..., Any])


def rule(tier: str, title: str, advice: str) -> Callable[[F], F]:
    """Declare a test of the suite to be a rule."""

    def declare(test: F) -> F:
        name = test.__name__.removeprefix("test_")
        RULES[name] = Rule(name, tier, title, advice)
        marked: F = pytest.mark.conformance(name=name, tier=tier, title=title)(test)
        return marked

    return declare


def broken(name: str, bug: str) -> str:
    """The text of a failure: the bug, then what to do."""
    return f"{bug}\n  Rule: {RULES[name].title}\n  What to do: {RULES[name].advice}"


def tier_of(outcomes: Mapping[str, str]) -> str | None:
    """The tier that outcomes by rule ("passed", "failed", "skipped") amount to; None below bronze.

    A rule that was not run counts as broken, so that half a run earns nothing.
    """
    reached = None
    for tier in TIERS:
        wanted = [found.name for found in RULES.values() if found.tier == tier]
        if any(outcomes.get(name) not in ("passed", "skipped") for name in wanted):
            break
        reached = tier
    return reached


def rules_table() -> str:
    """All rules as a Markdown table (docs/connectors/writing.md holds it)."""
    lines = ["| Tier | Rule | Promise | When it is broken |", "|---|---|---|---|"]
    ordered = sorted(RULES.values(), key=lambda found: TIERS.index(found.tier))
    lines += [f"| {found.tier} | `{found.name}` | {found.title} | {found.advice} |" for found in ordered]
    return "\n".join(lines) + "\n"
