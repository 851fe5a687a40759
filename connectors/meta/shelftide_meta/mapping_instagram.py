"""What the rows of the Instagram Graph API mean. Pure functions: a row in, records out.

Figures of a post are lifetime totals at the time of the call. Days of an account end at midnight in US Pacific time.
Sources: Meta, "IG User", "IG Media", "IG Comment", "Business discovery", "Product tagging".
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from shelftide_meta.metrics import ENDED_FOR_DAYS, ENDED_FOR_POSTS
from shelftide_meta.values import (
    Row,
    flag,
    identifier,
    maybe_moment,
    maybe_whole,
    moment,
    nested,
    text,
    whole,
)
from shelftide_sdk.errors import DataError
from shelftide_sdk.metrics import surviving
from shelftide_sdk.records import (
    AudienceDay,
    Comment,
    Content,
    ContentKind,
    ContentSnapshot,
    LinkKind,
    Mention,
    Product,
    ProductLink,
    Profile,
    ProfileDay,
    ProfileKind,
    Record,
)

ZONE = "America/Los_Angeles"
POST_ZONE = "UTC"
PACIFIC = ZoneInfo(ZONE)
PROFILE_FIELDS = (
    "id,ig_id,username,name,biography,website,profile_picture_url,followers_count,follows_count,media_count"
)
MEDIA_FIELDS = (
    "id,ig_id,caption,media_type,media_product_type,media_url,permalink,shortcode,thumbnail_url,timestamp,username,"
    "owner,is_comment_enabled,comments_count,like_count,view_count,saved_count,shares_count,"
    "children{id,media_type,media_url,thumbnail_url,permalink,timestamp}"
)
STORY_FIELDS = (
    "id,ig_id,caption,media_type,media_product_type,media_url,permalink,shortcode,thumbnail_url,timestamp,owner,"
    "like_count"
)
TAG_FIELDS = "id,caption,media_type,media_product_type,permalink,timestamp,username,like_count,comments_count"
COMMENT_FIELDS = (
    "id,text,timestamp,like_count,parent_id,hidden,from,user,replies{id,text,timestamp,like_count,parent_id,from,user}"
)
PUBLIC_PROFILE = "id,username,name,biography,website,profile_picture_url,followers_count,follows_count,media_count"
PUBLIC_MEDIA = (
    "id,caption,comments_count,like_count,media_type,media_product_type,media_url,permalink,timestamp,view_count"
)
PRODUCT_FIELDS = (
    "product_id,merchant_id,name,price_string,image_url,review_status,is_checkout,stripped_price_string,"
    "stripped_sale_price_string,product_url,x,y"
)
_KINDS = {"IMAGE": ContentKind.IMAGE, "VIDEO": ContentKind.VIDEO, "CAROUSEL_ALBUM": ContentKind.CAROUSEL}
_PRODUCTS = {"REELS": ContentKind.REEL, "STORY": ContentKind.STORY}
_HASHTAG = re.compile(r"#(\w+)")
_VIEWS = ("views", "total_views", "plays", "impressions")
_SUMMER_OFFSET = timedelta(hours=7)
_FOLLOW, _UNFOLLOW = "FOLLOWER", "NON_FOLLOWER"

Figures = Mapping[str, int]


def map_profile(row: Row, kind: ProfileKind = ProfileKind.OWN) -> Profile:
    """An account as it is now."""
    handle = identifier(row.get("username"), "username")
    return Profile(
        source_id=identifier(row.get("id")),
        kind=kind,
        handle=handle,
        name=text(row, "name"),
        url=f"https://www.instagram.com/{handle}/",
        bio=text(row, "biography"),
        zone=ZONE,
        business=True,
        followers=maybe_whole(row, "followers_count"),
        following=maybe_whole(row, "follows_count"),
        contents=maybe_whole(row, "media_count"),
    )


def map_content(row: Row, profile_id: str) -> list[Record]:
    """A post with the children of a carousel, which have no figures of their own."""
    post = _content(row, profile_id)
    children = [_child(child, post) for child in nested(row, "children")]
    return [post, *children]


def _content(row: Row, profile_id: str) -> Content:
    caption = text(row, "caption")
    return Content(
        source_id=identifier(row.get("id")),
        profile_id=profile_id,
        kind=_PRODUCTS.get(str(row.get("media_product_type"))) or _kind(row),
        published_at=moment(row.get("timestamp"), "timestamp"),
        zone=POST_ZONE,
        caption=caption,
        url=text(row, "permalink"),
        thumbnail_url=stable_url(text(row, "thumbnail_url") or text(row, "media_url")),
        hashtags=tuple(dict.fromkeys(_HASHTAG.findall(caption or ""))),
        is_ad=row.get("media_product_type") == "AD" if row.get("media_product_type") is not None else None,
    )


def _kind(row: Row) -> ContentKind:
    return _KINDS.get(str(row.get("media_type")), ContentKind.OTHER)


def _child(row: Any, post: Content) -> Content:
    if not isinstance(row, Mapping):
        raise DataError(f"a child is no object: {row!r}")
    return Content(
        source_id=identifier(row.get("id"), "child id"),
        profile_id=post.profile_id,
        kind=_kind(row),
        published_at=maybe_moment(row, "timestamp") or post.published_at,
        zone=POST_ZONE,
        url=text(row, "permalink"),
        thumbnail_url=stable_url(text(row, "thumbnail_url") or text(row, "media_url")),
        is_ad=post.is_ad,
        parent_id=post.source_id,
    )


def stable_url(url: str | None) -> str | None:
    """An address without the query in which Meta puts what changes at each call (`_nc_rid`, `ccb`, a signature)."""
    return None if url is None else url.split("?", 1)[0]


def map_snapshot(row: Row, figures: Figures, captured_at: datetime) -> ContentSnapshot:
    """Lifetime totals now: insights where there are any, else the counters that the post itself shows.

    A metric that was withdrawn before the post was made says nothing, also where Meta still answers with 0.
    """
    made_at = maybe_moment(row, "timestamp")
    figures, _ = surviving(figures, ENDED_FOR_POSTS, None if made_at is None else made_at.date())

    def known(name: str, counter: str) -> int | None:
        return figures[name] if name in figures else maybe_whole(row, counter)

    views = next((figures[name] for name in _VIEWS if name in figures), None)
    replies = figures.get("replies")
    return ContentSnapshot(
        content_id=identifier(row.get("id")),
        captured_at=captured_at,
        zone=POST_ZONE,
        views=maybe_whole(row, "view_count") if views is None else views,
        reach=figures.get("reach"),
        likes=known("likes", "like_count"),
        comments=known("comments", "comments_count") if replies is None else replies,
        shares=known("shares", "shares_count"),
        saves=known("saved", "saved_count"),
        watch_seconds=_seconds(figures.get("ig_reels_video_view_total_time")),
        average_watch_seconds=_seconds(figures.get("ig_reels_avg_watch_time")),
        new_followers=figures.get("follows"),
        profile_views=figures.get("profile_visits"),
        link_clicks=figures.get("link_clicks"),
    )


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


def post_figures(rows: Iterable[Any]) -> dict[str, int]:
    """Lifetime insights of a post by name, in the old form (`values`) or the new one (`total_value`)."""
    found = {}
    for row in rows:
        name = metric_name(row)
        value = _lifetime(row)
        if value is not None:
            found[name] = whole(value, name)
    return found


def metric_name(row: Any) -> str:
    """The metric that a row of insights is about. Raises DataError when it names none."""
    if not isinstance(row, Mapping):
        raise DataError(f"a row of insights is no object: {row!r}")
    return identifier(row.get("name"), "name of a metric")


def _lifetime(row: Row) -> Any:
    total = row.get("total_value")
    if total is not None:
        return _object(total, "total_value").get("value")
    values = row.get("values")
    if not isinstance(values, list):
        raise DataError(f"the insight {row.get('name')} has no values")
    return _object(values[-1], "values").get("value") if values else None


def _object(value: Any, name: str) -> Row:
    if not isinstance(value, Mapping):
        raise DataError(f"{name} is no object: {value!r}")
    return value


# -- days of an account -------------------------------------------------------------------------------------------

DayFigure = tuple[date, str, int]


def ended_day(end_time: Any) -> date:
    """The day that ends at `end_time`: midnight in Pacific time, in winter as seen at 07:00 or 08:00 UTC."""
    return (moment(end_time, "end_time") - _SUMMER_OFFSET).date() - timedelta(days=1)


def day_figures(row: Any, asked: date | None = None) -> list[DayFigure]:
    """(day, metric, value) of a row of insights. `asked` is the one day that a total without an end belongs to."""
    name = metric_name(row)
    total = row.get("total_value")
    if total is not None:
        return _totals(name, _object(total, "total_value"), asked)
    values = row.get("values")
    if not isinstance(values, list):
        raise DataError(f"the insight {name} has no values")
    found = []
    for entry in values:
        value = _object(entry, "values").get("value")
        if value is not None:
            found.append((ended_day(entry.get("end_time")), name, whole(value, name)))
    return found


def _totals(name: str, total: Row, asked: date | None) -> list[DayFigure]:
    if asked is None:
        raise DataError(f"the total of {name} belongs to no day")
    found = []
    if total.get("value") is not None:
        found.append((asked, name, whole(total["value"], name)))
    for values, value in breakdown_rows(total, ("follow_type",)) if total.get("breakdowns") else ():
        found.append((asked, f"{name}:{values[0]}", value))
    return found


def breakdown_rows(total: Row, keys: Sequence[str]) -> list[tuple[tuple[str, ...], int]]:
    """(values of all dimensions, count) of a total's breakdown by `keys`."""
    found = []
    breakdowns = total.get("breakdowns")
    if not isinstance(breakdowns, list):
        raise DataError("the total has no breakdowns")
    for breakdown in breakdowns:
        named = _object(breakdown, "breakdowns").get("dimension_keys")
        results = breakdown.get("results", [])
        if not isinstance(named, list) or sorted(map(str, named)) != sorted(keys) or not isinstance(results, list):
            raise DataError(f"a breakdown by {','.join(keys)} was expected: {named!r}")
        for result in results:
            values = _object(result, "results").get("dimension_values")
            if not isinstance(values, list) or len(values) != len(named):
                raise DataError(f"not a value for each of {named!r}: {values!r}")
            by_key = dict(zip(named, (identifier(value, "dimension value") for value in values), strict=True))
            found.append((tuple(by_key[key] for key in keys), whole(result.get("value"), "value")))
    return found


