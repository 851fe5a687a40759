"""Every file of the platforms' published texts is read by a connector, or an emulator is compared with it, or listed.

What a check proves is its grade:
    mapped    rows of the file, or made after its schema, become records without a reject, figure by figure
    compared  requests and replies of an emulator are valid by the file
"""

import asyncio
import gzip
import json
import tomllib
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from decimal import Decimal
from fnmatch import fnmatchcase
from functools import cache
from inspect import isawaitable, signature
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx2
import pytest
import yaml
from graphql import build_schema, parse, validate
from tests.connectors.amazon import test_ad_reports as amazon_ad_reports
from tests.connectors.amazon import test_ads_actions as amazon_ads_contract
from tests.connectors.amazon import test_contract as amazon_contract
from tests.connectors.amazon import test_events as amazon_events
from tests.connectors.amazon import test_kiosk as amazon_kiosk
from tests.connectors.amazon import test_notifications as amazon_notifications
from tests.connectors.amazon import test_reports as amazon_reports
from tests.connectors.meta import test_contract as meta_contract
from tests.connectors.published import FIXTURES, numbered, sample
from tests.connectors.shopify import test_contract as shopify_contract
from tests.connectors.tiktok import test_contract as tiktok_contract
from tests.connectors.tiktok import test_contract_ads as tiktok_ads_contract
from tests.connectors.xiaohongshu import test_actions as xiaohongshu_actions
from tests.connectors.xiaohongshu import test_contract as xiaohongshu_contract

from shelftide_amazon import mapping_ads
from shelftide_amazon.mapping_ad_reports import AD_REPORTS, report_of
from shelftide_amazon.mapping_money import map_payout
from shelftide_amazon.mapping_orders import impersonal, map_order_v0
from shelftide_amazon.marketplaces import MARKETPLACES
from shelftide_amazon.replies import classify as classify_amazon
from shelftide_sdk.errors import ConnectorError, DataError
from shelftide_sdk.records import AdLevel
from shelftide_shopify.queries import all_queries
from shelftide_shopify.rest import READERS, UNREAD
from shelftide_tiktok import mapping_ads as tiktok_ads
from shelftide_xiaohongshu.ark import XiaohongshuArk
from shelftide_xiaohongshu.emulator_ark_actions import ACTIONS

HERE = Path(__file__).parent
NOT_DATA = {"SOURCES.md", "LICENSES.md"}
LISTED = tomllib.loads((HERE / "fixtures.toml").read_text())["unread"]

pytestmark = [
    pytest.mark.contract,
    pytest.mark.skipif(not FIXTURES.is_dir(), reason="the folder of published samples is not here"),
]


@cache
def files() -> list[str]:
    found = (str(path.relative_to(FIXTURES)) for path in FIXTURES.rglob("*") if path.is_file())
    return sorted(name for name in found if name not in NOT_DATA)


@cache
def unread() -> dict[str, Mapping[str, Any]]:
    return {str(path.relative_to(FIXTURES)): row for row in LISTED for path in FIXTURES.glob(row["files"])}


def load(name: str) -> Any:
    text = (FIXTURES / name).read_text()
    return yaml.safe_load(text) if name.endswith(".yml") else json.loads(text)


# -- Amazon -----------------------------------------------------------------------------------------------------------

PROFILE = mapping_ads.Profile(profile_id="1", currency="USD", zone="America/Los_Angeles", country="US")


def amazon_model(name: str) -> int:
    """The model's own replies, good and bad, mean what their status says."""
    found = load(name)
    checked = 0
    for calls in found["paths"].values():
        for call in (each for method, each in calls.items() if method in ("get", "post", "put", "patch", "delete")):
            for status, about in call["responses"].items():
                bodies = [row.get("response") for row in about.get("x-amzn-api-sandbox", {}).get("static", ())]
                bodies += list(about.get("examples", {}).values())
                if not any(bodies) and "schema" in about:
                    bodies = [sample(about["schema"], found)]
                for body in bodies:
                    error = classify_amazon(httpx2.Response(int(status), json=body))
                    good = int(status) < 300 and not (isinstance(body, dict) and body.get("errors"))
                    assert (error is None) is good, f"{status}: {body}"
                    checked += 1
    return checked


# Names of entities in replies of Amazon Ads: in lists, and one by one where something was made or changed.
ENTITY_OF: Mapping[str, Callable[[Any, Any], Any]] = {
    **dict.fromkeys(("campaigns", "campaign"), lambda row, product: mapping_ads.map_campaign(row, product, PROFILE)),
    **dict.fromkeys(("adGroups", "adGroup"), lambda row, _: mapping_ads.map_ad_group(row, PROFILE)),
    **dict.fromkeys(("productAds", "productAd", "ads", "ad"), lambda row, _: mapping_ads.map_ad(row, PROFILE)),
}


