"""What the Accounts API's rows mean. Pure functions: a row in, records out.

Days are UTC days. Figures of a video are lifetime totals at the time of the call; views mix organic and paid.
Source: Business API documentation, `business/get/` and `business/video/list/`.
"""

import re
from datetime import date, datetime
from typing import Any

from shelftide_sdk.errors import DataError
from shelftide_sdk.records import (
    AudienceDay,
    Comment,
    Content,
    ContentKind,
    ContentSnapshot,
    Profile,
    ProfileDay,
    ProfileKind,
    Record,
)
from shelftide_tiktok.values import Row, identifier, maybe_identifier, maybe_whole, moment, number, rows, share, whole

ZONE = "UTC"
PROFILE_FIELDS = (
    "is_business_account",
    "profile_image",
    "username",
    "profile_deep_link",
    "display_name",
    "bio_description",
    "is_verified",
    "following_count",
    "followers_count",
    "total_likes",
    "videos_count",
)
DAY_FIELDS = (
    "video_views",
    "unique_video_views",
    "profile_views",
    "likes",
    "comments",
    "shares",
    "bio_link_clicks",
    "daily_total_followers",
    "daily_new_followers",
    "daily_lost_followers",
    "engaged_audience",
)
AUDIENCE_FIELDS = ("audience_ages", "audience_genders", "audience_countries", "audience_cities", "audience_activity")
VIDEO_FIELDS = (
    "item_id",
    "media_type",
    "is_ad",
    "thumbnail_url",
    "share_url",
    "caption",
    "video_duration",
    "create_time",
    "video_views",
    "reach",
    "likes",
    "comments",
    "shares",
    "favorites",
    "total_time_watched",
    "average_time_watched",
    "full_video_watched_rate",
    "new_followers",
    "profile_views",
    "website_clicks",
)
_KINDS = {"VIDEO": ContentKind.VIDEO, "PHOTO": ContentKind.CAROUSEL}
# dimension -> (list in the reply, field that names a group)
BUCKETS = {
    "age": ("audience_ages", "age"),
    "gender": ("audience_genders", "gender"),
    "country": ("audience_countries", "country"),
    "city": ("audience_cities", "city_name"),
}
_HASHTAG = re.compile(r"#(\w+)")


def map_profile(data: Row, profile_id: str) -> Profile:
    """The account as it is now."""
    return Profile(
        source_id=profile_id,
        kind=ProfileKind.OWN,
        handle=str(data["username"]),
        name=data.get("display_name") or None,
        url=data.get("profile_deep_link") or None,
        bio=data.get("bio_description") or None,
        zone=ZONE,
        verified=data.get("is_verified"),
        business=data.get("is_business_account"),
        followers=maybe_whole(data, "followers_count"),
        following=maybe_whole(data, "following_count"),
        likes=maybe_whole(data, "total_likes"),
        contents=maybe_whole(data, "videos_count"),
    )


def day_of(row: Row) -> date:
    """The day of a row of metrics. Raises DataError when it names none."""
    try:
        return date.fromisoformat(str(row["date"])[:10])
    except (KeyError, ValueError) as error:
        raise DataError(f"not a day: {row.get('date')!r}") from error


def has_figures(row: Row) -> bool:
    """Whether TikTok has counted this day already; before, a row names the day and nothing else."""
    return any(row.get(name) is not None for name in DAY_FIELDS)


def map_profile_day(row: Row, profile_id: str) -> ProfileDay:
    """A UTC day of the account."""
    return ProfileDay(
        profile_id=profile_id,
        day=day_of(row),
        zone=ZONE,
        followers=maybe_whole(row, "daily_total_followers"),
        new_followers=maybe_whole(row, "daily_new_followers"),
        lost_followers=maybe_whole(row, "daily_lost_followers"),
        views=maybe_whole(row, "video_views"),
        reach=maybe_whole(row, "unique_video_views"),
        profile_views=maybe_whole(row, "profile_views"),
        likes=maybe_whole(row, "likes"),
        comments=maybe_whole(row, "comments"),
        shares=maybe_whole(row, "shares"),
        link_clicks=maybe_whole(row, "bio_link_clicks"),
        engaged_audience=maybe_whole(row, "engaged_audience"),
    )


