"""Methods of Ark that no stream reads: reference lists, tracking, receivers. They are here so that the whole set of
published replies has something to be compared with."""

from collections.abc import Callable, Mapping

from shelftide_sdk.testing.world.model import Brand
from shelftide_xiaohongshu.emulator_ark_facts import hex_id, warehouse_row
from shelftide_xiaohongshu.emulator_door import Row

_CIPHER = "#aW5kZXg=#Y2lwaGVy#{}##"


def _categories(brand: Brand, named: str) -> Row:
    row = {"id": hex_id("category", brand.niche), "name": "美妆个护", "enName": brand.niche, "isLeaf": True}
    sizes = dict.fromkeys(("supportSizeTable", "supportRecommendSizeTable", "supportModelTryOnSizeTable"), False)
    return {"categoryV3s": [{**row, **sizes, "supportMainSpecImage": True, "mainSpecId": hex_id("spec", "size")}]}


def _express(brand: Brand, named: str) -> Row:
    row = {"expressCompanyId": 1, "expressCompanyCode": "shunfeng", "expressCompanyName": "顺丰速运", "comment": ""}
    return {"expressCompanyInfos": [row]}


def _logistics(brand: Brand, named: str) -> Row:
    plan = {"planInfoId": hex_id("plan", brand.key), "planInfoName": "包邮-默认模板", "shopName": brand.name}
    return {"logisticsPlans": [{**plan, "tradeMode": 0, "isValid": True, "countryName": "中国", "cityName": "上海市"}]}


def _tracking(brand: Brand, named: str) -> Row:
    record = {"eventAt": "2026-01-01 10:00:00", "eventDesc": "已揽收", "nodeId": 8, "subNodeId": 10}
    company = {"expressCompanyCode": "shunfeng", "expressCompanyName": "顺丰速运", "expressNo": "SF1234567890"}
    place = {"location": {"provinceName": "江苏省", "cityName": "苏州市"}}
    info = {"orderId": named, "deliveryOrderId": named, "currentStatusDesc": "已发货", **company}
    return {"orderTrackInfos": [{**info, "records": [{**record, **place}]}]}


def _receivers(brand: Brand, named: str) -> Row:
    """Cipher text only, as the platform sends it."""
    place = {"receiverProvinceName": "江苏省", "receiverCityName": "苏州市", "receiverDistrictName": "相城区"}
    person = {"receiverName": _CIPHER.format(2), "receiverPhone": _CIPHER.format(3)}
    address = {"receiverAddress": _CIPHER.format(1), "receiverTownName": ""}
    return {"receiverInfos": [{"orderId": named, "matched": True, **place, **person, **address}]}


def _ports(brand: Brand, named: str) -> Row:
    port = {"customs_name": "重庆", "customs_code": "CHONGQING"}
    return {"platSupportCustoms": [port], "sellerSupportCustoms": [port]}


def _warehouse(brand: Brand, named: str) -> Row:
    place = brand.places[0]
    area = {"province": "上海", "provinceCode": "310000"}
    return {**warehouse_row(place), "coverageList": [area]}


REFERENCE: Mapping[str, Callable[[Brand, str], Row]] = {
    "common.getCategories": _categories,
    "common.getExpressCompanyList": _express,
    "common.getLogisticsList": _logistics,
    "order.getOrderTracking": _tracking,
    "order.getOrderReceiverInfo": _receivers,
    "order.getSupportedPortList": _ports,
    "warehouse.info": _warehouse,
}
