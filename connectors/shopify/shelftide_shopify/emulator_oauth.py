"""Install and tokens of the emulated shop: single-use codes, one-hour tokens, rotating refresh with overlap."""

import hashlib
import json
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from html import escape
from typing import Any
from urllib.parse import parse_qsl, urlencode

import msgspec

from shelftide_sdk.testing.emulator import Request, Response, page, redirect, reply
from shelftide_shopify.auth import sign_query

ACCESS_LIFE = timedelta(hours=1)
REFRESH_LIFE = timedelta(days=90)


class Grant(msgspec.Struct, kw_only=True):
    """An access token's rights. `expires_at` is None for the old tokens that never end."""

    shop: str
    scopes: frozenset[str]
    expires_at: datetime | None
    revoked: bool = False


class Refresh(msgspec.Struct, kw_only=True):
    """A refresh token: dead once a token that replaced it has been used itself."""

    shop: str
    scopes: frozenset[str]
    expires_at: datetime
    parent: str | None = None
    dead: bool = False


class Tokens:
    """All that one app was granted."""

    def __init__(self, client_id: str, client_secret: str, now: Callable[[], datetime]) -> None:
        self.client_id = client_id
        self.client_secret = client_secret
        self._now = now
        self._codes: dict[str, tuple[str, frozenset[str]]] = {}
        self._access: dict[str, Grant] = {}
        self._refresh: dict[str, Refresh] = {}

    def authorize(self, request: Request) -> Response:
        """The consent page."""
        asked = request.params
        if asked.get("client_id") != self.client_id:
            return page("<!doctype html><title>Error</title><p>Oauth error: application_cannot_be_found</p>")
        fields = "".join(
            f'<input type="hidden" name="{escape(name)}" value="{escape(asked.get(name, ""))}">'
            for name in ("scope", "redirect_uri", "state")
        )
        scopes = "".join(f"<li>{escape(scope)}</li>" for scope in asked.get("scope", "").split(","))
        return page(
            '<!doctype html><html lang="en"><title>Install app</title>'
            f"<h1>Install app on {escape(request.host)}</h1><ul>{scopes}</ul>"
            f'<form action="approve" method="get">{fields}<button id="approve">Install</button></form></html>'
        )

    def approve(self, request: Request) -> Response:
        """The merchant agrees: back to the app with a signed query."""
        asked = request.params
        code = secrets.token_hex(16)
        scopes = frozenset(scope for scope in asked.get("scope", "").split(",") if scope)
        self._codes[code] = (request.host, scopes)
        query = {
            "code": code,
            "host": hashlib.sha256(request.host.encode()).hexdigest()[:24],
            "shop": request.host,
            "state": asked.get("state", ""),
            "timestamp": str(int(self._now().timestamp())),
        }
        query["hmac"] = sign_query(self.client_secret, query)
        separator = "&" if "?" in asked.get("redirect_uri", "") else "?"
        return redirect(f"{asked.get('redirect_uri', '')}{separator}{urlencode(query)}")

    def token(self, request: Request) -> Response:
        """The token endpoint."""
        asked = _fields(request)
        if asked.get("client_id") != self.client_id or asked.get("client_secret") != self.client_secret:
            return _refusal("invalid_client", "The client credentials are wrong", 401)
        if asked.get("grant_type") == "refresh_token":
            return self._rotate(request.host, str(asked.get("refresh_token", "")))
        granted = self._codes.pop(str(asked.get("code", "")), None)
        if granted is None or granted[0] != request.host:
            return _refusal("invalid_request", "The authorization code was not found or was already used", 400)
        return reply(self.issue(request.host, granted[1], expiring=str(asked.get("expiring", "")) in {"1", "True"}))

    def spend(self, code: str) -> None:
        """Somebody else has traded this code already."""
        self._codes.pop(code, None)

    def issue(
        self, shop: str, scopes: frozenset[str], *, expiring: bool = True, parent: str | None = None
    ) -> dict[str, Any]:
        """A token reply, as the endpoint sends it."""
        access = f"shpat_{secrets.token_hex(16)}"
        now = self._now()
        self._access[access] = Grant(shop=shop, scopes=scopes, expires_at=now + ACCESS_LIFE if expiring else None)
        body: dict[str, Any] = {"access_token": access, "scope": ",".join(sorted(scopes))}
        if not expiring:
            return body
        refresh = f"shprt_{secrets.token_hex(16)}"
        self._refresh[refresh] = Refresh(shop=shop, scopes=scopes, expires_at=now + REFRESH_LIFE, parent=parent)
        return {
            **body,
            "expires_in": int(ACCESS_LIFE.total_seconds()),
            "refresh_token": refresh,
            "refresh_token_expires_in": int(REFRESH_LIFE.total_seconds()),
        }

    def _rotate(self, shop: str, token: str) -> Response:
        held = self._refresh.get(token)
        if held is None or held.dead or held.shop != shop or held.expires_at <= self._now():
            return _refusal("invalid_grant", "The refresh token is not valid", 401)
        # Using a replacement ends what it replaced. Until then a lost answer may be asked for again.
        parent = self._refresh.get(held.parent or "")
        if parent is not None:
            parent.dead = True
        for sibling in self._refresh.values():
            if held.parent is not None and sibling is not held and sibling.parent == held.parent:
                sibling.dead = True
        return reply(self.issue(shop, held.scopes, parent=token))

    def grant(self, shop: str, access_token: str) -> Grant | None:
        """What an access token opens at a shop now, or None."""
        held = self._access.get(access_token)
        if held is None or held.revoked or held.shop != shop:
            return None
        return held if held.expires_at is None or held.expires_at > self._now() else None

    def revoke_access(self, shop: str) -> None:
        """All access tokens of a shop stop working; refresh tokens live on."""
        for held in self._access.values():
            held.revoked = held.revoked or held.shop == shop

    def uninstall(self, shop: str) -> None:
        """The merchant removes the app: nothing works any more."""
        self.revoke_access(shop)
        for held in self._refresh.values():
            held.dead = held.dead or held.shop == shop


def _fields(request: Request) -> Mapping[str, Any]:
    if request.headers.get("content-type", "").startswith("application/json"):
        try:
            body = json.loads(request.body)
        except ValueError:
            return {}
        return body if isinstance(body, dict) else {}
    return dict(parse_qsl(request.body.decode("utf-8", "replace")))


def _refusal(error: str, description: str, status: int) -> Response:
    return reply({"error": error, "error_description": description}, status)
