"""Shopify's replies: errors that come with HTTP 200, and what a query costs.

Source: shopify.dev on GraphQL Admin rate limits and status codes.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import msgspec

from shelftide_sdk.bodies import read_json
from shelftide_sdk.errors import (
    AuthorizationError,
    ConfigurationError,
    ConnectorError,
    ContractError,
    RateLimitedError,
    TransientError,
)

_SCOPE = re.compile(r"`?\b((?:read|write)_[a-z_]+)\b`?")
_SECOND = timedelta(seconds=1)
_LONGEST_SECONDS = 7 * 86_400.0
_BODY = "shelftide_shopify.body"


class QueryTooLargeError(ContractError):
    """The query asks for more points than one query may cost. The reader halves its page; a repeat is useless."""


def decode(body: bytes) -> Any:
    """A JSON text. Raises ValueError.

    What the quick decoder refuses (half of a surrogate pair, NaN) the patient one may still read: then one row goes to
    quarantine and not its whole page.
    """
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError:
        return read_json(body)


def read_body(response: Any) -> Any:
    """A reply's JSON, decoded once however often it is asked for. Raises ValueError."""
    held = response.extensions
    if _BODY not in held:
        held[_BODY] = decode(response.content)
    return held[_BODY]


def classify_reply(response: Any) -> ConnectorError | None:
    """Name the error in an HTTP reply, or None if it is good. Partial data beside errors is an error."""
    if response.status_code != 200:
        return _classify_status(response)
    if not response.headers.get("content-type", "").startswith("application/json"):
        return None
    try:
        body = read_body(response)
    except ValueError:
        return TransientError("Shopify sent a broken reply", detail="HTTP 200 with invalid JSON")
    errors = body.get("errors") if isinstance(body, dict) else None
    return _classify_errors(errors, body) if errors else None


def _classify_status(response: Any) -> ConnectorError | None:
    status = response.status_code
    detail = f"HTTP {status}"
    if status == 429:
        return RateLimitedError("Shopify asks to wait", retry_after=_retry_after(response), detail=detail)
    if status >= 500:
        return TransientError("Shopify is not available for the moment", detail=detail)
    return _STATUSES[status](detail) if status in _STATUSES else None


_STATUSES: Mapping[int, Callable[[str], ConnectorError]] = {
    401: lambda detail: AuthorizationError("Shopify does not accept the token", refreshable=True, detail=detail),
    402: lambda detail: AuthorizationError(
        "The shop is frozen", hint="The merchant must settle the bill at Shopify.", detail=detail
    ),
    403: lambda detail: AuthorizationError("Shopify refuses access to the shop", detail=detail),
    404: lambda detail: ConfigurationError("There is no such shop", detail=detail),
    423: lambda detail: AuthorizationError(
        "The shop is locked", hint="The merchant must ask Shopify to unlock the shop.", detail=detail
    ),
    430: lambda detail: ContractError("Shopify's security rules refuse the request", detail=detail),
}


def _retry_after(response: Any) -> timedelta | None:
    try:
        told = float(response.headers["retry-after"])
    except (KeyError, ValueError):
        return None
    return min(max(told, 0.0), _LONGEST_SECONDS) * _SECOND if math.isfinite(told) else None


def _classify_errors(errors: Any, body: Mapping[str, Any]) -> ConnectorError:
    """The most telling of several errors: a refusal outweighs a wait, a wait outweighs a failure."""
    if not isinstance(errors, Sequence) or isinstance(errors, str):
        return ContractError("Shopify answers with an error in an unknown form", detail=str(errors)[:500])
    by_code = {_code(error): error for error in reversed(errors)}
    for code, build in _CODES.items():
        if code in by_code:
            return build(by_code[code], body)
    return ContractError("Shopify does not accept the query", detail=str(errors)[:500])


def _code(error: Any) -> str:
    if not isinstance(error, dict):
        return ""
    extensions = error.get("extensions")
    if isinstance(extensions, dict) and extensions.get("code"):
        return str(extensions["code"])
    message = str(error.get("message", ""))
    if message.startswith("Throttled"):
        return "THROTTLED"
    return "INTERNAL_SERVER_ERROR" if message.startswith("Internal error") else ""


def _access_denied(error: Mapping[str, Any], body: Mapping[str, Any]) -> ConnectorError:
    extensions = error["extensions"]  # it named the code
    text = f"{extensions.get('requiredAccess') or ''} {error.get('message', '')}"
    scopes = tuple(dict.fromkeys(_SCOPE.findall(text)))
    path = error.get("path")
    field = ".".join(map(str, path)) if isinstance(path, list) else ""
    return AuthorizationError(
        f"The app may not read {field or 'this data'}", missing_scopes=scopes, detail=str(error)[:500]
    )


def _shop_inactive(error: Mapping[str, Any], body: Mapping[str, Any]) -> ConnectorError:
    return AuthorizationError("The shop is not active", hint="The merchant must reopen the shop.")


def _throttled(error: Mapping[str, Any], body: Mapping[str, Any]) -> ConnectorError:
    extensions = body.get("extensions")
    wait = throttle_wait(extensions.get("cost") if isinstance(extensions, dict) else None)
    return RateLimitedError("The shop's query budget is used up", retry_after=wait)


def _too_large(error: Mapping[str, Any], body: Mapping[str, Any]) -> ConnectorError:
    return QueryTooLargeError("The query costs more than one query may", detail=str(error)[:500])


def _internal(error: Mapping[str, Any], body: Mapping[str, Any]) -> ConnectorError:
    return TransientError("Shopify had an internal error", detail=str(error)[:500])


_CODES = {
    "ACCESS_DENIED": _access_denied,
    "SHOP_INACTIVE": _shop_inactive,
    "THROTTLED": _throttled,
    "MAX_COST_EXCEEDED": _too_large,
    "INTERNAL_SERVER_ERROR": _internal,
}


def throttle_wait(cost: Any) -> timedelta | None:
    """How long until the bucket holds enough: (requested - available) / restore rate. None if Shopify does not say."""
    try:
        status = cost["throttleStatus"]
        missing = float(cost["requestedQueryCost"]) - float(status["currentlyAvailable"])
        return timedelta(seconds=max(missing, 0.0) / float(status["restoreRate"]))
    except (KeyError, TypeError, ValueError, ArithmeticError):
        return None
