"""Bad days: throttling, expiry, failures, repeated and shuffled rows lose and double nothing."""

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from tests.connectors.tiktok.bench import Bench, organic, shop, small_world

from shelftide_sdk.errors import (
    AuthorizationError,
    ConfigurationError,
    ConnectorError,
    ContractError,
    RateLimitedError,
    TransientError,
)
from shelftide_sdk.records import Content, Order, OrderStatus
from shelftide_tiktok.emulator import TikTokShopEmulator
from shelftide_tiktok.organic import TikTokOrganic
from shelftide_tiktok.shop import TikTokShop

SCENARIOS = ("throttle", "expire", "flap", "duplicate", "shuffle")
ORGANIC = ("profiles", "profile_days", "audience_days", "videos")
SHOP = ("orders", "refunds", "products", "stock", "locations", "statements", "affiliate_orders")


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shelftide_tiktok.videos.PAGE_SIZE", 4)
    monkeypatch.setattr("shelftide_tiktok.windows.WINDOW", timedelta(days=5))


@pytest.mark.parametrize(("make", "streams"), [(organic, ORGANIC), (shop, SHOP)])
@pytest.mark.parametrize("scenarios", [*((name,) for name in SCENARIOS), SCENARIOS[:2] + SCENARIOS[3:]])
async def test_bad_days_give_the_same_result(
    make: Callable[..., Bench], streams: tuple[str, ...], scenarios: tuple[str, ...]
) -> None:
    world = small_world()
    calm, rough = make(world), make(world, None, scenarios)
    for stream in streams:
        wanted = await calm.read(stream)
        found = await rough.read(stream)
        assert found.keyed() == wanted.keyed()
        assert len(found.records) == len(found.keyed())
        assert found.rejects == []
    if "expire" in scenarios:
        assert rough.credentials.refreshed > 1


async def test_restated_days_ripen_to_the_truth() -> None:
    world = small_world()
    bench = organic(world, None, ["restate"])
    early = await bench.read("profile_days")
    assert early.keyed() != (await organic(world).read("profile_days")).keyed()
    world.advance(timedelta(days=3))
    late = await bench.read("profile_days", early.cursor)
    both = early.keyed() | late.keyed()
    calm = (await organic(world).read("profile_days")).keyed()
    assert {key for key in both if both[key] != calm[key]} <= set(late.keyed())
    assert sum(both[key] != calm[key] for key in both) == 2


async def test_orders_that_tiktok_touches_again_arrive_again_and_are_the_same() -> None:
    world = small_world()
    calm = {o.source_id: o.total for o in (await shop(world).read("orders")).of(Order)}
    bench = shop(world, None, ["restate"])
    first = await bench.read("orders")
    assert {o.source_id: o.total for o in first.of(Order)} == calm


async def test_schema_drift_quarantines_the_broken_orders_and_keeps_the_rest() -> None:
    world = small_world()
    calm = await shop(world).read("orders")
    drifted = await shop(world, None, ["schema-drift"]).read("orders")
    unknown = [order for order in drifted.of(Order) if order.platform_status == "AWAITING_MANUAL_REVIEW"]
    assert unknown
    assert {order.status for order in unknown} == {OrderStatus.UNKNOWN}
    assert {reject.reason for reject in drifted.rejects} == {"total_amount is missing"}
    assert len(drifted.of(Order)) + len(drifted.rejects) == len(calm.of(Order))
    raw = repr([reject.raw for reject in drifted.rejects])
    assert "***" not in raw
    assert "chat.seller" not in raw


async def test_schema_drift_quarantines_the_broken_videos_and_keeps_the_rest() -> None:
    world = small_world()
    for brand in world.brands:
        calm = await organic(world, brand).read("videos")
        drifted = await organic(world, brand, ["schema-drift"]).read("videos")
        assert len(drifted.of(Content)) + len(drifted.rejects) == len(calm.of(Content))
        assert all("create_time" in reject.reason for reject in drifted.rejects)


def answer(connector: Any, code: Any, status: int = 200, message: str = "no", path: str = "/order/202309/x") -> Any:
    request = httpx2.Request("GET", f"https://open-api.tiktokglobalshop.com{path}")
    body = {"code": code, "message": message, "data": {}}
    return connector.classify(httpx2.Response(status, json=body, request=request))


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (40001, AuthorizationError),
        (40002, ContractError),
        (40007, ConfigurationError),
        (40100, RateLimitedError),
        (40101, ConfigurationError),
        (40102, AuthorizationError),
        (40105, AuthorizationError),
        (40110, AuthorizationError),
        (40200, TransientError),
        (40201, TransientError),
        (40202, TransientError),
        (40700, TransientError),
        (50000, TransientError),
        (50002, TransientError),
        (51234, TransientError),
        (49999, ContractError),
    ],
)
def test_organic_codes_in_http_200_say_what_to_do(code: int, kind: type[ConnectorError]) -> None:
    assert type(answer(TikTokOrganic, code)) is kind
    assert type(answer(TikTokOrganic, str(code))) is kind


