"""The world's profiles and videos as the Accounts API writes them."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from shelftide_sdk.testing.world.model import Brand, ProfileFigures, Video, stable_id

Row = dict[str, Any]
LAG = timedelta(hours=24)
_AGES = ("18-24", "25-34", "35-44", "45-54", "55+")
_GENDERS = ("Female", "Male", "Other")
_CITIES = ("First City", "Second City", "Third City")
_RESTATED_DAYS = 2
_SLOW_MODERATION = timedelta(hours=36)


def open_day(now: datetime) -> date:
    """The last day whose insights are there: they come a day after its end."""
    return (now - LAG).date() - timedelta(days=1)


def profile_row(brand: Brand, days: Sequence[ProfileFigures], videos: Sequence[Video], now: datetime) -> Row:
    """The account as it is now."""
    public = [video for video in videos if video.public_at <= now]
    return {
        "is_business_account": True,
        "profile_image": f"https://p16.example/{brand.key}.jpeg",
        "username": f"{brand.key}.official",
        "profile_deep_link": f"https://www.tiktok.com/@{brand.key}.official",
        "display_name": brand.name,
        "bio_description": f"{brand.niche} by {brand.name}",
        "is_verified": brand.deep,
        "following_count": 40 + stable_id("following", brand.key, 3) % 60,
        "followers_count": days[-1].followers if days else 0,
        "total_likes": sum(video.totals(now).likes for video in public),
        "videos_count": len(public),
    }


def day_row(figures: ProfileFigures, *, ripe: bool) -> Row:
    """A day of metrics. A day that is not ripe shows nine tenths of what it will."""

    def count(value: int) -> int:
        return value if ripe else value * 9 // 10

    return {
        "date": figures.day.isoformat(),
        "video_views": count(figures.views),
        "unique_video_views": count(figures.reach),
        "profile_views": count(figures.profile_views),
        "likes": count(figures.likes),
        "comments": count(figures.comments),
        "shares": count(figures.shares),
        "bio_link_clicks": count(figures.link_clicks),
        "phone_number_clicks": 0,
        "lead_submissions": 0,
        "app_download_clicks": 0,
        "email_clicks": 0,
        "address_clicks": 0,
        "daily_total_followers": figures.followers,
        "daily_new_followers": figures.new_followers,
        "daily_lost_followers": figures.lost_followers,
        "engaged_audience": count(figures.engaged_audience),
        "audience_activity": [
            {"hour": str(hour), "count": figures.followers * (2 + (hour * 7) % 11) // 100} for hour in range(24)
        ],
    }


def day_rows(days: Sequence[ProfileFigures], now: datetime, *, restated: bool) -> dict[date, Row]:
    """The days that TikTok shows by now."""
    last = open_day(now)
    unripe = last - timedelta(days=_RESTATED_DAYS)
    return {f.day: day_row(f, ripe=not restated or f.day <= unripe) for f in days if f.day <= last}


def audience(brand: Brand) -> Row:
    """Who follows, as fractions of 1."""
    return {
        "audience_ages": _shares(brand.key, "age", _AGES),
        "audience_genders": _shares(brand.key, "gender", _GENDERS),
        "audience_countries": _shares(brand.key, "country", (brand.market, "Others")),
        "audience_cities": _shares(brand.key, "city_name", _CITIES),
    }


def _shares(key: str, label: str, buckets: Sequence[str]) -> list[Row]:
    weights = [1 + stable_id(f"audience-{label}", f"{key}/{bucket}", 4) for bucket in buckets]
    return [
        {label: bucket, "percentage": round(weight / sum(weights), 4)}
        for bucket, weight in zip(buckets, weights, strict=True)
    ]


def published_at(video: Video, *, slow: bool) -> datetime:
    """When moderation gives the public id."""
    return max(video.public_at, video.posted_at + _SLOW_MODERATION) if slow else video.public_at


def video_row(video: Video, brand: Brand, now: datetime, *, public: bool) -> Row:
    """A video with its lifetime totals; in moderation it has neither public id nor figures."""
    row: Row = {
        "item_id": video.public_id if public else video.pending_id,
        "media_type": "VIDEO",
        "is_ad": False,
        "caption": " ".join((video.caption, *(f"#{tag}" for tag in video.hashtags))),
        "create_time": str(int(video.posted_at.timestamp())),
        "video_duration": video.duration_seconds,
        "thumbnail_url": f"https://p16.example/{video.key}.jpeg",
    }
    if not public:
        return row
    totals = video.totals(now)
    page = f"https://www.tiktok.com/@{brand.key}.official/video/{video.public_id}"
    return row | {
        "share_url": page,
        "embed_url": f"https://www.tiktok.com/embed/{video.public_id}",
        "video_views": totals.views,
        "reach": totals.reach,
        "likes": totals.likes,
        "comments": totals.comments,
        "shares": totals.shares,
        "favorites": totals.saves,
        "total_time_watched": totals.watch_seconds,
        "average_time_watched": round(totals.watch_seconds / totals.views, 3) if totals.views else 0,
        "full_video_watched_rate": totals.full_watch_rate,
        "new_followers": totals.new_followers,
        "profile_views": totals.profile_views,
        "website_clicks": totals.link_clicks,
    }


def chosen(row: Mapping[str, Any], fields: Sequence[str], always: Sequence[str] = ()) -> Row:
    """The fields that were asked for."""
    return {name: value for name, value in row.items() if name in fields or name in always}