def map_profile_days(
    profile_id: str, figures: Iterable[DayFigure], followers: int | None, last: date, today: date
) -> tuple[list[Record], int | None]:
    """The completed days of an account up to `last`, and the followers before the first of them.

    `followers` are those at the end of `last`. Those of a day's end follow from them, less what came since.
    """
    days: dict[date, dict[str, int]] = {}
    for at, name, value in figures:
        days.setdefault(at, {})[name] = value
    found: list[Record] = []
    counted: int | None = followers
    expected = last
    for at in sorted(days, reverse=True):
        counted = counted if at == expected else None
        if at < today:
            found.append(_profile_day(profile_id, at, days[at], counted))
        counted = _before(counted, days[at])
        expected = at - timedelta(days=1)
    return found[::-1], counted


def _before(followers: int | None, figures: Figures) -> int | None:
    """Followers at the start of a day."""
    gained, lost = figures.get(f"follows_and_unfollows:{_FOLLOW}"), figures.get(f"follows_and_unfollows:{_UNFOLLOW}")
    return None if followers is None or gained is None or lost is None else followers - gained + lost


def _profile_day(profile_id: str, at: date, figures: Figures, followers: int | None) -> ProfileDay:
    figures, _ = surviving(figures, ENDED_FOR_DAYS, at)
    gained = figures.get("follower_count")
    clicks = figures.get("profile_links_taps")
    return ProfileDay(
        profile_id=profile_id,
        day=at,
        zone=ZONE,
        followers=followers,
        new_followers=figures.get(f"follows_and_unfollows:{_FOLLOW}") if gained is None else gained,
        lost_followers=figures.get(f"follows_and_unfollows:{_UNFOLLOW}"),
        views=figures.get("views", figures.get("impressions")),
        reach=figures.get("reach"),
        profile_views=figures.get("profile_views"),
        likes=figures.get("likes"),
        comments=figures.get("comments"),
        shares=figures.get("shares"),
        link_clicks=figures.get("website_clicks") if clicks is None else clicks,
        engaged_audience=figures.get("accounts_engaged"),
    )


