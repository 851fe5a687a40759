"""TikTok connectors for Shelftide: organic (Accounts API), Ads (Marketing API) and Shop (Partner API)."""

from shelftide_sdk import Connector, hookimpl
from shelftide_tiktok.ads import TikTokAds
from shelftide_tiktok.organic import TikTokOrganic
from shelftide_tiktok.shop import TikTokShop


@hookimpl
def register_connectors() -> list[type[Connector]]:
    """The connectors of this distribution."""
    return [TikTokOrganic, TikTokAds, TikTokShop]
