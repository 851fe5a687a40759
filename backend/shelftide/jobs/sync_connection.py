"""Job `sync.run`: one connection, all its streams, then the roll-up of the days that changed."""

import logging
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from shelftide.analytics.breaks import find_breaks
from shelftide.analytics.rates import ECB
from shelftide.analytics.rollup import roll_up
from shelftide.core.points import Point, reached
from shelftide.ingest.budgets import SharedLimiter, limit_keys
from shelftide.ingest.credentials import StoredCredentials
from shelftide.ingest.flaws import finding
from shelftide.ingest.plugins import PluginDisabledError, require_enabled
from shelftide.ingest.sync import Sync, SyncReport, first_read_from
from shelftide.jobs.job import JobContext, Queue, job
from shelftide.jobs.load_rates import load_rates
from shelftide.jobs.match_products import match_products
from shelftide.jobs.services import Services
from shelftide.store.repositories.agencies import pseudonym_key
from shelftide.store.repositories.connections import Connection, get_connection, set_health
from shelftide.store.repositories.rates import rates_loaded_at
from shelftide.store.repositories.reconciliations import save_findings
from shelftide.store.unit_of_work import UnitOfWork
from shelftide_sdk import Connector, Context, ContractError, Health, HealthState, NoAuth, TransientError
from shelftide_sdk.http import PlatformClient
from shelftide_sdk.records import RECORDS

HISTORY = timedelta(days=90)
RATES_PROMISE = timedelta(days=1)


class Session:
    """A connector at work on a connection: its client, its context, closed at the end."""

    def __init__(self, services: Services, context: JobContext, connection: Connection) -> None:
        self.connection = connection
        connector_class = services.registry.connector(connection.connector)
        self.connector: Connector = connector_class()
        self.client = PlatformClient(
            connector_class,
            credentials=StoredCredentials(
                services.database,
                context.scope,
                consent=services.consent,
                vault=services.vault,
                connection=connection,
                connector=connector_class,
                patience=timedelta(seconds=services.settings.lease_seconds),
            ),
            settings=connection.settings,
            clock=services.clock,
            limiter=SharedLimiter(services.database, context.scope),
            limit_keys=limit_keys(connection),
            routes=services.routes,
        )
        now = services.clock.now()
        self.context = Context(
            client=self.client,
            clock=services.clock,
            log=logging.LoggerAdapter(logging.getLogger(f"connector.{connection.connector}"), {}),
            settings=connection.settings,
            since=first_read_from(now, HISTORY),
            captured_at=now,
        )

    async def __aenter__(self) -> "Session":
        return self

    async def __aexit__(self, *_: Any) -> None:
        await self.client.close()


async def open_session(ctx: JobContext, connection_id: str) -> tuple[Session, bytes]:
    """The connector's session and the brand's pseudonym key."""
    services: Services = ctx.services
    await services.refresh_clock()
    async with ctx.unit_of_work() as uow:
        connection = await get_connection(uow, UUID(connection_id))
        await _stop_if_disabled(uow, services, connection)
        key = await pseudonym_key(uow, services.vault)
    return Session(services, ctx, connection), key


async def _stop_if_disabled(uow: UnitOfWork, services: Services, connection: Connection) -> None:
    """A connection whose plugin the agency does not use stands still and says why. Raises PluginDisabledError."""
    try:
        await require_enabled(uow, services.registry, connection.connector)
    except PluginDisabledError as error:
        if connection.state != "paused":
            await set_health(uow, connection.connection_id, state="paused", reason=error.message, step=error.hint)
            await uow.commit()
        raise


@job("sync.run", queue=Queue.INGEST, max_attempts=5, time_limit=timedelta(hours=2))
async def sync_connection(ctx: JobContext, *, connection_id: str, scheduled: int = 0) -> dict[str, Any]:
    """Read what is new, then bring the roll-up up to it. What needs a person is not read by the clock."""
    if scheduled and (resting := await _resting(ctx, connection_id)):
        return resting
    session, key = await open_session(ctx, connection_id)
    async with session:
        sync = Sync(
            session.connector,
            session.connection,
            context=session.context,
            warehouse=ctx.services.warehouses.of(session.connection.tenant_id),
            claimed=ctx,
            pseudonym_key=key,
            pace=session.client.pace,
        )
        try:
            reports = await sync.run()
        finally:
            # Whatever was read before a failure is safe; the pages should show it.
            await roll_up_touched(ctx, session.connection, sync.touched)
    await note_breaks(ctx, session.connection, sync.carried)
    return await _finish(ctx, session, reports)


