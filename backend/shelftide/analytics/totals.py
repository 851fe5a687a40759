"""Plain totals of current facts, by the finest grain that a truth can be held against."""

from typing import Any

from sqlalchemy import Numeric, Select, case, cast, func, select

from shelftide.warehouse.tables import TABLES
from shelftide.warehouse.versions import known
from shelftide.warehouse.warehouse import Warehouse


def _sales() -> Select[Any]:
    lines = known(TABLES["OrderLine"])
    sku = func.coalesce(lines.c.sku, "")
    return select(
        lines.c.platform,
        lines.c.local_day.label("day"),
        sku.label("sku"),
        lines.c.total_currency.label("currency"),
        func.count(lines.c.order_id.distinct()).label("orders"),
        func.sum(lines.c.quantity).label("units"),
        cast(func.sum(lines.c.total_amount), Numeric(24, 6)).label("revenue"),
        func.sum(case((lines.c.cancelled, lines.c.quantity), else_=0)).label("cancelled_units"),
    ).group_by(lines.c.platform, lines.c.local_day, sku, lines.c.total_currency)


def _orders() -> Select[Any]:
    orders = known(TABLES["Order"])
    return select(
        orders.c.platform,
        orders.c.local_day.label("day"),
        orders.c.total_currency.label("currency"),
        func.count().label("orders"),
        func.sum(case((orders.c.status == "cancelled", 1), else_=0)).label("cancelled_orders"),
    ).group_by(orders.c.platform, orders.c.local_day, orders.c.total_currency)


def _refunds() -> Select[Any]:
    refunds = known(TABLES["Refund"])
    return select(
        refunds.c.platform,
        refunds.c.local_day.label("day"),
        refunds.c.amount_currency.label("currency"),
        func.count().label("refunds"),
        cast(func.sum(refunds.c.amount_amount), Numeric(24, 6)).label("refunded"),
    ).group_by(refunds.c.platform, refunds.c.local_day, refunds.c.amount_currency)


def _stock() -> Select[Any]:
    stock, variants = known(TABLES["StockLevel"]), known(TABLES["Variant"])
    joined = stock.outerjoin(
        variants,
        (variants.c.connection_id == stock.c.connection_id) & (variants.c.stock_item_id == stock.c.stock_item_id),
    )
    sku = func.coalesce(stock.c.sku, variants.c.sku, "")
    return (
        select(stock.c.platform, sku.label("sku"), func.sum(stock.c.available).label("available"))
        .select_from(joined)
        .group_by(stock.c.platform, sku)
    )


def _profile_days() -> Select[Any]:
    days = known(TABLES["ProfileDay"])
    return select(
        days.c.platform,
        days.c.local_day.label("day"),
        func.sum(days.c.views).label("views"),
        func.sum(days.c.followers).label("followers"),
    ).group_by(days.c.platform, days.c.local_day)


def _content() -> Select[Any]:
    """Stories are left out: a platform forgets them within a day."""
    facts, contents = known(TABLES["ContentSnapshot"]), known(TABLES["Content"])
    same = (contents.c.connection_id == facts.c.connection_id) & (contents.c.source_id == facts.c.content_id)
    ranked = (
        select(
            facts.c.platform,
            facts.c.content_id,
            facts.c.views,
            func.row_number().over(partition_by=facts.c.content_id, order_by=facts.c.captured_at.desc()).label("place"),
        )
        .select_from(facts.join(contents, same))
        .where(contents.c.kind != "story")
        .subquery()
    )
    return select(ranked.c.platform, ranked.c.content_id, ranked.c.views).where(ranked.c.place == 1)


_STATEMENTS = {
    "sales": _sales,
    "orders": _orders,
    "refunds": _refunds,
    "stock": _stock,
    "profile_days": _profile_days,
    "content": _content,
}


async def totals(warehouse: Warehouse) -> dict[str, list[dict[str, Any]]]:
    """Rows by name: sales (platform, day, sku, currency), orders and refunds (platform, day, currency), stock
    (platform, sku), profile_days (platform, day), content (platform, content id; newest snapshot)."""
    return {name: (await warehouse.query(build())).to_pylist() for name, build in _STATEMENTS.items()}
