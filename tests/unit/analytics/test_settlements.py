"""From what was sold to what was paid out, step by step; and what ad platforms claim of it."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from shelftide.analytics.reconciliation.causes import Cause
from shelftide.analytics.reconciliation.orders import Book, PaidBack, Sold
from shelftide.analytics.reconciliation.settlements import Charge, Payment, Period, Settlement, claim, settle

PERIOD = Period(currency="EUR", since=date(2026, 3, 1), until=date(2026, 3, 10), zone="Europe/Rome")


def at(day: int, hour: int = 12) -> datetime:
    return datetime(2026, 3, day, hour, tzinfo=UTC)


def sold(number: int, day: int, amount: int, *, cancelled: bool = False) -> Sold:
    return Sold(order_id=str(number), placed_at=at(day), zone="Europe/Rome", total=Decimal(amount), cancelled=cancelled)


def back(number: int, day: int, amount: int) -> PaidBack:
    return PaidBack(order_id=str(number), refunded_at=at(day), zone="Europe/Rome", amount=Decimal(amount))


def steps(found: Settlement) -> dict[Cause, Decimal]:
    return {step.cause: step.amount for step in found.steps}


ORDERS = [sold(1, 1, 100), sold(2, 2, 200), sold(3, 3, 50, cancelled=True), sold(4, 9, 40)]


def test_a_gap_is_refunds_fees_and_what_is_still_underway() -> None:
    payments = [Payment(settled_at=at(8), amount=Decimal(255), fees=Decimal(15)), _underway()]
    found = settle(ORDERS, [back(1, 5, 30)], payments, [], PERIOD)
    assert [found.sold, found.paid, found.gap] == [340, 255, 85]
    assert steps(found) == {Cause.REFUND: 30, Cause.FEE: 15, Cause.PENDING: 40}
    assert found.unknown == 0


def _underway() -> Payment:
    return Payment(settled_at=at(10), amount=Decimal(40), status="IN_TRANSIT")


def test_what_nothing_explains_is_an_open_question() -> None:
    found = settle(ORDERS, [], [Payment(settled_at=at(8), amount=Decimal(250), fees=Decimal(15))], [], PERIOD)
    assert steps(found)[Cause.UNKNOWN] == 35
    assert found.unknown == 35


def test_adjustments_count_as_the_platform_says_and_fees_may_come_by_row() -> None:
    payment = Payment(settled_at=at(8), amount=Decimal(280), adjustments=Decimal(-8))
    found = settle(ORDERS, [], [payment], [Charge(charged_at=at(7), amount=Decimal(12))], PERIOD)
    assert steps(found) == {Cause.FEE: 12, Cause.ADJUSTMENT: 8, Cause.PENDING: 40}


def test_orders_within_the_platforms_lag_are_pending() -> None:
    period = Period(currency="EUR", since=PERIOD.since, until=PERIOD.until, zone=PERIOD.zone, lag_days=7)
    found = settle(ORDERS, [], [Payment(settled_at=at(8), amount=Decimal(100))], [], period)
    assert steps(found) == {Cause.PENDING: 240}


def test_without_a_payout_all_is_pending_and_it_is_said() -> None:
    found = settle(ORDERS, [], [], [], PERIOD)
    assert steps(found) == {Cause.PENDING: 340}
    assert found.reason == "no payout has arrived in these days"


def test_days_are_those_of_the_period() -> None:
    late = Sold(order_id="9", placed_at=at(10, 23), zone="Europe/Rome", total=Decimal(7))  # the eleventh in Rome
    assert settle([*ORDERS, late], [], [], [], PERIOD).sold == 340


def test_claims_above_sales_are_named_with_their_days() -> None:
    book = Book(orders=ORDERS, refunds=[])
    claims = {"meta": {date(2026, 3, 1): Decimal(90)}, "tiktok": {date(2026, 3, 1): Decimal(60)}}
    found = claim(claims, book, PERIOD, ["UTC"])
    assert found.claimed == {"meta": 90, "tiktok": 60}
    assert found.over == (date(2026, 3, 1),)
    assert found.share == Decimal(150) / Decimal(340)
    assert found.explained["meta"].unknown == 3


def test_a_platform_that_claims_all_sales_in_its_own_zone_is_explained() -> None:
    orders = [
        Sold(order_id=str(n), placed_at=at(1, 22) + timedelta(days=n), zone="Asia/Shanghai", total=Decimal(10 + n))
        for n in range(8)
    ]
    claims = {"meta": {order.placed_at.date(): order.total for order in orders}}
    found = claim(claims, Book(orders=orders, refunds=[]), PERIOD, ["UTC"]).explained["meta"]
    assert found.because == ((Cause.ZONE, "UTC"),)
    assert found.unknown == 0


def test_nothing_sold_leaves_the_share_unknown() -> None:
    found = claim({"meta": {date(2026, 3, 1): Decimal(5)}}, Book(orders=[], refunds=[]), PERIOD, [])
    assert (found.share, found.reason) == (None, "the shops sold nothing in these days")
