"""Which order of the world a record speaks of. Platforms name orders as they like, so it is found by what both know."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from shelftide_sdk.money import Money
from shelftide_sdk.records import Order, OrderLine
from shelftide_sdk.testing.world import model

Clue = tuple[Any, ...]
_WEIGHT = {"number": 4, "moment": 3, "amount": 2, "lines": 2}
_ENOUGH = 4


def goods(order: model.Order) -> Decimal:
    """What the lines cost after the seller's discounts."""
    return sum((line.unit_price * line.quantity - line.discount for line in order.lines), Decimal(0))


def match_orders(
    records: Iterable[Order], lines: Mapping[str, Sequence[OrderLine]], world: Iterable[model.Order], now: datetime
) -> dict[str, model.Order]:
    """Record's id -> the world's order that most clues point to; nothing for what few or contradicting clues name."""
    known: dict[Clue, list[model.Order]] = defaultdict(list)
    for order in world:
        for clue in set(_of_world(order, now)):
            known[clue].append(order)
    found = {}
    for record in records:
        votes: Counter[str] = Counter()
        named: dict[str, model.Order] = {}
        for clue in set(_of_record(record, lines.get(record.source_id, ()))):
            for order in known.get(clue, ()):
                votes[order.key] += _WEIGHT[clue[0]]
                named[order.key] = order
        best = votes.most_common(2)
        if best and best[0][1] >= _ENOUGH and (len(best) == 1 or best[1][1] < best[0][1]):
            found[record.source_id] = named[best[0][0]]
    return found


def _of_world(order: model.Order, now: datetime) -> Iterator[Clue]:
    yield ("number", str(order.number))
    yield ("moment", order.placed_at.replace(microsecond=0))
    yield ("moment", order.updated_at(now).replace(microsecond=0))
    for amount in (order.total, goods(order), order.shipping, order.tax):
        if amount:
            yield ("amount", amount)
    yield ("lines", tuple(sorted(line.quantity for line in order.lines)), goods(order))


def _of_record(record: Order, lines: Sequence[OrderLine]) -> Iterator[Clue]:
    for text in (record.source_id, record.name or ""):
        for digits in re.findall(r"\d+", text):
            yield ("number", digits.lstrip("0"))
    for name in record.__struct_fields__:
        value = getattr(record, name)
        if isinstance(value, datetime):
            yield ("moment", value.replace(microsecond=0))
        elif isinstance(value, Money):
            yield ("amount", value.amount)
    if lines and all(isinstance(line.total, Money) for line in lines):
        yield ("lines", tuple(sorted(line.quantity for line in lines)), sum(line.total.amount for line in lines))
