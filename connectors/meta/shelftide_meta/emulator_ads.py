"""The emulated Marketing API: entities, and reports as jobs that take their time, fail, or are too large."""

import json
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from shelftide_meta import emulator_ads_facts as facts
from shelftide_meta.emulator_door import GraphFault, MetaDoor
from shelftide_meta.emulator_fields import Row, parse_fields, project
from shelftide_sdk.testing.emulator import Request
from shelftide_sdk.testing.world.model import Brand, stable_id

NETWORK = "meta-ads"
MOST_ROWS = 1500
_STATES = (("Job Not Started", 0), ("Job Running", 40), ("Job Completed", 95), ("Job Completed", 100))
_KEPT = timedelta(days=1127)  # 37 months
_HIDDEN = frozenset({"DELETED", "ARCHIVED"})


class Run(msgspec.Struct, kw_only=True):
    """A job with its rows; `polls` counts how often it was asked for. `failure` is said at the end."""

    user: str
    rows: list[Row]
    polls: int = 0
    failure: str = ""


class AdsNodes:
    """Answers about ad accounts, their objects and reports."""

    def __init__(self, door: MetaDoor) -> None:
        self._door = door
        self._world = door.world
        self._runs: dict[str, Run] = {}
        self._asked: dict[str, int] = {}

    def accounts(self, user: str) -> list[Row]:
        """Ad accounts of a user."""
        return [facts.account_row(brand) for brand in self._door.brands_of(user) if NETWORK in brand.accounts]

    def node(self, user: str, number: str, fields: str) -> Row | None:
        """An ad account or a job; None for what is neither."""
        for row in self.accounts(user):
            if row["id"] == number:
                return project(row, parse_fields(fields or "id"))
        run = self._runs.get(number)
        return self._state(number, run) if run is not None and run.user == user else None

    def edge(self, request: Request, user: str, number: str, name: str) -> Row | None:
        """An edge of an ad account, a campaign, an ad set or a job."""
        run = self._runs.get(number)
        if run is not None and run.user == user and name == "insights":
            if run.polls < len(_STATES) or run.failure:
                raise GraphFault("(#100) The report is not ready", code=100)
            return self._door.edge(request, run.rows, most=500)
        for brand in self._door.brands_of(user):
            rows = facts.entity_rows(self._world, brand, name)
            if number == brand.accounts.get(NETWORK):
                return self._door.edge(request, self._filtered(request, rows))
            under = [row for row in rows if number in (row.get("campaign_id"), row.get("adset_id"))]
            if under:
                return self._door.edge(request, self._filtered(request, under))
        return None

    def _filtered(self, request: Request, rows: Sequence[Row]) -> list[Row]:
        rules = _json(request, "filtering", [])
        wanted = [set(rule["value"]) for rule in rules if str(rule.get("field", "")).endswith("effective_status")]
        if not wanted:
            return [row for row in rows if row["effective_status"] not in _HIDDEN]
        found = [row for row in rows if all(row["effective_status"] in values for values in wanted)]
        if "schema-drift" in self._door.scenarios:
            found = [
                row | {"effective_status": "ON_THE_MOON"} if number % 3 == 0 else row
                for number, row in enumerate(found)
            ]
        return found

    # -- jobs ----------------------------------------------------------------------------------------------------

    def begin(self, request: Request, user: str) -> Row:
        """Take a job."""
        brand = next((b for b in self._door.brands_of(user) if b.accounts.get(NETWORK) == request.match["id"]), None)
        if brand is None:
            raise GraphFault("(#100) No such ad account", code=100, subcode=33)
        rows = self._rows(request, brand)
        key = json.dumps({name: value for name, value in request.query if name != "appsecret_proof"}, sort_keys=True)
        self._asked[key] = self._asked.get(key, 0) + 1
        failure = ""
        if len(rows) > MOST_ROWS:
            failure = "Please reduce the amount of data you're asking for, then retry your request"
        elif self._asked[key] == 1 and stable_id("bad-luck", key) % 4 == 0:
            failure = "Something went wrong"
        number = str(6_000_000_000_000 + len(self._runs))
        self._runs[number] = Run(user=user, rows=rows, failure=failure)
        return {"report_run_id": number}

    def _state(self, number: str, run: Run) -> Row:
        status, percent = _STATES[min(run.polls, len(_STATES) - 1)]
        run.polls += 1
        row: Row = {"id": number, "async_status": status, "async_percent_completion": percent}
        if run.failure and run.polls > 2:
            return row | {"async_status": "Job Failed", "async_percent_completion": 0, "error_message": run.failure}
        return row

    def _rows(self, request: Request, brand: Brand) -> list[Row]:
        window = _json(request, "time_range", {})
        first, last = (date.fromisoformat(str(window.get(name))) for name in ("since", "until"))
        today = self._world.now.astimezone(ZoneInfo(brand.zone)).date()
        if first < today - _KEPT:
            raise GraphFault("(#3018) The start date of the time range cannot be beyond 37 months", code=3018)
        if first > last:
            raise GraphFault("(#100) since is after until", code=100)
        ids = {rule["field"]: set(rule["value"]) for rule in _json(request, "filtering", [])}
        shown = facts.Shown(
            windows=tuple(_json(request, "action_attribution_windows", [])),
            breakdown=request.params.get("breakdowns", ""),
            restated="restate" in self._door.scenarios,
            drifted="schema-drift" in self._door.scenarios,
        )
        found = facts.insight_rows(self._world, brand, (first, last), shown)
        kept = [row for row in found if _is_kept(row, ids)]
        fields = request.params.get("fields", "").split(",")
        return [{name: row[name] for name in (*fields, shown.breakdown) if name in row} for row in kept]


def _is_kept(row: Row, ids: dict[str, set[str]]) -> bool:
    return all(row[f"{field.split('.', maxsplit=1)[0]}_id"] in values for field, values in ids.items())


def _json(request: Request, name: str, default: Any) -> Any:
    text = request.params.get(name)
    if not text:
        return default
    found = json.loads(text)
    if not isinstance(found, type(default)):
        raise GraphFault(f"(#100) param {name} must be of another type", code=100)
    return found
