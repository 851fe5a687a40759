"""Composition root of the command line. People get tables and progress bars, machines `--json`.

Exit codes: 0 done, 2 wrong use or configuration, 3 the platform or the data refused. An error is one JSON object on
stderr when `--json` is given, wrong arguments included: {"error", "message", "hint"}.
"""

import asyncio
import json
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import click
import msgspec
from rich.console import Console
from rich.table import Table

from shelftide.core.errors import AppError, SetupError
from shelftide.core.log import configure_logging
from shelftide.core.settings import read_settings
from shelftide.demo.stage import DemoOptions, run_demo
from shelftide.doctor import diagnose
from shelftide.ingest.files import KINDS, Options
from shelftide.ingest.registry import Registry, load_plugins
from shelftide.jobs.import_file import Order, import_for_tenant
from shelftide.jobs.load_rates import load_ecb
from shelftide.jobs.reconcile import reconcile_for_tenant
from shelftide.jobs.wiring import find_dsns, open_services
from shelftide.store.migrate import migrate as run_migrations
from shelftide.supervisor import Supervisor, check_port, children
from shelftide.worker import main as worker_main
from shelftide_sdk import ConfigurationError, ConnectorError
from shelftide_sdk.commands import Commands
from shelftide_sdk.commands import connector as connector_commands

out = Console()


class Failure(click.ClickException):
    """An error as people or machines read it."""

    def __init__(self, kind: str, message: str, hint: str, code: int) -> None:
        super().__init__(message)
        self.kind = kind
        self.hint = hint
        self.__dict__["exit_code"] = code  # click reads it from the instance, and types it as the class's

    def show(self, file: Any = None) -> None:
        """One JSON object for machines, two lines for people."""
        if "--json" in sys.argv:
            body = {"error": self.kind, "message": self.message, "hint": self.hint}
            click.echo(json.dumps(body, ensure_ascii=False), err=True)
            return
        click.echo(f"Error: {self.message}", err=True)
        if self.hint:
            click.echo(self.hint, err=True)


def fail(error: Exception) -> NoReturn:
    """End the command with the right exit code."""
    if isinstance(error, AppError):
        raise Failure(error.code, error.message, error.hint, 2 if error.status < 500 or error.code == "setup" else 3)
    if isinstance(error, ConnectorError):
        raise Failure(error.kind, error.message, error.hint, 2 if isinstance(error, ConfigurationError) else 3)
    raise error


def run(work: Callable[[], Awaitable[Any]]) -> Any:
    """Run async work; errors that people can understand end the command."""

    async def inside() -> Any:
        return await work()

    try:
        return asyncio.run(inside())
    except (AppError, ConnectorError) as error:
        fail(error)
    except KeyboardInterrupt:
        raise click.Abort from None


def emit(value: Any) -> None:
    """JSON for machines."""
    click.echo(msgspec.json.encode(value).decode())


@click.group(cls=Commands, help="Shelftide: social commerce for agencies.")
@click.version_option(package_name="shelftide")
def main() -> None:
    """Entry point."""


@main.command(help="Start database, web server and worker, and keep them running.")
def up() -> None:
    """The whole installation."""

    async def work() -> None:
        settings = read_settings()
        configure_logging(machine=not sys.stderr.isatty())
        check_port(settings.host, settings.port)
        supervisor = Supervisor(settings, children(settings))
        await supervisor.start()
        out.print(f"Console: {settings.console_url}/")
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await stop.wait()
        await supervisor.stop()

    run(work)


@main.command(help="Run one worker against a database that is running.")
def worker() -> None:
    """A worker."""
    run(worker_main)


@main.command(help="Bring the database to the newest schema.")
def migrate() -> None:
    """Migrations."""

    async def work() -> None:
        await run_migrations(await find_dsns(read_settings()))

    run(work)
    out.print("The schema is up to date.")


