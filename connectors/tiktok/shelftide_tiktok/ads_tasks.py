"""Asynchronous reports of TikTok Ads: asked for, waited for, fetched as CSV, for long stretches of the past.

Source: Marketing API v1.3, `report/task/create`, `/check` and `/download`. A task has no limit of days and no pages; an
app may be refused them; they take no filter by status; figures are hours old, so that the last days are read the other
way.
Whether deleted ads are in them is not said. So each day's sum is held against the campaigns of the synchronous report,
and a level that does not add up is read synchronously.
"""

import asyncio
import csv
import io
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from shelftide_sdk.bodies import read_json
from shelftide_sdk.connector import Context, Cursor, Reject
from shelftide_sdk.errors import (
    AuthorizationError,
    ConfigurationError,
    ContractError,
    TransientError,
)
from shelftide_sdk.records import AdDay, Record
from shelftide_tiktok.auth import ADS_API
from shelftide_tiktok.values import Row, data_of, identifier

TASK_DAYS = 90
LEAST_DAYS = 45  # below that, a few synchronous calls are quicker than a queue
DOWNLOAD = "report/task/download/"
_CREATE, _CHECK = "report/task/create/", "report/task/check/"
_WAITING, _OVER = ("QUEUING", "PROCESSING"), ("SUCCESS", "FAILED", "CANCELED")
_FIRST_WAIT, _LONGEST_WAIT = 5.0, 60.0
_PATIENCE = timedelta(hours=2)
_ROUNDING = Decimal("0.01")


class Tasks(msgspec.Struct, frozen=True, kw_only=True):
    """A window under way, as the cursor keeps it: days, both included, and the task of each level.

    A level without one was refused: it is read synchronously.
    """

    first: date
    last: date
    ids: dict[str, str] = {}


def saved_tasks(cursor: Cursor | None) -> Tasks | None:
    """The window that an earlier read left under way. Raises ConfigurationError for a cursor of somebody else's."""
    held = (cursor or {}).get("tasks")
    try:
        return None if held is None else msgspec.convert(held, Tasks)
    except msgspec.ValidationError as error:
        raise ConfigurationError("the saved cursor cannot be read; start the stream anew", detail=str(error)) from error


def past_windows(saved: Tasks | None, start: date, today: date, settled_days: int) -> list[Tasks]:
    """Windows for tasks, an unfinished one first; none where too little of the past is wanted."""
    last = today - timedelta(days=settled_days + 1)
    found = [saved] if saved else []
    start = saved.last + timedelta(days=1) if saved else start
    if not saved and (last - start).days + 1 < LEAST_DAYS:
        return []
    while start <= last:
        end = min(start + timedelta(days=TASK_DAYS - 1), last)
        found.append(Tasks(first=start, last=end))
        start = end + timedelta(days=1)
    return found


_PLAIN = ("advertiser_id", "service_type", "report_type", "data_level", "start_date", "end_date")


async def create(ctx: Context, report: Mapping[str, Any]) -> str | None:
    """The id of a new task; None where TikTok refuses such tasks to this app, or this mix of figures."""
    body = {
        **{name: report[name] for name in _PLAIN},
        **{name: json.loads(report[name]) for name in ("dimensions", "metrics")},
        "enable_report_title_translation": False,
        "output_format": "CSV_STRING",
    }
    try:
        response = await ctx.client.post(f"{ADS_API}{_CREATE}", json=body)
    except (AuthorizationError, ConfigurationError, ContractError) as error:
        if isinstance(error, AuthorizationError) and error.refreshable:
            raise
        ctx.log.info("TikTok makes no asynchronous report: %s", error.message)
        return None
    return identifier(data_of(read_json(response.content), _CREATE).get("task_id"), "task_id")


async def is_lost(ctx: Context, advertiser_id: str, task_id: str) -> bool:
    """Whether a saved task failed, was cancelled, or is no longer known (after 30 days)."""
    try:
        return (await _state(ctx, advertiser_id, task_id))["status"] in ("FAILED", "CANCELED")
    except (ConfigurationError, ContractError) as error:
        ctx.log.info("the saved report is gone: %s", error.message)
        return True


