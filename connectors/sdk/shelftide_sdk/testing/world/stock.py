"""The shelf: every movement of every piece, and the habit by which a small brand reorders."""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from heapq import heappop, heappush
from math import ceil

from shelftide_sdk.testing.world.cast import Role
from shelftide_sdk.testing.world.demand import Candidate, Demand
from shelftide_sdk.testing.world.model import Channel, Model, Order, Place, Shipment, Sku, StockState
from shelftide_sdk.testing.world.orders import Grant
from shelftide_sdk.testing.world.parameters import (
    AD_ORDERS_HABIT,
    ARRIVAL_SPREAD,
    HABIT_WINDOW_DAYS,
    OPENING_EXTRA_DAYS,
    OVERSELL_LIMIT,
    OVERSELL_SHARE,
    REVIEW_DAYS,
    SAFETY_DAYS,
    STORY_EMPTY_IN_DAYS,
    STORY_LAST_HABIT,
    STORY_NEXT_HABIT,
    STORY_ORDER,
    STORY_RETURN_SHARE,
)
from shelftide_sdk.testing.world.story import story_product
from shelftide_sdk.testing.world.streams import dice
from shelftide_sdk.testing.world.timeline import DAY, Timeline


class MovementKind(StrEnum):
    """Why pieces move. `PLACED` and `CANCELLED` move them between available and committed only."""

    OPENING = "opening"
    PLACED = "placed"
    CANCELLED = "cancelled"
    SHIPPED = "shipped"
    RESTOCKED = "restocked"
    RECEIVED = "received"


# Effect of one piece on (available, committed).
_EFFECTS = {
    MovementKind.OPENING: (1, 0),
    MovementKind.PLACED: (-1, 1),
    MovementKind.CANCELLED: (1, -1),
    MovementKind.SHIPPED: (0, -1),
    MovementKind.RESTOCKED: (1, 0),
    MovementKind.RECEIVED: (1, 0),
}


class Movement(Model, frozen=True, kw_only=True):
    """Pieces of a variant that move at a place. `source_key` is the order's, refund's or shipment's key."""

    at: datetime
    kind: MovementKind
    sku_key: str
    place_key: str
    quantity: int
    source_key: str


class Loss(Model, frozen=True, kw_only=True):
    """Demand that met an empty shelf."""

    at: datetime
    channel: Channel
    sku_key: str
    place_key: str
    units: int
    cause: str
    cause_key: str | None


class _Slot:
    """A variant at a place: running sums after each movement, in order of time."""

    def __init__(self) -> None:
        self.times: list[datetime] = []
        self.available = [0]
        self.committed = [0]

    def move(self, movement: Movement) -> None:
        available, committed = _EFFECTS[movement.kind]
        self.times.append(movement.at)
        self.available.append(self.available[-1] + available * movement.quantity)
        self.committed.append(self.committed[-1] + committed * movement.quantity)


