"""Rules on waiting: as long as a reply says in its own words, and not for ever."""

import json
import re
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from itertools import pairwise
from typing import Any

import pytest

from shelftide_sdk.connector import Stream
from shelftide_sdk.errors import RateLimitedError
from shelftide_sdk.testing.conformance.bench import Reading
from shelftide_sdk.testing.conformance.faults import NEVER_READY, SLOW_JOB, Exchange, Fault, answer, leaves, request_of
from shelftide_sdk.testing.conformance.foundation import Foundation, describe
from shelftide_sdk.testing.conformance.rules import broken, rule
from shelftide_sdk.testing.conformance.trouble import survival_bug
from shelftide_sdk.testing.shapes import decode, row_lists

_WAIT = re.compile(r"(retry|wait|back_?off|delay|cool_?down)\w*", re.IGNORECASE)
_MILLISECONDS = re.compile(r"(ms|millis\w*|milliseconds)", re.IGNORECASE)
_SHORT = 1_000
_LONG_SECONDS, _FAR_TOO_LONG, _BACKOFF_SECONDS = 95, 10, 60
# Reads that go on side by side each count their own waits.
_LONGEST_SECONDS, _POLLS = 86_400.0, 1_200
_PAUSE_SECONDS = 0.1
_GRACE_SECONDS = {True: 1.0, False: 0.05}  # a Retry-After counts from a Date, which has whole seconds


