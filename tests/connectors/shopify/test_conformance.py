"""Shopify keeps the promises of every connector."""

import msgspec

from shelftide_sdk.connector import days
from shelftide_sdk.testing.conformance import ConnectorConformance
from shelftide_shopify.connector import Shopify

_ERRORS: tuple[object, ...] = (
    [{"message": "Throttled", "extensions": {"code": "SOMETHING_NEW"}}],
    [{"message": "Access denied for orders field.", "extensions": {"code": "ACCESS_DENIED"}}],
    [{"message": "Internal error. Looks like something went wrong on our end."}],
    "Not Found",
)


def _reply(errors: object) -> str:
    return msgspec.json.encode({"data": {"orders": None}, "errors": errors}).decode()


class TestShopify(ConnectorConformance):
    connector = Shopify
    since = days(7)
    loopback = True
    error_replies = tuple(_reply(errors) for errors in _ERRORS)
