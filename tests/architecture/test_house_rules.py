"""The promises of the house, kept by tests: where things may stand, and how long they may be."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CODE = ("backend", "connectors", "plugins", "infra")
BANNED_NAMES = {"utils", "helpers", "common", "manager", "base", "misc"}
# What is read before a scope is known; each importer with its reason.
GATE_IMPORTERS = {
    "shelftide/jobs/runs.py": "claims runs of all tenants",
    "shelftide/jobs/schedule.py": "starts what schedules of all tenants say",
    "shelftide/jobs/services.py": "reads the demo's calendar",
    "shelftide/jobs/import_file.py": "the operator names a brand",
    "shelftide/web/auth/sessions.py": "a cookie is read before a scope is known",
    "shelftide/web/auth/places.py": "a host is read before a scope is known",
    "shelftide/jobs/simulation.py": "advances the demo's calendar",
    "shelftide/ingest/webhooks.py": "a delivery names an account, not a brand",
    "shelftide/demo/play.py": "sets the demo's calendar",
    "shelftide/jobs/load_rates.py": "exchange rates are no tenant's",
}
SCOPE_MAKERS = {
    "shelftide/store/repositories/people.py": "from the session's memberships",
    "shelftide/web/auth/places.py": "an agency without brands, from its verified host",
    "shelftide/web/auth/links.py": "one brand, from a link that a colleague made",
    "shelftide/jobs/job.py": "from the run's row",
    "shelftide/jobs/import_file.py": "from the brand that the operator names",
    "shelftide/jobs/lake_secrets.py": "one tenant's lake login",
    "shelftide/ingest/webhooks.py": "an agency without brands, whose app may have signed a delivery",
    "shelftide/demo/seeding.py": "makes the demo's agencies",
    "shelftide/demo/play.py": "looks at the demo's runs",
}


def files(*roots: str) -> Iterator[Path]:
    for root in roots or CODE:
        for path in sorted((ROOT / root).rglob("*.py")):
            if not {"vendor", "templates", ".venv", "build"} & set(path.parts):
                yield path


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_no_file_is_longer_than_500_lines() -> None:
    long = {relative(p): n for p in files(*CODE, "tests") if (n := len(p.read_text().splitlines())) > 500}
    assert long == {}


def test_no_function_is_longer_than_50_lines() -> None:
    long = {
        f"{relative(path)}:{node.name}": length
        for path in files()
        for node in functions(path)
        if (length := (node.end_lineno or 0) - node.lineno + 1) > 50
        and not node.name.endswith("_command")  # a click command is its declarations
    }
    assert long == {}


def test_modules_are_named_by_what_they_hold() -> None:
    assert [relative(p) for p in files() if p.stem in BANNED_NAMES] == []


def test_no_late_annotations_and_no_type_only_imports() -> None:
    bad = [
        relative(path)
        for path in files(*CODE, "tests")
        if path != Path(__file__)
        and re.search(r"^from __future__ import annotations|\bTYPE_CHECKING\b", path.read_text(), re.MULTILINE)
    ]
    assert bad == []


def test_every_ignore_carries_a_reason() -> None:
    bad = []
    count = lines = 0
    for path in files(*CODE, "tests"):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            lines += 1
            found = re.search(r"#\s*(type: ignore\[[\w, -]+\]|noqa: [\w, ]+?)(?:\s*#\s*(\S.*))?$", line)
            if found:
                count += 1
                if not found[2]:
                    bad.append(f"{relative(path)}:{number}")
            if re.search(r"#\s*type: ignore(?!\[)|#\s*noqa(?!:)", line) and path != Path(__file__):
                bad.append(f"{relative(path)}:{number}")
    assert bad == []
    assert count * 10_000 / lines < 40


@pytest.mark.parametrize(
    ("library", "allowed"),
    [
        ("litestar", ("backend/shelftide/web/", "backend/shelftide/app.py")),
        ("dramatiq", ("backend/shelftide/jobs/", "backend/shelftide/worker.py")),
        ("duckdb", ("backend/shelftide/warehouse/",)),
        (
            "sqlalchemy",
            ("backend/shelftide/store/", "backend/shelftide/warehouse/", "backend/shelftide/analytics/"),
        ),
        (
            "asyncpg",
            (
                "backend/shelftide/warehouse/",
                "backend/shelftide/store/reads.py",
                "backend/shelftide/store/embedded.py",
                "backend/shelftide/store/catalog.py",
                "backend/shelftide/jobs/wake.py",
                "backend/shelftide/doctor.py",
            ),
        ),
        ("pluggy", ("connectors/sdk/",)),
        ("authlib", ("backend/shelftide/ingest/credentials.py", "backend/shelftide/web/auth/")),
        ("pytest", ("connectors/sdk/shelftide_sdk/testing/",)),
    ],
)
def test_each_library_has_one_door(library: str, allowed: tuple[str, ...]) -> None:
    users = {
        relative(path)
        for path in files("backend", "connectors")
        for name in imports(path)
        if name == library or name.startswith(f"{library}.")
    }
    assert [user for user in users if not user.startswith(allowed)] == []


def test_the_gate_is_used_by_a_written_list_only() -> None:
    users = {
        relative(path).removeprefix("backend/")
        for path in files("backend")
        if "store/" not in relative(path) and any(name.endswith(".SystemUnitOfWork") for name in imports(path))
    }
    assert users <= set(GATE_IMPORTERS)


def test_scopes_are_made_at_a_written_list_of_places() -> None:
    makers = {
        relative(path).removeprefix("backend/")
        for path in files("backend")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Scope"
    }
    assert makers <= set(SCOPE_MAKERS)


def test_no_session_level_settings() -> None:
    bad = [
        relative(path)
        for path in files("backend")
        for found in re.finditer(r"set_config\([^)]*,\s*(false|true)\s*\)", path.read_text())
        if found[1] == "false"
    ]
    assert bad == []
    direct = [
        relative(path)
        for path in files("backend")
        if "migrations" not in relative(path) and re.search(r"execute\(\s*[\"']\s*set\s+app\.", path.read_text(), re.I)
    ]
    assert direct == []


def test_settings_are_read_in_composition_roots_only() -> None:
    roots = {"app.py", "worker.py", "supervisor.py", "cli.py", "doctor.py", "demo/stage.py", "core/settings.py"}
    readers = {
        relative(path).removeprefix("backend/shelftide/")
        for path in files("backend")
        if "read_settings" in path.read_text()
    }
    assert readers <= roots


def test_importing_a_job_has_no_side_effect() -> None:
    code = "import shelftide.jobs, sys; sys.exit('dramatiq' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_import_contracts_hold() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports")], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:]


def test_nothing_of_a_machine_or_a_registry_is_committed() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    pattern = re.compile(r"(/work/|/home/\w+/|index-url|https?://[^\s\"']*(/simple/|\.whl\b|\.tgz\b|/-/))")
    bad = []
    for name in listed:
        path = ROOT / name
        if path.suffix in {".png", ".lock"} or path == Path(__file__) or not path.is_file():
            continue
        if pattern.search(path.read_text(errors="ignore").replace("--no-emit-index-url", "")):
            bad.append(name)
    assert bad == []
