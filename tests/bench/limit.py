"""Contestant: the least that any program must do. Raw sockets, typed decoding, Arrow, one MERGE a table (or COPY).

No framework, no quarantine, no versions, no tenants, no retries: what is left when all that a product adds is taken
away. Modes: `drain` reads bytes, `decode` decodes them, `duckdb` and `postgres` land the four tables with the product's
columns. Reading goes on while a batch is written.
"""

import asyncio
import platform
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from importlib.metadata import version
from operator import attrgetter
from pathlib import Path
from typing import Any

import asyncpg
import duckdb
import pyarrow as pa
import uvloop
from tests.bench.measure import TABLES, Report, read_task
from tests.bench.wire import Journey, Order, Source, Utm, Visit

_BATCH_PAGES = 400


def _id(value: str) -> str:
    return value.rpartition("/")[2]


def _get(path: str) -> Callable[[Any], Any]:
    """A member of a member, None where anything on the way is None."""
    names = path.split(".")

    def read(value: Any) -> Any:
        for name in names:
            value = getattr(value, name) if value is not None else None
        return value

    return read


def _maybe_id(path: str) -> Callable[[Any], str | None]:
    read = _get(path)
    return lambda row: _id(found) if (found := read(row)) else None


# Columns: name, SQL type, how to read it. Rows of the inner tables are (order, line), (order, refund), (order, visit).
Column = tuple[str, str, Callable[[Any], Any]]
_MONEY, _TIME = "DECIMAL(20,6)", "TIMESTAMPTZ"


def _money(name: str, bag: str) -> list[Column]:
    return [
        (f"{name}_amount", _MONEY, attrgetter(f"{bag}.shop_money.amount")),
        (f"{name}_currency", "VARCHAR", attrgetter(f"{bag}.shop_money.currency_code")),
    ]


