"""Products over channels and their content: results of the rules, and people's words. One brand at a time."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Table, delete, func, select
from sqlalchemy.dialects.postgresql import insert

from shelftide.store.models import (
    aliases,
    content_links,
    link_decisions,
    product_decisions,
    product_items,
    unlinked_content,
)
from shelftide.store.rows import to_struct
from shelftide.store.unit_of_work import UnitOfWork

_CHUNK = 2_000


class ProductItem(msgspec.Struct, frozen=True, kw_only=True):
    """What one channel sells. `product` is the channel's own product of it, `anchor` the item that it is all over,
    `quantity` pieces of it."""

    item: str
    product: str
    channel: str
    title: str
    sku: str | None
    state: str
    anchor: str | None
    quantity: int
    how: str | None
    confidence: float | None


class ContentLink(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of content leads to a product; not `applied` means that a person should say."""

    content_id: str
    product_id: str
    kind: str
    confidence: float
    applied: bool
    because: str
    caption: str
    views: int | None


class UnlinkedContent(msgspec.Struct, frozen=True, kw_only=True):
    """Much viewed, and nobody knows for which product."""

    content_id: str
    caption: str
    views: int


async def replace_products(
    uow: UnitOfWork,
    *,
    items: Sequence[Mapping[str, Any]],
    links: Sequence[Mapping[str, Any]],
    unlinked: Sequence[Mapping[str, Any]],
) -> None:
    """Put what the rules found now in place of what they found before."""
    for table, rows in ((product_items, items), (content_links, links), (unlinked_content, unlinked)):
        await uow.connection.execute(delete(table).where(table.c.tenant_id == uow.scope.tenant_id))
        for start in range(0, len(rows), _CHUNK):
            chunk = [{"tenant_id": uow.scope.tenant_id, **row} for row in rows[start : start + _CHUNK]]
            await uow.connection.execute(insert(table).values(chunk))


async def list_items(uow: UnitOfWork) -> list[ProductItem]:
    """All items of the brand, products together."""
    c = product_items.c
    found = await _all(uow, product_items, ProductItem, func.coalesce(c.anchor, c.item), c.item)
    return [each for each in found if isinstance(each, ProductItem)]


async def list_links(uow: UnitOfWork) -> list[ContentLink]:
    """All links of the brand, most viewed content first."""
    c = content_links.c
    found = await _all(uow, content_links, ContentLink, c.views.desc().nulls_last(), c.content_id, c.product_id)
    return [each for each in found if isinstance(each, ContentLink)]


async def list_unlinked(uow: UnitOfWork) -> list[UnlinkedContent]:
    """Content that waits for a person, most viewed first."""
    c = unlinked_content.c
    found = await _all(uow, unlinked_content, UnlinkedContent, c.views.desc(), c.content_id)
    return [each for each in found if isinstance(each, UnlinkedContent)]


async def _all(uow: UnitOfWork, table: Table, kind: type[msgspec.Struct], *order: Any) -> list[msgspec.Struct]:
    columns = [table.c[name] for name in kind.__struct_fields__]
    statement = select(*columns).where(table.c.tenant_id.in_(uow.scope.tenant_ids)).order_by(*order)
    return [to_struct(row, kind) for row in (await uow.connection.execute(statement)).mappings()]


async def decide_item(uow: UnitOfWork, item: str, *, anchor: str | None, quantity: int) -> None:
    """A person says which product an item is, or (None) that it is one of its own."""
    values = {"anchor": anchor, "quantity": quantity, "decided_by": uow.scope.subject_id, "decided_at": func.now()}
    await _decide(uow, product_decisions, {"item": item}, values)


async def decide_link(uow: UnitOfWork, content_id: str, product_id: str, *, yes: bool) -> None:
    """A person says whether content shows a product."""
    values = {"yes": yes, "decided_by": uow.scope.subject_id, "decided_at": func.now()}
    await _decide(uow, link_decisions, {"content_id": content_id, "product_id": product_id}, values)


async def _decide(uow: UnitOfWork, table: Table, key: dict[str, Any], values: dict[str, Any]) -> None:
    await uow.connection.execute(
        insert(table)
        .values(tenant_id=uow.scope.tenant_id, **key, **values)
        .on_conflict_do_update(index_elements=["tenant_id", *key], set_=values)
    )


async def item_decisions(uow: UnitOfWork) -> list[tuple[str, str | None, int]]:
    """(item, anchor, quantity) of each decision."""
    c = product_decisions.c
    statement = select(c.item, c.anchor, c.quantity).where(c.tenant_id == uow.scope.tenant_id)
    return [(row[0], row[1], row[2]) for row in (await uow.connection.execute(statement)).all()]


async def read_link_decisions(uow: UnitOfWork) -> dict[tuple[str, str], bool]:
    """(content, product) -> what was said."""
    c = link_decisions.c
    statement = select(c.content_id, c.product_id, c.yes).where(c.tenant_id == uow.scope.tenant_id)
    return {(row[0], row[1]): row[2] for row in (await uow.connection.execute(statement)).all()}


async def add_alias(uow: UnitOfWork, kind: str, entity: str, name: str) -> None:
    """Add a further name. Adding it again changes nothing."""
    await uow.connection.execute(
        insert(aliases)
        .values(tenant_id=uow.scope.tenant_id, kind=kind, entity=entity, name=name, added_by=uow.scope.subject_id)
        .on_conflict_do_nothing()
    )


async def read_aliases(uow: UnitOfWork, kind: str) -> dict[str, list[str]]:
    """Further names by entity."""
    c = aliases.c
    statement = select(c.entity, c.name).where(c.tenant_id == uow.scope.tenant_id, c.kind == kind).order_by(c.name)
    found: dict[str, list[str]] = {}
    for entity, name in (await uow.connection.execute(statement)).all():
        found.setdefault(entity, []).append(name)
    return found
