"""Rules on what records say: the same as the world that the emulator shows, read where everything is different."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from shelftide_sdk.money import Money
from shelftide_sdk.records import Order, OrderLine, OrderStatus, Refund
from shelftide_sdk.testing.conformance.abroad import Abroad, Journey
from shelftide_sdk.testing.conformance.elsewhere import ZONE
from shelftide_sdk.testing.conformance.foundation import describe
from shelftide_sdk.testing.conformance.matching import goods
from shelftide_sdk.testing.conformance.rules import broken, rule
from shelftide_sdk.testing.world import model

_KNOWN_SHARE = 0.6
_MINUTE = timedelta(minutes=1)
_BEGUN = frozenset({OrderStatus.OPEN, OrderStatus.PENDING, OrderStatus.UNKNOWN})
_SENT = frozenset({OrderStatus.SHIPPED, OrderStatus.UNKNOWN})
_DONE = _SENT | {OrderStatus.COMPLETED}
_OFF = frozenset({OrderStatus.CANCELLED, OrderStatus.UNKNOWN})

# What a field may mean: each way is tried on all rows, and one must fit them all.
Way = tuple[str, Callable[[model.Order], Any]]
Said = tuple[str, model.Order, Any]


class Facts(Abroad):
    """Records against the world, in another zone and with dear goods."""

    @rule(
        "silver",
        "Orders, lines and refunds say what the world says: moments, amounts, currency, pieces, states, buyers.",
        "Compare the named field with the row: the right source field, the account's zone, whole amounts, each state "
        "of the platform mapped.",
    )
    async def test_records_say_what_is_true(self) -> None:
        name = "records_say_what_is_true"
        abroad = await self.abroad()
        if abroad is None:
            return
        refused = []
        for stream, reading in abroad.streams:
            where = f"stream {stream.name!r}, in the zone {ZONE} with dear goods"
            assert reading.error is None, broken(name, f"{where}: the read ends with {describe(reading.error)}")
            reasons = [reject.reason for reject in reading.rejects]
            refused += [f"{where}: {len(reasons)} good rows were rejected: {reasons[0]}"] if reasons else []
        if not abroad.world.shown:
            pytest.skip("the emulator shows no orders of the world")
        if bugs := [*_bugs(abroad), *refused]:
            pytest.fail(broken(name, "\n  ".join(bugs[:5])))

    @rule(
        "silver",
        "What names an order names one that was read.",
        "Take the order's id from the field that names the order, in the form that the orders' own `source_id` has.",
    )
    async def test_references_lead_to_records(self) -> None:
        abroad = await self.abroad()
        if abroad is None or not abroad.orders:
            return
        for stream, reading in abroad.streams:
            for record in reading.records:
                order = getattr(record, "order_id", None)
                if order is None or order in abroad.orders:
                    continue
                bug = f"{type(record).__name__}.order_id is {order!r}, and no order of that id was read"
                one = next(iter(abroad.orders))
                pytest.fail(
                    broken("references_lead_to_records", f"stream {stream.name!r}: {bug}; an order's id is {one!r}")
                )

    @rule(
        "silver",
        "Another account's zone is that account's.",
        "Ask the platform for the account's zone on each run; never write one into the code.",
    )
    async def test_the_zone_moves_with_the_account(self) -> None:
        abroad = await self.abroad()
        if abroad is None or ZONE not in abroad.told:
            return
        for stream, reading in abroad.streams:
            found = {record.zone for record in reading.records if isinstance(record, Order | OrderLine | Refund)}
            strange = sorted(found - abroad.told)
            strange = [z for z in strange if not any(z.encode() in e.body for e in reading.exchanges)]
            bug = f"records are in {strange[:1]} where the account's zone is {ZONE} and nobody names another"
            assert not strange, broken("the_zone_moves_with_the_account", f"stream {stream.name!r}: {bug}")


# -- what is compared --------------------------------------------------------------------------------------------


def moment_bugs(abroad: Journey) -> Iterator[str]:
    """Orders, lines and refunds that are placed or given back at another moment than the world's."""
    orders = [(name, order, abroad.orders[name].placed_at) for name, order in abroad.known.items()]
    lines = [
        (f"order {name}", order, line.placed_at)
        for name, order in abroad.known.items()
        for line in abroad.lines.get(name, ())
    ]
    for what, said in (("Order", orders), ("OrderLine", lines)):
        yield from _misfits(f"{what}.placed_at", _ORDER["placed_at"], said)
    yield from _refund_bugs(abroad)


def _bugs(abroad: Journey) -> Iterator[str]:
    """Bugs, each with the stream that its record type came from."""
    for bug in _bare_bugs(abroad):
        kind = next((kind for kind in (OrderLine, Refund) if kind.__name__ in bug.partition(" of ")[0]), Order)
        yield f"stream {abroad.stream_of(kind)!r}: {bug}"


