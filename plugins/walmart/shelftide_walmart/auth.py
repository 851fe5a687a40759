"""How Walmart lets a seller in: client credentials for a token of 15 minutes, in a header of Walmart's own.

Source: developer.walmart.com, "Token API" and "Authentication".
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

from shelftide_sdk import App, AuthorizationError, ClientCredentials, Outgoing, TokenSet, basic, parse_oauth2_token

HOST = "marketplace.walmartapis.com"
API = f"https://{HOST}/v3"
_SERVICE = "Walmart Marketplace"


def _headers() -> dict[str, str]:
    """Every request names the service and carries an id of its own, which Walmart's support asks for."""
    return {"WM_SVC.NAME": _SERVICE, "WM_QOS.CORRELATION_ID": str(uuid4()), "Accept": "application/json"}


def sign(request: Outgoing, app: App, token: TokenSet, settings: Mapping[str, str], now: datetime) -> Outgoing:
    """Put the token where Walmart looks for it."""
    request.headers |= {**_headers(), "WM_SEC.ACCESS_TOKEN": token.access_token}
    return request


def build_token(app: App, settings: Mapping[str, str], keys: Mapping[str, str]) -> Outgoing:
    """The request for a token: HTTP Basic, a form, and Walmart's headers."""
    return Outgoing(
        method="POST",
        url=f"{API}/token",
        headers={
            **_headers(),
            "Authorization": basic(app),
            "Content-Type": "application/x-www-form-urlencoded",
        },
        content=b"grant_type=client_credentials",
    )


def parse_token(reply: Any, now: datetime) -> TokenSet:
    """A token, or Walmart's list of errors. Raises AuthorizationError for keys that are not taken."""
    errors = reply.get("errors") or reply.get("error") if isinstance(reply, dict) else None
    if isinstance(errors, list) and errors and isinstance(errors[0], dict):
        raise AuthorizationError(f"Walmart refused: {errors[0].get('description') or errors[0].get('code')}")
    return parse_oauth2_token(reply, now)


AUTH = ClientCredentials(token_url=f"{API}/token", sign=sign, build_token=build_token, parse_token=parse_token)
