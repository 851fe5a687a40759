"""Nothing that is asked of one tenant's warehouse reaches the neighbour, a file, the network or a setting."""

import asyncio
import threading
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import duckdb
import pyarrow.parquet as pq
import pytest
from sqlalchemy import column, func, literal_column, select, table, text
from sqlalchemy.engine import make_url

from shelftide.store.embedded import Dsns
from shelftide.warehouse.ducklake_engine import DuckLakeWarehouses
from shelftide.warehouse.instances import transaction
from shelftide.warehouse.lakes import LakeLogin, Lakes, lake_name
from shelftide.warehouse.postgres_engine import PostgresWarehouses
from shelftide.warehouse.sql import RefusedStatementError
from shelftide.warehouse.tables import table_of
from shelftide.warehouse.versions import known
from shelftide.warehouse.warehouse import Batch, Stamp, Warehouse, Warehouses
from shelftide_sdk.money import Money
from shelftide_sdk.records import ChannelKind, Customer, Order, OrderStatus

T0 = datetime(2026, 3, 1, tzinfo=UTC)


def batch(tenant_id: UUID, *names: str, email: str = "a@b.c") -> Batch:
    stamp = Stamp(
        tenant_id=tenant_id, connection_id=UUID(int=1), platform="p", fetched_at=T0, observed_at=T0,
        pseudonym=lambda customer: (f"pseudonym-{customer.email}", "email"),
    )  # fmt: skip
    records = [
        Order(
            source_id=name, placed_at=T0, zone="UTC", status=OrderStatus.OPEN, channel_kind=ChannelKind.OWN_SHOP,
            total=Money(Decimal(1), "EUR"), customer=Customer(email=email),
        )
        for name in names
    ]  # fmt: skip
    return Batch(stamp=stamp, records=records)


async def source_ids(warehouse: Warehouse) -> list[str]:
    orders = known(table_of(Order))
    return sorted((await warehouse.query(select(orders.c.source_id))).column(0).to_pylist())


async def ask(lakes: DuckLakeWarehouses, tenant_id: UUID, sql: str) -> list[Any]:
    """Run SQL inside the tenant's instance, as if something had let it in."""
    rows: list[Any] = await lakes.instances.read(tenant_id, lambda cursor: cursor.execute(sql).fetchall())
    return rows


async def connect(dsns: Dsns, login: LakeLogin) -> asyncpg.Connection:
    host = str(make_url(dsns.lakes).query["host"])
    return await asyncpg.connect(host=host, user=login.name, password=login.password, database="lakes")


def hostile(folder: Path, dsns: Dsns) -> list[str]:
    url = dsns.app.replace("postgresql://", "postgres://")
    return [
        "select * from read_text('/etc/passwd')",
        "select * from read_csv('/etc/passwd')",
        "select * from read_blob('/etc/passwd')",
        "select * from '/etc/passwd'",
        "select * from glob('/etc/*')",
        f"select * from read_parquet('{folder}/**/*.parquet')",
        f"attach '{folder}/x.db'",
        f"attach '{url}' as p (type postgres)",
        f"copy orders to '{folder}/out.csv'",
        "copy orders to '/tmp/out.csv'",
        f"export database '{folder}/out'",
        "install httpfs",
        "load httpfs",
        "set enable_external_access = true",
        "set allowed_directories = ['/']",
        "reset lock_configuration",
        "set threads = 64",
        "set memory_limit = '64GB'",
        "set python_enable_replacements = true",
        "select * from read_json('http://127.0.0.1:1/x')",
    ]


async def test_hostile_sql_inside_the_instance_is_refused(lakes: DuckLakeWarehouses, dsns: Dsns) -> None:
    mine, neighbour = uuid4(), uuid4()
    await lakes.of(mine).write(batch(mine, "mine"))
    await lakes.of(neighbour).write(batch(neighbour, "theirs"))
    for statement in hostile(lakes.folder(neighbour), dsns):
        with pytest.raises(duckdb.Error):
            await ask(lakes, mine, statement)
    assert await source_ids(lakes.of(mine)) == ["mine"]


async def test_the_catalog_connection_knows_only_its_own_schema(lakes: DuckLakeWarehouses, dsns: Dsns) -> None:
    mine, neighbour = uuid4(), uuid4()
    await lakes.of(mine).write(batch(mine, "mine"))
    await lakes.of(neighbour).write(batch(neighbour, "theirs"))
    for schema in (lake_name(neighbour), "warehouse"):
        sql = f"select * from postgres_query('__ducklake_metadata_lake', 'select * from {schema}.ducklake_table')"
        with pytest.raises(duckdb.Error, match=r"permission denied|does not exist"):
            await ask(lakes, mine, sql)


async def test_the_instance_does_not_show_its_password(lakes: DuckLakeWarehouses, secrets: Any) -> None:
    mine = uuid4()
    await lakes.of(mine).write(batch(mine, "mine"))
    password = secrets.logins[mine].password
    for listing in ("duckdb_databases()", "duckdb_secrets()", "duckdb_settings()", "lake.options()"):
        assert password not in str(await ask(lakes, mine, f"from {listing}"))
    sql = "select * from postgres_scan('dbname=lakes', 'public', 'x')"
    with pytest.raises(duckdb.Error):
        await ask(lakes, mine, sql)
    assert password not in repr(secrets.logins[mine])


