"""The client behind every connector: signs, renews, waits, retries, stays in its yard, and keeps secrets."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import httpx2
import msgspec
import pytest
import stamina

from shelftide_sdk import (
    ApiKey,
    App,
    AuthorizationError,
    Budget,
    Connector,
    ConnectorError,
    ConnectorInfo,
    Context,
    ContractError,
    Cursor,
    Health,
    HealthState,
    NoAuth,
    OAuth2,
    Outgoing,
    Page,
    RateLimitedError,
    Stream,
    TokenSet,
    TransientError,
    token_header,
)
from shelftide_sdk.auth import Auth
from shelftide_sdk.hosts import Routes
from shelftide_sdk.http import FixedCredentials, Patience, PlatformClient, retry_after
from shelftide_sdk.limits import MemoryLimiter

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
URL = "https://api.example.com/v1/orders"
APP = App(client_id="id", client_secret="the-app-secret", redirect_uri="")
Answer = httpx2.Response | Exception


@pytest.fixture(autouse=True)
def impatient() -> Iterator[None]:
    with stamina.set_testing(True, attempts=5, cap=True):
        yield


class Clock:
    """Passes by sleeping."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def now(self) -> datetime:
        return NOW + timedelta(seconds=sum(self.slept))

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


class Tokens:
    """Credentials that count."""

    def __init__(self, expires_at: datetime | None = None) -> None:
        self.token = TokenSet(access_token="token-1", expires_at=expires_at)
        self.refreshed = 0

    async def current(self) -> tuple[App, TokenSet]:
        return APP, self.token

    async def refresh(self, seen: TokenSet) -> TokenSet:
        self.refreshed += 1
        self.token = TokenSet(access_token=f"token-{self.refreshed + 1}")
        return self.token


class Plain(Connector):
    """As little as possible."""

    info: ClassVar[ConnectorInfo] = ConnectorInfo(
        name="plain",
        title="Plain",
        platform="plain",
        api_requires=(1, 0),
        hosts=("api.example.com", "*.shops.example"),
        budgets=(Budget(name="orders", calls=2, seconds=10, endpoints="/v1/orders"),),
    )
    auth: ClassVar[Auth] = OAuth2(authorize_url="", token_url="")

    async def check(self, ctx: Context) -> Health:
        return Health(state=HealthState.OK)

    async def read(self, ctx: Context, stream: Stream, cursor: Cursor | None) -> AsyncIterator[Page]:
        yield Page()


class Rig:
    """A client over answers written beforehand; the last one is repeated."""

    def __init__(self, answers: Sequence[Answer], connector: type[Connector] = Plain, **options: Any) -> None:
        self.asked: list[httpx2.Request] = []
        self.clock = Clock()
        self.tokens = options.pop("tokens", None) or Tokens()
        self._answers = list(answers)
        options.setdefault("patience", Patience(sleep=self.clock.sleep))
        options.setdefault("limiter", MemoryLimiter(lambda: sum(self.clock.slept), self.clock.sleep))
        self.client = PlatformClient(
            connector,
            credentials=self.tokens,
            settings={},
            clock=self.clock,
            transport=httpx2.MockTransport(self._answer),
            **options,
        )

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(request)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return httpx2.Response(answer.status_code, headers=answer.headers, content=answer.content)


def reply(status: int = 200, body: bytes = b"{}", **headers: str) -> httpx2.Response:
    return httpx2.Response(status, content=body, headers={k.replace("_", "-"): v for k, v in headers.items()})


def classified(error: Callable[[Any], ConnectorError | None]) -> type[Connector]:
    def classify(cls: type[Connector], response: Any) -> ConnectorError | None:
        return error(response)

    return type("Classified", (Plain,), {"classify": classmethod(classify)})


async def test_each_try_is_signed_once_and_afresh() -> None:
    signed: list[Outgoing] = []

    def sign(request: Outgoing, app: App, token: TokenSet, settings: Any, now: datetime) -> Outgoing:
        signed.append(request)
        request.params.append(("sign", f"{len(signed)}"))
        return request

    kind = type("Signed", (Plain,), {"auth": OAuth2(authorize_url="", token_url="", sign=sign)})
    rig = Rig([reply(503), reply(503), reply()], kind)
    await rig.client.get(URL, params={"a": 1, "b": None})
    assert [dict(request.url.params) for request in rig.asked] == [{"a": "1", "sign": str(n)} for n in (1, 2, 3)]


