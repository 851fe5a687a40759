"""Both engines keep versions alike: one current row a key, the past answerable, repeats without effect."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import duckdb
import msgspec
import pyarrow as pa
import pytest
from sqlalchemy import func, select

from shelftide.warehouse import ducklake_engine
from shelftide.warehouse.ducklake_engine import DuckLakeWarehouses
from shelftide.warehouse.tables import METADATA, table_of
from shelftide.warehouse.versions import history, known
from shelftide.warehouse.warehouse import Batch, Change, Stamp, TableChange, Warehouse, Warehouses
from shelftide_sdk import Delete
from shelftide_sdk.money import Money
from shelftide_sdk.records import (
    AdDay,
    AdLevel,
    ChannelKind,
    Customer,
    Order,
    OrderLine,
    OrderStatus,
    Record,
    StockLevel,
    Touch,
    own_fields,
)

T0 = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SHOP = UUID("00000000-0000-4000-8000-000000000001")


def pseudonym(customer: Customer) -> tuple[str, str] | None:
    return (f"key-{customer.email}", "email") if customer.email else None


def order(source_id: str = "o1", **changes: Any) -> Order:
    plain = Order(
        source_id=source_id,
        placed_at=datetime(2026, 2, 27, 22, 30, tzinfo=UTC),
        zone="Europe/Rome",
        status=OrderStatus.OPEN,
        channel_kind=ChannelKind.OWN_SHOP,
        total=Money(Decimal("10.50"), "EUR"),
        updated_at=T0,
    )
    return msgspec.structs.replace(plain, **changes)


def ad_day(day: date, views: int) -> AdDay:
    return AdDay(
        level=AdLevel.AD,
        entity_id="ad1",
        day=day,
        window="7d",
        zone="UTC",
        account_id="a",
        spend=Money(Decimal("0.000001"), "JPY"),
        impressions=views,
        conversions=Decimal("1.5"),
    )


class Shop:
    """One tenant's warehouse with short ways to write and read."""

    def __init__(self, warehouses: Warehouses) -> None:
        self.tenant_id = uuid4()
        self.warehouse: Warehouse = warehouses.of(self.tenant_id)

    async def write(
        self, *records: Record, at: datetime = T0, deletes: Sequence[Delete] = (), connection: UUID = SHOP
    ) -> Change:
        stamp = Stamp(
            tenant_id=self.tenant_id,
            connection_id=connection,
            platform="shopify",
            fetched_at=at,
            observed_at=at,
            pseudonym=pseudonym,
        )
        return await self.warehouse.write(Batch(stamp=stamp, records=records, deletes=deletes))

    async def rows(self, record: type[Record], *names: str, as_of: datetime | None = None) -> list[tuple[Any, ...]]:
        table = known(table_of(record))
        answer = await self.warehouse.query(select(*(table.c[name] for name in names)), as_of)
        return _tuples(answer)

    async def versions(self, record: type[Record], *names: str) -> list[tuple[Any, ...]]:
        table = history(table_of(record))
        return _tuples(await self.warehouse.query(select(*(table.c[name] for name in names))))


def _tuples(answer: pa.Table) -> list[tuple[Any, ...]]:
    return sorted(zip(*(column.to_pylist() for column in answer.columns), strict=True), key=repr)


@pytest.fixture
def shop(warehouses: Warehouses) -> Shop:
    return Shop(warehouses)


async def test_a_tenant_without_data_reads_empty(shop: Shop) -> None:
    assert not await shop.warehouse.exists()
    assert await shop.rows(Order, "source_id", "total_amount") == []
    assert set((await shop.warehouse.counts()).values()) == {0}
    assert (await shop.warehouse.fingerprint(table_of(Order))).startswith("0-")
    assert not await shop.warehouse.exists()