class Waiting(Foundation):
    """How long a connector waits."""

    @rule(
        "silver",
        "A wait that a reply states, in a header or in its body, is kept.",
        "Give it on in `classify`: RateLimitedError(retry_after=...), in the unit that the platform counts in.",
    )
    async def test_a_stated_wait_is_kept(self) -> None:
        for stream, calm in await self.calm_readings():
            async for reading in self._throttled(stream, calm):
                if bug := _wrong_wait(reading):
                    pytest.fail(broken("a_stated_wait_is_kept", f"stream {stream.name!r}: {bug}"))

    async def _throttled(self, stream: Stream, calm: Reading) -> AsyncIterator[Reading]:
        if self.whole_depth:
            async with self.bench("throttle") as bench:
                yield await bench.read(stream)
        for body in self.error_replies:
            if any(_stated({}, body.encode())):
                for said in (body.encode(), _longer(body)):
                    async with self.bench() as bench:
                        fault = Fault(name="recorded", title="", damage=answer(said))
                        bench.proxy.begin(fault, [len(calm.exchanges) // 2])
                        yield await bench.read(stream)

    @rule(
        "gold",
        "What is never ready ends in an error.",
        "Count how often you ask, or how long you waited, and raise TransientError: the host plans the run anew.",
    )
    async def test_endless_polling_is_ended(self) -> None:
        for stream, calm in await self.calm_readings():
            if not (polled := _polled(calm)):
                continue
            reading = await self._held_back(stream, calm, NEVER_READY)
            if bug := survival_bug(calm, reading, NEVER_READY):
                where = f"stream {stream.name!r}, {_named(polled)} answers for ever as at first"
                pytest.fail(broken("endless_polling_is_ended", f"{where}: {bug}"))

    @rule(
        "gold",
        "A job that takes minutes is waited for, with a pause between two questions.",
        "Ask every few seconds (`await asyncio.sleep(5)`), for ten minutes or more, before you raise TransientError.",
    )
    async def test_a_slow_job_is_waited_for(self) -> None:
        name = "a_slow_job_is_waited_for"
        for stream, calm in await self.calm_readings():
            if not (polled := _polled(calm)):
                continue
            reading = await self._held_back(stream, calm, SLOW_JOB)
            where = f"stream {stream.name!r}, {_named(polled)}"
            if hurried := _asked_at_once(reading, polled):
                pytest.fail(broken(name, f"{where} was asked {hurried} times with no pause between two questions"))
            bug = f"{where} is ready after two minutes, and the read ends with {describe(reading.error)}"
            assert reading.error is None, broken(name, bug)
            lost = [key for key in calm.state() if key not in reading.state()]
            bug = f"{where} is ready after two minutes, and {len(lost)} rows are lost, such as {lost[:1]}"
            assert not lost, broken(name, bug)

    async def _held_back(self, stream: Stream, calm: Reading, fault: Fault) -> Reading:
        async with self.bench() as bench:
            bench.clock.longest = _LONGEST_SECONDS
            bench.proxy.limit = 5 * len(calm.exchanges) + _POLLS
            bench.proxy.begin(fault)
            return await bench.read(stream)


def _polled(calm: Reading) -> set[tuple[str, str, bytes]]:
    """Requests that were made again after a reply without rows, and then answered in another way."""
    first: dict[tuple[str, str, bytes], Exchange] = {}
    found = set()
    for exchange in calm.exchanges:
        asked = _asked(exchange)
        before = first.setdefault(asked, exchange)
        if before is not exchange and before.body != exchange.body and not any(row_lists(decode(before.body)[0])):
            found.add(asked)
    return found


def _asked(exchange: Exchange) -> tuple[str, str, bytes]:
    return request_of(exchange.method, exchange.path, exchange.query, exchange.asked)


def _named(polled: set[tuple[str, str, bytes]]) -> str:
    method, path, _ = min(polled)
    return f"{method} {path.partition('?')[0]}"


def _asked_at_once(reading: Reading, polled: set[tuple[str, str, bytes]]) -> int:
    """How often something that was not ready was asked for again in the same moment."""
    by_request: dict[tuple[str, str, bytes], list[Exchange]] = defaultdict(list)
    for exchange in reading.exchanges:
        if _asked(exchange) in polled:
            by_request[_asked(exchange)].append(exchange)
    return sum(
        a.body == b.body == asked[0].body and b.at - a.at < _PAUSE_SECONDS
        for asked in by_request.values()
        for a, b in pairwise(asked)
    )


def _wrong_wait(reading: Reading) -> str:
    for number, told in enumerate(reading.exchanges):
        again = (e for e in reading.exchanges[number + 1 :] if (e.method, e.path, e.asked) == _request(told))
        following = next(again, None)
        for name, seconds, of_header in _stated(dict(told.headers), told.body):
            such = f"{told.method} {told.path} was answered with {name}, a wait of {seconds:g} s, and"
            waited = following.at - told.at if following else _told_the_host(reading)
            heard = f"was asked again after {waited:g} s" if following else f"the host is told to wait {waited} s"
            if waited is not None and waited < seconds - _GRACE_SECONDS[of_header]:
                return f"{such} {heard}"
            if waited is not None and waited > _FAR_TOO_LONG * seconds + _BACKOFF_SECONDS:
                return f"{such} {heard}: is the unit another?"
    return ""


def _told_the_host(reading: Reading) -> float | None:
    wait = reading.error.retry_after if isinstance(reading.error, RateLimitedError) else None
    return None if wait is None else wait.total_seconds()


def _longer(body: str) -> bytes:
    """The same reply with a wait that is longer than a client would think of by itself."""
    value = json.loads(body)
    for holder, key, name in leaves(value):
        if _is_wait(name, holder[key]):
            holder[key] = _LONG_SECONDS * (1000 if _MILLISECONDS.search(name) else 1)
    return json.dumps(value).encode()


def _request(exchange: Exchange) -> tuple[str, str, bytes]:
    return exchange.method, exchange.path, exchange.asked


def _is_wait(name: str, value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool) and value > 0
    return number and _WAIT.match(name) is not None


def _stated(headers: dict[str, str], body: bytes) -> Iterator[tuple[str, float, bool]]:
    """(the reply's words, seconds, whether of a header) of each wait that a short reply states."""
    after = headers.get("retry-after", "")
    if after.isdigit():
        yield f"Retry-After: {after}", float(after), True
    value = decode(body)[0] if len(body) < _SHORT else None
    for holder, key, name in leaves(value) if isinstance(value, dict) else ():
        found = holder[key]
        if _is_wait(name, found):
            seconds = found / 1000 if _MILLISECONDS.search(name) else found
            yield f"{name}={found}", float(seconds), False
