"""A shop, its emulator and a connector wired together."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from tests.connectors.direct_client import DirectClient, FixedClock
from tests.connectors.fake_world import NOW, SHOP, START, FakeWorld
from tests.connectors.reading import Reading

from shelftide_sdk.auth import App
from shelftide_sdk.connector import Context, Cursor, WebhookRequest
from shelftide_sdk.testing.emulator import Gateway
from shelftide_shopify.auth import SCOPES
from shelftide_shopify.connector import Shopify
from shelftide_shopify.emulator import ShopifyEmulator

APP = App(client_id="shelftide-demo", client_secret="shopify-demo-secret", redirect_uri="https://app.example/callback")


class Bench:
    """`read` runs a stream to its end; `crash_after` stops it as a crash would, after so many saved pages."""

    def __init__(
        self,
        world: FakeWorld,
        *,
        scenarios: Sequence[str] = (),
        scopes: Sequence[str] = SCOPES,
        plan: str = "components",
        since: datetime = START,
        shop: str = SHOP,
        retries: int = 3,
        **settings: str,
    ) -> None:
        self.world = world
        self.shop = shop
        self.emulator = ShopifyEmulator(world, scenarios=scenarios, plan=plan)
        self.settings = {"shop": shop, **settings}
        self.clock = FixedClock(NOW)
        self.slept: list[float] = []
        self.client = DirectClient(
            Gateway([self.emulator]),
            Shopify,
            app=APP,
            token=Shopify.auth.parse_token(self.emulator.tokens.issue(shop, frozenset(scopes)), NOW),
            settings=self.settings,
            retries=retries,
            sleep=self._sleep,
        )
        self.since = since

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        for bucket in self.emulator._buckets.values():
            bucket.take(-seconds * bucket.rate)

    @property
    def context(self) -> Context:
        log = logging.LoggerAdapter(logging.getLogger("test.shopify"), {})
        return Context(
            client=self.client,
            clock=self.clock,
            log=log,
            settings=self.settings,
            since=self.since,
            captured_at=self.world.now,
        )

    async def read(self, stream: str, cursor: Cursor | None = None, *, crash_after: int | None = None) -> Reading:
        connector, reading = Shopify(), Reading()
        async for page in connector.read(self.context, connector.stream(stream), cursor):
            reading.pages.append(page)
            if crash_after is not None and len(reading.pages) >= crash_after:
                break
        return reading

    async def deliver(self, topic: str, body: bytes) -> Reading:
        request = WebhookRequest(headers={"X-Shopify-Topic": topic}, body=body, received_at=self.world.now)
        reading = Reading()
        reading.pages = await Shopify().webhook(self.context, request)
        return reading

    def pass_time(self, by: timedelta) -> None:
        self.world.now += by
        self.clock.advance(by)
