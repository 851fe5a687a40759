"""Amazon Ads' other calls: the emulator answers recorded requests in the form of the recorded replies."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from tests.connectors.amazon.model import breaches
from tests.connectors.published import FIXTURES, validated

from shelftide_amazon.ads_reports import request_of
from shelftide_amazon.emulator import AmazonEmulator
from shelftide_amazon.emulator_ads import MEDIA
from shelftide_amazon.emulator_ads_actions import keyword_row, target_row
from shelftide_amazon.emulator_ads_facts import NETWORK, entity_rows
from shelftide_amazon.mapping_ad_reports import AD_REPORTS
from shelftide_sdk.testing.conformance.foundation import small_world
from shelftide_sdk.testing.emulator import Request
from shelftide_sdk.testing.world.model import Brand, stable_id

# Lists of rows that a published schema describes: how they are asked for, and where they are in the reply.
LISTS: Mapping[str, tuple[str, str, str]] = {
    "sponsored_product_keywords": ("POST", "/sp/keywords/list", "keywords"),
    "sponsored_product_negative_keywords": ("POST", "/sp/negativeKeywords/list", "negativeKeywords"),
    "sponsored_product_campaign_negative_keywords": (
        "POST",
        "/sp/campaignNegativeKeywords/list",
        "campaignNegativeKeywords",
    ),
    "sponsored_product_targetings": ("POST", "/sp/targets/list", "targetingClauses"),
    "sponsored_display_targetings": ("GET", "/sd/targets", ""),
    "profiles": ("GET", "/v2/profiles", ""),
}


@cache
def emulator() -> AmazonEmulator:
    return AmazonEmulator(small_world(7))


def brand_with(product: str) -> tuple[str, Brand]:
    """(user, brand) with ads of a product."""
    found = ((user, brand) for user, brands in emulator().advertisers().items() for brand in brands)
    return next((user, brand) for user, brand in found if entity_rows(emulator().world, brand, product, "adGroups"))


async def ask(product: str, method: str, address: str, body: Any = None) -> tuple[int, Any]:
    """(status, body) of a call as an advertiser with ads of that product."""
    user, brand = brand_with(product)
    headers = {
        "authorization": f"Bearer {emulator().grants.issue(user).text}",
        "amazon-advertising-api-clientid": emulator().client_id,
        "amazon-advertising-api-scope": brand.accounts[NETWORK],
        "content-type": MEDIA,
    }
    parts, content = urlsplit(address), b"" if body is None else json.dumps(body).encode()
    query = tuple(parse_qsl(parts.query))
    host = "advertising-api.amazon.com"
    reply = await emulator().handle(
        Request(method=method, host=host, path=parts.path, query=query, headers=headers, body=content)
    )
    return reply.status, json.loads(reply.body)


def named(product: str) -> dict[str, str]:
    """What the advertiser has, by the placeholders of recorded requests."""
    _, brand = brand_with(product)
    group = entity_rows(emulator().world, brand, product, "adGroups")[0]
    level = "ads" if product == "sb" else "productAds"
    ad = entity_rows(emulator().world, brand, product, level)[0]
    return {
        **{name: str(group[name]) for name in ("campaignId", "adGroupId")},
        "adId": str(ad["adId"]),
        "keywordId": keyword_row(group)["keywordId"],
        "targetId": target_row(brand, group)["targetId"],
        "themeId": str(stable_id("amazon-theme", str(group["adGroupId"]), 15)),
        "exportId": str(stable_id("amazon-export", brand.key, 18)),
        "subscriptionId": "amzn1.fead.cs1.1",
    }


def filled(value: Any, known: Mapping[str, str], key: str = "") -> Any:
    """A recorded request that names what the advertiser has, in placeholders and in members of those names."""
    if isinstance(value, Mapping):
        return {name: filled(each, known, name if name != "include" else key) for name, each in value.items()}
    if isinstance(value, list):
        return [filled(each, known, key) for each in value]
    stem = key.removesuffix("Filter").removesuffix("s")
    if stem in known and isinstance(value, str | int):
        return known[stem] if isinstance(value, str) else int(known[stem])
    return value


def _kind(value: Any) -> str:
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__


def shape_faults(recorded: Any, made: Any, where: str = "$") -> Iterator[str]:
    """Where two replies are not of one form: other names, other types, nothing in place of something."""
    if recorded is None or made is None:
        return
    if _kind(recorded) != _kind(made):
        yield f"{where} is {made!r}, recorded was {recorded!r}"
    elif isinstance(recorded, dict):
        yield from (f"{where}.{name} is missing" for name in recorded.keys() - made.keys())
        yield from (f"{where}.{name} was not recorded" for name in made.keys() - recorded.keys())
        for name in recorded.keys() & made.keys():
            yield from shape_faults(recorded[name], made[name], f"{where}.{name}")
    elif isinstance(recorded, list):
        if bool(recorded) != bool(made):
            yield f"{where} has {len(made)} rows, recorded were {len(recorded)}"
        for one, other in zip(recorded[:1], made[:1], strict=False):
            yield from shape_faults(one, other, f"{where}[]")


def recorded(name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """(request, response) of a recorded reply."""
    found = json.loads((FIXTURES / name).read_text())
    return found["request"], found["response"]


def _body(text: Any, known: Mapping[str, str]) -> Any:
    """A recorded body; one that is text holds bare placeholders in the places of numbers."""
    if isinstance(text, str):
        text = json.loads(re.sub(r"\{\{(\w+)\}\}", lambda found: known[found[1]], text))
    return None if text is None else filled(text, known)


async def check_recorded(name: str) -> int:
    """A recorded request gets a reply of the recorded status and form; without its rows it is refused."""
    asked, answered = recorded(name)
    if "reporting" in name:
        return await _check_report(answered)
    address = re.sub(r":(\w+)", r"{{\1}}", asked["url"].removeprefix("{{api_url}}").replace("https:", ""))
    product = next((each for each in ("sb", "sd") if address.startswith(f"/{each}/")), "sp")
    known = named(product)
    address = re.sub(r"\{\{(\w+)\}\}", lambda found: known[found[1]], address)
    body = _body(asked["body"], known)
    status, made = await ask(product, asked["method"], address, body)
    assert (status, list(shape_faults(answered["body"], made))) == (answered["status"], [])
    if body:
        refused, told = await ask(product, asked["method"], address, [] if isinstance(body, list) else {})
        assert (refused, told["code"]) == (400, "400")
    return 2 if body else 1


async def _check_report(answered: Mapping[str, Any]) -> int:
    """A report of the recorded type is made and told as it was, but for its columns and filters.

    It is asked for until it is complete: while it is made, the same request again is a duplicate.
    """
    wanted = answered["body"]["configuration"]
    report = next(
        r for r in AD_REPORTS.values() if (r.type, list(r.groups)) == (wanted["reportTypeId"], wanted["groupBy"])
    )
    last = emulator().world.now.date() - timedelta(days=2)
    status, made = await ask("sp", "POST", "/reporting/reports", request_of(report, (last, last)))
    assert status == 200, made
    told = [made]
    while told[-1]["status"] != "COMPLETED":
        again, state = await ask("sp", "GET", f"/reporting/reports/{made['reportId']}")
        assert again == 200, state
        told.append(state)
    for found in told:
        assert list(shape_faults(answered["body"], found)) == []
        assert found["configuration"]["adProduct"] == wanted["adProduct"]
    refused, _ = await ask(
        "sp", "POST", "/reporting/reports", {"configuration": {**wanted, "reportTypeId": "spWishes"}}
    )
    assert refused == 400
    return 3


async def check_list(name: str) -> int:
    """How many rows of a list fit their schema; none breaks it."""
    schema = json.loads((FIXTURES / name).read_text())
    method, path, root = LISTS[Path(name).stem]
    status, body = await ask("sd" if path.startswith("/sd/") else "sp", method, path, {} if method == "POST" else None)
    rows = body[root] if root else body
    assert status == 200
    assert [breach for row in rows for breach in breaches(row, schema, schema)] == []
    return len(rows)


@pytest.mark.contract
@pytest.mark.skipif(not FIXTURES.is_dir(), reason="the folder of published samples is not here")
async def test_recorded_requests_get_replies_of_the_recorded_form() -> None:
    counts: Counter[str] = Counter()
    for path in sorted((FIXTURES / "amazon" / "ads-recorded").glob("*.json")):
        name = str(path.relative_to(FIXTURES))
        if any(f"/{action}" in name for action in ANSWERED):
            counts[name] += await check_recorded(name)
    for stem in LISTS:
        counts[stem] += await check_list(f"amazon/ads-stream-schemas/{stem}.json")
    validated("amazon-ads, other calls", sum(counts.values()), sum(counts.values()), [])


ANSWERED = ("amazon-marketing-stream", "budget-usage", "exports", "reporting", "sponsored-brands-targeting")


async def test_what_an_advertiser_does_not_have_is_refused() -> None:
    row = {"campaignId": "1", "adGroupId": "2", "keywordText": "x"}
    assert (await ask("sp", "POST", "/sp/keywords", {"keywords": [row]}))[0] == 422
    assert (await ask("sp", "POST", "/sp/campaigns/delete", {"campaignIdFilter": {"include": ["1"]}}))[0] == 422
    assert (await ask("sb", "DELETE", "/sb/targets/1"))[0] == 422
    assert (await ask("sp", "GET", "/exports/1"))[0] == 404
    status, body = await ask("sp", "POST", "/sp/campaigns/budget/usage", {"campaignIds": ["1"]})
    assert (status, body["success"], body["error"][0]["campaignId"]) == (200, [], "1")
