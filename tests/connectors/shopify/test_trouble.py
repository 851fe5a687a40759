"""Everything that goes wrong at Shopify, and what the connector makes of it."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from tests.connectors.fake_world import NOW, FakeWorld, brand, many_orders, order
from tests.connectors.shopify.bench import Bench

from shelftide_sdk.errors import (
    AuthorizationError,
    ConfigurationError,
    ContractError,
    RateLimitedError,
    TransientError,
)
from shelftide_sdk.records import Order, OrderStatus
from shelftide_shopify.connector import Shopify
from shelftide_shopify.queries import BULK_RUN, bulk_products
from shelftide_shopify.replies import QueryTooLargeError
from shelftide_shopify.walk import PageSize

LUMEN = brand()
GRAPHQL = "https://lumen-test.myshopify.com/admin/api/2026-07/graphql.json"
DATE = "Wed, 01 Jul 2026 12:00:00 GMT"


def world_of(*orders: Any) -> FakeWorld:
    return FakeWorld([LUMEN], orders)


def reply(body: Any, status: Any = 200, **headers: Any) -> httpx2.Response:
    return httpx2.Response(status, json=body, headers={"date": DATE, **headers})


def error(code: Any, message: Any = "no", **extensions: Any) -> Any:
    return {"errors": [{"message": message, "extensions": {"code": code, **extensions}}]}


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, AuthorizationError),
        (402, AuthorizationError),
        (403, AuthorizationError),
        (404, ConfigurationError),
        (423, AuthorizationError),
        (429, RateLimitedError),
        (430, ContractError),
        (500, TransientError),
        (503, TransientError),
    ],
)
def test_every_http_status_has_its_error(status: Any, kind: Any) -> None:
    found = Shopify.classify(reply({"errors": "x"}, status))
    assert type(found) is kind
    assert getattr(found, "refreshable", False) is (status == 401)


def test_retry_after_is_a_wait_whatever_the_clocks_say() -> None:
    found = Shopify.classify(reply({"errors": "x"}, 429, **{"retry-after": "2.5"}))
    assert isinstance(found, RateLimitedError)
    assert found.retry_after == timedelta(seconds=2.5)


@pytest.mark.parametrize("value", ["soon", "", "inf", "nan"])
def test_an_unreadable_retry_after_is_an_unknown_wait(value: Any) -> None:
    found = Shopify.classify(reply({"errors": "x"}, 429, **{"retry-after": value}))
    assert isinstance(found, RateLimitedError)
    assert found.retry_after is None


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("THROTTLED", RateLimitedError),
        ("MAX_COST_EXCEEDED", QueryTooLargeError),
        ("ACCESS_DENIED", AuthorizationError),
        ("SHOP_INACTIVE", AuthorizationError),
        ("INTERNAL_SERVER_ERROR", TransientError),
        ("BAD_REQUEST", ContractError),
        ("undefinedField", ContractError),
        ("SOMETHING_NEW", ContractError),
    ],
)
def test_every_code_in_http_200_has_its_error(code: Any, kind: Any) -> None:
    assert type(Shopify.classify(reply(error(code)))) is kind


def test_the_wait_is_computed_from_the_cost() -> None:
    status = {"maximumAvailable": 2000, "currentlyAvailable": 100, "restoreRate": 100}
    body = {**error("THROTTLED"), "extensions": {"cost": {"requestedQueryCost": 600, "throttleStatus": status}}}
    found = Shopify.classify(reply(body))
    assert isinstance(found, RateLimitedError)
    assert found.retry_after == timedelta(seconds=5)


def test_the_missing_scope_is_named() -> None:
    found = Shopify.classify(reply(error("ACCESS_DENIED", "Required access: `read_orders` access scope.")))
    assert isinstance(found, AuthorizationError)
    assert found.missing_scopes == ("read_orders",)


def test_partial_data_beside_errors_is_never_good() -> None:
    body = {"data": {"orders": {"nodes": [{"id": "1"}]}}, **error("INTERNAL_SERVER_ERROR")}
    assert isinstance(Shopify.classify(reply(body)), TransientError)


def test_a_refusal_outweighs_a_wait() -> None:
    both = {"errors": error("THROTTLED")["errors"] + error("ACCESS_DENIED", "read_orders")["errors"]}
    assert isinstance(Shopify.classify(reply(both)), AuthorizationError)


def test_good_and_foreign_replies_pass() -> None:
    assert Shopify.classify(reply({"data": {}})) is None
    assert Shopify.classify(reply({"data": {}, "errors": []})) is None
    assert Shopify.classify(httpx2.Response(200, content=b'{"errors":1}', headers={"content-type": "text/csv"})) is None
    broken = httpx2.Response(200, content=b"{", headers={"content-type": "application/json"})
    assert isinstance(Shopify.classify(broken), TransientError)


SCENARIOS = ["throttle", "expire", "flap", "duplicate", "shuffle", "slow", "restate"]


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("bulk", ["never", "always"])
async def test_bad_days_lose_and_double_nothing(scenario: Any, bulk: Any) -> None:
    world = world_of(*many_orders(LUMEN, 30 if scenario == "slow" else 80))
    calm = await Bench(world, bulk="never").read("orders")
    bench = Bench(world, scenarios=[scenario], plan="plus", bulk=bulk)
    rough = await bench.read("orders")
    assert set(rough.keyed()) == set(calm.keyed())
    assert len(rough.records) == len(rough.keyed())
    if scenario != "restate":
        assert rough.keyed() == calm.keyed()
    assert (await bench.read("stock")).keyed() == (await Bench(world).read("stock")).keyed()


async def test_all_bad_days_at_once() -> None:
    world = world_of(*many_orders(LUMEN, 60))
    bench = Bench(
        world, scenarios=[s for s in SCENARIOS if s not in ("slow", "restate")], plan="plus", bulk="never", retries=6
    )
    assert (await bench.read("orders")).keyed() == (await Bench(world, bulk="never").read("orders")).keyed()


async def test_throttling_is_waited_out_in_the_time_that_the_cost_says() -> None:
    bench = Bench(world_of(*many_orders(LUMEN, 60)), scenarios=["throttle"], plan="plus", bulk="never")
    await bench.read("orders")
    assert bench.slept
    assert all(0 <= seconds < 1.5 for seconds in bench.slept)


async def test_a_small_plan_throttles_by_itself() -> None:
    bench = Bench(world_of(*many_orders(LUMEN, 60)), plan="basic", bulk="never")
    await bench.read("orders")
    assert any(seconds > 1 for seconds in bench.slept)


async def test_schema_drift_quarantines_the_broken_rows_and_keeps_the_rest() -> None:
    world = world_of(*many_orders(LUMEN, 100))
    calm = await Bench(world, bulk="never").read("orders")
    drifted = await Bench(world, scenarios=["schema-drift"], bulk="never").read("orders")
    unknown = [o for o in drifted.of(Order) if o.platform_status == "HELD_FOR_REVIEW"]
    assert unknown
    assert {o.status for o in unknown} == {OrderStatus.UNKNOWN}
    assert drifted.rejects
    assert {reject.reason for reject in drifted.rejects} == {"totalPriceSet is missing"}
    assert len(drifted.of(Order)) + len(drifted.rejects) == len(calm.of(Order))


@pytest.mark.parametrize("outcome", ["FAILED", "EXPIRED", "CANCELED"])
async def test_a_bulk_job_that_does_not_complete_is_never_read_in_part(outcome: Any) -> None:
    world = world_of(*many_orders(LUMEN, 40))
    again, strict = Bench(world, bulk="always"), Bench(world, bulk="always")
    again.emulator.jobs.outcomes = [outcome]
    assert (await again.read("orders")).keyed() == (await Bench(world, bulk="never").read("orders")).keyed()
    strict.emulator.jobs.outcomes = [outcome, outcome]
    with pytest.raises(TransientError):
        await strict.read("orders")


@pytest.mark.parametrize("busy", [True, False])
async def test_auto_falls_back_to_pages_when_jobs_fail_or_are_refused(monkeypatch: Any, busy: Any) -> None:
    monkeypatch.setattr("shelftide_shopify.connector.BULK_THRESHOLD", 20)
    world = world_of(*many_orders(LUMEN, 60))
    bench = Bench(world)
    if busy:
        monkeypatch.setattr("shelftide_shopify.emulator_bulk.CONCURRENT", 1)
        await bench.client.post(GRAPHQL, json={"query": BULK_RUN, "variables": {"query": bulk_products("2026", True)}})
    else:
        bench.emulator.jobs.outcomes = ["FAILED", "EXPIRED"]
    bench.client.requests.clear()
    reading = await bench.read("orders")
    sent = [call[2]["query"] for call in bench.client.requests]
    assert sum("bulkOperationRunQuery" in query for query in sent) == 2
    assert len(reading.of(Order)) == sum(not o.test for o in world.all_orders)


async def test_a_job_of_a_crashed_run_that_is_gone_is_started_anew() -> None:
    bench = Bench(world_of(*many_orders(LUMEN, 40)), bulk="always")
    gone = {"bulk": {"id": "gid://shopify/BulkOperation/1", "done": 0}}
    assert (await bench.read("orders", gone)).keyed() == (await bench.read("orders")).keyed()


async def test_a_short_bulk_file_moves_no_cursor() -> None:
    bench = Bench(world_of(*many_orders(LUMEN, 50)), bulk="always")
    whole = bench.client.lines

    async def short(url: Any) -> AsyncIterator[bytes]:
        lines = [line async for line in whole(url)]
        for line in lines[:-1]:
            yield line

    bench.client.lines = short  # type: ignore[method-assign]  # the test cuts the file short
    pages = []

    async def collect() -> None:
        async for page in Shopify().read(bench.context, Shopify().stream("orders"), None):
            pages.append(page)  # noqa: PERF401  # the pages before the error matter

    with pytest.raises(TransientError, match="not complete"):
        await collect()
    assert [page.records for page in pages] == [()]
    assert pages[0].cursor is not None
    assert "updated_at" not in pages[0].cursor


async def test_a_damaged_bulk_line_is_a_failure_and_a_line_without_parent_a_reject() -> None:
    bench = Bench(world_of(*many_orders(LUMEN, 10)), bulk="always")
    whole = bench.client.lines

    async def orphaned(url: Any) -> AsyncIterator[bytes]:
        async for line in whole(url):
            yield line.replace(b'"__parentId":"gid://shopify/Order/', b'"__parentId":"gid://shopify/Order/9', 1)

    bench.client.lines = orphaned  # type: ignore[method-assign]  # the test damages the file
    reading = await bench.read("orders")
    assert {reject.reason for reject in reading.rejects} == {"a line of the bulk file that cannot be joined"}
    assert len(reading.of(Order)) == 9

    async def cut(url: Any) -> AsyncIterator[bytes]:
        async for line in whole(url):
            yield line[:-5]

    bench.client.lines = cut  # type: ignore[method-assign]  # the test damages the file
    with pytest.raises(TransientError, match="damaged"):
        await bench.read("orders")


async def test_an_empty_shop_has_no_bulk_file_and_that_is_fine() -> None:
    bench = Bench(world_of(), bulk="always")
    reading = await bench.read("orders")
    assert reading.records == []
    assert any("bulkOperationRunQuery" in call[2]["query"] for call in bench.client.requests)


async def test_a_looping_cursor_is_found(monkeypatch: Any) -> None:
    bench = Bench(world_of(*many_orders(LUMEN, 40)), bulk="never")
    monkeypatch.setattr("shelftide_shopify.emulator_paging.encode", lambda key: "bG9vcA==")
    monkeypatch.setattr("shelftide_shopify.emulator_paging.decode", lambda cursor: ("", 0))
    with pytest.raises(ContractError, match="circle"):
        await bench.read("orders")


async def test_reading_goes_on_past_the_wall(monkeypatch: Any) -> None:
    monkeypatch.setattr("shelftide_shopify.emulator_paging.WALL", 40)
    monkeypatch.setattr("shelftide_shopify.walk.WALL", 40)
    world = FakeWorld([brand(products=70, variants=1)], ())
    world.all_orders = many_orders(world.brands[0], 130)
    bench = Bench(world, bulk="never")
    reading = await bench.read("orders")
    assert len(reading.of(Order)) == sum(not o.test for o in world.all_orders)
    assert len(reading.records) == len(reading.keyed())
    assert len((await bench.read("stock")).records) == 70


async def test_a_wall_of_rows_with_one_time_is_read_by_bulk_operation(monkeypatch: Any) -> None:
    monkeypatch.setattr("shelftide_shopify.emulator_paging.WALL", 40)
    monkeypatch.setattr("shelftide_shopify.walk.WALL", 40)
    at = NOW - timedelta(days=3)
    world = world_of(*(order(n, at, LUMEN.skus[:1]) for n in range(120)))
    reading = await Bench(world, bulk="never").read("orders")
    assert len({o.source_id for o in reading.of(Order)}) == 120


async def test_a_query_that_is_too_large_is_halved_and_grows_again(monkeypatch: Any) -> None:
    world = world_of(*many_orders(LUMEN, 60))
    calm = await Bench(world, bulk="never").read("orders")
    monkeypatch.setattr("shelftide_shopify.emulator.MAX_QUERY_COST", 350)
    bench = Bench(world, bulk="never")
    assert (await bench.read("orders")).keyed() == calm.keyed()
    sizes = [c[2]["variables"].get("first") for c in bench.client.requests if "query Orders(" in c[2]["query"]]
    assert sizes[0] == 8
    assert 2 in sizes or 4 in sizes


def test_page_size_stays_between_one_and_250() -> None:
    size = PageSize(3)
    assert size.halve()
    assert not size.halve()
    for _ in range(20):
        size.grow(10)
    assert size.value == 250
    size.grow(2_000)
    assert size.value == 112


async def test_an_answer_in_another_version_is_noticed() -> None:
    bench = Bench(world_of())
    url = "https://lumen-test.myshopify.com/admin/api/2020-01/graphql.json"
    old = await bench.client.post(url, json={"query": "{shop{id}}"})
    assert old.headers["x-shopify-api-version"] == "2026-07"


@pytest.mark.parametrize(
    ("refusal", "kind"),
    [
        (402, AuthorizationError),
        (423, AuthorizationError),
        (404, ConfigurationError),
        ("SHOP_INACTIVE", AuthorizationError),
    ],
)
async def test_a_closed_shop_is_said_so(refusal: Any, kind: Any) -> None:
    bench = Bench(world_of())
    bench.emulator.refusals[bench.shop] = refusal
    with pytest.raises(kind):
        await Shopify().check(bench.context)


async def test_a_cursor_from_elsewhere_is_refused_and_no_secret_is_in_a_saved_one() -> None:
    bench = Bench(world_of(*many_orders(LUMEN, 30)), bulk="never")
    with pytest.raises(ConfigurationError):
        await bench.read("orders", {"read": "nonsense"})
    with pytest.raises(ConfigurationError):
        await Bench(world_of(), bulk="sometimes").read("orders")
    partial = await bench.read("orders", crash_after=1)
    assert bench.client.token.access_token not in json.dumps(partial.cursor)


async def test_a_crash_anywhere_around_the_wall_repeats_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shelftide_shopify.emulator_paging.WALL", 21)
    monkeypatch.setattr("shelftide_shopify.walk.WALL", 21)
    monkeypatch.setattr("shelftide_shopify.walk.MAX_PAGE", 4)
    orders = [order(n, NOW - timedelta(days=5 - n // 14), LUMEN.skus[:1]) for n in range(40)]
    bench = Bench(world_of(*orders), bulk="never")
    whole = await bench.read("orders")
    for crash in range(1, len(whole.pages)):
        before = await bench.read("orders", crash_after=crash)
        after = await bench.read("orders", before.cursor)
        assert before.keyed() | after.keyed() == whole.keyed()
        assert not before.keyed().keys() & after.keyed().keys()
