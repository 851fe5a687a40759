"""How Meta lets an app in: Facebook Login (pages, Instagram accounts, ad accounts) or Instagram Login (one account).

A code is traded for a short token, the short token for a long one of about 60 days. A long token of Facebook Login
cannot be renewed after its end: a person logs in again. A long token of Instagram Login can, while it lives.
Sources: Meta, "Access tokens", "Instagram API with Instagram Login", "Secure Graph API calls", "Webhooks".
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from shelftide_meta.replies import error_of
from shelftide_sdk.auth import App, OAuth2, Outgoing, Settings, TokenSet
from shelftide_sdk.errors import AuthorizationError, ContractError

VERSION = "v26.0"
FACEBOOK = "graph.facebook.com"
INSTAGRAM = "graph.instagram.com"
INSTAGRAM_LOGIN = "instagram"
HOSTS = (FACEBOOK, INSTAGRAM, "www.facebook.com", "www.instagram.com", "api.instagram.com")
INSTAGRAM_SCOPES = (
    "instagram_basic",
    "instagram_manage_insights",
    "instagram_manage_comments",
    "pages_show_list",
    "pages_read_engagement",
    "business_management",
    "instagram_shopping_tag_products",
    "catalog_management",
)
ADS_SCOPES = ("ads_read", "business_management")
INSTAGRAM_LOGIN_SCOPES = (
    "instagram_business_basic",
    "instagram_business_manage_insights",
    "instagram_business_manage_comments",
)
# A short token lives an hour or two, a long one about 60 days.
_SHORT = timedelta(days=1)
_EXCHANGE, _RENEW = "exchange:", "renew:"


def api(settings: Settings) -> str:
    """The address of the API with its version, for the login that the connection used."""
    host = INSTAGRAM if settings.get("login") == INSTAGRAM_LOGIN else FACEBOOK
    return f"https://{host}/{settings.get('version') or VERSION}"


def appsecret_proof(secret: str, token: str) -> str:
    """Hex HMAC-SHA256 of the token under the app's secret."""
    return hmac.new(secret.encode(), token.encode(), hashlib.sha256).hexdigest()


def sign(request: Outgoing, app: App, token: TokenSet, settings: Settings, now: datetime) -> Outgoing:
    """Bearer token, with the proof that the app's own server sends it."""
    request.headers["Authorization"] = f"Bearer {token.access_token}"
    if app.client_secret:
        request.params.append(("appsecret_proof", appsecret_proof(app.client_secret, token.access_token)))
    return request


def sign_webhook(secret: str, body: bytes) -> str:
    """The value of `X-Hub-Signature-256` for a raw body."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def verify_webhook(secret: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Whether Meta signed this delivery."""
    lower = {name.lower(): value for name, value in headers.items()}
    claimed = lower.get("x-hub-signature-256", "").strip()
    return hmac.compare_digest(claimed.encode(), sign_webhook(secret, body).encode())


def _authorize(app: App, settings: Settings, state: str, scopes: tuple[str, ...]) -> str:
    instagram = settings.get("login") == INSTAGRAM_LOGIN
    query = {
        "client_id": app.client_id,
        "redirect_uri": app.redirect_uri,
        "response_type": "code",
        "scope": ",".join(INSTAGRAM_LOGIN_SCOPES if instagram else scopes),
        "state": state,
    }
    version = settings.get("version") or VERSION
    page = "www.instagram.com/oauth/authorize" if instagram else f"www.facebook.com/{version}/dialog/oauth"
    return f"https://{page}?{urlencode(query)}"


def build_instagram_authorize(app: App, settings: Settings, state: str) -> str:
    """The consent page for Instagram accounts."""
    return _authorize(app, settings, state, INSTAGRAM_SCOPES)


def build_ads_authorize(app: App, settings: Settings, state: str) -> str:
    """The consent page for ad accounts."""
    return _authorize(app, settings, state, ADS_SCOPES)


