"""A client connects by a link: one use, one browser, one portal; nothing else comes of it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit
from uuid import UUID

import httpx
import httpx2
import msgspec
import pytest
from sqlalchemy import text
from tests.attacks.callbacks import Browser, Params
from tests.attacks.post import Post, open_post
from tests.connectors.fake_world import SHOP
from tests.integration.web.conftest import HASH, portal_of

from shelftide.core.scope import Role
from shelftide.core.vault import Vault
from shelftide.ingest.credentials import RoutedTransport
from shelftide.store.database import Database
from shelftide.store.embedded import Dsns
from shelftide.store.unit_of_work import UnitOfWork
from shelftide_sdk.hosts import Routes
from tests.conftest import MakeHouse, make_person

FORM = {"shop": SHOP}


class Desk(msgspec.Struct, frozen=True, kw_only=True):
    """An owner at the console, and the hosts of two agencies' portals."""

    post: Post
    owner: Browser
    portal: str
    foreign: str

    @property
    def tenant_id(self) -> UUID:
        return self.post.house.tenant_ids[0]

    async def api(self, method: str, path: str, **body: Any) -> httpx.Response:
        headers = {"x-csrf-token": self.owner.csrf}
        return await self.owner.http.request(
            method, f"/api/v1/tenants/{self.tenant_id}/links{path}", json=body or None, headers=headers
        )

    async def link(self) -> tuple[str, str]:
        """Token and id of a fresh link."""
        reply = await self.api("POST", "", connector="shopify")
        assert reply.status_code == 201, reply.text
        url = urlsplit(reply.json()["url"])
        assert url.hostname == self.portal
        return url.path.rsplit("/", 1)[1], reply.json()["link"]["link_id"]

    def client(self, host: str = "") -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self.post.url, timeout=60.0, headers={"host": host or self.portal})

    async def change(self, statement: str) -> None:
        async with UnitOfWork(self.post.services.database, self.post.house.on(0)) as uow:
            await uow.connection.execute(text(statement))
            await uow.commit()

    async def seen(self, path: str, cookie: str = "") -> int:
        """What a browser of its own gets at the portal."""
        async with self.client() as client:
            return (await client.get(path, headers={"cookie": cookie} if cookie else {})).status_code

    async def begin(self, client: httpx.AsyncClient, token: str) -> Params:
        """To the platform, which agrees: what it sends the browser back with."""
        reply = await client.post(f"/connect/link/{token}", data=FORM)
        assert reply.status_code == 204, reply.text
        address = reply.headers["hx-redirect"].replace("/authorize?", "/approve?")
        async with httpx2.AsyncClient(transport=RoutedTransport(Routes())) as platform:
            return parse_qsl(urlsplit((await platform.get(address)).headers["location"]).query)

    async def through_the_console(self, params: Params) -> str:
        """The platform knows the console's address only; where that sends a browser without a session."""
        async with self.client("console.example") as nobody:
            reply = await nobody.get(f"/connect/shopify/callback?{urlencode(params)}")
        assert reply.status_code in (302, 303), reply.text
        target = urlsplit(reply.headers["location"])
        assert target.hostname == self.portal
        return f"{target.path}?{target.query}"

    async def grants(self) -> list[dict[str, Any]]:
        return await self.post.ours("select grant_id, granted_by from grants order by created_at")


@pytest.fixture
async def desk(
    installation: Dsns, database: Database, vault: Vault, make_house: MakeHouse, tmp_path: Path
) -> AsyncIterator[Desk]:
    house, other = await make_house(2), await make_house(1)
    hosts = [await portal_of(database, each) for each in (house, other)]
    email = f"owner-{house.agency_id}@example.com"
    await make_person(database, house, email, Role.OWNER, house.tenant_ids, HASH)
    async with open_post(installation, database, vault, house, tmp_path, now=datetime.now(UTC)) as post:
        owner = await Browser(post.url).sign_in(email)
        yield Desk(post=post, owner=owner, portal=hosts[0], foreign=hosts[1])
        await owner.http.aclose()


