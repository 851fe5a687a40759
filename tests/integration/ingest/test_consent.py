"""A consent belongs to one session, person, brand and connector, is used once, and ends with a verified code."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit

import httpx2
import msgspec
import pytest
from sqlalchemy import text
from tests.connectors.fake_world import SHOP, FakeWorld

from shelftide.core.clock import FakeClock
from shelftide.core.errors import InvalidInputError
from shelftide.core.scope import Scope
from shelftide.core.vault import Vault
from shelftide.ingest.credentials import Consent, RoutedTransport
from shelftide.ingest.forms import check_settings
from shelftide.store.database import Database
from shelftide.store.ids import new_id
from shelftide.store.repositories.agencies import OAuthState
from shelftide.store.repositories.apps import get_platform_app, set_platform_app
from shelftide.store.unit_of_work import UnitOfWork
from shelftide_sdk import AuthorizationError, Connector, OAuth2, RateLimitedError, TransientError
from shelftide_sdk.auth import App, TokenSet
from shelftide_sdk.hosts import Routes
from shelftide_sdk.testing.emulator import Emulator, Gateway, Request, Response, reply
from shelftide_shopify.connector import Shopify
from shelftide_shopify.emulator import ShopifyEmulator
from shelftide_tiktok.organic import TikTokOrganic
from tests.conftest import House, MakeHouse

BACK = "https://console.example/connect/shopify/callback"
SESSION = "session-hash-one"


class Desk:
    """One person who connects one brand."""

    def __init__(self, database: Database, house: House, vault: Vault) -> None:
        self.database = database
        self.house = house
        self.vault = vault
        self.clock = FakeClock(datetime.now(UTC))  # the database forgets old states by its own clock
        self.consent = Consent(vault=vault, clock=self.clock, routes=Routes())
        self.scope = msgspec.structs.replace(house.on(), subject_id=new_id())

    async def begin(self, connector: type[Connector] = Shopify) -> dict[str, str]:
        async with UnitOfWork(self.database, self.scope) as uow:
            url = await self.consent.begin(
                uow, connector, settings={"shop": SHOP}, session_hash=SESSION, redirect_uri=BACK
            )
            await uow.commit()
        return dict(parse_qsl(urlsplit(url).query)) | {"_url": url}

    async def accept(
        self,
        params: Mapping[str, str],
        *,
        session: str = SESSION,
        scope: Scope | None = None,
        connector: type[Connector] = Shopify,
    ) -> OAuthState:
        async with UnitOfWork(self.database, scope or self.scope) as uow:
            state = await self.consent.accept(uow, connector, params, session_hash=session)
            await uow.commit()
        return state

    async def app(self) -> App:
        async with UnitOfWork(self.database, self.scope) as uow:
            return await get_platform_app(uow, self.vault, "shopify", BACK)


@pytest.fixture
async def desk(database: Database, make_house: MakeHouse, vault: Vault) -> Desk:
    found = Desk(database, await make_house(1), vault)
    async with UnitOfWork(database, found.scope) as uow:
        for name in ("shopify", "tiktok-organic"):
            app = App(client_id="shelftide-demo", client_secret="shopify-demo-secret", redirect_uri="")
            await set_platform_app(uow, vault, name, app)
        await uow.commit()
    return found


def over(emulator: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    transport = httpx2.ASGITransport(app=cast(Any, Gateway([emulator])))
    monkeypatch.setattr(httpx2, "AsyncHTTPTransport", lambda *_, **__: transport)


async def agreed(asked: Mapping[str, str]) -> dict[str, str]:
    """The callback's parameters, from the emulator's consent page."""
    async with httpx2.AsyncClient(transport=RoutedTransport(Routes())) as http:
        address = asked["_url"].replace("/authorize?", "/approve?")
        location = (await http.get(address)).headers["location"]
    assert location.startswith(BACK)
    return dict(parse_qsl(urlsplit(location).query))


async def test_a_consent_comes_back_to_the_brand_that_began_it_and_is_used_once(desk: Desk) -> None:
    asked = await desk.begin()
    state = await desk.accept(asked)
    assert (state.tenant_id, state.settings, state.redirect_uri) == (desk.house.tenant_ids[0], {"shop": SHOP}, BACK)
    with pytest.raises(InvalidInputError, match="unknown, used or too old"):
        await desk.accept(asked)


async def test_the_table_holds_no_state_that_could_be_replayed(desk: Desk) -> None:
    asked = await desk.begin()
    async with UnitOfWork(desk.database, desk.scope) as uow:
        rows = (await uow.connection.execute(text("select * from oauth_states"))).mappings().all()
    assert rows
    assert asked["state"] not in repr([dict(row) for row in rows])


async def test_another_session_cannot_finish_it(desk: Desk) -> None:
    with pytest.raises(InvalidInputError):
        await desk.accept(await desk.begin(), session="session-hash-two")


async def test_another_person_of_the_agency_cannot_finish_it(desk: Desk) -> None:
    other = msgspec.structs.replace(desk.scope, subject_id=new_id())
    with pytest.raises(InvalidInputError):
        await desk.accept(await desk.begin(), scope=other)


async def test_another_agency_cannot_finish_it_and_does_not_use_it_up(desk: Desk, make_house: MakeHouse) -> None:
    asked = await desk.begin()
    theirs = msgspec.structs.replace((await make_house(1)).on(), subject_id=desk.scope.subject_id)
    with pytest.raises(InvalidInputError):
        await desk.accept(asked, scope=theirs)
    assert (await desk.accept(asked)).tenant_id == desk.house.tenant_ids[0]


async def test_another_connectors_callback_cannot_finish_it(desk: Desk) -> None:
    with pytest.raises(InvalidInputError):
        await desk.accept(await desk.begin(), connector=TikTokOrganic)


async def test_it_ends_after_ten_minutes(desk: Desk) -> None:
    early, late = await desk.begin(), await desk.begin()
    desk.clock.advance(timedelta(minutes=10))
    await desk.accept(early)
    desk.clock.advance(timedelta(seconds=1))
    with pytest.raises(InvalidInputError):
        await desk.accept(late)


@pytest.mark.parametrize("params", [{}, {"state": ""}, {"state": "guess"}])
async def test_a_callback_without_a_known_state_is_refused(desk: Desk, params: dict[str, str]) -> None:
    await desk.begin()
    with pytest.raises(InvalidInputError):
        await desk.accept(params)


async def test_a_refusal_at_the_platform_is_told_as_one(desk: Desk) -> None:
    asked = await desk.begin()
    with pytest.raises(InvalidInputError, match="refused at the platform"):
        await desk.accept({"state": asked["state"], "error": "access_denied"})


@pytest.mark.parametrize("shop", ["", "shop.example.com", "evil.example/x.myshopify.com", f"{SHOP}\n.evil.example"])
async def test_a_malformed_setting_is_refused_before_anybody_is_sent_anywhere(shop: str) -> None:
    with pytest.raises(InvalidInputError, match="malformed"):
        check_settings(Shopify, {"shop": shop})


async def test_settings_that_nobody_asked_for_are_dropped() -> None:
    assert check_settings(Shopify, {"shop": f" {SHOP} ", "cipher": "x"}) == {"shop": SHOP}


async def test_a_verified_callback_becomes_a_token_that_opens_the_shop(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator = ShopifyEmulator(FakeWorld(), clock=desk.clock.now)
    over(emulator, monkeypatch)
    params = await agreed(await desk.begin())
    state = await desk.accept(params)
    token = await desk.consent.exchange(Shopify, await desk.app(), state, params)
    assert emulator.tokens.grant(SHOP, token.access_token) is not None
    assert token.refresh_token


@pytest.mark.parametrize("forged", [{"hmac": "0" * 64}, {"shop": "other.myshopify.com"}, {"code": "stolen"}])
async def test_a_forged_callback_is_refused(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, forged: dict[str, str]
) -> None:
    over(ShopifyEmulator(FakeWorld(), clock=desk.clock.now), monkeypatch)
    params = await agreed(await desk.begin())
    state = await desk.accept(params)
    with pytest.raises(AuthorizationError):
        await desk.consent.exchange(Shopify, await desk.app(), state, {**params, **forged})


class Plain(Connector):
    """OAuth as the book has it, with PKCE."""

    info = msgspec.structs.replace(Shopify.info, name="shopify", settings=(), hosts=("id.example",))
    auth = OAuth2(authorize_url="https://id.example/authorize", token_url="https://id.example/token", pkce=True)

    async def check(self, ctx: Any) -> Any:
        raise NotImplementedError

    def read(self, ctx: Any, stream: Any, cursor: Any) -> Any:
        raise NotImplementedError


class Desked(Emulator):
    """A token endpoint that answers what it is told to, and keeps what it was asked."""

    platform = "id"
    hosts = ("id.example",)

    def __init__(self, *answers: Response) -> None:
        super().__init__(FakeWorld())
        self.answers = list(answers)
        self.asked: list[dict[str, str]] = []

    async def handle(self, request: Request) -> Response:
        self.asked.append(dict(parse_qsl(request.body.decode())))
        return self.answers.pop(0)


GOOD = reply({"access_token": "new-access", "expires_in": 3600})


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    found: list[float] = []
    real = asyncio.sleep

    async def note(seconds: float, result: Any = None) -> Any:
        found.append(seconds)
        return await real(0, result)

    monkeypatch.setattr(asyncio, "sleep", note)
    return found


async def test_the_code_is_traded_with_the_verifier_of_the_challenge(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = Desked(GOOD)
    over(endpoint, monkeypatch)
    asked = await desk.begin(Plain)
    state = await desk.accept({"state": asked["state"]}, connector=Plain)
    await desk.consent.exchange(Plain, await desk.app(), state, {"code": "c-1"})
    (sent,) = endpoint.asked
    assert (sent["grant_type"], sent["code"], sent["redirect_uri"]) == ("authorization_code", "c-1", BACK)
    assert sent["code_verifier"] == state.verifier
    assert asked["code_challenge_method"] == "S256"
    assert asked["code_challenge"] not in ("", state.verifier)


async def test_a_callback_without_a_code_asks_nobody(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint = Desked()
    over(endpoint, monkeypatch)
    asked = await desk.begin(Plain)
    state = await desk.accept({"state": asked["state"]}, connector=Plain)
    with pytest.raises(InvalidInputError, match="no code"):
        await desk.consent.exchange(Plain, await desk.app(), state, {})
    assert endpoint.asked == []


async def renew(desk: Desk, *answers: Response, monkeypatch: pytest.MonkeyPatch) -> tuple[TokenSet, Desked]:
    endpoint = Desked(*answers)
    over(endpoint, monkeypatch)
    return await desk.consent.renew(Plain, await desk.app(), {}, "old-refresh"), endpoint


async def test_a_reply_without_a_refresh_token_keeps_the_old_one(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    token, _ = await renew(desk, GOOD, monkeypatch=monkeypatch)
    assert (token.access_token, token.refresh_token) == ("new-access", "old-refresh")


async def test_a_token_endpoint_that_asks_to_wait_is_waited_for_but_not_for_ever(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, waits: list[float]
) -> None:
    busy = [Response(status=429, headers=(("retry-after", seconds),)) for seconds in ("3", "600")]
    token, endpoint = await renew(desk, *busy, GOOD, monkeypatch=monkeypatch)
    assert (token.access_token, len(endpoint.asked)) == ("new-access", 3)
    assert [wait for wait in waits if wait] == [3.0, 10.0]
    with pytest.raises(RateLimitedError):
        await renew(desk, *(Response(status=429) for _ in range(9)), monkeypatch=monkeypatch)


async def test_a_rotation_whose_answer_may_be_lost_is_not_repeated(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, waits: list[float]
) -> None:
    endpoint = Desked(Response(status=503), GOOD)
    over(endpoint, monkeypatch)
    with pytest.raises(TransientError):
        await desk.consent.renew(Plain, await desk.app(), {}, "old-refresh")
    assert len(endpoint.asked) == 1


async def test_a_refused_refresh_is_told_as_the_end_of_the_grant(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AuthorizationError, match="refused"):
        await renew(desk, reply({"error": "invalid_grant"}, 400), monkeypatch=monkeypatch)
