"""Recorded replies and the catalogue of Graph API v26, where that folder is present: each is read or validated."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.connectors.published import validated

from shelftide_meta import emulator_ads_facts, emulator_facts
from shelftide_meta.mapping_ads import AD_FIELDS, AD_SET_FIELDS, BREAKDOWN_FIELDS, CAMPAIGN_FIELDS, INSIGHT_FIELDS
from shelftide_meta.mapping_instagram import (
    COMMENT_FIELDS,
    MEDIA_FIELDS,
    PRODUCT_FIELDS,
    PROFILE_FIELDS,
    PUBLIC_MEDIA,
    PUBLIC_PROFILE,
    STORY_FIELDS,
    TAG_FIELDS,
    day_figures,
    map_content,
    map_demographics,
    map_profile_days,
    map_snapshot,
    post_figures,
)
from shelftide_meta.metrics import BY_KIND, living
from shelftide_meta.replies import GraphError, classify
from shelftide_sdk.records import AudienceDay, Content, ContentKind, ProfileDay
from shelftide_sdk.testing.world import World
from shelftide_sdk.testing.world.model import Network

FIXTURES = Path(__file__).parents[4] / "shared" / "platforms" / "fixtures" / "instagram"
NOW = datetime(2026, 7, 1, 12, 30, tzinfo=UTC)
READ = {
    "graph_v26_derived_catalogue.json",
    "recorded/error_posted_before_business_conversion.json",
    "recorded/media_insights_for_reels.json",
    "recorded/media_page_excerpt.json",
    "recorded/user_insights.json",
    "recorded/user_lifetime_insights_for_age_gender.json",
    "stream-schemas/Api.json",
    "stream-schemas/Media.json",
    "stream-schemas/MediaInsights.json",
    "stream-schemas/Stories.json",
    "stream-schemas/StoryInsights.json",
    "stream-schemas/UserInsights.json",
    "stream-schemas/UserLifetimeInsights.json",
    "stream-schemas/Users.json",
}

pytestmark = [
    pytest.mark.contract,
    pytest.mark.skipif(not FIXTURES.is_dir(), reason="the folder of published samples is not here"),
]


def sample(name: str) -> Any:
    return json.loads((FIXTURES / name).read_text())


def test_every_fixture_is_used() -> None:
    assert {str(path.relative_to(FIXTURES)) for path in FIXTURES.rglob("*.json")} == READ


def test_the_recorded_media_page() -> None:
    rows = sample("recorded/media_page_excerpt.json")["data"]
    records = [record for row in rows for record in map_content(row, "41408147298757123")]
    posts = [record for record in records if isinstance(record, Content) and record.parent_id is None]
    children = [record for record in records if isinstance(record, Content) and record.parent_id is not None]
    assert [post.kind for post in posts] == [
        ContentKind.REEL,
        ContentKind.REEL,
        ContentKind.VIDEO,
        ContentKind.CAROUSEL,
        ContentKind.IMAGE,
    ]
    assert posts[0].published_at == datetime(2023, 6, 12, 19, 20, 2, tzinfo=UTC)
    assert [child.parent_id for child in children] == [posts[3].source_id] * 4
    snapshots = [map_snapshot(row, {}, NOW) for row in rows]
    assert [snapshot.likes for snapshot in snapshots] == [12, 10, 2, 8, 27]
    assert all(snapshot.views is None and snapshot.reach is None for snapshot in snapshots)


def test_the_recorded_insights_of_a_reel() -> None:
    figures = post_figures(sample("recorded/media_insights_for_reels.json")["data"])
    found = map_snapshot({"id": "84386203808767123"}, figures, NOW)
    assert (found.views, found.reach, found.likes, found.comments, found.shares, found.saves) == (
        2385,
        2006,
        108,
        7,
        1,
        7,
    )
    assert (found.average_watch_seconds, found.watch_seconds) == (12.549, 30017.581)


def test_the_recorded_days_of_an_account() -> None:
    rows = sample("recorded/user_insights.json")["data"]
    figures = [figure for row in rows for figure in day_figures(row)]
    ((found,), _) = map_profile_days("1", figures, None, date(2026, 7, 1), date(2026, 7, 1))
    assert isinstance(found, ProfileDay)
    assert (found.day, found.reach, found.new_followers) == (date(2024, 1, 14), 500, 1000)
    assert found.followers is None


def test_the_recorded_demographics_keep_both_dimensions() -> None:
    (row,) = sample("recorded/user_lifetime_insights_for_age_gender.json")["data"]
    found = map_demographics(row, "1", NOW.date(), "follower_demographics", ["age", "gender"])
    counts = {r.bucket: r.count for r in found if isinstance(r, AudienceDay)}
    assert counts == {"18-24,F": 10, "18-24,M": 7, "18-24,U": 1, "25-34,F": 25, "25-34,M": 19, "25-34,U": 2}


def test_the_recorded_error_is_about_one_post() -> None:
    body = sample("recorded/error_posted_before_business_conversion.json")
    error = classify(httpx2.Response(400, json=body))
    assert isinstance(error, GraphError)
    assert error.is_before_business


# -- what is asked for exists in v26 ----------------------------------------------------------------------------------


def catalogue() -> Mapping[str, Any]:
    found: Mapping[str, Any] = sample("graph_v26_derived_catalogue.json")["classes"]
    return found


def top(fields: str) -> set[str]:
    while "{" in fields:
        fields = re.sub(r"\{[^{}]*\}", "", fields)
    return set(fields.split(","))


@pytest.mark.parametrize(
    ("name", "fields", "edges"),
    [
        ("iguser", PROFILE_FIELDS, set()),
        ("iguser", PUBLIC_PROFILE, set()),
        ("igmedia", MEDIA_FIELDS, {"children"}),
        ("igmedia", STORY_FIELDS, set()),
        ("igmedia", TAG_FIELDS, set()),
        ("igmedia", PUBLIC_MEDIA, set()),
        ("igcomment", COMMENT_FIELDS, {"replies"}),
        ("shadowigmediaproducttags", PRODUCT_FIELDS, set()),
        ("campaign", CAMPAIGN_FIELDS, set()),
        ("adset", AD_SET_FIELDS, set()),
        ("ad", AD_FIELDS, set()),
        ("adsinsights", INSIGHT_FIELDS, set()),
        ("adsinsights", BREAKDOWN_FIELDS, set()),
    ],
)
def test_every_field_that_is_asked_for_exists(name: str, fields: str, edges: set[str]) -> None:
    known = catalogue()[name]
    asked = top(fields) - edges
    assert len(asked) > 5
    assert asked <= set(known["fields"])
    assert {f"/{edge}" for edge in edges} <= {edge["endpoint"] for edge in known["edges"]}


def test_every_metric_of_a_post_exists_in_its_version() -> None:
    known = set(catalogue()["instagraminsightsresult"]["enums"]["Metric"])
    asked = {name for names in BY_KIND.values() for name in living(names, "v26.0")}
    assert len(asked) > 10
    assert asked <= known
    assert "plays" not in asked
    assert "views" in asked
    assert {"plays", "impressions"} <= {name for names in BY_KIND.values() for name in living(names, "v21.0")}


# -- what the emulator answers is of the official types --------------------------------------------------------------

_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "int": (int,),
    "unsigned int": (int,),
    "bool": (bool,),
    "float": (float, int),
    "datetime": (str,),
}


def violations(name: str, row: Mapping[str, Any], edges: set[str]) -> Iterator[str]:
    fields = catalogue()[name]["fields"]
    for field, value in row.items():
        if field not in fields and field not in edges:
            yield f"{name}.{field} is not known"
        expected = _TYPES.get(fields.get(field, ""))
        if expected and not isinstance(value, expected):
            yield f"{name}.{field} is {value!r}, not {fields[field]}"


def test_the_emulators_rows_are_of_the_official_types() -> None:
    world = World(seed=11, now=NOW, size="small")
    brand = next(brand for brand in world.brands if "meta-ads" in brand.accounts)
    account_id = brand.accounts[Network.INSTAGRAM]
    posts = emulator_facts.posts_of(world, brand)
    profile = emulator_facts.profile_row(
        brand, account_id, world.profile_days(brand.key, Network.INSTAGRAM), len(posts)
    )
    del profile["user_id"]  # of Instagram Login alone
    checked: list[tuple[str, Mapping[str, Any]]] = [("iguser", profile)]
    for video in posts:
        checked.append(("igmedia", emulator_facts.media_row(video, account_id, "a", world.now)))
        checked += [("igcomment", row) for row in emulator_facts.comment_rows(video, 4)]
        checked += [("shadowigmediaproducttags", row) for row in emulator_facts.product_rows(brand, video)]
    checked += [("igmedia", row) for row in emulator_facts.story_rows(brand, account_id, world.now)]
    checked += [("igmedia", row) for row in emulator_facts.tag_rows(world, brand)]
    for edge, name in (("campaigns", "campaign"), ("adsets", "adset"), ("ads", "ad")):
        checked += [(name, row) for row in emulator_ads_facts.entity_rows(world, brand, edge)]
    shown = emulator_ads_facts.Shown(windows=("1d_click", "7d_click"))
    days = (NOW.date().replace(month=6), NOW.date())
    checked += [("adsinsights", row) for row in emulator_ads_facts.insight_rows(world, brand, days, shown)]
    found = [bug for name, row in checked for bug in violations(name, row, {"children", "replies"})]
    validated("instagram and meta-ads", 0, len(checked), found)


def test_published_schemas_of_streams_name_no_figure_that_is_not_read() -> None:
    """The fields of a public connector's streams are fields that this one asks for, or lists as left out."""
    media = set(sample("stream-schemas/Media.json")["properties"])
    left = {"business_account_id", "page_id", "children"}
    assert media - left <= top(MEDIA_FIELDS)
    stories = set(sample("stream-schemas/Stories.json")["properties"])
    assert stories - left <= top(STORY_FIELDS) | top(MEDIA_FIELDS)
    users = set(sample("stream-schemas/Users.json")["properties"])
    assert users - {"page_id", "follows_count"} <= top(PROFILE_FIELDS)
    insights = set(sample("stream-schemas/MediaInsights.json")["properties"])
    asked = {name for names in BY_KIND.values() for name in names}
    dead = {"video_views", "carousel_album_engagement", "carousel_album_impressions", "engagement"}
    assert insights - left - {"id"} <= asked | dead
    told = set(sample("stream-schemas/StoryInsights.json")["properties"])
    assert told - left - {"id"} <= asked | {"exits", "taps_forward", "taps_back"}
    days = set(sample("stream-schemas/UserInsights.json")["properties"])
    assert {"follower_count", "reach", "online_followers"} <= days
    assert {"metric", "date", "value"} & set(sample("stream-schemas/UserLifetimeInsights.json")["properties"])
    assert sample("stream-schemas/Api.json")["properties"]
