"""Instagram: an account with its days and audience, posts and stories with snapshots, comments, tags, competitors."""

import re
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Any, ClassVar

import msgspec

from shelftide_meta.auth import HOSTS, INSTAGRAM_AUTH, INSTAGRAM_LOGIN
from shelftide_meta.competitors import handles_of, read_competitors
from shelftide_meta.graph import get_node, get_pages
from shelftide_meta.insights import Insights
from shelftide_meta.mapping_instagram import (
    COMMENT_FIELDS,
    MEDIA_FIELDS,
    PACIFIC,
    PRODUCT_FIELDS,
    PROFILE_FIELDS,
    STORY_FIELDS,
    TAG_FIELDS,
    ZONE,
    DayFigure,
    day_figures,
    is_enabled,
    map_comment,
    map_demographics,
    map_mention,
    map_online,
    map_product_tag,
    map_profile,
    map_profile_days,
)
from shelftide_meta.metrics import AUDIENCES, BREAKDOWNS, FOLLOWS, SERIES, TOTALS, WITHDRAWN, living
from shelftide_meta.posts import AT_ONCE, Walk, edge_of_post, map_posts, read_posts, start_of
from shelftide_meta.replies import classify
from shelftide_meta.values import identifier, maybe_whole, moment
from shelftide_meta.webhooks import WEBHOOKS, pages_of
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
    Page,
    Reject,
    SettingField,
    Stream,
    WebhookRequest,
    days,
    map_rows,
)
from shelftide_sdk.errors import AuthorizationError, ConfigurationError, ConnectorError, DataError
from shelftide_sdk.parallel import side_by_side
from shelftide_sdk.records import (
    AudienceDay,
    Comment,
    Content,
    ContentSnapshot,
    Mention,
    Product,
    ProductLink,
    Profile,
    ProfileDay,
)
from shelftide_sdk.webhooks import Webhooks

_MOVING = days(30)  # counts of a post still move
_FORTNIGHT = days(13)  # and the day that it is counted back from
_LATE = days(3)  # insights come up to 48 hours late
_WINDOW = days(30)  # the longest window of account insights, and the past of follower_count and online_followers
_HABIT = days(14)  # hours are a habit: two weeks show it
_HOURS_LATE = days(2)
_ONLY_FACEBOOK = frozenset({"competitors", "product_links"})

VERIFY_FIELD = SettingField(name="verify_token", title="Verify token of the webhooks", pattern=r".{0,200}")
VERSION_FIELD = SettingField(name="version", title="Graph API version", pattern=r"v\d{2}\.\d|", example="v26.0")


