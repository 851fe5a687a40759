"""Planted causes are found, alone and together; what nobody planted stays an open question."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from zoneinfo import ZoneInfo

import msgspec
import pytest

from shelftide.analytics.reconciliation.ads import AdFigure, ad_hypotheses
from shelftide.analytics.reconciliation.causes import Cause, Explained, explain
from shelftide.analytics.reconciliation.orders import (
    ON_ORDER_DAY,
    ON_REFUND_DAY,
    Book,
    PaidBack,
    Sold,
    order_hypotheses,
)

ZONE = "Europe/Rome"
START = date(2026, 3, 20)  # clocks change on the 29th
DAYS = [START + timedelta(days=n) for n in range(20)]
ZONES = ("UTC", "Asia/Shanghai", "America/Los_Angeles", "Etc/GMT+5")


def make_book(seed: int, *, orders: int = 400) -> Book:
    random = Random(seed)
    sold = [
        Sold(
            order_id=str(number),
            placed_at=datetime(2026, 3, 18, tzinfo=UTC) + timedelta(seconds=random.randrange(24 * 86_400)),
            zone=ZONE,
            total=Decimal(random.randrange(500, 30_000)).scaleb(-2),
            tax=Decimal(random.randrange(10, 400)).scaleb(-2),
            shipping=Decimal(random.choice([0, 0, 490])).scaleb(-2),
            cancelled=random.random() < 0.05,
        )
        for number in range(orders)
    ]
    refunds = [
        PaidBack(
            order_id=order.order_id,
            refunded_at=order.placed_at + timedelta(hours=random.randrange(1, 200)),
            zone=ZONE,
            amount=order.total / 2,
        )
        for order in sold
        if not order.cancelled and random.random() < 0.15
    ]
    return Book(orders=sold, refunds=refunds)


def export(
    book: Book,
    *,
    zone: str = ZONE,
    refunds: str = "",
    without: tuple[str, ...] = (),
    cancelled: bool = False,
) -> dict[date, Decimal]:
    """What a platform would write: counted here in another way than the product counts, order by order."""
    said = dict.fromkeys(DAYS, Decimal(0))
    of_order = {}
    for order in book.orders:
        day = order.placed_at.astimezone(ZoneInfo(zone)).date()
        of_order[order.order_id] = day
        if day in said and (cancelled or not order.cancelled):
            amount = order.total
            if not order.cancelled:
                amount -= sum((getattr(order, name) for name in without), Decimal(0))
            said[day] += amount
    for refund in book.refunds:
        own = refund.refunded_at.astimezone(ZoneInfo(zone)).date()
        day = own if refunds == ON_REFUND_DAY else of_order[refund.order_id]
        if refunds and day in said:
            said[day] -= refund.amount
    return said


def found(book: Book, said: dict[date, Decimal], then: Book | None = None) -> Explained:
    earlier = ("yesterday", then) if then is not None else None
    return explain(said, order_hypotheses(book, earlier, (ZONE, *ZONES)), DAYS)


def test_an_export_that_counts_as_we_do_has_no_difference() -> None:
    book = make_book(1)
    assert found(book, export(book)).days == ()


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("said", "because"),
    [
        ({"zone": "UTC"}, {(Cause.ZONE, "UTC")}),
        ({"zone": "America/Los_Angeles"}, {(Cause.ZONE, "America/Los_Angeles")}),
        ({"refunds": ON_REFUND_DAY}, {(Cause.REFUND, ON_REFUND_DAY)}),
        ({"refunds": ON_ORDER_DAY}, {(Cause.REFUND, ON_ORDER_DAY)}),
        ({"without": ("tax",)}, {(Cause.TAX, "left out")}),
        ({"without": ("shipping",)}, {(Cause.SHIPPING, "left out")}),
        ({"cancelled": True}, {(Cause.CANCELLED, "counted")}),
        (
            {"zone": "Asia/Shanghai", "refunds": ON_REFUND_DAY, "without": ("tax", "shipping")},
            {
                (Cause.ZONE, "Asia/Shanghai"),
                (Cause.REFUND, ON_REFUND_DAY),
                (Cause.TAX, "left out"),
                (Cause.SHIPPING, "left out"),
            },
        ),
    ],
)
def test_a_planted_cause_is_found_on_every_day(seed: int, said: dict[str, object], because: set[object]) -> None:
    book = make_book(seed)
    result = found(book, export(book, **said))  # type: ignore[arg-type]  # cases are written as words
    assert set(result.because) == because
    assert result.unknown == 0
    assert result.days
    assert {cause for day in result.days for cause in day.causes} == {cause for cause, _ in because}  # type: ignore[misc,has-type]  # as above


def test_what_was_restated_since_is_found_on_its_days_only() -> None:
    now = make_book(4)
    then = Book(
        orders=[
            msgspec.structs.replace(order, total=order.total + 7) if order.order_id == "17" else order
            for order in now.orders
            if order.order_id != "23"
        ],
        refunds=now.refunds,
    )
    result = found(now, export(then), then)
    touched = {
        o.placed_at.astimezone(ZoneInfo(ZONE)).date()
        for o in now.orders
        if o.order_id in {"17", "23"} and not o.cancelled
    }
    assert {day.day for day in result.days} == touched & set(DAYS)
    assert {day.causes for day in result.days} == {(Cause.RESTATEMENT,)}


def test_a_true_unknown_stays_one_among_explained_days() -> None:
    book = make_book(5)
    said = export(book, zone="UTC")
    said[DAYS[7]] += Decimal("123.45")
    result = found(book, said)
    assert result.because == ((Cause.ZONE, "UTC"),)
    assert result.unknown == 1
    (day,) = [day for day in result.days if Cause.UNKNOWN in day.causes]
    assert (day.day, day.unexplained) == (DAYS[7], Decimal("123.45"))


@pytest.mark.parametrize("seed", range(5))
def test_chance_explains_nothing(seed: int) -> None:
    book, random = make_book(seed), Random(seed)
    said = {day: amount + Decimal(random.randrange(-50_000, 50_000)).scaleb(-2) for day, amount in export(book).items()}
    result = found(book, said)
    assert result.because == ()
    assert result.unknown == len(result.days) > 15


def test_one_match_among_many_days_is_chance() -> None:
    book = make_book(7)
    said = {day: amount + 1_000 for day, amount in export(book).items()}
    said[DAYS[2]] = export(book, without=("tax",))[DAYS[2]]
    result = found(book, said)
    assert result.because == ()
    assert result.unknown == len(DAYS)


def test_a_day_that_the_export_lacks_is_an_open_question() -> None:
    book = make_book(6)
    said = export(book)
    del said[DAYS[3]]
    (day,) = found(book, said).days
    assert (day.claimed, day.causes) == (None, (Cause.UNKNOWN,))
    assert day.difference == -day.ours


def ad_days(random: Random) -> list[AdFigure]:
    return [
        AdFigure(day=day, window=window, amount=Decimal(random.randrange(100, 9_999)))
        for day in DAYS
        for window in ("default", "1d_click", "7d_click")
    ]


def test_another_attribution_window_is_found_and_so_is_a_restated_one() -> None:
    now = ad_days(Random(1))
    said = {f.day: f.amount for f in now if f.window == "1d_click"}
    result = explain(said, ad_hypotheses(now, None, window="default"), DAYS)
    assert (result.because, result.unknown) == (((Cause.WINDOW, "1d_click"),), 0)
    then = [msgspec.structs.replace(f, amount=f.amount - 3) if f.day == DAYS[19] else f for f in now]
    said = {f.day: f.amount for f in then if f.window == "7d_click"}
    result = explain(said, ad_hypotheses(now, ("yesterday", then), window="default"), DAYS)
    assert set(result.because) == {(Cause.WINDOW, "7d_click"), (Cause.RESTATEMENT, "yesterday")}
    assert result.days[-1].causes == (Cause.RESTATEMENT, Cause.WINDOW)
    assert result.days[0].causes == (Cause.WINDOW,)
