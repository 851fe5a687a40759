"""What all emulators share: a plain ASGI app over a world, with scenarios that make a platform behave badly.

An emulator lists the `hosts` it stands for and its `routes`. `Gateway` puts several behind one port: a request is
dispatched by its `Host` header, or, where a browser cannot set one, by the path `/_as/{host}/...`.
"""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from random import Random
from typing import Any, ClassVar
from urllib.parse import parse_qsl

import msgspec

from shelftide_sdk.hosts import host_pattern
from shelftide_sdk.testing.shapes import decode, encode, row_lists
from shelftide_sdk.testing.world.model import Brand, Network, Video, WorldView

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

SCENARIOS = (
    "throttle",
    "expire",
    "flap",
    "restate",
    "schema-drift",
    "duplicate",
    "shuffle",
    "slow",
    "moderation-delay",
)
_BODY_LIMIT = 8 * 2**20


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A request as an emulator sees it. `host` is the platform's host that it was meant for."""

    method: str
    host: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    body: bytes
    match: Mapping[str, str] = {}
    base_url: str = ""

    @property
    def params(self) -> dict[str, str]:
        """The query as a dict; the last of repeated keys wins."""
        return dict(self.query)

    def json(self) -> Any:
        """The body as JSON, or None when it is empty or broken."""
        try:
            return json.loads(self.body) if self.body else None
        except ValueError:
            return None


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """A reply. `chunks` instead of `body` streams."""

    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = (("content-type", "application/json; charset=utf-8"),)


