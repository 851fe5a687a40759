"""Every assumption of the world, each with its reason. Fixed before any model is run on it.

Rates are fractions of 1, durations carry their unit in the name. Changing a value changes every world: say why in the
commit, and run the benches again.
"""

from decimal import Decimal

import msgspec

# --- sizes -----------------------------------------------------------------------------------------------------------


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """How much is simulated. `volume` scales the orders of all brands."""

    deep: int
    light: int
    days: int
    volume: float


SIZES = {
    # An agency pair that a small team really runs; fits in seconds and below 400 MB.
    "demo": Size(deep=5, light=35, days=90, volume=1.0),
    # For unit tests: the story's brands, a month, few orders.
    "small": Size(deep=2, light=2, days=30, volume=0.3),
    # Long enough for 28-day windows and a quarter of history, wide enough for cohorts of brands.
    "bench": Size(deep=10, light=90, days=180, volume=1.0),
}

# --- content ---------------------------------------------------------------------------------------------------------

# Crane and Sornette (PNAS 2008): waiting times with exponent 1 + theta, theta about 0.4 on 5 million videos.
THETA = 0.4
# Platforms keep counting for about a year, but 99 % of a short video's views come within a quarter.
CURVE_HORIZON_HOURS = 120 * 24.0
# Most posts are pushed once and fade (sub-critical); true word of mouth (critical) is rare in the published sample.
CURVE_SHARES = {
    "exogenous-subcritical": 0.65,
    "exogenous-critical": 0.15,
    "endogenous-critical": 0.08,
    "endogenous-subcritical": 0.12,
}
# Audiences sleep: the hourly rate swings by a third over a day. Two slower swings stand for noise of about 12 %.
WARP_SWINGS = ((24.0, 0.34), (61.0, 0.12), (37.0, 0.12))
# Views of an ordinary post relative to followers; log sd from the spread of published per-post reports.
VIEWS_PER_FOLLOWER = 0.35
VIEWS_LOG_SD = 0.8
# About one post in thirty escapes its audience; brands report two to six such posts a quarter.
VIRAL_SHARE = 0.035
VIRAL_FACTOR = (18.0, 60.0)
# Three of four viral videos do not sell anything (the replay protocol's decoy share).
VIRAL_SELLS = 0.25
# An ordinary post sells now and then, and little.
ORDINARY_SELLS = 0.10
# A selling viral video brings 15 days' worth of extra demand at the median, log sd 0.8 (the replay protocol).
VIRAL_DAYS_WORTH = 15.0
VIRAL_DAYS_LOG_SD = 0.8
ORDINARY_DAYS_WORTH = 0.8
# Purchase follows the view by 1 to 6 days, mean 2.3: a truncated geometric law with ratio 0.63.
LAG_RATIO = 0.63
LAG_DAYS = 6
# After this the daily views of a fading video move no order any more.
SELLING_DAYS = 60
# Two to sixty minutes of moderation for most posts, up to a day for one in five.
MODERATION_SLOW_SHARE = 0.2
# Split of engagements; likes dominate on all short-video networks, saves are the rarest.
ENGAGEMENT_SPLIT = {"likes": 0.86, "comments": 0.05, "shares": 0.06, "saves": 0.03}
# Post-to-post spread of the engagement rate; small beside the spread of views.
ENGAGEMENT_SPREAD = 0.10
# Creators' audiences react more than a brand's own.
CREATOR_ENGAGEMENT = 0.055
REACH_PER_VIEW = 0.83
FOLLOWS_PER_VIEW = 0.0016
PROFILE_VIEWS_PER_VIEW = 0.011
CLICKS_PER_VIEW = 0.0035
# Of the people whom a creator wins, some follow the brand that is shown.
CREATOR_FOLLOW_SHARE = 0.3
# Unfollows a day as a share of followers: public trackers show 0.5 to 1.5 % a month.
LOST_FOLLOWERS_A_DAY = 0.0003
CREATOR_POSTS_A_WEEK = 3.0

# --- demand ----------------------------------------------------------------------------------------------------------

