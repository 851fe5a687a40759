"""Metrics of plugins: formulas of outsiders, for agencies that use them, on both engines like all others."""

import sys
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import Any

import pytest
from litestar import Litestar
from tests.integration.web.conftest import Agency
from tests.integration.web.test_plugins import listed, person, switch
from tests.integration.web.test_query import SPAN, START, orders, stamp, values

from shelftide.ingest.registry import Registry
from shelftide.jobs.services import Services
from shelftide.jobs.wiring import usable_plugins
from shelftide.warehouse.warehouse import Batch
from shelftide_sdk import hookimpl
from shelftide_sdk.metrics import PluginMetric

BASKET = PluginMetric(
    name="basket.pieces_per_order",
    title="Basket",
    formula="units / orders",
    unit="ratio",
    reference="the shop's handbook",
)


def plugin(monkeypatch: pytest.MonkeyPatch, *metrics: Any) -> Registry:
    @hookimpl
    def register_metrics() -> list[PluginMetric]:
        return list(metrics)

    module: Any = ModuleType("basket_of_the_test")
    module.register_metrics = register_metrics
    monkeypatch.setitem(sys.modules, module.__name__, module)
    entry = EntryPoint(name="basket", value=module.__name__, group="shelftide")
    return usable_plugins(entries=[*entry_points(group="shelftide"), entry])


async def test_an_agency_that_uses_the_plugin_asks_its_metric_and_no_other_does(
    app: Litestar, agencies: tuple[Agency, Agency], services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    services.registry = plugin(monkeypatch, BASKET)
    question = {"metrics": [BASKET.name, "units"], "dimensions": ["platform"], **SPAN}
    owners = [await person(app, agency) for agency in agencies]
    for agency in agencies:
        tenant_id = agency.house.tenant_ids[0]
        batch = Batch(stamp=stamp(tenant_id, START), records=orders(9, "A"))
        await services.warehouses.of(tenant_id).write(batch)

    async def ask(place: int) -> Any:
        tenant_id = agencies[place].house.tenant_ids[0]
        return await owners[place].request("POST", f"/api/v1/tenants/{tenant_id}/query?explain=true", question)

    assert (await ask(0)).status_code == 400, "off until an owner says otherwise"
    assert (await switch(owners[0], enabled=True, name="basket")).status_code == 200
    reply = await ask(0)
    assert reply.status_code == 200, reply.text
    assert values(reply, BASKET.name) == [1]
    assert reply.json()["explain"][0]["denominator"] == "orders"
    elsewhere = await ask(1)
    assert elsewhere.status_code == 400
    assert "Unknown metric 'basket.pieces_per_order'" in elsewhere.text
    assert BASKET.name not in elsewhere.json().get("hint", "")
    names = [{each["name"] for each in (await who.request("GET", "/api/v1/metrics")).json()} for who in owners]
    assert names[0] - names[1] == {BASKET.name}
    shown = (await owners[0].request("GET", f"/console/brands/{agencies[0].house.tenant_ids[0]}/explore")).text
    assert "Basket" in shown
    assert (await listed(owners[0]))["basket"]["metrics"] == [BASKET.name]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"name": "orders"}, "must be called basket.something"),
        ({"name": "walmart.basket"}, "must be called basket.something"),
        ({"formula": "__import__('os')"}, "not arithmetic"),
        ({"formula": "units / nothing_of_ours"}, "unknown measures nothing_of_ours"),
        ({"formula": "7"}, "unknown measures"),
        ({"unit": "furlongs"}, "'furlongs' is none of"),
        ({"title": ""}, "lacks a title"),
    ],
)
def test_a_metric_that_cannot_be_makes_its_plugin_broken_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, changed: dict[str, str], reason: str
) -> None:
    whole = {name: getattr(BASKET, name) for name in BASKET.__struct_fields__}
    registry = plugin(monkeypatch, PluginMetric(**{**whole, **changed}))
    broken = {each.name: each.error for each in registry.plugins if each.error}
    assert list(broken) == ["basket"]
    assert reason in broken["basket"]
    assert "shopify" in registry.connectors
    assert not any(each.metrics for each in registry.plugins)


def test_what_is_no_metric_makes_its_plugin_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    registry = plugin(monkeypatch, {"name": "basket.x"})
    assert [each.name for each in registry.plugins if "is not a PluginMetric" in each.error] == ["basket"]
