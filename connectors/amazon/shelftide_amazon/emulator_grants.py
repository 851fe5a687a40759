"""What the emulated Login with Amazon has granted: codes, hour-long tokens, refresh tokens that stay."""

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec

CODE_LIFE = timedelta(minutes=5)
TOKEN_LIFE = timedelta(hours=1)


class Token(msgspec.Struct, kw_only=True):
    """An access token of a user (`seller:<id>` or `ads:<agency>`). `calls` counts its use."""

    text: str
    user: str
    until: datetime
    calls: int = 0


class Grants:
    """All that the app was granted. A code is used once."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._codes: dict[str, tuple[str, datetime]] = {}
        self._refresh: dict[str, str] = {}
        self._tokens: dict[str, Token] = {}

    def code(self, user: str) -> str:
        """A code for the callback."""
        code = f"AN{secrets.token_urlsafe(14)}"
        self._codes[code] = (user, self._now() + CODE_LIFE)
        return code

    def redeem(self, code: str) -> tuple[Token, str] | None:
        """Trade a code for a token and its refresh token, once and in time."""
        user, until = self._codes.pop(code, ("", self._now()))
        if until <= self._now():
            return None
        refresh = f"Atzr|{secrets.token_urlsafe(48)}"
        self._refresh[refresh] = user
        return self.issue(user), refresh

    def renew(self, refresh: str) -> Token | None:
        """A fresh token for a refresh token, which stays good."""
        user = self._refresh.get(refresh)
        return None if user is None else self.issue(user)

    def issue(self, user: str) -> Token:
        """A fresh token."""
        token = Token(text=f"Atza|{secrets.token_urlsafe(48)}", user=user, until=self._now() + TOKEN_LIFE)
        self._tokens[token.text] = token
        return token

    def look_up(self, text: str) -> Token | None:
        """The token, expired or not; None when it is unknown."""
        return self._tokens.get(text)

    def revoke(self, user: str) -> None:
        """The user takes the consent back."""
        self._tokens = {text: token for text, token in self._tokens.items() if token.user != user}
        self._refresh = {text: owner for text, owner in self._refresh.items() if owner != user}
