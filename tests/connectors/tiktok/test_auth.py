"""Consent, tokens and signatures: the check vector, absolute expiry, single-use codes, forged requests."""

import hashlib
import hmac
import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urljoin, urlsplit

import httpx2
import pytest
from tests.connectors.tiktok.bench import NOW, SIM, Bench, exchange, organic, shop, small_world

from shelftide_sdk.auth import App, OAuth2, Outgoing, TokenSet
from shelftide_sdk.errors import AuthorizationError, ConfigurationError, ContractError
from shelftide_sdk.hosts import Routes
from shelftide_tiktok.auth import (
    SHOP_AUTH,
    needs_cipher,
    parse_organic_token,
    parse_shop_token,
    sign_shop,
    sign_shop_request,
    sign_webhook,
    verify_webhook,
)

APP = App(client_id="ak", client_secret="s3cr3t", redirect_uri="https://app.example/back", extra={"service_id": "9"})
TOKEN = TokenSet(access_token="a")
THEN = datetime.fromtimestamp(1700000000, UTC)
VECTOR = "d937c4a8a98c457d1c218feab5cf1e72f989513c17046528cf4ca9f048bc9668"
QUERY = [("page_size", "20"), ("shop_cipher", "sc"), ("timestamp", "1700000000"), ("app_key", "ak")]
SEARCH = "https://open-api.tiktokglobalshop.com/order/202309/orders/search"


def test_the_check_vector() -> None:
    assert sign_shop("s3cr3t", "/order/202309/orders/search", QUERY, b'{"order_status":"UNPAID"}') == VECTOR
    more = [*QUERY, ("sign", "x"), ("access_token", "y"), ("x-tts-access-token", "z")]
    assert sign_shop("s3cr3t", "/order/202309/orders/search", more, b'{"order_status":"UNPAID"}') == VECTOR
    assert sign_shop("s3cr3t", "/order/202309/orders/search", QUERY, b"{}") != VECTOR


def test_a_request_is_signed_as_the_vector_says() -> None:
    request = Outgoing(method="POST", url=SEARCH, params=[("page_size", "20")], content=b'{"order_status":"UNPAID"}')
    signed = sign_shop_request(request, APP, TOKEN, {"cipher": "sc"}, THEN)
    assert dict(signed.params)["sign"] == VECTOR
    assert signed.headers["x-tts-access-token"] == "a"
    assert "access_token" not in dict(signed.params)


def test_the_body_of_a_get_or_a_multipart_request_is_not_signed() -> None:
    url = "https://open-api.tiktokglobalshop.com/order/202309/orders"
    signs = set()
    for method, headers, body in (
        ("GET", {}, b""),
        ("GET", {}, b"x"),
        ("POST", {"content-type": "multipart/form-data; boundary=x"}, b"y"),
    ):
        request = Outgoing(method=method, url=url, headers=dict(headers), content=body)
        signs.add(dict(sign_shop_request(request, APP, TOKEN, {"cipher": "sc"}, THEN).params)["sign"])
    assert len(signs) == 1


@pytest.mark.parametrize(
    ("path", "needed"),
    [
        ("/authorization/202309/shops", False),
        ("/seller/202309/permissions", False),
        ("/product/202309/images/upload", False),
        ("/product/202309/files/upload", False),
        ("/product/202309/global_products/search", False),
        ("/product/202309/compliance/manufacturers/search", False),
        ("/order/202309/orders/search", True),
        ("/product/202502/products/search", True),
        ("/logistics/202309/warehouses", True),
    ],
)
def test_the_cipher_goes_only_where_a_shop_is_meant(path: str, needed: bool) -> None:
    assert needs_cipher(path) is needed
    request = Outgoing(method="GET", url=f"https://open-api.tiktokglobalshop.com{path}")
    signed = sign_shop_request(request, APP, TOKEN, {"cipher": "sc"}, THEN)
    assert ("shop_cipher" in dict(signed.params)) is needed