@pytest.mark.parametrize(
    ("code", "message", "kind"),
    [
        (105001, "", AuthorizationError),
        (105002, "", AuthorizationError),
        (105005, "", AuthorizationError),
        (36004004, "", AuthorizationError),
        (106001, "", ConfigurationError),
        (106013, "", ConfigurationError),
        (101000, "", ConfigurationError),
        (36009002, "", RateLimitedError),
        (36009003, "", TransientError),
        (12001000, "", TransientError),
        (25020008, "", TransientError),
        (36009004, "Invalid timestamp", TransientError),
        (36009004, "sign is missing", ConfigurationError),
        (36009004, "invalid access token", AuthorizationError),
        (36009004, "Invalid app key", ConfigurationError),
        (36009004, "unexpected shop_cipher", ContractError),
        (36009004, "date range is too long", ContractError),
        (36009004, "page_token is invalid", ContractError),
        (36009009, "", ContractError),
        (12052123, "", ContractError),
    ],
)
def test_shop_codes_say_what_to_do(code: int, message: str, kind: type[ConnectorError]) -> None:
    assert type(answer(TikTokShop, code, 200, message)) is kind
    assert type(answer(TikTokShop, code, 400, message)) is kind


def test_only_an_expired_token_is_worth_a_refresh() -> None:
    assert answer(TikTokShop, 105002, 401).refreshable
    assert not answer(TikTokShop, 105005, 401).refreshable
    assert answer(TikTokOrganic, 40105).refreshable
    assert not answer(TikTokOrganic, 40001).refreshable


def test_a_missing_scope_is_named_by_the_message_or_by_the_path() -> None:
    assert answer(TikTokShop, 105005, 401, "needs seller.order.info").missing_scopes == ("seller.order.info",)
    assert answer(TikTokShop, 105005, 401, "denied", "/finance/202309/statements").missing_scopes == (
        "seller.finance.info",
    )


def test_http_errors_without_a_code_are_the_clients_and_http_429_too() -> None:
    for connector in (TikTokOrganic, TikTokShop):
        assert connector.classify(httpx2.Response(502, content=b"<html>")) is None
        assert answer(connector, 0) is None
    assert answer(TikTokShop, 36009002, 429) is None
    with pytest.raises(TransientError):
        TikTokShop.classify(httpx2.Response(200, content=b'{"code": 0, "da'))
    for body in (b"[]", b"{}", b'{"code": null}', b'{"code": true}'):
        with pytest.raises(ContractError):
            TikTokOrganic.classify(httpx2.Response(200, content=body))


async def test_an_empty_list_is_an_empty_list() -> None:
    world = small_world()
    bench = shop(world)
    bench.emulator._memory.get(("world", bench.brand.key), list)
    reading = await bench.read("orders")
    assert reading.records == []
    assert reading.cursor is not None


async def test_a_missing_scope_stops_its_streams_only() -> None:
    bench = shop(small_world())
    bench.emulator.denied_scopes.add("seller.finance.info")  # type: ignore[union-attr]  # this bench emulates a shop
    with pytest.raises(AuthorizationError) as caught:
        await bench.read("statements")
    assert caught.value.missing_scopes == ("seller.finance.info",)
    assert (await bench.read("orders")).of(Order)


async def test_a_revoked_grant_asks_to_reconnect() -> None:
    for make in (organic, shop):
        bench = make(small_world())
        bench.emulator.grants.revoke(bench.brand.accounts[bench.connector.info.name])
        with pytest.raises(AuthorizationError):
            await bench.read(bench.connector.streams[0].name)


async def test_paging_that_goes_round_in_a_circle_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = shop(small_world())
    monkeypatch.setattr("shelftide_tiktok.emulator_shop._encode", lambda place: "bG9vcA==")
    monkeypatch.setattr("shelftide_tiktok.emulator_shop._decode", lambda token: None)
    monkeypatch.setattr("shelftide_tiktok.windows.WINDOW", timedelta(days=60))
    monkeypatch.setattr(bench.emulator, "_page", cut_pages(bench))
    with pytest.raises(ContractError, match="circle"):
        await bench.read("orders")


def cut_pages(bench: Bench) -> Callable[..., Any]:
    assert isinstance(bench.emulator, TikTokShopEmulator)
    whole = bench.emulator._page

    def page(request: Any, entries: Any, root: str, most: int = 100) -> Any:
        return {**whole(request, entries, root, most), "next_page_token": "bG9vcA=="}

    return page


async def test_the_connector_logs_and_the_client_traces_no_secret_and_no_person(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    for make in (organic, shop):
        bench = make(small_world(), None, ["expire", "moderation-delay"])
        for stream in bench.connector.streams:
            await bench.read(stream.name)
        ours = [record.getMessage() for record in caplog.records if record.name == "test.tiktok"]
        text = repr([*ours, *bench.client.trace])
        assert bench.client.trace
        token = bench.credentials.token
        for secret in (token.access_token, str(token.refresh_token), bench.emulator.client_secret, "@"):
            assert secret not in text
