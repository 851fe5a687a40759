"""One consent opens many accounts: each waits for a brand, is read by that brand alone, and all live on one token."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, cast
from uuid import UUID, uuid4

import msgspec
import pytest
from sqlalchemy import select

from shelftide.core.clock import SystemClock
from shelftide.core.errors import ConflictError, NotFoundError
from shelftide.core.scope import Scope
from shelftide.core.vault import Vault
from shelftide.ingest.connect import Connected, Connecting
from shelftide.ingest.credentials import Consent, StoredCredentials
from shelftide.store.database import Database
from shelftide.store.ids import new_id
from shelftide.store.models import credentials
from shelftide.store.repositories.agencies import OAuthState, add_client, add_tenant
from shelftide.store.repositories.apps import describe_platform_app, set_platform_app
from shelftide.store.repositories.connections import detach_connection, get_connection
from shelftide.store.repositories.grants import TokenStore, list_accounts
from shelftide.store.unit_of_work import UnitOfWork
from shelftide_sdk import Account, AuthorizationError, Connector, ConnectorInfo, Context, Health, HealthState, OAuth2
from shelftide_sdk.auth import App, TokenSet
from shelftide_sdk.hosts import Routes
from tests.conftest import House, MakeHouse, brand_values

NOW = datetime(2026, 11, 22, tzinfo=UTC)


class Directory(Connector):
    """A platform whose one consent lists several advertisers."""

    info: ClassVar[ConnectorInfo] = ConnectorInfo(
        name="directory", title="Directory", platform="directory", api_requires=(1, 0), hosts=("d.example",)
    )
    auth: ClassVar[OAuth2] = OAuth2(authorize_url="https://d.example/a", token_url="https://d.example/t")
    names: ClassVar[tuple[str, ...]] = ("adv-1", "adv-2", "adv-3")

    async def check(self, ctx: Context) -> Health:
        return Health(state=HealthState.OK)

    def read(self, ctx: Any, stream: Any, cursor: Any) -> Any:
        raise NotImplementedError

    async def accounts(self, ctx: Context) -> list[Account]:
        return [Account(source_id=name, name=name.upper(), settings={"of": name}) for name in self.names]


class Agreed:
    """Stands for the consent's two calls to the platform; everything after them is real."""

    def __init__(self, house: House) -> None:
        self.tenant_id = house.tenant_ids[0]
        self.issued = 0
        self.renewals = 0

    async def accept(self, *_: Any, **__: Any) -> OAuthState:
        return OAuthState(
            tenant_id=self.tenant_id, user_id=uuid4(), session_hash="s", connector="directory",
            redirect_uri="", settings={}, verifier=None, connection_id=None, expires_at=NOW,
        )  # fmt: skip

    async def exchange(self, *_: Any) -> TokenSet:
        self.issued += 1
        return self._token()

    async def renew(self, *_: Any) -> TokenSet:
        self.renewals += 1
        self.issued += 1
        return self._token()

    def _token(self) -> TokenSet:
        return TokenSet(
            access_token=f"access-{self.issued}",
            refresh_token=f"refresh-{self.issued}",
            expires_at=NOW + timedelta(hours=1),
            account_id="the-business",
        )


class Desk(msgspec.Struct):
    """An agency of two brands of one client, at the end of consents."""

    database: Database
    vault: Vault
    house: House
    agreed: Agreed
    queued: list[UUID]
    connecting: Connecting

    async def consent(self) -> Connected:
        return await self.connecting.finish(self.house.scope, Directory, {}, session_hash="s")

    async def assign(self, index: int, grant_id: UUID, account: str) -> UUID:
        return await self.connecting.assign(self.house.on(index), lambda _: Directory, grant_id, account)

    async def token(self, scope: Scope, grant_id: UUID) -> str | None:
        async with UnitOfWork(self.database, scope) as uow:
            stored = await TokenStore(uow, self.vault).load(grant_id)
            await uow.commit()
        return None if stored is None else stored.access_token.reveal()

    async def credentials(self, index: int, connection_id: UUID) -> StoredCredentials:
        async with UnitOfWork(self.database, self.house.on(index)) as uow:
            connection = await get_connection(uow, connection_id)
        return StoredCredentials(
            self.database,
            self.house.on(index),
            consent=cast(Consent, self.agreed),
            vault=self.vault,
            connection=connection,
            connector=Directory,
        )


