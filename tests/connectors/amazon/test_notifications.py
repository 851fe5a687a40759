"""Notifications of SP-API: valid as the emulator sends them, verified, told apart, and turned into rows."""

import json
from collections import Counter
from collections.abc import Mapping
from functools import cache
from typing import Any

import msgspec
import pytest
from tests.connectors.amazon.model import FIXTURES, breaches, fixture
from tests.connectors.published import validated
from tests.connectors.test_scenarios import suite_of

from shelftide_amazon.emulator import AmazonEmulator
from shelftide_amazon.emulator_door import AmazonDoor
from shelftide_amazon.emulator_notifications import Notifications
from shelftide_amazon.marketplaces import MARKETPLACES
from shelftide_amazon.notifications import ACKNOWLEDGED, KEY_FIELD, WEBHOOKS, read_notifications
from shelftide_amazon.seller import AmazonSeller
from shelftide_sdk.auth import App
from shelftide_sdk.connector import Page, WebhookRequest
from shelftide_sdk.errors import ContractError
from shelftide_sdk.records import Listing, Order, OrderLine, StockLevel
from shelftide_sdk.testing.conformance import Bench
from shelftide_sdk.testing.conformance.foundation import NOW, small_world
from shelftide_sdk.webhooks import ForgedDeliveryError, Matter

KEY = "0123456789abcdef-bus"


def kind_of(row: Mapping[str, Any]) -> str:
    return str(row.get("NotificationType") or row.get("notificationType"))


def notifications(bench: Bench) -> Notifications:
    assert isinstance(bench.emulator, AmazonDoor)
    brand = next(b for b in bench.emulator.sellers().values() if b.accounts["amazon-sp"] == bench.settings["seller_id"])
    return Notifications(bench.emulator, brand)


async def deliver(bench: Bench, rows: list[dict[str, Any]], queue: bool = True) -> list[Page]:
    headers, body = notifications(bench).delivery(rows, KEY, queue=queue)
    request = WebhookRequest(headers=headers, body=body, received_at=NOW)
    found: list[Page] = await bench.call(lambda connector, ctx: connector.webhook(ctx, request))
    return found


def records_of(pages: list[Page]) -> list[Any]:
    assert [reject for page in pages for reject in page.rejects] == []
    return [record for page in pages for record in page.records]


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(suite_of(AmazonSeller, monkeypatch).wiring())


async def test_every_type_is_mapped_or_acknowledged_by_its_name(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    async with bench:
        rows = notifications(bench).all()
        records = records_of(await deliver(bench, rows))
    assert {type(record) for record in records} >= {StockLevel, Order, OrderLine, Listing}
    for kind in ACKNOWLEDGED:
        assert kind in {kind_of(row) for row in rows}
        assert kind in caplog.text


async def test_stock_of_a_notification_is_the_stock_of_a_read(bench: Bench) -> None:
    async with bench:
        rows = [row for row in notifications(bench).all() if kind_of(row) == "FBA_INVENTORY_AVAILABILITY_CHANGES"]
        told = records_of(await deliver(bench, rows))
        read = await bench.read(next(stream for stream in AmazonSeller.streams if stream.name == "stock"))
    levels = [record for record in read.records if isinstance(record, StockLevel)]
    assert len(told) == len(levels) > 2
    assert {msgspec.json.encode(record) for record in told} == {msgspec.json.encode(record) for record in levels}


async def test_a_changed_order_is_read_again_as_it_is(bench: Bench) -> None:
    async with bench:
        rows = [row for row in notifications(bench).all() if kind_of(row) == "ORDER_CHANGE"]
        told = records_of(await deliver(bench, rows))
        read = await bench.read(next(stream for stream in AmazonSeller.streams if stream.name == "orders"))
        bench.settings["orders_by"] = "report"  # its lines have other keys
        assert records_of(await deliver(bench, rows)) == []
    assert len([record for record in told if isinstance(record, Order)]) == len(rows) > 1
    assert {msgspec.json.encode(record) for record in told} <= {msgspec.json.encode(each) for each in read.records}


async def test_a_listing_that_is_gone_is_deleted(bench: Bench) -> None:
    async with bench:
        (row, *_) = [row for row in notifications(bench).all() if kind_of(row) == "LISTINGS_ITEM_STATUS_CHANGED"]
        (page,) = await deliver(bench, [row], queue=False)
        assert [record for record in page.records if isinstance(record, Listing)]
        row["Payload"]["Status"] = ["DELETED"]
        (gone,) = await deliver(bench, [row], queue=False)
        row["Payload"] |= {"Status": [], "Sku": "nobody/has it"}
        (unknown,) = await deliver(bench, [row], queue=False)
    market = bench.settings["marketplace_id"]
    sku = next(record.sku for record in page.records if isinstance(record, Listing))
    assert [delete.key for delete in gone.deletes] == [{"source_id": f"{market}:{sku}"}]
    assert [delete.key for delete in unknown.deletes] == [{"source_id": f"{market}:nobody/has it"}]


async def test_another_sellers_and_another_marketplaces_news_are_left_out(bench: Bench) -> None:
    async with bench:
        rows = notifications(bench).all()
        bench.settings["seller_id"] = "A0SOMEBODYELSE"
        request = WebhookRequest(headers={}, body=json.dumps(rows[0]).encode(), received_at=NOW)
        assert await bench.call(lambda connector, ctx: connector.webhook(ctx, request)) == []
    seller = rows[0]["Payload"]["OrderChangeNotification"]["SellerId"]
    for row in rows:
        text = json.dumps(row).replace(bench.settings["marketplace_id"], "A1PA6795UKMFR9")
        found = read_notifications(text.encode(), seller, MARKETPLACES[bench.settings["marketplace_id"]])
        assert (found.orders, found.skus) == ((), ())
        assert found.stock == () or kind_of(row) == "LISTINGS_ITEM_MFN_QUANTITY_CHANGE"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"NotificationType": "SOMETHING_NEW"}, "a type that nobody knows"),
        ({"Payload": {"SellerId": "A1", "SKU": "x", "FulfillmentInventoryByMarketplace": 3}}, "is not a list"),
    ],
)
async def test_what_is_not_understood_is_kept_with_its_reason(
    bench: Bench, change: dict[str, Any], reason: str
) -> None:
    async with bench:
        (row, *_) = [row for row in notifications(bench).all() if kind_of(row) == "FBA_INVENTORY_AVAILABILITY_CHANGES"]
        if "Payload" in change:
            change["Payload"]["SellerId"] = row["Payload"]["SellerId"]
        (page,) = await deliver(bench, [row | change])
        assert reason in page.rejects[0].reason
        request = WebhookRequest(headers={}, body=b"no JSON", received_at=NOW)
        with pytest.raises(ContractError):
            await bench.call(lambda connector, ctx: connector.webhook(ctx, request))


