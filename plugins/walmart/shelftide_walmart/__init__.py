"""Walmart Marketplace, as an outsider connects it to Shelftide."""

from shelftide_sdk import Connector, hookimpl
from shelftide_walmart.connector import Walmart

__all__ = ["Walmart", "register_connectors"]


@hookimpl
def register_connectors() -> list[type[Connector]]:
    """The connectors of this distribution."""
    return [Walmart]
