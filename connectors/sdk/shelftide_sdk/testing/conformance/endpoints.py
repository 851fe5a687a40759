"""Which call of a platform a request is, where a path alone does not tell."""

import re
from urllib.parse import parse_qsl

from shelftide_sdk.testing.shapes import decode

# What tells the calls of one path apart: `{"call": "orders"}`, `?method=orders.get`, the text of a GraphQL query.
_CALL = re.compile(
    r"(api_?)?(call|method|action|op|operation(_?name)?|query|command|function|service|(report_?)?type|resource)",
    re.IGNORECASE,
)
_VARYING = re.compile(r"\"[^\"]*\"|[^\s/.?&]*\d[^\s/.?&]*")

Endpoint = tuple[str, ...]
Asked = tuple[str, str, bytes]


def endpoint_of(request: Asked, place: str) -> Endpoint:
    """Method, path, call and place in the reply, without what is another each time: ids and dates."""
    method, asked, _ = request
    return tuple(_VARYING.sub("*", text) for text in (method, asked.partition("?")[0], place, *calls_of(request)))


def calls_of(request: Asked) -> list[str]:
    """What a query or a body names as its call, without what is another each time."""
    _, asked, body = request
    sent = decode(body)[0]
    named = parse_qsl(asked.partition("?")[2])
    named += sent.items() if isinstance(sent, dict) else parse_qsl(body.decode("latin-1"))
    return sorted(_VARYING.sub("*", value) for name, value in named if _CALL.fullmatch(name) and isinstance(value, str))