async def test_parameters_keep_their_order_and_repeat() -> None:
    rig = Rig([reply()])
    await rig.client.get(URL, params=[("id", "2"), ("id", "1"), ("a", "x y")])
    assert rig.asked[0].url.query == b"id=2&id=1&a=x+y"


async def test_a_post_carries_json() -> None:
    rig = Rig([reply()])
    await rig.client.post(URL, json={"a": [1]})
    assert (rig.asked[0].content, rig.asked[0].headers["content-type"]) == (b'{"a":[1]}', "application/json")


@pytest.mark.parametrize(("auth", "header"), [(ApiKey(sign=token_header("X-Key")), "token-1"), (NoAuth(), None)])
async def test_other_kinds_of_grant_sign_their_way(auth: Auth, header: str | None) -> None:
    rig = Rig([reply()], type("Other", (Plain,), {"auth": auth}))
    await rig.client.get(URL)
    assert rig.asked[0].headers.get("x-key") == header
    assert "authorization" not in rig.asked[0].headers


async def test_an_expired_token_is_renewed_once_and_the_call_repeated() -> None:
    rig = Rig([reply(401), reply()])
    await rig.client.get(URL)
    assert rig.tokens.refreshed == 1
    assert [request.headers["authorization"] for request in rig.asked] == ["Bearer token-1", "Bearer token-2"]


async def test_a_grant_that_stays_refused_is_given_up_after_three_renewals() -> None:
    rig = Rig([reply(401)])
    with pytest.raises(AuthorizationError):
        await rig.client.get(URL)
    assert (rig.tokens.refreshed, len(rig.asked)) == (3, 4)


async def test_a_token_about_to_end_is_renewed_before_the_call() -> None:
    rig = Rig([reply()], tokens=Tokens(NOW + timedelta(seconds=20)))
    await rig.client.get(URL)
    assert rig.asked[0].headers["authorization"] == "Bearer token-2"
    calm = Rig([reply()], tokens=Tokens(NOW + timedelta(seconds=60)))
    await calm.client.get(URL)
    assert calm.tokens.refreshed == 0


async def test_a_refusal_that_a_new_token_does_not_mend_renews_nothing() -> None:
    rig = Rig([reply(403)])
    with pytest.raises(AuthorizationError):
        await rig.client.get(URL)
    assert (rig.tokens.refreshed, len(rig.asked)) == (0, 1)


async def test_a_fixed_token_cannot_be_renewed() -> None:
    rig = Rig([reply(401)], tokens=FixedCredentials(APP, TokenSet(access_token="fixed")))
    with pytest.raises(AuthorizationError, match="no longer accepts"):
        await rig.client.get(URL)


@pytest.mark.parametrize("value", ["7", "7.5", "Mon, 02 Mar 2026 09:00:07 GMT"])
async def test_retry_after_is_waited_for_in_seconds_and_as_a_date(value: str) -> None:
    rig = Rig([reply(429, retry_after=value), reply()])
    await rig.client.get(URL)
    assert rig.clock.slept == [pytest.approx(7, abs=0.5)]


@pytest.mark.parametrize("value", ["", "soon", "-5", "nan"])
async def test_an_unknown_wait_is_a_second(value: str) -> None:
    rig = Rig([reply(429, retry_after=value), reply()])
    await rig.client.get(URL)
    assert rig.clock.slept == [1.0]


async def test_a_wait_in_the_past_does_not_spin() -> None:
    rig = Rig([reply(429, retry_after="Mon, 02 Mar 2026 08:00:00 GMT")])
    with pytest.raises(RateLimitedError):
        await rig.client.get(URL)
    assert len(rig.asked) <= 100


async def test_a_long_wait_is_handed_to_the_host_at_once() -> None:
    rig = Rig([reply(429, retry_after="600")])
    with pytest.raises(RateLimitedError) as caught:
        await rig.client.get(URL)
    assert caught.value.retry_after == timedelta(seconds=600)
    assert (rig.clock.slept, len(rig.asked)) == ([], 1)


async def test_short_waits_add_up_to_the_longest() -> None:
    rig = Rig([reply(429, retry_after="8")])
    with pytest.raises(RateLimitedError):
        await rig.client.get(URL)
    assert rig.clock.slept == [8, 8]


@pytest.mark.parametrize("answer", [reply(500), reply(502), reply(503), reply(408), httpx2.ConnectError("no route")])
async def test_what_passes_is_tried_again(answer: Answer) -> None:
    rig = Rig([answer, answer, reply()])
    assert (await rig.client.get(URL)).status_code == 200
    assert len(rig.asked) == 3