@main.command(help="Say what is wrong with this machine or installation, and what to do.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def doctor(as_json: bool) -> None:
    """Checks."""
    findings = run(diagnose)
    if as_json:
        emit(findings)
    else:
        table = Table("", "Check", "Finding", "What to do", box=None)
        for finding in findings:
            table.add_row("ok" if finding.good else "!!", finding.check, finding.finding, finding.step)
        out.print(table)
    if not all(finding.good for finding in findings):
        raise SystemExit(2)


@main.command(help="Simulated platforms, real everything else: two agencies, forty brands, ninety days.")
@click.option("--once", is_flag=True, help="Print the summary and end.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.option("--engine", type=click.Choice(["ducklake", "postgres"]), default="ducklake", show_default=True)
@click.option("--seed", type=int, default=7, show_default=True, help="The simulated world.")
@click.option("--world", "size", type=click.Choice(["demo", "small"]), default="demo", show_default=True)
@click.option("--scenarios", default="", help="Bad habits of the platforms: throttle,expire,duplicate,shuffle ...")
@click.option("--port", type=int, default=8020, show_default=True)
def demo(once: bool, as_json: bool, engine: str, seed: int, size: str, scenarios: str, port: int) -> None:  # noqa: PLR0917  # click passes options by name
    """The demo."""
    options = DemoOptions(
        once=once, as_json=as_json, engine=engine, seed=seed, size=size, scenarios=scenarios, port=port
    )
    played = run(lambda: run_demo(options, out))
    if as_json and played is not None:
        emit(played)


@main.command("import", help="Import a file (CSV, TSV, XLSX, JSONL; gzip too) into a brand.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--kind", type=click.Choice(sorted(KINDS)), help="What the file is; a platform's export says it itself.")
@click.option("--tenant", required=True, help="The brand's id or short name.")
@click.option("--dry-run", is_flag=True, help="Say what would change; write nothing.")
@click.option("--map", "pairs", multiple=True, metavar="COLUMN=HEADING", help="Which heading is which; remembered.")
@click.option("--source", default="", help="Files of one source update each other (default: the file's name).")
@click.option("--decimal", type=click.Choice([".", ","]), help="The decimal sign.")
@click.option("--days", type=click.Choice(["dmy", "mdy"]), help="Day or month first.")
@click.option("--zone", default="", help="The zone of days and times, as Europe/Rome (default: the brand's).")
@click.option("--currency", default="", help="Of amounts that name none (default: the brand's).")
@click.option("--as-of", default="", help="When the figures were read, for files that do not say.")
@click.option("--encoding", default="", help="Of a text file.")
@click.option("--sheet", default="", help="Of a workbook (default: the first).")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def import_command(file: Path, tenant: str, as_json: bool, **said: Any) -> None:
    """File import."""
    said = {name: value or "" for name, value in said.items()}
    order = Order(
        path=file,
        kind=said["kind"],
        source=said["source"],
        as_of=said["as_of"],
        dry_run=bool(said["dry_run"]),
        options=Options(
            mapping=mapping_of(said["pairs"] or ()),
            **{name: said[name] for name in ("decimal", "days", "zone", "currency", "encoding", "sheet")},
        ),
    )

    async def work() -> Any:
        services = await open_services(read_settings())
        try:
            return await import_for_tenant(services, order, tenant=tenant)
        finally:
            await services.close()

    report = run(work)
    if as_json:
        emit(report)
        return
    would = "would be " if report.dry_run else ""
    out.print(
        f"{report.read:,} lines read: {report.new:,} rows {would}new, {report.changed:,} {would}changed,"
        f" {report.unchanged:,} unchanged; {report.rejected:,} lines quarantined, {report.skipped:,} left out."
    )
    for line in report.problems[:20]:
        out.print(f"  line {line.number}: {line.reason}", markup=False)


@main.command("reconcile", help="Compare a platform's own daily export with what is stored, day by day.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--kind", type=click.Choice(sorted(KINDS)), help="What the file is; a platform's export says it itself.")
@click.option("--tenant", required=True, help="The brand's id or short name.")
@click.option("--platform", default="", help="Compare with this platform alone (default: all but files).")
@click.option("--map", "pairs", multiple=True, metavar="COLUMN=HEADING", help="Which heading is which.")
@click.option("--decimal", type=click.Choice([".", ","]), help="The decimal sign.")
@click.option("--days", type=click.Choice(["dmy", "mdy"]), help="Day or month first.")
@click.option("--zone", default="", help="Where the export says its days are (default: the brand's).")
@click.option("--currency", default="", help="Of amounts that name none (default: the brand's).")
@click.option("--as-of", default="", help="When the export was made: finds what was restated since.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def reconcile_command(file: Path, tenant: str, platform: str, as_json: bool, **said: Any) -> None:
    """Comparison of an export."""
    said = {name: value or "" for name, value in said.items()}
    options = Options(
        mapping=mapping_of(said["pairs"] or ()),
        **{name: said[name] for name in ("decimal", "days", "zone", "currency")},
    )
    order = Order(path=file, kind=said["kind"], as_of=said["as_of"], options=options)

    async def work() -> Any:
        services = await open_services(read_settings())
        try:
            return await reconcile_for_tenant(services, order, tenant=tenant, platform=platform)
        finally:
            await services.close()

    report = run(work)
    if as_json:
        emit(report)
        return
    for found in report.comparisons:
        out.print(
            f"{found.metric} {found.currency}: {len(found.differences)} of {found.days} days differ,"
            f" {found.unknown} without a known cause.",
            markup=False,
        )
        for day in found.differences:
            out.print(f"  {day.day}: {day.difference:+} ({', '.join(day.causes)})", markup=False)
    for line in report.problems[:20]:
        out.print(f"  line {line.number}: {line.reason}", markup=False)


def mapping_of(pairs: Sequence[str]) -> dict[str, str]:
    """COLUMN=HEADING pairs. Raises UsageError."""
    wrong = next((pair for pair in pairs if "=" not in pair), None)
    if wrong is not None:
        raise click.UsageError(f"--map {wrong!r}: write COLUMN=HEADING.")
    split = [pair.partition("=") for pair in pairs]
    return {column.strip(): heading.strip() for column, _, heading in split}


@main.command(
    "rates", help="Load the ECB's exchange rates: of FILE (eurofxref-hist.zip or .csv), else those installed."
)
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def rates_command(file: Path | None, as_json: bool) -> None:
    """Rates that all brands share."""

    async def work() -> Any:
        services = await open_services(read_settings())
        try:
            return await load_ecb(services.database, file)
        finally:
            await services.close()

    loaded = run(work)
    if as_json:
        emit(loaded)
        return
    out.print(f"{loaded.rows:,} rates loaded; the newest day is {loaded.last_day}.")


@main.group(help="The simulator.")
def sim() -> None:
    """Simulator commands."""


@sim.command("serve", help="Emulators of all platforms on a loopback port.")
@click.option("--platforms", default="all", show_default=True, help="Connector names, or all.")
@click.option("--world", "size", default="demo", show_default=True)
@click.option("--seed", type=int, default=7, show_default=True)
@click.option("--scenarios", default="")
@click.option("--port", type=int, default=8021, show_default=True)
def sim_serve(platforms: str, size: str, seed: int, scenarios: str, port: int) -> None:
    """Serve emulators."""
    from shelftide_sdk.testing.serve import main as serve  # noqa: PLC0415  # needs the [testing] extra

    try:
        check_port("127.0.0.1", port)
        paths = emulator_paths(load_plugins(), platforms)
        arguments = [part for path in paths for part in ("--emulator", path)]
        serve(["--port", str(port), "--world", size, "--seed", str(seed), "--scenarios", scenarios, *arguments])
    except (AppError, ConnectorError) as error:
        fail(error)
    except ValueError as error:
        fail(SetupError(str(error)))


def emulator_paths(registry: Registry, platforms: str) -> Sequence[str]:
    """Import paths of the emulators of the named connectors, each once."""
    names = [name for name in platforms.split(",") if name]
    wanted = registry.connectors if platforms == "all" else {name: registry.connector(name) for name in names}
    return list(dict.fromkeys(c.info.emulator for c in wanted.values() if c.info.emulator))


main.add_command(connector_commands(lambda: load_plugins(read_settings().plugins)), "connector")

if __name__ == "__main__":
    main()
