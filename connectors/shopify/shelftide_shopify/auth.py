"""How Shopify lets an app in: install with HMAC, expiring offline tokens that rotate, signed webhooks.

Source: Shopify/shopify-app-js, `hmac-validator.ts` and `auth/oauth`; shopify.dev on expiring offline access tokens.
"""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from shelftide_sdk.auth import App, OAuth2, Outgoing, Settings, token_header
from shelftide_sdk.errors import AuthorizationError, ConfigurationError

SHOP_PATTERN = r"[a-zA-Z0-9][a-zA-Z0-9-]*\.myshopify\.com"
TOKEN_HEADER = "X-Shopify-Access-Token"  # noqa: S105  # the name of a header, not a secret
SCOPES = (
    "read_orders",
    "read_all_orders",
    "read_products",
    "read_inventory",
    "read_locations",
    "read_customers",
    "read_inventory_transfers",
    "read_inventory_shipments",
    "read_discounts",
    "read_marketing_events",
)
_CALLBACK_WINDOW = timedelta(seconds=90)
_UNSIGNED = ("hmac", "signature")
_TIMESTAMP = re.compile(r"[0-9]{1,12}")


def shop_domain(settings: Settings) -> str:
    """The shop's domain in lower case. Raises ConfigurationError when it is missing or not a Shopify domain."""
    shop = settings.get("shop", "")
    if not re.fullmatch(SHOP_PATTERN, shop):
        raise ConfigurationError(f"{shop!r} is not a shop address of the form name.myshopify.com")
    return shop.lower()


def sign_query(secret: str, params: Mapping[str, str]) -> str:
    """Hex HMAC-SHA256 of an install query, keys sorted, `hmac` and `signature` left out, space as %20."""
    signed = sorted((k, v) for k, v in params.items() if k not in _UNSIGNED)
    message = "&".join(f"{quote(k, safe='')}={quote(v, safe='')}" for k, v in signed)
    return hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()


def verify_callback(app: App, settings: Settings, params: Mapping[str, str], now: datetime) -> None:
    """Refuse an install callback that Shopify did not send. The host has checked `state` before.

    Raises:
        AuthorizationError: wrong or missing hmac, a timestamp more than 90 s away, or another shop than the one asked.
    """
    claimed = params.get("hmac", "")
    if not hmac.compare_digest(claimed.encode(), sign_query(app.client_secret, params).encode()):
        raise AuthorizationError("the install callback is not signed by Shopify")
    shop = params.get("shop", "")
    if not re.fullmatch(SHOP_PATTERN, shop):
        raise AuthorizationError(f"the install callback names no shop: {shop!r}")
    if settings.get("shop") and shop.lower() != settings["shop"].lower():
        raise AuthorizationError("the install callback is for another shop than the one that was asked")
    stamp = params.get("timestamp", "")
    if not _TIMESTAMP.fullmatch(stamp):
        raise AuthorizationError("the install callback has no valid timestamp")
    if abs(now.astimezone(UTC) - datetime.fromtimestamp(int(stamp), UTC)) > _CALLBACK_WINDOW:
        raise AuthorizationError("the install callback is too old or from the future")


def sign_webhook(secret: str, body: bytes) -> str:
    """Base64 HMAC-SHA256 of a raw body."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def verify_webhook(secret: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Whether Shopify signed this delivery. Both header families count: `X-Shopify-*` and the newer `shopify-*`."""
    lower = {name.lower(): value for name, value in headers.items()}
    claimed = lower.get("x-shopify-hmac-sha256") or lower.get("shopify-hmac-sha256") or ""
    if not secret:
        return False
    return hmac.compare_digest(claimed.encode(), sign_webhook(secret, body).encode())


def verify_proxy(secret: str, query: Sequence[tuple[str, str]]) -> bool:
    """Whether an app-proxy request is Shopify's: hex over sorted `k=v` without separator, lists joined by comma."""
    values: dict[str, list[str]] = {}
    for name, value in query:
        values.setdefault(name, []).append(value)
    claimed = ",".join(values.pop("signature", []))
    message = "".join(f"{name}={','.join(values[name])}" for name in sorted(values))
    expected = hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()
    return hmac.compare_digest(claimed.encode(), expected.encode())


def _token_request(app: App, settings: Settings, fields: Mapping[str, str]) -> Outgoing:
    body = {"client_id": app.client_id, "client_secret": app.client_secret, **fields}
    return Outgoing(
        method="POST",
        url=f"https://{shop_domain(settings)}/admin/oauth/access_token",
        headers={"content-type": "application/json", "accept": "application/json"},
        content=json.dumps(body).encode(),
    )


def build_exchange(app: App, settings: Settings, params: Mapping[str, str]) -> Outgoing:
    """Trade the callback's code for an offline token that expires and rotates."""
    if not params.get("code"):
        raise AuthorizationError("the install callback carries no code")
    return _token_request(app, settings, {"code": params["code"], "expiring": "1"})


def build_refresh(app: App, settings: Settings, params: Mapping[str, str]) -> Outgoing:
    """Trade a refresh token for the next pair."""
    return _token_request(app, settings, {"grant_type": "refresh_token", "refresh_token": params["refresh_token"]})


SHOPIFY_AUTH = OAuth2(
    authorize_url="https://{shop}/admin/oauth/authorize",
    token_url="https://{shop}/admin/oauth/access_token",  # noqa: S106  # an address, not a secret
    scopes=SCOPES,
    scope_separator=",",
    token_params={"expiring": "1"},
    sign=token_header(TOKEN_HEADER),
    verify_callback=verify_callback,
    build_exchange=build_exchange,
    build_refresh=build_refresh,
    rotation_overlap=True,
)
