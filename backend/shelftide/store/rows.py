"""From a database row to a Struct: checked, so that a column that changed its type is found here and not in a page."""

from typing import TypeVar

import msgspec
from sqlalchemy import RowMapping

T = TypeVar("T", bound=msgspec.Struct)


def to_struct(row: RowMapping, kind: type[T]) -> T:
    """The row as `kind`. Raises msgspec.ValidationError naming the field that does not fit."""
    # SQLAlchemy's keys are a subclass of str, which msgspec does not take.
    return msgspec.convert({str(key): value for key, value in row.items()}, kind)
