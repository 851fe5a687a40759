"""Markets of TikTok Shop: the reporting zone and the currency of a shop, which the API does not name.

Sources: Partner API documentation, "Market availability" (regions); IANA time zone database (zone of the country's
capital or most populous part); ISO 4217. Regions that are no market today are listed where a cross-border seller may be
registered. A US shop reports in the zone of the state of its default warehouse.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

DEFAULT_ZONE = "UTC"


class Market(msgspec.Struct, frozen=True):
    """A region's reporting zone (IANA) and currency (ISO 4217)."""

    zone: str
    currency: str


MARKETS: Mapping[str, Market] = {
    "US": Market("America/New_York", "USD"),
    "GB": Market("Europe/London", "GBP"),
    "IE": Market("Europe/Dublin", "EUR"),
    "ES": Market("Europe/Madrid", "EUR"),
    "DE": Market("Europe/Berlin", "EUR"),
    "FR": Market("Europe/Paris", "EUR"),
    "IT": Market("Europe/Rome", "EUR"),
    "NL": Market("Europe/Amsterdam", "EUR"),
    "BE": Market("Europe/Brussels", "EUR"),
    "AT": Market("Europe/Vienna", "EUR"),
    "PT": Market("Europe/Lisbon", "EUR"),
    "GR": Market("Europe/Athens", "EUR"),
    "PL": Market("Europe/Warsaw", "PLN"),
    "HU": Market("Europe/Budapest", "HUF"),
    "CZ": Market("Europe/Prague", "CZK"),
    "SE": Market("Europe/Stockholm", "SEK"),
    "ID": Market("Asia/Jakarta", "IDR"),
    "MY": Market("Asia/Kuala_Lumpur", "MYR"),
    "PH": Market("Asia/Manila", "PHP"),
    "SG": Market("Asia/Singapore", "SGD"),
    "TH": Market("Asia/Bangkok", "THB"),
    "VN": Market("Asia/Ho_Chi_Minh", "VND"),
    "JP": Market("Asia/Tokyo", "JPY"),
    "MX": Market("America/Mexico_City", "MXN"),
    "BR": Market("America/Sao_Paulo", "BRL"),
    "CA": Market("America/Toronto", "CAD"),
    "AU": Market("Australia/Sydney", "AUD"),
    "NZ": Market("Pacific/Auckland", "NZD"),
    "KR": Market("Asia/Seoul", "KRW"),
    "SA": Market("Asia/Riyadh", "SAR"),
    "AE": Market("Asia/Dubai", "AED"),
    "TW": Market("Asia/Taipei", "TWD"),
    "HK": Market("Asia/Hong_Kong", "HKD"),
    "CN": Market("Asia/Shanghai", "CNY"),
}

# States that do not keep Eastern time; a state with two zones counts with the one where most of its people live.
_CENTRAL = "Alabama Arkansas Illinois Iowa Kansas Louisiana Minnesota Mississippi Missouri Nebraska North-Dakota Oklahoma South-Dakota Tennessee Texas Wisconsin"  # noqa: E501  # one table row
_MOUNTAIN = "Colorado Idaho Montana New-Mexico Utah Wyoming"
_PACIFIC = "California Nevada Oregon Washington"
_STATE_ZONES: Mapping[str, str] = {
    **{state.replace("-", " ").lower(): "America/Chicago" for state in _CENTRAL.split()},
    **{state.replace("-", " ").lower(): "America/Denver" for state in _MOUNTAIN.split()},
    **{state.replace("-", " ").lower(): "America/Los_Angeles" for state in _PACIFIC.split()},
    "arizona": "America/Phoenix",
    "alaska": "America/Anchorage",
    "hawaii": "Pacific/Honolulu",
}


def zone_of(region: str, warehouses: list[Mapping[str, Any]] | None = None) -> str:
    """The reporting zone of a shop in `region`; UTC for a region that is not known.

    `warehouses` are rows of the warehouse list; only the US needs them.
    """
    if region == "US":
        state = _state(warehouses or [])
        return _STATE_ZONES.get(state, MARKETS["US"].zone)
    return MARKETS[region].zone if region in MARKETS else DEFAULT_ZONE


def currency_of(region: str) -> str | None:
    """The currency of a shop in `region`, or None."""
    return MARKETS[region].currency if region in MARKETS else None


def _state(warehouses: list[Mapping[str, Any]]) -> str:
    selling = [row for row in warehouses if row.get("type", "SALES_WAREHOUSE") == "SALES_WAREHOUSE"]
    for row in sorted(selling, key=lambda row: not row.get("is_default")):
        state = (row.get("address") or {}).get("state")
        if state:
            return str(state).strip().lower()
    return ""
