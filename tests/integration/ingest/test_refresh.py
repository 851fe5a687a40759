"""One provider call a rotation, whoever asks; and a death between the answer and our commit is never silent."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

import httpx2
import msgspec
import pytest
from tests.connectors.fake_world import NOW, SHOP, FakeWorld

from shelftide.core.clock import FakeClock
from shelftide.core.points import Point, arm
from shelftide.core.vault import Vault
from shelftide.ingest.credentials import REFRESH_PATIENCE, Consent, StoredCredentials
from shelftide.store.database import Database
from shelftide.store.embedded import Dsns
from shelftide.store.repositories.apps import set_platform_app
from shelftide.store.repositories.connections import Connection, get_connection
from shelftide.store.repositories.grants import TokenStore
from shelftide.store.unit_of_work import UnitOfWork
from shelftide_sdk import AuthorizationError, TransientError
from shelftide_sdk.auth import App
from shelftide_sdk.hosts import Routes
from shelftide_sdk.testing.emulator import Gateway, Request, Response
from shelftide_shopify.auth import SCOPES
from shelftide_shopify.connector import Shopify
from shelftide_shopify.emulator import ShopifyEmulator
from shelftide_tiktok.emulator_organic import TikTokOrganicEmulator
from shelftide_tiktok.organic import TikTokOrganic
from tests.conftest import House, MakeHouse, give_grant, make_connection


class Provider:
    """The emulator behind the token endpoint, counted; `slow` holds its answers back."""

    def __init__(self, emulator: Any) -> None:
        self.emulator = emulator
        self.calls = 0
        self.slow = 0.0
        self.failing = 0
        inner = emulator.handle

        async def handle(request: Request) -> Response:
            if "token" in request.path:
                self.calls += 1
                if self.slow:
                    await asyncio.sleep(self.slow)
                if self.failing:
                    self.failing -= 1
                    return Response(status=503)
            reply: Response = await inner(request)
            return reply

        emulator.handle = handle
        self.transport = httpx2.ASGITransport(app=cast(Any, Gateway([emulator])))


class Desk:
    """One connection with a token, as any number of processes see it."""

    def __init__(self, dsns: Dsns, house: House, vault: Vault, connection: Connection, connector: Any) -> None:
        self.dsns = dsns
        self.house = house
        self.vault = vault
        self.connection = connection
        self.connector = connector
        self.databases: list[Database] = []
        self.patience = REFRESH_PATIENCE

    @property
    def grant_id(self) -> UUID:
        assert self.connection.grant_id is not None
        return self.connection.grant_id

    def process(self) -> StoredCredentials:
        """What another process would hold: its own pool, its own cache."""
        database = Database(self.dsns, pool_size=8)
        self.databases.append(database)
        return StoredCredentials(
            database,
            self.house.on(),
            consent=Consent(vault=self.vault, clock=FakeClock(NOW), routes=Routes()),
            vault=self.vault,
            connection=self.connection,
            connector=self.connector,
            patience=self.patience,
        )

    async def state(self) -> str:
        async with UnitOfWork(self.databases[0], self.house.on()) as uow:
            return (await get_connection(uow, self.connection.connection_id)).state

    async def close(self) -> None:
        for database in self.databases:
            await database.close()


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Provider:
    return wired(ShopifyEmulator(FakeWorld()), monkeypatch)


def wired(emulator: Any, monkeypatch: pytest.MonkeyPatch) -> Provider:
    found = Provider(emulator)
    monkeypatch.setattr(httpx2, "AsyncHTTPTransport", lambda *_, **__: found.transport)
    return found


@pytest.fixture
async def desk(
    installation: Dsns, database: Database, make_house: MakeHouse, vault: Vault, provider: Provider
) -> AsyncIterator[Desk]:
    issued = provider.emulator.tokens.issue(SHOP, frozenset(SCOPES))
    found = await opened(installation, database, await make_house(1), vault, Shopify, issued)
    yield found
    await found.close()


async def opened(
    installation: Dsns, database: Database, house: House, vault: Vault, connector: Any, issued: Any
) -> Desk:
    name = connector.info.name
    settings = {"shop": SHOP}
    connection_id = await make_connection(
        database, house.on(), connector=name, platform=connector.info.platform, settings=settings
    )
    async with UnitOfWork(database, house.on()) as uow:
        app = App(client_id="shelftide-demo", client_secret=f"{connector.info.platform}-demo-secret", redirect_uri="")
        await set_platform_app(uow, vault, name, app)
        await give_grant(uow, vault, house.client_id, connection_id, connector.auth.parse_token(issued, NOW))
        connection = await get_connection(uow, connection_id)
        await uow.commit()
    return Desk(installation, house, vault, connection, connector)


async def works(desk: Desk, provider: Provider) -> bool:
    """Whether what is stored now opens the shop."""
    _, token = await desk.process().current()
    return provider.emulator.tokens.grant(SHOP, token.access_token) is not None


class DeadError(BaseException):
    """Stands for SIGKILL: nothing in the product catches it to tidy up after the point."""


def die_at_refresh(desk: Desk) -> None:
    def die(point: Point) -> None:
        if point is Point.REFRESH_NOT_STORED:
            arm(None)
            raise DeadError

    arm(die)
    desk.patience = timedelta(seconds=0.5)


async def test_fifty_callers_make_one_call_a_rotation(desk: Desk, provider: Provider) -> None:
    provider.slow = 0.3
    held = desk.process()
    for rotation in (1, 2, 3):
        _, seen = await desk.process().current()
        tokens = await asyncio.gather(*(held.refresh(seen) for _ in range(50)))
        assert len({token.access_token for token in tokens}) == 1
        assert tokens[0].access_token != seen.access_token
        assert provider.calls == rotation
    assert await works(desk, provider)


async def test_three_processes_make_one_call(desk: Desk, provider: Provider) -> None:
    provider.slow = 0.3
    _, seen = await desk.process().current()
    processes = [desk.process() for _ in range(3)]
    tokens = await asyncio.gather(*(held.refresh(seen) for held in processes for _ in range(17)))
    assert len({token.access_token for token in tokens}) == 1
    assert provider.calls == 1


async def test_a_late_caller_gets_the_new_token_without_a_call(desk: Desk, provider: Provider) -> None:
    _, seen = await desk.process().current()
    fresh = await desk.process().refresh(seen)
    assert (await desk.process().refresh(seen)).access_token == fresh.access_token
    assert provider.calls == 1


async def test_a_sign_in_page_that_fails_once_is_asked_again_where_rotations_overlap(
    desk: Desk, provider: Provider
) -> None:
    provider.failing = 1
    _, seen = await desk.process().current()
    await desk.process().refresh(seen)
    assert await works(desk, provider)
    assert await desk.state() == "ok"


async def test_a_failing_sign_in_page_does_not_block_the_next_caller(desk: Desk, provider: Provider) -> None:
    provider.failing = 5  # one more than is asked in place
    _, seen = await desk.process().current()
    with pytest.raises(TransientError):
        await desk.process().refresh(seen)
    started = time.monotonic()
    await desk.process().refresh(seen)
    assert time.monotonic() - started < 5
    assert await works(desk, provider)
    assert await desk.state() == "ok"


async def test_a_death_before_our_commit_heals_where_rotations_overlap(
    desk: Desk, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, seen = await desk.process().current()
    die_at_refresh(desk)
    with pytest.raises(DeadError):
        await desk.process().refresh(seen)
    assert provider.calls == 1
    await desk.process().refresh(seen)
    assert provider.calls == 2
    assert await works(desk, provider)
    assert await desk.state() == "ok"


async def test_a_death_before_our_commit_is_flagged_where_they_do_not(
    installation: Dsns, database: Database, make_house: MakeHouse, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = wired(TikTokOrganicEmulator(FakeWorld()), monkeypatch)
    issued = tiktok_grant(provider.emulator)
    desk = await opened(installation, database, await make_house(1), vault, TikTokOrganic, issued)
    _, seen = await desk.process().current()
    die_at_refresh(desk)
    with pytest.raises(DeadError):
        await desk.process().refresh(seen)
    with pytest.raises(AuthorizationError):
        await desk.process().refresh(seen)
    assert await desk.state() == "reconnect"
    await desk.close()


async def test_a_rotation_that_was_overtaken_uses_the_one_that_won(desk: Desk, provider: Provider) -> None:
    slow, fast = desk.process(), desk.process()
    _, seen = await slow.current()
    stored, mine = await slow._announce(seen)
    assert mine
    async with UnitOfWork(desk.databases[1], desk.house.on()) as uow:
        await TokenStore(uow, desk.vault).mark_refresh(desk.grant_id, None)
        await uow.commit()
    won = await fast.refresh(seen)
    assert (await slow._rotate(stored)).access_token == won.access_token


async def test_a_revoked_grant_is_flagged_and_asked_for_once(desk: Desk, provider: Provider) -> None:
    _, seen = await desk.process().current()
    provider.emulator.tokens.uninstall(SHOP)
    replies = await asyncio.gather(*(desk.process().refresh(seen) for _ in range(10)), return_exceptions=True)
    assert all(isinstance(reply, AuthorizationError) for reply in replies)
    assert await desk.state() == "reconnect"
    assert provider.calls == 1


def tiktok_grant(emulator: TikTokOrganicEmulator) -> Any:
    """A token reply as its endpoint sends it."""
    return msgspec.json.decode(emulator._good(emulator.token_data(emulator.grants.issue("-000b07e5"))).body)
