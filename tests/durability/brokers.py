"""Brokers as ordinary processes: private ports, private data, loopback only."""

import asyncio
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

from tests.durability.processes import Process, free_port

_RABBIT_SCRIPTS = Path("/usr/lib/rabbitmq/bin")


class Redis:
    """redis-server with an append-only file."""

    program = "redis-server"

    def __init__(self, home: Path) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}"
        self._home = home
        self._process: Process | None = None

    @staticmethod
    def installed() -> bool:
        """Whether the program is here."""
        return shutil.which("redis-server") is not None

    async def start(self) -> None:
        """Start it, with what its file remembers."""
        command = (
            "redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self._home),
            "--appendonly", "yes", "--save", "",
        )  # fmt: skip
        self._process = Process(command, {}, self._home / "redis.log", cwd=self._home)
        await accepts(self.port, self._process)

    async def wipe(self) -> None:
        """Forget everything."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(b"FLUSHALL\r\n")
        assert await reader.readline() == b"+OK\r\n"
        writer.close()
        await writer.wait_closed()

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            self._process.kill()

    stop = kill


class RabbitMQ:
    """rabbitmq-server under its own node name, ports, port mapper and folders."""

    program = "rabbitmq-server"

    def __init__(self, home: Path) -> None:
        self.port = free_port()
        self.url = f"amqp://guest:guest@127.0.0.1:{self.port}"
        self._home = home
        self._environment = {
            "HOME": str(home),
            "RABBITMQ_NODENAME": f"evidence{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(free_port()),
            "ERL_EPMD_PORT": str(free_port()),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_MNESIA_BASE": str(home / "mnesia"),
            "RABBITMQ_LOG_BASE": str(home / "log"),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "plugins"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        }
        self._process: Process | None = None

    @staticmethod
    def installed() -> bool:
        """Whether the program is here."""
        return (_RABBIT_SCRIPTS / "rabbitmq-server").exists()

    async def start(self) -> None:
        """Start it and wait until it answers."""
        (self._home / "plugins").write_text("[].")
        command = (str(_RABBIT_SCRIPTS / "rabbitmq-server"),)
        self._process = Process(command, self._environment, self._home / "rabbitmq.log", cwd=self._home)
        await accepts(self.port, self._process, seconds=90)

    def kill(self) -> None:
        """SIGKILL the whole group."""
        if self._process is not None:
            self._process.kill()

    def stop(self) -> None:
        """End the node, then its port mapper, which outlives it by design."""
        self.kill()
        environment = {**os.environ, **self._environment}
        subprocess.run(["epmd", "-kill"], env=environment, capture_output=True, timeout=20, check=False)


async def accepts(port: int, process: Process, seconds: float = 30.0) -> None:
    """Wait until a port accepts. Raises TimeoutError, or RuntimeError when the process ends first."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.code is not None:
            raise RuntimeError(process.log()[-2000:])
        await asyncio.sleep(0.05)
    raise TimeoutError(process.log()[-2000:])
