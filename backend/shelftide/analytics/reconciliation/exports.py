"""A platform's own daily export against what is stored: each day's difference with its cause, or unknown."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import ColumnElement, Select, and_, select, true

from shelftide.analytics.reconciliation.ads import AdFigure, ad_hypotheses
from shelftide.analytics.reconciliation.causes import (
    PLAIN,
    VERSION,
    DayDifference,
    Explained,
    Part,
    Parts,
    Series,
    explain,
)
from shelftide.analytics.reconciliation.orders import OFFSETS, Book, Sold, order_hypotheses, paid_back
from shelftide.core.errors import InvalidInputError
from shelftide.warehouse.tables import TABLES
from shelftide.warehouse.versions import known
from shelftide.warehouse.warehouse import Warehouse
from shelftide_sdk.records import AdDay, Order, OrderStatus, Record, RevenueDay, SalesDay

# A day of one zone reaches into the day before and the day after of any other.
_MARGIN = timedelta(days=2)
WINDOW = "default"
AD_METRICS = ("spend", "revenue", "impressions", "clicks")


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """What a line of an export says. `currency` is empty for counts."""

    subject: str
    metric: str
    day: date
    currency: str
    amount: Decimal


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """One figure of an export against ours, over the days from its first to its last.

    `because` says how the export counts, as far as that explains it. `rows` is how many orders or ad rows
    ours rests on, `fresh_at` when the newest of them was fetched; `zone` is where the export's days
    are. Class: measured.
    """

    subject: str
    metric: str
    currency: str
    since: date
    until: date
    zone: str
    claimed: Decimal
    ours: Decimal
    days: int
    differences: tuple[DayDifference, ...]
    because: tuple[Part, ...]
    unknown: int
    rows: int
    fresh_at: datetime | None
    as_of: datetime | None
    formula: str
    version: str = VERSION
    kind: str = "measured"


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One figure of an export: its subject, metric and currency, from its first day to its last."""

    subject: str
    metric: str
    currency: str
    since: date
    until: date


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What to compare with: `platform` (all that connectors read, if empty), and when the export was made, if known."""

    zone: str
    platform: str = ""
    as_of: datetime | None = None
    zones: tuple[str, ...] = ()


def claims(records: Iterable[Record]) -> list[Claim]:
    """What the records of an export's lines say by day. Raises InvalidInputError for kinds that cannot be compared."""
    found: list[Claim] = []
    for record in records:
        found += _claims(record)
    return found


def _claims(record: Record) -> list[Claim]:
    if isinstance(record, RevenueDay):
        return [*_money("orders", "revenue", record.day, record.revenue), *_count("orders", record.day, record.orders)]
    if isinstance(record, SalesDay):
        return _money("orders", "revenue", record.day, record.revenue)
    if isinstance(record, Order):
        if record.status is OrderStatus.CANCELLED:
            return []
        day = record.placed_at.astimezone(ZoneInfo(record.zone)).date()
        return [*_money("orders", "revenue", day, record.total), *_count("orders", day, 1)]
    if isinstance(record, AdDay):
        counts = [("impressions", record.impressions), ("clicks", record.clicks)]
        return [
            *_money("ads", "spend", record.day, record.spend),
            *_money("ads", "revenue", record.day, record.revenue),
            *(claim for name, value in counts for claim in _count("ads", record.day, value, name)),
        ]
    if type(record).__name__ == "OrderLine":
        return []  # its order says it
    raise InvalidInputError(
        f"Files of {type(record).__name__} cannot be compared.", hint="Give daily revenue, orders or ad days."
    )


def _money(subject: str, metric: str, day: date, money: Any) -> list[Claim]:
    if money is None:
        return []
    return [Claim(subject=subject, metric=metric, day=day, currency=money.currency, amount=money.amount)]


def _count(subject: str, day: date, count: int | None, metric: str = "orders") -> list[Claim]:
    if count is None:
        return []
    return [Claim(subject=subject, metric=metric, day=day, currency="", amount=Decimal(count))]


