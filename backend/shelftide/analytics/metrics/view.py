"""A question that is kept and asked again: a query whose period moves with the day, and how it is drawn."""

from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

import msgspec

from shelftide.analytics.metrics.query import LONGEST, Compare, Filter, Grain, Query
from shelftide.core.errors import InvalidInputError


class Drawing(StrEnum):
    """How an answer is shown above its table."""

    LINE = "line"
    BAR = "bar"
    NONE = "none"


class View(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Columns in the order in which they are shown, cuts, filters, drawing.

    The period is the last `days` whole days, or `since` to `until` where both are set.
    """

    metrics: tuple[str, ...]
    dimensions: tuple[str, ...] = ()
    days: int = 28
    since: date | None = None
    until: date | None = None
    grain: Grain = Grain.DAY
    compare: Compare = Compare.NONE
    filters: tuple[Filter, ...] = ()
    order_by: str = ""
    ascending: bool = False
    top: int | None = None
    currency: str | None = None
    drawing: Drawing = Drawing.LINE

    def query(self, now: datetime, zone: str, as_of: datetime | None = None) -> Query:
        """The question as it stands now in a brand's zone. Raises InvalidInputError for a period that is none."""
        if (self.since is None) != (self.until is None):
            raise InvalidInputError("A period needs both its days.", hint="Set both, or a number of days.")
        if not 1 <= self.days <= LONGEST.days:
            raise InvalidInputError("The number of days is too large, or none.", hint=f"1 to {LONGEST.days}.")
        until = self.until or now.astimezone(ZoneInfo(zone)).date() - timedelta(days=1)
        return Query(
            metrics=self.metrics,
            dimensions=self.dimensions,
            since=self.since or until - timedelta(days=self.days - 1),
            until=until,
            grain=self.grain,
            compare=self.compare,
            filters=self.filters,
            order_by=self.order_by,
            ascending=self.ascending,
            top=self.top,
            currency=self.currency,
            as_of=as_of,
        )
