"""Who sees what at which host. A stranger learns nothing, not even that there is something to learn."""

from uuid import uuid4

from tests.integration.pages.conftest import CONSOLE, Visit, csrf_of, sign_in
from tests.web_stage import PASSWORD, Stage


async def test_a_host_that_is_not_ours_shows_nothing_of_anybody(visit: Visit) -> None:
    stranger = visit("shop.example")
    pages = [await stranger.get(path) for path in ("/", "/sign-in", "/console", "/portal", "/theme.css", "/nowhere")]
    assert {page.status_code for page in pages} == {404}
    assert len({page.content for page in pages}) == 1
    assert b"North Pier" not in pages[0].content
    assert b"Shelftide" not in pages[0].content


async def test_a_host_must_match_exactly(visit: Visit, stage: Stage) -> None:
    assert (await visit(f"x{stage.north_host}").get("/sign-in")).status_code == 404
    assert (await visit(f"{stage.north_host}.evil.example").get("/sign-in")).status_code == 404
    assert (await visit(stage.north_host.upper()).get("/sign-in")).status_code == 200


async def test_a_forwarded_host_is_not_believed(visit: Visit, stage: Stage) -> None:
    reply = await visit("shop.example").get("/sign-in", headers={"x-forwarded-host": stage.north_host})
    assert reply.status_code == 404


async def test_each_portal_has_its_agencys_name_and_colours(visit: Visit, stage: Stage) -> None:
    north, ponte = visit(stage.north_host), visit(stage.ponte_host)
    first, second = (await north.get("/sign-in")).text, (await ponte.get("/sign-in")).text
    assert "North Pier" in first
    assert "Ponte Lungo" not in first
    assert "Ponte Lungo" in second
    assert "Accedi" in second  # before anybody signs in, a portal speaks its agency's language
    assert "#0f4c81" in (await north.get("/theme.css")).text
    assert "#0f4c81" not in (await ponte.get("/theme.css")).text


async def test_people_who_are_not_signed_in_are_sent_to_the_form(visit: Visit, stage: Stage) -> None:
    for host, path in (
        (CONSOLE, "/console"),
        (CONSOLE, f"/console/brands/{stage.luxi}"),
        (stage.north_host, "/portal"),
    ):
        reply = await visit(host).get(path)
        assert (reply.status_code, reply.headers["location"]) == (303, "/sign-in")


async def test_another_agencys_brand_is_the_same_as_a_missing_one(visit: Visit, stage: Stage) -> None:
    owner = await sign_in(visit(CONSOLE), "owner@north.example")
    for tail in ("", "/connections"):
        theirs = await owner.get(f"/console/brands/{stage.corrente}{tail}")
        missing = await owner.get(f"/console/brands/{uuid4()}{tail}")
        assert theirs.status_code == missing.status_code == 404
        assert theirs.content == missing.content
        assert theirs.headers == missing.headers
    assert (await owner.get(f"/console/brands/{stage.luxi}")).status_code == 200


async def test_a_client_sees_the_own_brand_and_no_other(visit: Visit, stage: Stage) -> None:
    client = await sign_in(visit(stage.north_host), "client@north.example")
    assert "Luxi" in (await client.get(f"/portal/brands/{stage.luxi}")).text
    replies = [await client.get(f"/portal/brands/{tenant}") for tenant in (stage.quiet, stage.corrente, uuid4())]
    assert {reply.status_code for reply in replies} == {404}
    assert len({reply.content for reply in replies}) == 1


async def test_a_clients_person_finds_no_console_and_is_shown_the_own_portal(visit: Visit, stage: Stage) -> None:
    client = await sign_in(visit(CONSOLE), "client@north.example")
    assert (await client.get("/console")).content == (await client.get("/nowhere")).content
    assert (await client.get("/portal")).status_code == 404
    assert (await client.get("/")).headers["location"] == "/elsewhere"
    page = (await client.get("/elsewhere")).text
    assert f"http://{stage.north_host}:8020/" in page
    assert stage.ponte_host not in page


