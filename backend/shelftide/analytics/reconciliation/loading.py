"""Settlements and claims of a brand: load, compute."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, and_, select

from shelftide.analytics.reconciliation.orders import Book, Sold, paid_back
from shelftide.analytics.reconciliation.settlements import (
    Charge,
    ClaimedDays,
    Payment,
    Period,
    Settlement,
    claim,
    settle,
)
from shelftide.warehouse.tables import TABLES
from shelftide.warehouse.versions import known
from shelftide.warehouse.warehouse import Warehouse

# Days that a platform keeps an order before it can be paid out. Our assumption, until payouts name their orders.
LAG_DAYS = {"tiktok": 8, "amazon": 14, "shopify": 3, "xiaohongshu": 7}
# A day of one zone reaches into the day before and the day after of any other.
_MARGIN = timedelta(days=2)
_ROWS: Mapping[str, tuple[str, ...]] = {
    "Order": ("source_id", "placed_at", "zone", "status", "total_amount", "total_currency"),
    "Refund": ("order_id", "refunded_at", "zone", "amount_amount", "amount_currency"),
    "Payout": ("settled_at", "amount_amount", "amount_currency", "fees_amount", "adjustments_amount", "status"),
    "Fee": ("charged_at", "amount_amount", "amount_currency"),
}


async def settlements(warehouse: Warehouse, since: date, until: date, zone: str) -> dict[str, list[Settlement]]:
    """By platform, orders against payouts in each currency. Platforms that tell no payouts are not in it."""
    loaded = {name: await _rows(warehouse, _statement(name, since, until)) for name in _ROWS}
    found: dict[str, list[Settlement]] = defaultdict(list)
    for platform, currency in sorted({(row["platform"], row["amount_currency"]) for row in loaded["Payout"]}):
        mine = {name: [row for row in rows if row["platform"] == platform] for name, rows in loaded.items()}
        period = Period(
            currency=currency, since=since, until=until, zone=zone, lag_days=LAG_DAYS.get(platform.partition("-")[0], 0)
        )
        book = _book(mine["Order"], mine["Refund"], currency)
        payments = [_payment(row) for row in mine["Payout"] if row["amount_currency"] == currency]
        charges = [
            Charge(charged_at=row["charged_at"], amount=Decimal(row["amount_amount"]))
            for row in mine["Fee"]
            if row["amount_currency"] == currency
        ]
        found[platform].append(settle(book.orders, book.refunds, payments, charges, period))
    return dict(found)


async def claimed_days(warehouse: Warehouse, since: date, until: date, zone: str) -> list[ClaimedDays]:
    """What ad platforms claim against what the shops sold, in each currency in which something is claimed."""
    rows = known(TABLES["AdDay"])
    statement = select(rows.c.platform, rows.c.day, rows.c.revenue_amount, rows.c.revenue_currency, rows.c.zone).where(
        rows.c.level == "ad",
        rows.c.window == "default",
        rows.c.day.between(since, until),
        rows.c.revenue_amount.is_not(None),
    )
    claimed: dict[str, dict[str, dict[date, Decimal]]] = defaultdict(lambda: defaultdict(lambda: defaultdict(Decimal)))
    zones = {"UTC"}
    for row in await _rows(warehouse, statement):
        claimed[row["revenue_currency"]][row["platform"]][row["day"]] += Decimal(row["revenue_amount"])
        zones.add(row["zone"])
    if not claimed:
        return []
    orders = await _rows(warehouse, _statement("Order", since, until))
    refunds = await _rows(warehouse, _statement("Refund", since, until))
    return [
        claim(
            series,
            _book(orders, refunds, currency),
            Period(currency=currency, since=since, until=until, zone=zone),
            sorted(zones),
        )
        for currency, series in sorted(claimed.items())
    ]


async def _rows(warehouse: Warehouse, statement: Select[Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await warehouse.query(statement)).to_pylist()
    return found


def _statement(record: str, since: date, until: date) -> Select[Any]:
    rows = known(TABLES[record])
    return select(rows.c.platform, *(rows.c[name] for name in _ROWS[record])).where(
        and_(rows.c.local_day.between(since - _MARGIN, until + _MARGIN), rows.c.platform != "file")
    )


def _book(orders: list[dict[str, Any]], refunds: list[dict[str, Any]], currency: str) -> Book:
    return Book(
        orders=[
            Sold(
                order_id=row["source_id"],
                placed_at=row["placed_at"],
                zone=row["zone"],
                total=Decimal(row["total_amount"]),
                cancelled=row["status"] == "cancelled",
            )
            for row in orders
            if row["total_currency"] == currency
        ],
        refunds=[paid_back(row) for row in refunds if row["amount_currency"] == currency],
    )


def _payment(row: Mapping[str, Any]) -> Payment:
    fees, adjustments = row["fees_amount"], row["adjustments_amount"]
    return Payment(
        settled_at=row["settled_at"],
        amount=Decimal(row["amount_amount"]),
        fees=None if fees is None else abs(Decimal(fees)),
        adjustments=None if adjustments is None else Decimal(adjustments),
        status=row["status"],
    )