class Shelf:
    """Stock of one brand. Movements happen in order of time; those of the future wait."""

    def __init__(self, role: Role, start: datetime) -> None:
        self.movements: list[Movement] = []
        self.losses: list[Loss] = []
        self._role = role
        self._start = start
        self._waiting: list[tuple[datetime, int, Movement]] = []
        self._scheduled = 0
        self._slots: dict[tuple[str, str], _Slot] = {}

    def open(self, sku_key: str, place_key: str, quantity: int) -> None:
        """Put the opening stock of a variant at a place."""
        self._slots[sku_key, place_key] = _Slot()
        self._happen(_moved(self._start, MovementKind.OPENING, (sku_key, place_key), quantity, "opening"))

    def schedule(self, movement: Movement) -> None:
        """A movement that will happen."""
        self._scheduled += 1
        heappush(self._waiting, (movement.at, self._scheduled, movement))

    def run_until(self, at: datetime) -> None:
        """Let all that waits happen up to and including `at`."""
        while self._waiting and self._waiting[0][0] <= at:
            self._happen(heappop(self._waiting)[2])

    def _happen(self, movement: Movement) -> None:
        self.movements.append(movement)
        self._slots[movement.sku_key, movement.place_key].move(movement)

    def available(self, sku_key: str, place_key: str) -> int:
        """Pieces that can be sold after the last movement."""
        return self._slots[sku_key, place_key].available[-1]

    def grant(self, candidate: Candidate) -> Grant | None:
        """What the candidate gets; the rest is recorded as lost. None when he gets nothing."""
        place = serving_place(self._role, candidate)
        if candidate.test:
            return Grant(place=place, pieces=candidate.wanted)
        pieces, oversold = [], False
        for sku_key, wanted in candidate.wanted:
            races = candidate.dice.chance(OVERSELL_SHARE)
            available = self.available(sku_key, place.key)
            given = min(wanted, max(available, 0))
            online = candidate.channel is Channel.SHOPIFY and not candidate.in_store
            if races and online and available <= 0 and available - wanted >= -OVERSELL_LIMIT:
                given, oversold = wanted, True
            if given:
                pieces.append((sku_key, given))
            if given < wanted:
                self._lose(candidate, sku_key, place, wanted - given)
        return Grant(place=place, pieces=tuple(pieces), oversold=oversold) if pieces else None

    def _lose(self, candidate: Candidate, sku_key: str, place: Place, units: int) -> None:
        self.losses.append(
            Loss(
                at=candidate.at,
                channel=candidate.channel,
                sku_key=sku_key,
                place_key=place.key,
                units=units,
                cause=candidate.cause,
                cause_key=candidate.cause_key,
            )
        )

    def commit(self, order: Order) -> None:
        """Take an order's pieces now and schedule what follows."""
        if order.test:
            return
        lines = {line.key: line for line in order.lines}
        for line in order.lines:
            slot = (line.sku_key, order.place_key)
            self._happen(_moved(order.placed_at, MovementKind.PLACED, slot, line.quantity, order.key))
            if order.cancelled_at is not None:
                self.schedule(_moved(order.cancelled_at, MovementKind.CANCELLED, slot, line.quantity, order.key))
            elif order.shipped_at is not None:
                self.schedule(_moved(order.shipped_at, MovementKind.SHIPPED, slot, line.quantity, order.key))
        for refund in order.refunds:
            for line_key, pieces in refund.lines.items() if refund.restocked else ():
                slot = (lines[line_key].sku_key, order.place_key)
                self.schedule(_moved(refund.at, MovementKind.RESTOCKED, slot, pieces, refund.key))

    def states(self, now: datetime, shipments: Sequence[Shipment]) -> list[StockState]:
        """The shelf at `now`. `shipments` are those ordered by now."""
        states = []
        for (sku_key, place_key), slot in self._slots.items():
            count = bisect_right(slot.times, now)
            due = [s for s in shipments if (s.sku_key, s.place_key) == (sku_key, place_key)]
            states.append(
                StockState(
                    sku_key=sku_key,
                    place_key=place_key,
                    available=slot.available[count],
                    committed=slot.committed[count],
                    incoming=sum(s.quantity for s in due if s.received_at > now),
                    updated_at=max([slot.times[count - 1], *(s.ordered_at for s in due)]),
                )
            )
        return states


