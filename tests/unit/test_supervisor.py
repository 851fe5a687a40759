"""The supervisor and its children, without a database: asking, insisting, pausing, and not outliving."""

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from shelftide.core.errors import SetupError
from shelftide.core.settings import Settings
from shelftide.supervisor import Child, Supervisor, check_port

SETTINGS = Settings(database_url="postgresql://nobody@127.0.0.1:1/none")


@asynccontextmanager
async def kept(child: Child) -> AsyncIterator[Supervisor]:
    """A supervisor that keeps one child and has no database of its own."""
    supervisor = Supervisor(SETTINGS, [child])
    supervisor._tasks.append(asyncio.create_task(supervisor._keep(child)))
    try:
        yield supervisor
    finally:
        await asyncio.wait_for(supervisor.stop(), 40)


def shell(script: str, grace: float = 25.0) -> Child:
    return Child(name="child", command=("bash", "-c", script), grace=grace)


def text_of(path: Path) -> str:
    return path.read_text() if path.exists() else ""


async def appeared(path: Path, seconds: float = 30) -> str:
    """A file's text, as soon as it has a whole line."""
    deadline = time.monotonic() + seconds
    while not (found := text_of(path)).endswith("\n"):
        assert time.monotonic() < deadline, f"{path.name} never came"
        await asyncio.sleep(0.02)
    return found


def alive(pid: int) -> bool:
    """Whether a process runs; one that only waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


async def gone(pid: int, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while alive(pid):
        assert time.monotonic() < deadline, f"{pid} lives on"
        await asyncio.sleep(0.02)


async def test_a_child_is_asked_to_stop_and_may_tidy_up(tmp_path: Path) -> None:
    ready, tidied = tmp_path / "ready", tmp_path / "tidied"
    async with kept(
        shell(f"trap 'echo yes > {tidied}; exit 0' TERM; echo $$ > {ready}; for i in {{1..1200}}; do sleep 0.05; done")
    ):
        await appeared(ready)
    assert text_of(tidied) == "yes\n"


async def test_a_child_that_does_not_listen_is_killed_with_all_that_it_started(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    script = f"trap '' TERM; sleep 60 & echo $! $$ > {ready}; for i in {{1..1200}}; do sleep 0.05; done"
    async with kept(shell(script, grace=0.3)) as supervisor:
        pids = [int(pid) for pid in (await appeared(ready)).split()]
        await asyncio.wait_for(supervisor.stop(), 20)
    for pid in pids:
        await gone(pid)


async def test_a_child_that_dies_at_once_is_started_with_growing_pauses(tmp_path: Path) -> None:
    starts = tmp_path / "starts"
    async with kept(shell(f"echo >> {starts}")):
        await appeared(starts)
        await asyncio.sleep(2.5)
    # At 0, 0.4, 1.2 and not before 2.8 seconds; without growing pauses a dozen times.
    assert 2 <= text_of(starts).count("\n") <= 4


async def test_the_children_of_a_supervisor_that_was_killed_end_too(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    program = (
        "import asyncio\n"
        "from shelftide.core.settings import Settings\n"
        "from shelftide.supervisor import Child, Supervisor\n"
        f"child = Child(name='c', command=('bash', '-c', 'echo $$ > {ready}; exec sleep 60'))\n"
        f"asyncio.run(Supervisor(Settings(database_url={SETTINGS.database_url!r}), [child])._keep(child))\n"
    )
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", program)
    try:
        pid = int(await appeared(ready))
    finally:
        parent.kill()
        await parent.wait()
    try:
        await gone(pid, 10)
    finally:
        if alive(pid):
            os.kill(pid, signal.SIGKILL)


def test_a_taken_port_is_told_before_anything_starts() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SetupError, match=f"Port {port} on 127.0.0.1 is taken"):
            check_port("127.0.0.1", port)
    check_port("127.0.0.1", port)
