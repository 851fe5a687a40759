"""What the rows of an Ark shop mean. Pure functions: a row in, records out.

Money of orders and products is in integer fen, of after-sales in yuan. A line's amounts are totals of the line.
`OrderLine.total` is what the shop sells for: what the buyer paid for the line and what the platform added from its own
pocket. So

    Order.total = Order.subtotal - platform discount + shipping + tax

Sources: Ark open platform, `order.getOrderDetail`, `afterSale.getAfterSaleInfo`, `product.getDetailSkuList`,
`inventory.getSkuStockV2`, `warehouse.list`.
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from shelftide_sdk.errors import DataError
from shelftide_sdk.money import Money
from shelftide_sdk.records import (
    ChannelKind,
    Customer,
    Location,
    Order,
    OrderLine,
    OrderStatus,
    Product,
    Record,
    Refund,
    StockLevel,
    Variant,
)
from shelftide_xiaohongshu.values import (
    CURRENCY,
    ZONE,
    Row,
    fen,
    identifier,
    maybe_identifier,
    maybe_moment,
    maybe_whole,
    moment,
    needed,
    rows,
    text,
    unrepeated,
    whole,
    yuan,
)

CHANNEL = "xiaohongshu"
SINGLE_WAREHOUSE = "CPartner"
_STATUSES = {
    1: OrderStatus.PENDING,
    2: OrderStatus.OPEN,
    3: OrderStatus.OPEN,
    4: OrderStatus.OPEN,
    5: OrderStatus.OPEN,
    6: OrderStatus.SHIPPED,
    7: OrderStatus.COMPLETED,
    8: OrderStatus.CANCELLED,
    9: OrderStatus.CANCELLED,
    10: OrderStatus.SHIPPED,
}
_COUNTRIES = {"中国": "CN", "中国大陆": "CN", "中国香港": "HK", "中国澳门": "MO", "中国台湾": "TW"}
# Money has been given back under `DONE` only; the other known states may still lead there, or never.
REFUND_DONE = 2
_REFUND_STATES = frozenset({1, 3, 101, 108, 201, 301, 302, 401, 402})
# What cannot have paid anything back yet: to review, to send back, to receive, cancelled, refused, to exchange.
UNPAID_RETURNS = frozenset({1, 2, 3, 5, 9, 9001, 12, 13})
_RETURN = 1
# What a row says of a person beside the platform's own id; none of it is needed, so none of it goes on.
_PERSONAL = frozenset(
    {
        "receiverName", "receiverPhone", "receiverAddress", "receiverProvinceId", "receiverProvinceName",
        "receiverCityId", "receiverCityName", "receiverDistrictId", "receiverDistrictName", "customerRemark",
        "sellerRemark", "openAddressId", "returnAddress", "proofPhotos", "desc",
    }
)  # fmt: skip


def impersonal(row: Any) -> Any:
    """A row without what it says of a person, for records and for quarantine."""
    return {k: v for k, v in row.items() if k not in _PERSONAL} if isinstance(row, Mapping) else row


def is_sample(row: Row) -> bool:
    """A free sample: no sale."""
    return "SAMPLE" in rows(row, "orderTagList")


def map_order(row: Row) -> list[Record]:
    """An order of `order.getOrderDetail` with its lines. A free sample is no sale and gives nothing."""
    if is_sample(row):
        return []
    order = _order(row)
    found = unrepeated(rows(row, "skuList"), set())
    if not found:
        raise DataError("the order has no lines")
    lines = list(_lines(found, order))
    taxes = [fen(sku, "totalTaxAmount") for sku in found]
    known_taxes = [tax.amount for tax in taxes if tax is not None]
    subtotal = sum((line.total.amount for line in lines), Decimal(0))
    known = msgspec.structs.replace(
        order,
        subtotal=Money(subtotal, CURRENCY),
        tax=Money(sum(known_taxes, Decimal(0)), CURRENCY) if taxes and len(known_taxes) == len(taxes) else None,
    )
    return [known, *lines]


def _order(row: Row) -> Order:
    code = whole(row.get("orderStatus"), "orderStatus")
    status = _STATUSES.get(code, OrderStatus.UNKNOWN)
    buyer = maybe_identifier(row, "userId")
    return Order(
        source_id=identifier(row.get("orderId"), "orderId"),
        placed_at=moment(row.get("createdTime"), "createdTime"),
        zone=ZONE,
        status=status,
        channel_kind=ChannelKind.IN_APP,
        channel=CHANNEL,
        platform_status=str(code),
        financial_status="paid" if maybe_moment(row, "paidTime") else "unpaid",
        total=needed(fen(row, "totalPayAmount"), "totalPayAmount"),
        discount=fen(row, "totalMerchantDiscount"),
        platform_discount=fen(row, "totalRedDiscount"),
        shipping=fen(row, "totalShippingFree"),
        customer=Customer(platform_id=buyer) if buyer else None,
        country=_COUNTRIES.get(text(row, "receiverCountryName") or ""),
        cancelled_at=maybe_moment(row, "cancelTime") if status is OrderStatus.CANCELLED else None,
        updated_at=moment(row.get("updateTime"), "updateTime"),
    )


def _lines(found: Sequence[Any], order: Order) -> Iterator[OrderLine]:
    """One line a SKU; a gift of a SKU that was bought too is a line of its own."""
    taken: set[str] = set()
    for sku in found:
        line = map_line(sku, order)
        place = 2
        while line.source_id in taken:
            line = msgspec.structs.replace(line, source_id=f"{line.variant_id}-{place}")
            place += 1
        taken.add(line.source_id)
        yield line


def map_line(row: Row, order: Order) -> OrderLine:
    """A row of `skuList`. A bundle lists its parts in `skuDetailList` and then has no single unit price."""
    sku_id = identifier(row.get("skuId"), "skuId")
    quantity = whole(row.get("skuQuantity"), "skuQuantity")
    if quantity < 0:
        raise DataError(f"skuQuantity is negative: {quantity}")
    paid = needed(fen(row, "totalPaidAmount"), "totalPaidAmount")
    aid = needed(fen(row, "totalRedDiscount"), "totalRedDiscount")
    parts = unrepeated(rows(row, "skuDetailList"), set())
    part = parts[0] if len(parts) == 1 else {}
    return OrderLine(
        order_id=order.source_id,
        source_id=sku_id,
        placed_at=order.placed_at,
        zone=order.zone,
        quantity=quantity,
        total=paid + aid,
        product_id=maybe_identifier(row, "itemId"),
        variant_id=sku_id,
        sku=text(row, "erpcode") or text(part, "erpCode"),
        title=text(row, "itemName") or text(row, "skuName"),
        unit_price=fen(part, "rawPricePerSku"),
        discount=fen(row, "totalMerchantDiscount"),
        creator_id=maybe_identifier(row, "kolId"),
        cancelled=order.status is OrderStatus.CANCELLED,
        updated_at=order.updated_at,
    )


def map_refund(row: Row) -> list[Record]:
    """The refund of an `afterSaleInfo`, once its money was given back; nothing before.

    `quantity` counts pieces that come back: a refund without return brings none. Raises DataError for a state that is
    not known.
    """
    state = maybe_whole(row, "refundStatus")
    if state is None or state in _REFUND_STATES:
        return []
    if state != REFUND_DONE:
        raise DataError(f"refundStatus is not known: {state}")
    updated_at = moment(row.get("updatedAt"), "updatedAt")
    pieces = [whole(sku.get("appliedCount"), "appliedCount") for sku in unrepeated(rows(row, "skus"), set())]
    return [
        Refund(
            source_id=identifier(row.get("returnsId"), "returnsId"),
            order_id=identifier(row.get("orderId"), "orderId"),
            refunded_at=maybe_moment(row, "refundTime") or updated_at,
            zone=ZONE,
            amount=needed(yuan(row, "refundAmountYuan"), "refundAmountYuan"),
            quantity=sum(pieces) if maybe_whole(row, "returnType") == _RETURN else 0,
            reason=text(row, "reasonNameZh"),
            status=str(state),
            updated_at=updated_at,
        )
    ]


def map_product(row: Row) -> list[Record]:
    """A row of `product.getDetailSkuList`: one SKU with its product, which comes again with each of its SKUs."""
    item, sku = row.get("item"), row.get("sku")
    if not isinstance(item, Mapping) or not isinstance(sku, Mapping):
        raise DataError("item or sku is missing")
    product = _product(item)
    return [product, map_variant(sku, product)]


def map_item(data: Row) -> list[Record]:
    """The reply of `product.getItemInfo`: a product with its SKUs."""
    item = data.get("itemInfo")
    if not isinstance(item, Mapping):
        raise DataError("itemInfo is missing")
    product = _product(item)
    return [product, *(map_variant(sku, product) for sku in unrepeated(rows(data, "skuInfos"), set()))]


def _product(item: Row) -> Product:
    title = text(item, "name")
    if title is None:
        raise DataError("name is missing")
    others = (text(item, "ename"), text(item, "itemShortTitle"))
    images = [each for each in rows(item, "images") if isinstance(each, str)]
    return Product(
        source_id=identifier(item.get("id"), "id"),
        title=title,
        status="listed",
        vendor=maybe_identifier(item, "brandId"),
        category=maybe_identifier(item, "categoryId"),
        image_url=images[0] if images else None,
        created_at=maybe_moment(item, "createTime"),
        updated_at=maybe_moment(item, "updateTime"),
        aliases=tuple(dict.fromkeys(name for name in others if name and name != title)),
    )


def map_variant(sku: Row, product: Product) -> Variant:
    """A SKU. Its price is what the buyer sees; stock is counted under its own id."""
    words = [str(part["value"]) for part in rows(sku, "variants") if part.get("value")]
    sku_id = identifier(sku.get("id"), "id")
    return Variant(
        source_id=sku_id,
        # The documents' own example names another item beside the SKU: the item that it stands under is the one.
        product_id=product.source_id,
        title=" / ".join(words) or text(sku, "name") or product.title,
        sku=text(sku, "erpCode"),
        barcode=text(sku, "barcode"),
        price=fen(sku, "price"),
        stock_item_id=sku_id,
        updated_at=maybe_moment(sku, "updateTime"),
    )


def sku_of(row: Row) -> tuple[str, str | None]:
    """(id, merchant's code) of the SKU in a row of `product.getDetailSkuList`."""
    sku = row.get("sku")
    if not isinstance(sku, Mapping):
        raise DataError("sku is missing")
    return identifier(sku.get("id"), "id"), text(sku, "erpCode")


def map_stock(data: Row, sku_id: str, code: str | None) -> list[Record]:
    """The levels of one SKU, one a warehouse, of `inventory.getSkuStockV2` or its first version.

    A reply about another SKU keeps that SKU's id, without the code. Raises DataError when it names no figures at all.
    """
    found = unrepeated(rows(data, "skuStockInfoWithWhcode"), set())
    if not found:
        whole_shop = data.get("skuStockInfo") or data
        found = [{"skuId": sku_id, "whcode": SINGLE_WAREHOUSE, "skuStockInfo": _figures(whole_shop)}]
    return [_level(row, sku_id, code) for row in found]


def _figures(row: Row) -> Row:
    found = row.get("skuStockInfo") or row.get("skuStock")
    if not isinstance(found, Mapping):
        raise DataError("the stock has no figures")
    return found


def _level(row: Row, sku_id: str, code: str | None) -> StockLevel:
    found_id = identifier(row.get("skuId"), "skuId")
    figures = _figures(row)
    # Pieces that are set aside for product and activity channels, sold there or not.
    aside = [
        maybe_whole(figures, f"{kind}Channel{part}")
        for kind in ("product", "activity")
        for part in ("Quantity", "OccupiedQuantity")
    ]
    known = [count for count in aside if count is not None]
    return StockLevel(
        stock_item_id=found_id,
        location_id=identifier(row.get("whcode"), "whcode"),
        sku=code if found_id == sku_id else None,
        available=whole(figures.get("available"), "available"),
        on_hand=maybe_whole(figures, "total"),
        committed=maybe_whole(figures, "occupiedQuantity"),
        reserved=sum(known) if known else None,
    )


def map_warehouse(row: Row) -> Location:
    """A warehouse; its address and the person in charge stay outside. Ark ships from mainland China."""
    code = identifier(row.get("code"), "code")
    return Location(source_id=code, name=text(row, "name") or code)
