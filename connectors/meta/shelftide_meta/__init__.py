"""Meta connectors for Shelftide: Instagram (Graph API) and Meta Ads (Marketing API)."""

from shelftide_meta.ads import MetaAds
from shelftide_meta.instagram import Instagram
from shelftide_sdk import Connector, hookimpl


@hookimpl
def register_connectors() -> list[type[Connector]]:
    """The connectors of this distribution."""
    return [Instagram, MetaAds]
