"""Exchange rates: ways between currencies, days without a rate, and ratios whose two sides stay together."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shelftide.analytics.money import StoredRate, StoredRates, ratio_in

FRIDAY = date(2026, 3, 6)
QUOTES = {
    "USD": "1.1734", "CNY": "8.2113", "JPY": "183.45", "IDR": "19511.1234567891", "GBP": "0.8651", "KWD": "0.3605123"
}  # fmt: skip
CODES = ["EUR", *QUOTES]
codes = st.sampled_from(CODES)


def ecb(quote: str, rate: str, day: date = FRIDAY) -> StoredRate:
    return StoredRate(source="ECB", base="EUR", quote=quote, day=day, rate=Decimal(rate))


def own(base: str, quote: str, rate: str, day: date = FRIDAY) -> StoredRate:
    return StoredRate(source="bank", base=base, quote=quote, day=day, rate=Decimal(rate), own=True)


RATES = StoredRates([ecb(quote, rate) for quote, rate in QUOTES.items()])


def test_a_rate_as_it_was_given_is_not_touched() -> None:
    found = RATES.rate("EUR", "USD", FRIDAY)
    assert found is not None
    assert (found.rate, found.on, found.source) == (Decimal("1.1734"), FRIDAY, "ECB EUR/USD 2026-03-06")


def test_an_inverse_has_ten_places_rounded_half_to_even() -> None:
    found = RATES.rate("USD", "EUR", FRIDAY)
    assert found is not None
    assert found.rate == Decimal("0.8522243054371911")
    large = StoredRates([ecb("GBP", "0.8")]).rate("GBP", "EUR", FRIDAY)
    assert large is not None
    assert str(large.rate) == "1.250000000000000"


def test_a_way_over_the_euro_names_both_legs() -> None:
    found = RATES.rate("USD", "CNY", FRIDAY)
    assert found is not None
    assert abs(found.rate - Decimal("8.2113") / Decimal("1.1734")) < Decimal("1e-10")
    assert found.source == "ECB EUR/USD 2026-03-06, ECB EUR/CNY 2026-03-06"


def test_a_weekend_takes_the_rate_of_friday_and_says_so() -> None:
    found = RATES.rate("EUR", "USD", FRIDAY + timedelta(days=2))
    assert found is not None
    assert (found.on, found.wanted) == (FRIDAY, date(2026, 3, 8))


def test_no_rate_is_older_than_a_week_and_none_comes_from_the_future() -> None:
    assert RATES.rate("USD", "CNY", FRIDAY + timedelta(days=7)) is not None
    assert RATES.rate("USD", "CNY", FRIDAY + timedelta(days=8)) is None
    assert RATES.rate("USD", "CNY", FRIDAY - timedelta(days=1)) is None
    reason = RATES.why("USD", "CNY", FRIDAY + timedelta(days=8))
    assert reason == "no rate from USD to CNY on 2026-03-14 or in the 7 days before"
    assert RATES.why("TWD", "EUR", FRIDAY) == "no source has a rate of TWD"


def test_the_older_leg_dates_a_way() -> None:
    rates = StoredRates([ecb("USD", "1.1", FRIDAY - timedelta(days=3)), ecb("CNY", "8")])
    found = rates.rate("USD", "CNY", FRIDAY)
    assert found is not None
    assert found.on == FRIDAY - timedelta(days=3)


def test_a_brands_own_rate_goes_before_the_banks() -> None:
    rates = StoredRates([ecb("USD", "1.1734"), own("USD", "EUR", "0.8", FRIDAY - timedelta(days=2))])
    found = rates.rate("USD", "EUR", FRIDAY)
    assert found is not None
    assert (found.rate, found.source) == (Decimal("0.8"), "bank USD/EUR 2026-03-04")
    turned = rates.rate("EUR", "USD", FRIDAY)
    assert turned is not None
    assert turned.rate == Decimal("1.25")


def test_an_own_rate_of_the_same_pair_and_day_goes_before_the_ecbs() -> None:
    found = StoredRates([ecb("USD", "1.1734"), own("EUR", "USD", "1.2")]).rate("EUR", "USD", FRIDAY)
    assert found is not None
    assert (found.rate, found.source) == (Decimal("1.2"), "bank EUR/USD 2026-03-06")


def test_a_currency_that_only_a_file_quotes_reaches_all_others() -> None:
    rates = StoredRates([*(ecb(quote, rate) for quote, rate in QUOTES.items()), own("USD", "TWD", "31.5")])
    to_euro, to_pound = rates.rate("TWD", "EUR", FRIDAY), rates.rate("GBP", "TWD", FRIDAY)
    assert to_euro is not None
    assert to_pound is not None
    assert abs(to_euro.rate - 1 / (Decimal("31.5") * Decimal("1.1734"))) < Decimal("1e-15")
    assert to_pound.source == "ECB EUR/GBP 2026-03-06, ECB EUR/USD 2026-03-06, bank USD/TWD 2026-03-06"


@pytest.mark.parametrize("rate", ["0", "-1", "NaN", "Infinity"])
def test_a_rate_that_is_none_is_refused(rate: str) -> None:
    with pytest.raises(ValueError, match="must be positive"):
        StoredRates([ecb("USD", rate)])


@given(codes, codes)
def test_there_and_back_is_where_it_began(base: str, quote: str) -> None:
    there, back = RATES.rate(base, quote, FRIDAY), RATES.rate(quote, base, FRIDAY)
    assert there is not None
    assert back is not None
    assert abs(there.rate * back.rate - 1) < Decimal("1e-9")


amounts = st.decimals(min_value="0.01", max_value="1000000", places=2)


@given(amounts, amounts, codes, codes)
def test_a_ratio_in_one_currency_is_the_same_in_every_other(
    revenue: Decimal, spend: Decimal, of: str, into: str
) -> None:
    plain = ratio_in((revenue, of), (spend, of), RATES, currency=into, day=FRIDAY)
    assert plain.value == pytest.approx(revenue / spend, rel=Decimal("1e-20"))
    assert plain.rates == ()


@given(amounts, amounts, codes, codes, codes)
def test_both_sides_of_a_ratio_are_converted_so_the_target_does_not_matter(
    revenue: Decimal, spend: Decimal, of: str, into: str, other: str
) -> None:
    first = ratio_in((revenue, of), (spend, "EUR"), RATES, currency=into, day=FRIDAY)
    second = ratio_in((revenue, of), (spend, "EUR"), RATES, currency=other, day=FRIDAY)
    assert first.value is not None
    assert second.value is not None
    assert first.value == pytest.approx(second.value, rel=Decimal("1e-9"))


def test_a_side_without_a_rate_leaves_the_ratio_unknown() -> None:
    found = ratio_in((Decimal(10), "TWD"), (Decimal(5), "EUR"), RATES, currency="USD", day=FRIDAY)
    assert (found.value, found.reason) == (None, "no source has a rate of TWD")
    assert ratio_in((Decimal(1), "EUR"), (Decimal(0), "EUR"), RATES, currency="EUR", day=FRIDAY).value is None
