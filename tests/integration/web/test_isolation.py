"""Every route, every role, every kind of target: generated from the OpenAPI document, so that no route is forgotten."""

import re
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from litestar import Litestar
from litestar.utils.sync import AsyncCallable
from tests.integration.web.conftest import Agency, Caller

from shelftide.core.scope import Role
from shelftide.store.database import Database
from shelftide.store.repositories.alerts import Trouble, raise_alerts
from shelftide.store.repositories.grants import add_grant, assign_account, save_accounts
from shelftide.store.repositories.links import add_link
from shelftide.store.repositories.runs import enqueue
from shelftide.store.repositories.views import save_view
from shelftide.store.unit_of_work import UnitOfWork
from shelftide_sdk import Account
from tests.conftest import House, make_connection

QUERY = {"metrics": "?metrics=orders&since=2026-01-01&until=2026-01-31"}
ASKED = {"metrics": ["orders"], "since": "2026-05-01", "until": "2026-05-31"}
BODIES: dict[str, Any] = {
    "connections": {"connector": "shopify", "settings": {"shop": "some-shop.myshopify.com"}},
    "accounts": {"account_id": "advertiser-1"},
    "links": {"connector": "shopify"},
    "views": {"name": "mine", "view": {"metrics": ["orders"]}},
    "query": ASKED,
    "rows": {"query": ASKED, "measure": "orders"},
    "alerts": {"state": "investigating", "note": "seen"},
    "restatements": {"query": ASKED, "told_at": "2026-05-01T00:00:00Z"},
}


def operations(app: Litestar) -> list[tuple[str, str]]:
    schema = app.openapi_schema.to_schema()
    return [(method.upper(), path) for path, methods in schema["paths"].items() for method in methods]


def tenant_operations(app: Litestar) -> list[tuple[str, str]]:
    return [(method, path) for method, path in operations(app) if "{tenant_id}" in path]


async def things(database: Database, house: House, index: int) -> dict[str, UUID]:
    """A connection, a run and a grant of one brand."""
    scope = house.on(index)
    connection_id = await make_connection(database, scope, account=f"{scope.tenant_id}.example")
    async with UnitOfWork(database, scope) as uow:
        run_id = await enqueue(uow, job="test.work", queue="nobody", arguments={}, max_attempts=1)
        grant_id = await add_grant(uow, client_id=house.client_id, connector="shopify", subject=str(scope.tenant_id))
        await save_accounts(uow, grant_id, [Account(source_id="advertiser-1", name="Secret name")])
        await assign_account(uow, grant_id, "advertiser-1")
        late = Trouble(kind="stream.late", subject="orders", title="Secret stream", text="Late.", evidence={})
        (alert_id,) = await raise_alerts(uow, [late.kind], [late])
        await uow.commit()
    async with UnitOfWork(database, msgspec.structs.replace(scope, subject_id=uuid4())) as uow:
        link = await add_link(uow, connector="shopify", token_hash=str(grant_id), life=timedelta(days=1))
        view_id = await save_view(uow, name="theirs", view={"metrics": ["orders"]}, shared=True)
        await uow.commit()
    return {
        "tenant_id": house.tenant_ids[index],
        "connection_id": connection_id,
        "run_id": run_id,
        "grant_id": grant_id,
        "link_id": link.link_id,
        "view_id": view_id,
        "alert_id": alert_id,
    }


def nothing(tenant_id: UUID) -> dict[str, UUID]:
    return {
        "tenant_id": tenant_id,
        "connection_id": uuid4(),
        "run_id": uuid4(),
        "grant_id": uuid4(),
        "link_id": uuid4(),
        "view_id": uuid4(),
        "alert_id": uuid4(),
    }


def fill(path: str, values: dict[str, UUID]) -> str:
    filled = re.sub(r"\{(\w+)\}", lambda found: str(values[found[1]]), path)
    return filled + QUERY.get(path.rsplit("/", 1)[-1], "")


async def caller(app: Litestar, email: str | None) -> Caller:
    found = Caller(app)
    if email is not None:
        assert (await found.sign_in(email)).status_code == 201
    return found


