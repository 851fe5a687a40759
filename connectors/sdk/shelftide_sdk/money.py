"""Money: an exact amount with its currency. Never a float."""

from decimal import Decimal, InvalidOperation
from functools import lru_cache

import msgspec

from shelftide_sdk.errors import DataError

_MAX_DIGITS = 14  # NUMERIC(20, 6) in the warehouse


class Money(msgspec.Struct, frozen=True, gc=False):
    """An amount in major units (dollars, not cents) and its ISO 4217 code.

    >>> Money.parse("12.50", "USD")
    Money(amount=Decimal('12.50'), currency='USD')
    """

    amount: Decimal
    currency: str

    @classmethod
    def parse(cls, amount: str | int | Decimal, currency: str | None) -> "Money":
        """Read a decimal text. Raises DataError for floats, non-numbers, unknown currencies and absurd sizes."""
        return _of_text(amount, currency) if type(amount) is str and type(currency) is str else _read(amount, currency)

    @classmethod
    def from_minor(cls, units: int, currency: str | None) -> "Money":
        """An amount in the currency's smallest unit: 4205 EUR is 42.05, 4205 JPY is 4205. Raises DataError."""
        if type(units) is not int:
            raise DataError(f"not an amount in minor units: {units!r}")
        found = cls.parse(units, currency)
        return cls(found.amount.scaleb(-_DIGITS.get(found.currency, 2)), found.currency)

    def __add__(self, other: "Money") -> "Money":
        return Money(self.amount + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.amount - self._same(other), self.currency)

    def _same(self, other: "Money") -> Decimal:
        if other.currency != self.currency:
            raise DataError(f"cannot mix {self.currency} and {other.currency}")
        return other.amount


def _read(amount: str | int | Decimal, currency: str | None) -> Money:
    if isinstance(amount, float | bool):
        raise DataError(f"money must not be a float: {amount!r}")
    if not isinstance(currency, str) or currency not in CURRENCIES:
        raise DataError(f"unknown currency {currency!r}")
    try:
        value = Decimal(amount)
    except (InvalidOperation, TypeError, ValueError) as error:
        raise DataError(f"not an amount: {amount!r}") from error
    if not value.is_finite() or value.adjusted() >= _MAX_DIGITS:
        raise DataError(f"amount out of range: {amount!r}")
    return Money(value, currency)


# Prices, and above all nothing (no discount, no refund), stand in replies again and again.
_of_text = lru_cache(maxsize=16_384)(_read)

# ISO 4217, active codes for goods and services (list one of the standard's maintenance agency, 2026).
_CODES = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP
CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG
HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL
MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR
RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD
TZS UAH UGX USD UYU UZS VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG
"""
CURRENCIES = frozenset(_CODES.split())
# ISO 4217, currencies whose minor unit is not a hundredth.
_WHOLE = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
_THOUSANDTHS = "BHD IQD JOD KWD LYD OMR TND"
_DIGITS = {**dict.fromkeys(_WHOLE.split(), 0), **dict.fromkeys(_THOUSANDTHS.split(), 3)}
