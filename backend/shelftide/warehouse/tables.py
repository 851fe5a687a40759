"""One table a record type, derived from it. The only description of the warehouse's schema."""

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Date, DateTime, Double, MetaData, Numeric, Table, Text, Uuid
from sqlalchemy.types import TypeEngine

from shelftide.warehouse.fields import Field, Kind, columns_of, fields_of
from shelftide_sdk.records import RECORDS, Record, RecordType, record_type

SCHEMA = "warehouse"
METADATA = MetaData(schema=SCHEMA)

SYSTEM_COLUMNS = (
    "tenant_id",
    "connection_id",
    "platform",
    "local_day",
    "fetched_at",
    "observed_at",
    "superseded_at",
    "row_hash",
)

_MOMENT = DateTime(timezone=True)
_MONEY = Numeric(20, 6)
_TYPES: dict[Kind, TypeEngine[Any]] = {
    Kind.TEXT: Text(),
    Kind.CHOICE: Text(),
    Kind.TEXTS: Text(),
    Kind.INTEGER: BigInteger(),
    Kind.BOOLEAN: Boolean(),
    Kind.DATE: Date(),
    Kind.MOMENT: _MOMENT,
    Kind.DOUBLE: Double(),
    Kind.DECIMAL: _MONEY,
    Kind.RATIO: Numeric(20, 12),
    Kind.CUSTOMER: Text(),
}


def _field_columns(field: Field) -> list[Column[Any]]:
    names = columns_of(field)
    if field.kind is Kind.MONEY:
        types: list[TypeEngine[Any]] = [_MONEY, Text()]
    else:
        types = [_TYPES[field.kind]] * len(names)
    # A customer may lack all that identifies: then its columns are empty although the field is set.
    nullable = field.nullable or field.kind is Kind.CUSTOMER
    return [Column(name, type_, nullable=nullable) for name, type_ in zip(names, types, strict=True)]


def _table(record: RecordType) -> Table:
    content = [column for field in fields_of(record) for column in _field_columns(field)]
    if taken := {column.name for column in content}.intersection(SYSTEM_COLUMNS):
        raise TypeError(f"{record.name}: reserved column names: {', '.join(sorted(taken))}")
    day = [Column("local_day", Date(), nullable=False)] if record.day else []
    return Table(
        record.table,
        METADATA,
        Column("tenant_id", Uuid(), nullable=False),
        Column("connection_id", Uuid(), nullable=False),
        Column("platform", Text(), nullable=False),
        *day,
        Column("fetched_at", _MOMENT, nullable=False),
        Column("observed_at", _MOMENT, nullable=False),
        Column("superseded_at", _MOMENT),
        Column("row_hash", BigInteger(), nullable=False),
        *content,
        info={"record": record},
    )


TABLES: dict[str, Table] = {record.name: _table(record) for record in RECORDS.values()}


def table_of(record: type[Record] | RecordType) -> Table:
    """The table of a record class. Raises KeyError for a class that is not registered."""
    return TABLES[record.name if isinstance(record, RecordType) else record_type(record).name]


def record_of(table: Table) -> RecordType:
    """The record type behind a table."""
    found: RecordType = table.info["record"]
    return found


def customer_fields(table: Table) -> tuple[str, ...]:
    """Names of the customer columns of a table, the key first; empty where it knows no customer."""
    fields = fields_of(record_of(table))
    return tuple(name for field in fields if field.kind is Kind.CUSTOMER for name in columns_of(field))
