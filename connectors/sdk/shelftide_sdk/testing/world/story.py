"""What the demo tells: planted videos, pinned to the initial present. Everything else is drawn."""

from datetime import timedelta

from shelftide_sdk.testing.world.ads_plan import promoted_posts
from shelftide_sdk.testing.world.cast import Role
from shelftide_sdk.testing.world.curves import Curve
from shelftide_sdk.testing.world.model import Network, Product
from shelftide_sdk.testing.world.parameters import (
    CREATOR_ENGAGEMENT,
    STORY_AGE_HOURS,
    STORY_DAYS_WORTH,
    STORY_DECOYS,
    STORY_VIEWS,
)
from shelftide_sdk.testing.world.streams import dice
from shelftide_sdk.testing.world.timeline import Timeline
from shelftide_sdk.testing.world.videos import SimulatedVideo, draw_curve, make_video

_MODERATION = timedelta(minutes=20)
_QUIET_BEFORE, _QUIET_AFTER = 28, 14


def quiet_days(role: Role, timeline: Timeline) -> range:
    """Days on which no drawn video of a story brand goes viral, so that the planted ones stand out."""
    if not role.story:
        return range(0)
    return range(max(0, timeline.anchor_day - _QUIET_BEFORE), timeline.anchor_day + _QUIET_AFTER)


def planted_videos(seed: int, role: Role, timeline: Timeline) -> list[SimulatedVideo]:
    """The planted videos of a brand: those used in ads, one in moderation, and the story's."""
    if not role.brand.deep:
        return []
    planted = [*promoted_posts(seed, role, timeline), _in_moderation(seed, role, timeline)]
    if role.story:
        planted += [_hit(seed, role, timeline), *_decoys(seed, role, timeline)]
    return planted


def story_product(role: Role) -> Product:
    """The product of the story: the brand's first."""
    return role.brand.products[0]


def _in_moderation(seed: int, role: Role, timeline: Timeline) -> SimulatedVideo:
    rolls = dice(30, seed, "in-moderation", role.brand.key)
    posted = timeline.anchor - timedelta(minutes=40)
    following = role.networks[Network.TIKTOK]
    return make_video(
        role,
        key=f"{role.brand.key}-waiting",
        network=Network.TIKTOK,
        posted_at=posted,
        public_at=posted + timedelta(hours=5),
        product=rolls.pick(role.brand.products),
        lifetime_views=following.followers * rolls.between(0.2, 0.5),
        engagement=following.engagement,
        rolls=rolls,
    )


def _hit(seed: int, role: Role, timeline: Timeline) -> SimulatedVideo:
    """The creator's video that sells: it has reached its views 31 hours after posting, at the initial present."""
    rolls = dice(30, seed, "hit", role.brand.key)
    posted = timeline.anchor - timedelta(hours=STORY_AGE_HOURS)
    shape = draw_curve(rolls, "exogenous-subcritical")
    return make_video(
        role,
        key=f"{role.brand.key}-story-1",
        network=Network.TIKTOK,
        posted_at=posted,
        public_at=posted + _MODERATION,
        product=story_product(role),
        creator_key=role.creators[0].key,
        lifetime_views=_lifetime(STORY_VIEWS, shape, STORY_AGE_HOURS),
        engagement=CREATOR_ENGAGEMENT,
        days_worth=STORY_DAYS_WORTH,
        shape=shape,
        rolls=rolls,
    )


def _decoys(seed: int, role: Role, timeline: Timeline) -> list[SimulatedVideo]:
    """Three bigger videos that sold nothing; the first shows the very product of the story."""
    decoys = []
    for number, (age_days, views) in enumerate(STORY_DECOYS):
        rolls = dice(30, seed, "decoy", role.brand.key, number)
        posted = timeline.anchor - timedelta(days=age_days, hours=rolls.between(0, 6))
        shape = draw_curve(rolls, "exogenous-subcritical" if number else "exogenous-critical")
        age_hours = (timeline.anchor - posted) / timedelta(hours=1)
        decoys.append(
            make_video(
                role,
                key=f"{role.brand.key}-story-{number + 2}",
                network=Network.TIKTOK,
                posted_at=posted,
                public_at=posted + _MODERATION,
                product=role.brand.products[number],
                creator_key=role.creators[1].key if number == 1 else None,
                lifetime_views=_lifetime(views, shape, age_hours),
                engagement=role.networks[Network.TIKTOK].engagement,
                shape=shape,
                rolls=rolls,
            )
        )
    return decoys


def _lifetime(views: int, shape: Curve, age_hours: float) -> float:
    public_hours = age_hours - _MODERATION / timedelta(hours=1)
    return (views + 0.5) / shape.fraction(public_hours)