# Monday to Sunday: home shopping peaks on Sunday and Monday, Saturday is the weakest.
WEEKDAYS = (1.06, 1.00, 0.98, 0.99, 0.97, 0.93, 1.07)
# Share of orders by local hour: a lunch hump and an evening peak.
HOURS = (
    1.6,
    0.9,
    0.5,
    0.4,
    0.4,
    0.6,
    1.2,
    2.2,
    3.4,
    4.4,
    5.2,
    5.6,
    5.9,
    5.6,
    5.2,
    5.0,
    5.0,
    5.2,
    5.8,
    6.8,
    7.8,
    8.2,
    7.0,
    4.1,
)
# Days differ by more than Poisson noise (weather, mails, pay days).
DAY_LOG_SD = 0.15
# Season peaks: singles' day in Greater China and Japan, Black Friday to Cyber Monday in the West.
SINGLES_DAY_FACTOR = 2.6
BLACK_FRIDAY_FACTOR = 2.2
# What brings an ordinary order to the own shop. Organic share: a third to a half of direct-to-consumer orders have no
# paid or social touch at all.
SHOP_CAUSES = {"organic": 0.44, "search": 0.24, "direct": 0.13, "newsletter": 0.12, "creator": 0.07}
# Inside marketplaces the buyer searches or browses.
MARKET_CAUSES = {"organic": 0.55, "search": 0.38, "creator": 0.07}
QUANTITIES = {1: 0.84, 2: 0.13, 3: 0.03}
EXTRA_LINE_SHARE = 0.18
REPEAT_SHARE = 0.22
POS_SHARE = 0.15
TEST_ORDERS_A_DAY = 0.12
# Buyers of a brand's own market pay in its currency; one in twelve sees another.
PRESENTMENT_SHARE = 0.08
# Split of a video's orders when the brand sells both in the app and in its own shop.
IN_APP_SHARE = 0.55
# One live a week is the usual rhythm of a small brand; it brings half a day of that channel's orders.
LIVE_SHARE_OF_DAYS = 1 / 7
LIVE_DAYS_WORTH = 0.5
CODE_SHARE_OF_CREATOR = 0.6
# Coupon sites pass creators' codes on: orders that the creator did not cause.
LEAKED_CODE_SHARE = 0.03
PROMO_RATE = Decimal("0.10")
PLATFORM_DISCOUNT_SHARE = 0.25
# The touch that caused an order is seen in the journey four times out of five; the rest switches device or app.
VISIBLE_TOUCH_SHARE = 0.8
JOURNEY_READY_HOURS = (1.0, 36.0)
CANCEL_SHARE = 0.03
OVERSOLD_CANCEL_SHARE = 0.6
REFUND_SHARE = 0.06
FULL_REFUND_SHARE = 0.4
GOODWILL_SHARE = 0.12
SECOND_REFUND_SHARE = 0.15
RESTOCK_SHARE = 0.7
# US sales tax on top of the price; elsewhere the price includes it.
US_TAX = Decimal("0.08")
# Two checkouts race for the last piece: the own shop oversells in one of four such cases, by three pieces at most.
OVERSELL_SHARE = 0.25
OVERSELL_LIMIT = 3

# --- stock -----------------------------------------------------------------------------------------------------------

# The habit of small brands: every second week, order up to lead time plus review plus ten days, from four weeks' sales.
# It looks at sales only, so it is late for viral demand and is misled by sales lost to an empty shelf.
REVIEW_DAYS = 14
SAFETY_DAYS = 10
HABIT_WINDOW_DAYS = 28
OPENING_EXTRA_DAYS = 26
# Arrival against promise in days: mostly on time, sometimes late.
ARRIVAL_SPREAD = {0: 0.65, 1: 0.22, 2: 0.09, 3: 0.04}

# --- ads -------------------------------------------------------------------------------------------------------------

AD_NETWORKS = ("tiktok-ads", "meta-ads", "amazon-ads", "xiaohongshu-juguang")
# Orders really caused by a network's ads as a share of a brand's ordinary orders; the last two sell little yet.
AD_ORDERS_HABIT = 0.2  # what the habit of reordering expects of ads
AD_ORDERS_SHARE = {"tiktok-ads": 0.1, "meta-ads": 0.1, "amazon-ads": 0.03, "xiaohongshu-juguang": 0.02}
# Ad cost of a really caused order, as a share of the order's value.
AD_COST_SHARE = 0.38
# Platforms report 1.3 to 1.8 times what they caused: view-through credit and double counting.
OVER_REPORTING = (1.3, 1.8)
# Days until conversions of a day stop growing (attribution windows), and the share known on the first day.
RIPEN_DAYS = {"tiktok-ads": 7, "meta-ads": 28, "amazon-ads": 14, "xiaohongshu-juguang": 7}
RIPE_AT_ONCE = 0.6
COST_PER_THOUSAND = {"tiktok-ads": 6.5, "meta-ads": 9.5, "amazon-ads": 8.0, "xiaohongshu-juguang": 7.0}
CLICK_RATE = {"tiktok-ads": 0.009, "meta-ads": 0.012, "amazon-ads": 0.005, "xiaohongshu-juguang": 0.02}

# --- money -----------------------------------------------------------------------------------------------------------

# Round rates of 2025/26; the world needs plausible prices, not quotations.
PER_DOLLAR = {
    "USD": Decimal(1),
    "EUR": Decimal("0.92"),
    "GBP": Decimal("0.79"),
    "CNY": Decimal("7.2"),
    "TWD": Decimal(32),
    "JPY": Decimal(150),
    "CAD": Decimal("1.38"),
}
# Currencies whose prices have no cents in shops.
WHOLE = frozenset({"JPY", "TWD"})

# --- the story -------------------------------------------------------------------------------------------------------

STORY_AGE_HOURS = 31.0
STORY_VIEWS = 2_100_000
# A month of ordinary demand: the upper third of the replay protocol's distribution.
STORY_DAYS_WORTH = 30.0
STORY_EMPTY_IN_DAYS = 10
STORY_LEAD_DAYS = 9
# Views at the initial present of the three bigger videos that sold nothing, and their age in days.
STORY_DECOYS = ((20, 4_300_000), (13, 3_400_000), (6, 2_700_000))
# No drawn video of the story's brand comes near the planted ones.
STORY_CEILING = 1_400_000.0
# Cancelled and returned pieces come back to the shelf: CANCEL_SHARE plus most of REFUND_SHARE.
STORY_RETURN_SHARE = 0.055
# The habit's last order before the story, the story's own order, and the habit's next look, in days from the present.
STORY_LAST_HABIT = -24
STORY_ORDER = -13
STORY_NEXT_HABIT = 7
