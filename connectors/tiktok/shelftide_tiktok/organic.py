"""TikTok organic: the profile of a Business account, its days, its audience, its videos with snapshots, comments."""

import json
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import UTC, date, timedelta
from functools import partial
from typing import Any, ClassVar

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
    Stream,
    days,
    map_rows,
)
from shelftide_sdk.errors import AuthorizationError, ConfigurationError, ConnectorError, ContractError
from shelftide_sdk.records import AudienceDay, Comment, Content, ContentSnapshot, Profile, ProfileDay, Record
from shelftide_tiktok.auth import ORGANIC_API, ORGANIC_AUTH
from shelftide_tiktok.comments import read_comments
from shelftide_tiktok.mapping_organic import (
    AUDIENCE_FIELDS,
    BUCKETS,
    DAY_FIELDS,
    PROFILE_FIELDS,
    ZONE,
    has_figures,
    map_activity,
    map_bucket,
    map_profile,
    map_profile_day,
)
from shelftide_tiktok.replies import classify_organic
from shelftide_tiktok.values import Row, data_of, listed
from shelftide_tiktok.videos import read_videos

WINDOW_DAYS = 60  # first and last day included
# Insights are complete 24 to 48 hours after a day and are corrected a little afterwards.
_LOOKBACK = days(3)
# Active hours are a habit: two weeks show it, and each day is 24 rows.
_HABIT = days(14)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