async def test_a_tenants_login_sees_no_other_schema(lakes: DuckLakeWarehouses, dsns: Dsns, secrets: Any) -> None:
    mine, neighbour = uuid4(), uuid4()
    await lakes.of(mine).write(batch(mine, "mine"))
    await lakes.of(neighbour).write(batch(neighbour, "theirs"))
    connection = await connect(dsns, secrets.logins[mine])
    try:
        assert await connection.fetchval(f"select count(*) from {lake_name(mine)}.ducklake_data_file") > 0
        for statement in (
            f"select * from {lake_name(neighbour)}.ducklake_data_file",
            f"delete from {lake_name(neighbour)}.ducklake_data_file",
            f"create table {lake_name(neighbour)}.x (y int)",
            f"grant {lake_name(neighbour)} to {lake_name(mine)}",
            f"alter role {lake_name(neighbour)} password 'x'",
            "create role x",
            "create schema x",
            "select pg_read_file('/etc/passwd')",
            "copy (select 1) to program 'true'",
        ):
            with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.PostgresError), match=r"denied|permission"):
                await connection.execute(statement)
    finally:
        await connection.close()
    login = secrets.logins[mine]
    host = str(make_url(dsns.app).query["host"])
    with pytest.raises(asyncpg.PostgresError):
        await asyncpg.connect(host=host, user=login.name, password=login.password, database="shelftide")


async def test_erasing_takes_files_schema_and_login(lakes: DuckLakeWarehouses, dsns: Dsns, secrets: Any) -> None:
    mine = uuid4()
    await lakes.of(mine).write(batch(mine, "mine"))
    login = secrets.logins[mine]
    assert list(lakes.folder(mine).rglob("*.parquet"))
    await lakes.of(mine).erase()
    assert not lakes.folder(mine).exists()
    assert mine not in secrets.logins
    with pytest.raises(asyncpg.PostgresError):
        await connect(dsns, login)


async def test_an_erased_person_is_in_no_file(lakes: DuckLakeWarehouses) -> None:
    mine = uuid4()
    warehouse = lakes.of(mine)
    await warehouse.write(batch(mine, "o1", "o2"))
    await warehouse.write(batch(mine, "o3", email="x@y.z"))

    def keys() -> set[Any]:
        return {
            key
            for path in lakes.folder(mine).rglob("*.parquet")
            if "customer_key" in pq.read_schema(path).names
            for key in pq.read_table(path).column("customer_key").to_pylist()
        }

    assert "pseudonym-a@b.c" in keys()
    assert await warehouse.erase_customer("pseudonym-a@b.c") == 2
    assert keys() == {None, "pseudonym-x@y.z"}
    assert await source_ids(warehouse) == ["o1", "o2", "o3"]


async def test_two_processes_never_double_a_row(lakes: DuckLakeWarehouses, dsns: Dsns, secrets: Any) -> None:
    tenant_id = uuid4()
    names = [f"o{number}" for number in range(200)]
    await lakes.of(tenant_id).write(batch(tenant_id, "o0"))
    other = DuckLakeWarehouses(Lakes(dsns.lakes, secrets), lakes.data)
    try:
        for _ in range(5):
            await lakes.of(tenant_id).write(batch(tenant_id, "o0"))
            await asyncio.gather(
                *(side.of(tenant_id).write(batch(tenant_id, *names)) for side in (lakes, other) for _ in range(2))
            )
            names = [f"{name}x" for name in names]
    finally:
        await other.close()
    found = await source_ids(lakes.of(tenant_id))
    assert len(found) == len(set(found)) == 1 + 5 * 200 - 1


async def test_two_first_writes_at_once_make_one_lake(lakes: DuckLakeWarehouses, dsns: Dsns, secrets: Any) -> None:
    tenant_id = uuid4()
    other = DuckLakeWarehouses(Lakes(dsns.lakes, secrets), lakes.data)
    try:
        await asyncio.gather(*(side.of(tenant_id).write(batch(tenant_id, "o1")) for side in (lakes, other)))
        assert await source_ids(other.of(tenant_id)) == ["o1"]
    finally:
        await other.close()


async def test_a_lake_made_halfway_is_completed(dsns: Dsns, secrets: Any, lakes: DuckLakeWarehouses) -> None:
    tenant_id = uuid4()
    await Lakes(dsns.lakes, secrets).ensure(tenant_id)
    secrets.logins[tenant_id] = LakeLogin(lake_name(tenant_id), "kept-but-never-set")
    connection = await asyncpg.connect(dsns.lakes)
    await connection.execute(f"drop schema {lake_name(tenant_id)}")
    await connection.close()
    await lakes.of(tenant_id).write(batch(tenant_id, "o1"))
    assert await source_ids(lakes.of(tenant_id)) == ["o1"]


