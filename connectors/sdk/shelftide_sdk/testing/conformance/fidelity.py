"""Rules on what becomes of a value on its way: unknown stays unknown, a currency is read, no digit is lost."""

import re
from collections.abc import Iterator
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

import pytest

from shelftide_sdk.connector import Stream
from shelftide_sdk.money import CURRENCIES, Money
from shelftide_sdk.records import Order, OrderStatus, Record
from shelftide_sdk.testing.conformance import soundness
from shelftide_sdk.testing.conformance.abroad import Abroad
from shelftide_sdk.testing.conformance.amounts import longer, shortened
from shelftide_sdk.testing.conformance.bench import Key, Reading, key_of
from shelftide_sdk.testing.conformance.faults import (
    UNKNOWN_WORD,
    Fault,
    damage_rows,
    every_value,
    leaves,
    unknown_word,
)
from shelftide_sdk.testing.conformance.rules import broken, rule
from shelftide_sdk.testing.conformance.withholding import invented
from shelftide_sdk.testing.shapes import decode, row_lists

_CURRENCY = re.compile(r"currency|^ccy$|^cur$", re.IGNORECASE)
_NUMBER = re.compile(r"-?\d{1,15}(\.\d{1,10})?")
_OTHERS = ("NOK", "CZK")
_FEW = 3
_MOST = 0.6


class Fidelity(Abroad):
    """What a record says is what the platform said."""

    @rule(
        "silver",
        "A value that the platform leaves out or nulls is unknown: never 0, nor another that the row does not say.",
        "Map an absent value to None where the record allows it, and reject the row where it does not; no `or 0`, no "
        '`or "US"`.',
    )
    async def test_unknown_is_not_zero(self) -> None:
        unjudged = []
        for stream, calm in await self.calm_or_abroad():
            survived, wanted = set[Key](), calm.state()
            trials = await self.withheld(stream)
            for withheld, reading in trials:
                found = reading.state()
                survived |= found.keys() & wanted.keys()
                if bug := invented(wanted, found, withheld):
                    pytest.fail(broken("unknown_is_not_zero", f"stream {stream.name!r}: {bug}"))
            if trials and wanted and not survived:
                unjudged.append(stream.name)
        if unjudged:
            pytest.skip(f"nothing could be judged: no record of {unjudged} survives a value that is withheld")

    @rule(
        "silver",
        "Money has the currency that the platform names beside the amount.",
        "Read the currency from the row; never assume the one of the first shop that you saw.",
    )
    async def test_the_currency_is_the_platforms(self) -> None:
        for stream, calm in await self.calm_readings():
            beside = set(_with_currency(calm))
            if not beside:
                continue
            other = next(name for name in _OTHERS if name not in {currency for _, currency in beside})
            async with self.bench() as bench:
                bench.proxy.begin(_renamed(other))
                found = (await bench.read(stream)).state()
            for key, was in calm.state().items():
                kept = [
                    f"{key[0]}.{name} is in {money.currency} where the row says {other}"
                    for name, money in _amounts(was)
                    if (money.amount, money.currency) in beside and key in found and getattr(found[key], name) == money
                ]
                assert not kept, broken("the_currency_is_the_platforms", f"stream {stream.name!r}: {kept[0]}")

    @rule(
        "silver",
        "A state that nobody has seen before is unknown.",
        "End the table of states with `.get(word, OrderStatus.UNKNOWN)`, and keep the platform's word beside it.",
    )
    async def test_an_unknown_state_is_unknown(self) -> None:
        for stream, calm in await self.calm_readings():
            if Order not in (stream.record, *stream.also):
                continue
            async with self.bench() as bench:
                bench.proxy.begin(_unknown_states(calm))
                found = (await bench.read(stream)).state()
            for key, was in calm.state().items():
                if bug := _guessed_state(was, found.get(key)):
                    pytest.fail(broken("an_unknown_state_is_unknown", f"stream {stream.name!r}: {bug}"))

    @rule(
        "bronze",
        "No digit of an amount is lost.",
        "Keep the platform's text: `Money.parse(text, currency)`; no int(), no round(), no float in between.",
    )
    async def test_no_digit_is_lost(self) -> None:
        for stream, calm in await self.calm_readings():
            if bug := _rounded(stream, calm) or await self._shortened(stream, calm):
                pytest.fail(broken("no_digit_is_lost", f"stream {stream.name!r}: {bug}"))

    async def _shortened(self, stream: Stream, calm: Reading) -> str:
        abroad = await self.abroad()
        there = [reading for other, reading in abroad.streams if other is stream] if abroad else []
        fault, written = longer([calm, *there])
        async with self.bench() as bench:
            bench.proxy.begin(fault)
            return shortened(calm, await bench.read(stream), written)


