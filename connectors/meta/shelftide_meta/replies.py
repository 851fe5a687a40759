"""What an error of the Graph API asks for.

An error is `{"error": {"message", "type", "code", "error_subcode", "is_transient", ...}}`, mostly under HTTP 400.
Sources: Meta, "Handle errors" and "Rate limits"; code tables of public connectors.
"""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from shelftide_sdk.bodies import read_json
from shelftide_sdk.errors import (
    AuthorizationError,
    ConnectorError,
    ContractError,
    RateLimitedError,
    TransientError,
)
from shelftide_sdk.http import retry_after

TOKEN_CODES = frozenset({190})
SESSION_CODE = 102
PERMISSION_CODE = 10
TOO_MUCH = "reduce the amount of data"
_THROTTLED = frozenset({4, 17, 32, 341, 613, *range(80000, 80007), 80008})
_PASSING = frozenset({1, 2})
_QUOTA_BLOCK = 2446079
_SUMMARY = "in summary param"  # a random refusal of ads insights since v19, good at the next try
_BLOCKED = 368
_BLOCKED_HINT = "Meta has blocked the account; see its support inbox."
_REFUSED_HINT = "Reconnect and grant every permission that is asked for."
_MESSAGE_LIMIT = 200
_UNKNOWN_WAIT = timedelta(minutes=1)
_QUOTA_WAIT = timedelta(minutes=5)
_REASONS = {
    458: "the app was removed from the account",
    459: "the account must pass a checkpoint on facebook.com",
    460: "the password was changed",
    463: "the token has expired",
    464: "the account is not confirmed",
    467: "the token is no longer valid",
    492: "the role on the page was lost",
}


class GraphError(ContractError):
    """An error about one object or one parameter, which a connector may know how to take.

    `code` and `subcode` are Meta's.
    """

    def __init__(self, message: str, *, code: int, subcode: int = 0, detail: str = "") -> None:
        super().__init__(message, detail=detail)
        self.code = code
        self.subcode = subcode

    @property
    def is_gone(self) -> bool:
        """The object is missing or not visible."""
        return (self.code, self.subcode) == (100, 33)

    @property
    def is_before_business(self) -> bool:
        """The post is older than the switch to a business account: it has no insights, ever."""
        return (self.code, self.subcode) == (100, 2108006)

    @property
    def has_few_viewers(self) -> bool:
        """Too few people have seen it for insights: nothing is known, nothing is wrong."""
        return self.code == PERMISSION_CODE

    @property
    def asks_for_less(self) -> bool:
        """The same request, smaller, may succeed."""
        return self.code in (1, 960)


def classify(response: Any) -> ConnectorError | None:
    """The error in a reply, whatever its HTTP status, or None. What is not JSON under an error is the client's."""
    try:
        body = read_json(response.content)
    except ValueError as error:
        if response.status_code >= 300:
            return None
        raise TransientError("Meta's reply is cut or is not JSON") from error
    found = body.get("error") if isinstance(body, Mapping) else None
    return None if found is None else error_of(found, response)


def error_of(error: Any, response: Any = None) -> ConnectorError:
    """The kind that an error object asks for. `response` gives the headers that name a wait."""
    if not isinstance(error, Mapping):
        return ContractError(f"Meta refused: {str(error)[:_MESSAGE_LIMIT]}")
    code, subcode = _number(error.get("code")), _number(error.get("error_subcode"))
    said = str(error.get("message") or error.get("error_user_msg") or "")[:_MESSAGE_LIMIT]
    message = f"Meta answered {code}{f'/{subcode}' if subcode else ''}: {said}"
    detail = f"fbtrace_id {error.get('fbtrace_id')}"
    if code in TOKEN_CODES or code == SESSION_CODE:
        why = _REASONS.get(subcode, "")
        text = f"{message} ({why})" if why else message
        return AuthorizationError(text, refreshable=code == SESSION_CODE, detail=detail)
    if code in _THROTTLED or (response is not None and response.status_code == 429):
        return RateLimitedError(message, retry_after=_wait(response, subcode), detail=detail)
    if code == PERMISSION_CODE and "not enough viewers" in said.lower():
        return GraphError(message, code=code, subcode=subcode, detail=detail)
    if code in (PERMISSION_CODE, _BLOCKED) or 200 <= code <= 299:
        return AuthorizationError(message, hint=_BLOCKED_HINT if code == _BLOCKED else _REFUSED_HINT, detail=detail)
    if code == 960 or TOO_MUCH in said.lower():
        return GraphError(message, code=1 if code != 960 else 960, subcode=subcode, detail=detail)
    if code in _PASSING or error.get("is_transient") is True or _SUMMARY in said:
        return TransientError(message, detail=detail)
    return GraphError(message, code=code, subcode=subcode, detail=detail)


def _number(value: Any) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value[:12])
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _wait(response: Any, subcode: int) -> timedelta:
    """How long the headers ask to wait: Retry-After, else the longest time to regain access that they name."""
    if response is not None:
        told = retry_after(response)
        if told is not None:
            return told
        regained = regain_time(response.headers)
        if regained:
            return regained
    return _QUOTA_WAIT if subcode == _QUOTA_BLOCK else _UNKNOWN_WAIT


def regain_time(headers: Mapping[str, str]) -> timedelta:
    """The longest wait that usage headers name: minutes of a business use case, seconds of an ad account."""
    waits = [timedelta(0)]
    for rows in _header(headers, "x-business-use-case-usage").values():
        usages = [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []
        minutes = [_number(row.get("estimated_time_to_regain_access")) for row in usages]
        waits += [timedelta(minutes=min(count, 1440)) for count in minutes]
    account = _header(headers, "x-ad-account-usage")
    if _number(account.get("acc_id_util_pct")) >= 100:
        waits.append(timedelta(seconds=min(_number(account.get("reset_time_duration")), 86_400)))
    return max(waits)


def throttle_share(headers: Mapping[str, str]) -> float:
    """How much of the allowance for ads insights is used, in percent."""
    usage = _header(headers, "x-fb-ads-insights-throttle")
    found = [usage.get(name) for name in ("app_id_util_pct", "acc_id_util_pct")]
    return max([0.0, *(float(min(value, 100)) for value in found if isinstance(value, int | float))])


def _header(headers: Mapping[str, str], name: str) -> Mapping[str, Any]:
    try:
        found = json.loads(headers.get(name) or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, Mapping) else {}
