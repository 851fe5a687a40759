"""Records become columns; a bad one comes back with its reason and the rest go on."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pyarrow as pa
import pytest

from shelftide.warehouse.arrow import build, schema_of
from shelftide.warehouse.delta import delta_of
from shelftide.warehouse.fields import fields_of
from shelftide_sdk import Reject
from shelftide_sdk.errors import DataError
from shelftide_sdk.money import Money
from shelftide_sdk.records import (
    RECORDS,
    AdDay,
    AdLevel,
    ChannelKind,
    Content,
    ContentKind,
    Customer,
    FxRate,
    Order,
    OrderStatus,
    RecordType,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
GOOD = Order(
    source_id="o1",
    placed_at=NOON,
    zone="Europe/Rome",
    status=OrderStatus.OPEN,
    channel_kind=ChannelKind.OWN_SHOP,
    total=Money(Decimal("1.5"), "EUR"),
)


class Keeper:
    """A stamp's pseudonym alone."""

    @staticmethod
    def pseudonym(customer: Customer) -> tuple[str, str] | None:
        if customer.email == "refused":
            raise DataError("no usable address")
        return (f"key-{customer.email}", "email") if customer.email else None


def columns(*records: Any) -> tuple[pa.Table, list[Reject]]:
    return build(RECORDS[type(records[0]).__name__], records, Keeper())


def changed(**changes: Any) -> Order:
    return msgspec.structs.replace(GOOD, **changes)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"placed_at": datetime(2026, 3, 1)}, "placed_at: time without a zone"),  # noqa: DTZ001  # naive on purpose
        ({"placed_at": datetime(1, 1, 1, tzinfo=ZoneInfo("Asia/Tokyo"))}, "placed_at: time out of range"),
        ({"placed_at": datetime.max.replace(tzinfo=UTC)}, "zone: date value out of range"),
        ({"placed_at": date(2026, 3, 1)}, "placed_at: expected datetime, got date"),
        ({"zone": "Mars/Olympus"}, "zone: unknown time zone 'Mars/Olympus'"),
        ({"zone": "../../etc/passwd"}, "zone: unknown time zone '../../etc/passwd'"),
        ({"zone": "Europe"}, "zone: unknown time zone 'Europe'"),
        ({"total": Money(Decimal("1"), "EUX")}, "total: unknown currency 'EUX'"),
        ({"total": Money(Decimal("NaN"), "EUR")}, "total: not a finite number"),
        ({"total": Money(Decimal("1e14"), "EUR")}, "total: number out of range"),
        ({"total": Money(Decimal("1.0000001"), "EUR")}, "total: more than 6 decimal places"),
        ({"total": Money(1.5, "EUR")}, "total: expected Decimal, got float"),  # type: ignore[arg-type]  # wrong on purpose
        ({"total": None}, "total: missing"),
        ({"customer_order_index": 2**63}, "customer_order_index: integer out of range"),
        ({"customer_order_index": True}, "customer_order_index: expected int, got bool"),
        ({"name": "a\0b"}, "name: text with a NUL character"),
        ({"name": "\ud800"}, "name: text is not valid Unicode"),
        ({"name": 5}, "name: expected str, got int"),
        ({"status": "open"}, "status: expected OrderStatus, got str"),
        ({"promo_codes": ("a", 1)}, "promo_codes: expected str, got int"),
        ({"promo_codes": ["a"]}, "promo_codes: expected tuple, got list"),
        ({"customer": Customer(email="refused")}, "customer: no usable address"),
    ],
)
def test_a_bad_record_is_named_and_its_neighbours_stay(changes: dict[str, Any], reason: str) -> None:
    bad = changed(**changes)
    table, rejects = columns(changed(source_id="a"), bad, changed(source_id="b"))
    assert table.column("source_id").to_pylist() == ["a", "b"]
    assert rejects == [Reject("Order", reason, bad)]


def test_a_ratio_that_is_no_number_is_rejected() -> None:
    day = Content(
        source_id="c", profile_id="p", kind=ContentKind.VIDEO, published_at=NOON, zone="UTC",
        duration_seconds=float("nan"),
    )  # fmt: skip
    assert [reject.reason for reject in columns(day)[1]] == ["duration_seconds: not a finite number"]


def test_exchange_rates_keep_twelve_places() -> None:
    rate = FxRate(source="ecb", base="IDR", quote="USD", day=date(2026, 3, 1), rate=Decimal("0.000061349712"))
    assert columns(rate)[0].column("rate").to_pylist() == [rate.rate]