@pytest.fixture
async def desk(database: Database, vault: Vault, make_house: MakeHouse) -> Desk:
    house = await make_house(2)
    agreed = Agreed(house)
    queued: list[UUID] = []

    async def queue(uow: UnitOfWork, connection_id: UUID) -> None:
        queued.append(connection_id)

    async with UnitOfWork(database, house.on()) as uow:
        await set_platform_app(uow, vault, "directory", App(client_id="i", client_secret="s", redirect_uri=""))
        await uow.commit()
    connecting = Connecting(
        database,
        vault=vault,
        consent=cast(Consent, agreed),
        clock=SystemClock(),
        routes=Routes(),
        queue=queue,
    )
    return Desk(database, vault, house, agreed, queued, connecting)


async def test_of_several_accounts_none_is_connected_before_it_is_assigned(desk: Desk) -> None:
    connected = await desk.consent()
    assert (connected.connection_ids, connected.waiting, desk.queued) == ((), 3, [])
    connection_id = await desk.assign(1, connected.grant_id, "adv-2")
    assert desk.queued == [connection_id]
    async with UnitOfWork(desk.database, desk.house.on(1)) as uow:
        connection = await get_connection(uow, connection_id)
        assert (connection.account_id, connection.settings) == ("adv-2", {"account_id": "the-business", "of": "adv-2"})
    async with UnitOfWork(desk.database, desk.house.on(0)) as uow:
        waiting = await list_accounts(uow, [connected.grant_id])
    assert [account.account_id for account in waiting] == ["adv-1", "adv-3"], "the other brand's account is not shown"


async def test_a_single_account_goes_to_the_brand_that_began(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Directory, "names", ("adv-1",))
    connected = await desk.consent()
    assert (len(connected.connection_ids), connected.waiting) == (1, 0)
    assert desk.queued == list(connected.connection_ids)


async def test_a_token_is_readable_only_with_a_connection_in_scope(desk: Desk, make_house: MakeHouse) -> None:
    connected = await desk.consent()
    for index in (0, 1):
        assert await desk.token(desk.house.on(index), connected.grant_id) is None, "an unassigned grant opens nothing"
    await desk.assign(0, connected.grant_id, "adv-1")
    assert await desk.token(desk.house.on(0), connected.grant_id) == "access-1"
    assert await desk.token(desk.house.on(1), connected.grant_id) is None, "the sibling brand has no account of it"
    other = await make_house(1)
    assert await desk.token(other.on(), connected.grant_id) is None
    async with UnitOfWork(desk.database, desk.house.on(1)) as uow:
        assert (await uow.connection.execute(select(credentials))).all() == []


async def test_an_account_belongs_to_one_brand_until_it_is_released(desk: Desk) -> None:
    connected = await desk.consent()
    first = await desk.assign(0, connected.grant_id, "adv-1")
    with pytest.raises(NotFoundError):
        await desk.assign(1, connected.grant_id, "adv-1")
    with pytest.raises(NotFoundError):
        await desk.assign(1, connected.grant_id, "adv-9")
    with pytest.raises(NotFoundError):
        await desk.assign(1, uuid4(), "adv-2")
    await desk.connecting.release(desk.house.on(0), first)
    second = await desk.assign(1, connected.grant_id, "adv-1")
    async with UnitOfWork(desk.database, desk.house.scope) as uow:
        assert (await get_connection(uow, first)).state == "paused"
        assert (await get_connection(uow, second)).state == "ok"
    with pytest.raises(AuthorizationError):
        await (await desk.credentials(0, first)).current()


