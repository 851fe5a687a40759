"""What TikTok's replies mean. Both products answer most errors with HTTP 200 and a code in the body.

Sources: code tables of the Business API SDK and its connectors; Partner API documentation, "Common errors".
"""

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

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
_SCOPE = re.compile(r"\b(?:seller|creator|partner|data)(?:\.[a-z_]+)+")
# The scope that opens each family of calls, for refusals that do not name it.
_SCOPES = {
    "authorization": "seller.authorization.info",
    "order": "seller.order.info",
    "product": "seller.product.basic",
    "return_refund": "seller.return_refund.basic",
    "logistics": "seller.logistics",
    "finance": "seller.finance.info",
    "affiliate_seller": "seller.affiliate_collaboration.read",
}


def _refused(text: str) -> ConnectorError:
    hint = "Open the account's analytics once in the TikTok app, check the granted permissions, then reconnect."
    return AuthorizationError(text, hint=hint)


def _expired(text: str) -> ConnectorError:
    return AuthorizationError(text, refreshable=True)


_ORGANIC: Mapping[int, _Build] = {
    40001: _refused,
    40002: ContractError,
    40007: ConfigurationError,
    40100: RateLimitedError,
    40101: ConfigurationError,
    40102: _expired,
    40105: _expired,
    40110: AuthorizationError,
    40200: TransientError,
    40201: TransientError,
    40202: TransientError,
    40700: TransientError,
}

_SHOP: Mapping[int, _Build] = {
    101000: ConfigurationError,
    105001: AuthorizationError,
    105002: _expired,
    105003: AuthorizationError,
    105004: AuthorizationError,
    106001: lambda text: ConfigurationError(text, hint="Check the app key and the app secret."),
    106013: lambda text: ConfigurationError(text, hint="Reconnect the shop."),
    36004004: AuthorizationError,
    36009002: RateLimitedError,
    36009003: TransientError,
    12001000: TransientError,
    25020008: TransientError,
}
# Code 36009004 stands for many errors; the first word that its message contains decides.
_CATCH_ALL: tuple[tuple[str, _Build], ...] = (
    ("timestamp", TransientError),  # each try is signed with a fresh time
    ("page_token", ContractError),
    ("cipher", ContractError),
    ("token", _expired),
    ("app key", ConfigurationError),
    ("app_key", ConfigurationError),
    ("sign", ConfigurationError),
)


def classify_organic(response: Any) -> ConnectorError | None:
    """The error in an Accounts API reply, or None. HTTP errors without a body of TikTok's are the client's to name."""
    body = _body(response)
    return None if _left_to_the_client(response, body) else organic_error(body)


def classify_shop(response: Any) -> ConnectorError | None:
    """The error in a Partner API reply, or None. HTTP 429 is the client's: it reads Retry-After."""
    body = _body(response)
    if response.status_code == 429 or _left_to_the_client(response, body):
        return None
    error = shop_error(body)
    if error is None or body.get("code") != 105005:
        return error
    scopes = tuple(dict.fromkeys(_SCOPE.findall(str(body.get("message", "")))))
    return AuthorizationError(error.message, missing_scopes=scopes or _scope_of(response))


def organic_error(body: Any) -> ConnectorError | None:
    """The error that an envelope of the Accounts API carries, or None."""
    code, text = _code(body)
    if code == 0:
        return None
    if code in _ORGANIC:
        return _ORGANIC[code](text)
    return TransientError(text) if 50000 <= code < 60000 else ContractError(text)


def shop_error(body: Any) -> ConnectorError | None:
    """The error that an envelope of the Partner API carries, or None."""
    code, text = _code(body)
    if code == 0:
        return None
    if code == 105005:
        return AuthorizationError(text, missing_scopes=tuple(_SCOPE.findall(text)))
    if code == 36009004:
        found = (build for word, build in _CATCH_ALL if word in text.lower())
        return next(found, ContractError)(text)
    return _SHOP.get(code, ContractError)(text)


def _code(body: Any) -> tuple[int, str]:
    """(code, public text). Raises ContractError for what is no envelope."""
    code = body.get("code") if isinstance(body, dict) else None
    if isinstance(code, str) and code.isascii() and code.isdigit():
        code = int(code)
    if not isinstance(code, int) or isinstance(code, bool):
        raise ContractError("TikTok's reply is not an envelope with a code")
    return code, f"TikTok answered {code}: {str(body.get('message', ''))[:_MESSAGE_LIMIT]}"


def _left_to_the_client(response: Any, body: Any) -> bool:
    return response.status_code >= 300 and not (isinstance(body, dict) and body.get("code"))


def _body(response: Any) -> Any:
    try:
        return read_json(response.content)
    except ValueError as error:
        if response.status_code >= 300:
            return None
        raise TransientError("TikTok's reply is cut or is not JSON") from error


def _scope_of(response: Any) -> tuple[str, ...]:
    family = urlsplit(str(response.request.url)).path.strip("/").split("/")[0]
    return (_SCOPES.get(family, f"the scope of {family}"),)
