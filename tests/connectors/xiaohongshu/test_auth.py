"""Signatures by published rules, tokens with the platform's lives, windows and pages as the gateway allows them."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import httpx2
import pytest
from tests.connectors.xiaohongshu.bench import a_world, bench_of

from shelftide_sdk.auth import App, Outgoing, TokenSet
from shelftide_sdk.connector import WebhookRequest
from shelftide_sdk.errors import (
    AuthorizationError,
    ConfigurationError,
    ContractError,
    RateLimitedError,
    TransientError,
)
from shelftide_sdk.records import Order, Product, Refund
from shelftide_sdk.testing.conformance.bench import Bench
from shelftide_sdk.testing.emulator import Request
from shelftide_xiaohongshu.ark import ORDERS, XiaohongshuArk
from shelftide_xiaohongshu.auth import (
    GATEWAY,
    parse_ark_token,
    parse_juguang_token,
    sign_ark,
    sign_ark_request,
    sign_push,
    verify_push,
)
from shelftide_xiaohongshu.emulator import ArkEmulator
from shelftide_xiaohongshu.emulator_door import Issued
from shelftide_xiaohongshu.juguang import XiaohongshuJuguang
from shelftide_xiaohongshu.replies import ark_error, mapi_error
from shelftide_xiaohongshu.windows import UPDATED, Span, _window

NOW = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
APP = App(client_id="demo-app", client_secret="demo-secret", redirect_uri="https://app.example/back")


def test_the_signature_covers_method_app_time_version_and_secret() -> None:
    wanted = "5972dee09f02914f94db8d6c367712ff"
    assert sign_ark("order.getOrderList", "demo-app", "1700000000", "demo-secret") == wanted
    content = json.dumps({"method": "order.getOrderList", "pageNo": 1}).encode()
    outgoing = Outgoing(method="POST", url=GATEWAY, content=content)
    body = json.loads(sign_ark_request(outgoing, APP, TokenSet(access_token="t"), {}, NOW).content)
    assert (body["sign"], body["timestamp"], body["accessToken"]) == (wanted, "1700000000", "t")
    assert body["pageNo"] == 1


def test_a_push_is_signed_over_path_and_sorted_query() -> None:
    sign = sign_push("/hooks", [("b", "2"), ("a", "1")], "demo-app", "1700000000", "demo-secret")
    headers = {"App-Key": "demo-app", "timestamp": "1700000000", "sign": sign.upper()}
    assert (
        sign == "b42732ad41246f02b35d3155d9353fd1"
    )  # md5 of /hooks?a=1&app-key=demo-app&b=2&timestamp=1700000000demo-secret
    assert verify_push(APP, "/hooks", [("a", "1"), ("b", "2")], headers)
    assert not verify_push(APP, "/hooks", [("a", "1"), ("b", "3")], headers)
    assert not verify_push(APP, "/other", [("a", "1"), ("b", "2")], headers)
    assert not verify_push(APP, "/hooks", [("a", "1"), ("b", "2")], {})


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"success": False, "error_code": -1, "error_msg": "accessToken 已过期"}, AuthorizationError),
        ({"success": False, "code": -1, "msg": "sign 签名错误"}, ConfigurationError),
        ({"success": False, "error_code": "-1", "error_msg": "接口限流"}, RateLimitedError),
        ({"success": True, "error_code": 3, "error_msg": "系统繁忙"}, TransientError),
        ({"success": True, "code": 0, "data": {"response": {"success": False, "code": 9, "msg": "?"}}}, ContractError),
        ({"success": True, "code": 0, "data": {"response": {"success": True, "code": 7}}}, ContractError),
        ({"data": {}}, ContractError),
        ([], ContractError),
        (None, ContractError),
    ],
)
def test_both_envelopes_name_their_errors(body: Any, kind: type[Exception]) -> None:
    assert isinstance(ark_error(body), kind)


def test_a_good_envelope_is_good_in_both_spellings() -> None:
    assert ark_error({"success": True, "error_code": 0, "data": {}}) is None
    assert ark_error({"code": "0", "success": True, "data": {"response": {"success": True, "code": 0}}}) is None
    assert mapi_error({"success": True, "code": 200, "data": {}}) is None
    assert isinstance(mapi_error({"success": False, "code": 0, "msg": "无权限"}), AuthorizationError)


def test_token_times_are_moments_in_one_door_and_durations_in_the_other() -> None:
    data = {"accessToken": "a", "accessTokenExpiresAt": 3600, "refreshToken": "r"}
    with pytest.raises(ContractError, match="milliseconds"):
        parse_ark_token({"success": True, "error_code": 0, "data": data}, NOW)
    advertisers = [{"advertiser_id": 1, "advertiser_name": "A"}, {"advertiser_id": 2, "advertiser_name": "B"}]
    held = {"access_token": "a", "access_token_expires_in": 3600, "approval_advertisers": advertisers}
    token = parse_juguang_token({"success": True, "data": held}, NOW)
    assert token.expires_at == NOW + timedelta(hours=1)
    assert token.account_id == "1,2"


async def test_one_consent_opens_all_approved_advertisers(monkeypatch: pytest.MonkeyPatch) -> None:
    async with bench_of(XiaohongshuJuguang, a_world(), monkeypatch) as bench:
        bench.settings["account_id"] = "1,2"
        accounts = await bench.call(lambda connector, ctx: connector.accounts(ctx))
    assert [account.settings["advertiser_id"] for account in accounts] == ["1", "2"]


async def test_a_pair_is_renewed_in_its_last_half_hour_only(monkeypatch: pytest.MonkeyPatch) -> None:
    async with bench_of(XiaohongshuArk, a_world(), monkeypatch) as bench:
        emulator = bench.emulator
        assert isinstance(emulator, ArkEmulator)
        seller = bench.settings["seller_id"]
        pair = emulator.grants.issue(seller)
        assert emulator._renewed(pair.refresh) == pair
        bench.clock.advance(timedelta(days=7) - timedelta(minutes=20))
        fresh: Issued = emulator._renewed(pair.refresh)
        assert fresh.access != pair.access
        left = emulator.grants.access_until(pair.access)
        assert left is not None
        assert left - bench.clock.now() == timedelta(minutes=5)
        bench.clock.advance(timedelta(days=15))
        with pytest.raises(Exception, match="重新授权"):
            emulator._renewed(fresh.refresh)


async def _refused(bench: Bench, **fields: Any) -> str:
    with pytest.raises(Exception) as caught:  # the text is what is asked for
        await bench.client.post(GATEWAY, json=fields)
    return str(caught.value)


async def test_the_gateway_refuses_wide_windows_and_stale_times(monkeypatch: pytest.MonkeyPatch) -> None:
    async with bench_of(XiaohongshuArk, a_world(), monkeypatch) as bench:
        until = int(bench.clock.now().timestamp())
        asked = {"method": "order.getOrderList", "endTime": until, "pageNo": 1, "pageSize": 50}
        assert "时间区间" in await _refused(bench, **asked, timeType=2, startTime=until - 3600)
        assert "时间区间" in await _refused(bench, **asked, timeType=1, startTime=until - 2 * 86_400)
        bench.clock.advance(timedelta(days=-1))
        bench.emulator.clock = lambda: bench.clock.now() + timedelta(days=1)
        assert "timestamp" in await _refused(bench, **asked, timeType=1, startTime=until - 60)


class Moving:
    """A list, newest change first, whose newest row changes again and leaves the window after every second call."""

    def __init__(self) -> None:
        self.rows = [{"orderId": f"P{number}", "updateTime": number} for number in range(9)]
        self.numbers: list[int] = []

    async def post(self, url: str, *, json: Any, **more: Any) -> httpx2.Response:
        """A page of two rows."""
        number = json["pageNo"]
        self.numbers.append(number)
        shown = self.rows[2 * number - 2 : 2 * number]
        total = len(self.rows)
        data = {"total": total, "maxPageNo": -(-total // 2), "orderList": shown}
        if len(self.numbers) % 2 == 0:
            del self.rows[0]
        return httpx2.Response(200, json={"success": True, "error_code": 0, "data": data})


async def test_pages_are_read_from_the_last_to_the_first_and_rows_that_move_up_are_not_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("shelftide_xiaohongshu.windows.PAGE_SIZE", 2)
    client = Moving()
    after = {"updateTime": NOW.isoformat()}
    span = Span(kind=UPDATED, since=NOW, until=NOW + timedelta(minutes=30), cursor=after)
    steps = [step async for step in _window(cast(Any, client), ORDERS, span)]
    found = {row["orderId"] for step in steps for row in step.rows}
    assert client.numbers == [1, 5, 4, 3, 2, 1]
    assert {row["orderId"] for row in client.rows} <= found
    assert not [step.rejects for step in steps if step.rejects]


async def test_a_promise_that_is_not_kept_is_quarantined(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = ArkEmulator._list_orders

    def boasting(self: ArkEmulator, body: dict[str, Any], brand: Any) -> dict[str, Any]:
        found = listed(self, body, brand)
        return {**found, "total": found["total"] + 3} if found["orderList"] else found

    monkeypatch.setattr(ArkEmulator, "_list_orders", boasting)
    async with bench_of(XiaohongshuArk, a_world(), monkeypatch) as bench:
        reading = await bench.read(XiaohongshuArk.streams[0])
    assert reading.error is None
    assert "the platform promised" in reading.rejects[0].reason


async def test_a_delivery_brings_the_rows_that_it_names(monkeypatch: pytest.MonkeyPatch) -> None:
    world = a_world()
    world.advance(timedelta(days=20))
    async with bench_of(XiaohongshuArk, world, monkeypatch) as bench:
        streams = {stream.name: stream for stream in XiaohongshuArk.streams}
        order = (await bench.read(streams["orders"])).records[0]
        refund = (await bench.read(streams["refunds"])).records[0]
        product = (await bench.read(streams["products"])).records[0]
        assert isinstance(order, Order)
        assert isinstance(refund, Refund)
        assert isinstance(product, Product)
        seller = bench.settings["seller_id"]
        messages = [
            ("msg_fulfillment_status_change", seller, {"orderId": order.source_id}),
            ("msg_after_sale_create", seller, {"returnsId": refund.source_id}),
            ("msg_item_buyable", seller, {"itemId": product.source_id}),
            ("msg_fulfillment_status_change", "another shop", {"orderId": "P1"}),
            ("msg_fulfillment_status_change", seller, {}),
        ]
        body = [{"msgTag": tag, "sellerId": owner, "data": json.dumps(data)} for tag, owner, data in messages]

        async def deliver(content: bytes) -> Any:
            request = WebhookRequest(headers={}, body=content, received_at=bench.clock.now())
            return await bench.call(lambda connector, ctx: connector.webhook(ctx, request))

        pages = await deliver(json.dumps(body).encode())
        records = [record for page in pages for record in page.records]
        assert {order, refund} <= set(records)
        assert any(isinstance(record, Product) for record in records)
        assert [reject.reason for page in pages for reject in page.rejects] == [
            "a message names nothing that can be looked up"
        ]
        assert await deliver(b'{"test":true}') == []
        assert (await deliver(b"\xff"))[0].rejects


def test_a_request_needs_no_json_to_be_refused() -> None:
    emulator = ArkEmulator(a_world())
    request = Request(method="POST", host="ark.xiaohongshu.com", path="/", query=(), headers={}, body=b"[1]")
    assert json.loads(emulator.call(request).body)["success"] is False
