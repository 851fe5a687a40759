"""Xiaohongshu against the platform's own texts, where that folder is present: requests, replies, published examples."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.connectors.published import validated
from tests.connectors.xiaohongshu.bench import a_world, bench_of, brand_of

from shelftide_sdk.connector import map_rows
from shelftide_sdk.money import Money
from shelftide_sdk.records import Location, Order, OrderLine, OrderStatus, Product, Record, StockLevel, Variant
from shelftide_sdk.testing.world.model import Channel
from shelftide_xiaohongshu.ark import XiaohongshuArk
from shelftide_xiaohongshu.auth import GATEWAY, parse_ark_token
from shelftide_xiaohongshu.emulator_ark_facts import order_id, warehouse_code
from shelftide_xiaohongshu.emulator_ark_reference import REFERENCE
from shelftide_xiaohongshu.juguang import XiaohongshuJuguang
from shelftide_xiaohongshu.mapping_ark import impersonal, map_item, map_order, map_product, map_stock, map_warehouse
from shelftide_xiaohongshu.replies import ark_error

FIXTURES = Path(__file__).parents[4] / "shared" / "platforms" / "fixtures" / "xiaohongshu"
COMMON = {"appId", "timestamp", "version", "method", "sign", "accessToken"}
KINDS: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}
MAPPED = {
    "inventory.getSkuStock",
    "inventory.getSkuStockV2",
    "oauth.getAccessToken",
    "order.getOrderDetail",
    "order.getOrderList",
    "product.getDetailSkuList",
    "product.getItemInfo",
    "warehouse.list",
}
# Older methods that newer ones have replaced: no stream reads them; their examples fit their schemas.
REPLACED = {"afterSale.getAfterSaleDetail", "afterSale.listAfterSaleApi"}

pytestmark = [
    pytest.mark.contract,
    pytest.mark.skipif(not FIXTURES.is_dir(), reason="the folder of published samples is not here"),
]


def schema(method: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FIXTURES / "ark-schemas" / f"{method}.json").read_text())
    return found


def example(method: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FIXTURES / "ark-example-responses" / f"{method}.json").read_text())
    return {name: value for name, value in found.items() if name != "_source"}


def faults(value: Any, of: Mapping[str, Any], where: str, *, nulls: bool = False) -> Iterator[str]:
    """Types that a schema does not allow, fields that it does not know or that are missing."""
    if value is None and nulls:
        return
    if "type" not in of:
        return  # the platform's text says nothing of it
    kinds = KINDS[of["type"]]
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        yield f"{where}: {value!r} is no {of['type']}"
        return
    if isinstance(value, dict) and "properties" in of:
        yield from (f"{where}.{name} is unknown" for name in value if name not in of["properties"])
        yield from (f"{where}.{name} is missing" for name in of.get("required", []) if name not in value)
        for name, inner in value.items():
            if name in of["properties"]:
                yield from faults(inner, of["properties"][name], f"{where}.{name}", nulls=nulls)
    if isinstance(value, list):
        for row in value:
            yield from faults(row, of["items"], f"{where}[]", nulls=nulls)


_COMPARED: Counter[str] = Counter()


async def compared(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Method -> how many of its requests and replies on the wire fit its schema. They are read once a process."""
    if not _COMPARED:
        found, bad = await _wire(monkeypatch)
        assert sorted(set(bad)) == []
        _COMPARED.update(found)
    return _COMPARED


async def test_requests_and_replies_fit_the_published_schemas(monkeypatch: pytest.MonkeyPatch) -> None:
    found, bad = await _wire(monkeypatch)
    assert len(found) == 19
    validated("xiaohongshu-ark", found.total(), found.total(), bad)


async def _wire(monkeypatch: pytest.MonkeyPatch) -> tuple[Counter[str], list[str]]:
    """(requests by method, what they and their replies broke) of a read of all streams and the reference."""
    world = a_world()
    brand = brand_of(world, XiaohongshuArk)
    order = order_id(world.orders(brand.key, Channel.XIAOHONGSHU)[0])
    place = next(place for place in brand.places if Channel.XIAOHONGSHU in place.channels)
    asked: dict[str, dict[str, Any]] = {
        "order.getOrderTracking": {"orderId": order},
        "order.getOrderReceiverInfo": {
            "receiverQueries": [{"orderId": order, "openAddressId": "a"}],
            "isReturn": False,
        },
        "warehouse.info": {"code": warehouse_code(place)},
    }
    found = []
    async with bench_of(XiaohongshuArk, world, monkeypatch) as bench:
        for stream in XiaohongshuArk.streams:
            reading = await bench.read(stream)
            assert reading.error is None
            found += reading.exchanges
        bench.proxy.begin(None)
        for method in (*REFERENCE, "inventory.getSkuStock", "product.getItemInfo"):
            row = json.loads(next(x.body for x in found if b"getDetailSkuList" in x.asked))["data"]["data"][0]
            own: dict[str, dict[str, Any]] = {"inventory.getSkuStock": {"skuId": row["sku"]["id"]}}
            own["product.getItemInfo"] = {"itemId": row["item"]["id"]}
            await bench.client.post(GATEWAY, json={"method": method, **own.get(method, asked.get(method, {}))})
        found += bench.proxy.exchanges
    bad: list[str] = []
    methods: Counter[str] = Counter()
    for exchange in found:
        body, data = json.loads(exchange.asked), json.loads(exchange.body)["data"]
        method = body["method"]
        text = schema(method)
        methods[method] += 1
        own_fields = {name: value for name, value in body.items() if name not in COMMON}
        bad += faults(own_fields, text["request"], f"{method} request")
        bad += faults(data, text["response_data"], method)
        assert set(body) >= COMMON
    return methods, bad


