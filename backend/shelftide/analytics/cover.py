"""Days of cover of a brand's SKUs: load, compute, show. The rule itself is in `analytics.inventory`."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from shelftide.analytics.inventory import WINDOW_DAYS, Cover, days_of_cover
from shelftide.store.repositories.rollup import SkuSales, SkuStock, read_sku_sales, read_sku_stock
from shelftide.store.unit_of_work import UnitOfWork

DEFAULT_LEAD_DAYS = 14.0


class SkuCover(msgspec.Struct, frozen=True, kw_only=True):
    """A SKU's cover with its name and freshness. `lead_days_known` is false while the lead time is our assumption."""

    cover: Cover
    title: str | None
    observed_at: datetime
    lead_days_known: bool


async def covers(uow: UnitOfWork, *, zone: str, now: datetime) -> list[SkuCover]:
    """Cover of every SKU with stock of one brand, the shortest first, those without an answer last."""
    since, until = window(zone, now)
    sales = await read_sku_sales(uow, since=since, until=until)
    return covers_of(sales, await read_sku_stock(uow), since=since, until=until)


def window(zone: str, now: datetime) -> tuple[date, date]:
    """The days that the rule looks at. Today is not over: half a day of sales would lower the mean."""
    until = now.astimezone(ZoneInfo(zone)).date() - timedelta(days=1)
    return until - timedelta(days=WINDOW_DAYS - 1), until


def covers_of(sales: Iterable[SkuSales], shelf: Iterable[SkuStock], *, since: date, until: date) -> list[SkuCover]:
    """As `covers`, over rows of one brand that were read before. Sales outside the window do not count.

    Several channels usually sell from one shelf and each reports it: the fullest report counts, never their sum,
    because a shelf counted twice would look twice as safe. Which shelves are apart is known once listings are matched.
    """
    sold: dict[str, dict[date, float]] = defaultdict(dict)
    for row in sales:
        if since <= row.day <= until:
            sold[row.sku][row.day] = sold[row.sku].get(row.day, 0.0) + row.units
    first = min((day for days in sold.values() for day in days), default=until)
    found: dict[str, SkuCover] = {}
    for stock in shelf:
        known = found.get(stock.sku)
        available = max(stock.available, known.cover.available) if known else stock.available
        incoming = _fullest(stock.incoming, known.cover.incoming if known else None)
        found[stock.sku] = SkuCover(
            cover=days_of_cover(
                stock.sku,
                available=available,
                incoming=incoming,
                daily_units=_daily(sold.get(stock.sku, {}), first, until),
                lead_days=DEFAULT_LEAD_DAYS,
            ),
            # Channels name a SKU more or less fully: the fuller name helps more.
            title=max(stock.title or "", (known.title if known else None) or "", key=len) or None,
            observed_at=stock.observed_at,
            lead_days_known=False,
        )
    return sorted(found.values(), key=_order)


def _fullest(left: int | None, right: int | None) -> int | None:
    return max((n for n in (left, right) if n is not None), default=None)


def _daily(sold: dict[date, float], first: date, until: date) -> list[float]:
    return [sold.get(first + timedelta(days=i), 0.0) for i in range((until - first).days + 1)]


def _order(item: SkuCover) -> tuple[bool, float, str]:
    days = item.cover.days_of_cover
    return (days is None, days or 0.0, item.cover.sku)
