"""What a stream's cursor holds, and the orders whose journey Shopify is still putting together."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import msgspec

from shelftide_sdk.connector import Cursor
from shelftide_sdk.errors import ConfigurationError
from shelftide_shopify.mapping import Row
from shelftide_shopify.shop import timestamp
from shelftide_shopify.walk import Position

WAITING_LIMIT = 1_000
WAITING_FOR = timedelta(days=7)


class BulkProgress(msgspec.Struct, frozen=True, kw_only=True):
    """A bulk operation that runs or is being read: its id and how many of its rows are safe already."""

    id: str
    done: int = 0


class Progress(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The cursor of a stream in its JSON form.

    Attributes:
        updated_at: all changes up to here have been yielded.
        read: a walk in the middle; absent between reads.
        bulk: a bulk operation in the middle.
        waiting: orders whose journey is not ready: id to the time when that was first seen.
        completed_at: when the last full pass ended.
    """

    updated_at: str | None = None
    read: Position | None = None
    bulk: BulkProgress | None = None
    waiting: dict[str, str] = {}
    completed_at: str | None = None


def load_progress(cursor: Cursor | None) -> Progress:
    """Read a saved cursor. Raises ConfigurationError for one that this connector did not write."""
    try:
        return msgspec.convert(cursor or {}, Progress)
    except msgspec.ValidationError as error:
        raise ConfigurationError("the saved cursor cannot be read; start the stream anew", detail=str(error)) from error


def save_progress(progress: Progress) -> Cursor:
    """The JSON form of a cursor."""
    value: dict[str, Any] = msgspec.to_builtins(progress)
    return value


class Waiting:
    """Orders to read again because their journey was not ready. `updatedAt` does not move when it becomes so."""

    def __init__(self, ids: dict[str, str], now: datetime) -> None:
        self._since = dict(ids)
        self._now = now
        self._overdue = set(ids)

    def note(self, rows: Iterable[Row]) -> None:
        """Take up the orders that wait and let go of those that are ready or have no journey."""
        for row in rows:
            if not isinstance(row, dict) or not isinstance(row.get("id"), str):
                continue
            self._overdue.discard(row["id"])
            journey = row.get("customerJourneySummary")
            if isinstance(journey, dict) and journey.get("ready") is False and not row.get("test"):
                self._since.setdefault(row["id"], timestamp(self._now))
            else:
                self._since.pop(row["id"], None)

    def forget(self, order_id: str) -> None:
        """The order is gone."""
        self._since.pop(order_id, None)
        self._overdue.discard(order_id)

    def overdue(self) -> list[str]:
        """Orders that waited when the read began and have not come by since, longest first."""
        return [key for key in self._by_age() if key in self._overdue]

    def _by_age(self) -> list[str]:
        return sorted(self._since, key=lambda key: (self._since[key], key))

    def drop_hopeless(self) -> int:
        """Give up on what has waited too long and on what exceeds the limit, oldest first; returns how many."""
        before = len(self._since)
        oldest = timestamp(self._now - WAITING_FOR)
        kept = [key for key in self._by_age() if self._since[key] >= oldest][-WAITING_LIMIT:]
        self._since = {key: self._since[key] for key in kept}
        return before - len(kept)

    def saved(self) -> dict[str, str]:
        """The JSON form."""
        return dict(self._since)
