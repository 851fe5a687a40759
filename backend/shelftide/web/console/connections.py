"""Connections of a brand: health, streams, and the steps that mend them."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Controller, Response, get, post
from litestar.params import FromPath

from shelftide.analytics.freshness import Freshness, freshness, is_stale
from shelftide.core.errors import InvalidInputError, NotFoundError
from shelftide.core.scope import Right
from shelftide.ingest.forms import key_form
from shelftide.ingest.plugins import list_plugins
from shelftide.jobs.simulation import queue_sync
from shelftide.jobs.sync_connection import check_connection
from shelftide.store.repositories.agencies import get_tenant, record
from shelftide.store.repositories.connections import (
    Connection,
    StreamState,
    get_connection,
    list_connections,
    list_streams,
)
from shelftide.store.repositories.runs import Run, list_runs
from shelftide.store.unit_of_work import UnitOfWork
from shelftide.web.auth.connecting import (
    ConnectReply,
    ConnectRequest,
    assign_account,
    connect_account,
    connecting,
    grants_of,
)
from shelftide.web.auth.doors import AppServices, requires, scope_of
from shelftide.web.auth.places import console_only
from shelftide.web.pages import AnyRequest, page

_RECENT = 60


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """A connection with its streams and its newest runs."""

    connection: Connection
    streams: list[tuple[StreamState, bool]]
    freshness: Freshness
    runs: list[Run]

    @property
    def busy(self) -> bool:
        """Whether a run waits or works."""
        return any(run.state in ("queued", "running") for run in self.runs)


class ConnectionsController(Controller):
    """Looking needs READ; what changes something asks for more."""

    path = "/console/brands/{tenant_id:uuid}/connections"
    guards = (console_only, requires(Right.READ))
    include_in_schema = False

    @get("/")
    async def connections(self, request: AnyRequest, services: AppServices, tenant_id: FromPath[UUID]) -> Response[str]:
        """All connections; htmx asks for the list alone while runs are under way."""
        part = request.headers.get("hx-target") == "connections"
        return await _show(request, services, tenant_id, part=part)

    @post("/{connection_id:uuid}/sync", status_code=200, guards=[requires(Right.SYNC)])
    async def sync(
        self, request: AnyRequest, services: AppServices, tenant_id: FromPath[UUID], connection_id: FromPath[UUID]
    ) -> Response[str]:
        """Queue a sync, unless one waits or runs already."""
        async with UnitOfWork(services.database, scope_of(request, tenant_id)) as uow:
            await get_connection(uow, connection_id)
            await queue_sync(uow, connection_id)
            await record(uow, "connection.sync", target=str(connection_id))
            await uow.commit()
        return await _show(request, services, tenant_id, part=True)

    @post("/{connection_id:uuid}/check", status_code=200, guards=[requires(Right.SYNC)])
    async def check(
        self, request: AnyRequest, services: AppServices, tenant_id: FromPath[UUID], connection_id: FromPath[UUID]
    ) -> Response[str]:
        """Queue one cheap call that proves the grant."""
        async with UnitOfWork(services.database, scope_of(request, tenant_id)) as uow:
            await get_connection(uow, connection_id)
            await check_connection.enqueue(uow, dedupe=f"check:{connection_id}", connection_id=str(connection_id))
            await record(uow, "connection.check", target=str(connection_id))
            await uow.commit()
        return await _show(request, services, tenant_id, part=True)

    @post("/{connection_id:uuid}/reconnect", status_code=204, guards=[requires(Right.CONNECT)])
    async def reconnect(
        self, request: AnyRequest, services: AppServices, tenant_id: FromPath[UUID], connection_id: FromPath[UUID]
    ) -> Response[None]:
        """On to the platform's consent page, with the settings that the connection has."""
        scope = scope_of(request, tenant_id)
        async with UnitOfWork(services.database, scope) as uow:
            connection = await get_connection(uow, connection_id)
        if key_form(services.registry.connector(connection.connector)):
            return _onwards(ConnectReply(), tenant_id, anchor="#connect")
        asked = ConnectRequest(connector=connection.connector, settings=connection.settings)
        return _onwards(await connect_account(request, services, scope, asked), tenant_id)

    @post("/{connection_id:uuid}/release", status_code=200, guards=[requires(Right.CONNECT)])
    async def release(
        self, request: AnyRequest, services: AppServices, tenant_id: FromPath[UUID], connection_id: FromPath[UUID]
    ) -> Response[str]:
        """Stop reading an account; what was read stays."""
        await connecting(services).release(scope_of(request, tenant_id), connection_id)
        return await _show(request, services, tenant_id, part=True)

    @post("/accounts", status_code=200, guards=[requires(Right.CONNECT)])
    async def assign(self, request: AnyRequest, services: AppServices, tenant_id: FromPath[UUID]) -> Response[str]:
        """Give an account that waits to this brand."""
        form = await request.form()
        grant_id = _uuid(str(form.get("grant_id", "")))
        await assign_account(services, scope_of(request, tenant_id), grant_id, str(form.get("account_id", "")))
        return await _show(request, services, tenant_id, part=True)

    @post("/", status_code=204, guards=[requires(Right.CONNECT)])
    async def connect(self, request: AnyRequest, services: AppServices, tenant_id: FromPath[UUID]) -> Response[None]:
        """On to the consent page, or connected by what was typed. Raises InvalidInputError naming the field."""
        scope = scope_of(request, tenant_id)
        form = {name: str(value) for name, value in (await request.form()).items()}
        name = form.pop("connector", "")
        if not name:
            raise InvalidInputError("Choose a platform.")
        keys = {field.name: form.pop(field.name, "") for field in key_form(services.registry.connector(name))}
        asked = ConnectRequest(connector=name, settings=form, keys=keys)
        return _onwards(await connect_account(request, services, scope, asked), tenant_id)


