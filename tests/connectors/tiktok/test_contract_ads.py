"""TikTok Ads against the platform's own texts, where that folder is present: requests, replies, recorded rows."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.connectors.published import validated
from tests.connectors.tiktok.bench import small_world
from tests.connectors.tiktok.test_ads import ads

from shelftide_sdk.testing.emulator import Request, Response
from shelftide_tiktok import ads_tasks
from shelftide_tiktok.emulator_ads import TikTokAdsEmulator
from shelftide_tiktok.mapping_ads import ID_OF, Advertiser, map_ad, map_ad_day

FIXTURES = Path(__file__).parents[4] / "shared" / "platforms" / "fixtures" / "tiktok"
OF = Advertiser(advertiser_id="7002238017842757633", currency="USD", zone="America/Los_Angeles")
# What a stream schema was made of: the wire has ids as text where the schema, which a connector wrote, has integers.
KINDS: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int, str),
    "number": (int, float, str),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}
SCHEMA_OF = {"campaign": "campaigns", "adgroup": "ad_groups", "ad": "ads"}
REPORT_OF = {
    "campaign_id": "campaigns_reports_daily",
    "adgroup_id": "ad_groups_reports_daily",
    "ad_id": "ads_reports_daily",
}

pytestmark = [
    pytest.mark.contract,
    pytest.mark.skipif(not FIXTURES.is_dir(), reason="the folder of published samples is not here"),
]


def recorded(name: str) -> Any:
    return json.loads((FIXTURES / "marketing-recorded" / name).read_text())


def schema(name: str) -> dict[str, Any]:
    found = json.loads((FIXTURES / "marketing-stream-schemas" / f"{name}.json").read_text())
    properties: dict[str, Any] = found["properties"]
    return properties


def violations(row: Mapping[str, Any], properties: Mapping[str, Any]) -> list[str]:
    """Fields whose type the schema does not allow, and fields that it does not know."""
    found = []
    for name, value in row.items():
        if name not in properties:
            found.append(f"{name} is unknown")
            continue
        kinds = properties[name].get("type", [])
        allowed = tuple(kind for each in ([kinds] if isinstance(kinds, str) else kinds) for kind in KINDS[each])
        if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed):
            found.append(f"{name}: {value!r} is none of {kinds}")
        if isinstance(value, dict) and "properties" in properties[name]:
            found += violations(value, properties[name]["properties"])
    return found


def test_recorded_report_rows_are_read() -> None:
    found = recorded("report_rows.json")
    count = 0
    for name, rows in found.items():
        if name.startswith("_"):
            continue
        for row in rows:
            level = next(each for each, key in ID_OF.items() if key in row["dimensions"])
            day = map_ad_day(row, OF, level)
            count += 1
            assert day.spend is not None
            assert str(day.spend.amount) == row["metrics"]["spend"]
            assert day.impressions == int(row["metrics"]["impressions"])
            assert day.video_views == int(row["metrics"]["video_play_actions"])
    assert count > 1


def test_the_recorded_ad_is_read() -> None:
    row = recorded("ad.json")["ad"]
    ad = map_ad(row, OF)
    assert (ad.source_id, ad.ad_group_id) == (str(row["ad_id"]), str(row["adgroup_id"]))
    assert ad.status == "ad_status_campaign_disable"
    assert ad.content_id is None


async def test_requests_and_replies_fit_the_platforms_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every parameter of a call is one of its specification, every enum value is known; every row fits its schema."""
    bench = ads(small_world(7))
    seen: list[tuple[Request, Response]] = []
    handle = TikTokAdsEmulator.handle

    async def noted(self: TikTokAdsEmulator, request: Request) -> Response:
        seen.append((request, await handle(self, request)))
        return seen[-1][1]

    monkeypatch.setattr(TikTokAdsEmulator, "handle", noted)
    for stream in bench.connector.streams:
        await bench.read(stream.name)
    assert len(seen) > 20
    bad: list[str] = []
    checked = rows = 0
    for request, response in seen:
        path = request.path.removeprefix("/open_api/v1.3/")
        file = FIXTURES / "marketing-openapi" / path_of(request)
        if file.exists():
            checked += 1
            bad += request_faults(request, yaml.safe_load(file.read_text()))
        for row in json.loads(response.body)["data"].get("list", []):
            rows += 1
            bad += violations(row, _schema(path, row))
    assert rows > 500
    assert {path_of(request) for request, _ in seen} >= COMPARED
    validated("tiktok-ads", checked, len(seen), bad)


