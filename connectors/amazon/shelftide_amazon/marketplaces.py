"""Amazon's marketplaces: region, currency and the zone in which Amazon counts a marketplace's days.

Source: the region table of Amazon's Selling Partner API; zones are those of the local Seller Central.
"""

import msgspec

from shelftide_sdk.errors import ConfigurationError

REGIONS = ("na", "eu", "fe")
_TABLE = """
ATVPDKIKX0DER na US USD America/Los_Angeles www.amazon.com
A2EUQ1WTGCTBG2 na CA CAD America/Los_Angeles www.amazon.ca
A1AM78C64UM0Y8 na MX MXN America/Los_Angeles www.amazon.com.mx
A2Q3Y263D00KWC na BR BRL America/Sao_Paulo www.amazon.com.br
A1F83G8C2ARO7P eu GB GBP Europe/London www.amazon.co.uk
A1PA6795UKMFR9 eu DE EUR Europe/Berlin www.amazon.de
A13V1IB3VIYZZH eu FR EUR Europe/Paris www.amazon.fr
APJ6JRA9NG5V4 eu IT EUR Europe/Rome www.amazon.it
A1RKKUPIHCS9HS eu ES EUR Europe/Madrid www.amazon.es
A1805IZSGTT6HS eu NL EUR Europe/Amsterdam www.amazon.nl
A2NODRKZP88ZB9 eu SE SEK Europe/Stockholm www.amazon.se
A1C3SOZRARQ6R3 eu PL PLN Europe/Warsaw www.amazon.pl
AMEN7PMS3EDWL eu BE EUR Europe/Brussels www.amazon.com.be
A33AVAJ2PDY3EV eu TR TRY Europe/Istanbul www.amazon.com.tr
A2VIGQ35RCS4UG eu AE AED Asia/Dubai www.amazon.ae
A17E79C6D8DWNP eu SA SAR Asia/Riyadh www.amazon.sa
ARBP9OOSHTCHU eu EG EGP Africa/Cairo www.amazon.eg
A21TJRUUN4KGV eu IN INR Asia/Kolkata www.amazon.in
A1VC38T7YXB528 fe JP JPY Asia/Tokyo www.amazon.co.jp
A39IBJ37TRP1C6 fe AU AUD Australia/Sydney www.amazon.com.au
A19VAU5U5O7RUS fe SG SGD Asia/Singapore www.amazon.sg
"""


class Marketplace(msgspec.Struct, frozen=True):
    """A national shop of Amazon. `zone` is the one in which its reports cut days."""

    id: str
    region: str
    country: str
    currency: str
    zone: str
    domain: str


MARKETPLACES = {row[0]: Marketplace(*row) for row in (line.split() for line in _TABLE.strip().splitlines())}


def marketplace(marketplace_id: str) -> Marketplace:
    """The marketplace with this id. Raises ConfigurationError for one that is not known."""
    if marketplace_id not in MARKETPLACES:
        raise ConfigurationError(
            f"Amazon has no marketplace {marketplace_id[:30]!r} that is known here.",
            hint="Give a marketplace id such as ATVPDKIKX0DER, or reconnect the account.",
        )
    return MARKETPLACES[marketplace_id]


def marketplace_in(country: str) -> Marketplace | None:
    """The marketplace of a country, by its ISO code."""
    return next((found for found in MARKETPLACES.values() if found.country == country), None)
