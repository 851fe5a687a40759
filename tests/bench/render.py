"""Render the tape of the ingest benchmark: the connector reads the shop once by pages and once by a bulk file."""

import asyncio
import hashlib
import logging
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import httpx2
from tests.bench.scaled_shop import ScaledShop

from shelftide.core.clock import FakeClock
from shelftide.ingest.sync import first_read_from
from shelftide.jobs.sync_connection import HISTORY
from shelftide_sdk.auth import App
from shelftide_sdk.connector import Context
from shelftide_sdk.http import FixedCredentials, PlatformClient
from shelftide_sdk.testing.emulator import Gateway
from shelftide_sdk.testing.replay import Recorder, Tape
from shelftide_sdk.testing.world import World
from shelftide_shopify.connector import Shopify

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
APP = App(client_id="shelftide-demo", client_secret="shopify-demo-secret", redirect_uri="")
IGNORED = ("variables.first",)  # a page is what the connector got for its page size; a guest gets the same one


def tape_for(size: int, seed: int, folder: Path) -> Path:
    """Where the tape for a shop of `size` orders lies. Its name tells which emulator, world and queries made it; a
    connector that asks for something else gets a 404 and fails the run."""
    digest = hashlib.blake2b(digest_size=6)
    shopify = ROOT / "connectors/shopify/shelftide_shopify"
    sources = [*(ROOT / "connectors/sdk/shelftide_sdk/testing").rglob("*.py"), *shopify.glob("emulator*.py")]
    sources.append(shopify / "queries.py")
    for path in [*sorted(sources), Path(__file__), Path(__file__).with_name("scaled_shop.py")]:
        digest.update(path.read_bytes())
    return folder / f"orders-{size}-{seed}-{digest.hexdigest()}.tape"


async def record(shop: ScaledShop) -> Tape:
    """All replies that a first read of the orders gets, by pages and by a bulk file."""
    recorder = Recorder(shop.handle, Tape(IGNORED))
    shop.handle = recorder.handle  # type: ignore[method-assign]  # the recorder stands before it
    gateway = Gateway([shop])
    for bulk in ("never", "always"):
        settings = {"shop": shop.shop, "bulk": bulk}
        client = PlatformClient(
            Shopify,
            credentials=FixedCredentials(APP, Shopify.auth.parse_token(shop.token, shop.now)),
            settings=settings,
            clock=FakeClock(shop.now),
            transport=httpx2.ASGITransport(app=cast(Any, gateway)),
        )
        async with client:
            context = Context(
                client=client,
                clock=FakeClock(shop.now),
                log=logging.LoggerAdapter(logging.getLogger("bench"), {}),
                settings=settings,
                since=first_read_from(shop.now, HISTORY),
                captured_at=shop.now,
            )
            connector = Shopify()
            await connector.discover(context)
            async for page in connector.read(context, connector.stream("orders"), None):
                if page.rejects:
                    raise RuntimeError(f"the connector rejects what the emulator renders: {page.rejects[0].reason}")
    return recorder.tape


def main(size: int, seed: int, path: Path) -> None:
    """Render and save."""
    tape = asyncio.run(record(ScaledShop(World(seed=seed, now=NOW), size)))
    path.parent.mkdir(parents=True, exist_ok=True)
    tape.save(path)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
