"""What is known of a shop: its zone, its currency and what the grant opens."""

from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from shelftide_sdk.errors import ContractError, DataError
from shelftide_sdk.money import Money


class Shop(msgspec.Struct, frozen=True, kw_only=True):
    """Facts that every mapping needs. `scopes` are the granted access scopes, `plan` what the shop pays for."""

    source_id: str
    name: str
    domain: str
    zone: str
    currency: str
    scopes: frozenset[str] = frozenset()
    plan: str = ""

    @property
    def tz(self) -> tzinfo:
        """The shop's time zone."""
        return ZoneInfo(self.zone)

    def money(self, amount: Any) -> Money | None:
        """An amount in the shop's currency; None stays None."""
        return None if amount is None else Money.parse(amount, self.currency)


def map_shop(data: Mapping[str, Any]) -> Shop:
    """The reply of the query SHOP. Raises DataError for an unknown zone, ContractError for a reply in another form."""
    try:
        return _read_shop(data)
    except (KeyError, TypeError, AttributeError) as error:
        raise ContractError("Shopify's reply about the shop has another form", detail=repr(error)) from error


def _read_shop(data: Mapping[str, Any]) -> Shop:
    shop = data["shop"]
    handles = (data.get("currentAppInstallation") or {}).get("accessScopes") or ()
    zone = shop["ianaTimezone"]
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError) as error:
        raise DataError(f"the shop names an unknown time zone: {str(zone)[:60]!r}") from error
    return Shop(
        source_id=number(shop["id"]),
        name=shop["name"],
        domain=shop["myshopifyDomain"],
        zone=zone,
        currency=shop["currencyCode"],
        scopes=frozenset(scope["handle"] for scope in handles),
        plan=str((shop.get("plan") or {}).get("publicDisplayName") or "")[:40],
    )


def number(value: Any) -> str:
    """The number in `gid://shopify/Order/123?x=1`, 123 or "123", as text. Raises DataError for anything else."""
    if isinstance(value, str):
        text = value[value.rfind("/") + 1 :]
        if text.isascii() and text.isdigit():
            return text
        text = value.partition("?")[0].rpartition("/")[2]
    else:
        text = str(value)
    if isinstance(value, bool) or not (text.isascii() and text.isdigit()):
        raise DataError(f"not a Shopify id: {value!r}")
    return text


def maybe_number(value: Any) -> str | None:
    """As `number`; None stays None."""
    return None if value is None else number(value)


def moment(value: Any) -> datetime:
    """An ISO-8601 time with offset, as aware UTC. Raises DataError when it is none."""
    if type(value) is not str:
        raise DataError(f"not a time: {value!r}")
    return _moment(value)


@lru_cache(maxsize=4_096)  # a time of an order stands in its mark, in its lines and in its touches
def _moment(value: str) -> datetime:
    try:
        at = datetime.fromisoformat(value)
    except ValueError as error:
        raise DataError(f"not a time: {value!r}") from error
    if at.tzinfo is None:
        raise DataError(f"a time without an offset: {value!r}")
    return at if at.tzinfo is UTC else at.astimezone(UTC)


def maybe_moment(value: Any) -> datetime | None:
    """As `moment`; None stays None."""
    return None if value is None else moment(value)


def timestamp(at: datetime) -> str:
    """A time as Shopify's filters take it: UTC, seconds, `Z`."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"