def _bare_bugs(abroad: Journey) -> Iterator[str]:
    if len(abroad.known) < _KNOWN_SHARE * len(abroad.orders):
        strange = next(name for name in abroad.orders if name not in abroad.known)
        yield (
            f"only {len(abroad.known)} of {len(abroad.orders)} orders are orders of the world; by number, moment, "
            f"amount or lines nobody knows {abroad.orders[strange]!r:.600}"
        )
        return
    for field, ways in _ORDER.items():
        yield from _misfits(f"Order.{field}", ways, _said(abroad, field))
    yield from _money_misfits(abroad)
    yield from _state_bugs(abroad)
    yield from _line_bugs(abroad)
    yield from _refund_bugs(abroad)
    yield from _buyer_bugs(abroad)
    yield from _mark_bugs(abroad)


def _discount(order: model.Order) -> Decimal:
    return sum((line.discount for line in order.lines), Decimal(0))


def _misfits(what: str, ways: Sequence[Way], said: Iterable[Said]) -> Iterator[str]:
    """The rows that the best way does not explain."""
    rows = list(said)
    tried = [
        (title, [(label, way(order), got) for label, order, got in rows if way(order) != got]) for title, way in ways
    ]
    title, wrong = min(tried, key=lambda each: len(each[1]))
    if wrong:
        label, expected, got = wrong[0]
        so = f"so in {len(wrong)} of {len(rows)} rows"
        yield f"{what} of {label} is {_short(got)}, expected {_short(expected)} ({title}); {so}"


def _short(value: Any) -> str:
    if isinstance(value, list):
        return " and ".join(map(str, value))
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _said(abroad: Journey, field: str) -> Iterator[Said]:
    for record, order in abroad.pairs():
        value = getattr(record, field)
        if value is not None:
            yield record.source_id, order, value


def _second(value: datetime | None) -> datetime | None:
    return value and value.replace(microsecond=0)


_ORDER: dict[str, Sequence[Way]] = {
    "placed_at": (
        ("the moment of placing", lambda o: _second(o.placed_at)),
        ("to the minute", lambda o: o.placed_at.replace(second=0, microsecond=0)),
    ),
    "cancelled_at": (
        ("the moment of cancelling", lambda o: _second(o.cancelled_at)),
        ("to the minute", lambda o: o.cancelled_at and o.cancelled_at.replace(second=0, microsecond=0)),
    ),
    "customer_order_index": (("which of the buyer's orders it is", lambda o: o.order_index),),
}
_PARTS: dict[str, Sequence[Way]] = {
    "total": (
        ("goods, shipping and tax less the platform's discount", lambda o: o.total),
        ("goods, shipping and tax", lambda o: o.total + o.platform_discount),
        ("goods and shipping, without tax", lambda o: o.total - o.tax),
        ("goods alone", goods),
    ),
    "subtotal": (
        ("the goods after the seller's discounts", goods),
        ("the goods at list prices", lambda o: goods(o) + _discount(o)),
        ("the goods less all discounts", lambda o: goods(o) - o.platform_discount),
    ),
    "shipping": (("shipping", lambda o: o.shipping),),
    "tax": (("tax", lambda o: o.tax),),
    "discount": (
        ("the seller's discounts", _discount),
        ("all discounts", lambda o: _discount(o) + o.platform_discount),
    ),
    "platform_discount": (("the platform's discount", lambda o: o.platform_discount),),
}


def _money_misfits(abroad: Journey) -> Iterator[str]:
    now = abroad.world.now
    given = (("what was given back", lambda o: _given_back(o, now)),)
    left = (("the total less what was given back", lambda o: o.total - _given_back(o, now)),)
    for field, ways in {**_PARTS, "refunded": given, "current_total": left}.items():
        said = [(label, order, money.amount) for label, order, money in _said(abroad, field)]
        # A platform may clear the amounts of an order that is off.
        said = [(label, order, amount) for label, order, amount in said if amount or not abroad.off(order)]
        yield from _misfits(f"Order.{field}", ways, said)
    said = [(label, order, money.currency) for label, order, money in _said(abroad, "total")]
    yield from _misfits("Order.total.currency", (("the order's currency", lambda o: o.currency),), said)
    seen = [(label, order, money.currency) for label, order, money in _said(abroad, "presentment_total")]
    shown: Way = ("the currency that the buyer saw", lambda o: o.presentment_currency or o.currency)
    yield from _misfits("Order.presentment_total.currency", (shown,), seen)


def _given_back(order: model.Order, now: datetime) -> Decimal:
    return sum((refund.amount for refund in order.refunds if refund.at <= now), Decimal(0))


def _state_bugs(abroad: Journey) -> Iterator[str]:
    told = {record.status for record, _ in abroad.pairs()}
    silent = not told & {OrderStatus.SHIPPED, OrderStatus.COMPLETED}  # a platform that does not tell what was sent
    wrong = []
    for record, order in abroad.pairs():
        state, allowed = _state(order, abroad.world.now)
        if record.status not in (allowed | _BEGUN if silent and state != "cancelled" else allowed):
            wrong.append((record, state, allowed))
    if wrong:
        record, state, allowed = wrong[0]
        such = f"Order.status of {record.source_id} is {record.status.value} ({record.platform_status!r})"
        names = " or ".join(sorted(status.value for status in allowed - {OrderStatus.UNKNOWN}))
        yield f"{such}, expected {names}: the order is {state}; so in {len(wrong)} of {len(abroad.known)} rows"


