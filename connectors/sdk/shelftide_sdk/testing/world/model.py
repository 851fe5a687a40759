"""What exists in the simulated world. Emulators read these; each shows its platform's facet of them.

Everything carries the moment at which it happens. An emulator shows what has happened by `world.now` and nothing later.
Fields under "truth" are for scoring only: no emulator may put them on a wire.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from hashlib import blake2b
from typing import Protocol

import msgspec

from shelftide_sdk.money import Money


def stable_id(kind: str, key: str, digits: int = 13) -> int:
    """A platform-looking number for a key: the same in every run, different for every (kind, key)."""
    low: int = 10 ** (digits - 1)
    digest = int.from_bytes(blake2b(f"{kind}|{key}".encode(), digest_size=8).digest(), "big")
    return low + digest % (9 * low)


class Channel(StrEnum):
    """Where an order can be placed."""

    SHOPIFY = "shopify"
    TIKTOK_SHOP = "tiktok-shop"
    XIAOHONGSHU = "xiaohongshu-ark"
    AMAZON = "amazon-sp"
    STORE = "store"


class Network(StrEnum):
    """Where content is published."""

    TIKTOK = "tiktok-organic"
    INSTAGRAM = "instagram"
    XIAOHONGSHU = "xiaohongshu"


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """Base of the world's things."""


class Agency(Model, frozen=True, kw_only=True):
    """An agency with its clients' brands. `colour` is a hex colour."""

    key: str
    name: str
    colour: str
    domain: str
    locale: str


class Sku(Model, frozen=True, kw_only=True):
    """What lies on the shelf. `lead_days` is the time from reorder to shelf."""

    key: str
    product_key: str
    code: str
    title: str
    barcode: str
    price: Money
    cost: Money
    lead_days: int


class Product(Model, frozen=True, kw_only=True):
    """A product with its variants. `aliases` are its names in other scripts."""

    key: str
    title: str
    category: str
    created_at: datetime
    skus: tuple[Sku, ...]
    aliases: tuple[str, ...] = ()


class Place(Model, frozen=True, kw_only=True):
    """Where stock lies. `channels` are served from it."""

    key: str
    name: str
    country: str
    channels: tuple[Channel, ...]


class Brand(Model, frozen=True, kw_only=True):
    """A brand: one tenant. `accounts` maps a channel or network to the account id (or shop domain) that it has there.

    `deep` brands are simulated in depth; light ones have few products and orders.
    """

    key: str
    name: str
    agency_key: str
    client_key: str
    client_name: str
    niche: str
    market: str
    currency: str
    zone: str
    locale: str
    colour: str
    deep: bool
    products: tuple[Product, ...]
    places: tuple[Place, ...]
    accounts: Mapping[str, str]
    aliases: tuple[str, ...] = ()

    @property
    def skus(self) -> tuple[Sku, ...]:
        """All variants of all products."""
        return tuple(sku for product in self.products for sku in product.skus)


class Person(Model, frozen=True, kw_only=True):
    """A buyer. The e-mail is at an example domain."""

    key: str
    email: str
    phone: str
    name: str
    country: str


class Creator(Model, frozen=True, kw_only=True):
    """Somebody who makes videos for brands."""

    key: str
    handle: str
    name: str
    network: Network
    followers: int
    country: str


class Totals(Model, frozen=True, kw_only=True):
    """Lifetime totals of a piece of content at one moment. `watch_seconds` sums over views."""

    views: int
    reach: int
    likes: int
    comments: int
    shares: int
    saves: int
    watch_seconds: float
    full_watch_rate: float
    new_followers: int
    profile_views: int
    link_clicks: int


class Video(Protocol):
    """A piece of content. `public_at` is when moderation gives it its public id (`public_id`)."""

    key: str
    brand_key: str
    network: Network
    kind: str
    caption: str
    hashtags: tuple[str, ...]
    duration_seconds: int
    posted_at: datetime
    public_at: datetime
    pending_id: str
    public_id: str
    creator_key: str | None
    competitor_key: str | None
    product_keys: tuple[str, ...]
    promoted: bool
    # truth
    curve: str
    converts: bool

    def totals(self, at: datetime) -> Totals:
        """Lifetime totals at `at`; never falling."""
        ...


class Visit(Model, frozen=True, kw_only=True):
    """A visit that came before an order.

    `kind` is the Shopify source type in lower case (`post`, `ad`, `affiliate`, `seo`, `newsletter`, `link` ...).
    """

    key: str
    at: datetime
    source: str
    kind: str
    referrer: str | None
    landing_page: str
    utm: Mapping[str, str]
    video_key: str | None = None
    campaign_key: str | None = None
    creator_key: str | None = None


class Line(Model, frozen=True, kw_only=True):
    """A line of an order. `discount` is the seller's, for the whole line."""

    key: str
    sku_key: str
    quantity: int
    unit_price: Decimal
    discount: Decimal


class RefundEvent(Model, frozen=True, kw_only=True):
    """Money and pieces given back at `at`. `lines` maps a line's key to pieces returned."""

    key: str
    at: datetime
    amount: Decimal
    lines: Mapping[str, int]
    restocked: bool


