"""The emulator keeps Shopify's rules: schema, costs, walls, bulk checks, webhooks."""

import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.connectors.fake_world import NOW, FakeWorld, brand, many_orders, order, refund
from tests.connectors.shopify.bench import APP, Bench

from shelftide_sdk.errors import ConfigurationError
from shelftide_sdk.records import Order, OrderLine, Product, Refund, StockLevel, Variant
from shelftide_sdk.testing.world.model import stable_id
from shelftide_sdk.webhooks import ForgedDeliveryError
from shelftide_shopify.auth import verify_webhook
from shelftide_shopify.connector import Shopify
from shelftide_shopify.deliveries import FORM_OF, describe, subject_of
from shelftide_shopify.emulator_bulk import check
from shelftide_shopify.emulator_search import Search, SearchError
from shelftide_shopify.emulator_webhooks import (
    WebhookSender,
    customer_body,
    finished_body,
    level_body,
    product_body,
    removed_body,
    shop_redact_body,
)
from shelftide_shopify.schema import SchemaMissingError, load_schema
from shelftide_shopify.subscriptions import TOPICS

LUMEN = brand()


async def ask(bench: Bench, query: str, **variables: Any) -> dict[str, Any]:
    """The raw answer, errors included."""
    http = bench.client._http
    url = f"https://{bench.shop}/admin/api/2026-07/graphql.json"
    headers = {"X-Shopify-Access-Token": bench.client.token.access_token}
    answer = await http.post(url, json={"query": query, "variables": variables}, headers=headers)
    assert answer.status_code == 200
    return dict(answer.json())


def code(answer: dict[str, Any]) -> str:
    return str(answer["errors"][0]["extensions"]["code"])


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("{ shop { nonsense } }", "undefinedField"),
        ("{ orders(first: 1, colour: 2) { nodes { id } } }", "argumentNotAccepted"),
        ("{ orders(first: 1, sortKey: SIZE) { nodes { id } } }", "argumentLiteralsIncompatible"),
        ("{ orders(first: 1) }", "selectionMismatch"),
        ("{ orders { nodes { id } } }", "BAD_REQUEST"),
        ("{ orders(first: 251) { nodes { id } } }", "BAD_REQUEST"),
        ('{ orders(first: 1, after: "x") { nodes { id } } }', "BAD_REQUEST"),
        ('{ orders(first: 1, query: "updated_at:>=soon") { nodes { id } } }', "BAD_REQUEST"),
        ("{ orders(first: 250) { nodes { id lineItems(first: 250) { nodes { id } } } } }", "MAX_COST_EXCEEDED"),
    ],
)
async def test_a_wrong_query_is_refused_as_shopify_does(query: Any, expected: Any) -> None:
    assert code(await ask(Bench(FakeWorld([LUMEN], many_orders(LUMEN, 3))), query)) == expected


async def test_costs_count_objects() -> None:
    bench = Bench(FakeWorld([LUMEN], many_orders(LUMEN, 3)), plan="basic")
    answer = await ask(bench, "{ shop { id } }")
    assert answer["extensions"]["cost"]["requestedQueryCost"] == 1
    answer = await ask(bench, "{ orders(first: 10) { nodes { id totalPriceSet { shopMoney { amount } } } } }")
    cost = answer["extensions"]["cost"]
    assert (cost["requestedQueryCost"], cost["actualQueryCost"]) == (30, 9)
    assert cost["throttleStatus"]["maximumAvailable"] == 2000
    assert cost["throttleStatus"]["restoreRate"] == 100
    by_edges = await ask(bench, "{ orders(first: 10) { edges { cursor node { id } } } }")
    assert by_edges["extensions"]["cost"]["requestedQueryCost"] == 10
    many = ["gid://shopify/Order/1"] * 7
    by_id = await ask(
        bench, "query($ids: [ID!]!) { nodes(ids: $ids) { ... on Order { id refunds { id } } } }", ids=many
    )
    assert by_id["extensions"]["cost"]["requestedQueryCost"] == 14


