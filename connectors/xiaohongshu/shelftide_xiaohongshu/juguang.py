"""Juguang (聚光): campaigns, units, creatives, and their figures by day, hour and placement."""

from collections.abc import AsyncIterator, Callable, Mapping
from datetime import date, timedelta
from functools import partial
from typing import Any, ClassVar

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
)
from shelftide_sdk.errors import AuthorizationError, ConfigurationError, ConnectorError
from shelftide_sdk.records import Ad, AdBreakdownDay, AdDay, AdGroup, AdLevel, Campaign, Record
from shelftide_xiaohongshu.auth import CONSENT_HOST, JUGUANG_AUTH, MAPI_HOST
from shelftide_xiaohongshu.mapi import ask, day_windows, page_of, paged, start_of, the_setting
from shelftide_xiaohongshu.mapping_juguang import (
    map_campaign,
    map_creative,
    map_cut,
    map_day,
    map_live,
    map_unit,
)
from shelftide_xiaohongshu.replies import classify_mapi
from shelftide_xiaohongshu.values import CURRENCY, ZONE, Row, midnight, shanghai_day

PAGE_SIZE = 500
LIST_SIZE = 100
WINDOW_DAYS = 30
REPORT = "/jg/data/report/offline/"
LIVE = "/jg/data/report/realtime/"
# Off-platform orders are counted for 30 days.
_LOOKBACK = days(30)
_HOURS = days(7)
_LEVELS = {AdLevel.CAMPAIGN: "campaign", AdLevel.AD_GROUP: "unit", AdLevel.AD: "creativity"}


