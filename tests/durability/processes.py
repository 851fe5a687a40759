"""Real processes of the product over a private embedded Postgres, to be killed and counted."""

import asyncio
import atexit
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

import asyncpg
import httpx2

from shelftide.core.errors import SetupError
from shelftide.store.embedded import Dsns, EmbeddedPostgres, place_for
from shelftide.store.migrate import migrate

ROOT = Path(__file__).resolve().parents[2]
LEASE = 2.0
# Architecture: resumed within the lease and five seconds.
RESUME_GRACE = 5.0
# What a client meets when its database dies; asyncpg's own state machine trips when that happens in mid answer.
LOST = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


def free_port() -> int:
    """A loopback port that nobody uses.

    Not one that the kernel gives to callers: a client that keeps calling a dead server would take the server's place.
    """
    while True:
        port = secrets.randbelow(10_000) + 20_000
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@contextmanager
def short_folder(prefix: str = "shelftide-evidence-") -> Iterator[Path]:
    """A folder whose path leaves room for a socket's name, and that a demoted server may pass."""
    home = Path(tempfile.mkdtemp(prefix=prefix))
    home.chmod(0o755)
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


@cache
def _programs() -> Path:
    """As root an installation copies the server's programs (40 MB): one copy for all installations of this process."""
    folder = Path(tempfile.mkdtemp(prefix="shelftide-programs-"))
    folder.chmod(0o755)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    EmbeddedPostgres(place_for(folder, folder)).copy_programs()
    return folder / "bin"


class Process:
    """One process of the product."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], log: Path, *, cwd: Path = ROOT) -> None:
        self._log = log
        with log.open("ab") as out:
            self._popen = subprocess.Popen(
                command,
                env={**os.environ, **environment},
                cwd=cwd,
                stdout=out,
                stderr=out,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Its id."""
        return self._popen.pid

    @property
    def code(self) -> int | None:
        """Its exit code, or None while it runs."""
        return self._popen.poll()

    def log(self) -> str:
        """What it wrote."""
        return self._log.read_text(errors="replace")

    async def release(self, seconds: float = 60.0) -> None:
        """Let a process work that stopped itself when its program was loaded. Raises TimeoutError."""
        deadline = time.monotonic() + seconds
        while not self._stopped():
            if self.code is not None:
                raise RuntimeError(f"ended with {self.code}: {self.log()[-2000:]}")
            if time.monotonic() > deadline:
                raise TimeoutError(self.log()[-2000:])
            await asyncio.sleep(0.02)
        self.signal(signal.SIGCONT)

    def _stopped(self) -> bool:
        # The state follows the program's name, which stands in brackets.
        return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"

    def signal(self, number: int) -> None:
        """Send a signal, if it still lives."""
        if self._popen.poll() is None:
            self._popen.send_signal(number)

    async def wait(self, seconds: float) -> int:
        """Its exit code. Raises TimeoutError."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.code is not None:
                return self.code
            await asyncio.sleep(0.02)
        raise TimeoutError(self.log()[-2000:])

    async def says(self, words: str, seconds: float = 120.0) -> None:
        """Wait until it writes `words`. Raises TimeoutError, or RuntimeError when it ends first."""
        deadline = time.monotonic() + seconds
        while words not in self.log():
            if self.code is not None:
                raise RuntimeError(f"ended with {self.code}: {self.log()[-2000:]}")
            if time.monotonic() > deadline:
                raise TimeoutError(self.log()[-2000:])
            await asyncio.sleep(0.02)

    def kill(self) -> None:
        """SIGKILL it and what it started."""
        if self._popen.poll() is None:
            os.killpg(self._popen.pid, signal.SIGKILL)
        self._popen.wait(10)


class Installation:
    """A private installation: folder, Postgres, settings; and the processes that a test starts in it."""

    def __init__(self, home: Path, *, lease: float = LEASE, **settings: str) -> None:
        self.home = home
        self.lease = lease
        if os.geteuid() == 0:
            (home / "bin").symlink_to(_programs())
        self.server = EmbeddedPostgres(place_for(home, home))
        self.settings = {
            "SHELFTIDE_DATA_DIR": str(home),
            "SHELFTIDE_LEASE_SECONDS": str(lease),
            "SHELFTIDE_WORKER_THREADS": "4",
            **settings,
        }
        self.processes: list[Process] = []
        self.dsns: Dsns | None = None

    async def start(self) -> Dsns:
        """Postgres, schema, and the table where runs leave their effects: no key, so that a doubled one shows."""
        self.dsns = await self.server.start()
        await migrate(self.dsns)
        connection = await asyncpg.connect(self.dsns.owner)
        await connection.execute(
            "create table if not exists evidence_effects"
            " (run_id uuid not null, worker text not null, at timestamptz not null default clock_timestamp());"
            " grant select, insert on evidence_effects to app"
        )
        await connection.close()
        return self.dsns

    def worker(self, *, kill: str = "", standby: bool = False, **settings: str) -> Process:
        """A worker; `kill` is `point:nth:file`; on `standby` it loads its program and waits for `release`."""
        settings |= {"EVIDENCE_STANDBY": "1"} if standby else {}
        return self.process((sys.executable, "-m", "tests.durability.victim"), kill=kill, **settings)

    def process(self, command: Sequence[str], *, kill: str = "", **settings: str) -> Process:
        """Any process with this installation's settings."""
        environment = {**self.settings, **settings}
        if kill:
            environment["EVIDENCE_KILL"] = kill
        found = Process(command, environment, self.home / f"process-{len(self.processes)}.log")
        self.processes.append(found)
        return found

    def complaints(self) -> str:
        """What the processes said of attempts that failed: the last lines."""
        lines = [line for process in self.processes for line in process.log().splitlines() if "_failed" in line]
        return "\n".join(lines[-20:])

    def stop(self) -> None:
        """Kill what is left, and the database: its files are thrown away."""
        for process in self.processes:
            process.kill()
        if self.server.process is not None:
            self.server.process.kill()
            self.server.process.wait(10)
        self.server.stop()

    async def kill_postgres(self) -> None:
        """SIGKILL the database and start it again, as the supervisor does."""
        process = self.server.process
        assert process is not None
        process.kill()
        process.wait(10)
        with suppress(SetupError):  # it is slow: who waits for the runs waits for it too
            await self.server.restart()


async def answers(url: str, process: Process, seconds: float = 60.0) -> None:
    """Wait until a process answers at its address. Raises TimeoutError, or RuntimeError when it ends first."""
    deadline = time.monotonic() + seconds
    async with httpx2.AsyncClient(timeout=10.0) as client:
        while time.monotonic() < deadline:
            try:
                await client.get(url)
            except httpx2.TransportError:
                if process.code is not None:
                    raise RuntimeError(process.log()[-2000:]) from None
                await asyncio.sleep(0.05)
            else:
                return
    raise TimeoutError(f"{url} does not answer")
