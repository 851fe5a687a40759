"""The world: agencies, brands and all that happens to them, from one seed."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from shelftide_sdk.testing.world.ads import entities, figures, true_sales
from shelftide_sdk.testing.world.cast import Rival, Role, cast_agencies, cast_roles
from shelftide_sdk.testing.world.model import (
    AdEntity,
    AdFigures,
    Agency,
    Brand,
    Channel,
    Competitor,
    Creator,
    Network,
    Order,
    ProfileFigures,
    Shipment,
    StockState,
)
from shelftide_sdk.testing.world.parameters import SIZES
from shelftide_sdk.testing.world.profiles import ProfileHistory
from shelftide_sdk.testing.world.simulation import BrandSimulation
from shelftide_sdk.testing.world.timeline import DAY, Timeline
from shelftide_sdk.testing.world.truth import Truth
from shelftide_sdk.testing.world.videos import Feed, SimulatedVideo, posted, rival_feed


class World:
    """A `WorldView` that can be moved forward and acted upon.

    The same seed, size, times and interventions give the same world, however time is moved and whatever is asked in
    which order. A brand is simulated when it is first asked for.

    >>> world = World(seed=7, now=datetime(2026, 3, 2, 9, tzinfo=UTC), size="small")
    >>> world.brands[0].name
    'Luxi 露晞'
    """

    def __init__(
        self,
        seed: int = 7,
        start: datetime | None = None,
        now: datetime | None = None,
        size: str = "demo",
    ) -> None:
        """Cast the world; nothing is simulated yet.

        `now` is the initial present (default: the clock), to which the story is pinned. `size` is "demo", "small" or
        "bench" and sets how many days before it the world starts, unless `start` is given.
        Raises ValueError for an unknown size, a time without zone, and a start after `now`.
        """
        if size not in SIZES:
            raise ValueError(f"unknown size {size!r}; known are {', '.join(SIZES)}")
        chosen = SIZES[size]
        present = _utc(now) if now else datetime.now(UTC).replace(microsecond=0)
        first = _midnight(_utc(start) if start else present - chosen.days * DAY)
        if first >= present:
            raise ValueError(f"the world must start before the present: {first} is not before {present}")
        self.seed = seed
        self.size = size
        self.agencies: Sequence[Agency] = cast_agencies()
        self._timeline = Timeline(start=first, anchor=present)
        self._now = present
        self._roles = {role.brand.key: role for role in cast_roles(seed, chosen, self._timeline)}
        self.brands: Sequence[Brand] = tuple(role.brand for role in self._roles.values())
        self._simulations: dict[str, BrandSimulation] = {}
        self._histories: dict[str, ProfileHistory] = {}
        self._rivals = {
            rival.competitor.key: (role, index)
            for role in self._roles.values()
            for index, rival in enumerate(role.rivals)
        }
        self._rival_feeds: dict[str, Feed] = {}

    @property
    def now(self) -> datetime:
        """The simulated present, aware UTC."""
        return self._now

    @property
    def start(self) -> datetime:
        """The first simulated moment."""
        return self._timeline.start

    @property
    def timeline(self) -> Timeline:
        """Start and initial present."""
        return self._timeline

    def advance(self, step: timedelta) -> None:
        """Move the present forward. Raises ValueError for a step back."""
        if step < timedelta():
            raise ValueError(f"time does not run backward: {step}")
        self._now += step

    def order_supply(self, brand_key: str, sku_key: str, quantity: int) -> Shipment:
        """Order pieces of a variant now, to the brand's first place. They arrive after the lead time, or days later."""
        return self.simulation(brand_key).supply(sku_key, quantity, self._now)

    def truth(self) -> Truth:
        """What really happened by now."""
        return Truth(self)

    def export(self, folder: Path) -> list[Path]:
        """Write the truth of all brands as files; returns their paths."""
        return self.truth().export(folder)

    def role(self, brand_key: str) -> Role:
        """What drives a brand (truth)."""
        return self._roles[brand_key]

    def simulation(self, brand_key: str) -> BrandSimulation:
        """The simulation behind a brand (truth), up to now."""
        if brand_key not in self._simulations:
            self._simulations[brand_key] = BrandSimulation(self.seed, self._roles[brand_key], self._timeline)
        found = self._simulations[brand_key]
        found.catch_up(self._now)
        return found

    def brand(self, key: str) -> Brand:
        """The brand with this key. Raises KeyError."""
        return self._roles[key].brand

    def orders(self, brand_key: str, channel: Channel) -> Sequence[Order]:
        """Orders by `placed_at`."""
        return self.simulation(brand_key).orders_until(channel, self._now)

    def videos(self, brand_key: str, network: Network) -> Sequence[SimulatedVideo]:
        """Own and creators' videos of a brand by `posted_at`, those still in moderation included."""
        return self.simulation(brand_key).videos_until(network, self._now)

    def profile_days(self, brand_key: str, network: Network) -> Sequence[ProfileFigures]:
        """Completed days of the brand's own profile, in the brand's zone; none on a network that it does not use."""
        role = self._roles[brand_key]
        if network not in role.networks:
            return []
        name = f"{brand_key}-{network.value}"
        if name not in self._histories:
            videos = partial(self.simulation(brand_key).videos_until, network)
            self._histories[name] = ProfileHistory(name, role.networks[network], role.brand.zone, videos)
        return self._histories[name].until(self.seed, self._timeline, self._now)

    def stock(self, brand_key: str) -> Sequence[StockState]:
        """The shelf now: one entry a variant and place."""
        return self.simulation(brand_key).stock_at(self._now)

    def shipments(self, brand_key: str) -> Sequence[Shipment]:
        """Shipments ordered by now."""
        return self.simulation(brand_key).shipments_until(self._now)

    def creators(self, brand_key: str) -> Sequence[Creator]:
        """Creators who work for the brand."""
        return self._roles[brand_key].creators

    def competitors(self, brand_key: str) -> Sequence[Competitor]:
        """Competitors of the brand."""
        return [rival.competitor for rival in self._roles[brand_key].rivals]

    def competitor_days(self, competitor_key: str) -> Sequence[ProfileFigures]:
        """Completed days of a competitor's profile, in the brand's zone."""
        rival = self._rival(competitor_key)
        role, _ = self._rivals[competitor_key]
        if competitor_key not in self._histories:
            videos = partial(self._rival_videos, competitor_key)
            history = ProfileHistory(competitor_key, rival.following, role.brand.zone, videos, rival=True)
            self._histories[competitor_key] = history
        return self._histories[competitor_key].until(self.seed, self._timeline, self._now)

    def competitor_videos(self, competitor_key: str) -> Sequence[SimulatedVideo]:
        """A competitor's videos by `posted_at`."""
        return self._rival_videos(competitor_key, self._now)

    def ads(self, brand_key: str, network: str) -> Sequence[AdEntity]:
        """Campaigns, ad groups and ads."""
        return entities(self.simulation(brand_key).ads, network, self._timeline, self._now)

    def ad_days(self, brand_key: str, network: str) -> Sequence[AdFigures]:
        """Days of all ads as the platform reports them now: past conversions still ripen."""
        simulation = self.simulation(brand_key)
        role = self._roles[brand_key]
        placed = [order for channel in role.mix for order in simulation.orders_until(channel, self._now)]
        chosen = [planned for planned in simulation.ads if planned.network == network]
        sales = true_sales(placed, role.brand.zone)
        return figures(self.seed, role, chosen, self._timeline, now=self._now, sales=sales)

    def _rival(self, competitor_key: str) -> Rival:
        role, index = self._rivals[competitor_key]
        return role.rivals[index]

    def _rival_videos(self, competitor_key: str, until: datetime) -> list[SimulatedVideo]:
        role, index = self._rivals[competitor_key]
        feed = self._rival_feeds.setdefault(competitor_key, rival_feed(role, index))
        return posted([feed], self.seed, self._timeline, until)


def _utc(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError(f"a time without zone: {at}")
    return at.astimezone(UTC)


def _midnight(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)
