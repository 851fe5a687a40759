"""A connection that must be connected again is told once, by a durable run, where an owner wants it."""

import functools
from datetime import UTC, datetime, timedelta
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, cast

import httpx
import httpx2
import pytest
from litestar import Litestar
from sqlalchemy import text
from tests.integration.web.conftest import Agency, Caller
from tests.integration.web.test_plugins import person, switch

from shelftide.core.scope import Role, Scope
from shelftide.ingest.registry import load_plugins
from shelftide.jobs import all_jobs, notices
from shelftide.jobs.runs import Policy, Runner
from shelftide.jobs.services import Services
from shelftide.store.repositories.connections import save_stream, set_health
from shelftide.store.repositories.runs import Run, enqueue, list_runs
from shelftide.store.unit_of_work import SystemUnitOfWork, UnitOfWork
from shelftide_sdk.http import Patience, PlatformClient
from shelftide_sdk.testing.conformance import small_world
from shelftide_sdk.testing.emulator import Gateway
from tests.conftest import make_connection

PLUGIN = Path(__file__).parents[3] / "plugins" / "slack"
SETTINGS = {"settings": {"address": "https://hooks.slack.com/services/T0001/B0001/abcdefghijklmnop"}}
NOTIFIER = "/api/v1/plugins/notifiers/slack"


