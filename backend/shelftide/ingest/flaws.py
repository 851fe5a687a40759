"""What cannot be true in what came in: noticed while it is written. Nothing is held back, everything is shown."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from shelftide.warehouse.warehouse import Change
from shelftide_sdk import Money
from shelftide_sdk.records import RECORDS, Record

_EXAMPLES = 5
# Clocks of platforms run ahead by minutes, not hours.
_AHEAD = timedelta(hours=1)
# Counts and amounts that cannot be below nothing.
_NOT_NEGATIVE: Mapping[str, tuple[str, ...]] = {
    "AdDay": ("spend", "impressions", "clicks", "reach", "video_views", "conversions"),
    "AdBreakdownDay": ("spend", "impressions", "clicks", "conversions"),
    "ContentSnapshot": ("views", "reach", "likes", "comments", "shares", "saves", "watch_seconds"),
    "ProfileDay": ("followers", "views", "reach", "profile_views"),
    "Footfall": ("visitors",),
    "Order": ("total",),
    "OrderLine": ("quantity",),
    "Refund": ("amount",),
    "SalesDay": ("orders",),
}
# What a file says ahead of time is no error: a price may hold from next month on.
_MAY_BE_AHEAD = frozenset({"ProductCost", "PurchaseOrderLine"})


class Flaw(StrEnum):
    """A way in which rows look wrong. `HOLE`, `ZONE_CHANGE` and `CURRENCY_CHANGE` are found over many rows."""

    DUPLICATE = "duplicate"
    NEGATIVE = "negative"
    CLICKS = "clicks_above_impressions"
    REFUND = "refund_above_order"
    STOCK = "stock_below_zero"
    FUTURE = "future_day"
    HOLE = "hole"
    ZONE_CHANGE = "zone_change"
    CURRENCY_CHANGE = "currency_change"


class Seen(msgspec.Struct):
    """How many rows of a stream have a flaw, and the first of them: what each says of itself."""

    rows: int = 0
    examples: list[str] = msgspec.field(default_factory=list)

    def add(self, example: str, rows: int = 1) -> None:
        """Count, and remember the first few."""
        self.rows += rows
        if example and len(self.examples) < _EXAMPLES:
            self.examples.append(example)


class Flaws:
    """The flaws of one stream in one run."""

    def __init__(self, connection_id: UUID, stream: str, now: datetime) -> None:
        self._connection_id = connection_id
        self._stream = stream
        self._now = now
        self._today: dict[str, date] = {}
        self.found: dict[Flaw, Seen] = {}

    def look(self, records: Iterable[Record], change: Change) -> None:
        """Look at records of a batch and at what writing them did."""
        for record in records:
            for flaw, what in self._flaws(record):
                self._seen(flaw).add(f"{_key(record)}: {what}")
        for table, done in change.tables.items():
            if done.repeated:
                self._seen(Flaw.DUPLICATE).add(f"{table}: {done.repeated} rows twice in one read", done.repeated)

    def rows(self) -> list[dict[str, Any]]:
        """The findings as they are kept: one a flaw of the stream."""
        return [
            finding(self._connection_id, self._stream, flaw, rows=seen.rows, detail={"examples": seen.examples})
            for flaw, seen in self.found.items()
        ]

    def _seen(self, flaw: Flaw) -> Seen:
        return self.found.setdefault(flaw, Seen())

    def _flaws(self, record: Record) -> Iterator[tuple[Flaw, str]]:
        name = type(record).__name__
        for field in _NOT_NEGATIVE.get(name, ()):
            value = getattr(record, field)
            amount = value.amount if isinstance(value, Money) else value
            if amount is not None and amount < 0:
                yield Flaw.NEGATIVE, f"{field} {amount}"
        yield from _of_type(name, record)
        if name not in _MAY_BE_AHEAD and self._is_ahead(record, RECORDS[name].day):
            yield Flaw.FUTURE, f"{RECORDS[name].day} {getattr(record, str(RECORDS[name].day))}"

    def _is_ahead(self, record: Record, field: str | None) -> bool:
        value = getattr(record, field) if field else None
        if isinstance(value, datetime):
            return value > self._now + _AHEAD
        if isinstance(value, date):
            return value > self._local_day(getattr(record, "zone", "UTC"))
        return False

    def _local_day(self, zone: str) -> date:
        if zone not in self._today:
            self._today[zone] = (self._now + _AHEAD).astimezone(ZoneInfo(zone)).date()
        return self._today[zone]


def _of_type(name: str, record: Any) -> Iterator[tuple[Flaw, str]]:
    if name == "AdDay" and None not in {record.clicks, record.impressions} and record.clicks > record.impressions:
        yield Flaw.CLICKS, f"{record.clicks} clicks of {record.impressions} impressions"
    elif name == "StockLevel" and record.available < 0:
        yield Flaw.STOCK, f"available {record.available}"
    elif name == "Order" and record.refunded is not None and _above(record.refunded, record.total):
        yield Flaw.REFUND, f"refunded {record.refunded.amount} of {record.total.amount} {record.total.currency}"


def _above(part: Money, whole: Money) -> bool:
    return part.currency == whole.currency and part.amount > whole.amount


def _key(record: Record) -> str:
    kind = RECORDS[type(record).__name__]
    return " ".join(str(getattr(record, name)) for name in kind.key)[:200]


def finding(
    connection_id: UUID, stream: str, flaw: str, *, rows: int, detail: Mapping[str, Any], of: str = ""
) -> dict[str, Any]:
    """A finding as it is kept. The fingerprint makes the same one count up; `of` sets apart several of a stream."""
    text = f"{connection_id}|{stream}|{flaw}|{of}"
    return {
        "fingerprint": hashlib.blake2b(text.encode(), digest_size=16).hexdigest(),
        "connection_id": connection_id,
        "stream": stream,
        "flaw": str(flaw),
        "rows": rows,
        "detail": dict(detail),
    }
