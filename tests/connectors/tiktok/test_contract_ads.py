"""TikTok Ads against the platform's own texts, where that folder is present: requests, replies, recorded rows."""

import json
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.connectors.published import validated
from tests.connectors.tiktok.bench import small_world
from tests.connectors.tiktok.test_ads import ads

from shelftide_sdk.testing.emulator import Request, Response
from shelftide_sdk.testing.world.model import AdEntity
from shelftide_tiktok import ads_tasks
from shelftide_tiktok.emulator_ads import TikTokAdsEmulator
from shelftide_tiktok.emulator_ads_facts import entity_id
from shelftide_tiktok.emulator_ads_reference import pixel_id
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


# -- calls that no stream makes ---------------------------------------------------------------------------------------

# Rows of the small world's advertiser by the schema that describes them: the call and its list.
DESCRIBED: Mapping[str, tuple[str, str]] = {
    "advertiser_ids": ("oauth2/advertiser/get", "list"),
    "audiences": ("dmp/custom_audience/list", "list"),
    "creative_assets_images": ("file/image/ad/search", "list"),
    "creative_assets_music": ("file/music/get", "musics"),
    "creative_assets_portfolios": ("creative/portfolio/list", "creative_portfolios"),
    "creative_assets_videos": ("file/video/ad/search", "list"),
    "pixel_events_statistics": ("pixel/event/stats", "pixel_statistics"),
    "pixel_instant_page_events": ("pixel/instant_page/event", "list"),
    "pixels": ("pixel/list", "pixels"),
    "spark_ads": ("tt_video/list", "list"),
}
# Reports over the whole life of an entity.
LIFETIME: Mapping[str, tuple[str, str]] = {
    "ads_reports_lifetime": ("AUCTION_AD", "ad_id"),
    "ad_groups_reports_lifetime": ("AUCTION_ADGROUP", "adgroup_id"),
    "campaigns_reports_lifetime": ("AUCTION_CAMPAIGN", "campaign_id"),
    "advertisers_reports_lifetime": ("AUCTION_ADVERTISER", "advertiser_id"),
    "advertisers_audience_reports_lifetime": ("AUCTION_ADVERTISER", "advertiser_id"),
}


class Wire:
    """An advertiser of the small world, asked without a connector."""

    def __init__(self) -> None:
        self.emulator = TikTokAdsEmulator(small_world(7))
        self.advertiser = next(iter(self.emulator._accounts))
        self._token = self.emulator.grants.issue(self.advertiser).access

    def ads(self) -> Iterable[AdEntity]:
        """The advertiser's entities."""
        return self.emulator._world_ads(self.emulator._accounts[self.advertiser]).values()

    async def ask(self, call: str, fields: Mapping[str, Any], method: str = "GET") -> dict[str, Any]:
        """The whole reply of a call."""
        query = tuple((name, str(value)) for name, value in fields.items()) if method == "GET" else ()
        headers = {"access-token": self._token, "content-type": "application/json"}
        body = b"" if method == "GET" else json.dumps(fields).encode()
        path = f"/open_api/v1.3/{call}/"
        host = self.emulator.hosts[0]
        request = Request(method=method, host=host, path=path, query=query, headers=headers, body=body)
        self.request = request
        found: dict[str, Any] = json.loads((await self.emulator.handle(request)).body)
        return found

    def fields(self) -> dict[str, Any]:
        """Fields that many calls take."""
        pixel = pixel_id(self.emulator._accounts[self.advertiser])
        window = {"start_date": "2026-01-01", "end_date": "2026-12-31"}
        app = {"app_id": self.emulator.client_id, "secret": self.emulator.client_secret}
        known = {"advertiser_id": self.advertiser, "pixel_ids": json.dumps([pixel]), "date_range": json.dumps(window)}
        return {"advertiser_ids": json.dumps([self.advertiser]), **window, **app, **known}


async def check_described(name: str) -> int:
    """How many rows fit a schema, and have all that it names; none breaks it."""
    wire = Wire()
    call, root = DESCRIBED[name]
    reply = await wire.ask(call, wire.fields())
    rows = reply["data"][root]
    assert [fault for row in rows for fault in violations(row, schema(name))] == []
    assert all(set(row) == set(schema(name)) for row in rows)
    return len(rows)