@pytest.mark.parametrize(
    ("moment", "zone", "day"),
    [
        (datetime(2026, 3, 28, 22, 59, tzinfo=UTC), "Europe/Rome", date(2026, 3, 28)),
        (datetime(2026, 3, 28, 23, 0, tzinfo=UTC), "Europe/Rome", date(2026, 3, 29)),
        (datetime(2026, 3, 29, 21, 59, tzinfo=UTC), "Europe/Rome", date(2026, 3, 29)),
        (datetime(2026, 3, 29, 22, 0, tzinfo=UTC), "Europe/Rome", date(2026, 3, 30)),
        (datetime(2026, 10, 25, 22, 30, tzinfo=UTC), "Europe/Rome", date(2026, 10, 25)),
        (datetime(2011, 12, 30, 9, 59, tzinfo=UTC), "Pacific/Apia", date(2011, 12, 29)),
        (datetime(2011, 12, 30, 10, 0, tzinfo=UTC), "Pacific/Apia", date(2011, 12, 31)),
        (datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC), "UTC", date(1969, 12, 31)),
        (datetime(2026, 3, 1, 0, 0, tzinfo=timezone(timedelta(hours=9))), "Asia/Tokyo", date(2026, 3, 1)),
    ],
)
def test_the_day_is_cut_in_the_zone(moment: datetime, zone: str, day: date) -> None:
    assert columns(changed(placed_at=moment, zone=zone))[0].column("local_day").to_pylist() == [day]


def test_days_of_mixed_zones_agree_with_the_library() -> None:
    zones = ("Europe/Rome", "America/St_Johns", "Asia/Shanghai", "Australia/Lord_Howe")
    orders = [
        changed(source_id=str(n), placed_at=NOON + timedelta(minutes=37 * n), zone=zones[n % 4]) for n in range(20_000)
    ]
    expected = [order.placed_at.astimezone(ZoneInfo(order.zone)).date() for order in orders]
    assert columns(*orders)[0].column("local_day").to_pylist() == expected


def _hashes(*records: Any) -> list[int]:
    found: list[int] = columns(*records)[0].column("row_hash").to_pylist()
    return found


def test_the_hash_depends_on_each_field_and_on_nothing_else() -> None:
    variants = [
        GOOD,
        changed(source_id="o2"),
        changed(placed_at=NOON + timedelta(microseconds=1)),
        changed(zone="Europe/Paris"),
        changed(status=OrderStatus.SHIPPED),
        changed(total=Money(Decimal("-1.5"), "EUR")),
        changed(total=Money(Decimal("1.500001"), "EUR")),
        changed(total=Money(Decimal("1.5"), "USD")),
        changed(tax=Money(Decimal("1.5"), "EUR")),
        changed(name=""),
        changed(name="a"),
        changed(channel="a"),
        changed(name="a" * 8),
        changed(name="a" * 9),
        changed(name="b" + "a" * 8),
        changed(name="a" * 257),
        changed(name="a" * 258),
        changed(journey_ready=True),
        changed(journey_ready=False),
        changed(customer_order_index=0),
        changed(promo_codes=("a",)),
        changed(customer=Customer(email="x")),
    ]
    hashes = _hashes(*variants)
    assert len(set(hashes)) == len(variants)
    assert _hashes(*reversed(variants)) == hashes[::-1]
    assert [_hashes(variant)[0] for variant in variants] == hashes
    assert _hashes(changed(total=Money(Decimal("1.500"), "EUR"))) == hashes[:1]


def test_the_hash_is_the_same_for_ever() -> None:
    """It is stored: a change of the function would restate every row of every tenant once."""
    assert _hashes(GOOD, changed(name="上架" * 100, tax=Money(Decimal("-0.01"), "JPY"))) == [
        -2206608370161653054,
        -3572065918956518800,
    ]


def test_every_record_type_has_columns() -> None:
    for record in RECORDS.values():
        assert build(record, [], Keeper())[0].schema == schema_of(record)


def test_an_unknown_field_type_is_refused() -> None:
    class Odd(msgspec.Struct):
        value: dict[str, str]

    with pytest.raises(TypeError, match=r"Odd\.value: no column form"):
        fields_of(RecordType("Odd", "odds", (), "", None, None, Odd))  # type: ignore[arg-type]  # no Record on purpose


def test_many_records_come_in_slices() -> None:
    orders = [changed(source_id=str(n)) for n in range(130_000)]
    orders[70_000] = changed(name="\0")
    table, rejects = columns(*orders)
    assert (table.num_rows, len(rejects)) == (129_999, 1)
    assert table.column("source_id").num_chunks == 3


def test_equal_key_hashes_alone_drop_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, _ = columns(*(changed(source_id=str(n)) for n in range(4)), changed(source_id="3", name="last"))
    same = delta_of(RECORDS["Order"], rows)
    monkeypatch.setattr("shelftide.warehouse.delta.hash_rows", lambda batch, _: _zeros(batch.num_rows))
    collided = delta_of(RECORDS["Order"], rows)
    for delta in (same, collided):
        assert delta.rows.column("source_id").to_pylist() == ["0", "1", "2", "3"]
        assert delta.rows.column("name").to_pylist() == [None, None, None, "last"]
        assert delta.repeated == 1


def _zeros(count: int) -> Any:
    import numpy as np  # noqa: PLC0415  # only here

    return np.zeros(count, np.uint64)


def test_ads_without_money_are_whole() -> None:
    ad = AdDay(level=AdLevel.AD, entity_id="a", day=date(2026, 3, 1), window="7d", zone="UTC", account_id="x")
    row = columns(ad)[0].to_pylist()[0]
    assert (row["local_day"], row["spend_amount"], row["spend_currency"]) == (ad.day, None, None)
