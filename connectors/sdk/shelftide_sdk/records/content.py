"""Profiles, what they publish, and how it is received."""

from datetime import date, datetime
from enum import StrEnum

from shelftide_sdk.records.record import Record, record


class ProfileKind(StrEnum):
    """Whose social account it is."""

    OWN = "own"
    COMPETITOR = "competitor"
    CREATOR = "creator"


class ContentKind(StrEnum):
    """Form of a piece of content."""

    VIDEO = "video"
    IMAGE = "image"
    CAROUSEL = "carousel"
    NOTE = "note"
    REEL = "reel"
    STORY = "story"
    LIVE = "live"
    OTHER = "other"


class SourceKind(StrEnum):
    """How a figure became known; decides how far it can be trusted."""

    API = "api"
    FILE = "file"
    PROVIDER = "provider"
    PERSON = "person"


@record(table="profiles", key=("source_id",), grain="one social account as it is now", newer_by="updated_at")
class Profile(Record, frozen=True, kw_only=True):
    """A social account. Counts are lifetime totals. `zone` is the reporting zone (IANA)."""

    source_id: str
    kind: ProfileKind
    handle: str
    name: str | None = None
    url: str | None = None
    bio: str | None = None
    country: str | None = None
    zone: str = "UTC"
    verified: bool | None = None
    business: bool | None = None
    followers: int | None = None
    following: int | None = None
    likes: int | None = None
    contents: int | None = None
    source_kind: SourceKind = SourceKind.API
    updated_at: datetime | None = None


@record(table="profile_days", key=("profile_id", "day"), grain="one profile, one day", day="day")
class ProfileDay(Record, frozen=True, kw_only=True):
    """What happened on a profile in one day of `zone`. `followers` is the count at the end of the day."""

    profile_id: str
    day: date
    zone: str
    followers: int | None = None
    new_followers: int | None = None
    lost_followers: int | None = None
    views: int | None = None
    reach: int | None = None
    profile_views: int | None = None
    likes: int | None = None
    comments: int | None = None
    shares: int | None = None
    link_clicks: int | None = None
    engaged_audience: int | None = None
    source_kind: SourceKind = SourceKind.API


@record(
    table="audience_days",
    key=("profile_id", "day", "dimension", "bucket"),
    grain="one profile, one day, one bucket of one dimension",
    day="day",
)
class AudienceDay(Record, frozen=True, kw_only=True):
    """Who follows: `share` of the followers (fraction of 1) or `count`, by age, gender, country, city or hour."""

    profile_id: str
    day: date
    zone: str
    dimension: str
    bucket: str
    share: float | None = None
    count: int | None = None


@record(
    table="contents",
    key=("source_id",),
    grain="one piece of content",
    day="published_at",
    newer_by="updated_at",
)
class Content(Record, frozen=True, kw_only=True):
    """A post, video, note, reel, story or live.

    `pending_id` is the id under which it was known before moderation gave it its public `source_id`. `parent_id` is the
    carousel that an image or video is part of.
    """

    source_id: str
    profile_id: str
    kind: ContentKind
    published_at: datetime
    zone: str
    caption: str | None = None
    url: str | None = None
    thumbnail_url: str | None = None
    duration_seconds: float | None = None
    hashtags: tuple[str, ...] = ()
    audio_id: str | None = None
    is_ad: bool | None = None
    pending_id: str | None = None
    creator_id: str | None = None
    source_kind: SourceKind = SourceKind.API
    updated_at: datetime | None = None
    parent_id: str | None = None


@record(
    table="content_snapshots",
    key=("content_id", "captured_at"),
    grain="one piece of content at one moment",
    day="captured_at",
)
class ContentSnapshot(Record, frozen=True, kw_only=True):
    """Lifetime totals of a piece of content as they stood at `captured_at`. Differences make the curve.

    Rates are fractions of 1. An unknown figure is None, never 0.
    """

    content_id: str
    captured_at: datetime
    zone: str
    views: int | None = None
    reach: int | None = None
    likes: int | None = None
    comments: int | None = None
    shares: int | None = None
    saves: int | None = None
    watch_seconds: float | None = None
    average_watch_seconds: float | None = None
    full_watch_rate: float | None = None
    new_followers: int | None = None
    profile_views: int | None = None
    link_clicks: int | None = None
    source_kind: SourceKind = SourceKind.API


@record(table="comments", key=("source_id",), grain="one comment", day="written_at", newer_by="updated_at")
class Comment(Record, frozen=True, kw_only=True):
    """A comment or a reply. The author is a platform id, never a name. `status` is the platform's word for whether it
    can be seen.
    """

    source_id: str
    content_id: str
    written_at: datetime
    zone: str
    text: str
    parent_id: str | None = None
    author_id: str | None = None
    author_kind: str | None = None
    likes: int | None = None
    replies: int | None = None
    updated_at: datetime | None = None
    status: str | None = None


@record(
    table="mentions",
    key=("source_id",),
    grain="one mention of the brand by somebody else",
    day="mentioned_at",
)
class Mention(Record, frozen=True, kw_only=True):
    """Somebody named the brand. `reach` is what the source says it reached."""

    source_id: str
    mentioned_at: datetime
    zone: str
    author_id: str | None = None
    author_follows: bool | None = None
    text: str | None = None
    url: str | None = None
    reach: int | None = None
    source_kind: SourceKind = SourceKind.API


@record(table="lives", key=("source_id",), grain="one live broadcast", day="started_at", newer_by="updated_at")
class Live(Record, frozen=True, kw_only=True):
    """A live broadcast with its totals."""

    source_id: str
    profile_id: str
    started_at: datetime
    zone: str
    ended_at: datetime | None = None
    title: str | None = None
    viewers: int | None = None
    peak_viewers: int | None = None
    orders: int | None = None
    updated_at: datetime | None = None


@record(
    table="account_health",
    key=("account_id", "rule", "raised_at"),
    grain="one finding of a platform on an account",
    day="raised_at",
)
class AccountHealth(Record, frozen=True, kw_only=True):
    """A violation or a level that a platform gave to an account. `points` as the platform counts them."""

    account_id: str
    rule: str
    raised_at: datetime
    zone: str
    level: str
    points: int | None = None
    expires_at: datetime | None = None
    note: str | None = None
