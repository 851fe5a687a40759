"""Imports over the API: as the body or a form's part, with the session's text, within a limit, never elsewhere."""

import gzip
from uuid import uuid4

import httpx
import pytest
from litestar import Litestar
from tests.integration.web.conftest import Agency, Caller

from shelftide.core.scope import Role

SALES = b"day,sku,units,revenue,currency\n2026-01-01,A,3,9.00,EUR\n2026-01-02,A,many,1.00,EUR\n"


async def caller(app: Litestar, agency: Agency, role: Role = Role.OWNER) -> Caller:
    found = Caller(app)
    assert (await found.sign_in(agency.people[role])).status_code == 201
    return found


async def send(who: Caller, path: str, *, query: str = "", headers: dict[str, str] | None = None) -> httpx.Response:
    sent = {"x-csrf-token": who.csrf} if headers is None else headers
    return await who.http.post(path + query, files={"file": ("../sales.csv", SALES)}, headers=sent)


async def test_a_form_and_a_body_are_the_same_file(app: Litestar, agencies: tuple[Agency, Agency]) -> None:
    ours, _ = agencies
    who = await caller(app, ours)
    path = f"/api/v1/tenants/{ours.house.tenant_ids[0]}/imports"
    dry = await send(who, path, query="?dry_run=true")
    assert (dry.status_code, dry.json()["new"], dry.json()["written"]) == (200, 1, 0)
    first = (await send(who, path)).json()
    assert (first["kind"], first["file"], first["written"], first["rejected"]) == ("daily-sales", "sales.csv", 1, 1)
    assert first["problems"] == [{"number": 3, "reason": "units is 'many', not a whole number"}]
    headers = {"x-csrf-token": who.csrf, "content-type": "application/gzip"}
    body = await who.http.post(f"{path}?name=sales.csv", content=gzip.compress(SALES), headers=headers)
    assert (body.json()["written"], body.json()["unchanged"]) == (0, 1)


async def test_only_who_may_import_and_only_from_our_own_page(app: Litestar, agencies: tuple[Agency, Agency]) -> None:
    ours, _ = agencies
    path = f"/api/v1/tenants/{ours.house.tenant_ids[0]}/imports"
    manager = await caller(app, ours, Role.ACCOUNT_MANAGER)
    assert (await send(manager, path)).status_code == 200
    assert (await send(manager, path, headers={})).status_code == 403
    evil = {"x-csrf-token": manager.csrf, "origin": "https://evil.example"}
    assert (await send(manager, path, headers=evil)).status_code == 403
    for role, status in ((Role.ANALYST, 403), (Role.CLIENT, 404)):
        assert (await send(await caller(app, ours, role), path)).status_code == status
    assert (await Caller(app).http.post(path, files={"file": ("a.csv", SALES)})).status_code == 401


async def test_another_brand_is_the_same_as_none(app: Litestar, agencies: tuple[Agency, Agency]) -> None:
    ours, theirs = agencies
    who = await caller(app, ours)
    foreign = await send(who, f"/api/v1/tenants/{theirs.house.tenant_ids[0]}/imports")
    missing = await send(who, f"/api/v1/tenants/{uuid4()}/imports")
    assert foreign.status_code == missing.status_code == 404
    assert foreign.content == missing.content


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("?kind=tea", "no kind of file"),
        ("?map=sku", "column=heading"),
        ("?kind=daily-sales&map=tea=sku", "no column tea"),
        ("?decimal=x", "decimal"),
        ("?zone=Mars/Base&as_of=2026-01-01", "no zone"),
        ("?currency=TEA", "no currency"),
    ],
)
async def test_what_is_said_wrongly_is_named(
    app: Litestar, agencies: tuple[Agency, Agency], query: str, message: str
) -> None:
    ours, _ = agencies
    reply = await send(await caller(app, ours), f"/api/v1/tenants/{ours.house.tenant_ids[0]}/imports", query=query)
    assert reply.status_code == 400
    assert message in reply.json()["title"]


async def test_a_body_beyond_the_limit_is_not_taken(app: Litestar, agencies: tuple[Agency, Agency]) -> None:
    ours, _ = agencies
    who = await caller(app, ours)
    headers = {"x-csrf-token": who.csrf, "content-length": str(257 * 2**20)}
    path = f"/api/v1/tenants/{ours.house.tenant_ids[0]}/imports"
    assert (await who.http.post(path, content=b"day\n", headers=headers)).status_code == 413
