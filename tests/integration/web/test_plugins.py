"""Plugins of an agency: an outsider's is off until an owner says that its full rights are understood."""

import sys
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import Any, ClassVar

import pytest
from litestar import Litestar
from sqlalchemy import select
from tests.integration.web.conftest import Agency, Caller

from shelftide.core.scope import Role, Scope
from shelftide.ingest.registry import load_plugins
from shelftide.jobs import all_jobs
from shelftide.jobs.runs import Policy, Runner
from shelftide.jobs.services import Services
from shelftide.jobs.sync_connection import sync_connection
from shelftide.store.models import audit
from shelftide.store.repositories.connections import get_connection
from shelftide.store.repositories.grants import add_grant, save_accounts
from shelftide.store.repositories.runs import list_runs
from shelftide.store.unit_of_work import UnitOfWork
from shelftide_sdk import Account, ApiKey, Connector, ConnectorInfo, Context, Health, HealthState, hookimpl
from shelftide_sdk.auth import Auth
from tests.conftest import make_connection

REASON = "The plugin outsider is disabled."


class Outsider(Connector):
    """Somebody else's connector."""

    info: ClassVar[ConnectorInfo] = ConnectorInfo(
        name="bazaar", title="Bazaar", platform="bazaar", api_requires=(1, 0), hosts=("bazaar.example",)
    )
    auth: ClassVar[Auth] = ApiKey()

    async def check(self, ctx: Context) -> Health:
        return Health(state=HealthState.OK)

    def read(self, ctx: Any, stream: Any, cursor: Any) -> Any:
        raise NotImplementedError


