"""The console's page of imports: a check before each import, headings said on screen, past imports and rejects."""

import csv
import io
import re
from uuid import uuid4

import httpx
import pytest
from tests.integration.pages.conftest import CONSOLE, Browser, Visit, csrf_of, sign_in
from tests.integration.pages.test_pages import text_of
from tests.web_stage import Stage

SALES = "day,sku,units,revenue,currency\n2026-01-01,{sku},3,9.00,EUR\n2026-01-02,{sku},many,1.00,EUR\nTotal,,3,10,EUR\n"


class Importer:
    """Somebody before the form of a brand."""

    def __init__(self, browser: Browser, path: str, csrf: str) -> None:
        self.browser = browser
        self.path = path
        self.headers = {"x-csrf-token": csrf}

    async def send(self, tail: str, content: str | bytes, name: str = "sales.csv", **fields: str) -> str:
        data = content.encode() if isinstance(content, str) else content
        reply = await self.browser.post(
            self.path + tail, files={"file": (name, data)}, data=fields, headers=self.headers
        )
        assert reply.status_code == 200, reply.text
        return reply.text

    async def past(self) -> str:
        return text_of((await self.browser.get(self.path)).text).rpartition("Imported before")[2]


@pytest.fixture
async def importer(visit: Visit, stage: Stage) -> Importer:
    """Of the agency whose pages no other test counts: refused lines show there."""
    owner = await sign_in(visit(CONSOLE), "owner@ponte.example")
    return Importer(owner, f"/console/brands/{stage.corrente}/imports", await csrf_of(owner))


def selected(html: str, column: str) -> str:
    """The heading that is chosen for a column."""
    options = re.search(rf'name="map\.{column}">(.*?)</select>', html, re.DOTALL)
    assert options is not None
    chosen = re.search(r"<option selected>(.*?)</option>", options[1])
    return chosen[1] if chosen else ""


async def test_a_check_tells_what_would_change_and_writes_nothing(importer: Importer) -> None:
    sku = f"S{uuid4().hex[:6]}"
    answer = await importer.send("/check", SALES.format(sku=sku), name=f"{sku}.csv")
    text = text_of(answer)
    assert "What the import would change" in text
    assert "Daily sales · CSV · utf-8" in text
    assert "New rows 1 Changed 0 Unchanged 0 Not understood 1 Left out 1 Lines 3" in text
    assert "3 units is 'many', not a whole number" in text
    assert "4 a line of totals" in text
    assert selected(answer, "revenue") == "revenue"
    assert f"{sku}.csv" not in await importer.past()


async def test_an_import_is_listed_with_its_rejects_and_the_same_file_changes_nothing(importer: Importer) -> None:
    sku = f"S{uuid4().hex[:6]}"
    content, name = SALES.format(sku=sku), f"{sku}.csv"
    done = await importer.send("", content, name=name)
    assert 'id="past-imports"' in done
    assert "hx-swap-oob" in done
    assert "New rows 1 Changed 0 Unchanged 0 Not understood 1" in text_of(done)
    again = text_of(await importer.send("/check", content, name=name))
    assert "New rows 0 Changed 0 Unchanged 1" in again
    link = re.search(rf'{name}.*?href="([^"]+/rejects)"', (await importer.browser.get(importer.path)).text, re.DOTALL)
    assert link is not None
    rejects = await importer.browser.get(link[1])
    assert "attachment" in rejects.headers["content-disposition"]
    assert list(csv.reader(io.StringIO(rejects.text))) == [
        ["line", "reason"],
        ["3", "units is 'many', not a whole number"],
    ]


async def test_headings_are_said_on_screen_once_for_the_whole_agency(visit: Visit, stage: Stage) -> None:
    owner = await sign_in(visit(CONSOLE), "owner@north.example")
    importer = Importer(owner, f"/console/brands/{stage.luxi}/imports", await csrf_of(owner))
    token = uuid4().hex[:6]
    content = f"giorno,codice {token},pezzi\n01/02/2026,A,3\n"
    unknown = await importer.send("/check", content)
    assert "does not tell what kind" in unknown
    named = await importer.send("/check", content, kind="daily-sales")
    assert "no column" in named
    assert f"<option >codice {token}</option>" in named
    mapping = {"map.day": "giorno", "map.sku": f"codice {token}", "map.units": "pezzi", "map.revenue": ""}
    asked = await importer.send("/check?mapped=1", content, kind="daily-sales", **mapping)
    assert "may begin with the day or with the month" in text_of(asked)
    assert selected(asked, "sku") == f"codice {token}"
    done = await importer.send("?mapped=1", content, kind="daily-sales", days="dmy", **mapping)
    assert "New rows 1" in text_of(done)
    importer.path = f"/console/brands/{stage.quiet}/imports"
    later = await importer.send("/check", content.replace("01/02", "03/02"))
    assert "headings as you said before" in text_of(later)
    assert "New rows 1" in text_of(later)


