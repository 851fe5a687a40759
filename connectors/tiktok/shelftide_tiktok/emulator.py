"""TikTok on a loopback port: one emulator a product, since each has its own hosts, app and tokens."""

from shelftide_tiktok.emulator_ads import TikTokAdsEmulator
from shelftide_tiktok.emulator_organic import TikTokOrganicEmulator
from shelftide_tiktok.emulator_shop import TikTokShopEmulator

__all__ = ["TikTokAdsEmulator", "TikTokOrganicEmulator", "TikTokShopEmulator"]
