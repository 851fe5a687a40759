"""The rules are what the documentation says, each with a tier and advice."""

from pathlib import Path

from shelftide_sdk.quality import TIERS
from shelftide_sdk.testing.conformance import RULES, ConnectorConformance, rules_table

DOCUMENT = Path(__file__).parents[3] / "docs" / "connectors" / "writing.md"


def test_the_documentation_lists_every_rule_as_it_is() -> None:
    assert DOCUMENT.read_text(encoding="utf-8").endswith(rules_table())


def test_every_test_of_the_suite_is_a_rule_and_the_other_way_round() -> None:
    tests = {name.removeprefix("test_") for name in dir(ConnectorConformance) if name.startswith("test_")}
    assert tests == set(RULES)


def test_every_rule_says_what_it_promises_and_what_to_do() -> None:
    assert {rule.tier for rule in RULES.values()} == set(TIERS)
    assert all(rule.title.endswith(".") and rule.advice.endswith(".") for rule in RULES.values())


def test_the_documentation_lists_every_attribute_of_the_suite() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    own = {"connector", "seconds"}
    attributes = {name for cls in ConnectorConformance.__mro__ for name in getattr(cls, "__annotations__", {})}
    assert [name for name in attributes - own if not name.startswith("_") and f"`{name}" not in text] == []