async def test_keeps_every_field_as_it_came(shop: Shop) -> None:
    given = order(
        total=Money(Decimal("-99999999999999.999999"), "JPY"),
        name="上架 🛍 \"quoted\", \\N 'x'\n2",
        channel="",
        promo_codes=("é", "a,b"),
        customer=Customer(email="a@b.c"),
        journey_ready=False,
        customer_order_index=-(2**63),
        extra=own_fields("shopify", note="上架, = x", gift=True),
    )
    await shop.write(given)
    names = (
        "extra",
        "total_amount",
        "total_currency",
        "name",
        "channel",
        "promo_codes",
        "customer_key",
        "customer_basis",
        "journey_ready",
        "customer_order_index",
        "country",
        "placed_at",
        "local_day",
        "platform",
        "tax_amount",
    )
    assert await shop.rows(Order, *names) == [
        (
            '["shopify.gift=true","shopify.note=上架, = x"]',
            Decimal("-99999999999999.999999"),
            "JPY",
            "上架 🛍 \"quoted\", \\N 'x'\n2",
            "",
            '["é","a,b"]',
            "key-a@b.c",
            "contract",
            False,
            -(2**63),
            None,
            given.placed_at,
            date(2026, 2, 27),
            "shopify",
            None,
        )
    ]


async def test_a_change_closes_one_version_and_opens_the_next(shop: Shop) -> None:
    first = await shop.write(order())
    second = await shop.write(order(status=OrderStatus.SHIPPED, updated_at=T0 + HOUR), at=T0 + HOUR)
    assert first.tables == {"orders": TableChange(inserted=1)}
    assert second.tables == {"orders": TableChange(updated=1)}
    assert await shop.rows(Order, "status") == [("shipped",)]
    assert await shop.rows(Order, "status", as_of=T0) == [("open",)]
    assert await shop.rows(Order, "status", as_of=T0 + HOUR) == [("shipped",)]
    assert await shop.rows(Order, "status", as_of=T0 - HOUR) == []
    assert await shop.versions(Order, "status", "observed_at", "superseded_at") == [
        ("open", T0, T0 + HOUR),
        ("shipped", T0 + HOUR, None),
    ]


async def test_the_same_data_again_writes_nothing(shop: Shop) -> None:
    records = [order(f"o{number}") for number in range(100)]
    await shop.write(*records)
    before = await shop.warehouse.fingerprint(table_of(Order))
    again = await shop.write(*reversed(records), at=T0 + HOUR)
    assert again.tables == {"orders": TableChange(unchanged=100)}
    assert again.days == frozenset()
    assert await shop.warehouse.fingerprint(table_of(Order)) == before
    assert len(await shop.versions(Order, "source_id")) == 100


async def test_an_older_state_never_overwrites_a_newer_one(shop: Shop) -> None:
    await shop.write(order(name="new", updated_at=T0 + HOUR))
    late = await shop.write(order(name="old", updated_at=T0), order("o2", updated_at=None), at=T0 + 2 * HOUR)
    silent = await shop.write(order(name="silent", updated_at=None), at=T0 + 3 * HOUR)
    assert late.tables == {"orders": TableChange(inserted=1, stale=1)}
    assert silent.tables == {"orders": TableChange(stale=1)}
    assert await shop.rows(Order, "name") == [("new",), (None,)]


async def test_the_newest_state_in_a_batch_wins(shop: Shop) -> None:
    change = await shop.write(
        order(name="newest", updated_at=T0 + HOUR), order(name="old"), order(name="silent", updated_at=None)
    )
    assert change.tables == {"orders": TableChange(inserted=1, repeated=2)}
    assert await shop.rows(Order, "name") == [("newest",)]


async def test_the_last_state_in_a_batch_wins_without_a_clock(shop: Shop) -> None:
    day = date(2026, 3, 1)
    await shop.write(ad_day(day, 1), ad_day(day, 2), ad_day(day, 3))
    assert await shop.rows(AdDay, "impressions", "spend_amount") == [(3, Decimal("0.000001"))]


async def test_a_second_write_of_the_same_moment_replaces(shop: Shop) -> None:
    day = date(2026, 3, 1)
    await shop.write(ad_day(day, 1))
    change = await shop.write(ad_day(day, 2))
    assert change.tables == {"ad_days": TableChange(updated=1)}
    assert await shop.versions(AdDay, "impressions", "superseded_at") == [(2, None)]


