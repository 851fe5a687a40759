"""The lives of Instagram's metrics: which may be asked for in which version, for which kind of post.

Sources: Meta, "Instagram Platform changelog" (v22: plays and impressions end on 2025-04-21, views takes their place),
"IG Media insights", "IG User insights".
"""

from collections.abc import Mapping, Sequence
from datetime import date

import msgspec

from shelftide_meta.auth import VERSION
from shelftide_sdk.metrics import Withdrawn


class Life(msgspec.Struct, frozen=True, kw_only=True):
    """The versions in which a metric exists: from `since` on, up to and without `until`."""

    since: float = 0.0
    until: float = 1000.0


LIVES: Mapping[str, Life] = {
    "plays": Life(until=22.0),
    "impressions": Life(until=22.0),
    "clips_replays_count": Life(until=22.0),
    "ig_reels_aggregated_all_plays_count": Life(until=22.0),
    "views": Life(since=22.0),
    "profile_views": Life(until=21.0),
    "website_clicks": Life(until=21.0),
    "profile_links_taps": Life(since=18.0),
}
_V22 = "Graph API changelog, version 22.0"
_V21 = "Instagram Platform changelog, version 21.0"


def _ended(metric: str, ended_on: date, field: str, source: str, successor: str | None) -> Withdrawn:
    return Withdrawn(metric=metric, ended_on=ended_on, field=field, source=source, successor=successor)


# Ends for all versions, whatever version is asked. `impressions` ended for posts made from 2 July 2024 on.
ENDED_FOR_POSTS = (
    _ended("plays", date(2025, 4, 21), "ContentSnapshot.views", _V22, "views"),
    _ended("impressions", date(2024, 7, 2), "ContentSnapshot.views", _V22, "views"),
    _ended("clips_replays_count", date(2025, 4, 21), "ContentSnapshot.views", _V22, "views"),
    _ended("ig_reels_aggregated_all_plays_count", date(2025, 4, 21), "ContentSnapshot.views", _V22, "views"),
    _ended("video_views", date(2025, 1, 8), "ContentSnapshot.views", _V21, "views"),
)
ENDED_FOR_DAYS = (
    _ended("impressions", date(2025, 4, 21), "ProfileDay.views", _V22, "views"),
    _ended("profile_views", date(2025, 1, 8), "ProfileDay.profile_views", _V21, None),
    _ended("website_clicks", date(2025, 1, 8), "ProfileDay.link_clicks", _V21, "profile_links_taps"),
)
WITHDRAWN = (*ENDED_FOR_POSTS, *ENDED_FOR_DAYS)

# Predecessors stand beside their successors: a version asks for the one that lives.
BY_KIND: Mapping[str, tuple[str, ...]] = {
    "REELS": (
        "plays",
        "views",
        "reach",
        "likes",
        "comments",
        "shares",
        "saved",
        "ig_reels_avg_watch_time",
        "ig_reels_video_view_total_time",
    ),
    "STORY": ("impressions", "views", "reach", "replies", "follows", "profile_visits", "shares", "total_interactions"),
    "VIDEO": ("impressions", "views", "reach", "saved"),
    "CAROUSEL_ALBUM": ("impressions", "views", "reach", "saved", "shares", "follows", "profile_visits"),
    "IMAGE": ("impressions", "views", "reach", "saved", "likes", "comments", "shares", "follows", "profile_visits"),
}
_OTHER = ("reach", "saved")
SERIES = ("reach", "follower_count")
TOTALS = (
    "views",
    "accounts_engaged",
    "likes",
    "comments",
    "shares",
    "profile_views",
    "website_clicks",
    "profile_links_taps",
)
FOLLOWS = "follows_and_unfollows"
AUDIENCES: Mapping[str, str] = {
    "follower_demographics": "",
    "engaged_audience_demographics": "engaged ",
    "reached_audience_demographics": "reached ",
}
BREAKDOWNS = ("age", "gender", "age,gender", "country", "city")


def living(names: Sequence[str], version: str) -> list[str]:
    """The names that may be asked for in a version such as `v26.0`."""
    number = float((version or VERSION).removeprefix("v"))
    lives = [(name, LIVES.get(name, Life())) for name in names]
    return [name for name, life in lives if life.since <= number < life.until]


def kind_of(product_type: object, media_type: object) -> str:
    """What decides which metrics a post has: its product type, in the feed its media type."""
    return str(product_type) if product_type in ("REELS", "STORY") else str(media_type)


def of_kind(kind: str, version: str) -> list[str]:
    """The metrics of a kind of post in a version; few for a kind that nobody knows."""
    return living(BY_KIND.get(kind, _OTHER), version)
