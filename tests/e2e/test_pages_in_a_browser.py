"""Console and portal as a browser meets them: drawn, quiet, readable, and nobody else is called."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import Browser, FilePayload, expect
from tests.e2e.conftest import Served, Visitor, open_visitor

pytestmark = pytest.mark.e2e


async def drawn(visitor: Visitor) -> int:
    """How many charts hold more than one colour."""
    await visitor.page.wait_for_selector("[data-chart][data-drawn]")
    script = """() => [...document.querySelectorAll('[data-chart] canvas')].filter(canvas => {
        const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
        return new Set(new Uint32Array(data.buffer)).size > 3;
    }).length"""
    await visitor.page.wait_for_timeout(900)  # the bars grow
    return int(await visitor.page.evaluate(script))


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_console_is_accessible_and_calls_nobody_else(browser: Browser, served: Served, scheme: str) -> None:
    visitor = await open_visitor(browser, color_scheme=scheme)
    await visitor.page.goto(f"{served.console}/sign-in")
    assert await visitor.violations() == []
    await visitor.sign_in(served.console, "owner@north.example")
    brand = f"/console/brands/{served.stage.luxi}"
    quiet = f"/console/brands/{served.stage.quiet}"
    pages = ["/console", "/console/brands", brand, quiet, f"{quiet}/connections", f"{brand}/imports"]
    pages += [f"{brand}/explore", f"{brand}/explore?metric=revenue&by=sku&grain=total", f"{quiet}/explore"]
    pages += [f"{brand}/reconcile", f"{quiet}/reconcile"]
    pages += ["/console/runs", "/console/data", "/console/plugins", "/console/apps"]
    for path in pages:
        await visitor.page.goto(f"{served.console}{path}")
        assert await visitor.page.get_attribute("html", "data-bs-theme") == scheme
        assert await visitor.violations() == [], path
    assert visitor.hosts == {f"127.0.0.1:{served.port}"}
    assert visitor.troubles == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("agency", ["north", "ponte"])
async def test_portal_is_accessible_in_each_agencys_colours(
    browser: Browser, served: Served, scheme: str, agency: str
) -> None:
    host = served.stage.north_host if agency == "north" else served.stage.ponte_host
    tenant = served.stage.luxi if agency == "north" else served.stage.corrente
    base = served.portal(host)
    visitor = await open_visitor(browser, color_scheme=scheme)
    await visitor.sign_in(base, f"client@{agency}.example")
    for path in ("/portal", f"/portal/brands/{tenant}"):
        await visitor.page.goto(f"{base}{path}")
        assert await visitor.violations() == [], path
    assert visitor.hosts == {f"{host}:{served.port}"}
    assert visitor.troubles == []


async def test_two_agencies_have_two_colours(browser: Browser, served: Served) -> None:
    found = []
    for host in (served.stage.north_host, served.stage.ponte_host):
        visitor = await open_visitor(browser)
        await visitor.page.goto(f"{served.portal(host)}/sign-in")
        button = "getComputedStyle(document.querySelector('form button')).backgroundColor"
        found.append(await visitor.page.evaluate(button))
    assert found == ["rgb(15, 76, 129)", "rgb(255, 213, 79)"]


async def test_charts_are_drawn_and_have_a_table_twin(browser: Browser, served: Served) -> None:
    visitor = await open_visitor(browser)
    await visitor.sign_in(served.console, "owner@north.example")
    await visitor.page.goto(f"{served.console}/console/brands/{served.stage.luxi}")
    charts = await visitor.page.locator("[data-chart]").count()
    assert charts == 3
    assert await drawn(visitor) == charts
    await visitor.page.click("text=Show as table >> nth=0")
    assert await visitor.page.locator("figure").nth(0).locator("tbody tr").count() == 28
    await visitor.page.evaluate("window.toggleTheme()")
    assert await drawn(visitor) == charts


async def test_a_change_goes_through_htmx_with_the_csrf_header(browser: Browser, served: Served) -> None:
    visitor = await open_visitor(browser)
    await visitor.sign_in(served.console, "owner@north.example")
    await visitor.page.goto(f"{served.console}/console/brands/{served.stage.luxi}/connections")
    async with visitor.page.expect_response(lambda reply: reply.url.endswith("/sync")) as waiting:
        await visitor.page.click("button:has-text('Sync now')")
    reply = await waiting.value
    assert reply.status == 200
    assert await reply.request.header_value("x-csrf-token")
    await visitor.page.wait_for_selector("text=Waiting for a worker")


async def test_an_owner_enables_an_outsiders_plugin_with_open_eyes(browser: Browser, served: Served) -> None:
    visitor = await open_visitor(browser)
    await visitor.sign_in(served.console, "owner@ponte.example")
    await visitor.page.goto(f"{served.console}/console/plugins")
    card = visitor.page.locator("section", has_text="bazaar-plugin")
    await expect(card).to_contain_text("Bazaar & Sons")
    await expect(card).to_contain_text("Full rights")
    await card.get_by_role("button", name="Enable").click()
    await expect(card).to_contain_text("Disabled")  # the browser asks for the box to be ticked first
    await card.get_by_role("checkbox").check()
    await card.get_by_role("button", name="Enable").click()
    await expect(card.get_by_role("button", name="Disable")).to_be_visible()
    await expect(card).to_contain_text("bazaar.basket")
    await card.get_by_text("Set up").click()
    await card.get_by_label("Corner").fill("north")
    await card.get_by_role("button", name="Save").click()
    await expect(card).to_contain_text("Tells you when a connection must be connected again")
    assert await visitor.violations() == []
    visitor.page.on("dialog", lambda dialog: dialog.accept())
    await card.get_by_role("button", name="Disable").click()
    await expect(card).to_contain_text("Disabled")


async def test_a_person_says_where_the_work_on_an_alert_stands(browser: Browser, served: Served) -> None:
    visitor = await open_visitor(browser)
    await visitor.sign_in(served.console, "owner@north.example")
    await visitor.page.goto(f"{served.console}/console/data")
    alert = visitor.page.locator("#alerts li").first
    await expect(alert).to_contain_text("is older than promised")
    await alert.get_by_label("State").select_option("explained")
    await alert.get_by_label("Note").fill("The shop was closed.")
    await alert.get_by_role("button", name="Save").click()
    await expect(alert).to_contain_text("Saved.")
    assert await visitor.violations() == []
    await visitor.page.reload()
    await expect(alert.get_by_label("Note")).to_have_value("The shop was closed.")
    await expect(alert).to_contain_text("Explained")
    assert visitor.troubles == []


async def test_a_refusal_is_told_on_the_page(browser: Browser, served: Served) -> None:
    visitor = await open_visitor(browser)
    await visitor.sign_in(served.console, "owner@north.example")
    await visitor.page.goto(f"{served.console}/console/brands/{served.stage.luxi}/connections")
    await visitor.page.check("input[value=shopify]")
    await visitor.page.fill("input[name=shop]", "nonsense")
    await visitor.page.click("text=Go to the platform")
    await visitor.page.wait_for_selector("#toasts >> text=Shop address is missing or malformed.")


async def test_the_language_changes_where_one_stands(browser: Browser, served: Served) -> None:
    visitor = await open_visitor(browser)
    await visitor.sign_in(served.portal(served.stage.ponte_host), "client@ponte.example")
    assert await visitor.page.get_attribute("html", "lang") == "it"
    await visitor.page.click("summary:has-text('Lingua')")
    await visitor.page.click("button[lang=zh-Hant]")
    await visitor.page.wait_for_selector("html[lang=zh-Hant]")
    assert await visitor.page.inner_text("h1") == "您的品牌"
    family = await visitor.page.evaluate("getComputedStyle(document.body).fontFamily")
    assert "TC" in family


async def test_search_narrows_the_list_while_one_types(browser: Browser, served: Served) -> None:
    visitor = await open_visitor(browser)
    await visitor.sign_in(served.console, "owner@north.example")
    await visitor.page.goto(f"{served.console}/console/brands")
    assert await visitor.page.locator("#brand-rows tbody tr").count() == 2
    await visitor.page.locator("#q").press_sequentially("quiet")
    await expect(visitor.page.locator("#brand-rows tbody tr")).to_have_count(1)
    assert "Quiet Wool" in await visitor.page.inner_text("#brand-rows")


async def test_the_keyboard_reaches_the_navigation_and_the_figures(browser: Browser, served: Served) -> None:
    visitor = await open_visitor(browser)
    await visitor.sign_in(served.console, "owner@north.example")
    await visitor.page.goto(f"{served.console}/console/brands/{served.stage.luxi}")
    await visitor.page.keyboard.press("Tab")
    assert await visitor.page.evaluate("document.activeElement.className") == "skip"
    seen = []
    for _ in range(40):
        await visitor.page.keyboard.press("Tab")
        seen.append(
            await visitor.page.evaluate("document.activeElement.getAttribute('href') ?? document.activeElement.tagName")
        )
        if await visitor.page.evaluate("document.activeElement.closest('.tile') !== null"):
            break
    assert {"/console", "/console/brands", "/console/runs", "/console/data", "?days=7"} <= set(seen)
    await visitor.page.keyboard.press("Enter")
    assert await visitor.page.locator(".tile[open]").count() == 1


async def test_the_page_fits_a_telephone(browser: Browser, served: Served) -> None:
    visitor = await open_visitor(browser)
    await visitor.page.set_viewport_size({"width": 360, "height": 740})
    await visitor.sign_in(served.console, "owner@north.example")
    brand = f"/console/brands/{served.stage.luxi}"
    for path in ("/console", "/console/brands", brand, f"{brand}/imports", "/console/data"):
        await visitor.page.goto(f"{served.console}{path}")
        assert await visitor.page.evaluate("document.documentElement.scrollWidth") <= 360, path


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_file_is_checked_mapped_and_imported_on_screen(browser: Browser, served: Served, scheme: str) -> None:
    visitor = await open_visitor(browser, color_scheme=scheme)
    page = visitor.page
    await visitor.sign_in(served.console, "owner@north.example")
    await page.goto(f"{served.console}/console/brands/{served.stage.luxi}/imports")
    content = f"giorno,articolo {scheme},pezzi\n01/02/2026,CUP,3\n02/02/2026,CUP,many\n"
    file = FilePayload(name=f"{scheme}.csv", mimeType="text/csv", buffer=content.encode())
    await page.set_input_files("#import-file", files=file)
    await expect(page.locator("#import-answer")).to_contain_text("does not tell what kind")
    await page.select_option("#import-kind", "daily-sales")
    await expect(page.locator("#import-answer")).to_contain_text("has no column")
    for column, heading in (("day", "giorno"), ("sku", f"articolo {scheme}"), ("units", "pezzi")):
        await page.select_option(f"#map-{column}", heading)
    await page.click("text=Check with these headings")
    await expect(page.locator("#import-answer")).to_contain_text("begin with the day or with the month")
    await page.click("text=How the file is written")
    await page.select_option("#import-days", "dmy")
    await page.click("text=Check with these headings")
    await expect(page.locator("#import-answer")).to_contain_text("What the import would change")
    await expect(page.locator("#import-answer")).to_contain_text("units (column pezzi) is 'many'")
    assert await visitor.violations() == []
    assert await page.locator(f"#past-imports >> text={scheme}.csv").count() == 0
    await page.click("text=Import now")
    await expect(page.locator("#past-imports")).to_contain_text(f"{scheme}.csv")
    await expect(page.locator("#import-answer h2")).to_contain_text("Imported")
    assert await visitor.violations() == []
    async with page.expect_download() as waiting:
        await page.locator("#past-imports a[download]").first.click()
    download = await waiting.value
    assert (await download.path()).read_text().splitlines()[1].startswith("3,")
    assert visitor.troubles == []


async def test_an_owner_registers_an_app_and_a_client_follows_a_link(browser: Browser, served: Served) -> None:
    owner = await open_visitor(browser)
    await owner.sign_in(served.console, "owner@north.example")
    await owner.page.goto(f"{served.console}/console/apps")
    card = owner.page.locator("section", has=owner.page.locator("#app-shopify"))
    await card.locator("summary").click()
    await card.get_by_label("App id").fill("the-id")
    await card.get_by_label("App secret").fill("the secret")
    await card.get_by_label("The platform's review").select_option("approved")
    await card.get_by_role("button", name="Save").click()
    await expect(owner.page.get_by_text("Saved.")).to_be_visible()
    assert await owner.violations() == []
    assert "the secret" not in await owner.page.content()
    await owner.page.goto(f"{served.console}/console/brands/{served.stage.quiet}/connections")
    await owner.page.locator("#link-connector").select_option("shopify")
    await owner.page.get_by_role("button", name="Make a link").click()
    address = await owner.page.locator("#links code.address").inner_text()
    assert await owner.violations() == []
    client = await open_visitor(browser)
    await client.page.goto(address)
    await expect(client.page.get_by_role("heading", name="Connect Shopify")).to_be_visible()
    assert await client.violations() == []
    await client.page.get_by_label("Shop").fill("no shop")
    await client.page.get_by_role("button", name="Go to the platform").click()
    await expect(client.page.locator("#toasts")).to_contain_text("malformed")
    await owner.page.get_by_role("button", name="Revoke").click()
    await expect(owner.page.get_by_text("Revoked")).to_be_visible()
    await client.page.goto(address)
    await expect(client.page.get_by_role("heading", name="This link is over")).to_be_visible()
    assert await client.violations() == []


async def test_a_question_is_asked_opened_and_kept(browser: Browser, served: Served) -> None:
    visitor = await open_visitor(browser)
    await visitor.sign_in(served.console, "owner@north.example")
    page, brand = visitor.page, f"{served.console}/console/brands/{served.stage.luxi}/explore"
    await page.goto(f"{brand}?metric=revenue&days=28&grain=week")
    assert await drawn(visitor) == 1
    await page.select_option("#add-metric", "units")
    await expect(page.locator("th:has-text('Units')")).to_be_visible()
    assert "metric=units" in page.url
    await page.select_option("#ex-grain", "total")
    row = page.locator("tbody tr").nth(0)
    await expect(row).to_contain_text("56")
    money = await row.locator("a.value").nth(0).inner_text()
    assert money == "$681.50", "27 lines of 24.50 and one of 20.00"
    await row.locator("a.value").nth(0).click()
    await expect(page.locator(".big-value")).to_have_text(money)
    await expect(page.locator("code:text-is('revenue')").nth(0)).to_be_visible()
    await expect(page.locator("tbody tr")).to_have_count(28)
    assert await visitor.violations() == []
    await page.go_back()
    await page.fill("#ex-name", "Weekly money")
    await page.click("button:has-text('Keep')")
    await page.click("#kept a:has-text('Weekly money')")
    await expect(page.locator("th:has-text('Units')")).to_be_visible()
    told = (datetime.now(ZoneInfo("America/New_York")) - timedelta(days=1)).date().isoformat()  # the brand's yesterday
    await page.select_option("#ex-grain", "day")
    await expect(page.locator("th:has-text('Days')")).to_be_visible()
    await page.fill("#ex-told", told)
    await page.click("button:has-text('Show what moved')")
    await expect(page.locator("tbody tr")).to_have_count(1)
    await expect(page.locator("tbody tr")).to_contain_text("The platform restated its rows")
    assert await visitor.violations() == []
    await page.goto(f"{brand}?metric=nothing")
    await expect(page.locator("[role=alert]")).to_contain_text("Unknown metric")
    assert visitor.troubles == []
