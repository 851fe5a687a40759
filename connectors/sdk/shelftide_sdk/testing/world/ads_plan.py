"""The plan of a brand's ads: campaigns, ad groups and ads, and the posts that they promote."""

from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from shelftide_sdk.testing.world.cast import Role, rounded
from shelftide_sdk.testing.world.model import AdEntity, Channel, Model, Network
from shelftide_sdk.testing.world.parameters import AD_COST_SHARE, AD_ORDERS_SHARE
from shelftide_sdk.testing.world.streams import dice
from shelftide_sdk.testing.world.timeline import Timeline
from shelftide_sdk.testing.world.videos import SimulatedVideo, make_video

_CAMPAIGNS = (("Always on", "PRODUCT_SALES"), ("Launch", "TRAFFIC"))
_GROUPS = ("Lookalike 1 %", "Interest")
_ADS = ("Hook A", "Hook B")
_PLAN_DAYS = 30  # all ads are created within the first month


class PlannedAd(Model, frozen=True, kw_only=True):
    """An ad with its parents and its life: it spends from `first_day` up to `last_day` (None: without end).

    `orders_a_day` is the mean of orders that it really causes.
    """

    network: str
    campaign: AdEntity
    group: AdEntity
    ad: AdEntity
    first_day: int
    last_day: int | None
    orders_a_day: float
    spend_a_day: Decimal

    def runs_on(self, day: int) -> bool:
        """Whether it spends on a day."""
        return self.first_day <= day and (self.last_day is None or day < self.last_day)


def plan_ads(seed: int, role: Role, timeline: Timeline) -> tuple[PlannedAd, ...]:
    """All ads that the brand ever runs."""
    found = []
    for network in role.over_reporting:
        weight = role.base_orders * AD_ORDERS_SHARE[network] / 8
        for c, (campaign, objective) in enumerate(_CAMPAIGNS):
            for g, group in enumerate(_GROUPS):
                for a, ad in enumerate(_ADS):
                    names = (f"{campaign} · {role.brand.name}", group, f"{ad} {c + 1}{g + 1}")
                    found.append(_planned(seed, role, timeline, (network, c, g, a), names, objective, weight))
    return tuple(found)


def promoted_posts(seed: int, role: Role, timeline: Timeline) -> list[SimulatedVideo]:
    """The posts that TikTok ads promote, each public before its ad is made."""
    if not role.advertised:
        return []
    videos = []
    for planned in plan_ads(seed, role, timeline):
        if planned.ad.video_key is None:
            continue
        rolls = dice(30, seed, "promoted", planned.ad.key)
        following = role.networks[Network.TIKTOK]
        posted = planned.ad.created_at - timedelta(minutes=int(rolls.between(120, 1200)))
        videos.append(
            make_video(
                role,
                key=planned.ad.video_key,
                network=Network.TIKTOK,
                posted_at=posted,
                public_at=posted + timedelta(minutes=30),
                product=rolls.pick(role.brand.products),
                lifetime_views=following.followers * rolls.between(0.3, 0.9),
                engagement=following.engagement,
                promoted=True,
                rolls=rolls,
            )
        )
    return videos


def average_order(role: Role) -> Decimal:
    """A rough value of an order: the weighted price of the first variants."""
    weights = {key: Decimal(str(weight)) for key, weight in role.weights.items()}
    total = sum((p.skus[0].price.amount * weights[p.key] for p in role.brand.products), Decimal(0))
    return rounded(total / sum(weights.values()) * Decimal("1.25"), role.brand.currency)


def ad_channels(role: Role, network: str) -> dict[Channel, float]:
    """Where orders of a network's ads are placed."""
    if network == "tiktok-ads" and Channel.TIKTOK_SHOP in role.mix:
        return {Channel.TIKTOK_SHOP: 0.5, Channel.SHOPIFY: 0.5}
    home = {"amazon-ads": Channel.AMAZON, "xiaohongshu-juguang": Channel.XIAOHONGSHU}.get(network, Channel.SHOPIFY)
    return {home if home in role.mix else Channel.SHOPIFY: 1.0}


def _planned(  # noqa: PLR0917 - positions and names come from three nested loops
    seed: int,
    role: Role,
    timeline: Timeline,
    at: tuple[str, int, int, int],
    names: tuple[str, str, str],
    objective: str,
    weight: float,
) -> PlannedAd:
    network, c, g, a = at
    key = f"{role.brand.key}-{network}-{c + 1}"
    rolls = dice(10, seed, "ad", key, g, a)
    first = 1 if c == 0 else 1 + int(dice(1, seed, "campaign", key).roll() * _PLAN_DAYS)
    last = first + 25 + int(rolls.roll() * 60) if rolls.chance(0.3) else None
    orders = weight * rolls.between(0.4, 1.6)
    spend = average_order(role) * Decimal(str(round(orders * AD_COST_SHARE * rolls.between(0.8, 1.25), 6)))
    created = timeline.midnight(first) - timedelta(hours=3)

    def entity(level: str, entity_key: str, parent: str, name: str, share: int) -> AdEntity:
        return _entity(role, network, (level, entity_key, parent, name), objective, created, spend * share)

    video = f"{key}-{g + 1}-{a + 1}-post" if network == "tiktok-ads" else None
    ad = entity("ad", f"{key}-{g + 1}-{a + 1}", f"{key}-{g + 1}", names[2], 1)
    return PlannedAd(
        network=network,
        campaign=entity("campaign", key, "", names[0], 4),
        group=entity("ad_group", f"{key}-{g + 1}", key, names[1], 2),
        ad=msgspec.structs.replace(ad, video_key=video),
        first_day=first,
        last_day=last,
        orders_a_day=orders,
        spend_a_day=spend,
    )


def _entity(  # noqa: PLR0917 - one call site
    role: Role,
    network: str,
    names: tuple[str, str, str, str],
    objective: str,
    created_at: datetime,
    budget: Decimal,
) -> AdEntity:
    level, key, parent, name = names
    return AdEntity(
        key=key,
        brand_key=role.brand.key,
        network=network,
        level=level,
        parent_key=parent,
        name=name,
        objective=objective,
        daily_budget=rounded(budget, role.brand.currency),
        created_at=created_at,
        status="active",
    )