def test_a_call_about_a_shop_without_its_cipher_is_not_sent() -> None:
    with pytest.raises(ConfigurationError):
        sign_shop_request(Outgoing(method="POST", url=SEARCH), APP, TOKEN, {}, THEN)


def test_a_webhook_is_signed_over_key_and_body() -> None:
    body = b'{"type":1,"tts_notification_id":"1"}'
    right = hmac.new(b"s3cr3t", b"ak" + body, hashlib.sha256).hexdigest()
    assert sign_webhook("ak", "s3cr3t", body) == right
    assert verify_webhook("ak", "s3cr3t", {"Authorization": right}, body)
    assert verify_webhook("ak", "s3cr3t", {"authorization": right.upper()}, body)
    assert not verify_webhook("ak", "s3cr3t", {"Authorization": right}, body + b" ")
    assert not verify_webhook("ak", "other", {"Authorization": right}, body)
    assert not verify_webhook("bk", "s3cr3t", {"Authorization": right}, body)
    assert not verify_webhook("ak", "s3cr3t", {}, body)
    assert not verify_webhook("ak", "s3cr3t", {"Authorization": "é"}, body)


def shop_token(**changes: Any) -> Any:
    data = {
        "access_token": "a",
        "access_token_expire_in": 1800000000,
        "refresh_token": "r",
        "refresh_token_expire_in": 1900000000,
        "open_id": "7",
        "granted_scopes": ["seller.order.info"],
    }
    return {"code": 0, "message": "success", "data": {**data, **changes}}


def test_shop_tokens_end_at_a_moment_and_organic_ones_after_a_while() -> None:
    token = parse_shop_token(shop_token(), NOW)
    assert token.expires_at == datetime.fromtimestamp(1800000000, UTC)
    assert token.refresh_expires_at == datetime.fromtimestamp(1900000000, UTC)
    assert token.scopes == ("seller.order.info",)
    data = {"access_token": "a", "refresh_token": "r", "expires_in": 86400, "open_id": "o", "scope": "video.list,x"}
    found = parse_organic_token({"code": 0, "data": {**data, "refresh_token_expires_in": 31536000}}, NOW)
    assert found.expires_at == NOW + timedelta(days=1)
    assert found.refresh_expires_at == NOW + timedelta(days=365)
    assert (found.account_id, found.scopes) == ("o", ("video.list", "x"))


@pytest.mark.parametrize("value", [604800, "soon", 1.5, 10**18])
def test_an_expiry_that_is_no_moment_is_a_breach_of_contract(value: Any) -> None:
    with pytest.raises(ContractError):
        parse_shop_token(shop_token(access_token_expire_in=value), NOW)


@pytest.mark.parametrize("reply", [None, [], {}, {"code": 0}, {"code": 0, "data": {}}, {"code": 0, "data": []}])
def test_a_reply_without_a_token_is_a_breach_of_contract(reply: Any) -> None:
    for parse in (parse_shop_token, parse_organic_token):
        with pytest.raises(ContractError):
            parse(reply, NOW)


def test_refused_codes_ask_to_reconnect() -> None:
    with pytest.raises(AuthorizationError):
        parse_shop_token({"code": 36004004, "message": "auth code is invalid"}, NOW)
    with pytest.raises(AuthorizationError):
        parse_organic_token({"code": 40110, "message": "auth_code is invalid"}, NOW)


def test_us_sellers_have_their_own_consent_host_and_a_service_id_is_needed() -> None:
    assert SHOP_AUTH.build_authorize is not None
    assert SHOP_AUTH.build_authorize(APP, {"market": "US"}, "s").startswith("https://services.us.tiktokshop.com/")
    elsewhere = urlsplit(SHOP_AUTH.build_authorize(APP, {"market": ""}, "s t"))
    assert elsewhere.hostname == "services.tiktokshop.com"
    assert parse_qs(elsewhere.query)["state"] == ["s t"]
    with pytest.raises(ConfigurationError):
        SHOP_AUTH.build_authorize(App(client_id="a", client_secret="b", redirect_uri="c"), {}, "s")