def _onwards(reply: ConnectReply, tenant_id: UUID, *, anchor: str = "") -> Response[None]:
    target = reply.authorize_url or f"/console/brands/{tenant_id}/connections{anchor}"
    return Response(None, status_code=204, headers={"hx-redirect": target})


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise NotFoundError from error


async def _show(request: AnyRequest, services: AppServices, tenant_id: UUID, *, part: bool) -> Response[str]:
    await services.refresh_clock()
    async with UnitOfWork(services.database, scope_of(request, tenant_id)) as uow:
        tenant = await get_tenant(uow, tenant_id)
        connections, streams = await list_connections(uow), await list_streams(uow)
        runs = await list_runs(uow, limit=_RECENT)
        usable = {
            c.name for plugin in await list_plugins(uow, services.registry) if plugin.enabled for c in plugin.connectors
        }
    scope = scope_of(request, tenant_id)
    may_connect = scope.may(Right.CONNECT)
    now = services.clock.now()
    health = [_health(connection, streams, runs, now) for connection in connections]
    values: dict[str, Any] = {
        "brand": tenant,
        "health": health,
        "busy": any(item.busy for item in health),
        "connectors": sorted(
            (c for name, c in services.registry.connectors.items() if name in usable), key=lambda c: c.info.title
        ),
        "key_forms": {name: key_form(found) for name, found in services.registry.connectors.items()},
        "broken_plugins": [plugin for plugin in services.registry.plugins if plugin.error],
        "waiting": [grant for grant in await grants_of(services, scope) if grant.waiting] if may_connect else [],
        "nav": "brands",
        "tab": "connections",
    }
    template = "console/connection_list.html" if part else "console/connections.html"
    return await page(request, services, template, values, accent=tenant.colour, zone=tenant.zone)


def _health(connection: Connection, streams: list[StreamState], runs: list[Run], now: Any) -> Health:
    mine = [stream for stream in streams if stream.connection_id == connection.connection_id]
    target = str(connection.connection_id)
    return Health(
        connection=connection,
        streams=[(stream, is_stale(stream, now)) for stream in mine],
        freshness=freshness(mine, now),
        runs=[run for run in runs if run.arguments.get("connection_id") == target][:3],
    )
