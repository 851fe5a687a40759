"""The console's plugin page: who sees it, who may decide, in each language."""

from tests.integration.pages.conftest import CONSOLE, Visit, csrf_of, sign_in
from tests.integration.pages.test_pages import text_of
from tests.web_stage import Stage


async def test_the_page_lists_the_houses_plugins_and_lets_an_owner_alone_decide(visit: Visit) -> None:
    owner, analyst = await sign_in(visit(CONSOLE), "owner@north.example"), visit(CONSOLE)
    await sign_in(analyst, "analyst@north.example")
    html = (await owner.get("/console/plugins")).text
    assert "shelftide-shopify" in html
    assert "Made by Shelftide" in text_of(html)
    assert "Full rights" not in text_of(html)
    await owner.post("/language", data={"locale": "it"}, headers={"x-csrf-token": await csrf_of(owner)})
    assert "Realizzato da Shelftide" in text_of((await owner.get("/console/plugins")).text)
    await owner.post("/language", data={"locale": "en"}, headers={"x-csrf-token": await csrf_of(owner)})
    assert 'hx-post="/console/plugins/shelftide-shopify"' in html
    seen = (await analyst.get("/console/plugins")).text
    assert "shelftide-shopify" in seen
    assert 'hx-post="/console/plugins' not in seen
    headers = {"x-csrf-token": await csrf_of(analyst)}
    refused = await analyst.post("/console/plugins/shelftide-shopify", data={"enabled": "no"}, headers=headers)
    assert refused.status_code == 403


async def test_a_disabled_plugin_leaves_the_connect_form_and_pauses_its_connections(visit: Visit) -> None:
    owner = await sign_in(visit(CONSOLE), "owner@ponte.example")
    headers = {"x-csrf-token": await csrf_of(owner)}
    brand = (await owner.get("/api/v1/tenants")).json()[0]["tenant_id"]
    connections = f"/console/brands/{brand}/connections"
    assert 'value="shopify"' in (await owner.get(connections)).text
    part = (await owner.post("/console/plugins/shelftide-shopify", data={"enabled": "no"}, headers=headers)).text
    try:
        assert "<html" not in part
        assert "Disabled" in part
        html = (await owner.get(connections)).text
        assert 'value="shopify"' not in html
        assert "The plugin shelftide-shopify is disabled." in text_of(html)
        north = await sign_in(visit(CONSOLE), "owner@north.example")
        assert "Disabled" not in text_of((await north.get("/console/plugins")).text)
    finally:
        again = await owner.post("/console/plugins/shelftide-shopify", data={"enabled": "yes"}, headers=headers)
    assert "Disabled" not in again.text
    assert "is disabled." not in (await owner.get(connections)).text


async def test_a_clients_person_finds_no_plugins(visit: Visit, stage: Stage) -> None:
    client = await sign_in(visit(stage.north_host), "client@north.example")
    assert (await client.get("/console/plugins")).status_code == 404
    assert (await client.get("/api/v1/plugins")).status_code == 404
