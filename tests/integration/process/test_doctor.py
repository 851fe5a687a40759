"""`shelftide doctor` and the commands' errors: what is wrong, what to do, and the exit code that machines read."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections import namedtuple
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from shelftide import doctor
from shelftide.core.errors import SetupError
from shelftide.doctor import Finding, diagnose
from shelftide.supervisor import check_port

CLI = (sys.executable, "-m", "shelftide.cli")


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SHELFTIDE_DATA_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


async def finding(check: str) -> Finding:
    return next(found for found in await diagnose() if found.check == check)


def command(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*CLI, *words], env={**os.environ, **environment}, capture_output=True, text=True, timeout=60, check=False
    )


async def test_a_healthy_machine_has_nothing_to_do(unused_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELFTIDE_PORT", str(unused_port))
    found = await diagnose()
    assert [f for f in found if not f.good and f.check != "browser files"] == []
    assert {"python", "data folder", "disk", "port", "database", "duckdb", "plugins"} <= {f.check for f in found}


@pytest.fixture
def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_a_taken_port_is_named_with_the_setting(taken_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELFTIDE_PORT", str(taken_port))
    found = await finding("port")
    assert not found.good
    assert str(taken_port) in found.finding
    assert "SHELFTIDE_PORT" in found.step


async def test_a_full_disk_is_measured_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")  # the shape of shutil's own
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**12, 10**12, 24 * 2**20))
    found = await finding("disk")
    assert (found.good, found.finding) == (False, "24 MB free")
    assert "Free at least 1001 MB" in found.step


async def test_an_unknown_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELFTIDE_PROT", "1")
    found = await finding("settings")
    assert not found.good
    assert "SHELFTIDE_PROT" in found.finding


async def test_half_an_external_database_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://app@127.0.0.1/x")
    found = await finding("settings")
    assert "DATABASE_GATE_URL" in found.finding
    assert found.step


async def test_a_database_that_does_not_answer_is_named(unused_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("", "_OWNER", "_GATE", "_BACKUP", "_LAKES"):
        monkeypatch.setenv(f"DATABASE{name}_URL", f"postgresql://app:x@127.0.0.1:{unused_port}/x")
    found = await finding("database")
    assert not found.good
    assert "DATABASE_URL" in found.step


async def test_a_missing_extension_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(package: str) -> str:
        if package == "duckdb-extension-httpfs":
            raise PackageNotFoundError(package)
        return "1.5.5"

    monkeypatch.setattr(doctor, "version", version)
    found = await finding("duckdb")
    assert found.finding == "duckdb-extension-httpfs is missing"


async def test_without_a_home_the_check_speaks_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SHELFTIDE_DATA_DIR")
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: 4242)

    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", homeless)
    found = await diagnose()
    assert any("XDG_DATA_HOME" in f.step for f in found if not f.good)
    assert any(f.check == "port" for f in found)


async def test_it_changes_nothing(own_folder: Path) -> None:
    await diagnose()
    assert os.listdir(own_folder) == []


def test_a_port_that_is_free_is_no_error(unused_port: int, taken_port: int) -> None:
    check_port("127.0.0.1", unused_port)
    with pytest.raises(SetupError, match=f"Port {taken_port}"):
        check_port("127.0.0.1", taken_port)


def test_doctor_for_machines_ends_with_two_when_something_is_wrong(taken_port: int) -> None:
    done = command("doctor", "--json", SHELFTIDE_PORT=str(taken_port))
    assert done.returncode == 2
    found = {row["check"]: row for row in json.loads(done.stdout)}
    assert found["port"]["good"] is False
    assert found["port"]["step"]


def test_a_start_on_a_taken_port_says_what_to_do_and_ends_with_two(taken_port: int) -> None:
    done = command("up", SHELFTIDE_PORT=str(taken_port))
    assert done.returncode == 2
    assert f"Port {taken_port} on 127.0.0.1 is taken." in done.stderr
    assert "SHELFTIDE_PORT" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_error_for_machines_is_one_object_on_stderr(tmp_path: Path) -> None:
    table = tmp_path / "footfall.csv"
    table.write_text("day,visitors\n")
    done = command(
        "import", str(table), "--kind", "daily-sales", "--tenant", "x", "--json", SHELFTIDE_LEASE_SECONDS="soon"
    )
    assert done.returncode == 2
    error = json.loads(done.stderr)
    assert error["error"] == "setup"
    assert set(error) == {"error", "message", "hint"}
    assert done.stdout == ""


def test_wrong_use_ends_with_two() -> None:
    assert command("nonsense").returncode == 2
    assert command("import").returncode == 2
