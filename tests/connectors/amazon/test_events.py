"""Financial events of old and a vendor's purchase orders: bodies made after Amazon's texts, played to the connector."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.connectors.amazon.test_reports import spoilt
from tests.connectors.published import FIXTURES, numbered, sample
from tests.connectors.test_recorded import play_lines

from shelftide_amazon.seller import AmazonSeller

DAYS = {"since": "2026-02-25T00:00:00Z", "now": "2026-03-03T00:00:00Z"}
WORDS = {"currencycode": "USD", "unitofmeasure": "Cases", "purchaseorderstate": "Acknowledged"}
ORDERS = "/vendor/orders/v1/purchaseOrders"
EVENTS = "/finances/v0/financialEvents"


def read(stream: str, path: str, payload: Any, folder: Path, **settings: str) -> list[dict[str, Any]]:
    """The lines that a read of the played body gives."""
    code, lines, told = play_lines(
        AmazonSeller, stream, {path: [(200, {"payload": payload})]}, folder, settings, **DAYS
    )
    assert (code, told) == (0, {})
    return lines


def of(lines: list[dict[str, Any]], record: str) -> list[dict[str, Any]]:
    return [line["data"] for line in lines if line.get("record") == record]


def check_purchase_orders(name: str, folder: Path) -> int:
    """Each figure of a purchase order arrives, in pieces; a word in its place does not."""
    row = numbered(sample(json.loads((FIXTURES / name).read_text())), WORDS)
    (item,) = row["orderDetails"]["items"]
    pieces = item["orderedQuantity"]["amount"] * item["orderedQuantity"]["unitSize"]
    lines = read("orders", ORDERS, {"orders": [row], "pagination": {}}, folder, orders_by="vendor")
    (order,), (line,) = of(lines, "Order"), of(lines, "OrderLine")
    assert (line["quantity"], line["sku"]) == (pieces, item["vendorProductIdentifier"])
    assert Decimal(order["total"]["amount"]) == pieces * Decimal(item["netCost"]["amount"])
    assert (order["status"], order["platform_status"]) == ("open", "Acknowledged")
    assert "address" not in json.dumps(lines).lower()
    broken = spoilt(row, "orderDetails/items/netCost/amount", "many")
    lines = read("orders", ORDERS, {"orders": [broken], "pagination": {}}, folder, orders_by="vendor")
    assert [line for line in lines if "quarantined" in line]
    return 3


def amounts(node: Any, names: tuple[str, ...]) -> Iterator[Decimal]:
    """Every amount under one of the names, wherever it stands."""
    if isinstance(node, list):
        for inner in node:
            yield from amounts(inner, names)
    elif isinstance(node, dict):
        for name, inner in node.items():
            if name in names:
                yield Decimal(str(inner["CurrencyAmount"]))
            else:
                yield from amounts(inner, names)


def check_events(name: str, folder: Path) -> int:
    """Lists of events with their inner parts after the API's model: refunds and fees arrive with all their amounts."""
    model = json.loads((FIXTURES / "amazon/sp-api-models/financesV0.json").read_text())
    whole = sample(model["definitions"]["FinancialEvents"], model)
    told = sample(json.loads((FIXTURES / name).read_text()))
    for kind, rows in told.items():
        if kind.endswith("EventList") and rows and whole.get(kind):
            rows[0] |= {
                key: whole[kind][0][key]
                for key, value in rows[0].items()
                if value in ([], {}) and key in whole[kind][0]
            }
    events = numbered(told, WORDS)
    refunds = read("refunds", EVENTS, {"FinancialEvents": events}, folder, money_by="events")
    (refund,) = of(refunds, "Refund")
    assert -Decimal(refund["amount"]["amount"]) == sum(
        amounts(events["RefundEventList"], ("ChargeAmount", "PromotionAmount"))
    )
    fees = read("fees", EVENTS, {"FinancialEvents": events}, folder, money_by="events")
    kept = [
        Decimal(fee["amount"]["amount"]) for fee in of(fees, "Fee") if fee["source_id"].startswith("ShipmentEventList:")
    ]
    assert sorted(-each for each in kept) == sorted(amounts(events["ShipmentEventList"], ("FeeAmount",)))
    assert len({fee["source_id"] for fee in of(fees, "Fee")}) == len(of(fees, "Fee"))
    broken = {**events, "RefundEventList": [{**events["RefundEventList"][0], "PostedDate": "then"}]}
    lines = read("refunds", EVENTS, {"FinancialEvents": broken}, folder, money_by="events")
    assert [line for line in lines if "quarantined" in line]
    return 1 + len(kept)


def test_pages_of_events_are_followed_and_a_circle_is_refused(tmp_path: Path) -> None:
    fee = {"FeeType": "Commission", "FeeAmount": {"CurrencyCode": "USD", "CurrencyAmount": -1.25}}
    event = {"AmazonOrderId": "O", "PostedDate": "2026-03-01T10:00:00Z", "OrderFeeList": [fee, fee]}
    first = {"payload": {"FinancialEvents": {"ShipmentEventList": [event]}, "NextToken": "2"}}
    last: dict[str, Any] = {"payload": {"FinancialEvents": {}}}
    config = {"money_by": "events"}
    code, lines, _ = play_lines(AmazonSeller, "fees", {EVENTS: [(200, first), (200, last)]}, tmp_path, config, **DAYS)
    assert code == 0
    assert [fee["amount"]["amount"] for fee in of(lines, "Fee")] == ["1.25", "1.25"]
    code, _, told = play_lines(AmazonSeller, "fees", {EVENTS: [(200, first)]}, tmp_path, config, **DAYS)
    assert (code, told["error"]) == (3, "contract")


@pytest.mark.parametrize("lost", ["purchaseOrderNumber", "purchaseOrderState", "orderDetails"])
def test_a_purchase_order_that_lacks_something_is_kept_aside(lost: str, tmp_path: Path) -> None:
    cost = {"amount": "2.50", "currencyCode": "USD"}
    item = {"itemSequenceNumber": "1", "amazonProductIdentifier": "B01", "netCost": cost}
    details = {"purchaseOrderDate": "2026-03-01T10:00:00Z", "items": [item | {"orderedQuantity": {"amount": 4}}]}
    row = {"purchaseOrderNumber": "P1", "purchaseOrderState": "New", "orderDetails": details}
    good = read("orders", ORDERS, {"orders": [row]}, tmp_path, orders_by="vendor")
    assert [order["total"]["amount"] for order in of(good, "Order")] == ["10.00"]
    bad = read(
        "orders", ORDERS, {"orders": [{k: v for k, v in row.items() if k != lost}]}, tmp_path, orders_by="vendor"
    )
    assert [line["quarantined"] for line in bad if "quarantined" in line] == ["Order"]