def map_demographics(row: Any, profile_id: str, at: date, metric: str, keys: Sequence[str]) -> list[Record]:
    """Groups of an audience as it is on `at`, by one or more dimensions: all of them make the bucket."""
    name = metric_name(row)
    if name != metric:
        raise DataError(f"{name} came where {metric} was asked for")
    prefix = name.removesuffix("_demographics").removesuffix("_audience")
    dimension = ",".join(keys) if prefix == "follower" else f"{prefix} {','.join(keys)}"
    total = row.get("total_value")
    if total is None:
        return []
    return [
        AudienceDay(profile_id=profile_id, day=at, zone=ZONE, dimension=dimension, bucket=",".join(values), count=count)
        for values, count in breakdown_rows(_object(total, "total_value"), keys)
    ]


def map_online(row: Any, profile_id: str) -> list[Record]:
    """How many followers were online in each hour (Pacific time) of the days that a reply holds."""
    name = metric_name(row)
    if name != "online_followers":
        raise DataError(f"{name} came where online_followers was asked for")
    values = row.get("values")
    if not isinstance(values, list):
        raise DataError("online_followers has no values")
    return [record for entry in values for record in _hours(_object(entry, "values"), profile_id)]


def _hours(entry: Row, profile_id: str) -> list[Record]:
    at = ended_day(entry.get("end_time"))
    return [
        AudienceDay(
            profile_id=profile_id,
            day=at,
            zone=ZONE,
            dimension="hour",
            bucket=_hour(hour),
            count=None if count is None else whole(count, "online followers"),
        )
        for hour, count in _object(entry.get("value") or {}, "value").items()
    ]


