"""Job `alerts.watch`: what is wrong with a brand's data becomes an alert, is told once, and ends by itself."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from shelftide.analytics.freshness import is_stale
from shelftide.analytics.reconciliation.settlements import Settlement
from shelftide.ingest.coverage import Coverage
from shelftide.jobs.job import JobContext, Queue, job
from shelftide.jobs.reconcile import EXPORT, SETTLEMENT, ExportReport
from shelftide.store.repositories.alerts import Trouble, raise_alerts
from shelftide.store.repositories.connections import Connection, StreamState, list_connections, list_streams
from shelftide.store.repositories.notices import queue_alert
from shelftide.store.repositories.reconciliations import SavedReconciliation, list_reconciliations

LATE, GAP = "stream.late", "reconciliation.gap"
# A connection in one of these states is told of already, or stands still because a person wants it to.
_SILENT = {"reconnect", "paused"}
_CENT = Decimal("0.01")


@job("alerts.watch", queue=Queue.ANALYTICS, max_attempts=3, time_limit=timedelta(minutes=5))
async def watch(ctx: JobContext, *, tenant_id: str) -> dict[str, Any]:
    """Compare what is wrong now with the standing alerts of the brand, and tell what is new."""
    await ctx.services.refresh_clock()
    async with ctx.unit_of_work() as uow:
        await ctx.guard(uow)
        found = troubles(
            await list_connections(uow),
            await list_streams(uow),
            await list_reconciliations(uow),
            ctx.services.clock.now(),
        )
        new = await raise_alerts(uow, (LATE, GAP), found)
        for alert_id in new:
            await queue_alert(uow, alert_id)
        result = {"tenant_id": tenant_id, "standing": len(found), "new": len(new)}
        await ctx.finish(uow, result)
        await uow.commit()
    return result


def troubles(
    connections: Sequence[Connection],
    streams: Iterable[StreamState],
    reconciliations: Iterable[SavedReconciliation],
    now: datetime,
) -> list[Trouble]:
    """Streams behind their promise, rows that did not arrive, payouts and exports with an open question. Pure."""
    alive = {each.connection_id: each for each in connections if each.state not in _SILENT and each.platform != "file"}
    read = [(alive[stream.connection_id], stream) for stream in streams if stream.connection_id in alive]
    return [
        *(_late(connection, stream) for connection, stream in read if is_stale(stream, now)),
        *(gap for connection, stream in read for gap in _rows(connection, stream)),
        *(gap for saved in reconciliations for gap in _sums(saved)),
    ]


def _late(connection: Connection, stream: StreamState) -> Trouble:
    hours = stream.promise_seconds / 3600
    newest = stream.synced_at.isoformat(timespec="minutes") if stream.synced_at else "never"
    return Trouble(
        kind=LATE,
        subject=f"{stream.connection_id}:{stream.stream}",
        title=f"{connection.account_name} at {connection.platform}: {stream.stream} is older than promised",
        text=f"Promised every {hours:g} h, last read {newest}. {stream.error_message or ''}".strip(),
        evidence={"stream": stream.stream, "promise_seconds": stream.promise_seconds, "last_read": newest},
    )


def _rows(connection: Connection, stream: StreamState) -> Iterable[Trouble]:
    if stream.coverage is None:
        return
    coverage = msgspec.convert(stream.coverage, Coverage)
    absent = (coverage.missing or 0) + coverage.lost
    if absent:
        yield Trouble(
            kind=GAP,
            subject=f"{stream.connection_id}:{stream.stream}",
            title=f"{connection.account_name} at {connection.platform}: {absent} rows of {stream.stream} are not here",
            text="The platform counts more rows than were stored. Open the brand's reconciliation.",
            evidence={"stream": stream.stream, "missing": coverage.missing, "lost": coverage.lost},
        )


def _sums(saved: SavedReconciliation) -> Iterable[Trouble]:
    if saved.kind == SETTLEMENT:
        for each in msgspec.convert(saved.result, list[Settlement]):
            if abs(each.unknown) >= _CENT:
                question = f"{each.unknown} {each.currency} of what {saved.subject} sold is in no payout"
                yield _open(saved, each.currency, question, {"since": str(each.since), "until": str(each.until)})
    elif saved.kind == EXPORT:
        for said in msgspec.convert(saved.result, ExportReport).comparisons:
            if said.unknown:
                question = f"{saved.subject}: {said.metric} differs on {said.unknown} days for an unknown reason"
                yield _open(saved, f"{said.subject}:{said.metric}:{said.currency}", question, {"days": said.unknown})


def _open(saved: SavedReconciliation, part: str, question: str, evidence: dict[str, Any]) -> Trouble:
    return Trouble(
        kind=GAP,
        subject=f"{saved.kind}:{saved.subject}:{part}",
        title=question,
        text="No known cause explains it. Open the brand's reconciliation.",
        evidence={"compared": saved.kind, "with": saved.subject, **evidence},
    )
