"""What reports tell of money: settlements with their fees and refunds, storage, removals, reimbursements, returns."""

from collections import Counter
from collections.abc import Callable, Sequence
from decimal import Decimal

from shelftide_amazon.report_rows import Kind, Source, code, number, pieces, priced, when
from shelftide_amazon.tables import cell
from shelftide_amazon.values import Row
from shelftide_sdk.connector import Mapped, days
from shelftide_sdk.errors import DataError
from shelftide_sdk.money import Money
from shelftide_sdk.records import Fee, Payout, Refund

_NOTHING = Decimal(0)
# The columns of a settlement that hold a fee: what names its kind, and its amount.
_FEES = (
    ("item-related-fee-type", "item-related-fee-amount"),
    ("shipment-fee-type", "shipment-fee-amount"),
    ("order-fee-type", "order-fee-amount"),
    ("transaction-type", "misc-fee-amount"),
    ("other-fee-reason-description", "other-fee-amount"),
)


def _currency(rows: Sequence[Row]) -> str | None:
    """A settlement names its currency in its first row alone."""
    return next((found for row in rows if (found := cell(row, "currency"))), None)


def _map_settled(rows: Sequence[Row], source: Source) -> list[Payout]:
    """What a settlement transferred, as its first row tells."""
    head = next((row for row in rows if row.get("total-amount")), None)
    if head is None:
        raise DataError("the settlement has no total")
    return [
        Payout(
            source_id=code(head, "settlement-id"),
            settled_at=when(head, "deposit-date" if head.get("deposit-date") else "settlement-end-date", source),
            zone=source.zone,
            amount=Money.parse(number(head, "total-amount") or _NOTHING, _currency(rows)),
        )
    ]


def _map_settled_fees(rows: Sequence[Row], source: Source) -> list[Fee]:
    """Every fee of a settlement; positive is what Amazon keeps, negative what it gives back."""
    currency, seen, found = _currency(rows), Counter[str](), list[Fee]()
    for row in rows:
        for named, column in _FEES:
            amount = priced(row, column, currency)
            if amount is None or not amount.amount:
                continue
            kind = cell(row, named) or column.removesuffix("-amount")
            settlement, order = code(row, "settlement-id"), cell(row, "order-id")
            name = ":".join((settlement, order or "", cell(row, "order-item-code") or "", kind))
            seen[name] += 1
            found.append(
                Fee(
                    source_id=name + (f"#{seen[name]}" if seen[name] > 1 else ""),
                    kind=kind,
                    charged_at=when(row, "posted-date", source),
                    zone=source.zone,
                    amount=Money(-amount.amount, amount.currency),
                    order_id=order,
                    payout_id=settlement,
                )
            )
    return found


def _map_settled_refunds(rows: Sequence[Row], source: Source) -> list[Refund]:
    """Refunds of a settlement, by the adjustment that they belong to."""
    currency, parts = _currency(rows), dict[tuple[str, str], list[Row]]()
    for row in rows:
        if (cell(row, "transaction-type") or "").lower() == "refund":
            parts.setdefault((code(row, "order-id"), cell(row, "adjustment-id") or ""), []).append(row)
    found = []
    for (order, adjustment), own in parts.items():
        back = [number(row, name) for row in own for name in ("price-amount", "promotion-amount")]
        amount = sum((value for value in back if value is not None), _NOTHING)
        found.append(
            Refund(
                source_id=adjustment or f"{code(own[0], 'settlement-id')}:{order}",
                order_id=order,
                refunded_at=max(when(row, "posted-date", source) for row in own),
                zone=source.zone,
                amount=Money.parse(-amount, currency),
                quantity=pieces(own[0], "quantity-purchased"),
            )
        )
    return found


