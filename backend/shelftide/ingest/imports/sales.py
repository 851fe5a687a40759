"""Kinds of files about sales: daily sales, orders, revenue series, footfall, sessions."""

from collections.abc import Iterable, Sequence
from typing import Any

from shelftide.ingest.imports.kind import (
    CURRENCY,
    DAY_NAMES,
    SKU_NAMES,
    Kind,
    Setting,
    Values,
    day,
    moment,
    money,
    plus,
    text,
    whole,
)
from shelftide_sdk import DataError, Money
from shelftide_sdk.records import (
    ChannelKind,
    Customer,
    Footfall,
    Order,
    OrderLine,
    OrderStatus,
    Record,
    RevenueDay,
    SalesDay,
    Session,
)

_STATUS = {
    OrderStatus.PENDING: "pending unpaid pending_payment 待付款 待支付",
    OrderStatus.OPEN: "open paid unshipped unfulfilled processing authorized partially_paid 待发货 已付款 已支付",
    OrderStatus.SHIPPED: "shipped fulfilled in_transit partial partially_fulfilled 已发货 待收货 shipping",
    OrderStatus.COMPLETED: "completed complete delivered closed 已完成 已签收 交易成功",
    OrderStatus.CANCELLED: "cancelled canceled voided 已取消 已关闭 交易关闭",
}
_STATUSES = {word: status for status, words in _STATUS.items() for word in words.split()}
_CHANNELS = {kind.value: kind for kind in ChannelKind}


def _sales_day(rows: Sequence[Values], setting: Setting) -> Iterable[Record]:
    row = rows[0]
    yield SalesDay(
        channel=row["channel"] or setting.defaults.get("channel", "file"),
        sku=row["sku"],
        day=row["day"],
        zone=setting.zone,
        units=row["units"],
        revenue=row["revenue"],
        title=row["title"],
        orders=row["orders"],
    )


def _revenue_day(rows: Sequence[Values], setting: Setting) -> Iterable[Record]:
    row = rows[0]
    yield RevenueDay(
        channel=row["channel"] or setting.defaults.get("channel", "file"),
        day=row["day"],
        zone=setting.zone,
        revenue=row["revenue"],
        orders=row["orders"],
        visitors=row["visitors"],
    )


def _footfall(rows: Sequence[Values], setting: Setting) -> Iterable[Record]:
    row = rows[0]
    yield Footfall(place=row["place"], day=row["day"], zone=setting.zone, visitors=row["visitors"])


def _session(rows: Sequence[Values], setting: Setting) -> Iterable[Record]:
    row = rows[0]
    who = _customer(row, setting)
    names = ("landing_page", "referrer_url", "utm_source", "utm_medium", "utm_campaign", "utm_content", "page_views")
    yield Session(
        source_id=row["session_id"],
        started_at=row["started_at"],
        zone=setting.zone,
        customer=who,
        **{name: row[name] for name in names},
    )


def _customer(row: Values, setting: Setting) -> Customer | None:
    email, phone, own = row["email"], row["phone"], row["customer_id"]
    if not (email or phone or own):
        return None
    return Customer(email=email, phone=phone, platform_id=own)


def _line_total(row: Values) -> Money | None:
    """What a line cost: said so, or price times pieces, less its discount."""
    total: Money | None = row["line_total"]
    price: Money | None = row["unit_price"]
    if total is None and price is not None:
        total = Money(price.amount * row["quantity"], price.currency)
    if total is None:
        return None
    less: Money | None = row["line_discount"]
    return total - Money(abs(less.amount), less.currency) if less else total


def _orders(rows: Sequence[Values], setting: Setting) -> Iterable[Record]:
    head = rows[0]
    lines = []
    for place, row in enumerate(rows, 1):
        total = _line_total(row)
        if total is None:
            raise DataError("the line has no amount: neither line_total nor unit_price")
        lines.append(_line(head, row, total, setting, place))
    yield _order(head, rows, [line.total for line in lines], setting)
    yield from lines


def _line(head: Values, row: Values, total: Money, setting: Setting, place: int) -> OrderLine:
    return OrderLine(
        order_id=head["order_id"],
        source_id=row["line_id"] or f"{row['sku'] or row['title'] or 'line'}:{place}",
        placed_at=head["placed_at"],
        zone=setting.zone,
        quantity=row["quantity"],
        total=total,
        sku=row["sku"],
        title=row["title"],
        unit_price=row["unit_price"],
        discount=row["line_discount"],
        cancelled=_status(row["line_status"] or head["status"]) is OrderStatus.CANCELLED,
        updated_at=head["updated_at"],
    )


def _status(word: str | None) -> OrderStatus:
    return _STATUSES.get((word or "").strip().casefold().replace(" ", "_"), OrderStatus.UNKNOWN)


def _sum(amounts: Iterable[Money | None]) -> Money | None:
    found: Money | None = None
    for amount in amounts:
        found = plus(found, amount)
    return found