async def test_only_who_knows_the_key_is_believed(bench: Bench) -> None:
    app = App(client_id="1", client_secret="s", redirect_uri="", extra={KEY_FIELD: KEY})
    async with bench:
        rows = notifications(bench).all()
        headers, body = notifications(bench).delivery(rows, KEY, queue=True)
    assert WEBHOOKS.verify(app, headers, body)
    assert not WEBHOOKS.verify(app, {**headers, "x-api-key": KEY[:-1]}, body)
    assert not WEBHOOKS.verify(app, {}, body)
    for key in ("", "short"):
        assert not WEBHOOKS.verify(msgspec.structs.replace(app, extra={KEY_FIELD: key}), {"x-api-key": key}, body)


async def test_a_batch_says_of_each_notification_whose_it_is(bench: Bench) -> None:
    async with bench:
        rows = notifications(bench).all()
        headers, body = notifications(bench).delivery(rows, KEY, queue=True)
    found = WEBHOOKS.describe(headers, body)
    assert len({delivery.delivery_id for delivery in found}) == len(found) == len(rows)
    assert {delivery.account for delivery in found} == {bench.settings["seller_id"]}
    assert {WEBHOOKS.account_of("A9:ATVPDKIKX0DER", {"seller_id": "A9"}), WEBHOOKS.account_of("A9:X", {})} == {"A9"}
    assert Counter(delivery.matter for delivery in found)[Matter.JOB_FINISHED] == 3
    for bad in (b"[]", b"{", b'{"Records": [{"body": "{"}]}', b'{"NotificationType": "ORDER_CHANGE", "Payload": {}}'):
        with pytest.raises(ForgedDeliveryError):
            WEBHOOKS.describe(headers, bad)


# -- Amazon's schemas -------------------------------------------------------------------------------------------------

SCHEMAS = sorted(path.name for path in (FIXTURES / "notifications-schemas").glob("*.json")) or ["none"]


def types_of(schema: Mapping[str, Any]) -> list[str]:
    named = {name.lower(): about for name, about in schema["properties"].items()}["notificationtype"]
    return list(named.get("enum") or named["examples"])


@cache
def sent() -> list[dict[str, Any]]:
    emulator = AmazonEmulator(small_world(7))
    return [row for brand in emulator.sellers().values() for row in Notifications(emulator, brand).all()]


def check_schema(name: str) -> int:
    """How many notifications of the emulator were compared with a schema; none broke it."""
    schema = fixture(f"notifications-schemas/{name}")
    rows = [row for row in sent() if kind_of(row) in types_of(schema)]
    assert [breach for row in rows for breach in breaches(row, schema, schema)] == []
    return len(rows)


@pytest.mark.contract
@pytest.mark.skipif(not FIXTURES.is_dir(), reason="the folder of published samples is not here")
def test_notifications_are_valid_by_amazons_schemas() -> None:
    counts = {name: check_schema(name) for name in SCHEMAS}
    assert min(counts.values()) > 0
    assert sum(counts.values()) == len(sent())
    validated("amazon-sp, notifications", 0, sum(counts.values()), [])
