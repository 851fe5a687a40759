"""The web server as a victim."""

import sys

from tests.durability.processes import Installation, Process, answers, free_port


async def start_web(installation: Installation, *, kill: str = "") -> tuple[Process, str]:
    """A web server of its own port, and its address."""
    port = free_port()
    options = ("--interface", "asgi", "--loop", "uvloop", "--host", "127.0.0.1", "--port", str(port), "--workers", "1")
    command = (sys.executable, "-m", "granian", "--factory", *options, "--no-log", "--no-ws")
    url = f"http://127.0.0.1:{port}"
    process = installation.process(
        (*command, "tests.durability.victim:create_app"), kill=kill, SHELFTIDE_PORT=str(port)
    )
    await answers(f"{url}/", process)
    return process, url
