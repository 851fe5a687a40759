"""What the emulated Meta has granted: codes, short tokens, long tokens that a person must renew."""

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec

CODE_LIFE = timedelta(minutes=10)
SHORT_LIFE = timedelta(seconds=5400)
LONG_LIFE = timedelta(seconds=5_183_944)


class Token(msgspec.Struct, kw_only=True):
    """A token of a user. `session` false: the session is over, though the token lives and can be exchanged."""

    text: str
    user: str
    until: datetime
    session: bool = True


class Grants:
    """All that the app was granted. A code is used once."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._codes: dict[str, tuple[str, datetime]] = {}
        self._tokens: dict[str, Token] = {}

    def code(self, user: str) -> str:
        """A code for the callback."""
        code = f"AQ{secrets.token_urlsafe(24)}"
        self._codes[code] = (user, self._now() + CODE_LIFE)
        return code

    def redeem(self, code: str) -> Token | None:
        """Trade a code for a short token, once and in time."""
        user, until = self._codes.pop(code, ("", self._now()))
        return self.issue(user, SHORT_LIFE) if until > self._now() else None

    def issue(self, user: str, life: timedelta = LONG_LIFE) -> Token:
        """A fresh token."""
        token = Token(text=f"EAA{secrets.token_hex(24)}", user=user, until=self._now() + life)
        self._tokens[token.text] = token
        return token

    def exchange(self, text: str) -> Token | None:
        """A long token for one that lives; an expired one is worth nothing."""
        token = self._tokens.get(text)
        return self.issue(token.user) if token is not None and token.until > self._now() else None

    def look_up(self, text: str) -> Token | None:
        """The token, expired or not; None when it is unknown."""
        return self._tokens.get(text)

    def revoke(self, user: str) -> None:
        """The user removes the app."""
        self._tokens = {text: token for text, token in self._tokens.items() if token.user != user}