class XiaohongshuJuguang(Connector):
    """One advertiser. Amounts are yuan, days are Shanghai's."""

    info: ClassVar[ConnectorInfo] = ConnectorInfo(
        name="xiaohongshu-juguang",
        title="Xiaohongshu ads (Juguang)",
        platform="xiaohongshu",
        api_requires=(1, 0),
        hosts=(MAPI_HOST, CONSENT_HOST),
        tier="gold",
        # The platform publishes no number; this is a careful one.
        budgets=(Budget(name="juguang", calls=5, seconds=1, scope="app", endpoints="/api/open/jg/"),),
        docs_url="https://ad.xiaohongshu.com",
        emulator="shelftide_xiaohongshu.emulator:MapiEmulator",
    )
    auth: ClassVar[OAuth2] = JUGUANG_AUTH
    streams: ClassVar[tuple[Stream, ...]] = (
        Stream("campaigns", Campaign, whole=True),
        Stream("ad_groups", AdGroup, whole=True),
        Stream("ads", Ad, whole=True),
        Stream("ad_days", AdDay, (), "time", _LOOKBACK),
        Stream("ad_breakdown_days", AdBreakdownDay, (), "time", _HOURS),
    )

    @classmethod
    def classify(cls, response: Any) -> ConnectorError | None:
        """Errors in HTTP 200 included."""
        return classify_mapi(response)

    async def check(self, ctx: Context) -> Health:
        """List one campaign."""
        asked = {"advertiser_id": _advertiser(ctx), "page": {"page_index": 1, "page_size": 1}}
        try:
            await ask(ctx.client, "/jg/campaign/list", asked)
        except AuthorizationError as error:
            return Health(state=HealthState.RECONNECT, reason=error.message, step=error.hint)
        return Health(state=HealthState.OK)

    async def accounts(self, ctx: Context) -> list[Account]:
        """The advertisers that were approved; the token's reply names them, no call does."""
        found = [each for each in ctx.settings.get("account_id", "").split(",") if each]
        if not found:
            raise ConfigurationError("The grant names no advertiser.", hint="Approve an advertiser and reconnect.")
        return [
            Account(
                source_id=each,
                name=each,
                kind="advertiser",
                currency=CURRENCY,
                zone=ZONE,
                country="CN",
                settings={"advertiser_id": each},
            )
            for each in found
        ]

    async def read(self, ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
        """Pages of a stream; each one's cursor resumes after a crash."""
        entities: Mapping[str, tuple[str, str, bool | None, Callable[[Row, str], Mapped], type[Record]]] = {
            "campaigns": ("/jg/campaign/list", "base_campaign_dtos", True, map_campaign, Campaign),
            "ad_groups": ("/jg/unit/list", "unit_infos", None, map_unit, AdGroup),
            "ads": ("/jg/creativity/search", "creativity_dtos", True, map_creative, Ad),
        }
        if stream.name in entities:
            path, root, nested, mapping, record = entities[stream.name]
            advertiser = _advertiser(ctx)
            asked = {"advertiser_id": advertiser}
            async for found in paged(ctx, path, root, asked, size=LIST_SIZE, nested=nested):
                yield page_of(found, partial(_of, mapping, str(advertiser)), record)
            return
        days_of = self._days if stream.name == "ad_days" else self._cuts
        async for page in days_of(ctx, stream, cursor):
            yield page

    async def _days(self, ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
        """Finished days from the settled report, today from the other one."""
        advertiser = _advertiser(ctx)
        first, today = shanghai_day(start_of(ctx, stream, cursor)), shanghai_day(ctx.captured_at)
        for span in day_windows(first, today - timedelta(days=1), WINDOW_DAYS):
            for level, name in _LEVELS.items():
                mapping = partial(map_day, level=level, advertiser=str(advertiser), span=span)
                async for found in _report(ctx, name, span, "DAY"):
                    yield page_of(found, mapping, AdDay)
            yield Page(cursor={"time": midnight(span[1]).isoformat()})
        for level, name in _LEVELS.items():
            asked = {"advertiser_id": advertiser, "start_date": today.isoformat(), "end_date": today.isoformat()}
            live = partial(map_live, level=level, advertiser=str(advertiser), day=today)
            async for found in paged(ctx, LIVE + name, f"{name}_dtos", asked, size=LIST_SIZE):
                yield page_of(found, live, AdDay)
        yield Page(cursor={"time": midnight(today).isoformat()})

    async def _cuts(self, ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
        """Campaigns by placement, and by hour for the last days: an hourly report takes a call a day."""
        advertiser = str(_advertiser(ctx))
        first, today = shanghai_day(start_of(ctx, stream, cursor)), shanghai_day(ctx.captured_at)
        recent = shanghai_day(ctx.captured_at - _HOURS)
        for span in day_windows(first, today - timedelta(days=1), WINDOW_DAYS):
            mapping = partial(map_cut, dimension="placement", advertiser=advertiser, span=span)
            async for found in _report(ctx, "campaign", span, "DAY", ("placement",)):
                yield page_of(found, mapping, AdBreakdownDay)
            for day, _ in day_windows(max(span[0], recent), span[1], 1):
                mapping = partial(map_cut, dimension="hour", advertiser=advertiser, span=(day, day))
                async for found in _report(ctx, "campaign", (day, day), "HOUR"):
                    yield page_of(found, mapping, AdBreakdownDay)
            yield Page(cursor={"time": midnight(span[1]).isoformat()})


def _of(mapping: Callable[[Row, str], Mapped], advertiser: str, row: Row) -> Mapped:
    return mapping(row, advertiser)


def _advertiser(ctx: Context) -> int | str:
    """The advertiser's id, as a number where it is one: so the platform declares it."""
    found = the_setting(ctx, "advertiser_id", "advertiser")
    return int(found) if found.isascii() and found.isdigit() else found


async def _report(
    ctx: Context, level: str, span: tuple[date, date], unit: str, split: tuple[str, ...] = ()
) -> AsyncIterator[list[Any]]:
    asked: dict[str, Any] = {
        "advertiser_id": _advertiser(ctx),
        "start_date": span[0].isoformat(),
        "end_date": span[1].isoformat(),
        "time_unit": unit,
    }
    if split:
        asked["split_columns"] = list(split)
    async for found in paged(ctx, f"{REPORT}{level}", "data_list", asked, size=PAGE_SIZE):
        yield found
