"""Methods of Ark that no stream calls: what a seller's own software does, and older ways to read what newer ones tell.

An action is checked as the platform checks it (what must be there, and that the shop has what is named) and answered in
its form. The world stays as it is, for it is the truth that a read is compared with.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from shelftide_sdk.testing.world.model import Brand, Order, Place, Product, RefundEvent, Sku, stable_id
from shelftide_xiaohongshu.emulator_ark_facts import (
    fen,
    hex_id,
    item_row,
    millis,
    order_id,
    return_detail,
    returns_id,
    stock_figures,
    transactions,
    warehouse_code,
)
from shelftide_xiaohongshu.emulator_door import Denied, Row

_T = TypeVar("_T")
_TEXTS = ("name", "ename", "categoryId", "shippingTemplateId", "articleNo", "transparentImage", "description")
_NUMBERS = ("deliveryMode", "freeReturn", "shippingGrossWeight")
_OF_ITEM = (*_TEXTS, *_NUMBERS, "variantIds", "enableMultiWarehouse", "itemShortTitle")
_OF_ITEM_V2 = (
    *(*_OF_ITEM, "brandId", "attributes", "images", "videoUrl", "imageDescriptions", "faq", "sizeTableImage"),
    *("recommendSizeTableImage", "modelTryOnSizeTableImage", "enableMainSpecImage"),
)
_OF_BOTH = (*_OF_ITEM, "images", "videos", "imageDescriptions", "brandId", "enableMainSpecImage", "sizeTableImage")
_OF_SKU = ("originalPrice", "price", "stock", "logisticsPlanId", "erpCode", "barcode", "specImage", "deliveryTime")
_OF_SKU_V2 = (*_OF_SKU, "itemId", "ipq", "whcode", "priceType", "variants", "rowNumber")


class Shop(msgspec.Struct, frozen=True, kw_only=True):
    """What a shop has, as far as actions name it."""

    brand: Brand
    now: datetime
    orders: Sequence[Order]
    refunds: Sequence[tuple[Order, RefundEvent]]
    goods: Sequence[tuple[Product, Sku]]
    places: Sequence[Place]
    available: Mapping[str, int]

    def order(self, body: Row) -> Order:
        """The order that a body names."""
        return _found({order_id(order): order for order in self.orders}, body.get("orderId"), "订单不存在")

    def refund(self, named: Any) -> tuple[Order, RefundEvent]:
        """The after-sale of that id."""
        return _found({returns_id(refund): (order, refund) for order, refund in self.refunds}, named, "售后单不存在")

    def sku(self, named: Any) -> tuple[Product, Sku]:
        """The SKU of that id."""
        return _found({hex_id("sku", sku.key): (product, sku) for product, sku in self.goods}, named, "sku 不存在")

    def item(self, named: Any) -> Product:
        """The product of that id."""
        return _found({hex_id("item", product.key): product for product, _ in self.goods}, named, "item 不存在")

    def place(self, named: Any) -> Place:
        """The warehouse of that code."""
        return _found({warehouse_code(place): place for place in self.places}, named, "仓库不存在")


def _found(known: Mapping[str, _T], named: Any, fault: str) -> _T:
    if not isinstance(named, str) or named not in known:
        raise Denied(-1, fault)
    return known[named]


class Action(msgspec.Struct, frozen=True):
    """A method: the members that a request must have, and its answer."""

    needs: tuple[str, ...]
    answer: Callable[[Row, Shop], Any]

    def run(self, body: Row, shop: Shop) -> Any:
        """The answer's data. Raises Denied."""
        for name in self.needs:
            if body.get(name) is None:
                raise Denied(-1, f"参数缺失: {name}")
        return self.answer(body, shop)


# -- after-sales ------------------------------------------------------------------------------------------------------


def _audited(body: Row, shop: Shop) -> str:
    shop.refund(body["returnsId"])
    if not isinstance(body["action"], int):
        raise Denied(-1, "action 参数错误")
    return str(body["returnsId"])


def _reshipped(body: Row, shop: Shop) -> Row:
    shop.refund(body["returnsId"])
    return {}


def _reasons(body: Row, shop: Shop) -> Row:
    shop.refund(body["returnsId"])
    kind = body["rejectReasonType"]
    return {"rejectReasons": [{"reasonType": kind, "reasonId": 1, "reasonName": "商品已影响二次销售"}]}


_OLDER = ("returnsId", "returnType", "reasonId", "status", "orderId", "userId")


def _older(order: Order, refund: RefundEvent, brand: Brand) -> Row:
    """An after-sale as the older methods tell it, less when it was made and changed."""
    info = return_detail(order, refund, brand)["afterSaleInfo"]
    told = {"reason": info["reasonNameZh"], "refunded": True, "refundStatus": 2, "useFastRefund": False}
    return {name: info[name] for name in _OLDER} | told | {"expectedRefundAmount": info["expectedRefundAmountYuan"]}