def map_bucket(row: Row, dimension: str, profile_id: str, day: date) -> AudienceDay:
    """A group of the followers on `day`, the day of the call: TikTok keeps no history of it."""
    label = BUCKETS[dimension][1]
    return AudienceDay(
        profile_id=profile_id,
        day=day,
        zone=ZONE,
        dimension=dimension,
        bucket=identifier(row[label], label),
        share=share(row, "percentage"),
    )


def map_activity(row: Row, profile_id: str) -> list[Record]:
    """How many followers were active in each hour of a day."""
    return [
        AudienceDay(
            profile_id=profile_id,
            day=day_of(row),
            zone=ZONE,
            dimension="hour",
            bucket=str(_hour(hour["hour"])),
            count=maybe_whole(hour, "count"),
        )
        for hour in rows(row, "audience_activity")
    ]


def _hour(value: Any) -> int:
    found = whole(value, "hour")
    if not 0 <= found < 24:
        raise DataError(f"not an hour of a day: {value!r}")
    return found


def is_public(item_id: Any) -> bool:
    """Whether an id is a public one: digits. In moderation a post has only the id of its publishing."""
    return isinstance(item_id, str) and item_id.isascii() and item_id.isdigit()


def created_at(row: Row) -> datetime:
    """When a video was posted."""
    return moment(row["create_time"], "create_time")


def map_content(row: Row, profile_id: str, pending_id: str | None = None) -> Content:
    """A video. `pending_id` is the id that it had in moderation; while it has no other, both are the same."""
    item_id = identifier(row["item_id"], "item_id")
    caption = row.get("caption") or None
    return Content(
        source_id=item_id,
        profile_id=profile_id,
        kind=_KINDS.get(str(row.get("media_type") or "VIDEO"), ContentKind.OTHER),
        published_at=created_at(row),
        zone=ZONE,
        caption=caption,
        url=row.get("share_url") or None,
        thumbnail_url=row.get("thumbnail_url") or None,
        duration_seconds=number(row, "video_duration"),
        hashtags=tuple(dict.fromkeys(_HASHTAG.findall(caption or ""))),
        is_ad=row.get("is_ad"),
        pending_id=pending_id if is_public(item_id) else item_id,
    )


def map_snapshot(row: Row, captured_at: datetime) -> ContentSnapshot:
    """Lifetime totals now. Watch and reach are unknown while the account is inactive for more than 7 days."""
    return ContentSnapshot(
        content_id=identifier(row["item_id"], "item_id"),
        captured_at=captured_at,
        zone=ZONE,
        views=maybe_whole(row, "video_views"),
        reach=maybe_whole(row, "reach"),
        likes=maybe_whole(row, "likes"),
        comments=maybe_whole(row, "comments"),
        shares=maybe_whole(row, "shares"),
        saves=maybe_whole(row, "favorites"),
        watch_seconds=number(row, "total_time_watched"),
        average_watch_seconds=number(row, "average_time_watched"),
        full_watch_rate=share(row, "full_video_watched_rate"),
        new_followers=maybe_whole(row, "new_followers"),
        profile_views=maybe_whole(row, "profile_views"),
        link_clicks=maybe_whole(row, "website_clicks"),
    )


def map_video(row: Row, profile_id: str, captured_at: datetime, pending_id: str | None) -> list[Record]:
    """A public video with its snapshot; one in moderation without: nobody can see it yet."""
    content = map_content(row, profile_id, pending_id)
    if not is_public(content.source_id):
        return [content]
    return [content, map_snapshot(row, captured_at)]


def map_comment(row: Row, video_id: str, parent_id: str | None) -> Comment:
    """A comment, or a reply to `parent_id`. `status` is TikTok's word: PUBLIC, or HIDDEN by the account's owner.

    The author is TikTok's id of him for this account; names and pictures stay out.
    """
    if row.get("video_id") not in (None, video_id):
        raise DataError(f"a comment on another video than was asked for: {row['video_id']!r}")
    text = row["text"]
    if not isinstance(text, str):
        raise DataError(f"the text of a comment is missing: {text!r}")
    status = row.get("status")
    return Comment(
        source_id=identifier(row["comment_id"], "comment_id"),
        content_id=video_id,
        written_at=moment(row["create_time"], "create_time"),
        zone=ZONE,
        text=text,
        parent_id=parent_id,
        author_id=maybe_identifier(row.get("unique_identifier") or row.get("user_id")),
        author_kind="brand" if row.get("owner") is True else None,
        likes=maybe_whole(row, "likes"),
        replies=maybe_whole(row, "replies"),
        status=status.lower() if isinstance(status, str) and status else None,
    )
