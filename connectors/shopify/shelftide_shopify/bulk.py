"""Bulk operations: one job, one JSONL file, children joined to their parents by id.

A child line may come far from its parent, so the file is read to its end into a scratch database on disk before the
first row leaves. Source: shopify.dev on bulk operations.
"""

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Any

from shelftide_sdk.connector import Reject
from shelftide_sdk.errors import AuthorizationError, ConnectorError, ContractError, TransientError
from shelftide_shopify.door import Door
from shelftide_shopify.queries import BULK_POLL, BULK_RUN
from shelftide_shopify.replies import decode

_TYPE = re.compile(r"gid://shopify/(\w+)/")
_PLACES = {
    "LineItem": ("lineItems",),
    "CustomerVisit": ("customerJourneySummary", "moments"),
    "ProductVariant": ("variants",),
}
_CONNECTIONS = {"Order": (("lineItems",), ("customerJourneySummary", "moments")), "Product": (("variants",),)}
_BATCH = 2_000
_TOGETHER = 250
_FIRST_POLL_SECONDS = 0.2
_LONGEST_POLL_SECONDS = 10.0


class BulkUnavailableError(TransientError):
    """Shopify does not run the job: another one is in progress, or it failed. Paging reads the same rows."""


async def start_job(door: Door, query: str) -> str:
    """Start a bulk operation and return its id.

    Raises:
        BulkUnavailableError: too many are running.
        ContractError: the query is not accepted.
    """
    payload = (await door.query(BULK_RUN, query=query)).get("bulkOperationRunQuery") or {}
    errors = payload.get("userErrors") or []
    if errors:
        reason = "; ".join(str(error.get("message")) for error in errors)
        if {error.get("code") for error in errors} & {"OPERATION_IN_PROGRESS", "LIMIT_REACHED"}:
            raise BulkUnavailableError("Shopify runs no further bulk operation now", detail=reason)
        raise ContractError("Shopify does not accept the bulk query", detail=reason)
    if not payload.get("bulkOperation"):
        raise ContractError("Shopify started no bulk operation and named no error")
    return str(payload["bulkOperation"]["id"])


async def await_job(door: Door, job_id: str, seconds: float) -> Mapping[str, Any]:
    """Poll until the job is complete, for `seconds` at most.

    Raises:
        BulkUnavailableError: it failed, was cancelled, expired, or is unknown.
        TransientError: it still runs.
    """
    pause, waited = _FIRST_POLL_SECONDS, 0.0
    while True:
        job = (await door.query(BULK_POLL, id=job_id)).get("bulkOperation")
        if job is None:
            raise BulkUnavailableError("Shopify no longer knows the bulk operation", detail=job_id)
        if job["status"] == "COMPLETED":
            return dict(job)
        if job["status"] not in ("CREATED", "RUNNING", "CANCELING"):
            raise _failure(job)
        if waited >= seconds:
            raise TransientError("Shopify's bulk operation still runs", detail=job_id)
        await asyncio.sleep(pause)
        waited += pause
        pause = min(pause * 1.5, _LONGEST_POLL_SECONDS)


def _failure(job: Mapping[str, Any]) -> ConnectorError:
    # partialDataUrl is left alone: what it holds is by definition not everything.
    detail = f"{job['id']} {job['status']} {job.get('errorCode')}"
    if job.get("errorCode") == "ACCESS_DENIED":
        return AuthorizationError("The app may not read all that the bulk operation asks for", detail=detail)
    return BulkUnavailableError("Shopify's bulk operation did not complete", detail=detail)


