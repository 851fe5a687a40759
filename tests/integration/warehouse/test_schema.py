"""The schema that was made is the one that the record types describe."""

from uuid import uuid4

import asyncpg

from shelftide.store.embedded import Dsns
from shelftide.warehouse.ducklake_engine import DuckLakeWarehouses
from shelftide.warehouse.sql import column_definitions, type_name
from shelftide.warehouse.tables import METADATA
from shelftide.warehouse.warehouse import Warehouses

_ALIASES = {
    "TEXT": "text",
    "UUID": "uuid",
    "BIGINT": "bigint",
    "DATE": "date",
    "BOOLEAN": "boolean",
    "DOUBLE PRECISION": "double precision",
    "TIMESTAMP WITH TIME ZONE": "timestamp with time zone",
    "NUMERIC(20, 6)": "numeric(20,6)",
    "NUMERIC(20, 12)": "numeric(20,12)",
}


async def test_postgres_holds_what_the_metadata_says(dsns: Dsns) -> None:
    connection = await asyncpg.connect(dsns.owner)
    try:
        rows = await connection.fetch(
            "select c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull from pg_attribute a"
            " join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace"
            " where n.nspname = 'warehouse' and c.relkind = 'p' and a.attnum > 0 and not a.attisdropped"
        )
        unguarded = await connection.fetch(
            "select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace"
            " where n.nspname = 'warehouse' and c.relkind in ('p', 'r')"
            " and not (c.relrowsecurity and c.relforcerowsecurity)"
        )
    finally:
        await connection.close()
    described = {
        (table.name, column.name, _ALIASES[type_name(column.type)], not column.nullable)
        for table in METADATA.sorted_tables
        for column in table.columns
    }
    assert {tuple(row) for row in rows} == described
    assert unguarded == []


async def test_a_lake_gains_the_columns_it_lacks(lakes: DuckLakeWarehouses) -> None:
    tenant_id = uuid4()
    await lakes.instances.write(tenant_id, lambda cursor: cursor.execute("alter table orders drop column channel"))
    await lakes.instances.write(tenant_id, lambda cursor: cursor.execute("drop table touches"))
    await lakes.instances.drop(tenant_id)
    names = await lakes.instances.read(
        tenant_id,
        lambda cursor: cursor.execute(
            "select table_name, column_name from information_schema.columns where table_catalog = 'lake'"
        ).fetchall(),
    )
    assert set(names) == {(table.name, column.name) for table in METADATA.sorted_tables for column in table.columns}


async def test_a_lake_lets_be_empty_what_a_record_no_longer_demands(lakes: DuckLakeWarehouses) -> None:
    tenant_id = uuid4()
    table = METADATA.tables["warehouse.samples"]
    columns = [
        f"{definition} not null" if column.name == "quantity" else definition
        for column, definition in zip(table.columns, column_definitions(table), strict=True)
    ]
    await lakes.instances.write(tenant_id, lambda cursor: cursor.execute("drop table samples"))
    await lakes.instances.write(
        tenant_id, lambda cursor: cursor.execute(f"create table samples ({', '.join(columns)})")
    )
    await lakes.instances.drop(tenant_id)
    nullable = await lakes.instances.read(
        tenant_id,
        lambda cursor: cursor.execute(
            "select is_nullable from information_schema.columns"
            " where table_catalog = 'lake' and table_name = 'samples' and column_name = 'quantity'"
        ).fetchall(),
    )
    assert nullable == [("YES",)]


async def test_maintenance_of_nothing_is_harmless(warehouses: Warehouses) -> None:
    warehouse = warehouses.of(uuid4())
    await warehouse.maintain()
    assert await warehouse.erase_customer("nobody") == 0
    await warehouse.erase()
    assert not await warehouse.exists()
