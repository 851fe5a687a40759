"""Sign-in: no hint about who exists, no endless tries, no life after sign-out or a withdrawn right."""

from litestar import Litestar
from sqlalchemy import text
from tests.integration.web.conftest import Agency, Caller

from shelftide.core.scope import Role
from shelftide.store.database import Database
from shelftide.store.repositories.people import add_domain
from shelftide.store.unit_of_work import SystemUnitOfWork, UnitOfWork
from shelftide.web.auth.sessions import COOKIE


async def test_a_wrong_password_and_an_unknown_address_look_the_same(
    app: Litestar, agencies: tuple[Agency, Agency]
) -> None:
    email = agencies[0].people[Role.OWNER]
    wrong = await Caller(app).sign_in(email, "wrong")
    unknown = await Caller(app).sign_in("nobody@example.com", "wrong")
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.content == unknown.content


async def test_too_many_failures_block_even_the_right_password(app: Litestar, agencies: tuple[Agency, Agency]) -> None:
    email = agencies[0].people[Role.OWNER]
    for _ in range(7):
        await Caller(app).sign_in(email, "wrong")
    assert (await Caller(app).sign_in(email)).status_code == 429


async def test_the_cookie_is_for_this_host_and_hidden_from_scripts(
    app: Litestar, agencies: tuple[Agency, Agency]
) -> None:
    reply = await Caller(app).sign_in(agencies[0].people[Role.OWNER])
    cookie = reply.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "domain" not in cookie


async def test_signing_out_ends_the_session_at_the_server(app: Litestar, agencies: tuple[Agency, Agency]) -> None:
    who = Caller(app)
    await who.sign_in(agencies[0].people[Role.OWNER])
    cookie = who.http.cookies[COOKIE]
    assert (await who.request("DELETE", "/api/v1/session")).status_code == 200
    again = Caller(app)
    again.http.cookies.set(COOKIE, cookie)
    assert (await again.request("GET", "/api/v1/tenants")).status_code == 401


async def test_a_withdrawn_right_is_gone_with_the_next_request(
    app: Litestar, database: Database, agencies: tuple[Agency, Agency]
) -> None:
    ours = agencies[0]
    who = Caller(app)
    await who.sign_in(ours.people[Role.ACCOUNT_MANAGER])
    path = f"/api/v1/tenants/{ours.house.tenant_ids[0]}"
    assert (await who.request("GET", path)).status_code == 200
    async with SystemUnitOfWork(database, reason="test") as uow:
        await uow.connection.execute(
            text("delete from membership_tenants where tenant_id = :t"), {"t": ours.house.tenant_ids[0]}
        )
        await uow.commit()
    assert (await who.request("GET", path)).status_code == 404


async def test_a_person_who_was_switched_off_is_out_at_once(
    app: Litestar, database: Database, agencies: tuple[Agency, Agency]
) -> None:
    ours = agencies[0]
    who = Caller(app)
    await who.sign_in(ours.people[Role.ANALYST])
    async with SystemUnitOfWork(database, reason="test") as uow:
        await uow.connection.execute(
            text("update users set active = false where email = :e"), {"e": ours.people[Role.ANALYST]}
        )
        await uow.commit()
    assert (await who.request("GET", "/api/v1/tenants")).status_code == 401


async def test_a_made_up_cookie_opens_nothing(app: Litestar) -> None:
    who = Caller(app)
    for value in ("", "x", "a" * 5000, "../../etc"):
        who.http.cookies.set(COOKIE, value)
        assert (await who.request("GET", "/api/v1/tenants")).status_code == 401


async def test_sign_in_from_another_site_is_refused(app: Litestar, agencies: tuple[Agency, Agency]) -> None:
    body = {"email": agencies[0].people[Role.OWNER], "password": "x"}
    reply = await Caller(app).http.post("/api/v1/session", json=body, headers={"origin": "https://evil.example"})
    assert reply.status_code == 403


async def portal(database: Database, agency: Agency, host: str) -> str:
    """A verified portal of an agency; returns its address."""
    async with UnitOfWork(database, agency.house.scope) as uow:
        await add_domain(uow, host)
        await uow.commit()
    return f"http://{host}"


async def test_a_portal_signs_in_only_the_people_of_its_agencys_clients(
    app: Litestar, database: Database, agencies: tuple[Agency, Agency]
) -> None:
    ours, theirs = agencies
    address = await portal(database, ours, f"portal-{ours.house.agency_id}.example")
    client = await Caller(app, address).sign_in(ours.people[Role.CLIENT])
    assert (client.status_code, client.json()["role"]) == (201, "client")
    strangers = [*(ours.people[role] for role in Role if role is not Role.CLIENT), theirs.people[Role.CLIENT]]
    wrong = await Caller(app, address).sign_in(ours.people[Role.CLIENT], "wrong")
    for email in strangers:
        who = Caller(app, address)
        reply = await who.sign_in(email)
        assert (reply.status_code, reply.content, dict(reply.headers)) == (401, wrong.content, dict(wrong.headers))
        assert not who.http.cookies


async def test_staff_at_a_portal_counts_as_a_wrong_password(
    app: Litestar, database: Database, agencies: tuple[Agency, Agency]
) -> None:
    address = await portal(database, agencies[0], f"doors-{agencies[0].house.agency_id}.example")
    email = agencies[0].people[Role.OWNER]
    replies = [(await Caller(app, address).sign_in(email)).status_code for _ in range(7)]
    assert replies[0] == 401
    assert replies[-1] == 429
    assert (await Caller(app).sign_in(email)).status_code == 429


async def test_at_a_host_that_is_not_ours_nobody_signs_in(app: Litestar, agencies: tuple[Agency, Agency]) -> None:
    reply = await Caller(app, "http://shop.example").sign_in(agencies[0].people[Role.OWNER])
    assert reply.status_code == 404
    assert "set-cookie" not in reply.headers
