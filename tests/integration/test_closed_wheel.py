"""A plugin whose author ships no source: a wheel of compiled files alone is listed, read and judged like any other."""

import base64
import compileall
import csv
import hashlib
import io
import json
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[2]


def run(*arguments: str, cwd: Path, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(cwd), "COLUMNS": "200"}
    if path is not None:
        environment["PYTHONPATH"] = str(path)
    return subprocess.run(
        [sys.executable, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, timeout=200, check=False
    )


def closed(wheel: Path, folder: Path) -> Path:
    """The same wheel with each module compiled in its place and its source gone."""
    content = folder / "content"
    with ZipFile(wheel) as opened:
        opened.extractall(content)
    assert compileall.compile_dir(content, quiet=1, legacy=True)
    for source in content.rglob("*.py"):
        source.unlink()
    record = next(content.glob("*.dist-info/RECORD"))
    rows = io.StringIO()
    writer = csv.writer(rows, lineterminator="\n")
    files = sorted(file for file in content.rglob("*") if file.is_file() and file != record)
    for file in files:
        digest = base64.urlsafe_b64encode(hashlib.sha256(file.read_bytes()).digest()).decode().rstrip("=")
        writer.writerow((file.relative_to(content), f"sha256={digest}", file.stat().st_size))
    writer.writerow((record.relative_to(content), "", ""))
    record.write_text(rows.getvalue())
    made = folder / wheel.name
    with ZipFile(made, "w") as packed:
        for file in (*files, record):
            packed.write(file, file.relative_to(content))
    return made


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the closed plugin installed."""
    folder = tmp_path_factory.mktemp("closed")
    quiet = ["--quiet", "--no-deps", "--disable-pip-version-check"]
    built = run(
        *("-m", "pip", "wheel", *quiet, "--no-build-isolation", "--no-index", "-w", str(folder / "open")),
        str(ROOT / "plugins/walmart"),
        cwd=folder,
    )
    assert built.returncode == 0, built.stderr
    (wheel,) = (folder / "open").glob("*.whl")
    made = closed(wheel, folder)
    done = run("-m", "pip", "install", *quiet, "--no-index", "--target", str(folder / "site"), str(made), cwd=folder)
    assert done.returncode == 0, done.stderr
    assert not list((folder / "site").rglob("*.py"))
    assert list((folder / "site/shelftide_walmart").glob("*.pyc"))
    return folder / "site"


def test_it_is_listed_and_works_without_its_source(site: Path, tmp_path: Path) -> None:
    rows = json.loads(run("-m", "shelftide_sdk", "list", "--json", cwd=tmp_path, path=site).stdout)
    (row,) = [row for row in rows if row["distribution"] == "shelftide-walmart"]
    assert (row["name"], row["version"], row["state"], row["error"]) == ("walmart", "0.1.0", "ok", None)
    out = tmp_path / "walmart.duckdb"
    done = run(
        "-m", "shelftide_sdk", "run", "walmart", "--emulated", "--to", str(out), "--json", cwd=tmp_path, path=site
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["tables"]["orders"] > 100


def test_the_suite_judges_it_without_its_source(site: Path, tmp_path: Path) -> None:
    suite = tmp_path / "test_closed.py"
    suite.write_text(
        "from shelftide_sdk.testing.conformance import ConnectorConformance\n"
        "from shelftide_walmart import Walmart\n\n\n"
        "class TestClosed(ConnectorConformance):\n"
        "    connector = Walmart\n"
        "    streams = ('stock',)\n"
    )
    done = run("-m", "shelftide_sdk", "test", str(suite), "--json", cwd=tmp_path, path=site)
    found = json.loads(done.stdout)
    bugs = [rule["bugs"] for rule in found["rules"] if rule["outcome"] == "failed"]
    assert (done.returncode, found["tier"], bugs) == (0, "gold", [])
