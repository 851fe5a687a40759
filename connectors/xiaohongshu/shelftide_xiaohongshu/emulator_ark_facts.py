"""The world's shops as Ark writes them: fen in orders, yuan in after-sales, decimal text in finance."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from typing import Any

from shelftide_sdk.testing.world.abroad import price_abroad
from shelftide_sdk.testing.world.model import (
    Brand,
    Channel,
    Line,
    Order,
    Place,
    Product,
    RefundEvent,
    Sku,
    StockState,
    Video,
    stable_id,
)

Row = dict[str, Any]
ASKED_BEFORE = timedelta(hours=20)
SETTLED_AFTER = timedelta(hours=2)
_PAID_AFTER = timedelta(seconds=40)
_CENT = Decimal("0.01")
_COMMISSION, _PAYMENT, _CREATOR = Decimal("0.05"), Decimal("0.006"), Decimal("0.10")
_INSURANCE = Decimal("0.30")
_INSURED = "FREIGHT_INSURANCE"
_HAN = range(0x4E00, 0xA000)


def hex_id(kind: str, key: str) -> str:
    """A 24-digit id."""
    return f"{stable_id(f'ark-{kind}', key, 19):024x}"


def order_id(order: Order) -> str:
    """An order's id."""
    return f"P{stable_id('ark-order', order.key, 18)}"


def returns_id(refund: RefundEvent) -> str:
    """An after-sale's id."""
    return f"R{stable_id('ark-return', refund.key, 16)}"


def warehouse_code(place: Place) -> str:
    """A warehouse's code."""
    return f"WH{stable_id('ark-warehouse', place.key, 6)}"


def millis(at: datetime | None) -> int:
    """Unix milliseconds; 0 for what has not happened."""
    return 0 if at is None else int(at.timestamp() * 1000)


def fen(amount: Decimal) -> int:
    """Yuan as fen. Raises ValueError for parts of a fen."""
    found = amount * 100
    if found != found.to_integral_value():
        raise ValueError(f"{amount} yuan has parts of a fen")
    return int(found)


def han_name(title: str, aliases: Sequence[str]) -> str:
    """The name in Chinese script where there is one."""
    return next((name for name in aliases if any(ord(sign) in _HAN for sign in name)), title)


