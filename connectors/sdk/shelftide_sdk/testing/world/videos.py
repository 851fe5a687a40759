"""Content: a video with its exact curve, and the feeds that publish day by day."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from math import floor, pi

import msgspec

from shelftide_sdk.testing.world.cast import Following, Role
from shelftide_sdk.testing.world.curves import Curve
from shelftide_sdk.testing.world.model import Creator, Network, Product, Totals, stable_id
from shelftide_sdk.testing.world.names import HOOKS, TAGS
from shelftide_sdk.testing.world.parameters import (
    CLICKS_PER_VIEW,
    CREATOR_ENGAGEMENT,
    CREATOR_POSTS_A_WEEK,
    CURVE_SHARES,
    ENGAGEMENT_SPLIT,
    ENGAGEMENT_SPREAD,
    FOLLOWS_PER_VIEW,
    MODERATION_SLOW_SHARE,
    ORDINARY_DAYS_WORTH,
    ORDINARY_SELLS,
    PROFILE_VIEWS_PER_VIEW,
    REACH_PER_VIEW,
    STORY_CEILING,
    VIEWS_LOG_SD,
    VIEWS_PER_FOLLOWER,
    VIRAL_DAYS_LOG_SD,
    VIRAL_DAYS_WORTH,
    VIRAL_FACTOR,
    VIRAL_SELLS,
    VIRAL_SHARE,
)
from shelftide_sdk.testing.world.streams import Dice, dice
from shelftide_sdk.testing.world.timeline import DAY, Timeline

_SLOTS = 3  # chances to post on one day
_HOUR = timedelta(hours=1)
_SCALE_HOURS = {
    "exogenous-subcritical": 12.0,
    "exogenous-critical": 3.0,
    "endogenous-critical": 6.0,
    "endogenous-subcritical": 1.0,
}


class SimulatedVideo(msgspec.Struct, kw_only=True):
    """A `Video`. `lifetime_views` is what it reaches at the horizon; `days_worth` is the extra demand that it brings.

    Not frozen, because the protocol's attributes are declared as plain variables; nothing changes it.
    """

    key: str
    brand_key: str
    network: Network
    kind: str
    caption: str
    hashtags: tuple[str, ...]
    duration_seconds: int
    posted_at: datetime
    public_at: datetime
    pending_id: str
    public_id: str
    creator_key: str | None
    competitor_key: str | None
    product_keys: tuple[str, ...]
    promoted: bool
    curve: str
    converts: bool
    shape: Curve
    lifetime_views: float
    engagement: float
    watch_share: float
    days_worth: float

    def views(self, at: datetime) -> int:
        """Lifetime views at `at`."""
        return floor(self.lifetime_views * self.shape.fraction((at - self.public_at) / _HOUR))

    def totals(self, at: datetime) -> Totals:
        """Lifetime totals at `at`; never falling."""
        views = self.views(at)
        engaged = views * self.engagement
        return Totals(
            views=views,
            reach=floor(views * REACH_PER_VIEW),
            likes=floor(engaged * ENGAGEMENT_SPLIT["likes"]),
            comments=floor(engaged * ENGAGEMENT_SPLIT["comments"]),
            shares=floor(engaged * ENGAGEMENT_SPLIT["shares"]),
            saves=floor(engaged * ENGAGEMENT_SPLIT["saves"]),
            watch_seconds=round(views * self.duration_seconds * self.watch_share, 3),
            full_watch_rate=round(self.watch_share * 0.55, 4),
            new_followers=floor(views * FOLLOWS_PER_VIEW),
            profile_views=floor(views * PROFILE_VIEWS_PER_VIEW),
            link_clicks=floor(views * CLICKS_PER_VIEW),
        )


class Feed(msgspec.Struct, frozen=True, kw_only=True):
    """What one source publishes on one network: a brand itself, its creators, or a competitor.

    `quiet` are days on which nothing goes viral (the story owns them).
    """

    name: str
    role: Role
    network: Network
    following: Following
    creators: tuple[Creator, ...] = ()
    competitor_key: str | None = None
    planted: Mapping[int, tuple[SimulatedVideo, ...]] = {}
    quiet: range = range(0)
    _days: dict[int, tuple[SimulatedVideo, ...]] = msgspec.field(default_factory=dict)

    def of_day(self, seed: int, timeline: Timeline, day: int) -> tuple[SimulatedVideo, ...]:
        """What is posted on a day, in order of time."""
        if day not in self._days:
            found = list(self.planted.get(day, ()))
            for slot in range(_SLOTS):
                rolls = dice(40, seed, "post", self.name, day, slot)
                if rolls.chance(self.following.posts_per_week / 7 / _SLOTS):
                    found.append(self._post(timeline, day, slot, rolls))
            self._days[day] = tuple(sorted(found, key=lambda v: (v.posted_at, v.key)))
        return self._days[day]

    def _post(self, timeline: Timeline, day: int, slot: int, rolls: Dice) -> SimulatedVideo:
        posted = timeline.midnight(day) + timedelta(seconds=int(rolls.roll() * 86_400))
        viral = rolls.chance(VIRAL_SHARE) and day not in self.quiet
        creator = rolls.pick(self.creators) if self.creators else None
        audience = creator.followers if creator else self.following.followers
        views = rolls.lognormal(audience * VIEWS_PER_FOLLOWER, VIEWS_LOG_SD)
        if viral:
            views *= rolls.between(*VIRAL_FACTOR)
        if self.role.story and self.competitor_key is None:
            views = min(views, STORY_CEILING)
        sells = rolls.chance(VIRAL_SELLS if viral else ORDINARY_SELLS) and self.competitor_key is None
        median, spread = (VIRAL_DAYS_WORTH, VIRAL_DAYS_LOG_SD) if viral else (ORDINARY_DAYS_WORTH, 0.5)
        product = _shown(self.role, rolls)
        return make_video(
            self.role,
            key=f"{self.name}-d{day}-{slot}",
            network=self.network,
            posted_at=posted,
            public_at=posted + _moderation(rolls),
            product=None if self.competitor_key else product,
            creator_key=creator.key if creator else None,
            competitor_key=self.competitor_key,
            lifetime_views=views,
            engagement=(CREATOR_ENGAGEMENT if creator else self.following.engagement)
            * rolls.between(1 - ENGAGEMENT_SPREAD, 1 + ENGAGEMENT_SPREAD),
            days_worth=rolls.lognormal(median, spread) if sells else 0.0,
            rolls=rolls,
        )


def make_video(  # noqa: PLR0913 - a video is described by all of these, by name
    role: Role,
    *,
    key: str,
    network: Network,
    posted_at: datetime,
    public_at: datetime,
    product: Product | None,
    lifetime_views: float,
    engagement: float,
    rolls: Dice,
    creator_key: str | None = None,
    competitor_key: str | None = None,
    days_worth: float = 0.0,
    promoted: bool = False,
    shape: Curve | None = None,
) -> SimulatedVideo:
    """A video with a caption, tags, length and curve drawn from `rolls`."""
    subject = product.title if product else "the new collection"
    tags = TAGS[role.brand.niche]
    drawn = shape or draw_curve(rolls)
    return SimulatedVideo(
        key=key,
        brand_key=role.brand.key,
        network=network,
        kind="reel" if network is Network.INSTAGRAM else "note" if network is Network.XIAOHONGSHU else "video",
        caption=f"{rolls.pick(HOOKS)} {subject}",
        hashtags=(tags[int(rolls.roll() * len(tags))], *((role.brand.key,) if competitor_key is None else ())),
        duration_seconds=int(rolls.between(9, 58)),
        posted_at=posted_at,
        public_at=public_at,
        pending_id=f"v_pub_url~v2.{stable_id('pending', key, 18)}",
        public_id="7" + str(stable_id("public", key, 18)),
        creator_key=creator_key,
        competitor_key=competitor_key,
        product_keys=(product.key,) if product else (),
        promoted=promoted,
        curve=drawn.kind,
        converts=days_worth > 0,
        shape=drawn,
        lifetime_views=lifetime_views,
        engagement=engagement,
        watch_share=rolls.between(0.25, 0.6),
        days_worth=days_worth,
    )


def draw_curve(rolls: Dice, kind: str | None = None) -> Curve:
    """A curve of the given class, or of one drawn by its share."""
    chosen = kind or rolls.weighted(CURVE_SHARES)
    phases = (rolls.between(0, 2 * pi), rolls.between(0, 2 * pi), rolls.between(0, 2 * pi))
    return Curve(kind=chosen, scale_hours=_SCALE_HOURS[chosen], peak_hours=rolls.between(60, 200), phases=phases)


def brand_feeds(
    role: Role,
    planted: Sequence[SimulatedVideo],
    timeline: Timeline,
    quiet: range,
) -> dict[Network, tuple[Feed, ...]]:
    """The feeds of a brand by network: its own and its creators'. `planted` videos join the own or creators' feed."""
    feeds = {}
    for network, following in role.networks.items():
        own = [v for v in planted if v.network is network]
        name = f"{role.brand.key}-{network.value}"
        listed = [
            Feed(
                name=name,
                role=role,
                network=network,
                following=following,
                planted=_by_day(own, timeline),
                quiet=quiet,
            )
        ]
        creators = tuple(c for c in role.creators if c.network is network)
        if creators:
            pace = msgspec.structs.replace(following, posts_per_week=CREATOR_POSTS_A_WEEK)
            listed.append(
                Feed(
                    name=f"{name}-creators", role=role, network=network, following=pace, creators=creators, quiet=quiet
                )
            )
        feeds[network] = tuple(listed)
    return feeds


def rival_feed(role: Role, index: int) -> Feed:
    """The feed of a brand's competitor."""
    rival = role.rivals[index]
    return Feed(
        name=rival.competitor.key,
        role=role,
        network=rival.competitor.network,
        following=rival.following,
        competitor_key=rival.competitor.key,
    )


def posted(feeds: Sequence[Feed], seed: int, timeline: Timeline, until: datetime) -> list[SimulatedVideo]:
    """All that the feeds have posted by `until`, in order of time."""
    days = range(timeline.day_of(until) + 1)
    found = [v for feed in feeds for day in days for v in feed.of_day(seed, timeline, day) if v.posted_at <= until]
    return sorted(found, key=lambda v: (v.posted_at, v.key))


def _by_day(videos: Sequence[SimulatedVideo], timeline: Timeline) -> dict[int, tuple[SimulatedVideo, ...]]:
    days: dict[int, tuple[SimulatedVideo, ...]] = {}
    for video in videos:
        day = (video.posted_at - timeline.start) // DAY
        days[day] = (*days.get(day, ()), video)
    return days


def _moderation(rolls: Dice) -> timedelta:
    slow = rolls.chance(MODERATION_SLOW_SHARE)
    minutes = rolls.between(120, 1440) if slow else rolls.between(2, 60)
    return timedelta(seconds=int(minutes * 60))


def _shown(role: Role, rolls: Dice) -> Product:
    key = rolls.weighted(role.weights)
    return next(product for product in role.brand.products if product.key == key)
