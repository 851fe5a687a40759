"""Amounts on the wire made long: fourteen digits and three decimals, with the platform's own separators.

No platform's field names are known here: a field holds money when the records' amounts are what stands in it.
"""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from decimal import Decimal
from hashlib import blake2b
from typing import Any

from shelftide_sdk.money import Money
from shelftide_sdk.testing.conformance.bench import Reading
from shelftide_sdk.testing.conformance.faults import Fault, damage_rows, leaves
from shelftide_sdk.testing.shapes import decode, row_lists

_TEXT = re.compile(r"-?(\d{1,15}|\d{1,3}(,\d{3})+)(\.\d{1,10})?")
_SHARE = 0.8
_FEW = 3
# As many digits as the warehouse takes, more than a float keeps; a JSON number with a point comes as a float anyway.
_WHOLE, _WHOLE_OF_NUMBERS = 14, 12
# A float, a round() or an int() on the way lose less than one; what lies further away is another sum.
_NEAR = Decimal(1)


def longer(known: Sequence[Reading]) -> tuple[Fault, dict[Decimal, str]]:
    """A fault that writes long amounts into the fields of money, and those amounts as it writes them.

    `known` are reads that show what holds money, and how. The texts are noted while the fault is at work.
    """
    fields = _fields_of_money(known)
    written: dict[Decimal, str] = {}

    def lengthen(rows: list[Any]) -> None:
        for row in rows:
            for holder, key, name in leaves(row) if isinstance(row, dict) else ():
                if name in fields and number(holder[key]):
                    holder[key] = _long(name, holder[key], separated=fields[name])
                    written[abs(_exact(holder[key]))] = str(holder[key])

    return Fault(name="long-amounts", title="amounts have seventeen digits", damage=damage_rows(lengthen)), written


def shortened(calm: Reading, found: Reading, written: Mapping[Decimal, str]) -> str:
    """An amount that is nearly what was written, and not that; or "". What was rejected is not judged."""
    cents = {amount / 100: text for amount, text in written.items() if amount == amount.to_integral_value()}
    told = {**cents, **written}
    ordered = sorted(told)
    before = calm.state()
    for key, record in found.state().items():
        for name in record.__struct_fields__:
            money = getattr(record, name)
            if not isinstance(money, Money) or money == getattr(before.get(key), name, None):
                continue
            if text := _lost(abs(Decimal(money.amount)), ordered, told):
                return (
                    f"{key[0]}.{name} of {', '.join(map(str, key[1:]))} is {money.amount} where the row says {text!r}"
                )
    return ""


def _lost(amount: Decimal, ordered: list[Decimal], told: Mapping[Decimal, str]) -> str:
    if not amount or amount in told:
        return ""
    at = bisect_left(ordered, amount)
    for near in ordered[max(at - 1, 0) : at + 1]:
        if abs(near - amount) < _NEAR:
            return told[near]
    digits = f"{amount:f}"
    groups = (text for text in told.values() if "," in text and len(digits) >= _FEW)
    return next((text for text in groups if text.endswith(f",{digits}") or digits == text.partition(",")[0]), "")


def _fields_of_money(readings: Sequence[Reading]) -> dict[str, bool]:
    """Name of each field whose numbers are amounts of the records -> whether it is written with separators."""
    amounts = {amount for reading in readings for amount in _amounts(reading)}
    texts: dict[str, set[str]] = defaultdict(set)
    for exchange in (exchange for reading in readings for exchange in reading.exchanges):
        for rows in row_lists(decode(exchange.body)[0]):
            for holder, key, name in (leaf for row in rows if isinstance(row, dict) for leaf in leaves(row)):
                if number(holder[key]):
                    texts[name].add(str(holder[key]))
    return {
        name: any("," in text for text in found)
        for name, found in texts.items()
        if len(found) >= _FEW and _are_amounts(found, amounts)
    }


def _are_amounts(texts: Set[str], amounts: Set[Decimal]) -> bool:
    numbers = [abs(_exact(text)) for text in texts]
    return any(sum(found / scale in amounts for found in numbers) >= _SHARE * len(numbers) for scale in (1, 100))


def _amounts(reading: Reading) -> Iterator[Decimal]:
    for record in reading.records:
        for name in record.__struct_fields__:
            value = getattr(record, name)
            if isinstance(value, Money) and value.amount:
                yield abs(Decimal(value.amount))


def number(value: Any) -> bool:
    """Whether a value of a reply is a number that is not 0, as text or as JSON."""
    plain = isinstance(value, str | int | float) and not isinstance(value, bool)
    return plain and _TEXT.fullmatch(str(value)) is not None and bool(_exact(value))


def _exact(value: Any) -> Decimal:
    return Decimal(str(value).replace(",", ""))


def _long(name: str, value: Any, *, separated: bool) -> Any:
    """A long amount in the shape of a short one, the same for the same name and value."""
    dice = int.from_bytes(blake2b(f"{name}|{value}".encode(), digest_size=8).digest(), "big")
    sign = "-" if str(value).startswith("-") else ""
    if isinstance(value, float):
        return float(f"{sign}{_digits(dice, _WHOLE_OF_NUMBERS)}.{10 + dice % 90}")
    whole = _digits(dice, _WHOLE)
    if isinstance(value, int):
        return int(f"{sign}{whole}")
    decimals = f".{dice % 100:02}{1 + dice % 4 * 2}" if "." in value or separated else ""
    return f"{sign}{int(whole):,}{decimals}" if separated else f"{sign}{whole}{decimals}"


def _digits(dice: int, count: int) -> str:
    """A number of `count` digits, the first a nine: floats are coarsest there."""
    return "9" + str(dice).zfill(count)[-(count - 1) :]
