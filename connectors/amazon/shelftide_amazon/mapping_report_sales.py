"""What reports tell of orders, days of sales, days of visits, and of the codes behind orders."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from shelftide_amazon.mapping_orders import (
    ORDER_COLUMNS,
    is_foreign,
    is_unpriced_row,
    map_order_rows,
)
from shelftide_amazon.report_rows import (
    SPECIFICATION,
    Kind,
    Source,
    code,
    needed_pieces,
    number,
    on_day,
    pieces,
    priced,
    when,
)
from shelftide_amazon.tables import cell
from shelftide_amazon.values import Row, maybe_moment, maybe_money, maybe_word, moment, part, parts, row_of, word
from shelftide_sdk.connector import days
from shelftide_sdk.errors import DataError
from shelftide_sdk.money import Money
from shelftide_sdk.records import ChannelKind, Order, OrderLine, OrderStatus, ProfileDay, PromoCode, Record, SalesDay

CHANNEL = "amazon"

# -- orders -----------------------------------------------------------------------------------------------------------


def _map_flat(rows: Sequence[Row], source: Source) -> list[Record]:
    """An order of a flat file; none for an order of another shop and for a pending one without its sums."""
    if is_foreign(rows[0]) or any(map(is_unpriced_row, rows)):
        return []
    return list(map_order_rows(rows, source.market, source.zone))


def _map_shipped(rows: Sequence[Row], source: Source) -> list[Record]:
    """The parcels of an order, in the columns of a flat file of orders."""
    return _map_flat([_as_ordered(row) for row in rows], source)


def _as_ordered(row: Row) -> Row:
    return {
        **row,
        "order-status": "Shipped",
        "quantity": row.get("quantity-shipped", ""),
        "order-item-id": row.get("amazon-order-item-id", ""),
        "last-updated-date": row.get("shipment-date", ""),
    }


def _map_replaced(rows: Sequence[Row], source: Source) -> list[Record]:
    """A replacement, for which the buyer pays nothing."""
    first, free = rows[0], Money(Decimal(0), source.market.currency)
    order_id, at = code(first, "replacement-customer-order-id"), when(first, "shipment-date", source)
    order = Order(
        source_id=order_id,
        name=order_id,
        placed_at=at,
        zone=source.zone,
        status=OrderStatus.SHIPPED,
        platform_status="Replacement",
        channel_kind=ChannelKind.MARKETPLACE,
        channel=CHANNEL,
        total=free,
        updated_at=at,
    )
    lines = [
        OrderLine(
            order_id=order_id,
            source_id=f"{code(row, 'sku')}#{place}",
            placed_at=at,
            zone=source.zone,
            quantity=needed_pieces(row, "quantity"),
            total=free,
            product_id=cell(row, "asin"),
            variant_id=code(row, "sku"),
            sku=code(row, "sku"),
            updated_at=at,
        )
        for place, row in enumerate(rows, 1)
    ]
    return [order, *lines]


def _several(value: Any, name: str) -> list[Row]:
    """Elements of XML, which are an object where there is one, and a list where there are several."""
    return [row_of(entry, name) for entry in (value if isinstance(value, list) else [value]) if entry not in (None, "")]


# How a report in XML calls what a flat file has in columns; the reports of orders and of shipments differ.
_IN_XML = {
    "amazon-order-id": "AmazonOrderID",
    "purchase-date": "PurchaseDate|OrderDate",
    "last-updated-date": "LastUpdatedDate|OrderPostedDate|OrderDate",
    "order-status": "OrderStatus",
    "sales-channel": "SalesChannel",
}
_ITEM_IN_XML = {
    "order-item-id": "AmazonOrderItemCode",
    "sku": "SKU",
    "asin": "ASIN",
    "product-name": "ProductName|Title",
    "quantity": "Quantity",
    "item-status": "ItemStatus",
}
_SUMS_IN_XML = {
    "principal": "item-price",
    "tax": "item-tax",
    "shipping": "shipping-price",
    "shippingtax": "shipping-tax",
    "giftwrap": "gift-wrap-price",
    "giftwraptax": "gift-wrap-tax",
}


def _map_xml(rows: Sequence[Row], source: Source) -> list[Record]:
    """An order in XML, in the columns of a flat file of orders. One without a state is waiting to be shipped."""
    order = rows[0]
    address = part(part(order, "FulfillmentData"), "Address")
    about = _cells(order, _IN_XML)
    for name in ("purchase-date", "last-updated-date"):
        about[name] = when(about, name, source).isoformat()
    about["order-status"] = about["order-status"] or "Unshipped"
    about["ship-country"] = cell(address, "Country") or cell(address, "CountryCode") or ""
    items = _several(order.get("OrderItem") or order.get("Item"), "OrderItem")
    if not items:
        raise DataError("the order has no items")
    return _map_flat([about | _item(item) for item in items], source)


def _cells(row: Row, names: Mapping[str, str]) -> dict[str, str]:
    found = {}
    for column, ways in names.items():
        values = [value for name in ways.split("|") if (value := row.get(name)) not in (None, "")]
        if values and not isinstance(values[0], str):
            raise DataError(f"{column} is not a text")
        found[column] = values[0] if values else ""
    return found


def _item(item: Row) -> dict[str, str]:
    found = _cells(item, _ITEM_IN_XML)
    for component in _several(part(item, "ItemPrice").get("Component"), "Component"):
        column = _SUMS_IN_XML.get(word(component, "Type").lower())
        if column is not None:
            found |= _sum(component, column)
    for promotion in _several(item.get("Promotion"), "Promotion"):
        for component in _several(promotion.get("Component"), "Component"):
            of = "ship" if "shipping" in word(component, "Type").lower() else "item"
            found |= _sum(component, f"{of}-promotion-discount")
    return found


def _sum(component: Row, column: str) -> dict[str, str]:
    found = row_of(component.get("Amount"), "Amount")
    return {column: word(found, "value"), "currency": word(found, "currency")}


# -- days of sales and visits -----------------------------------------------------------------------------------------


def _one_day(row: Row, source: Source) -> date:
    """The day of a row, or of the report where its rows name none. Raises DataError for a longer time."""
    own = row if row.get("startDate") is not None else row_of(row.get(SPECIFICATION), SPECIFICATION)
    names = ("startDate", "endDate") if own is row else ("dataStartTime", "dataEndTime")
    first, last = (on_day(own, name, source) for name in names)
    if first != last:
        raise DataError("a row covers more than one day")
    return first


def _map_sold(rows: Sequence[Row], source: Source) -> SalesDay:
    """A product's day in the report of sales and traffic."""
    row = rows[0]
    sales = row_of(row.get("salesByAsin"), "salesByAsin")
    return SalesDay(
        channel=CHANNEL,
        sku=cell(row, "sku") or cell(row, "childAsin") or code(row, "parentAsin"),
        day=_one_day(row, source),
        zone=source.market.zone,
        units=needed_pieces(sales, "unitsOrdered"),
        revenue=maybe_money(sales, "orderedProductSales"),
        orders=pieces(sales, "totalOrderItems"),
    )


