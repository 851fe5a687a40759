"""Setting the stage: a fresh installation for the demo, the simulator beside it, everything in one process tree."""

import asyncio
import os
import shutil
import signal
import sys
import time
from pathlib import Path

import msgspec
from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from shelftide.core.errors import SetupError
from shelftide.core.log import configure_logging
from shelftide.core.settings import Settings, checkout_root, read_settings
from shelftide.demo.play import Demo, Played, summary
from shelftide.demo.seeding import PASSWORD, Seeded
from shelftide.demo.truth import Comparison
from shelftide.ingest.registry import load_plugins
from shelftide.jobs.wiring import open_services
from shelftide.store.embedded import place_for
from shelftide.supervisor import Child, Supervisor, check_port, children


class DemoOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line asked for."""

    once: bool
    as_json: bool
    engine: str
    seed: int
    size: str
    scenarios: str
    port: int


async def run_demo(options: DemoOptions, out: Console) -> Played | None:
    """Play the demo. With `once`, returns the summary and leaves nothing running; else stays up until interrupted."""
    started = time.monotonic()
    settings = _settings(options)
    configure_logging(machine=True)
    for port in (settings.port, settings.port + 1):
        check_port(settings.host, port)
    home = Path(settings.data_dir)
    _clear(home)
    os.environ.update(_environment(settings))
    supervisor = Supervisor(settings, [*children(settings, workers=2), _simulator(options, settings)])
    await supervisor.start()
    try:
        services = await open_services(settings)
        try:
            demo = Demo(
                services,
                sim_url=f"http://127.0.0.1:{settings.port + 1}",
                console_url=settings.console_url,
                quiet=options.as_json or not sys.stderr.isatty(),
            )
            seeded, found = await demo.play(lambda people: _announce(out, settings, people, quiet=options.as_json))
        finally:
            await services.close()
        demo.seconds["all"] = round(time.monotonic() - started, 2)
        played = summary(demo.seconds, options.engine, seeded, found, settings.console_url)
        if not options.as_json:
            _conclude(out, found, demo.seconds)
        if not options.once:
            await _stay()
        return played
    finally:
        await supervisor.stop()
        if options.once:
            _clear(home)


def _settings(options: DemoOptions) -> Settings:
    hosts = [
        host for plugin in load_plugins().plugins for c in plugin.connectors if c.info.emulator for host in c.info.hosts
    ]
    base = place_for(checkout_root()).root
    sim = f"http://127.0.0.1:{options.port + 1}"
    return msgspec.structs.replace(
        read_settings(),
        engine=options.engine,
        port=options.port,
        demo=True,
        data_dir=str(base.with_name(f"{base.name}-demo")),
        routes=tuple(f"{host}={sim}" for host in dict.fromkeys(hosts)),
    )


def _environment(settings: Settings) -> dict[str, str]:
    """The same settings for the children."""
    return {
        "SHELFTIDE_ENGINE": settings.engine,
        "SHELFTIDE_PORT": str(settings.port),
        "SHELFTIDE_DEMO": "1",
        "SHELFTIDE_DATA_DIR": settings.data_dir,
        "SHELFTIDE_ROUTES": ",".join(settings.routes),
    }


def _simulator(options: DemoOptions, settings: Settings) -> Child:
    emulators = list(
        dict.fromkeys(
            c.info.emulator for plugin in load_plugins().plugins for c in plugin.connectors if c.info.emulator
        )
    )
    arguments = [part for path in emulators for part in ("--emulator", path)]
    command = (
        sys.executable, "-m", "shelftide_sdk.testing.serve", "--port", str(settings.port + 1), "--seed",
        str(options.seed), "--world", options.size, "--scenarios", options.scenarios, *arguments,
    )  # fmt: skip
    return Child(name="simulator", command=command, grace=5.0)


def _clear(home: Path) -> None:
    """The demo starts from nothing each time: its world is dated today."""
    if (home / "pg" / "postmaster.pid").exists():
        pid = (home / "pg" / "postmaster.pid").read_text().split()[0]
        if Path(f"/proc/{pid}").exists():
            raise SetupError("The demo is already running.", hint="Stop it first, or open its console.")
    shutil.rmtree(home, ignore_errors=True)


def _announce(out: Console, settings: Settings, seeded: Seeded, *, quiet: bool) -> None:
    """Where to go and who one is there, as soon as the doors are open; the figures arrive while one looks."""
    if quiet:
        return
    out.print(Panel(f"Console  {settings.console_url}/\nPassword {PASSWORD}", title="Shelftide demo", expand=False))
    table = Table("Agency", "Role", "Sign in as", "Where", box=None)
    for row in seeded.sign_ins:
        where = f"http://{row['where']}:{settings.port}/" if row["where"] != "console" else "console"
        table.add_row(row["agency"], row["role"], row["email"], where)
    out.print(table)


def _conclude(out: Console, found: list[Comparison], seconds: dict[str, float]) -> None:
    rows = sum(stream["rows"] for comparison in found for stream in comparison.streams)
    wrong = sum(c.rows + c.units + c.views for c in found)
    out.print(f"{len(found)} brands, {rows:,} rows; difference to the world's truth: {wrong}. {seconds['all']:.0f} s.")


async def _stay() -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()
