"""Streams that are read by reports which the setting `reports` names, in place of the API's own answer or beside it."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from shelftide_amazon import mapping_report_goods, mapping_report_money, mapping_report_sales
from shelftide_amazon.connection import marketplace_of, seller_of, zone_of
from shelftide_amazon.paging import windows
from shelftide_amazon.report_rows import Kind, Source, groups_of, impersonal, rows_of
from shelftide_amazon.reports import File, Report, fetch_made_reports, fetch_report
from shelftide_sdk.connector import Context, Cursor, Page, Reject, Stream, days, map_rows
from shelftide_sdk.errors import ConfigurationError, DataError

REPORTS: Mapping[str, Mapping[str, Kind]] = {
    "orders": mapping_report_sales.ORDERS,
    "sales_days": mapping_report_sales.SALES_DAYS,
    "traffic_days": mapping_report_sales.TRAFFIC_DAYS,
    "stock": mapping_report_goods.STOCK,
    "inbound_shipments": mapping_report_goods.INBOUND,
    "listings": mapping_report_goods.LISTINGS,
    "account_health": mapping_report_goods.HEALTH,
    "payouts": mapping_report_money.PAYOUTS,
    "refunds": mapping_report_money.REFUNDS,
    "fees": mapping_report_money.FEES,
}
_KEPT = days(730)


def chosen(settings: Mapping[str, str], stream: str) -> dict[str, Kind]:
    """The reports that feed a stream. Raises ConfigurationError for a name that no stream can be read by."""
    named = [name.strip() for name in settings.get("reports", "").split(",") if name.strip()]
    unknown = [name for name in named if not any(name in kinds for kinds in REPORTS.values())]
    if unknown:
        raise ConfigurationError(
            f"No stream can be read by the report {unknown[0][:80]!r}.", hint="docs/connectors/amazon.md lists them."
        )
    return {name: REPORTS[stream][name] for name in named if name in REPORTS.get(stream, {})}


async def read_chosen(ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
    """Pages of the reports chosen for a stream: first those that tell how things stand, then by windows of days.

    Where reports stand beside the API, its own answer follows and moves the cursor.
    """
    kinds = chosen(ctx.settings, stream.name)
    dated = {name: kind.longest for name, kind in kinds.items() if kind.longest is not None}
    for name in kinds.keys() - dated.keys():
        for file in await _files(ctx, name, kinds[name], None) or ():
            yield _page(ctx, stream, kinds[name], file)
    if not dated:
        return
    cursor_name = stream.cursor if in_place(kinds) else None
    longest = min(dated.values())
    for window in windows(_start(ctx, stream, cursor, longest), ctx.captured_at, longest):
        for name in dated:
            files = await _files(ctx, name, kinds[name], window)
            cursor_name = None if files is None else cursor_name  # nothing is known from here on
            for file in files or ():
                yield _page(ctx, stream, kinds[name], file)
        if cursor_name:
            yield Page(cursor={cursor_name: window[1].astimezone(UTC).isoformat()})


def in_place(kinds: Mapping[str, Kind]) -> bool:
    """Whether reports stand in the place of the API's own answer."""
    return any(not kind.beside for kind in kinds.values())


async def _files(
    ctx: Context, name: str, kind: Kind, window: tuple[datetime, datetime] | None
) -> Sequence[File] | None:
    """The documents of a report; None where Amazon did not make it."""
    start, end = window or (None, None)
    asked = Report(type=name, marketplace=marketplace_of(ctx.settings), start=start, end=end, options=kind.options)
    if kind.made_by_amazon:
        return [file async for file in fetch_made_reports(ctx, asked)]
    file = await fetch_report(ctx, asked)
    return None if file is None else [file]


def _page(ctx: Context, stream: Stream, kind: Kind, file: File) -> Page:
    market = marketplace_of(ctx.settings)
    source = Source(market=market, seller=seller_of(ctx.settings), zone=zone_of(ctx.settings), at=ctx.captured_at)
    groups = groups_of(kind, [impersonal(row) for row in rows_of(kind, file, market)], source)
    records, rejects = map_rows(groups, lambda rows: kind.map(rows, source), stream.record)
    return Page(records=records, rejects=[_single(reject) for reject in rejects])


def _single(reject: Reject) -> Reject:
    """What is kept of rows that belong together: a row that stands alone is kept as itself."""
    raw: Any = reject.raw
    return Reject(reject.record, reject.reason, raw[0]) if isinstance(raw, list) and len(raw) == 1 else reject


def _start(ctx: Context, stream: Stream, cursor: Cursor | None, longest: timedelta) -> datetime:
    if not stream.cursor:
        return ctx.captured_at - longest
    try:
        return max(ctx.start(stream, cursor), ctx.captured_at - _KEPT)
    except ValueError as error:
        raise DataError("the saved place in the reports is not a time") from error