def test_every_example_is_read_or_fits_what_the_emulator_says() -> None:
    names = {path.stem for path in (FIXTURES / "ark-example-responses").glob("*.json")}
    assert len(names) == 17
    assert MAPPED | REPLACED | set(REFERENCE) == names
    bad: list[str] = []
    for name in names - {"oauth.getAccessToken"}:
        body = example(name)
        assert ark_error(body) is None
        bad += faults(body["data"], schema(name)["response_data"], name, nulls=True)
    # A declared example that is no value of its own declared type.
    assert [fault for fault in bad if "openAddressId" not in fault] == []


def test_the_token_example() -> None:
    token = parse_ark_token(example("oauth.getAccessToken"), datetime(2021, 1, 1, tzinfo=UTC))
    assert token.expires_at == datetime.fromtimestamp(1613807389, UTC)
    assert token.refresh_expires_at == datetime.fromtimestamp(1616312989, UTC)
    assert token.account_id == "5a1example"


def test_the_order_example() -> None:
    listed = example("order.getOrderList")["data"]["orderList"]
    assert listed[0]["orderId"] == "P141***1412"
    row = impersonal(example("order.getOrderDetail")["data"])
    records, rejects = map_rows([row], map_order, Order)
    assert rejects == []
    order, line = records
    assert isinstance(order, Order)
    assert isinstance(line, OrderLine)
    assert (order.source_id, order.status, order.total) == ("P321***4012", OrderStatus.PENDING, yuan("100.00"))
    assert order.placed_at == datetime.fromtimestamp(1612518379, UTC)
    assert (order.shipping, order.platform_discount, order.tax) == (yuan("10.00"), yuan("10.00"), yuan("0.10"))
    # Paid 1.15 for the line, 0.05 of it from the platform's pocket.
    assert (line.total, line.unit_price, line.quantity) == (yuan("1.20"), yuan("1.15"), 1)
    assert line.creator_id == "112321"
    assert "example" not in repr(records)
    assert "请尽快送达" not in repr(records)


def test_the_product_examples() -> None:
    rows = example("product.getDetailSkuList")["data"]["data"]
    both: list[list[Record]] = [map_product(rows[0]), map_item(example("product.getItemInfo")["data"])]
    for records in both:
        product, variant = records
        assert isinstance(product, Product)
        assert isinstance(variant, Variant)
        assert (product.source_id, product.title, product.aliases) == ("64******412f1f", "item标题", ("example",))
        assert (variant.sku, variant.price, variant.title) == ("001231", yuan("0.80"), "36")


def test_the_stock_examples() -> None:
    first = map_stock(example("inventory.getSkuStock")["data"], "66ee733f265f590001ee873d", "A")
    second = map_stock(example("inventory.getSkuStockV2")["data"], "67064f2b980e2f00016052bc", "B")
    found = [level for level in (*first, *second) if isinstance(level, StockLevel)]
    assert [(s.location_id, s.available, s.committed, s.reserved, s.on_hand) for s in found] == [
        ("CPartner", 25, 35, 40, 100),
        ("zhejiang", 80, 20, 0, 100),
    ]


def test_the_warehouse_examples() -> None:
    (row,) = example("warehouse.list")["data"]["warehouseList"]
    assert map_warehouse(row) == Location(source_id="test_01", name="测试仓库01")


def yuan(amount: str) -> Money:
    return Money(Decimal(amount), "CNY")


# -- Juguang ----------------------------------------------------------------------------------------------------------


def fields(*names: str) -> set[str]:
    catalogue = json.loads((FIXTURES / "juguang_derived_catalogue.json").read_text())["structures"]
    found: set[str] = set()
    for name in names:
        found |= {field for field in catalogue[name] if field != "_includes"}
    return found


STRUCTURES: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "/jg/campaign/list": (("campaign/list.ListRequest",), ("campaign/campaign.Campaign",)),
    "/jg/unit/list": (("unit/list.ListRequest",), ("unit/unit.Unit",)),
    "/jg/creativity/search": (("creativity/search.SearchRequest",), ("creativity/creativity.Creativity",)),
    **{
        f"/jg/data/report/offline/{level}": (
            ("report/offline/request.Request",),
            ("report/offline/response.Dimension", "report/report.DataReportDTO"),
        )
        for level in ("campaign", "unit", "creativity")
    },
    **{
        f"/jg/data/report/realtime/{level}": (
            (f"report/realtime/{level}.{level.title()}Request",),
            (f"report/realtime/{level}.{level.title()}DTO",),
        )
        for level in ("campaign", "unit", "creativity")
    },
}


async def test_calls_of_juguang_use_known_paths_and_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    world = a_world()
    endpoints = json.loads((FIXTURES / "juguang_derived_catalogue.json").read_text())["endpoints"]
    found = []
    async with bench_of(XiaohongshuJuguang, world, monkeypatch) as bench:
        for stream in XiaohongshuJuguang.streams:
            reading = await bench.read(stream)
            assert reading.error is None
            found += reading.exchanges
    bad: set[str] = set()
    rows = 0
    for exchange in found:
        path = exchange.path.removeprefix("/api/open")
        assert endpoints[path]["method"] == exchange.method
        asked, answered = (fields(*names) for names in STRUCTURES[path])
        bad |= {f"{path}: {name} is no field of the request" for name in set(json.loads(exchange.asked)) - asked}
        body = json.loads(exchange.body)
        holder = body.get("data", body)
        listed = next(value for value in holder.values() if isinstance(value, list))
        for row in listed:
            rows += 1
            bad |= {f"{path}: {name} is no field of a row" for name in set(row) - answered}
    assert {exchange.path.removeprefix("/api/open") for exchange in found} == set(STRUCTURES)
    assert rows > 500
    validated("xiaohongshu-juguang", len(found), len(found), bad)
