"""What people say about products and content: the queue, and their words. Console and API use it alike."""

from typing import Annotated

import msgspec

from shelftide.core.errors import NotFoundError
from shelftide.core.scope import Scope
from shelftide.jobs.match_products import match_products
from shelftide.jobs.services import Services
from shelftide.store.repositories.agencies import record
from shelftide.store.repositories.products import (
    ContentLink,
    ProductItem,
    UnlinkedContent,
    decide_item,
    decide_link,
    list_items,
    list_links,
    list_unlinked,
)
from shelftide.store.unit_of_work import UnitOfWork

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=400)]


class ProductQueue(msgspec.Struct, frozen=True, kw_only=True):
    """What waits for a person's word."""

    items: list[ProductItem]
    links: list[ContentLink]
    unlinked: list[UnlinkedContent]


class ItemDecision(msgspec.Struct, frozen=True, kw_only=True):
    """The item is `quantity` pieces of the anchor's product; without an anchor it is a product of its own."""

    item: Text
    anchor: Text | None = None
    quantity: Annotated[int, msgspec.Meta(ge=1, le=999)] = 1


class LinkDecision(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the content shows the product."""

    content_id: Text
    product_id: Text
    yes: bool


async def read_queue(services: Services, scope: Scope) -> ProductQueue:
    """Items, links and content of a brand that wait."""
    async with UnitOfWork(services.database, scope) as uow:
        items, links = await list_items(uow), await list_links(uow)
        return ProductQueue(
            items=[item for item in items if item.state in ("suggested", "alone")],
            links=[link for link in links if not link.applied],
            unlinked=await list_unlinked(uow),
        )


async def say_item(services: Services, scope: Scope, said: ItemDecision) -> None:
    """Keep a person's word on an item. Raises NotFoundError for items that the brand does not have."""
    async with UnitOfWork(services.database, scope) as uow:
        known = {item.item for item in await list_items(uow)}
        if said.item not in known or (said.anchor is not None and said.anchor not in known - {said.item}):
            raise NotFoundError
        await decide_item(uow, said.item, anchor=said.anchor, quantity=said.quantity)
        await match_again(uow, "product.matched", said.item)


async def say_link(services: Services, scope: Scope, said: LinkDecision) -> None:
    """Keep a person's word on a piece of content. Raises NotFoundError for content that waits nowhere."""
    async with UnitOfWork(services.database, scope) as uow:
        known = {link.content_id for link in await list_links(uow)}
        known |= {piece.content_id for piece in await list_unlinked(uow)}
        if said.content_id not in known:
            raise NotFoundError
        await decide_link(uow, said.content_id, said.product_id, yes=said.yes)
        await match_again(uow, "content.linked", said.content_id)


async def match_again(uow: UnitOfWork, action: str, target: str) -> None:
    """Write a word into the audit and match anew. Commits."""
    await record(uow, action, target=target)
    # No twin: a run that has begun may have read before this word.
    await match_products.enqueue(uow, lane="products", tenant_id=str(uow.scope.tenant_id))
    await uow.commit()
