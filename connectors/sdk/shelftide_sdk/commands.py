"""`connector ...` on the command line: list, check, discover, read, test, records, new. Needs no server.

Part of `shelftide`, and by itself as `python -m shelftide_sdk`.
"""

import asyncio
import hashlib
import json
import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import click
import msgspec
import stamina
from rich.console import Console
from rich.table import Table

from shelftide_sdk.auth import App, TokenSet
from shelftide_sdk.authoring import new_command, records_command, run_command
from shelftide_sdk.connector import Connector, Context, Page, Reject, Stream, days
from shelftide_sdk.errors import ConfigurationError, ConnectorError
from shelftide_sdk.hosts import Routes
from shelftide_sdk.http import FixedCredentials, PlatformClient
from shelftide_sdk.pseudonyms import pseudonym
from shelftide_sdk.quality import quality_near, quality_of
from shelftide_sdk.reading import guarded, named
from shelftide_sdk.records import Customer, Record, record_type
from shelftide_sdk.refusal import fail
from shelftide_sdk.verdict import Verdict, judge, suite_for

out = Console()
_AS_JSON = "shelftide.as_json"


class PluginView(Protocol):
    """An installed distribution, as a registry lists it."""

    @property
    def distribution(self) -> str:
        """Its name."""
        ...

    @property
    def version(self) -> str:
        """Its version."""
        ...

    @property
    def error(self) -> str:
        """Why it could not be loaded."""
        ...

    @property
    def connectors(self) -> Iterable[type[Connector]]:
        """What it registered."""
        ...


class RegistryView(Protocol):
    """What the commands need of a registry."""

    @property
    def plugins(self) -> Iterable[PluginView]:
        """All distributions."""
        ...

    @property
    def connectors(self) -> Mapping[str, type[Connector]]:
        """Connector classes by name."""
        ...


class SystemTime:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present, aware UTC."""
        return datetime.now(UTC)


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file that `--config` names.

    `settings` are the connection's (shop, account_id, cipher ...), `app` the registration at the platform, `token` the
    grant. `since` bounds a first read (default: 90 days ago), `now` sets the clock (for recorded replies).
    """

    settings: dict[str, str] = {}
    app: dict[str, Any] = {}
    token: dict[str, Any] = {}
    since: datetime | None = None
    now: datetime | None = None


def read_config(path: Path | None) -> Config:
    """The configuration. Raises ConfigurationError naming what is wrong."""
    if path is None:
        return Config()
    try:
        return msgspec.json.decode(path.read_bytes(), type=Config)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}.", hint="Check --config.") from error
    except msgspec.DecodeError as error:
        raise ConfigurationError(
            f"{path}: {error}.",
            hint='Expected: {"settings": {}, "app": {"client_id": ""}, "token": {"access_token": ""}}',
        ) from error


class _FixedTime:
    def __init__(self, at: datetime) -> None:
        self._at = at

    def now(self) -> datetime:
        return self._at


def _moment(name: str, value: datetime | None) -> datetime | None:
    if value is not None and value.tzinfo is None:
        raise ConfigurationError(f"{name} has no time zone.", hint="Write 2026-11-22T00:00:00Z.")
    return None if value is None else value.astimezone(UTC)


class Session:
    """A connector at work, alone on a machine."""

    def __init__(self, connector: type[Connector], config: Config, base_url: str | None) -> None:
        at, since = _moment("now", config.now), _moment("since", config.since)
        _check_base(base_url)
        self.connector = connector()
        self.clock = SystemTime() if at is None else _FixedTime(at)
        app = {"client_id": "cli", "client_secret": "", "redirect_uri": "", **config.app}
        token = {"access_token": "", **config.token}
        try:
            credentials = FixedCredentials(msgspec.convert(app, App), msgspec.convert(token, TokenSet))
        except msgspec.ValidationError as error:
            raise ConfigurationError(f"The configuration is wrong: {error}.", hint="Check app and token.") from error
        self.client = PlatformClient(
            connector,
            credentials=credentials,
            settings=config.settings,
            clock=self.clock,
            routes=Routes({"*": base_url} if base_url else {}),
        )
        now = self.clock.now()
        self.context = Context(
            client=self.client,
            clock=self.clock,
            log=logging.LoggerAdapter(logging.getLogger(f"connector.{connector.info.name}"), {}),
            settings=config.settings,
            since=since or now - days(90),
            captured_at=now,
        )
        # Outside a tenant there is no tenant's key; the app's secret keeps buyers pseudonymous in the output file.
        self.pseudonym = pseudonym(hashlib.sha256(str(app["client_secret"]).encode()).digest())

    async def __aenter__(self) -> "Session":
        return self

    async def __aexit__(self, *_: Any) -> None:
        await self.client.close()


