"""Deliveries of TikTok Shop and Meta: other signatures, the same door."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.attacks.deliveries import Request
from tests.attacks.post import Post, open_post
from tests.connectors.fake_world import NOW

from shelftide.core.vault import Vault
from shelftide.store.database import Database
from shelftide.store.embedded import Dsns
from shelftide.store.repositories.apps import set_platform_app
from shelftide.store.repositories.inbox import save_route
from shelftide.store.unit_of_work import UnitOfWork
from shelftide_meta.auth import sign_webhook as sign_meta
from shelftide_sdk.auth import App
from shelftide_tiktok.auth import sign_webhook as sign_tiktok
from tests.conftest import MakeHouse, make_connection

KEY, TOKEN = "app-key", "a-word-of-ours"


@pytest.fixture
async def post(
    installation: Dsns, database: Database, make_house: MakeHouse, vault: Vault, tmp_path: Path
) -> AsyncIterator[Post]:
    house = await make_house(2)
    async with open_post(installation, database, vault, house, tmp_path) as found:
        for name, platform in (("tiktok-shop", "tiktok-shop"), ("instagram", "meta")):
            connection_id = await make_connection(
                database, house.on(), account="700", connector=name, platform=platform
            )
            async with UnitOfWork(database, house.on()) as uow:
                app = App(client_id=KEY, client_secret=found.secret, redirect_uri="", extra={"verify_token": TOKEN})
                await set_platform_app(uow, vault, name, app)
                await save_route(uow, connection_id, name, "700")
                await uow.commit()
        yield found


def tiktok(post: Post, *, secret: str = "", key: str = KEY, **changes: Any) -> Request:
    body = json.dumps(
        {
            "type": 1,
            "tts_notification_id": "n-1",
            "shop_id": "700",
            "timestamp": int(NOW.timestamp()),
            "data": {"order_id": "5", "order_status": "UNPAID"},
            **changes,
        }
    ).encode()
    return Request(headers=[("Authorization", sign_tiktok(key, secret or post.secret, body))], body=body)


def meta(post: Post, *, secret: str = "", at: float = NOW.timestamp(), account: str = "700") -> Request:
    body = json.dumps({"object": "instagram", "entry": [{"id": account, "time": int(at), "changes": []}]}).encode()
    return Request(headers=[("X-Hub-Signature-256", sign_meta(secret or post.secret, body))], body=body)


async def states(post: Post) -> list[tuple[str, str, str]]:
    return sorted((row["connector"], row["account"], row["state"]) for row in await post.inbox())


async def test_tiktok_shop_delivers_once(post: Post) -> None:
    sent = tiktok(post)
    assert await post.push_all([sent]) == [401], "the other platform's door"
    assert [await post.push(sent, "tiktok-shop") for _ in range(3)] == [200, 200, 200]
    assert await post.push(tiktok(post, shop_id="701"), "tiktok-shop") == 200, "one notification, two recipients"
    assert await states(post) == [("tiktok-shop", "700", "waiting"), ("tiktok-shop", "701", "unroutable")]


@pytest.mark.parametrize(
    "changes",
    [
        {"timestamp": int((NOW - timedelta(hours=74)).timestamp())},
        {"timestamp": int((NOW + timedelta(hours=1)).timestamp())},
        {"timestamp": None},
        {"timestamp": True},
        {"timestamp": 10**18},
        {"type": "1"},
        {"shop_id": None},
        {"shop_id": "700\u0000"},
        {"shop_id": "\ud800"},
        {"tts_notification_id": "x" * 300},
        {"secret": "another app's"},
        {"key": "another-key"},
    ],
)
async def test_tiktok_shop_says_nothing_old_or_senseless(post: Post, changes: dict[str, Any]) -> None:
    assert await post.push(tiktok(post, **changes), "tiktok-shop") == 401
    assert await states(post) == []


async def test_meta_delivers_to_each_account_of_a_request(post: Post) -> None:
    sent = meta(post)
    assert await post.push(sent, "instagram") == 200
    assert await post.push(sent, "meta") == 200, "by the platform's name too"
    assert await post.push(meta(post, account="999"), "instagram") == 200
    assert await states(post) == [("instagram", "700", "waiting"), ("instagram", "999", "unroutable")]


async def test_meta_says_nothing_old_or_forged(post: Post) -> None:
    forged = [
        meta(post, secret="x"),
        meta(post, at=(NOW - timedelta(hours=38)).timestamp()),
        meta(post).say(b"[]"),
        meta(post).drop("X-Hub-Signature-256"),
        Request(headers=[("X-Hub-Signature", meta(post).headers[0][1])], body=meta(post).body),
        Request(headers=[("X-Hub-Signature-256", sign_meta(post.secret, b"[]"))], body=b"[]"),
    ]
    assert [await post.push(request, "instagram") for request in forged] == [401] * len(forged)
    assert await states(post) == []


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({"hub.mode": "subscribe", "hub.verify_token": TOKEN, "hub.challenge": "1158201444"}, 200),
        ({"hub.mode": "subscribe", "hub.verify_token": "guess", "hub.challenge": "1158201444"}, 401),
        ({"hub.mode": "unsubscribe", "hub.verify_token": TOKEN, "hub.challenge": "1158201444"}, 401),
        ({"hub.mode": "subscribe", "hub.verify_token": TOKEN, "hub.challenge": "<script>"}, 401),
        ({}, 401),
    ],
)
async def test_meta_is_answered_when_it_knows_our_word(post: Post, params: dict[str, str], status: int) -> None:
    reply = await post.http.get(f"{post.url}/hooks/instagram", params=params)
    assert reply.status_code == status
    if status == 200:
        assert (reply.text, reply.headers["content-type"].split(";")[0]) == (params["hub.challenge"], "text/plain")
