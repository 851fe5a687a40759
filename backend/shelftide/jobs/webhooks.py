"""Jobs around deliveries: `webhooks.process` lets them take effect, `webhooks.keep` looks after the subscriptions."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from shelftide.ingest.deliveries import Deliveries
from shelftide.ingest.privacy import erase_keys
from shelftide.ingest.webhooks import PROCESSING
from shelftide.jobs.job import JobContext, Queue, job
from shelftide.jobs.match_products import match_products
from shelftide.jobs.sync_connection import open_session, roll_up_touched
from shelftide.store.repositories.inbox import dedupe_of, erased_keys, forget_letters, is_waiting, save_route
from shelftide.store.unit_of_work import UnitOfWork

KEEP_FOR = timedelta(days=30)
_ERASE_AGAIN = timedelta(minutes=15)
_ERASE_BACK = timedelta(days=2)
# Tables whose change may make another match of products.
_MATCHED = frozenset({"products", "variants", "listings", "contents", "product_links"})


@job("webhooks.process", queue=Queue.INGEST, max_attempts=PROCESSING.max_attempts, time_limit=timedelta(hours=1))
async def process_deliveries(ctx: JobContext, *, connection_id: str) -> dict[str, Any]:
    """All that waits for a connection, then the roll-up of the days that changed."""
    session, key = await open_session(ctx, connection_id)
    async with session:
        deliveries = Deliveries(
            session.connector,
            session.connection,
            context=session.context,
            warehouse=ctx.services.warehouses.of(session.connection.tenant_id),
            claimed=ctx,
            vault=ctx.services.vault,
            key=key,
        )
        erased = await _erased(ctx)
        try:
            await deliveries.run()
        finally:
            if deliveries.touched:  # whatever took effect before a failure is safe; the pages should show it
                await roll_up_touched(ctx, session.connection, deliveries.touched)
    result = msgspec.to_builtins(deliveries.report)
    async with ctx.unit_of_work() as uow:
        if deliveries.tables & _MATCHED:
            tenant_id = str(session.connection.tenant_id)
            await match_products.enqueue(uow, lane="products", dedupe="products", tenant_id=tenant_id)
        await ctx.finish(uow, result)
        # The run's row is locked from here on: a delivery that found it open has committed, or queues a run of its own.
        if await is_waiting(uow, UUID(connection_id)):
            await _queue(uow, connection_id)
        if await erased_keys(uow) != erased:
            await erase_again.enqueue(
                uow, dedupe="privacy.erase", due_at=datetime.now(UTC) + _ERASE_AGAIN, lane="privacy.erase"
            )
        await uow.commit()
    return dict(result)


async def _erased(ctx: JobContext) -> frozenset[str]:
    async with ctx.unit_of_work() as uow:
        return await erased_keys(uow)


async def _queue(uow: UnitOfWork, connection_id: str) -> None:
    lane = dedupe_of(UUID(connection_id))
    await process_deliveries.enqueue(uow, lane=lane, dedupe=lane, connection_id=connection_id)


@job("privacy.erase", queue=Queue.INGEST, max_attempts=8, time_limit=timedelta(hours=1))
async def erase_again(ctx: JobContext) -> dict[str, Any]:
    """Erase once more who was erased lately: a batch may have been on its way at that moment."""
    async with ctx.unit_of_work() as uow:
        keys = await erased_keys(uow, since=datetime.now(UTC) - _ERASE_BACK)
    return {"rows": await erase_keys(ctx.services.warehouses.of(ctx.claim.tenant_id), sorted(keys))}


@job("webhooks.keep", queue=Queue.INGEST, max_attempts=4, time_limit=timedelta(minutes=10))
async def keep_webhooks(ctx: JobContext, *, connection_id: str) -> dict[str, Any]:
    """Route the account's deliveries here, ask the platform again for what it dropped, take up what still waits."""
    session, _ = await open_session(ctx, connection_id)
    async with session:
        connection, webhooks = session.connection, session.connector.webhooks
        if webhooks is None:
            return {}
        account = webhooks.account_of(connection.account_id, connection.settings)
        async with ctx.unit_of_work() as uow:
            await save_route(uow, connection.connection_id, connection.connector, account)
            await forget_letters(uow, connection.connection_id, before=ctx.services.clock.now() - KEEP_FOR)
            if await is_waiting(uow, connection.connection_id):
                await _queue(uow, connection_id)
            await uow.commit()
        if connection.state in ("paused", "reconnect"):
            return {"subscribed": []}
        return {
            "subscribed": await session.connector.subscribe(session.context, hook_address(ctx, connection.connector))
        }


def hook_address(ctx: JobContext, connector: str) -> str:
    """Where a platform shall push to."""
    return f"{ctx.services.settings.console_url}/hooks/{connector}"


async def queue_keeping(uow: UnitOfWork, connection_id: UUID) -> None:
    """Look after a connection's subscriptions now. Commit afterwards."""
    await keep_webhooks.enqueue(uow, dedupe=f"keep:{connection_id}", connection_id=str(connection_id))
