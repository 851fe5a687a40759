"""TikTok Ads: campaigns, ad groups, ads, daily figures by level and cut by gender, age, country, system and hour."""

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any, ClassVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from shelftide_sdk.auth import OAuth2
from shelftide_sdk.bodies import read_json
from shelftide_sdk.client import Budget
from shelftide_sdk.connector import (
    Account,
    Connector,
    ConnectorInfo,
    Context,
    Cursor,
    Health,
    HealthState,
    Mapped,
    Page,
    SettingField,
    Stream,
    days,
    map_rows,
    promised,
)
from shelftide_sdk.errors import AuthorizationError, ConfigurationError, ConnectorError, ContractError, DataError
from shelftide_sdk.parallel import side_by_side
from shelftide_sdk.records import Ad, AdBreakdownDay, AdDay, AdGroup, AdLevel, Campaign, Record
from shelftide_tiktok import ads_tasks
from shelftide_tiktok.ads_tasks import Tasks
from shelftide_tiktok.auth import ADS_API, ADS_AUTH
from shelftide_tiktok.mapping_ads import (
    AUDIENCE_METRICS,
    ID_OF,
    METRICS,
    Advertiser,
    map_ad,
    map_ad_day,
    map_ad_group,
    map_advertiser,
    map_breakdown,
    map_campaign,
)
from shelftide_tiktok.replies import classify_organic
from shelftide_tiktok.values import Row, data_of, listed, whole

PAGE_SIZE = 1000
WINDOW_DAYS = 30  # first and last day included
MOST_ADVERTISERS = 100
_MOST_PAGES = 10_000
# Conversions of past days grow for up to a week.
_LOOKBACK = days(7)
# An hourly report takes a call a day: two weeks show the habit.
_HOURS = days(14)
_ALL = {"campaign": "CAMPAIGN_STATUS_ALL", "adgroup": "ADGROUP_STATUS_ALL", "ad": "AD_STATUS_ALL"}
_NEW_TASK = "/open_api/v1.3/report/task/create/"
_BATCH = 5_000
_AT_ONCE = 10  # reports that are under way together: an app has ten calls a second
_LEVELS = {AdLevel.CAMPAIGN: "AUCTION_CAMPAIGN", AdLevel.AD_GROUP: "AUCTION_ADGROUP", AdLevel.AD: "AUCTION_AD"}
_TOTAL = "AUCTION_ADVERTISER"
_BY_TASK = (AdLevel.AD_GROUP, AdLevel.AD)
# Our dimension -> the platform's. The word of the reply is the bucket.
BREAKDOWNS = {"gender": "gender", "age": "age", "country": "country_code", "os": "platform"}

Report = dict[str, Any]
Cut = Callable[[Row], Mapped]


