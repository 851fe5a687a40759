"""Reports of Amazon Ads (v3): asked for, waited for, fetched without a token. One that runs already is waited for."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from datetime import date, timedelta
from typing import Any

from shelftide_amazon.auth import ads_api
from shelftide_amazon.mapping_ad_reports import AdReport
from shelftide_amazon.replies import RefusedError, body_of
from shelftide_amazon.reports import gunzip
from shelftide_amazon.values import list_of, node_of
from shelftide_sdk.bodies import read_json
from shelftide_sdk.connector import Context
from shelftide_sdk.errors import AuthorizationError, ContractError, TransientError

REPORTS = "/reporting/reports"
ATTRIBUTION_REPORT = "/attribution/report"
_FIRST_WAIT, _LONGEST_WAIT = 5.0, 60.0
_PATIENCE = timedelta(hours=3)  # some stay pending for ever; the next run asks again
_WAITING = frozenset({"PENDING", "PROCESSING", "IN_PROGRESS"})
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


async def fetch_rows(ctx: Context, report: AdReport, days: tuple[date, date]) -> list[Any]:
    """Rows of a daily report, days included, at most 31 of them.

    Raises:
        RefusedError: the account has no such product, or Amazon refuses the request.
        TransientError: the report failed, does not end, or its file is cut.
    """
    report_id = await _create(ctx, report, days)
    for last in (False, True):
        state = await _wait(ctx, report_id)
        try:
            response = await ctx.client.get(str(node_of(state, "a completed report", "url")["url"]))
        except AuthorizationError:
            if last:
                raise
            continue  # the address has died: the state names a new one
        return rows_of(response.content)
    raise AssertionError("the loop returns or raises")  # pragma: no cover


def rows_of(content: bytes) -> list[Any]:
    """Rows of a packed report. Raises TransientError for what is cut, ContractError for what is no list."""
    try:
        found = read_json(gunzip(content))
    except ValueError as error:
        raise TransientError("a report is cut or is not JSON") from error
    if not isinstance(found, list):
        raise ContractError("a report is not a list of rows")
    return found


def request_of(report: AdReport, days: tuple[date, date]) -> dict[str, Any]:
    """The body that asks for a report. `DAILY` gives each row its own day."""
    return {
        "name": f"{report.type} {days[0]} {days[1]}",
        "startDate": days[0].isoformat(),
        "endDate": days[1].isoformat(),
        "configuration": {
            "adProduct": report.product.name,
            "groupBy": list(report.groups),
            "columns": report.asked,
            "reportTypeId": report.type,
            "timeUnit": "DAILY",
            "format": "GZIP_JSON",
        },
    }


async def fetch_attributed(ctx: Context, days: tuple[date, date]) -> AsyncIterator[list[Any]]:
    """Pages of Amazon Attribution's report by creative. Raises ContractError for a reply that is none."""
    asked: dict[str, Any] = {
        "reportType": "PERFORMANCE",
        "groupBy": "CREATIVE",
        "startDate": days[0].strftime("%Y%m%d"),
        "endDate": days[1].strftime("%Y%m%d"),
        "count": 5000,
    }
    followed = set[str]()
    while True:
        body = body_of(await ctx.client.post(ads_api(ctx.settings) + ATTRIBUTION_REPORT, json=asked))
        yield list_of(body, "reports", "the report of Attribution")
        token = body.get("cursorId")
        if not token:
            return
        if not isinstance(token, str) or token in followed:
            raise ContractError("the report of Attribution goes in a circle: a cursor came back")
        followed.add(token)
        asked["cursorId"] = token


async def _create(ctx: Context, report: AdReport, days: tuple[date, date]) -> str:
    try:
        response = await ctx.client.post(ads_api(ctx.settings) + REPORTS, json=request_of(report, days))
    except RefusedError as error:
        running = _UUID.search(error.message)
        if not error.is_duplicate:
            raise
        if running is None:
            raise TransientError("Amazon is already making this report; the next read fetches it.") from error
        return running[0]
    return _id(node_of(body_of(response), "the report request", "reportId")["reportId"])


def _id(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[\w.:-]{1,200}", value):
        raise ContractError("a report's id is not one")
    return value


async def _wait(ctx: Context, report_id: str) -> Mapping[str, Any]:
    wait, waited = _FIRST_WAIT, 0.0
    while waited < _PATIENCE.total_seconds():
        body = body_of(await ctx.client.get(f"{ads_api(ctx.settings)}{REPORTS}/{report_id}"))
        state = node_of(body, "the report's state", "status")
        if state["status"] == "COMPLETED":
            return state
        if state["status"] in ("FAILED", "CANCELLED"):
            reason = str(state.get("failureReason") or "no reason")[:200]
            raise TransientError(f"Amazon could not make a report: {reason}")
        if state["status"] not in _WAITING:
            raise ContractError(f"a report is in a state that nobody knows: {str(state['status'])[:40]!r}")
        await asyncio.sleep(wait)
        waited += wait
        wait = min(wait * 2, _LONGEST_WAIT)
    raise TransientError("Amazon has not finished a report in three hours; the next read asks again.")
