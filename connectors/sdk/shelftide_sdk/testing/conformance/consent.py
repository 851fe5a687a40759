"""Getting a token as the host does: through the emulator's own consent page and token endpoint."""

import base64
import hashlib
import re
import secrets
from collections.abc import Mapping
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import httpx2
import msgspec

from shelftide_sdk.auth import App, ClientCredentials, OAuth2, Outgoing, TokenSet
from shelftide_sdk.connector import Clock
from shelftide_sdk.errors import AuthorizationError

_FORM = re.compile(r"<form[^>]*action=\"([^\"]*)\"[^>]*>(.*?)</form>", re.DOTALL)
_FIELD = re.compile(r"<input[^>]*name=\"([^\"]*)\"[^>]*value=\"([^\"]*)\"")
_HOPS = 6


class ConsentFailedError(AssertionError):
    """The emulator's consent did not lead to a token; the message says where it ended."""


class Consent:
    """One app's consent at one platform. `code` is the last code that came back (a secret, for the leak check)."""

    def __init__(self, auth: OAuth2, app: App, settings: Mapping[str, str], clock: Clock) -> None:
        self._auth = auth
        self._app = app
        self._settings = settings
        self._clock = clock
        self._verifier = secrets.token_urlsafe(48)
        self.code = ""

    async def token(self, http: httpx2.AsyncClient, account: str) -> TokenSet:
        """Agree for `account` and trade the code."""
        params = await self._agree(http, account)
        if self._auth.verify_callback is not None:
            self._auth.verify_callback(self._app, self._settings, params, self._clock.now())
        self.code = params.get(self._auth.code_param) or params.get("code", "")
        if not self.code:
            raise ConsentFailedError(f"the callback carries no {self._auth.code_param!r}: {sorted(params)}")
        if self._auth.build_exchange is not None:
            outgoing = self._signed(self._auth.build_exchange(self._app, self._settings, {**params, "code": self.code}))
        else:
            outgoing = self._form({"grant_type": "authorization_code", "code": self.code, **self._pkce()})
        return await self._call(http, outgoing)

    async def renew(self, http: httpx2.AsyncClient, token: TokenSet) -> TokenSet:
        """Trade the refresh token."""
        if token.refresh_token is None:
            raise AuthorizationError("The platform gave no refresh token.")
        if self._auth.build_refresh is not None:
            outgoing = self._signed(
                self._auth.build_refresh(self._app, self._settings, {"refresh_token": token.refresh_token})
            )
        else:
            outgoing = self._form({"grant_type": "refresh_token", "refresh_token": token.refresh_token})
        fresh = await self._call(http, outgoing)
        return msgspec.structs.replace(fresh, refresh_token=fresh.refresh_token or token.refresh_token)

    def authorize_url(self, state: str) -> str:
        """Where a browser is sent."""
        auth = self._auth
        if auth.build_authorize is not None:
            return auth.build_authorize(self._app, self._settings, state)
        query = {
            "response_type": "code",
            "client_id": self._app.client_id,
            "redirect_uri": self._app.redirect_uri,
            "scope": auth.scope_separator.join(auth.scopes),
            "state": state,
            **auth.authorize_params,
        }
        if auth.pkce:
            digest = hashlib.sha256(self._verifier.encode()).digest()
            query["code_challenge"] = base64.urlsafe_b64encode(digest).decode().rstrip("=")
            query["code_challenge_method"] = "S256"
        return f"{auth.authorize_url.format_map(self._settings)}?{urlencode(query)}"

    async def _agree(self, http: httpx2.AsyncClient, account: str) -> dict[str, str]:
        state = secrets.token_urlsafe(16)
        address = self.authorize_url(state)
        for _ in range(_HOPS):
            reply = await http.get(address)
            if reply.status_code in (302, 303):
                address = urljoin(address, reply.headers["location"])
            elif reply.status_code == 200:
                address = _agree_url(address, reply.text, account)
            else:
                raise ConsentFailedError(f"{address} answered HTTP {reply.status_code}: {reply.text[:200]}")
            if address.startswith(self._app.redirect_uri):
                params = dict(parse_qsl(urlsplit(address).query))
                if params.get("state") != state:
                    raise ConsentFailedError("the callback brings another state than was sent")
                return params
        raise ConsentFailedError(f"the consent does not lead back to {self._app.redirect_uri}; it stands at {address}")

    def _signed(self, request: Outgoing) -> Outgoing:
        return self._auth.token_request(request, self._app, self._settings, self._clock.now())

    def _pkce(self) -> dict[str, str]:
        return {"code_verifier": self._verifier} if self._auth.pkce else {}

    def _form(self, fields: Mapping[str, str]) -> Outgoing:
        body = {
            **fields,
            **self._auth.token_params,
            "client_id": self._app.client_id,
            "client_secret": self._app.client_secret,
            "redirect_uri": self._app.redirect_uri,
        }
        return Outgoing(
            method="POST",
            url=self._auth.token_url.format_map(self._settings),
            headers={"content-type": "application/x-www-form-urlencoded"},
            content=urlencode(body).encode(),
        )

    async def _call(self, http: httpx2.AsyncClient, outgoing: Outgoing) -> TokenSet:
        return self._auth.parse_token(await _reply(http, outgoing), self._clock.now())


class Trade:
    """A key pair's way to a token, as the host goes it. `keys` are what an emulator knows."""

    code = ""

    def __init__(
        self, auth: ClientCredentials, keys: Mapping[str, str], settings: Mapping[str, str], clock: Clock
    ) -> None:
        self._auth = auth
        self._typed = auth.typed(keys)
        self._settings = settings
        self._clock = clock

    async def token(self, http: httpx2.AsyncClient, account: str) -> TokenSet:
        """The first token."""
        return await self.renew(http, self._typed)

    async def renew(self, http: httpx2.AsyncClient, token: TokenSet) -> TokenSet:
        """The next token, for the same keys."""
        reply = await _reply(http, self._auth.token_request(self._typed, self._settings))
        fresh = self._auth.parse_token(reply, self._clock.now())
        return msgspec.structs.replace(fresh, refresh_token=self._typed.refresh_token)


async def _reply(http: httpx2.AsyncClient, outgoing: Outgoing) -> Any:
    for _ in range(4):  # emulators with `flap` or `throttle` fail here too
        reply = await http.request(
            outgoing.method,
            outgoing.url,
            params=httpx2.QueryParams([(k, v) for k, v in outgoing.params]) if outgoing.params else None,
            headers=outgoing.headers,
            content=outgoing.content or None,
        )
        if reply.status_code != 429 and reply.status_code < 500:
            break
    return reply.json()


def _agree_url(address: str, html: str, account: str) -> str:
    forms = _FORM.findall(html)
    if not forms:
        raise ConsentFailedError(f"the page at {address} shows no form to agree with")
    action, inner = next((form for form in forms if account and account in form[1]), forms[0])
    fields = [(unescape(name), unescape(value)) for name, value in _FIELD.findall(inner)]
    return f"{urljoin(address, unescape(action))}?{urlencode(fields)}"
