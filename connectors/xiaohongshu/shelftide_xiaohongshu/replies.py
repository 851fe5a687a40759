"""What Xiaohongshu's replies mean: two spellings of one envelope, hardly any published codes, errors in HTTP 200.

Success needs `success` true and code 0, outside and, where a second envelope stands inside `data`, inside too. The raw
pair of code and text is kept in the message; the text decides the kind, since the codes are not published.

Sources: Ark open platform, pages of the methods; Juguang MAPI clients.
"""

import re
from collections.abc import Callable, Mapping
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

_Build = Callable[[str], ConnectorError]
_MESSAGE_LIMIT = 200


def _expired(text: str) -> ConnectorError:
    return AuthorizationError(text, refreshable=True)


def _unsigned(text: str) -> ConnectorError:
    return ConfigurationError(text, hint="Check the app's id and secret.")


_CODES: Mapping[int, _Build] = {
    -2000701: RateLimitedError,  # the day's quota of decryptions
    -2000702: TransientError,
    -1010001: TransientError,  # the seller could not be looked up
    401: _expired,
    429: RateLimitedError,
}
# The first pattern that a text matches decides.
_WORDS: tuple[tuple[re.Pattern[str], _Build], ...] = (
    (re.compile(r"限流|频繁|流控|频率|配额|too many|too frequent|rate.?limit|qps|quota|frequency"), RateLimitedError),
    (re.compile(r"时间戳|timestamp"), TransientError),  # each try is signed with a fresh time
    (re.compile(r"签名|\bsign(ature)?\b"), _unsigned),
    (re.compile(r"app_?key|app_?id|app_?secret|应用不存在|应用无效"), _unsigned),
    (re.compile(r"令牌|token|授权.{0,4}(过期|失效)|未登录|not login"), _expired),
    (re.compile(r"权限|无权|未授权|授权|permission|unauthori[sz]ed|forbidden|scope|access denied"), AuthorizationError),
    (
        re.compile(
            r"系统|稍后|超时|繁忙|服务.{0,4}(异常|失败)|内部|重试|system|time.?out|internal|busy|unavailable|again"
        ),
        TransientError,
    ),
)


def classify_ark(response: Any) -> ConnectorError | None:
    """The error in a reply of the Ark gateway, or None."""
    return _classify(response, ark_error)


def classify_mapi(response: Any) -> ConnectorError | None:
    """The error in a reply of the marketing API, or None."""
    return _classify(response, mapi_error)


def ark_error(body: Any) -> ConnectorError | None:
    """The error that an Ark envelope carries, the inner one of `data.response` included, or None."""
    error = _envelope_error(body, strict=True)
    if error is not None:
        return error
    data = body.get("data")
    inner = data.get("response") if isinstance(data, Mapping) else None
    if isinstance(inner, Mapping) and ("success" in inner or "code" in inner):
        return _envelope_error(inner, strict=True)
    return None


def mapi_error(body: Any) -> ConnectorError | None:
    """The error that an envelope of the marketing API carries, or None. A failure is `success` other than true."""
    return _envelope_error(body, strict=False)


def _classify(response: Any, read: Callable[[Any], ConnectorError | None]) -> ConnectorError | None:
    try:
        body = read_json(response.content)
    except ValueError:
        if response.status_code >= 300:
            return None
        return TransientError("Xiaohongshu's reply is cut or is not JSON")
    if response.status_code >= 300:
        # The client names HTTP errors, but it knows no words: a token may be named under any status.
        told = isinstance(body, Mapping) and "success" in body and response.status_code not in (429, 500, 502, 503)
        return read(body) if told else None
    return read(body)


def _envelope_error(body: Any, *, strict: bool) -> ConnectorError | None:
    if not isinstance(body, Mapping) or not ("success" in body or "code" in body or "error_code" in body):
        return ContractError("Xiaohongshu's reply is not an envelope")
    code = _code(body)
    good = body.get("success") in (True, "true") if "success" in body else False
    if good and (code == 0 or not strict):
        return None
    if good and code is None and not any(name in body for name in ("error_code", "code")):
        return None
    return _named(code, _message(body))


def _code(body: Mapping[str, Any]) -> int | None:
    for name in ("error_code", "errorCode", "code"):
        value = body.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if isinstance(value, str) and re.fullmatch(r"-?\d{1,12}", value):
            return int(value)
    return None


def _message(body: Mapping[str, Any]) -> str:
    for name in ("error_msg", "errorMsg", "msg", "message"):
        value = body.get(name)
        if isinstance(value, str) and value:
            return value[:_MESSAGE_LIMIT]
    return ""


def _named(code: int | None, message: str) -> ConnectorError:
    told = f"Xiaohongshu answered {'no code' if code is None else code}: {message or 'no text'}"
    if code is not None and code in _CODES:
        return _CODES[code](told)
    lower = message.lower()
    return next((build(told) for pattern, build in _WORDS if pattern.search(lower)), ContractError(told))