def _map_vendor(rows: Sequence[Row], source: Source) -> SalesDay:
    """A product's day at a vendor: what was ordered, or shipped where the view does not tell of orders."""
    row = rows[0]
    kind = "ordered" if row.get("orderedUnits") is not None else "shipped"
    return SalesDay(
        channel=CHANNEL,
        sku=code(row, "asin"),
        day=_one_day(row, source),
        zone=source.market.zone,
        units=needed_pieces(row, f"{kind}Units"),
        revenue=maybe_money(row, f"{kind}Revenue"),
    )


def _map_hours(rows: Sequence[Row], source: Source) -> SalesDay:
    """A product's hours of one day, added up. The report tells the currency once."""
    first = rows[0]
    about = part(row_of(first.get(SPECIFICATION), SPECIFICATION), "reportOptions")
    currency = maybe_word(about, "currencyCode") or source.market.currency
    known = [found for row in rows if (found := number(row, "orderedRevenue")) is not None]
    return SalesDay(
        channel=CHANNEL,
        sku=code(first, "asin"),
        day=source.day_of(moment(first.get("startTime"), "startTime")),
        zone=source.market.zone,
        units=sum(needed_pieces(row, "orderedUnits") for row in rows),
        revenue=Money.parse(sum(known, Decimal(0)), currency) if known else None,
    )


