"""The supervisor: what dies is started again, what is asked to stop stops."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec
import pytest
from tests.durability.ledger import Ledger
from tests.durability.processes import ROOT, Installation, short_folder

from shelftide.core.errors import SetupError
from shelftide.core.settings import read_settings
from shelftide.supervisor import Child, Supervisor


class Stage:
    """A supervisor with a worker and a plain child."""

    def __init__(self, home: Path) -> None:
        self.installation = Installation(home)
        settings = read_settings(self.installation.settings)
        environment = {**self.installation.settings, "PYTHONPATH": str(ROOT)}
        python = (ROOT / ".venv/bin/python") if (ROOT / ".venv/bin/python").exists() else Path("python")
        worker = Child(name="worker", command=(str(python), "-m", "tests.durability.victim"), environment=environment)
        sleeper = Child(name="sleeper", command=("sleep", "600"))
        self.supervisor = Supervisor(settings, [worker, sleeper])

    async def other_pid(self, name: str, old: int | None, seconds: float = 20) -> int:
        """The id of the process that replaced another."""
        return await until(lambda: found if (found := self.supervisor.pid(name)) not in (None, old) else None, seconds)


async def until(look: Callable[[], int | None], seconds: float) -> int:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = look()
        if found is not None:
            return found
        await asyncio.sleep(0.05)
    raise TimeoutError


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    with short_folder() as home:
        found = Stage(home)
        await found.supervisor.start()
        try:
            yield found
        finally:
            await found.supervisor.stop()


async def test_what_dies_is_started_again_and_what_stops_is_gone(stage: Stage) -> None:
    first = stage.supervisor.pid("sleeper") or await stage.other_pid("sleeper", None)
    os.kill(first, signal.SIGKILL)
    second = await stage.other_pid("sleeper", first)
    await stage.supervisor.stop()
    assert stage.supervisor.pid("sleeper") is None
    with pytest.raises(ProcessLookupError):
        os.kill(second, 0)


async def test_a_killed_database_comes_back_and_runs_go_on(stage: Stage) -> None:
    server = stage.supervisor._postgres
    assert server is not None
    assert server.process is not None
    stage.installation.server = server
    first = server.process.pid
    ledger = Ledger(stage.installation, await stage.installation.start())
    await ledger.make_brands(2)
    os.kill(first, signal.SIGKILL)
    await until(lambda: server.process.pid if server.process and server.process.pid != first else None, 20)
    deadline = time.monotonic() + 20
    while True:
        try:
            await ledger.queue(5)
            break
        except Exception:  # noqa: BLE001  # until it answers
            assert time.monotonic() < deadline
            await asyncio.sleep(0.2)
    await ledger.finished(40)
    assert (await ledger.count()).exact
    await ledger.close()


async def test_a_second_installation_in_one_folder_is_refused(stage: Stage) -> None:
    second = Supervisor(msgspec.structs.replace(stage.supervisor._settings), [])
    with pytest.raises(SetupError, match="already running"):
        await second.start()
