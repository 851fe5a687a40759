"""What went wrong, named by what the host should do about it.

    ConnectorError
    ├── ConfigurationError   stop: a setting is missing or wrong; a person must change it
    ├── AuthorizationError   reconnect: the platform no longer accepts the grant
    ├── RateLimitedError     wait: try again at `retry_at`
    ├── TransientError       retry: the platform or the network failed
    ├── DataError            quarantine the row: it cannot be understood
    └── ContractError        tell the author: connector and platform (or SDK) disagree

Every error has a public message (a person in a browser may read it) and internal details (for logs; never secrets).
"""

from datetime import datetime, timedelta
from typing import Any


def plain_text(text: str) -> str:
    """Text that every log, database and JSON takes: a platform's own words may hold NUL or half a surrogate pair."""
    return text.encode("utf-8", "replace").decode().replace("\x00", "\ufffd")


class ConnectorError(Exception):
    """Base of all errors that a connector raises on purpose."""

    kind = "connector"
    hint = ""

    def __init__(self, message: str, *, hint: str = "", detail: str = "") -> None:
        self.message = plain_text(message)
        super().__init__(self.message)
        self.hint = plain_text(hint or self.hint)
        self.detail = plain_text(detail)


class ConfigurationError(ConnectorError):
    """A setting is missing or wrong. The host stops and shows the message."""

    kind = "configuration"
    hint = "Correct the connection's settings and try again."


class AuthorizationError(ConnectorError):
    """The grant is gone or too narrow. The host marks the connection "reconnect needed".

    `refreshable` is true when the access token may merely have expired: the client then refreshes once and repeats.
    `missing_scopes` names the scopes that the platform asked for, where it says so.
    """

    kind = "authorization"
    hint = "Reconnect the account."

    def __init__(
        self,
        message: str,
        *,
        refreshable: bool = False,
        missing_scopes: tuple[str, ...] = (),
        hint: str = "",
        detail: str = "",
    ) -> None:
        super().__init__(message, hint=hint, detail=detail)
        self.refreshable = refreshable
        self.missing_scopes = missing_scopes


class RateLimitedError(ConnectorError):
    """The platform refuses more calls for `retry_after`, or until `retry_at` (aware UTC); for an unknown while if None.

    Prefer `retry_after`: it holds whatever the two clocks say.
    """

    kind = "rate_limited"
    hint = "The next try is scheduled."

    def __init__(
        self,
        message: str,
        *,
        retry_after: timedelta | None = None,
        retry_at: datetime | None = None,
        detail: str = "",
    ) -> None:
        super().__init__(message, detail=detail)
        self.retry_after = retry_after
        self.retry_at = retry_at

    def wait(self, now: datetime, unknown: timedelta) -> timedelta:
        """How long to wait at `now`; `unknown` where the platform did not say."""
        if self.retry_after is not None:
            return max(self.retry_after, timedelta(0))
        return unknown if self.retry_at is None else max(self.retry_at - now, timedelta(0))


class TransientError(ConnectorError):
    """The platform or the network failed in a way that passes."""

    kind = "transient"
    hint = "The next try is scheduled."


class DataError(ConnectorError):
    """One row cannot be understood. The host keeps `raw` in quarantine with the message as reason."""

    kind = "data"

    def __init__(self, message: str, *, raw: Any = None, detail: str = "") -> None:
        super().__init__(message, detail=detail)
        self.raw = raw


class ContractError(ConnectorError):
    """Connector and platform, or connector and SDK, disagree. A person must change code."""

    kind = "contract"
    hint = "Tell the connector's author."