async def test_asynchronous_requests_fit_the_platforms_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = ads(small_world(7))
    monkeypatch.setattr(ads_tasks, "LEAST_DAYS", 10)
    monkeypatch.setattr(ads_tasks, "_FIRST_WAIT", 0.0)
    seen: list[Request] = []
    handle = TikTokAdsEmulator.handle

    async def noted(self: TikTokAdsEmulator, request: Request) -> Response:
        seen.append(request)
        return await handle(self, request)

    monkeypatch.setattr(TikTokAdsEmulator, "handle", noted)
    await bench.read("ad_days")
    asked = [request for request in seen if "/report/task/" in request.path]
    bad: list[str] = []
    checked = 0
    for request in asked:
        file = FIXTURES / "marketing-openapi" / path_of(request)
        if file.exists():  # the SDK has no text of the download
            checked += 1
            text = yaml.safe_load(file.read_text())
            bad += request_faults(request, text) if request.method == "GET" else body_faults(request, text)
    assert {path_of(request) for request in asked} >= {"report_task_create.yml", "report_task_check.yml"}
    assert bad == []
    assert checked >= 6, len(asked)


def body_faults(request: Request, text: Mapping[str, Any]) -> list[str]:
    """Fields of a JSON body that the text does not know, of another type, with an unknown word, or missing."""
    (methods,) = text["paths"].values()
    described = methods["post"]["requestBody"]["content"]["application/json"]["schema"]
    known, body = described["properties"], request.json()
    faults = [f"{name} is no field of {request.path}" for name in body if name not in known]
    for name in set(body) & set(known):
        words = [each["value"] for each in known[name].get("x-open-enum", {}).get("enums", ())]
        if not isinstance(body[name], KINDS[known[name]["type"]]):
            faults.append(f"{name} is {body[name]!r}, not a {known[name]['type']}")
        elif words and body[name] not in words:
            faults.append(f"{name}={body[name]} is none of {words}")
    return faults + [f"{name} is missing" for name in described["required"] if name not in body]


# The calls of the connector that the texts describe.
COMPARED = {"report_integrated_get.yml"}


def path_of(request: Request) -> str:
    """The file that describes a call."""
    return request.path.removeprefix("/open_api/v1.3/").strip("/").replace("/", "_") + ".yml"


def _schema(path: str, row: Mapping[str, Any]) -> dict[str, Any]:
    if not path.startswith("report/"):
        return schema(SCHEMA_OF[path.split("/", maxsplit=1)[0]])
    name = next(name for name in REPORT_OF if name in row["dimensions"])
    properties = schema(REPORT_OF[name])
    cut = {"country_code", "gender", "age", "platform"} & set(row["dimensions"])
    return properties | ({"dimensions": {"type": "object"}} if cut else {})


def request_faults(request: Request, text: Mapping[str, Any]) -> list[str]:
    (methods,) = text["paths"].values()
    known = {each["name"]: each for each in methods[request.method.lower()]["parameters"]}
    faults = [f"{name} is no parameter of {request.path}" for name, _ in request.query if name not in known]
    for name, value in request.query:
        words = known.get(name, {}).get("schema", {}).get("enum")
        if words and value not in words:
            faults.append(f"{name}={value} is none of {words}")
    sent = {name for name, _ in request.query} | {name.title() for name in request.headers}
    return faults + [f"{name} is missing" for name, each in known.items() if each.get("required") and name not in sent]
