"""What Instagram shows of the world. What the world does not know is derived from it, and adds up to its figures."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from shelftide_meta.emulator_fields import Row, nested_edge
from shelftide_meta.mapping_instagram import PACIFIC
from shelftide_sdk.testing.world.model import (
    Brand,
    Competitor,
    Network,
    ProfileFigures,
    Totals,
    Video,
    WorldView,
    stable_id,
)

HELD_BACK = timedelta(hours=60)  # with `moderation-delay`
STORY_HOURS = (6, 18)
FEW_VIEWERS = 4
_BUSINESS_AFTER = timedelta(days=3)  # the account became a business account this long after the world's start
_FAN_DAYS = 3
_LABEL = "%Y-%m-%dT%H:%M:%S+0000"
_TEXTS = ("Love this!", "Where can I buy it?", "Need this in my life", "¡Qué bonito!", "好想買", "When is it back?")
AGES = ("13-17", "18-24", "25-34", "35-44", "45-54", "55-64", "65+")
GENDERS = ("F", "M", "U")
CITIES = ("Milan, Lombardia", "London, England", "Paris, Île-de-France", "Taipei, Taiwan", "Austin, Texas")


def label(at: datetime) -> str:
    """A time as Meta writes it: no colon in the offset."""
    return at.astimezone(UTC).strftime(_LABEL)


def end_of(day: date) -> datetime:
    """The end of a day: midnight in Pacific time."""
    return datetime.combine(day + timedelta(days=1), time(), PACIFIC)


def split(total: int, key: str, buckets: Sequence[str]) -> list[int]:
    """A whole number in as many parts; they add up to it."""
    weights = [1 + stable_id("weight", f"{key}/{bucket}", 4) % 97 for bucket in buckets]
    parts = [total * weight // sum(weights) for weight in weights]
    parts[weights.index(max(weights))] += total - sum(parts)
    return parts


def media_id(video: Video) -> str:
    """The id of a post."""
    return "17" + str(stable_id("ig-media", video.key, 15))


def kind_of(video: Video) -> tuple[str, str]:
    """(media_product_type, media_type): most are reels."""
    place = stable_id("ig-kind", video.key) % 10
    listed = {6: ("FEED", "VIDEO"), 7: ("FEED", "IMAGE"), 8: ("FEED", "CAROUSEL_ALBUM"), 9: ("AD", "IMAGE")}
    return listed.get(place, ("REELS", "VIDEO"))


def posts_of(world: WorldView, brand: Brand, *, held: bool = False) -> list[Video]:
    """The account's own posts that are public, newest first."""
    latest = world.now - (HELD_BACK if held else timedelta(0))
    own = [v for v in world.videos(brand.key, Network.INSTAGRAM) if v.creator_key is None]
    return [v for v in reversed(own) if v.public_at <= world.now and v.posted_at <= latest]


def is_before_business(world: WorldView, video: Video) -> bool:
    """Whether a post is older than the business account."""
    return video.posted_at < world.start + _BUSINESS_AFTER


