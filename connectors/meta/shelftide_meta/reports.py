"""Reports of ads insights as asynchronous jobs. A job that fails or is too large is split, down to one ad set's day.

Order of splitting: days in halves; then one day by campaigns, then by ad sets; then the list of fields in halves is of
no use, since each row needs all of them: such a job ends the read as a failure that may pass.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import msgspec

from shelftide_meta.auth import api
from shelftide_meta.graph import get_pages
from shelftide_meta.replies import GraphError, throttle_share
from shelftide_meta.values import identifier, node_of
from shelftide_sdk.bodies import read_json
from shelftide_sdk.connector import Context
from shelftide_sdk.errors import ContractError, DataError, TransientError

PAGE_SIZE = 500
_FIRST_WAIT, _LONGEST_WAIT = 2.0, 30.0
_PATIENCE = timedelta(minutes=30)  # jobs were seen that never end
_FAILED = frozenset({"Job Failed", "Job Skipped"})
_BUSY = 90.0  # percent of the allowance above which no further job is begun
_BREATH = 60.0
_MOST_JOBS = 100


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a job is asked for: days (both included), fields, parameters; `level` and `ids` narrow it after a split."""

    account_id: str
    first: date
    last: date
    fields: str
    params: Mapping[str, str]
    level: str = ""
    ids: tuple[str, ...] = ()


class Reports:
    """The jobs of one read."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._jobs = 0
        self._children: dict[tuple[str, str], list[str]] = {}

    async def rows(self, report: Report) -> AsyncIterator[list[Any]]:
        """Rows of a report, page by page.

        Raises:
            TransientError: the smallest job fails too.
            ContractError: replies that cannot be understood, or more than a hundred jobs for one report.
        """
        self._jobs = 0
        waiting = [report]
        while waiting:
            part = waiting.pop()
            run = await self._run(part)
            if run is None:
                waiting += reversed(await self._split(part))
                continue
            async for page in get_pages(self._ctx, f"{run}/insights", "", size=PAGE_SIZE, key=""):
                yield page

    async def _run(self, report: Report) -> str | None:
        """The id of a finished job, or None for one that failed twice or is too large."""
        endless = 0
        for _ in range(2):
            self._jobs += 1
            if self._jobs > _MOST_JOBS:
                raise TransientError("Meta fails one job after another; the next read tries again.")
            try:
                run = await self._begin(report)
            except GraphError as error:
                if not error.asks_for_less:
                    raise
                return None
            state = await self._wait(run)
            if state == "":
                return run
            self._ctx.log.info("job %s ended with %s", run, state)
            if state == "too large":
                return None
            endless += state == "no end"
        if endless > 1:  # smaller jobs would each be waited for as long
            raise TransientError("Meta does not finish its jobs; the next read asks again.")
        return None

    async def _begin(self, report: Report) -> str:
        params = {
            "fields": report.fields,
            "time_range": json.dumps({"since": report.first.isoformat(), "until": report.last.isoformat()}),
            **report.params,
        }
        if report.ids:
            rule = {"field": f"{report.level}.id", "operator": "IN", "value": list(report.ids)}
            params["filtering"] = json.dumps([rule])
        response = await self._ctx.client.post(f"{api(self._ctx.settings)}/{report.account_id}/insights", params=params)
        if throttle_share(response.headers) >= _BUSY:
            await asyncio.sleep(_BREATH)
        node = node_of(read_json(response.content), "insights", "report_run_id")
        try:
            return identifier(node["report_run_id"], "report_run_id")
        except DataError as error:
            raise ContractError(f"insights: {error.message}") from error

    async def _wait(self, run: str) -> str:
        """ "" when the job is done; else why it failed."""
        wait, waited = _FIRST_WAIT, 0.0
        while waited < _PATIENCE.total_seconds():
            response = await self._ctx.client.get(f"{api(self._ctx.settings)}/{run}")
            node = node_of(read_json(response.content), "a report run", "async_status")
            status = str(node["async_status"])
            # A completed job whose percentage is lower still lacks rows.
            if status == "Job Completed" and node.get("async_percent_completion") == 100:
                return ""
            if status in _FAILED:
                said = f"{node.get('error_message') or ''}"
                return "too large" if "reduce the amount" in said.lower() else f"{status} {said}".strip()
            await asyncio.sleep(wait)
            waited += wait
            wait = min(wait * 2, _LONGEST_WAIT)
        return "no end"

    async def _split(self, report: Report) -> list[Report]:
        """Smaller jobs with the same rows, in order of days."""
        count = (report.last - report.first).days + 1
        if count > 1:
            middle = report.first + timedelta(days=count // 2)
            return [
                msgspec.structs.replace(report, last=middle - timedelta(days=1)),
                msgspec.structs.replace(report, first=middle),
            ]
        if len(report.ids) > 1:
            half = len(report.ids) // 2
            return [msgspec.structs.replace(report, ids=part) for part in (report.ids[:half], report.ids[half:])]
        deeper = {"": "campaign", "campaign": "adset", "adset": "ad"}.get(report.level)
        ids = await self._ids(report, deeper) if deeper else []
        if not deeper or not ids:
            raise TransientError("Meta fails even the smallest job; the next read tries again.")
        return [msgspec.structs.replace(report, level=deeper, ids=tuple(ids))]

    async def _ids(self, report: Report, level: str) -> list[str]:
        """What a job is split by: campaigns of the account, ad sets of a campaign, ads of an ad set."""
        owner = report.ids[0] if report.ids else report.account_id
        if (owner, level) not in self._children:
            found: list[str] = []
            async for rows in get_pages(self._ctx, f"{owner}/{level}s", "id", filtering=every_status(level)):
                found += [identifier(row.get("id")) for row in rows if isinstance(row, dict)]
            self._children[owner, level] = found
        return self._children[owner, level]


_STATUSES: Mapping[str, Sequence[str]] = {
    "campaign": ("ACTIVE", "PAUSED", "DELETED", "ARCHIVED", "IN_PROCESS", "WITH_ISSUES"),
    "adset": ("ACTIVE", "PAUSED", "DELETED", "ARCHIVED", "CAMPAIGN_PAUSED", "IN_PROCESS", "WITH_ISSUES"),
    "ad": (
        "ACTIVE",
        "PAUSED",
        "DELETED",
        "ARCHIVED",
        "CAMPAIGN_PAUSED",
        "ADSET_PAUSED",
        "DISAPPROVED",
        "IN_PROCESS",
        "PENDING_BILLING_INFO",
        "PENDING_REVIEW",
        "PREAPPROVED",
        "WITH_ISSUES",
    ),
}


def every_status(level: str) -> str:
    """The filter without which deleted and archived objects are left out."""
    return json.dumps([{"field": f"{level}.effective_status", "operator": "IN", "value": _STATUSES[level]}])