class ResultFile:
    """A bulk result on disk, indexed by parent."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        self._db.execute("CREATE TABLE line (id TEXT, parent TEXT, body BLOB)")
        self.lines = 0

    async def load(self, lines: AsyncIterator[bytes], promised: int) -> None:
        """Read every line, then count them. Raises TransientError for a damaged or short file."""
        batch: list[tuple[str | None, str | None, bytes]] = []
        async for line in lines:
            if not line.strip():
                continue
            batch.append(_parse(line))
            self.lines += 1
            if len(batch) >= _BATCH:
                self._insert(batch)
        self._insert(batch)
        if self.lines != promised:
            raise TransientError(
                "Shopify's bulk file is not complete", detail=f"{self.lines} lines of {promised} promised"
            )
        self._db.execute("CREATE INDEX by_parent ON line (parent)")
        self._db.execute("CREATE INDEX by_id ON line (id)")

    def _insert(self, batch: list[tuple[str | None, str | None, bytes]]) -> None:
        self._db.executemany("INSERT INTO line VALUES (?, ?, ?)", batch)
        batch.clear()

    def rows(self) -> Iterator[dict[str, Any]]:
        """Top-level rows in the file's order, each with its children in place. A repeated line counts once."""
        roots = self._db.execute(
            "SELECT id, body FROM line WHERE parent IS NULL AND id IS NOT NULL GROUP BY id ORDER BY min(rowid)"
        )
        while found := roots.fetchmany(_TOGETHER):
            children = self._children([key for key, _ in found])
            for key, body in found:
                row = _read(body)
                for place in _CONNECTIONS.get(_type(key), ()):
                    _connection(row, place)
                for child_id, child in children.get(key, {}).items():
                    held = _connection(row, _PLACES[_type(child_id)]) if _type(child_id) in _PLACES else None
                    if held is not None:
                        held.append(_read(child))
                yield row

    def _children(self, parents: Sequence[str]) -> dict[str, dict[str, bytes]]:
        """Children by parent and id, in the file's order."""
        marks = ", ".join("?" * len(parents))
        query = f"SELECT parent, id, body FROM line WHERE parent IN ({marks}) AND id IS NOT NULL ORDER BY rowid"  # noqa: S608  # question marks only
        found: dict[str, dict[str, bytes]] = {}
        for parent, key, body in self._db.execute(query, parents):
            found.setdefault(parent, {}).setdefault(key, body)
        return found

    def rejects(self, record: str) -> list[Reject]:
        """Lines that belong nowhere: without an id, of an unknown type, or with a parent that the file lacks."""
        orphans = (
            "SELECT body FROM line WHERE id IS NULL"
            " OR (parent IS NOT NULL AND parent NOT IN (SELECT id FROM line WHERE id IS NOT NULL))"
        )
        found = [
            Reject(record, "a line of the bulk file that cannot be joined", _read(body))
            for (body,) in self._db.execute(orphans)
        ]
        strangers = self._db.execute("SELECT id, body FROM line WHERE parent IS NOT NULL AND id IS NOT NULL")
        found.extend(
            Reject(record, "a line of the bulk file of an unknown type", _read(body))
            for key, body in strangers
            if _type(key) not in _PLACES
        )
        return found


@contextmanager
def result_file() -> Iterator[ResultFile]:
    """A scratch result file, gone afterwards. SQLite keeps it in memory while small and on disk when large."""
    with closing(sqlite3.connect("")) as connection:
        yield ResultFile(connection)


def _parse(line: bytes) -> tuple[str | None, str | None, bytes]:
    try:
        value = decode(line)
    except ValueError as error:
        raise TransientError("Shopify's bulk file is damaged", detail=f"not JSON: {line[:80]!r}") from error
    if not isinstance(value, dict):
        return None, None, line
    key = value.get("id")
    return (key if isinstance(key, str) else None), value.get("__parentId"), line


def _read(line: bytes) -> Any:
    """A line's row, as it would stand in a page."""
    value = decode(line)
    if isinstance(value, dict):
        value.pop("__parentId", None)
    return value


def _type(key: str) -> str:
    found = _TYPE.match(key)
    return found[1] if found else ""


def _connection(row: dict[str, Any], place: tuple[str, ...]) -> list[Any] | None:
    """The list of children at `place`, made where it is missing; None where the object around it is null."""
    holder: Any = row
    for name in place[:-1]:
        holder = holder.get(name)
        if holder is None:
            return None
    if holder.get(place[-1]) is None:  # absent, or null because the object around it was not ready
        holder[place[-1]] = {"nodes": []}
    children: list[Any] = holder[place[-1]]["nodes"]
    return children
