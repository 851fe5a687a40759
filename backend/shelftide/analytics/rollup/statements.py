"""What a day's figures are, as statements over current facts. The same text runs on both engines."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Numeric,
    Select,
    String,
    and_,
    cast,
    func,
    literal,
    or_,
    select,
    union_all,
)

from shelftide.warehouse.tables import TABLES
from shelftide.warehouse.versions import history, known

_VALUE = Numeric(24, 6)


LINES = TABLES["OrderLine"]
SNAPSHOTS = TABLES["ContentSnapshot"]
SALES = TABLES["SalesDay"]
STOCK = TABLES["StockLevel"]
VARIANTS = TABLES["Variant"]
LOCATIONS = TABLES["Location"]
PRODUCTS = TABLES["Product"]

DAILY = (
    "Order", "OrderLine", "Refund", "ProfileDay", "ContentSnapshot", "SalesDay",
    "AdDay", "Fee", "Payout", "OffPlatformSpend", "Mention", "Session", "Footfall",
)  # fmt: skip
_PROFILE = ("views", "likes", "comments", "shares", "profile_views", "new_followers", "followers", "reach")
_CONTENT = ("views", "likes", "comments", "shares", "saves")


def moved(connection_id: UUID, since: datetime) -> CompoundSelect[Any]:
    """Days of which a version was opened or closed after `since`. Columns: record, local_day, newest.

    One statement over all tables: in a lake a statement costs more than the rows that it reads.
    """
    return union_all(*(_moved(record, connection_id, since) for record in DAILY))


def _moved(record: str, connection_id: UUID, since: datetime) -> Select[Any]:
    facts = history(TABLES[record])
    return (
        select(
            literal(record, String()).label("record"),
            facts.c.local_day,
            func.greatest(func.max(facts.c.observed_at), func.max(facts.c.superseded_at)).label("newest"),
        )
        .where(
            facts.c.connection_id == connection_id,
            or_(facts.c.observed_at > since, facts.c.superseded_at > since),
        )
        .group_by(facts.c.local_day)
    )


class Figure(msgspec.Struct, frozen=True):
    """A metric, its value over the rows of a day, and how many rows it rests on."""

    metric: str
    value: ColumnElement[Any]
    rows: ColumnElement[Any]


class Daily(msgspec.Struct, frozen=True):
    """One statement for all figures of a table: day, then value and rows of each figure in order."""

    statement: Select[Any]
    figures: tuple[Figure, ...]

    def unpivoted(self, rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """A row per day and metric; a figure that rests on no row is not there."""
        return [
            {
                "metric": figure.metric,
                "day": row["day"],
                "currency": "",
                "value": row[f"{figure.metric}_value"],
                "rows": row[f"{figure.metric}_rows"],
            }
            for row in rows
            for figure in self.figures
            if row[f"{figure.metric}_rows"]
        ]


def _daily(facts: Any, figures: Sequence[Figure], where: Sequence[ColumnElement[bool]]) -> Daily:
    columns = [
        column
        for figure in figures
        for column in (
            cast(figure.value, _VALUE).label(f"{figure.metric}_value"),
            figure.rows.label(f"{figure.metric}_rows"),
        )
    ]
    statement = select(facts.c.local_day.label("day"), *columns).where(*where).group_by(facts.c.local_day)
    return Daily(statement, tuple(figures))


def daily_statements(connection_id: UUID, days: dict[str, list[date]]) -> list[Daily]:
    """One statement per table that was touched, of those whose figures are no sums of `metrics.rolled`."""
    found = []
    if days.get("ProfileDay"):
        facts = known(TABLES["ProfileDay"])
        mine = [facts.c.connection_id == connection_id, facts.c.local_day.in_(days["ProfileDay"])]
        found.append(_profile(facts, mine))
    if days.get("ContentSnapshot"):
        found.append(_content(connection_id, days["ContentSnapshot"]))
    return found


def _profile(facts: Any, where: Sequence[ColumnElement[bool]]) -> Daily:
    figures = [Figure(name, func.sum(facts.c[name]), func.count(facts.c[name])) for name in _PROFILE]
    return _daily(facts, figures, where)


def _content(connection_id: UUID, days: list[date]) -> Daily:
    """Views that content gained in a day: its last total of the day less its last total before.

    A day without an earlier snapshot gains nothing that is known, so the first snapshot gives no row; a total that
    falls (a platform's correction) is shown as the negative difference that it is.
    """
    facts = known(SNAPSHOTS)
    mine = facts.c.connection_id == connection_id
    last = (
        select(
            facts.c.content_id,
            facts.c.local_day,
            *[facts.c[name] for name in _CONTENT],
            func.row_number()
            .over(partition_by=[facts.c.content_id, facts.c.local_day], order_by=facts.c.captured_at.desc())
            .label("place"),
        )
        .where(mine)
        .subquery()
    )
    ordered = (
        select(
            last.c.content_id,
            last.c.local_day,
            *[
                (
                    last.c[name]
                    - func.lag(last.c[name]).over(partition_by=last.c.content_id, order_by=last.c.local_day)
                ).label(name)
                for name in _CONTENT
            ],
        )
        .where(last.c.place == 1)
        .subquery()
    )
    # A day's gain needs the day before it and decides the day after it: all days that follow a touched one are in.
    figures = [Figure(f"content_{name}", func.sum(ordered.c[name]), func.count(ordered.c[name])) for name in _CONTENT]
    return _daily(ordered, figures, [ordered.c.local_day >= min(days)])


def sku_statements(connection_id: UUID, days: dict[str, list[date]]) -> list[Select[Any]]:
    """Units and revenue per SKU and day. Columns: day, sku, currency, units, revenue, orders."""
    found: list[Select[Any]] = []
    if days.get("OrderLine"):
        lines = known(LINES)
        sku = func.coalesce(lines.c.sku, lines.c.variant_id, lines.c.product_id, "?")
        found.append(
            select(
                lines.c.local_day.label("day"),
                sku.label("sku"),
                lines.c.total_currency.label("currency"),
                func.sum(lines.c.quantity).label("units"),
                cast(func.sum(lines.c.total_amount), Numeric(20, 6)).label("revenue"),
                func.count(lines.c.order_id.distinct()).label("orders"),
            )
            .where(
                lines.c.connection_id == connection_id,
                lines.c.local_day.in_(days["OrderLine"]),
                lines.c.cancelled.is_(False),
            )
            .group_by(lines.c.local_day, sku, lines.c.total_currency)
        )
    if days.get("SalesDay"):
        sales = known(SALES)
        currency = func.coalesce(sales.c.revenue_currency, "")
        found.append(
            select(
                sales.c.local_day.label("day"),
                sales.c.sku.label("sku"),
                currency.label("currency"),
                func.sum(sales.c.units).label("units"),
                cast(func.coalesce(func.sum(sales.c.revenue_amount), 0), Numeric(20, 6)).label("revenue"),
                func.coalesce(func.sum(sales.c.orders), 0).label("orders"),
            )
            .where(sales.c.connection_id == connection_id, sales.c.local_day.in_(days["SalesDay"]))
            .group_by(sales.c.local_day, sales.c.sku, currency)
        )
    return found


def stock_statement(connection_id: UUID) -> Select[Any]:
    """The shelf of one connection now, with names where they are known."""
    stock, variants, locations, products = known(STOCK), known(VARIANTS), known(LOCATIONS), known(PRODUCTS)
    joined = stock.outerjoin(
        variants,
        and_(variants.c.connection_id == stock.c.connection_id, variants.c.stock_item_id == stock.c.stock_item_id),
    ).outerjoin(
        locations,
        and_(locations.c.connection_id == stock.c.connection_id, locations.c.source_id == stock.c.location_id),
    )
    joined = joined.outerjoin(
        products,
        and_(products.c.connection_id == stock.c.connection_id, products.c.source_id == variants.c.product_id),
    )
    # A variant's own title ("24 pcs") says little without its product's.
    # Some channels have no variant title and repeat the code there.
    own = func.nullif(variants.c.title, variants.c.sku)
    title = func.coalesce(products.c.title + literal(", ", String()) + own, products.c.title, own)
    return (
        select(
            stock.c.stock_item_id,
            stock.c.location_id,
            func.coalesce(stock.c.sku, variants.c.sku).label("sku"),
            title.label("title"),
            locations.c.name.label("location_name"),
            stock.c.available,
            stock.c.incoming,
            stock.c.observed_at,
        )
        .select_from(joined)
        .where(stock.c.connection_id == connection_id)
    )
