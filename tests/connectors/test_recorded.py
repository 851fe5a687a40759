"""Recorded replies, where that folder is present, played back by a server that looks at the path alone."""

import json
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.connectors.published import FIXTURES
from tests.connectors.test_replay import documented, read

from shelftide_amazon.ads import AmazonAds
from shelftide_meta.instagram import Instagram
from shelftide_sdk.connector import Connector
from shelftide_tiktok.ads import TikTokAds
from shelftide_tiktok.shop import TikTokShop
from shelftide_xiaohongshu.ark import XiaohongshuArk

pytestmark = [
    pytest.mark.contract,
    pytest.mark.skipif(not FIXTURES.is_dir(), reason="the folder of published samples is not here"),
]
Reply = tuple[int, Any]
GONE: Reply = (404, {})


class Player(ThreadingHTTPServer):
    """Replies by path (of Ark: by method), one after the other; the last one is repeated."""

    daemon_threads = True

    def __init__(self, replies: Mapping[str, Sequence[Reply]]) -> None:
        self.replies = {path: list(found) for path, found in replies.items()}
        super().__init__(("127.0.0.1", 0), Played)

    def find(self, path: str, body: bytes) -> Reply:
        method = json.loads(body).get("method", "") if body else ""
        kept = self.replies.get(method or path) or self.replies.get(path.rpartition("/")[2]) or [GONE]
        return kept.pop(0) if len(kept) > 1 else kept[0]


class Played(BaseHTTPRequestHandler):
    """One request."""

    server: Player

    def log_message(self, *args: Any) -> None:
        """Nothing."""

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        status, found = self.server.find(self.path.partition("?")[0], body)
        content = json.dumps(found).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_GET  # noqa: N815  # the name that http.server calls


def sample(name: str) -> Any:
    found = json.loads((FIXTURES / name).read_text())
    return {key: value for key, value in found.items() if key != "_source"}


def ark(name: str) -> Sequence[Reply]:
    return [(200, sample(f"xiaohongshu/ark-example-responses/{name}.json"))]


def ads(name: str) -> Sequence[Reply]:
    return [(200, sample(f"amazon/ads-recorded/{name}.json")["response"]["body"])]


def play_lines(  # what is read, from what, and how it is set
    cls: type[Connector],
    stream: str,
    replies: Mapping[str, Sequence[Reply]],
    folder: Path,
    settings: Mapping[str, str] = {},
    **config: str,
) -> tuple[int, list[dict[str, Any]], dict[str, Any]]:
    """(exit code, lines, what stderr says)."""
    path, out = folder / "config.json", folder / "out.jsonl"
    known = documented(cls.info.name)
    path.write_text(json.dumps({**known, **config, "settings": {**known["settings"], **settings}}))
    with Player(replies) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        done = read(cls, stream, server.server_address[1], path, out)
        server.shutdown()
    assert out.exists(), done.stderr
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    return done.exit_code, lines, json.loads(done.stderr) if done.stderr else {}


def play(
    cls: type[Connector], stream: str, replies: Mapping[str, Sequence[Reply]], folder: Path, **config: str
) -> tuple[int, dict[str, int], dict[str, Any]]:
    """(exit code, lines by record or kind, what stderr says)."""
    code, lines, told = play_lines(cls, stream, replies, folder, {}, **config)
    kinds = Counter(line.get("record") or ("quarantined" if "quarantined" in line else "end") for line in lines)
    return code, dict(kinds), told


YEAR = {"since": "2023-01-01T00:00:00Z", "now": "2023-06-20T00:00:00Z"}
MEDIA = "/v26.0/17841400000000000/media"
REEL = "instagram/recorded/media_insights_for_reels.json"
OLD = "instagram/recorded/error_posted_before_business_conversion.json"
CONTENTS = {"Content": 9, "ContentSnapshot": 5}


def media(**more: Any) -> Reply:
    return 200, {**sample("instagram/recorded/media_page_excerpt.json"), **more}


@pytest.mark.parametrize("insights", [(200, REEL), (400, OLD)], ids=["with insights", "older than the business"])
def test_a_page_of_posts_is_read_whatever_its_insights_say(insights: tuple[int, str], tmp_path: Path) -> None:
    replies = {MEDIA: [media()], "insights": [(insights[0], sample(insights[1]))]}
    assert play(Instagram, "contents", replies, tmp_path, **YEAR)[:2] == (0, {**CONTENTS, "end": 1})


