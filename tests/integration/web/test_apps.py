"""Registrations at platforms: keys go in and never come out; what the platform allows is what is asked for."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from litestar import Litestar
from tests.integration.web.conftest import Agency, Caller

from shelftide.core.scope import Role, Scope
from shelftide.jobs.services import Services
from shelftide.store.database import Database
from shelftide.store.repositories.apps import get_platform_app
from shelftide.store.unit_of_work import UnitOfWork
from shelftide_shopify.auth import SCOPES

SECRET = "a secret that nobody sees again"
KEYS: dict[str, Any] = {"client_id": "the id", "client_secret": SECRET}


async def caller(app: Litestar, email: str) -> Caller:
    who = Caller(app)
    assert (await who.sign_in(email)).status_code == 201
    return who


async def test_a_secret_goes_in_and_is_shown_nowhere(
    app: Litestar, services: Services, agencies: tuple[Agency, Agency]
) -> None:
    ours, theirs = agencies
    owner = await caller(app, ours.people[Role.OWNER])
    assert (await owner.request("PUT", "/api/v1/apps/shopify", KEYS)).status_code == 204
    kept = {"client_id": "the id", "review": "approved", "account_limit": 7}
    assert (await owner.request("PUT", "/api/v1/apps/shopify", kept)).status_code == 204
    shown = await owner.request("GET", "/api/v1/apps")
    assert shown.json() == [
        {
            "connector": "shopify",
            "client_id": "the id",
            "extra": {},
            "review": "approved",
            "scopes": None,
            "account_limit": 7,
        }
    ]
    page = await owner.request("GET", "/console/apps")
    assert "the id" in page.text
    assert SECRET not in page.text + shown.text
    scope = Scope(agency_id=ours.house.agency_id, tenant_ids=())
    async with UnitOfWork(services.database, scope) as uow:
        assert (await get_platform_app(uow, services.vault, "shopify", "")).client_secret == SECRET
    assert (await (await caller(app, theirs.people[Role.OWNER])).request("GET", "/api/v1/apps")).json() == []
    for role in (Role.ACCOUNT_MANAGER, Role.ANALYST):
        who = await caller(app, ours.people[role])
        assert (await who.request("GET", "/api/v1/apps")).status_code == 403
        assert (await who.request("PUT", "/api/v1/apps/shopify", KEYS)).status_code == 403
        assert (await who.request("GET", "/console/apps")).status_code == 403
    client = await caller(app, ours.people[Role.CLIENT])
    assert (await client.request("GET", "/console/apps")).status_code == 404


@pytest.mark.parametrize(
    ("connector", "body", "status", "says"),
    [
        ("shopify", {"client_id": "x"}, 400, "secret"),
        ("shopify", {"client_id": " ", "client_secret": "x"}, 400, "id"),
        ("shopify", {**KEYS, "review": "perhaps"}, 400, "review"),
        ("shopify", {**KEYS, "account_limit": 0}, 400, "accounts"),
        ("shopify", {**KEYS, "account_limit": "many"}, 400, "accounts"),
        ("shopify", {**KEYS, "scopes": ["read orders"]}, 400, "scopes"),
        ("tiktok-shop", KEYS, 400, "Service id"),
        ("nothing", KEYS, 404, ""),
    ],
)
async def test_a_malformed_registration_says_which_field(
    app: Litestar, agencies: tuple[Agency, Agency], connector: str, body: dict[str, Any], status: int, says: str
) -> None:
    owner = await caller(app, agencies[0].people[Role.OWNER])
    reply = await owner.request("PUT", f"/api/v1/apps/{connector}", body)
    assert reply.status_code == status
    assert says in reply.text
    assert (await owner.request("GET", "/api/v1/apps")).json() == []


async def test_a_consent_asks_for_the_approved_scopes_only(
    app: Litestar, database: Database, agencies: tuple[Agency, Agency]
) -> None:
    owner = await caller(app, agencies[0].people[Role.OWNER])
    path = f"/api/v1/tenants/{agencies[0].house.tenant_ids[0]}/connections"
    begin = {"connector": "shopify", "settings": {"shop": "some-shop.myshopify.com"}}

    async def asked() -> set[str]:
        url = (await owner.request("POST", path, begin)).json()["authorize_url"]
        return set(parse_qs(urlsplit(url).query)["scope"][0].replace(",", " ").split())

    assert (await owner.request("PUT", "/api/v1/apps/shopify", KEYS)).status_code == 204
    assert await asked() == set(SCOPES)
    narrower = {**KEYS, "scopes": [SCOPES[0], "write_everything"]}
    assert (await owner.request("PUT", "/api/v1/apps/shopify", narrower)).status_code == 204
    assert await asked() == {SCOPES[0]}
    assert (await owner.request("DELETE", "/api/v1/apps/shopify")).status_code == 204
    refused = await owner.request("POST", path, begin)
    assert refused.status_code == 409
    assert "Platform apps" in refused.text


async def test_the_page_saves_removes_and_says_what_is_wrong(app: Litestar, agencies: tuple[Agency, Agency]) -> None:
    owner = await caller(app, agencies[0].people[Role.OWNER])
    form = {
        "client_id": "i",
        "client_secret": SECRET,
        "review": "approved",
        "scopes": "read_orders",
        "account_limit": "",
    }

    async def post(path: str, **change: str) -> Any:
        headers = {"x-csrf-token": owner.csrf, "hx-request": "true"}
        return await owner.http.post(f"/console/apps/{path}", data={**form, **change}, headers=headers)

    saved = await post("shopify")
    assert "Saved." in saved.text
    assert "0 accounts" in saved.text
    assert SECRET not in saved.text
    assert (await post("shopify", account_limit="none")).status_code == 400
    assert "No app registered yet" in (await post("shopify/remove")).text
    assert (await post("shopify/remove")).status_code == 404