FORM = re.compile(r"<form[^>]*action=\"([^\"]*)\"[^>]*>(.*?)</form>", re.DOTALL)
FIELD = re.compile(r"<input[^>]*name=\"([^\"]*)\"[^>]*value=\"([^\"]*)\"")


async def consent(bench: Bench) -> dict[str, str]:
    """What the callback receives after a person agreed on the page for the bench's account."""
    auth = bench.connector.auth
    assert isinstance(auth, OAuth2)
    assert auth.build_authorize is not None
    address = Routes({"*": SIM}).browser(auth.build_authorize(bench.credentials.app, {}, "st&te"))
    account = bench.brand.accounts[bench.connector.info.name]
    async with httpx2.AsyncClient(transport=bench.transport) as http:
        html = (await http.get(address)).text
        (found,) = [form for form in FORM.findall(html) if account in form[1]]
        fields = [(unescape(name), unescape(value)) for name, value in FIELD.findall(found[1])]
        agreed = await http.get(f"{urljoin(address, unescape(found[0]))}?{urlencode(fields)}")
    assert agreed.status_code == 302
    assert agreed.headers["location"].startswith("https://app.example/back?")
    return dict(parse_qsl(urlsplit(agreed.headers["location"]).query))


@pytest.mark.parametrize("make", [organic, shop])
async def test_consent_gives_a_code_that_works_once_and_for_ten_minutes(make: Any) -> None:
    world = small_world()
    bench = make(world, world.brands[1])
    auth = bench.connector.auth
    callback = await consent(bench)
    assert callback["state"] == "st&te"
    async with httpx2.AsyncClient(transport=bench.transport) as http:
        request = auth.build_exchange(bench.credentials.app, {}, callback)
        token = auth.parse_token(await exchange(http, request), NOW)
        assert token.refresh_token
        with pytest.raises(AuthorizationError):
            auth.parse_token(await exchange(http, request), NOW)
        late = auth.build_exchange(bench.credentials.app, {}, await consent(bench))
        world.advance(timedelta(minutes=10, seconds=1))
        with pytest.raises(AuthorizationError):
            auth.parse_token(await exchange(http, late), NOW)
    bench.credentials.token = token
    (account,) = await bench.connector().accounts(bench.context)
    assert account.source_id == bench.brand.accounts[bench.connector.info.name]


@pytest.mark.parametrize("make", [organic, shop])
async def test_a_refresh_token_rotates_and_dies(make: Any) -> None:
    bench = make(small_world())
    old = bench.credentials.token
    new = await bench.credentials.refresh(old)
    assert new.refresh_token != old.refresh_token
    with pytest.raises(AuthorizationError):
        await bench.credentials.refresh(old)
    await bench.credentials.refresh(new)


@pytest.mark.parametrize("make", [organic, shop])
async def test_a_wrong_secret_buys_no_token(make: Any) -> None:
    bench = make(small_world())
    auth = bench.connector.auth
    wrong = App(client_id=bench.emulator.client_id, client_secret="guess", redirect_uri="https://app.example/back")
    async with httpx2.AsyncClient(transport=bench.transport) as http:
        request = auth.build_refresh(wrong, {}, {"refresh_token": bench.credentials.token.refresh_token})
        with pytest.raises((AuthorizationError, ConfigurationError)):
            auth.parse_token(await exchange(http, request), NOW)


@pytest.mark.parametrize("make", [organic, shop])
async def test_a_token_that_ended_is_renewed_before_a_call(make: Any) -> None:
    world = small_world()
    bench = make(world)
    world.advance(timedelta(days=8))
    assert (await bench.read(bench.connector.streams[0].name)).records
    assert bench.credentials.refreshed == 1


