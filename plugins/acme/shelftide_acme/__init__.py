"""Acme Market, an invented platform, as an outsider connects it to Shelftide."""

from shelftide_acme.connector import Acme
from shelftide_sdk import Connector, hookimpl

__all__ = ["Acme", "register_connectors"]


@hookimpl
def register_connectors() -> list[type[Connector]]:
    """The connectors of this distribution."""
    return [Acme]
