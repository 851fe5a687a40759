"""The shelf of a brand as a feed: how many SKUs have a stock level, and how old the newest one is."""

from collections.abc import Iterable
from datetime import datetime

from shelftide.analytics.figures import Feed, feed
from shelftide.store.repositories.rollup import SkuStock, read_sku_stock
from shelftide.store.unit_of_work import UnitOfWork

NAME = "stock"


async def read_shelf(uow: UnitOfWork, now: datetime) -> Feed:
    """The shelf of the brand in scope."""
    return shelf_of(await read_sku_stock(uow), now)


def shelf_of(rows: Iterable[SkuStock], now: datetime) -> Feed:
    """As `read_shelf`, over rows that were read before. A SKU on several channels' shelves counts once."""
    listed = list(rows)
    newest = max((row.observed_at for row in listed), default=None)
    return feed(NAME, skus=len({row.sku for row in listed}), updated_at=newest, now=now)
