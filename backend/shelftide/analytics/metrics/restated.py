"""What moved since a figure was told: the same question at two moments, day by day, each difference with its cause."""

from decimal import Decimal
from enum import StrEnum

import msgspec

from shelftide.analytics.metrics.answer import Answer, Value
from shelftide.analytics.metrics.query import Span

Key = tuple[tuple[str | None, ...], Span, str, str]


class Cause(StrEnum):
    """Why a value moved, by what the rows behind it say."""

    LATE = "late"  # rows that were not known then
    WITHDRAWN = "withdrawn"  # rows that are not known any more
    RESTATED = "restated"  # the same number of rows with other values


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """A value that is not what it was. Unknown values are None; `difference` is None where either is."""

    dimensions: dict[str, str | None]
    period: Span
    metric: str
    currency: str
    before: Decimal | None
    after: Decimal | None
    rows_before: int
    rows_after: int
    cause: Cause

    @property
    def difference(self) -> Decimal | None:
        """After less before."""
        return None if self.before is None or self.after is None else self.after - self.before


def moved(before: Answer, after: Answer) -> list[Moved]:
    """Values that differ, in the order of the later answer; values that are only in the earlier one at the end."""
    then, now = _values(before), _values(after)
    found = []
    for key in dict.fromkeys([*now, *then]):
        (dimensions, old), (_, new) = then.get(key) or (now[key][0], None), now.get(key) or (then[key][0], None)
        was, value = old.value if old else None, new.value if new else None
        if was == value:
            continue
        rows_before, rows_after = old.rows if old else 0, new.rows if new else 0
        found.append(
            Moved(
                dimensions=dimensions,
                period=key[1],
                metric=key[2],
                currency=key[3],
                before=was,
                after=value,
                rows_before=rows_before,
                rows_after=rows_after,
                cause=_cause(rows_before, rows_after),
            )
        )
    return found


def _values(answer: Answer) -> dict[Key, tuple[dict[str, str | None], Value]]:
    return {
        (tuple(row.dimensions.values()), row.period, value.metric, value.currency): (row.dimensions, value)
        for row in answer.rows
        for value in row.values
    }


def _cause(before: int, after: int) -> Cause:
    if before == after:
        return Cause.RESTATED
    return Cause.LATE if after > before else Cause.WITHDRAWN
