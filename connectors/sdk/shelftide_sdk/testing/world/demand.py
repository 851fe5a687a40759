"""Who wants to buy what, and why: the demand of one brand on one day, whatever lies on the shelf."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from math import exp
from statistics import NormalDist
from zoneinfo import ZoneInfo

from shelftide_sdk.testing.world.ads_plan import PlannedAd, ad_channels
from shelftide_sdk.testing.world.cast import Role
from shelftide_sdk.testing.world.model import Channel, Model, Product, stable_id
from shelftide_sdk.testing.world.parameters import (
    BLACK_FRIDAY_FACTOR,
    DAY_LOG_SD,
    EXTRA_LINE_SHARE,
    HOURS,
    IN_APP_SHARE,
    LAG_DAYS,
    LAG_RATIO,
    LIVE_DAYS_WORTH,
    LIVE_SHARE_OF_DAYS,
    MARKET_CAUSES,
    POS_SHARE,
    QUANTITIES,
    SELLING_DAYS,
    SHOP_CAUSES,
    SINGLES_DAY_FACTOR,
    TEST_ORDERS_A_DAY,
    WEEKDAYS,
)
from shelftide_sdk.testing.world.streams import Dice, dice, dice_rows, poisson_quantile
from shelftide_sdk.testing.world.timeline import Timeline
from shelftide_sdk.testing.world.videos import SimulatedVideo

_NORMAL = NormalDist()
_ROLLS = 64  # more than any order uses
_DAY_HOURS = 24
_HOUR_SHARES = dict(enumerate(HOURS))
_LAGS = tuple(LAG_RATIO**lag for lag in range(1, LAG_DAYS + 1))
LAG_WEIGHTS = tuple(weight / sum(_LAGS) for weight in _LAGS)
"""Share of a view's purchases that come 1, 2, ... days later."""


class Candidate(Model, frozen=True, kw_only=True):
    """Somebody who wants to buy: SKU keys with pieces, and what made him want it.

    `since` is when its cause began to exist. `dice` decide all that follows. The key says nothing of the cause, because
    keys reach the wire.
    """

    key: str
    at: datetime
    channel: Channel
    cause: str
    cause_key: str | None
    wanted: tuple[tuple[str, int], ...]
    dice: Dice
    video: SimulatedVideo | None = None
    since: datetime | None = None
    live_key: str | None = None
    in_store: bool = False
    test: bool = False


class Origin(Model, frozen=True, kw_only=True):
    """What a batch of candidates has in common. `product` is None when the buyer chooses."""

    channels: Mapping[Channel, float]
    cause: str | None = None
    cause_key: str | None = None
    product: Product | None = None
    video: SimulatedVideo | None = None
    since: datetime | None = None
    live_key: str | None = None
    test: bool = False


def season(day: date, market: str) -> float:
    """The season's factor on a local date."""
    if market in ("CN", "TW", "JP"):
        return SINGLES_DAY_FACTOR if (day.month, day.day) == (11, 11) else 1.0
    first = date(day.year, 11, 1)
    black_friday = first + timedelta(days=(3 - first.weekday()) % 7 + 22)
    if black_friday <= day <= black_friday + timedelta(days=3):
        return BLACK_FRIDAY_FACTOR
    return 1.0