async def fetch(ctx: Context, report: Mapping[str, Any], task_id: str) -> tuple[list[Row], list[Reject]]:
    """Rows of a task in the form of the synchronous report, and lines that are none.

    Raises:
        TransientError: the task failed or was cancelled, does not end, or its file is cut.
        ContractError: a state that nobody knows, or a file without the columns that were asked for.
    """
    advertiser_id = report["advertiser_id"]
    pause, waited = _FIRST_WAIT, 0.0
    while (state := await _state(ctx, advertiser_id, task_id))["status"] in _WAITING:
        if waited >= _PATIENCE.total_seconds():
            raise TransientError("TikTok has not finished a report in two hours; the next read goes on waiting.")
        await asyncio.sleep(pause)
        waited += pause
        pause = min(pause * 2, _LONGEST_WAIT)
    if state["status"] != "SUCCESS":
        reason = str(state.get("message") or "no reason")[:200]
        raise TransientError(f"TikTok ended a report as {state['status']}: {reason}")
    asked = {"advertiser_id": advertiser_id, "task_id": task_id}
    response = await ctx.client.get(f"{ADS_API}{DOWNLOAD}", params=asked)
    return rows_of(response.content, json.loads(report["dimensions"]), json.loads(report["metrics"]))


async def _state(ctx: Context, advertiser_id: str, task_id: str) -> Row:
    asked = {"advertiser_id": advertiser_id, "task_id": task_id}
    response = await ctx.client.get(f"{ADS_API}{_CHECK}", params=asked)
    data = data_of(read_json(response.content), _CHECK)
    if data.get("status") not in (*_WAITING, *_OVER):
        raise ContractError(f"a report is in a state that nobody knows: {str(data.get('status'))[:40]!r}")
    return data


def rows_of(content: bytes, dimensions: list[str], metrics: list[str]) -> tuple[list[Row], list[Reject]]:
    """Rows of a CSV file whose heading holds the names that were asked for, and lines with too few or many cells."""
    try:
        lines = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True))
    except (UnicodeError, csv.Error) as error:
        raise TransientError("TikTok's report file is cut or is no CSV") from error
    heading = lines[0] if lines else []
    missing = [name for name in (*dimensions, *metrics) if heading.count(name) != 1]
    if missing:
        raise ContractError(f"TikTok's report file has no column {missing[0]}")
    rows: list[Row] = []
    rejects: list[Reject] = []
    for line in filter(None, lines[1:]):
        cells = dict(zip(heading, line, strict=False))
        if len(line) == len(heading):
            rows.append({part: {name: cells[name] for name in names} for part, names in _halves(dimensions, metrics)})
        elif line is lines[-1]:
            raise TransientError("TikTok's report file is cut")
        else:
            rejects.append(Reject(AdDay.__name__, f"a line of {len(line)} cells under {len(heading)} headings", line))
    return rows, rejects


def _halves(dimensions: list[str], metrics: list[str]) -> tuple[tuple[str, list[str]], ...]:
    return ("dimensions", dimensions), ("metrics", metrics)


def spend_by_day(records: Iterable[Record]) -> Mapping[date, tuple[Decimal, int]]:
    """What was spent on each day, and on how many rows."""
    found: dict[date, tuple[Decimal, int]] = defaultdict(lambda: (Decimal(0), 0))
    for record in records:
        if isinstance(record, AdDay) and record.spend is not None:
            amount, count = found[record.day]
            found[record.day] = amount + record.spend.amount, count + 1
    return found


def adds_up(parts: Mapping[date, tuple[Decimal, int]], whole: Mapping[date, tuple[Decimal, int]]) -> bool:
    """Whether two levels spent the same each day, but for a cent of rounding a row."""
    none = (Decimal(0), 0)
    return all(
        abs(parts.get(day, none)[0] - whole.get(day, none)[0])
        <= _ROUNDING * max(parts.get(day, none)[1], whole.get(day, none)[1])
        for day in {*parts, *whole}
    )
