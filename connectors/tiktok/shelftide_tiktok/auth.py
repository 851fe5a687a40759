"""How TikTok lets an app in: two products, two apps, two kinds of token, and the signature of the Shop API.

Sources: Accounts API of business-api.tiktok.com (`tt_user/oauth2/*`); Partner API documentation, "Authorization" and
"Sign your API request"; Partner Center, "Webhooks".
"""

import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

from shelftide_sdk.auth import App, OAuth2, Outgoing, Settings, TokenSet, token_header
from shelftide_sdk.errors import AuthorizationError, ConfigurationError
from shelftide_sdk.tokens import end_at, end_of_life, reply_data, reply_text
from shelftide_tiktok.replies import organic_error, shop_error

ORGANIC_API = "https://business-api.tiktok.com/open_api/v1.3/"
ORGANIC_CONSENT = "https://www.tiktok.com/v2/auth/authorize/"
ORGANIC_HEADER = "Access-Token"
ORGANIC_SCOPES = (
    "user.info.basic",
    "user.info.username",
    "user.info.stats",
    "user.info.profile",
    "user.account.type",
    "user.insights",
    "video.list",
    "video.insights",
    "comment.list",
)

ADS_API = ORGANIC_API
ADS_CONSENT = "https://business-api.tiktok.com/portal/auth"
_ADVERTISERS = "/open_api/v1.3/oauth2/advertiser/get/"

SHOP_API = "https://open-api.tiktokglobalshop.com"
SHOP_TOKENS = "https://auth.tiktok-shops.com/api/v2/token/"
SHOP_HEADER = "x-tts-access-token"
CONSENT_HOSTS = {"US": "services.us.tiktokshop.com"}
DEFAULT_CONSENT_HOST = "services.tiktokshop.com"

_UNSIGNED = frozenset({"sign", "access_token", SHOP_HEADER})
# The platform rejects a cipher on calls that are not about one shop.
_WITHOUT_CIPHER = re.compile(
    r"/(authorization|seller)/.*|/product/\d+/(images/upload|files/upload|global_products|compliance).*"
)


# -- organic ----------------------------------------------------------------------------------------------------------


def build_organic_authorize(app: App, settings: Settings, state: str) -> str:
    """The consent page of TikTok accounts."""
    query = {
        "client_key": app.client_id,
        "response_type": "code",
        "scope": ",".join(ORGANIC_SCOPES),
        "redirect_uri": app.redirect_uri,
        "state": state,
    }
    return f"{ORGANIC_CONSENT}?{urlencode(query)}"


def build_organic_exchange(app: App, settings: Settings, params: Mapping[str, str]) -> Outgoing:
    """Trade the callback's code (10 minutes, single use) for tokens."""
    code = params.get("code") or params.get("auth_code")
    if not code:
        raise AuthorizationError("the callback carries no code")
    fields = {"grant_type": "authorization_code", "auth_code": code, "redirect_uri": app.redirect_uri}
    return _organic_token_request(app, "tt_user/oauth2/token/", fields)


def build_organic_refresh(app: App, settings: Settings, params: Mapping[str, str]) -> Outgoing:
    """Trade a refresh token for the next pair; the refresh token may rotate."""
    fields = {"grant_type": "refresh_token", "refresh_token": params["refresh_token"]}
    return _organic_token_request(app, "tt_user/oauth2/refresh_token/", fields)


def _organic_token_request(app: App, path: str, fields: Mapping[str, str]) -> Outgoing:
    body = {"client_id": app.client_id, "client_secret": app.client_secret, **fields}
    return Outgoing(
        method="POST",
        url=f"{ORGANIC_API}{path}",
        headers={"content-type": "application/json"},
        content=json.dumps(body).encode(),
    )


def parse_organic_token(reply: Any, now: datetime) -> TokenSet:
    """Read a token reply. Lives are durations in seconds; `account_id` is the open id, which is the business id.

    Raises:
        ConnectorError: the kind that the reply's code asks for.
        ContractError: no token in a good reply.
    """
    data = reply_data(reply, organic_error(reply))
    return TokenSet(
        access_token=reply_text(data, "access_token"),
        refresh_token=data.get("refresh_token") or None,
        expires_at=end_of_life(now, data.get("expires_in")),
        refresh_expires_at=end_of_life(now, data.get("refresh_token_expires_in")),
        scopes=tuple(scope for scope in str(data.get("scope") or "").replace(",", " ").split() if scope),
        account_id=reply_text(data, "open_id"),
    )


