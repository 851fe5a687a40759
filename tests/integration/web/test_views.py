"""Kept questions: one's own, a brand's, the agency's; nobody reads or drops another's."""

from typing import Any

from litestar import Litestar
from tests.integration.web.conftest import CONSOLE, Agency, Caller, portal_of

from shelftide.core.scope import Role
from shelftide.store.database import Database

VIEW = {"metrics": ["revenue", "orders"], "dimensions": ["platform"], "days": 7, "grain": "day"}


async def person(app: Litestar, agency: Agency, role: Role, address: str = CONSOLE) -> Caller:
    who = Caller(app, address)
    assert (await who.sign_in(agency.people[role])).status_code == 201
    return who


async def keep(who: Caller, tenant_id: object, name: str, audience: str = "mine", **view: Any) -> Any:
    body = {"name": name, "audience": audience, "view": {**VIEW, **view}}
    return await who.request("POST", f"/api/v1/tenants/{tenant_id}/views", body)


async def names(who: Caller, tenant_id: object) -> list[tuple[str, str, bool]]:
    reply = await who.request("GET", f"/api/v1/tenants/{tenant_id}/views")
    return [(each["name"], each["audience"], each["mine"]) for each in reply.json()]


async def test_a_view_is_seen_by_whom_it_is_kept_for(
    app: Litestar, database: Database, agencies: tuple[Agency, Agency]
) -> None:
    ours, theirs = agencies
    brand, sibling = ours.house.tenant_ids[:2]
    owner = await person(app, ours, Role.OWNER)
    analyst = await person(app, ours, Role.ANALYST)
    stranger = await person(app, theirs, Role.OWNER)
    for audience in ("mine", "brand", "agency"):
        assert (await keep(owner, brand, f"  for   {audience}", audience)).status_code == 201
    assert await names(owner, brand) == [
        ("for brand", "brand", True),
        ("for mine", "mine", True),
        ("for agency", "agency", True),
    ]
    assert await names(analyst, brand) == [("for brand", "brand", False), ("for agency", "agency", True)]
    assert await names(owner, sibling) == [("for agency", "agency", True)]
    assert await names(stranger, theirs.house.tenant_ids[0]) == []
    for address in (CONSOLE, f"http://{await portal_of(database, ours.house)}"):
        client = await person(app, ours, Role.CLIENT, address)
        assert (await keep(client, brand, "a template", "agency")).status_code == 404
        assert (await client.request("GET", f"/api/v1/tenants/{brand}/views")).status_code == 404


async def test_a_name_is_replaced_and_only_ones_own_is_dropped(
    app: Litestar, database: Database, agencies: tuple[Agency, Agency]
) -> None:
    ours, theirs = agencies
    brand = ours.house.tenant_ids[0]
    owner, analyst = await person(app, ours, Role.OWNER), await person(app, ours, Role.ANALYST)
    stranger = await person(app, theirs, Role.OWNER)
    first = (await keep(owner, brand, "weekly", "brand")).json()
    again = (await keep(owner, brand, "weekly", "brand", days=90)).json()
    assert (again["view_id"], again["view"]["days"]) == (first["view_id"], 90)
    beside = (await keep(analyst, brand, "weekly", "brand")).json()
    template = (await keep(owner, brand, "for all", "agency")).json()
    for who, kept in ((analyst, first), (stranger, first), (stranger, template)):
        gone = await who.request("DELETE", f"/api/v1/tenants/{brand}/views/{kept['view_id']}")
        assert gone.status_code == 404
    foreign = await stranger.request(
        "DELETE", f"/api/v1/tenants/{theirs.house.tenant_ids[0]}/views/{template['view_id']}"
    )
    assert foreign.status_code == 404
    for who, kept in ((analyst, beside), (owner, first), (analyst, template)):
        done = await who.request("DELETE", f"/api/v1/tenants/{brand}/views/{kept['view_id']}")
        assert done.status_code == 204
    assert await names(owner, brand) == []


async def test_a_view_that_cannot_be_asked_is_not_kept(app: Litestar, agencies: tuple[Agency, Agency]) -> None:
    brand = agencies[0].house.tenant_ids[0]
    who = await person(app, agencies[0], Role.ANALYST)
    wrongs: tuple[dict[str, Any], ...] = (
        {"metrics": ["no such metric"]},
        {"metrics": []},
        {"metrics": ["customers"], "dimensions": ["sku"]},
        {"days": 0},
        {"since": "2026-05-01"},
        {"grain": "fortnight"},
        {"sql": "select 1"},
    )
    for wrong in wrongs:
        assert (await keep(who, brand, "wrong", **wrong)).status_code == 400, wrong
    assert (await keep(who, brand, "   ")).status_code == 400
    assert (await keep(who, brand, "x" * 101)).status_code == 400
    assert await names(who, brand) == []
