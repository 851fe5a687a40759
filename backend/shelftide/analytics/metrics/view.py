"""A question that is kept and asked again: a query whose period moves with the day, and how it is drawn."""

from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from shelftide.analytics.metrics.query import LONGEST, Grain, Query, Question
from shelftide.core.errors import InvalidInputError


class Drawing(StrEnum):
    """How an answer is shown above its table."""

    LINE = "line"
    BAR = "bar"
    NONE = "none"


class View(Question, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A question with its columns in the order in which they are shown, and its drawing.

    The period is the last `days` whole days, or `since` to `until` where both are set.
    """

    grain: Grain = Grain.DAY
    days: int = 28
    since: date | None = None
    until: date | None = None
    drawing: Drawing = Drawing.LINE

    def query(self, now: datetime, zone: str, as_of: datetime | None = None) -> Query:
        """The question as it stands now in a brand's zone. Raises InvalidInputError for a period that is none."""
        if (self.since is None) != (self.until is None):
            raise InvalidInputError("A period needs both its days.", hint="Set both, or a number of days.")
        if not 1 <= self.days <= LONGEST.days:
            raise InvalidInputError("The number of days is too large, or none.", hint=f"1 to {LONGEST.days}.")
        until = self.until or now.astimezone(ZoneInfo(zone)).date() - timedelta(days=1)
        asked = {name: getattr(self, name) for name in Question.__struct_fields__}
        return Query(**asked, since=self.since or until - timedelta(days=self.days - 1), until=until, as_of=as_of)