def _map_returned(rows: Sequence[Row], source: Source) -> list[Refund]:
    """What a buyer got back for a return; none while nothing was paid back."""
    row = rows[0]
    amount = priced(row, "refunded amount", cell(row, "currency code"))
    if amount is None:
        return []
    order = code(row, "order id")
    return [
        Refund(
            source_id=cell(row, "amazon rma id") or f"{order}:{cell(row, 'merchant sku') or ''}",
            order_id=order,
            refunded_at=when(row, "return request date", source),
            zone=source.zone,
            amount=amount,
            quantity=pieces(row, "return quantity"),
            reason=cell(row, "return reason"),
            status=cell(row, "return request status"),
        )
    ]


def _map_storage(rows: Sequence[Row], source: Source) -> list[Fee]:
    """The storage fee of an item in a warehouse and a month. Its time is the month's first moment."""
    row = rows[0]
    amount = priced(row, "estimated_monthly_storage_fee", cell(row, "currency"))
    if amount is None:
        return []
    month = code(row, "month_of_charge")
    return [
        Fee(
            source_id=f"storage:{month}:{cell(row, 'fulfillment_center') or ''}:{code(row, 'fnsku')}",
            kind="storage",
            charged_at=when({"month_of_charge": f"{month}-01"}, "month_of_charge", source),
            zone=source.zone,
            amount=amount,
        )
    ]


def _map_removal(rows: Sequence[Row], source: Source) -> list[Fee]:
    """What it costs to have an item sent back or destroyed; none while nothing is charged."""
    row = rows[0]
    amount = priced(row, "removal-fee", cell(row, "currency"))
    if amount is None:
        return []
    return [
        Fee(
            source_id=f"removal:{code(row, 'order-id')}:{code(row, 'sku')}:{cell(row, 'disposition') or ''}",
            kind="removal",
            charged_at=when(row, "request-date", source),
            zone=source.zone,
            amount=amount,
        )
    ]


def _map_reimbursed(rows: Sequence[Row], source: Source) -> Fee:
    """What Amazon pays for an item that it lost or damaged: a fee below zero."""
    row = rows[0]
    amount = priced(row, "amount-total", cell(row, "currency-unit"))
    if amount is None:
        raise DataError("the reimbursement has no amount")
    return Fee(
        source_id=f"reimbursement:{code(row, 'reimbursement-id')}:{cell(row, 'sku') or ''}",
        kind="reimbursement",
        charged_at=when(row, "approval-date", source),
        zone=source.zone,
        amount=Money(-amount.amount, amount.currency),
        order_id=cell(row, "amazon-order-id"),
    )


def _settlement(mapping: Callable[[Sequence[Row], Source], Mapped]) -> Kind:
    return Kind(
        map=mapping,
        needed=("settlement-id", "total-amount", "posted-date", "transaction-type"),
        key=lambda row, source: code(row, "settlement-id"),
        longest=days(30),
        made_by_amazon=True,
    )


_SETTLED = ("GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE",)
PAYOUTS = {name: _settlement(_map_settled) for name in _SETTLED}
REFUNDS = {
    **{name: _settlement(_map_settled_refunds) for name in _SETTLED},
    "GET_FLAT_FILE_RETURNS_DATA_BY_RETURN_DATE": Kind(
        map=_map_returned, needed=("order id", "return request date", "refunded amount"), longest=days(30)
    ),
}
FEES = {
    **{name: _settlement(_map_settled_fees) for name in _SETTLED},
    "GET_FBA_STORAGE_FEE_CHARGES_DATA": Kind(
        map=_map_storage,
        needed=("fnsku", "month_of_charge", "estimated_monthly_storage_fee", "currency"),
        longest=days(30),
        beside=True,
    ),
    "GET_FBA_FULFILLMENT_REMOVAL_ORDER_DETAIL_DATA": Kind(
        map=_map_removal, needed=("request-date", "order-id", "sku", "removal-fee"), longest=days(30), beside=True
    ),
    "GET_FBA_REIMBURSEMENTS_DATA": Kind(
        map=_map_reimbursed, needed=("approval-date", "reimbursement-id", "amount-total"), longest=days(30), beside=True
    ),
}