class TikTokAds(Connector):
    """One advertiser. Settings `advertiser_id`, `currency` and `zone` come from the account; the last two are looked
    up when they are missing. With `totals` days are those of the account."""

    info: ClassVar[ConnectorInfo] = ConnectorInfo(
        name="tiktok-ads",
        title="TikTok Ads",
        platform="tiktok-ads",
        api_requires=(1, 0),
        hosts=("business-api.tiktok.com",),
        tier="gold",
        settings=(
            SettingField(name="totals", title="Days of the whole account only (yes; empty: no)", pattern=r"(yes)?"),
        ),
        # The default tier: 600 calls a minute for an app and endpoint, 10 a second.
        budgets=(
            Budget(name="tiktok ads a minute", calls=600, seconds=60, scope="app", endpoints="/open_api/"),
            Budget(name="tiktok ads a second", calls=10, seconds=1, scope="app", endpoints="/open_api/"),
            Budget(name="tiktok ads tasks a second", calls=1, seconds=1, scope="app", endpoints=_NEW_TASK),
            Budget(name="tiktok ads tasks an hour", calls=500, seconds=3600, scope="app+account", endpoints=_NEW_TASK),
        ),
        docs_url="https://business-api.tiktok.com/portal/docs",
        emulator="shelftide_tiktok.emulator:TikTokAdsEmulator",
    )
    auth: ClassVar[OAuth2] = ADS_AUTH
    streams: ClassVar[tuple[Stream, ...]] = (
        Stream("campaigns", Campaign, whole=True),
        Stream("ad_groups", AdGroup, whole=True),
        Stream("ads", Ad, whole=True),
        Stream("ad_days", AdDay, (), "stat_time_day", _LOOKBACK),
        Stream("ad_breakdown_days", AdBreakdownDay, (), "stat_time_day", _LOOKBACK),
    )

    @classmethod
    def classify(cls, response: Any) -> ConnectorError | None:
        """Errors in HTTP 200 included, by the table of the Accounts API. A report's file is no envelope."""
        path = urlsplit(str(response.request.url)).path
        if path.endswith(ads_tasks.DOWNLOAD) and response.status_code == 200 and response.content[:1] != b"{":
            return None
        return classify_organic(response)

    async def check(self, ctx: Context) -> Health:
        """Read the advertiser: a limited one shows figures but runs nothing."""
        try:
            row = await _advertiser_row(ctx)
        except AuthorizationError as error:
            return Health(state=HealthState.RECONNECT, reason=error.message, step=error.hint)
        if str(row.get("status")) != "STATUS_ENABLE":
            return Health(
                state=HealthState.DEGRADED,
                reason=f"the advertiser's status is {row.get('status')}",
                step="Look at the account's notices in TikTok Ads Manager.",
            )
        return Health(state=HealthState.OK)

    async def accounts(self, ctx: Context) -> list[Account]:
        """All advertisers that the token lists, with their currencies and zones."""
        response = await ctx.client.get(f"{ADS_API}oauth2/advertiser/get/")
        call = "oauth2/advertiser/get/"
        found = listed(data_of(_exact(response), call), "list", call)
        ids = [str(row["advertiser_id"]) for row in found if isinstance(row, dict) and row.get("advertiser_id")]
        accounts: list[Account] = []
        for start in range(0, len(ids), MOST_ADVERTISERS):
            accounts += map(_account, await _advertisers(ctx, ids[start : start + MOST_ADVERTISERS]))
        return accounts

    async def read(self, ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
        """Pages of a stream; each one's cursor resumes after a crash."""
        of = await _advertiser(ctx)
        entities: Mapping[str, tuple[str, Callable[[Row, Advertiser], Mapped], type[Record]]] = {
            "campaigns": ("campaign", map_campaign, Campaign),
            "ad_groups": ("adgroup", map_ad_group, AdGroup),
            "ads": ("ad", map_ad, Ad),
        }
        if stream.name in entities:
            kind, mapping, record = entities[stream.name]
            async for rows, count in _entities(ctx, kind, of):
                yield msgspec.structs.replace(_page(rows, lambda row: mapping(row, of), record), total=count)
        elif stream.name == "ad_days":
            async for page in self._ad_days(ctx, stream, cursor, of):
                yield page
        else:
            async for page in self._breakdowns(ctx, stream, cursor, of):
                yield page

    async def _ad_days(
        self, ctx: Context, stream: Stream, cursor: Cursor | None, of: Advertiser
    ) -> AsyncIterator[Page]:
        start, today = _bounds(ctx, stream, cursor, of)
        levels = (AdLevel.ACCOUNT,) if _is_whole(ctx) else tuple(_LEVELS)
        past = ads_tasks.past_windows(ads_tasks.saved_tasks(cursor), start, today, _LOOKBACK.days)
        place = {name: value for name, value in (cursor or {}).items() if name == stream.cursor}
        for window in () if _is_whole(ctx) else past:
            async for page in _past(ctx, of, window, place):
                yield page
            place = _place(window.last, of)
            start = window.last + timedelta(days=1)
        reads: list[Callable[[], AsyncIterator[Page]]] = []
        for first, last in _windows(start, today):
            reads += [partial(_level_days, ctx, of, first, last, level) for level in levels]
            reads.append(partial(_end, last, of))
        async for page in side_by_side(reads, _AT_ONCE):
            yield page

    async def _breakdowns(
        self, ctx: Context, stream: Stream, cursor: Cursor | None, of: Advertiser
    ) -> AsyncIterator[Page]:
        async def cut(report: Report, dimension: str, name: str) -> AsyncIterator[Page]:
            async for rows in _rows(ctx, report):
                yield _cut(rows, of, dimension, name)

        level, key = (_TOTAL, "advertiser_id") if _is_whole(ctx) else ("AUCTION_CAMPAIGN", "campaign_id")
        recent = (ctx.captured_at - _HOURS).astimezone(ZoneInfo(of.zone)).date()
        reads: list[Callable[[], AsyncIterator[Page]]] = []
        for first, last in _windows(*_bounds(ctx, stream, cursor, of)):
            for dimension, name in BREAKDOWNS.items():
                wanted = (key, "stat_time_day", name)
                report = _report(of, first, last, level, wanted, AUDIENCE_METRICS, kind="AUDIENCE")
                reads.append(partial(cut, report, dimension, name))
            for day in _days(max(first, recent), last):
                hourly = (key, "stat_time_hour")
                report = _report(of, day, day, level, hourly, (*AUDIENCE_METRICS, "conversion"))
                reads.append(partial(cut, report, "hour", "stat_time_hour"))
            reads.append(partial(_end, last, of))
        async for page in side_by_side(reads, _AT_ONCE):
            yield page


def _is_whole(ctx: Context) -> bool:
    """Whether days are those of the whole account, not of its campaigns, ad groups and ads."""
    return ctx.settings.get("totals") == "yes"


async def _end(last: date, of: Advertiser) -> AsyncIterator[Page]:
    """What a window ends with: its cursor."""
    yield Page(cursor=_place(last, of))


def _place(last: date, of: Advertiser) -> Cursor:
    return {"stat_time_day": _midnight(last, of).isoformat()}


# -- days of ads ------------------------------------------------------------------------------------------------------


async def _level_days(ctx: Context, of: Advertiser, first: date, last: date, level: AdLevel) -> AsyncIterator[Page]:
    """A level's days by synchronous reports."""
    async for rows in _rows(ctx, _level_report(of, first, last, level)):
        yield _page(rows, partial(map_ad_day, of=of, level=level), AdDay)


def _level_report(of: Advertiser, first: date, last: date, level: AdLevel) -> Report:
    name = _LEVELS.get(level, _TOTAL)
    return _report(of, first, last, name, (ID_OF[level], "stat_time_day"), METRICS)


async def _past(ctx: Context, of: Advertiser, window: Tasks, place: Cursor) -> AsyncIterator[Page]:
    """A long window: campaigns synchronously, groups and ads by tasks that a later read finds again."""
    ids: dict[str, str] = {}
    for level in _BY_TASK:
        held = window.ids.get(level)
        if held is None or await ads_tasks.is_lost(ctx, of.advertiser_id, held):
            held = await ads_tasks.create(ctx, _level_report(of, window.first, window.last, level))
        ids |= {level.value: held} if held else {}
    window = msgspec.structs.replace(window, ids=ids)
    yield Page(cursor={**place, "tasks": msgspec.to_builtins(window)})
    campaigns: list[Record] = []
    async for page in _whole_level(ctx, of, window, AdLevel.CAMPAIGN):
        campaigns += page.records
        yield page
    for level in _BY_TASK:
        async for page in _task_days(ctx, of, window, level, ads_tasks.spend_by_day(campaigns)):
            yield page
    yield Page(cursor=_place(window.last, of))


async def _whole_level(ctx: Context, of: Advertiser, window: Tasks, level: AdLevel) -> AsyncIterator[Page]:
    windows = _windows(window.first, window.last)
    reads = [partial(_level_days, ctx, of, first, last, level) for first, last in windows]
    async for page in side_by_side(reads, _AT_ONCE):
        yield page


async def _task_days(
    ctx: Context, of: Advertiser, window: Tasks, level: AdLevel, spent: Mapping[date, tuple[Decimal, int]]
) -> AsyncIterator[Page]:
    """A level's days from its task; synchronously where there is none or its days do not add up to the campaigns'."""
    if task_id := window.ids.get(level):
        report = _level_report(of, window.first, window.last, level)
        rows, broken = await ads_tasks.fetch(ctx, report, task_id)
        page = _page(rows, partial(map_ad_day, of=of, level=level), AdDay)
        if ads_tasks.adds_up(ads_tasks.spend_by_day(page.records), spent):
            yield Page(rejects=[*page.rejects, *broken])
            for start in range(0, len(page.records), _BATCH):
                yield Page(records=page.records[start : start + _BATCH])
            return
        ctx.log.warning("the report of %s does not add up to the campaigns: it is read day by day", level.value)
    async for page in _whole_level(ctx, of, window, level):
        yield page


def _account(row: Row) -> Account:
    of, name = map_advertiser(row)
    return Account(
        source_id=of.advertiser_id,
        name=name,
        kind="advertiser",
        currency=of.currency,
        zone=of.zone,
        country=row.get("country") or None,
        settings={"advertiser_id": of.advertiser_id, "currency": of.currency, "zone": of.zone},
    )


async def _advertiser(ctx: Context) -> Advertiser:
    """The advertiser of the connection, from the settings or, when they say too little, from the platform."""
    held = {name: ctx.settings.get(name, "") for name in ("currency", "zone")}
    if all(held.values()):
        of = Advertiser(advertiser_id=_advertiser_id(ctx), **held)
    else:
        try:
            of, _ = map_advertiser(await _advertiser_row(ctx))
        except DataError as error:
            raise ContractError(f"advertiser/info/: {error.message}") from error
    try:
        ZoneInfo(of.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ContractError(f"the advertiser's time zone is unknown: {of.zone[:60]!r}") from error
    return of


def _advertiser_id(ctx: Context) -> str:
    found = ctx.settings.get("advertiser_id", "")
    if not found:
        raise ConfigurationError("The connection does not say which advertiser it is for.", hint="Reconnect it.")
    return found


async def _advertiser_row(ctx: Context) -> Row:
    rows = await _advertisers(ctx, [_advertiser_id(ctx)])
    if not rows:
        raise AuthorizationError("The token no longer opens this advertiser.", hint="Reconnect the account.")
    return rows[0]


async def _advertisers(ctx: Context, ids: Sequence[str]) -> list[Row]:
    call = "advertiser/info/"
    response = await ctx.client.get(f"{ADS_API}{call}", params={"advertiser_ids": json.dumps(ids)})
    return [row for row in listed(data_of(_exact(response), call), "list", call) if isinstance(row, dict)]


async def _entities(ctx: Context, kind: str, of: Advertiser) -> AsyncIterator[tuple[list[Row], int | None]]:
    """All entities, deleted ones included: without the filter the platform leaves them out."""
    params = {"advertiser_id": of.advertiser_id, "filtering": json.dumps({"secondary_status": _ALL[kind]})}
    async for found in _paged(ctx, f"{kind}/get/", params):
        yield found


async def _rows(ctx: Context, report: Report) -> AsyncIterator[list[Row]]:
    async for rows, _ in _paged(ctx, "report/integrated/get/", report):
        yield rows


async def _paged(ctx: Context, call: str, params: Mapping[str, Any]) -> AsyncIterator[tuple[list[Row], int | None]]:
    """Pages by number, each with the platform's count of all rows.

    A page that repeats the one before is refused: the rest would be missing.
    """
    number, before, shown = 1, "", 0
    while number <= _MOST_PAGES:
        asked = {**params, "page": str(number), "page_size": str(PAGE_SIZE)}
        data = data_of(_exact(await ctx.client.get(f"{ADS_API}{call}", params=asked)), call)
        rows = listed(data, "list", call)
        mark = repr(rows)
        if rows and mark == before:
            raise ContractError(f"{call} gives the same page again")
        pages = _total_pages(data, call)
        count = promised(rows, shown, data["page_info"].get("total_number"), call)
        shown += len(rows)
        yield rows, count
        if number >= pages:
            return
        number, before = number + 1, mark
    raise ContractError(f"{call} does not end")


def _exact(response: Any) -> Any:
    """The reply with its numbers as they were written: budgets are JSON numbers, and money is never a float."""
    return read_json(response.content)


def _total_pages(data: Row, call: str) -> int:
    info = data.get("page_info")
    try:
        return whole(info.get("total_page") if isinstance(info, Mapping) else None, "total_page")
    except DataError as error:
        raise ContractError(f"{call} does not say how many pages there are") from error


def _report(  # noqa: PLR0917 - a report's six parts, in the order of the platform's page
    of: Advertiser,
    first: date,
    last: date,
    data_level: str,
    dimensions: Sequence[str],
    metrics: Sequence[str],
    *,
    kind: str = "BASIC",
) -> Report:
    """Parameters of a synchronous report. Deleted ads count: without the filter totals miss them."""
    status = {"AUCTION_CAMPAIGN": "campaign_status", "AUCTION_ADGROUP": "adgroup_status", "AUCTION_AD": "ad_status"}
    every = {
        "field_name": status.get(data_level, "ad_status"),
        "filter_type": "IN",
        "filter_value": json.dumps(["STATUS_ALL"]),
    }
    above = {"AUCTION_ADGROUP": ["campaign_id"], "AUCTION_AD": ["campaign_id", "adgroup_id"]}
    return {
        "advertiser_id": of.advertiser_id,
        "service_type": "AUCTION",
        "report_type": kind,
        "data_level": data_level,
        "dimensions": json.dumps(list(dimensions)),
        "metrics": json.dumps([*metrics, *(above.get(data_level, []) if kind == "BASIC" else [])]),
        "start_date": first.isoformat(),
        "end_date": last.isoformat(),
        "filtering": json.dumps([every]),
    }


def _bounds(ctx: Context, stream: Stream, cursor: Cursor | None, of: Advertiser) -> tuple[date, date]:
    """The first day to read and today, in the advertiser's zone."""
    zone = ZoneInfo(of.zone)
    try:
        start = ctx.start(stream, cursor).astimezone(zone).date()
    except ValueError as error:
        raise ConfigurationError("the saved cursor cannot be read; start the stream anew", detail=str(error)) from error
    return start, ctx.clock.now().astimezone(zone).date()


def _windows(start: date, until: date) -> list[tuple[date, date]]:
    """Windows of at most 30 days, both ends included."""
    found = []
    while start <= until:
        last = min(start + timedelta(days=WINDOW_DAYS - 1), until)
        found.append((start, last))
        start = last + timedelta(days=1)
    return found


def _midnight(day: date, of: Advertiser) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(of.zone))


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def _cut(rows: Sequence[Any], of: Advertiser, dimension: str, name: str) -> Page:
    return _page(rows, partial(map_breakdown, of=of, dimension=dimension, name=name), AdBreakdownDay)


def _page(found: Sequence[Any], mapping: Cut, record: type[Record]) -> Page:
    unique = {msgspec.json.encode(row): row for row in found}
    records, rejects = map_rows(list(unique.values()), mapping, record)
    return Page(records=records, rejects=rejects)
