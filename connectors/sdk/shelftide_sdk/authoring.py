"""`connector new`, `run` and `records`: from a name to a connector that fills tables, with no server."""

import asyncio
import importlib
import json
import keyword
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from shelftide_sdk.connector import Connector
from shelftide_sdk.errors import ConfigurationError, ConnectorError
from shelftide_sdk.landing import Landing
from shelftide_sdk.records import RECORDS
from shelftide_sdk.records.page import records_page
from shelftide_sdk.refusal import fail

_TEMPLATE = Path(__file__).parent / "templates" / "connector"
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_HOST = re.compile(r"([a-z0-9-]+\.)+[a-z]{2,}")
out = Console()


def make_package(name: str, folder: Path, *, title: str = "", host: str = "") -> Path:
    """A connector's package from the template, in `folder`. Returns where it stands.

    Raises:
        ConfigurationError: the name or host is none, the folder is taken, or copier is absent.
    """
    if not _NAME.fullmatch(name) or keyword.iskeyword(name) or len(name) > 60:
        raise ConfigurationError(f"{name!r} is no connector's name.", hint="Lower case with hyphens, such as my-shop.")
    if host and not _HOST.fullmatch(host):
        raise ConfigurationError(f"{host!r} is no host name.", hint="Such as api.my-shop.com.")
    if re.search(r"[\"\\{}\x00-\x1f]", title):
        raise ConfigurationError(f"{title!r} is no title.", hint="Plain words, no quotes or braces.")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigurationError(f"{folder} is not empty.", hint="Name another folder with --into.")
    try:
        copier = importlib.import_module("copier")
    except ImportError as error:
        raise ConfigurationError("copier is not installed.", hint="pip install 'shelftide-sdk[new]'") from error
    answers = {"name": name, **({"title": title} if title else {}), **({"host": host} if host else {})}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        copier.run_copy(str(_TEMPLATE), str(folder), data=answers, defaults=True, quiet=True, unsafe=False)
    except OSError as error:
        raise ConfigurationError(f"{folder} cannot be written: {error.strerror}.", hint="Check --into.") from error
    return folder


def new_command() -> click.Command:
    """`connector new NAME`."""

    @click.command("new", help="Make a connector's package from the template; its tests pass at once.")
    @click.argument("name")
    @click.option("--into", type=click.Path(path_type=Path), help="Folder to make (default: shelftide-NAME).")
    @click.option("--title", default="", help="The platform's name as people write it.")
    @click.option("--host", default="", help="The platform's API host.")
    @click.option("--json", "as_json", is_flag=True, help="For machines.")
    def new(name: str, into: Path | None, title: str, host: str, as_json: bool) -> None:
        try:
            made = make_package(name, into or Path(f"shelftide-{name}"), title=title, host=host)
        except ConnectorError as error:
            fail(error, as_json)
        if as_json:
            click.echo(json.dumps({"name": name, "folder": str(made)}, ensure_ascii=False))
            return
        click.echo(f"Made {made}. Next:\n  cd {made}\n  pip install -e '.[testing]'\n  shelftide connector test {name}")

    return new


def run_command(find: Callable[[str], type[Connector]]) -> click.Command:
    """`connector run NAME --emulated --to FILE`."""

    @click.command("run", help="Read all streams from the connector's own emulator into DuckDB tables.")
    @click.argument("name")
    @click.option("--emulated", is_flag=True, required=True, help="Read the emulator that the connector ships.")
    @click.option("--to", "path", type=click.Path(path_type=Path), required=True, help="DuckDB file to write.")
    @click.option("--seed", type=int, default=7, show_default=True, help="Seed of the simulated world.")
    @click.option("--json", "as_json", is_flag=True, help="For machines.")
    def run(name: str, emulated: bool, path: Path, seed: int, as_json: bool) -> None:
        try:
            found = asyncio.run(_run_emulated(find(name), path, seed))
        except ConnectorError as error:
            fail(error, as_json)
        if as_json:
            click.echo(json.dumps(found))
            return
        for stream in found["streams"]:
            out.print(f"{stream['stream']}: {stream['records']:,} records, {stream['quarantined']:,} quarantined")
        tables = ", ".join(f"{name} {rows:,}" for name, rows in found["tables"].items())
        click.echo(f"{path}: {tables}")

    return run


async def _run_emulated(connector: type[Connector], path: Path, seed: int) -> dict[str, Any]:
    # The simulator needs the [testing] extra; everything else here does not.
    try:
        emulated = importlib.import_module("shelftide_sdk.testing.emulated")
    except ImportError as error:
        raise ConfigurationError(
            f"The simulator cannot be loaded: {error}.", hint="pip install 'shelftide-sdk[run,testing]'"
        ) from error
    streams = []
    landing = Landing(path)
    async for stream, reading in emulated.readings(connector, seed):
        for page in reading.pages:
            landing.add(page, stream.name)
        records, rejects = len(reading.records), len(reading.rejects)
        streams.append({"stream": stream.name, "records": records, "quarantined": rejects})
    return {"connector": connector.info.name, "streams": streams, "tables": landing.write()}


def records_command() -> click.Command:
    """`connector records`: what a connector can yield."""

    @click.command(
        "records", help="Print record types with their fields: the named ones (`Order`, `Customer`), or all."
    )
    @click.argument("names", nargs=-1)
    def records(names: tuple[str, ...]) -> None:
        try:
            click.echo(records_page(names), nl=False)
        except KeyError as error:
            hint = f"Known: {', '.join([*sorted(RECORDS), 'Customer'])}."
            fail(ConfigurationError(f"There is no record type {error.args[0]!r}.", hint=hint), False)

    return records
