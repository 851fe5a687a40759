"""The rules of the conformance suite: each a test with a tier, a promise, and what to do when it is broken."""

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
import pytest

from shelftide_sdk.quality import TIERS


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


def broken(name: str, bug: str, advice: str = "") -> str:
    """The text of a failure: the bug, then what to do; `advice` where a case of the rule has its own."""
    return f"{bug}\n  Rule: {RULES[name].title}\n  What to do: {advice or RULES[name].advice}"


def rules_table() -> str:
    """All rules as a Markdown table (docs/connectors/writing.md holds it)."""
    lines = ["| Tier | Rule | Promise | When it is broken |", "|---|---|---|---|"]
    ordered = sorted(RULES.values(), key=lambda found: TIERS.index(found.tier))
    lines += [f"| {found.tier} | `{found.name}` | {found.title} | {found.advice} |" for found in ordered]
    return "\n".join(lines) + "\n"