async def test_a_client_connects_without_an_account_and_once(desk: Desk) -> None:
    before = await desk.grants()
    token, link_id = await desk.link()
    async with desk.client() as client:
        shown = await client.get(f"/connect/link/{token}")
        assert shown.status_code == 200
        assert "Shopify" in shown.text
        back = await desk.through_the_console(await desk.begin(client, token))
        reply = await client.get(back)
        assert (reply.status_code, reply.headers["location"]) == (303, "/connect/done?connected=1")
        assert "Thank you" in (await client.get(reply.headers["location"])).text
        (fresh,) = [grant for grant in await desk.grants() if grant not in before]
        assert fresh["granted_by"] is not None
        # The same address again, the same callback again, the link again: nothing.
        assert (await client.get(back)).status_code == 404
        assert (await client.get(f"/connect/link/{token}")).status_code == 404
        assert (await client.post(f"/connect/link/{token}", data=FORM)).status_code == 404
    states = {link["link_id"]: link["used_at"] for link in (await desk.api("GET", "")).json()}
    assert states[link_id] is not None


async def test_a_callback_without_the_browser_that_began_connects_nothing(desk: Desk) -> None:
    before = await desk.grants()
    token, _ = await desk.link()
    other_token, other_id = await desk.link()
    async with desk.client() as client, desk.client() as other, desk.client(desk.foreign) as foreign:
        back = await desk.through_the_console(await desk.begin(client, token))
        await desk.begin(other, other_token)
        assert await desk.seen(back) == 404
        assert (await other.get(back)).status_code in (400, 404)
        # The state is used up by whoever tried with a link of their own; begun again, it is the cookie that counts.
        back = await desk.through_the_console(await desk.begin(client, token))
        (cookie,) = [c for c in client.cookies.jar if c.name == "shelftide_connect"]
        forged = f"{other_id}.{str(cookie.value).partition('.')[2]}"
        assert await desk.seen(back, f"shelftide_connect={forged}") in (400, 404)
        assert (await foreign.get(back, headers={"cookie": f"shelftide_connect={cookie.value}"})).status_code == 404
        assert (await foreign.get(f"/connect/link/{token}")).status_code == 404
        assert (
            await client.post(f"/connect/link/{token}", data=FORM, headers={"sec-fetch-site": "cross-site"})
        ).status_code == 403
    assert await desk.grants() == before


async def test_a_refused_consent_leaves_the_link_open(desk: Desk) -> None:
    token, _ = await desk.link()
    async with desk.client() as client:
        params = [*(await desk.begin(client, token)), ("error", "access_denied")]
        assert (await client.get(await desk.through_the_console(params))).status_code == 400
        again = await desk.through_the_console(await desk.begin(client, token))
        assert (await client.get(again)).status_code == 303


async def test_a_link_ends_with_its_time_and_with_the_right_of_who_made_it(desk: Desk) -> None:
    token, _ = await desk.link()
    changes = (
        ("update connect_links set expires_at = now()", "update connect_links set expires_at = now() + '1 hour'"),
        ("update memberships set role = 'analyst'", "update memberships set role = 'owner'"),
        ("update users set active = false", "update users set active = true"),
        ("delete from membership_tenants", ""),
    )
    async with desk.client() as client:
        for change, back in changes:
            assert (await client.get(f"/connect/link/{token}")).status_code == 200
            await desk.change(change)
            assert (await client.get(f"/connect/link/{token}")).status_code == 404, change
            await desk.change(back or "select 1")


async def test_a_revoked_link_opens_nothing(desk: Desk) -> None:
    token, link_id = await desk.link()
    async with desk.client() as client:
        back = await desk.through_the_console(await desk.begin(client, token))
        assert (await desk.api("POST", f"/{link_id}/revoke")).status_code == 204
        assert (await client.get(back)).status_code == 404
        assert (await client.get(f"/connect/link/{token}")).status_code == 404


async def test_a_callback_is_sent_to_verified_portals_only(desk: Desk) -> None:
    async with desk.client("console.example") as nobody:
        for host in ("evil.example", "console.example", f"{desk.portal}.evil.example", f"evil.example#.{desk.portal}"):
            reply = await nobody.get("/connect/shopify/callback", params={"state": f"x.{host}", "code": "c"})
            assert reply.status_code == 401, host