async def test_an_empty_bucket_answers_throttled_in_http_200() -> None:
    bench = Bench(FakeWorld([LUMEN]), plan="basic")
    query = "{ orders(first: 250) { nodes { id totalPriceSet { shopMoney { amount } } } } }"
    answers = [await ask(bench, query) for _ in range(2)]
    bench.emulator.bucket(bench.shop).take(1900)
    answers.append(await ask(bench, query))
    assert [("errors" in a) for a in answers] == [False, False, True]
    assert code(answers[2]) == "THROTTLED"
    assert answers[2]["extensions"]["cost"]["actualQueryCost"] is None


async def test_paging_stops_at_the_wall(monkeypatch: Any) -> None:
    monkeypatch.setattr("shelftide_shopify.emulator_paging.WALL", 10)
    bench = Bench(FakeWorld([LUMEN], many_orders(LUMEN, 30)))
    page = await ask(bench, "{ orders(first: 10) { nodes { id } pageInfo { endCursor } } }")
    cursor = page["data"]["orders"]["pageInfo"]["endCursor"]
    over = await ask(bench, "query($a: String) { orders(first: 1, after: $a) { nodes { id } } }", a=cursor)
    assert code(over) == "BAD_REQUEST"


async def test_filters_take_z_as_utc_and_other_times_in_the_shops_zone() -> Any:
    at = NOW - timedelta(days=1)
    bench = Bench(FakeWorld([LUMEN], [order(1, at, LUMEN.skus[:1])]))
    count = "query($q: String) { ordersCount(query: $q) { count } }"

    async def found(text: str) -> int:
        return int((await ask(bench, count, q=text))["data"]["ordersCount"]["count"])

    assert await found("created_at:>='2026-06-30T12:00:00Z'") == 1
    assert await found("created_at:>'2026-06-30T12:00:00Z'") == 0
    assert await found("created_at:<='2026-06-30T14:00:00'") == 1
    assert await found("created_at:<'2026-06-30T14:00:00'") == 0
    assert await found(f"id:{stable_id('Order', 'o1')} AND test:false") == 1
    assert await found("test:true OR name:#1001") == 1
    assert await found("NOT name:#1001") == 0
    answer = await ask(bench, count, q="colour:red")
    assert answer["extensions"]["search"][0]["field"] == "colour"


def test_an_unreadable_search_is_an_error() -> None:
    with pytest.raises(SearchError):
        Search("updated_at:>=", {}, NOW.tzinfo)  # type: ignore[arg-type]  # NOW is aware


async def test_without_the_scope_a_field_is_null_beside_an_error() -> None:
    bench = Bench(FakeWorld([LUMEN], many_orders(LUMEN, 2)), scopes=("read_orders", "read_all_orders"))
    answer = await ask(bench, "{ orders(first: 2) { nodes { id customer { id } } } }")
    assert code(answer) == "ACCESS_DENIED"
    assert answer["data"]["orders"]["nodes"][1]["customer"] is None


async def test_without_approval_protected_data_is_null() -> None:
    bench = Bench(FakeWorld([LUMEN], many_orders(LUMEN, 2)))
    bench.emulator.protected_data = False
    found = (await bench.read("orders")).of(Order)
    assert {o.customer.email for o in found} == {None}
    assert all(o.customer.platform_id for o in found)


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ("{ shop { id } }", "at least one connection"),
        (
            "{ orders { edges { node { id refunds { refundLineItems { edges { node { quantity } } } } } } } }",
            "list field",
        ),
        ("{ orders { edges { node { nope } } } }", "Cannot query field"),
        ("{ orders {", "Syntax"),
        ('mutation { bulkOperationCancel(id: "1") { bulkOperation { id } } }', "one query"),
        (
            "{ products { edges { node { id variants { edges { node { id media { edges { node { id } } } } } } } } } }",
            "depth",
        ),
    ],
)
def test_a_bulk_query_of_the_wrong_shape_is_refused(query: Any, fault: Any) -> None:
    document, reason = check(load_schema("2026-07"), query)
    assert document is None
    assert fault in reason


