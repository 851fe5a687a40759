"""TikTok's emulated asynchronous reports: a queue, states by poll, files as CSV, tasks forgotten after 30 days."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from shelftide_sdk.testing.emulator import Response
from shelftide_sdk.testing.world.model import stable_id
from shelftide_tiktok.emulator_door import Denied

Row = dict[str, Any]
Rows = Callable[[Mapping[str, Any], bool], list[Row]]
_KEPT = timedelta(days=30)
_STATES = ("QUEUING", "PROCESSING", "SUCCESS")
_FILTERS = frozenset({"campaign_ids", "adgroup_ids", "ad_ids", "country_code"})
_FORMATS = ("CSV_STRING", "CSV_DOWNLOAD", "XLSX_DOWNLOAD")


class Task(msgspec.Struct, kw_only=True):
    """A task with how often its state was asked for; `state` overrides what the polls say."""

    id: str
    advertiser_id: str
    body: Mapping[str, Any]
    made_at: datetime
    polls: int = 0
    state: str = ""

    @property
    def status(self) -> str:
        """Queued, then made, then done."""
        return self.state or _STATES[min(self.polls, len(_STATES) - 1)]


class ReportTasks:
    """Tasks of all advertisers.

    Attributes:
        allowed: whether the app is on the list of those that may ask for tasks.
        with_deleted: whether figures of deleted ads are in the files; the platform does not say.
    """

    def __init__(self, rows: Rows, clock: Callable[[], datetime]) -> None:
        self._rows = rows
        self._clock = clock
        self.made: dict[str, Task] = {}
        self.allowed = True
        self.with_deleted = True

    def create(self, body: Any, opened: Sequence[str]) -> Row:
        """Queue a task. Raises Denied for what the platform refuses."""
        if not self.allowed:
            raise Denied(40001, "The app is not on the allowlist of asynchronous reports")
        if not isinstance(body, dict) or not isinstance(body.get("dimensions"), list):
            raise Denied(40002, "dimensions is required and must be a list")
        _demand(body, "report_type")
        if body.get("advertiser_id") not in opened:
            raise Denied(40001, "No permission to operate advertiser")
        fields = {str(each.get("field_name")) for each in body.get("filtering", ())}
        if fields - _FILTERS:
            raise Denied(40002, f"Asynchronous reports cannot be filtered by {sorted(fields - _FILTERS)}")
        if body.get("output_format", "CSV_STRING") not in _FORMATS or body.get("report_type") == "PLAYABLE_MATERIAL":
            raise Denied(40002, "output_format or report_type is not supported")
        self._rows(body, self.with_deleted)  # what cannot be answered is refused at once
        key = stable_id("task", f"{body['advertiser_id']}/{len(self.made) + 1}", 18)
        task = Task(
            id=f"7{key}",
            advertiser_id=str(body["advertiser_id"]),
            body=body,
            made_at=self._clock(),
        )
        self.made[task.id] = task
        return {"task_id": task.id}

    def check(self, asked: Mapping[str, str], opened: Sequence[str]) -> Row:
        """A task's state; each question brings it on."""
        task = self._find(asked, opened)
        status = task.status
        task.polls += 1
        return {"status": status, "message": "Internal error" if status == "FAILED" else ""}

    def download(self, asked: Mapping[str, str], opened: Sequence[str]) -> Response:
        """The file as a stream. Raises Denied before it is done."""
        task = self._find(asked, opened)
        if task.status != "SUCCESS":
            raise Denied(40002, "The task is not finished")
        dimensions, metrics = task.body["dimensions"], task.body.get("metrics") or ["spend", "impressions"]
        plain = task.body.get("enable_report_title_translation", True) is False
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        heading = [*dimensions, *metrics]
        writer.writerow(heading if plain else [name.replace("_", " ").title() for name in heading])
        for row in self._rows(task.body, self.with_deleted):
            writer.writerow(
                [*(row["dimensions"][name] for name in dimensions), *(row["metrics"][name] for name in metrics)]
            )
        return Response(status=200, body=text.getvalue().encode(), headers=(("content-type", "text/csv"),))

    def _find(self, asked: Mapping[str, str], opened: Sequence[str]) -> Task:
        _demand(asked, "task_id", "advertiser_id")
        task = self.made.get(asked.get("task_id", ""))
        if task is None or task.made_at < self._clock() - _KEPT:
            raise Denied(40007, "The task does not exist")
        if asked.get("advertiser_id") != task.advertiser_id or task.advertiser_id not in opened:
            raise Denied(40001, "No permission to operate advertiser")
        return task


def _demand(asked: Mapping[str, Any], *names: str) -> None:
    for name in names:
        if not asked.get(name):
            raise Denied(40002, f"{name} is required")
