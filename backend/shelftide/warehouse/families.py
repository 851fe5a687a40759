"""Rows that belong to another row: what goes with an order or a product that a platform removed."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select

from shelftide.warehouse.tables import TABLES, table_of
from shelftide.warehouse.versions import history, known
from shelftide.warehouse.warehouse import Warehouse
from shelftide_sdk import Delete
from shelftide_sdk.records import RECORDS, Record, record_type

# By the removed row's type: the types whose rows name it, and by which field.
_CHILDREN = {
    "Order": (("OrderLine", "order_id"), ("Refund", "order_id"), ("Touch", "order_id")),
    "Product": (("Variant", "product_id"),),
}
_PARENTS = {child: (parent, field) for parent, found in _CHILDREN.items() for child, field in found}
Key = tuple[str, tuple[str, ...]]


def key_of(delete: Delete) -> Key:
    """A removed row's type and key values, in the key's order, as text."""
    kind = record_type(delete.record)
    return kind.name, tuple(str(delete.key.get(name)) for name in kind.key)


def is_of(record: Record, removed: set[Key]) -> bool:
    """Whether a record is one of the removed rows or belongs to one."""
    kind = record_type(record)
    if (kind.name, tuple(str(getattr(record, name)) for name in kind.key)) in removed:
        return True
    parent, field = _PARENTS.get(kind.name, ("", ""))
    return bool(parent) and (parent, (str(getattr(record, field)),)) in removed


async def with_children(warehouse: Warehouse, connection_id: UUID, deletes: Sequence[Delete]) -> list[Delete]:
    """The deletes, and those of the rows that belong to what they remove."""
    found = list(deletes)
    for name, children in _CHILDREN.items():
        ids = [str(delete.key.get("source_id")) for delete in deletes if record_type(delete.record).name == name]
        if ids:
            for child, field in children:
                found += await _children(warehouse, connection_id, child, field, ids)
    return found


async def _children(
    warehouse: Warehouse, connection_id: UUID, name: str, field: str, ids: Iterable[str]
) -> list[Delete]:
    kind = RECORDS[name]
    rows = known(TABLES[name])
    statement = select(*(rows.c[part] for part in kind.key)).where(
        rows.c.connection_id == connection_id, rows.c[field].in_(list(ids))
    )
    return [Delete(kind.cls, row) for row in (await warehouse.query(statement)).to_pylist()]


async def customers_of_orders(warehouse: Warehouse, connection_id: UUID, order_ids: Sequence[str]) -> list[str]:
    """The customer keys that any version of these orders carries."""
    if not order_ids:
        return []
    rows = history(table_of(RECORDS["Order"]))
    statement = (
        select(rows.c.customer_key)
        .where(
            rows.c.connection_id == connection_id,
            rows.c.source_id.in_(list(order_ids)),
            rows.c.customer_key.is_not(None),
        )
        .distinct()
    )
    found: list[dict[str, Any]] = (await warehouse.query(statement)).to_pylist()
    return [str(row["customer_key"]) for row in found]