def _map_waiting(rows: Sequence[Row], source: Source) -> SalesDay:
    """Pieces of orders that wait to be shipped; the report tells no prices."""
    first = rows[0]
    return SalesDay(
        channel=CHANNEL,
        sku=code(first, "sku"),
        day=on_day(first, "purchase-date", source),
        zone=source.market.zone,
        units=sum(needed_pieces(row, "quantity-purchased") for row in rows),
        orders=len({code(row, "order-id") for row in rows}),
        title=cell(first, "product-name"),
    )


def _visits(source: Source, on: date, views: int) -> ProfileDay:
    profile = f"{source.seller}:{source.market.id}"
    return ProfileDay(profile_id=profile, day=on, zone=source.market.zone, profile_views=views)


def _map_traffic(rows: Sequence[Row], source: Source) -> ProfileDay:
    """Views of the seller's product pages in a day."""
    views = needed_pieces(part(rows[0], "trafficByDate"), "pageViews")
    return _visits(source, on_day(rows[0], "date", source), views)


def _map_page_views(rows: Sequence[Row], source: Source) -> ProfileDay:
    """Views of single pages, added up to those of the seller's day."""
    here = [row for row in rows if word(row, "marketplaceId") == source.market.id]
    if not here:
        raise DataError("a row of another marketplace than was asked for")
    return _visits(source, _viewed_on(here[0], source), sum(needed_pieces(row, "pageViews") for row in here))


def _viewed_on(row: Row, source: Source) -> date:
    if row.get("startTime") is not None:
        return source.day_of(moment(row["startTime"], "startTime"))
    return _one_day(row, source)


# -- codes ------------------------------------------------------------------------------------------------------------


def _map_coupon(rows: Sequence[Row], source: Source) -> PromoCode:
    """A coupon with how often it was used."""
    row = rows[0]
    off, kind = number(row, "discountAmount"), (maybe_word(row, "discountType") or "").upper()
    rate = off / 100 if off is not None and kind.startswith("PERCENT") else None
    return PromoCode(
        source_id=code(row, "couponId"),
        code=code(row, "couponId"),
        title=maybe_word(row, "name") or maybe_word(row, "websiteMessage"),
        value=None if off is None or rate is not None else Money.parse(off, maybe_word(row, "currencyCode")),
        value_rate=rate,
        usage_count=pieces(row, "redemptions"),
        starts_at=maybe_moment(row, "startDateTime"),
        ends_at=maybe_moment(row, "endDateTime"),
    )


def _map_promotion(rows: Sequence[Row], source: Source) -> PromoCode:
    """A deal with how many pieces it sold. The report tells no reduction."""
    row = rows[0]
    included = [needed_pieces(product, "productUnitsSold") for product in parts(row, "includedProducts")]
    return PromoCode(
        source_id=code(row, "promotionId"),
        code=code(row, "promotionId"),
        title=maybe_word(row, "promotionName"),
        usage_count=sum(included) if row.get("unitsSold") is None else pieces(row, "unitsSold"),
        starts_at=maybe_moment(row, "startDateTime"),
        ends_at=maybe_moment(row, "endDateTime"),
        updated_at=maybe_moment(row, "lastUpdatedDateTime"),
    )


def _map_reduction(rows: Sequence[Row], source: Source) -> PromoCode:
    """A promotion as the parcels of its orders name it: what a piece is reduced by."""
    row = rows[0]
    off = priced(row, "item-promotion-discount", cell(row, "currency"))
    name = code(row, "item-promotion-id")
    return PromoCode(
        source_id=name,
        code=name,
        title=cell(row, "description"),
        value=None if off is None else Money(abs(off.amount), off.currency),
    )


# -- kinds ------------------------------------------------------------------------------------------------------------


