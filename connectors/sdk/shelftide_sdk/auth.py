"""How a platform lets a connector in: data plus a few small pure functions.

The host runs the flow, keeps the secrets and refreshes tokens; a connector only describes. A connector never sees a
refresh token or the app's secret: the functions below receive them, in the host's process, and return a request.
"""

from base64 import b64encode
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import msgspec

from shelftide_sdk.errors import AuthorizationError, ContractError
from shelftide_sdk.tokens import end_of_life


class App(msgspec.Struct, frozen=True, kw_only=True):
    """An agency's registration at a platform.

    `extra` holds what only one platform has (TikTok Shop's service id). `scopes` are those that the platform approved;
    None when nobody wrote them down.
    """

    client_id: str
    client_secret: str
    redirect_uri: str
    extra: Mapping[str, str] = {}
    scopes: tuple[str, ...] | None = None

    def asked(self, wanted: tuple[str, ...]) -> tuple[str, ...]:
        """Of the scopes that a connector wants, those to ask for: a platform refuses a consent for others."""
        return wanted if self.scopes is None else tuple(scope for scope in wanted if scope in self.scopes)

    def __repr__(self) -> str:
        return f"App(client_id={self.client_id!r}, client_secret=***)"


class TokenSet(msgspec.Struct, frozen=True, kw_only=True):
    """What a platform grants. Times are aware UTC; None means the platform named no end."""

    access_token: str
    refresh_token: str | None = None
    expires_at: datetime | None = None
    refresh_expires_at: datetime | None = None
    scopes: tuple[str, ...] = ()
    account_id: str | None = None

    def __repr__(self) -> str:
        return f"TokenSet(***, expires_at={self.expires_at}, scopes={self.scopes})"


class Outgoing(msgspec.Struct, kw_only=True):
    """A request before it is sent; a signing function may change it."""

    method: str
    url: str
    params: list[tuple[str, str]] = []
    headers: dict[str, str] = {}
    content: bytes = b""


Settings = Mapping[str, str]
Sign = Callable[[Outgoing, App, TokenSet, Settings, datetime], Outgoing]
BuildAuthorize = Callable[[App, Settings, str], str]
BuildTokenRequest = Callable[[App, Settings, Mapping[str, str]], Outgoing]
ParseToken = Callable[[Any, datetime], TokenSet]
VerifyCallback = Callable[[App, Settings, Mapping[str, str], datetime], None]


def bearer(request: Outgoing, app: App, token: TokenSet, settings: Settings, now: datetime) -> Outgoing:
    """`Authorization: Bearer`, RFC 6750."""
    request.headers["Authorization"] = f"Bearer {token.access_token}"
    return request


def token_header(name: str) -> Sign:
    """Sign by putting the access token into the header `name`."""

    def sign(request: Outgoing, app: App, token: TokenSet, settings: Settings, now: datetime) -> Outgoing:
        request.headers[name] = token.access_token
        return request

    return sign


def parse_oauth2_token(reply: Any, now: datetime) -> TokenSet:
    """Read a token reply in the form of RFC 6749 section 5.1, with `refresh_token_expires_in` where given.

    Raises:
        AuthorizationError: the reply is an OAuth error (section 5.2).
        ContractError: the reply is neither a token nor an error.
    """
    if not isinstance(reply, dict):
        raise ContractError("the token reply is not a JSON object")
    if "error" in reply:
        raise AuthorizationError(f"the platform refused: {reply.get('error_description') or reply['error']}")
    access = reply.get("access_token")
    if not isinstance(access, str) or not access:
        raise ContractError("the token reply has no access_token")
    return TokenSet(
        access_token=access,
        refresh_token=reply.get("refresh_token") or None,
        expires_at=end_of_life(now, reply.get("expires_in")),
        refresh_expires_at=end_of_life(now, reply.get("refresh_token_expires_in")),
        scopes=tuple(s for s in str(reply.get("scope", "")).replace(",", " ").split() if s),
    )


