"""Attackers on the end of a consent: ways to finish one that is not theirs, not now, not so, or not signed."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from random import Random
from typing import Any, cast
from urllib.parse import parse_qsl, urlencode, urlsplit
from uuid import UUID

import httpx
import httpx2
import msgspec
from tests.attacks.post import Post
from tests.connectors.fake_world import SHOP
from tests.integration.web.conftest import PASSWORD

from shelftide.ingest.credentials import RoutedTransport
from shelftide_sdk.hosts import Routes
from shelftide_shopify.auth import sign_query

Params = list[tuple[str, str]]


class Browser:
    """Somebody signed in (or not) at the served console."""

    def __init__(self, url: str) -> None:
        # The console is served at its own host alone.
        self.http = httpx.AsyncClient(base_url=url, timeout=60.0, headers={"host": "console.example"})
        self.csrf = ""

    async def sign_in(self, email: str) -> "Browser":
        reply = await self.http.post("/api/v1/session", json={"email": email, "password": PASSWORD})
        assert reply.status_code == 201, reply.text
        self.csrf = reply.json()["csrf"]
        # The cookie is for https; the test's server is plain.
        for cookie in self.http.cookies.jar:
            cookie.secure = False
        return self

    async def begin(self, tenant_id: UUID) -> Params:
        """A consent that the platform has agreed to: the parameters that it sends the browser back with."""
        reply = await self.http.post(
            f"/api/v1/tenants/{tenant_id}/connections",
            json={"connector": "shopify", "settings": {"shop": SHOP}},
            headers={"x-csrf-token": self.csrf},
        )
        assert reply.status_code < 300, reply.text
        address = reply.json()["authorize_url"].replace("/authorize?", "/approve?")
        async with httpx2.AsyncClient(transport=RoutedTransport(Routes())) as platform:
            location = (await platform.get(address)).headers["location"]
        return parse_qsl(urlsplit(location).query)

    async def back(self, params: Params, connector: str = "shopify") -> int:
        """The callback's answer; 302 means connected."""
        return (await self.http.get(f"/connect/{connector}/callback?{urlencode(params)}")).status_code


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """Who is there. `owner` begins; the others try to profit."""

    post: Post
    owner: Browser
    again: Browser
    colleague: Browser
    stranger: Browser
    nobody: Browser
    random: Random

    @property
    def tenant_id(self) -> UUID:
        return self.post.house.tenant_ids[0]

    async def begun(self) -> Params:
        return await self.owner.begin(self.tenant_id)


Attack = Callable[[Scene], Awaitable[int]]


def put(params: Params, name: str, value: str) -> Params:
    return [(key, value if key == name else old) for key, old in params]


async def _replayed(scene: Scene) -> int:
    params = await scene.begun()
    await scene.owner.back(put(params, "hmac", "0" * 64))  # uses the state up
    return await scene.owner.back(params)


async def _other_session(scene: Scene) -> int:
    return await scene.again.back(await scene.begun())


async def _colleague(scene: Scene) -> int:
    return await scene.colleague.back(await scene.begun())


async def _stranger(scene: Scene) -> int:
    return await scene.stranger.back(await scene.begun())


async def _nobody(scene: Scene) -> int:
    return await scene.nobody.back(await scene.begun())


async def _other_provider(scene: Scene) -> int:
    return await scene.owner.back(await scene.begun(), scene.random.choice(["tiktok-shop", "instagram", "meta-ads"]))


async def _unknown_provider(scene: Scene) -> int:
    return await scene.owner.back(await scene.begun(), "nobody")


async def _other_redirect(scene: Scene) -> int:
    params, services = await scene.begun(), scene.post.services
    kept = services.settings
    services.settings = msgspec.structs.replace(kept, public_url="https://elsewhere.example")
    try:
        return await scene.owner.back(params)
    finally:
        services.settings = kept


async def _expired(scene: Scene) -> int:
    params, clock = await scene.begun(), cast(Any, scene.post.services.clock)
    kept = clock.at
    clock.advance(timedelta(minutes=10, seconds=scene.random.randint(1, 9000)))
    try:
        fresh = put(params, "timestamp", str(int(clock.at.timestamp())))
        return await scene.owner.back(put(fresh, "hmac", sign_query(scene.post.secret, dict(fresh))))
    finally:
        clock.at = kept


async def _old_timestamp(scene: Scene) -> int:
    params = await scene.begun()
    at = int(dict(params)["timestamp"]) + scene.random.choice([-1, 1]) * scene.random.randint(91, 10**6)
    moved = put(params, "timestamp", str(at))
    return await scene.owner.back(put(moved, "hmac", sign_query(scene.post.secret, dict(moved))))


async def _tampered_hmac(scene: Scene) -> int:
    params = await scene.begun()
    right = dict(params)["hmac"]
    at = scene.random.randrange(64)
    wrong = right[:at] + ("0" if right[at] != "0" else "1") + right[at + 1 :]
    return await scene.owner.back(put(params, "hmac", wrong))


async def _tampered(scene: Scene) -> int:
    params = await scene.begun()
    name = scene.random.choice(["code", "shop", "timestamp", "state", "host"])
    value = {"shop": "evil.myshopify.com", "timestamp": "1"}.get(name, f"x{scene.random.random()}")
    return await scene.owner.back(put(params, name, value) if name in dict(params) else [*params, (name, value)])


async def _other_secret(scene: Scene) -> int:
    params = await scene.begun()
    return await scene.owner.back(put(params, "hmac", sign_query(f"s{scene.random.random()}", dict(params))))


async def _missing(scene: Scene) -> int:
    params = await scene.begun()
    name = scene.random.choice(["state", "hmac", "code", "shop", "timestamp"])
    return await scene.owner.back([(key, value) for key, value in params if key != name])


async def _missing_and_signed(scene: Scene) -> int:
    params = await scene.begun()
    name = scene.random.choice(["state", "code", "shop", "timestamp"])
    kept = {key: value for key, value in params if key not in (name, "hmac")}
    return await scene.owner.back([*kept.items(), ("hmac", sign_query(scene.post.secret, kept))])


async def _polluted(scene: Scene) -> int:
    params = await scene.begun()
    name = scene.random.choice(["state", "hmac", "code", "shop", "timestamp"])
    double = (name, scene.random.choice([dict(params)[name], "other"]))
    return await scene.owner.back(scene.random.choice([[double, *params], [*params, double]]))


async def _code_of_another_consent(scene: Scene) -> int:
    first, second = dict(await scene.begun()), await scene.begun()
    return await scene.owner.back(put(second, "code", first["code"]))


async def _used_code(scene: Scene) -> int:
    """Even signed as if the platform had sent it: a code that was traded before is worthless."""
    params = await scene.begun()
    scene.post.emulator.tokens.spend(dict(params)["code"])
    return await scene.owner.back(params)


async def _refused(scene: Scene) -> int:
    return await scene.owner.back([*(await scene.begun()), ("error", "access_denied")])


async def _guessed_state(scene: Scene) -> int:
    params = put(await scene.begun(), "state", f"{scene.random.getrandbits(256):x}")
    return await scene.owner.back(put(params, "hmac", sign_query(scene.post.secret, dict(params))))


ATTACKS: tuple[Attack, ...] = (
    _replayed, _other_session, _colleague, _stranger, _nobody, _other_provider, _unknown_provider, _other_redirect,
    _expired, _old_timestamp, _tampered_hmac, _tampered, _other_secret, _missing, _missing_and_signed, _polluted,
    _code_of_another_consent, _used_code, _refused, _guessed_state,
)  # fmt: skip