async def test_a_portal_lets_only_its_agencys_clients_in(visit: Visit, stage: Stage) -> None:
    for email in ("owner@north.example", "client@ponte.example"):
        reply = await visit(stage.north_host).post("/sign-in", data={"email": email, "password": PASSWORD})
        assert reply.status_code == 401
        assert "set-cookie" not in reply.headers


async def test_a_cookie_that_was_carried_to_another_host_opens_nothing(visit: Visit, stage: Stage) -> None:
    owner = await sign_in(visit(CONSOLE), "owner@north.example")
    client = await sign_in(visit(stage.north_host), "client@north.example")
    stolen = {"cookie": f"shelftide_session={client.cookies['shelftide_session']}"}
    staff = {"cookie": f"shelftide_session={owner.cookies['shelftide_session']}"}
    assert (await visit(stage.ponte_host).get(f"/portal/brands/{stage.luxi}", headers=stolen)).status_code == 404
    assert (await visit(stage.north_host).get("/portal", headers=staff)).status_code == 404
    assert (await visit(stage.north_host).get("/console", headers=staff)).status_code == 404


async def test_a_wrong_password_is_told_without_saying_which_part_was_wrong(visit: Visit) -> None:
    known = await visit(CONSOLE).post("/sign-in", data={"email": "owner@north.example", "password": "no"})
    unknown = await visit(CONSOLE).post("/sign-in", data={"email": "nobody@north.example", "password": "no"})
    assert known.status_code == unknown.status_code == 401
    assert known.text.replace("owner@", "nobody@") == unknown.text


async def test_a_form_on_another_site_cannot_sign_anybody_in(visit: Visit) -> None:
    data = {"email": "owner@north.example", "password": PASSWORD}
    for headers in ({"origin": "http://evil.example"}, {"sec-fetch-site": "cross-site"}):
        reply = await visit(CONSOLE).post("/sign-in", data=data, headers=headers)
        assert reply.status_code == 403
        assert "set-cookie" not in reply.headers


async def test_changes_need_the_sessions_csrf_header_and_the_right(visit: Visit, stage: Stage) -> None:
    owner = await sign_in(visit(CONSOLE), "owner@north.example")
    path = f"/console/brands/{stage.luxi}/connections/{stage.luxi_connection}/sync"
    assert (await owner.post(path)).status_code == 403
    assert (await owner.post(path, headers={"x-csrf-token": "guess"})).status_code == 403
    assert (await owner.post(path, headers={"x-csrf-token": await csrf_of(owner)})).status_code == 200
    analyst = await sign_in(visit(CONSOLE), "analyst@north.example")
    assert (await analyst.post(path, headers={"x-csrf-token": await csrf_of(analyst)})).status_code == 403
    assert "hx-post" not in (await analyst.get(f"/console/brands/{stage.luxi}/connections")).text.split("<main")[1]


async def test_every_reply_carries_the_policy_that_forbids_foreign_and_inline_code(visit: Visit, stage: Stage) -> None:
    browser = visit(CONSOLE)
    for path in ("/sign-in", "/nowhere", "/static/app.js", "/theme.css"):
        policy = (await browser.get(path)).headers["content-security-policy"]
        assert "script-src 'self';" in policy
        assert "style-src 'self';" in policy


async def test_pages_are_not_kept_by_caches_but_the_theme_is(visit: Visit, stage: Stage) -> None:
    owner = await sign_in(visit(CONSOLE), "owner@north.example")
    assert (await owner.get("/console")).headers["cache-control"] == "private, no-store"
    assert "max-age=604800" in (await owner.get("/theme.css")).headers["cache-control"]


async def test_signing_out_ends_the_session(visit: Visit) -> None:
    owner = await sign_in(visit(CONSOLE), "owner@north.example")
    cookie = {"cookie": f"shelftide_session={owner.cookies['shelftide_session']}"}
    reply = await owner.post("/sign-out", headers={"x-csrf-token": await csrf_of(owner)})
    assert reply.headers["hx-redirect"] == "/sign-in"
    assert (await visit(CONSOLE).get("/console", headers=cookie)).status_code == 303
