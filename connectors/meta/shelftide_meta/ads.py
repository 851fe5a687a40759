"""Meta Ads: campaigns, ad sets and ads, and their days by attribution window and by breakdown."""

import re
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import date, timedelta
from functools import partial
from typing import Any, ClassVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from shelftide_meta.auth import ADS_AUTH, HOSTS
from shelftide_meta.graph import get_node, get_pages
from shelftide_meta.instagram import VERIFY_FIELD, VERSION_FIELD
from shelftide_meta.mapping_ads import (
    AD_FIELDS,
    AD_SET_FIELDS,
    BREAKDOWN_FIELDS,
    CAMPAIGN_FIELDS,
    DIMENSIONS,
    INSIGHT_FIELDS,
    WINDOWS,
    AdAccount,
    map_ad,
    map_ad_days,
    map_ad_set,
    map_breakdown,
    map_campaign,
)
from shelftide_meta.posts import start_of
from shelftide_meta.replies import classify
from shelftide_meta.reports import Report, Reports, every_status
from shelftide_sdk.auth import OAuth2
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
    Stream,
    days,
    map_rows,
)
from shelftide_sdk.errors import AuthorizationError, ConfigurationError, ConnectorError, ContractError
from shelftide_sdk.parallel import side_by_side
from shelftide_sdk.records import Ad, AdBreakdownDay, AdDay, AdGroup, Campaign, Record

_RESTATED = days(28)
_KEPT = days(1120)  # 37 months, less a few days: an older start is refused
_JOB, _WIDE_JOB = timedelta(days=14), timedelta(days=30)  # the daily re-read of cuts is one job for each
_DISABLED = 2  # account_status