def _hour(value: Any) -> str:
    found = whole(value, "hour")
    if not 0 <= found < 24:
        raise DataError(f"not an hour of a day: {value!r}")
    return str(found)


# -- what others say, and what posts lead to ----------------------------------------------------------------------


def map_comment(row: Row, content_id: str, own_id: str) -> list[Record]:
    """A comment with its replies."""
    first = _comment(row, content_id, own_id, None, len(nested(row, "replies")))
    return [first, *(_comment(reply, content_id, own_id, first.source_id, None) for reply in nested(row, "replies"))]


def _comment(row: Any, content_id: str, own_id: str, parent_id: str | None, replies: int | None) -> Comment:
    author = row.get("from") or row.get("user") or {}
    author_id = author.get("id")
    return Comment(
        source_id=identifier(row.get("id")),
        content_id=content_id,
        written_at=moment(row.get("timestamp"), "timestamp"),
        zone=POST_ZONE,
        text=text(row, "text") or "",
        parent_id=text(row, "parent_id") or parent_id,
        author_id=None if author_id is None else identifier(author_id, "author"),
        author_kind="brand" if author_id == own_id else None,
        likes=maybe_whole(row, "like_count"),
        replies=replies,
    )


def map_mention(row: Row) -> Mention:
    """A post in which somebody tagged the account. Its author's name does not enter; an id is not given."""
    return Mention(
        source_id=identifier(row.get("id")),
        mentioned_at=moment(row.get("timestamp"), "timestamp"),
        zone=POST_ZONE,
        text=text(row, "caption"),
        url=text(row, "permalink"),
    )


def map_product_tag(row: Row, content_id: str) -> list[Record]:
    """A product that a post is tagged with, and the link. The price is text without a certain currency: left out."""
    product_id = str(whole(row.get("product_id"), "product_id"))
    product = Product(
        source_id=product_id,
        title=text(row, "name") or product_id,
        status=text(row, "review_status") or "unknown",
        url=text(row, "product_url"),
        image_url=stable_url(text(row, "image_url")),
    )
    return [ProductLink(content_id=content_id, product_id=product_id, kind=LinkKind.TAG, confidence=1.0), product]


def map_competitor(row: Row, at: datetime) -> list[Record]:
    """Another account as everybody sees it, with its followers today."""
    profile = map_profile(row, ProfileKind.COMPETITOR)
    seen = ProfileDay(
        profile_id=profile.source_id, day=at.astimezone(PACIFIC).date(), zone=ZONE, followers=profile.followers
    )
    return [profile, seen]


def map_competitor_post(row: Row, profile_id: str, captured_at: datetime) -> list[Record]:
    """Another account's post with what everybody sees; likes are missing where the owner hides them."""
    return [_content(row, profile_id), map_snapshot(row, {}, captured_at)]


def is_enabled(row: Row) -> bool:
    """Whether a post may have comments to read."""
    return flag(row, "is_comment_enabled") is not False and row.get("comments_count") != 0
