"""Rules on bad days: waits, fresh tokens, failures, damaged replies, and what nobody may see."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from shelftide_sdk.connector import Stream
from shelftide_sdk.errors import AuthorizationError, ConnectorError, RateLimitedError, TransientError
from shelftide_sdk.http import RENEWABLE
from shelftide_sdk.reading import UNREADABLE
from shelftide_sdk.testing.conformance.bench import Bench, Key, Reading
from shelftide_sdk.testing.conformance.faults import (
    MALFORMED,
    NO_ROW,
    PAGING,
    UNKNOWN_WORD,
    EndlessReadError,
    Fault,
    answer,
    beside_rows,
    fault_named,
    leaves,
    status,
)
from shelftide_sdk.testing.conformance.foundation import Foundation, describe
from shelftide_sdk.testing.conformance.rules import broken, rule
from shelftide_sdk.testing.shapes import decode, row_lists

_WAIT_SECONDS = 7
_PLACES = 10
_CODE = re.compile(r"code|err", re.IGNORECASE)
_WELL = re.compile(r"success|ok", re.IGNORECASE)
_STRANGE_CODE = 987_654_321


class _Lasting(msgspec.Struct, frozen=True):
    """A failure that stays, and the errors of the SDK that say so; none where any will do."""

    fault: Fault
    kinds: tuple[type[ConnectorError], ...] = ()


def _answered(code: int, *kinds: type[ConnectorError], **headers: str) -> _Lasting:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return _Lasting(Fault(name=str(code), title=f"HTTP {code} for ever", damage=status(code, named)), kinds)


_LASTING = (
    _answered(503, TransientError, RateLimitedError),
    _answered(403, AuthorizationError),
    _answered(400, ConnectorError),
    # More than the client waits: the host plans the run anew.
    _answered(429, RateLimitedError, retry_after="7200"),
    *(_Lasting(fault) for fault in MALFORMED if fault.name in ("cut", "no-body")),
)


class Trouble(Foundation):
    """How a connector takes bad days."""

    @rule(
        "silver",
        "A platform that asks to wait is waited for, and not asked before.",
        "Name the platform's throttle codes in `classify` as RateLimitedError(retry_at=...); do not retry yourself.",
    )
    async def test_waits_as_long_as_it_is_told(self) -> None:
        name = "waits_as_long_as_it_is_told"
        asked = str(_WAIT_SECONDS)
        fault = Fault(name="429", title="", damage=status(429, {"retry-after": asked}))
        for stream, calm in await self.calm_readings():
            async with self.bench() as bench:
                at = len(calm.exchanges) // 2
                bench.proxy.begin(fault, [at])
                bench_read = await bench.read(stream)
            assert bench_read.error is None, broken(
                name,
                f"stream {stream.name!r}: HTTP 429 ends the read with {describe(bench_read.error)}",
            )
            refused, following = bench_read.exchanges[at], bench_read.exchanges[at + 1 :]
            waited = following[0].at - refused.at if following else 0.0
            # A Retry-After counts from a Date, which has whole seconds.
            assert waited >= _WAIT_SECONDS - 1, broken(
                name, f"stream {stream.name!r}: told to wait {asked} s, it asked again after {waited:g} s"
            )
            _same(name, stream, calm, bench_read, "after HTTP 429")

    @rule(
        "silver",
        "An expired token is renewed exactly once, and the read goes on.",
        "Name the platform's expiry in `classify` as AuthorizationError(refreshable=True).",
    )
    async def test_an_expired_token_is_renewed_once(self) -> None:
        name = "an_expired_token_is_renewed_once"
        if not isinstance(self.connector.auth, RENEWABLE) or self.token is not None:
            pytest.skip("the grant cannot be renewed")
        for stream, calm in await self.calm_readings():
            async with self.bench() as bench:
                if not _expire(bench):
                    pytest.skip("the platform's tokens do not expire")
                reading = await bench.read(stream)
                renewed = bench.credentials.refreshes
            assert reading.error is None, broken(
                name,
                f"stream {stream.name!r}: an expired token ends the read with {describe(reading.error)}",
            )
            assert renewed == 1, broken(
                name, f"stream {stream.name!r}: the token was renewed {renewed} times, not once"
            )
            _same(name, stream, calm, reading, "after the token expired", times=False)

    @rule(
        "silver",
        "A failure of the platform that passes is tried again.",
        "Let 5xx through to the client, or name them TransientError in `classify`.",
    )
    async def test_a_passing_failure_is_retried(self) -> None:
        name = "a_passing_failure_is_retried"
        for stream, calm in await self.calm_readings():
            for code in (500, 502, 503):
                fault = Fault(name=str(code), title="", damage=status(code))
                async with self.bench() as bench:
                    bench.proxy.begin(fault, [0, len(calm.exchanges) // 2, len(calm.exchanges)])
                    reading = await bench.read(stream)
                assert reading.error is None, broken(
                    name,
                    f"stream {stream.name!r}: one HTTP {code} ends the read with {describe(reading.error)}",
                )
                _same(name, stream, calm, reading, f"after HTTP {code}")

    @rule(
        "silver",
        "A failure that stays is named by what the host should do.",
        "Raise TransientError for 5xx, AuthorizationError for a refusal; let RateLimitedError and ContractError go on "
        "to the host: never try again yourself, never end the read as if it were complete.",
    )
    async def test_a_lasting_failure_is_named(self) -> None:
        for stream, calm in await self.calm_readings():
            for place, lasting in self._places(calm):
                async with self.bench() as bench:
                    bench.proxy.limit = 5 * len(calm.exchanges) + 500
                    bench.proxy.begin(lasting.fault, range(place, 10_000))
                    reading = await bench.read(stream)
                if bug := _ending_bug(lasting, calm, reading) or await self._claim_bug(stream, calm, reading):
                    where = f"stream {stream.name!r}, from reply {place + 1} of {len(calm.exchanges)} on"
                    pytest.fail(broken("a_lasting_failure_is_named", f"{where}, {bug}"))

    async def _claim_bug(self, stream: Stream, calm: Reading, reading: Reading) -> str:
        """Rows that come before the cursor of a read that failed, and were not yielded."""
        if reading.cursor is None:
            return ""
        place = next((number for number, page in enumerate(calm.pages) if page.cursor == reading.cursor), None)
        wanted, found = calm.state(), reading.state()
        if place is not None:
            wanted = msgspec.structs.replace(calm, pages=calm.pages[:place]).state()
        else:  # a cursor that no good day gives: what it stands for is seen from where it leads
            async with self.bench() as bench:
                found = (await bench.read(stream, reading.cursor)).state(found)
        lost = [key for key in wanted if key not in found]
        such = f"the cursor {reading.cursor} was given, and {len(lost)} rows before it not"
        return f"{such}, such as {lost[0]}" if lost else ""

    def _places(self, calm: Reading) -> Iterator[tuple[int, "_Lasting"]]:
        """Where a failure begins: all kinds in the middle and at the end, one kind at each other place."""
        middle, last = len(calm.exchanges) // 2, len(calm.exchanges) - 1
        if not self.whole_depth:
            yield from [*((middle, lasting) for lasting in _LASTING[:4]), (last, _LASTING[0])]
            return
        yield from ((place, lasting) for place in sorted({middle, last}) for lasting in _LASTING)
        ends = {exchange.path: number for number, exchange in enumerate(calm.exchanges)}
        others = {*range(0, last, max(1, last // _PLACES)), *list(ends.values())[-_PLACES:]} - {middle, last}
        yield from ((place, _LASTING[number % len(_LASTING)]) for number, place in enumerate(sorted(others)))

    @rule(
        "silver",
        "An error that comes with HTTP 200 is an error.",
        "Name the platform's codes in `classify`, those that you do not know as ContractError (the host would try a "
        "TransientError for ever); refuse a reply that holds an error beside its rows, or lacks what it must hold.",
    )
    async def test_errors_in_http_200_are_caught(self) -> None:
        name = "errors_in_http_200_are_caught"
        for stream, calm in await self.calm_readings():
            for body in self.error_replies:
                fault = Fault(name="recorded", title="", damage=answer(body.encode()))
                async with self.bench() as bench:
                    bench.proxy.begin(fault, range(len(calm.exchanges) - 1, 10_000))
                    error = (await bench.read(stream)).error
                ended = "without an error" if error is None else f"with {describe(error)}"
                assert isinstance(error, ConnectorError), broken(
                    name, f"stream {stream.name!r}: the read ends {ended} after the reply {body[:120]}"
                )
            await self._survive(name, stream, calm, fault_named("strange-error"))
            for body in self.error_replies if self.whole_depth else self.error_replies[:1]:
                if bug := await self._taken_for_whole(stream, calm, body) or await self._tried_for_ever(
                    stream, calm, body
                ):
                    pytest.fail(broken(name, f"stream {stream.name!r}: {bug}"))

    async def _taken_for_whole(self, stream: Stream, calm: Reading, body: str) -> str:
        """A reply that holds rows and an error, taken for a good one."""
        error = json.loads(body)
        good = [(at, found) for at, e in enumerate(calm.exchanges) if any(row_lists(found := decode(e.body)[0]))]
        if not good or not isinstance(error, dict) or not _says_error(error, good[-1][1]):
            return ""
        async with self.bench() as bench:
            bench.proxy.begin(Fault(name="beside", title="", damage=beside_rows(error)), range(good[-1][0], 10_000))
            reading = await bench.read(stream)
        whole = reading.error is None and not reading.rejects
        return f"rows that come with the error {body[:120]} are taken for all there is" if whole else ""

    async def _tried_for_ever(self, stream: Stream, calm: Reading, body: str) -> str:
        """A refusal that nobody knows, which the host is told to try again for ever."""
        documents = [at for at, e in enumerate(calm.exchanges) if isinstance(decode(e.body)[0], dict)]
        if not documents:  # files only: who reads lines cannot know a refusal
            return ""
        unseen = _unseen(json.loads(body))
        fault = Fault(name="unseen", title="", damage=answer(json.dumps(unseen).encode()))
        async with self.bench() as bench:
            bench.proxy.begin(fault, range(documents[-1], 10_000))
            error = (await bench.read(stream)).error
        told = isinstance(error, ConnectorError) and not isinstance(error, TransientError | RateLimitedError)
        return "" if told else f"a refusal that no table lists, {json.dumps(unseen)[:160]}, ends with {describe(error)}"

    @rule(
        "gold",
        "A damaged reply becomes a Reject with its reason or an error of the SDK: no other exception, no silence.",
        "Map rows with `map_rows`, check what a reply must hold, raise ContractError or TransientError for the rest.",
    )
    @pytest.mark.parametrize("fault", MALFORMED, ids=lambda fault: fault.name)
    async def test_damaged_replies_are_named(self, fault: Fault) -> None:
        for stream, calm in await self.calm_readings():
            await self._survive("damaged_replies_are_named", stream, calm, fault)

    async def _survive(self, name: str, stream: Stream, calm: Reading, fault: Fault) -> None:
        count = len(calm.exchanges)
        for positions in (None, [0], [count // 2], [count - 1]):
            async with self.bench() as bench:
                bench.proxy.limit = 5 * count + 500
                bench.proxy.begin(fault, positions)
                reading = await bench.read(stream)
            if bug := survival_bug(calm, reading, fault):
                where = "every reply" if positions is None else f"reply {positions[0] + 1} of {count}"
                pytest.fail(broken(name, f"stream {stream.name!r}, {fault.title} ({where}): {bug}"))

    @rule(
        "gold",
        "Paging that never ends is ended.",
        "Remember the page tokens you followed and raise ContractError when one comes back.",
    )
    @pytest.mark.parametrize("fault", PAGING, ids=lambda fault: fault.name)
    async def test_endless_paging_is_ended(self, fault: Fault) -> None:
        for stream, calm in await self.calm_readings():
            async with self.bench() as bench:
                bench.proxy.limit = 5 * len(calm.exchanges) + 500
                bench.proxy.begin(fault)
                reading = await bench.read(stream)
            if bug := survival_bug(calm, reading, fault):
                pytest.fail(broken("endless_paging_is_ended", f"stream {stream.name!r}, {fault.title}: {bug}"))

    @rule(
        "bronze",
        "No token, app secret or code is in a record, cursor, log line, trace or error.",
        "Log ids and counts only; keep credentials out of `settings`, URLs that you store, and messages.",
    )
    async def test_no_secret_is_seen(self, capsys: pytest.CaptureFixture[str]) -> None:
        streams = await self.streams_to_read()
        async with self.bench() as bench:
            for stream in streams:
                bench.proxy.begin(None)
                calm = await bench.read(stream)
                self._silent(bench, stream, calm, capsys)
                for fault in (fault_named("wrong-types"), fault_named("html"), fault_named("strange-error")):
                    bench.proxy.begin(fault)
                    self._silent(bench, stream, await bench.read(stream), capsys)

    def _silent(self, bench: Bench, stream: Stream, reading: Reading, capsys: pytest.CaptureFixture[str]) -> None:
        printed = capsys.readouterr()
        error = reading.error
        places = {
            "a record, reject or cursor": repr(reading.pages),
            "the log": "\n".join(reading.logs),
            "the trace": reading.trace,
            "an error": f"{error!r} {getattr(error, 'detail', '')} {getattr(error, 'hint', '')}",
            "printed text": printed.out + printed.err,
        }
        for secret in bench.secrets():
            for place, text in places.items():
                bug = f"stream {stream.name!r}: a secret ({secret[:4]}..., {len(secret)} characters) is in {place}"
                assert secret not in text, broken("no_secret_is_seen", bug)

    @rule(
        "bronze",
        "Only declared hosts are reached, and only through `ctx.client`.",
        "Add the host to `ConnectorInfo.hosts`; do not open connections of your own, do not follow redirects.",
    )
    async def test_only_declared_hosts_are_reached(self) -> None:
        name = "only_declared_hosts_are_reached"
        async with self.bench() as bench:
            for stream in await self.streams_to_read():
                for fault, positions in ((None, None), (_ELSEWHERE, (0, 1))):
                    bench.proxy.begin(fault, positions)
                    error = (await bench.read(stream)).error
                    undeclared = isinstance(error, ConnectorError) and "does not declare" in error.message
                    led = " after a redirect" if fault else ""
                    assert not undeclared, broken(name, f"stream {stream.name!r}{led}: {error}")
        assert not self.outside, broken(name, f"the connector opened a socket to {self.outside}")


_ELSEWHERE = Fault(
    name="redirect",
    title="a reply leads to another host",
    damage=status(302, {"location": "https://collector.example/orders"}),
)


def _expire(bench: Bench) -> bool:
    """Let the token expire at the platform, and let the client believe that it has not."""
    token = bench.credentials.token
    if token.expires_at is None:
        return False
    bench.clock.advance(token.expires_at - bench.clock.now() + timedelta(seconds=5))
    bench.credentials.token = msgspec.structs.replace(token, expires_at=None)
    return True


def _same(name: str, stream: Stream, calm: Reading, reading: Reading, when: str, *, times: bool = True) -> None:
    wanted, found = calm.state(), reading.state()
    lost = [key for key in wanted if key not in found]
    assert not lost, broken(name, f"stream {stream.name!r}: {len(lost)} rows are lost {when}, such as {lost[:1]}")
    extra = [key for key in found if key not in wanted]
    assert not extra, broken(name, f"stream {stream.name!r}: {len(extra)} rows too many {when}, such as {extra[:1]}")
    changed = [key for key in wanted if wanted[key] != found[key]]
    assert not (changed and times), broken(
        name, f"stream {stream.name!r}: {len(changed)} rows differ {when}, such as {changed[:1]}"
    )


def _ending_bug(lasting: _Lasting, calm: Reading, reading: Reading) -> str:
    if not lasting.kinds:
        bug = survival_bug(calm, reading, lasting.fault)
        return f"{lasting.fault.title}: {bug}" if bug else ""
    if isinstance(reading.error, lasting.kinds):
        return ""
    ended = "without an error" if reading.error is None else f"with {describe(reading.error)}"
    wanted = " or ".join(kind.__name__ for kind in lasting.kinds)
    return f"{lasting.fault.title} ends the read {ended}; expected {wanted}"


def survival_bug(calm: Reading, reading: Reading, fault: Fault) -> str:
    """What is wrong with how a read under a fault ended, or ""."""
    error = reading.error
    if isinstance(error, EndlessReadError):
        return f"the read never ends: {error}"
    if error is not None and not isinstance(error, ConnectorError) and not _is_decoding(error):
        return f"it raised {describe(error)}, which is no error of the SDK"
    wanted, found = calm.state(), reading.state()
    lost = [key for key in wanted if key not in found]
    extra = [key for key in found if key not in wanted]
    if error is None and not reading.rejects and len(lost) > len(extra):
        return f"{len(lost)} rows vanished in silence, such as {lost[0]}: no Reject, no error"
    if fault.whole_pages and error is None and (bug := _unsaid(lost, reading)):
        return bug
    if fault.keys_stay and extra:
        return f"a broken row became a record with the key {extra[0]}"
    if any(not reject.reason.strip() for reject in reading.rejects):
        return "a row was rejected without a reason"
    if fault.harmless and (error is not None or reading.rejects):
        reason = reading.rejects[0].reason if reading.rejects else describe(error)
        return f"this does no harm, and yet: {reason}"
    return ""


def _unsaid(lost: Sequence[Key], reading: Reading) -> str:
    """Rows that broke and were not rejected one by one. A record may stand on several rows, and a row for several."""
    sent = sum(exchange.body.count(NO_ROW.encode()) for exchange in reading.exchanges)
    kinds = Counter(key[0] for key in lost)
    due = min(sent, *kinds.values()) if kinds else 0
    told = len(reading.rejects)
    return f"{due} rows broke and {told} were rejected: each needs a Reject" if told < due else ""


def _says_error(error: dict[str, Any], good: Any) -> bool:
    """Whether an error names itself (`errors`, `code` ...) where a good reply says nothing or something else."""
    well = any(_WELL.fullmatch(name) and said is True for name, said in error.items())
    if well or not isinstance(good, dict):
        return False
    return any(_CODE.search(name) and said and said != good.get(name) for name, said in error.items())


def _unseen(error: Any) -> Any:
    """The same error with codes and texts that no table lists."""
    for holder, key, _ in leaves(error) if isinstance(error, dict | list) else ():
        value = holder[key]
        if isinstance(value, str):
            holder[key] = str(_STRANGE_CODE) if value.isdigit() else UNKNOWN_WORD
        elif isinstance(value, int) and not isinstance(value, bool) and value:
            holder[key] = _STRANGE_CODE
    return error


def _is_decoding(error: BaseException) -> bool:
    """What a parser says and `shelftide_sdk.reading.guarded` gives a name: not JSON, not UTF-8, nested too deep."""
    return isinstance(error, (*UNREADABLE, RecursionError, json.JSONDecodeError))