def _orders(needed: tuple[str, ...] = ORDER_COLUMNS) -> Kind:
    return Kind(map=_map_flat, needed=needed, key=lambda row, source: code(row, "amazon-order-id"), longest=days(30))


_DAILY = {"reportPeriod": "DAY", "distributorView": "MANUFACTURING", "sellingProgram": "RETAIL"}
_GRANULAR = {"dateGranularity": "DAY", "asinGranularity": "SKU"}
ORDERS = {
    "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_LAST_UPDATE_GENERAL": _orders(),
    "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_ORDER_DATE_GENERAL": _orders(),
    "GET_FLAT_FILE_ARCHIVED_ORDERS_DATA_BY_ORDER_DATE": _orders(),
    "GET_AMAZON_FULFILLED_SHIPMENTS_DATA_GENERAL": Kind(
        map=_map_shipped,
        needed=("amazon-order-id", "purchase-date", "shipment-date", "sku", "quantity-shipped", "item-price"),
        key=lambda row, source: code(row, "amazon-order-id"),
        longest=days(30),
    ),
    "GET_FBA_FULFILLMENT_CUSTOMER_SHIPMENT_REPLACEMENT_DATA": Kind(
        map=_map_replaced,
        needed=("shipment-date", "sku", "quantity", "replacement-customer-order-id"),
        key=lambda row, source: code(row, "replacement-customer-order-id"),
        longest=days(30),
        beside=True,
    ),
    "GET_XML_ALL_ORDERS_DATA_BY_LAST_UPDATE_GENERAL": Kind(map=_map_xml, element="Order", longest=days(30)),
    "GET_XML_ALL_ORDERS_DATA_BY_ORDER_DATE_GENERAL": Kind(map=_map_xml, element="Order", longest=days(30)),
    "GET_ORDER_REPORT_DATA_SHIPPING": Kind(map=_map_xml, element="OrderReport", longest=days(30)),
    "GET_COUPON_PERFORMANCE_REPORT": Kind(map=_map_coupon, lists=(("coupons",),), longest=days(30), beside=True),
    "GET_PROMOTION_PERFORMANCE_REPORT": Kind(
        map=_map_promotion, lists=(("promotions",),), longest=days(30), beside=True
    ),
    "GET_FBA_FULFILLMENT_CUSTOMER_SHIPMENT_PROMOTION_DATA": Kind(
        map=_map_reduction,
        needed=("currency", "item-promotion-discount", "item-promotion-id"),
        key=lambda row, source: code(row, "item-promotion-id"),
        longest=days(30),
        beside=True,
    ),
}
SALES_DAYS = {
    "GET_SALES_AND_TRAFFIC_REPORT": Kind(
        map=_map_sold, lists=(("salesAndTrafficByAsin",),), longest=days(1), options=_GRANULAR
    ),
    "GET_VENDOR_SALES_REPORT": Kind(map=_map_vendor, lists=(("salesByAsin",),), longest=days(1), options=_DAILY),
    "GET_VENDOR_REAL_TIME_SALES_REPORT": Kind(
        map=_map_hours,
        lists=(("reportData",),),
        key=lambda row, source: (code(row, "asin"), source.day_of(moment(row.get("startTime"), "startTime"))),
        longest=days(1),
    ),
    "GET_FLAT_FILE_ACTIONABLE_ORDER_DATA_SHIPPING": Kind(
        map=_map_waiting,
        needed=("order-id", "purchase-date", "quantity-purchased", "sku"),
        key=lambda row, source: (code(row, "sku"), on_day(row, "purchase-date", source)),
    ),
}
TRAFFIC_DAYS = {
    "GET_SALES_AND_TRAFFIC_REPORT": Kind(
        map=_map_traffic, lists=(("salesAndTrafficByDate",),), longest=days(30), options=_GRANULAR
    ),
    "GET_MARKETPLACE_ASIN_PAGE_VIEW_METRICS": Kind(
        map=_map_page_views, lists=(("marketplaceAsinPageViewMetrics",),), key=_viewed_on, longest=days(1)
    ),
}
