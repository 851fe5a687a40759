"""What a day's figures are, as statements over current facts. The same text runs on both engines."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, Numeric, Select, String, and_, cast, func, literal, or_, select

from shelftide.warehouse.tables import TABLES
from shelftide.warehouse.versions import history, known

_VALUE = Numeric(24, 6)


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A table and the metrics that come from it: name -> aggregate over its current rows of one day."""

    table: str
    metrics: tuple[str, ...]
    money: bool = False


ORDERS = TABLES["Order"]
LINES = TABLES["OrderLine"]
REFUNDS = TABLES["Refund"]
PROFILE_DAYS = TABLES["ProfileDay"]
SNAPSHOTS = TABLES["ContentSnapshot"]
SALES = TABLES["SalesDay"]
STOCK = TABLES["StockLevel"]
VARIANTS = TABLES["Variant"]
LOCATIONS = TABLES["Location"]
PRODUCTS = TABLES["Product"]

DAILY = ("Order", "OrderLine", "Refund", "ProfileDay", "ContentSnapshot", "SalesDay")
_PROFILE = ("views", "likes", "comments", "shares", "profile_views", "new_followers", "followers", "reach")
_CONTENT = ("views", "likes", "comments", "shares", "saves")


def touched_days(table: str, connection_id: UUID, since: datetime) -> Select[Any]:
    """Days of which a version was opened or closed after `since`."""
    facts = history(TABLES[table])
    return (
        select(facts.c.local_day)
        .where(
            facts.c.connection_id == connection_id,
            or_(facts.c.observed_at > since, facts.c.superseded_at > since),
        )
        .distinct()
    )


def newest(table: str, connection_id: UUID) -> Select[Any]:
    """The newest moment at which a version was opened or closed."""
    facts = history(TABLES[table])
    return select(func.greatest(func.max(facts.c.observed_at), func.max(facts.c.superseded_at)).label("newest")).where(
        facts.c.connection_id == connection_id
    )


def _daily(
    facts: Any,
    metric: str,
    value: ColumnElement[Any],
    currency: ColumnElement[Any],
    where: Sequence[ColumnElement[bool]],
) -> Select[Any]:
    return (
        select(
            literal(metric, String()).label("metric"),
            facts.c.local_day.label("day"),
            currency.label("currency"),
            cast(value, _VALUE).label("value"),
            func.count().label("rows"),
        )
        .where(*where)
        .group_by(facts.c.local_day, currency)
    )


def daily_statements(connection_id: UUID, days: dict[str, list[date]]) -> list[Select[Any]]:
    """One statement per metric whose source was touched. Columns: metric, day, currency, value, rows."""
    none = literal("", String())
    found: list[Select[Any]] = []

    def of(table: str) -> tuple[Any, list[ColumnElement[bool]]]:
        facts = known(TABLES[table])
        return facts, [facts.c.connection_id == connection_id, facts.c.local_day.in_(days[table])]

    if days.get("Order"):
        orders, where = of("Order")
        found.append(_daily(orders, "orders", func.count(), none, where))
        cancelled = [*where, orders.c.status == "cancelled"]
        found.append(_daily(orders, "cancelled_orders", func.count(), none, cancelled))
    if days.get("OrderLine"):
        lines, where = of("OrderLine")
        sold = [*where, lines.c.cancelled.is_(False)]
        found.append(_daily(lines, "units", func.sum(lines.c.quantity), none, sold))
        found.append(_daily(lines, "revenue", func.sum(lines.c.total_amount), lines.c.total_currency, sold))
    if days.get("Refund"):
        refunds, where = of("Refund")
        amount = func.sum(refunds.c.amount_amount)
        found.append(_daily(refunds, "refunds", amount, refunds.c.amount_currency, where))
    if days.get("SalesDay"):
        sales, where = of("SalesDay")
        found.append(_daily(sales, "units", func.sum(sales.c.units), none, where))
        priced = [*where, sales.c.revenue_amount.is_not(None)]
        found.append(_daily(sales, "revenue", func.sum(sales.c.revenue_amount), sales.c.revenue_currency, priced))
    if days.get("ProfileDay"):
        profile, where = of("ProfileDay")
        for name in _PROFILE:
            column = profile.c[name]
            found.append(_daily(profile, name, func.sum(column), none, [*where, column.is_not(None)]))
    if days.get("ContentSnapshot"):
        found += _content(connection_id, days["ContentSnapshot"])
    return found


def _content(connection_id: UUID, days: list[date]) -> list[Select[Any]]:
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
    inside = [ordered.c.local_day >= min(days)]
    none = literal("", String())
    return [
        _daily(ordered, f"content_{name}", func.sum(ordered.c[name]), none, [*inside, ordered.c[name].is_not(None)])
        for name in _CONTENT
    ]


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
