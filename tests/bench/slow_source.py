"""How much faster several windows at once are than one after the other, where every reply takes 150 ms.

The real connector, the real client with the platform's real budgets, its emulator behind a delay. Sequential is the
same read with one window at a time.

Usage: python -m tests.bench.slow_source [--seconds 0.15] [--json]
"""

import argparse
import asyncio
import importlib
import json
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import httpx2
import msgspec
from tests.bench.peers import ROOT
from tests.bench.run import circumstances

from shelftide_sdk.connector import Connector
from shelftide_sdk.http import Credentials, PlatformClient
from shelftide_sdk.limits import MemoryLimiter
from shelftide_sdk.testing.conformance import Bench
from shelftide_sdk.testing.conformance.foundation import Foundation, load_connector

_really = asyncio.sleep  # the bench puts a clock of its own in the place of asyncio.sleep


class Reading(msgspec.Struct, frozen=True):
    """A stream to read, and the module and name of how many of its windows are under way at once."""

    connector: str
    stream: str
    days: int
    width: tuple[tuple[str, str], ...]


_ARK = (("shelftide_xiaohongshu.ark", "AT_ONCE"), ("shelftide_xiaohongshu.windows", "AT_ONCE"))
READINGS = (
    Reading("shelftide_xiaohongshu.ark:XiaohongshuArk", "orders", 60, _ARK),
    Reading("shelftide_xiaohongshu.ark:XiaohongshuArk", "payouts", 40, _ARK),
    Reading("shelftide_meta.ads:MetaAds", "ad_days", 120, (("shelftide_meta.ads", "_AT_ONCE"),)),
    Reading("shelftide_meta.instagram:Instagram", "profile_days", 60, (("shelftide_meta.instagram", "AT_ONCE"),)),
    Reading("shelftide_meta.instagram:Instagram", "contents", 60, (("shelftide_meta.posts", "AT_ONCE"),)),
    Reading("shelftide_amazon.ads:AmazonAds", "ad_days", 90, (("shelftide_amazon.ads", "_AT_ONCE"),)),
    Reading("shelftide_tiktok.ads:TikTokAds", "ad_breakdown_days", 30, (("shelftide_tiktok.ads", "_AT_ONCE"),)),
)


class Slow(httpx2.AsyncBaseTransport):
    """A wire on which every reply takes `seconds`; counts requests and how many were under way together."""

    def __init__(self, inner: httpx2.AsyncBaseTransport, seconds: float) -> None:
        self._inner = inner
        self._seconds = seconds
        self.requests = self.now = self.most = 0

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Wait, then answer."""
        self.requests += 1
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await _really(self._seconds)
            return await self._inner.handle_async_request(request)
        finally:
            self.now -= 1


class SlowBench(Bench):
    """A bench whose budgets are counted in real time."""

    def new_client(self, credentials: Credentials, routes: Any = None) -> PlatformClient:
        """The client over the slow wire."""
        return PlatformClient(
            self.wiring.connector,
            credentials=credentials,
            settings=self.settings,
            clock=self.clock,
            limiter=MemoryLimiter(),
            transport=self.transport,
        )


async def read(reading: Reading, seconds: float) -> dict[str, Any]:
    """Read the stream once."""
    connector: type[Connector] = load_connector(reading.connector)
    wiring = Foundation.wired(connector, seed=7, since=timedelta(days=reading.days))
    wiring.seconds = 600.0
    bench = SlowBench(wiring)
    slow = Slow(bench.transport, seconds)
    bench.transport = slow
    async with bench:
        slow.requests = slow.most = 0
        begun = time.perf_counter()
        found = await bench.read(connector().stream(reading.stream))
    if found.error is not None:
        raise found.error
    rows = [repr(record) for record in found.records]
    return {
        "seconds": round(time.perf_counter() - begun, 2),
        "requests": slow.requests,
        "at_once": slow.most,
        "rows": len(rows),
        "cursor": found.cursor,
        "content": hash(tuple(rows)),
    }


async def compare(reading: Reading, seconds: float) -> dict[str, Any]:
    """Side by side, and one window after the other. A first read without delay lets the emulator work out its facts."""
    await read(reading, 0.0)
    together = await read(reading, seconds)
    modules = [(importlib.import_module(module), name) for module, name in reading.width]
    kept = [getattr(module, name) for module, name in modules]
    try:
        for module, name in modules:
            setattr(module, name, 1)
        alone = await read(reading, seconds)
    finally:
        for (module, name), value in zip(modules, kept, strict=True):
            setattr(module, name, value)
    same = all(together[name] == alone[name] for name in ("rows", "content", "cursor"))
    for each in (together, alone):
        del each["content"]
    return {
        "connector": reading.connector.rpartition(":")[2],
        "stream": reading.stream,
        "delay_seconds": seconds,
        "together": together,
        "sequential": alone,
        "same_rows_in_the_same_order": same,
        "faster": round(alone["seconds"] / together["seconds"], 1),
    }


async def run(seconds: float, readings: Sequence[Reading] = READINGS) -> list[dict[str, Any]]:
    """All comparisons, one after the other."""
    return [await compare(reading, seconds) for reading in readings]


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Windows side by side against one after the other, on a slow source.")
    parser.add_argument("--seconds", type=float, default=0.15)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    results = asyncio.run(run(options.seconds))
    found = {"circumstances": circumstances(), "results": results}
    folder = ROOT / "var" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "slow_source.json").write_text(json.dumps(found, indent=1, default=str))
    if options.json:
        print(json.dumps(found, default=str))
        return
    for row in results:
        print(
            f"{row['connector']:16} {row['stream']:18} {row['sequential']['seconds']:7.1f} s -> "
            f"{row['together']['seconds']:6.1f} s  {row['faster']:4.1f} x  "
            f"{row['together']['requests']} requests, {row['together']['at_once']} at once, "
            f"{'same rows' if row['same_rows_in_the_same_order'] else 'OTHER ROWS'}"
        )


if __name__ == "__main__":
    main()
