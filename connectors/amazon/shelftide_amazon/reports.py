"""Reports of SP-API: asked for, waited for, fetched without a token, unpacked.

A report that was asked for too often ends as CANCELLED or FATAL; then one that is already there is taken, and nothing
is asked again. CANCELLED means no data only where Amazon looked and nobody had asked for the same before.
"""

import asyncio
import re
import zlib
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from typing import Any, NoReturn

import msgspec

from shelftide_amazon.auth import seller_api
from shelftide_amazon.marketplaces import Marketplace
from shelftide_amazon.paging import Listing, get_pages, stamp
from shelftide_amazon.replies import body_of
from shelftide_amazon.tables import decode
from shelftide_amazon.values import maybe_moment, moment, node_of, row_of, word
from shelftide_sdk.connector import Context
from shelftide_sdk.errors import AuthorizationError, ContractError, DataError, TransientError

REPORTS = "/reports/2021-06-30/reports"
DOCUMENTS = "/reports/2021-06-30/documents"
_LIST = Listing(path=REPORTS, rows=("reports",), token=("nextToken",), param="nextToken", alone=True, cost=0.75)
# One budget covers making (one in a minute), listing and asking for a state (two in a second).
_STATE_COST = 0.0084
_FIRST_WAIT, _LONGEST_WAIT = 5.0, 60.0
_PATIENCE = timedelta(hours=2)
_RECENT = timedelta(hours=4)
_LISTED = timedelta(days=89.9)
_LARGEST = 256 * 2**20
_WAITING = ("IN_QUEUE", "IN_PROGRESS")
_ENDED = ("DONE", "CANCELLED", "FATAL")


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for. Without a window the report tells how things stand."""

    type: str
    marketplace: Marketplace
    start: datetime | None = None
    end: datetime | None = None
    options: Mapping[str, str] = {}


class File(msgspec.Struct, frozen=True, kw_only=True):
    """A fetched document, unpacked."""

    content: bytes
    charset: str | None

    def text(self, country: str) -> str:
        """As text, in the marketplace's encoding."""
        return decode(self.content, self.charset, country)


async def fetch_report(ctx: Context, report: Report) -> File | None:
    """The document of a report, or None when Amazon has none.

    Raises:
        TransientError: the report failed or was cancelled unmade, does not end, or its document is cut.
        ContractError: replies that cannot be understood.
    """
    report_id = await _create(ctx, report)
    state = await wait(ctx, REPORTS, report_id)
    if state["processingStatus"] != "DONE":
        ctx.log.info("report %s ended as %s", report.type, state["processingStatus"])
        found = await _instead(ctx, report, report_id)
        if found is None:
            return None
        state = await wait(ctx, REPORTS, found.id) if found.status in _WAITING else found.row
        if state["processingStatus"] != "DONE":
            await _complain(ctx, report, state)
    document = node_of(state, "a report that is done", "reportDocumentId")["reportDocumentId"]
    return await fetch_document(ctx, str(document))


async def _create(ctx: Context, report: Report) -> str:
    body: dict[str, Any] = {"reportType": report.type, "marketplaceIds": [report.marketplace.id]}
    if report.start is not None:
        body["dataStartTime"] = stamp(report.start)
    if report.end is not None:
        body["dataEndTime"] = stamp(report.end)
    if report.options:
        body["reportOptions"] = dict(report.options)
    response = await ctx.client.post(seller_api(ctx.settings) + REPORTS, json=body)
    return known_id(node_of(body_of(response), "createReport", "reportId")["reportId"])


def known_id(value: Any) -> str:
    """An id of a job or a document, which becomes part of a path. Raises ContractError for anything else."""
    if not isinstance(value, str) or not re.fullmatch(r"[\w.:-]{1,200}", value):
        raise ContractError("a job's id is not one")
    return value


async def wait(ctx: Context, path: str, job_id: str) -> Mapping[str, Any]:
    """How a job under `path` ended: DONE, CANCELLED or FATAL.

    Raises:
        TransientError: it does not end in two hours.
        ContractError: a state that nobody knows.
    """
    pause, waited = _FIRST_WAIT, 0.0
    while waited < _PATIENCE.total_seconds():
        url = f"{seller_api(ctx.settings)}{path}/{job_id}"
        state = node_of(body_of(await ctx.client.get(url, cost=_STATE_COST)), "a job's state", "processingStatus")
        status = state["processingStatus"]
        if status in _ENDED:
            return state
        if status not in _WAITING:
            raise ContractError(f"a report is in a state that nobody knows: {str(status)[:40]!r}")
        await asyncio.sleep(pause)
        waited += pause
        pause = min(pause * 2, _LONGEST_WAIT)
    raise TransientError("Amazon has not finished a job in two hours; the next read asks again.")