def _unknown_states(calm: Reading) -> Fault:
    """Every second row is in a state that nobody has seen: where the platform's words for states stand in calm rows."""
    words = {record.platform_status for record in calm.records if isinstance(record, Order) and record.platform_status}

    def change(value: Any) -> Any:
        if words:
            return UNKNOWN_WORD if isinstance(value, str) and value in words else value
        return value if value in CURRENCIES else unknown_word(value)

    return Fault(name="unknown-states", title="states are words never seen", damage=every_value(change))


def _guessed_state(was: Record, now: Record | None) -> str:
    if not isinstance(was, Order) or not isinstance(now, Order) or now.status is OrderStatus.UNKNOWN:
        return ""
    if now.platform_status != UNKNOWN_WORD and now.status == was.status:
        return ""
    return f"Order.status of {now.source_id} is {now.status.value} where the row says {UNKNOWN_WORD}, expected unknown"


def _amounts(record: Record) -> Iterator[tuple[str, Money]]:
    return ((name, value) for name, value in soundness.values(record) if isinstance(value, Money))


def _rows(reading: Reading) -> Iterator[Any]:
    for exchange in reading.exchanges:
        for rows in row_lists(decode(exchange.body)[0]):
            yield from (row for row in rows if isinstance(row, dict))


def _with_currency(reading: Reading) -> Iterator[tuple[Decimal, str]]:
    """Amounts with the currency that stands beside them in a row (in minor units too)."""
    for row in _rows(reading):
        for holder, key, name in leaves(row):
            if isinstance(holder, dict) and _CURRENCY.search(name) and holder[key] in CURRENCIES:
                for number in _numbers(holder):
                    yield from ((number, str(holder[key])), (number / 100, str(holder[key])))


def _renamed(other: str) -> Fault:
    """Every currency that stands in a row is another one."""

    def rename(rows: list[Any]) -> None:
        for row in rows:
            for holder, key, name in leaves(row) if isinstance(row, dict) else ():
                if _CURRENCY.search(name) and holder[key] in CURRENCIES:
                    holder[key] = other

    return Fault(name="renamed", title="rows name another currency", damage=damage_rows(rename))


def _rounded(stream: Stream, reading: Reading) -> str:
    """A field of money whose values are, most of them, a rounding of what stands in the rows, and stand in none."""
    numbers = {number for row in _rows(reading) for number in _numbers(row)}
    shortened = {short: number for number in numbers for short in _shortened(number)}
    fields: dict[tuple[str, str], list[Decimal]] = {}
    for record in {key_of(record): record for record in reading.records}.values():
        for name, money in _amounts(record):
            if isinstance(money.amount, Decimal):
                fields.setdefault((type(record).__name__, name), []).append(money.amount)
    for (kind, name), amounts in fields.items():
        lost = [amount for amount in amounts if amount not in numbers and amount in shortened]
        if len(lost) >= _FEW and len(lost) >= _MOST * len(amounts):
            return f"{kind}.{name} is {lost[0]} where the platform says {shortened[lost[0]]}"
    return ""


def _numbers(row: Any) -> Iterator[Decimal]:
    for holder, key, _ in leaves(row):
        value = holder[key]
        if isinstance(value, str | int | float) and not isinstance(value, bool) and _NUMBER.fullmatch(str(value)):
            yield Decimal(str(value))


def _shortened(number: Decimal) -> Iterator[Decimal]:
    """A number with fewer digits after the point, however it was rounded."""
    exponent = number.normalize().as_tuple().exponent
    digits = -exponent if isinstance(exponent, int) else 0
    for kept in range(min(max(digits, 0), 4)):
        for rounding in (ROUND_DOWN, ROUND_HALF_UP, ROUND_HALF_EVEN):
            try:
                yield number.quantize(Decimal(1).scaleb(-kept), rounding)
            except InvalidOperation:
                continue