async def test_an_app_serves_no_more_accounts_than_the_platform_lets_it(desk: Desk) -> None:
    connected = await desk.consent()

    async def limit(most: int | None) -> None:
        async with UnitOfWork(desk.database, desk.house.on()) as uow:
            await describe_platform_app(uow, "directory", review="approved", scopes=None, account_limit=most)
            await uow.commit()

    await limit(2)
    first = await desk.assign(0, connected.grant_id, "adv-1")
    tries = (desk.assign(1, connected.grant_id, name) for name in ("adv-2", "adv-3"))
    ended = await asyncio.gather(*tries, return_exceptions=True)
    left = "adv-3" if isinstance(ended[1], ConflictError) else "adv-2"
    assert sum(isinstance(each, ConflictError) for each in ended) == 1, "two at once cannot both take the last place"
    await desk.connecting.release(desk.house.on(0), first)
    await desk.assign(0, connected.grant_id, "adv-1")
    with pytest.raises(ConflictError, match="may serve 2"):
        await desk.assign(1, connected.grant_id, left)
    await limit(None)
    await desk.assign(1, connected.grant_id, left)


async def test_another_clients_brand_cannot_take_the_account(desk: Desk, make_house: MakeHouse) -> None:
    connected = await desk.consent()
    other = await make_house(1, name="Other")
    with pytest.raises(NotFoundError):
        await desk.connecting.assign(other.on(), lambda _: Directory, connected.grant_id, "adv-1")


async def test_brands_of_one_grant_share_each_rotation(desk: Desk) -> None:
    connected = await desk.consent()
    ids = [await desk.assign(index, connected.grant_id, f"adv-{index + 1}") for index in (0, 1)]
    first, second = [await desk.credentials(index, ids[index]) for index in (0, 1)]
    seen = (await first.current())[1]
    assert (await second.current())[1].access_token == seen.access_token
    renewed = await first.refresh(seen)
    assert (await second.refresh(seen)).access_token == renewed.access_token
    assert desk.agreed.renewals == 1, "the refresh token rotates: a second call would end the grant"


async def test_a_new_consent_mends_all_brands_of_the_grant(desk: Desk) -> None:
    connected = await desk.consent()
    ids = [await desk.assign(index, connected.grant_id, f"adv-{index + 1}") for index in (0, 1)]
    desk.queued.clear()
    again = await desk.consent()
    assert again.grant_id == connected.grant_id
    assert (again.connection_ids, again.waiting) == ((ids[0],), 1)
    assert sorted(desk.queued) == sorted(ids)
    for index in (0, 1):
        assert (await (await desk.credentials(index, ids[index])).current())[1].access_token == "access-2"


async def test_a_run_under_way_follows_its_connection_to_a_new_grant(desk: Desk) -> None:
    connected = await desk.consent()
    moved = await desk.assign(0, connected.grant_id, "adv-1")
    before = await desk.credentials(0, moved)
    async with UnitOfWork(desk.database, desk.house.on(0)) as uow:
        await detach_connection(uow, moved)
        await uow.commit()
    again = await desk.consent()
    assert again.grant_id != connected.grant_id, "the old grant opens nothing any more"
    assert (await before.current())[1].access_token == "access-2"


async def test_a_consent_for_one_client_leaves_anothers_connections_alone(desk: Desk) -> None:
    theirs = new_id()
    alone = msgspec.structs.replace(desk.house.on(0), tenant_ids=(theirs,), tenant_id=theirs)
    async with UnitOfWork(desk.database, alone) as uow:
        client_id = await add_client(uow, "Another client")
        await add_tenant(uow, desk.vault, brand_values(client_id, "theirs"))
        await uow.commit()
    both = msgspec.structs.replace(desk.house.scope, tenant_ids=(*desk.house.tenant_ids, theirs))
    connected = await desk.consent()
    await desk.assign(0, connected.grant_id, "adv-1")
    desk.agreed.tenant_id = theirs
    other = await desk.connecting.finish(both, Directory, {}, session_hash="s")
    assert other.grant_id != connected.grant_id
    assert await desk.token(desk.house.on(0), connected.grant_id) == "access-1"
