"""Other calendars: shopping seasons, fiscal years, and the days of one zone in another. Pure functions."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from shelftide.core.errors import InvalidInputError

_DAY = timedelta(days=1)
_WEEK = timedelta(days=7)
_PATTERN = (4, 4, 5)


class Season(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A time of shopping in some markets. `days` are its first and last day in each year; `source` says who sets it."""

    key: str
    name: str
    markets: tuple[str, ...]
    source: str
    days: tuple[tuple[date, date], ...]


class _Data(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    season: tuple[Season, ...]


@cache
def all_seasons() -> tuple[Season, ...]:
    """Every season that is known, with its dates."""
    data = files("shelftide.analytics").joinpath("seasons.toml").read_bytes()
    return msgspec.toml.decode(data, type=_Data).season


def seasons(day: date, market: str, known: Iterable[Season] | None = None) -> list[Season] | None:
    """The seasons of a market (ISO country) that a day belongs to, in the order of the data.

    None where nothing is known: a market or a year without data is not a day without a season.
    """
    listed = [s for s in (all_seasons() if known is None else known) if market in s.markets]
    if not any(day.year in {first.year, last.year} for s in listed for first, last in s.days):
        return None
    return [s for s in listed if any(first <= day <= last for first, last in s.days)]


class FiscalYear(StrEnum):
    """How a company cuts its years."""

    MONTHS = "months"
    # 52 or 53 whole weeks; quarters of 4, 4 and 5 weeks. The year ends on the last such weekday of its last month, or
    # on the one that is nearest to that month's end.
    LAST_WEEKDAY = "last_weekday"
    NEAREST_WEEKDAY = "nearest_weekday"


class Fiscal(msgspec.Struct, frozen=True, kw_only=True):
    """A fiscal calendar. `start_month` is the first month of a year of months; years of weeks end in the month before.

    `ends_on` is the weekday on which weeks end, Monday 0 to Sunday 6. A year bears the number of the calendar year in
    which it ends, or with `named_by_start` in which it begins.
    """

    start_month: int = 1
    kind: FiscalYear = FiscalYear.MONTHS
    ends_on: int = 5
    named_by_start: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.start_month <= 12:
            raise InvalidInputError(f"{self.start_month} is no month.", hint="Say 1 to 12.")
        if not 0 <= self.ends_on <= 6:
            raise InvalidInputError(f"{self.ends_on} is no weekday.", hint="Say 0 (Monday) to 6 (Sunday).")


class FiscalDay(msgspec.Struct, frozen=True, kw_only=True):
    """Where a day lies. `week` is 1 to 53 in years of weeks, None in years of months."""

    year: int
    quarter: int
    period: int
    week: int | None
    first: date
    last: date


def fiscal_day(day: date, fiscal: Fiscal) -> FiscalDay:
    """Year, quarter, period (month, or 4 or 5 weeks) and week of a day; `first` and `last` are those of its year."""
    number = next(year for year in (day.year - 1, day.year, day.year + 1) if day <= _last(year, fiscal))
    first, last = _last(number - 1, fiscal) + _DAY, _last(number, fiscal)
    if fiscal.kind is FiscalYear.MONTHS:
        period, week = (day.month - fiscal.start_month) % 12 + 1, None
    else:
        week = (day - first).days // 7 + 1
        period = _period(week)
    return FiscalDay(
        year=(first + _WEEK).year if fiscal.named_by_start else number,
        quarter=(period - 1) // 3 + 1,
        period=period,
        week=week,
        first=first,
        last=last,
    )


def _last(year: int, fiscal: Fiscal) -> date:
    """The last day of the fiscal year that ends in, or nearest to the end of its last month in, `year`."""
    after = date(year + 1, 1, 1) if fiscal.start_month == 1 else date(year, fiscal.start_month, 1)
    end = after - _DAY
    if fiscal.kind is FiscalYear.MONTHS:
        return end
    back = end - timedelta(days=(end.weekday() - fiscal.ends_on) % 7)
    if fiscal.kind is FiscalYear.NEAREST_WEEKDAY and (end - back).days > 3:
        return back + _WEEK
    return back


def _period(week: int) -> int:
    """Of 4-4-5; the 53rd week belongs to the last period."""
    quarter, within = divmod(min(week, 52) - 1, sum(_PATTERN))
    return quarter * 3 + (1 if within < 4 else 2 if within < 8 else 3)


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a local day that lies in a day of another zone. `hours` are real ones: a change of clocks counts."""

    day: date
    hours: float


def straddle(day: date, zone: str, other: str) -> list[Share]:
    """The days of `other` in which the local day `day` of `zone` lies, with its hours in each; they sum to its length.

    A day has 24 hours, 23 or 25 when clocks change, 0 when a zone skips it. Raises InvalidInputError for no zone.
    """
    start, end = _bounds(day, zone)
    shares, at = [], start
    local = start.astimezone(_zone(other)).date()
    while at < end:
        until = min(end, _bounds(local, other)[1])
        if until > at:
            shares.append(Share(day=local, hours=(until - at).total_seconds() / 3600))
            at = until
        local += _DAY
    return shares


def straddling(since: date, until: date, zone: str, other: str) -> dict[date, list[Share]]:
    """Days from `since` to `until` that do not lie whole in one day of `other`."""
    days = [since + timedelta(days=n) for n in range((until - since).days + 1)]
    found = {day: straddle(day, zone, other) for day in days}
    return {day: shares for day, shares in found.items() if len(shares) > 1}


def _bounds(day: date, zone: str) -> tuple[datetime, datetime]:
    local = _zone(zone)
    start, end = (datetime.combine(d, time(), tzinfo=local).astimezone(UTC) for d in (day, day + _DAY))
    return start, max(start, end)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # "Europe" is a folder
        raise InvalidInputError(f"{name[:60]!r} is no zone.", hint="Write it as Europe/Rome.") from error