async def test_an_observation_out_of_order_keeps_history_straight(shop: Shop) -> None:
    day = date(2026, 3, 1)
    await shop.write(ad_day(day, 1), at=T0 + 2 * HOUR)
    await shop.write(ad_day(day, 2), at=T0)
    assert await shop.versions(AdDay, "impressions", "observed_at", "superseded_at") == [(2, T0 + 2 * HOUR, None)]


async def test_a_delete_closes_and_a_return_opens_again(shop: Shop) -> None:
    day = date(2026, 3, 1)
    gone = Delete(AdDay, {"level": "ad", "entity_id": "ad1", "day": day, "window": "7d"})
    await shop.write(ad_day(day, 1))
    change = await shop.write(deletes=[gone], at=T0 + 2 * HOUR)
    assert change.tables == {"ad_days": TableChange(deleted=1)}
    assert change.days == frozenset({("ad_days", day)})
    assert await shop.rows(AdDay, "impressions") == []
    assert await shop.rows(AdDay, "impressions", as_of=T0 + HOUR) == [(1,)]
    await shop.write(ad_day(day, 1), at=T0 + HOUR)  # seen before the delete was
    assert await shop.versions(AdDay, "observed_at", "superseded_at") == [
        (T0, T0 + 2 * HOUR),
        (T0 + 2 * HOUR, None),
    ]
    again = await shop.write(deletes=[gone, gone], at=T0 + 3 * HOUR)
    nothing = await shop.write(deletes=[gone], at=T0 + 4 * HOUR)
    assert (again.tables["ad_days"].deleted, nothing.tables["ad_days"].deleted) == (1, 0)


async def test_deleted_at_the_moment_it_was_observed_leaves_nothing(shop: Shop) -> None:
    gone = Delete(Order, {"source_id": "o1"})
    await shop.write(order())
    await shop.write(deletes=[gone])
    assert await shop.versions(Order, "source_id") == []
    both = await shop.write(order(), order("o2"), deletes=[gone], at=T0 + HOUR)
    assert both.tables == {"orders": TableChange(inserted=1, repeated=1)}
    assert await shop.rows(Order, "source_id") == [("o2",)]


async def test_names_the_old_and_the_new_day_of_a_moved_row(shop: Shop) -> None:
    first = await shop.write(order(), order("o2"))
    moved = order(placed_at=datetime(2026, 3, 28, 23, 30, tzinfo=UTC), updated_at=T0 + HOUR)
    second = await shop.write(moved, order("o2"), at=T0 + HOUR)
    assert first.days == {("orders", date(2026, 2, 27))}
    assert second.days == {("orders", date(2026, 2, 27)), ("orders", date(2026, 3, 29))}


async def test_connections_do_not_share_keys(shop: Shop) -> None:
    await shop.write(order(name="a"))
    await shop.write(order(name="b"), connection=uuid4())
    await shop.write(deletes=[Delete(Order, {"source_id": "o1"})], at=T0 + HOUR)
    assert await shop.rows(Order, "name") == [("b",)]


