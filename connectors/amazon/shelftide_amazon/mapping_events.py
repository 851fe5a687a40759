"""What the financial events of old mean (Finances v0): refunds, and every fee wherever an event tells one.

Amounts are signed from the seller's side: a fee that Amazon keeps and money that a buyer gets back are below zero.
"""

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from shelftide_amazon.values import Row, maybe_money, moment, parts, row_of, word
from shelftide_sdk.errors import DataError
from shelftide_sdk.money import Money
from shelftide_sdk.records import Fee, Refund

LIST, EVENT = "list", "event"
_LISTS = "EventList"
REFUNDS = "RefundEventList"
_AMOUNTS = ("ChargeAmount", "PromotionAmount")
_DEEPEST = 8


def rows_of(events: Row) -> list[dict[str, Any]]:
    """Each event with the name of the list that it stands in. Raises DataError for a list that is none."""
    lists = [name for name, found in events.items() if name.endswith(_LISTS) and found is not None]
    return [{LIST: name, EVENT: row} for name in lists for row in parts(events, name)]


def map_event_refund(row: Any, zone: str) -> list[Refund]:
    """The refund that an event stands for, without the fees that move with it; none of other events."""
    if row[LIST] != REFUNDS:
        return []
    event = row_of(row[EVENT], "an event")
    back = [money for name, money in _amounts(event, 0) if name in _AMOUNTS]
    if not back:
        raise DataError("the refund tells no amounts")
    order = word(event, "AmazonOrderId")
    at = moment(event.get("PostedDate"), "PostedDate")
    items = parts(event, "ShipmentItemAdjustmentList")
    counts = [item["QuantityShipped"] for item in items if isinstance(item.get("QuantityShipped"), int)]
    return [
        Refund(
            source_id=f"{order}:{at.isoformat()}",
            order_id=order,
            refunded_at=at,
            zone=zone,
            amount=Money(-sum((each.amount for each in back), Decimal(0)), back[0].currency),
            quantity=sum(counts) if counts else None,
        )
    ]


def map_event_fees(row: Any, zone: str) -> list[Fee]:
    """Every fee of an event; positive is what Amazon keeps."""
    event = row_of(row[EVENT], "an event")
    told = [(name, money) for name, money in _amounts(event, 0) if name not in _AMOUNTS]
    if not told:
        return []
    order, seen = event.get("AmazonOrderId") or None, Counter[str]()
    at = moment(event.get("PostedDate") or event.get("TransactionPostedDate"), "PostedDate")
    found = []
    for kind, amount in told:
        name = f"{row[LIST]}:{order or at.isoformat()}:{at.isoformat()}:{kind}"
        seen[name] += 1
        found.append(
            Fee(
                source_id=name + (f"#{seen[name]}" if seen[name] > 1 else ""),
                kind=kind,
                charged_at=at,
                zone=zone,
                amount=Money(-amount.amount, amount.currency),
                order_id=order,
            )
        )
    return found


def _amounts(node: Any, deep: int) -> Iterator[tuple[str, Money]]:
    """(type of a fee, or the name of a charge's or promotion's amount; the amount) wherever one stands."""
    if deep > _DEEPEST:
        raise DataError("an event is nested without end")
    if isinstance(node, list):
        for inner in node:
            yield from _amounts(inner, deep + 1)
    elif isinstance(node, dict):
        if node.get("FeeType") and node.get("FeeAmount") is not None:
            fee = maybe_money(node, "FeeAmount", "CurrencyAmount", "CurrencyCode")
            if fee is not None and fee.amount:
                yield word(node, "FeeType"), fee
            return
        for name, inner in node.items():
            if name in _AMOUNTS:
                amount = maybe_money(node, name, "CurrencyAmount", "CurrencyCode")
                if amount is not None:
                    yield name, amount
            else:
                yield from _amounts(inner, deep + 1)
