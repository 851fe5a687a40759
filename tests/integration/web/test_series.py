"""Daily figures over the API: one statement tells no session, somebody else's brand and no figures apart."""

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import httpx
import pytest
from litestar import Controller, Litestar, Request, get
from sqlalchemy import text
from tests.integration.web.conftest import Agency, Caller

from shelftide.core.scope import Role
from shelftide.jobs.services import Services
from shelftide.store.database import Database
from shelftide.store.reads import Reads
from shelftide.store.repositories.rollup import replace_days
from shelftide.store.unit_of_work import SystemUnitOfWork, UnitOfWork
from shelftide.web.auth.doors import CLAIMS, claims, principal
from shelftide.web.auth.sessions import COOKIE
from shelftide.web.site import build_site
from tests.conftest import make_connection

DAY = date(2026, 5, 4)
ASKED = "metrics?metrics=units&since=2026-05-04&until=2026-05-04"


@pytest.fixture
async def agency(database: Database, agencies: tuple[Agency, Agency]) -> Agency:
    """The first brand sold four units on a day."""
    scope = agencies[0].house.on(0)
    connection_id = await make_connection(database, scope)
    row = {"metric": "units", "day": DAY, "currency": "", "value": Decimal(4), "rows": 1}
    async with UnitOfWork(database, scope) as uow:
        await replace_days(uow, connection_id, {"OrderLine": [DAY]}, [row], [], platform="test")
        await uow.commit()
    return agencies[0]


@pytest.fixture
async def manager(app: Litestar, agency: Agency) -> Caller:
    """Sees the first brand alone."""
    found = Caller(app)
    await found.sign_in(agency.people[Role.ACCOUNT_MANAGER])
    return found


async def ask(who: Caller, tenant_id: UUID, asked: str = ASKED) -> httpx.Response:
    return await who.request("GET", f"/api/v1/tenants/{tenant_id}/{asked}")


async def change(database: Database, statement: str, value: object) -> None:
    async with SystemUnitOfWork(database, reason="test") as uow:
        assert (await uow.connection.execute(text(statement), {"value": value})).rowcount >= 1
        await uow.commit()


async def test_figures_no_figures_and_somebody_elses(
    manager: Caller, agency: Agency, agencies: tuple[Agency, Agency]
) -> None:
    own, sibling, *_ = agency.house.tenant_ids
    (series,) = (await ask(manager, own)).json()
    assert series == {
        "metric": "units", "unit": "pieces", "platform": "test", "currency": "",
        "values": [{"day": "2026-05-04", "value": "4.000000"}],
    }  # fmt: skip
    empty = await ask(manager, own, ASKED.replace("2026", "2025"))
    assert (empty.status_code, empty.json()) == (200, [])
    refused = [await ask(manager, brand) for brand in (sibling, agencies[1].house.tenant_ids[0], UUID(int=1))]
    assert {(reply.status_code, reply.content) for reply in refused} == {(404, refused[0].content)}


EXPIRED = "update sessions s set expires_at = now() from users u where u.user_id = s.user_id and u.email = :value"
SWITCHED_OFF = "update users set active = false where email = :value"
WITHDRAWN = "delete from membership_tenants m using users u where u.user_id = m.user_id and u.email = :value"


@pytest.mark.parametrize(("statement", "status"), [(EXPIRED, 401), (SWITCHED_OFF, 401), (WITHDRAWN, 404)])
async def test_what_is_withdrawn_is_gone_with_the_next_request(
    manager: Caller, agency: Agency, database: Database, statement: str, status: int
) -> None:
    assert (await ask(manager, agency.house.tenant_ids[0])).status_code == 200
    await change(database, statement, agency.people[Role.ACCOUNT_MANAGER])
    assert (await ask(manager, agency.house.tenant_ids[0])).status_code == status


async def test_without_a_live_session_nothing_is_said(manager: Caller, app: Litestar, agency: Agency) -> None:
    replies = []
    for cookie in (None, "", "x", "a" * 5000, manager.http.cookies[COOKIE][:-1], manager.http.cookies[COOKIE] + "a"):
        who = Caller(app)
        if cookie is not None:
            who.http.cookies.set(COOKIE, cookie)
        replies += [await ask(who, brand) for brand in (agency.house.tenant_ids[0], UUID(int=1))]
    replies.append(await ask(Caller(app), agency.house.tenant_ids[0], "metrics"))  # not even what is wrong with it
    assert {(reply.status_code, reply.content) for reply in replies} == {(401, replies[0].content)}


async def test_the_session_is_looked_up_by_the_read_alone(
    manager: Caller, agency: Agency, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(reads: Reads, session_hash: bytes) -> None:
        raise AssertionError("looked up twice")

    monkeypatch.setattr(Reads, "person", never)
    assert (await ask(manager, agency.house.tenant_ids[0])).status_code == 200


async def test_a_route_that_forgets_its_claim_knows_nobody(services: Services, agency: Agency) -> None:
    class Forgetful(Controller):
        path = "/forgetful"
        guards = (claims,)
        opt = {CLAIMS: True}  # noqa: RUF012  # Litestar's own attribute

        @get("/")
        async def read(self, request: Request[Any, Any, Any]) -> str:
            return principal(request).name

    site = build_site(settings=services.settings, pages=[Forgetful])
    site.state.services = services
    who = Caller(site)
    await who.sign_in(agency.people[Role.OWNER])
    assert (await who.request("GET", "/api/v1/session")).status_code == 200
    assert (await who.request("GET", "/forgetful")).status_code == 401


async def test_every_answer_carries_the_security_headers(manager: Caller, app: Litestar, agency: Agency) -> None:
    own = agency.house.tenant_ids[0]
    replies = [await ask(manager, own), await ask(manager, UUID(int=1)), await ask(Caller(app), own)]
    replies += [await ask(manager, own, "metrics"), await manager.http.get("/health"), await manager.http.get("/none")]
    assert [reply.status_code for reply in replies] == [200, 404, 401, 400, 200, 404]
    for reply in replies:
        assert "default-src 'none'" in reply.headers["content-security-policy"]
        assert reply.headers.get_list("x-content-type-options") == ["nosniff"]
        assert reply.headers.get_list("x-frame-options") == ["DENY"]
        assert reply.headers.get_list("referrer-policy") == ["same-origin"]
        assert "camera=()" in reply.headers["permissions-policy"]