def split(whole: int, weights: Sequence[int]) -> list[int]:
    """A whole number in parts by weight; what is left goes to the last."""
    total = sum(weights)
    parts = [whole * weight // total if total else 0 for weight in weights]
    parts[-1] += whole - sum(parts)
    return parts


def status_of(order: Order, now: datetime) -> int:
    """The order's state by now."""

    def happened(at: datetime | None) -> bool:
        return at is not None and at <= now

    if happened(order.cancelled_at):
        return 9
    if happened(order.completed_at):
        return 7
    return 6 if happened(order.shipped_at) else 4


def _by_now(at: datetime | None, now: datetime) -> int:
    return millis(at) if at is not None and at <= now else 0


def order_summary(order: Order, now: datetime, updated: int) -> Row:
    """A row of the list."""
    refunded = any(refund.at <= now for refund in order.refunds)
    return {
        "orderId": order_id(order),
        "orderType": 1,
        "orderStatus": status_of(order, now),
        "orderAfterSalesStatus": 3 if refunded else 1,
        "cancelStatus": 0,
        "createdTime": millis(order.placed_at),
        "paidTime": _by_now(order.placed_at + _PAID_AFTER, now),
        "updateTime": updated,
        "deliveryTime": _by_now(order.shipped_at, now),
        "cancelTime": _by_now(order.cancelled_at, now),
        "finishTime": _by_now(order.completed_at, now),
        "promiseLastDeliveryTime": millis(order.placed_at + timedelta(hours=48)),
        "planInfoId": hex_id("plan", order.brand_key),
        "planInfoName": "包邮-默认模板",
        "receiverCountryId": "1",
        "receiverCountryName": "中国",
        "receiverProvinceId": "32",
        "receiverProvinceName": "江苏省",
        "receiverCityId": "3205",
        "receiverCityName": "苏州市",
        "receiverDistrictId": "320507",
        "receiverDistrictName": "相城区",
        "customerRemark": "",
        "sellerRemark": "",
        "sellerRemarkFlag": 1,
        "originalOrderId": "",
        "logistics": "red_express",
        "orderTagList": ["SAMPLE"] if order.test else [],
    }


def order_detail(order: Order, brand: Brand, now: datetime, updated: int) -> Row:
    """The full order. `order` is counted in yuan."""
    nets = [fen(line.unit_price * line.quantity - line.discount) for line in order.lines]
    aids, taxes = split(fen(order.platform_discount), nets), split(fen(order.tax), nets)
    names = {sku.key: (product, sku) for product in brand.products for sku in product.skus}
    skus = [
        _sku_row(order, line, names[line.sku_key], aid, tax)
        for line, aid, tax in zip(order.lines, aids, taxes, strict=True)
    ]
    place = next(place for place in brand.places if place.key == order.place_key)
    return {
        **order_summary(order, now, updated),
        "skuList": skus,
        "totalNetWeightAmount": 200 * sum(line.quantity for line in order.lines),
        "totalPayAmount": fen(order.total),
        "totalShippingFree": fen(order.shipping),
        "totalDepositAmount": 0,
        "totalMerchantDiscount": sum(fen(line.discount) for line in order.lines),
        "totalRedDiscount": fen(order.platform_discount),
        "merchantActualReceiveAmount": fen(order.total + order.platform_discount),
        "totalChangePriceAmount": 0,
        "outPromotionAmount": 0,
        "unpack": False,
        "expressTrackingNo": f"SF{stable_id('express', order.key, 12)}",
        "expressCompanyCode": "shunfeng",
        "openAddressId": hex_id("address", order.person.key),
        "simpleDeliveryOrderList": [],
        "paymentType": 2,
        "shopId": brand.accounts[Channel.XIAOHONGSHU],
        "shopName": f"{han_name(brand.name, brand.aliases)}旗舰店",
        "whcode": warehouse_code(place),
        "userId": hex_id("user", order.person.key),
        "logisticsMode": 1,
        "outTradeNo": order_id(order),
    }


def _sku_row(order: Order, line: Line, names: tuple[Product, Sku], aid: int, tax: int) -> Row:
    product, sku = names
    raw, discount = fen(line.unit_price), fen(line.discount)
    paid = raw * line.quantity - discount - aid
    row: Row = {
        "skuId": hex_id("sku", sku.key),
        "skuName": f"{han_name(product.title, product.aliases)} {sku.title}",
        "erpcode": sku.code,
        "skuSpec": sku.title,
        "skuImage": f"https://qimg.example/{sku.key}.jpeg",
        "skuQuantity": line.quantity,
        "skuDetailList": [
            {
                "skuId": hex_id("sku", sku.key),
                "erpCode": sku.code,
                "barcode": sku.barcode,
                "quantity": line.quantity,
                "registerName": product.title,
                "skuName": product.title,
                "pricePerSku": paid // line.quantity,
                "taxPerSku": tax // line.quantity,
                "paidAmountPerSku": paid // line.quantity,
                "depositAmountPerSku": 0,
                "merchantDiscountPerSku": discount // line.quantity,
                "redDiscountPerSku": aid // line.quantity,
                "rawPricePerSku": raw,
            }
        ],
        "totalPaidAmount": paid,
        "totalMerchantDiscount": discount,
        "totalRedDiscount": aid,
        "totalTaxAmount": tax,
        "totalNetWeight": 200 * line.quantity,
        "skuTag": 0,
        "isChannel": False,
        "deliveryMode": 0,
        "skuAfterSaleStatus": 1,
        "itemId": hex_id("item", product.key),
        "itemName": han_name(product.title, product.aliases),
    }
    if order.creator_key is not None:
        row |= {"kolId": hex_id("kol", order.creator_key), "kolName": f"达人{stable_id('kol', order.creator_key, 4)}"}
    return row


def return_summary(order: Order, refund: RefundEvent) -> Row:
    """A row of the list of after-sales."""
    pieces = sum(refund.lines.values())
    return {
        "returnsId": returns_id(refund),
        "returnType": 1 if pieces else 4,
        "reasonId": 1,
        "reasonNameZh": "不喜欢/效果不好" if pieces else "协商一致退款",
        "status": 4,
        "userId": hex_id("user", order.person.key),
        "orderId": order_id(order),
        "applyTime": millis(refund.at - ASKED_BEFORE),
        "updatedAt": millis(refund.at),
        "expireTime": -1,
        "desc": "",
        "returnsTag": 0,
        "expectedRefundAmountYuan": float(refund.amount),
    }


def return_detail(order: Order, refund: RefundEvent, brand: Brand) -> Row:
    """The full after-sale."""
    names = {sku.key: (product, sku) for product in brand.products for sku in product.skus}
    counts = refund.lines or {line.key: line.quantity for line in order.lines}
    skus = [
        {
            "skuId": hex_id("sku", line.sku_key),
            "skuName": han_name(names[line.sku_key][0].title, names[line.sku_key][0].aliases),
            "image": "",
            "price": float(line.unit_price),
            "boughtCount": line.quantity,
            "appliedCount": counts[line.key],
            "appliedTotalAmountYuan": float(refund.amount),
            "skuERPCode": names[line.sku_key][1].code,
        }
        for line in order.lines
        if line.key in counts
    ]
    info = {
        **return_summary(order, refund),
        "proofPhotos": [],
        "supportCarriageInsurance": False,
        "openAddressId": hex_id("address", order.person.key),
        "skus": skus,
        "exchangeSKUs": [],
        "appliedShipFeeAmountYuan": 0,
        "appliedSkusAmountYuan": float(refund.amount),
        "refundAmountYuan": float(refund.amount),
        "refundStatus": 2,
        "refundTime": millis(refund.at),
    }
    return {"afterSaleInfo": info, "logisticsInfo": {}, "negotiateRecords": []}


def sku_detail(product: Product, sku: Sku, brand: Brand, stock: int) -> Row:
    """A row of the list of SKUs: the product and the SKU."""
    return {"item": item_row(product, brand), "sku": sku_row(product, sku, stock)}


def item_row(product: Product, brand: Brand) -> Row:
    """A product."""
    others = [name for name in product.aliases if name != han_name(product.title, product.aliases)]
    return {
        "id": hex_id("item", product.key),
        "name": han_name(product.title, product.aliases),
        "ename": product.title,
        "itemShortTitle": others[0] if others else "",
        "brandId": stable_id("ark-brand", brand.key, 8),
        "categoryId": hex_id("category", product.category),
        "attributes": [],
        "shippingTemplateId": hex_id("plan", brand.key),
        "variantIds": [],
        "images": [f"https://qimg.example/{product.key}.jpeg"],
        "imageDescriptions": [],
        "isChannel": False,
        "createTime": millis(product.created_at),
        "updateTime": millis(product.created_at + timedelta(hours=1)),
    }


def sku_row(product: Product, sku: Sku, stock: int) -> Row:
    """A SKU."""
    price = fen(price_abroad(sku.price).amount)
    return {
        "id": hex_id("sku", sku.key),
        "itemId": hex_id("item", product.key),
        "originalPrice": price,
        "price": price,
        "stock": stock,
        "logisticsPlanId": hex_id("plan", product.key),
        "erpCode": sku.code,
        "barcode": sku.barcode,
        "scSkucode": f"XHS{stable_id('scsku', sku.key, 8)}",
        "variants": [{"id": hex_id("spec", "size"), "name": "规格", "value": sku.title}],
        "deliveryTime": {"time": "48", "type": "RELATIVE_TIME_NEW"},
        "buyable": True,
        "name": sku.title,
        "createTime": millis(product.created_at),
        "updateTime": millis(product.created_at + timedelta(hours=1)),
    }


def stock_reply(sku: Sku, states: Sequence[StockState], places: Mapping[str, Place]) -> Row:
    """The stock of one SKU in all warehouses of the shop."""
    sku_id = hex_id("sku", sku.key)
    levels = [
        {
            "skuId": sku_id,
            "whcode": warehouse_code(places[state.place_key]),
            "skuStockInfo": stock_figures(state.available, state.committed),
        }
        for state in states
    ]
    total = stock_figures(sum(s.available for s in states), sum(s.committed for s in states))
    return {
        "response": {"success": True, "msg": "", "code": 0},
        "apiVersion": "V1",
        "skuStockInfo": {"skuId": sku_id, "skuStockInfo": total},
        "skuStockInfoWithWhcode": levels,
    }


def stock_figures(available: int, committed: int) -> Row:
    """The counts of a SKU, in a warehouse or in all."""
    aside = ("productChannelQuantity", "productChannelOccupiedQuantity")
    channels = dict.fromkeys((*aside, "activityChannelQuantity", "activityChannelOccupiedQuantity"), 0)
    return {
        "available": available,
        "total": available + committed,
        "occupiedQuantity": committed,
        "reserved": 0,
        "standalone": 0,
        **channels,
    }


def warehouse_row(place: Place) -> Row:
    """A warehouse."""
    return {
        "code": warehouse_code(place),
        "name": f"{place.name} 仓",
        "province": "上海",
        "provinceCode": "310000",
        "city": "上海市",
        "cityCode": "310100",
        "area": "黄浦区",
        "areaCode": "310101",
    }


def transactions(order: Order, now: datetime) -> Iterator[Row]:
    """What was settled of an order: the sale after its completion, each refund after its payment."""
    if order.test:
        return
    net = sum((line.unit_price * line.quantity - line.discount for line in order.lines), Decimal(0))
    if order.completed_at is not None:
        yield from _transaction(order, order.completed_at + SETTLED_AFTER, now, 0, order.key, (order.total, net))
    for refund in order.refunds:
        yield from _transaction(order, refund.at + SETTLED_AFTER, now, 1, refund.key, (refund.amount, refund.amount))


def _transaction(  # noqa: PLR0917 - one call site each way
    order: Order, settled: datetime, now: datetime, direction: int, key: str, amounts: tuple[Decimal, Decimal]
) -> Iterator[Row]:
    if settled > now:
        return
    paid, net = amounts
    aid = order.platform_discount if direction == 0 else Decimal(0)
    commission, payment = _share(net, _COMMISSION), _share(paid, _PAYMENT)
    creator = _share(net, _CREATOR) if order.creator_key else Decimal(0)
    yield {
        "transactionId": stable_id("ark-transaction", key, 15),
        "packageId": order_id(order),
        "settleBizType": direction,
        "transactionBizType": 3 if direction else 0,
        "orderTime": millis(order.placed_at),
        "canSettleTime": millis(settled),
        "settledTime": millis(settled),
        "predictableSettleTime": "",
        "commonSettleStatus": 1,
        "amount": str(paid + aid - commission - payment - creator),
        "goodsAmount": str(net),
        "payAmount": str(paid),
        "appPromotion": str(aid),
        "freightAmount": str(order.shipping),
        "taxAmount": str(order.tax),
        "commissionAmount": str(commission),
        "payChannelAmount": str(payment),
        "cpsAmount": str(creator),
        "installmentAmount": "0.00",
        "extraAmount": "0.00",
        "goodsDetails": [],
    }


def _share(amount: Decimal, rate: Decimal) -> Decimal:
    return (amount * rate).quantize(_CENT, ROUND_DOWN)


def expenses(order: Order, now: datetime) -> Iterator[Row]:
    """The insurance of the way back, charged when an order is sent."""
    if order.test or order.shipped_at is None or order.shipped_at > now:
        return
    yield {
        "expenseId": stable_id("ark-expense", order.key, 15),
        "baseBizType": _INSURED,
        "packageId": order_id(order),
        "bizNo": order_id(order),
        "settledTime": millis(order.shipped_at),
        "settleBizType": 0,
        "commonSettleStatus": 1,
        "amount": str(_INSURANCE),
    }


def staff_sales(order: Order, brand: Brand, notes: Sequence[Video], day: str) -> Iterator[Row]:
    """Who of the staff sold an order, with which note: a third of the orders, one row a SKU."""
    before = [note for note in notes if note.public_at < order.placed_at]
    if order.test or not before or stable_id("ark-staff", order.key, 6) % 3:
        return
    note = before[stable_id("ark-carrier", order.key, 6) % len(before)]
    for line in order.lines:
        product = next(p for p in brand.products for s in p.skus if s.key == line.sku_key)
        yield {
            "packageId": order_id(order),
            "skuId": hex_id("sku", line.sku_key),
            "skuName": product.title,
            "itemId": hex_id("item", product.key),
            "itemName": han_name(product.title, product.aliases),
            "payDate": day,
            "accountUserId": hex_id("staff", brand.key),
            "accountUserName": f"{han_name(brand.name, brand.aliases)}小助手",
            "accountType": "KOS",
            "newCarrierNameGroup": "笔记",
            "entranceChannel": "发现页",
            "carrierId": note.public_id,
            "carrierName": note.caption,
            "carrierCreateTime": f"{note.posted_at:%Y-%m-%d %H:%M:%S}",
            "goodsTotal": line.quantity,
            "payGmv": float(line.unit_price * line.quantity - line.discount),
        }