async def test_a_bulk_job_goes_through_its_states_and_scatters_children() -> None:
    bench = Bench(FakeWorld([LUMEN], many_orders(LUMEN, 30)))
    run = (
        "mutation { bulkOperationRunQuery(groupObjects: false, query:"
        ' "{ orders { edges { node { id lineItems { edges { node { id } } } } } } }")'
        " { bulkOperation { id status } userErrors { message } } }"
    )
    started = (await ask(bench, run))["data"]["bulkOperationRunQuery"]["bulkOperation"]
    poll = "query($id: ID!) { bulkOperation(id: $id) { status objectCount rootObjectCount url } }"
    states = [started["status"]]
    job: dict[str, Any] = {}
    while states[-1] != "COMPLETED":
        job = (await ask(bench, poll, id=started["id"]))["data"]["bulkOperation"]
        states.append(job["status"])
    assert states == ["CREATED", "RUNNING", "COMPLETED"]
    lines = [json.loads(line) async for line in bench.client.lines(job["url"])]
    assert len(lines) == int(job["objectCount"])
    assert int(job["rootObjectCount"]) == 30
    parents = [line["__parentId"] for line in lines if "__parentId" in line]
    assert parents != sorted(parents, key=[line["id"] for line in lines].index)
    stolen = await bench.client._http.get(job["url"].replace("signature=", "signature=0"))
    assert stolen.status_code == 403


def test_the_emulator_refuses_to_start_without_the_schema(tmp_path: Path) -> None:
    with pytest.raises(SchemaMissingError, match="make assets"):
        load_schema("2026-07", tmp_path)


async def test_no_truth_is_on_the_wire() -> Any:
    hidden = order(1, NOW - timedelta(days=1), LUMEN.skus[:1], cause="video", cause_key="secret-video-key")
    bench = Bench(FakeWorld([LUMEN], [hidden]))
    bodies: list[bytes] = []
    send = bench.client._http.request

    async def record(*args: Any, **kwargs: Any) -> Any:
        answer = await send(*args, **kwargs)
        bodies.append(answer.content)
        return answer

    bench.client._http.request = record  # type: ignore[method-assign]  # the test listens
    await bench.read("orders")
    assert b"EUR" in b"".join(bodies)
    assert b"secret-video-key" not in b"".join(bodies)


# Webhooks


def eventful() -> FakeWorld:
    at = NOW - timedelta(hours=10)
    changes: dict[str, Any] = {
        "refunds": (refund(1, at + timedelta(hours=2), "o1-l0"),),
        "shipped_at": at + timedelta(hours=5),
        "promo_code": "SPRING",
        "presentment_currency": "USD",
        "presentment_rate": Decimal("1.1"),
    }
    return FakeWorld([LUMEN], [order(1, at, LUMEN.skus[:2], **changes)])


async def test_the_last_delivery_says_what_the_api_says() -> None:
    bench = Bench(eventful())
    sent = WebhookSender(bench.emulator, bench.shop).happened(NOW - timedelta(days=1), NOW)
    assert [d.topic for d in sent] == ["orders/create", "orders/updated", "refunds/create", "orders/updated"]
    assert all(verify_webhook(APP.client_secret, d.headers, d.body) for d in sent)
    pushed = await bench.deliver(sent[-1].topic, sent[-1].body)
    read = await bench.read("orders")
    (a,), (b,) = pushed.of(Order), read.of(Order)
    same: tuple[str, ...] = (
        "source_id",
        "placed_at",
        "zone",
        "status",
        "total",
        "current_total",
        "subtotal",
        "discount",
        "shipping",
    )
    same += ("tax", "presentment_total", "country", "promo_codes", "financial_status", "updated_at", "channel_kind")
    assert [getattr(a, field) for field in same] == [getattr(b, field) for field in same]
    assert a.customer.email == b.customer.email
    assert sorted(pushed.of(OrderLine), key=str) == sorted(read.of(OrderLine), key=str)
    assert pushed.of(Refund) == read.of(Refund)
    early = await bench.deliver(sent[0].topic, sent[0].body)
    assert early.of(Order)[0].updated_at < a.updated_at
    assert early.of(Refund) == []