def _check_base(base_url: str | None) -> None:
    try:
        parts = urlsplit(base_url or "http://127.0.0.1")
        good = parts.scheme in ("http", "https") and parts.hostname and (parts.port or 1) and not parts.query
    except ValueError:  # a port beyond 65535
        good = False
    if not good:
        raise ConfigurationError(f"{base_url!r} is no address of a server.", hint="Such as http://127.0.0.1:8021.")


class Commands(click.Group):
    """A command group that machines can use: with `--json`, a usage error is one JSON object too."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Note whether a machine asks; click takes the arguments apart in place."""
        as_json = "--json" in args
        with _usage_errors(as_json):
            found = super().make_context(info_name, args, parent, **extra)
        found.meta[_AS_JSON] = as_json
        return found

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was named."""
        with _usage_errors(bool(ctx.meta.get(_AS_JSON))):
            return super().invoke(ctx)


@contextmanager
def _usage_errors(as_json: bool) -> Iterator[None]:
    try:
        yield
    except click.UsageError as error:
        if not as_json:
            raise
        path = error.ctx.command_path if error.ctx else ""
        body = {"error": "usage", "message": error.format_message(), "hint": f"Try: {path} --help".strip()}
        click.echo(json.dumps(body, ensure_ascii=False), err=True)
        raise SystemExit(2) from error


def connector(registry: Callable[[], RegistryView]) -> click.Group:
    """The command group, over any registry."""

    def find(name: str) -> type[Connector]:
        known = registry().connectors
        if name not in known:
            raise ConfigurationError(
                f"There is no connector called {name!r}.", hint=f"Installed: {', '.join(sorted(known)) or 'none'}."
            )
        return known[name]

    @click.group(cls=Commands, help="Connectors: list, check, read, test.")
    def group() -> None:
        """Group."""
        # By default each retry is logged on standard output, where a machine expects the answer alone.
        stamina.instrumentation.set_on_retry_hooks(())

    group.add_command(_list_command(registry))
    group.add_command(_check_command(find))
    group.add_command(_discover_command(find))
    group.add_command(_read_command(find))
    group.add_command(_test_command(find))
    group.add_command(records_command())
    group.add_command(new_command())
    group.add_command(run_command(find))
    return group


def describe(plugins: Iterable[PluginView]) -> list[dict[str, Any]]:
    """What `connector list --json` prints."""
    rows: list[dict[str, Any]] = []
    for plugin in plugins:
        if plugin.error:
            rows.append(_row(plugin, plugin.distribution, "", []))
        for c in plugin.connectors:
            row = _row(plugin, c.info.name, c.info.tier, [_stream_row(s) for s in c.streams])
            rows.append({**row, "withdrawn": [{"metric": w.metric, "reason": w.reason} for w in c.info.withdrawn]})
    return rows


def _row(plugin: PluginView, name: str, tier: str, streams: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "name": name,
        "distribution": plugin.distribution,
        "version": plugin.version,
        "tier": tier,
        "streams": streams,
        "state": "broken" if plugin.error else "ok",
        "error": plugin.error or None,
    }


def _stream_row(stream: Stream) -> dict[str, Any]:
    return {
        "name": stream.name,
        "record": stream.record.__name__,
        "cursor": stream.cursor,
        "lookback_days": stream.lookback.total_seconds() / 86400,
    }


_CONFIG = click.option("--config", type=click.Path(path_type=Path), help="JSON: settings, app, token, since, now.")
_BASE = click.option("--base-url", help="Send every declared host there (an emulator).")
_JSON = click.option("--json", "as_json", is_flag=True, help="For machines.")


def _list_command(registry: Callable[[], RegistryView]) -> click.Command:
    @click.command("list", help="Installed connectors.")
    @_JSON
    def listing(as_json: bool) -> None:
        rows = describe(registry().plugins)
        if as_json:
            click.echo(json.dumps(rows, ensure_ascii=False))
            return
        table = Table("Connector", "Distribution", "Version", "Tier", "Streams", "State", box=None)
        for row in rows:
            streams = ", ".join(stream["name"] for stream in row["streams"])
            state = row["state"] + (f": {row['error']}" if row["error"] else "")
            table.add_row(row["name"], row["distribution"], row["version"], row["tier"], streams, state)
        out.print(table)

    return listing


def _check_command(find: Callable[[str], type[Connector]]) -> click.Command:
    @click.command("check", help="One cheap call that proves the grant.")
    @click.argument("name")
    @_CONFIG
    @_BASE
    @_JSON
    def check(name: str, config: Path | None, base_url: str | None, as_json: bool) -> None:
        async def work() -> Any:
            async with Session(find(name), read_config(config), base_url) as session:
                return await session.connector.check(session.context)

        health = _run(work, as_json)
        if as_json:
            click.echo(msgspec.json.encode(health).decode())
        else:
            out.print(f"{health.state.value}. {health.reason} {health.step}".strip())
        if health.state.value == "reconnect":
            raise SystemExit(3)

    return check


def _discover_command(find: Callable[[str], type[Connector]]) -> click.Command:
    @click.command("discover", help="Streams that this grant can read.")
    @click.argument("name")
    @_CONFIG
    @_BASE
    @_JSON
    def discover(name: str, config: Path | None, base_url: str | None, as_json: bool) -> None:
        async def work() -> Any:
            async with Session(find(name), read_config(config), base_url) as session:
                return await session.connector.discover(session.context)

        streams = [_stream_row(stream) for stream in _run(work, as_json)]
        if as_json:
            click.echo(json.dumps(streams))
            return
        table = Table("Stream", "Record", "Cursor", "Lookback (days)", box=None)
        for row in streams:
            table.add_row(row["name"], row["record"], row["cursor"] or "full read", f"{row['lookback_days']:g}")
        out.print(table)

    return discover


def _read_command(find: Callable[[str], type[Connector]]) -> click.Command:
    @click.command("read", help="Read a stream; normalised records as JSON lines.")
    @click.argument("name")
    @click.option("--stream", "stream_name", required=True)
    @_CONFIG
    @_BASE
    @click.option("--cursor", help="JSON of a saved cursor.")
    @click.option("--out", "path", type=click.Path(path_type=Path), required=True)
    @_JSON
    def read(  # noqa: PLR0917  # click passes options by name
        name: str,
        stream_name: str,
        config: Path | None,
        base_url: str | None,
        cursor: str | None,
        path: Path,
        as_json: bool,
    ) -> None:
        async def work() -> dict[str, Any]:
            async with Session(find(name), read_config(config), base_url) as session:
                return await read_to_file(session, stream_name, _cursor(cursor), path)

        found = _run(work, True)
        if as_json:
            click.echo(json.dumps(found))
        else:
            out.print(f"{found['records']:,} records, {found['quarantined']:,} quarantined -> {path}")

    return read


def _test_command(find: Callable[[str], type[Connector]]) -> click.Command:
    @click.command("test", help="Run the conformance suite: an installed connector's name, or a path to tests.")
    @click.argument("name_or_path")
    @click.option("--seed", type=int, default=7, show_default=True, help="Seed of the simulated world.")
    @_JSON
    def test(name_or_path: str, seed: int, as_json: bool) -> None:
        try:
            found = _judged(name_or_path, find, seed)
        except ConnectorError as error:
            fail(error, as_json)
        if as_json:
            click.echo(msgspec.json.encode(found).decode())
        else:
            _show_verdict(found)
        if found.failed or found.overclaimed:
            raise SystemExit(3)

    return test


def _judged(name_or_path: str, find: Callable[[str], type[Connector]], seed: int) -> Verdict:
    path = Path(name_or_path)
    if path.exists():
        quality = quality_near(path)
        return judge(name_or_path, path, seed=seed, claimed=None if quality is None else quality.tier)
    cls = find(name_or_path)
    quality = quality_of(cls)
    return judge(
        name_or_path,
        suite_for(cls, {} if quality is None else quality.exempt),
        seed=seed,
        claimed=cls.info.tier if quality is None else quality.tier,
    )


def _show_verdict(found: Verdict) -> None:
    table = Table("", "Tier", "Rule", box=None)
    for rule in found.rules:
        note = f" ({rule.reason})" if rule.reason else ""
        table.add_row({"passed": "ok", "failed": "BROKEN"}.get(rule.outcome, "-"), rule.tier, rule.title + note)
    out.print(table)
    for rule in (rule for rule in found.rules if not rule.because_of):
        for bug in rule.bugs:
            click.echo(f"\n{rule.name}: {bug}")
        also = [other.name for other in found.rules if (other.suite, other.because_of) == (rule.suite, rule.name)]
        if also:
            click.echo(f"  Because of it these could not be judged: {', '.join(also)}.")
    click.echo(f"\n{found.target}: {found.tier or 'no tier'}; {found.passed} rules kept, {found.failed} broken.")
    if found.overclaimed:
        click.echo(f"{found.target} claims {found.claimed} and has earned {found.tier or 'no tier'}.")


async def read_to_file(session: Session, stream_name: str, cursor: dict[str, Any] | None, path: Path) -> dict[str, Any]:
    """Read a stream into JSON lines; the last line holds cursor and number of requests. Returns counts."""
    try:
        stream = session.connector.stream(stream_name)
    except KeyError as error:
        raise ConfigurationError(str(error.args[0]), hint="Check --stream.") from error
    try:
        session.context.start(stream, cursor)
    except (ValueError, TypeError) as error:
        raise ConfigurationError(
            f"--cursor: {stream.cursor} is no ISO-8601 time: {(cursor or {}).get(str(stream.cursor))!r}.",
            hint="Give the last line's cursor of an earlier read.",
        ) from error
    counts, last = {"records": 0, "deleted": 0, "quarantined": 0}, cursor
    try:
        file = path.open("w", encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror}.", hint="Check --out.") from error
    with file:
        read = session.connector.read(session.context, stream, cursor)
        async for page in guarded(read, session.connector.info.name):
            for line in page_lines(page, session):
                counts[_kind_of(line)] += 1
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
            last = page.cursor if page.cursor is not None else last
        file.write(json.dumps({"cursor": last, "requests": session.client.requests}, ensure_ascii=False) + "\n")
    return counts


def page_lines(page: Page, session: Session) -> Iterable[dict[str, Any]]:
    """A page as output lines."""
    for record in page.records:
        yield _record_line(record, session)
    for delete in page.deletes:
        yield {"deleted": delete.record.__name__, "key": msgspec.to_builtins(dict(delete.key))}
    for reject in page.rejects:
        yield {"quarantined": reject.record, "reason": reject.reason, "raw": _plain(reject)}


def _record_line(record: Record, session: Session) -> dict[str, Any]:
    data = msgspec.to_builtins(record)
    customer = getattr(record, "customer", None)
    if isinstance(customer, Customer):
        key = session.pseudonym(customer)
        data["customer"] = None if key is None else {"customer_key": key[0], "kind": key[1]}
    names = record_type(record).key
    return {"record": type(record).__name__, "key": {name: data[name] for name in names}, "data": data}


def _plain(reject: Reject) -> Any:
    try:
        return msgspec.to_builtins(reject.raw)
    except (TypeError, ValueError):
        return repr(reject.raw)


def _kind_of(line: Mapping[str, Any]) -> str:
    return "records" if "record" in line else "deleted" if "deleted" in line else "quarantined"


def _cursor(text: str | None) -> dict[str, Any] | None:
    try:
        value = None if text is None else json.loads(text)
    except ValueError:
        value = text
    if value is None or isinstance(value, dict):
        return value
    raise ConfigurationError("--cursor is not a JSON object.", hint="Give the last line's cursor of an earlier read.")


def _run(work: Callable[[], Any], as_json: bool) -> Any:
    try:
        return asyncio.run(work())
    except ConnectorError as error:
        fail(error, as_json or "--json" in sys.argv)
    except Exception as error:  # noqa: BLE001  # outsiders' code may raise anything; the caller gets a name for it
        fail(named(error), as_json or "--json" in sys.argv)
