"""Composition root of a whole installation on one machine: Postgres, web server, worker, in one process tree.

What dies is started again, with growing pauses. SIGTERM stops everything in order: web, worker, database. If the
supervisor itself is killed, the kernel ends its children.
"""

import asyncio
import ctypes
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

import msgspec

from shelftide.core.errors import SetupError
from shelftide.core.log import get_logger
from shelftide.core.settings import Settings
from shelftide.jobs.wiring import embedded, find_dsns
from shelftide.store.embedded import EmbeddedPostgres
from shelftide.store.migrate import migrate

log = get_logger("supervisor")
_PR_SET_PDEATHSIG = 1
_LONGEST_PAUSE = 10.0
_STEADY_SECONDS = 30.0


class Child(msgspec.Struct, frozen=True, kw_only=True):
    """A process to keep alive. `grace` is how long it may take to stop."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = {}
    grace: float = 25.0


def children(settings: Settings, *, workers: int = 1) -> list[Child]:
    """The web server and the workers."""
    options = {
        "--interface": "asgi",
        "--loop": "uvloop",
        "--host": settings.host,
        "--port": str(settings.port),
        "--workers": "1",
        "--workers-kill-timeout": "20",
    }
    flags = [part for pair in options.items() for part in pair]
    granian = (sys.executable, "-m", "granian", "--factory", *flags, "--no-log", "--no-ws", "shelftide.app:create")
    found = [Child(name="web", command=granian)]
    found += [
        Child(name=f"worker-{i}", command=(sys.executable, "-m", "shelftide.worker"), grace=30.0)
        for i in range(workers)
    ]
    return found


def _die_with_parent() -> Callable[[], None]:
    libc = ctypes.CDLL(None, use_errno=True)

    def in_child() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)

    return in_child


class Supervisor:
    """Starts, watches, restarts, stops."""

    def __init__(self, settings: Settings, specs: list[Child]) -> None:
        self._settings = settings
        self._specs = specs
        self._postgres: EmbeddedPostgres | None = embedded(settings)
        self._processes: dict[str, asyncio.subprocess.Process] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = asyncio.Event()

    async def start(self) -> None:
        """Database, schema, then the children. Raises SetupError with what to do."""
        if self._postgres is not None:
            dsns = await self._postgres.start()
            if self._postgres.process is None:
                raise SetupError("Shelftide is already running here.", hint="Stop it first, or open its console.")
            self._tasks.append(asyncio.create_task(self._watch_postgres()))
        else:
            dsns = await find_dsns(self._settings)
        await migrate(dsns)
        for spec in self._specs:
            self._tasks.append(asyncio.create_task(self._keep(spec)))

    def pid(self, name: str) -> int | None:
        """The process id of a child that runs."""
        process = self._processes.get(name)
        return process.pid if process is not None and process.returncode is None else None

    async def stop(self) -> None:
        """Stop children, then the database."""
        self._stopping.set()
        await asyncio.gather(*(self._end(spec) for spec in self._specs))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._postgres is not None:
            await asyncio.to_thread(self._postgres.stop)

    async def _keep(self, spec: Child) -> None:
        pause = 0.2
        while not self._stopping.is_set():
            started = time.monotonic()
            process = await asyncio.create_subprocess_exec(
                *spec.command,
                env={**os.environ, **spec.environment},
                stdin=asyncio.subprocess.DEVNULL,
                start_new_session=True,
                preexec_fn=_die_with_parent(),
            )
            self._processes[spec.name] = process
            code = await process.wait()
            if self._stopping.is_set():
                return
            pause = 0.2 if time.monotonic() - started > _STEADY_SECONDS else min(pause * 2, _LONGEST_PAUSE)
            log.warning("child_restarted", child=spec.name, code=code, pause=pause)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)

    async def _end(self, spec: Child) -> None:
        process = self._processes.get(spec.name)
        if process is None or process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), spec.grace)
        except TimeoutError:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()

    async def _watch_postgres(self) -> None:
        while self._postgres is not None and not self._stopping.is_set():
            await asyncio.sleep(0.2)
            process = self._postgres.process
            if process is None or process.poll() is None or self._stopping.is_set():
                continue
            log.warning("postgres_restarted", code=process.returncode)
            try:
                await self._postgres.restart()
            except SetupError as error:
                log.error("postgres_does_not_start", message=error.message)
                await asyncio.sleep(1)


def check_port(host: str, port: int) -> None:
    """Raises SetupError when something listens there already."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise SetupError(
                f"Port {port} on {host} is taken.",
                hint="Stop what listens there, or choose another with SHELFTIDE_PORT (or --port).",
            ) from error
