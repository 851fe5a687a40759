"""A TikTok product, its emulator and its connector wired together over the SDK's own client."""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import httpx2
from tests.connectors.reading import Reading

from shelftide_sdk.auth import App, OAuth2, Outgoing, TokenSet
from shelftide_sdk.connector import Connector, Context, Cursor, WebhookRequest
from shelftide_sdk.hosts import Routes
from shelftide_sdk.http import Patience, PlatformClient
from shelftide_sdk.testing.emulator import Emulator, Gateway
from shelftide_sdk.testing.world import World
from shelftide_sdk.testing.world.model import Brand
from shelftide_tiktok.emulator import TikTokAdsEmulator, TikTokOrganicEmulator, TikTokShopEmulator
from shelftide_tiktok.emulator_shop_facts import cipher
from shelftide_tiktok.markets import zone_of
from shelftide_tiktok.organic import TikTokOrganic
from shelftide_tiktok.shop import TikTokShop

NOW = datetime(2026, 7, 1, 12, 30, tzinfo=UTC)
SIM = "http://sim.local"


def small_world(seed: int = 7) -> World:
    return World(seed=seed, now=NOW, size="small")


class Clock:
    """The simulator's clock."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator

    def now(self) -> datetime:
        return self._emulator.clock()


class Rotating:
    """Credentials that refresh at the emulated platform, as the host does."""

    def __init__(self, connector: type[Connector], app: App, token: TokenSet, transport: Any, clock: Clock) -> None:
        self.app = app
        self.token = token
        self.refreshed = 0
        self._connector = connector
        self._http = httpx2.AsyncClient(transport=transport)
        self._clock = clock

    async def current(self) -> tuple[App, TokenSet]:
        return self.app, self.token

    async def refresh(self, seen: TokenSet) -> TokenSet:
        auth = self._connector.auth
        assert isinstance(auth, OAuth2)
        assert auth.build_refresh is not None
        reply = await exchange(
            self._http, auth.build_refresh(self.app, {}, {"refresh_token": seen.refresh_token or ""})
        )
        self.token = auth.parse_token(reply, self._clock.now())
        self.refreshed += 1
        return self.token


async def exchange(http: httpx2.AsyncClient, request: Outgoing) -> Any:
    target, host = Routes({"*": SIM}).connection(request.url)
    response = await http.request(
        request.method,
        target,
        params=httpx2.QueryParams(dict(request.params)) if request.params else None,
        headers={**request.headers, "host": host},
        content=request.content or None,
    )
    return response.json()


async def _no_sleep(seconds: float) -> None:
    return None


class Bench:
    """`read` runs a stream; `crash_after` stops it as a crash would, after so many saved pages."""

    def __init__(
        self,
        connector: type[Connector],
        emulator: TikTokAdsEmulator | TikTokOrganicEmulator | TikTokShopEmulator,
        brand: Brand,
        *,
        settings: dict[str, str],
    ) -> None:
        self.connector = connector
        self.emulator = emulator
        self.brand = brand
        self.settings = settings
        self.world = emulator.world
        self.clock = Clock(emulator)
        self.gateway = Gateway([emulator])
        self.transport = httpx2.ASGITransport(app=cast(Any, self.gateway))
        assert isinstance(connector.auth, OAuth2)
        issued = emulator.grants.issue(brand.accounts[connector.info.name])
        token = connector.auth.parse_token({"code": 0, "data": emulator.token_data(issued)}, self.clock.now())
        app = App(
            client_id=emulator.client_id,
            client_secret=emulator.client_secret,
            redirect_uri="https://app.example/back",
            extra={"service_id": "7"},
        )
        self.credentials = Rotating(connector, app, token, self.transport, self.clock)
        self.client = PlatformClient(
            connector,
            credentials=self.credentials,
            settings=settings,
            clock=self.clock,
            routes=Routes({"*": SIM}),
            transport=self.transport,
            patience=Patience(sleep=_no_sleep, attempts=6, longest_wait=timedelta(minutes=5)),
        )

    @property
    def context(self) -> Context:
        return Context(
            client=self.client,
            clock=self.clock,
            log=logging.LoggerAdapter(logging.getLogger("test.tiktok"), {}),
            settings=self.settings,
            since=self.world.start,
            captured_at=self.world.now,
        )

    async def read(self, stream: str, cursor: Cursor | None = None, *, crash_after: int | None = None) -> Reading:
        connector, reading = self.connector(), Reading()
        async for page in connector.read(self.context, connector.stream(stream), cursor):
            reading.pages.append(page)
            if crash_after is not None and len(reading.pages) >= crash_after:
                break
        return reading

    async def deliver(self, body: bytes) -> Reading:
        request = WebhookRequest(headers={}, body=body, received_at=self.world.now)
        return Reading(pages=await self.connector().webhook(self.context, request))

    def paths(self) -> list[str]:
        return [trace.path for trace in self.client.trace]


def organic(world: World, brand: Brand | None = None, scenarios: Sequence[str] = (), **changes: str) -> Bench:
    chosen = brand or world.brands[0]
    settings = {"account_id": chosen.accounts["tiktok-organic"], **changes}
    emulator = TikTokOrganicEmulator(world, scenarios=scenarios, seed=world.seed)
    return Bench(TikTokOrganic, emulator, chosen, settings=settings)


def shop(world: World, brand: Brand | None = None, scenarios: Sequence[str] = (), **changes: str) -> Bench:
    chosen = brand or world.brands[0]
    shop_id = chosen.accounts["tiktok-shop"]
    settings = {
        "cipher": cipher(shop_id),
        "shop_id": shop_id,
        "region": chosen.market,
        "zone": zone_of(chosen.market),
        **changes,
    }
    emulator = TikTokShopEmulator(world, scenarios=scenarios, seed=world.seed)
    return Bench(TikTokShop, emulator, chosen, settings=settings)
