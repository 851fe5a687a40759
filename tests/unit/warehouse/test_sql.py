"""One statement, two engines: what is written differently, and what is refused."""

import re
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from sqlalchemy import Double, Float, Numeric, cast, func, literal, select
from sqlalchemy.exc import CompileError

from shelftide.warehouse.ddl import postgres_ddl
from shelftide.warehouse.lakes import LakeLogin, scram_verifier
from shelftide.warehouse.sql import DUCKLAKE, POSTGRES, compile_query
from shelftide.warehouse.tables import METADATA, table_of
from shelftide.warehouse.versions import known, known_at
from shelftide_sdk.records import RECORDS, Order


def test_the_engines_differ_in_the_schema_alone() -> None:
    orders = known(table_of(Order))
    statement = select(orders.c.source_id).where(orders.c.name.in_(["a", "b"]))
    lake, postgres = compile_query(statement, DUCKLAKE), compile_query(statement, POSTGRES)
    assert lake.text.replace("main.", "warehouse.") == postgres.text
    assert lake.values == postgres.values == ("a", "b")
    assert "superseded_at IS NULL" in lake.text


def test_the_moment_reaches_every_part_of_a_statement() -> None:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    first, second = known(table_of(Order)), known(table_of(Order))
    statement = select(first.c.name).join(second, first.c.source_id == second.c.source_id)
    query = compile_query(statement, POSTGRES, at)
    assert query.text.count("observed_at <=") == 2
    assert set(query.values) == {at}
    assert not compile_query(statement, POSTGRES).values


def test_a_fixed_moment_stays_fixed() -> None:
    fixed, asked = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)
    query = compile_query(select(known(table_of(Order), fixed).c.name), POSTGRES, asked)
    assert set(query.values) == {fixed}
    with pytest.raises(ValueError, match="time zone"):
        known_at(table_of(Order), datetime(2026, 1, 1))  # noqa: DTZ001  # naive on purpose


def test_a_number_without_precision_does_not_compile() -> None:
    orders = known(table_of(Order))
    with pytest.raises(CompileError, match="precision"):
        compile_query(select(cast(orders.c.customer_order_index, Numeric())), DUCKLAKE)
    with pytest.raises(CompileError, match="precision"):
        compile_query(select(literal(Decimal("0.00012"))), DUCKLAKE)
    for type_ in (Float(), Double()):
        assert "DOUBLE PRECISION" in compile_query(select(cast(func.count(), type_)), DUCKLAKE).text


def test_every_record_type_has_a_guarded_table() -> None:
    ddl = postgres_ddl()
    assert ddl == postgres_ddl()
    for record in RECORDS.values():
        name = f'warehouse."{record.table}"'
        assert f"create table {name} (" in ddl
        for clause in ("for select to app using", "for insert to app with check", "for delete to app using"):
            assert re.search(rf"create policy \w+ on {re.escape(name)} {clause}", ddl)
        assert re.search(r"for update to app using \(.*\) with check", ddl)
        assert f"alter table {name} force row level security;" in ddl
    assert len(METADATA.tables) == len(RECORDS)


def test_a_password_is_kept_as_a_verifier() -> None:
    first, second = scram_verifier("secret"), scram_verifier("secret")
    assert re.fullmatch(r"SCRAM-SHA-256\$4096:[\w+/=]{24}\$[\w+/=]{44}:[\w+/=]{44}", first)
    assert first != second
    assert "secret" not in repr(LakeLogin("lake", "secret"))