async def test_only_a_few_instances_stay_open(dsns: Dsns, secrets: Any, tmp_path: Path) -> None:
    warehouses = DuckLakeWarehouses(Lakes(dsns.lakes, secrets), tmp_path / "few", limit=2)
    tenants = [uuid4() for _ in range(3)]
    try:
        for tenant_id in tenants:
            await warehouses.of(tenant_id).write(batch(tenant_id, str(tenant_id)))
        assert len(warehouses.instances) == 2
        for tenant_id in tenants:
            assert await source_ids(warehouses.of(tenant_id)) == [str(tenant_id)]
        assert len(warehouses.instances) == 2
    finally:
        await warehouses.close()
    assert len(warehouses.instances) == 0


async def test_a_cancelled_caller_leaves_the_write_whole(lakes: DuckLakeWarehouses) -> None:
    tenant_id = uuid4()
    await lakes.of(tenant_id).write(batch(tenant_id, "o0"))
    task = asyncio.create_task(lakes.of(tenant_id).write(batch(tenant_id, *(f"o{n}" for n in range(1, 500)))))
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await lakes.of(tenant_id).write(batch(tenant_id, "last"))
    assert len(await source_ids(lakes.of(tenant_id))) in (2, 501)


@pytest.mark.parametrize(
    "statement",
    [
        select(func.read_text("/etc/passwd")),
        select(column("content")).select_from(func.read_text("/etc/passwd").table_valued("content")),
        select(func.pg_read_file("/etc/passwd")),
        select(func.set_config("app.tenant", "x", True)),
        select(func.postgres_query("__ducklake_metadata_lake", "select 1")),
        select(text("1; drop table orders")),
        select(literal_column("(select 1 from pg_class)")),
        select(literal_column("read_text('/etc/passwd')")),
        select(column("a")).select_from(table("pg_class", column("a"))),
        select(column("a")).select_from(text("pg_class")),
        text("select 1"),
    ],
)
async def test_statements_that_reach_outside_are_refused(statement: Any, warehouses: Warehouses) -> None:
    with pytest.raises(RefusedStatementError):
        await warehouses.of(uuid4()).query(statement)


async def test_values_are_bound_never_pasted(warehouses: Warehouses) -> None:
    tenant_id = uuid4()
    warehouse = warehouses.of(tenant_id)
    await warehouse.write(batch(tenant_id, "o1"))
    orders = known(table_of(Order))
    for value in ("' or 1=1 --", "$1", "o1'; drop table orders; --", "%", "\\"):
        answer = await warehouse.query(select(orders.c.source_id).where(orders.c.source_id == value))
        assert answer.num_rows == 0
    assert await source_ids(warehouse) == ["o1"]


async def test_row_security_hides_and_guards_the_neighbour(postgres: PostgresWarehouses, dsns: Dsns) -> None:
    mine, neighbour = uuid4(), uuid4()
    await postgres.of(mine).write(batch(mine, "mine"))
    await postgres.of(neighbour).write(batch(neighbour, "theirs"))
    assert await source_ids(postgres.of(mine)) == ["mine"]
    connection = await asyncpg.connect(dsns.app)
    try:
        assert await connection.fetchval("select count(*) from warehouse.orders") == 0
        async with connection.transaction():
            await connection.execute(
                "select set_config('app.tenant', $1, true), set_config('app.tenants', $2, true)",
                str(mine),
                f"{mine},{neighbour}",
            )
            seen = await connection.fetch(
                "select tenant_id from warehouse.orders where source_id in ('mine', 'theirs')"
            )
            assert {row[0] for row in seen} == {mine, neighbour}
            assert await connection.execute("delete from warehouse.orders") == "DELETE 1"
            moved = "insert into warehouse.orders select * from warehouse.orders"
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(moved)
    finally:
        await connection.close()
    connection = await asyncpg.connect(dsns.app)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch("select * from warehouse.orders_0")
    finally:
        await connection.close()


async def test_a_writer_waits_for_its_own_lake_and_for_no_other(
    lakes: DuckLakeWarehouses, secrets: Any, dsns: Dsns
) -> None:
    """Two processes: ours, and another that is inside a transaction on the first lake."""
    first, second = uuid4(), uuid4()
    elsewhere = DuckLakeWarehouses(Lakes(dsns.lakes, secrets), lakes.data)
    await lakes.of(first).write(batch(first, "o1"))
    inside, done = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def hold(cursor: duckdb.DuckDBPyConnection) -> None:
        with transaction(cursor):
            loop.call_soon_threadsafe(inside.set)
            done.wait(60)

    holder = asyncio.create_task(elsewhere.instances.write(first, hold))
    try:
        await inside.wait()
        own = asyncio.create_task(lakes.of(first).write(batch(first, "o2")))
        await asyncio.wait_for(lakes.of(second).write(batch(second, "o1")), timeout=30)
        assert not own.done()
    finally:
        done.set()
    await asyncio.gather(holder, own)
    assert await source_ids(lakes.of(first)) == ["o1", "o2"]
    await elsewhere.close()