def _state(order: model.Order, now: datetime) -> tuple[str, frozenset[OrderStatus]]:
    def happened(at: datetime | None) -> bool:
        return at is not None and at <= now

    if happened(order.cancelled_at):
        return "cancelled", _OFF
    back = _OFF if _given_back(order, now) >= order.total else frozenset()
    if happened(order.completed_at) or happened(order.delivered_at):
        return "delivered", _DONE | back
    return ("on its way", _SENT | back) if happened(order.shipped_at) else ("not sent yet", _BEGUN | back)


def _line_bugs(abroad: Journey) -> Iterator[str]:
    rows = [
        (f"order {name}", order, abroad.lines[name]) for name, order in abroad.known.items() if name in abroad.lines
    ]
    pieces = [(label, order, sorted(line.quantity for line in lines)) for label, order, lines in rows]
    yield from _misfits("OrderLine.quantity", (("pieces of each line", _pieces),), pieces)
    amounts = [
        (label, order, sorted(line.total.amount for line in lines))
        for label, order, lines in rows
        if not abroad.off(order)
    ]
    ways: tuple[Way, ...] = (
        ("the lines' prices after the seller's discounts", lambda o: sorted(_net(line) for line in o.lines)),
        ("the lines' list prices", lambda o: sorted(line.unit_price * line.quantity for line in o.lines)),
    )
    yield from _misfits("OrderLine.total", ways, amounts)
    flags = [
        (f"{label}, line {line.source_id}", order, line.cancelled) for label, order, lines in rows for line in lines
    ]
    yield from _misfits("OrderLine.cancelled", (("whether the order is cancelled", abroad.off),), flags)
    moments = [
        (f"{label}, line {line.source_id}", order, line.placed_at) for label, order, lines in rows for line in lines
    ]
    yield from _misfits("OrderLine.placed_at", _ORDER["placed_at"], moments)


def _pieces(order: model.Order) -> list[int]:
    return sorted(line.quantity for line in order.lines)


def _net(line: model.Line) -> Decimal:
    return line.unit_price * line.quantity - line.discount


def _refund_bugs(abroad: Journey) -> Iterator[str]:
    """Each refund is one of its order's. Which one is found by its amount, else by its moment. None is missing."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for record in abroad.refunds:
        order = abroad.known.get(record.order_id)
        if order is None:
            continue
        sums[record.order_id] += _plain(record.amount)
        by_amount = [event for event in order.refunds if event.amount == _plain(record.amount)]
        by_moment = [event for event in order.refunds if _second(event.at) == _second(record.refunded_at)]
        such = f"of {record.source_id} (order {record.order_id})"
        if not by_amount:
            expected = ", ".join(str(event.amount) for event in by_moment or order.refunds) or "no refund at all"
            yield f"Refund.amount {such} is {_plain(record.amount)}, expected {expected}"
        elif not by_moment:
            expected = _short(by_amount[0].at)
            yield f"Refund.refunded_at {such} is {_short(record.refunded_at)}, expected {expected}"
        elif record.quantity is not None and record.quantity not in [sum(e.lines.values()) for e in by_amount]:
            yield f"Refund.quantity {such} is {record.quantity}, expected {sum(by_amount[0].lines.values())}"

    for name, amount in sums.items():
        given_back = _given_back(abroad.known[name], abroad.world.now)
        if amount != given_back:
            yield f"Refund.amount of all refunds of order {name} is {amount}, expected {given_back}"


def _plain(money: Money) -> Decimal:
    return money.amount


def _mark_bugs(abroad: Journey) -> Iterator[str]:
    """Marks of change that lie before something that the record shows: they did not move with it."""
    for record, order in abroad.pairs():
        off = order.cancelled_at if abroad.off(order) else None
        shown: list[tuple[str, Order | OrderLine, bool]] = [("Order", record, record.status is OrderStatus.CANCELLED)]
        shown += [("OrderLine", line, line.cancelled) for line in abroad.lines.get(record.source_id, ())]
        for kind, each, cancelled in shown:
            if off and cancelled and each.updated_at is not None and each.updated_at < off - _MINUTE:
                yield f"{kind}.updated_at of {each.source_id} is {each.updated_at}, before it was cancelled ({off})"
                return
    for refund in abroad.refunds:
        if refund.updated_at is not None and refund.updated_at < refund.refunded_at - _MINUTE:
            yield f"Refund.updated_at of {refund.source_id} is {refund.updated_at}, before {refund.refunded_at}"
            return


def _buyer_bugs(abroad: Journey) -> Iterator[str]:
    seen: dict[Hashable, tuple[str, str]] = {}
    for record, order in abroad.pairs():
        if record.customer is None:
            continue
        who = (record.customer.email, record.customer.phone, record.customer.platform_id)
        first, person = seen.setdefault(who, (record.source_id, order.person.key))
        if person != order.person.key:
            yield f"Order.customer of {record.source_id} is {who}, as that of {first}, which another person placed"
            return