class Order(Model, frozen=True, kw_only=True):
    """An order with all that will ever happen to it; look only at what has happened by now.

    Amounts are in `currency`. total = sum(unit_price * quantity - discount) - platform_discount + shipping + tax.
    `platform_discount` is borne by the platform, never by the brand.
    """

    key: str
    brand_key: str
    channel: Channel
    number: int
    placed_at: datetime
    person: Person
    currency: str
    lines: tuple[Line, ...]
    shipping: Decimal
    tax: Decimal
    platform_discount: Decimal
    total: Decimal
    place_key: str
    visits: tuple[Visit, ...] = ()
    journey_ready_at: datetime | None = None
    promo_code: str | None = None
    creator_key: str | None = None
    video_key: str | None = None
    live_key: str | None = None
    test: bool = False
    presentment_currency: str | None = None
    presentment_rate: Decimal | None = None
    cancelled_at: datetime | None = None
    cancel_reason: str | None = None
    shipped_at: datetime | None = None
    delivered_at: datetime | None = None
    completed_at: datetime | None = None
    refunds: tuple[RefundEvent, ...] = ()
    order_index: int = 1
    # truth
    cause: str = "organic"
    cause_key: str | None = None

    def events(self) -> list[datetime]:
        """All moments at which the order changes (the journey's readiness does not count as a change)."""
        single = (self.placed_at, self.cancelled_at, self.shipped_at, self.delivered_at, self.completed_at)
        return sorted([at for at in single if at is not None] + [refund.at for refund in self.refunds])

    def updated_at(self, now: datetime) -> datetime:
        """The last change that has happened by `now`."""
        return max(at for at in self.events() if at <= now)


class StockState(Model, frozen=True, kw_only=True):
    """Pieces of one variant at one place at one moment. `available` may be negative (oversold)."""

    sku_key: str
    place_key: str
    available: int
    committed: int
    incoming: int
    updated_at: datetime


class Shipment(Model, frozen=True, kw_only=True):
    """Pieces on their way to a place. `received_at` lies in the future while they travel."""

    key: str
    brand_key: str
    sku_key: str
    place_key: str
    quantity: int
    ordered_at: datetime
    expected_at: datetime
    received_at: datetime


class ProfileFigures(Model, frozen=True, kw_only=True):
    """A profile's day in the profile's own zone. `followers` at the end of the day."""

    day: date
    followers: int
    new_followers: int
    lost_followers: int
    views: int
    reach: int
    profile_views: int
    likes: int
    comments: int
    shares: int
    link_clicks: int
    engaged_audience: int


class Competitor(Model, frozen=True, kw_only=True):
    """Another brand's account on a network."""

    key: str
    brand_key: str
    name: str
    handle: str
    network: Network
    country: str


class AdEntity(Model, frozen=True, kw_only=True):
    """A campaign, ad group or ad. `parent_key` is empty for campaigns."""

    key: str
    brand_key: str
    network: str
    level: str
    parent_key: str
    name: str
    objective: str
    daily_budget: Decimal
    created_at: datetime
    status: str
    video_key: str | None = None


class AdFigures(Model, frozen=True, kw_only=True):
    """An ad's day in the account's zone, as the platform reports it at one moment. Conversions ripen for days.

    `true_conversions` is truth.
    """

    ad_key: str
    day: date
    spend: Decimal
    impressions: int
    clicks: int
    video_views: int
    likes: int
    comments: int
    shares: int
    follows: int
    conversions: int
    revenue: Decimal
    true_conversions: int


class WorldView(Protocol):
    """What emulators may ask. Sequences hold only what has happened by `now`, in order of time."""

    seed: int
    agencies: Sequence[Agency]
    brands: Sequence[Brand]

    @property
    def now(self) -> datetime:
        """The simulated present, aware UTC."""
        ...

    @property
    def start(self) -> datetime:
        """The first simulated moment (midnight UTC, 90 days or more before the initial present)."""
        ...

    def brand(self, key: str) -> Brand:
        """The brand with this key. Raises KeyError."""
        ...

    def orders(self, brand_key: str, channel: Channel) -> Sequence[Order]:
        """Orders by `placed_at`."""
        ...

    def videos(self, brand_key: str, network: Network) -> Sequence[Video]:
        """Own and creators' videos of a brand by `posted_at`, those still in moderation included."""
        ...

    def profile_days(self, brand_key: str, network: Network) -> Sequence[ProfileFigures]:
        """Completed days of the brand's own profile, in the brand's zone."""
        ...

    def stock(self, brand_key: str) -> Sequence[StockState]:
        """The shelf now: one entry a variant and place."""
        ...

    def shipments(self, brand_key: str) -> Sequence[Shipment]:
        """Shipments ordered by now."""
        ...

    def creators(self, brand_key: str) -> Sequence[Creator]:
        """Creators who work for the brand."""
        ...

    def competitors(self, brand_key: str) -> Sequence[Competitor]:
        """Competitors of the brand."""
        ...

    def competitor_days(self, competitor_key: str) -> Sequence[ProfileFigures]:
        """Completed days of a competitor's profile."""
        ...

    def competitor_videos(self, competitor_key: str) -> Sequence[Video]:
        """A competitor's videos by `posted_at`."""
        ...

    def ads(self, brand_key: str, network: str) -> Sequence[AdEntity]:
        """Campaigns, ad groups and ads."""
        ...

    def ad_days(self, brand_key: str, network: str) -> Sequence[AdFigures]:
        """Days of all ads as the platform reports them now: past conversions still ripen."""
        ...
