"""An outsider's plugin lives with the SDK alone: no backend, no server, nothing but what the SDK depends on."""

import json
import re
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)\s*(?:\[([a-z,]+)\])?([^;]*)(;.*)?")
_EXTRA = re.compile(r"extra\s*==\s*['\"](\w+)['\"]")


def closure(name: str, extras: frozenset[str], found: dict[str, set[str]]) -> None:
    """All distributions that one needs, by name, with the extras that were followed."""
    key = re.sub(r"[-_.]+", "-", name).lower()
    if key in found and extras <= found[key]:
        return
    found.setdefault(key, set()).update(extras)
    try:
        requirements = distribution(name).requires or []
    except PackageNotFoundError:
        return  # needed on another platform or Python only
    for line in requirements:
        match = _REQUIREMENT.match(line)
        assert match is not None
        wanted = _EXTRA.search(match[4] or "")
        if wanted is None or wanted[1] in extras:
            closure(match[1], frozenset(filter(None, (match[2] or "").split(","))), found)


def link(name: str, site: Path) -> None:
    """Put an installed distribution into another site-packages folder."""
    try:
        files = distribution(name).files or []
    except PackageNotFoundError:
        return
    for top in {file.parts[0] for file in files} - {"..", "__pycache__"}:
        source = Path(str(distribution(name).locate_file(top)))
        if source.exists() and not (site / top).exists():
            (site / top).symlink_to(source)


def run(python: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": f"{python.parent}:/usr/bin:/bin", "HOME": str(cwd), "COLUMNS": "200"}
    return subprocess.run(
        [str(python), *arguments], cwd=cwd, env=environment, capture_output=True, text=True, timeout=100, check=False
    )


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """(python of a fresh environment, folder with the plugin's tests)."""
    folder = tmp_path_factory.mktemp("alone")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder / "venv")], check=True, timeout=60)
    site = next((folder / "venv" / "lib").glob("python*/site-packages"))
    needed: dict[str, set[str]] = {}
    closure("shelftide-sdk", frozenset({"testing"}), needed)
    for name in set(needed) - {"shelftide-sdk"}:
        link(name, site)
    build = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-build-isolation"]
    build += ["--disable-pip-version-check", "--target", str(site), "connectors/sdk", "plugins/acme"]
    done = subprocess.run(build, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    shutil.copytree(ROOT / "plugins/acme/tests", folder / "plugin/tests", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "plugins/acme/pyproject.toml", folder / "plugin")
    return folder / "venv/bin/python", folder / "plugin"


@pytest.mark.parametrize("absent", ["shelftide", "shelftide_shopify", "litestar", "sqlalchemy", "duckdb", "dramatiq"])
def test_nothing_of_the_backend_is_there(alone: tuple[Path, Path], absent: str) -> None:
    done = run(alone[0], "-c", f"import {absent}", cwd=alone[1])
    assert "ModuleNotFoundError" in done.stderr


def test_the_sdk_lists_the_plugin(alone: tuple[Path, Path]) -> None:
    done = run(alone[0], "-m", "shelftide_sdk", "list", "--json", cwd=alone[1])
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)
    assert (row["name"], row["distribution"], row["state"]) == ("acme", "shelftide-acme", "ok")
    assert [stream["name"] for stream in row["streams"]] == ["orders", "products", "stock"]


def test_the_readme_says_what_the_suite_says(alone: tuple[Path, Path]) -> None:
    done = run(alone[0], "-m", "shelftide_sdk", "test", "acme", cwd=alone[1])
    verdict = done.stdout.strip().splitlines()[-1]
    assert (done.returncode, verdict[:11]) == (0, "acme: gold;")
    assert verdict in (ROOT / "plugins/acme/README.md").read_text()


def test_the_plugins_own_tests_pass(alone: tuple[Path, Path]) -> None:
    done = run(alone[0], "-m", "pytest", "-q", "--conformance-report", "report.json", cwd=alone[1])
    assert done.returncode == 0, done.stdout[-3000:]
    rules: list[dict[str, Any]] = json.loads((alone[1] / "report.json").read_text())
    assert len(rules) > 25
    assert {rule["outcome"] for rule in rules} == {"passed", "skipped"}
