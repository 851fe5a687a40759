"""SQL is written once. What differs between the engines is data here, never a branch in analytics."""

import re
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Select, Table, types
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.dialects.postgresql.base import PGTypeCompiler
from sqlalchemy.exc import CompileError
from sqlalchemy.sql import visitors
from sqlalchemy.sql.elements import ColumnClause, TextClause
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.selectable import CompoundSelect, TableClause

Statement = Select[*tuple[Any, ...]] | CompoundSelect[*tuple[Any, ...]]


class EngineTraits(msgspec.Struct, frozen=True):
    """How an engine says the few things that they say differently."""

    name: str
    schema: str
    row_address: str  # the hidden column that finds a row again inside one transaction
    address_type: str
    temporary: str  # what ends the definition of a table that lives for one transaction


DUCKLAKE = EngineTraits("ducklake", "main", "rowid", "bigint", "")
POSTGRES = EngineTraits("postgres", "warehouse", "ctid", "tid", " on commit drop")


class _TypeCompiler(PGTypeCompiler):
    """Types that mean the same on both engines."""

    def visit_NUMERIC(self, type_: types.Numeric[Any], **options: Any) -> str:  # noqa: N802  # SQLAlchemy's name
        if type_.precision is None:
            # DuckDB reads a bare NUMERIC as DECIMAL(18, 3), which turns 0.00012 into 0.
            raise CompileError("NUMERIC needs a precision: money is Numeric(20, 6), ratios are Double")
        return super().visit_NUMERIC(type_, **options)

    def visit_FLOAT(self, type_: types.Float[Any], **options: Any) -> str:  # noqa: N802  # SQLAlchemy's name
        return "DOUBLE PRECISION"  # FLOAT has four bytes in DuckDB, eight in Postgres


