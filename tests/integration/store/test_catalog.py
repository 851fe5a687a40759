"""The catalog lint finds nothing in our schema, and finds every wall that somebody takes down."""

import asyncpg
import pytest

from shelftide.store.catalog import lint
from shelftide.store.embedded import Dsns, EmbeddedPostgres
from shelftide.store.policies import definer_ddl

MUTANTS = {
    "policy dropped": ("drop policy app_read on connections", "policy missing"),
    "row security off": ("alter table credentials disable row level security", "row-level security is off"),
    "force dropped": ("alter table tenants no force row level security", "row-level security is not forced"),
    "read for all": ("alter policy app_read on runs using (true)", "policy not foreseen"),
    "write unchecked": ("alter policy app_insert on quarantine with check (true)", "policy not foreseen"),
    "one more policy": ("create policy extra on users for select to app using (true)", "policy not foreseen"),
    "policy for everybody": ("create policy extra on clients for select to public using (true)", "policy not foreseen"),
    "table without class": ("create table notes (id int)", "no class"),
    "key without tenant": ("create unique index on connections (state) where false", "a unique key without tenant"),
    "tenant not first": ("create unique index on connections (account_id, tenant_id) where false", "does not lead"),
    "loose reference": (
        "alter table stream_states add constraint loose foreign key (stream) references simulated (name)",
        "carries no tenant",
    ),
    "definer function": (
        "create function peek() returns bigint language sql security definer as 'select count(*) from tenants'",
        "security-definer",
    ),
    "session's function widened": (
        definer_ddl()[0].replace("CREATE", "CREATE OR REPLACE").replace(" and u.active", ""),
        "security-definer",
    ),
    "session's function for the gate": (
        "grant execute on function person_of_session(bytea) to gate",
        "security-definer",
    ),
    "session's function for all": ("grant execute on function person_of_session(bytea) to public", "security-definer"),
    "session's function looks about": (
        "alter function person_of_session(bytea) set search_path = public",
        "security-definer",
    ),
    "owner reads more": ("create policy owner_read on grants for select to owner using (true)", "policy not foreseen"),
    "plain view": ("create view everything as select * from tenants", "without security_invoker"),
    "materialized view": ("create materialized view frozen as select * from tenants", "materialized view"),
    "granted to all": ("grant select on tenants to public", "PUBLIC may SELECT"),
    "audit may be erased": ("grant delete on audit to app", "app may DELETE"),
    "gate sees secrets": ("grant select on credentials to gate", "gate may SELECT"),
    "facts unforced": ("alter table warehouse.orders no force row level security", "not forced"),
    "facts open": ("alter policy readable on warehouse.orders using (true)", "policy not foreseen"),
}


async def test_our_schema_has_no_finding(installation: Dsns) -> None:
    connection = await asyncpg.connect(installation.owner)
    try:
        assert await lint(connection) == []
    finally:
        await connection.close()


@pytest.mark.parametrize("name", MUTANTS)
async def test_a_planted_hole_is_found(installation: Dsns, name: str) -> None:
    statement, expected = MUTANTS[name]
    connection = await asyncpg.connect(installation.owner)
    try:
        transaction = connection.transaction()
        await transaction.start()
        if name == "loose reference":
            await connection.execute("create table simulated (name text primary key)")
        await connection.execute(statement)
        findings = await lint(connection)
        await transaction.rollback()
    finally:
        await connection.close()
    assert any(expected in finding.what for finding in findings), findings


@pytest.mark.parametrize(
    ("statement", "expected"),
    [("alter role app bypassrls", "has rolbypassrls"), ("grant owner to app", "is a member of owner")],
)
async def test_a_role_that_grew_is_found(
    installation: Dsns, server: EmbeddedPostgres, statement: str, expected: str
) -> None:
    connection = await asyncpg.connect(server.superuser_dsn())
    try:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute(statement)
        findings = await lint(connection)
        await transaction.rollback()
    finally:
        await connection.close()
    assert any(expected in finding.what for finding in findings), findings
