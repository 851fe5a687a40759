"""`/api/v1/tenants`: brands, their connections, runs and figures. Reads for all who may see the brand."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller, Request, get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from shelftide.analytics.cover import SkuCover, covers
from shelftide.analytics.figures import Feed
from shelftide.analytics.shelf import read_shelf
from shelftide.core.errors import NotFoundError
from shelftide.core.scope import Right
from shelftide.jobs.sync_connection import check_connection, sync_connection
from shelftide.store.repositories.agencies import Tenant, get_tenant, list_tenants, record
from shelftide.store.repositories.connections import (
    Connection,
    QuarantinedRow,
    StreamState,
    get_connection,
    list_connections,
    list_quarantine,
    list_streams,
)
from shelftide.store.repositories.runs import Run, get_run, list_runs
from shelftide.store.unit_of_work import UnitOfWork
from shelftide.web.auth.connecting import ConnectReply, ConnectRequest, connect_account
from shelftide.web.auth.doors import AppServices, principal, requires, requires_any, scope_of

AnyRequest = Request[Any, Any, Any]
PathId = FromPath[UUID]
Limit = Annotated[int, QueryParameter(ge=1, le=200, description="How many at most.")]


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """A page of runs; `next` is the cursor of the next one."""

    items: list[Run]
    next: UUID | None


class ConnectionHealth(msgspec.Struct, frozen=True, kw_only=True):
    """A connection with the state of each of its streams."""

    connection: Connection
    streams: list[StreamState]


class RunReply(msgspec.Struct, frozen=True, kw_only=True):
    """A run that was queued."""

    run_id: UUID


class TenantController(Controller):
    """What staff and clients' people read."""

    path = "/api/v1/tenants"
    guards = (requires_any(Right.READ),)
    tags = ("tenants",)

    @get("/", summary="Brands that you may see")
    async def list_tenants(self, request: AnyRequest, services: AppServices) -> list[Tenant]:
        """All brands in scope, by name."""
        async with UnitOfWork(services.database, principal(request).scope) as uow:
            return await list_tenants(uow)

    @get("/{tenant_id:uuid}", summary="One brand")
    async def get_tenant(self, request: AnyRequest, services: AppServices, tenant_id: PathId) -> Tenant:
        """One brand in scope."""
        async with UnitOfWork(services.database, scope_of(request, tenant_id)) as uow:
            return await get_tenant(uow, tenant_id)

    @get("/{tenant_id:uuid}/cover", summary="Days of cover per SKU (baseline)")
    async def cover(self, request: AnyRequest, services: AppServices, tenant_id: PathId) -> list[SkuCover]:
        """The classic reorder rule on 56 days of sales; the shortest cover first."""
        await services.refresh_clock()
        async with UnitOfWork(services.database, scope_of(request, tenant_id)) as uow:
            tenant = await get_tenant(uow, tenant_id)
            return await covers(uow, zone=tenant.zone, now=services.clock.now())

    @get("/{tenant_id:uuid}/feeds", summary="Lists of SKUs: size and age")
    async def feeds(self, request: AnyRequest, services: AppServices, tenant_id: PathId) -> list[Feed]:
        """Each list of SKUs that the brand has; one without SKUs or time says so."""
        await services.refresh_clock()
        async with UnitOfWork(services.database, scope_of(request, tenant_id)) as uow:
            return [await read_shelf(uow, services.clock.now())]


class OperationsController(Controller):
    """What staff do: connect, check, sync, look at runs and rejects. Changes ask for more than the class does."""

    path = "/api/v1/tenants/{tenant_id:uuid}"
    guards = (requires(Right.READ),)
    tags = ("operations",)

    @get("/connections", summary="Connections of a brand")
    async def connections(self, request: AnyRequest, services: AppServices, tenant_id: PathId) -> list[Connection]:
        """All connections of the brand."""
        async with UnitOfWork(services.database, scope_of(request, tenant_id)) as uow:
            return await list_connections(uow)

    @get("/connections/{connection_id:uuid}", summary="Health of a connection")
    async def health(
        self, request: AnyRequest, services: AppServices, tenant_id: PathId, connection_id: PathId
    ) -> ConnectionHealth:
        """State, reason, the one step that mends it, and each stream."""
        async with UnitOfWork(services.database, scope_of(request, tenant_id)) as uow:
            return ConnectionHealth(
                connection=await get_connection(uow, connection_id), streams=await list_streams(uow, connection_id)
            )

    @get("/runs", summary="Runs of a brand")
    async def runs(
        self,
        request: AnyRequest,
        services: AppServices,
        tenant_id: PathId,
        limit: Limit = 50,
        cursor: FromQuery[UUID | None] = None,
    ) -> Page:
        """Newest first."""
        async with UnitOfWork(services.database, scope_of(request, tenant_id)) as uow:
            found = await list_runs(uow, limit=limit, before=cursor)
        return Page(items=found, next=found[-1].run_id if len(found) == limit else None)

    @get("/runs/{run_id:uuid}", summary="One run")
    async def run(self, request: AnyRequest, services: AppServices, tenant_id: PathId, run_id: PathId) -> Run:
        """One run with its progress or its error."""
        async with UnitOfWork(services.database, scope_of(request, tenant_id)) as uow:
            found = await get_run(uow, run_id)
        if found is None:
            raise NotFoundError
        return found

    @get("/quarantine", summary="Rows that were not understood")
    async def quarantine(
        self, request: AnyRequest, services: AppServices, tenant_id: PathId, limit: Limit = 50
    ) -> list[QuarantinedRow]:
        """Newest first, each with its reason."""
        async with UnitOfWork(services.database, scope_of(request, tenant_id)) as uow:
            return await list_quarantine(uow, limit=limit)

    @post("/connections", summary="Begin connecting an account", guards=[requires(Right.CONNECT)])
    async def connect(
        self, request: AnyRequest, services: AppServices, tenant_id: PathId, data: JSONBody[ConnectRequest]
    ) -> ConnectReply:
        """Answers with the address of the platform's consent page; a connector with a key is connected at once."""
        return await connect_account(request, services, scope_of(request, tenant_id), data)

    @post(
        "/connections/{connection_id:uuid}/check",
        summary="Check a connection now",
        status_code=202,
        guards=[requires(Right.SYNC)],
    )
    async def check(
        self, request: AnyRequest, services: AppServices, tenant_id: PathId, connection_id: PathId
    ) -> RunReply:
        """Queues one cheap call that proves the grant."""
        async with UnitOfWork(services.database, scope_of(request, tenant_id)) as uow:
            connection = await get_connection(uow, connection_id)
            run_id = await check_connection.enqueue(
                uow, dedupe=f"check:{connection_id}", connection_id=str(connection.connection_id)
            )
            await record(uow, "connection.check", target=str(connection_id))
            await uow.commit()
        return RunReply(run_id=run_id)

    @post(
        "/connections/{connection_id:uuid}/sync",
        summary="Sync a connection now",
        status_code=202,
        guards=[requires(Right.SYNC)],
    )
    async def sync(
        self, request: AnyRequest, services: AppServices, tenant_id: PathId, connection_id: PathId
    ) -> RunReply:
        """Queues a sync, unless one waits or runs already."""
        async with UnitOfWork(services.database, scope_of(request, tenant_id)) as uow:
            connection = await get_connection(uow, connection_id)
            run_id = await sync_connection.enqueue(
                uow,
                lane=str(connection_id),
                dedupe=f"sync:{connection_id}",
                connection_id=str(connection.connection_id),
            )
            await record(uow, "connection.sync", target=str(connection_id))
            await uow.commit()
        return RunReply(run_id=run_id)
