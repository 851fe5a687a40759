"""Rows of the roll-up as series: in order, the connections of a platform taken together, to the last digit."""

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from shelftide.store.repositories.rollup import dailies

DAYS = st.integers(0, 9).map(lambda n: date(2026, 3, 27) + timedelta(days=n))
AMOUNTS = st.decimals(-(10**17), 10**17, places=6)
KEYS = st.tuples(
    st.sampled_from([UUID(int=1), UUID(int=2)]), st.sampled_from(["units", "revenue"]), st.just("shopify"), st.just("")
)
ROWS = st.dictionaries(KEYS, st.lists(st.tuples(DAYS, AMOUNTS), min_size=1, max_size=12), max_size=4)


@given(ROWS)
def test_series_are_in_order_and_exact(told: dict[tuple[UUID, str, str, str], list[tuple[date, Decimal]]]) -> None:
    rows = [(*key, [day for day, _ in pairs], [value for _, value in pairs]) for key, pairs in told.items()]
    found = dailies(rows)
    assert [(run.tenant_id, run.metric, run.platform, run.currency) for run in found] == sorted(told)
    for run in found:
        sums: dict[date, Fraction] = defaultdict(Fraction)
        for day, value in told[run.tenant_id, run.metric, run.platform, run.currency]:
            sums[day] += Fraction(value)
        assert run.days == sorted(sums)
        assert [Fraction(value) for value in run.values] == [sums[day] for day in run.days]
