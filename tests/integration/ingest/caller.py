"""A process that calls a platform as fast as its budget lets it: `python -m tests.integration.ingest.caller FILE`.

FILE holds `Orders` as JSON. Prints `Made` as JSON.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar
from uuid import UUID

import msgspec

from shelftide.core.scope import Scope
from shelftide.ingest.budgets import SharedLimiter
from shelftide.store.database import Database
from shelftide.store.embedded import Dsns
from shelftide_sdk import Budget, Connector, ConnectorInfo, Context, Cursor, Health, HealthState, NoAuth, Page, Stream
from shelftide_sdk.auth import App, TokenSet
from shelftide_sdk.hosts import Routes
from shelftide_sdk.http import FixedCredentials, PlatformClient
from shelftide_sdk.limits import OverBudgetError
from shelftide_shopify.connector import Shopify
from shelftide_tiktok.shop import TikTokShop

APP = App(client_id="a", client_secret="b", redirect_uri="")
LIMIT = Budget(name="calls", calls=100, seconds=2.5, scope="app")


class Orders(msgspec.Struct, frozen=True, kw_only=True):
    """Where to call, in whose name, for how many seconds, with how many callers, and whether it is history."""

    dsns: Dsns
    agency_id: UUID
    url: str
    seconds: float
    door: str = "busy"
    callers: int = 4
    backfill: bool = False


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """How many calls were answered, and when (epoch seconds) the platform's wish to wait was known to every process."""

    calls: int
    held: tuple[float, ...]


class Watched(SharedLimiter):
    """Notes when a wait stands in the shared row."""

    held: ClassVar[list[float]] = []

    async def hold(self, budget: Budget, key: str, seconds: float) -> None:
        """See `Limiter`."""
        await super().hold(budget, key, seconds)
        self.held.append(time.time())


class Busy(Connector):
    """A platform with one limit for all processes."""

    info: ClassVar[ConnectorInfo] = ConnectorInfo(
        name="busy", title="Busy", platform="busy", api_requires=(1, 0), hosts=("api.example.com",), budgets=(LIMIT,)
    )
    auth: ClassVar[NoAuth] = NoAuth()

    async def check(self, ctx: Context) -> Health:
        """Always well."""
        return Health(state=HealthState.OK)

    async def read(self, ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
        """Not asked for here."""
        yield Page()


class Door(msgspec.Struct, frozen=True, kw_only=True):
    """A platform to call: its connector, an address, what a call costs there, and the settings of a connection."""

    connector: type[Connector]
    url: str
    cost: float = 1.0
    settings: dict[str, str] = {}

    @property
    def limit(self) -> Budget:
        """The one budget that a call is counted for."""
        (found,) = (budget.of(self.settings) for budget in self.connector.info.budgets)
        assert found is not None
        return found


DOORS = {
    "busy": Door(connector=Busy, url="https://api.example.com/v1/orders"),
    "shopify": Door(
        connector=Shopify,
        url="https://one.myshopify.com/admin/api/2026-07/graphql.json",
        cost=50.0,
        settings={"shop": "one.myshopify.com", "plan": "Basic"},
    ),
    "tiktok-shop": Door(
        connector=TikTokShop,
        url="https://open-api.tiktokglobalshop.com/logistics/202309/warehouses",
        settings={"cipher": "c", "shop_id": "1", "region": "US"},
    ),
}


class WallClock:
    """Now."""

    def now(self) -> datetime:
        """The machine's time."""
        return datetime.now(UTC)


async def call(orders: Orders) -> Made:
    """Call until the time is over."""
    door = DOORS[orders.door]
    database = Database(orders.dsns, pool_size=orders.callers)
    client = PlatformClient(
        door.connector,
        credentials=FixedCredentials(
            App(client_id="a", client_secret="b", redirect_uri=""), TokenSet(access_token="t")
        ),
        settings=door.settings,
        clock=WallClock(),
        limiter=Watched(database, Scope(agency_id=orders.agency_id, tenant_ids=())),
        limit_keys={"app": orders.door, "app+account": f"{orders.door}|one"},
        routes=Routes({"*": orders.url}),
    )
    client.pace(backfill=orders.backfill)

    until = time.monotonic() + orders.seconds

    async def caller() -> int:
        made = 0
        while time.monotonic() < until:
            try:
                await client.get(door.url, cost=door.cost)
            except OverBudgetError:  # a longer wait than this process has time for
                return made
            made += 1
        return made

    made = await asyncio.gather(*(caller() for _ in range(orders.callers)))
    await client.close()
    await database.close()
    return Made(calls=sum(made), held=tuple(Watched.held))


if __name__ == "__main__":
    made = asyncio.run(call(msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Orders)))
    print(msgspec.json.encode(made).decode())