def test_a_later_page_that_is_missing_is_an_error_and_the_first_one_stays(tmp_path: Path) -> None:
    following = {"cursors": {"after": "x"}, "next": f"https://graph.facebook.com{MEDIA}?after=x"}
    replies = {MEDIA: [media(paging=following), GONE], "insights": [(200, sample(REEL))]}
    code, kinds, told = play(Instagram, "contents", replies, tmp_path, **YEAR)
    assert (code, kinds, told["error"]) == (3, CONTENTS, "contract")


@pytest.mark.parametrize(
    ("body", "code", "kinds"),
    [({"data": []}, 0, {"end": 1}), ({"data": None}, 3, {}), ({}, 3, {}), ({"data": {"a": 1}}, 3, {})],
)
def test_an_empty_list_is_nothing_and_no_list_is_an_error(
    body: Any, code: int, kinds: dict[str, int], tmp_path: Path
) -> None:
    assert play(Instagram, "contents", {MEDIA: [(200, body)]}, tmp_path, **YEAR)[:2] == (code, kinds)


def test_a_row_without_its_time_or_of_a_new_kind_takes_no_other_along(tmp_path: Path) -> None:
    rows = media()[1]["data"]
    changed = [
        {**rows[0], "media_type": "HOLOGRAM", "media_product_type": "SPACE"},
        {**rows[1], "added": {"lately": [1]}},
        {name: value for name, value in rows[2].items() if name != "timestamp"},
    ]
    replies = {MEDIA: [media(data=changed)], "insights": [(200, sample(REEL))]}
    code, kinds, _ = play(Instagram, "contents", replies, tmp_path, **YEAR)
    assert (code, kinds) == (0, {"Content": 2, "ContentSnapshot": 2, "quarantined": 1, "end": 1})


def test_the_pages_of_orders_are_followed_to_their_end(tmp_path: Path) -> None:
    page = sample("tiktok/shop/order_202309_orders_search.json")["body"]
    last = {**page, "data": {**page["data"], "next_page_token": ""}}
    days = {"since": "2021-04-01T00:00:00Z", "now": "2021-05-10T00:00:00Z"}
    search = "/order/202309/orders/search"
    found = play(TikTokShop, "orders", {search: [(200, page), (200, last)]}, tmp_path, **days)
    assert found[:2] == (0, {"Order": 1, "OrderLine": 1, "Touch": 1, "end": 1})
    endless = play(TikTokShop, "orders", {search: [(200, page)]}, tmp_path, **days)
    assert (endless[0], endless[2]["message"]) == (3, "TikTok's paging goes round in a circle")


@pytest.mark.parametrize(("code", "kind"), [(40105, "authorization"), (40002, "contract"), (40007, "configuration")])
def test_an_error_in_http_200_has_its_kind(code: int, kind: str, tmp_path: Path) -> None:
    replies = {"/open_api/v1.3/ad/get/": [(200, {"code": code, "message": "no", "data": {}})]}
    found = play(TikTokAds, "ads", replies, tmp_path)
    assert (found[0], found[2]["error"]) == (2 if kind == "configuration" else 3, kind)


def test_a_recorded_ad_and_examples_of_a_shop_are_read(tmp_path: Path) -> None:
    pages = {"page": 1, "page_size": 1000, "total_number": 1, "total_page": 1}
    ad = {
        "code": 0,
        "message": "OK",
        "data": {"list": [sample("tiktok/marketing-recorded/ad.json")["ad"]], "page_info": pages},
    }
    assert play(TikTokAds, "ads", {"/open_api/v1.3/ad/get/": [(200, ad)]}, tmp_path)[:2] == (0, {"Ad": 1, "end": 1})
    method = "product.getDetailSkuList"
    found = play(XiaohongshuArk, "products", {method: ark(method)}, tmp_path)
    assert found[:2] == (0, {"Product": 1, "Variant": 1, "end": 1})


def test_recorded_campaigns_of_two_products_are_read_and_a_third_without_any(tmp_path: Path) -> None:
    replies = {
        "/sp/campaigns/list": ads("first-call-list-sp-campaigns-0"),
        "/sb/v4/campaigns/list": ads("first-call-list-sb-campaigns-0"),
        "/sd/campaigns": [(200, [])],
    }
    assert play(AmazonAds, "campaigns", replies, tmp_path)[:2] == (0, {"Campaign": 5, "end": 1})