async def test_a_refund_brings_its_order_again() -> None:
    bench = Bench(eventful())
    sent = WebhookSender(bench.emulator, bench.shop).happened(NOW - timedelta(days=1), NOW)
    reading = await bench.deliver("refunds/create", next(d.body for d in sent if d.topic == "refunds/create"))
    assert reading.of(Refund)[0].quantity == 1
    assert reading.of(Order)[0].current_total.amount == Decimal("64")


async def test_stock_and_product_deliveries_are_completed_from_the_api() -> None:
    world = eventful()
    bench = Bench(world)
    state = world.stock("lumen")[0]
    levels = (await bench.deliver("inventory_levels/update", json.dumps(level_body(state, LUMEN)).encode())).of(
        StockLevel
    )
    assert levels[0].available == state.available
    assert levels[-1].on_hand == state.available + state.committed
    body = json.dumps(product_body(LUMEN.products[0], LUMEN)).encode()
    reading = await bench.deliver("products/update", body)
    assert {v.cost.amount for v in reading.of(Variant)} == {Decimal("7.25")}
    foreign = body.replace(str(stable_id("Product", "lumen0")).encode(), b"42")
    assert [p.source_id for p in (await bench.deliver("products/update", foreign)).of(Product)] == ["42"]


@pytest.mark.parametrize(
    ("topic", "body", "record", "key"),
    [
        ("orders/delete", {"id": 5}, Order, {"source_id": "5"}),
        ("products/delete", {"id": 6}, Product, {"source_id": "6"}),
        (
            "inventory_levels/disconnect",
            {"inventory_item_id": 7, "location_id": 8},
            StockLevel,
            {"stock_item_id": "7", "location_id": "8"},
        ),
    ],
)
async def test_deletions_are_deliveries_too(topic: Any, body: Any, record: Any, key: Any) -> None:
    reading = await Bench(FakeWorld([LUMEN])).deliver(topic, json.dumps(body).encode())
    assert [(d.record, d.key) for d in reading.deletes] == [(record, key)]


@pytest.mark.parametrize(
    ("topic", "body"),
    [
        ("orders/create", b"{"),
        ("orders/create", b"[]"),
        ("orders/create", b'{"id": 1}'),
        ("orders/delete", b'{"id": "x"}'),
        ("martians/landed", b"{}"),
        ("refunds/create", b'{"id": 1, "order_id": null}'),
    ],
)
async def test_what_cannot_be_read_is_quarantined_with_its_reason(topic: Any, body: Any) -> None:
    (reject,) = (await Bench(FakeWorld([LUMEN])).deliver(topic, body)).rejects
    assert topic in reject.reason
    assert reject.raw == body.decode()


async def test_matters_of_the_host_and_test_orders_are_no_data() -> None:
    bench = Bench(FakeWorld([LUMEN], [order(1, NOW - timedelta(hours=1), LUMEN.skus[:1], test=True)]))
    for topic in ("app/uninstalled", "customers/redact", "shop/redact", "bulk_operations/finish"):
        assert (await bench.deliver(topic, b'{"id": 1}')).pages == []
    (sent,) = WebhookSender(bench.emulator, bench.shop).happened(NOW - timedelta(days=1), NOW)
    assert (await bench.deliver(sent.topic, sent.body)).pages == []


async def test_repeats_carry_the_same_ids_and_disorder_is_real() -> None:
    world = FakeWorld([LUMEN], many_orders(LUMEN, 12))
    bench = Bench(world, scenarios=["duplicate", "shuffle"])
    sent = WebhookSender(bench.emulator, bench.shop).happened(NOW - timedelta(days=1), NOW)
    ids = [d.headers["X-Shopify-Webhook-Id"] for d in sent]
    assert len(set(ids)) < len(ids)
    assert [d.triggered_at for d in sent] != sorted(d.triggered_at for d in sent)