class WarehouseDialect(PGDialect_asyncpg):
    """The Postgres dialect, strict about types, that knows the moment a statement is asked for."""

    type_compiler_cls = _TypeCompiler
    supports_statement_cache = False

    def __init__(self, as_of: datetime | None = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # SQLAlchemy's signature has no types
        self.as_of = as_of


class Query(msgspec.Struct, frozen=True):
    """A statement ready to run: text with $1, $2…, values in order, and the result's columns."""

    text: str
    values: tuple[Any, ...]
    columns: tuple[tuple[str, pa.DataType | None], ...]


_DIALECT = WarehouseDialect()
_DENIED = re.compile(
    r"^(postgres_|read_|write_|pg_(?!typeof)|duckdb_|ducklake_|parquet_|pragma_|sqlite_|mysql_|http_|iceberg_|delta_|lo_"
    r"|dblink|glob$|getenv|query$|query_table|sniff_csv|which_secret|current_setting|set_config|load_|st_|xml|query_to"
    r"|table_to|schema_to|database_to|cursor_to|copy_|getvariable|arrow_scan|pandas_scan|python_|seq_scan|test_|nextval"
    r"|has_|txid|inet_|version$)"
)
_TEXT_CALL = re.compile(r"([A-Za-z_][A-Za-z_0-9]*)\"?\s*\(")
_TEXT_DENIED = re.compile(
    r";|--|/\*|\b(select|from|join|attach|copy|install|load|pragma|call|set|into)\b", re.IGNORECASE
)


class RefusedStatementError(ValueError):
    """A statement reaches for something that is not the warehouse's."""


def compile_query(statement: Statement, traits: EngineTraits, as_of: datetime | None = None) -> Query:
    """Compile for an engine.

    Raises:
        RefusedStatementError: a table or function that is no part of the warehouse.
        sqlalchemy.exc.CompileError: a type that the engines understand differently.
    """
    refuse_foreign(statement)
    compiled = statement.compile(
        dialect=_DIALECT if as_of is None else WarehouseDialect(as_of),
        schema_translate_map={"warehouse": traits.schema},
        render_schema_translate=True,
    )
    state = compiled.construct_expanded_state()
    columns = tuple((column.key or "", arrow_type(column.type)) for column in statement.selected_columns)
    return Query(state.statement, tuple(state.positional_parameters or ()), columns)


def refuse_foreign(statement: Statement) -> None:
    """The second wall beside the engine's own: only tables of the warehouse, no function that reaches outside."""
    if not isinstance(statement, Select | CompoundSelect):
        raise RefusedStatementError("only a SELECT may be asked")
    for element in _parts(statement):
        match element:
            case Table():
                if element.schema != "warehouse" or "record" not in element.info:
                    raise RefusedStatementError(f"no table of the warehouse: {element.name}")
            case TableClause():
                raise RefusedStatementError(f"no table of the warehouse: {element.name}")
            case FunctionElement():
                _refuse_function(str(getattr(element, "name", "")))
            case TextClause():
                _refuse_text(element.text)
            case ColumnClause() if element.is_literal:
                _refuse_text(str(element.name))


def _parts(statement: Statement) -> Iterator[Any]:
    seen: set[int] = set()
    for element in visitors.iterate(statement):
        if id(element) not in seen:
            seen.add(id(element))
            yield element


def _refuse_function(name: str) -> None:
    if _DENIED.match(name.lower()):
        raise RefusedStatementError(f"function {name} is not allowed")


def _refuse_text(text: str) -> None:
    if _TEXT_DENIED.search(text):
        raise RefusedStatementError("hand-written SQL may hold expressions only")
    for name in _TEXT_CALL.findall(text):
        _refuse_function(name)


def arrow_type(type_: types.TypeEngine[Any]) -> pa.DataType | None:
    """The Arrow type of a result column, or None where the statement does not say."""
    match type_:
        case types.Double() | types.Float():
            return pa.float64()
        case types.Numeric():
            return pa.decimal128(38, 6 if type_.scale is None else type_.scale)
        case types.Integer():
            return pa.int64()
        case types.Boolean():
            return pa.bool_()
        case types.DateTime():
            return pa.timestamp("us", "UTC")
        case types.Date():
            return pa.date32()
        case types.String() | types.Uuid():
            return pa.string()
    return None


def shape(table: pa.Table, query: Query) -> pa.Table:
    """Give a result the columns that the statement promises, the same from both engines."""
    arrays = []
    for column, (_, promised) in zip(table.columns, query.columns, strict=True):
        wanted = promised
        if wanted is None and (pa.types.is_decimal(column.type) or pa.types.is_floating(column.type)):
            wanted = pa.float64()  # averages and quotients
        arrays.append(_cast(column, wanted))
    return pa.table(arrays, names=[name for name, _ in query.columns])


def from_rows(rows: list[Any], query: Query) -> pa.Table:
    """Rows of Python values as Arrow, typed as the statement promises."""
    arrays = []
    for index, (_, promised) in enumerate(query.columns):
        values = [_plain(row[index]) for row in rows]
        inferred = any(isinstance(value, Decimal) for value in values)
        arrays.append(pa.array(values, None if inferred else promised))
    return shape(pa.table(arrays, names=[str(i) for i in range(len(arrays))]), query)


def _cast(column: pa.ChunkedArray, wanted: pa.DataType | None) -> pa.ChunkedArray:
    if wanted is None or column.type == wanted:
        return column
    if pa.types.is_decimal(column.type) and pa.types.is_decimal(wanted) and column.type.scale > wanted.scale:
        return pc.round(column, ndigits=wanted.scale, round_mode="half_to_even").cast(wanted, safe=False)
    return column.cast(wanted)


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, UUID) else value


def quote(name: str) -> str:
    """A name as an identifier; some records have fields named like keywords (`window`, `zone`, `day`)."""
    return '"' + name.replace('"', '""') + '"'


def table_name(table: Table, traits: EngineTraits) -> str:
    """A table's full name on an engine."""
    return f"{traits.schema}.{quote(table.name)}"


def type_name(type_: types.TypeEngine[Any]) -> str:
    """A type as both engines read it."""
    text: str = _DIALECT.type_compiler_instance.process(type_)
    return text


def column_definitions(table: Table) -> list[str]:
    """`name type [not null]` of each column, for CREATE TABLE on either engine."""
    return [
        f"{quote(column.name)} {type_name(column.type)}{'' if column.nullable else ' not null'}"
        for column in table.columns
    ]
