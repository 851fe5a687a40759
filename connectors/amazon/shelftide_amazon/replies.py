"""Amazon's replies: exact numbers, and errors by what the host should do about them.

SP-API answers `{"errors": [{"code", "message", "details"}]}`; an expired token is HTTP 403 there, not 401.
Amazon Ads answers `{"code", "details", "requestId"}`, or `errors` with an `errorType` each.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from shelftide_sdk.bodies import read_json
from shelftide_sdk.errors import (
    AuthorizationError,
    ConfigurationError,
    ConnectorError,
    ContractError,
    RateLimitedError,
    TransientError,
)
from shelftide_sdk.http import retry_after

_LIMIT = 200
_LONGEST_WAIT = 600.0
_THROTTLED = frozenset({"QuotaExceeded", "TooManyRequestsException", "THROTTLED", "429", "throttled"})
_DENIED = frozenset({"Unauthorized", "UNAUTHORIZED", "401", "403", "FORBIDDEN", "AccessDenied"})
_PASSING = frozenset({"InternalFailure", "ServiceUnavailable", "INTERNAL_ERROR", "SERVER_IS_BUSY", "500", "503"})
_SUCCESS = frozenset({"SUCCESS", "200", "207"})
# Refusals of one product or account that the other products of Ads do not share.
_NOT_FOR_THIS_ACCOUNT = (
    "not authorized to access scope",
    "kdp authors do not have access",
    "tactic t00020 is not supported",
)
_STORE_HINT = "Sign in as the owner of the seller account, agree to every role, and connect again."


class RefusedError(ContractError):
    """A refusal of one call that a connector may know how to take. `status` is HTTP's, `codes` are Amazon's."""

    def __init__(self, message: str, *, status: int, codes: tuple[str, ...] = (), detail: str = "") -> None:
        super().__init__(message, detail=detail)
        self.status = status
        self.codes = codes

    @property
    def is_not_for_this_account(self) -> bool:
        """This account has no such product: nothing is wrong with the rest."""
        said = self.message.lower()
        return any(text in said for text in _NOT_FOR_THIS_ACCOUNT)

    @property
    def is_duplicate(self) -> bool:
        """The same report is already being made."""
        return self.status == 425


def body_of(response: Any) -> Any:
    """The JSON body with exact numbers. Raises TransientError for what is not JSON: a reply that was cut."""
    try:
        return read_json(response.content)
    except ValueError as error:
        raise TransientError("Amazon's reply is cut or is not JSON") from error


def classify(response: Any) -> ConnectorError | None:
    """The error in a reply, whatever its HTTP status, or None. Files (gzip, tables) are not looked into."""
    status = response.status_code
    head = response.content[:1].strip()
    body: Any = None
    if head in (b"{", b"["):
        try:
            body = read_json(response.content)
        except ValueError:
            body = None
    found = errors_of(body)
    if not found and status < 300:
        return None
    if status == 429 or (found and found[0][0] in _THROTTLED):
        return RateLimitedError("Amazon asks to wait: the quota of this call is used up.", retry_after=_wait(response))
    if not found:
        return _by_status(response)
    return _error(found, status, response.headers.get("x-amzn-requestid", ""))


def errors_of(body: Any) -> list[tuple[str, str]]:
    """(code, text) of each error that a body carries."""
    if not isinstance(body, Mapping):
        return []
    listed = body.get("errors")
    if isinstance(listed, list) and listed:
        return [_pair(entry) for entry in listed]
    if isinstance(listed, Mapping) and listed:
        return [_pair(listed)]
    if "error" in body and "error_description" in body:
        return [(str(body["error"]), str(body["error_description"]))]
    if body.get("code") is not None and ("details" in body or "message" in body or "requestId" in body):
        pair = _pair(body)
        return [] if pair[0].upper() in _SUCCESS else [pair]
    return []


def _pair(entry: Any) -> tuple[str, str]:
    if not isinstance(entry, Mapping):
        return "", str(entry)[:_LIMIT]
    code = entry.get("code") or entry.get("errorType") or entry.get("errorCode") or ""
    texts = [entry.get(name) for name in ("message", "details", "detail")]
    return str(code), " ".join(str(text) for text in texts if text)[:_LIMIT]


def _error(found: list[tuple[str, str]], status: int, request_id: str) -> ConnectorError:
    code, text = found[0]
    message = f"Amazon answered {code or status}: {text}".strip()
    detail = f"request {request_id}" if request_id else ""
    lower = text.lower()
    if any(said in lower for said in _NOT_FOR_THIS_ACCOUNT):
        return RefusedError(message, status=status, codes=(code,), detail=detail)
    if code in ("invalid_grant", "unauthorized_client"):
        return AuthorizationError(message, detail=detail)
    if status in (401, 403) or code in _DENIED:
        gone = "revoked" in lower
        return AuthorizationError(
            message, refreshable=not gone, hint=_STORE_HINT if status == 403 else "", detail=detail
        )
    if code in ("invalid_client", "InvalidClient"):
        return ConfigurationError(message, hint="Check the app's client id and secret.", detail=detail)
    if status >= 500 or status == 408 or code in _PASSING:
        return TransientError(message, detail=detail)
    return RefusedError(message, status=status, codes=tuple(code for code, _ in found), detail=detail)


def _by_status(response: Any) -> ConnectorError | None:
    """What the HTTP status alone says. The rest is the client's."""
    if response.status_code in (400, 404, 425):
        return RefusedError(
            f"Amazon answered HTTP {response.status_code}.", status=response.status_code, detail=response.text[:_LIMIT]
        )
    return None


def _wait(response: Any) -> timedelta | None:
    """Retry-After, else the time in which one call of this operation becomes free again."""
    told = retry_after(response)
    if told is not None:
        return told
    try:
        rate = float(response.headers.get("x-amzn-ratelimit-limit", ""))
    except ValueError:
        return None
    return timedelta(seconds=min(1 / rate, _LONGEST_WAIT)) if rate > 0 else None
