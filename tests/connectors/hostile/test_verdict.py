"""`connector test`: which rules are kept, the tier, and each bug by name."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result
from tests.connectors.hostile.connector import FloatMoney, FragileMapping, Honest

from shelftide_sdk import Connector
from shelftide_sdk.commands import connector
from shelftide_sdk.verdict import weigh


def run(kind: type[Connector], *arguments: str) -> Result:
    registry = SimpleNamespace(plugins=(), connectors={"hostile": kind})
    return CliRunner().invoke(connector(lambda: registry), ["test", *arguments])


def test_an_honest_connector_is_gold() -> None:
    done = run(Honest, "hostile", "--json")
    found = json.loads(done.stdout)
    assert (done.exit_code, found["tier"], found["failed"]) == (0, "gold", 0)


def test_a_broken_one_ends_with_3_and_the_bug_by_name() -> None:
    done = run(FloatMoney, "hostile")
    assert done.exit_code == 3
    assert "money_is_exact: stream 'orders': Order: total.amount is a float, not a Decimal" in done.stdout
    assert "What to do: Use `Money.parse(text, currency)`." in done.stdout
    assert "hostile: no tier" in done.stdout


def test_one_that_breaks_on_bad_days_alone_is_silver() -> None:
    found = json.loads(run(FragileMapping, "hostile", "--json").stdout)
    broken = {rule["name"] for rule in found["rules"] if rule["outcome"] == "failed"}
    assert (found["tier"], broken) == ("silver", {"bad_days_change_nothing", "damaged_replies_are_named"})


def test_tests_are_run_by_path(tmp_path: Any) -> None:
    suite = tmp_path / "test_mine.py"
    suite.write_text(
        "from shelftide_sdk.testing.conformance import ConnectorConformance\n"
        "from tests.connectors.hostile.connector import Honest\n\n\n"
        "class TestMine(ConnectorConformance):\n"
        "    connector = Honest\n"
        "    exempt = {'zones_are_real': 'the platform has no zones'}\n"
    )
    found = json.loads(run(Honest, str(suite), "--json").stdout)
    reasons = {rule["name"]: rule["reason"] for rule in found["rules"] if rule["outcome"] == "skipped"}
    assert found["tier"] == "gold"
    assert "the platform has no zones" in reasons["zones_are_real"]


@pytest.mark.parametrize(("name", "words"), [("absent", "no connector called"), ("pyproject.toml", "did not run")])
def test_wrong_use_ends_with_2(name: str, words: str) -> None:
    done = run(Honest, name, "--json")
    assert done.exit_code == 2
    assert words in json.loads(done.stderr)["message"]


def rules(**tiers: str) -> list[dict[str, Any]]:
    return [
        {"suite": "S", "name": f"{tier}-{n}", "tier": tier, "title": "", "outcome": outcome}
        for tier, outcomes in tiers.items()
        for n, outcome in enumerate(outcomes.split())
    ]


@pytest.mark.parametrize(
    ("outcomes", "tier"),
    [
        ({"bronze": "passed", "silver": "passed", "gold": "passed"}, "gold"),
        ({"bronze": "passed", "silver": "passed skipped", "gold": "failed"}, "silver"),
        ({"bronze": "passed", "silver": "failed", "gold": "passed"}, "bronze"),
        ({"bronze": "failed passed", "silver": "passed", "gold": "passed"}, None),
        ({"bronze": "skipped", "silver": "passed", "gold": "passed"}, None),
        ({"bronze": "passed"}, "bronze"),
    ],
)
def test_a_tier_needs_every_rule_below_it(outcomes: dict[str, str], tier: str | None) -> None:
    assert weigh("x", rules(**outcomes)).tier == tier


def broken_rule(name: str, *bugs: str) -> dict[str, Any]:
    return {"suite": "S", "name": name, "tier": "bronze", "title": f"{name}.", "outcome": "failed", "bugs": bugs}


def test_one_bug_that_breaks_many_rules_is_told_by_the_rule_it_belongs_to() -> None:
    root = "no row was read\n  Rule: every_row_is_read.\n  What to do: read"
    raised = "ContractError: the connector tried to reach https://x.example"
    found = weigh(
        "x",
        [
            broken_rule("keys_are_whole", root),
            broken_rule("every_row_is_read", root),
            broken_rule("check_accepts", raised),
            broken_rule("zones_are_real", raised),
            broken_rule("money_is_exact", "a float\n  Rule: money_is_exact."),
            broken_rule("times_are_aware", root, "naive\n  Rule: times_are_aware."),
        ],
    )
    causes = {rule.name: rule.because_of for rule in found.rules if rule.because_of}
    assert causes == {"keys_are_whole": "every_row_is_read", "zones_are_real": "check_accepts"}
    assert found.failed == 6


def test_the_command_prints_a_bug_once_and_lists_what_could_not_be_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    bug = "no row was read\n  Rule: every_row_is_read."
    verdict = weigh("x", [broken_rule("keys_are_whole", bug), broken_rule("every_row_is_read", bug)])
    monkeypatch.setattr("shelftide_sdk.commands.judge", lambda *_, **__: verdict)
    done = run(Honest, "hostile")
    assert done.exit_code == 3
    assert done.stdout.count("no row was read") == 1
    assert "Because of it these could not be judged: keys_are_whole." in done.stdout