async def check_lifetime(name: str) -> int:
    """How many rows of a report over a whole life fit its schema, and add up to those of the days."""
    wire = Wire()
    level, key = LIFETIME[name]
    kind = "AUDIENCE" if "audience" in name else "BASIC"
    asked = {"report_type": kind, "service_type": "AUCTION", "data_level": level, "page_size": 1000}
    asked |= {"advertiser_id": wire.advertiser, "metrics": json.dumps(["spend", "clicks"])}
    whole = await wire.ask(
        "report/integrated/get", {**asked, "dimensions": json.dumps([key]), "query_lifetime": "true"}
    )
    rows = whole["data"]["list"]
    assert [fault for row in rows for fault in violations(row, schema(name))] == []
    clicks = dict.fromkeys((row["dimensions"][key] for row in rows), 0)
    emulator, day = wire.emulator, {"dimensions": json.dumps([key, "stat_time_day"])}
    start = emulator.world.start.date() - timedelta(days=1)
    while start <= emulator.now.date():
        window = {"start_date": start.isoformat(), "end_date": (start + timedelta(days=29)).isoformat()}
        for row in (await wire.ask("report/integrated/get", {**asked, **day, **window}))["data"]["list"]:
            clicks[row["dimensions"][key]] += int(row["metrics"]["clicks"])
        start += timedelta(days=30)
    assert {row["dimensions"][key]: int(row["metrics"]["clicks"]) for row in rows} == clicks
    return len(rows)


REPORT = {
    "report_type": "BASIC",
    "service_type": "AUCTION",
    "data_level": "AUCTION_AD",
    "dimensions": '["ad_id", "stat_time_day"]',
    "metrics": '["spend"]',
    "start_date": "2026-03-01",
    "end_date": "2026-03-07",
}


def envelope_faults(reply: Mapping[str, Any], about: Mapping[str, Any]) -> list[str]:
    """What a reply's envelope breaks: its members, their types, and which of them may be null."""
    members = about["responses"]["200"]["content"]["application/json"]["schema"]["properties"]
    found = [f"{name} is unknown" for name in reply if name not in members]
    for name, value in reply.items():
        form = members.get(name, {})
        if value is None and not form.get("nullable"):
            found.append(f"{name} is null")
        if value is not None and not isinstance(value, {"integer": int}.get(form.get("type"), KINDS[form["type"]])):
            found.append(f"{name} is no {form['type']}")
    return found


async def check_call(name: str) -> int:
    """How many calls were made as a text says: one with all that it requires, and one without each of them."""
    text = yaml.safe_load((FIXTURES / "marketing-openapi" / name).read_text())
    ((path, methods),) = text["paths"].items()
    ((method, about),) = methods.items()
    wire, call = Wire(), path.strip("/")
    known = [p for p in about.get("parameters", []) if p["name"] != "Access-Token"]
    needed = [p["name"] for p in known if p.get("required")]
    if body := about.get("requestBody"):
        needed += next(iter(body["content"].values()))["schema"].get("required", [])
    fields = dict.fromkeys(needed, "7") | wire.fields()
    if call == "campaign/gmv_max/info":
        fields["campaign_id"] = next(entity_id(ad.key) for ad in wire.ads())
    extra: dict[str, Any] = {}
    if name in COMPARED:
        extra = REPORT | {"advertiser_id": wire.advertiser}
    if call.startswith("report/task/"):
        lists = {"dimensions": json.loads(REPORT["dimensions"]), "metrics": json.loads(REPORT["metrics"])}
        extra = REPORT | lists | {"advertiser_id": wire.advertiser}
    if call == "report/task/check":
        made = await wire.ask("report/task/create", extra, "POST")
        extra = {"task_id": made["data"]["task_id"], "advertiser_id": wire.advertiser}
    fields |= extra
    asked = {*needed, *extra} | ({"advertiser_id"} & {p["name"] for p in known})
    reply = await wire.ask(call, {each: fields[each] for each in asked}, method.upper())
    assert (reply["code"], envelope_faults(reply, about)) == (0, [])
    if method == "get":
        assert request_faults(wire.request, text) == []
    for left in needed:
        refused = await wire.ask(call, {each: fields[each] for each in asked if each != left}, method.upper())
        assert (refused["code"], left in refused["message"]) == (40002, True), left
        assert envelope_faults(refused, about) == []
    return 1 + len(needed)


async def test_calls_that_no_stream_makes_fit_the_platforms_texts() -> None:
    counts = [await check_call(path.name) for path in sorted((FIXTURES / "marketing-openapi").glob("*.yml"))]
    validated("tiktok-ads, other calls", sum(counts), sum(counts), [])