async def call(bench: Bench, method: str, path: str, **changes: Any) -> tuple[int, int]:
    """(HTTP status, code) of a signed shop call after `changes` to its parameters; None removes one."""
    url = f"https://open-api.tiktokglobalshop.com{path}"
    content = b"{}" if method == "POST" else b""
    request = Outgoing(method=method, url=url, params=[("page_size", "2")], content=content)
    secret = changes.pop("secret", bench.emulator.client_secret)
    token = changes.pop("token", bench.credentials.token.access_token)
    app = App(client_id=bench.emulator.client_id, client_secret=secret, redirect_uri="x")
    cipher = changes.pop("cipher", bench.settings["cipher"])
    at = changes.pop("at", bench.clock.now())
    extra = changes.pop("extra", {})
    request.params += list(extra.items())
    signed = sign_shop_request(request, app, TokenSet(access_token=token), {"cipher": cipher}, at)
    signed.params = [(k, changes.get(k, v)) for k, v in signed.params if changes.get(k, v) is not None]
    target, host = Routes({"*": SIM}).connection(url)
    async with httpx2.AsyncClient(transport=bench.transport) as http:
        reply = await http.request(
            method,
            target,
            params=httpx2.QueryParams(dict(signed.params)),
            headers={**signed.headers, "host": host},
            content=content or None,
        )
    return reply.status_code, reply.json()["code"]


SHOPS, ORDERS = "/authorization/202309/shops", "/order/202309/orders/search"


@pytest.mark.parametrize(
    ("path", "changes", "expected"),
    [
        (ORDERS, {}, (200, 0)),
        (SHOPS, {}, (200, 0)),
        (ORDERS, {"secret": "guess"}, (401, 106001)),
        (ORDERS, {"sign": None}, (400, 36009004)),
        (ORDERS, {"sign": "0" * 64}, (401, 106001)),
        (ORDERS, {"page_size": "3"}, (401, 106001)),
        (ORDERS, {"app_key": "other"}, (400, 36009004)),
        (ORDERS, {"timestamp": "now"}, (400, 36009004)),
        (ORDERS, {"at": NOW - timedelta(minutes=6)}, (400, 36009004)),
        (ORDERS, {"at": NOW + timedelta(minutes=6)}, (400, 36009004)),
        (ORDERS, {"at": NOW - timedelta(minutes=4)}, (200, 0)),
        (ORDERS, {"token": "guess"}, (401, 105001)),
        (ORDERS, {"cipher": "GCP_other"}, (400, 101000)),
        (SHOPS, {"extra": {"shop_cipher": "sc"}}, (400, 36009004)),
        ("/order/202309/nothing", {}, (404, 36009009)),
    ],
)
async def test_forged_shop_requests_are_refused_with_the_documented_code(
    path: str, changes: dict[str, Any], expected: tuple[int, int]
) -> None:
    method = "GET" if path == SHOPS else "POST"
    assert await call(shop(small_world()), method, path, **changes) == expected


async def test_a_cipher_that_is_left_out_and_signed_so_is_missed() -> None:
    bench = shop(small_world())
    params = [("app_key", bench.emulator.client_id), ("timestamp", str(int(NOW.timestamp()))), ("page_size", "2")]
    params.append(("sign", sign_shop(bench.emulator.client_secret, ORDERS, params, b"{}")))
    async with httpx2.AsyncClient(transport=bench.transport) as http:
        headers = {"host": "open-api.tiktokglobalshop.com", "x-tts-access-token": bench.credentials.token.access_token}
        reply = await http.post(
            f"{SIM}{ORDERS}", params=httpx2.QueryParams(dict(params)), content=b"{}", headers=headers
        )
    assert reply.json()["code"] == 106013


async def test_another_shops_cipher_opens_nothing() -> None:
    world = small_world()
    mine, other = shop(world, world.brands[0]), shop(world, world.brands[1])
    assert await call(mine, "POST", ORDERS, cipher=other.settings["cipher"]) == (400, 101000)


async def test_another_account_opens_nothing() -> None:
    world = small_world()
    bench = organic(world, world.brands[0], account_id=world.brands[1].accounts["tiktok-organic"])
    with pytest.raises(AuthorizationError, match="40001"):
        await bench.read("profiles")
