"""Errors say what to do; jobs are split; paging, tokens and webhooks behave."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from shelftide_meta.ads import MetaAds
from shelftide_meta.auth import (
    INSTAGRAM_AUTH,
    appsecret_proof,
    build_exchange,
    build_refresh,
    parse_token,
    sign_webhook,
    verify_webhook,
)
from shelftide_meta.emulator_ads import AdsNodes
from shelftide_meta.emulator_door import GraphFault
from shelftide_meta.graph import next_place
from shelftide_meta.instagram import Instagram
from shelftide_meta.replies import GraphError, classify
from shelftide_sdk.auth import App
from shelftide_sdk.connector import Connector, WebhookRequest, days
from shelftide_sdk.errors import (
    AuthorizationError,
    ConfigurationError,
    ConnectorError,
    ContractError,
    RateLimitedError,
    TransientError,
)
from shelftide_sdk.records import AdDay, Comment, Content, ContentSnapshot
from shelftide_sdk.testing.conformance import Bench, ConnectorConformance
from shelftide_sdk.testing.emulator import Request

NOW = datetime(2026, 7, 1, 12, 30, tzinfo=UTC)
APP = App(client_id="c", client_secret="s3cret", redirect_uri="https://app.example/back")  # an example


def answer(code: Any, subcode: int = 0, message: str = "no", status: int = 400, **headers: str) -> Any:
    error = {"message": message, "type": "OAuthException", "code": code, "error_subcode": subcode}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return classify(httpx2.Response(status, json={"error": error}, headers=named))


@pytest.mark.parametrize("status", [200, 400, 500])
@pytest.mark.parametrize(
    ("code", "subcode", "message", "kind"),
    [
        (190, 463, "", AuthorizationError),
        (190, 460, "", AuthorizationError),
        (102, 0, "", AuthorizationError),
        (10, 0, "(#10) no permission", AuthorizationError),
        (10, 0, "(#10) Not enough viewers for the media to show insights", GraphError),
        (200, 0, "", AuthorizationError),
        (294, 0, "", AuthorizationError),
        (368, 0, "", AuthorizationError),
        (4, 0, "", RateLimitedError),
        (17, 2446079, "", RateLimitedError),
        (32, 0, "", RateLimitedError),
        (341, 0, "", RateLimitedError),
        (613, 0, "", RateLimitedError),
        (80004, 0, "", RateLimitedError),
        (80008, 0, "", RateLimitedError),
        (80007, 0, "", GraphError),
        (1, 0, "unknown", TransientError),
        (1, 99, "Please reduce the amount of data you're asking for", GraphError),
        (2, 0, "", TransientError),
        (960, 0, "", GraphError),
        (100, 33, "", GraphError),
        (100, 2108006, "", GraphError),
        (100, 0, "Cannot include actions in summary param", TransientError),
        (3018, 0, "", GraphError),
        ("190", 0, "", AuthorizationError),
        (None, 0, "", GraphError),
    ],
)
def test_codes_say_what_to_do(status: int, code: Any, subcode: int, message: str, kind: type[ConnectorError]) -> None:
    assert type(answer(code, subcode, message, status)) is kind


def test_the_longest_wait_that_headers_name_is_kept() -> None:
    usage = json.dumps({"1": [{"estimated_time_to_regain_access": 3}], "2": [{"estimated_time_to_regain_access": 12}]})
    assert answer(80002, x_business_use_case_usage=usage).retry_after == timedelta(minutes=12)
    spent = json.dumps({"acc_id_util_pct": 100, "reset_time_duration": 90})
    assert answer(17, x_ad_account_usage=spent).retry_after == timedelta(seconds=90)
    assert answer(4, retry_after="7", x_business_use_case_usage=usage).retry_after == timedelta(seconds=7)
    assert answer(4, x_business_use_case_usage="nonsense").retry_after == timedelta(minutes=1)


def test_what_is_not_json_is_the_clients_or_a_cut_reply() -> None:
    assert classify(httpx2.Response(502, content=b"<html>")) is None
    assert classify(httpx2.Response(200, json={"data": []})) is None
    with pytest.raises(TransientError):
        classify(httpx2.Response(200, content=b'{"data": ['))
    assert isinstance(classify(httpx2.Response(200, json={"error": "broken"})), ContractError)


def test_a_cursor_without_next_is_the_last_page() -> None:
    assert next_place({"data": []}) is None
    assert next_place({"data": [], "paging": {"cursors": {"after": "x"}}}) is None
    page = {"cursors": {"after": "x"}, "next": "https://graph.facebook.com/v26.0/1/media?after=x&access_token=EAA"}
    assert next_place({"data": [], "paging": page}) == {"after": "x"}
    timed = {"next": "https://evil.example/1?until=17&access_token=EAA&limit=3"}
    assert next_place({"data": [], "paging": timed}) == {"until": "17"}
    for broken in ({"next": 7}, {"next": ""}, "more", {"next": "https://x.example/?access_token=EAA"}):
        with pytest.raises(ContractError):
            next_place({"data": [], "paging": broken})


# -- tokens -----------------------------------------------------------------------------------------------------------


def test_a_short_token_is_traded_at_once_and_a_long_one_ends_with_the_grant() -> None:
    short = parse_token({"access_token": "A", "token_type": "bearer", "expires_in": 5400}, NOW)
    assert short.expires_at == NOW
    request = build_refresh(APP, {}, {"refresh_token": short.refresh_token or ""})
    assert dict(request.params)["fb_exchange_token"] == "A"
    long = parse_token({"access_token": "B", "expires_in": 5_183_944}, NOW)
    assert long.expires_at is None
    assert long.refresh_expires_at == NOW + timedelta(seconds=5_183_944)


def test_instagram_login_trades_first_and_renews_later() -> None:
    settings = {"login": "instagram"}
    assert build_exchange(APP, settings, {"code": "x#_"}).url == "https://api.instagram.com/oauth/access_token"
    short = parse_token({"access_token": "A", "user_id": 17}, NOW)
    first = build_refresh(APP, settings, {"refresh_token": short.refresh_token or ""})
    assert (first.url, dict(first.params)["grant_type"]) == (
        "https://graph.instagram.com/access_token",
        "ig_exchange_token",
    )
    long = parse_token({"access_token": "B", "expires_in": 5_183_944}, NOW)
    later = build_refresh(APP, settings, {"refresh_token": long.refresh_token or ""})
    assert dict(later.params) == {"grant_type": "ig_refresh_token", "access_token": "B"}


@pytest.mark.parametrize("reply", [None, [], {}, {"access_token": ""}, {"access_token": "A", "expires_in": "soon"}])
def test_a_token_reply_without_a_token_is_refused(reply: Any) -> None:
    with pytest.raises(ContractError):
        parse_token(reply, NOW)


def test_an_expired_token_cannot_be_traded() -> None:
    with pytest.raises(AuthorizationError, match="expired"):
        parse_token({"error": {"message": "", "code": 190, "error_subcode": 463}}, NOW)


def test_proof_and_webhook_signature() -> None:
    # RFC 4231 has no case with these; computed with `openssl dgst -sha256 -hmac`.
    assert appsecret_proof("key", "The quick brown fox jumps over the lazy dog") == (
        "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8"
    )
    signed = {"X-Hub-Signature-256": sign_webhook("s", b"{}")}
    assert verify_webhook("s", signed, b"{}")
    assert not verify_webhook("s", signed, b"{ }")
    assert not verify_webhook("s", {}, b"{}")


# -- over the emulator ------------------------------------------------------------------------------------------------


def bench(connector: type[Connector], monkeypatch: pytest.MonkeyPatch, *scenarios: str, **settings: str) -> Bench:
    made = type("Suite", (ConnectorConformance,), {"connector": connector, "since": days(14)})
    suite: ConnectorConformance = made()
    suite.prepare({}, 7, monkeypatch)
    wiring = suite.wiring()
    wiring.settings = {**wiring.settings, **settings}
    return Bench(wiring, scenarios)


async def test_one_login_lists_every_account_of_its_person(monkeypatch: pytest.MonkeyPatch) -> None:
    for connector, key in ((Instagram, "instagram"), (MetaAds, "meta-ads")):
        async with bench(connector, monkeypatch) as made:
            found = await made.call(lambda one, ctx: one.accounts(ctx))
            account = made.wiring.account
            brands = made.emulator.brands_of(made.emulator.user_of(account))  # type: ignore[attr-defined]  # Meta's
        assert {one.source_id for one in found} == {brand.accounts[key] for brand in brands}
        assert account in {one.source_id for one in found}


async def test_a_large_report_is_split_and_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    states = []
    for most in (10_000, 40, 1):
        monkeypatch.setattr("shelftide_meta.emulator_ads.MOST_ROWS", most)
        async with bench(MetaAds, monkeypatch) as made:
            reading = await made.read(MetaAds().stream("ad_days"), since=made.wiring.world.now - days(2))
        assert reading.error is None
        states.append(reading.state())
    assert states[0] == states[1] == states[2]
    assert len(states[0]) > 40


async def test_jobs_that_always_fail_end_the_read_as_a_failure_that_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shelftide_meta.emulator_ads.MOST_ROWS", -1)
    async with bench(MetaAds, monkeypatch) as made:
        reading = await made.read(MetaAds().stream("ad_days"))
    assert isinstance(reading.error, TransientError)
    assert not reading.state()


async def test_a_job_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AdsNodes, "_state", lambda self, number, run: {"id": number, "async_status": "Job Running"})
    async with bench(MetaAds, monkeypatch) as made:
        reading = await made.read(MetaAds().stream("ad_days"), since=made.wiring.world.now)
    assert reading.error is not None


async def test_conversions_of_the_past_ripen_and_are_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = MetaAds().stream("ad_days")
    async with bench(MetaAds, monkeypatch, "restate") as made:
        early = await made.read(stream)
        made.emulator.scenarios.clear()
        late = await made.read(stream, early.cursor)
    before, after = early.state(), late.state()
    grown = [
        key
        for key, row in after.items()
        if isinstance(row, AdDay) and isinstance(old := before.get(key), AdDay) and row.conversions != old.conversions
    ]
    assert grown
    assert set(after) == set(before)


async def test_an_old_post_has_a_snapshot_without_insights(monkeypatch: pytest.MonkeyPatch) -> None:
    async with bench(Instagram, monkeypatch) as made:
        reading = await made.read(Instagram().stream("contents"))
    assert any("2108006" in line for line in reading.logs)
    snapshots = [r for r in reading.records if isinstance(r, ContentSnapshot)]
    assert any(snapshot.reach is None and snapshot.likes is not None for snapshot in snapshots)
    assert any(snapshot.watch_seconds is not None for snapshot in snapshots)


async def test_a_rejected_metric_is_asked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shelftide_meta.emulator_instagram._WITHOUT", {"VIDEO": {"views"}, "IMAGE": {"views"}})
    async with bench(Instagram, monkeypatch) as made:
        reading = await made.read(Instagram().stream("contents"))
    assert reading.error is None
    refused = [exchange for exchange in reading.exchanges if b"does not support" in exchange.body]
    assert 0 < len(refused) <= 2


async def test_a_version_before_views_reads_plays(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {}
    for version in ("v26.0", "v21.0"):
        async with bench(Instagram, monkeypatch, version=version) as made:
            reading = await made.read(Instagram().stream("contents"))
            found[version] = {r.content_id: r.views for r in reading.records if isinstance(r, ContentSnapshot)}
            asked = " ".join(exchange.query for exchange in reading.exchanges)
        assert ("plays" in asked) is (version == "v21.0")
    assert found["v26.0"] == found["v21.0"]


async def test_a_page_that_is_too_large_is_asked_for_in_smaller_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    async with bench(Instagram, monkeypatch) as made:
        whole = await made.read(Instagram().stream("contents"))
        kept = made.emulator.edge  # type: ignore[attr-defined]  # Meta's

        def refuse(request: Request, rows: Any, most: int = 100) -> Any:
            if int(request.params.get("limit", 25)) > 8:
                raise_too_large()
            return kept(request, rows, most)

        monkeypatch.setattr(made.emulator, "edge", refuse)
        small = await made.read(Instagram().stream("contents"))
    assert small.error is None
    assert small.state() == whole.state()


def raise_too_large() -> None:
    raise GraphFault("Please reduce the amount of data you're asking for, then retry your request", code=1, status=500)


async def test_instagram_login_reads_the_same_posts(monkeypatch: pytest.MonkeyPatch) -> None:
    async with bench(Instagram, monkeypatch) as made:
        wanted = (await made.read(Instagram().stream("contents"))).state()
    async with bench(Instagram, monkeypatch, login="instagram") as made:
        found = await made.read(Instagram().stream("contents"))
        streams = await made.call(lambda one, ctx: one.discover(ctx))
        hosts = {exchange.host for exchange in found.exchanges}
    assert found.state() == wanted
    assert hosts == {"graph.instagram.com"}
    assert "product_links" not in {stream.name for stream in streams}


async def test_a_connection_without_an_account_is_a_setting_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    for connector, stream in ((Instagram, "profiles"), (MetaAds, "ads")):
        async with bench(connector, monkeypatch) as made:
            made.settings["account_id"] = "../me"
            reading = await made.read(connector().stream(stream))
        assert isinstance(reading.error, ConfigurationError)


async def test_deliveries_become_comments_and_story_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    async def deliver(made: Bench, changes: list[Any], account: str) -> list[Any]:
        body = {"object": "instagram", "entry": [{"id": account, "time": 1_780_000_000, "changes": changes}]}
        request = WebhookRequest(headers={}, body=json.dumps(body).encode(), received_at=NOW)
        pages = await made.call(lambda one, ctx: one.webhook(ctx, request))
        return [row for page in pages for row in (*page.records, *page.rejects)]

    changes = [
        {"field": "comments", "value": {"id": "5", "text": "Nice", "media": {"id": "7"}, "from": {"id": "9"}}},
        {"field": "story_insights", "value": {"media_id": "8", "reach": 12, "impressions": 15}},
        {"field": "comments", "value": {"text": "no id"}},
        {"field": "something_new", "value": {}},
    ]
    async with bench(Instagram, monkeypatch) as made:
        comment, story, reject = await deliver(made, changes, made.wiring.account)
        assert await deliver(made, changes, "1") == []
    assert isinstance(comment, Comment)
    assert (comment.content_id, comment.author_id) == ("7", "9")
    assert isinstance(story, ContentSnapshot)
    assert (story.views, story.reach, story.likes) == (15, 12, None)
    assert re.search("id", reject.reason)


async def test_children_of_a_carousel_name_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shelftide_meta.emulator_facts.kind_of", lambda video: ("FEED", "CAROUSEL_ALBUM"))
    async with bench(Instagram, monkeypatch) as made:
        reading = await made.read(Instagram().stream("contents"))
    posts = [record for record in reading.records if isinstance(record, Content)]
    children = [post for post in posts if post.parent_id]
    assert len(children) >= 2 * (len(posts) - len(children)) > 0
    assert {child.parent_id for child in children} <= {post.source_id for post in posts}


def test_the_auth_is_oauth2_with_commas() -> None:
    build: Callable[..., str] | None = INSTAGRAM_AUTH.build_authorize
    assert build is not None
    address = build(APP, {}, "st")
    assert address.startswith("https://www.facebook.com/v26.0/dialog/oauth?")
    assert "instagram_basic%2Cinstagram_manage_insights" in address