async def test_a_deaf_receiver_loses_its_subscription_after_eight_retries() -> Any:
    bench = Bench(eventful())
    sender = WebhookSender(bench.emulator, bench.shop)
    sent = sender.happened(NOW - timedelta(days=1), NOW)

    async def deaf(headers: Any, body: bytes) -> int:
        return 500 if headers["X-Shopify-Topic"] == "orders/updated" else 200

    await sender.send(sent, deaf)
    assert sender.given_up == {"orders/updated"}
    assert sender.attempts == 1 + 9 + 1


async def test_the_connector_is_registered() -> None:
    from shelftide_shopify import register_connectors  # noqa: PLC0415  # the hook itself is under test

    assert register_connectors() == [Shopify]


# Subscriptions


async def test_subscriptions_that_shopify_dropped_are_made_again_and_no_others() -> None:
    bench = Bench(eventful())
    address = "https://console.example/hooks/shopify"
    assert set(await Shopify().subscribe(bench.context, address)) == set(TOPICS)
    assert await Shopify().subscribe(bench.context, address) == []
    sender = WebhookSender(bench.emulator, bench.shop)
    sent = sender.happened(NOW - timedelta(days=1), NOW)

    async def deaf(headers: Any, body: bytes) -> int:
        return 503 if headers["X-Shopify-Topic"] == "refunds/create" else 200

    await sender.send(sent, deaf)
    assert {each.topic for each in sender.subscribed(sent)} == {"orders/create", "orders/updated"}
    assert await Shopify().subscribe(bench.context, address) == ["REFUNDS_CREATE"]
    assert sender.subscribed(sent) == sent


async def test_a_grant_without_a_scope_is_not_subscribed_to_what_it_opens() -> None:
    bench = Bench(eventful(), scopes=("read_orders",))
    asked = await Shopify().subscribe(bench.context, "https://console.example/hooks/shopify")
    assert "ORDERS_CREATE" in asked
    assert not [topic for topic in asked if topic.startswith(("PRODUCTS", "INVENTORY"))]


async def test_an_address_that_shopify_does_not_take_is_told_with_what_to_do() -> None:
    with pytest.raises(ConfigurationError, match="not allowed") as caught:
        await Shopify().subscribe(Bench(eventful()).context, "http://console.example/hooks/shopify")
    assert "PUBLIC_URL" in caught.value.hint


async def test_all_that_a_shop_sends_has_the_form_of_its_topic_and_no_other_shops() -> None:
    world = eventful()
    bench = Bench(world)
    sender, buyer = WebhookSender(bench.emulator, bench.shop), world.all_orders[0]
    bodies: dict[str, dict[str, Any]] = {
        "app/uninstalled": removed_body(LUMEN, bench.shop),
        "bulk_operations/finish": finished_body("gid://shopify/BulkOperation/1", NOW),
        "customers/redact": customer_body(buyer, bench.shop),
        "customers/data_request": customer_body(buyer, bench.shop, request=7),
        "shop/redact": shop_redact_body(bench.shop),
        "products/update": product_body(LUMEN.products[0], LUMEN),
        "inventory_levels/update": level_body(world.stock("lumen")[0], LUMEN),
        "orders/delete": {"id": 1},
        "inventory_levels/disconnect": {"inventory_item_id": 1, "location_id": 2},
    }
    sent = sender.happened(NOW - timedelta(days=1), NOW)
    sent += [sender.deliver(topic, body, NOW) for topic, body in bodies.items()]
    for each in sent:
        headers = {name.lower(): value for name, value in each.headers.items()}
        (found,) = describe(headers, each.body)
        assert (found.topic, found.account, found.triggered_at) == (each.topic, bench.shop, each.triggered_at)
        fitting = set()
        for topic in FORM_OF:
            try:
                fitting |= {one.effect for one in describe({**headers, "x-shopify-topic": topic}, each.body)}
            except ForgedDeliveryError:
                continue
        deletes = {topic for topic in FORM_OF if topic.endswith("/delete")}
        assert fitting == (deletes if each.topic in deletes else {found.effect}), each.topic
    assert subject_of(json.dumps(bodies["customers/redact"]).encode()).customers[0].email == buyer.person.email
