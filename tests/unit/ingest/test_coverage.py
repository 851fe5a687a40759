"""Rows at the source against rows stored: what is missing, what is lost."""

from hypothesis import given
from hypothesis import strategies as st

from shelftide.ingest.coverage import Coverage
from shelftide.warehouse.warehouse import Change, TableChange
from shelftide_sdk import Page, Reject
from shelftide_sdk.records import Location

_COUNTS = st.integers(0, 50)


def page(rows: int, rejects: int = 0, total: int | None = None) -> Page:
    records = [Location(source_id=str(number), name="x") for number in range(rows)]
    return Page(records=records, rejects=[Reject(record="Location", reason="bad", raw="{}")] * rejects, total=total)


@given(_COUNTS, _COUNTS, _COUNTS, _COUNTS, _COUNTS)
def test_every_row_that_comes_is_stored_repeated_or_rejected(a: int, b: int, c: int, d: int, turned_away: int) -> None:
    change = Change(tables={"locations": TableChange(inserted=a, updated=b, unchanged=c, repeated=d)})
    found = Coverage().after([page(a + b + c + d, turned_away)], change)
    assert (found.came, found.stored, found.repeated) == (a + b + c + d + turned_away, a + b + c, d)
    assert (found.rejected, found.lost) == (turned_away, 0)


def test_what_the_warehouse_turns_away_is_rejected_and_what_nobody_names_is_lost() -> None:
    reject = Reject(record="Location", reason="bad", raw="{}")
    kept = Change(tables={"locations": TableChange(inserted=3, stale=1)}, rejects=(reject,))
    assert Coverage().after([page(5)], kept).lost == 0
    assert Coverage().after([page(6)], kept).lost == 1


def test_the_platforms_own_count_is_held_against_what_came() -> None:
    nothing = Change()
    first = Coverage().after([page(4, total=10), page(3, total=10)], nothing)
    assert first.missing == 3
    assert first.after([page(3)], nothing).missing == 0
    assert first.after([page(5)], nothing).missing == 0, "a row may come twice"
    assert Coverage().after([page(4)], nothing).missing is None
    twice = Change(tables={"locations": TableChange(inserted=4, repeated=2)})
    assert Coverage().after([page(6, total=6)], twice).missing == 2
