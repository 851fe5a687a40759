"""What Amazon's finances mean: refunds and fees of transactions (2024-06-19), and settlements (event groups, v0).

A transaction's breakdown is a tree in which each node repeats the sum of its leaves: only leaves are counted.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from shelftide_amazon.values import Row, identifier, maybe_money, maybe_word, moment, money, parts, row_of, word
from shelftide_sdk.errors import DataError
from shelftide_sdk.money import Money
from shelftide_sdk.records import Fee, Payout, Refund

REFUND = "refund"
# Transactions of an order. What is no fee in them is the buyer's money; elsewhere it may be the fee itself.
_OF_ORDERS = frozenset({"shipment", "refund", "guaranteeclaim", "chargeback"})
_CHARGES = frozenset({"servicefee", "servicefees", "storagefee", "productadspayment", "subscriptionfee"})
_IS_FEE = re.compile(r"fee|commission|expense", re.IGNORECASE)
_SALES = frozenset({"sales", "productcharges", "refundedsales"})
_AMOUNT, _CODE = "currencyAmount", "currencyCode"


def type_of(row: Any) -> str:
    """The transaction's type as one lower-case word. Raises DataError when it names none."""
    return word(row_of(row, "a transaction"), "transactionType").replace(" ", "").replace("-", "").lower()


def transaction_id(row: Row) -> str:
    """The id that stays: a release repeats the deferred transaction that it names."""
    found = identifier(row.get("transactionId"), "transactionId")
    return related(row, "DEFERRED_TRANSACTION_ID") or found


def related(row: Row, name: str) -> str | None:
    """The related identifier called `name`, or None."""
    for entry in parts(row, "relatedIdentifiers"):
        if word(entry, "relatedIdentifierName") == name:
            return identifier(entry.get("relatedIdentifierValue"), name)
    return None


def leaves(breakdowns: Sequence[Row], way: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Money]]:
    """(names on the way, amount) of each leaf. Raises DataError for a tree that cannot be read."""
    if len(way) > 12:
        raise DataError("a breakdown is nested without end")
    for entry in breakdowns:
        here = (*way, word(entry, "breakdownType"))
        below = parts(entry, "breakdowns")
        if below:
            yield from leaves(below, here)
        else:
            yield here, money(entry.get("breakdownAmount"), "breakdownAmount", _AMOUNT, _CODE)


def tree_of(row: Row) -> list[tuple[tuple[str, ...], Money]]:
    """Leaves of a transaction; where it has none of its own, those of its items."""
    found = list(leaves(parts(row, "breakdowns")))
    if not found:
        found = [leaf for item in parts(row, "items") for leaf in leaves(parts(item, "breakdowns"))]
    return found


def is_fee(way: tuple[str, ...]) -> bool:
    """Whether a leaf is something that Amazon keeps."""
    return way[0].lower() not in _SALES and any(_IS_FEE.search(name) for name in way)


def map_refund(row: Any, zone: str) -> list[Refund]:
    """The refund that a transaction stands for: what the buyer got back, without the fees that moved with it."""
    row = row_of(row, "a transaction")
    if type_of(row) != REFUND:
        return []
    total = money(row.get("totalAmount"), "totalAmount", _AMOUNT, _CODE)
    back = [amount for way, amount in tree_of(row) if not is_fee(way)]
    amount = sum((value.amount for value in back), Decimal(0)) if back else total.amount
    order_id = related(row, "ORDER_ID")
    if order_id is None:
        raise DataError("the refund names no order")
    pieces = [_quantity(item) for item in parts(row, "items")]
    known = [count for count in pieces if count is not None]
    return [
        Refund(
            source_id=transaction_id(row),
            order_id=order_id,
            refunded_at=moment(row.get("postedDate"), "postedDate"),
            zone=zone,
            amount=Money(-amount, total.currency),
            quantity=sum(known) if known else None,
            reason=maybe_word(row, "description"),
            status=maybe_word(row, "transactionStatus"),
        )
    ]


def _quantity(item: Row) -> int | None:
    for context in parts(item, "contexts"):
        count = context.get("quantityShipped")
        if isinstance(count, int) and not isinstance(count, bool) and 0 <= count < 10**9:
            return count
    return None


def map_fees(row: Any, zone: str) -> list[Fee]:
    """Every fee in a transaction; positive is what Amazon keeps, negative what it gives back with a refund."""
    row = row_of(row, "a transaction")
    kind, base = type_of(row), transaction_id(row)
    at, order_id = moment(row.get("postedDate"), "postedDate"), related(row, "ORDER_ID")
    payout = related(row, "FINANCIAL_EVENT_GROUP_ID")
    found = [(way, amount) for way, amount in tree_of(row) if is_fee(way)]
    if not found and kind in _CHARGES:
        found = [((kind,), money(row.get("totalAmount"), "totalAmount", _AMOUNT, _CODE))]
    seen: Counter[str] = Counter()
    fees = []
    for way, amount in found:
        name = "/".join(way)
        seen[name] += 1
        fees.append(
            Fee(
                source_id=f"{base}:{name}" + (f"#{seen[name]}" if seen[name] > 1 else ""),
                kind=_kind(way),
                charged_at=at,
                zone=zone,
                amount=Money(-amount.amount, amount.currency),
                order_id=order_id,
                payout_id=payout,
            )
        )
    return fees


def _kind(way: tuple[str, ...]) -> str:
    """The most exact name that is still one of a fee: below it only its base and discount."""
    named = [name for name in way if _IS_FEE.search(name)]
    return named[-1] if named else way[-1]


def map_payout(row: Any, zone: str) -> list[Payout]:
    """A closed event group: what was transferred. An open one is still filling, and has no day."""
    row = row_of(row, "an event group")
    group = identifier(row.get("FinancialEventGroupId"), "FinancialEventGroupId")
    status = word(row, "ProcessingStatus")
    settled = row.get("FundTransferDate") or row.get("FinancialEventGroupEnd")
    if settled is None and status.upper() == "OPEN":
        return []
    if row.get("FinancialEventGroupEnd") is None and status.upper() == "OPEN":
        return []
    return [
        Payout(
            source_id=group,
            settled_at=moment(settled, "FundTransferDate"),
            zone=zone,
            amount=_paid(row),
            status=maybe_word(row, "FundTransferStatus") or status,
        )
    ]


def _paid(row: Row) -> Money:
    found = maybe_money(row, "OriginalTotal", "CurrencyAmount", "CurrencyCode")
    if found is None:
        raise DataError("a closed event group has no total")
    return found