def shown(totals: Totals, *, restated: bool) -> dict[str, int]:
    """Figures of a post; with `restate` they still lack a tenth."""
    names = ("views", "reach", "likes", "comments", "shares", "saves", "new_followers", "profile_views")
    found = {name: int(getattr(totals, name)) for name in names}
    return {name: value * 9 // 10 if restated else value for name, value in found.items()}


def media_row(video: Video, account_id: str, handle: str, now: datetime, *, restated: bool = False) -> Row:
    """A post with the counters that everybody sees."""
    product, media = kind_of(video)
    figures = shown(video.totals(now), restated=restated)
    number = media_id(video)
    code = f"C{stable_id('shortcode', video.key, 10)}"
    row: Row = {
        "id": number,
        "ig_id": str(stable_id("ig-id", video.key, 19)),
        "caption": " ".join((video.caption, *(f"#{tag}" for tag in video.hashtags))),
        "media_type": media,
        "media_product_type": product,
        "permalink": f"https://www.instagram.com/{'reel' if product == 'REELS' else 'p'}/{code}/",
        "shortcode": code,
        "timestamp": label(video.posted_at),
        "username": handle,
        "owner": {"id": account_id},
        "is_comment_enabled": True,
        "comments_count": figures["comments"],
        "like_count": figures["likes"],
        "view_count": figures["views"],
        "saved_count": figures["saves"],
        "shares_count": figures["shares"],
    }
    if stable_id("copyright", video.key) % 11:  # a flagged post has no address of its media
        row["media_url"] = (
            f"https://scontent.example/{number}.mp4?_nc_rid={stable_id('rid', f'{video.key}{now}')}&ccb=1"
        )
    if media == "VIDEO":
        row["thumbnail_url"] = f"https://scontent.example/{number}.jpg?_nc_rid={stable_id('rid', video.key)}"
    if media == "CAROUSEL_ALBUM":
        row["children"] = {"data": children_of(video, row["timestamp"])}
    return row


def children_of(video: Video, timestamp: str) -> list[Row]:
    """The images and videos of a carousel."""
    count = 2 + stable_id("children", video.key) % 3
    return [
        {
            "id": "18" + str(stable_id("ig-child", f"{video.key}-{number}", 15)),
            "media_type": "VIDEO" if number == 1 else "IMAGE",
            "media_url": f"https://scontent.example/{video.key}-{number}.jpg?ccb=7",
            "timestamp": timestamp,
        }
        for number in range(count)
    ]


def insight_values(video: Video, now: datetime, *, restated: bool) -> dict[str, int]:
    """Lifetime insights of a post by the names of all versions."""
    totals = video.totals(now)
    figures = shown(totals, restated=restated)
    average = totals.watch_seconds / totals.views if totals.views else 0.0
    return {
        "plays": figures["views"],
        "impressions": figures["views"],
        "views": figures["views"],
        "reach": figures["reach"],
        "likes": figures["likes"],
        "comments": figures["comments"],
        "shares": figures["shares"],
        "saved": figures["saves"],
        "follows": figures["new_followers"],
        "profile_visits": figures["profile_views"],
        "ig_reels_avg_watch_time": round(average * 1000),
        "ig_reels_video_view_total_time": round(totals.watch_seconds * 1000),
    }


# -- stories ----------------------------------------------------------------------------------------------------------


def story_rows(brand: Brand, account_id: str, now: datetime) -> list[Row]:
    """Stories of the last 24 hours, newest first."""
    found = []
    for back in range(2):
        for hour in STORY_HOURS:
            at = datetime.combine(now.date() - timedelta(days=back), time(hour), UTC)
            if now - timedelta(hours=24) < at <= now:
                found.append(_story(brand, account_id, at))
    return sorted(found, key=lambda row: str(row["timestamp"]), reverse=True)


def _story(brand: Brand, account_id: str, at: datetime) -> Row:
    number = "19" + str(stable_id("ig-story", f"{brand.key}-{label(at)}", 15))
    return {
        "id": number,
        "ig_id": str(stable_id("ig-id", number, 19)),
        "media_type": "IMAGE",
        "media_product_type": "STORY",
        "media_url": f"https://scontent.example/{number}.jpg?ccb=1",
        "permalink": f"https://www.instagram.com/stories/{brand.key}/{number}",
        "timestamp": label(at),
        "owner": {"id": account_id},
        "like_count": 0,
    }


def story_values(row: Row) -> dict[str, int]:
    """Figures of a story; every second one was seen by few."""
    seen = FEW_VIEWERS if str(row["timestamp"])[11:13] == "06" else 300 + stable_id("story", row["id"]) % 900
    return {
        "impressions": seen,
        "views": seen,
        "reach": seen * 9 // 10,
        "replies": seen // 50,
        "follows": seen // 100,
        "profile_visits": seen // 30,
        "shares": seen // 80,
        "total_interactions": seen // 50 + seen // 80,
    }


# -- comments, tags, products -----------------------------------------------------------------------------------------


def comment_rows(video: Video, count: int) -> list[Row]:
    """As many comments as a post counts, newest first; every third one is a reply to the one before it."""
    found: list[Row] = []
    for number in range(count):
        row = _comment(video, number)
        if number % 3 == 2:
            row["parent_id"] = found[-1]["id"]
            found[-1]["replies"]["data"].append(row)
        else:
            found.append(row | {"replies": {"data": []}})
    for row in found:
        if not row["replies"]["data"]:
            del row["replies"]
    return found[::-1]


def _comment(video: Video, number: int) -> Row:
    key = f"{video.key}-{number}"
    return {
        "id": "18" + str(stable_id("ig-comment", key, 15)),
        "text": _TEXTS[stable_id("comment-text", key) % len(_TEXTS)],
        "timestamp": label(video.public_at + timedelta(seconds=7 * number)),
        "like_count": stable_id("comment-likes", key) % 9,
        "hidden": False,
        "from": {"id": str(stable_id("ig-person", key, 15)), "username": f"fan.{number}"},
    }


def tag_rows(world: WorldView, brand: Brand) -> list[Row]:
    """Posts of creators and fans in which the account is tagged, newest first."""
    lent = [v for v in world.videos(brand.key, Network.INSTAGRAM) if v.creator_key and v.public_at <= world.now]
    handles = {creator.key: creator.handle for creator in world.creators(brand.key)}
    found = [media_row(v, "0", handles.get(v.creator_key or "", "creator"), world.now) for v in lent]
    for number in range(0, (world.now - world.start).days, _FAN_DAYS):
        key = f"{brand.key}-fan-{number}"
        found.append(
            {
                "id": "17" + str(stable_id("ig-fan", key, 15)),
                "caption": f"Look what came! @{brand.key}",
                "media_type": "IMAGE",
                "media_product_type": "FEED",
                "permalink": f"https://www.instagram.com/p/F{stable_id('fan', key, 9)}/",
                "timestamp": label(world.start + timedelta(days=number, hours=15)),
                "username": f"fan.{number}",
                "like_count": stable_id("fan-likes", key) % 40,
                "comments_count": 0,
            }
        )
    return sorted(found, key=lambda row: str(row["timestamp"]), reverse=True)


def product_rows(brand: Brand, video: Video) -> list[Row]:
    """The products that a post is tagged with."""
    products = {product.key: product for product in brand.products}
    return [
        {
            "product_id": stable_id("meta-product", key, 16),
            "merchant_id": stable_id("meta-merchant", brand.key, 15),
            "name": products[key].title,
            "price_string": f"{brand.currency} {products[key].skus[0].price.amount}",
            "image_url": f"https://scontent.example/{key}.jpg",
            "review_status": "approved",
            "is_checkout": False,
            "product_url": f"https://{brand.accounts['shopify']}/products/{key}",
        }
        for key in video.product_keys
        if key in products
    ]


# -- the account ------------------------------------------------------------------------------------------------------


def profile_row(brand: Brand, account_id: str, days: Sequence[ProfileFigures], posts: int) -> Row:
    """An account as it is now."""
    return {
        "id": account_id,
        "user_id": account_id,
        "ig_id": stable_id("ig-user", brand.key, 11),
        "username": f"{brand.key}.official",
        "name": brand.name,
        "biography": f"{brand.name} · {brand.niche}",
        "website": f"https://{brand.accounts['shopify']}",
        "profile_picture_url": f"https://scontent.example/{brand.key}.jpg",
        "followers_count": days[-1].followers if days else 0,
        "follows_count": 50 + stable_id("follows", brand.key) % 400,
        "media_count": posts,
        "shopping_product_tag_eligibility": True,
    }


def competitor_row(world: WorldView, rival: Competitor) -> Row:
    """Another account as business discovery shows it."""
    days = world.competitor_days(rival.key)
    account_id = "178414" + str(stable_id("ig-rival", rival.key, 11))
    rows = []
    for video in reversed(world.competitor_videos(rival.key)):
        if video.public_at <= world.now:
            row = media_row(video, account_id, rival.handle, world.now)
            if stable_id("hidden-likes", video.key) % 4 == 0:
                del row["like_count"]  # the owner hides them
            rows.append(row)
    return {
        "id": account_id,
        "username": rival.handle,
        "name": rival.name,
        "biography": f"{rival.name}, official",
        "followers_count": days[-1].followers if days else 0,
        "follows_count": stable_id("follows", rival.key) % 400,
        "media_count": len(rows),
        "media": nested_edge(rows),
    }


def audience(brand: Brand, metric: str, total: int, keys: Sequence[str]) -> list[Row]:
    """Groups of an audience by one or two dimensions; ages and genders are the margins of one table."""
    cells = split(total, f"{brand.key}/{metric}", [f"{age}/{gender}" for age in AGES for gender in GENDERS])
    groups: dict[tuple[str, ...], int]
    table = {
        (age, gender): cells[a * len(GENDERS) + g] for a, age in enumerate(AGES) for g, gender in enumerate(GENDERS)
    }
    if list(keys) == ["age", "gender"]:
        groups = dict(table.items())
    elif list(keys) == ["age"]:
        groups = {(age,): sum(table[age, gender] for gender in GENDERS) for age in AGES}
    elif list(keys) == ["gender"]:
        groups = {(gender,): sum(table[age, gender] for age in AGES) for gender in GENDERS}
    else:
        buckets = (brand.market, "DE", "FR") if list(keys) == ["country"] else CITIES
        names = tuple(dict.fromkeys(buckets))
        groups = {(n,): v for n, v in zip(names, split(total, f"{brand.key}/{metric}/{keys}", names), strict=True)}
    return [{"dimension_values": list(values), "value": count} for values, count in groups.items()]


def day_values(figures: ProfileFigures | None, *, unripe: bool) -> dict[str, int]:
    """A day's totals by metric; a day that is not over has none yet."""

    def count(name: str) -> int:
        value = int(getattr(figures, name)) if figures is not None else 0
        return value * 9 // 10 if unripe else value

    return {
        "reach": count("reach"),
        "views": count("views"),
        "accounts_engaged": count("engaged_audience"),
        "likes": count("likes"),
        "comments": count("comments"),
        "shares": count("shares"),
        "profile_views": count("profile_views"),
        "website_clicks": count("link_clicks"),
        "profile_links_taps": count("link_clicks"),
        "follower_count": figures.new_followers if figures else 0,
        "lost": figures.lost_followers if figures else 0,
    }


def insight(owner: str, name: str, period: str, value: Any) -> Row:
    """A row of insights; `value` is its `values` list or its `total_value` object."""
    key = "values" if isinstance(value, list) else "total_value"
    title = name.replace("_", " ").capitalize()
    return {
        "name": name,
        "period": period,
        key: value,
        "title": title,
        "description": f"{title}.",
        "id": f"{owner}/insights/{name}/{period}",
    }