async def test_a_batch_of_several_types_is_all_or_nothing(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    await shop.write(order("before"))
    stock = StockLevel(stock_item_id="s", location_id="l", available=-3)
    with pytest.raises(Exception, match=r"(?i)convert|invalid input syntax"):
        await _with_a_failing_statement(shop, monkeypatch, order(), stock)
    assert await shop.rows(Order, "source_id") == [("before",)]
    assert await shop.rows(StockLevel, "available") == []
    await shop.write(order(), stock, at=T0 + HOUR)
    assert await shop.rows(StockLevel, "available") == [(-3,)]
    assert len(await shop.rows(Order, "source_id")) == 2


async def _with_a_failing_statement(shop: Shop, monkeypatch: pytest.MonkeyPatch, *records: Record) -> None:
    from shelftide.warehouse import ducklake_engine, merge, postgres_engine  # noqa: PLC0415  # patched here only

    def broken(table: Any, traits: Any) -> merge.Merge:
        made = merge.merge_of(table, traits)
        return msgspec.structs.replace(made, insert_all=made.insert_all + " where cast('x' || d.ord as integer) = 1")

    with monkeypatch.context() as patch:
        for engine in (ducklake_engine, postgres_engine):
            patch.setattr(
                engine, "merge_of", lambda t, x: broken(t, x) if t.name == "stock_levels" else merge.merge_of(t, x)
            )
        await shop.write(*records, at=T0 + HOUR)


async def test_bad_records_come_back_and_the_rest_is_written(shop: Shop) -> None:
    change = await shop.write(order(), order("o2", total=Money(Decimal(1), "XXX")), deletes=[Delete(Order, {})])
    assert [(reject.record, reject.reason) for reject in change.rejects] == [
        ("Order", "total: unknown currency 'XXX'"),
        ("Order", "delete: source_id: missing"),
    ]
    assert await shop.rows(Order, "source_id") == [("o1",)]


async def test_a_batch_of_another_tenant_is_refused(shop: Shop, warehouses: Warehouses) -> None:
    stranger = Shop(warehouses)
    stranger.warehouse = shop.warehouse
    with pytest.raises(ValueError, match="another tenant"):
        await stranger.write(order())


async def test_erasing_a_person_reaches_every_version(shop: Shop) -> None:
    buyer = Customer(email="a@b.c")
    touch = Touch(source_id="t1", occurred_at=T0, zone="UTC", channel="ig", customer=buyer)
    await shop.write(order(customer=buyer), touch, order("o2", customer=Customer(email="x@y.z")))
    changed = order(customer=buyer, name="2", updated_at=T0 + HOUR)
    await shop.write(changed, at=T0 + HOUR)
    assert await shop.warehouse.erase_customer("key-a@b.c") == 3
    assert {row[0] for row in await shop.versions(Order, "customer_key")} == {None, "key-x@y.z"}
    assert await shop.versions(Touch, "customer_key", "customer_key_kind", "customer_purpose") == [(None, None, None)]
    again = await shop.write(changed, at=T0 + 2 * HOUR)
    assert again.tables["orders"] == TableChange(unchanged=1)
    assert await shop.warehouse.erase_customer("key-a@b.c") == 0


async def test_erasing_a_tenant_leaves_the_neighbour(shop: Shop, warehouses: Warehouses) -> None:
    neighbour = Shop(warehouses)
    await shop.write(order())
    await neighbour.write(order())
    assert await shop.warehouse.exists()
    await shop.warehouse.erase()
    assert not await shop.warehouse.exists()
    assert await shop.versions(Order, "source_id") == []
    assert await neighbour.rows(Order, "source_id") == [("o1",)]
    await shop.warehouse.erase()
    await shop.write(order("new"))
    assert await shop.rows(Order, "source_id") == [("new",)]


async def test_answers_survive_maintenance(shop: Shop) -> None:
    for hour in range(5):
        await shop.write(order(name=str(hour), updated_at=T0 + hour * HOUR), at=T0 + hour * HOUR)
    before = await shop.versions(Order, "name", "observed_at", "superseded_at")
    await shop.warehouse.maintain()
    assert await shop.versions(Order, "name", "observed_at", "superseded_at") == before
    assert len(before) == 5


async def test_maintenance_joins_the_files_of_small_syncs_that_lost_a_few_rows(lakes: DuckLakeWarehouses) -> None:
    shop = Shop(lakes)
    for hour in range(4):  # ten new orders each, and one of the hour before in a new state
        moment = T0 + hour * HOUR
        fresh = [order(f"{hour}-{n}", updated_at=moment) for n in range(10)]
        await shop.write(*fresh, order(f"{hour - 1}-0", name="later", updated_at=moment), at=moment)
    before = await shop.versions(Order, "source_id", "name", "observed_at", "superseded_at")
    await shop.warehouse.maintain()
    assert await shop.versions(Order, "source_id", "name", "observed_at", "superseded_at") == before
    told = "select file_count, delete_file_count from ducklake_table_info('lake') where table_name = 'orders'"
    assert await lakes.instances.read(shop.tenant_id, lambda cursor: cursor.execute(told).fetchall()) == [(1, 0)]


async def test_many_small_writes_join_their_files_on_the_way(
    lakes: DuckLakeWarehouses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ducklake_engine, "_WRITES", 4)
    monkeypatch.setattr(ducklake_engine, "_FILES", 3)
    shop = Shop(lakes)
    for hour in range(12):
        moment = T0 + hour * HOUR
        await shop.write(order(f"o{hour}"), order("again", name=str(hour), updated_at=moment), at=moment)
    told = "select file_count from ducklake_table_info('lake') where table_name = 'orders'"
    files = await lakes.instances.read(shop.tenant_id, lambda cursor: cursor.execute(told).fetchall())
    assert files[0][0] <= 4
    versions = await shop.versions(Order, "source_id", "name", "superseded_at")
    assert sorted(name for key, name, _ in versions if key == "again") == sorted(map(str, range(12)))
    assert len(versions) == 24
    assert len(await shop.rows(Order, "source_id")) == 13


@pytest.mark.parametrize("error", [duckdb.TransactionException, duckdb.IOException])
async def test_trouble_while_files_are_joined_harms_no_write(
    lakes: DuckLakeWarehouses, monkeypatch: pytest.MonkeyPatch, error: type[duckdb.Error]
) -> None:
    asked: list[str] = []

    def troubled(_: Any, condition: str) -> list[str]:
        asked.append(condition)
        raise error("not now")

    monkeypatch.setattr(ducklake_engine, "_WRITES", 1)
    monkeypatch.setattr(ducklake_engine, "_scattered", troubled)
    shop = Shop(lakes)
    change = await shop.write(order())
    assert change.days
    assert asked
    assert await shop.rows(Order, "source_id") == [("o1",)]


async def test_maintenance_gives_statistics_to_tables_without_rows_once_and_nobody_sees_how(
    lakes: DuckLakeWarehouses, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Shop(lakes)
    await shop.write(order())
    before = await shop.warehouse.counts()

    async def told(text: str) -> Any:
        asked = f"select * from postgres_query('__ducklake_metadata_lake', '{text}')"
        return (await lakes.instances.read(shop.tenant_id, lambda cursor: cursor.execute(asked).fetchall()))[0][0]

    def torn(_: Any) -> str:
        raise RuntimeError("the process died")

    with monkeypatch.context() as patch:
        patch.setattr(ducklake_engine, "_no_row", torn)
        with pytest.raises(RuntimeError):
            await shop.warehouse.maintain()
    assert await told("select count(*) from ducklake_table_stats") == len(METADATA.tables)
    for moment in (None, datetime(1970, 1, 1, tzinfo=UTC), T0 + HOUR):
        lines = known(table_of(OrderLine), moment)
        assert (await shop.warehouse.query(select(func.count().label("n")).select_from(lines)))["n"].to_pylist() == [0]
    assert await shop.warehouse.counts() == before
    await shop.warehouse.maintain()
    assert await shop.warehouse.counts() == before
    calm = await told("select max(snapshot_id) from ducklake_snapshot")
    await shop.warehouse.maintain()
    assert await told("select max(snapshot_id) from ducklake_snapshot") == calm


async def test_sums_stay_exact(shop: Shop) -> None:
    await shop.write(*(order(f"o{n}", total=Money(Decimal("0.000001"), "EUR")) for n in range(1000)))
    rows = known(table_of(Order))
    answer = await shop.warehouse.query(
        select(
            func.sum(rows.c.total_amount).label("total"), func.count().label("n"), func.avg(rows.c.total_amount)
        ).where(rows.c.total_amount > Decimal("0.0000001"), rows.c.local_day.in_([date(2026, 2, 27)]))
    )
    assert answer.column("total").to_pylist() == [Decimal("0.001000")]
    assert answer.schema.types == [pa.decimal128(38, 6), pa.int64(), pa.float64()]
