"""What a connection to SP-API is set to."""

from collections.abc import Mapping
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from shelftide_amazon.marketplaces import Marketplace, marketplace
from shelftide_sdk.errors import ConfigurationError


def marketplace_of(settings: Mapping[str, str]) -> Marketplace:
    """The connection's marketplace. Raises ConfigurationError when none is set."""
    found = settings.get("marketplace_id", "")
    if not found:
        raise ConfigurationError("The connection does not say which marketplace it is for.", hint="Reconnect.")
    return marketplace(found)


def seller_of(settings: Mapping[str, str]) -> str:
    """The seller's id. Raises ConfigurationError when none is set."""
    found = settings.get("seller_id") or settings.get("account_id", "")
    if not found.isalnum():
        raise ConfigurationError(
            "The connection does not say which seller it is for.", hint="Fill in the merchant token of Seller Central."
        )
    return found


def zone_of(settings: Mapping[str, str]) -> str:
    """The zone in which days are cut. Raises ConfigurationError for one that does not exist."""
    zone = settings.get("zone") or marketplace_of(settings).zone
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ConfigurationError(
            f"There is no time zone {zone[:60]!r}.", hint="Use a name such as Europe/Rome."
        ) from error
    return zone
