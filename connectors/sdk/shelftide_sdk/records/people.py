"""Persons as far as they may enter: a pseudonymous key, its purpose and its basis."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

import msgspec

from shelftide_sdk.money import Money
from shelftide_sdk.records.record import Record, record


class Purpose(StrEnum):
    """Why a customer key may be used."""

    MEASUREMENT = "measurement"
    MARKETING = "marketing"


class Basis(StrEnum):
    """Legal basis of that use (GDPR article 6)."""

    CONTRACT = "contract"
    CONSENT = "consent"
    LEGITIMATE_INTEREST = "legitimate_interest"


class Customer(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a platform says to identify a buyer. The host turns it into `customer_key` and drops it.

    The key is HMAC-SHA256 with the tenant's own key over the first of: normalised e-mail, phone, platform id.
    Names and addresses have no field here on purpose.
    """

    email: str | None = None
    phone: str | None = None
    platform_id: str | None = None
    purpose: Purpose = Purpose.MEASUREMENT
    basis: Basis = Basis.CONTRACT


class Paid(StrEnum):
    """Whether a contact was paid for."""

    PAID = "paid"
    ORGANIC = "organic"
    UNKNOWN = "unknown"


@record(table="touches", key=("source_id",), grain="one contact of a person with the brand", day="occurred_at")
class Touch(Record, frozen=True, kw_only=True):
    """A contact before an order: a visit, an affiliate click, a live room, a code used.

    `position` orders touches of one order that share a time. Source: Shopify CustomerVisit, TikTok Shop room_id.
    """

    source_id: str
    occurred_at: datetime
    zone: str
    channel: str
    order_id: str | None = None
    position: int = 0
    customer: Customer | None = None
    paid: Paid = Paid.UNKNOWN
    platform_source: str | None = None
    referrer_url: str | None = None
    landing_page: str | None = None
    referral_code: str | None = None
    utm_source: str | None = None
    utm_medium: str | None = None
    utm_campaign: str | None = None
    utm_content: str | None = None
    utm_term: str | None = None
    content_id: str | None = None
    campaign_id: str | None = None
    creator_id: str | None = None
    promo_code: str | None = None


@record(table="sessions", key=("source_id",), grain="one visit to a shop", day="started_at")
class Session(Record, frozen=True, kw_only=True):
    """A visit to an own shop or profile page, whether or not it ended in an order."""

    source_id: str
    started_at: datetime
    zone: str
    customer: Customer | None = None
    landing_page: str | None = None
    referrer_url: str | None = None
    utm_source: str | None = None
    utm_medium: str | None = None
    utm_campaign: str | None = None
    utm_content: str | None = None
    page_views: int | None = None


@record(table="creators", key=("source_id",), grain="one creator known to the account", newer_by="updated_at")
class Creator(Record, frozen=True, kw_only=True):
    """A person who publishes about brands. `followers` is a count at `updated_at`."""

    source_id: str
    handle: str
    name: str | None = None
    followers: int | None = None
    country: str | None = None
    categories: tuple[str, ...] = ()
    price: Money | None = None
    updated_at: datetime | None = None


@record(table="deals", key=("source_id",), grain="one agreement with a creator", newer_by="updated_at")
class Deal(Record, frozen=True, kw_only=True):
    """What a creator was asked to do and for how much. `commission_rate` is a fraction of 1."""

    source_id: str
    creator_id: str
    kind: str
    status: str
    agreed_at: datetime | None = None
    content_id: str | None = None
    promo_code: str | None = None
    fee: Money | None = None
    commission_rate: Decimal | None = None
    updated_at: datetime | None = None


@record(table="promo_codes", key=("source_id",), grain="one discount code", newer_by="updated_at")
class PromoCode(Record, frozen=True, kw_only=True):
    """A code that a buyer types. `value_rate` is a fraction of 1, `value` an absolute reduction."""

    source_id: str
    code: str
    title: str | None = None
    value: Money | None = None
    value_rate: Decimal | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    usage_count: int | None = None
    creator_id: str | None = None
    updated_at: datetime | None = None
