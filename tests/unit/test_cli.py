"""The command line: wrong arguments are told as people or machines read them, with exit code 2."""

import json
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from shelftide.cli import main
from shelftide_sdk.commands import connector

WRONG = {
    "an unknown option": (["demo", "--colour", "red"], "--colour"),
    "an unknown command": (["dance"], "dance"),
    "a choice that there is not": (["demo", "--engine", "abacus"], "abacus"),
    "a number that is none": (["demo", "--seed", "seven"], "seven"),
    "a missing option": (["import", "file.csv", "--kind", "sales"], "--kind"),
    "a missing argument": (["connector", "test"], "NAME_OR_PATH"),
    "an unknown command of a group": (["connector", "dance"], "dance"),
    "a missing option of a group's command": (["connector", "read", "shopify"], "--stream"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_machine_gets_one_json_object_on_stderr(case: str) -> None:
    arguments, word = WRONG[case]
    done = CliRunner().invoke(main, [*arguments, "--json"])
    assert (done.exit_code, done.stdout) == (2, "")
    body = json.loads(done.stderr)
    assert body.keys() == {"error", "message", "hint"}
    assert body["error"] == "usage"
    assert word in body["message"]
    assert body["hint"].endswith("--help")


@pytest.mark.parametrize("case", WRONG)
def test_people_get_a_sentence(case: str) -> None:
    arguments, word = WRONG[case]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 2
    assert "Usage:" in done.stderr
    assert "Error: " in done.stderr
    assert word in done.stderr


def test_the_sdks_own_commands_do_the_same() -> None:
    group = connector(lambda: SimpleNamespace(plugins=(), connectors={}))
    done = CliRunner().invoke(group, ["read", "--json"])
    assert done.exit_code == 2
    assert json.loads(done.stderr)["error"] == "usage"


def test_an_unknown_connector_is_named_with_those_that_there_are() -> None:
    done = CliRunner().invoke(main, ["connector", "test", "absent", "--json"])
    body = json.loads(done.stderr)
    assert (done.exit_code, body["error"]) == (2, "configuration")
    assert body["message"] == "There is no connector called 'absent'."
    assert "shopify" in body["hint"]
