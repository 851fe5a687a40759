"""What the limit lands: the product's columns of the four tables, and how each is read from the typed wire."""

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

from tests.bench.wire import Journey, Order, Utm, Visit


def _id(value: str) -> str:
    return value.rpartition("/")[2]


def _get(path: str) -> Callable[[Any], Any]:
    """A member of a member, None where anything on the way is None."""
    names = path.split(".")

    def read(value: Any) -> Any:
        for name in names:
            value = getattr(value, name) if value is not None else None
        return value

    return read


def _maybe_id(path: str) -> Callable[[Any], str | None]:
    read = _get(path)
    return lambda row: _id(found) if (found := read(row)) else None


# Columns: name, SQL type, how to read it. Rows of the inner tables are (order, line), (order, refund), (order, visit).
Column = tuple[str, str, Callable[[Any], Any]]
MONEY, TIME = "DECIMAL(20,6)", "TIMESTAMPTZ"


def _money(name: str, bag: str) -> list[Column]:
    return [
        (f"{name}_amount", MONEY, attrgetter(f"{bag}.shop_money.amount")),
        (f"{name}_currency", "VARCHAR", attrgetter(f"{bag}.shop_money.currency_code")),
    ]


def _second(columns: Sequence[Column]) -> list[Column]:
    def inner(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
        return lambda pair: read(pair[1])

    return [(name, kind, inner(read)) for name, kind, read in columns]


def _order_id(pair: Any) -> str:
    return _id(pair[0].id)


COLUMNS: dict[str, list[Column]] = {
    "orders": [
        ("source_id", "VARCHAR", lambda o: _id(o.id)),
        ("name", "VARCHAR", attrgetter("name")),
        ("placed_at", TIME, attrgetter("created_at")),
        ("updated_at", TIME, attrgetter("updated_at")),
        ("cancelled_at", TIME, attrgetter("cancelled_at")),
        ("cancel_reason", "VARCHAR", attrgetter("cancel_reason")),
        ("closed", "BOOLEAN", attrgetter("closed")),
        ("source_name", "VARCHAR", attrgetter("source_name")),
        ("promo_codes", "VARCHAR", lambda o: ",".join(o.discount_codes)),
        ("financial_status", "VARCHAR", attrgetter("display_financial_status")),
        ("platform_status", "VARCHAR", attrgetter("display_fulfillment_status")),
        ("channel", "VARCHAR", _get("attribution.handle")),
        ("country", "VARCHAR", _get("shipping_address.country_code_v2")),
        ("customer_id", "VARCHAR", _maybe_id("customer.id")),
        ("email", "VARCHAR", _get("customer.default_email_address.email_address")),
        ("phone", "VARCHAR", _get("customer.default_phone_number.phone_number")),
        *_money("total", "total_price_set"),
        *_money("current_total", "current_total_price_set"),
        *_money("subtotal", "subtotal_price_set"),
        *_money("discount", "total_discounts_set"),
        *_money("shipping", "total_shipping_price_set"),
        *_money("tax", "total_tax_set"),
        *_money("refunded", "total_refunded_set"),
        ("presentment_total_amount", MONEY, _get("total_price_set.presentment_money.amount")),
        ("presentment_total_currency", "VARCHAR", _get("total_price_set.presentment_money.currency_code")),
        ("customer_order_index", "INTEGER", _get("customer_journey_summary.customer_order_index")),
        ("journey_ready", "BOOLEAN", _get("customer_journey_summary.ready")),
    ],
    "order_lines": [
        ("order_id", "VARCHAR", _order_id),
        ("placed_at", TIME, lambda p: p[0].created_at),
        *_second(
            [
                ("source_id", "VARCHAR", lambda i: _id(i.id)),
                ("title", "VARCHAR", attrgetter("title")),
                ("sku", "VARCHAR", attrgetter("sku")),
                ("quantity", "INTEGER", attrgetter("quantity")),
                ("current_quantity", "INTEGER", attrgetter("current_quantity")),
                ("product_id", "VARCHAR", _maybe_id("product.id")),
                ("variant_id", "VARCHAR", _maybe_id("variant.id")),
                *_money("unit_price", "original_unit_price_set"),
                *_money("total", "discounted_total_set"),
            ]
        ),
    ],
    "refunds": [
        ("order_id", "VARCHAR", _order_id),
        *_second(
            [
                ("source_id", "VARCHAR", lambda r: _id(r.id)),
                ("refunded_at", TIME, attrgetter("created_at")),
                ("updated_at", TIME, attrgetter("updated_at")),
                ("reason", "VARCHAR", attrgetter("note")),
                ("quantity", "INTEGER", lambda r: sum(line.quantity for line in r.refund_line_items.nodes)),
                *_money("amount", "total_refunded_set"),
            ]
        ),
    ],
    "touches": [
        ("order_id", "VARCHAR", _order_id),
        ("source_id", "VARCHAR", lambda p: f"{_id(p[0].id)}-{_id(p[1].id)}"),
        *_second(
            [
                ("occurred_at", TIME, attrgetter("occurred_at")),
                ("landing_page", "VARCHAR", attrgetter("landing_page")),
                ("referrer_url", "VARCHAR", attrgetter("referrer_url")),
                ("referral_code", "VARCHAR", attrgetter("referral_code")),
                ("source", "VARCHAR", attrgetter("source")),
                ("source_type", "VARCHAR", attrgetter("source_type")),
                *[(f"utm_{part}", "VARCHAR", _get(f"utm_parameters.{part}")) for part in Utm.__struct_fields__],
            ]
        ),
    ],
}


def rows_of(orders: Sequence[Order]) -> dict[str, Sequence[Any]]:
    """What goes into each table."""
    return {
        "orders": orders,
        "order_lines": [(order, line) for order in orders for line in order.line_items.nodes],
        "refunds": [(order, refund) for order in orders for refund in order.refunds],
        "touches": [(order, visit) for order in orders for visit in _visits(order.customer_journey_summary)],
    }


def _visits(journey: Journey | None) -> list[Visit]:
    if journey is None:
        return []
    moments = journey.moments.nodes if journey.moments else ()
    found = {visit.id: visit for visit in (journey.first_visit, *moments, journey.last_visit) if visit is not None}
    return list(found.values())


def key_of(table: str) -> list[str]:
    """The columns that tell a row of a table apart, as in the product's record types."""
    return ["order_id", "source_id"] if table == "order_lines" else ["source_id"]