class MetaAds(Connector):
    """One ad account. The host passes its id as the setting `account_id`."""

    info: ClassVar[ConnectorInfo] = ConnectorInfo(
        name="meta-ads",
        title="Meta Ads",
        platform="meta",
        api_requires=(1, 0),
        hosts=HOSTS,
        tier="gold",
        settings=(VERSION_FIELD,),
        # The standard tier's score of an ad account: a read is a point. Reading other businesses' accounts needs that
        # tier; how much less an app of the development tier may do, the replies' headers tell.
        budgets=(Budget(name="meta ads insights", calls=9000, seconds=300, scope="app+account"),),
        app_fields=(VERIFY_FIELD,),
        docs_url="https://developers.facebook.com/docs/marketing-api/insights",
        emulator="shelftide_meta.emulator:MetaEmulator",
    )
    auth: ClassVar[OAuth2] = ADS_AUTH
    streams: ClassVar[tuple[Stream, ...]] = (
        Stream("campaigns", Campaign),
        Stream("ad_groups", AdGroup),
        Stream("ads", Ad),
        Stream("ad_days", AdDay, (), "date_start", _RESTATED),
        Stream("ad_breakdown_days", AdBreakdownDay, (), "date_start", _RESTATED),
    )

    @classmethod
    def classify(cls, response: Any) -> ConnectorError | None:
        """Errors in HTTP 200 included."""
        return classify(response)

    async def check(self, ctx: Context) -> Health:
        """Read the account's state."""
        try:
            row = await get_node(ctx, _account_id(ctx), "id,account_status")
        except AuthorizationError as error:
            return Health(state=HealthState.RECONNECT, reason=error.message, step=error.hint)
        if row.get("account_status") == _DISABLED:
            return Health(
                state=HealthState.DEGRADED,
                reason="Meta has disabled the ad account: it spends nothing",
                step="Open the account in Ads Manager and follow the advice there.",
            )
        return Health(state=HealthState.OK)

    async def accounts(self, ctx: Context) -> list[Account]:
        """Every ad account that a login opens."""
        found: dict[str, Account] = {}
        async for rows in get_pages(ctx, "me/adaccounts", "id,account_id,name,currency,timezone_name"):
            for row in rows:
                if isinstance(row, dict) and isinstance(row.get("id"), str):
                    found[row["id"]] = _listed(row)
        return list(found.values())

    async def read(self, ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
        """Pages of a stream."""
        reads: Mapping[str, Callable[[Context, Stream, Cursor | None, AdAccount], AsyncIterator[Page]]] = {
            "campaigns": _campaigns,
            "ad_groups": _ad_sets,
            "ads": _ads,
            "ad_days": _ad_days,
            "ad_breakdown_days": _breakdown_days,
        }
        account = await _account(ctx)
        async for page in reads[stream.name](ctx, stream, cursor, account):
            yield page


def _listed(row: Mapping[str, Any]) -> Account:
    account_id = str(row["id"])
    currency, zone = row.get("currency"), row.get("timezone_name")
    return Account(
        source_id=account_id,
        name=str(row.get("name") or account_id),
        kind="ad account",
        currency=currency if isinstance(currency, str) else None,
        zone=zone if isinstance(zone, str) else None,
        settings={"account_id": account_id},
    )


def _account_id(ctx: Context) -> str:
    account_id = ctx.settings.get("account_id", "")
    if not re.fullmatch(r"(act_)?\d+", account_id):
        raise ConfigurationError("The connection does not say which ad account it is for.", hint="Reconnect.")
    return account_id if account_id.startswith("act_") else f"act_{account_id}"


async def _account(ctx: Context) -> AdAccount:
    """Currency and zone of the account. Raises ContractError when Meta names no known zone."""
    account_id = _account_id(ctx)
    row = await get_node(ctx, account_id, "id,currency,timezone_name")
    currency, zone = row.get("currency"), row.get("timezone_name")
    if not isinstance(currency, str) or not isinstance(zone, str):
        raise ContractError("the ad account names no currency or no time zone")
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ContractError(f"the ad account's time zone is not known: {zone[:60]!r}") from error
    return AdAccount(account_id=account_id, currency=currency, zone=zone)


# -- entities ---------------------------------------------------------------------------------------------------------


async def _campaigns(ctx: Context, stream: Stream, cursor: Cursor | None, account: AdAccount) -> AsyncIterator[Page]:
    async for page in _entities(ctx, account, "campaign", CAMPAIGN_FIELDS, partial(map_campaign, account=account)):
        yield page


async def _ad_sets(ctx: Context, stream: Stream, cursor: Cursor | None, account: AdAccount) -> AsyncIterator[Page]:
    async for page in _entities(ctx, account, "adset", AD_SET_FIELDS, partial(map_ad_set, account=account)):
        yield page


async def _ads(ctx: Context, stream: Stream, cursor: Cursor | None, account: AdAccount) -> AsyncIterator[Page]:
    async for page in _entities(ctx, account, "ad", AD_FIELDS, map_ad):
        yield page


_RECORDS: Mapping[str, type[Record]] = {"campaign": Campaign, "adset": AdGroup, "ad": Ad}


async def _entities(
    ctx: Context, account: AdAccount, level: str, fields: str, mapping: Callable[[Any], Mapped]
) -> AsyncIterator[Page]:
    """All objects of a level, deleted and archived ones too: their past still counts."""
    async for rows in get_pages(ctx, f"{account.account_id}/{level}s", fields, filtering=every_status(level)):
        records, rejects = map_rows(rows, mapping, _RECORDS[level])
        yield Page(records=records, rejects=rejects)


# -- days -------------------------------------------------------------------------------------------------------------


# An account's jobs run beside one another; what limits them is the count an hour, not how many are under way.
_AT_ONCE = 10


async def _ad_days(ctx: Context, stream: Stream, cursor: Cursor | None, account: AdAccount) -> AsyncIterator[Page]:
    params = _params(action_attribution_windows='["' + '","'.join(("default", *WINDOWS)) + '"]')
    mapping = partial(map_ad_days, account=account)

    async def window(first: date, last: date) -> AsyncIterator[Page]:
        report = Report(account_id=account.account_id, first=first, last=last, fields=INSIGHT_FIELDS, params=params)
        async for page in _pages(ctx, report, mapping, AdDay):
            yield page
        yield Page(cursor=_place(last))

    windows = (partial(window, first, last) for first, last in _windows(ctx, stream, cursor, account, _JOB))
    async for page in side_by_side(windows, _AT_ONCE):
        yield page


async def _breakdown_days(
    ctx: Context, stream: Stream, cursor: Cursor | None, account: AdAccount
) -> AsyncIterator[Page]:
    def cut(first: date, last: date, breakdown: str) -> AsyncIterator[Page]:
        report = Report(
            account_id=account.account_id,
            first=first,
            last=last,
            fields=BREAKDOWN_FIELDS,
            params=_params(breakdowns=breakdown),
        )
        return _pages(ctx, report, partial(map_breakdown, account=account, breakdown=breakdown), AdBreakdownDay)

    async def end(last: date) -> AsyncIterator[Page]:
        yield Page(cursor=_place(last))

    reads: list[Callable[[], AsyncIterator[Page]]] = []
    for first, last in _windows(ctx, stream, cursor, account, _WIDE_JOB):
        reads += [partial(cut, first, last, breakdown) for breakdown in DIMENSIONS]
        reads.append(partial(end, last))
    async for page in side_by_side(reads, _AT_ONCE):
        yield page


async def _pages(
    ctx: Context, report: Report, mapping: Callable[[Any], Mapped], record: type[Record]
) -> AsyncIterator[Page]:
    async for rows in Reports(ctx).rows(report):
        records, rejects = map_rows(rows, mapping, record)
        yield Page(records=records, rejects=rejects)


def _params(**more: str) -> dict[str, str]:
    return {"level": "ad", "time_increment": "1", "action_report_time": "mixed", **more}


def _place(last: date) -> Cursor:
    return {"date_start": f"{last.isoformat()}T00:00:00+00:00"}


def _windows(
    ctx: Context, stream: Stream, cursor: Cursor | None, account: AdAccount, most: timedelta
) -> list[tuple[date, date]]:
    """Windows of at most this length from the read's start to today, in the account's zone; today is restated later."""
    zone = ZoneInfo(account.zone)
    first = max(start_of(ctx, stream, cursor), ctx.clock.now() - _KEPT).astimezone(zone).date()
    today = ctx.clock.now().astimezone(zone).date()
    found = []
    while first <= today:
        last = min(first + most - timedelta(days=1), today)
        found.append((first, last))
        first = last + timedelta(days=1)
    return found
