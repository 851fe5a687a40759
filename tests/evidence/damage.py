"""Damage that a reply may take on its way: to its text, its values, its headers, its packing."""

import gzip
import json
import random
import re
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from shelftide_sdk.testing.conformance.faults import Fault, Memory, Wire, leaves, replayed
from shelftide_sdk.testing.shapes import decode, encode, row_lists

Change = Callable[[bytes, random.Random], bytes]
_MARK = "@@"
_BARE = ("1e400", "-1E+999", "1" * 5000, "[" * 10_000 + "]" * 10_000, '{"a":' * 10_000 + "1" + "}" * 10_000)
_STRANGE: tuple[Any, ...] = (
    None, True, -1, 0, 10**40, -0.0, 1e308, "", " ", "\x00", "ÿ" * 300, "1e9999", "NaN", "null", [], {}, [[]], {"": {}},
    float("nan"), float("-inf"), 2**63, -(2**63) - 1, 1.5, -7, "-7", " 12 ", "12\u00a0", "\u0663", "1,5", "0x1F",
    "a\x00b", "\ud800", "\u202e", "0000-00-00", "0000-00-00 00:00:00", "0000-00-00T00:00:00Z", "99999-01-01T00:00:00Z",
    "99999-01-01", "9999-12-31T23:59:59-12:00", "2026-02-30", "2026-03-01T24:00:00Z", "2026-03-01T23:59:60Z",
    "2026-03-01T00:00:00+99:00", 253402300800, -62135596801, 10**15,
    *(_MARK + text + _MARK for text in _BARE),
)  # fmt: skip
_RETRY_AFTER = ("NaN", "²", "-5", "1e9", "", "Fri, 01 Jan 99999 00:00:00 GMT", "soon", "\xa0")
_TOKEN = re.compile(r"token/?$|token/(get|refresh)$")
_COUNT = re.compile(r"total(_?(count|number|results|num))?|count", re.IGNORECASE)


def _cut(body: bytes, chance: random.Random) -> bytes:
    return body[: chance.randrange(len(body))] if body else b"{"


def _bad_utf8(body: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(body) + 1)
    return body[:at] + chance.choice([b"\xff", b"\xc3\x28", b"\xed\xa0\x80", b"\x80" * 9]) + body[at:]


def _other(body: bytes, chance: random.Random) -> bytes:
    return chance.choice(
        [b"", b"null", b"[]", b"{}", b'"ok"', b"<html><body>busy</body></html>", b"[" * 50_000, b'{"data":' * 9_000,
         b"\x1f\x8b\x08\x00garbage", b"-", b"NaN", b'{"a":1}' * 3, b"\xef\xbb\xbf{}", b"x" * 2**20, b"\x00" * 100]
    )  # fmt: skip


def _encoded(body: bytes, chance: random.Random) -> bytes:
    """Another encoding than UTF-8 without a mark, which RFC 8259 lets nobody send."""
    name = chance.choice(["utf-8-sig", "utf-16", "utf-16-le", "utf-32", "cp037"])
    return body.decode("utf-8", "replace").encode(name, "replace")


def _text(value: Any, lines: bool) -> bytes:
    """The body with what `_MARK` surrounds or precedes written bare."""
    found = encode(value, lines).decode("utf-8", "surrogatepass")
    for text in _BARE:
        found = found.replace(f'"{_MARK}{text}{_MARK}"', text).replace(json.dumps(_MARK + text + _MARK), text)
    return found.replace(f'"{_MARK}', '"').encode("utf-8", "surrogatepass")


def _objects(value: Any) -> list[dict[str, Any]]:
    return [row for found in row_lists(value) for row in found if isinstance(row, dict)]


def _wrong_value(body: bytes, chance: random.Random) -> bytes:
    """A strange value in one field of each row."""
    value, lines = decode(body)
    rows = _objects(value)
    for row in rows:
        holder, key, _ = chance.choice(list(leaves(row)) or [(row, "", "")])
        holder[key] = chance.choice(_STRANGE)
    return _text(value, lines) if rows else body[1:]


def _envelope(body: bytes, chance: random.Random) -> bytes:
    """A strange value around the rows: in the envelope, the paging, the counts."""
    value, lines = decode(body)
    around = [(holder, key) for holder, key in _around(value) if not isinstance(holder[key], list)]
    if not around or lines:
        return body[1:]
    holder, key = chance.choice(around)
    holder[key] = chance.choice(_STRANGE)
    return _text(value, lines)


