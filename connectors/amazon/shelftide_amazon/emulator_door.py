"""The emulated Amazon's door: consent, tokens, usage plans, bad habits, envelopes, pages and result files."""

import base64
import gzip
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from html import escape
from typing import Any, ClassVar, TypeVar
from urllib.parse import parse_qsl, urlencode

import msgspec

from shelftide_amazon.auth import ADS_HOSTS, SELLER_HOSTS
from shelftide_amazon.emulator_grants import Grants, Token
from shelftide_amazon.marketplaces import Marketplace, marketplace_in
from shelftide_sdk.testing.emulator import Emulator, Request, Response, page, redirect, reply
from shelftide_sdk.testing.world.model import Brand, WorldView

DEMO_SECRET = "amazon-demo-secret"  # of the simulator
FILE_LIFE = timedelta(minutes=5)
Row = dict[str, Any]
T = TypeVar("T")
# (path begins with, what follows the stem, calls a second, burst); the first that fits counts.
_PLANS = (
    ("POST", "/reports/2021-06-30/reports", 0.0167, 15),
    ("GET", "/reports/2021-06-30/reports/", 2, 15),
    ("GET", "/reports/2021-06-30/reports", 0.0222, 10),
    ("GET", "/reports/2021-06-30/documents/", 0.0167, 15),
    ("POST", "/dataKiosk/2023-11-15/queries", 0.0167, 15),
    ("GET", "/dataKiosk/2023-11-15/queries/", 2, 15),
    ("GET", "/dataKiosk/2023-11-15/documents/", 0.0167, 15),
    ("GET", "/orders/2026-01-01/orders/", 0.5, 30),
    ("GET", "/orders/2026-01-01/orders", 0.0056, 20),
    ("GET", "/orders/v0/orders/", 0.5, 30),
    ("GET", "/orders/v0/orders", 0.0167, 20),
    ("GET", "/fba/inventory/v1/summaries", 2, 2),
    ("GET", "/finances/v0/", 0.5, 30),
    ("GET", "/finances/2024-06-19/", 0.5, 10),
    ("GET", "/sellers/v1/", 0.016, 15),
    ("GET", "/catalog/2022-04-01/", 2, 2),
    ("GET", "/listings/2021-08-01/", 5, 10),
    ("GET", "/fba/inbound/v0/", 2, 30),
)


class Fault(Exception):  # noqa: N818  # a refusal on its way to the wire, not an error of the program
    """An error as SP-API answers it."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = dict(headers or {})


class StoredFile(msgspec.Struct, frozen=True, kw_only=True):
    """A result file in Amazon's storage, good until `until`."""

    body: bytes
    until: datetime
    encoding: str = ""


