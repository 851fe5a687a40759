"""The simulated world: one seed, one truth, many platforms that show it."""

from shelftide_sdk.testing.world.truth import AdRow, CauseRow, DailyRow, StockRow, TotalRow, Truth, VideoRow
from shelftide_sdk.testing.world.world import World

__all__ = ["AdRow", "CauseRow", "DailyRow", "StockRow", "TotalRow", "Truth", "VideoRow", "World"]