def reply(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON reply. Decimals and datetimes become text."""
    extra = tuple((headers or {}).items())
    return Response(
        status=status,
        body=msgspec.json.encode(value),
        headers=(("content-type", "application/json; charset=utf-8"), *extra),
    )


def redirect(url: str) -> Response:
    """302 to `url`."""
    return Response(status=302, headers=(("location", url),))


def page(html: str) -> Response:
    """An HTML page (consent screens)."""
    return Response(body=html.encode(), headers=(("content-type", "text/html; charset=utf-8"),))


Handler = Callable[[Request], Response | Awaitable[Response]]


class Route(msgspec.Struct, frozen=True):
    """A method, a path pattern (a regular expression with named groups, matched whole) and its handler."""

    method: str
    pattern: str
    handler: Handler


class Emulator:
    """Base of a platform's emulator.

    Subclasses set `hosts` (with `*` for one label), the `networks` whose feeds they serve, and return their routes.
    State lives on the instance; the world is shared. `scenarios` may change while the emulator runs. The base knows
    `slow` and the harmless half of `schema-drift` (a new field); new words and nulls, like all other scenarios, are a
    platform's own.
    """

    platform: ClassVar[str]
    hosts: ClassVar[tuple[str, ...]]
    networks: ClassVar[tuple[Network, ...]] = ()

    def __init__(
        self,
        world: WorldView,
        *,
        scenarios: Sequence[str] = (),
        seed: int = 7,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        """`clock` gives the time that tokens and signatures live by; by default the world's, which stands still."""
        self.world: WorldView = world
        self.clock: Callable[[], datetime] = clock or (lambda: world.now)
        self.scenarios: set[str] = set(scenarios)
        self.random = Random(seed)
        self.requests = 0
        self._compiled: list[tuple[str, re.Pattern[str], Handler]] | None = None

    @property
    def now(self) -> datetime:
        """The simulated present."""
        return self.world.now

    def routes(self) -> Sequence[Route]:
        """The routes, in order of precedence."""
        raise NotImplementedError  # a subclass without routes emulates nothing

    def settings(self, brand: Brand) -> Mapping[str, Mapping[str, str]]:
        """What a person of a brand fills in before connecting, by connector; nothing where consent tells everything."""
        return {}

    def content_id(self, video: Video) -> str:
        """How the platform names a video."""
        return video.public_id

    def not_found(self, request: Request) -> Response:
        """What the platform answers on an unknown path."""
        return reply({"error": "not found"}, 404)

    def knows(self, path: str) -> bool:
        """Whether a route leads there."""
        return any(pattern.fullmatch(path) for _, pattern, _ in self._table())

    def before(self, request: Request) -> Response | None:
        """A bad habit that comes before any handler (throttling, failing), or None."""
        return None

    def _table(self) -> list[tuple[str, re.Pattern[str], Handler]]:
        if self._compiled is None:
            self._compiled = [(r.method, re.compile(r.pattern), r.handler) for r in self.routes()]
        return self._compiled

    async def handle(self, request: Request) -> Response:
        """Dispatch one request."""
        self.requests += 1
        if "slow" in self.scenarios:
            await asyncio.sleep(0.15)
        for method, pattern, handler in self._table():
            found = pattern.fullmatch(request.path)
            if found and method == request.method:
                matched = msgspec.structs.replace(request, match=found.groupdict())
                habit = self.before(matched)
                if habit is not None:
                    return habit
                result = handler(matched)
                response = result if isinstance(result, Response) else await result
                return drifted(response) if "schema-drift" in self.scenarios else response
        return self.not_found(request)


def drifted(response: Response) -> Response:
    """Scenario `schema-drift` on any platform: a field that nobody knows in every row of a JSON reply."""
    value, lines = decode(response.body)
    found = list(row_lists(value))
    if not found:
        return response
    for rows in found:
        for row in rows:
            if isinstance(row, dict):
                row["field_added_last_night"] = {"deep": [1, "two", None]}
    return msgspec.structs.replace(response, body=encode(value, lines))


class Gateway:
    """ASGI app: several emulators behind one port."""

    def __init__(self, emulators: Sequence[Emulator], controls: Mapping[str, Handler] | None = None) -> None:
        self.emulators = list(emulators)
        self.controls = dict(controls or {})
        self._hosts = [(host_pattern(host), e) for e in emulators for host in e.hosts]

    def emulator_for(self, host: str, path: str = "/") -> Emulator | None:
        """The emulator that stands for `host`; of several products behind one host, the one that knows the path."""
        found = [e for pattern, e in self._hosts if pattern.fullmatch(host)]
        if len(found) < 2:
            return found[0] if found else None
        return next((e for e in found if e.knows(path)), found[0])

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        if scope["type"] == "http":
            await _answer(await self._dispatch(await _request(scope, receive)), send)

    async def _dispatch(self, request: Request) -> Response:
        control = self.controls.get(request.path)
        if control is not None:
            result = control(request)
            return result if isinstance(result, Response) else await result
        prefixed = re.fullmatch(r"/_as/([^/]+)(/.*)?", request.path)
        if prefixed:
            request = msgspec.structs.replace(request, host=prefixed[1], path=prefixed[2] or "/")
        emulator = self.emulator_for(request.host, request.path)
        if emulator is None and len(self.emulators) == 1:
            emulator = self.emulators[0]
        if emulator is None:
            return reply({"error": f"no emulator stands for host {request.host!r}"}, 421)
        return await emulator.handle(request)


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        else:
            await send({"type": "lifespan.shutdown.complete"})
            return


async def _request(scope: Message, receive: Receive) -> Request:
    body = b""
    more = True
    while more and len(body) <= _BODY_LIMIT:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]}
    # A real host header may carry a port; emulators are named without one.
    host = headers.get("host", "").rsplit(":", 1)[0] if ":" in headers.get("host", "") else headers.get("host", "")
    server = scope.get("server") or ("127.0.0.1", 80)
    return Request(
        method=scope["method"],
        host=host,
        path=scope["path"],
        query=tuple(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)),
        headers=headers,
        body=body,
        base_url=f"http://{server[0]}:{server[1]}",
    )


async def _answer(response: Response, send: Send) -> None:
    headers = [(k.encode("latin-1"), v.encode("latin-1")) for k, v in response.headers]
    headers.append((b"content-length", str(len(response.body)).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})
