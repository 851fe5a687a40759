"""The page on which people ask: each value in its table opens to that very value, of its own group and period."""

import html
import re

from litestar import Litestar
from tests.integration.web.conftest import Agency, Caller, agencies, app, services
from tests.integration.web.test_query import SPAN, Desk, desk

__all__ = ["Agency", "Caller", "Litestar", "agencies", "app", "desk", "services"]
_VALUE = re.compile(r'<a class="value" href="([^"]+)"[^>]*>([^<]+)</a>')
_OPENED = re.compile(r'<p class="big-value">([^<]+)</p>')
PERIOD = f"since={SPAN['since']}&until={SPAN['until']}"


async def test_every_value_opens_to_itself(desk: Desk) -> None:
    address = f"/console/brands/{desk.tenant_id}/explore?metric=revenue&metric=units&by=sku&grain=week&{PERIOD}"
    page = await desk.who.request("GET", address)
    assert page.status_code == 200
    shown = [(html.unescape(href), text) for href, text in _VALUE.findall(page.text)]
    assert len({text for _, text in shown}) > 8, "values that are alike would open to each other unseen"
    for href, text in shown:
        opened = await desk.who.request("GET", href)
        assert opened.status_code == 200, opened.text
        assert _OPENED.findall(opened.text) == [text], href


async def test_a_filter_narrows_and_a_wrong_address_says_why(desk: Desk) -> None:
    base = f"/console/brands/{desk.tenant_id}/explore"
    one = await desk.who.request("GET", f"{base}?metric=revenue&by=sku&grain=total&is=sku:%3DA1&{PERIOD}")
    assert "=A1" in one.text
    assert "=A2" not in one.text
    wrong = await desk.who.request("GET", f"{base}?metric=nonsense")
    assert (wrong.status_code, "Unknown metric" in wrong.text) == (200, True)
    nowhere = await desk.who.request("GET", f"{base}/value?metric=revenue&{PERIOD}&value=revenue&of=JPY")
    assert nowhere.status_code == 404
    foreign = await desk.who.request("GET", f"/console/brands/{desk.others[0]}/explore")
    assert foreign.status_code == 404


async def test_the_file_holds_what_the_page_asks(desk: Desk) -> None:
    base = f"/console/brands/{desk.tenant_id}/explore/file?metric=units&by=sku&grain=total&{PERIOD}"
    reply = await desk.who.request("GET", f"{base}&form=csv")
    assert reply.text.count("\n") == 4, "a heading and three SKUs"
    assert (await desk.who.request("GET", f"{base}&form=exe")).status_code == 400