async def _resting(ctx: JobContext, connection_id: str) -> dict[str, Any]:
    """The end of a scheduled run on a connection that is paused or must be connected again; else nothing."""
    async with ctx.unit_of_work() as uow:
        state = (await get_connection(uow, UUID(connection_id))).state
        if state not in ("paused", "reconnect"):
            return {}
        await ctx.finish(uow, {"skipped": state})
        await uow.commit()
    return {"skipped": state}


async def roll_up_touched(ctx: JobContext, connection: Connection, touched: Iterable[tuple[str, date]]) -> None:
    """Bring the roll-up up to what a run wrote."""
    warehouse = ctx.services.warehouses.of(connection.tenant_id)
    async with ctx.unit_of_work() as uow:
        await ctx.guard(uow)
        await roll_up(warehouse, uow, connection.connection_id, platform=connection.platform, touched=touched)
        reached(Point.ROLL_UP_NOT_COMMITTED)
        await uow.commit()


async def note_breaks(ctx: JobContext, connection: Connection, records: Iterable[str]) -> None:
    """Keep days that are missing, and changes of zone or currency, in what a run read, as findings."""
    warehouse = ctx.services.warehouses.of(connection.tenant_id)
    if not await warehouse.exists():
        return
    today = ctx.services.clock.now().astimezone(ZoneInfo(connection.zone)).date()
    found = await find_breaks(warehouse, connection.connection_id, records, today)
    if not found:
        return
    rows = [
        finding(
            connection.connection_id,
            RECORDS[each.record].table,
            each.flaw,
            rows=each.rows,
            detail={"day": str(each.day), "before": each.before, "after": each.after},
            of=str(each.day),
        )
        for each in found
    ]
    async with ctx.unit_of_work() as uow:
        await ctx.guard(uow)
        await save_findings(uow, rows)
        await uow.commit()


async def _finish(ctx: JobContext, session: Session, reports: list[SyncReport]) -> dict[str, Any]:
    broken = [report for report in reports if report.error_code is not None]
    transient = [report for report in broken if report.error_code == TransientError.kind]
    if transient:
        raise TransientError(f"{transient[0].stream}: {transient[0].error_message}")
    if broken and len(broken) == len(reports):
        raise ContractError(f"{broken[0].stream}: {broken[0].error_message}")
    result = {"streams": [msgspec.to_builtins(report) for report in reports], "requests": session.client.requests}
    async with ctx.unit_of_work() as uow:
        if not broken and session.connection.state != "paused":
            await set_health(uow, session.connection.connection_id, state="ok", reason="", step="")
        if any(report.written or report.deleted for report in reports):
            tenant_id = str(session.connection.tenant_id)
            await match_products.enqueue(uow, lane="products", dedupe="products", tenant_id=tenant_id)
        await _keep_rates(uow)
        await ctx.finish(uow, result)
        await uow.commit()
    return result


async def _keep_rates(uow: UnitOfWork) -> None:
    """Exchange rates are loaded once a day, by the first sync that ends."""
    loaded = await rates_loaded_at(uow, ECB)
    if loaded is None or datetime.now(UTC) - loaded > RATES_PROMISE:
        await load_rates.enqueue(uow, lane="rates", dedupe="rates")


@job("connection.check", queue=Queue.INGEST, max_attempts=3, time_limit=timedelta(minutes=2))
async def check_connection(ctx: JobContext, *, connection_id: str) -> dict[str, Any]:
    """One cheap call that proves the grant; its finding becomes the connection's health."""
    session, _ = await open_session(ctx, connection_id)
    async with session:
        health = await session.connector.check(session.context)
    async with ctx.unit_of_work() as uow:
        await set_health(uow, UUID(connection_id), state=health.state, reason=_reason(health), step=health.step)
        await ctx.finish(uow, msgspec.to_builtins(health))
        await uow.commit()
    return {}


def _reason(health: Health) -> str:
    parts = [health.reason]
    if health.missing_scopes:
        parts.append(f"Missing: {', '.join(health.missing_scopes)}.")
    if health.lost_streams:
        parts.append(f"Lost: {', '.join(health.lost_streams)}.")
    return " ".join(part for part in parts if part) or ("" if health.state == HealthState.OK else "Unknown reason.")


def needs_token(connector: type[Connector]) -> bool:
    """Whether connecting takes a consent or a key."""
    return not isinstance(connector.auth, NoAuth)