async def test_no_role_reaches_what_is_not_its_own(
    app: Litestar, database: Database, agencies: tuple[Agency, Agency]
) -> None:
    ours, theirs = agencies
    own = await things(database, ours.house, 0)
    targets = {
        "sibling": await things(database, ours.house, 1),
        "other agency": await things(database, theirs.house, 0),
        "missing": nothing(uuid4()),
        # Own brand in the path, somebody else's thing behind it.
        "smuggled": {**await things(database, theirs.house, 1), "tenant_id": own["tenant_id"]},
        "smuggled sibling": {**await things(database, ours.house, 2), "tenant_id": own["tenant_id"]},
        "missing thing": nothing(own["tenant_id"]),
    }
    routes = tenant_operations(app)
    assert len(routes) >= 11
    probes = leaks = 0
    for role in (Role.ACCOUNT_MANAGER, Role.CLIENT, Role.ANALYST, Role.OWNER, None):
        who = await caller(app, ours.people[role] if role else None)
        for method, path in routes:
            body = BODIES.get(path.rsplit("/", 1)[-1])
            missing = await who.request(method, fill(path, targets["missing"]), body)
            for name, values in targets.items():
                if name == "sibling" and role in (Role.OWNER, Role.ANALYST):
                    continue  # it is theirs to see
                if name.startswith(("smuggled", "missing thing")) and "_id}" not in path.split("{tenant_id}")[1]:
                    continue
                reply = await who.request(method, fill(path, values), body)
                probes += 1
                leaks += reply.status_code < 400
                if role is not None and name != "missing":
                    # Byte for byte the answer to something that does not exist.
                    assert (reply.status_code, reply.content) == (missing.status_code, missing.content), (
                        role,
                        method,
                        path,
                        name,
                    )
                assert str(values.get("connection_id")) not in reply.text
    assert leaks == 0
    assert probes > 150


async def test_every_role_reaches_its_own(app: Litestar, database: Database, agencies: tuple[Agency, Agency]) -> None:
    """The prober above would pass on a server that refuses everything; this one would not."""
    ours, _ = agencies
    own = await things(database, ours.house, 0)
    allowed: dict[Role, int] = {}
    for role in Role:
        who = await caller(app, ours.people[role])
        codes = [(await who.request(m, fill(p, own))).status_code for m, p in tenant_operations(app) if m == "GET"]
        allowed[role] = sum(code == 200 for code in codes)
    reads = [path for method, path in tenant_operations(app) if method == "GET"]
    # Who may not connect does not see who was asked to.
    looks = [path for path in reads if not path.endswith("{tenant_id}/links")]
    assert allowed[Role.OWNER] == allowed[Role.ACCOUNT_MANAGER] == len(reads)
    assert allowed[Role.ANALYST] == len(looks)
    assert 0 < allowed[Role.CLIENT] < len(looks)


async def test_lists_hold_own_brands_only(app: Litestar, agencies: tuple[Agency, Agency]) -> None:
    ours, _ = agencies
    for role, expected in ((Role.OWNER, 3), (Role.ANALYST, 3), (Role.ACCOUNT_MANAGER, 1), (Role.CLIENT, 1)):
        who = await caller(app, ours.people[role])
        found = (await who.request("GET", "/api/v1/tenants")).json()
        assert len(found) == expected
        assert {UUID(brand["tenant_id"]) for brand in found} <= set(ours.house.tenant_ids)


async def test_changing_asks_for_a_right_and_for_our_own_page(
    app: Litestar, database: Database, agencies: tuple[Agency, Agency]
) -> None:
    ours, _ = agencies
    own = await things(database, ours.house, 0)
    path = f"/api/v1/tenants/{own['tenant_id']}/connections/{own['connection_id']}/check"
    analyst = await caller(app, ours.people[Role.ANALYST])
    assert (await analyst.request("POST", path)).status_code == 403
    manager = await caller(app, ours.people[Role.ACCOUNT_MANAGER])
    assert (await manager.http.post(path)).status_code == 403
    foreign = {"x-csrf-token": manager.csrf, "origin": "https://evil.example"}
    assert (await manager.http.post(path, headers=foreign)).status_code == 403
    cross = {"x-csrf-token": manager.csrf, "sec-fetch-site": "cross-site"}
    assert (await manager.http.post(path, headers=cross)).status_code == 403
    assert (await manager.request("POST", path)).status_code == 202


@pytest.mark.parametrize("path", ["/api/v1/tenants/x", "/api/v1/tenants/../../etc", "/api/v1/tenants/%00"])
async def test_a_senseless_id_is_not_found(app: Litestar, agencies: tuple[Agency, Agency], path: str) -> None:
    who = await caller(app, agencies[0].people[Role.OWNER])
    assert (await who.request("GET", path)).status_code in (400, 404)


def test_every_route_has_a_guard(app: Litestar) -> None:
    bare = [
        f"{route.path} {handler.handler_name}"
        for route in app.routes
        for handler in getattr(route, "route_handlers", [getattr(route, "route_handler", None)])
        if handler is not None
        and not handler.resolve_guards()
        and "OPTIONS" not in getattr(handler, "http_methods", ())
    ]
    assert [name for name in bare if not name.startswith("/api/docs")] == []


def test_no_guard_waits_for_a_thread(app: Litestar) -> None:
    """Litestar hands a guard that is not async to a thread; under load that hop costs more than the data."""
    handlers = [handler for route in app.routes for handler in getattr(route, "route_handlers", ())]
    guards = {guard for handler in handlers for guard in handler.resolve_guards()}
    assert len(guards) > 5
    assert [guard for guard in guards if isinstance(guard, AsyncCallable)] == []
