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

APP = App(client_id="a", client_secret="b", redirect_uri="")
LIMIT = Budget(name="calls", calls=100, seconds=2.5, scope="app")


class Orders(msgspec.Struct, frozen=True, kw_only=True):
    """Where to call, in whose name, for how many seconds, with how many callers, and whether it is history."""

    dsns: Dsns
    agency_id: UUID
    url: str
    seconds: float
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


class WallClock:
    """Now."""

    def now(self) -> datetime:
        """The machine's time."""
        return datetime.now(UTC)


async def call(orders: Orders) -> Made:
    """Call until the time is over."""
    database = Database(orders.dsns, pool_size=orders.callers)
    client = PlatformClient(
        Busy,
        credentials=FixedCredentials(
            App(client_id="a", client_secret="b", redirect_uri=""), TokenSet(access_token="t")
        ),
        settings={},
        clock=WallClock(),
        limiter=Watched(database, Scope(agency_id=orders.agency_id, tenant_ids=())),
        limit_keys={"app": "busy"},
        routes=Routes({"api.example.com": orders.url}),
    )
    client.pace(backfill=orders.backfill)

    until = time.monotonic() + orders.seconds

    async def caller() -> int:
        made = 0
        while time.monotonic() < until:
            await client.get("https://api.example.com/v1/orders")
            made += 1
        return made

    made = await asyncio.gather(*(caller() for _ in range(orders.callers)))
    await client.close()
    await database.close()
    return Made(calls=sum(made), held=tuple(Watched.held))


if __name__ == "__main__":
    made = asyncio.run(call(msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Orders)))
    print(msgspec.json.encode(made).decode())