class OAuth2(msgspec.Struct, frozen=True, kw_only=True):
    """An authorization-code grant, standard or nearly so.

    Attributes:
        authorize_url, token_url: may name settings in braces, as in `https://{shop}/admin/oauth/authorize`.
        scopes: what the connector needs. `scope_separator` joins them.
        authorize_params, token_params: constant parameters added to each request.
        pkce: send an S256 challenge (RFC 7636).
        code_param: name of the code in the callback.
        sign: puts the token (and a signature) on every API request.
        verify_callback: raises AuthorizationError for a forged callback (Shopify's HMAC).
        parse_token: reads a token reply, errors included.
        build_authorize, build_exchange, build_refresh: given where the platform's flow is not OAuth's; the host then
            sends exactly the returned request. `build_exchange` receives the callback's parameters,
            `build_refresh` receives `{"refresh_token": ...}`.
        sign_token_request: signs what `build_exchange` and `build_refresh` returned, where the platform wants the time
            in it (Xiaohongshu's gateway). It receives an empty token.
        rotation_overlap: true when the old refresh token still works until the new one is used, so that a refresh
            whose answer was lost may be repeated.
    """

    authorize_url: str
    token_url: str
    scopes: tuple[str, ...] = ()
    scope_separator: str = " "
    authorize_params: Mapping[str, str] = {}
    token_params: Mapping[str, str] = {}
    pkce: bool = False
    code_param: str = "code"
    sign: Sign = bearer
    verify_callback: VerifyCallback | None = None
    parse_token: ParseToken = parse_oauth2_token
    build_authorize: BuildAuthorize | None = None
    build_exchange: BuildTokenRequest | None = None
    build_refresh: BuildTokenRequest | None = None
    rotation_overlap: bool = False
    sign_token_request: Sign | None = None

    def token_request(self, request: Outgoing, app: App, settings: Settings, now: datetime) -> Outgoing:
        """A built token request as it is sent at `now`."""
        if self.sign_token_request is None:
            return request
        return self.sign_token_request(request, app, TokenSet(access_token=""), settings, now)


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key that a person types.

    Attributes:
        fields: names of the secret fields. A `SettingField` of that name with `secret=True` gives title and pattern.
        sign: puts the key on a request. One field is the access token itself; of several, `key_fields(token)` reads
            each by name.
    """

    fields: tuple[str, ...] = ("api_key",)
    sign: Sign = bearer

    def typed(self, keys: Mapping[str, str]) -> TokenSet:
        """What a person typed, as the host keeps it."""
        if len(self.fields) == 1:
            return TokenSet(access_token=keys[self.fields[0]])
        return TokenSet(access_token=_packed(self.fields, keys))


class ClientCredentials(msgspec.Struct, frozen=True, kw_only=True):
    """A key pair that a person types, traded for tokens that live a short time (RFC 6749, section 4.4).

    The host keeps the pair where it keeps a refresh token: a connector sees the short-lived token only.

    Attributes:
        token_url: may name settings in braces.
        fields: the secret fields, the id first.
        scopes: what is asked for.
        sign: puts the token on every API request.
        parse_token: reads a token reply, errors included.
        build_token: given where the request is not RFC 6749's (HTTP Basic and a form); receives the app as the pair
            (`client_id`, `client_secret`), the settings, and all fields.
    """

    token_url: str
    fields: tuple[str, ...] = ("client_id", "client_secret")
    scopes: tuple[str, ...] = ()
    sign: Sign = bearer
    parse_token: ParseToken = parse_oauth2_token
    build_token: BuildTokenRequest | None = None

    def typed(self, keys: Mapping[str, str]) -> TokenSet:
        """What a person typed, as the host keeps it: a token still has to be asked for."""
        return TokenSet(access_token="", refresh_token=_packed(self.fields, keys))

    def token_request(self, token: TokenSet, settings: Settings) -> Outgoing:
        """The request that trades what was typed for a token. Raises AuthorizationError when nothing was typed."""
        keys = key_fields(TokenSet(access_token=token.refresh_token or ""))
        if not all(keys.get(name) for name in self.fields):
            raise AuthorizationError("The key is not known.", hint="Enter the key again.")
        app = App(client_id=keys[self.fields[0]], client_secret=keys[self.fields[-1]], redirect_uri="")
        if self.build_token is not None:
            return self.build_token(app, settings, keys)
        form = {"grant_type": "client_credentials", **({"scope": " ".join(self.scopes)} if self.scopes else {})}
        return Outgoing(
            method="POST",
            url=self.token_url.format_map(settings),
            headers={"Authorization": basic(app), "Content-Type": "application/x-www-form-urlencoded"},
            content=urlencode(form).encode(),
        )


def basic(app: App) -> str:
    """The value of `Authorization` for HTTP Basic with the app's id and secret (RFC 7617)."""
    return "Basic " + b64encode(f"{app.client_id}:{app.client_secret}".encode()).decode()


def key_fields(token: TokenSet) -> dict[str, str]:
    """The fields of a key of several fields, by name; empty for any other token."""
    try:
        return msgspec.json.decode(token.access_token, type=dict[str, str])
    except msgspec.DecodeError:
        return {}


def _packed(fields: tuple[str, ...], keys: Mapping[str, str]) -> str:
    return msgspec.json.encode({name: keys[name] for name in fields}).decode()


class NoAuth(msgspec.Struct, frozen=True):
    """A public source."""


Auth = OAuth2 | ApiKey | ClientCredentials | NoAuth
