"""Job `warehouse.maintain`: compaction, old snapshots and what nothing refers to, a brand's lake at a time."""

import time
from datetime import timedelta
from typing import Any
from uuid import UUID

from shelftide.jobs.job import JobContext, Queue, job


@job("warehouse.maintain", queue=Queue.ANALYTICS, max_attempts=2, time_limit=timedelta(minutes=30))
async def maintain(ctx: JobContext, *, tenant_id: str) -> dict[str, Any]:
    """Look after the brand's warehouse; a brand without data has none."""
    warehouse = ctx.services.warehouses.of(UUID(tenant_id))
    started = time.monotonic()
    known = await warehouse.exists()
    if known:
        await warehouse.maintain()
    result = {"kept": known, "seconds": round(time.monotonic() - started, 3)}
    async with ctx.unit_of_work() as uow:
        await ctx.finish(uow, result)
        await uow.commit()
    return result
