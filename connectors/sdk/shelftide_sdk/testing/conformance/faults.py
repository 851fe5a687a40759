"""A byzantine proxy between a connector and its emulator: it notes the traffic and damages replies.

It knows no platform. Rows are found by shape (the outermost lists of objects in a JSON body, or JSON lines), and each
row is damaged in another field, so that one read tries every field.
"""

import math
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from shelftide_sdk.testing.shapes import decode, encode, row_lists

Message = dict[str, Any]
App = Callable[[Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]

_WORD = re.compile(r"[A-Z]{3,}(_[A-Z]+)*|[a-z]+(_[a-z]+)+")
_NAME_OF_ID = re.compile(r"(^|_)(g?id|ids|key|cursor|token|code)$|(Id|Key|Cursor|Token)$", re.IGNORECASE)
_MORE = re.compile(
    r"(has_?)?more|has_?next(_?page)?|next(_?(page|url|link))?|next_?(page)?_?(token|cursor)", re.IGNORECASE
)
_VOLATILE = re.compile(r"[^=]*(sign|time_?stamp|nonce|access_token)", re.IGNORECASE)
_LINKED = re.compile(r"rel\s*=\s*\"?next\b", re.IGNORECASE)
NO_ROW = "no row at all"
HUGE = 10**40
UNKNOWN_WORD = "NEVER_SEEN_BEFORE"


class EndlessReadError(BaseException):
    """A read that asks and asks. Not an Exception, so that no connector swallows it."""


class Wire(msgspec.Struct, frozen=True, kw_only=True):
    """A reply on its way to the connector. `number` counts replies since the fault began, from 0.

    `request` says what was asked for: method, path and body; `at` when it was answered, in the bench's seconds.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    path: str
    number: int
    request: tuple[str, str, bytes] = ("", "", b"")
    at: float = 0.0


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked and answered, at `at` seconds of the bench's clock."""

    at: float
    method: str
    host: str
    path: str
    query: str
    asked: bytes
    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()

    def names_more(self) -> bool:
        """Whether the reply names a next page: outside its rows, or in a Link header (RFC 8288)."""
        named = says_more(_without_rows(decode(self.body)[0]))
        return named or any(name == "link" and _LINKED.search(value) for name, value in self.headers)


class Memory:
    """What a fault remembers between replies."""

    def __init__(self) -> None:
        self.seen: dict[str, list[Wire]] = {}
        self.asked: dict[tuple[str, str, bytes], Wire] = {}
        self.count = 0
        self.rows = 0


Damage = Callable[[Wire, Memory], Wire]


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """A way in which a platform breaks.

    Attributes:
        harmless: the final state must be the same as without it.
        whole_pages: every row is broken, and for each there must be a Reject, or an error for all.
        keys_stay: it never invents a good id, so a record with an unknown key is a broken row that got through.
    """

    name: str
    title: str
    damage: Damage
    harmless: bool = False
    whole_pages: bool = False
    keys_stay: bool = True


class Proxy:
    """ASGI middleware. With no fault it only takes notes; `replied` hears the number of each reply, from 1."""

    def __init__(self, app: App, seconds: Callable[[], float], limit: int = 20_000) -> None:
        self._app = app
        self._seconds = seconds
        self._memory = Memory()
        self._fault: Fault | None = None
        self._positions: frozenset[int] | None = None
        self.limit = limit
        self.exchanges: list[Exchange] = []
        self.replied: Callable[[int], None] = lambda count: None

    def begin(self, fault: Fault | None, positions: Sequence[int] | None = None) -> None:
        """Damage replies from now on: all, or those at `positions`."""
        self._fault, self._memory = fault, Memory()
        self._positions = None if positions is None else frozenset(positions)
        self.exchanges = []

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        """Pass a request on and its reply back."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if len(self.exchanges) >= self.limit:
            raise EndlessReadError(f"{self.limit} requests and no end")
        asked = bytearray()
        parts: list[Message] = []

        async def listen() -> Message:
            message = await receive()
            asked.extend(message.get("body", b""))
            return message

        async def keep(message: Message) -> None:
            parts.append(message)

        at = self._seconds()
        await self._app(scope, listen, keep)
        wire = _wire(scope, parts, self._memory.count, bytes(asked))
        sent = self._damaged(msgspec.structs.replace(wire, at=at))
        self.exchanges.append(_exchange(scope, at, bytes(asked), sent))
        self.replied(len(self.exchanges))
        await _deliver(sent, send)

    def _damaged(self, wire: Wire) -> Wire:
        number = self._memory.count
        self._memory.count += 1
        if self._fault is None or (self._positions is not None and number not in self._positions):
            return wire
        return self._fault.damage(wire, self._memory)


def _wire(scope: Message, parts: Sequence[Message], number: int, asked: bytes) -> Wire:
    start = next(part for part in parts if part["type"] == "http.response.start")
    headers = tuple((k.decode("latin-1"), v.decode("latin-1")) for k, v in start["headers"])
    body = b"".join(part.get("body", b"") for part in parts if part["type"] == "http.response.body")
    return Wire(
        status=start["status"],
        headers=headers,
        body=body,
        path=scope["path"],
        number=number,
        request=request_of(scope["method"], scope["path"], scope["query_string"].decode("latin-1"), asked),
    )


def request_of(method: str, path: str, query: str, asked: bytes) -> tuple[str, str, bytes]:
    """What a request asks for, without what is another each time: a signature and its moment."""
    lasting = [part for part in query.split("&") if part and not _VOLATILE.match(part)]
    return method, "?".join([path, *(["&".join(lasting)] if lasting else [])]), asked


def _exchange(scope: Message, at: float, asked: bytes, sent: Wire) -> Exchange:
    headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]}
    return Exchange(
        at=at,
        method=scope["method"],
        host=headers.get("host", ""),
        path=scope["path"],
        query=scope["query_string"].decode("latin-1"),
        asked=asked,
        status=sent.status,
        body=sent.body,
        headers=tuple((name.lower(), value) for name, value in sent.headers),
    )


async def _deliver(sent: Wire, send: Callable[[Message], Awaitable[None]]) -> None:
    headers = [(k.encode("latin-1"), v.encode("latin-1")) for k, v in sent.headers if k != "content-length"]
    headers.append((b"content-length", str(len(sent.body)).encode()))
    await send({"type": "http.response.start", "status": sent.status, "headers": headers})
    await send({"type": "http.response.body", "body": sent.body})


# -- rows by shape ---------------------------------------------------------------------------------------------


def says_more(value: Any) -> bool:
    """Whether a reply names a next page outside its rows (`has_more`, `nextPageToken`, `hasNextPage` ...)."""
    if not isinstance(value, dict):
        return False
    named = any(_MORE.fullmatch(name) and bool(inner) for name, inner in value.items())
    return named or any(says_more(inner) for inner in value.values())


def _without_rows(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_rows(inner) for name, inner in value.items() if not isinstance(inner, list)}
    return value


def damage_rows(change: Callable[[list[Any]], None]) -> Damage:
    """A damage that edits each list of rows in place."""

    def damage(wire: Wire, memory: Memory) -> Wire:
        value, lines = decode(wire.body)
        found = list(row_lists(value))
        for rows in found:
            change(rows)
        return msgspec.structs.replace(wire, body=encode(value, lines)) if found else wire

    return damage


def leaves(value: Any, name: str = "") -> Iterator[tuple[Any, Any, str]]:
    """(holder, key, name) of every value inside an object that is not itself an object or list."""
    pairs: Sequence[tuple[Any, Any]]
    pairs = list(value.items()) if isinstance(value, dict) else list(enumerate(value))
    for key, inner in pairs:
        called = key if isinstance(key, str) else name
        if isinstance(inner, dict | list):
            yield from leaves(inner, called)
        else:
            yield value, key, called


def one_field_a_row(change: Callable[[Any, Any], None]) -> Damage:
    """Damage another field in each row, the ids included."""

    def edit(rows: list[Any]) -> None:
        for number, row in enumerate(rows):
            found = list(leaves(row)) if isinstance(row, dict) else []
            if found:
                holder, key, _ = found[number * 7 % len(found)]
                change(holder, key)

    return damage_rows(edit)


def every_value(change: Callable[[Any], Any]) -> Damage:
    """Change every value of every second row, ids excepted."""

    def edit(rows: list[Any]) -> None:
        for row in rows[::2]:
            for holder, key, name in leaves(row) if isinstance(row, dict) else ():
                if not _NAME_OF_ID.search(name):
                    holder[key] = change(holder[key])

    return damage_rows(edit)


def _moved(value: Any) -> Any:
    """The same reply with its lists of rows under other names."""
    if not isinstance(value, dict):
        return value
    return {f"{name}_moved" if _holds_rows(inner) else name: _moved(inner) for name, inner in value.items()}


def _holds_rows(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(row, dict) for row in value)


def _rows_moved(wire: Wire, memory: Memory) -> Wire:
    value, lines = decode(wire.body)
    return msgspec.structs.replace(wire, body=encode(_moved(value), lines)) if isinstance(value, dict) else wire


# -- the damages ---------------------------------------------------------------------------------------------


def _body(content: bytes, content_type: str = "application/json") -> Damage:
    def damage(wire: Wire, memory: Memory) -> Wire:
        return msgspec.structs.replace(wire, status=200, body=content, headers=(("content-type", content_type),))

    return damage


def _cut(wire: Wire, memory: Memory) -> Wire:
    return msgspec.structs.replace(wire, body=wire.body[: max(1, len(wire.body) * 2 // 3)])


def _bad_utf8(wire: Wire, memory: Memory) -> Wire:
    return msgspec.structs.replace(wire, body=re.sub(rb'": ?"', b"\\g<0>\xff\xfe\xc3", wire.body, count=40))


def _wrong_type(holder: Any, key: Any) -> None:
    value = holder[key]
    if isinstance(value, str):
        holder[key] = {"unexpected": ["object"]}
    elif isinstance(value, int | float):
        holder[key] = "not a number"
    else:
        holder[key] = [0]


def nullify(holder: Any, key: Any) -> None:
    """The value is null."""
    holder[key] = None


def remove(holder: Any, key: Any) -> None:
    """The field is left out; an element of a list stays."""
    if isinstance(holder, dict):
        del holder[key]


def _huge(value: Any) -> Any:
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float):
        return HUGE
    return "9" * 40 if re.fullmatch(r"-?\d+(\.\d+)?", str(value)) else value


def unknown_word(value: Any) -> Any:
    """Another word where a word of an enumeration stands."""
    return UNKNOWN_WORD if isinstance(value, str) and _WORD.fullmatch(value) else value


def _not_an_object(rows: list[Any]) -> None:
    rows[len(rows) // 2] = "surprise"
    rows[0] = None


def _none_an_object(wire: Wire, memory: Memory) -> Wire:
    """No two of the texts are equal: who leaves out repeated rows has none to leave out."""
    value, lines = decode(wire.body)
    found = list(row_lists(value))
    for rows in found:
        rows[:] = [f"{NO_ROW} {memory.rows + number}" for number in range(len(rows))]
        memory.rows += len(rows)
    return msgspec.structs.replace(wire, body=encode(value, lines)) if found else wire


def _repeat(rows: list[Any]) -> None:
    rows.append(rows[0])


def _new_field(rows: list[Any]) -> None:
    for row in rows:
        if isinstance(row, dict):
            row["field_added_last_night"] = {"deep": [1, "two", None]}


def replayed(steps: int) -> Damage:
    """From the second reply with rows on, answer with one of the first `steps` of that path, in turns."""

    def damage(wire: Wire, memory: Memory) -> Wire:
        value, _ = decode(wire.body)
        if not any(row_lists(value)):
            return wire
        seen = memory.seen.setdefault(wire.path, [])
        if len(seen) < steps:
            seen.append(wire)
            return wire
        memory.seen[wire.path] = [*seen[1:], seen[0]]
        return seen[0]

    return damage


def _held_back(seconds: float) -> Damage:
    """What was answered first without rows is answered for so long: an export stays in the making."""

    def damage(wire: Wire, memory: Memory) -> Wire:
        first = memory.asked.setdefault(wire.request, wire)
        return wire if wire.at - first.at >= seconds or any(row_lists(decode(first.body)[0])) else first

    return damage


def beside_rows(error: Mapping[str, Any]) -> Damage:
    """An error in the same reply as good rows: its members are laid over the reply's, but for what holds the rows."""

    def damage(wire: Wire, memory: Memory) -> Wire:
        value, _ = decode(wire.body)
        if not isinstance(value, dict) or not any(row_lists(value)):
            return wire
        laid = {name: said for name, said in error.items() if not any(row_lists(value.get(name)))}
        return msgspec.structs.replace(wire, body=encode({**value, **laid}, lines=False))

    return damage


def status(code: int, headers: Mapping[str, str] | None = None) -> Damage:
    """Answer with an HTTP status and a page that is not JSON."""

    def damage(wire: Wire, memory: Memory) -> Wire:
        page = (("content-type", "text/html"), *(headers or {}).items())
        return msgspec.structs.replace(wire, status=code, headers=page, body=b"<html>no</html>")

    return damage


def answer(body: bytes) -> Damage:
    """Answer with a recorded body and HTTP 200."""

    def damage(wire: Wire, memory: Memory) -> Wire:
        return msgspec.structs.replace(wire, status=200, body=body)

    return damage


_STRANGE = b'{"code": 987654, "message": "Something else went wrong", "request_id": "r-1"}'

MALFORMED = (
    Fault(name="cut", title="a reply is cut in the middle", damage=_cut),
    Fault(name="html", title="an HTML page comes with HTTP 200", damage=_body(b"<html>Oops</html>", "text/html")),
    Fault(name="bad-utf8", title="a reply is not UTF-8", damage=_bad_utf8),
    Fault(name="empty-object", title="a reply is {}", damage=_body(b"{}")),
    Fault(name="null", title="a reply is null", damage=_body(b"null")),
    Fault(name="empty-list", title="a reply is []", damage=_body(b"[]")),
    Fault(name="no-body", title="a reply has no body", damage=_body(b"")),
    Fault(name="strange-error", title="HTTP 200 carries an error nobody has seen", damage=_body(_STRANGE)),
    Fault(name="wrong-types", title="values have the wrong type", damage=one_field_a_row(_wrong_type)),
    Fault(name="nulls", title="values are null", damage=one_field_a_row(nullify)),
    Fault(name="missing-fields", title="fields are missing", damage=one_field_a_row(remove)),
    Fault(name="rows-not-objects", title="rows are not objects", damage=damage_rows(_not_an_object)),
    Fault(
        name="no-row-an-object",
        title="no row of a reply is an object",
        damage=_none_an_object,
        whole_pages=True,
    ),
    Fault(name="huge-numbers", title="numbers are huge", damage=every_value(_huge), keys_stay=False),
    Fault(name="unknown-words", title="values are words never seen", damage=every_value(unknown_word), keys_stay=False),
    Fault(name="new-fields", title="a field is new", damage=damage_rows(_new_field), harmless=True),
    Fault(name="repeated-rows", title="a page repeats a row", damage=damage_rows(_repeat), harmless=True),
)
# Not among the malformed: platforms leave out empty lists.
ROWS_MOVED = Fault(name="rows-moved", title="rows stand under another name", damage=_rows_moved)
NEVER_READY = Fault(name="never-ready", title="what is not ready at first never is", damage=_held_back(math.inf))
SLOW_JOB = Fault(name="slow-job", title="what is not ready at first takes two minutes", damage=_held_back(120.0))
PAGING = (
    Fault(name="same-page-for-ever", title="every page is the first page", damage=replayed(1)),
    Fault(name="pages-in-a-circle", title="two pages follow each other for ever", damage=replayed(2)),
)


def fault_named(name: str) -> Fault:
    """One of the malformed replies."""
    return next(fault for fault in MALFORMED if fault.name == name)