@pytest.mark.parametrize("answer", [reply(500), httpx2.ReadTimeout("slow"), httpx2.RemoteProtocolError("cut")])
async def test_what_stays_is_transient_after_five_tries(answer: Answer) -> None:
    rig = Rig([answer])
    with pytest.raises(TransientError):
        await rig.client.get(URL)
    assert len(rig.asked) == 5


@pytest.mark.parametrize("status", [301, 302, 400, 404, 409, 410, 418])
async def test_other_statuses_are_the_authors_business_and_not_repeated(status: int) -> None:
    rig = Rig([reply(status, location="https://evil.example/")])
    with pytest.raises(ContractError, match=f"HTTP {status}"):
        await rig.client.get(URL)
    assert len(rig.asked) == 1


async def test_the_connectors_reading_of_a_reply_comes_first() -> None:
    rig = Rig([reply()], classified(lambda response: AuthorizationError("code 40105 in HTTP 200")))
    with pytest.raises(AuthorizationError, match="40105"):
        await rig.client.get(URL)


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/v1",
        "http://api.example.com/v1",
        "https://api.example.com.evil.example/",
        "https://a.b.shops.example/",
        "https://api.example.com@evil.example/",
        "ftp://api.example.com/",
        "file:///etc/passwd",
        "//api.example.com/",
        "",
    ],
)
async def test_an_undeclared_host_is_never_reached(url: str) -> None:
    rig = Rig([reply()])
    for call in (rig.client.get(url), rig.client.post(url), anext(rig.client.lines(url))):
        with pytest.raises(ContractError, match="does not declare"):
            await call
    assert rig.asked == []


async def test_routes_change_the_address_and_keep_the_host() -> None:
    rig = Rig([reply(body=b"line\n")], routes=Routes({"*.shops.example": "http://127.0.0.1:7801"}))
    await rig.client.get("https://one.shops.example/v1/orders", params={"a": "b"})
    assert [line async for line in rig.client.lines("https://two.shops.example/file")] == [b"line"]
    assert [str(request.url) for request in rig.asked] == [
        "http://127.0.0.1:7801/v1/orders?a=b",
        "http://127.0.0.1:7801/file",
    ]
    assert [request.headers["host"] for request in rig.asked] == ["one.shops.example", "two.shops.example"]


async def test_the_budget_is_kept_for_its_endpoints_only() -> None:
    rig = Rig([reply()])
    for _ in range(3):
        await rig.client.get("https://api.example.com/v1/shop")
    assert rig.clock.slept == []
    for _ in range(3):
        await rig.client.get(URL)
    assert 10.0 <= sum(rig.clock.slept) <= 11.0


async def test_retries_are_paid_from_the_budget_too() -> None:
    rig = Rig([reply(503), reply(503), reply()])
    await rig.client.get(URL)
    assert 10.0 <= sum(rig.clock.slept) <= 11.0


async def test_a_reply_beyond_the_limit_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shelftide_sdk.http._BODY_LIMIT", 1000)
    with pytest.raises(ContractError, match="larger"):
        await Rig([reply(body=b"x" * 1001)]).client.get(URL)
    assert len((await Rig([reply(body=b"x" * 1000)]).client.get(URL)).content) == 1000


async def test_the_trace_holds_no_secret_and_no_body() -> None:
    rig = Rig([reply(body=b"the-body")])
    secret = {"access_token": "the-token", "app_secret": "the-secret", "sign": "the-sign", "code": "the-code"}
    await rig.client.post(URL, params={**secret, "page": 2}, json={"password": "the-password"})
    (trace,) = rig.client.trace
    assert (trace.method, trace.host, trace.path, trace.status, trace.bytes) == (
        "POST",
        "api.example.com",
        "/v1/orders",
        200,
        8,
    )
    assert "page=2" in trace.params
    assert "the-" not in repr(trace)


async def test_a_failed_exchange_is_traced_as_well() -> None:
    rig = Rig([httpx2.ConnectError("no")])
    with pytest.raises(TransientError):
        await rig.client.get(URL)
    assert [trace.status for trace in rig.client.trace] == [None] * 5
    assert rig.client.requests == 5


async def test_lines_come_whole_and_unsigned() -> None:
    rig = Rig([reply(body=b'{"a":1}\n\n{"b":2}\n{"c":3}')])
    assert [line async for line in rig.client.lines(URL)] == [b'{"a":1}', b'{"b":2}', b'{"c":3}']
    assert "authorization" not in rig.asked[0].headers