def _around(value: Any) -> Iterator[tuple[dict[str, Any], str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield value, key
            yield from _around(inner)


def _missing(body: bytes, chance: random.Random) -> bytes:
    """Rows that are no objects, or without one of their plain fields (an empty list may be left out by right)."""
    value, lines = decode(body)
    lists = [found for found in row_lists(value) if found]
    for found in lists:
        for number, row in enumerate(found):
            plain = (
                [key for key, inner in row.items() if not isinstance(inner, dict | list)]
                if isinstance(row, dict)
                else []
            )
            if isinstance(row, dict) and plain and chance.random() < 0.8:
                del row[chance.choice(plain)]
            else:
                found[number] = chance.choice(_STRANGE)
    return _text(value, lines) if lists else body[1:]


def _named_twice(body: bytes, chance: random.Random) -> bytes:
    """A field of each row stands twice in it, with another value before or behind the good one."""
    value, lines = decode(body)
    rows = [row for row in _objects(value) if row]
    for row in rows:
        key = chance.choice(list(row))
        held = dict(row)
        row.clear()
        strange = {_MARK + key: chance.choice(_STRANGE)}
        row.update({**strange, **held} if chance.random() < 0.5 else {**held, **strange})
    return _text(value, lines) if rows else body[1:]


def _promised(body: bytes, chance: random.Random) -> bytes:
    """No rows where the reply says how many there are."""
    value, lines = decode(body)
    counts = [holder[key] for holder, key in _around(value) if _COUNT.fullmatch(key)]
    if not any(isinstance(count, int | str) and str(count).isdigit() and int(count) > 0 for count in counts):
        return _cut(body, chance)
    for found in row_lists(value):
        found.clear()
    return encode(value, lines)


def _safe(change: Change) -> Change:
    """Damages by shape need JSON; another body is cut."""

    def damage(body: bytes, chance: random.Random) -> bytes:
        try:
            return change(body, chance)
        except (ValueError, msgspec.DecodeError, TypeError, RecursionError):
            return _cut(body, chance)

    return damage


_BODIES = [
    _cut, _bad_utf8, _other, _encoded,
    *map(_safe, (_wrong_value, _wrong_value, _missing, _envelope, _named_twice, _promised)),
]  # fmt: skip


def _status(wire: Wire, chance: random.Random) -> Wire:
    """Statuses that carry no rows, and a wish to wait that cannot be read."""
    code, headers, body = chance.choice(
        [
            (204, {}, b""),
            (206, {}, wire.body[: len(wire.body) // 2]),
            (302, {"location": "https://collector.example/orders"}, b""),
            (308, {"location": "//[::1"}, b""),
            (404, {}, b"<html>"),
            (418, {"content-type": "application/json; charset=klingon"}, b"\xff{}"),
            (429, {"retry-after": chance.choice(_RETRY_AFTER)}, b""),
            (503, {"retry-after": chance.choice(_RETRY_AFTER)}, b"{"),
        ]
    )
    kept = tuple((name, value) for name, value in wire.headers if name.lower() != "content-length")
    return msgspec.structs.replace(wire, status=code, body=body, headers=(*kept, *headers.items()))


def _packed(wire: Wire, chance: random.Random) -> Wire:
    """A packing that is a lie, is cut, or is a bomb."""
    packed = gzip.compress(wire.body, 1)
    name, body = chance.choice(
        [
            ("gzip", wire.body),
            ("gzip", packed[: chance.randrange(len(packed))]),
            ("gzip", packed[:-8] + b"\0" * 8),
            ("gzip", packed + b"garbage"),
            ("deflate", packed),
            ("br", wire.body),
            ("gzip, gzip", gzip.compress(packed)),
            ("gzip", _BOMB),
        ]
    )
    return msgspec.structs.replace(wire, body=body, headers=(*wire.headers, ("content-encoding", name)))


def _typed(wire: Wire, chance: random.Random) -> Wire:
    """Rows under another content type, which does no harm, or a page of HTML under the right one."""
    kept = tuple((name, value) for name, value in wire.headers if name.lower() != "content-type")
    kind = chance.choice(["text/html", "application/json; charset=klingon", "\xff", "image/png", ""])
    body = chance.choice([wire.body, b"<!doctype html><title>Busy</title>"])
    return msgspec.structs.replace(wire, body=body, headers=(*kept, ("content-type", kind)))


_BOMB = gzip.compress(bytes(256 * 2**20), 1)


class Malformed:
    """A platform that sends malformed replies from a random one on; counts them."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.sent = 0
        self.told = ""

    def fault(self, replies: int) -> Fault:
        """One read's damage: of one reply, of all from there on, or pages that go round in a circle."""
        self.told = ""
        first, all_after = self.chance.randrange(replies), self.chance.random() < 0.3
        circle = replayed(self.chance.choice([1, 2, 3])) if self.chance.random() < 0.1 else None

        def damage(wire: Wire, memory: Memory) -> Wire:
            if _TOKEN.search(wire.path):  # not a connector's business: the host trades tokens
                return wire
            if circle is None and (wire.number < first or (wire.number > first and not all_after)):
                return wire
            found = circle(wire, memory) if circle else self._damaged(wire)
            if found != wire:
                self.sent += 1
                self.told = self.told or f"{wire.path} answered {found.status} {found.headers} {found.body[:5000]!r}"
            return found

        return Fault(name="random", title="malformed", damage=damage, keys_stay=False)

    def _damaged(self, wire: Wire) -> Wire:
        way = self.chance.random()
        if way < 0.8:
            return msgspec.structs.replace(wire, body=self.chance.choice(_BODIES)(wire.body, self.chance))
        return self.chance.choice([_status, _status, _typed, _packed])(wire, self.chance)