class Demand:
    """Demand of one brand. `of_day` is a pure function of the day: no stock, no past, no order of calls."""

    def __init__(
        self,
        seed: int,
        role: Role,
        timeline: Timeline,
        videos_of_day: Callable[[int], Sequence[SimulatedVideo]],
        ads: Sequence[PlannedAd],
    ) -> None:
        self._seed = seed
        self._role = role
        self._timeline = timeline
        self._videos_of_day = videos_of_day
        self._ads = ads
        self._products = {product.key: product for product in role.brand.products}
        total = sum(role.weights.values())
        self._shares = {key: weight / total for key, weight in role.weights.items()}

    def of_day(self, day: int) -> list[Candidate]:
        """All who want to buy on a day, in order of time."""
        found = [*self._ordinary(day), *self._from_videos(day), *self._from_ads(day), *self._from_live(day)]
        found += self._tests(day)
        return sorted(found, key=lambda candidate: (candidate.at, candidate.key))

    def mean_units(self, sku_key: str, channels: Iterable[Channel]) -> float:
        """Mean pieces a day of a variant in ordinary demand on these channels."""
        for product in self._role.brand.products:
            for position, sku in enumerate(product.skus):
                if sku.key == sku_key:
                    pieces = sum(size * share for size, share in QUANTITIES.items())
                    orders = self._role.base_orders * sum(self._role.mix.get(channel, 0.0) for channel in channels)
                    share = _variant_shares(product)[position]
                    return orders * self._shares[product.key] * share * pieces * (1 + EXTRA_LINE_SHARE)
        raise KeyError(sku_key)

    def product_orders(self, product_key: str) -> float:
        """Mean ordinary orders a day that hold a product."""
        return self._role.base_orders * self._shares[product_key]

    def _ordinary(self, day: int) -> list[Candidate]:
        found = []
        for channel, share in self._role.mix.items():
            rolls = dice(2, self._seed, self._role.brand.key, day, "ordinary", channel.value)
            noise = exp(DAY_LOG_SD * _NORMAL.inv_cdf(max(rolls.roll(), 1e-12)))
            mean = self._role.base_orders * share * self._calendar(day) * noise
            count = poisson_quantile(rolls.roll(), mean)
            found += self._batch(day, f"o-{channel.value}", count, Origin(channels={channel: 1.0}))
        return found

    def _calendar(self, day: int) -> float:
        when = self._timeline.date_of(day)
        return WEEKDAYS[when.weekday()] * season(when, self._role.brand.market)

    def _from_videos(self, day: int) -> list[Candidate]:
        found = []
        for back in range(1, min(day, SELLING_DAYS) + 1):
            for video in self._videos_of_day(day - back):
                if not video.converts:
                    continue
                count = poisson_quantile(self._roll(day, "video", video.key), self.video_orders(video, day))
                if count:
                    found += self._batch(day, f"v-{video.key}", count, self._video_origin(video))
        return found

    def video_orders(self, video: SimulatedVideo, day: int) -> float:
        """Mean orders that a video brings on a day: its views of the days before, by the lag law."""
        product = video.product_keys[0]
        orders_a_view = video.days_worth * self.product_orders(product) / video.lifetime_views
        views = [video.views(self._timeline.midnight(day - back)) for back in range(LAG_DAYS + 1)]
        new = [later - earlier for later, earlier in pairwise(views)]
        return orders_a_view * sum(weight * count for weight, count in zip(LAG_WEIGHTS, new, strict=True))

    def _video_origin(self, video: SimulatedVideo) -> Origin:
        shops = {Channel.TIKTOK_SHOP: IN_APP_SHARE, Channel.SHOPIFY: 1 - IN_APP_SHARE}
        return Origin(
            channels={channel: share for channel, share in shops.items() if channel in self._role.mix},
            cause="video",
            cause_key=video.key,
            product=self._products[video.product_keys[0]],
            video=video,
            since=video.public_at,
        )

    def _from_ads(self, day: int) -> list[Candidate]:
        found = []
        for planned in self._ads:
            if planned.runs_on(day):
                mean = planned.orders_a_day * self._calendar(day)
                count = poisson_quantile(self._roll(day, "ad", planned.ad.key), mean)
                origin = Origin(
                    channels=ad_channels(self._role, planned.network),
                    cause="ad",
                    cause_key=planned.ad.key,
                    since=planned.ad.created_at,
                )
                found += self._batch(day, f"a-{planned.ad.key}", count, origin)
        return found

    def _from_live(self, day: int) -> list[Candidate]:
        if not self._role.brand.deep or Channel.TIKTOK_SHOP not in self._role.mix:
            return []
        if self._roll(day, "live") >= LIVE_SHARE_OF_DAYS:
            return []
        key = f"{self._role.brand.key}-live-{day}"
        mean = self._role.base_orders * self._role.mix[Channel.TIKTOK_SHOP] * LIVE_DAYS_WORTH
        count = poisson_quantile(self._roll(day, "live-orders"), mean)
        origin = Origin(channels={Channel.TIKTOK_SHOP: 1.0}, cause="live", cause_key=key, live_key=key)
        return self._batch(day, f"l-{day}", count, origin)

    def _tests(self, day: int) -> list[Candidate]:
        rate = TEST_ORDERS_A_DAY if self._role.brand.deep else TEST_ORDERS_A_DAY / 10
        count = poisson_quantile(self._roll(day, "test"), rate)
        return self._batch(day, "t", count, Origin(channels={Channel.SHOPIFY: 1.0}, cause="test", test=True))

    def _roll(self, day: int, *purpose: str) -> float:
        return dice(1, self._seed, self._role.brand.key, day, *purpose).roll()

    def _batch(self, day: int, purpose: str, count: int, origin: Origin) -> list[Candidate]:
        if not count:
            return []
        offset = self._zone_offset(day)
        rows = dice_rows(count, _ROLLS, self._seed, self._role.brand.key, day, purpose, "rows")
        return [self._candidate(day, f"{purpose}-{i}", offset, rolls, origin) for i, rolls in enumerate(rows)]

    def _candidate(self, day: int, name: str, offset: int, rolls: Dice, origin: Origin) -> Candidate:
        channel = rolls.weighted(origin.channels)
        in_store = self._in_store(channel, origin, rolls)
        causes = SHOP_CAUSES if channel is Channel.SHOPIFY else MARKET_CAUSES
        drawn = rolls.weighted(causes)
        if drawn == "creator" and not self._role.creators:
            drawn = "organic"
        cause_key = origin.cause_key
        person = rolls.roll()
        if origin.cause is None and drawn == "creator" and not in_store:
            cause_key = self._role.creators[int(person * len(self._role.creators))].key
        return Candidate(
            key=f"{self._role.brand.key}-{stable_id('order', f'{self._role.brand.key}|{day}|{name}', 15):x}",
            at=self._timeline.midnight(day) + timedelta(seconds=_second_of_day(rolls, offset)),
            channel=channel,
            cause="store" if in_store else origin.cause or drawn,
            cause_key=cause_key,
            wanted=self._wanted(origin.product, rolls),
            dice=rolls,
            video=origin.video,
            since=origin.since,
            live_key=origin.live_key,
            in_store=in_store,
            test=origin.test,
        )

    def _in_store(self, channel: Channel, origin: Origin, rolls: Dice) -> bool:
        walked_in = rolls.chance(POS_SHARE)
        has_store = any(place.key.endswith("-shop") for place in self._role.brand.places)
        return walked_in and has_store and channel is Channel.SHOPIFY and origin.cause is None

    def _wanted(self, product: Product | None, rolls: Dice) -> tuple[tuple[str, int], ...]:
        chosen = self._products[rolls.weighted(self._shares)]
        first = _variant(product or chosen, rolls)
        wanted = {first: rolls.weighted(QUANTITIES)}
        if rolls.chance(EXTRA_LINE_SHARE):
            wanted.setdefault(_variant(self._products[rolls.weighted(self._shares)], rolls), rolls.weighted(QUANTITIES))
        return tuple(wanted.items())

    def _zone_offset(self, day: int) -> int:
        noon = self._timeline.midnight(day) + timedelta(hours=12)
        shift = noon.astimezone(ZoneInfo(self._role.brand.zone)).utcoffset() or timedelta()
        return round(shift / timedelta(hours=1))


def _variant(product: Product, rolls: Dice) -> str:
    shares = _variant_shares(product)
    return product.skus[rolls.weighted(dict(enumerate(shares)))].key


def _variant_shares(product: Product) -> list[float]:
    # The first variant is the one that people know; each further one sells half as often.
    weights = [0.5**position for position in range(len(product.skus))]
    return [weight / sum(weights) for weight in weights]


def _second_of_day(rolls: Dice, offset: int) -> int:
    local = rolls.weighted(_HOUR_SHARES)
    return (local - offset) % _DAY_HOURS * 3600 + int(rolls.roll() * 3600)
