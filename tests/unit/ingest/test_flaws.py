"""What cannot be true is noticed, with the rows; what is unusual but possible is not."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from shelftide.ingest.flaws import Flaw, Flaws
from shelftide.warehouse.warehouse import Change, TableChange
from shelftide_sdk import Money
from shelftide_sdk.records import (
    AdDay,
    AdLevel,
    ChannelKind,
    ContentSnapshot,
    Order,
    OrderStatus,
    ProductCost,
    Record,
    StockLevel,
)

NOW = datetime(2026, 3, 10, 20, tzinfo=UTC)  # in Shanghai it is the eleventh
CONNECTION = UUID(int=7)
NOTHING = Change()


def ad_day(**values: Any) -> AdDay:
    known: dict[str, Any] = {
        "level": AdLevel.AD,
        "entity_id": "a1",
        "day": date(2026, 3, 9),
        "window": "default",
        "zone": "UTC",
        "account_id": "x",
    }
    return AdDay(**{**known, **values})


def order(**values: Any) -> Order:
    known: dict[str, Any] = {
        "source_id": "o1",
        "placed_at": NOW - timedelta(days=1),
        "zone": "UTC",
        "status": OrderStatus.OPEN,
        "channel_kind": ChannelKind.OWN_SHOP,
        "total": Money(Decimal(50), "EUR"),
    }
    return Order(**{**known, **values})


def snapshot(**values: Any) -> ContentSnapshot:
    return ContentSnapshot(content_id="c1", captured_at=NOW, zone="UTC", **values)


def look(*records: Record) -> dict[Flaw, int]:
    flaws = Flaws(CONNECTION, "things", NOW)
    flaws.look(records, NOTHING)
    return {flaw: seen.rows for flaw, seen in flaws.found.items()}


@pytest.mark.parametrize(
    ("record", "flaw"),
    [
        (snapshot(views=-1), Flaw.NEGATIVE),
        (ad_day(spend=Money(Decimal("-0.01"), "EUR")), Flaw.NEGATIVE),
        (ad_day(clicks=11, impressions=10), Flaw.CLICKS),
        (order(refunded=Money(Decimal("50.01"), "EUR")), Flaw.REFUND),
        (StockLevel(stock_item_id="s", location_id="l", available=-3), Flaw.STOCK),
        (ad_day(day=date(2026, 3, 11)), Flaw.FUTURE),
        (ad_day(day=date(2026, 3, 12), zone="Asia/Shanghai"), Flaw.FUTURE),
        (order(placed_at=NOW + timedelta(hours=2)), Flaw.FUTURE),
    ],
)
def test_the_impossible_is_noticed(record: Record, flaw: Flaw) -> None:
    assert look(record) == {flaw: 1}


@pytest.mark.parametrize(
    "record",
    [
        snapshot(views=0, likes=None),
        ad_day(clicks=10, impressions=10),
        ad_day(clicks=5, impressions=None),
        ad_day(day=date(2026, 3, 11), zone="Asia/Shanghai"),
        order(refunded=Money(Decimal(50), "EUR")),
        order(refunded=Money(Decimal(60), "USD")),
        order(placed_at=NOW + timedelta(minutes=5)),
        ProductCost(sku="A", valid_from=date(2026, 6, 1), zone="UTC", cost=Money(Decimal(1), "EUR")),
    ],
)
def test_the_possible_is_left_alone(record: Record) -> None:
    assert look(record) == {}


def test_a_finding_counts_its_rows_and_names_the_first() -> None:
    flaws = Flaws(CONNECTION, "ads", NOW)
    flaws.look([ad_day(entity_id=f"a{n}", clicks=2, impressions=1) for n in range(9)], NOTHING)
    flaws.look([ad_day(entity_id="b", clicks=2, impressions=1)], Change(tables={"ad_days": TableChange(repeated=4)}))
    rows = {row["flaw"]: row for row in flaws.rows()}
    assert rows["clicks_above_impressions"]["rows"] == 10
    assert rows["clicks_above_impressions"]["detail"]["examples"][0] == (
        "ad a0 2026-03-09 default: 2 clicks of 1 impressions"
    )
    assert len(rows["clicks_above_impressions"]["detail"]["examples"]) == 5
    assert rows["duplicate"]["rows"] == 4
    assert len({row["fingerprint"] for row in rows.values()}) == 2