class TikTokOrganic(Connector):
    """One Business account. The host passes its open id as the setting `account_id`."""

    info: ClassVar[ConnectorInfo] = ConnectorInfo(
        name="tiktok-organic",
        title="TikTok (organic)",
        platform="tiktok",
        api_requires=(1, 0),
        hosts=("business-api.tiktok.com", "www.tiktok.com"),
        tier="gold",
        # The default tier of the API: 600 calls a minute for an app and endpoint.
        budgets=(Budget(name="tiktok organic", calls=600, seconds=60, scope="app", endpoints="/open_api/"),),
        docs_url="https://business-api.tiktok.com/portal/docs",
        emulator="shelftide_tiktok.emulator:TikTokOrganicEmulator",
    )
    auth: ClassVar[OAuth2] = ORGANIC_AUTH
    streams: ClassVar[tuple[Stream, ...]] = (
        Stream("profiles", Profile),
        Stream("profile_days", ProfileDay, (), "date", _LOOKBACK, days(3)),
        Stream("audience_days", AudienceDay, (), "date", _LOOKBACK, days(3)),
        Stream("videos", Content, (ContentSnapshot,)),
        Stream("comments", Comment),
    )

    @classmethod
    def classify(cls, response: Any) -> ConnectorError | None:
        """Errors in HTTP 200 included."""
        return classify_organic(response)

    async def check(self, ctx: Context) -> Health:
        """Read the profile: a personal account has no insights."""
        try:
            data = await _business(ctx, PROFILE_FIELDS)
        except AuthorizationError as error:
            return Health(state=HealthState.RECONNECT, reason=error.message, step=error.hint)
        if data.get("is_business_account") is False:
            return Health(
                state=HealthState.DEGRADED,
                reason="this is no Business account: TikTok gives no insights for it",
                step="Switch the account to a Business account in the TikTok app.",
                lost_streams=("profile_days", "audience_days"),
            )
        return Health(state=HealthState.OK)

    async def accounts(self, ctx: Context) -> list[Account]:
        """The one account that a grant opens."""
        account_id = _account_id(ctx)
        data = await _business(ctx, ("username", "display_name"))
        name = str(data.get("display_name") or data.get("username") or account_id)
        return [Account(source_id=account_id, name=name, kind="business account", zone=ZONE)]

    async def read(self, ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
        """Pages of a stream; each one's cursor resumes after a crash."""
        reads: Mapping[str, Callable[[Context, Stream, Cursor | None], AsyncIterator[Page]]] = {
            "profiles": self._profiles,
            "profile_days": self._profile_days,
            "audience_days": self._audience_days,
            "videos": self._videos,
            "comments": self._comments,
        }
        async for page in reads[stream.name](ctx, stream, cursor):
            yield page

    async def _profiles(self, ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
        account_id = _account_id(ctx)
        data = await _business(ctx, PROFILE_FIELDS)
        yield _page([data], lambda row: map_profile(row, account_id), Profile)

    async def _profile_days(self, ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
        account_id = _account_id(ctx)
        async for found, place in _metrics(ctx, stream, cursor, DAY_FIELDS):
            yield _page(found, lambda row: map_profile_day(row, account_id), ProfileDay, place)

    async def _audience_days(self, ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
        """Shares of the followers as they are now, then the active hours of each day, two weeks back at most."""
        account_id = _account_id(ctx)
        data = await _business(ctx, AUDIENCE_FIELDS[:-1])
        today = ctx.captured_at.astimezone(UTC).date()
        for dimension, (name, _) in BUCKETS.items():
            found = listed(data, name, "business/get/")
            yield _page(found, partial(map_bucket, dimension=dimension, profile_id=account_id, day=today), AudienceDay)
        recent = msgspec.structs.replace(ctx, since=max(ctx.since, ctx.captured_at - _HABIT))
        async for found, place in _metrics(recent, stream, cursor, AUDIENCE_FIELDS[-1:]):
            yield _page(found, lambda row: map_activity(row, account_id), AudienceDay, place)

    async def _videos(self, ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
        async for page in read_videos(ctx, _account_id(ctx), cursor):
            yield page

    async def _comments(self, ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
        async for page in read_comments(ctx, _account_id(ctx), cursor):
            yield page


def _account_id(ctx: Context) -> str:
    account_id = ctx.settings.get("account_id", "")
    if not account_id:
        raise ConfigurationError("The connection does not say which account it is for.", hint="Reconnect the account.")
    return account_id


async def _business(ctx: Context, fields: Sequence[str], **window: str) -> Row:
    params = {"business_id": _account_id(ctx), "fields": json.dumps(fields), **window}
    response = await ctx.client.get(f"{ORGANIC_API}business/get/", params=params)
    return data_of(read_json(response.content), "business/get/")


async def _metrics(
    ctx: Context, stream: Stream, cursor: Cursor | None, fields: Sequence[str]
) -> AsyncIterator[tuple[list[Row], Cursor | None]]:
    """(rows of days, cursor) by window. The cursor is the last day with figures: later ones are still to come."""
    try:
        start = ctx.start(stream, cursor).date()
    except ValueError as error:
        raise ConfigurationError("the saved cursor cannot be read; start the stream anew", detail=str(error)) from error
    yesterday = ctx.clock.now().astimezone(UTC).date() - timedelta(days=1)
    place = cursor
    for first, last in windows(start, yesterday):
        data = await _business(ctx, fields, start_date=first.isoformat(), end_date=last.isoformat())
        if "metrics" not in data:
            raise ContractError("the reply of business/get/ holds no metrics, which were asked for")
        asked = listed(data, "metrics", "business/get/")
        counted = list({_day_text(row): row for row in asked if _is_counted(row)}.values())
        # A day beyond those asked for would skip all that is counted until then.
        known = [day for day in map(_day_text, counted) if _DAY.fullmatch(day) and day <= last.isoformat()]
        if known:
            place = {"date": f"{max(known)}T00:00:00+00:00"}
        yield counted, place


def windows(start: date, end: date) -> list[tuple[date, date]]:
    """Windows of at most 60 days from `start` to `end`, both included."""
    found = []
    while start <= end:
        last = min(start + timedelta(days=WINDOW_DAYS - 1), end)
        found.append((start, last))
        start = last + timedelta(days=1)
    return found


def _is_counted(row: Any) -> bool:
    """Whether TikTok has counted a day; what is no row of a day at all goes on, to be rejected with its reason."""
    if not isinstance(row, dict) or not _DAY.fullmatch(_day_text(row)):
        return True
    return has_figures(row) or bool(row.get("audience_activity"))


def _day_text(row: Any) -> str:
    return str(row.get("date"))[:10] if isinstance(row, dict) else repr(row)


def _page(
    found: Sequence[Any], mapping: Callable[[Any], Mapped], record: type[Record], cursor: Cursor | None = None
) -> Page:
    records, rejects = map_rows(found, mapping, record)
    return Page(records=records, rejects=rejects, cursor=cursor)
