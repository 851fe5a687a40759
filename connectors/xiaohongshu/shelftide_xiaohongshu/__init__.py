"""Xiaohongshu connectors for Shelftide: the shop (Ark), ads (Juguang) and paid creators' notes (Pugongying)."""

from shelftide_sdk import Connector, hookimpl
from shelftide_xiaohongshu.ark import XiaohongshuArk


@hookimpl
def register_connectors() -> list[type[Connector]]:
    """The connectors of this distribution."""
    return [XiaohongshuArk]
