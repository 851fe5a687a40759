"""What a platform asks to forget is gone from every version, and nothing else is."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID, uuid4

import pyarrow.parquet as pq
import pytest
from sqlalchemy import select

from shelftide.warehouse.ducklake_engine import DuckLakeWarehouses
from shelftide.warehouse.families import customers_of_orders, is_of, key_of, with_children
from shelftide.warehouse.tables import table_of
from shelftide.warehouse.versions import history
from shelftide.warehouse.warehouse import Batch, Stamp, Warehouse, Warehouses
from shelftide_sdk import Delete
from shelftide_sdk.money import Money
from shelftide_sdk.records import ChannelKind, Customer, Order, OrderLine, OrderStatus, Record, StockLevel

T0 = datetime(2026, 3, 1, tzinfo=UTC)
ONE, TWO = UUID(int=1), UUID(int=2)


def stamp(tenant_id: UUID, connection_id: UUID) -> Stamp:
    return Stamp(
        tenant_id=tenant_id,
        connection_id=connection_id,
        platform="p",
        fetched_at=T0,
        observed_at=T0,
        pseudonym=lambda customer: (f"key-{customer.email}", "email"),
    )


def sale(name: str, price: int = 1) -> list[Record]:
    euro = Money(Decimal(price), "EUR")
    order = Order(
        source_id=name, placed_at=T0, zone="UTC", status=OrderStatus.OPEN, channel_kind=ChannelKind.OWN_SHOP,
        total=euro, customer=Customer(email=f"{name}@b.c"),
    )  # fmt: skip
    line = OrderLine(order_id=name, source_id=f"{name}-1", placed_at=T0, zone="UTC", quantity=1, total=euro)
    return [order, line]


async def every_version(warehouse: Warehouse) -> list[tuple[UUID, str]]:
    rows = history(table_of(Order))
    found = (await warehouse.query(select(rows.c.connection_id, rows.c.source_id))).to_pylist()
    return sorted((UUID(str(row["connection_id"])), row["source_id"]) for row in found)


async def test_a_connection_is_forgotten_in_all_versions_and_the_other_stays(warehouses: Warehouses) -> None:
    mine = uuid4()
    warehouse = warehouses.of(mine)
    for price in (1, 2):
        await warehouse.write(Batch(stamp=stamp(mine, ONE), records=sale("a", price)))
    await warehouse.write(Batch(stamp=stamp(mine, TWO), records=sale("a")))
    await warehouse.erase_connection(ONE)
    assert await every_version(warehouse) == [(TWO, "a")]
    await warehouse.erase_connection(ONE)
    await warehouses.of(uuid4()).erase_connection(ONE)


async def test_a_forgotten_connection_is_in_no_file(lakes: DuckLakeWarehouses) -> None:
    mine = uuid4()
    warehouse = lakes.of(mine)
    await warehouse.write(Batch(stamp=stamp(mine, ONE), records=sale("secret")))
    await warehouse.write(Batch(stamp=stamp(mine, TWO), records=sale("kept")))
    await warehouse.erase_connection(ONE)
    names = {
        name
        for path in lakes.folder(mine).rglob("*.parquet")
        if "source_id" in pq.read_schema(path).names
        for name in pq.read_table(path).column("source_id").to_pylist()
    }
    assert names == {"kept", "kept-1"}


async def test_what_belongs_to_a_removed_order_is_removed_with_it(warehouses: Warehouses) -> None:
    mine = uuid4()
    warehouse = warehouses.of(mine)
    await warehouse.write(Batch(stamp=stamp(mine, ONE), records=[*sale("a"), *sale("b")]))
    found = await with_children(warehouse, ONE, [Delete(Order, {"source_id": "a"})])
    assert [(d.record, dict(d.key)) for d in found] == [
        (Order, {"source_id": "a"}),
        (OrderLine, {"order_id": "a", "source_id": "a-1"}),
    ]
    assert len(await with_children(warehouse, TWO, [Delete(Order, {"source_id": "a"})])) == 1
    assert await customers_of_orders(warehouse, ONE, ["a", "nothing"]) == ["key-a@b.c"]
    assert await customers_of_orders(warehouse, TWO, ["a"]) == []


@pytest.mark.parametrize(("name", "expected"), [("a", True), ("b", False)])
def test_rows_of_a_removed_order_are_known(name: str, expected: bool) -> None:
    removed = {key_of(Delete(Order, {"source_id": "a"}))}
    assert [is_of(record, removed) for record in sale(name)] == [expected, expected]


def test_a_level_is_known_by_both_of_its_keys() -> None:
    removed = {key_of(Delete(StockLevel, {"location_id": "2", "stock_item_id": "1"}))}
    assert is_of(StockLevel(stock_item_id="1", location_id="2", available=0), removed)
    assert not is_of(StockLevel(stock_item_id="2", location_id="1", available=0), removed)