@pytest.fixture
async def slack(services: Services, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Slack's server, with the plugin installed and nothing waiting from other tests."""
    monkeypatch.syspath_prepend(str(PLUGIN))
    entries = [*entry_points(group="shelftide"), EntryPoint(name="slack", value="shelftide_slack", group="shelftide")]
    services.registry = load_plugins(entries=entries)
    found: Any = services.registry.notifiers["slack"]
    server = __import__("shelftide_slack.server", fromlist=["SlackServer"]).SlackServer(small_world(7))
    patience = Patience(attempts=1)
    client = functools.partial(
        PlatformClient, transport=httpx2.ASGITransport(app=cast(Any, Gateway([server]))), patience=patience
    )
    monkeypatch.setattr(notices, "PlatformClient", client)
    async with SystemUnitOfWork(services.database, reason="test") as uow:
        await uow.connection.execute(text("delete from runs"))
        await uow.commit()
    assert found.info.title == "Slack"
    return server


async def work(services: Services, queue: str = "outbound") -> None:
    runner = Runner(services, worker="test", policy=Policy(), jobs=all_jobs())
    while await runner.work_one([queue]):
        pass


async def watch(services: Services, scope: Scope) -> None:
    async with UnitOfWork(services.database, scope) as uow:
        arguments = {"tenant_id": str(scope.tenant_id)}
        await enqueue(uow, job="alerts.watch", queue="analytics", arguments=arguments, max_attempts=1)
        await uow.commit()
    await work(services, "analytics")


async def turn(services: Services, scope: Scope, connection_id: Any, state: str) -> None:
    async with UnitOfWork(services.database, scope) as uow:
        await set_health(uow, connection_id, state=state, reason="The token was revoked.", step="Reconnect it.")
        await uow.commit()


async def sent(services: Services, scope: Scope) -> list[Run]:
    async with UnitOfWork(services.database, scope) as uow:
        return [run for run in await list_runs(uow, limit=50) if run.job == "notice.send"]


async def test_a_lost_grant_is_told_once_and_in_the_agency_that_asked(
    app: Litestar, agencies: tuple[Agency, Agency], services: Services, slack: Any
) -> None:
    owner, scope = await person(app, agencies[0]), agencies[0].house.on()
    assert (await owner.request("PUT", NOTIFIER, SETTINGS)).status_code == 409  # the plugin is off
    assert (await switch(owner, enabled=True, name="slack")).status_code == 200
    assert (await owner.request("PUT", NOTIFIER, {"settings": {"address": "https://evil.example"}})).status_code == 400
    assert (await owner.request("PUT", NOTIFIER, SETTINGS)).status_code == 204
    elsewhere = agencies[1].house.on()
    for place in (scope, elsewhere):
        connection_id = await make_connection(services.database, place, account="shop & co")
        for state in ("degraded", "reconnect", "reconnect"):
            await turn(services, place, connection_id, state)
    await work(services)
    (body,) = slack.told
    assert "must be connected again" in body["text"]
    shown = body["blocks"][0]["text"]["text"]
    assert "The token was revoked. Reconnect it." in shown
    assert f"/console/brands/{scope.tenant_id}/connections#c-" in shown
    assert [run.state for run in await sent(services, scope)] == ["done"]
    assert await sent(services, elsewhere) == []


async def test_slack_being_away_delays_a_notice_and_a_connection_that_is_well_again_says_nothing(
    app: Litestar, agencies: tuple[Agency, Agency], services: Services, slack: Any
) -> None:
    owner, scope = await person(app, agencies[0]), agencies[0].house.on()
    await switch(owner, enabled=True, name="slack")
    await owner.request("PUT", NOTIFIER, SETTINGS)
    connection_id = await make_connection(services.database, scope, account="shop-2")
    slack.refusals = [(503, "rollup_error")]
    await turn(services, scope, connection_id, "reconnect")
    await work(services)
    (run,) = await sent(services, scope)
    assert (run.state, run.error_code, slack.told) == ("queued", "transient", [])
    await turn(services, scope, connection_id, "ok")
    async with SystemUnitOfWork(services.database, reason="test") as uow:
        await uow.connection.execute(text("update runs set due_at = now()"))
        await uow.commit()
    await work(services)
    (run,) = await sent(services, scope)
    assert (run.state, run.result, slack.told) == (
        "done",
        {"sent": False, "reason": "The connection is ok by now."},
        [],
    )


async def test_only_an_owner_sets_it_up_and_the_address_is_never_shown(
    app: Litestar, agencies: tuple[Agency, Agency], services: Services, slack: Any
) -> None:
    owner, manager = await person(app, agencies[0]), await person(app, agencies[0], Role.ACCOUNT_MANAGER)
    await switch(owner, enabled=True, name="slack")
    assert (await manager.request("PUT", NOTIFIER, SETTINGS)).status_code == 403
    assert (await owner.request("PUT", NOTIFIER, SETTINGS)).status_code == 204
    reply = await owner.request("GET", "/api/v1/plugins")
    assert "abcdefghijklmnop" not in reply.text
    (plugin,) = [row for row in reply.json() if row["distribution"] == "slack"]
    assert plugin["notifiers"][0]["ready"] is True
    assert (await owner.request("DELETE", NOTIFIER)).status_code == 204
    scope = agencies[0].house.on()
    await turn(services, scope, await make_connection(services.database, scope, account="shop-3"), "reconnect")
    assert await sent(services, scope) == []


async def test_an_owner_sets_it_up_and_removes_it_on_the_page(
    app: Litestar, agencies: tuple[Agency, Agency], services: Services, slack: Any
) -> None:
    owner, manager = await person(app, agencies[0]), await person(app, agencies[0], Role.ACCOUNT_MANAGER)
    page = "/console/plugins/notifiers/slack"

    async def send(who: Caller, path: str, form: dict[str, str]) -> httpx.Response:
        return await who.http.post(path, data=form, headers={"x-csrf-token": who.csrf})

    assert 'name="address"' not in (await owner.request("GET", "/console/plugins")).text, "the plugin is off"
    await switch(owner, enabled=True, name="slack")
    assert 'name="address"' in (await owner.request("GET", "/console/plugins")).text
    assert 'name="address"' not in (await manager.request("GET", "/console/plugins")).text
    assert (await send(manager, page, SETTINGS["settings"])).status_code == 403
    assert (await send(owner, page, {"address": "https://evil.example"})).status_code == 400
    kept = await send(owner, page, SETTINGS["settings"])
    assert kept.status_code == 200
    assert "Saved." in kept.text
    assert "abcdefghijklmnop" not in kept.text
    assert "Saved." not in (await owner.request("GET", "/console/plugins")).text
    scope = agencies[0].house.on()
    await turn(services, scope, await make_connection(services.database, scope, account="shop-4"), "reconnect")
    await work(services)
    assert len(slack.told) == 1
    assert (await send(owner, f"{page}/remove", {})).status_code == 200
    await turn(services, scope, await make_connection(services.database, scope, account="shop-5"), "reconnect")
    assert len(await sent(services, scope)) == 1


async def test_a_late_stream_is_told_once_worked_on_and_ends_by_itself(
    app: Litestar, agencies: tuple[Agency, Agency], services: Services, slack: Any
) -> None:
    owner, analyst = await person(app, agencies[0]), await person(app, agencies[0], Role.ANALYST)
    await switch(owner, enabled=True, name="slack")
    await owner.request("PUT", NOTIFIER, SETTINGS)
    scope = agencies[0].house.on()
    connection_id = await make_connection(services.database, scope, account="late shop")
    await turn(services, scope, connection_id, "ok")

    async def read_at(moment: datetime) -> None:
        async with UnitOfWork(services.database, scope) as uow:
            await save_stream(uow, connection_id, "orders", {"synced_at": moment, "promise_seconds": 3600})
            await uow.commit()

    await read_at(datetime.now(UTC) - timedelta(hours=2))
    await watch(services, scope)
    await watch(services, scope)
    await work(services)
    (body,) = slack.told
    assert "late shop" in body["text"]
    assert "orders is older than promised" in body["text"]
    path = f"/api/v1/tenants/{scope.tenant_id}/alerts"
    (alert,) = (await analyst.request("GET", path)).json()
    assert (alert["kind"], alert["state"]) == ("stream.late", "open")
    word = {"state": "investigating", "note": "Their server is down."}
    assert (await analyst.request("PATCH", f"{path}/{alert['alert_id']}", word)).status_code == 403
    assert (await owner.request("PATCH", f"{path}/{alert['alert_id']}", {"state": "closed"})).status_code == 400
    assert (await owner.request("PATCH", f"{path}/{alert['alert_id']}", word)).json()["note"] == word["note"]
    shown = (await owner.request("GET", "/console/data")).text
    assert "Being looked into" in shown
    assert "Their server is down." in shown
    form = {"state": "explained", "note": "Moved to a new host."}
    page = f"/console/brands/{scope.tenant_id}/alerts/{alert['alert_id']}"
    saved = await owner.http.post(page, data=form, headers={"x-csrf-token": owner.csrf})
    assert (saved.status_code, "Moved to a new host." in saved.text) == (200, True)
    refused = await analyst.http.post(page, data=form, headers={"x-csrf-token": analyst.csrf})
    assert refused.status_code == 403
    await read_at(datetime.now(UTC))
    await watch(services, scope)
    assert (await owner.request("GET", path)).json() == []
    (over,) = (await owner.request("GET", f"{path}?closed=true")).json()
    assert (over["state"], over["note"]) == ("closed", "Moved to a new host.")
    assert len(slack.told) == 1


async def test_an_alert_that_is_over_is_not_told_any_more(
    app: Litestar, agencies: tuple[Agency, Agency], services: Services, slack: Any
) -> None:
    owner, scope = await person(app, agencies[0]), agencies[0].house.on()
    await switch(owner, enabled=True, name="slack")
    await owner.request("PUT", NOTIFIER, SETTINGS)
    connection_id = await make_connection(services.database, scope, account="soon well")
    await turn(services, scope, connection_id, "ok")
    for moment in (datetime.now(UTC) - timedelta(days=3), datetime.now(UTC)):
        async with UnitOfWork(services.database, scope) as uow:
            await save_stream(uow, connection_id, "orders", {"synced_at": moment, "promise_seconds": 3600})
            await uow.commit()
        await watch(services, scope)
    await work(services)
    assert slack.told == []