class AmazonDoor(Emulator):
    """What every call of the emulated Amazon goes through.

    Attributes:
        grants: tokens; `grants.issue("seller:<id>")` gives one without the consent page.
        page_limit: most rows of any page, whatever is asked for.
    """

    platform: ClassVar[str] = "amazon"
    page_limit: ClassVar[int] = 100

    def __init__(
        self,
        world: WorldView,
        *,
        scenarios: Sequence[str] = (),
        seed: int = 7,
        client_id: str = "shelftide-demo",
        client_secret: str = DEMO_SECRET,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        super().__init__(world, scenarios=scenarios, seed=seed, clock=clock)
        self.client_id = client_id
        self.client_secret = client_secret
        self.grants = Grants(self.clock)
        self._ended: set[str] = set()  # users whose first token ended
        self.files: dict[str, StoredFile] = {}
        # A clock that stands still would never fill a bucket again.
        self._seconds: Callable[[], float] = time.monotonic if clock is None else (lambda: clock().timestamp())
        self._buckets: dict[tuple[str, str], tuple[float, float]] = {}

    # -- who is who ----------------------------------------------------------------------------------------------

    def sellers(self) -> dict[str, Brand]:
        """Brands by the user who owns their seller account."""
        found = [brand for brand in self.world.brands if brand.accounts.get("amazon-sp")]
        return {f"seller:{brand.accounts['amazon-sp']}": brand for brand in found}

    def advertisers(self) -> dict[str, list[Brand]]:
        """Brands by the user who manages their advertising: one of each agency."""
        return {
            f"ads:{agency.key}": [
                brand
                for brand in self.world.brands
                if brand.agency_key == agency.key and brand.accounts.get("amazon-ads")
            ]
            for agency in self.world.agencies
        }

    def market_of(self, brand: Brand) -> Marketplace:
        """The marketplace in which a brand sells: its own country's, else the one of the United States."""
        found = marketplace_in(brand.market) or marketplace_in("US")
        assert found is not None  # the table has the United States
        return msgspec.structs.replace(found, currency=brand.currency)

    # -- consent and tokens --------------------------------------------------------------------------------------

    def consent(self, request: Request) -> Response:
        """The page on which a person agrees."""
        asked = request.params
        selling = request.path.startswith("/apps/")
        known = asked.get("application_id" if selling else "client_id")
        if known != self.client_id:
            return page("<!doctype html><title>Error</title><p>MD5101: the application is not known</p>")
        hidden = "".join(
            f'<input type="hidden" name="{name}" value="{escape(asked.get(name, ""))}">'
            for name in ("redirect_uri", "state")
        )
        forms = ""
        for user, brands in self._users(selling).items():
            names = "".join(f"<li>{escape(b.name)} {' '.join(map(escape, b.accounts.values()))}</li>" for b in brands)
            field = f'<input type="hidden" name="user" value="{escape(user)}">'
            forms += f'<form action="approve" method="get">{hidden}{field}<ul>{names}</ul><button>Allow</button></form>'
        return page(f'<!doctype html><html lang="en"><title>Authorize</title>{forms}</html>')

    def _users(self, selling: bool) -> dict[str, list[Brand]]:
        return {user: [brand] for user, brand in self.sellers().items()} if selling else self.advertisers()

    def approve(self, request: Request) -> Response:
        """What the button of the consent page does."""
        asked, selling = request.params, request.path.startswith("/apps/")
        target, user = asked.get("redirect_uri", ""), asked.get("user", "")
        if not target.startswith(("http://", "https://")) or user not in self._users(selling):
            return page("<!doctype html><title>Error</title><p>MD1000: a wrong redirect</p>")
        query = {"state": asked.get("state", "")}
        if selling:
            query |= {"selling_partner_id": user.removeprefix("seller:"), "spapi_oauth_code": self.grants.code(user)}
        else:
            query |= {"code": self.grants.code(user), "scope": "advertising::campaign_management"}
        return redirect(f"{target}{'&' if '?' in target else '?'}{urlencode(query)}")

    def token(self, request: Request) -> Response:
        """`auth/o2/token`: a code or a refresh token for an hour."""
        asked = dict(parse_qsl(request.body.decode("utf-8", "replace")))
        if asked.get("client_id") != self.client_id or asked.get("client_secret") != self.client_secret:
            return _oauth_error(401, "invalid_client", "Client authentication failed")
        if asked.get("grant_type") == "authorization_code":
            granted = self.grants.redeem(asked.get("code", ""))
            if granted is None:
                return _oauth_error(400, "invalid_grant", "The request has an invalid grant parameter : code")
            return _granted(granted[0], granted[1])
        if asked.get("grant_type") == "refresh_token":
            refresh = asked.get("refresh_token", "")
            token = self.grants.renew(refresh)
            if token is None:
                return _oauth_error(400, "invalid_grant", "The request has an invalid grant parameter : refresh_token")
            return _granted(token, refresh)
        return _oauth_error(400, "unsupported_grant_type", "The authorization grant type is not supported")

    # -- one call ------------------------------------------------------------------------------------------------

    def before(self, request: Request) -> Response | None:
        """Failures in bursts and throttling, of calls of the APIs only."""
        if request.host not in (*SELLER_HOSTS.values(), *ADS_HOSTS.values()):
            return None
        if "flap" in self.scenarios and self.requests % 10 == 4:
            return Response(status=502, body=b"<html>Bad Gateway</html>", headers=())
        if "flap" in self.scenarios and self.requests % 10 == 5:
            return self.fail(Fault(500, "InternalFailure", "We encountered an internal error. Please try again."))
        if "throttle" in self.scenarios and self.requests % 3 == 0:
            return self.fail(_quota(0.5))
        return None

    def seller_api(self, handler: Callable[[Request, Brand], Any]) -> Callable[[Request], Response]:
        """A handler of SP-API behind the door: it gets the brand and answers a body, or raises Fault."""

        def answer(request: Request) -> Response:
            try:
                token = self._authenticate(request.headers.get("x-amz-access-token", ""))
                rate = self._take(request, token.user)
                brand = self.sellers().get(token.user)
                if brand is None:
                    raise Fault(403, "Unauthorized", "Access to requested resource is denied.")
                body = handler(request, brand)
            except Fault as fault:
                return self.fail(fault)
            if isinstance(body, Response):
                return body
            return reply(body, headers={"x-amzn-ratelimit-limit": str(rate), "x-amzn-requestid": self.request_id()})

        return answer

    def use(self, token: Token) -> None:
        """Count a call. With `expire`, the sixth of a user's first token ends it, and the sixtieth of each later one: a
        dozen calls under way must outlive a renewal."""
        token.calls += 1
        if "expire" in self.scenarios and token.calls == (60 if token.user in self._ended else 6):
            self._ended.add(token.user)
            token.until = self.clock() - timedelta(seconds=1)

    def _authenticate(self, text: str) -> Token:
        token = self.grants.look_up(text)
        if token is None:
            raise Fault(403, "Unauthorized", "The access token you provided is revoked, malformed or invalid.")
        self.use(token)
        if token.until <= self.clock():
            raise Fault(403, "Unauthorized", "The access token you provided has expired.")
        return token

    def _take(self, request: Request, user: str) -> float:
        """Take a call from the bucket of its usage plan. Raises Fault when it is empty."""
        for method, stem, rate, burst in _PLANS:
            if request.method == method and request.path.startswith(stem):
                now = self._seconds()
                key = (user, method + stem)
                level, at = self._buckets.get(key, (float(burst), now))
                level = min(burst, level + (now - at) * rate)
                if level < 0.999:  # sums of fractions
                    self._buckets[key] = (level, now)
                    raise _quota(rate)
                self._buckets[key] = (level - 1, now)
                return rate
        return 1.0

    def fail(self, fault: Fault) -> Response:
        """The envelope of an error."""
        error = {"code": fault.code, "message": str(fault), "details": ""}
        return reply({"errors": [error]}, fault.status, {**fault.headers, "x-amzn-requestid": self.request_id()})

    def request_id(self) -> str:
        """An id for the reply."""
        return f"00000000-0000-4000-8000-{self.requests:012d}"

    # -- pages and files -----------------------------------------------------------------------------------------

    def cut(
        self,
        rows: Sequence[T],
        token: str | None,
        size: int,
        life: timedelta | None = None,
        *,
        mark: Callable[[T], str] | None = None,
    ) -> tuple[list[T], str | None]:
        """A page of rows and the token of the next one: its place, or the mark by which the rows are sorted."""
        first = 0
        if token:
            place = self._place(token, life)
            if mark is None and not place.isdigit():
                raise Fault(400, "InvalidInput", "The next token is invalid.")
            first = int(place) if mark is None else sum(mark(row) <= place for row in rows)
        size = max(1, min(size, self.page_limit))
        chosen = self.rearranged(list(rows[first : first + size]))
        if first + size >= len(rows):
            return chosen, None
        place = str(first + size) if mark is None else mark(rows[first + size - 1])
        text = f"{place}|{self.clock().timestamp():.3f}"
        return chosen, base64.urlsafe_b64encode(text.encode()).decode()

    def _place(self, token: str, life: timedelta | None) -> str:
        try:
            place, made = base64.urlsafe_b64decode(token.encode()).decode().rsplit("|", 1)
            age = self.clock().timestamp() - float(made)
            if life is not None and age > life.total_seconds():
                raise Fault(400, "InvalidInput", "The next token has expired.")
            return place
        except ValueError as error:
            raise Fault(400, "InvalidInput", "The next token is invalid.") from error

    def rearranged(self, rows: list[T]) -> list[T]:
        """Rows as bad habits leave them."""
        found = [*rows, rows[-1]] if "duplicate" in self.scenarios and rows else list(rows)
        if "shuffle" in self.scenarios:
            self.random.shuffle(found)
        return found

    def store(self, name: str, content: bytes, packed: bool, host: str, encoding: str = "") -> str:
        """Put a result file into storage; its address. `encoding` is what HTTP is told of a packed one."""
        # The time stamp in a gzip header is left out, so that a file is the same each time.
        body = gzip.compress(content, mtime=0) if packed else content
        self.files[name] = StoredFile(body=body, until=self.clock() + FILE_LIFE, encoding=encoding)
        expires = int(self.files[name].until.timestamp())
        return f"https://{host}/{name}?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires={expires}"

    def file(self, request: Request) -> Response:
        """A result file. Whoever sends a token along is refused, as real storage does."""
        if "x-amz-access-token" in request.headers or "authorization" in request.headers:
            return _storage_error(400, "InvalidArgument", "Only one auth mechanism allowed")
        found = self.files.get(request.match["name"])
        if found is None:
            return _storage_error(404, "NoSuchKey", "The specified key does not exist.")
        if found.until <= self.clock() or request.params.get("X-Amz-Expires") != str(int(found.until.timestamp())):
            return _storage_error(403, "AccessDenied", "Request has expired")
        headers = (("content-encoding", found.encoding),) if found.encoding else ()
        return Response(body=found.body, headers=(("content-type", "binary/octet-stream"), *headers))


def _quota(rate: float) -> Fault:
    message = "You exceeded your quota for the requested resource."
    return Fault(429, "QuotaExceeded", message, {"x-amzn-ratelimit-limit": str(rate)})


def _granted(token: Token, refresh: str) -> Response:
    return reply({"access_token": token.text, "token_type": "bearer", "expires_in": 3600, "refresh_token": refresh})


def _oauth_error(status: int, code: str, text: str) -> Response:
    return reply({"error": code, "error_description": text}, status)


def _storage_error(status: int, code: str, text: str) -> Response:
    body = f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>{text}</Message></Error>'
    return Response(status=status, body=body.encode(), headers=(("content-type", "application/xml"),))