class Purchasing:
    """Shipments of one brand: the habit's, the story's, and those that somebody orders."""

    def __init__(self, seed: int, role: Role, timeline: Timeline, shelf: Shelf, demand: Demand) -> None:
        self.shipments: list[Shipment] = []
        self._seed = seed
        self._role = role
        self._timeline = timeline
        self._shelf = shelf
        self._demand = demand
        self._sold: dict[tuple[str, str], dict[int, int]] = {}
        self._interventions = 0
        for place in role.brand.places:
            for sku in role.brand.skus:
                days = sku.lead_days + OPENING_EXTRA_DAYS
                shelf.open(sku.key, place.key, ceil(self._expected(sku, place) * days) + 3)

    def note_sale(self, order: Order, day: int) -> None:
        """Remember what was sold: the habit looks at it."""
        for line in order.lines if not order.test else ():
            sold = self._sold.setdefault((line.sku_key, order.place_key), {})
            sold[day] = sold.get(day, 0) + line.quantity

    def review(self, day: int) -> None:
        """What the brand orders by itself on this morning."""
        for place in self._role.brand.places:
            for position, sku in enumerate(self._role.brand.skus):
                if self._is_story(sku, place) and self._in_story(day):
                    self._order_story(sku, place, day)
                elif self._reviews(sku, place, day, position):
                    self._order_habit(sku, place, day)

    def supply(self, sku_key: str, quantity: int, now: datetime) -> Shipment:
        """Order pieces now to the first place. Raises KeyError or ValueError."""
        sku = next((sku for sku in self._role.brand.skus if sku.key == sku_key), None)
        if sku is None:
            raise KeyError(sku_key)
        if quantity <= 0:
            raise ValueError(f"a shipment needs at least one piece, not {quantity}")
        self._interventions += 1
        key = f"{self._role.brand.key}-supply-{self._interventions}"
        return self._ship(key, sku, self._role.brand.places[0], quantity, now)

    def _expected(self, sku: Sku, place: Place) -> float:
        if place.key.endswith("-shop"):
            return self._demand.mean_units(sku.key, place.channels) * 0.3
        return self._demand.mean_units(sku.key, place.channels) * (1 + AD_ORDERS_HABIT)

    def _is_story(self, sku: Sku, place: Place) -> bool:
        first = self._role.brand.places[0]
        return self._role.story and place == first and sku.product_key == story_product(self._role).key

    def _in_story(self, day: int) -> bool:
        return STORY_LAST_HABIT < day - self._timeline.anchor_day < STORY_NEXT_HABIT

    def _reviews(self, sku: Sku, place: Place, day: int, position: int) -> bool:
        if self._is_story(sku, place):
            return (day - self._timeline.anchor_day - STORY_NEXT_HABIT) % REVIEW_DAYS == 0
        return (day + position) % REVIEW_DAYS == REVIEW_DAYS - 1

    def _order_habit(self, sku: Sku, place: Place, day: int) -> None:
        mean = self._recent_mean(sku, place, day)
        level = ceil(mean * (sku.lead_days + REVIEW_DAYS + SAFETY_DAYS))
        missing = level - self._position(sku, place, day)
        if missing > 0:
            self._ship_on(day, sku, place, missing)

    def _recent_mean(self, sku: Sku, place: Place, day: int) -> float:
        if day < HABIT_WINDOW_DAYS:
            return self._expected(sku, place)
        sold = self._sold.get((sku.key, place.key), {})
        return sum(sold.get(day - back, 0) for back in range(1, HABIT_WINDOW_DAYS + 1)) / HABIT_WINDOW_DAYS

    def _position(self, sku: Sku, place: Place, day: int) -> int:
        morning = self._timeline.midnight(day)
        coming = [s for s in self.shipments if (s.sku_key, s.place_key) == (sku.key, place.key)]
        return self._shelf.available(sku.key, place.key) + sum(s.quantity for s in coming if s.received_at > morning)

    def _order_story(self, sku: Sku, place: Place, day: int) -> None:
        """Order what the coming demand leaves empty ten days after the initial present."""
        if day - self._timeline.anchor_day != STORY_ORDER:
            return
        empty_at = self._timeline.anchor + STORY_EMPTY_IN_DAYS * DAY
        coming = 0
        for later in range(day, self._timeline.day_of(empty_at) + 1):
            for candidate in self._demand.of_day(later):
                here = candidate.at < empty_at and not candidate.test
                if here and serving_place(self._role, candidate) == place:
                    coming += dict(candidate.wanted).get(sku.key, 0)
        missing = round(coming * (1 - STORY_RETURN_SHARE)) - self._position(sku, place, day)
        if missing > 0:
            ordered = self._timeline.midnight(day) + timedelta(hours=8)
            self._ship(f"{self._role.brand.key}-s{day}-{sku.key}", sku, place, missing, ordered, late_days=0)

    def _ship_on(self, day: int, sku: Sku, place: Place, quantity: int) -> None:
        ordered = self._timeline.midnight(day) + timedelta(hours=8)
        self._ship(f"{self._role.brand.key}-s{day}-{sku.key}-{place.key}", sku, place, quantity, ordered)

    def _ship(
        self,
        key: str,
        sku: Sku,
        place: Place,
        quantity: int,
        ordered_at: datetime,
        *,
        late_days: int | None = None,
    ) -> Shipment:
        rolls = dice(2, self._seed, "arrival", key)
        late = rolls.weighted(ARRIVAL_SPREAD) if late_days is None else late_days
        expected = ordered_at + sku.lead_days * DAY
        shipment = Shipment(
            key=key,
            brand_key=self._role.brand.key,
            sku_key=sku.key,
            place_key=place.key,
            quantity=quantity,
            ordered_at=ordered_at,
            expected_at=expected,
            received_at=expected + late * DAY + timedelta(minutes=int(rolls.roll() * 180)),
        )
        self.shipments.append(shipment)
        slot = (sku.key, place.key)
        self._shelf.schedule(_moved(shipment.received_at, MovementKind.RECEIVED, slot, quantity, key))
        return shipment


def serving_place(role: Role, candidate: Candidate) -> Place:
    """The place that serves a candidate: the boutique those who walk in, else the first that serves the channel."""
    places = [place for place in role.brand.places if candidate.channel in place.channels]
    return places[-1] if candidate.in_store else places[0]


def _moved(at: datetime, kind: MovementKind, slot: tuple[str, str], quantity: int, source_key: str) -> Movement:
    sku_key, place_key = slot
    return Movement(at=at, kind=kind, sku_key=sku_key, place_key=place_key, quantity=quantity, source_key=source_key)