@pytest.mark.parametrize("failure", [reply(503), httpx2.ConnectError("no")])
async def test_a_file_that_cannot_be_had_at_once_is_asked_for_again(failure: Answer) -> None:
    rig = Rig([failure, failure, reply(body=b"one\ntwo")])
    assert [line async for line in rig.client.lines(URL)] == [b"one", b"two"]
    assert len(rig.asked) == 3


async def test_a_file_that_fails_for_ever_is_given_up() -> None:
    rig = Rig([reply(500)])
    with pytest.raises(TransientError, match="HTTP 500"):
        await anext(rig.client.lines(URL))
    assert len(rig.asked) == 5


async def test_a_file_that_is_gone_is_told_with_the_platforms_words() -> None:
    with pytest.raises(ContractError) as met:
        await anext(Rig([reply(404, b"expired")]).client.lines(URL))
    assert met.value.detail == "expired"


async def test_a_file_that_cannot_be_had_is_an_error() -> None:
    with pytest.raises(AuthorizationError):
        await anext(Rig([reply(403)]).client.lines(URL))
    with pytest.raises(ContractError):
        await anext(Rig([reply(204)]).client.lines(URL))
    with pytest.raises(TransientError, match="broke"):
        await anext(Rig([httpx2.ReadError("cut")]).client.lines(URL))


async def test_a_reply_without_a_date_counts_from_the_hosts_clock() -> None:
    assert (await Rig([reply()]).client.get(URL)).headers["date"] == "Mon, 02 Mar 2026 09:00:00 GMT"
    kept = "Sun, 01 Mar 2026 09:00:00 GMT"
    assert (await Rig([reply(date=kept)]).client.get(URL)).headers["date"] == kept


async def test_a_wish_to_wait_holds_everybody_who_shares_the_budget() -> None:
    told = Rig([reply()])
    limiter = MemoryLimiter(lambda: sum(told.clock.slept), told.clock.sleep)
    shared: dict[str, Any] = {
        "limiter": limiter,
        "patience": Patience(longest_wait=timedelta(0), sleep=told.clock.sleep),
    }
    with pytest.raises(RateLimitedError):
        await Rig([reply(429, retry_after="7")], **shared).client.get(URL)
    assert told.clock.slept == []
    await Rig([reply()], **shared).client.get(URL)
    assert sum(told.clock.slept) == pytest.approx(7.0)


async def test_history_leaves_a_share_of_the_budget() -> None:
    class Roomy(Plain):
        info = msgspec.structs.replace(Plain.info, budgets=(Budget(name="orders", calls=8, seconds=10),))

    rig = Rig([reply()], Roomy)
    rig.client.pace(backfill=True)
    for _ in range(6):
        await rig.client.get(URL)
    assert rig.clock.slept == []
    await rig.client.get(URL)
    assert sum(rig.clock.slept) >= 10.0


async def test_who_was_told_to_wait_comes_back_one_by_one() -> None:
    under_way = most = asked = 0
    herd = asyncio.Barrier(5)

    async def answer(request: httpx2.Request) -> httpx2.Response:
        nonlocal under_way, most, asked
        asked += 1
        if asked <= 5:
            await herd.wait()
            return reply(429, retry_after="1")
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.01)
        under_way -= 1
        return reply()

    class Free(Plain):
        info = msgspec.structs.replace(Plain.info, budgets=())

    rig = Rig([reply()], Free)
    rig.client._transport = httpx2.MockTransport(answer)
    await asyncio.gather(*(rig.client.get(URL) for _ in range(5)))
    assert (asked, most) == (10, 1)


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        ("9" * 400, timedelta(days=7)),
        ("Fri, 31 Dec 9999 23:59:59 GMT", timedelta(days=7)),
        ("Fri, 01 Jan 99999 00:00:00 GMT", None),
        ("\xb2", None),
        ("NaN", None),
        ("-5", None),
        ("Sat, 01 Jan 2000 00:00:00 +9999", None),
    ],
)
def test_a_senseless_wish_to_wait_is_bounded_or_none(value: str, wait: timedelta | None) -> None:
    headers = [(b"retry-after", value.encode("latin-1")), (b"date", b"Mon, 02 Mar 2026 09:00:00 GMT")]
    assert retry_after(httpx2.Response(429, headers=headers)) == wait