@pytest.fixture
def registered(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """The outsider's plugin beside the house's own, and a broken one."""

    @hookimpl
    def register_connectors() -> list[type[Connector]]:
        return [Outsider]

    module: Any = ModuleType("outsider_of_the_test")
    module.register_connectors = register_connectors
    monkeypatch.setitem(sys.modules, module.__name__, module)
    entries = [
        *entry_points(group="shelftide"),
        EntryPoint(name="outsider", value=module.__name__, group="shelftide"),
        EntryPoint(name="torn", value="a_module_that_is_absent", group="shelftide"),
    ]
    services.registry = load_plugins(entries=entries)


async def person(app: Litestar, agency: Agency, role: Role = Role.OWNER) -> Caller:
    found = Caller(app)
    assert (await found.sign_in(agency.people[role])).status_code == 201
    return found


async def switch(who: Caller, *, enabled: bool, full_rights: bool = True, name: str = "outsider") -> Any:
    return await who.request("PUT", f"/api/v1/plugins/{name}", {"enabled": enabled, "full_rights": full_rights})


async def listed(who: Caller) -> dict[str, dict[str, Any]]:
    return {row["distribution"]: row for row in (await who.request("GET", "/api/v1/plugins")).json()}


@pytest.mark.usefixtures("registered")
async def test_an_outsiders_plugin_is_off_and_the_houses_own_are_on(
    app: Litestar, agencies: tuple[Agency, Agency]
) -> None:
    found = await listed(await person(app, agencies[0], Role.ANALYST))
    outsider, house, torn = found["outsider"], found["shelftide-shopify"], found["torn"]
    assert (outsider["enabled"], outsider["full_rights"], outsider["house"]) == (False, True, False)
    assert (house["enabled"], house["full_rights"], house["house"]) == (True, False, True)
    assert outsider["connectors"] == [{"name": "bazaar", "title": "Bazaar", "tier": "bronze", "streams": []}]
    assert (torn["enabled"], torn["state"]) == (False, "broken")
    assert "ModuleNotFoundError" in torn["error"]


@pytest.mark.usefixtures("registered")
async def test_enabling_asks_to_understand_full_rights_and_counts_for_one_agency_alone(
    app: Litestar, agencies: tuple[Agency, Agency], services: Services
) -> None:
    owner, other = await person(app, agencies[0]), await person(app, agencies[1])
    refused = await switch(owner, enabled=True, full_rights=False)
    assert refused.status_code == 400
    assert "full rights of the server" in refused.text
    assert not (await listed(owner))["outsider"]["enabled"]
    assert (await switch(owner, enabled=True)).json()["enabled"] is True
    assert (await listed(owner))["outsider"]["enabled"]
    assert not (await listed(other))["outsider"]["enabled"]
    async with UnitOfWork(services.database, agencies[0].house.scope) as uow:
        rows = (await uow.connection.execute(select(audit.c.action, audit.c.target, audit.c.detail))).all()
    assert ("plugin.enabled", "outsider", {"version": "", "full_rights": True}) in [tuple(row) for row in rows]


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize("role", [Role.ACCOUNT_MANAGER, Role.ANALYST, Role.CLIENT])
async def test_only_an_owner_decides(app: Litestar, agencies: tuple[Agency, Agency], role: Role) -> None:
    who = await person(app, agencies[0], role)
    assert (await switch(who, enabled=True)).status_code == (404 if role is Role.CLIENT else 403)
    assert (await who.request("GET", "/api/v1/plugins")).status_code == (404 if role is Role.CLIENT else 200)
    assert not (await listed(await person(app, agencies[0])))["outsider"]["enabled"]


@pytest.mark.usefixtures("registered")
async def test_what_is_absent_or_broken_cannot_be_enabled(app: Litestar, agencies: tuple[Agency, Agency]) -> None:
    owner = await person(app, agencies[0])
    assert (await switch(owner, enabled=True, name="absent")).status_code == 404
    assert (await switch(owner, enabled=True, name="torn")).status_code == 409


@pytest.mark.usefixtures("registered")
async def test_a_disabled_plugin_connects_nothing(
    app: Litestar, agencies: tuple[Agency, Agency], services: Services
) -> None:
    owner, house = await person(app, agencies[0]), agencies[0].house
    base = f"/api/v1/tenants/{house.tenant_ids[0]}"
    async with UnitOfWork(services.database, house.on()) as uow:
        grant_id = await add_grant(uow, client_id=house.client_id, connector="bazaar", subject="s")
        await save_accounts(uow, grant_id, [Account(source_id="stall-1", name="Stall")])
        await uow.commit()
    asked = [
        (f"{base}/connections", {"connector": "bazaar", "keys": {"api_key": ""}}),
        (f"{base}/grants/{grant_id}/accounts", {"account_id": "stall-1"}),
    ]
    for path, body in asked:
        reply = await owner.request("POST", path, body)
        assert (reply.status_code, reply.json()["code"]) == (409, "plugin_disabled"), reply.text
        assert REASON in reply.text
    assert (await switch(owner, enabled=True)).status_code == 200
    replies = [await owner.request("POST", path, body) for path, body in asked]
    assert [reply.status_code for reply in replies] == [400, 201]  # the empty key is refused, the account is assigned


@pytest.mark.usefixtures("registered")
async def test_runs_of_a_disabled_plugin_pause_and_go_on_when_it_is_enabled(
    app: Litestar, agencies: tuple[Agency, Agency], services: Services
) -> None:
    owner, scope = await person(app, agencies[0]), agencies[0].house.on()
    assert (await switch(owner, enabled=True)).status_code == 200
    connection_id = await make_connection(
        services.database, scope, account="stall-1", connector="bazaar", platform="bazaar"
    )
    released = await make_connection(services.database, scope, account="stall-2", connector="bazaar", platform="bazaar")
    assert (await switch(owner, enabled=False)).status_code == 200
    assert await state(services, scope, connection_id) == ("paused", REASON)
    async with UnitOfWork(services.database, scope) as uow:
        run_id = await sync_connection.enqueue(uow, lane="x", connection_id=str(connection_id))
        await uow.commit()
    await work(services)
    async with UnitOfWork(services.database, scope) as uow:
        (run,) = [run for run in await list_runs(uow, limit=50) if run.run_id == run_id]
    assert (run.state, run.error_code, run.error_message) == ("failed", "plugin_disabled", REASON)
    assert (await switch(owner, enabled=True)).status_code == 200
    assert await state(services, scope, connection_id) == ("ok", "")
    async with UnitOfWork(services.database, scope) as uow:
        waiting = [run for run in await list_runs(uow, limit=50) if run.state == "queued" and run.job == "sync.run"]
    assert {run.arguments["connection_id"] for run in waiting} == {str(connection_id), str(released)}


@pytest.mark.usefixtures("registered")
async def test_a_plugin_that_was_never_enabled_reads_nothing(
    agencies: tuple[Agency, Agency], services: Services
) -> None:
    scope = agencies[1].house.on()
    connection_id = await make_connection(
        services.database, scope, account="stall-9", connector="bazaar", platform="bazaar"
    )
    async with UnitOfWork(services.database, scope) as uow:
        await sync_connection.enqueue(uow, lane="y", connection_id=str(connection_id))
        await uow.commit()
    await work(services)
    assert await state(services, scope, connection_id) == ("paused", REASON)


async def work(services: Services) -> None:
    """Everything that waits, by one worker."""
    runner = Runner(services, worker="test", policy=Policy(), jobs=all_jobs())
    while await runner.work_one(["ingest"]):
        pass


async def state(services: Services, scope: Scope, connection_id: Any) -> tuple[str, str]:
    async with UnitOfWork(services.database, scope) as uow:
        found = await get_connection(uow, connection_id)
    return found.state, found.reason
