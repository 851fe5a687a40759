"""The tutorial, word for word: each command is run, each change is applied, each shown answer must come."""

import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.connectors.authoring.outsider import Outsider, git

TUTORIAL = Path(__file__).parents[3] / "docs" / "connectors" / "tutorial.md"
_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def steps(text: str) -> Iterator[tuple[str, str]]:
    """(console, command and the answer under it) or (diff, text), in order."""
    for found in _FENCE.finditer(text):
        if found[1] != "console":
            yield found[1], found[2]
            continue
        for part in re.split(r"^\$ ", found[2], flags=re.MULTILINE)[1:]:
            yield "console", part


def follow(text: str, outsider: Outsider) -> list[str]:
    """Do what the page says; what was run."""
    cwd, done = outsider.folder, []
    for kind, step in steps(text):
        if kind == "diff":
            applied = subprocess.run(
                [git(), "apply", "-"], input=step, cwd=cwd, text=True, capture_output=True, check=False
            )
            assert applied.returncode == 0, f"{applied.stderr}\n{step}"
            done.append("diff")
            continue
        assert kind == "console", f"a block of kind {kind} is not executed"
        command, _, answer = step.partition("\n")
        if command.startswith("cd "):
            cwd = cwd / command.removeprefix("cd ")
        elif command.startswith("pip install 'shelftide-sdk["):
            assert extras_of(command) <= {"new", "run", "testing"}
        else:
            ran = outsider.run(command, cwd)
            refused = answer.startswith('{"error"')
            assert (ran.returncode != 0) == refused, f"{command}\n{ran.stdout[-3000:]}{ran.stderr[-3000:]}"
            for line in answer.splitlines():
                assert line in ran.stdout + ran.stderr, f"{command}\n{ran.stdout[-3000:]}{ran.stderr[-3000:]}"
            if refused:
                assert (ran.returncode, set(json.loads(ran.stderr))) == (2, {"error", "message", "hint"})
        done.append(shlex.split(command)[0])
    return done


def extras_of(command: str) -> set[str]:
    """The SDK is installed already; its extras must be the ones that there are."""
    return set(re.findall(r"\[([a-z,]+)\]", command)[0].split(","))


@pytest.mark.timeout(400)
def test_every_command_and_change_of_the_tutorial_works(tmp_path: Path) -> None:
    outsider = Outsider(tmp_path)
    done = follow(TUTORIAL.read_text(encoding="utf-8"), outsider)
    assert (done.count("diff"), done.count("cd")) == (4, 1)
    assert len(done) > 10


def test_a_tutorial_that_is_wrong_fails(tmp_path: Path) -> None:
    outsider = Outsider(tmp_path)
    with pytest.raises(AssertionError, match="five"):
        follow("```console\n$ echo four\nfive\n```\n", outsider)
    with pytest.raises(AssertionError, match="exit 1"):
        follow("```console\n$ exit 1\n```\n", outsider)
    with pytest.raises(AssertionError, match="No such file"):
        follow("```diff\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n```\n", outsider)