async def compare(warehouse: Warehouse, said: Sequence[Claim], asked: Asked) -> list[Comparison]:
    """Every figure of an export. Raises InvalidInputError when it says nothing."""
    if not said:
        raise InvalidInputError("The file has no line that can be compared.", hint="See what was not understood.")
    grouped: dict[tuple[str, str, str], dict[date, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for claim in said:
        grouped[claim.subject, claim.metric, claim.currency][claim.day] += claim.amount
    return [await _compared(warehouse, *key, asked) for key in _figures(grouped)]


def _figures(grouped: Mapping[tuple[str, str, str], Series]) -> list[tuple[Figure, Series]]:
    return [
        (Figure(subject=subject, metric=metric, currency=currency, since=min(series), until=max(series)), series)
        for (subject, metric, currency), series in sorted(grouped.items())
    ]


async def _compared(warehouse: Warehouse, figure: Figure, claimed: Series, asked: Asked) -> Comparison:
    days = [figure.since + timedelta(days=n) for n in range((figure.until - figure.since).days + 1)]
    load = _orders if figure.subject == "orders" else _ads
    loaded = await load(warehouse, figure, asked)
    explained: Explained = explain(claimed, loaded.hypotheses, days)
    plain = loaded.hypotheses[PLAIN]
    return Comparison(
        **msgspec.structs.asdict(figure),
        zone=asked.zone,
        claimed=sum(claimed.values(), Decimal(0)),
        ours=sum((plain.get(day, Decimal(0)) for day in days), Decimal(0)),
        days=len(days),
        differences=explained.days,
        because=explained.because,
        unknown=explained.unknown,
        rows=loaded.rows,
        fresh_at=loaded.fresh_at,
        as_of=asked.as_of,
        formula=f"sum({figure.metric}) of {figure.subject} by the account's local day",
    )


class _Loaded(msgspec.Struct):
    hypotheses: Mapping[Parts, Series]
    rows: int
    fresh_at: datetime | None


async def _orders(warehouse: Warehouse, figure: Figure, asked: Asked) -> _Loaded:
    now, fresh = await _book(warehouse, figure, asked, None)
    then = None
    if asked.as_of is not None:
        then = (
            f"as known at {asked.as_of.isoformat()}",
            (await _book(warehouse, figure, asked, asked.as_of))[0],
        )
    zones = (asked.zone, *asked.zones, "UTC", *OFFSETS)
    return _Loaded(order_hypotheses(now, then, zones), len(now.orders), fresh)


async def _book(
    warehouse: Warehouse, figure: Figure, asked: Asked, as_of: datetime | None
) -> tuple[Book, datetime | None]:
    rows = (await warehouse.query(_order_statement(figure, asked), as_of=as_of)).to_pylist()
    if figure.metric == "orders":
        return Book(orders=[_sold(row, count=True) for row in rows], refunds=[]), _fresh(rows)
    refunds = (await warehouse.query(_refund_statement(figure, asked), as_of=as_of)).to_pylist()
    book = Book(
        orders=[_sold(row, count=False) for row in rows],
        refunds=[paid_back(row) for row in refunds],
    )
    return book, _fresh(rows)


def _fresh(rows: Iterable[Mapping[str, Any]]) -> datetime | None:
    return max((row["fetched_at"] for row in rows), default=None)


def _sold(row: Mapping[str, Any], *, count: bool) -> Sold:
    return Sold(
        order_id=row["source_id"],
        placed_at=row["placed_at"],
        zone=row["zone"],
        total=Decimal(1) if count else Decimal(row["total_amount"]),
        tax=Decimal(0) if count else Decimal(row["tax_amount"] or 0),
        shipping=Decimal(0) if count else Decimal(row["shipping_amount"] or 0),
        cancelled=row["status"] == "cancelled",
    )


def _order_statement(figure: Figure, asked: Asked) -> Select[Any]:
    rows = known(TABLES["Order"])
    names = ("source_id", "placed_at", "zone", "status", "total_amount", "tax_amount", "shipping_amount", "fetched_at")
    return (
        select(*(rows.c[name] for name in names))
        .where(_within(rows, figure, asked), rows.c.total_currency == figure.currency if figure.currency else true())
        .order_by(rows.c.placed_at, rows.c.source_id)
    )


def _refund_statement(figure: Figure, asked: Asked) -> Select[Any]:
    """Refunds of the days, and later ones of orders of the days: an export may take them off the order's day."""
    rows = known(TABLES["Refund"])
    return (
        select(*(rows.c[name] for name in ("order_id", "refunded_at", "zone", "amount_amount")))
        .where(
            rows.c.local_day >= figure.since - _MARGIN, _source(rows, asked), rows.c.amount_currency == figure.currency
        )
        .order_by(rows.c.refunded_at, rows.c.source_id)
    )


def _within(rows: Any, figure: Figure, asked: Asked) -> ColumnElement[bool]:
    return and_(rows.c.local_day.between(figure.since - _MARGIN, figure.until + _MARGIN), _source(rows, asked))


def _source(rows: Any, asked: Asked) -> ColumnElement[bool]:
    """An export is never compared with what other files said."""
    found: ColumnElement[bool] = rows.c.platform == asked.platform if asked.platform else rows.c.platform != "file"
    return found


async def _ads(warehouse: Warehouse, figure: Figure, asked: Asked) -> _Loaded:
    read = _ad_reader(warehouse, figure, asked)
    now, fresh = await read(None)
    then = None
    if asked.as_of is not None:
        then = f"as known at {asked.as_of.isoformat()}", (await read(asked.as_of))[0]
    return _Loaded(ad_hypotheses(now, then, window=WINDOW), len(now), fresh)


def _ad_reader(warehouse: Warehouse, figure: Figure, asked: Asked) -> Callable[[datetime | None], Any]:
    rows = known(TABLES["AdDay"])
    metric, money = figure.metric, figure.metric in {"spend", "revenue"}
    amount = rows.c[f"{metric}_amount" if money else metric]
    statement = select(rows.c.day, rows.c.window, amount.label("amount"), rows.c.fetched_at).where(
        rows.c.level == "ad",
        rows.c.day.between(figure.since, figure.until),
        amount.is_not(None),
        _source(rows, asked),
        rows.c[f"{metric}_currency"] == figure.currency if money else true(),
    )
    statement = statement.order_by(rows.c.day, rows.c.window, rows.c.entity_id)

    async def read(as_of: datetime | None) -> tuple[list[AdFigure], datetime | None]:
        found = (await warehouse.query(statement, as_of=as_of)).to_pylist()
        figures = [AdFigure(day=r["day"], window=r["window"], amount=Decimal(r["amount"])) for r in found]
        return figures, _fresh(found)

    return read
