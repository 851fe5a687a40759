"""One value of each row withheld, so that over a few reads each field is missing somewhere; and what was made of it."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Set
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any

import msgspec

from shelftide_sdk.money import Money
from shelftide_sdk.records import Customer, Record
from shelftide_sdk.testing.conformance.bench import Key, Reading
from shelftide_sdk.testing.conformance.endpoints import Endpoint, endpoint_of
from shelftide_sdk.testing.conformance.faults import Fault, Memory, Wire, leaves, nullify, remove, request_of
from shelftide_sdk.testing.shapes import decode, encode, placed_rows

WAYS = (("withheld", "a value is null", nullify), ("left-out", "a field is left out", remove))
_ENOUGH = 2
_UNKNOWN = "unknown"
_TELLING = 3
_NOTHING = (None, "", "0", "0.0", "0.00", 0, False)
_SPARED = 3


def withholdings(reading: Reading) -> list["Withholding"]:
    """All that can be withheld in a read: at each endpoint values, and objects where its rows hold some."""
    found: dict[tuple[Endpoint, bool], None] = {}
    for e in reading.exchanges:
        asked = request_of(e.method, e.path, e.query, e.asked)
        for place, rows in placed_rows(decode(e.body)[0]):
            found |= {
                (endpoint_of(asked, place), isinstance(holder[key], dict)): None for holder, key, _ in _telling(rows)
            }
    return [Withholding(*way, *part) for part in found for way in WAYS]


class Withholding:
    """A fault that takes, out of each row of one endpoint, the field that was taken least often and says something.

    Other endpoints stay whole: who joins two replies would otherwise lose every row, and nothing could be judged. It
    takes values, or with `objects` whole objects. It goes on counting over several reads. `rows` are the texts of each
    row, as it was sent.
    """

    def __init__(
        self, name: str, title: str, take: Callable[[Any, Any], None], endpoint: Endpoint, objects: bool
    ) -> None:
        self._take = take
        self._endpoint = endpoint
        self.objects = objects
        self._taken: Counter[str] = Counter()
        self._last: Counter[str] = Counter()
        self._every = 1
        self._begin = 0
        self._values: set[str] = set()
        self.rows: list[Set[str]] = []
        self.fault = Fault(name=name, title=title, damage=self._damage)

    def exhausted(self) -> bool:
        """Whether every field was taken often enough."""
        return all(count >= _ENOUGH for count in self._taken.values())

    def spare(self) -> None:
        """Damage other rows, and fewer: what the last reply lost ended the read, and was not judged."""
        self._taken.subtract(self._last)
        self._every = _SPARED
        self._begin += 1

    def _damage(self, wire: Wire, memory: Memory) -> Wire:
        value, lines = decode(wire.body)
        found = list(placed_rows(value))
        for place, rows in found:
            if endpoint_of(wire.request, place) == self._endpoint:
                self._last = Counter()
                self._edit(rows, memory)
            self.rows += [_texts(row) for row in rows if isinstance(row, dict)]
        return msgspec.structs.replace(wire, body=encode(value, lines)) if found else wire

    def _edit(self, rows: list[Any], memory: Memory) -> None:
        for row in (row for row in rows if isinstance(row, dict)):
            fields = [field for field in _telling(row) if isinstance(field[0][field[1]], dict) is self.objects]
            self._taken.update({path: 0 for _, _, path in fields})
            if fields and (memory.rows + self._begin) % self._every == 0:
                holder, key, path = min(fields, key=lambda field: self._taken[field[2]])
                self._values |= _texts([holder[key]])
                self._take(holder, key)
                self._taken[path] += 1
                self._last[path] += 1
            memory.rows += 1

    def took(self, text: str) -> bool:
        """Whether the text, or what it was made of, was taken somewhere: not a word of the connector's own."""
        return any(_alike(text.casefold(), value) for value in self._values)

    def says(self, text: str, key: Key) -> bool:
        """Whether a row says the text, or what it was made of: the rows that name the key, if any does."""
        names = [str(part).casefold() for part in key[1:]]
        own = [row for row in self.rows if all(any(_alike(name, leaf) for leaf in row) for name in names)]
        return any(_alike(text.casefold(), leaf) for row in own or self.rows for leaf in row)


def _alike(one: str, other: str) -> bool:
    """Equal, or one in the other, unless it is as short as a country."""
    short, long = sorted((one, other), key=len)
    return short == long or (len(short) >= _TELLING and short in long)


def _texts(value: Any) -> set[str]:
    return {str(holder[key]).casefold() for holder, key, _ in leaves(value)}


def _telling(value: Any, path: str = "") -> Iterator[tuple[dict[str, Any], str, str]]:
    """(object, key, path) of what says something, an object within it too: lists have no part in the path."""
    if isinstance(value, list):
        for inner in value:
            yield from _telling(inner, path)
    elif isinstance(value, dict):
        for key, inner in value.items():
            if isinstance(inner, dict | list):
                yield from _telling(inner, f"{path}.{key}")
            if _says_something(inner):
                yield value, key, f"{path}.{key}"


def _says_something(value: Any) -> bool:
    """No list does, nor an object that holds one, or a zero, which no one could tell from one that was made up."""
    if isinstance(value, dict):
        return bool(value) and all(_is_whole(inner) for inner in value.values())
    return not isinstance(value, list) and value not in _NOTHING


def _is_whole(value: Any) -> bool:
    if isinstance(value, dict):
        return all(_is_whole(inner) for inner in value.values())
    return value in (None, "", False) or not (isinstance(value, list) or value in _NOTHING)


def invented(calm: Mapping[Key, Record], found: Mapping[Key, Record], withheld: Withholding) -> str:
    """A value that stands where another one stood, and that the record's own row does not say; or ""."""
    defaults: dict[tuple[str, Any], set[Any]] = defaultdict(set)
    for key, was in calm.items():
        for name, before, after in _changes(was, found.get(key)):
            told = f"{key[0]}.{name} of {key[1:]} is {after} instead of {before} when {withheld.fault.title}"
            if (_is_number(after) and not _is_shorter_sum(after, withheld)) or _is_default(
                before, after, key, withheld
            ):
                return told
            if isinstance(after, date):  # a moment may be told by another field, but not the same for all
                defaults[f"{key[0]}.{name}", after].add(before)
                if len(defaults[f"{key[0]}.{name}", after]) >= _ENOUGH:
                    return told
    return ""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal | Money) and not isinstance(value, bool | Enum)


def _is_shorter_sum(after: Any, withheld: Withholding) -> bool:
    """What is left of a sum where a part that may be missing, such as a tax, is: it is not a sum that is made up."""
    return withheld.objects and bool(after.amount if isinstance(after, Money) else after)


def _is_default(before: Any, after: Any, key: Key, withheld: Withholding) -> bool:
    texts = type(before) is type(after) is str and after != _UNKNOWN
    return texts and withheld.took(before) and not withheld.says(after, key)


def _changes(was: Record, now: Record | None) -> Iterator[tuple[str, Any, Any]]:
    for name in was.__struct_fields__ if now is not None else ():
        yield from _changed(name, getattr(was, name), getattr(now, name))


def _changed(name: str, before: Any, after: Any) -> Iterator[tuple[str, Any, Any]]:
    """(field, before, after) where one value has become another."""
    if isinstance(before, Customer) and isinstance(after, Customer):
        for part in before.__struct_fields__:
            yield from _changed(f"{name}.{part}", getattr(before, part), getattr(after, part))
    elif before not in (None, "") and after not in (None, "") and before != after:
        yield name, before, after
