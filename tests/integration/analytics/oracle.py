"""What the metrics should say, in plain Python over lists of facts: no SQL, no code of the product but its catalogue.

`Book` holds every version of every row; `answers` evaluates a query over those that were known at a moment.
"""

import statistics
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, localcontext
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from shelftide.analytics.metrics.catalogue import Aggregate, Catalogue, Measure
from shelftide.analytics.metrics.query import Query
from shelftide_sdk import Money
from shelftide_sdk.records import (
    AdDay,
    AdLevel,
    ChannelKind,
    Content,
    ContentKind,
    ContentSnapshot,
    Order,
    OrderLine,
    OrderStatus,
    Profile,
    ProfileDay,
    ProfileKind,
    Record,
    Refund,
    SalesDay,
)
from shelftide_sdk.records.record import record_type

START = datetime(2026, 3, 1, tzinfo=UTC)  # the clocks change inside
DAYS = 70
ZONE = "Europe/Rome"
_ZONE = ZoneInfo(ZONE)
_CURRENCIES = ("EUR", "USD", "TWD")
Row = dict[str, Any]


class Version(msgspec.Struct, frozen=True):
    """A row as it was known from a moment on."""

    record: Record
    since: datetime


class Book:
    """Random facts, restated again and again."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.versions: dict[tuple[str, str], list[Version]] = defaultdict(list)

    def edit(self, now: datetime, rows: int) -> list[Record]:
        """Make or restate rows; what was written, each once."""
        made: dict[tuple[str, str], Record] = {}
        for _ in range(rows):
            for record in self.random.choice(
                [self._sale, self._sale, self._refund, self._ad, self._ad, self._profile_day, self._post, self._file]
            )():
                made[type(record).__name__, _key(record)] = record
        for place, record in made.items():
            self.versions[place].append(Version(record, now))
        return list(made.values())

    def known(self, kind: type[Record], as_of: datetime | None) -> list[Any]:
        """Newest versions of one type."""
        found = []
        for (name, _), versions in self.versions.items():
            seen = [v for v in versions if as_of is None or v.since <= as_of]
            if name == kind.__name__ and seen:
                found.append(seen[-1].record)
        return found

    def _at(self) -> datetime:
        return START + timedelta(minutes=self.random.randrange(DAYS * 1440))

    def _money(self, most: int, *, currency: str = "") -> Money:
        return Money(Decimal(self.random.randrange(most)) / 100, currency or self.random.choice(_CURRENCIES))

    def _maybe(self, most: int) -> int | None:
        return None if self.random.random() < 0.15 else self.random.randrange(most)

    def _sale(self) -> list[Record]:
        key, at = f"o{self.random.randrange(120)}", self._at()
        currency = self.random.choice(_CURRENCIES)
        status = self.random.choice([OrderStatus.OPEN, OrderStatus.COMPLETED, OrderStatus.CANCELLED])
        return [
            Order(
                source_id=key, placed_at=at, zone=ZONE, status=status,
                channel_kind=self.random.choice(list(ChannelKind)),
                total=self._money(10**6, currency=currency), country=self.random.choice(["IT", "US", None]),
            ),
            OrderLine(
                order_id=key, source_id="1", placed_at=at, zone=ZONE, quantity=self.random.randint(1, 4),
                total=self._money(10**6, currency=currency), sku=self.random.choice("ABC"),
                cancelled=status is OrderStatus.CANCELLED,
            ),
        ]  # fmt: skip

    def _refund(self) -> list[Record]:
        key = f"r{self.random.randrange(30)}"
        return [Refund(source_id=key, order_id=key, refunded_at=self._at(), zone=ZONE, amount=self._money(10**5))]

    def _ad(self) -> list[Record]:
        day, level = self._at().date(), self.random.choice([AdLevel.AD, AdLevel.AD, AdLevel.CAMPAIGN])
        number = self.random.randrange(6)
        return [
            AdDay(
                level=level, entity_id=f"a{number}", day=day, window=self.random.choice(["default", "default", "7d"]),
                zone=ZONE, account_id="acc", campaign_id=f"c{number % 3}", ad_group_id=f"g{number % 4}",
                spend=self._money(10**5, currency="USD"), impressions=self._maybe(10**5), clicks=self._maybe(10**3),
                conversions=Decimal(self.random.randrange(50)), revenue=self._money(10**6, currency="USD"),
            )
        ]  # fmt: skip

    def _profile_day(self) -> list[Record]:
        number = self.random.randrange(3)
        kind = ProfileKind.COMPETITOR if number == 2 else ProfileKind.OWN
        return [
            Profile(source_id=f"p{number}", kind=kind, handle=f"h{number}"),
            ProfileDay(
                profile_id=f"p{number}", day=self._at().date(), zone=ZONE, views=self._maybe(10**4),
                followers=self._maybe(10**5), new_followers=self._maybe(100), reach=self._maybe(10**4),
            ),
        ]  # fmt: skip

    def _post(self) -> list[Record]:
        key = f"v{self.random.randrange(40)}"
        of = f"p{int(key[1:]) % 3}"
        at = START + timedelta(minutes=37 * int(key[1:]))
        kind = self.random.choice([ContentKind.VIDEO, ContentKind.IMAGE])
        return [
            Content(source_id=key, profile_id=of, kind=kind, published_at=at, zone=ZONE),
            ContentSnapshot(
                content_id=key, captured_at=at + timedelta(hours=self.random.randrange(1, 500)), zone=ZONE,
                views=self._maybe(10**5), likes=self._maybe(10**4), comments=self._maybe(10**3),
                shares=self._maybe(10**3), saves=self._maybe(10**3),
            ),
        ]  # fmt: skip

    def _file(self) -> list[Record]:
        return [
            SalesDay(
                channel="store", sku=self.random.choice("ABC"), day=self._at().date(), zone=ZONE,
                units=self.random.randrange(9), revenue=self._money(10**5, currency="EUR"), orders=self._maybe(9),
            )
        ]  # fmt: skip


def _key(record: Record) -> str:
    return "|".join(str(getattr(record, name)) for name in record_type(record).key)


def _local(at: datetime) -> datetime:
    return at.astimezone(_ZONE)


def rows_of(book: Book, fact: str, as_of: datetime | None) -> list[Row]:
    """The rows of a fact: `day`, `currency`, dimensions and columns."""
    made = _MAKERS[fact](book, as_of)
    for row in made:
        row.setdefault("platform", "test")
        row.setdefault("connection", "")
    return made


def _orders(book: Book, as_of: datetime | None) -> list[Row]:
    return [
        {
            "day": _local(o.placed_at).date(), "market": o.country, "channel_kind": str(o.channel_kind),
            "order_status": str(o.status), "placed": int(o.status is not OrderStatus.CANCELLED),
            "cancelled": int(o.status is OrderStatus.CANCELLED),
            "total": None if o.status is OrderStatus.CANCELLED else o.total.amount, "currency": o.total.currency,
        }
        for o in book.known(Order, as_of)
    ]  # fmt: skip


def _lines(book: Book, as_of: datetime | None) -> list[Row]:
    return [
        {
            "day": _local(line.placed_at).date(), "sku": line.sku, "product": None, "content": None, "creator": None,
            "quantity": line.quantity, "total": line.total.amount, "currency": line.total.currency,
        }
        for line in book.known(OrderLine, as_of)
        if not line.cancelled
    ]  # fmt: skip


def _refunds(book: Book, as_of: datetime | None) -> list[Row]:
    return [
        {"day": _local(r.refunded_at).date(), "amount": r.amount.amount, "currency": r.amount.currency}
        for r in book.known(Refund, as_of)
    ]


def _ads(book: Book, as_of: datetime | None) -> list[Row]:
    return [
        {
            "day": a.day, "ad_account": a.account_id, "campaign": a.campaign_id, "ad_group": a.ad_group_id,
            "ad": a.entity_id, "impressions": a.impressions, "clicks": a.clicks, "conversions": a.conversions,
            "spend": a.spend.amount, "revenue": a.revenue.amount, "currency": a.spend.currency,
        }
        for a in book.known(AdDay, as_of)
        if a.level is AdLevel.AD and a.window == "default"
    ]  # fmt: skip


def _kinds(book: Book, as_of: datetime | None) -> dict[str, str]:
    return {p.source_id: str(p.kind) for p in book.known(Profile, as_of)}


def _profile_days(book: Book, as_of: datetime | None) -> list[Row]:
    kinds = _kinds(book, as_of)
    names = ("views", "followers", "new_followers", "reach")
    return [
        {"day": d.day, "profile": d.profile_id, "profile_kind": kinds.get(d.profile_id, "own")}
        | {name: getattr(d, name) for name in names}
        for d in book.known(ProfileDay, as_of)
    ]


def _contents(book: Book, as_of: datetime | None) -> list[Row]:
    kinds, newest = _kinds(book, as_of), dict[str, ContentSnapshot]()
    for snapshot in sorted(book.known(ContentSnapshot, as_of), key=lambda s: s.captured_at):
        newest[snapshot.content_id] = snapshot
    found = []
    for content in book.known(Content, as_of):
        local, last = _local(content.published_at), newest.get(content.source_id)
        names = ("views", "likes", "comments", "shares", "saves")
        found.append(
            {
                "day": local.date(), "content": content.source_id, "content_kind": str(content.kind),
                "profile": content.profile_id, "profile_kind": kinds.get(content.profile_id, "own"),
                "slot": f"{local.hour:02}:{'00' if local.minute < 30 else '30'}",
            }
            | {name: getattr(last, name) if last else None for name in names}
        )  # fmt: skip
    return found


def _files(book: Book, as_of: datetime | None) -> list[Row]:
    return [
        {
            "day": s.day, "sku": s.sku, "quantity": s.units, "placed": s.orders, "total": s.revenue.amount,
            "currency": s.revenue.currency,
        }
        for s in book.known(SalesDay, as_of)
    ]  # fmt: skip


_MAKERS = {
    "orders": _orders, "order_lines": _lines, "refunds": _refunds, "ad_days": _ads, "profile_days": _profile_days,
    "contents": _contents, "sales_days": _files,
}  # fmt: skip


def answer(
    known: Catalogue, book: Book, query: Query, since: date, until: date, group: dict[str, str | None]
) -> dict[tuple[str, str], Decimal | None]:
    """Values of one group in one period by metric and currency; missing where nothing is known."""
    found: dict[tuple[str, str], Decimal | None] = {}
    for name in query.metrics:
        metric = known.metric(name)
        measures = [known.measures[n] for n in metric.formula.names if n != "days"]
        money = any(m.money for m in measures)
        currencies: Iterable[str] = _CURRENCIES if money else ("",)
        for currency in currencies:
            values: dict[str, Any] = {"days": Decimal((until - since).days + 1)}
            for measure in measures:
                mates = [m for m in measures if metric.denominator and _is_plain_sum(m)]
                values[measure.name] = _measure(book, query, measure, mates, currency, (since, until), group)
            found[name, currency] = _evaluate(metric.formula.text, values)
    return found


def _evaluate(text: str, values: dict[str, Any]) -> Decimal | None:
    if any(value is None for value in values.values()):
        return None
    with localcontext(prec=28):
        try:
            got = eval(text, {"__builtins__": {}}, {**values})  # the catalogue's own formula, as arithmetic
        except (ZeroDivisionError, ArithmeticError):
            return None
    return Decimal(got)


def _measure(
    book: Book,
    query: Query,
    measure: Measure,
    mates: list[Measure],
    currency: str,
    span: tuple[date, date],
    group: dict[str, str | None],
) -> Decimal | None:
    total: Decimal | None = None
    for source in measure.sources:
        if source.fact not in _MAKERS:
            continue
        rows = rows_of(book, source.fact, query.as_of)
        if not rows:
            continue
        named = {*query.dimensions, *(f.dimension for f in query.filters)}
        if not named <= set(rows[0]):
            continue
        rows = [r for r in rows if all(r[n] == v for n, v in source.where) and _kept(r, query)]
        if currency and "currency" in rows_of(book, source.fact, query.as_of)[0]:
            rows = [r for r in rows if r["currency"] == currency]
        columns = [source.column]
        if _is_plain_sum(measure):
            beside = [mate.sources[0] for mate in mates]
            columns += [s.column for s in beside if (s.fact, s.where) == (source.fact, source.where)]
        whole = [r for r in rows if all(r[c] is not None for c in columns)]
        here = [r for r in whole if span[0] <= r["day"] <= span[1] and all(r[n] == v for n, v in group.items())]
        value = _aggregate(measure, source.column, here)
        if value is None and source.fact in ("orders", "order_lines", "refunds", "sales_days", "contents"):
            quiet = any(query.since <= r["day"] <= query.until for r in whole)
            value = Decimal(0) if quiet and measure.aggregate in (Aggregate.SUM, Aggregate.COUNT) else None
        if value is not None:
            total = (total or Decimal(0)) + value
    return total


def _is_plain_sum(measure: Measure) -> bool:
    return measure.aggregate is Aggregate.SUM and len(measure.sources) == 1


def _kept(row: Row, query: Query) -> bool:
    return all((row[f.dimension] in f.values) is not f.without for f in query.filters)


def _aggregate(measure: Measure, column: str, rows: list[Row]) -> Decimal | None:
    told = [row for row in rows if row[column] is not None]
    if not told:
        return None
    values = [Decimal(row[column]) for row in told] if measure.aggregate is not Aggregate.COUNT else []
    match measure.aggregate:
        case Aggregate.COUNT:
            return Decimal(len(told))
        case Aggregate.MEDIAN:
            return Decimal(statistics.median(values))
        case Aggregate.MEAN:
            return Decimal(statistics.fmean(values))
        case Aggregate.LAST | Aggregate.FIRST:
            newest: dict[str, Row] = {}
            for row in sorted(told, key=lambda r: r["day"], reverse=measure.aggregate is Aggregate.FIRST):
                newest[row[measure.of]] = row
            return sum((Decimal(row[column]) for row in newest.values()), Decimal(0))
        case _:
            return sum(values, Decimal(0))
