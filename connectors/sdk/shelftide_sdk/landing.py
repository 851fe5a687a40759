"""Records as DuckDB tables, with nothing but the SDK: what an author looks at while the connector grows.

Tables and columns are those of the warehouse (see `shelftide_sdk.records.record`): one table a record type, money
as two columns, moments as TIMESTAMPTZ, a buyer as a key. Quarantined rows stand in `quarantine` with their reason.
"""

import importlib
import types
import typing
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from shelftide_sdk.connector import Page
from shelftide_sdk.errors import ConfigurationError
from shelftide_sdk.money import Money
from shelftide_sdk.pseudonyms import pseudonym
from shelftide_sdk.records import Customer, Record, RecordType, record_type

_COLUMNS = {
    bool: "BOOLEAN",
    int: "BIGINT",
    float: "DOUBLE",
    Decimal: "DECIMAL(38, 12)",
    datetime: "TIMESTAMPTZ",
    date: "DATE",
}
_MONEY = "DECIMAL(20, 6)"
_BATCH = 500
Key = tuple[Any, ...]


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(12)


class Landing:
    """Keeps the last row of each key, then writes a fresh file."""

    def __init__(self, path: Path) -> None:
        """Raises ConfigurationError when DuckDB is absent or there is a file that is no DuckDB file."""
        try:
            self._duckdb = importlib.import_module("duckdb")
        except ImportError as error:
            raise ConfigurationError("DuckDB is not installed.", hint="pip install 'shelftide-sdk[run]'") from error
        self._path = path
        self._rows: dict[str, dict[Key, Record]] = {}
        self._types: dict[str, RecordType] = {}
        self._rejects: list[tuple[str, str, str, str]] = []
        # Outside a tenant there is no tenant's key: buyers are told apart inside this file, no more.
        self._pseudonym = pseudonym(b"shelftide connector run")
        self._open().close()

    def _open(self) -> Any:
        try:
            if self._path.is_file() and (head := _head(self._path)) and head[8:] != b"DUCK":
                raise ConfigurationError(
                    f"{self._path} holds something else, which is left alone.", hint="Name a new file with --to."
                )
        except OSError as error:
            raise ConfigurationError(f"{self._path} cannot be read: {error.strerror}.", hint="Check --to.") from error
        try:
            return self._duckdb.connect(str(self._path))
        except self._duckdb.Error as error:
            reason = str(error).splitlines()[0]
            raise ConfigurationError(f"{self._path} cannot be opened: {reason}", hint="Check --to.") from error

    def add(self, page: Page, stream: str) -> None:
        """Take up a page: rows by key, deletions, quarantined rows."""
        for delete in page.deletes:
            found = record_type(delete.record)
            self._rows.get(found.table, {}).pop(tuple(delete.key[name] for name in found.key), None)
        for record in page.records:
            found = record_type(record)
            self._types[found.table] = found
            key = tuple(getattr(record, name) for name in found.key)
            self._rows.setdefault(found.table, {})[key] = record
        for reject in page.rejects:
            self._rejects.append((stream, reject.record, reject.reason, _json(reject.raw)))

    def write(self) -> dict[str, int]:
        """Replace the tables in the file, all or nothing. Returns rows by table."""
        connection = self._open()
        try:
            connection.execute("BEGIN")
            for table, rows in self._rows.items():
                self._write_table(connection, self._types[table], list(rows.values()))
            connection.execute(
                "CREATE OR REPLACE TABLE quarantine (stream VARCHAR, record VARCHAR, reason VARCHAR, raw VARCHAR)"
            )
            if self._rejects:
                connection.executemany("INSERT INTO quarantine VALUES (?, ?, ?, ?)", self._rejects)
            connection.execute("COMMIT")
        finally:
            connection.close()
        return {**{table: len(rows) for table, rows in self._rows.items()}, "quarantine": len(self._rejects)}

    def _write_table(self, connection: Any, kind: RecordType, rows: list[Record]) -> None:
        columns = columns_of(kind.cls)
        declared = ", ".join(f'"{name}" {sql}' for name, sql in columns.items())
        connection.execute(f'CREATE OR REPLACE TABLE "{kind.table}" ({declared})')
        one = "(" + ", ".join(f"CAST(? AS {sql})" for sql in columns.values()) + ")"
        for start in range(0, len(rows), _BATCH):
            batch = [self._values(row) for row in rows[start : start + _BATCH]]
            statement = f'INSERT INTO "{kind.table}" VALUES ' + ", ".join([one] * len(batch))  # noqa: S608  # names come from record types
            connection.execute(statement, [value for values in batch for value in values])

    def _values(self, record: Record) -> list[Any]:
        values: list[Any] = []
        for name, annotation in typing.get_type_hints(type(record)).items():
            value, kind = getattr(record, name), _plain(annotation)
            if kind is Money:
                values += [None, None] if value is None else [str(value.amount), value.currency]
            elif kind is Customer:
                values += self._customer(value)
            else:
                values.append(_value(value))
        return values

    def _customer(self, customer: Customer | None) -> list[str | None]:
        key = None if customer is None else self._pseudonym(customer)
        if customer is None or key is None:
            return [None] * 4
        return [*key, customer.purpose.value, customer.basis.value]


def columns_of(kind: type[Record]) -> dict[str, str]:
    """Columns of a record type with their DuckDB types."""
    found: dict[str, str] = {}
    for name, annotation in typing.get_type_hints(kind).items():
        plain = _plain(annotation)
        if plain is Money:
            found |= {f"{name}_amount": _MONEY, f"{name}_currency": "VARCHAR"}
        elif plain is Customer:
            names = ("customer_key", "customer_key_kind", "customer_purpose", "customer_basis")
            found |= dict.fromkeys(names, "VARCHAR")
        else:
            found[name] = _COLUMNS.get(plain, "VARCHAR")
    return found


def _plain(annotation: Any) -> Any:
    """`T` of `T | None`."""
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return next(part for part in typing.get_args(annotation) if part is not type(None))
    return annotation


def _value(value: Any) -> Any:
    if isinstance(value, tuple | list | dict):
        return _json(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value) if isinstance(value, str | Decimal) else value


def _json(value: Any) -> str:
    try:
        return msgspec.json.encode(value).decode()
    except (TypeError, ValueError):
        return repr(value)
