"""Connecting by a typed key: tried at the platform first, sealed in the grant, traded anew, never shown again."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, cast

import httpx2
import pytest
from sqlalchemy import text

from shelftide.core.clock import FakeClock
from shelftide.core.errors import InvalidInputError
from shelftide.core.vault import Vault
from shelftide.ingest.connect import Connecting
from shelftide.ingest.credentials import Consent, StoredCredentials
from shelftide.ingest.forms import key_form
from shelftide.store.database import Database
from shelftide.store.repositories.connections import get_connection
from shelftide.store.unit_of_work import UnitOfWork
from shelftide_sdk import (
    Account,
    ApiKey,
    AuthorizationError,
    ClientCredentials,
    Connector,
    ConnectorInfo,
    Context,
    Health,
    HealthState,
    SettingField,
    key_fields,
)
from shelftide_sdk.auth import App, Auth, Outgoing, TokenSet
from shelftide_sdk.hosts import Routes
from shelftide_sdk.testing.emulator import Emulator, Gateway, Request, Response, Route, reply
from shelftide_sdk.testing.world import World
from tests.conftest import House, MakeHouse

HOST = "keys.example"
KEYS = {"client_id": "seller-17", "client_secret": "the-secret-of-seller-17"}


def sign_pair(request: Outgoing, app: App, token: TokenSet, settings: Mapping[str, str], now: datetime) -> Outgoing:
    """Two keys, each in a header of its own."""
    request.headers |= {f"X-{name}": value for name, value in key_fields(token).items()}
    return request


class Traded(Connector):
    """A pair, traded for tokens."""

    info: ClassVar[ConnectorInfo] = ConnectorInfo(
        name="traded",
        title="Traded",
        platform="traded",
        api_requires=(1, 0),
        hosts=(HOST,),
        settings=(
            SettingField(name="region", title="Region", pattern="[a-z]{2}", example="us"),
            SettingField(name="client_secret", title="The secret", pattern=".{8,}", secret=True),
        ),
    )
    auth: ClassVar[Auth] = ClientCredentials(token_url=f"https://{HOST}/token")

    async def check(self, ctx: Context) -> Health:
        await ctx.client.get(f"https://{HOST}/me")
        return Health(state=HealthState.OK)

    def read(self, ctx: Any, stream: Any, cursor: Any) -> Any:
        raise NotImplementedError

    async def accounts(self, ctx: Context) -> list[Account]:
        seller = (await ctx.client.get(f"https://{HOST}/me")).json()
        return [Account(source_id=seller["id"], name=seller["id"], zone="UTC")]


class Typed(Traded):
    """Two fields that stand on every request."""

    auth: ClassVar[Auth] = ApiKey(fields=("client_id", "client_secret"), sign=sign_pair)


class Platform(Emulator):
    """Knows one pair."""

    platform: ClassVar[str] = "traded"
    hosts: ClassVar[tuple[str, ...]] = (HOST,)

    def __init__(self) -> None:
        super().__init__(World(seed=7, now=datetime(2026, 3, 2, tzinfo=UTC), size="small"))
        self.issued: list[str] = []
        self.alive: set[str] = set()

    def routes(self) -> Sequence[Route]:
        return (Route("POST", "/token", self._token), Route("GET", "/me", self._me))

    def _token(self, request: Request) -> Response:
        wanted = b64encode(":".join(KEYS.values()).encode()).decode()
        if request.headers.get("authorization") != f"Basic {wanted}" or b"client_credentials" not in request.body:
            return reply({"error": "invalid_client"}, 401)
        self.issued.append(f"short-lived-{len(self.issued)}")
        self.alive = {self.issued[-1]}
        return reply({"access_token": self.issued[-1], "expires_in": 900})

    def _me(self, request: Request) -> Response:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        pair = {name: request.headers.get(f"x-{name}") for name in KEYS}
        return reply({"id": "seller-17"}) if token in self.alive or pair == KEYS else reply({}, 401)


class Counter:
    """One brand at which keys are entered."""

    def __init__(self, database: Database, house: House, vault: Vault) -> None:
        self.database, self.house, self.vault = database, house, vault
        self.clock = FakeClock(datetime.now(UTC))
        self.consent = Consent(vault=vault, clock=self.clock, routes=Routes())
        self.queued: list[Any] = []
        self.connecting = Connecting(
            database, vault=vault, consent=self.consent, clock=cast(Any, self.clock), routes=Routes(), queue=self._queue
        )

    async def _queue(self, uow: UnitOfWork, connection_id: Any) -> None:
        self.queued.append(connection_id)

    async def credentials(self, connection_id: Any, connector: type[Connector]) -> StoredCredentials:
        async with UnitOfWork(self.database, self.house.on()) as uow:
            connection = await get_connection(uow, connection_id)
        return StoredCredentials(
            self.database,
            self.house.on(),
            consent=self.consent,
            vault=self.vault,
            connection=connection,
            connector=connector,
        )


@pytest.fixture
async def counter(database: Database, make_house: MakeHouse, vault: Vault) -> Counter:
    return Counter(database, await make_house(1), vault)


@pytest.fixture
def platform(monkeypatch: pytest.MonkeyPatch) -> Platform:
    found = Platform()
    transport = httpx2.ASGITransport(app=cast(Any, Gateway([found])))
    # One is what signs in, the other what reads.
    for place in ("httpx2.AsyncHTTPTransport", "httpx2._client.AsyncHTTPTransport"):
        monkeypatch.setattr(place, lambda *_, **__: transport)
    return found


def test_the_form_shows_the_secret_fields_by_their_titles() -> None:
    shown = [(field.name, field.title, field.secret) for field in key_form(Traded)]
    assert shown == [("client_id", "Client id", True), ("client_secret", "The secret", True)]


@pytest.mark.parametrize("connector", [Traded, Typed])
async def test_keys_connect_the_brand_without_a_registered_app(
    counter: Counter, platform: Platform, connector: type[Connector]
) -> None:
    done = await counter.connecting.enter(counter.house.on(), connector, {"region": "us"}, KEYS)
    assert (len(done.connection_ids), done.waiting) == (1, 0)
    assert counter.queued == list(done.connection_ids)
    credentials = await counter.credentials(done.connection_ids[0], connector)
    _, token = await credentials.current()
    assert token.refresh_token is None
    assert token.access_token in platform.alive or key_fields(token) == KEYS


async def test_no_key_stands_in_a_table_as_it_was_typed(counter: Counter, platform: Platform) -> None:
    await counter.connecting.enter(counter.house.on(), Traded, {"region": "us", **KEYS}, KEYS)
    async with UnitOfWork(counter.database, counter.house.on()) as uow:
        for table in ("connections", "grants", "grant_accounts", "credentials", "audit"):
            rows = (await uow.connection.execute(text(f"select t::text from {table} t"))).scalars().all()
            dump = "\n".join(rows)
            assert KEYS["client_secret"] not in dump
            assert KEYS["client_secret"].encode().hex() not in dump


async def test_a_dead_token_is_traded_anew_with_the_same_keys(counter: Counter, platform: Platform) -> None:
    done = await counter.connecting.enter(counter.house.on(), Traded, {"region": "us"}, KEYS)
    credentials = await counter.credentials(done.connection_ids[0], Traded)
    _, first = await credentials.current()
    platform.alive.clear()
    counter.clock.advance(timedelta(hours=1))
    second = await credentials.refresh(first)
    third = await credentials.refresh(second)
    assert len({first.access_token, second.access_token, third.access_token}) == 3
    assert platform.alive == {third.access_token}


@pytest.mark.parametrize("connector", [Traded, Typed])
async def test_wrong_keys_connect_nothing_and_are_not_repeated(
    counter: Counter, platform: Platform, connector: type[Connector]
) -> None:
    wrong = {**KEYS, "client_secret": "a-wrong-secret-0001"}
    with pytest.raises(InvalidInputError, match="does not take this key") as met:
        await counter.connecting.enter(counter.house.on(), connector, {"region": "us"}, wrong)
    assert "a-wrong-secret" not in repr(met.value.__dict__) + str(met.value)
    async with UnitOfWork(counter.database, counter.house.on()) as uow:
        assert (await uow.connection.execute(text("select count(*) from grants"))).scalar_one() == 0


@pytest.mark.parametrize(
    ("settings", "keys", "words"),
    [
        ({"region": "us"}, {"client_id": "seller-17"}, "The secret is missing"),
        ({"region": "us"}, {**KEYS, "client_secret": "short"}, "The secret is missing or malformed"),
        ({"region": "us"}, {**KEYS, "client_id": "x" * 9000}, "Client id is missing or malformed"),
        ({"region": "USA"}, KEYS, "Region is missing or malformed"),
    ],
)
async def test_a_missing_field_is_named_before_the_platform_is_asked(
    counter: Counter, platform: Platform, settings: dict[str, str], keys: dict[str, str], words: str
) -> None:
    with pytest.raises(InvalidInputError, match=words):
        await counter.connecting.enter(counter.house.on(), Traded, settings, keys)
    assert platform.requests == 0


async def test_keys_that_the_platform_withdrew_ask_to_reconnect(counter: Counter, platform: Platform) -> None:
    done = await counter.connecting.enter(counter.house.on(), Traded, {"region": "us"}, KEYS)
    credentials = await counter.credentials(done.connection_ids[0], Traded)
    _, token = await credentials.current()
    platform.routes = lambda: (Route("POST", "/token", lambda _: reply({"error": "invalid_client"}, 401)),)  # type: ignore[method-assign]  # the platform changes its mind
    platform._compiled = None
    with pytest.raises(AuthorizationError):
        await credentials.refresh(token)
    async with UnitOfWork(counter.database, counter.house.on()) as uow:
        assert (await get_connection(uow, done.connection_ids[0])).state == "reconnect"
