"""The Postgres engine's schema as text, for the migrations. Deterministic: the same record types, the same text."""

from sqlalchemy import Table

from shelftide.warehouse.sql import POSTGRES, column_definitions, quote, table_name
from shelftide.warehouse.tables import METADATA, SCHEMA, customer_fields, record_of

PARTITIONS = 8
_READABLE = (
    "tenant_id = any ((select string_to_array(nullif(current_setting('app.tenants', true), ''), ',')::uuid[])::uuid[])"
)
_WRITABLE = "tenant_id = nullif(current_setting('app.tenant', true), '')::uuid"


def postgres_ddl() -> str:
    """All statements that make the warehouse in an empty database, for its owner to run."""
    parts = [f"create schema {SCHEMA};", f"grant usage on schema {SCHEMA} to app;"]
    for table in METADATA.sorted_tables:
        parts += table_ddl(table)
    return "\n".join(parts) + "\n"


def table_ddl(table: Table) -> list[str]:
    """The statements of one table: partitions, indexes, policies, rights."""
    name = table_name(table, POSTGRES)
    columns = ",\n    ".join(column_definitions(table))
    return [
        f"create table {name} (\n    {columns}\n) partition by hash (tenant_id);",
        *(_partition(table, number) for number in range(PARTITIONS)),
        *_indexes(table),
        f"alter table {name} enable row level security;",
        f"alter table {name} force row level security;",
        f"create policy readable on {name} for select to app using ({_READABLE});",
        f"create policy insertable on {name} for insert to app with check ({_WRITABLE});",
        f"create policy updatable on {name} for update to app using ({_WRITABLE}) with check ({_WRITABLE});",
        f"create policy deletable on {name} for delete to app using ({_WRITABLE});",
        f"grant select, insert, update, delete on {name} to app;",
    ]


def _partition(table: Table, number: int) -> str:
    part = f"{SCHEMA}.{quote(f'{table.name}_{number}')}"
    bounds = f"for values with (modulus {PARTITIONS}, remainder {number})"
    # A partition asked for by its own name would pass by its parent's policies.
    return (
        f"create table {part} partition of {table_name(table, POSTGRES)} {bounds};\n"
        f"alter table {part} enable row level security;\nalter table {part} force row level security;"
    )


def _indexes(table: Table) -> list[str]:
    name = table_name(table, POSTGRES)
    own = f"on {name} (tenant_id"
    current = ", ".join(["connection_id", *map(quote, record_of(table).key)])
    statements = [
        f"create unique index {quote(f'{table.name}_current')} {own}, {current}) where superseded_at is null;",
        (
            f"create index {quote(f'{table.name}_closed')} {own}, connection_id, superseded_at)"
            " where superseded_at is not null;"
        ),
    ]
    if "local_day" in table.c:
        statements.append(f"create index {quote(f'{table.name}_day')} {own}, local_day);")
    if fields := customer_fields(table):
        key = quote(fields[0])
        statements.append(f"create index {quote(f'{table.name}_customer')} {own}, {key}) where {key} is not null;")
    return statements
