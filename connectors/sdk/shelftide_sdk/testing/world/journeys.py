"""Visits before an order in the own shop: what the platform's journey shows of the truth."""

from datetime import timedelta

from shelftide_sdk.testing.world.cast import Role
from shelftide_sdk.testing.world.demand import Candidate
from shelftide_sdk.testing.world.model import Channel, Model, Network, Visit
from shelftide_sdk.testing.world.parameters import VISIBLE_TOUCH_SHARE
from shelftide_sdk.testing.world.streams import Dice

_REFERRERS = {
    Network.TIKTOK: "https://www.tiktok.com/",
    Network.INSTAGRAM: "https://l.instagram.com/",
    Network.XIAOHONGSHU: "https://www.xiaohongshu.com/",
}
# Touches that lead nowhere and everywhere: people look around before they buy.
_BYSTANDERS = {"search": 0.4, "direct": 0.35, "newsletter": 0.15, "organic": 0.1}
_SECOND, _THIRD = 0.45, 0.35


class Touch(Model, frozen=True, kw_only=True):
    """What a visit looks like. `kind` is the shop platform's source type in lower case."""

    source: str
    kind: str
    referrer: str | None = None
    utm: tuple[tuple[str, str], ...] = ()
    video_key: str | None = None
    campaign_key: str | None = None
    creator_key: str | None = None


def journey(role: Role, candidate: Candidate, rolls: Dice) -> tuple[Visit, ...]:
    """One to three visits in order of time; none for orders that no online store saw."""
    if candidate.channel is not Channel.SHOPIFY or candidate.in_store or candidate.test:
        return ()
    visible = rolls.chance(VISIBLE_TOUCH_SHARE)
    touches = [_touch(role, candidate) if visible else Touch(source="direct", kind="link")]
    second, third = rolls.chance(_SECOND), rolls.chance(_THIRD)
    for wanted in (second, second and third):
        bystander = rolls.weighted(_BYSTANDERS)
        if wanted:
            touches.insert(int(rolls.roll() * (len(touches) + 1)), _plain(bystander))
    return tuple(_visits(role, candidate, touches, rolls))


def _visits(role: Role, candidate: Candidate, touches: list[Touch], rolls: Dice) -> list[Visit]:
    at = candidate.at - timedelta(seconds=int(rolls.between(60, 3600)))
    visits = []
    for number in range(len(touches) - 1, -1, -1):
        touch = touches[number]
        product = candidate.wanted[0][0].rsplit("-", 1)[0]
        visits.append(
            Visit(
                key=f"{candidate.key}-visit{number + 1}",
                at=at,
                source=touch.source,
                kind=touch.kind,
                referrer=touch.referrer,
                landing_page=f"https://{role.brand.accounts['shopify']}/products/{product}",
                utm=dict(touch.utm),
                video_key=touch.video_key,
                campaign_key=touch.campaign_key,
                creator_key=touch.creator_key,
            )
        )
        gap = int(rolls.between(2, 96) * 3600)
        if candidate.since is not None:  # nobody comes from a post or an ad that is not there yet
            gap = min(gap, int((at - candidate.since).total_seconds() / 2))
        at -= timedelta(seconds=gap)
    return visits[::-1]


def _touch(role: Role, candidate: Candidate) -> Touch:
    match candidate.cause:
        case "video" if candidate.video is not None:
            return _video_touch(candidate)
        case "ad":
            return _ad_touch(candidate)
        case "creator":
            code = candidate.cause_key or ""
            return Touch(
                source="affiliate",
                kind="affiliate",
                referrer="https://link.example/",
                utm=(("utm_source", "creator"), ("utm_medium", "affiliate"), ("utm_campaign", code)),
                creator_key=candidate.cause_key,
            )
    return _plain(candidate.cause)


def _video_touch(candidate: Candidate) -> Touch:
    video = candidate.video
    assert video is not None
    source = "instagram" if video.network is Network.INSTAGRAM else video.network.value.split("-", maxsplit=1)[0]
    return Touch(
        source=source,
        kind="post",
        referrer=_REFERRERS[video.network],
        utm=(("utm_source", source), ("utm_medium", "social"), ("utm_content", video.public_id)),
        video_key=video.key,
        creator_key=video.creator_key,
    )


def _ad_touch(candidate: Candidate) -> Touch:
    ad = candidate.cause_key or ""
    tiktok = "tiktok-ads" in ad
    source = "tiktok" if tiktok else "facebook"
    campaign = ad.rsplit("-", 2)[0]
    return Touch(
        source=source,
        kind="ad",
        referrer=_REFERRERS[Network.TIKTOK] if tiktok else "https://l.facebook.com/",
        utm=(("utm_source", source), ("utm_medium", "paid_social"), ("utm_campaign", campaign), ("utm_content", ad)),
        campaign_key=campaign,
    )


def _plain(cause: str) -> Touch:
    match cause:
        case "search":
            return Touch(source="google", kind="seo", referrer="https://www.google.com/")
        case "newsletter":
            return Touch(
                source="newsletter",
                kind="newsletter",
                utm=(("utm_source", "newsletter"), ("utm_medium", "email")),
            )
        case "organic":
            return Touch(source="blog", kind="link", referrer="https://blog.example/")
    return Touch(source="direct", kind="link")
