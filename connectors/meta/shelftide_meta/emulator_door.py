"""The emulated Graph API's door: consent, tokens, proofs, bad habits, envelopes and pages."""

import base64
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from html import escape
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlencode

from shelftide_meta.auth import ADS_SCOPES, INSTAGRAM_SCOPES, appsecret_proof
from shelftide_meta.emulator_fields import Row, parse_fields, project
from shelftide_meta.emulator_grants import Grants, Token
from shelftide_sdk.testing.emulator import Emulator, Request, Response, page, redirect, reply
from shelftide_sdk.testing.world.model import Brand, Network, WorldView

DEMO_SECRET = "meta-demo-secret"
_MINUTES = 2000  # calls of one login between two waits of a minute


class GraphFault(Exception):  # noqa: N818  # a refusal on its way to the wire, not an error of the program
    """An error as the Graph API answers it."""

    def __init__(
        self, message: str, *, code: int, subcode: int = 0, status: int = 400, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.subcode = subcode
        self.status = status
        self.headers = dict(headers or {})


class MetaDoor(Emulator):
    """What every call of the emulated Graph API goes through.

    Attributes:
        grants: tokens; `grants.issue(user)` gives a long one without the consent page.
        demand_proof: whether calls need an `appsecret_proof`.
    """

    platform: ClassVar[str] = "meta"

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
        self.demand_proof = True
        self.grants = Grants(self.clock)
        self._calls: Counter[str] = Counter()
        self._data_calls: Counter[str] = Counter()
        self._ended = 0

    # -- who logs in ---------------------------------------------------------------------------------------------

    def users(self, kind: str) -> dict[str, list[Brand]]:
        """People who may log in, with the brands whose accounts they manage: one of each agency, or each account."""
        if kind == "instagram":
            return {f"ig:{b.accounts[Network.INSTAGRAM]}": [b] for b in self._brands()}
        return {
            f"fb:{agency.key}": [brand for brand in self._brands() if brand.agency_key == agency.key]
            for agency in self.world.agencies
        }

    def brands_of(self, user: str) -> list[Brand]:
        """The brands that a user manages."""
        return (self.users("facebook") | self.users("instagram")).get(user, [])

    def user_of(self, account_id: str) -> str:
        """The person who manages an account."""
        users = self.users("facebook")
        return next(user for user, brands in users.items() for b in brands if account_id in b.accounts.values())

    def _brands(self) -> list[Brand]:
        return [brand for brand in self.world.brands if str(Network.INSTAGRAM) in brand.accounts]

    # -- consent and tokens --------------------------------------------------------------------------------------

    def consent(self, request: Request) -> Response:
        """The page on which a person agrees."""
        asked = request.params
        if asked.get("client_id") != self.client_id:
            return page("<!doctype html><title>Error</title><p>Invalid app id</p>")
        kind = "instagram" if "instagram.com" in request.host else "facebook"
        hidden = "".join(
            f'<input type="hidden" name="{name}" value="{escape(asked.get(name, ""))}">'
            for name in ("redirect_uri", "state")
        )
        forms = ""
        for user, brands in self.users(kind).items():
            names = "".join(f"<li>{escape(b.name)} {' '.join(map(escape, b.accounts.values()))}</li>" for b in brands)
            field = f'<input type="hidden" name="user" value="{escape(user)}">'
            forms += (
                f'<form action="approve" method="get">{hidden}{field}<ul>{names}</ul><button>Continue</button></form>'
            )
        return page(f'<!doctype html><html lang="en"><title>Log in</title>{forms}</html>')

    def approve(self, request: Request) -> Response:
        """What the button of the consent page does."""
        asked = request.params
        target = asked.get("redirect_uri", "")
        if not target.startswith(("http://", "https://")) or not self.brands_of(asked.get("user", "")):
            return page("<!doctype html><title>Error</title><p>URL blocked</p>")
        code = self.grants.code(asked["user"])
        query = urlencode({"code": code, "state": asked.get("state", "")})
        return redirect(f"{target}{'&' if '?' in target else '?'}{query}#_")

    def token(self, request: Request) -> Response:
        """`oauth/access_token` of both logins: a code or a living token for the next token."""
        asked = request.params | dict(parse_qsl(request.body.decode("utf-8", "replace")))
        if asked.get("client_secret") != self.client_secret:
            return self.fail(GraphFault("Error validating client secret.", code=1))
        if "fb_exchange_token" in asked:
            return self._granted(self.grants.exchange(asked["fb_exchange_token"]))
        token = self.grants.redeem(asked.get("code", ""))
        if token is None:
            return self.fail(GraphFault("This authorization code has been used or expired.", code=100, subcode=36009))
        if request.method == "POST":  # Instagram Login
            return reply({"access_token": token.text, "user_id": token.user.removeprefix("ig:"), "permissions": []})
        return self._granted(token)

    def long_token(self, request: Request) -> Response:
        """`access_token` and `refresh_access_token` of Instagram Login."""
        asked = request.params
        if asked.get("grant_type") == "ig_exchange_token" and asked.get("client_secret") != self.client_secret:
            return self.fail(GraphFault("Error validating client secret.", code=1))
        return self._granted(self.grants.exchange(asked.get("access_token", "")))

    def _granted(self, token: Token | None) -> Response:
        if token is None:
            return self.fail(GraphFault("Error validating access token: it has expired.", code=190, subcode=463))
        seconds = int((token.until - self.clock()).total_seconds())
        return reply({"access_token": token.text, "token_type": "bearer", "expires_in": seconds})

    def debug_token(self, request: Request) -> Response:
        """What a token is worth."""
        token = self.grants.look_up(request.params.get("input_token", ""))
        if token is None:
            return reply({"data": {"app_id": self.client_id, "is_valid": False, "scopes": []}})
        data = {
            "app_id": self.client_id,
            "type": "USER",
            "is_valid": token.until > self.clock(),
            "expires_at": int(token.until.timestamp()),
            "data_access_expires_at": int(token.until.timestamp()),
            "scopes": [*INSTAGRAM_SCOPES, *ADS_SCOPES],
            "user_id": token.user,
        }
        return reply({"data": data})

    # -- one call ------------------------------------------------------------------------------------------------

    def api(self, handler: Callable[[Request, str], Any]) -> Callable[[Request], Response]:
        """A handler behind the door: it gets the user and answers a body, or raises GraphFault."""

        def answer(request: Request) -> Response:
            try:
                user = self._authenticate(request)
                return reply(handler(request, user), headers=self._usage(user))
            except GraphFault as fault:
                return self.fail(fault)
            except ValueError as error:
                return self.fail(GraphFault(f"(#100) {error}", code=100))

        return answer

    def fail(self, fault: GraphFault) -> Response:
        """The envelope of an error."""
        error: Row = {
            "message": str(fault),
            "type": "OAuthException",
            "code": fault.code,
            "is_transient": fault.code == 2,
            "fbtrace_id": f"A{self.requests:022d}",
        }
        if fault.subcode:
            error["error_subcode"] = fault.subcode
        return reply({"error": error}, fault.status, fault.headers)

    def before(self, request: Request) -> Response | None:
        """Failures in bursts and throttling, of data calls only."""
        if "oauth" in request.path or request.path.endswith("access_token"):
            return None
        if "flap" in self.scenarios and self.requests % 10 == 4:
            return Response(status=502, body=b"<html>Bad Gateway</html>", headers=())
        if "flap" in self.scenarios and self.requests % 10 == 5:
            return self.fail(GraphFault("Service temporarily unavailable", code=2, status=500))
        return self._throttled(request) if "throttle" in self.scenarios else None

    def _throttled(self, request: Request) -> Response | None:
        """Refused: now and then by a limit that tells in whole minutes when it opens again, so that a client must come
        back later; an ad account's tells seconds. Source: rate limits of the Graph API and of the Marketing API.
        """
        headers, code, subcode = {}, 0, 0
        token = self.grants.look_up(_sent(request))
        login = token.user if token else ""
        self._data_calls[login] += 1
        if self._data_calls[login] % _MINUTES == 3:
            row = {"type": "instagram", "call_count": 100, "total_cputime": 30, "total_time": 30}
            usage = {"1784": [row | {"estimated_time_to_regain_access": 1}]}
            headers = {"x-business-use-case-usage": json.dumps(usage)}
            code = 80002 if len(self._data_calls) % 2 else 4
        elif "act_" in request.path and self.requests % 3 == 0:
            headers = {"x-ad-account-usage": json.dumps({"acc_id_util_pct": 100, "reset_time_duration": 1})}
            code, subcode = ((17, 2446079), (613, 0))[self.requests % 2]
        if not code:
            return None
        status = 403 if code == 4 else 400
        return self.fail(
            GraphFault(f"(#{code}) Request limit reached", code=code, subcode=subcode, status=status, headers=headers)
        )

    def _authenticate(self, request: Request) -> str:
        sent = _sent(request)
        token = self.grants.look_up(sent)
        if token is None:
            raise GraphFault("Invalid OAuth access token - Cannot parse access token", code=190, status=401)
        if token.until <= self.clock():
            raise GraphFault("Error validating access token: Session has expired", code=190, subcode=463, status=401)
        proof = request.params.get("appsecret_proof")
        if proof is None and self.demand_proof:
            raise GraphFault("API calls from the server require an appsecret_proof argument", code=100)
        if proof is not None and proof != appsecret_proof(self.client_secret, sent):
            raise GraphFault("Invalid appsecret_proof provided in the API argument", code=100)
        self._calls[token.text] += 1
        if "expire" in self.scenarios and self._calls[token.text] % (24 if self._ended else 6) == 0:
            token.session = False
            # The first ends early; one that is used by ten calls at once must outlive their retries.
            self._ended += 1
        if not token.session:
            raise GraphFault("Session key invalid or no longer valid", code=102, status=401)
        return token.user

    def _usage(self, user: str) -> dict[str, str]:
        share = min(84, sum(self._calls.values()) // 60)
        row = {"type": "instagram", "call_count": share, "total_cputime": 1, "total_time": 1}
        business = {user: [row | {"estimated_time_to_regain_access": 0}]}
        return {
            "x-app-usage": json.dumps({"call_count": share, "total_time": 1, "total_cputime": 1}),
            "x-business-use-case-usage": json.dumps(business),
            "x-fb-ads-insights-throttle": json.dumps({"app_id_util_pct": share, "acc_id_util_pct": share / 2}),
        }

    # -- pages ---------------------------------------------------------------------------------------------------

    def edge(self, request: Request, rows: Sequence[Row], most: int = 100) -> Row:
        """A page of an edge. The last page still has an `after`; only `next` says that there is more."""
        asked = request.params
        first = _place(asked.get("after", ""))
        size = max(1, min(int(asked.get("limit") or 25), most))
        fields = parse_fields(asked.get("fields") or "id")
        chosen = [project(row, fields) if "fields" in asked else row for row in rows[first : first + size]]
        if not chosen:
            return {"data": []}
        after = base64.urlsafe_b64encode(f"p{first + size}".encode()).decode()
        paging: Row = {"cursors": {"before": base64.urlsafe_b64encode(f"p{first}".encode()).decode(), "after": after}}
        if first + size < len(rows):
            token = request.headers.get("authorization", "").removeprefix("Bearer ")
            query = urlencode({**asked, "access_token": token, "after": after})
            paging["next"] = f"https://{request.host}{request.path}?{query}"
        return {"data": self._rearranged(chosen), "paging": paging}

    def _rearranged(self, rows: list[Row]) -> list[Row]:
        found = [*rows, rows[-1]] if "duplicate" in self.scenarios and rows else list(rows)
        if "shuffle" in self.scenarios:
            self.random.shuffle(found)
        return found


def _sent(request: Request) -> str:
    """The token that a call brings."""
    return request.headers.get("authorization", "").removeprefix("Bearer ") or request.params.get("access_token", "")


def _place(after: str) -> int:
    if not after:
        return 0
    try:
        return int(base64.urlsafe_b64decode(after.encode()).decode().removeprefix("p"))
    except ValueError as error:
        raise GraphFault("(#100) Invalid cursor", code=100) from error
