"""The checks of published files do fail: a sample of another type, an answer of another form."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec
import pytest
from tests.connectors import test_fixtures
from tests.connectors.amazon import test_ad_reports, test_ads_actions, test_reports
from tests.connectors.published import FIXTURES
from tests.connectors.tiktok import test_contract_ads
from tests.connectors.xiaohongshu import test_actions

from shelftide_amazon import emulator_ads_actions, emulator_analytics
from shelftide_tiktok import emulator_ads_reference
from shelftide_xiaohongshu import emulator_ark_actions

pytestmark = [
    pytest.mark.contract,
    pytest.mark.worlds,  # long: `make evidence` has it
    pytest.mark.skipif(not FIXTURES.is_dir(), reason="the folder of published samples is not here"),
]
Patch = pytest.MonkeyPatch
STOCK = "amazon/sp-stream-schemas/GET_FBA_MYI_UNSUPPRESSED_INVENTORY_DATA.json"
DAY = "amazon/ads-stream-schemas/sponsored_products_campaigns_report_stream_daily.json"
TERMS = "amazon/reports-schemas/sellingPartnerSearchTermsReport.json"
USAGE = "amazon/ads-recorded/budget-usage-sponsored-products-0.json"


def spoil_sample(module: Any, column: str) -> Callable[[Patch], None]:
    """Samples of a module with a word in one column."""
    numbered = module.numbered
    return lambda patch: patch.setattr(module, "numbered", lambda *asked: numbered(*asked) | {column: "many"})


def spoil_terms(patch: Patch) -> None:
    made = emulator_analytics.DOCUMENTS
    wrong: Mapping[str, Any] = {name: lambda sales: {"reportSpecification": 7} for name in made}
    patch.setattr(emulator_analytics, "DOCUMENTS", wrong)


def spoil_usage(patch: Patch) -> None:
    patch.setattr(emulator_ads_actions, "stamp", lambda at: 7)


def spoil_pixels(patch: Patch) -> None:
    call = emulator_ads_reference.REFERENCE["pixel/list"]
    wrong = msgspec.structs.replace(call, answer=lambda asked: {"pixels": [{"pixel_id": ["x"]}]})
    patch.setitem(emulator_ads_reference.REFERENCE, "pixel/list", wrong)


def spoil_delivery(patch: Patch) -> None:
    wrong = emulator_ark_actions.Action(("orderId",), lambda body, shop: [])
    patch.setitem(emulator_ark_actions.ACTIONS, "order.orderDeliver", wrong)
    patch.setattr(test_actions, "_FINDINGS", {})


async def ark(patch: Patch) -> int:
    return await test_fixtures.ark_method("xiaohongshu/ark-schemas/order.orderDeliver.json", patch)


@pytest.mark.parametrize(
    ("spoil", "check"),
    [
        (spoil_sample(test_reports, "afn-fulfillable-quantity"), lambda patch: test_reports.check_report(STOCK, patch)),
        (spoil_sample(test_ad_reports, "cost"), lambda patch: test_ad_reports.check_row(DAY, patch)),
        (spoil_terms, lambda patch: test_reports.check_made(TERMS, patch)),
        (spoil_usage, lambda patch: test_ads_actions.check_recorded(USAGE)),
        (spoil_pixels, lambda patch: test_contract_ads.check_described("pixels")),
        (spoil_delivery, ark),
    ],
    ids=["a report", "a day of ads", "a report of the emulator", "a reply of ads", "a pixel", "an action"],
)
async def test_a_check_fails_on_what_is_wrong(
    spoil: Callable[[Patch], None], check: Callable[[Patch], Awaitable[int]], monkeypatch: Patch
) -> None:
    with monkeypatch.context() as calm:
        assert await check(calm) > 0
    spoil(monkeypatch)
    with pytest.raises(AssertionError):
        await check(monkeypatch)
