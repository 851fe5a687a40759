"""Which version of a row counts: the current one, or the one known at a moment.

A version is known from `observed_at` until `superseded_at`; the current one is not superseded.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Subquery, Table, and_, bindparam, or_, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from shelftide.warehouse.sql import WarehouseDialect


class _Known(ColumnElement[bool]):
    """The predicate, left open until the query says as of when."""

    inherit_cache = False
    type = Boolean()

    def __init__(self, table: Table) -> None:
        self.table = table


def known(table: Table, as_of: datetime | None = None) -> Subquery:
    """The rows of `table` as known at `as_of`; without it, at the moment that `Warehouse.query` is given (or now).

    Use it instead of the table: `orders = known(table_of(Order)); select(func.count()).select_from(orders)`.
    """
    predicate = _Known(table) if as_of is None else known_at(table, as_of)
    return select(table).where(predicate).subquery()


def history(table: Table) -> Subquery:
    """All versions of all rows of `table`."""
    return select(table).subquery()


def known_at(table: Table, as_of: datetime | None) -> ColumnElement[bool]:
    """The predicate on `table` itself. Raises ValueError for a naive `as_of`."""
    if as_of is None:
        return table.c.superseded_at.is_(None)
    if as_of.tzinfo is None:
        raise ValueError("as_of must have a time zone")
    moment = bindparam("as_of", as_of, table.c.observed_at.type, unique=True)
    return and_(table.c.observed_at <= moment, or_(table.c.superseded_at.is_(None), table.c.superseded_at > moment))


@compiles(_Known)
def _compile_known(element: _Known, compiler: SQLCompiler, **options: Any) -> str:
    dialect = compiler.dialect
    as_of = dialect.as_of if isinstance(dialect, WarehouseDialect) else None
    text: str = compiler.process(known_at(element.table, as_of), **options)
    return text
