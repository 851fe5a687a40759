"""Xiaohongshu connectors for Shelftide: the shop (Ark), ads (Juguang) and paid creators' notes (Pugongying)."""

from shelftide_sdk import Connector, hookimpl
from shelftide_xiaohongshu.ark import XiaohongshuArk
from shelftide_xiaohongshu.juguang import XiaohongshuJuguang
from shelftide_xiaohongshu.pugongying import XiaohongshuPugongying


@hookimpl
def register_connectors() -> list[type[Connector]]:
    """The connectors of this distribution."""
    return [XiaohongshuArk, XiaohongshuJuguang, XiaohongshuPugongying]
