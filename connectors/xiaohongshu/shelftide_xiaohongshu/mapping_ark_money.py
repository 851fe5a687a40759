"""What Ark says of settlements, charges, and of who sold an order. Amounts are yuan as decimal text.

Sources: Ark open platform, `finance.pageQueryTransaction`, `finance.pageQueryExpense`, `businessdata.getKosData`.
"""

from datetime import date
from decimal import Decimal

from shelftide_sdk.errors import DataError
from shelftide_sdk.money import Money
from shelftide_sdk.records import Fee, Payout, Record, Touch
from shelftide_xiaohongshu.mapping_ark import CHANNEL
from shelftide_xiaohongshu.values import (
    CURRENCY,
    ZONE,
    Row,
    Strays,
    identifier,
    local_moment,
    maybe_identifier,
    moment,
    needed,
    shanghai_day,
    text,
    whole,
    yuan,
)

SALE, REFUND = 0, 1
_MOMENTS = ("settled_at", "charged_at", "occurred_at")
_FEES = {
    "commissionAmount": "commission",
    "payChannelAmount": "payment",
    "cpsAmount": "creator_commission",
    "installmentAmount": "instalments",
    "extraAmount": "extra",
}


def map_transaction(row: Row) -> list[Record]:
    """A settled transaction: the payout, and what the platform kept of it.

    The platform writes both directions without a sign: of a refund, payout and fees are negative here.
    """
    source_id = str(whole(row.get("transactionId"), "transactionId"))
    direction = whole(row.get("settleBizType"), "settleBizType")
    if direction not in (SALE, REFUND):
        raise DataError(f"settleBizType is not known: {direction}")
    settled_at = moment(row.get("settledTime"), "settledTime")
    fees = [
        Fee(
            source_id=f"{source_id}-{kind}",
            kind=kind,
            charged_at=settled_at,
            zone=ZONE,
            amount=_signed(amount, direction),
            order_id=maybe_identifier(row, "packageId"),
            payout_id=source_id,
        )
        for name, kind in _FEES.items()
        if (amount := yuan(row, name)) is not None and amount.amount
    ]
    paid = yuan(row, "payAmount")
    kept = Money(sum((fee.amount.amount for fee in fees), Decimal(0)), CURRENCY)
    payout = Payout(
        source_id=source_id,
        settled_at=settled_at,
        zone=ZONE,
        amount=_signed(needed(yuan(row, "amount"), "amount"), direction),
        revenue=None if paid is None else _signed(paid, direction),
        fees=None if any(yuan(row, name) is None for name in _FEES) else kept,
        status="settled",
    )
    return [payout, *fees]


def of_day(record: Record, day: date, strays: Strays) -> Record:
    """The record. Raises DataError when it belongs to another day than was asked for and came before."""
    at = next(at for name in _MOMENTS if (at := getattr(record, name, None)) is not None)
    told = f"a row of {shanghai_day(at)} again in the reply for {day}"
    strays.check(repr(record), fits=shanghai_day(at) == day, told=told)
    return record


def _signed(amount: Money, direction: int) -> Money:
    return Money(-abs(amount.amount), amount.currency) if direction == REFUND else amount


def map_expense(row: Row) -> Fee:
    """A charge beside the sales: insurance, services, fines."""
    return Fee(
        source_id=str(whole(row.get("expenseId"), "expenseId")),
        kind=identifier(row.get("baseBizType"), "baseBizType"),
        charged_at=moment(row.get("settledTime"), "settledTime"),
        zone=ZONE,
        amount=needed(yuan(row, "amount"), "amount"),
        order_id=maybe_identifier(row, "packageId"),
    )


def map_staff_sale(row: Row) -> Touch:
    """The staff account and the note or live that sold a SKU of an order, on the day of payment."""
    order_id = identifier(row.get("packageId"), "packageId")
    sku_id = identifier(row.get("skuId"), "skuId")
    carrier = maybe_identifier(row, "carrierId")
    account = maybe_identifier(row, "accountUserId")
    return Touch(
        source_id=f"{order_id}-{sku_id}-{carrier or account or 'shop'}",
        occurred_at=local_moment(row.get("payDate"), "payDate"),
        zone=ZONE,
        channel=CHANNEL,
        order_id=order_id,
        platform_source=text(row, "newCarrierNameGroup") or text(row, "entranceChannel"),
        content_id=carrier,
        creator_id=account,
    )
