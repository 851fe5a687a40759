"""Shopify connector for Shelftide."""

from shelftide_sdk import Connector, hookimpl
from shelftide_shopify.connector import Shopify


@hookimpl
def register_connectors() -> list[type[Connector]]:
    """The connectors of this distribution."""
    return [Shopify]
