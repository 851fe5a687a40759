"""How Xiaohongshu lets an app in: the Ark gateway with its signature, and the marketing API with its token header.

Ark: one address; the operation, the signature and the token are fields of the body. Sources: Ark open platform,
"Authorisation", "Signature", "Push messages"; Juguang MAPI, "OAuth".
"""

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from shelftide_sdk.auth import App, BuildAuthorize, OAuth2, Outgoing, ParseToken, Settings, TokenSet, token_header
from shelftide_sdk.errors import AuthorizationError
from shelftide_sdk.tokens import MILLISECONDS, end_at, end_of_life, reply_data, reply_text
from shelftide_xiaohongshu.replies import ark_error, mapi_error

ARK_HOST = "ark.xiaohongshu.com"
GATEWAY = f"https://{ARK_HOST}/ark/open_api/v3/common_controller"
ARK_CONSENT = f"https://{ARK_HOST}/ark/authorization"
VERSION = "2.0"
# A self-developed app may serve so many shops, of the same or a related company.
SHOPS_OF_AN_APP = 5

MAPI_HOST = "adapi.xiaohongshu.com"
MAPI = f"https://{MAPI_HOST}/api/open"
CONSENT_HOST = "ad.xiaohongshu.com"
MAPI_CONSENT = f"https://{CONSENT_HOST}/aurora/openApiAuth"
MAPI_HEADER = "Access-Token"
PUGONGYING = 2  # platform_type of a token; 1 is Juguang


# -- Ark --------------------------------------------------------------------------------------------------------------


def sign_ark(method: str, app_id: str, timestamp: str, app_secret: str, version: str = VERSION) -> str:
    """Hex MD5 of method, app id, time, version and secret; neither the other fields nor the token are signed.

    >>> sign_ark("order.getOrderList", "demo-app", "1700000000", "demo-secret")
    '5972dee09f02914f94db8d6c367712ff'
    """
    signed = f"{method}?appId={app_id}&timestamp={timestamp}&version={version}{app_secret}"
    return hashlib.md5(signed.encode(), usedforsecurity=False).hexdigest()


def sign_ark_request(request: Outgoing, app: App, token: TokenSet, settings: Settings, now: datetime) -> Outgoing:
    """Put app, time, version, signature and, where there is one, the token into the body beside the method."""
    body = json.loads(request.content)
    timestamp = str(int(now.timestamp()))
    body |= {"appId": app.client_id, "timestamp": timestamp, "version": VERSION}
    body["sign"] = sign_ark(body["method"], app.client_id, timestamp, app.client_secret)
    if token.access_token:
        body["accessToken"] = token.access_token
    request.content = json.dumps(body, ensure_ascii=False).encode()
    request.headers["Content-Type"] = "application/json;charset=utf-8"
    return request


def build_ark_authorize(app: App, settings: Settings, state: str) -> str:
    """The consent page; only a shop's main account can approve."""
    query = {"appId": app.client_id, "redirectUri": app.redirect_uri, "state": state}
    return f"{ARK_CONSENT}?{urlencode(query)}"


def build_ark_exchange(app: App, settings: Settings, params: Mapping[str, str]) -> Outgoing:
    """Trade the callback's code (10 minutes) for tokens; a second time it gives the same ones."""
    if not params.get("code"):
        raise AuthorizationError("the callback carries no code")
    return ark_call("oauth.getAccessToken", code=params["code"])


def build_ark_refresh(app: App, settings: Settings, params: Mapping[str, str]) -> Outgoing:
    """Ask for the next pair; with more than 30 minutes of life left the same pair comes back."""
    return ark_call("oauth.refreshToken", refreshToken=params["refresh_token"])


def ark_call(method: str, **fields: str) -> Outgoing:
    """A call of the gateway, not signed yet."""
    return Outgoing(method="POST", url=GATEWAY, content=json.dumps({"method": method, **fields}).encode())


def parse_ark_token(reply: Any, now: datetime) -> TokenSet:
    """Read a token reply. Both ends are moments in unix milliseconds; `account_id` is the shop's seller id.

    Raises:
        ConnectorError: the kind that the reply's text asks for.
        ContractError: no token in a good reply, or an end that cannot be a moment.
    """
    data = reply_data(reply, ark_error(reply))
    return TokenSet(
        access_token=reply_text(data, "accessToken"),
        refresh_token=data.get("refreshToken") or None,
        expires_at=end_at(data, "accessTokenExpiresAt", MILLISECONDS),
        refresh_expires_at=end_at(data, "refreshTokenExpiresAt", MILLISECONDS),
        account_id=data.get("sellerId") or None,
    )