def build_exchange(app: App, settings: Settings, params: Mapping[str, str]) -> Outgoing:
    """Trade the callback's code for a short token."""
    code = (params.get("code") or "").removesuffix("#_")
    if not code:
        raise AuthorizationError("the callback carries no code")
    fields = {
        "client_id": app.client_id,
        "client_secret": app.client_secret,
        "redirect_uri": app.redirect_uri,
        "code": code,
    }
    if settings.get("login") == INSTAGRAM_LOGIN:
        return Outgoing(
            method="POST",
            url="https://api.instagram.com/oauth/access_token",
            headers={"content-type": "application/x-www-form-urlencoded"},
            content=urlencode({**fields, "grant_type": "authorization_code"}).encode(),
        )
    return Outgoing(method="GET", url=f"{api(settings)}/oauth/access_token", params=list(fields.items()))


def build_refresh(app: App, settings: Settings, params: Mapping[str, str]) -> Outgoing:
    """Trade a living token for a long one."""
    kept = params["refresh_token"]
    token = kept.removeprefix(_EXCHANGE).removeprefix(_RENEW)
    if settings.get("login") != INSTAGRAM_LOGIN:
        fields = {
            "grant_type": "fb_exchange_token",
            "client_id": app.client_id,
            "client_secret": app.client_secret,
            "fb_exchange_token": token,
        }
        return Outgoing(method="GET", url=f"{api(settings)}/oauth/access_token", params=list(fields.items()))
    if kept.startswith(_RENEW):
        fields = {"grant_type": "ig_refresh_token", "access_token": token}
        return Outgoing(method="GET", url=f"https://{INSTAGRAM}/refresh_access_token", params=list(fields.items()))
    fields = {"grant_type": "ig_exchange_token", "client_secret": app.client_secret, "access_token": token}
    return Outgoing(method="GET", url=f"https://{INSTAGRAM}/access_token", params=list(fields.items()))


def parse_token(reply: Any, now: datetime) -> TokenSet:
    """Read a token reply. A short token is due at once, so that the first call already trades it for a long one.

    A long token names no end to its use (it cannot be renewed after it), but to the grant: `refresh_expires_at`.

    Raises:
        ConnectorError: the kind that the reply's error asks for.
        ContractError: the reply is neither a token nor an error.
    """
    if not isinstance(reply, Mapping):
        raise ContractError("the token reply is not a JSON object")
    if reply.get("error") is not None:
        raise error_of(reply["error"])
    if reply.get("error_message"):  # api.instagram.com has an envelope of its own
        raise AuthorizationError(f"Instagram refused: {str(reply['error_message'])[:200]}")
    reply = _unwrapped(reply)
    access = reply.get("access_token")
    if not isinstance(access, str) or not access:
        raise ContractError("the token reply has no access_token")
    life = _life(reply.get("expires_in"))
    short = "user_id" in reply if life is None else life < _SHORT
    return TokenSet(
        access_token=access,
        refresh_token=(_EXCHANGE if short else _RENEW) + access,
        expires_at=now if short else None,
        refresh_expires_at=None if life is None else now + life,
    )


def _unwrapped(reply: Mapping[str, Any]) -> Mapping[str, Any]:
    """Newer replies of Instagram Login put the token into a list called data."""
    data = reply.get("data")
    return data[0] if isinstance(data, list) and data and isinstance(data[0], Mapping) else reply


def _life(seconds: Any) -> timedelta | None:
    if seconds in (None, 0, ""):
        return None
    try:
        return timedelta(seconds=int(seconds))
    except (TypeError, ValueError, OverflowError) as error:
        raise ContractError("the token reply names a senseless life", detail=repr(seconds)[:80]) from error


def _login(scopes: tuple[str, ...], build_authorize: Any) -> OAuth2:
    return OAuth2(
        authorize_url=f"https://www.facebook.com/{VERSION}/dialog/oauth",
        token_url=f"https://{FACEBOOK}/{VERSION}/oauth/access_token",
        scopes=scopes,
        scope_separator=",",
        sign=sign,
        parse_token=parse_token,
        build_authorize=build_authorize,
        build_exchange=build_exchange,
        build_refresh=build_refresh,
        rotation_overlap=True,  # a long token lives on beside the next one
    )


INSTAGRAM_AUTH = _login(INSTAGRAM_SCOPES, build_instagram_authorize)
ADS_AUTH = _login(ADS_SCOPES, build_ads_authorize)