def _order(head: Values, rows: Sequence[Values], totals: Sequence[Money], setting: Setting) -> Order:
    shipping = head["shipping"] or _sum(row["line_shipping"] for row in rows)
    total = head["total"] or plus(_sum(totals), shipping)
    if total is None:
        raise DataError("the order has no amount")
    word = head["status"]
    return Order(
        source_id=head["order_id"],
        placed_at=head["placed_at"],
        zone=setting.zone,
        status=OrderStatus.CANCELLED if head["cancelled_at"] else _status(word or head["financial_status"]),
        channel_kind=_CHANNELS.get(setting.defaults.get("channel_kind", ""), ChannelKind.OTHER),
        total=total,
        name=head["order_id"],
        channel=head["channel"] or setting.defaults.get("channel"),
        platform_status=word,
        customer=_customer(head, setting),
        shipping=shipping,
        refunded=_positive(head["refunded"]),
        promo_codes=tuple(filter(None, [head["promo_code"]])),
        **{name: head[name] for name in _PLAIN},
    )


def _positive(amount: Money | None) -> Money | None:
    return Money(abs(amount.amount), amount.currency) if amount else None


_PLAIN: tuple[Any, ...] = (
    "financial_status",
    "subtotal",
    "discount",
    "tax",
    "country",
    "cancelled_at",
    "updated_at",
)
_HEAD = (
    text("order_id", "order", "order_number", "order_no", "purchase_order_number", "订单号", "订单编号", required=True),
    moment(
        "placed_at", "order_date", "created_at", "created", "purchase_date", "下单时间", "订单创建时间", required=True
    ),
    moment("updated_at", "last_updated_date"),
    moment("cancelled_at", "canceled_at"),
    text("status", "order_status", "fulfillment_status", "订单状态"),
    text("financial_status", "payment_status"),
    text("channel", "sales_channel", "source"),
    CURRENCY,
    money("total", "order_total", "grand_total", "订单金额", "实付金额"),
    money("subtotal"),
    money("shipping", "order_shipping", "运费"),
    money("tax", "taxes"),
    money("discount", "discount_amount", "order_discount"),
    money("refunded", "refunded_amount", "退款金额"),
    text("promo_code", "discount_code", "coupon"),
    text("country", "ship_country", "shipping_country", "country_code"),
    text("email", "customer_email", "buyer_email"),
    text("phone", "customer_phone"),
    text("customer_id", "buyer_id"),
)
_LINE = (
    text("line_id", "order_item_id", "line_number", "子订单号"),
    text("sku", "lineitem_sku", *SKU_NAMES),
    text("title", "lineitem_name", "product_name", "item_name", "item_description", "商品名称"),
    whole("quantity", "lineitem_quantity", "units", "qty", "数量", "商品数量", required=True),
    money("unit_price", "lineitem_price", "price", "单价"),
    money("line_total", "item_price", "item_total", "amount", "商品总价"),
    money("line_discount", "lineitem_discount", "item_promotion_discount"),
    money("line_shipping", "shipping_price"),
    text("line_status", "item_status"),
)
DAILY_SALES = Kind(
    name="daily-sales",
    title="Daily sales",
    columns=(
        day("day", *DAY_NAMES, required=True),
        text("sku", *SKU_NAMES, required=True),
        whole("units", "quantity", "qty", "units_ordered", "销量", "支付件数", "quantità", "menge", required=True),
        money(
            "revenue", "amount", "sales", "net_sales", "ordered_product_sales", "销售额", "支付金额", "ricavi", "umsatz"
        ),
        CURRENCY,
        whole("orders", "order_lines", "total_order_items", "支付订单数"),
        text("channel", "渠道"),
        text("title", "name", "description", "product_name", "商品名称"),
    ),
    make=_sales_day,
)
ORDERS = Kind(
    name="orders",
    title="Orders",
    columns=_HEAD + _LINE,
    make=_orders,
    group="order_id",
    carried=tuple(column.name for column in _HEAD),
)
REVENUE = Kind(
    name="revenue",
    title="Revenue series",
    columns=(
        day("day", *DAY_NAMES, required=True),
        money("revenue", "amount", "sales", "gmv", "支付金额", "销售额", "成交金额", "umsatz", "ricavi", required=True),
        CURRENCY,
        whole("orders", "支付子订单数", "支付订单数", "订单数"),
        whole("visitors", "访客数", "uv", "sessions_total", "sessions"),
        text("channel", "shop", "store", "店铺", "渠道"),
    ),
    make=_revenue_day,
)
FOOTFALL = Kind(
    name="footfall",
    title="Footfall",
    columns=(
        day("day", *DAY_NAMES, required=True),
        text("place", "store", "location", "shop", "negozio", "门店", required=True),
        whole("visitors", "footfall", "count", "in", "entries", "visits", "ingressi", "客流", "客流量", required=True),
    ),
    make=_footfall,
)
SESSIONS = Kind(
    name="sessions",
    title="Sessions",
    columns=(
        text("session_id", "id", "visit_id", required=True),
        moment("started_at", "timestamp", "time", "session_start", required=True),
        text("landing_page", "landing_page_url", "page"),
        text("referrer_url", "referrer", "referer"),
        text("utm_source", "utm_campaign_source"),
        text("utm_medium", "utm_campaign_medium"),
        text("utm_campaign", "utm_campaign_name"),
        text("utm_content", "utm_campaign_content"),
        whole("page_views", "pageviews"),
        text("email"),
        text("phone"),
        text("customer_id", "user_id"),
    ),
    make=_session,
)
KINDS = (DAILY_SALES, ORDERS, REVENUE, FOOTFALL, SESSIONS)
