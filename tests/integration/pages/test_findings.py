"""What looks wrong stands on the data page, in four languages, for the agency's own people alone."""

from litestar import Litestar
from tests.integration.pages.conftest import CONSOLE, Visit, csrf_of, sign_in
from tests.web_stage import Stage

from shelftide.core.scope import Scope
from shelftide.ingest.flaws import Flaw, finding
from shelftide.store.repositories.reconciliations import save_findings
from shelftide.store.unit_of_work import UnitOfWork

WORDS = {
    "it": "Più clic che impressioni",
    "zh_Hans": "点击数多于展示数",
    "zh_Hant": "點擊數多於曝光數",
    "en": "More clicks than impressions",
}


async def test_a_finding_is_shown_with_its_rows_and_does_nothing(visit: Visit, site: Litestar, stage: Stage) -> None:
    scope = Scope(agency_id=stage.north, tenant_ids=(stage.luxi,), tenant_id=stage.luxi)
    detail = {"examples": ["ad <script>alert(2)</script>: 3 clicks of 1 impressions"]}
    row = finding(stage.luxi_connection, "ads", Flaw.CLICKS, rows=1234, detail=detail)
    moved = {"day": "2026-03-01", "before": "EUR", "after": "USD"}
    other = finding(stage.luxi_connection, "orders", Flaw.CURRENCY_CHANGE, rows=5, detail=moved)
    async with UnitOfWork(site.state.services.database, scope) as uow:
        await save_findings(uow, [row, other])
        await save_findings(uow, [row])
        await uow.commit()
    owner = await sign_in(visit(CONSOLE), "owner@north.example")
    headers = {"x-csrf-token": await csrf_of(owner)}
    for locale, words in WORDS.items():
        await owner.post("/language", data={"locale": locale}, headers=headers)
        html = (await owner.get("/console/data")).text
        assert html.count(words) == 1
    assert "1,234" in html
    assert "EUR → USD" in html
    assert "&lt;script&gt;alert(2)" in html
    assert "<script>alert" not in html