def entities_in(body: Any, name: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """(name, row) of each entity in a reply that is told with its state."""
    for row in body if isinstance(body, list) else [body]:
        if isinstance(row, dict) and name in ENTITY_OF and "state" in row:
            yield name, row
        elif isinstance(row, dict):
            for key, inner in row.items():
                yield from entities_in(inner, key)


def amazon_ads_reply(name: str) -> int:
    """A recorded reply with entities: each becomes a record of its own ids, and none without its id."""
    reply = load(name)["response"]
    product = mapping_ads.PRODUCTS["sb" if "-sb-" in name or "-brands-" in name else "sp"]
    found = list(entities_in(json.loads(json.dumps(reply["body"]), parse_float=Decimal)))
    assert classify_amazon(httpx2.Response(reply["status"], json=reply["body"])) is None
    for kind, row in found:
        record = ENTITY_OF[kind](row, product)
        key = {"Campaign": "campaignId", "AdGroup": "adGroupId", "Ad": "adId"}[type(record).__name__]
        assert (record.source_id, record.status) == (row[key], row["state"].lower())
        with pytest.raises(DataError):
            ENTITY_OF[kind](row | {key: None}, product)
    return len(found)


@cache
def has_entities(name: str) -> bool:
    """Whether a recorded reply tells of campaigns, ad groups or ads."""
    return any(entities_in(load(name)["response"]["body"]))


def amazon_ads_row(name: str) -> int:
    stem, row = Path(name).stem, _plain(sample(load(name)))
    product = mapping_ads.PRODUCTS[
        {"products": "sp", "product": "sp", "brands": "sb", "display": "sd"}[stem.split("_")[1]]
    ]
    if stem.endswith("_campaigns"):
        return len(mapping_ads.map_campaign(row, product, PROFILE).source_id)
    mapping = mapping_ads.map_ad_group if stem.endswith("_ad_groups") else mapping_ads.map_ad
    return len(mapping(row, PROFILE).source_id)


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """Days and moments that a schema of another connector calls just text."""
    days = {name: "2026-03-01" for name in ("startDate", "endDate") if name in row}
    return row | days | ({"extendedData": {}} if "extendedData" in row else {})


async def amazon_kiosk_schema(name: str, monkeypatch: pytest.MonkeyPatch) -> int:
    return (await amazon_kiosk.check_schema(Path(name).name, monkeypatch)).total()


def amazon_health(name: str) -> int:
    """The report's own sample becomes findings, and the emulator's report is valid."""
    amazon_contract.test_the_performance_sample_is_read()
    amazon_contract.test_the_performance_report_is_valid_by_its_schema()
    return len(load(name)["properties"])


def amazon_seller_row(name: str) -> int:
    """Rows of orders and settlements, in the forms that a source of our own reads."""
    market, stem = MARKETPLACES["ATVPDKIKX0DER"], Path(name).stem
    row = sample(load(name))
    if stem == "ListFinancialEventGroups":
        return len(map_payout(row | {"ProcessingStatus": "Closed"}, market.zone))
    order = sample(load(str(Path(name).with_name("Orders.json"))))
    item = sample(load(str(Path(name).with_name("OrderItems.json"))))
    return len(map_order_v0(impersonal(order | _MOMENTS), [item], market, market.zone))


_MOMENTS = {"PurchaseDate": "2026-03-01T10:00:00Z", "LastUpdateDate": "2026-03-01T10:00:00Z"}


# -- TikTok -----------------------------------------------------------------------------------------------------------

ADVERTISER = tiktok_ads.Advertiser(advertiser_id="7", currency="USD", zone="America/Los_Angeles")
ENTITIES: Mapping[str, Callable[[Any], Any]] = {
    "campaigns": lambda row: tiktok_ads.map_campaign(row, ADVERTISER),
    "ad_groups": lambda row: tiktok_ads.map_ad_group(row, ADVERTISER),
    "ads": lambda row: tiktok_ads.map_ad(row, ADVERTISER),
    "advertisers": tiktok_ads.map_advertiser,
}
CUTS = ("country_code", "gender", "age", "platform", "stat_time_hour")
STARTS = {
    "advertisers": AdLevel.ACCOUNT,
    "campaigns": AdLevel.CAMPAIGN,
    "ad_group": AdLevel.AD_GROUP,
    "ads": AdLevel.AD,
}


def tiktok_row(name: str) -> int | Awaitable[int]:
    """Entities, days and cuts become records; what no stream reads is compared with what the emulator answers."""
    stem = Path(name).stem
    if stem in tiktok_ads_contract.DESCRIBED:
        return tiktok_ads_contract.check_described(stem)
    if stem in tiktok_ads_contract.LIFETIME:
        return tiktok_ads_contract.check_lifetime(stem)
    row = sample(load(name))
    if stem in ENTITIES:
        assert ENTITIES[stem](row)
        return 1
    return check_figures(stem, numbered(row, WORDS))


NO_STREAM = {*tiktok_ads_contract.DESCRIBED, *tiktok_ads_contract.LIFETIME}
# Words and ids that a report's row has; an audience's row names one of them.
WORDS = {
    **dict.fromkeys(("stat_time_day", "stat_time_hour"), "2026-03-01 10:00:00"),
    "country_code": "US",
    "gender": "FEMALE",
    "platform": "ANDROID",
    "age": "AGE_18_24",
}


def check_figures(stem: str, row: dict[str, Any]) -> int:
    """Figures of a row arrive in the day of its level and in each of its cuts; a word in their place does not."""
    level = next(each for start, each in STARTS.items() if stem.startswith(start))
    key, metrics = tiktok_ads.ID_OF[level], row["metrics"]
    cuts = [cut for cut in CUTS if cut in row["dimensions"]]
    when = {name: value for name, value in row["dimensions"].items() if name.startswith("stat_")}
    named = {key: "7", **({"stat_time_day": "2026-03-01"} | when)}
    day = tiktok_ads.map_ad_day({"dimensions": named, "metrics": metrics}, ADVERTISER, level)
    found: list[Any] = [day]
    for cut in cuts:
        asked = {"dimensions": named | {cut: row["dimensions"][cut]}, "metrics": metrics}
        found.append(tiktok_ads.map_breakdown(asked, ADVERTISER, cut, cut))
    for record in found:
        assert (record.level, record.entity_id) == (level, "7")
        assert str(record.spend.amount) == str(metrics["spend"])
        assert str(record.impressions) == str(metrics["impressions"])
        assert str(record.conversions) == str(metrics["conversion"])
    with pytest.raises(DataError):
        tiktok_ads.map_ad_day({"dimensions": named, "metrics": {**metrics, "spend": "many"}}, ADVERTISER, level)
    return 3 * len(found)


# -- Xiaohongshu ------------------------------------------------------------------------------------------------------


async def ark_method(name: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """A method that a stream or the reference calls, or an action: requests and replies of the wire are compared."""
    method = Path(name).stem
    if method in ACTIONS:
        calls, broken = (await xiaohongshu_actions.findings(monkeypatch))[method]
        assert broken == []
        return calls
    return (await xiaohongshu_contract.compared(monkeypatch))[method]


# -- Shopify ----------------------------------------------------------------------------------------------------------


def shopify_schema(name: str) -> int:
    content = (FIXTURES / name).read_bytes()
    if ".introspection." in name:
        schema = shopify_contract.introspection(name.rpartition("admin_")[2].partition(".")[0])
    else:
        text = (gzip.decompress(content) if name.endswith(".gz") else content).decode()
        schema = None if "excerpt" in name else build_schema(text, assume_valid=True)
        if schema is None:
            whole = gzip.decompress((FIXTURES / name).with_name("admin_2026-07.graphql.gz").read_bytes()).decode()
            named = {line.split()[1] for line in text.splitlines() if line.startswith("type ")}
            named = {each for each in named if not each.endswith("_excerpt")}
            assert named <= {line.split()[1] for line in whole.splitlines() if line.startswith("type ")}
            return len(named)
    faults = [fault for query in all_queries().values() for fault in validate(schema, parse(query))]
    assert faults == []
    return len(all_queries())


def shopify_body(name: str) -> int:
    kind, _ = shopify_contract.bodies()[Path(name).name]
    assert kind in READERS or kind in UNREAD
    return 1


# -- all --------------------------------------------------------------------------------------------------------------


# Files that a contract test reads by name, with values of their own: the test is run.
PROOFS: Mapping[str, Callable[..., Any]] = {
    "tiktok/shop/api_v2_token_get": tiktok_contract.test_the_token_sample,
    "tiktok/shop/authorization_202309_shops": tiktok_contract.test_the_shop_sample,
    "tiktok/shop/order_202309_orders_search": tiktok_contract.test_the_order_sample,
    "tiktok/shop/product_202309_inventory_search": tiktok_contract.test_the_stock_sample,
    "tiktok/shop/product_202502_products_search": tiktok_contract.test_the_product_sample,
    "tiktok/marketing-recorded/ad": tiktok_ads_contract.test_the_recorded_ad_is_read,
    "tiktok/marketing-recorded/report_rows": tiktok_ads_contract.test_recorded_report_rows_are_read,
    "instagram/graph_v26_derived_catalogue": meta_contract.test_the_emulators_rows_are_of_the_official_types,
    "instagram/recorded/error_posted_before_business_conversion": (
        meta_contract.test_the_recorded_error_is_about_one_post
    ),
    "instagram/recorded/media_insights_for_reels": meta_contract.test_the_recorded_insights_of_a_reel,
    "instagram/recorded/media_page_excerpt": meta_contract.test_the_recorded_media_page,
    "instagram/recorded/user_insights": meta_contract.test_the_recorded_days_of_an_account,
    "instagram/recorded/user_lifetime_insights_for_age_gender": (
        meta_contract.test_the_recorded_demographics_keep_both_dimensions
    ),
    "xiaohongshu/ark-example-responses/oauth.getAccessToken": xiaohongshu_contract.test_the_token_example,
    **dict.fromkeys(
        (f"xiaohongshu/ark-example-responses/order.{name}" for name in ("getOrderDetail", "getOrderList")),
        xiaohongshu_contract.test_the_order_example,
    ),
    **dict.fromkeys(
        (f"xiaohongshu/ark-example-responses/product.{name}" for name in ("getDetailSkuList", "getItemInfo")),
        xiaohongshu_contract.test_the_product_examples,
    ),
    **dict.fromkeys(
        (f"xiaohongshu/ark-example-responses/inventory.{name}" for name in ("getSkuStock", "getSkuStockV2")),
        xiaohongshu_contract.test_the_stock_examples,
    ),
    "xiaohongshu/ark-example-responses/warehouse.list": xiaohongshu_contract.test_the_warehouse_examples,
}


def proof(name: str) -> int:
    """The contract test that reads a file by its name."""
    PROOFS[name.removesuffix(".json")]()
    return 1


def stream_fields(name: str) -> int:
    """A public connector's fields are those that this one asks for, or that are listed as left out."""
    meta_contract.test_published_schemas_of_streams_name_no_figure_that_is_not_read()
    return len(load(name)["properties"])


def example(name: str) -> int:
    """An example of a method that no stream reads fits its schema and is no error."""
    body, schema = load(name), xiaohongshu_contract.schema(Path(name).stem)
    found = list(xiaohongshu_contract.faults(body["data"], schema["response_data"], "data", nulls=True))
    assert [fault for fault in found if "openAddressId" not in fault] == []
    refused = {"success": False, "error_code": -1, "error_msg": "no permission"}
    assert XiaohongshuArk.classify(httpx2.Response(200, json=body)) is None
    assert isinstance(XiaohongshuArk.classify(httpx2.Response(200, json=refused)), ConnectorError)
    return 1


async def juguang(name: str, monkeypatch: pytest.MonkeyPatch) -> int:
    await xiaohongshu_contract.test_calls_of_juguang_use_known_paths_and_fields(monkeypatch)
    return len(load(name)["structures"])


def ads_columns(name: str) -> int:
    """The columns that reports are asked for are among those of a public client, where it asks for the same one."""
    known, checked = load(name)["reports"], 0
    asked: dict[str, set[str]] = {}  # by Amazon's own examples
    for path in (FIXTURES / "amazon" / "ads-recorded").glob("reporting-*"):
        own = json.loads(path.read_text())["response"]["body"]["configuration"]
        asked.setdefault(own["reportTypeId"], set()).update(own["columns"])
    for report in (*map(report_of, mapping_ads.PRODUCTS.values()), *AD_REPORTS.values()):
        recorded = known.get(f"{report.type}:{'+'.join(report.groups)}:DAILY")
        if recorded is not None:
            assert recorded["adProduct"] == report.product.name
            assert set(report.asked) <= {*recorded["columns"], *asked.get(report.type, ())}
            checked += 1
    return checked


def in_folder(check: Callable[[str, Path], int]) -> Callable[[str], Awaitable[int]]:
    """A check that writes files and runs a command with a loop of its own."""

    async def run(name: str) -> int:
        with TemporaryDirectory() as folder:
            return await asyncio.to_thread(check, name, Path(folder))

    return run


ADS = "amazon/ads-stream-schemas/sponsored_"
CHECKS: tuple[tuple[str, str, Callable[..., Any]], ...] = (
    ("amazon/sp-api-models/*", "compared", amazon_model),
    (
        "amazon/notifications-schemas/*",
        "compared",
        lambda name: amazon_notifications.check_schema(Path(name).name),
    ),
    ("amazon/data-kiosk-schemas/*", "compared", amazon_kiosk_schema),
    ("amazon/ads-recorded/*", "compared", amazon_ads_contract.check_recorded),
    ("amazon/ads-report-configurations.json", "compared", ads_columns),
    ("amazon/ads-stream-schemas/*_report_*", "mapped", amazon_ad_reports.check_row),
    (f"{ADS}*_campaigns.json", "mapped", amazon_ads_row),
    (f"{ADS}*_ad_groups.json", "mapped", amazon_ads_row),
    (f"{ADS}product_ads.json", "mapped", amazon_ads_row),
    (f"{ADS}display_product_ads.json", "mapped", amazon_ads_row),
    *(
        (f"amazon/ads-stream-schemas/{stem}.json", "compared", amazon_ads_contract.check_list)
        for stem in amazon_ads_contract.LISTS
    ),
    ("amazon/reports-schemas/accountHealth*", "mapped", amazon_health),
    ("amazon/sp-stream-schemas/Order*s.json", "mapped", amazon_seller_row),
    ("amazon/sp-stream-schemas/ListFinancialEventGroups.json", "mapped", amazon_seller_row),
    ("amazon/sp-stream-schemas/ListFinancialEvents.json", "mapped", in_folder(amazon_events.check_events)),
    ("amazon/sp-stream-schemas/VendorOrders.json", "mapped", in_folder(amazon_events.check_purchase_orders)),
    ("tiktok/marketing-recorded/*", "mapped", proof),
    ("tiktok/marketing-stream-schemas/*", "mapped", tiktok_row),
    ("tiktok/marketing-openapi/*", "compared", lambda name: tiktok_ads_contract.check_call(Path(name).name)),
    ("tiktok/shop/*", "mapped", proof),
    ("instagram/stream-schemas/*", "compared", stream_fields),
    ("instagram/graph_*", "compared", proof),
    ("instagram/*", "mapped", proof),
    ("xiaohongshu/ark-schemas/*", "compared", ark_method),
    *((f"{name}.json", "mapped", proof) for name in PROOFS if "ark-example" in name),
    ("xiaohongshu/ark-example-responses/*", "compared", example),
    ("xiaohongshu/juguang_derived_catalogue.json", "compared", juguang),
    ("shopify/admin-graphql/*", "compared", shopify_schema),
    ("shopify/rest-shapes/*", "mapped", shopify_body),
)


def check_of(name: str) -> tuple[str, Callable[..., Any]] | None:
    """(grade, check) of a file, or None for one that nobody reads."""
    if name in unread():
        return None
    found = next(((grade, check) for pattern, grade, check in CHECKS if fnmatchcase(name, pattern)), None)
    if name.startswith("amazon/ads-recorded/") and has_entities(name):
        return "mapped", amazon_ads_reply
    if name.startswith(("amazon/reports-schemas/", "amazon/sp-stream-schemas/")):
        if amazon_reports.is_read(name):
            return "mapped", amazon_reports.check_report
        if Path(name).stem in amazon_reports.MADE:
            return "compared", amazon_reports.check_made
    if found and found[1] is tiktok_row and Path(name).stem in NO_STREAM:
        return "compared", found[1]
    return found


@pytest.mark.parametrize("name", files() if FIXTURES.is_dir() else [])
async def test_a_file_is_read_or_listed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if name in unread():
        assert unread()[name]["reason"]
        return
    found = check_of(name)
    assert found, f"{name} is neither read nor listed in fixtures.toml"
    more = (monkeypatch,) if len(signature(found[1]).parameters) > 1 else ()
    done = found[1](name, *more)
    assert (await done if isawaitable(done) else done) > 0


def test_at_most_one_file_in_twenty_is_listed() -> None:
    assert len(unread()) <= len(files()) * 0.05
    assert all(list(FIXTURES.glob(row["files"])) for row in LISTED), "a listed file is not there any more"


def test_files_that_carry_orders_stock_or_metrics_are_read() -> None:
    assert [name for name, row in unread().items() if row["carries"]] == []


def test_what_the_checks_prove() -> None:
    grades = Counter(found[0] if (found := check_of(name)) else "listed" for name in files())
    assert sum(grades.values()) == len(files()) > 380
    print(dict(grades))
    assert grades.keys() == {"mapped", "compared", "listed"}
    assert grades["listed"] == len(unread())