class _Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A report as the list of reports tells it."""

    id: str
    status: str
    created_at: datetime
    begun: bool
    row: Mapping[str, Any]


async def _instead(ctx: Context, report: Report, report_id: str) -> _Listed | None:
    """What to take for a report that ended without a document: one of the last hours of the same window that is done,
    is being made or has failed; or None, where Amazon looked and found nothing to tell.

    Reports API 2021-06-30: CANCELLED is "an explicit cancellation request before the report starts processing, or an
    automatic cancellation if there is no data to return"; sellers see it too when the same is asked for too often. So
    it means no data only for the first request of its window, and only where making it began.

    Raises:
        TransientError: it was cancelled before anybody looked.
        ContractError: a list that does not tell, for then rows would be lost in silence.
    """
    found = await _listed(ctx, report)
    if all(each.id != report_id for each in found):
        raise ContractError("the list of reports lacks the one that was just asked for")
    for states in (("DONE",), _WAITING):
        for each in found:
            if each.status in states:
                return each
    first = min(found, key=lambda each: each.created_at)
    if first.status == "FATAL":
        return first
    if not first.begun:
        raise TransientError(f"The report {report.type} was cancelled before it was made; the next read asks again.")
    return None


async def _listed(ctx: Context, report: Report) -> list[_Listed]:
    """Reports of the last hours that hold the same window. Raises ContractError for a row that does not say so."""
    asked = {
        "reportTypes": report.type,
        "processingStatuses": "DONE,IN_PROGRESS,IN_QUEUE,CANCELLED,FATAL",
        "marketplaceIds": report.marketplace.id,
        "createdSince": stamp(ctx.clock.now() - _RECENT),
    }
    found = []
    async for step in get_pages(ctx, _LIST, asked):
        for row in step.rows:
            try:
                each = _read_row(row, report)
            except DataError as error:
                raise ContractError(f"the list of reports cannot be understood: {error.message}") from error
            found += [each] if _covers(each.row, report) else []
    return found


def _read_row(value: Any, report: Report) -> _Listed:
    row = row_of(value, "a report")
    if word(row, "reportType") != report.type:
        raise DataError("a report of another type than was asked for")
    if report.start is not None:
        moment(row.get("dataStartTime"), "dataStartTime")
        moment(row.get("dataEndTime"), "dataEndTime")
    status = word(row, "processingStatus")
    if status not in (*_WAITING, *_ENDED):
        raise DataError(f"a state that nobody knows: {status[:40]!r}")
    if status == "DONE":
        word(row, "reportDocumentId")
    return _Listed(
        id=known_id(row.get("reportId")),
        status=status,
        created_at=moment(row.get("createdTime"), "createdTime"),
        begun=maybe_moment(row, "processingStartTime") is not None,
        row=row,
    )


async def fetch_made_reports(ctx: Context, report: Report) -> AsyncIterator[File]:
    """The documents of reports that Amazon makes by itself, by when it made them. It keeps them for 90 days."""
    asked = {"reportTypes": report.type, "processingStatuses": "DONE", "marketplaceIds": report.marketplace.id}
    if report.start is not None and report.end is not None:
        oldest = ctx.captured_at - _LISTED
        if report.end <= oldest:
            return
        asked |= {"createdSince": stamp(max(report.start, oldest)), "createdUntil": stamp(report.end)}
    async for step in get_pages(ctx, _LIST, asked):
        for row in step.rows:
            yield await fetch_document(
                ctx, str(node_of(row, "the list of reports", "reportDocumentId")["reportDocumentId"])
            )


def _covers(row: Mapping[str, Any], report: Report) -> bool:
    """Whether a report holds all that is wanted."""
    if report.start is None or report.end is None:
        return True
    start, end = moment(row["dataStartTime"], "dataStartTime"), moment(row["dataEndTime"], "dataEndTime")
    return start <= report.start and end >= report.end.replace(microsecond=0)


async def _complain(ctx: Context, report: Report, state: Mapping[str, Any]) -> NoReturn:
    """Raise TransientError for a report that failed, with the reason that its document may tell."""
    reason = ""
    if state["processingStatus"] == "FATAL" and state.get("reportDocumentId"):
        found = await fetch_document(ctx, str(state["reportDocumentId"]))
        reason = found.content[:200].decode("utf-8", "replace")
    raise TransientError(f"Amazon could not make the report {report.type}.", detail=reason)


async def fetch_document(ctx: Context, document_id: str, path: str = DOCUMENTS, key: str = "url") -> File:
    """A document. Its address lives five minutes: where it has died, it is asked for once more."""
    address = f"{seller_api(ctx.settings)}{path}/{known_id(document_id)}"
    for last in (False, True):
        node = node_of(body_of(await ctx.client.get(address)), "a document", key)
        try:
            response = await ctx.client.get(str(node[key]))
        except AuthorizationError:
            if last:
                raise
            continue
        content = unpack(response.content, node.get("compressionAlgorithm"))
        return File(content=content, charset=response.charset_encoding)
    raise AssertionError("the loop returns or raises")  # pragma: no cover


def unpack(content: bytes, algorithm: Any) -> bytes:
    """Plain content. Raises TransientError for what is cut, ContractError for another algorithm or a bomb."""
    if algorithm is None:
        return content
    if algorithm != "GZIP":
        raise ContractError(f"a document is packed in a way that nobody knows: {str(algorithm)[:40]!r}")
    return gunzip(content)


def gunzip(content: bytes) -> bytes:
    """Unpacked content, up to 256 MB. Raises TransientError for what is cut or is no gzip, ContractError for more."""
    found = bytearray()
    while content or not found:
        unpacker = zlib.decompressobj(wbits=31)
        try:
            found += unpacker.decompress(content, _LARGEST + 1 - len(found))
        except zlib.error as error:
            raise TransientError("a result file is no gzip or is damaged") from error
        if len(found) > _LARGEST:
            raise ContractError("a result file is larger than 256 MB unpacked")
        if not unpacker.eof:
            raise TransientError("a result file is cut")
        content = unpacker.unused_data
        if not content.strip(b"\0"):
            break  # padding behind the last member
    return bytes(found)
