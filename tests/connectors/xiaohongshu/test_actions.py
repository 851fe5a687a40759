"""Ark's methods that no stream calls: requests made after their schemas, and what the emulator answers."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pytest
from tests.connectors.published import FIXTURES, sample, validated
from tests.connectors.xiaohongshu.bench import a_world, bench_of, brand_of
from tests.connectors.xiaohongshu.test_contract import faults, schema

from shelftide_sdk.testing.conformance import Bench
from shelftide_sdk.testing.world.model import Channel
from shelftide_xiaohongshu.ark import XiaohongshuArk
from shelftide_xiaohongshu.auth import GATEWAY
from shelftide_xiaohongshu.emulator_ark_actions import ACTIONS
from shelftide_xiaohongshu.emulator_ark_facts import hex_id, millis, order_id, returns_id, warehouse_code

# Pieces by the code of a warehouse, which no schema can list.
BY_CODE = "qtyWithWhcode."


def named(world: Any) -> dict[str, Any]:
    """Things that the shop of the small world has, by how requests call them."""
    brand = brand_of(world, XiaohongshuArk)
    orders = world.orders(brand.key, Channel.XIAOHONGSHU)
    refund = next(refund for order in orders for refund in order.refunds if refund.at <= world.now)
    place = next(place for place in brand.places if Channel.XIAOHONGSHU in place.channels)
    product = brand.products[0]
    order, sku, item = order_id(orders[0]), hex_id("sku", product.skus[0].key), hex_id("item", product.key)
    code = warehouse_code(place)
    return {
        "orderId": order,
        "packageId": order,
        "skuId": sku,
        "skuIds": [sku],
        "itemId": item,
        "itemIds": [item],
        "returnsId": returns_id(refund),
        "afterSaleId": returns_id(refund),
        "whCode": code,
        "code": code,
        "qtyWithWhcode": {code: 3},
        "month": "2026-03",
        "startTime": 0,
        "endTime": millis(world.now),
        "timeType": 1,
        "keyword": "",
        "pageNo": 1,
        "pageNum": 1,
    }


def filled(value: Any, known: Mapping[str, Any]) -> Any:
    """A sample request that names what the shop has."""
    if isinstance(value, list):
        return [filled(each, known) for each in value]
    if not isinstance(value, dict):
        return value
    return {name: known.get(name, filled(each, known)) for name, each in value.items()}


async def ask(bench: Bench, method: str, body: Mapping[str, Any]) -> Any:
    """The whole reply of a call."""
    response = await bench.client.post(GATEWAY, json={"method": method, **body})
    return response.json()


def request_of(method: str, world: Any) -> dict[str, Any]:
    """A request with all that its schema knows."""
    known = named(world)
    known["id"] = known["skuId"] if method.endswith("SkuV2") else known["itemId"]
    if method == "warehouse.create":
        known["code"] = "NEW01"
    found: dict[str, Any] = filled(sample(schema(method)["request"]), known)
    return found


_FINDINGS: dict[str, tuple[int, list[str]]] = {}


async def findings(monkeypatch: pytest.MonkeyPatch) -> Mapping[str, tuple[int, list[str]]]:
    """Method -> (calls, what they broke). They are asked once a process."""
    if not _FINDINGS:
        world = a_world()
        monkeypatch.setattr(XiaohongshuArk, "classify", classmethod(lambda cls, response: None))  # refusals are replies
        async with bench_of(XiaohongshuArk, world, monkeypatch) as bench:
            _FINDINGS.update({method: await _finding(bench, method, request_of(method, world)) for method in ACTIONS})
    return _FINDINGS


async def _finding(bench: Bench, method: str, body: Mapping[str, Any]) -> tuple[int, list[str]]:
    """A call with all that the schema knows, and one without each member that it requires."""
    text = schema(method)
    bad, needed = list(faults(body, text["request"], f"{method} request")), text["request"].get("required", [])
    good = await ask(bench, method, body)
    if good["success"] is not True:
        bad.append(f"{method}: {good}")
    if good["data"] is not None:
        bad += faults(good["data"], text["response_data"], method)
    for left in needed:
        refused = await ask(bench, method, {name: value for name, value in body.items() if name != left})
        if refused["success"] is not False or left not in refused["error_msg"]:
            bad.append(f"{method} without {left}: {refused}")
    if set(needed) != set(ACTIONS[method].needs):
        bad.append(f"{method} needs {needed}, the emulator asks for {ACTIONS[method].needs}")
    return 1 + len(needed), [fault for fault in bad if BY_CODE not in fault]


@pytest.mark.contract
@pytest.mark.skipif(not FIXTURES.is_dir(), reason="the folder of published samples is not here")
async def test_actions_are_asked_and_answered_as_the_schemas_say(monkeypatch: pytest.MonkeyPatch) -> None:
    found = list((await findings(monkeypatch)).values())
    calls = sum(count for count, _ in found)
    validated("xiaohongshu-ark, actions", calls, calls, [fault for _, bad in found for fault in bad])


REFUSED: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("order.orderDeliver", {"orderId": "P0"}, "订单不存在"),
    ("inventory.syncSkuStock", {"qty": -1}, "qty 参数错误"),
    ("inventory.syncSkuStockV2", {"qtyWithWhcode": {"NOWHERE": 1}}, "仓库不存在"),
    ("product.updateSkuPrice", {"skuId": "0"}, "sku 不存在"),
    ("afterSale.auditReturns", {"returnsId": "R0"}, "售后单不存在"),
    ("warehouse.update", {"code": "NOWHERE"}, "仓库不存在"),
    ("bill.downloadStatement", {"month": "2026-13"}, "month 参数错误"),
)


async def test_what_the_shop_does_not_have_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    world = a_world()
    known = named(world)
    monkeypatch.setattr(XiaohongshuArk, "classify", classmethod(lambda cls, response: None))  # refusals are replies
    async with bench_of(XiaohongshuArk, world, monkeypatch) as bench:
        for method, change, told in REFUSED:
            fields = {name: known.get(name, 3) for name in ACTIONS[method].needs}
            refused = await ask(bench, method, fields | change)
            assert (refused["success"], refused["error_msg"]) == (False, told)


async def test_the_account_adds_up_and_names_each_settlement_once(monkeypatch: pytest.MonkeyPatch) -> None:
    world = a_world()
    asked = {"startTime": 0, "endTime": millis(world.now), "pageSize": 100}
    async with bench_of(XiaohongshuArk, world, monkeypatch) as bench:
        first = (await ask(bench, "finance.querySellerAccountRecords", {**asked, "pageNum": 1}))["data"]
        rows = list(first["records"])
        for number in range(2, first["totalPage"] + 1):
            page = await ask(bench, "finance.querySellerAccountRecords", {**asked, "pageNum": number})
            rows += page["data"]["records"]
    assert len({row["tradeNo"] for row in rows}) == len(rows) == first["total"] > 10
    for before, after in pairwise(rows):
        assert before["balanceAmount"] == after["balanceBefore"]
