"""Rules on what a connector says of itself, and on its grant."""

import re

from shelftide_sdk.auth import NoAuth, TokenSet
from shelftide_sdk.connector import API_VERSION, Health, HealthState
from shelftide_sdk.errors import AuthorizationError, ConfigurationError
from shelftide_sdk.http import FixedCredentials
from shelftide_sdk.records import RECORDS
from shelftide_sdk.testing.conformance.foundation import Foundation, describe
from shelftide_sdk.testing.conformance.rules import broken, rule
from shelftide_sdk.testing.emulator import Emulator
from shelftide_sdk.testing.serve import load_emulator

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_STREAM = re.compile(r"[a-z][a-z0-9_]*")
_HOST = re.compile(r"(\*\.)?([a-z0-9-]+\.)+[a-z]{2,}", re.IGNORECASE)


class Declarations(Foundation):
    """Info, streams, check, discover, accounts."""

    @rule("bronze", "`info` is complete and consistent.", "Correct the named field of `ConnectorInfo`.")
    async def test_info_is_complete(self) -> None:
        assert not (bugs := self._info_bugs()), broken("info_is_complete", "; ".join(bugs))

    def _info_bugs(self) -> list[str]:
        info = self.connector.info
        bugs = [f"host {host!r} is no host name" for host in info.hosts if not _HOST.fullmatch(host)]
        if not info.hosts:
            bugs.append("no host is declared")
        if not _NAME.fullmatch(info.name):
            bugs.append(f"name {info.name!r} is not in lower case with hyphens")
        if not info.title or not info.platform:
            bugs.append("title or platform is empty")
        if info.api_requires[0] != API_VERSION[0] or info.api_requires > API_VERSION:
            bugs.append(f"api_requires {info.api_requires} does not fit this SDK, {API_VERSION}")
        bugs += [f"budget {b.name!r} allows nothing" for b in info.budgets if b.calls <= 0 or b.seconds <= 0]
        bugs += [
            f"setting {f.name!r}: its example does not fit" for f in info.settings if not _fits(f.pattern, f.example)
        ]
        return bugs + self._emulator_bugs()

    def _emulator_bugs(self) -> list[str]:
        path = self.connector.info.emulator
        try:
            found = load_emulator(path) if path else type(self).emulator
        except ConfigurationError as error:
            return [f"emulator: {error.message}"]
        hosts = found.hosts if isinstance(found, type) and issubclass(found, Emulator) else ()
        undeclared = set(hosts) - set(self.connector.info.hosts)
        return (
            [f"the emulator stands for {', '.join(sorted(undeclared))}, which info.hosts lacks"] if undeclared else []
        )

    @rule(
        "bronze",
        "Streams have unique names, registered records and sensible times.",
        "Correct the named `Stream` declaration.",
    )
    async def test_streams_are_well_declared(self) -> None:
        streams = self.connector.streams
        names = [stream.name for stream in streams]
        bugs = [] if streams else ["no stream is declared"]
        bugs += [f"stream {name!r} is declared twice" for name in sorted({n for n in names if names.count(n) > 1})]
        for stream in streams:
            if not _STREAM.fullmatch(stream.name):
                bugs.append(f"stream {stream.name!r}: the name is not a lower-case noun")
            for cls in (stream.record, *stream.also):
                if getattr(RECORDS.get(cls.__name__), "cls", None) is not cls:
                    bugs.append(f"stream {stream.name!r}: {cls.__name__} is no registered record type")
            if stream.lookback.total_seconds() < 0 or stream.promise.total_seconds() <= 0:
                bugs.append(f"stream {stream.name!r}: lookback or promise is not a sensible time")
            if stream.lookback and not stream.cursor:
                bugs.append(f"stream {stream.name!r}: a lookback without a cursor means nothing")
        assert not bugs, broken("streams_are_well_declared", "; ".join(bugs))

    @rule("bronze", "`check` answers OK for a good grant.", "Make one cheap call and return HealthState.OK.")
    async def test_check_accepts_a_good_grant(self) -> None:
        async with self.bench() as bench:
            health = await bench.call(lambda connector, ctx: connector.check(ctx))
        assert isinstance(health, Health), broken(
            "check_accepts_a_good_grant", f"check() returned a {type(health).__name__}, not a Health"
        )
        assert health.state is HealthState.OK, broken(
            "check_accepts_a_good_grant", f"check() says {health.state.value} with a good grant: {health.reason}"
        )

    @rule(
        "bronze",
        "A revoked grant makes `check` and `read` ask for a new consent.",
        "Raise AuthorizationError (or return HealthState.RECONNECT from check); never swallow the token's error.",
    )
    async def test_a_revoked_grant_asks_to_reconnect(self) -> None:
        name = "a_revoked_grant_asks_to_reconnect"
        if isinstance(self.connector.auth, NoAuth):
            return
        streams = await self.streams_to_read()
        async with self.bench() as bench:
            bad = FixedCredentials(bench.wiring.app, TokenSet(access_token="revoked-0123456789abcdef"))  # noqa: S106  # not a secret
            bench.client = bench.new_client(bad)
            try:
                health = await bench.call(lambda connector, ctx: connector.check(ctx))
                said = health.state.value
            except AuthorizationError:
                said = HealthState.RECONNECT.value
            except Exception as error:  # noqa: BLE001  # any other answer is the bug
                said = describe(error)
            assert said == HealthState.RECONNECT.value, broken(name, f"check() with a revoked token: {said}")
            for stream in streams:
                met = (await bench.read(stream)).error
                ended = f"with {describe(met)}" if met else "as if all were well: the token's error was swallowed"
                assert isinstance(met, AuthorizationError), broken(
                    name, f"stream {stream.name!r}: the read with a revoked token ends {ended}"
                )

    @rule(
        "silver",
        "`discover` names declared streams; `accounts` gives each account once.",
        "Return members of `streams`, and one Account for each id.",
    )
    async def test_discovery_is_consistent(self) -> None:
        async with self.bench() as bench:
            streams = await bench.call(lambda connector, ctx: connector.discover(ctx))
            accounts = await bench.call(lambda connector, ctx: connector.accounts(ctx))
        unknown = [stream.name for stream in streams if stream not in self.connector.streams]
        assert not unknown, broken("discovery_is_consistent", f"discover() gives undeclared streams: {unknown}")
        ids = [account.source_id for account in accounts]
        assert len(set(ids)) == len(ids), broken("discovery_is_consistent", f"accounts() repeats an id: {ids}")
        assert all(ids), broken("discovery_is_consistent", "accounts() gives an account without an id")

    @rule(
        "bronze",
        "Settings are read, never changed.",
        "Keep what you learn on the connector's instance, not in `ctx.settings`.",
    )
    async def test_settings_are_left_alone(self) -> None:
        streams = await self.streams_to_read()
        async with self.bench() as bench:
            before = dict(bench.settings)
            for stream in streams:
                await bench.read(stream, stop_after=2)
            changed = sorted(set(before.items()) ^ set(bench.settings.items()))
            assert not changed, broken("settings_are_left_alone", f"the connector changed ctx.settings: {changed}")


def _fits(pattern: str, example: str) -> bool:
    return not example or re.fullmatch(pattern, example) is not None
