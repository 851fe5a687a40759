"""Buyers: who is new and who comes back."""

from shelftide_sdk.testing.world.model import Channel, Person
from shelftide_sdk.testing.world.names import DIALLING, FIRST_NAMES, LAST_NAMES
from shelftide_sdk.testing.world.parameters import REPEAT_SHARE
from shelftide_sdk.testing.world.streams import Dice


class Clientele:
    """The buyers of one brand so far."""

    def __init__(self, brand_key: str, market: str) -> None:
        self._brand_key = brand_key
        self._market = market
        self._people: list[Person] = []
        self._orders: dict[tuple[str, Channel], int] = {}

    def buyer(self, rolls: Dice) -> Person:
        """A known buyer who comes back, or a new one."""
        back, which = rolls.chance(REPEAT_SHARE), rolls.roll()
        if back and self._people:
            return self._people[int(which * len(self._people))]
        person = self._newcomer(rolls)
        self._people.append(person)
        return person

    def stranger(self, rolls: Dice) -> Person:
        """Somebody who is never seen again (test orders)."""
        return Person(
            key=f"{self._brand_key}-tester",
            email=f"test.{self._brand_key}@example.com",
            phone="",
            name=f"Test {rolls.pick(('Order', 'Checkout'))}",
            country=self._market,
        )

    def order_index(self, person: Person, channel: Channel) -> int:
        """Counts the person's order on the channel, from 1."""
        index = self._orders.get((person.key, channel), 0) + 1
        self._orders[person.key, channel] = index
        return index

    def _newcomer(self, rolls: Dice) -> Person:
        serial = len(self._people) + 1
        first = rolls.pick(FIRST_NAMES[self._market])
        last = rolls.pick(LAST_NAMES[self._market])
        local = f"{first}.{last}.{serial}".lower().replace("'", "")
        return Person(
            key=f"{self._brand_key}-u{serial}",
            email=f"{local}@{rolls.pick(('example.com', 'example.net', 'example.org'))}",
            phone=f"{DIALLING[self._market]}555{serial:07d}",  # 555: no area code anywhere on this list
            name=f"{first} {last}",
            country=self._market,
        )
