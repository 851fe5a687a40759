"""Days of the world: counted from `start`, so that content does not depend on the date."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from shelftide_sdk.testing.world.model import Model

DAY = timedelta(days=1)


class Timeline(Model, frozen=True, kw_only=True):
    """`start` is a midnight UTC; `anchor` is the initial present, to which the story is pinned."""

    start: datetime
    anchor: datetime

    def day_of(self, at: datetime) -> int:
        """The number of the UTC day that holds `at`; the first day is 0."""
        return (at - self.start) // DAY

    def midnight(self, day: int) -> datetime:
        """When a day begins."""
        return self.start + day * DAY

    def date_of(self, day: int) -> date:
        """The UTC date of a day."""
        return self.midnight(day).date()

    @property
    def anchor_day(self) -> int:
        """The number of the day that holds the initial present."""
        return self.day_of(self.anchor)


def local_midnight(day: date, zone: str) -> datetime:
    """When a local day begins, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def local_date(at: datetime, zone: str) -> date:
    """The local day that holds `at`."""
    return at.astimezone(ZoneInfo(zone)).date()


def complete_days(start: datetime, now: datetime, zone: str) -> list[date]:
    """Local days that lie wholly between `start` and `now`."""
    day = local_date(start, zone)
    if local_midnight(day, zone) < start:
        day += DAY
    days = []
    while local_midnight(day + DAY, zone) <= now:
        days.append(day)
        day += DAY
    return days