class Instagram(Connector):
    """One professional account. The host passes its id as the setting `account_id`."""

    info: ClassVar[ConnectorInfo] = ConnectorInfo(
        name="instagram",
        title="Instagram",
        platform="meta",
        api_requires=(1, 0),
        hosts=HOSTS,
        tier="gold",
        settings=(
            SettingField(name="login", title="Login: facebook or instagram", pattern="facebook|instagram|"),
            SettingField(
                name="competitors",
                title="Competitors' handles",
                pattern=r"(@?[A-Za-z_][\w.]*[ ,]*)*",
                example="brumea.official",
            ),
            VERSION_FIELD,
        ),
        # 4800 calls in 24 hours for each impression of the pair of app and account; one impression is the floor.
        budgets=(Budget(name="instagram use case", calls=4800, seconds=86_400, scope="app+account"),),
        app_fields=(VERIFY_FIELD,),
        docs_url="https://developers.facebook.com/docs/instagram-platform",
        emulator="shelftide_meta.emulator:MetaEmulator",
        withdrawn=WITHDRAWN,
    )
    auth: ClassVar[OAuth2] = INSTAGRAM_AUTH
    webhooks: ClassVar[Webhooks | None] = WEBHOOKS
    streams: ClassVar[tuple[Stream, ...]] = (
        Stream("profiles", Profile),
        Stream("profile_days", ProfileDay, (), "date", _LATE, days(3)),
        Stream("audience_days", AudienceDay, promise=days(3)),
        Stream("contents", Content, (ContentSnapshot,), "timestamp", _MOVING, whole=True),
        Stream("stories", Content, (ContentSnapshot,), promise=timedelta(hours=6)),
        Stream("comments", Comment, (), "timestamp", _MOVING),
        Stream("mentions", Mention, (), "timestamp", days(7)),
        Stream("product_links", ProductLink, (Product,), "timestamp", _MOVING, whole=True),
        Stream("competitors", Profile, (ProfileDay, Content, ContentSnapshot)),
    )

    @classmethod
    def classify(cls, response: Any) -> ConnectorError | None:
        """Errors in HTTP 200 included."""
        return classify(response)

    async def check(self, ctx: Context) -> Health:
        """Read the account's name."""
        try:
            await get_node(ctx, _account_id(ctx), "id,username")
        except AuthorizationError as error:
            return Health(state=HealthState.RECONNECT, reason=error.message, step=error.hint)
        return Health(state=HealthState.OK)

    async def accounts(self, ctx: Context) -> list[Account]:
        """Every professional account behind the pages of a login; a page without one is passed over."""
        if ctx.settings.get("login") == INSTAGRAM_LOGIN:
            me = await get_node(ctx, "me", "user_id,username,name", "user_id")
            return [_account(identifier(me["user_id"]), me, {})]
        found: dict[str, Account] = {}
        fields = "id,name,instagram_business_account{id,username,name}"
        async for rows in get_pages(ctx, "me/accounts", fields):
            for row in rows:
                linked = row.get("instagram_business_account") if isinstance(row, dict) else None
                if isinstance(linked, dict) and linked.get("id"):
                    account_id = identifier(linked["id"])
                    named = linked if linked.get("username") else row
                    found[account_id] = _account(account_id, named, {"page_id": str(row.get("id", ""))})
        return list(found.values())

    async def discover(self, ctx: Context) -> list[Stream]:
        """Without handles there are no competitors; Instagram Login shows neither them nor product tags."""
        hidden = set(_ONLY_FACEBOOK) if ctx.settings.get("login") == INSTAGRAM_LOGIN else set()
        if not handles_of(ctx):
            hidden.add("competitors")
        return [stream for stream in self.streams if stream.name not in hidden]

    async def webhook(self, ctx: Context, request: WebhookRequest) -> list[Page]:
        """Comments and the last figures of stories."""
        return pages_of(request, _account_id(ctx))

    async def read(self, ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
        """Pages of a stream."""
        reads: Mapping[str, Callable[[Context, Stream, Cursor | None], AsyncIterator[Page]]] = {
            "profiles": _profiles,
            "profile_days": _profile_days,
            "audience_days": _audience_days,
            "contents": _contents,
            "stories": _stories,
            "comments": _comments,
            "mentions": _mentions,
            "product_links": _product_links,
            "competitors": _competitors,
        }
        async for page in reads[stream.name](ctx, stream, cursor):
            yield page


def _account_id(ctx: Context) -> str:
    account_id = ctx.settings.get("account_id", "")
    if not re.fullmatch(r"\w+", account_id):
        raise ConfigurationError("The connection does not say which account it is for.", hint="Reconnect the account.")
    return account_id


def _account(account_id: str, row: Mapping[str, Any], settings: Mapping[str, str]) -> Account:
    name = str(row.get("name") or row.get("username") or account_id)
    return Account(
        source_id=account_id,
        name=name,
        kind="instagram account",
        zone=ZONE,
        settings={"account_id": account_id, **settings},
    )


async def _profiles(ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
    row = await get_node(ctx, _account_id(ctx), PROFILE_FIELDS)
    records, rejects = map_rows([row], map_profile, Profile)
    yield Page(records=records, rejects=rejects)


# -- days -------------------------------------------------------------------------------------------------------------


async def _profile_days(ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
    """A fortnight a page, the newest first: followers at the end of a day are reckoned backward from those now.

    A day takes two calls, and a page that takes hundreds never ends where the platform says every so often to wait. On
    the way the cursor says how far back the read has come.
    """
    account_id = _account_id(ctx)
    today = ctx.clock.now().astimezone(PACIFIC).date()
    back, rejects = await _backward(ctx, stream, cursor, today)
    insights = Insights(ctx)
    while back.last >= back.first:
        begin = max(back.first, back.last - _FORTNIGHT)
        figures, wrong = await _day_figures(ctx, insights, begin, back.last, today)
        records, before = map_profile_days(account_id, figures, back.followers, back.last, today)
        if min((figure[0] for figure in figures), default=None) != begin:
            before = None  # a day without figures breaks the chain
        known = [record.day for record in records if isinstance(record, ProfileDay)]
        back = msgspec.structs.replace(
            back, last=begin - timedelta(days=1), followers=before, newest=back.newest or max(known, default=None)
        )
        yield Page(records=records, rejects=[*rejects, *wrong], cursor=back.place(cursor))
        rejects = []


class _Backward(msgspec.Struct, frozen=True, kw_only=True):
    """Days from `first` to `last` that are still to be read; `followers` are those at the end of `last`."""

    first: date
    last: date
    followers: int | None
    newest: date | None = None

    def place(self, cursor: Cursor | None) -> Cursor | None:
        """The cursor: how far back the read has come, or, when all is read, the newest day."""
        if self.last >= self.first:
            return {"backward": msgspec.to_builtins(self)}
        return {"date": f"{self.newest}T00:00:00+00:00"} if self.newest else cursor


async def _backward(ctx: Context, stream: Stream, cursor: Cursor | None, today: date) -> tuple[_Backward, list[Reject]]:
    """Where a read goes on, or a new one from today. Raises ConfigurationError for a cursor of somebody else."""
    if cursor and "backward" in cursor:
        try:
            return msgspec.convert(cursor["backward"], _Backward), []
        except msgspec.ValidationError as error:
            message = "the saved cursor cannot be read; start the stream anew"
            raise ConfigurationError(message, detail=str(error)) from error
    # Meta keeps two years.
    first = max(start_of(ctx, stream, cursor).astimezone(PACIFIC).date(), today - timedelta(days=729))
    profile = await get_node(ctx, _account_id(ctx), "id,followers_count")
    try:
        return _Backward(first=first, last=today, followers=maybe_whole(profile, "followers_count")), []
    except DataError as error:
        return _Backward(first=first, last=today, followers=None), [Reject("ProfileDay", error.message, dict(profile))]


async def _day_figures(
    ctx: Context, insights: Insights, first: date, last: date, today: date
) -> tuple[list[DayFigure], list[Reject]]:
    """Figures of some days, several days at once: Meta counts calls and not those under way."""
    figures: list[DayFigure] = []
    rejects: list[Reject] = []

    edge, version = f"{_account_id(ctx)}/insights", ctx.settings.get("version", "")

    async def series(begin: date, end: date) -> AsyncIterator[tuple[date | None, Any]]:
        metrics = [name for name in SERIES if name == "reach" or end > today - _WINDOW]
        for row in await insights.ask(edge, "day", metrics, period="day", **_between(begin, end)):
            yield None, row

    # A read asks once: what it asks for later would wait for its turn.
    async def totals(at: date) -> AsyncIterator[tuple[date | None, Any]]:
        total = {"period": "day", "metric_type": "total_value", **_between(at, at)}
        for row in await insights.ask(edge, "total", living(TOTALS, version), **total):
            yield at, row

    async def follows(at: date) -> AsyncIterator[tuple[date | None, Any]]:
        total = {"period": "day", "metric_type": "total_value", **_between(at, at)}
        for row in await insights.ask(edge, "follows", [FOLLOWS], breakdown="follow_type", **total):
            yield at, row

    reads = [partial(series, *window) for window in windows(first, min(last, today - timedelta(days=1)))]
    each_day = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    reads += [partial(totals, at) for at in each_day if at < today] + [partial(follows, at) for at in each_day]
    async for asked, row in side_by_side(reads, AT_ONCE):
        try:
            figures.extend(day_figures(row, asked))
        except DataError as error:
            rejects.append(Reject("ProfileDay", error.message, row))
    return figures, rejects


def windows(first: date, last: date) -> list[tuple[date, date]]:
    """Windows of at most 30 days, both ends included."""
    found = []
    while first <= last:
        end = min(first + _WINDOW - timedelta(days=1), last)
        found.append((first, end))
        first = end + timedelta(days=1)
    return found


def _between(first: date, last: date) -> dict[str, str]:
    """From the midnight before `first` to the one after `last`, in Pacific time."""
    ends = (first, last + timedelta(days=1))
    since, until = (int(datetime.combine(at, time(), PACIFIC).timestamp()) for at in ends)
    return {"since": str(since), "until": str(until)}


async def _audience_days(ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
    """Groups of each audience today, then the hours of the last two weeks; several of both at once."""
    account_id = _account_id(ctx)
    edge, insights = f"{account_id}/insights", Insights(ctx)
    today = ctx.captured_at.astimezone(PACIFIC).date()
    asked = {"period": "lifetime", "metric_type": "total_value", "timeframe": "this_month"}

    async def groups(metric: str, breakdown: str) -> AsyncIterator[Page]:
        rows = await insights.ask(edge, metric, [metric], breakdown=breakdown, **asked)
        mapping = partial(map_demographics, profile_id=account_id, at=today, metric=metric, keys=breakdown.split(","))
        records, rejects = map_rows(rows, mapping, AudienceDay)
        yield Page(records=records, rejects=rejects)

    async def hours(at: date) -> AsyncIterator[Page]:
        rows = await insights.ask(edge, "online", ["online_followers"], period="lifetime", **_between(at, at))
        records, rejects = map_rows(rows, partial(map_online, profile_id=account_id), AudienceDay)
        yield Page(records=records, rejects=rejects)

    last = today - _HOURS_LATE
    first = max(last - _HABIT + timedelta(days=1), ctx.since.astimezone(PACIFIC).date())
    reads = [partial(groups, metric, breakdown) for metric in AUDIENCES for breakdown in BREAKDOWNS]
    days_back = range((last - first).days + 1)
    every = [*reads, *(partial(hours, first + timedelta(days=number)) for number in days_back)]
    async for page in side_by_side(every, AT_ONCE):
        yield page


# -- posts ------------------------------------------------------------------------------------------------------------


def _walk(ctx: Context, stream: Stream, cursor: Cursor | None, fields: str = MEDIA_FIELDS) -> Walk:
    return Walk(ctx, f"{_account_id(ctx)}/media", fields, start_of(ctx, stream, cursor), cursor)


async def _contents(ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
    async for page in read_posts(ctx, _account_id(ctx), _walk(ctx, stream, cursor)):
        yield page


async def _stories(ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
    """Stories of the last 24 hours: Meta shows no others."""
    account_id, insights = _account_id(ctx), Insights(ctx)
    async for found in get_pages(ctx, f"{account_id}/stories", STORY_FIELDS):
        stories = [row | {"media_product_type": "STORY"} if isinstance(row, dict) else row for row in found]
        yield await map_posts(ctx, account_id, insights, stories)


async def _comments(ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
    walk = _walk(ctx, stream, cursor, "id,timestamp,comments_count,is_comment_enabled")
    async for page in _edges(ctx, walk, "comments", COMMENT_FIELDS, Comment):
        yield page


async def _product_links(ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
    walk = _walk(ctx, stream, cursor, "id,timestamp")
    async for page in _edges(ctx, walk, "product_tags", PRODUCT_FIELDS, ProductLink):
        yield page


async def _edges(ctx: Context, walk: Walk, edge: str, fields: str, record: Any) -> AsyncIterator[Page]:
    """The rows of an edge of each post of a walk."""
    own_id = _account_id(ctx)
    key = "id" if record is Comment else "product_id"
    async for posts in walk.pages():
        for post in posts:
            try:
                content_id = identifier(post.get("id"))
                moment(post.get("timestamp"), "timestamp")
                wanted = record is not Comment or is_enabled(post)
            except (DataError, AttributeError) as error:
                yield Page(rejects=[Reject(record.__name__, f"a post that cannot be read: {error}", post)])
                continue
            rows = await edge_of_post(ctx, post, edge, fields, key) if wanted else []
            mapping = (
                partial(map_comment, content_id=content_id, own_id=own_id)
                if record is Comment
                else partial(map_product_tag, content_id=content_id)
            )
            records, rejects = map_rows(rows, mapping, record)
            yield Page(records=records, rejects=rejects)
    yield Page(cursor=walk.place)


async def _mentions(ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
    walk = Walk(ctx, f"{_account_id(ctx)}/tags", TAG_FIELDS, start_of(ctx, stream, cursor), cursor)
    async for found in walk.pages(filtered=False):
        records, rejects = map_rows(found, map_mention, Mention)
        yield Page(records=records, rejects=rejects)
    yield Page(cursor=walk.place)


async def _competitors(ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
    async for page in read_competitors(ctx, _account_id(ctx)):
        yield page