def sign_push(path: str, query: Iterable[tuple[str, str]], app_key: str, timestamp: str, app_secret: str) -> str:
    """Hex MD5 of a delivery: path, then query, key and time by name, then secret. The body is not signed."""
    pairs = sorted([*query, ("app-key", app_key), ("timestamp", timestamp)])
    joined = "&".join(f"{name}={value}" for name, value in pairs)
    return hashlib.md5(f"{path}?{joined}{app_secret}".encode(), usedforsecurity=False).hexdigest()


def verify_push(app: App, path: str, query: Iterable[tuple[str, str]], headers: Mapping[str, str]) -> bool:
    """Whether Ark signed this delivery (headers `app-key`, `timestamp`, `sign`)."""
    lower = {name.lower(): value for name, value in headers.items()}
    wanted = sign_push(path, query, lower.get("app-key", ""), lower.get("timestamp", ""), app.client_secret)
    known = hmac.compare_digest(lower.get("app-key", "").encode(), app.client_id.encode())
    return hmac.compare_digest(lower.get("sign", "").lower().encode(), wanted.encode()) and known


# -- marketing API ----------------------------------------------------------------------------------------------------


def build_mapi_authorize(*scopes: str) -> BuildAuthorize:
    """The consent page for `scopes`; the platform wants them as JSON text."""

    def build(app: App, settings: Settings, state: str) -> str:
        query = {
            "app_id": app.client_id,
            "scope": json.dumps(scopes, separators=(",", ":")),
            "redirect_uri": app.redirect_uri,
            "state": state,
        }
        return f"{MAPI_CONSENT}?{urlencode(query)}"

    return build


def build_mapi_exchange(app: App, settings: Settings, params: Mapping[str, str]) -> Outgoing:
    """Trade the callback's `auth_code` (10 minutes) for tokens."""
    code = params.get("auth_code") or params.get("code")
    if not code:
        raise AuthorizationError("the callback carries no auth_code")
    return _mapi_token_request(app, "access_token", auth_code=code)


def build_mapi_refresh(app: App, settings: Settings, params: Mapping[str, str]) -> Outgoing:
    """Trade a refresh token for the next pair; it rotates."""
    return _mapi_token_request(app, "refresh_token", refresh_token=params["refresh_token"])


def _mapi_token_request(app: App, path: str, **fields: str) -> Outgoing:
    app_id = int(app.client_id) if app.client_id.isascii() and app.client_id.isdigit() else app.client_id
    return Outgoing(
        method="POST",
        url=f"{MAPI}/oauth2/{path}",
        headers={"content-type": "application/json"},
        content=json.dumps({"app_id": app_id, "secret": app.client_secret, **fields}).encode(),
    )


def parse_juguang_token(reply: Any, now: datetime) -> TokenSet:
    """Read a token reply. `account_id` holds the ids of all advertisers that were approved, joined by commas."""
    data = reply_data(reply, mapi_error(reply))
    found = data.get("approval_advertisers") or ()
    ids = [str(each["advertiser_id"]) for each in found if isinstance(each, dict) and each.get("advertiser_id")]
    return _mapi_token(data, now, ",".join(dict.fromkeys(ids)))


def parse_pugongying_token(reply: Any, now: datetime) -> TokenSet:
    """Read a token reply. `account_id` is the brand's user id."""
    data = reply_data(reply, mapi_error(reply))
    return _mapi_token(data, now, str(data.get("user_id") or ""))


def _mapi_token(data: Mapping[str, Any], now: datetime, account_id: str) -> TokenSet:
    return TokenSet(
        access_token=reply_text(data, "access_token"),
        refresh_token=data.get("refresh_token") or None,
        expires_at=end_of_life(now, data.get("access_token_expires_in")),
        refresh_expires_at=end_of_life(now, data.get("refresh_token_expires_in")),
        account_id=account_id or None,
    )


ARK_AUTH = OAuth2(
    authorize_url=ARK_CONSENT,
    token_url=GATEWAY,
    sign=sign_ark_request,
    parse_token=parse_ark_token,
    build_authorize=build_ark_authorize,
    build_exchange=build_ark_exchange,
    build_refresh=build_ark_refresh,
    sign_token_request=sign_ark_request,
)


def mapi_auth(parse_token: ParseToken, *scopes: str) -> OAuth2:
    """A grant of the marketing API."""
    return OAuth2(
        authorize_url=MAPI_CONSENT,
        token_url=f"{MAPI}/oauth2/access_token",
        scopes=scopes,
        code_param="auth_code",
        sign=token_header(MAPI_HEADER),
        parse_token=parse_token,
        build_authorize=build_mapi_authorize(*scopes),
        build_exchange=build_mapi_exchange,
        build_refresh=build_mapi_refresh,
    )


JUGUANG_AUTH = mapi_auth(parse_juguang_token, "report_service", "ad_query")
# The name of Pugongying's scope is not in any source that could be checked.
PUGONGYING_AUTH = mapi_auth(parse_pugongying_token, "pgy_note_data")
