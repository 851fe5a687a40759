"""Rows at the source against rows stored, of the last whole read of a stream."""

from collections.abc import Sequence

import msgspec

from shelftide.warehouse.warehouse import Change
from shelftide_sdk import Page


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the rows of one read.

    `promised` is the platform's own count, where it tells one. Of the rows that came, `stored` are in the warehouse
    (new, changed, as they were, or already newer there), `repeated` came twice in one batch, `rejected` wait in
    quarantine.
    """

    promised: int | None = None
    came: int = 0
    stored: int = 0
    repeated: int = 0
    rejected: int = 0

    @property
    def missing(self) -> int | None:
        """Rows that the platform counts and did not send; None where it does not count. Never below 0: a row may come
        twice."""
        return None if self.promised is None else max(0, self.promised - (self.came - self.repeated))

    @property
    def lost(self) -> int:
        """Rows that came and are nowhere. Anything but 0 is a bug of ours."""
        return self.came - self.stored - self.repeated - self.rejected

    def after(self, pages: Sequence[Page], change: Change) -> "Coverage":
        """With a further batch."""
        promised = [page.total for page in pages if page.total is not None]
        tables = change.tables.values()
        turned_away = sum(len(page.rejects) for page in pages)
        return Coverage(
            promised=max([*promised, *([] if self.promised is None else [self.promised])], default=None),
            came=self.came + sum(len(page.records) for page in pages) + turned_away,
            stored=self.stored + sum(t.inserted + t.updated + t.unchanged + t.stale for t in tables),
            repeated=self.repeated + sum(t.repeated for t in tables),
            rejected=self.rejected + turned_away + len(change.rejects),
        )
