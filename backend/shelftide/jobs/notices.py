"""Jobs `notice.send` and `notice.alert`: tell one notifier of an agency what became of a connection, what is wrong."""

import logging
from datetime import timedelta
from typing import Any
from uuid import UUID

from shelftide.ingest.plugins import is_enabled_for
from shelftide.jobs.job import JobContext, Queue, job
from shelftide.jobs.services import Services
from shelftide.store.repositories.agencies import Tenant, get_tenant
from shelftide.store.repositories.alerts import get_alert
from shelftide.store.repositories.connections import Connection, get_connection
from shelftide.store.repositories.notices import ALERT_JOB, ATTEMPTS, JOB, read_notifier
from shelftide_sdk import App, ConnectorError, ContractError, Notice, NotifierContext, TokenSet
from shelftide_sdk.http import FixedCredentials, PlatformClient

_NOBODY = FixedCredentials(App(client_id="", client_secret="", redirect_uri=""), TokenSet(access_token=""))


@job(JOB, queue=Queue.OUTBOUND, max_attempts=ATTEMPTS, time_limit=timedelta(minutes=2))
async def send_notice(ctx: JobContext, *, kind: str, connection_id: str, notifier: str) -> dict[str, Any]:
    """Tell what became of a connection, unless it has become untrue."""
    async with ctx.unit_of_work() as uow:
        connection = await get_connection(uow, UUID(connection_id))
        tenant = await get_tenant(uow, connection.tenant_id)
    if kind != f"connection.{connection.state}":
        return {"sent": False, "reason": f"The connection is {connection.state} by now."}
    return await _send(ctx, notifier, notice_of(ctx, kind, connection, tenant))


@job(ALERT_JOB, queue=Queue.OUTBOUND, max_attempts=ATTEMPTS, time_limit=timedelta(minutes=2))
async def send_alert(ctx: JobContext, *, alert_id: str, notifier: str) -> dict[str, Any]:
    """Tell a new alert, unless it is over."""
    async with ctx.unit_of_work() as uow:
        alert = await get_alert(uow, UUID(alert_id))
        tenant = await get_tenant(uow, alert.tenant_id)
    if alert.closed_at is not None:
        return {"sent": False, "reason": "It is over by now."}
    services: Services = ctx.services
    notice = Notice(
        key=str(ctx.claim.run_id),
        kind=alert.kind,
        title=f"{tenant.name}: {alert.title}",
        text=alert.text,
        brand=tenant.name,
        url=f"{services.settings.console_url}/console/data#a-{alert.alert_id}",
        at=alert.opened_at,
    )
    return await _send(ctx, notifier, notice)


async def _send(ctx: JobContext, notifier: str, notice: Notice) -> dict[str, Any]:
    """Send it, unless nobody wants to be told there any more."""
    services: Services = ctx.services
    async with ctx.unit_of_work() as uow:
        settings = await read_notifier(uow, services.vault, notifier)
        found = services.registry.notifiers.get(notifier)
        usable = found is not None and await is_enabled_for(uow, services.registry, notifier)
    if found is None or not usable or settings is None:
        return {"sent": False, "reason": f"The notifier {notifier} is disabled."}
    client = PlatformClient(found, credentials=_NOBODY, settings=settings, clock=services.clock, routes=services.routes)
    log = logging.LoggerAdapter(logging.getLogger(f"notifier.{notifier}"), {})
    async with client:
        context = NotifierContext(client=client, clock=services.clock, log=log, settings=settings)
        try:
            await found().send(context, notice)
        except ConnectorError:
            raise
        except Exception as error:  # outsiders' code may raise anything
            raise ContractError(f"{type(error).__name__}: {error}") from error
    return {"sent": True}


def notice_of(ctx: JobContext, kind: str, connection: Connection, tenant: Tenant) -> Notice:
    """What is said. The run's id is the key: every try carries the same one."""
    services: Services = ctx.services
    return Notice(
        key=str(ctx.claim.run_id),
        kind=kind,
        title=f"{tenant.name}: {connection.account_name} at {connection.platform} must be connected again",
        text=f"{connection.reason} {connection.step}".strip(),
        brand=tenant.name,
        url=f"{services.settings.console_url}/console/brands/{tenant.tenant_id}/connections"
        f"#c-{connection.connection_id}",
        at=connection.checked_at or services.clock.now(),
    )
