"""What the emulated TikTok has granted: consent pages, single-use codes, tokens that end and rotate."""

import secrets
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar

import msgspec

from shelftide_sdk.testing.world.model import Brand, WorldView

CODE_LIFE = timedelta(minutes=10)
T = TypeVar("T")


class TokenState(StrEnum):
    """What an access token is worth."""

    GOOD = "good"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


class Issued(msgspec.Struct, frozen=True, kw_only=True):
    """A pair of tokens for one account, with the moments at which they end."""

    account: str
    access: str
    refresh: str
    access_until: datetime
    refresh_until: datetime


class Grants:
    """All that one app was granted. Codes are used once; a refresh token dies when it is traded."""

    def __init__(self, now: Callable[[], datetime], *, access_life: timedelta, refresh_life: timedelta) -> None:
        self._now = now
        self._access_life = access_life
        self._refresh_life = refresh_life
        self._codes: dict[str, tuple[str, datetime]] = {}
        self._access: dict[str, tuple[str, datetime]] = {}
        self._refresh: dict[str, tuple[str, datetime]] = {}

    def code(self, account: str) -> str:
        """A code for the callback."""
        code = secrets.token_urlsafe(24)
        self._codes[code] = (account, self._now() + CODE_LIFE)
        return code

    def redeem(self, code: str) -> Issued | None:
        """Trade a code, once and in time."""
        account, until = self._codes.pop(code, ("", self._now()))
        return self.issue(account) if until > self._now() else None

    def issue(self, account: str) -> Issued:
        """Fresh tokens."""
        now = self._now()
        issued = Issued(
            account=account,
            access=f"act.{secrets.token_urlsafe(24)}",
            refresh=f"rft.{secrets.token_urlsafe(24)}",
            access_until=now + self._access_life,
            refresh_until=now + self._refresh_life,
        )
        self._access[issued.access] = (account, issued.access_until)
        self._refresh[issued.refresh] = (account, issued.refresh_until)
        return issued

    def rotate(self, refresh: str) -> Issued | None:
        """Trade a refresh token, once and in time."""
        account, until = self._refresh.pop(refresh, ("", self._now()))
        return self.issue(account) if until > self._now() else None

    def look_up(self, access: str) -> tuple[TokenState, str]:
        """(state, account) of an access token."""
        if access not in self._access:
            return TokenState.UNKNOWN, ""
        account, until = self._access[access]
        return (TokenState.GOOD if until > self._now() else TokenState.EXPIRED), account

    def expire_access(self, account: str) -> None:
        """All access tokens of an account end now; refresh tokens live on."""
        for token, (owner, _) in self._access.items():
            if owner == account:
                self._access[token] = (owner, self._now())

    def revoke(self, account: str) -> None:
        """The account removes the app: nothing works any more."""
        self._access = {token: held for token, held in self._access.items() if held[0] != account}
        self._refresh = {token: held for token, held in self._refresh.items() if held[0] != account}


class Memory:
    """What is costly to work out, until the world moves on."""

    def __init__(self, world: WorldView) -> None:
        self._world = world
        self._at = world.now
        self._held: dict[tuple[Any, ...], Any] = {}

    def get(self, key: tuple[Any, ...], build: Callable[[], T]) -> T:
        """The value under `key`, built when it is not known at this moment of the world."""
        if self._world.now != self._at:
            self._at, self._held = self._world.now, {}
        if key not in self._held:
            self._held[key] = build()
        found: T = self._held[key]
        return found


def brands_by_account(brands: Sequence[Brand], name: str) -> dict[str, Brand]:
    """The brands that have an account under `name`, by its id."""
    return {brand.accounts[name]: brand for brand in brands if name in brand.accounts}
