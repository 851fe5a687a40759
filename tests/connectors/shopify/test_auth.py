"""Signatures by their published vectors, the install flow, and rotating tokens."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit

import httpx2
import pytest
from tests.connectors.fake_world import NOW, SHOP, FakeWorld
from tests.connectors.shopify.bench import APP

from shelftide_sdk.auth import App, Outgoing
from shelftide_sdk.errors import AuthorizationError, ConfigurationError
from shelftide_sdk.testing.emulator import Gateway
from shelftide_shopify.auth import (
    SHOP_PATTERN,
    SHOPIFY_AUTH,
    build_exchange,
    build_refresh,
    shop_domain,
    sign_query,
    sign_webhook,
    verify_callback,
    verify_proxy,
    verify_webhook,
)
from shelftide_shopify.emulator import ShopifyEmulator

VECTOR = {
    "code": "0907a61c0c8d55e99db179b68161bc00",
    "shop": "some-shop.myshopify.com",
    "state": "0.6784241404160823",
    "timestamp": "1337178173",
    "hmac": "700e2dadb827fcc8609e9d5ce208b2e9cdaab9df07390d2cbca10d7c328fc4bf",
}
HUSH = App(client_id="id", client_secret="hush", redirect_uri="https://app.example/")
THEN = datetime.fromtimestamp(1337178173, UTC)


def signed(**changes: str) -> dict[str, str]:
    params = {**VECTOR, **changes}
    return {**params, "hmac": sign_query("hush", params)}


def test_the_published_install_vector_is_accepted() -> None:
    verify_callback(HUSH, {}, VECTOR, THEN)
    verify_callback(HUSH, {"shop": "Some-Shop.myshopify.com"}, VECTOR, THEN)


@pytest.mark.parametrize("key", ["code", "shop", "state", "timestamp", "hmac"])
def test_a_changed_install_callback_is_refused(key: Any) -> None:
    with pytest.raises(AuthorizationError):
        verify_callback(HUSH, {}, {**VECTOR, key: VECTOR[key][:-1] + "0x"}, THEN)


def test_an_install_callback_without_hmac_or_with_an_added_key_is_refused() -> None:
    with pytest.raises(AuthorizationError):
        verify_callback(HUSH, {}, {k: v for k, v in VECTOR.items() if k != "hmac"}, THEN)
    with pytest.raises(AuthorizationError):
        verify_callback(HUSH, {}, {**VECTOR, "extra": "1"}, THEN)


@pytest.mark.parametrize(("seconds", "good"), [(90, True), (-90, True), (91, False), (-91, False)])
def test_the_callback_is_valid_for_90_seconds_both_ways(seconds: Any, good: Any) -> None:
    at = THEN + timedelta(seconds=seconds)
    if good:
        verify_callback(HUSH, {}, VECTOR, at)
    else:
        with pytest.raises(AuthorizationError, match="old"):
            verify_callback(HUSH, {}, VECTOR, at)


@pytest.mark.parametrize("stamp", ["", "1337178173.0", "-1337178173", "+1337178173", "١٣٣٧١٧٨١٧٣", "1e9", "9" * 20])
def test_a_timestamp_that_is_no_integer_is_refused_though_signed(stamp: Any) -> None:
    with pytest.raises(AuthorizationError):
        verify_callback(HUSH, {}, signed(timestamp=stamp), THEN)


@pytest.mark.parametrize(
    "shop",
    [
        "evil.example",
        "some-shop.myshopify.com.evil.example",
        "-x.myshopify.com",
        "a/b.myshopify.com",
        "some-shop.myshopify.com\n",
        "",
    ],
)
def test_a_shop_that_is_none_is_refused_though_signed(shop: Any) -> None:
    with pytest.raises(AuthorizationError):
        verify_callback(HUSH, {}, signed(shop=shop), THEN)
    with pytest.raises(ConfigurationError):
        shop_domain({"shop": shop})


def test_a_callback_of_another_shop_is_refused() -> None:
    with pytest.raises(AuthorizationError, match="another shop"):
        verify_callback(HUSH, {"shop": "mine.myshopify.com"}, VECTOR, THEN)


def test_a_space_is_signed_as_percent_20_and_keys_are_sorted() -> None:
    assert sign_query("hush", {"b": "x y", "a": "1", "signature": "s"}) == sign_query("hush", {"a": "1", "b": "x y"})
    assert sign_query("hush", {"b": "x y"}) != sign_query("hush", {"b": "x+y"})


def test_the_published_webhook_vector() -> None:
    right = "VnKUjZsLuN5iZWjn5EntcBVCF9kMN43LglzCE1/GSeY="
    assert sign_webhook("hush", b'{"id":1}') == right
    assert verify_webhook("hush", {"X-Shopify-Hmac-Sha256": right}, b'{"id":1}')
    assert verify_webhook("hush", {"shopify-hmac-sha256": right}, b'{"id":1}')
    assert not verify_webhook("hush", {"X-Shopify-Hmac-Sha256": right}, b'{"id":2}')
    assert not verify_webhook("other", {"X-Shopify-Hmac-Sha256": right}, b'{"id":1}')
    assert not verify_webhook("hush", {}, b'{"id":1}')
    assert not verify_webhook("hush", {"X-Shopify-Hmac-Sha256": "é"}, b'{"id":1}')


def test_a_proxy_request_is_signed_over_sorted_pairs_without_separator() -> None:
    query = [("shop", "s.myshopify.com"), ("extra", "1"), ("extra", "2"), ("path_prefix", "/apps/x")]
    from_docs = "a9718877bea71c2484f91608a7eaea1532bdf71f5c56825065fa4ccabe549ef3"
    known = [
        ("extra", "1"),
        ("extra", "2"),
        ("shop", "shop-name.myshopify.com"),
        ("path_prefix", "/apps/awesome_reviews"),
        ("timestamp", "1317327555"),
    ]
    assert verify_proxy("hush", [*known, ("signature", from_docs)])
    assert not verify_proxy("hush", [*query, ("signature", from_docs)])
    assert not verify_proxy("hush", query)


def test_signing_puts_the_token_into_shopifys_header_and_nowhere_else() -> None:
    token = SHOPIFY_AUTH.parse_token({"access_token": "shpat_1", "scope": "a,b", "expires_in": 3600}, NOW)
    outgoing = SHOPIFY_AUTH.sign(Outgoing(method="POST", url="https://x"), APP, token, {}, NOW)
    assert outgoing.headers == {"X-Shopify-Access-Token": "shpat_1"}
    assert token.scopes == ("a", "b")
    assert token.expires_at == NOW + timedelta(hours=1)


@pytest.fixture
def shop_world() -> FakeWorld:
    return FakeWorld()


@pytest.fixture
def emulator(shop_world: Any) -> ShopifyEmulator:
    return ShopifyEmulator(shop_world)


@pytest.fixture
def http(emulator: Any) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=cast(Any, Gateway([emulator]))))


async def send(http: Any, outgoing: Outgoing) -> Any:
    return await http.request(outgoing.method, outgoing.url, headers=outgoing.headers, content=outgoing.content)


async def install(http: Any) -> dict[str, str]:
    asked = {
        "client_id": APP.client_id,
        "scope": "read_orders,read_products",
        "redirect_uri": APP.redirect_uri,
        "state": "st 1&<",
    }
    consent = await http.get(f"https://{SHOP}/admin/oauth/authorize", params=asked)
    assert "Install app" in consent.text
    assert "st 1&amp;&lt;" in consent.text
    action = re.search(r'form action="(\w+)"', consent.text)
    assert action
    fields = {k: asked[k] for k in ("scope", "redirect_uri", "state")}
    agreed = await http.get(f"https://{SHOP}/admin/oauth/{action[1]}", params=fields)
    assert agreed.status_code == 302
    location = urlsplit(agreed.headers["location"])
    assert f"{location.scheme}://{location.netloc}{location.path}" == APP.redirect_uri
    return dict(parse_qsl(location.query))


async def test_the_whole_install(http: Any) -> None:
    callback = await install(http)
    assert callback["state"] == "st 1&<"
    verify_callback(APP, {"shop": SHOP}, callback, NOW)
    exchange = build_exchange(APP, {"shop": SHOP}, callback)
    token = SHOPIFY_AUTH.parse_token((await send(http, exchange)).json(), NOW)
    assert token.refresh_token
    assert token.scopes == ("read_orders", "read_products")
    with pytest.raises(AuthorizationError):
        SHOPIFY_AUTH.parse_token((await send(http, exchange)).json(), NOW)


async def ask(http: Any, token: str) -> int:
    url = f"https://{SHOP}/admin/api/2026-07/graphql.json"
    answer = await http.post(url, json={"query": "{shop{id}}"}, headers={"X-Shopify-Access-Token": token})
    return int(answer.status_code)


async def test_a_token_ends_after_an_hour_and_is_refreshed(http: Any, shop_world: Any, emulator: Any) -> None:
    token = SHOPIFY_AUTH.parse_token(emulator.tokens.issue(SHOP, frozenset({"read_orders"})), NOW)
    assert await ask(http, token.access_token) == 200
    shop_world.now += timedelta(hours=1)
    assert await ask(http, token.access_token) == 401
    refresh = build_refresh(APP, {"shop": SHOP}, {"refresh_token": token.refresh_token or ""})
    after = SHOPIFY_AUTH.parse_token((await send(http, refresh)).json(), shop_world.now)
    assert after.refresh_token != token.refresh_token
    assert await ask(http, after.access_token) == 200


async def test_a_lost_refresh_can_be_repeated_until_its_answer_is_used(http: Any, emulator: Any) -> Any:
    first = emulator.tokens.issue(SHOP, frozenset({"read_orders"}))["refresh_token"]

    async def rotate(token: str) -> Any:
        return await send(http, build_refresh(APP, {"shop": SHOP}, {"refresh_token": token}))

    lost, again = (await rotate(first)).json(), (await rotate(first)).json()
    assert lost["refresh_token"] != again["refresh_token"]
    assert (await rotate(again["refresh_token"])).status_code == 200
    assert (await rotate(first)).status_code == 401
    assert (await rotate(lost["refresh_token"])).status_code == 401


async def test_a_token_opens_only_its_own_shop_and_dies_with_the_uninstall(http: Any, emulator: Any) -> None:
    other = emulator.tokens.issue("other.myshopify.com", frozenset({"read_orders"}))
    assert await ask(http, other["access_token"]) == 401
    mine = emulator.tokens.issue(SHOP, frozenset({"read_orders"}))
    emulator.tokens.uninstall(SHOP)
    assert await ask(http, mine["access_token"]) == 401
    refused = await send(http, build_refresh(APP, {"shop": SHOP}, {"refresh_token": mine["refresh_token"]}))
    assert refused.status_code == 401


def test_the_shop_field_pattern_is_the_published_one() -> None:
    assert re.fullmatch(SHOP_PATTERN, "a-1.myshopify.com")
    assert not re.fullmatch(SHOP_PATTERN, "a_1.myshopify.com")