def _second(columns: Sequence[Column]) -> list[Column]:
    def inner(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
        return lambda pair: read(pair[1])

    return [(name, kind, inner(read)) for name, kind, read in columns]


def _order_id(pair: Any) -> str:
    return _id(pair[0].id)


COLUMNS: dict[str, list[Column]] = {
    "orders": [
        ("source_id", "VARCHAR", lambda o: _id(o.id)),
        ("name", "VARCHAR", attrgetter("name")),
        ("placed_at", _TIME, attrgetter("created_at")),
        ("updated_at", _TIME, attrgetter("updated_at")),
        ("cancelled_at", _TIME, attrgetter("cancelled_at")),
        ("cancel_reason", "VARCHAR", attrgetter("cancel_reason")),
        ("closed", "BOOLEAN", attrgetter("closed")),
        ("source_name", "VARCHAR", attrgetter("source_name")),
        ("promo_codes", "VARCHAR", lambda o: ",".join(o.discount_codes)),
        ("financial_status", "VARCHAR", attrgetter("display_financial_status")),
        ("platform_status", "VARCHAR", attrgetter("display_fulfillment_status")),
        ("channel", "VARCHAR", _get("attribution.handle")),
        ("country", "VARCHAR", _get("shipping_address.country_code_v2")),
        ("customer_id", "VARCHAR", _maybe_id("customer.id")),
        ("email", "VARCHAR", _get("customer.default_email_address.email_address")),
        ("phone", "VARCHAR", _get("customer.default_phone_number.phone_number")),
        *_money("total", "total_price_set"),
        *_money("current_total", "current_total_price_set"),
        *_money("subtotal", "subtotal_price_set"),
        *_money("discount", "total_discounts_set"),
        *_money("shipping", "total_shipping_price_set"),
        *_money("tax", "total_tax_set"),
        *_money("refunded", "total_refunded_set"),
        ("presentment_total_amount", _MONEY, _get("total_price_set.presentment_money.amount")),
        ("presentment_total_currency", "VARCHAR", _get("total_price_set.presentment_money.currency_code")),
        ("customer_order_index", "INTEGER", _get("customer_journey_summary.customer_order_index")),
        ("journey_ready", "BOOLEAN", _get("customer_journey_summary.ready")),
    ],
    "order_lines": [
        ("order_id", "VARCHAR", _order_id),
        ("placed_at", _TIME, lambda p: p[0].created_at),
        *_second(
            [
                ("source_id", "VARCHAR", lambda i: _id(i.id)),
                ("title", "VARCHAR", attrgetter("title")),
                ("sku", "VARCHAR", attrgetter("sku")),
                ("quantity", "INTEGER", attrgetter("quantity")),
                ("current_quantity", "INTEGER", attrgetter("current_quantity")),
                ("product_id", "VARCHAR", _maybe_id("product.id")),
                ("variant_id", "VARCHAR", _maybe_id("variant.id")),
                *_money("unit_price", "original_unit_price_set"),
                *_money("total", "discounted_total_set"),
            ]
        ),
    ],
    "refunds": [
        ("order_id", "VARCHAR", _order_id),
        *_second(
            [
                ("source_id", "VARCHAR", lambda r: _id(r.id)),
                ("refunded_at", _TIME, attrgetter("created_at")),
                ("updated_at", _TIME, attrgetter("updated_at")),
                ("reason", "VARCHAR", attrgetter("note")),
                ("quantity", "INTEGER", lambda r: sum(line.quantity for line in r.refund_line_items.nodes)),
                *_money("amount", "total_refunded_set"),
            ]
        ),
    ],
    "touches": [
        ("order_id", "VARCHAR", _order_id),
        ("source_id", "VARCHAR", lambda p: f"{_id(p[0].id)}-{_id(p[1].id)}"),
        *_second(
            [
                ("occurred_at", _TIME, attrgetter("occurred_at")),
                ("landing_page", "VARCHAR", attrgetter("landing_page")),
                ("referrer_url", "VARCHAR", attrgetter("referrer_url")),
                ("referral_code", "VARCHAR", attrgetter("referral_code")),
                ("source", "VARCHAR", attrgetter("source")),
                ("source_type", "VARCHAR", attrgetter("source_type")),
                *[(f"utm_{part}", "VARCHAR", _get(f"utm_parameters.{part}")) for part in Utm.__struct_fields__],
            ]
        ),
    ],
}


def rows_of(orders: Sequence[Order]) -> dict[str, Sequence[Any]]:
    """What goes into each table."""
    return {
        "orders": orders,
        "order_lines": [(order, line) for order in orders for line in order.line_items.nodes],
        "refunds": [(order, refund) for order in orders for refund in order.refunds],
        "touches": [(order, visit) for order in orders for visit in _visits(order.customer_journey_summary)],
    }


def _visits(journey: Journey | None) -> list[Visit]:
    if journey is None:
        return []
    moments = journey.moments.nodes if journey.moments else ()
    found = {visit.id: visit for visit in (journey.first_visit, *moments, journey.last_visit) if visit is not None}
    return list(found.values())


class DuckStore:
    """A bare DuckDB file: Arrow tables, MERGE by key, one transaction."""

    def __init__(self, task: dict[str, Any]) -> None:
        self._db = duckdb.connect(str(Path(task["folder"]) / "limit.duckdb"), config={"threads": 2})
        for table, columns in COLUMNS.items():
            self._db.execute(f"create table if not exists {table} ({', '.join(f'{n} {t}' for n, t, _ in columns)})")

    async def begin(self) -> None:
        self._db.execute("begin")

    async def write(self, orders: Sequence[Order]) -> None:
        await asyncio.to_thread(self._merge, orders)

    def _merge(self, orders: Sequence[Order]) -> None:
        for table, rows in rows_of(orders).items():
            columns = COLUMNS[table]
            kinds = {"INTEGER": pa.int32(), "BOOLEAN": pa.bool_()}
            data = {n: pa.array([read(row) for row in rows], kinds.get(t, pa.string())) for n, t, read in columns}
            self._db.register("delta", pa.table(data))
            cast = ", ".join(f"{n}::{t} as {n}" for n, t, _ in columns)
            changes = ", ".join(f"{n} = d.{n}" for n, _, _ in columns if n not in ("order_id", "source_id"))
            key = " and ".join(f"t.{n} = d.{n}" for n, _, _ in columns if n in ("order_id", "source_id"))
            self._db.execute(
                f"merge into {table} t using (select {cast} from delta) d on {key}"
                f" when matched then update set {changes}"
                f" when not matched then insert values ({', '.join(f'd.{n}' for n, _, _ in columns)})"
            )
            self._db.unregister("delta")

    async def commit(self) -> None:
        self._db.execute("commit")

    async def query(self, text: str) -> Any:
        row = self._db.execute(text).fetchone()
        return row[0] if row else None

    async def close(self) -> None:
        self._db.close()


class PostgresStore:
    """Bare tables with a primary key: COPY into a temporary one, then INSERT … ON CONFLICT, one transaction."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection
        self._transaction: Any = None

    @classmethod
    async def open(cls, dsn: str) -> "PostgresStore":
        connection = await asyncpg.connect(dsn)
        await connection.execute("drop schema if exists bench_limit cascade; create schema bench_limit")
        await connection.execute("set search_path = bench_limit")
        for table, columns in COLUMNS.items():
            key = ", ".join(n for n, _, _ in columns if n in ("order_id", "source_id") and table != "orders")
            definitions = ", ".join(f"{n} {t}" for n, t, _ in columns)
            await connection.execute(f"create table {table} ({definitions}, primary key ({key or 'source_id'}))")
            await connection.execute(f"create temp table new_{table} (like {table})")
        return cls(connection)

    async def begin(self) -> None:
        self._transaction = self._connection.transaction()
        await self._transaction.start()

    async def write(self, orders: Sequence[Order]) -> None:
        for table, rows in rows_of(orders).items():
            columns = COLUMNS[table]
            records = await asyncio.to_thread(_records, columns, rows)
            names = [n for n, _, _ in columns]
            await self._connection.copy_records_to_table(f"new_{table}", records=records, columns=names)
            key = [n for n in names if n in ("order_id", "source_id") and (table != "orders" or n == "source_id")]
            changes = ", ".join(f"{n} = excluded.{n}" for n in names if n not in key)
            await self._connection.execute(
                f"insert into {table} ({', '.join(names)}) select {', '.join(names)} from new_{table}"
                f" on conflict ({', '.join(key)}) do update set {changes}; truncate new_{table}"
            )

    async def commit(self) -> None:
        await self._transaction.commit()

    async def query(self, text: str) -> Any:
        return await self._connection.fetchval(text)

    async def close(self) -> None:
        await self._connection.close()


def _records(columns: Sequence[Column], rows: Sequence[Any]) -> list[tuple[Any, ...]]:
    convert: dict[str, Callable[[str], Any]] = {_MONEY: Decimal, _TIME: datetime.fromisoformat}
    data = []
    for _, kind, read in columns:
        values = [read(row) for row in rows]
        change = convert.get(kind)
        data.append([value and change(value) for value in values] if change else values)
    return list(zip(*data, strict=True))


async def load(source: Source, store: DuckStore | PostgresStore | None) -> None:
    """Everything once. A batch is written while the next one is read."""
    if store is not None:
        await store.begin()
    batch: list[Order] = []
    pages, writing = 0, None
    async for rows in source.pages():
        pages += 1
        if store is None:
            continue
        batch += rows
        if pages % _BATCH_PAGES == 0:
            if writing is not None:
                await writing
            writing, batch = asyncio.ensure_future(store.write(batch)), []
    if store is not None:
        if writing is not None:
            await writing
        await store.write(batch)
        await store.commit()


async def landed(store: DuckStore | PostgresStore) -> dict[str, Any]:
    """Rows by table and two sums, read back."""
    return {
        "rows": {table: await store.query(f"select count(*) from {table}") for table in TABLES},
        "total": f"{await store.query('select sum(total_amount) from orders'):.2f}",
        "pieces": int(await store.query("select sum(quantity) from order_lines")),
    }


async def main() -> None:
    """First load, then everything again."""
    task, report = read_task(), Report()
    source, mode = Source({**task, "report": report}), task["mode"]
    if mode == "drain":
        report.facts["bytes"] = await source.drain()
    elif mode == "decode":
        with report.phase("first"):
            await load(source, None)
    else:
        store = await PostgresStore.open(task["dsn"]) if mode == "postgres" else DuckStore(task)
        for name in ("first", "again"):
            with report.phase(name):
                await load(source, store)
        report.facts |= await landed(store)
        await store.close()
    report.facts |= {"requests": source.requests}
    report.facts["versions"] = {n: version(n) for n in ("duckdb", "asyncpg", "msgspec")} | {
        "python": platform.python_version()
    }
    report.send()


if __name__ == "__main__":
    uvloop.run(main())