# -- ads --------------------------------------------------------------------------------------------------------------


def build_ads_authorize(app: App, settings: Settings, state: str) -> str:
    """The consent page of the Marketing API."""
    query = {"app_id": app.client_id, "redirect_uri": app.redirect_uri, "state": state}
    return f"{ADS_CONSENT}?{urlencode(query)}"


def build_ads_exchange(app: App, settings: Settings, params: Mapping[str, str]) -> Outgoing:
    """Trade the callback's `auth_code` (10 minutes, single use) for a token; `code` is seen too."""
    code = params.get("auth_code") or params.get("code")
    if not code:
        raise AuthorizationError("the callback carries no auth_code")
    body = {"app_id": app.client_id, "secret": app.client_secret, "auth_code": code}
    return Outgoing(
        method="POST",
        url=f"{ADS_API}oauth2/access_token/",
        headers={"content-type": "application/json"},
        content=json.dumps(body).encode(),
    )


def parse_ads_token(reply: Any, now: datetime) -> TokenSet:
    """Read a token reply. An advertiser token lives until it is revoked; should a life and a refresh token come, as the
    texts for the same path say, they are kept.

    Raises:
        ConnectorError: the kind that the reply's code asks for.
        ContractError: no token in a good reply.
    """
    data = reply_data(reply, organic_error(reply))
    scope = data.get("scope") or ()
    return TokenSet(
        access_token=reply_text(data, "access_token"),
        refresh_token=data.get("refresh_token") or None,
        expires_at=end_of_life(now, data.get("expires_in")),
        refresh_expires_at=end_of_life(now, data.get("refresh_token_expires_in")),
        scopes=tuple(str(each) for each in scope) if isinstance(scope, list) else (),
    )


def sign_ads_request(request: Outgoing, app: App, token: TokenSet, settings: Settings, now: datetime) -> Outgoing:
    """The token in its header; the list of advertisers alone also asks for the app's id and secret."""
    request.headers[ORGANIC_HEADER] = token.access_token
    if urlsplit(request.url).path == _ADVERTISERS:
        request.params += [("app_id", app.client_id), ("secret", app.client_secret)]
    return request


# -- shop -------------------------------------------------------------------------------------------------------------


def build_shop_authorize(app: App, settings: Settings, state: str) -> str:
    """The consent page of the seller's market: US sellers have their own host.

    TikTok sends the browser back to the address fixed in Partner Center and ignores `redirect_uri`; a simulator,
    which has no Partner Center, reads it.
    """
    service_id = app.extra.get("service_id", "")
    if not service_id:
        raise ConfigurationError("The app has no service id.", hint="Add the service id of Partner Center to the app.")
    host = CONSENT_HOSTS.get(settings.get("market", ""), DEFAULT_CONSENT_HOST)
    query = {"service_id": service_id, "state": state, "redirect_uri": app.redirect_uri}
    return f"https://{host}/open/authorize?{urlencode(query)}"


def build_shop_exchange(app: App, settings: Settings, params: Mapping[str, str]) -> Outgoing:
    """Trade the callback's code for tokens."""
    if not params.get("code"):
        raise AuthorizationError("the callback carries no code")
    return _shop_token_request(app, "get", auth_code=params["code"], grant_type="authorized_code")


def build_shop_refresh(app: App, settings: Settings, params: Mapping[str, str]) -> Outgoing:
    """Trade a refresh token for the next pair."""
    return _shop_token_request(app, "refresh", refresh_token=params["refresh_token"], grant_type="refresh_token")


def _shop_token_request(app: App, path: str, **fields: str) -> Outgoing:
    params = {"app_key": app.client_id, "app_secret": app.client_secret, **fields}
    return Outgoing(method="GET", url=f"{SHOP_TOKENS}{path}", params=list(params.items()))