def _older_detail(body: Row, shop: Shop) -> Row:
    order, refund = shop.refund(body["afterSaleId"])
    info = return_detail(order, refund, shop.brand)["afterSaleInfo"]
    skus = [
        {name: sku[name] for name in ("skuId", "skuName", "image", "price", "boughtCount", "appliedCount")}
        | {"returnedCount": sku["appliedCount"], "refundedCount": sku["appliedCount"], "returnPrice": sku["price"]}
        for sku in info["skus"]
    ]
    times = {"createdAt": info["applyTime"], "updatedAt": info["updatedAt"], "refundTime": info["refundTime"]}
    sums = {"refundFee": info["refundAmountYuan"], "expectRefundFee": info["expectedRefundAmountYuan"]}
    return _older(order, refund, shop.brand) | times | sums | {"skus": skus, "desc": "", "proofPhotos": []}


def _older_list(body: Row, shop: Shop) -> Row:
    since, until = (int(body[name]) for name in ("startTime", "endTime"))
    if body["timeType"] not in (1, 2) or until < since:
        raise Denied(-1, "timeType 参数错误")
    rows = [
        _older(order, refund, shop.brand) | {"createdTime": millis(refund.at), "updateTime": millis(refund.at)}
        for order, refund in shop.refunds
        if since <= millis(refund.at) <= until
    ]
    shown, number, size = _page(rows, body, "pageNo")
    pages = -(-len(rows) // size)
    head = {"total": len(rows), "pageNo": number, "pageSize": size, "maxPageNo": pages, "haxNext": number < pages}
    return head | {"simpleAfterSaleList": shown}


def _page(rows: Sequence[Row], body: Row, name: str) -> tuple[list[Row], int, int]:
    number, size = int(body.get(name) or 1), int(body.get("pageSize") or 50)
    if number < 1 or not 1 <= size <= 100:
        raise Denied(-1, f"{name} 参数错误")
    return list(rows[(number - 1) * size : number * size]), number, size


# -- money ------------------------------------------------------------------------------------------------------------


def _statement(body: Row, shop: Shop) -> Row:
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", str(body["month"])):
        raise Denied(-1, "month 参数错误")
    return {"downloadUrl": f"https://ark.xiaohongshu.com/bill/{hex_id('bill', shop.brand.key)}/{body['month']}.xlsx"}


def _creators_share(body: Row, shop: Shop) -> Row:
    """What a creator gets of an order; nothing of one that nobody brought."""
    order = shop.order(body)
    names = {sku.key: product.title for product, sku in shop.goods}
    times = ("orderTime", "finishTime", "canSettleTime", "settleTime")
    moments = dict(zip(times, map(millis, (order.placed_at, *[order.completed_at] * 3)), strict=True))
    details = [
        {
            "packageId": order_id(order),
            "returnIds": [returns_id(refund) for refund in order.refunds],
            "goodsId": hex_id("sku", line.sku_key),
            "goodsName": names.get(line.sku_key, line.sku_key),
            "goodsTotal": line.quantity,
            "sellerId": shop.brand.accounts["xiaohongshu"],
            "kolUserId": hex_id("creator", str(order.creator_key)),
            "dealTotalAmount": fen(line.unit_price * line.quantity - line.discount),
            "kolUserRate": 10,
            "kolUserCommissionAmount": fen((line.unit_price * line.quantity - line.discount) / 10),
            "settleStatus": "SETTLED" if order.completed_at else "UNSETTLED",
            **moments,
        }
        for line in order.lines
        if order.creator_key
    ]
    return {"cpsUserSettleDetails": details}


def _account(body: Row, shop: Shop) -> Row:
    """Movements of the shop's account with the balance after each."""
    moves = sorted(
        (row for order in shop.orders for row in transactions(order, shop.now)), key=lambda row: int(row["settledTime"])
    )
    balance, rows = Decimal(0), []
    for move in moves:
        amount = Decimal(move["amount"]) * (-1 if move["settleBizType"] else 1)
        before, balance = balance, balance + amount
        if int(body["startTime"]) <= move["settledTime"] <= int(body["endTime"]):
            rows.append(
                {
                    "tradeNo": str(move["transactionId"]),
                    "incomeAmount": str(max(amount, Decimal(0))),
                    "outcomeAmount": str(max(-amount, Decimal(0))),
                    "balanceBefore": str(before),
                    "balanceAmount": str(balance),
                    "businessNo": move["packageId"],
                    "type": "REFUND" if move["settleBizType"] else "SETTLE",
                    "createdTime": move["settledTime"],
                }
            )
    shown, number, size = _page(rows, body, "pageNum")
    head = {"pageNum": number, "pageSize": size, "total": len(rows), "totalPage": -(-len(rows) // size)}
    return head | {"records": shown}


# -- stock and goods --------------------------------------------------------------------------------------------------


def _stock_set(body: Row, shop: Shop, *, more: bool) -> Row:
    _, sku = shop.sku(body["skuId"])
    count = body["qty"]
    if not isinstance(count, int) or (not more and count < 0):
        raise Denied(-1, "qty 参数错误")
    figures = stock_figures(count + (shop.available.get(sku.key, 0) if more else 0), 0)
    level = {"skuId": body["skuId"], "whcode": "CPartner", "skuStock": figures}
    told = {"success": True, "message": "", "code": 0}
    return {
        "skuId": body["skuId"],
        "apiVersion": "V1",
        "skuStock": figures,
        "skuStockInfoWithWhcode": [level],
        "response": told,
    }


def _stock_by_place(body: Row, shop: Shop) -> Row:
    shop.sku(body["skuId"])
    counts = body["qtyWithWhcode"]
    if not isinstance(counts, dict):
        raise Denied(-1, "qtyWithWhcode 参数错误")
    for code in counts:
        shop.place(code)
    figures = {"skuId": body["skuId"], "skuStockInfo": stock_figures(sum(counts.values()), 0)}
    told = {"success": True, "msg": "", "code": 0}
    return {"response": told, "apiVersion": "V2", "skuStockInfo": figures, "data": {}}


def _only(body: Row, names: Sequence[str]) -> Row:
    return {name: body[name] for name in names if name in body}


def _with_skus(body: Row, item_id: str) -> Row:
    """A product with its SKUs, as the calls that make and change both tell it."""
    made = [*(body.get("createSkuList") or []), *(body.get("updateSkuList") or [])]
    skus = [
        _only(sku, _OF_SKU) | {"skuId": sku.get("skuId") or hex_id("sku", f"{item_id}/{place}")}
        for place, sku in enumerate(made)
    ]
    return _only(body, _OF_BOTH) | {"itemId": item_id, "skuList": skus}


def _made_both(body: Row, shop: Shop) -> Row:
    return _with_skus(body, hex_id("item", f"{shop.brand.key}/{body['name']}"))


def _changed_both(body: Row, shop: Shop) -> Row:
    shop.item(body["itemId"])
    return _with_skus(body, body["itemId"])


def _item(body: Row, shop: Shop) -> Row:
    """A product that is made, or changed where the request names one."""
    named = body.get("id")
    if named is not None:
        shop.item(named)
    times = {"createTime": millis(shop.now), "updateTime": millis(shop.now)}
    return _only(body, _OF_ITEM_V2) | {"id": named or hex_id("item", f"{shop.brand.key}/{body['name']}")} | times


def _sku(body: Row, shop: Shop) -> Row:
    """A SKU that is made, or changed where the request names one."""
    shop.item(body["itemId"])
    named = body.get("id")
    if named is not None:
        shop.sku(named)
    code = str(stable_id("ark-sku-code", str(named or body["itemId"]), 12))
    times = {"createTime": millis(shop.now), "updateTime": millis(shop.now)}
    return _only(body, _OF_SKU_V2) | {"id": named or hex_id("sku", code), "scSkucode": code, "buyable": True} | times


def _search(body: Row, shop: Shop) -> Row:
    wanted = (body["searchParam"] or {}).get("keyword") or ""
    found = {product.key: item_row(product, shop.brand) for product, _ in shop.goods}
    rows = [row for row in found.values() if wanted in row["name"] or wanted in row["ename"]]
    shown, number, size = _page(rows, body, "pageNo")
    return {"currentPage": number, "pageSize": size, "total": len(rows), "itemDetailV3s": shown}


def _of_goods(body: Row, shop: Shop) -> Row:
    """A change of products and SKUs that answers nothing but that it was done."""
    for name, look in (("itemId", shop.item), ("skuId", shop.sku)):
        if body.get(name) is not None:
            look(body[name])
    for name, look in (("itemIds", shop.item), ("skuIds", shop.sku)):
        for each in body.get(name) or ():
            look(each)
    return {}


# -- orders and warehouses --------------------------------------------------------------------------------------------


def _of_order(body: Row, shop: Shop) -> Row:
    shop.order(body)
    return {}


def _resent(body: Row, shop: Shop) -> Row:
    shop.order(body)
    return {"success": True, "msg": ""}


def _bound(body: Row, shop: Shop) -> Row:
    rows = body["orderSkuIdentifyCodeInfoList"]
    known = {order_id(order) for order in shop.orders}
    good = [(row.get("packageId"), row.get("packageId") in known) for row in rows]
    return {"res": [{"packageId": name, "success": fits, "msg": "" if fits else "订单不存在"} for name, fits in good]}


def _batched(body: Row, shop: Shop) -> Row:
    known = {order_id(order) for order in shop.orders}
    good = [row for row in body["orders"] if row.get("orderId") in known]
    batch = str(stable_id("ark-batch", str(body["planInfoId"]), 12))
    return {"batchNo": batch, "message": "", "successTotal": len(good), "total": len(body["orders"])}


def _of_warehouse(body: Row, shop: Shop) -> Row:
    """A change of a warehouse, or the order in which several are used."""
    asked = [body.get("whCode"), *(row.get("whCode") for row in body.get("warehousePriorityList") or ())]
    for code in [each for each in asked if each is not None]:
        shop.place(code)
    return {"success": True}


def _renamed(body: Row, shop: Shop) -> Row:
    shop.place(body["code"])
    return {"success": True}


def _opened(body: Row, shop: Shop) -> Row:
    taken = body["code"] in {warehouse_code(place) for place in shop.places}
    return {"success": not taken} | ({"error_code": -1, "error_msg": "仓库编码已存在"} if taken else {})


_ADDRESS = ("code", "name", "zoneCode", "address")
_SKU_NEEDS = ("itemId", "price", "stock", "logisticsPlanId", "variants", "deliveryTime")
_ITEM_NEEDS = ("name", "brandId", "categoryId", "attributes", "shippingTemplateId", "images", "imageDescriptions")
_BOTH_NEEDS = ("name", "categoryId", "shippingTemplateId", "images")
ACTIONS: Mapping[str, Action] = {
    "afterSale.auditReturns": Action(("returnsId", "action"), _audited),
    "afterSale.confirmReceive": Action(("returnsId", "action"), _audited),
    "afterSale.receiveAndShip": Action(("returnsId", "expressCompanyCode", "expressNo"), _reshipped),
    "afterSale.rejectReasons": Action(("returnsId", "rejectReasonType"), _reasons),
    "afterSale.getAfterSaleDetail": Action(("afterSaleId",), _older_detail),
    "afterSale.listAfterSaleApi": Action(("startTime", "endTime", "timeType"), _older_list),
    "bill.downloadStatement": Action(("month",), _statement),
    "bill.queryCpsSettle": Action(("orderId",), _creators_share),
    "finance.querySellerAccountRecords": Action(("startTime", "endTime", "pageNum", "pageSize"), _account),
    "inventory.incSkuStock": Action(("skuId", "qty"), lambda body, shop: _stock_set(body, shop, more=True)),
    "inventory.syncSkuStock": Action(("skuId", "qty"), lambda body, shop: _stock_set(body, shop, more=False)),
    "inventory.syncSkuStockV2": Action(("skuId", "qtyWithWhcode"), _stock_by_place),
    "order.batchBindSkuIdentifyInfo": Action(("orderSkuIdentifyCodeInfoList",), _bound),
    "order.createTransferBatch": Action(("orders", "planInfoId"), _batched),
    "order.modifyOrderExpressInfo": Action(("orderId", "expressNo", "expressCompanyCode"), _of_order),
    "order.modifySellerMarkInfo": Action(("orderId", "sellerMarkNote", "operator", "sellerMarkPriority"), _of_order),
    "order.orderDeliver": Action(("orderId", "expressNo", "expressCompanyCode"), _of_order),
    "order.resendBondedPaymentRecord": Action(("orderId", "customsType"), _resent),
    "product.createItemAndSku": Action((*_BOTH_NEEDS, "createSkuList"), _made_both),
    "product.createItemV2": Action(_ITEM_NEEDS, _item),
    "product.createSkuV2": Action(_SKU_NEEDS, _sku),
    "product.deleteItemV2": Action((), _of_goods),
    "product.deleteSkuV2": Action((), _of_goods),
    "product.searchItemList": Action(("pageNo", "pageSize", "searchParam"), _search),
    "product.updateItemAndSku": Action(("itemId", *_BOTH_NEEDS), _changed_both),
    "product.updateItemImage": Action(("itemId", "materialType", "materialUrls"), _of_goods),
    "product.updateItemV2": Action(_ITEM_NEEDS, _item),
    "product.updateSkuAvailable": Action(("skuId", "available"), _of_goods),
    "product.updateSkuLogisticsPlan": Action((), _of_goods),
    "product.updateSkuPrice": Action((), _of_goods),
    "product.updateSkuV2": Action((*_SKU_NEEDS, "id"), _sku),
    "warehouse.create": Action(_ADDRESS, _opened),
    "warehouse.setCoverage": Action(("whCode", "zoneCodeList"), _of_warehouse),
    "warehouse.setPriority": Action(("zoneCode", "warehousePriorityList"), _of_warehouse),
    "warehouse.update": Action(_ADDRESS, _renamed),
}
