"""One brand, day by day.

A day depends on its own random streams, on yesterday's shelf and on what was ordered before.
"""

from bisect import bisect_right
from datetime import datetime

from shelftide_sdk.testing.world.ads_plan import plan_ads
from shelftide_sdk.testing.world.cast import Role
from shelftide_sdk.testing.world.demand import Demand
from shelftide_sdk.testing.world.model import Channel, Network, Order, Shipment, StockState
from shelftide_sdk.testing.world.orders import OrderBook
from shelftide_sdk.testing.world.stock import Purchasing, Shelf
from shelftide_sdk.testing.world.story import planted_videos, quiet_days
from shelftide_sdk.testing.world.timeline import DAY, Timeline
from shelftide_sdk.testing.world.videos import SimulatedVideo, brand_feeds, posted


class BrandSimulation:
    """Simulates a brand as far as it is asked.

    Whole UTC days are simulated; what lies after the present is kept back. A shipment ordered in the middle of a day
    arrives on a later one, so a day that has begun never changes.
    """

    def __init__(self, seed: int, role: Role, timeline: Timeline) -> None:
        self.role = role
        self.orders: dict[Channel, list[Order]] = {channel: [] for channel in Channel}
        self._seed = seed
        self._timeline = timeline
        self._feeds = brand_feeds(role, planted_videos(seed, role, timeline), timeline, quiet_days(role, timeline))
        self.ads = plan_ads(seed, role, timeline)
        self.demand = Demand(seed, role, timeline, self._videos_of_day, self.ads)
        self.shelf = Shelf(role, timeline.start)
        self._purchasing = Purchasing(seed, role, timeline, self.shelf, self.demand)
        self._book = OrderBook(role)
        self._next_day = 0
        self._known_videos: dict[int, tuple[SimulatedVideo, ...]] = {}

    def catch_up(self, now: datetime) -> None:
        """Simulate every day that has begun by `now`."""
        last = self._timeline.day_of(now)
        while self._next_day <= last:
            self._step(self._next_day)
            self._next_day += 1

    def orders_until(self, channel: Channel, now: datetime) -> list[Order]:
        """Orders placed by `now`."""
        self.catch_up(now)
        found = self.orders[channel]
        return found[: bisect_right(found, now, key=lambda order: order.placed_at)]

    def videos_until(self, network: Network, now: datetime) -> list[SimulatedVideo]:
        """Videos posted by `now`."""
        return posted(self._feeds.get(network, ()), self._seed, self._timeline, now)

    def shipments_until(self, now: datetime) -> list[Shipment]:
        """Shipments ordered by `now`."""
        self.catch_up(now)
        found = [shipment for shipment in self._purchasing.shipments if shipment.ordered_at <= now]
        return sorted(found, key=lambda shipment: (shipment.ordered_at, shipment.key))

    def stock_at(self, now: datetime) -> list[StockState]:
        """The shelf at `now`."""
        return self.shelf.states(now, self.shipments_until(now))

    def supply(self, sku_key: str, quantity: int, now: datetime) -> Shipment:
        """Order pieces at `now`."""
        self.catch_up(now)
        return self._purchasing.supply(sku_key, quantity, now)

    def _step(self, day: int) -> None:
        self.shelf.run_until(self._timeline.midnight(day))
        self._purchasing.review(day)
        for candidate in self.demand.of_day(day):
            self.shelf.run_until(candidate.at)
            grant = self.shelf.grant(candidate)
            if grant is None:
                continue
            order = self._book.write(candidate, grant)
            self.orders[order.channel].append(order)
            self.shelf.commit(order)
            self._purchasing.note_sale(order, day)
        self.shelf.run_until(self._timeline.midnight(day) + DAY - DAY.resolution)

    def _videos_of_day(self, day: int) -> tuple[SimulatedVideo, ...]:
        if day not in self._known_videos:
            found = [
                video
                for feeds in self._feeds.values()
                for feed in feeds
                for video in feed.of_day(self._seed, self._timeline, day)
            ]
            self._known_videos[day] = tuple(found)
        return self._known_videos[day]