def parse_shop_token(reply: Any, now: datetime) -> TokenSet:
    """Read a token reply. Both `*_expire_in` are moments in unix seconds, in spite of their names.

    Raises:
        ConnectorError: the kind that the reply's code asks for.
        ContractError: no token in a good reply, or an end that cannot be a moment.
    """
    data = reply_data(reply, shop_error(reply))
    return TokenSet(
        access_token=reply_text(data, "access_token"),
        refresh_token=data.get("refresh_token") or None,
        expires_at=end_at(data, "access_token_expire_in"),
        refresh_expires_at=end_at(data, "refresh_token_expire_in"),
        scopes=tuple(str(scope) for scope in data.get("granted_scopes") or ()),
        account_id=data.get("open_id") or None,
    )


def sign_shop(secret: str, path: str, params: Iterable[tuple[str, str]], body: bytes = b"") -> str:
    """Hex HMAC-SHA256 of a Shop request: secret, path, sorted key and value pairs, body, secret; keyed with secret.

    Pass no body for GET and multipart requests: their bodies are not signed.
    """
    signed = sorted((key, value) for key, value in params if key not in _UNSIGNED)
    text = path + "".join(key + value for key, value in signed)
    message = secret.encode() + text.encode() + body + secret.encode()
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def sign_shop_request(request: Outgoing, app: App, token: TokenSet, settings: Settings, now: datetime) -> Outgoing:
    """Put token, key, time, the shop's cipher and the signature on a request.

    Raises ConfigurationError for a call about one shop when neither request nor settings name its cipher.
    """
    path = urlsplit(request.url).path
    sent = {key for key, _ in request.params}
    request.headers[SHOP_HEADER] = token.access_token
    request.headers.setdefault("content-type", "application/json")
    request.params += [("app_key", app.client_id), ("timestamp", str(int(now.timestamp())))]
    if needs_cipher(path) and "shop_cipher" not in sent:
        if not settings.get("cipher"):
            raise ConfigurationError("The connection does not say which shop it is for.", hint="Reconnect the shop.")
        request.params.append(("shop_cipher", settings["cipher"]))
    unsigned_body = request.method == "GET" or request.headers["content-type"].startswith("multipart/")
    body = b"" if unsigned_body else request.content
    request.params.append(("sign", sign_shop(app.client_secret, path, request.params, body)))
    return request


def needs_cipher(path: str) -> bool:
    """Whether a call is about one shop and so names its cipher."""
    return not _WITHOUT_CIPHER.fullmatch(path)


def sign_webhook(app_key: str, app_secret: str, body: bytes) -> str:
    """Hex HMAC-SHA256 over the app key and the raw body."""
    return hmac.new(app_secret.encode(), app_key.encode() + body, hashlib.sha256).hexdigest()


def verify_webhook(app_key: str, app_secret: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Whether TikTok Shop signed this delivery (header `Authorization`)."""
    lower = {name.lower(): value for name, value in headers.items()}
    claimed = lower.get("authorization", "").strip().lower()
    return hmac.compare_digest(claimed.encode(), sign_webhook(app_key, app_secret, body).encode())


ORGANIC_AUTH = OAuth2(
    authorize_url=ORGANIC_CONSENT,
    token_url=f"{ORGANIC_API}tt_user/oauth2/token/",
    scopes=ORGANIC_SCOPES,
    scope_separator=",",
    sign=token_header(ORGANIC_HEADER),
    parse_token=parse_organic_token,
    build_authorize=build_organic_authorize,
    build_exchange=build_organic_exchange,
    build_refresh=build_organic_refresh,
)

SHOP_AUTH = OAuth2(
    authorize_url=f"https://{DEFAULT_CONSENT_HOST}/open/authorize",
    token_url=f"{SHOP_TOKENS}get",
    sign=sign_shop_request,
    parse_token=parse_shop_token,
    build_authorize=build_shop_authorize,
    build_exchange=build_shop_exchange,
    build_refresh=build_shop_refresh,
)

ADS_AUTH = OAuth2(
    authorize_url=ADS_CONSENT,
    token_url=f"{ADS_API}oauth2/access_token/",
    code_param="auth_code",
    sign=sign_ads_request,
    parse_token=parse_ads_token,
    build_authorize=build_ads_authorize,
    build_exchange=build_ads_exchange,
)
