"""Money is exact or refused."""

from decimal import Decimal
from typing import Any

import pytest

from shelftide_sdk import DataError, Money
from shelftide_sdk.money import CURRENCIES


@pytest.mark.parametrize(
    ("amount", "value"), [("12.50", "12.50"), (7, "7"), (Decimal("-0.01"), "-0.01"), ("1E+3", "1000")]
)
def test_reads_what_is_exact(amount: Any, value: str) -> None:
    assert Money.parse(amount, "EUR") == Money(Decimal(value), "EUR")


@pytest.mark.parametrize(
    "amount", [12.5, True, "", "twelve", "NaN", "Infinity", "-Infinity", "sNaN", "9" * 15, 10**14, None, {}, [], "1,5"]
)
def test_refuses_what_is_no_exact_amount(amount: Any) -> None:
    with pytest.raises(DataError):
        Money.parse(amount, "EUR")


def test_the_largest_amount_that_the_warehouse_holds_passes() -> None:
    assert Money.parse("99999999999999.999999", "EUR").amount == Decimal("99999999999999.999999")


@pytest.mark.parametrize("currency", ["eur", "EURO", "", None, "XXX", "BTC", 978])
def test_refuses_unknown_currencies(currency: Any) -> None:
    with pytest.raises(DataError, match="currency"):
        Money.parse("1", currency)


def test_adds_and_subtracts_in_one_currency_only() -> None:
    ten, two = Money.parse("10", "EUR"), Money.parse("2.50", "EUR")
    assert (ten + two, ten - two) == (Money.parse("12.50", "EUR"), Money.parse("7.50", "EUR"))
    with pytest.raises(DataError, match="cannot mix EUR and USD"):
        ten + Money.parse("1", "USD")
    with pytest.raises(DataError, match="cannot mix"):
        ten - Money.parse("1", "USD")


def test_currencies_are_codes_of_three_letters() -> None:
    assert {"EUR", "USD", "CNY", "GBP"} <= CURRENCIES
    assert all(len(code) == 3 and code.isupper() for code in CURRENCIES)


@pytest.mark.parametrize(
    ("units", "currency", "amount"),
    [(4205, "EUR", "42.05"), (-5, "USD", "-0.05"), (4205, "JPY", "4205"), (4205, "KWD", "4.205"), (0, "TND", "0.000")],
)
def test_minor_units_have_as_many_digits_as_the_currency(units: int, currency: str, amount: str) -> None:
    assert str(Money.from_minor(units, currency).amount) == amount


@pytest.mark.parametrize(
    ("units", "currency"), [(42.05, "EUR"), ("4205", "EUR"), (True, "EUR"), (1, "EURO"), (1, None)]
)
def test_what_is_no_amount_in_minor_units_is_refused(units: Any, currency: str | None) -> None:
    with pytest.raises(DataError):
        Money.from_minor(units, currency)
