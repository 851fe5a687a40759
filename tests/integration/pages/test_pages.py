"""What the pages say, against figures that the test computes itself."""

import json
import re
from html import unescape

import pytest
from tests.integration.pages.conftest import CONSOLE, Visit, csrf_of, sign_in
from tests.web_stage import Stage


def text_of(html: str) -> str:
    """What a person reads."""
    bare = re.sub(r"<script.*?</script>", "", html, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", bare)).split())


async def test_home_counts_what_needs_somebody_and_says_the_step(visit: Visit, stage: Stage) -> None:
    owner = await sign_in(visit(CONSOLE), "owner@north.example")
    html = (await owner.get("/console")).text
    text = text_of(html)
    # Quiet Wool must reconnect and has a rejected row; Luxi's patch has 30 pieces at 8 a day.
    assert "3 things need you" in text
    assert "0 brands are fine." in text
    assert text.index("quiet-shop at Shopify must be connected again.") < text.index("Cica Patch, 24 pcs: 4 days")
    assert "The token was revoked. Connect again." in text
    assert f"/console/brands/{stage.quiet}/connections#c-{stage.quiet_connection}" in html
    assert "Corrente" not in html


async def test_the_list_is_searched_by_name_alias_and_client(visit: Visit) -> None:
    owner = await sign_in(visit(CONSOLE), "owner@north.example")
    part = {"hx-target": "brand-rows", "hx-request": "true"}
    found = (await owner.get("/console/brands?q=LUXI", headers=part)).text
    assert "<html" not in found
    assert "Luxi" in found
    assert "Quiet Wool" not in found
    assert "Quiet Wool" in (await owner.get("/console/brands?q=second client", headers=part)).text
    assert "No brand answers this search." in (await owner.get("/console/brands?q=zzz", headers=part)).text
    assert (await owner.get("/console/brands?state=bogus")).status_code == 400


async def test_a_brand_shows_sums_that_can_be_opened(visit: Visit, stage: Stage) -> None:
    owner = await sign_in(visit(CONSOLE), "owner@north.example")
    html = (await owner.get(f"/console/brands/{stage.luxi}?days=7")).text
    rows = re.search(r'data-chart="orders".*?<tbody>(.*?)</tbody>', html, re.DOTALL)
    assert rows is not None
    daily = [int(cell) for cell in re.findall(r"<td class=\"num\">(\d+)</td>", rows[1])]
    assert len(daily) == 7
    text = text_of(html)
    assert f"Orders {sum(daily)} " in text
    assert f"${round(sum(daily) * 24.5):,}" in text
    assert "revenue / orders" in text
    assert "America/New_York" in text
    assert "baseline" in text
    assert (await owner.get(f"/console/brands/{stage.luxi}?days=8")).status_code == 400


async def test_charts_are_data_and_never_code(visit: Visit, stage: Stage) -> None:
    owner = await sign_in(visit(CONSOLE), "owner@north.example")
    for path in (f"/console/brands/{stage.luxi}", "/console/data", "/console", "/console/runs"):
        html = (await owner.get(path)).text
        assert not re.findall(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)", html)
        assert not re.findall(r"\son\w+=|hx-on|<style", html)


async def test_a_rejected_row_is_shown_as_it_came_and_does_nothing(visit: Visit) -> None:
    owner = await sign_in(visit(CONSOLE), "owner@north.example")
    html = (await owner.get("/console/data")).text
    assert "total has no currency" in html
    assert "&lt;script&gt;alert(1)" in html
    assert "<script>alert" not in html


async def test_the_portal_speaks_the_clients_language_and_no_word_of_operations(visit: Visit, stage: Stage) -> None:
    client = await sign_in(visit(stage.north_host), "client@north.example")
    html = (await client.get(f"/portal/brands/{stage.luxi}")).text
    assert '<html lang="zh-Hans">' in html
    text = text_of(html)
    assert "North Pier" in text
    assert "畅销商品" in text
    assert "天" in text
    assert not re.search(
        r"console|quarantine|sync|Shopify at|隔离|同步|任务", html.replace("/static/", ""), re.IGNORECASE
    )


async def test_a_person_keeps_the_language_that_was_chosen(visit: Visit) -> None:
    analyst = await sign_in(visit(CONSOLE), "analyst@north.example")
    headers = {"x-csrf-token": await csrf_of(analyst)}
    try:
        for locale, tag, word in (("it", "it", "Marchi"), ("zh_Hant", "zh-Hant", "品牌")):
            reply = await analyst.post("/language", data={"locale": locale}, headers=headers)
            assert reply.headers["hx-refresh"] == "true"
            html = (await analyst.get("/console/brands")).text
            assert f'<html lang="{tag}">' in html
            assert word in html
        assert (await analyst.post("/language", data={"locale": "xx"}, headers=headers)).status_code == 400
    finally:
        await analyst.post("/language", data={"locale": "en"}, headers=headers)


async def test_sync_now_queues_one_run_and_shows_it(visit: Visit, stage: Stage) -> None:
    owner = await sign_in(visit(CONSOLE), "owner@north.example")
    path = f"/console/brands/{stage.quiet}/connections/{stage.quiet_connection}/sync"
    headers = {"x-csrf-token": await csrf_of(owner)}
    first, second = await owner.post(path, headers=headers), await owner.post(path, headers=headers)
    assert "Waiting for a worker" in first.text
    assert 'hx-trigger="every 1s"' in second.text
    assert second.text.count("Waiting for a worker") == 1


async def test_connecting_without_what_the_platform_needs_names_the_field(visit: Visit, stage: Stage) -> None:
    owner = await sign_in(visit(CONSOLE), "owner@north.example")
    headers = {"x-csrf-token": await csrf_of(owner), "accept": "*/*"}
    path = f"/console/brands/{stage.luxi}/connections"
    reply = await owner.post(path, data={"connector": "shopify", "shop": "not a shop"}, headers=headers)
    assert reply.status_code == 400
    assert "Shop address" in reply.json()["title"]
    assert (await owner.post(path, data={}, headers=headers)).status_code == 400


async def test_there_is_no_simulation_outside_the_demo(visit: Visit) -> None:
    owner = await sign_in(visit(CONSOLE), "owner@north.example")
    reply = await owner.post("/console/simulation/advance", headers={"x-csrf-token": await csrf_of(owner)})
    assert reply.status_code == 404
    assert "Simulated day" not in (await owner.get("/console")).text


@pytest.mark.parametrize("path", ["/console", "/console/brands", "/console/runs", "/console/data"])
async def test_pages_of_an_agency_never_name_the_other(visit: Visit, path: str) -> None:
    owner = await sign_in(visit(CONSOLE), "owner@ponte.example")
    html = (await owner.get(path)).text
    assert "Ponte Lungo" in html
    assert "North Pier" not in html
    assert "Luxi" not in html


def no_number(text: str) -> float:
    raise AssertionError(f"{text} is no JSON")


@pytest.mark.capability("V21")
async def test_a_brand_without_a_single_sku_shows_a_defined_empty_state(visit: Visit, stage: Stage) -> None:
    owner = await sign_in(visit(CONSOLE), "owner@north.example")
    reply = await owner.get(f"/api/v1/tenants/{stage.quiet}/feeds")
    assert reply.status_code == 200
    (feed,) = json.loads(reply.text, parse_constant=no_number)
    assert feed == {
        "name": "stock",
        "state": "empty",
        "skus": 0,
        "updated_at": None,
        "age_seconds": None,
        "reason": "it holds no SKU and it was never updated",
    }
    page = await owner.get(f"/console/brands/{stage.quiet}")
    assert page.status_code == 200
    text = text_of(page.text)
    assert "No stock levels yet." in text
    assert "NaN" not in page.text
    assert "SKUs," not in text


async def test_a_shelf_says_how_many_skus_it_holds_and_how_old_it_is(visit: Visit, stage: Stage) -> None:
    owner = await sign_in(visit(CONSOLE), "owner@north.example")
    (feed,) = (await owner.get(f"/api/v1/tenants/{stage.luxi}/feeds")).json()
    assert (feed["state"], feed["reason"]) == ("filled", None)
    assert feed["skus"] > 0
    assert feed["age_seconds"] >= 0
    text = text_of((await owner.get(f"/console/brands/{stage.luxi}")).text)
    assert re.search(rf"\b{feed['skus']} SKUs?, ", text)