async def test_a_column_that_is_said_to_be_absent_is_not_read(importer: Importer) -> None:
    content = "day,sku,units,revenue,currency\n2026-01-01,A,3,what,EUR\n"
    mapping = {"map.day": "day", "map.sku": "sku", "map.units": "units", "map.revenue": ""}
    name = f"{uuid4().hex[:6]}.csv"
    assert "New rows 0" in text_of(await importer.send("/check", content, name=name))
    said = await importer.send("/check?mapped=1", content, name=name, kind="daily-sales", **mapping)
    assert "New rows 1" in text_of(said)
    assert selected(said, "revenue") == ""


@pytest.mark.parametrize(
    ("content", "fields", "message"),
    [
        (b"", {}, "empty"),
        (b"%PDF-1.7", {}, "no table"),
        (b"day,sku,units\n2026-01-01,A,1\n", {"zone": "../../etc/passwd", "as_of": "2026-01-01"}, "no zone"),
        (b"day,sku,units\n2026-01-01,A,1\n", {"as_of": "soon"}, "no day"),
        (b"day,sku,units\n2026-01-01,A,1\n", {"kind": "<script>"}, "no kind of file"),
        (b"day,sku,units\n2026-01-01,A,1\n", {"encoding": "punycode"}, "no encoding|cannot be read|not punycode"),
        (b"day,<script>alert(1)</script>\n2026-01-01,A\n", {"kind": "daily-sales"}, "no column"),
    ],
)
async def test_what_cannot_be_imported_is_answered_in_place(
    importer: Importer, content: bytes, fields: dict[str, str], message: str
) -> None:
    answer = await importer.send("/check", content, **fields)
    assert "Nothing was written" in answer
    assert re.search(message, text_of(answer)), text_of(answer)
    assert "<script>" not in answer


async def test_who_may_only_look_sees_past_imports_and_cannot_import(visit: Visit, stage: Stage) -> None:
    analyst = await sign_in(visit(CONSOLE), "analyst@north.example")
    path = f"/console/brands/{stage.luxi}/imports"
    page = (await analyst.get(path)).text
    assert "Imported before" in page
    assert 'type="file"' not in page
    headers = {"x-csrf-token": await csrf_of(analyst)}
    for tail in ("", "/check"):
        reply = await analyst.post(path + tail, files={"file": ("a.csv", b"x")}, headers=headers)
        assert reply.status_code == 403


async def test_a_form_without_the_sessions_text_and_another_agencys_brand_are_refused(
    importer: Importer, stage: Stage
) -> None:
    files = {"file": ("a.csv", b"day,sku,units\n2026-01-01,A,1\n")}
    assert (await importer.browser.post(importer.path, files=files)).status_code == 403
    theirs = await importer.browser.post(f"/console/brands/{stage.luxi}/imports", files=files, headers=importer.headers)
    missing = await importer.browser.post(f"/console/brands/{uuid4()}/imports", files=files, headers=importer.headers)
    assert theirs.status_code == missing.status_code == 404
    assert theirs.content == missing.content


async def test_rejects_of_another_brand_are_not_found(importer: Importer, stage: Stage) -> None:
    done = await importer.send("", SALES.format(sku="R"), name=f"{uuid4().hex}.csv")
    link = re.search(r'href="([^"]+/rejects)"', done)
    assert link is not None
    assert (await importer.browser.get(link[1])).status_code == 200
    elsewhere = link[1].replace(str(stage.corrente), str(stage.luxi))
    assert (await importer.browser.get(elsewhere)).status_code == 404


async def test_a_file_that_is_announced_too_large_is_not_taken(importer: Importer) -> None:
    headers = {**importer.headers, "content-length": str(300 * 2**20), "content-type": "text/csv"}
    request = httpx.Request("POST", f"http://{CONSOLE}:8020{importer.path}/check", headers=headers, content=b"day\n")
    request.headers["cookie"] = f"shelftide_session={importer.browser.cookies['shelftide_session']}"
    assert (await importer.browser.send(request)).status_code == 413


@pytest.mark.parametrize(
    ("locale", "words"), [("it", "Importa un file"), ("zh_Hans", "导入文件"), ("zh_Hant", "匯入檔案")]
)
async def test_the_page_speaks_the_persons_language(importer: Importer, locale: str, words: str) -> None:
    try:
        await importer.browser.post("/language", data={"locale": locale}, headers=importer.headers)
        assert words in (await importer.browser.get(importer.path)).text
    finally:
        await importer.browser.post("/language", data={"locale": "en"}, headers=importer.headers)
