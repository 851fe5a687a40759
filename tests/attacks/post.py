"""Two shops of one agency, each with its brand, that push to a real server; and a runner for what was kept."""

import asyncio
import functools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import httpx
import httpx2
import pytest
from sqlalchemy import text
from tests.attacks.deliveries import Request, order_request
from tests.attacks.server import served
from tests.connectors.fake_world import NOW, SHOP, FakeWorld, brand

from shelftide.core.clock import FakeClock
from shelftide.core.settings import Settings
from shelftide.core.vault import Vault
from shelftide.ingest import connect as connect_module
from shelftide.ingest.credentials import Consent
from shelftide.ingest.registry import load_plugins
from shelftide.jobs import all_jobs
from shelftide.jobs import sync_connection as session_module
from shelftide.jobs.lake_secrets import VaultLakeSecrets
from shelftide.jobs.runs import Policy, Runner
from shelftide.jobs.services import Services
from shelftide.jobs.webhooks import queue_keeping
from shelftide.store.database import Database
from shelftide.store.embedded import Dsns
from shelftide.store.repositories.apps import set_platform_app
from shelftide.store.unit_of_work import SystemUnitOfWork, UnitOfWork
from shelftide.warehouse.factory import make_warehouses
from shelftide.warehouse.sql import Statement
from shelftide.web.site import build_site
from shelftide_sdk.auth import App
from shelftide_sdk.hosts import Routes
from shelftide_sdk.http import Patience, PlatformClient
from shelftide_sdk.testing.emulator import Gateway
from shelftide_shopify.auth import SCOPES
from shelftide_shopify.connector import Shopify
from shelftide_shopify.emulator import ShopifyEmulator
from tests.conftest import House, give_grant, make_connection

OTHER = "other-test.myshopify.com"


class Post:
    """The server's address, and what came of what was pushed to it."""

    def __init__(self, services: Services, emulator: ShopifyEmulator, house: House, url: str) -> None:
        self.services = services
        self.emulator = emulator
        self.house = house
        self.url = url
        self.secret = emulator.tokens.client_secret
        self.connections: list[UUID] = []
        self.runner = Runner(services, worker="w", policy=Policy(), jobs=all_jobs())
        self.http = httpx.AsyncClient(timeout=60.0, limits=httpx.Limits(max_connections=32))

    async def push(self, request: Request, connector: str = "shopify") -> int:
        """Over the wire; the status."""
        address = f"{self.url}/hooks/{connector}{request.query}"
        return (await self.http.post(address, headers=request.headers, content=request.body)).status_code

    async def push_all(self, requests: Sequence[Request]) -> list[int]:
        """At once, as far as the client's connections go."""
        return list(await asyncio.gather(*(self.push(request) for request in requests)))

    def order(self, number: int, *, at: datetime = NOW, shop: str = SHOP, **changes: Any) -> Request:
        return order_request(self.secret, shop, number, at=at, **changes)

    async def work(self) -> None:
        """All that is due, to its end."""
        while await self.runner.work_one(["ingest"]):
            pass

    async def rows(self, statement: str, **values: Any) -> list[dict[str, Any]]:
        """Of the tables that the gate may see."""
        async with SystemUnitOfWork(self.services.database, reason="test") as uow:
            return [dict(row) for row in (await uow.connection.execute(text(statement), values)).mappings()]

    async def inbox(self) -> list[dict[str, Any]]:
        return await self.rows("select * from inbox where agency_id = :agency", agency=self.house.agency_id)

    async def ours(self, statement: str, index: int = 0) -> list[dict[str, Any]]:
        """Of a brand's tables."""
        async with UnitOfWork(self.services.database, self.house.on(index)) as uow:
            return [dict(row) for row in (await uow.connection.execute(text(statement))).mappings()]

    async def facts(self, statement: Statement, index: int = 0) -> list[dict[str, Any]]:
        """Of a brand's warehouse."""
        warehouse = self.services.warehouses.of(self.house.tenant_ids[index])
        return cast(list[dict[str, Any]], (await warehouse.query(statement)).to_pylist())


@asynccontextmanager
async def open_post(
    dsns: Dsns, database: Database, vault: Vault, house: House, folder: Path, *, now: datetime = NOW
) -> AsyncIterator[Post]:
    """Everything, connected and routed."""
    world = FakeWorld([brand(), brand(key="other", shop=OTHER)])
    clock = cast(Any, FakeClock(now))
    # A secret of its own: other tests' agencies must not verify what is sent here.
    secret = f"secret-{house.agency_id}"
    emulator = ShopifyEmulator(world, plan="components", client_secret=secret, clock=clock.now)
    transport = httpx2.ASGITransport(app=cast(Any, Gateway([emulator])))
    client = functools.partial(
        PlatformClient, transport=transport, patience=Patience(attempts=2, sleep=lambda _: asyncio.sleep(0))
    )
    services = Services(
        settings=Settings(public_url="https://console.example"),
        database=database,
        vault=vault,
        registry=load_plugins(),
        warehouses=make_warehouses(
            "postgres",
            app_dsn=dsns.app,
            lakes_dsn=dsns.lakes,
            folder=folder,
            secrets=VaultLakeSecrets(database, vault),
        ),
        clock=clock,
        routes=Routes(),
        consent=Consent(vault=vault, clock=clock, routes=Routes()),
        data_dir=folder,
    )
    site = build_site(settings=services.settings)
    site.state.services = services
    with pytest.MonkeyPatch.context() as patch:
        for module in (session_module, connect_module):
            patch.setattr(module, "PlatformClient", client)
        patch.setattr(httpx2, "AsyncHTTPTransport", lambda *_, **__: transport)
        async with served(site) as url:
            post = Post(services, emulator, house, url)
            try:
                for index, shop in enumerate((SHOP, OTHER)):
                    post.connections.append(await _connect(post, index, shop))
                await post.work()
                yield post
            finally:
                await post.http.aclose()
                await services.warehouses.close()


async def _connect(post: Post, index: int, shop: str) -> UUID:
    scope, services = post.house.on(index), post.services
    found = await make_connection(
        services.database, scope, account=shop, connector="shopify", platform="shopify", settings={"shop": shop}
    )
    token = Shopify.auth.parse_token(post.emulator.tokens.issue(shop, frozenset(SCOPES)), services.clock.now())
    async with UnitOfWork(services.database, scope) as uow:
        app = App(client_id="shelftide-demo", client_secret=post.secret, redirect_uri="")
        await set_platform_app(uow, services.vault, "shopify", app)
        await give_grant(uow, services.vault, post.house.client_id, found, token)
        await queue_keeping(uow, found)
        await uow.commit()
    return found
